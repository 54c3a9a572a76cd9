//! The demuxer: walks the elements of a file and gives the frames of its blocks.

mod blocks;
mod collect;
mod header;
mod search;
mod seek;
mod tail;
mod walk;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Packet, Time};

use self::collect::Collect;
use self::search::Search;
use self::seek::Fetch;
use self::tail::Tail;
use super::index::Index;
use super::segment::Segment;
use super::track::Track;
use crate::window::Window;
use crate::{DemuxError, Demuxer, SeekTo, Step};

/// Gaps up to this are read through rather than jumped over: a new request costs more.
const READ_THROUGH: u64 = 256 * 1024;
/// What is asked for at once where only a start is known.
const HEAD_HINT: u64 = 64 * 1024;

/// Gives the packets of Matroska and WebM.
pub struct MkvDemuxer {
    window: Window,
    /// Where the next element begins, or where one is looked for.
    at: u64,
    /// No bytes follow those at hand.
    ended: bool,
    total_len: Option<u64>,
    /// Bytes come in one order only: nothing can be asked for from another place.
    one_way: bool,
    /// Out of step: the next cluster is looked for.
    scanning: bool,
    /// Nothing follows; what was found is given.
    is_over: bool,
    /// An element that is read out of turn.
    fetch: Option<Fetch>,
    segments: Vec<Segment>,
    cluster: Option<Cluster>,
    first_cluster: Option<u64>,
    tracks: Vec<Track>,
    info: MediaInfo,
    reported: bool,
    info_due: bool,
    /// The cues, once they were read.
    cues: Option<Index>,
    /// Clusters that were met.
    seen: Index,
    sink: Sink,
    ready: VecDeque<Packet>,
    /// Of the block at hand.
    frames: Vec<Bytes>,
    made: VecDeque<Packet>,
    /// When the latest packet that was given ends.
    end: Time,
    tail_was_seen: bool,
    damage: u64,
}

/// The cluster that is being read.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    offset: u64,
    /// Where its body begins and ends.
    body: u64,
    end: Option<u64>,
    /// Which segment it belongs to.
    segment: usize,
    /// Its time in ticks, once that was read.
    ticks: Option<i64>,
}

/// Where packets go.
enum Sink {
    /// To who polls.
    Give,
    /// Nowhere: a cluster of a certain time is looked for.
    Search(Search),
    /// They wait until it is known from which one on they are given.
    Collect(Collect),
    /// Nowhere: only the last time counts.
    Measure(Box<Tail>),
}

/// What a step of the machine came to.
enum Turn {
    /// Something to tell.
    Tell(Step),
    /// The state changed; go on.
    On,
}

/// Whether the bytes are there that are to be read next.
enum Reach {
    There,
    Ask(Step),
    /// There are none.
    Nowhere,
}

impl Default for MkvDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl MkvDemuxer {
    /// Waits for the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self {
            window: Window::default(),
            at: 0,
            ended: false,
            total_len: None,
            one_way: false,
            scanning: false,
            is_over: false,
            fetch: None,
            segments: Vec::new(),
            cluster: None,
            first_cluster: None,
            tracks: Vec::new(),
            info: MediaInfo {
                container: super::CONTAINER.name,
                ..MediaInfo::default()
            },
            reported: false,
            info_due: false,
            cues: None,
            seen: Index::default(),
            sink: Sink::Give,
            ready: VecDeque::new(),
            frames: Vec::new(),
            made: VecDeque::new(),
            end: Time::ZERO,
            tail_was_seen: false,
            damage: 0,
        }
    }

    /// A demuxer for an initialisation segment and the media segments that follow it, pushed as one resource (WebM in
    /// DASH). It never answers [`Step::Want`], and can not be sought; times are those of the clusters.
    #[must_use]
    pub fn for_segments() -> Self {
        Self {
            one_way: true,
            ..Self::new()
        }
    }

    /// The same where the container begins behind something else.
    pub(super) fn begins_at(mut self, offset: u64) -> Self {
        self.window.restart(offset);
        self.at = offset;
        self
    }

    fn damaged(&mut self) {
        // What lies at the end counts when it is given, not when it is measured.
        if !matches!(self.sink, Sink::Measure(_)) {
            self.damage = self.damage.saturating_add(1);
        }
    }

    /// Whether no byte can lie there.
    fn is_outside(&self, offset: u64) -> bool {
        self.total_len.is_some_and(|len| offset >= len)
    }

    /// Goes where the next element begins.
    fn reach(&mut self) -> Reach {
        if let Some(gap) = self.at.checked_sub(self.window.start()) {
            self.window.skip(usize::try_from(gap).unwrap_or(usize::MAX));
            let left = self.at.saturating_sub(self.window.start());
            if left == 0 && self.window.len() > 0 {
                return Reach::There;
            }
            if self.ended || self.is_outside(self.at) {
                return Reach::Nowhere;
            }
            if self.one_way || left <= READ_THROUGH {
                return Reach::Ask(Step::NeedMore);
            }
        }
        if self.one_way || self.is_outside(self.at) {
            return Reach::Nowhere;
        }
        self.window.restart(self.at);
        self.ended = false;
        Reach::Ask(Step::Want(match self.reported {
            // Clusters follow clusters.
            true => ByteRange::from(self.at),
            false => ByteRange::of(self.at, HEAD_HINT),
        }))
    }

    /// Tells what the headers said, when that is due.
    fn emit_info(&mut self) -> Step {
        self.info_due = false;
        self.reported = true;
        let has_cues = match &self.cues {
            Some(cues) => !cues.is_empty(),
            None => self.segments.first().is_some_and(|s| s.cues_at.is_some()),
        };
        self.info.seekable = !self.one_way && (has_cues || self.total_len.is_some());
        self.info.tracks = self.tracks.iter().map(|track| track.info.clone()).collect();
        Step::Info(Arc::new(self.info.clone()))
    }

    fn turn(&mut self) -> Result<Turn, DemuxError> {
        match self.reach() {
            Reach::Ask(step) => Ok(Turn::Tell(step)),
            Reach::Nowhere => self.walked_to_end(),
            Reach::There if self.scanning => self.scan(),
            Reach::There => self.walk(),
        }
    }
}

impl Demuxer for MkvDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.window.push(offset, data);
    }

    fn finish(&mut self) {
        self.ended = true;
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            if self.info_due && self.reported && matches!(self.sink, Sink::Give) {
                return Ok(self.emit_info());
            }
            if let Some(packet) = self.ready.pop_front() {
                return Ok(Step::Packet(packet));
            }
            if self.is_over {
                return Ok(Step::End);
            }
            if let Turn::Tell(step) = self.turn()? {
                return Ok(step);
            }
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        self.go_to(target)
    }

    fn find_duration(&mut self) -> bool {
        self.look_at_end()
    }

    fn damage(&self) -> u64 {
        self.damage
    }
}
