//! The demuxer: walks the boxes of a file, then gives its samples.

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Time, TrackKind};

use super::boxes::{BoxHead, FourCc, HeadLook, children, look_at_head};
use super::fragment::TrackFragment;
use super::index::{FragmentIndex, Place};
use super::moov::Movie;
use super::store::Store;
use super::track::{Head, Track};
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};

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
    told: Option<Arc<MediaInfo>>,
    info_due: bool,
    index: FragmentIndex,
    /// All fragments tell their time: they can be entered anywhere.
    timed: bool,
    /// Where the boxes behind `moov` begin.
    behind_movie: u64,
    waiting_fragments: u32,
    /// A seek in fragments that has not arrived.
    goal: Option<Time>,
    damage: u64,
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
    /// Something to tell.
    Tell(Step),
    /// The state changed; go on.
    On,
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
            told: None,
            info_due: false,
            index: FragmentIndex::default(),
            timed: true,
            behind_movie: 0,
            waiting_fragments: 0,
            goal: None,
            damage: 0,
            one_way: false,
            given: 0,
            furthest: 0,
        }
    }

    /// A demuxer for an init segment and the media segments that follow it, pushed as one
    /// resource: offsets go on from one to the next. It never answers [`Step::Want`]: what lies
    /// ahead is waited for, a sample that lies behind is left out and counted as damage. Another
    /// init segment may come at any time. Times are those of `tfdt`.
    #[must_use]
    pub fn for_segments() -> Self {
        Self {
            one_way: true,
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
        self.store.restart(offset);
        Step::Want(ByteRange::of(offset, len))
    }

    /// Lets go bytes that nobody needs any more.
    fn let_go(&mut self) {
        let walk = match self.walks_on || self.tracks.is_empty() {
            true => Some(self.at),
            false => None,
        };
        let kept_start = self.media_start.filter(|_| self.tracks.is_empty());
        let heads = self.tracks.iter().filter_map(Track::head);
        let needed = heads
            .map(|head| head.sample.offset)
            .chain(walk)
            .chain(kept_start);
        self.store.discard(needed);
    }

    fn walk(&mut self) -> Result<Turn, DemuxError> {
        if self.is_outside(self.at) || self.at == NOWHERE {
            return self.walked_to_end();
        }
        let data = self.store.peek(self.at, 16);
        match look_at_head(&data) {
            HeadLook::Head(head) => self.enter_box(head),
            HeadLook::Need(count) => {
                let count = count as u64;
                if self.is_outside(self.at.saturating_add(count).saturating_sub(1)) {
                    self.damaged();
                    return self.walked_to_end();
                }
                let hint = count.max(HEAD_HINT);
                Ok(Turn::Tell(self.need(self.at, hint)))
            }
            // Rubbish behind the index: samples may still be sound.
            HeadLook::Bad(_) if self.info_is_known() => {
                self.damaged();
                self.at = NOWHERE;
                self.walked_to_end()
            }
            HeadLook::Bad(kind) => Err(malformed(
                self.at,
                "mp4.box.too_short",
                format!("box {} is shorter than its head", printable(kind)),
            )),
        }
    }

    fn info_is_known(&self) -> bool {
        self.info_due || self.told.is_some()
    }

    /// The boxes end. What is known is given, if anything is.
    fn walked_to_end(&mut self) -> Result<Turn, DemuxError> {
        if !self.info_is_known() {
            return Err(match (self.len, self.media_start) {
                (Some(_), Some(offset)) => malformed(
                    offset,
                    "mp4.moov.missing",
                    "media data without an index (moov): the recording was not finished".to_owned(),
                ),
                (len, _) => DemuxError::TruncatedHeader {
                    at: len.unwrap_or(self.at),
                },
            });
        }
        self.goal = None;
        self.state = match self.has_samples() {
            true => State::Giving,
            false if self.len.is_some_and(|len| self.at >= len) || self.at == u64::MAX => {
                State::Ended
            }
            false => State::Ended,
        };
        Ok(self.tell_info())
    }

    fn has_samples(&self) -> bool {
        self.tracks.iter().any(|track| track.head().is_some())
    }

    /// Tells what the headers said, when that is due.
    fn tell_info(&mut self) -> Turn {
        if !core::mem::take(&mut self.info_due) {
            return Turn::On;
        }
        let ranges_help = self.len.is_some() || !self.index.is_empty();
        self.info.seekable = !self.one_way && (!self.walks_on || ranges_help);
        if self.walks_on && self.index.end.is_some() {
            self.info.duration = self.index.end;
        }
        if self.told.as_deref() == Some(&self.info) {
            return Turn::On;
        }
        let info = Arc::new(self.info.clone());
        self.told = Some(Arc::clone(&info));
        Turn::Tell(Step::Info(info))
    }

    fn enter_box(&mut self, head: BoxHead) -> Result<Turn, DemuxError> {
        let end = head.len.map(|len| self.at.saturating_add(len));
        match &head.kind {
            b"moov" | b"moof" | b"sidx" => self.read_whole(head),
            b"mdat" if self.has_samples() || self.info_due => {
                if let Turn::Tell(step) = self.tell_info() {
                    return Ok(Turn::Tell(step));
                }
                self.waiting_fragments = 0;
                if self.has_samples() {
                    self.state = State::Giving;
                }
                self.at = end.unwrap_or(NOWHERE);
                Ok(Turn::On)
            }
            kind => {
                if kind == b"mdat" && self.media_start.is_none() {
                    self.media_start =
                        Some(self.at).filter(|_| head.len.is_some_and(|len| len <= READ_THROUGH));
                }
                self.at = end.unwrap_or(NOWHERE);
                Ok(Turn::On)
            }
        }
    }

    /// Reads a box that is of use only as a whole.
    fn read_whole(&mut self, head: BoxHead) -> Result<Turn, DemuxError> {
        let len = match (head.len, self.len) {
            (Some(len), _) => len,
            (None, Some(end)) => end.saturating_sub(self.at),
            (None, None) => {
                let at_hand = self.store.feed_end().saturating_sub(self.at);
                return match at_hand > MAX_INDEX {
                    true => Err(too_large(at_hand)),
                    false => Ok(Turn::Tell(Step::NeedMore)),
                };
            }
        };
        if len > MAX_INDEX {
            return Err(too_large(len));
        }
        let end = self.at.saturating_add(len);
        let usize_len = usize::try_from(len).map_err(|_| too_large(len))?;
        let Some(whole) = self.store.slice(self.at, usize_len) else {
            if self.len.is_some_and(|file| end > file) {
                return self.cut_box(head);
            }
            return Ok(Turn::Tell(self.need(self.at, len)));
        };
        let head_len = usize::try_from(head.head_len).unwrap_or(0);
        let body = whole.slice(head_len.min(whole.len())..);
        match &head.kind {
            b"moov" => self.read_movie(&body, end),
            b"moof" => self.read_fragment(&body, end),
            _ => {
                if self.index.read(&body, end).is_err() {
                    self.damaged();
                }
                self.at = end;
                Ok(Turn::On)
            }
        }
    }

    /// The file ends within a box that is needed whole.
    fn cut_box(&mut self, head: BoxHead) -> Result<Turn, DemuxError> {
        if head.kind == *b"moov" && !self.info_is_known() {
            return Err(DemuxError::TruncatedHeader {
                at: self.len.unwrap_or(self.at),
            });
        }
        self.damaged();
        self.at = NOWHERE;
        self.walked_to_end()
    }

    fn read_movie(&mut self, body: &Bytes, end: u64) -> Result<Turn, DemuxError> {
        if self.has_samples() {
            // A new init segment: what the old one described comes first.
            self.state = State::Giving;
            return Ok(Turn::On);
        }
        let movie = Movie::parse(body, &mut self.damage);
        let playable = movie.tracks.iter().any(|track| {
            matches!(
                track.info.kind(),
                TrackKind::Video | TrackKind::Audio | TrackKind::Subtitle
            )
        });
        if !playable {
            return Err(DemuxError::NoTracks);
        }
        self.info = movie.info();
        let fragmented = movie.fragmented;
        self.tracks = movie.tracks.into_iter().map(Track::new).collect();
        self.at = end;
        self.behind_movie = end;
        self.info_due = true;
        // An init segment need not say that fragments follow.
        self.walks_on = fragmented || !self.has_samples();
        if !fragmented && self.has_samples() {
            self.state = State::Giving;
            return Ok(self.tell_info());
        }
        Ok(Turn::On)
    }

    fn read_fragment(&mut self, body: &Bytes, end: u64) -> Result<Turn, DemuxError> {
        if let Turn::Tell(step) = self.tell_info() {
            return Ok(Turn::Tell(step));
        }
        if self.tracks.is_empty() {
            return Err(malformed(
                self.at,
                "mp4.moov.missing",
                "a fragment without the init segment that describes its tracks".to_owned(),
            ));
        }
        if self.waiting_fragments >= MAX_WAITING_FRAGMENTS && self.has_samples() {
            self.waiting_fragments = 0;
            self.state = State::Giving;
            return Ok(Turn::On);
        }
        self.waiting_fragments = self.waiting_fragments.saturating_add(1);
        let moof = self.at;
        self.add_runs(body, moof);
        self.at = end;
        if let Some(goal) = self.goal {
            self.approach(goal);
        }
        Ok(Turn::On)
    }

    fn add_runs(&mut self, body: &Bytes, moof: u64) {
        let lead = self.lead();
        let mut data_end = moof;
        let mut first = true;
        for traf in children(body).filter(|child| child.kind == *b"traf") {
            let Ok(fragment) = TrackFragment::parse(&traf.body, moof, first) else {
                self.damaged();
                continue;
            };
            first = false;
            let found = self
                .tracks
                .iter_mut()
                .enumerate()
                .find(|(_, track)| track.described.info.id.0 == fragment.track);
            let Some((index, track)) = found else {
                continue;
            };
            if fragment.empty {
                continue;
            }
            self.timed &= fragment.start.is_some();
            let runs = fragment.runs(&track.described, &mut track.next_dts, &mut data_end);
            if let Some(run) = runs.first().filter(|_| lead == Some(index)) {
                let edit = track.described.edits.first();
                let time = edit.map(|edit| edit.present(track.described.clock, run.start()));
                self.index.add(Place {
                    time: time.unwrap_or_default(),
                    offset: moof,
                });
            }
            let waiting = self.goal.is_some();
            for run in runs {
                track.add_run(run, waiting);
            }
        }
    }

    /// On the way to a time: is it within the fragments at hand?
    fn approach(&mut self, goal: Time) {
        let Some(lead) = self.lead() else {
            return;
        };
        let Some(track) = self.tracks.get(lead) else {
            return;
        };
        if !track.has_runs() && self.waiting_fragments < MAX_WAITING_FRAGMENTS {
            // Of the other tracks only: it may belong to the fragment that comes next.
            return;
        }
        let Some((time, dts)) = track.key_in_runs(goal) else {
            for track in &mut self.tracks {
                track.forget_runs();
            }
            self.waiting_fragments = 0;
            return;
        };
        self.goal = None;
        for (index, track) in self.tracks.iter_mut().enumerate() {
            match index == lead {
                true => track.skip_runs_to(dts),
                false => track.skip_runs_before(time),
            }
        }
    }

    /// The track whose key frames decide where a seek goes.
    fn lead(&self) -> Option<usize> {
        let of_kind = |kind| self.tracks.iter().position(|track| track.kind() == kind);
        of_kind(TrackKind::Video)
            .or_else(|| of_kind(TrackKind::Audio))
            .or_else(|| (!self.tracks.is_empty()).then_some(0))
    }

    fn give(&mut self) -> Turn {
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
            .and_then(|track| track.head().copied())
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
            return Turn::Tell(self.need(sample.offset, u64::from(sample.size)));
        };
        if let Some(info) = self
            .tracks
            .get_mut(index)
            .and_then(|t| t.switch_to(sample.entry))
        {
            if let Some(told) = self.info.tracks.get_mut(index) {
                *told = info;
            }
            self.info_due = true;
            if let Turn::Tell(step) = self.tell_info() {
                return Turn::Tell(step);
            }
        }
        self.give_packet(index, &head, data)
    }

    fn give_packet(&mut self, index: usize, head: &Head, data: Bytes) -> Turn {
        self.furthest = self.furthest.max(head.sample.end());
        let cost = head.sample.size.max(MIN_COST);
        self.given = self.given.saturating_add(u64::from(cost));
        let sound = self.len.unwrap_or(0).max(self.furthest).saturating_mul(4);
        if self.given > sound.saturating_add(HEAD_HINT) {
            self.damaged();
            self.state = State::Ended;
            return Turn::On;
        }
        let Some(track) = self.tracks.get(index) else {
            return Turn::On;
        };
        let packet = track.packet(head, data);
        self.advance(index);
        self.let_go();
        Turn::Tell(Step::Packet(packet))
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

    /// Seeks in the tables of the movie box.
    fn seek_tables(&mut self, target: SeekTo, lead: usize) {
        let nearest = target.mode == SeekMode::Nearest;
        let arrived = self
            .tracks
            .get_mut(lead)
            .and_then(|track| track.seek(target.time, nearest));
        let time = arrived.unwrap_or(target.time);
        for (index, track) in self.tracks.iter_mut().enumerate() {
            if index != lead {
                track.follow(time);
            }
        }
        self.restart_fragments();
        self.state = State::Giving;
    }

    /// Seeks in fragments: to the last known one before the time, from there on by looking.
    fn seek_fragments(&mut self, target: SeekTo) {
        for track in &mut self.tracks {
            track.leave_tables();
        }
        self.restart_fragments();
        let place = self.index.before(target.time).or(self.index.first());
        if let Some(place) = place.filter(|_| self.timed) {
            self.at = place.offset;
        }
        self.goal = Some(target.time);
        self.state = State::Walking;
    }

    fn restart_fragments(&mut self) {
        self.at = self.behind_movie;
        for track in &mut self.tracks {
            track.next_dts = track.tables_ticks();
        }
    }
}

fn malformed(offset: u64, reason: &'static str, what: String) -> DemuxError {
    DemuxError::Malformed {
        container: "MP4",
        offset,
        reason,
        what,
    }
}

fn too_large(size: u64) -> DemuxError {
    DemuxError::TooLarge {
        what: "the index of the file",
        size,
        limit: MAX_INDEX,
    }
}

fn printable(kind: FourCc) -> String {
    kind.escape_ascii().to_string()
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

    fn set_len(&mut self, total_len: u64) {
        self.len = Some(self.ended_at.map_or(total_len, |end| end.min(total_len)));
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            let turn = match self.state {
                State::Walking => self.walk()?,
                State::Giving => self.give(),
                State::Ended => return Ok(Step::End),
            };
            if let Turn::Tell(step) = turn {
                return Ok(step);
            }
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        if self.one_way {
            return Err(DemuxError::NotSeekable("its segments come in one order"));
        }
        let Some(lead) = self.lead() else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        self.waiting_fragments = 0;
        self.given = 0;
        self.goal = None;
        for track in &mut self.tracks {
            track.forget_runs();
        }
        let tables_end = self
            .tracks
            .get(lead)
            .filter(|track| track.has_table_samples())
            .map(Track::tables_end);
        match tables_end {
            Some(end) if !self.walks_on || target.time < end => {
                self.seek_tables(target, lead);
            }
            _ => self.seek_fragments(target),
        }
        Ok(())
    }

    fn damage(&self) -> u64 {
        self.damage
    }
}
