//! The demuxer: walks the boxes of a file, then gives its samples.

mod pages;
mod seek;
mod tail;
mod walk;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Time};

use self::seek::Goal;
use self::tail::TailRead;
use super::chapters::TitlePlace;
use super::index::FragmentIndex;
use super::outline::{Outline, Paging};
use super::sample_crypto::SampleState;
use super::store::Store;
use super::track::{Head, Track};
use crate::{DemuxError, Demuxer, EventMessage, SeekTo, Step};

/// Boxes that must be read whole may be so long.
const MAX_INDEX: u64 = 64 * 1024 * 1024;
/// Samples may be so long.
const MAX_SAMPLE: u32 = 64 * 1024 * 1024;
/// Gaps up to this are read through rather than jumped over: a new request costs more.
const READ_THROUGH: u64 = 256 * 1024;
/// The same where the bytes in between will be needed later.
const READ_AHEAD: u64 = 4 * 1024 * 1024;
/// What a sample counts at least against its file's length.
const MIN_COST: u32 = 8;
/// What a jump counts: files that jump for every sample end.
const JUMP_COST: u64 = 8 * 1024;
/// What is given in any case before files are judged.
const FREE: u64 = 1024 * 1024;
/// How far tracks may run apart in the order of the file.
const MAX_SKEW: Time = Time::from_millis(1000);
/// Fragments that may wait for their data.
const MAX_WAITING_FRAGMENTS: u32 = 64;
/// Behind the last box there is nothing.
const NOWHERE: u64 = u64::MAX;
/// What is asked for at once where only a start is known.
const HEAD_HINT: u64 = 64 * 1024;

/// Gives the packets of MP4, QuickTime and fragmented MP4.
pub struct Mp4Demuxer {
    store: Store,
    /// Length of the resource, once told or reached, whichever is less.
    len: Option<u64>,
    /// Where the resource ended.
    ended_at: Option<u64>,
    state: State,
    /// Where the next box of the outermost level begins.
    at: u64,
    /// What begins the media data that was passed over before the index came.
    media_start: Option<u64>,
    tracks: Vec<Track>,
    /// Tracks may get (more) samples from fragments.
    walks_on: bool,
    info: MediaInfo,
    reported: Option<Arc<MediaInfo>>,
    info_due: bool,
    index: FragmentIndex,
    /// All fragments tell their time: they can be entered anywhere.
    timed: bool,
    /// Where the boxes behind `moov` begin.
    behind_movie: u64,
    waiting_fragments: u32,
    /// Messages that nobody took yet.
    events: Vec<EventMessage>,
    /// A seek in fragments that has not arrived.
    goal: Option<Goal>,
    damage: u64,
    /// What is looked for at the end of the file before anything else is done.
    tail_read: TailRead,
    end_was_seen: bool,
    /// The index may be read in pieces.
    paging: Option<Paging>,
    outline: Option<Outline>,
    /// Where the pages of a table begin that are waited for.
    page: Option<u64>,
    /// A seek in tables of which pages are missing.
    seeking: Option<SeekTo>,
    /// A packet was given since the last seek.
    has_given: bool,
    /// Titles of chapters that are to be read.
    titles: VecDeque<TitlePlace>,
    /// Bytes come in one order only: nothing can be asked for from another place.
    one_way: bool,
    /// Bytes that samples claimed so far: tables that name the same bytes again and again end.
    given: u64,
    furthest: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Reading boxes.
    Walking,
    /// Giving the samples that are known.
    Giving,
    Ended,
}

/// What a step of the machine came to.
enum Turn {
    /// A step to emit.
    Emit(Step),
    /// The state changed; go on.
    On,
}

impl Turn {
    fn step(self) -> Option<Step> {
        match self {
            Self::Emit(step) => Some(step),
            Self::On => None,
        }
    }
}

impl Default for Mp4Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Mp4Demuxer {
    /// Waits for the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self {
            store: Store::new(),
            len: None,
            ended_at: None,
            state: State::Walking,
            at: 0,
            media_start: None,
            tracks: Vec::new(),
            walks_on: false,
            info: MediaInfo::default(),
            reported: None,
            info_due: false,
            index: FragmentIndex::default(),
            timed: true,
            behind_movie: 0,
            waiting_fragments: 0,
            events: Vec::new(),
            goal: None,
            damage: 0,
            tail_read: TailRead::None,
            end_was_seen: false,
            paging: None,
            outline: None,
            page: None,
            seeking: None,
            has_given: false,
            titles: VecDeque::new(),
            one_way: false,
            given: 0,
            furthest: 0,
        }
    }

    /// A demuxer for an init segment and the media segments that follow it, pushed as one
    /// resource, whose offsets go on from one to the next, or one after the other, each after
    /// [`next_resource`](Demuxer::next_resource). It never answers [`Step::Want`]: what lies
    /// ahead is waited for, a sample that lies behind is left out and counted as damage. Another
    /// init segment may come at any time. Times are those of `tfdt`.
    #[must_use]
    pub fn for_segments() -> Self {
        Self {
            one_way: true,
            ..Self::new()
        }
    }

    /// A demuxer that reads every index in small pieces.
    #[cfg(test)]
    pub(super) fn in_pieces() -> Self {
        let paging = Paging {
            long: 64,
            page: 48,
            first: 64,
            ahead: 200,
        };
        Self {
            paging: Some(paging),
            ..Self::new()
        }
    }

    fn damaged(&mut self) {
        self.damage = self.damage.saturating_add(1);
    }

    /// No byte lies at or behind that offset.
    fn is_outside(&self, offset: u64) -> bool {
        self.len.is_some_and(|len| offset >= len)
    }

    /// Asks for bytes that are not at hand.
    fn need(&mut self, offset: u64, len: u64) -> Step {
        self.let_go();
        let end = self.store.feed_end();
        let begin = self.store.feed_begin();
        let used_between = self
            .tracks
            .iter()
            .filter_map(Track::head)
            .any(|head| (begin..offset).contains(&head.sample.offset));
        let ahead = match used_between {
            true => READ_AHEAD,
            false => READ_THROUGH,
        };
        if begin <= offset && (self.one_way || offset <= end.saturating_add(ahead)) {
            return Step::NeedMore;
        }
        self.given = self.given.saturating_add(JUMP_COST);
        self.store.restart(offset);
        Step::Want(match self.info_is_known() {
            // Media follow media.
            true => ByteRange::from(offset),
            false => ByteRange::of(offset, len),
        })
    }

    /// Lets go bytes that nobody needs any more.
    fn let_go(&mut self) {
        if self.outline.is_some() {
            // The tables that were passed over begin in what is at hand.
            return;
        }
        let walk = match self.walks_on || self.tracks.is_empty() {
            true => Some(self.at),
            false => None,
        };
        let kept_start = self.media_start.filter(|_| self.tracks.is_empty());
        // What a track needs that begins later may lie a little before.
        let margin = match self
            .tracks
            .iter()
            .any(|track| track.pending_from().is_some())
        {
            true => READ_THROUGH,
            false => 0,
        };
        let heads = self.tracks.iter().filter_map(Track::head);
        let needed = heads
            .map(|head| head.sample.offset)
            .chain(walk)
            .chain(self.tail_read.offset())
            .chain(self.page)
            .chain(self.tracks.iter().find_map(Track::vectors_begin))
            .chain(kept_start);
        self.store.discard(needed, margin);
    }

    fn info_is_known(&self) -> bool {
        self.info_due || self.reported.is_some()
    }

    fn has_samples(&self) -> bool {
        let known = |track: &Track| track.head().is_some() || track.pending_from().is_some();
        self.tracks.iter().any(known)
    }

    /// Tells what the headers said, when that is due.
    fn emit_info(&mut self) -> Turn {
        if !core::mem::take(&mut self.info_due) {
            return Turn::On;
        }
        if self.one_way {
            self.index = FragmentIndex::default();
        }
        let ranges_help = self.len.is_some() || !self.index.is_empty();
        self.info.seekable = !self.one_way && (!self.walks_on || ranges_help);
        if self.walks_on {
            self.info.duration = self.index.duration(self.len).or(self.info.duration);
        }
        if self.reported.as_deref() == Some(&self.info) {
            return Turn::On;
        }
        let info = Arc::new(self.info.clone());
        self.reported = Some(Arc::clone(&info));
        Turn::Emit(Step::Info(info))
    }

    fn give(&mut self) -> Turn {
        if let Some(turn) = self.read_vectors().or_else(|| self.read_pages()) {
            return turn;
        }
        let Some(index) = self.next_track() else {
            self.state = match self.walks_on {
                true => State::Walking,
                false => State::Ended,
            };
            return Turn::On;
        };
        let Some(head) = self
            .tracks
            .get(index)
            .and_then(|track| track.head().cloned())
        else {
            return Turn::On;
        };
        let sample = head.sample;
        if sample.size == 0 || sample.size > MAX_SAMPLE {
            if sample.size > 0 {
                self.damaged();
            }
            self.advance(index);
            return Turn::On;
        }
        if head.crypto == SampleState::Unknown {
            self.damaged();
            self.advance(index);
            return Turn::On;
        }
        if self.len.is_some_and(|len| sample.end() > len) || sample.end() == NOWHERE {
            self.damaged();
            let beyond = self.is_outside(sample.offset);
            if let Some(track) = self.tracks.get_mut(index) {
                match beyond {
                    true => track.skip_outside(),
                    false => track.advance(),
                }
            }
            return Turn::On;
        }
        let len = usize::try_from(sample.size).unwrap_or(usize::MAX);
        let Some(data) = self.store.slice(sample.offset, len) else {
            if self.one_way && sample.offset < self.store.feed_begin() {
                self.damaged();
                self.advance(index);
                return Turn::On;
            }
            return Turn::Emit(self.need(sample.offset, u64::from(sample.size)));
        };
        if let Some(info) = self
            .tracks
            .get_mut(index)
            .and_then(|t| t.switch_to(sample.entry))
        {
            if let Some(reported) = self.info.tracks.get_mut(index) {
                *reported = info;
            }
            self.info_due = true;
            if let Turn::Emit(step) = self.emit_info() {
                return Turn::Emit(step);
            }
        }
        self.give_packet(index, &head, data)
    }

    fn give_packet(&mut self, index: usize, head: &Head, data: Bytes) -> Turn {
        self.furthest = self.furthest.max(head.sample.end());
        let cost = head.sample.size.max(MIN_COST);
        self.given = self.given.saturating_add(u64::from(cost));
        let plausible = self.len.unwrap_or(0).max(self.furthest).saturating_mul(4);
        if self.given > plausible.saturating_add(FREE) {
            self.damaged();
            self.state = State::Ended;
            return Turn::On;
        }
        let Some(track) = self.tracks.get(index) else {
            return Turn::On;
        };
        let packet = track.packet(head, data);
        self.has_given = true;
        self.advance(index);
        self.let_go();
        Turn::Emit(Step::Packet(packet))
    }

    fn advance(&mut self, index: usize) {
        if let Some(track) = self.tracks.get_mut(index) {
            track.advance();
        }
    }

    /// The track whose sample comes first in the file, unless another one would starve.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn next_track(&self) -> Option<usize> {
        let heads = || {
            self.tracks
                .iter()
                .enumerate()
                .filter_map(|(index, track)| Some((index, track.head()?)))
        };
        let (first, lowest) = heads().min_by_key(|(_, head)| head.sample.offset)?;
        let (due, earliest) = heads().min_by_key(|(_, head)| head.dts)?;
        Some(match lowest.dts - earliest.dts > MAX_SKEW {
            true => due,
            false => first,
        })
    }
}

impl Demuxer for Mp4Demuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.store.push(offset, data);
    }

    fn finish(&mut self) {
        let end = self.store.feed_end();
        self.ended_at = Some(self.ended_at.map_or(end, |known| known.min(end)));
        self.len = Some(self.len.map_or(end, |len| len.min(end)));
    }

    fn allow_random_access(&mut self) {
        self.paging = Some(Paging::NETWORK).filter(|_| !self.one_way);
    }

    fn set_len(&mut self, total_len: u64) {
        self.len = Some(self.ended_at.map_or(total_len, |end| end.min(total_len)));
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        if let Some(step) = self.read_tail() {
            return Ok(step);
        }
        loop {
            let turn = match self.state {
                State::Walking => self.walk()?,
                State::Giving => self.give(),
                State::Ended => return Ok(Step::End),
            };
            if let Turn::Emit(step) = turn {
                return Ok(step);
            }
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        self.go_to(target)
    }

    fn find_duration(&mut self) -> bool {
        if self.reported.is_none() {
            return false;
        }
        self.info.duration.is_none() && self.look_at_end() || self.look_for_titles()
    }

    fn next_resource(&mut self) -> bool {
        if !self.one_way {
            return false;
        }
        for track in &mut self.tracks {
            track.leave_tables();
            track.forget_runs();
        }
        self.store = Store::new();
        (self.len, self.ended_at) = (None, None);
        (self.state, self.at) = (State::Walking, 0);
        self.walks_on = true;
        self.media_start = None;
        self.waiting_fragments = 0;
        (self.given, self.furthest) = (0, 0);
        true
    }

    fn take_events(&mut self) -> Vec<EventMessage> {
        std::mem::take(&mut self.events)
    }

    fn damage(&self) -> u64 {
        self.damage
    }
}
