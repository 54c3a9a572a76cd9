//! Reads one rendition: keys, init sections and segments in their order, its playlist followed while it grows.

mod failing;
mod in_flight;
mod init_sections;
mod parts;
mod playlist;
mod progress;
mod renewal;
mod requesting;
mod seeking;
mod text;

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_fetch::Initiator;
use kinora_media::{MediaInfo, Packet, Time};
use kinora_subtitle::Cue;

use self::init_sections::InitSections;
use self::parts::PartLoading;
use self::playlist::Refresh;
use super::ROUNDING;
use super::index::{Discontinuity, PeriodEvents, Segment, SegmentIndex};
use super::requests::{LaneId, Request, Requests, Resource};
use super::segment_reader::{
    CarriedDemuxer, Carries, Neighbours, ReadStep, References, SegmentReader,
};
use super::timeline::{PreviousSegment, TimestampOffsets};
use crate::abr::Download;
use crate::cx::Cx;
use crate::ingest::manifest_reader::{ManifestReader, RenditionId};
use crate::recover::segments::Failed;

pub(super) use self::failing::Failure;
pub(super) use self::in_flight::SegmentInFlight;

/// Segments that are there or on their way, beside the one that is read.
const MAX_READERS: usize = 2;

/// What the loader has for its owner.
pub(super) enum LoaderEvent {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    Events(PeriodEvents),
    /// Of a document of text.
    Cues(Vec<Cue>),
    /// All segments were given.
    Ended,
    Failed(Failure),
    Parked(Fault),
    Expired(Fault),
    /// A segment that is named for the time of day alone was there only after so long. Negative: so much was for nothing.
    ClockIsFast(Time),
    /// A segment came whole.
    Downloaded(Option<Download>),
}

/// Where reading begins once the playlist is there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum StartPosition {
    /// Where the manifest or the user's settings say.
    Default,
    /// At the segment that holds a time.
    At(Time),
}

/// How far a loader is.
enum Phase {
    Running,
    /// Nothing beyond the segments under way is asked for.
    Draining,
    /// The same; the owner hears why once they are read.
    Failing(Failure),
    /// All segments were given, and the owner has heard of it.
    Ended,
}

/// What a lane knows of its rendition when it begins.
pub(super) struct Rendition {
    /// Where its playlist is asked for.
    pub(super) url: Secret,
    /// Who names it.
    pub(super) named_by: Initiator,
    pub(super) playlist: ManifestReader,
    /// Another rendition of the presentation, whose timeline it shares.
    pub(super) reference: Option<SegmentIndex>,
    pub(super) carries: Carries,
}

/// A segment that was not there yet though it was due.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    number: u64,
    /// How often it was asked for in vain.
    times: u32,
    /// By so much the clock was corrected for it.
    corrected: Time,
}

/// A rendition and its segments.
pub(super) struct Loader {
    id: LaneId,
    /// Where the playlist is asked for, each time anew.
    asked: Secret,
    named_by: Initiator,
    /// Where its newest version came from: what it names is relative to that.
    url: Secret,
    playlist: ManifestReader,
    refresh: Refresh,
    pub(super) index: Option<SegmentIndex>,
    /// A newer version of it came, which its owner has not seen.
    pub(super) is_renewed: bool,
    reference: Option<SegmentIndex>,
    /// Another place has the same segments.
    elsewhere: bool,
    start: StartPosition,
    /// What lies before that time is decoded at most.
    discard_before: Option<Time>,
    begins_at: Option<Time>,
    /// The segment that is asked for next.
    next: u64,
    phase: Phase,
    readers: VecDeque<SegmentReader>,
    inits: InitSections,
    parts: PartLoading,
    events: VecDeque<LoaderEvent>,
    /// The segment of which the last packet was.
    given: Option<u64>,
    /// The segment that was read last.
    previous: Option<PreviousSegment>,
    carried: Option<CarriedDemuxer>,
    /// The discontinuity of the segment that was asked for last.
    discontinuity: Option<Discontinuity>,
    /// What the segment that is asked for next may refer to.
    references: References,
    lost_in_a_row: u32,
    /// When the last segment was asked for.
    segment_asked_at: Time,
    /// The segment that was not there yet.
    awaited: Option<Awaited>,
    carries: Carries,
    /// Behind each seek one segment is read, and no other.
    one_at_a_time: bool,
}

impl Loader {
    pub(super) fn new(id: LaneId, rendition: Rendition, start: StartPosition) -> Self {
        Self {
            id,
            asked: rendition.url.clone(),
            named_by: rendition.named_by,
            url: rendition.url,
            playlist: rendition.playlist,
            refresh: Refresh::default(),
            index: None,
            is_renewed: false,
            reference: rendition.reference,
            elsewhere: false,
            start,
            discard_before: None,
            begins_at: None,
            next: 0,
            phase: Phase::Running,
            readers: VecDeque::new(),
            inits: InitSections::default(),
            parts: PartLoading::default(),
            events: VecDeque::new(),
            given: None,
            previous: None,
            carried: None,
            discontinuity: None,
            references: References::Intact,
            lost_in_a_row: 0,
            segment_asked_at: Time::ZERO,
            awaited: None,
            carries: rendition.carries,
            one_at_a_time: false,
        }
    }

    pub(super) fn id(&self) -> LaneId {
        self.id
    }

    pub(super) fn is_live(&self) -> bool {
        self.index.as_ref().is_some_and(SegmentIndex::is_live)
    }

    /// Whether another place has what one of its requests asks for.
    pub(super) fn has_elsewhere(&self, request: &Request) -> bool {
        let is_named = match request.resource {
            Resource::Segment(_) | Resource::Init(_) => true,
            Resource::Playlist => self.playlist.places_exactly(),
            Resource::Part(_)
            | Resource::Key(_)
            | Resource::Clock(_)
            | Resource::Licence(_)
            | Resource::Steering => false,
        };
        self.elsewhere && is_named
    }

    /// What reads its manifest.
    pub(super) fn manifest(&self) -> &ManifestReader {
        &self.playlist
    }

    /// Who names what its playlist names.
    pub(super) fn names(&self) -> Initiator {
        self.named_by.within(&self.asked, &self.url)
    }

    /// Where it began; `None`: its playlist is not here.
    pub(super) fn begins_at(&self) -> Option<Time> {
        self.begins_at
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.readers.iter().map(SegmentReader::held_bytes).sum()
    }

    pub(super) fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }

    pub(super) fn lost_in_a_row(&self) -> u32 {
        self.lost_in_a_row
    }

    /// Its playlist is not here yet: no segment of it was asked for.
    pub(super) fn is_unbegun(&self) -> bool {
        self.index.is_none() && self.given.is_none()
    }

    /// The segment that the last packet was of.
    pub(super) fn given(&self) -> Option<u64> {
        self.given
    }

    /// The segment that holds a time.
    pub(super) fn number_at(&self, time: Time) -> Option<u64> {
        self.index.as_ref()?.number_at(time)
    }

    /// Whether a segment is named.
    pub(super) fn has(&self, number: u64) -> bool {
        let index = self.index.as_ref();
        index.is_some_and(|index| index.segment(number).is_some())
    }

    /// The reader of the playlist of another rendition.
    pub(super) fn playlist_alongside(&self, id: RenditionId) -> ManifestReader {
        self.playlist.rendition(id)
    }

    /// The index that says where segments lie, its own or that of another rendition.
    pub(super) fn reference(&self) -> Option<SegmentIndex> {
        self.index.clone().or_else(|| self.reference.clone())
    }

    /// When the segment after those under way begins: a place to change the rendition. Of a live stream it may not be there
    /// yet.
    pub(super) fn border(&self) -> Option<Time> {
        if self.reads_parts() {
            return None;
        }
        let index = self.index.as_ref()?;
        let next = index.segment(self.next).map(|segment| segment.start);
        let last = index.segments.last().filter(|_| index.is_live());
        next.or_else(|| {
            last.filter(|last| last.number < self.next)
                .map(Segment::end)
        })
    }

    /// How long the segment that is asked for next lasts, or the last one.
    pub(super) fn next_duration(&self) -> Option<Time> {
        let index = self.index.as_ref()?;
        let next = index.segment(self.next).or(index.segments.last());
        next.map(|segment| segment.duration)
    }

    /// Where another rendition goes on in its place, behind the segments under way; where it was to begin itself, if it
    /// never came to that.
    pub(super) fn resumes(&self) -> StartPosition {
        let behind = || self.index.as_ref()?.segments.last().map(Segment::end);
        let time = self.border().or_else(behind);
        time.map_or(self.start, |time| StartPosition::At(time + ROUNDING))
    }

    /// Behind each seek one segment is read, and no other.
    pub(super) fn read_one_at_a_time(&mut self, one: bool) {
        self.one_at_a_time = one;
    }

    /// No segment beyond those under way is asked for.
    pub(super) fn drain(&mut self) {
        self.phase = Phase::Draining;
    }

    /// The next thing it has; `None` while bytes are missing.
    pub(super) fn poll(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        offsets: &mut TimestampOffsets,
    ) -> Option<LoaderEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if let Some(failure) = self.failure() {
                return Some(LoaderEvent::Failed(failure));
            }
            self.go_on(cx, requests);
            let around = self.neighbours();
            let Some(reader) = self.readers.front_mut() else {
                return self.end();
            };
            if let Some(key) = reader.needs_key() {
                let given = cx.keys.uris.get(&key.url)?;
                if let Err(fault) = reader.unlock(given, &key) {
                    let number = reader.segment.number;
                    let failed = Failed::SegmentContent { encrypted: true };
                    self.fail(cx, requests, failed, number, fault);
                    continue;
                }
            }
            let init = match reader.segment.init.clone() {
                Some(wanted) => match self.inits.clear(cx, &wanted)? {
                    Ok(data) => Some(data),
                    Err(fault) => {
                        self.lacks(cx, requests, &Resource::Init(wanted), fault);
                        continue;
                    }
                },
                None => None,
            };
            reader.inherit(&mut self.carried);
            match reader.read(init.as_ref(), offsets, around) {
                Ok(ReadStep::Packet(packet)) => {
                    if let Some(packet) = self.taken(cx, packet) {
                        return Some(LoaderEvent::Packet(packet));
                    }
                }
                Ok(ReadStep::Info(info)) => return Some(LoaderEvent::Info(info)),
                Ok(ReadStep::Events(events)) => return Some(LoaderEvent::Events(events)),
                Ok(ReadStep::Cues(cues)) => return Some(LoaderEvent::Cues(cues)),
                Ok(ReadStep::NeedData) => {
                    let number = reader.segment.number;
                    requests.grant(cx, self.id, &Resource::Segment(number));
                    self.grant_part(cx, requests, number);
                    return None;
                }
                Ok(ReadStep::End) => {
                    cx.tally.damage += reader.damage();
                    self.segment_is_read();
                }
                Err(fault) => {
                    let encrypted = reader.segment.key.is_some();
                    let number = reader.segment.number;
                    let failed = Failed::SegmentContent { encrypted };
                    self.fail(cx, requests, failed, number, fault);
                }
            }
        }
    }

    /// A packet of the segment at hand, if it is to be given.
    fn taken(&mut self, cx: &mut Cx, packet: Packet) -> Option<Packet> {
        self.lost_in_a_row = 0;
        let number = self.readers.front()?.segment.number;
        if self.was_given(number, &packet) {
            return None;
        }
        let reader = self.readers.front_mut()?;
        if reader.lacks_reference(&packet) {
            cx.tally.dropped += 1;
            return None;
        }
        self.given = Some(number);
        trimmed(packet, reader, self.discard_before)
    }

    /// What lies around the segment that is at hand.
    fn neighbours(&self) -> Neighbours {
        let this = self.readers.front().map(|reader| &reader.segment);
        let next = self.readers.get(1).map(|reader| &reader.segment);
        let goes_on = this.zip(next);
        Neighbours {
            previous: self.previous,
            goes_on: goes_on.is_some_and(|(this, next)| {
                next.follows(this.number, this.discontinuity) && !next.rotates_key_of(this)
            }),
        }
    }

    /// The segment at hand is through: the index moves to where it began and ended.
    fn segment_is_read(&mut self) {
        let Some(mut reader) = self.readers.pop_front() else {
            return;
        };
        self.previous = reader.placed();
        self.carried = reader.hand_on();
        // The beginning of one that was read from its midst on lies where it lay; the end of a key picture is not that of
        // its segment.
        let whole = !self.began_within(reader.segment.number) && !self.one_at_a_time;
        if let (Some(index), Some(previous)) = (&mut self.index, self.previous.filter(|_| whole)) {
            index.settle(previous.number, previous.start, previous.end);
        }
    }

    /// Nothing is being read.
    fn end(&mut self) -> Option<LoaderEvent> {
        let index = self.index.as_ref()?;
        let more = index.is_live() || index.segment(self.next).is_some();
        if more || !matches!(self.phase, Phase::Running) {
            return None;
        }
        self.phase = Phase::Ended;
        Some(LoaderEvent::Ended)
    }
}

/// A packet before the time at which playback begins, or outside its period, is decoded where others refer to it, and not
/// shown.
fn trimmed(mut packet: Packet, reader: &SegmentReader, before: Option<Time>) -> Option<Packet> {
    let period = reader.segment.period;
    let before = before.max(period.map(|period| period.start));
    let over = period
        .and_then(|period| period.end)
        .is_some_and(|end| packet.pts >= end);
    let hidden = over || before.is_some_and(|before| packet.pts + packet.duration <= before);
    packet.flags.decode_only |= hidden;
    (!hidden || reader.is_video(&packet)).then_some(packet)
}
