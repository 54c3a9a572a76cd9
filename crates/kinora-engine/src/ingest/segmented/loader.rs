//! Reads one rendition: keys, init sections and segments in their order, its playlist followed while it grows.

mod in_flight;
mod playlist;
mod progress;
mod renewal;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_fetch::Initiator;
use kinora_media::{ByteRange, MediaInfo, Packet, Time};
use kinora_protect::decrypt_segment;

use self::playlist::Refresh;
use super::ROUNDING;
use super::index::{Discontinuity, Init, Key, Segment, SegmentIndex};
use super::requests::{LaneId, Requests, Resource};
use super::segment_reader::{CarriedDemuxer, Join, ReadStep, References, SegmentReader};
use super::timeline::{PreviousSegment, TimestampOffsets};
use crate::cx::Cx;
use crate::ingest::manifest_reader::{ManifestReader, RenditionId};
use crate::recover::segments::Failed;

pub(super) use self::in_flight::SegmentInFlight;

/// Segments that are there or on their way, beside the one that is read.
const MAX_READERS: usize = 2;

/// What the loader has for its owner.
pub(super) enum LoaderEvent {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    /// All segments were given.
    Ended,
    Failed(Failure),
    Parked(Fault),
    Expired(Fault),
    /// A segment came whole: its bytes, and how long they took.
    Measured {
        bytes: u64,
        took: Time,
    },
}

/// Something could not be had or read; the segments before it were given. What is done about it says the owner.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) failed: Failed,
    pub(super) fault: Fault,
    /// The segment that is lost.
    pub(super) number: u64,
    /// Nothing comes behind it.
    pub(super) last: bool,
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

/// What a lane is told about its rendition when it begins.
pub(super) struct Rendition {
    /// Where its playlist is asked for.
    pub(super) url: Secret,
    /// Who names it.
    pub(super) named_by: Initiator,
    pub(super) playlist: ManifestReader,
    /// Another rendition of the presentation, whose timeline it shares.
    pub(super) reference: Option<SegmentIndex>,
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
    reference: Option<SegmentIndex>,
    start: StartPosition,
    /// What lies before that time is decoded at most.
    discard_before: Option<Time>,
    /// The segment that is asked for next.
    next: u64,
    phase: Phase,
    readers: VecDeque<SegmentReader>,
    inits: VecDeque<(Arc<Init>, InitSection)>,
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
            reference: rendition.reference,
            start,
            discard_before: None,
            next: 0,
            phase: Phase::Running,
            readers: VecDeque::new(),
            inits: VecDeque::new(),
            events: VecDeque::new(),
            given: None,
            previous: None,
            carried: None,
            discontinuity: None,
            references: References::Intact,
            lost_in_a_row: 0,
        }
    }

    pub(super) fn id(&self) -> LaneId {
        self.id
    }

    pub(super) fn is_live(&self) -> bool {
        self.index.as_ref().is_some_and(SegmentIndex::is_live)
    }

    pub(super) fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }

    pub(super) fn lost_in_a_row(&self) -> u32 {
        self.lost_in_a_row
    }

    /// The segment that the last packet was of.
    pub(super) fn given(&self) -> Option<u64> {
        self.given
    }

    /// The reader of the playlist of another rendition.
    pub(super) fn playlist_alongside(&self, id: RenditionId) -> ManifestReader {
        self.playlist.rendition(id)
    }

    /// The index that says where segments lie, its own or that of another rendition.
    pub(super) fn reference(&self) -> Option<SegmentIndex> {
        self.index.clone().or_else(|| self.reference.clone())
    }

    /// When the segment after those under way begins: a place to change the rendition.
    pub(super) fn border(&self) -> Option<Time> {
        let index = self.index.as_ref()?;
        index.segment(self.next).map(|segment| segment.start)
    }

    /// Where another rendition goes on in its place, behind the segments under way; where it was to begin itself, if it
    /// never came to that.
    pub(super) fn resumes(&self) -> StartPosition {
        let behind = || self.index.as_ref()?.segments.last().map(Segment::end);
        let time = self.border().or_else(behind);
        time.map_or(self.start, |time| StartPosition::At(time + ROUNDING))
    }

    /// No segment beyond those under way is asked for.
    pub(super) fn drain(&mut self) {
        self.phase = Phase::Draining;
    }

    /// Asks for what is wanted next.
    fn go_on(&mut self, cx: &mut Cx, requests: &mut Requests) {
        while let Phase::Running = self.phase
            && self.readers.len() < MAX_READERS
            && !requests.any(self.id, |request| request.is_segment())
        {
            let index = self.index.as_ref();
            let Some(segment) = index.and_then(|index| index.segment(self.next)).cloned() else {
                return;
            };
            if segment.gap {
                self.next += 1;
                self.references = References::Missing;
                cx.recovered(named_gap(&segment));
                continue;
            }
            let foreign = segment.keys().find_map(|key| match key.as_ref() {
                Key::Foreign(error) => Some(error.fault()),
                Key::Aes128 { .. } => None,
            });
            if let Some(fault) = foreign {
                let fault = fault.at_url(self.url.expose());
                return self.fail(cx, requests, Failed::Description, self.next, fault);
            }
            self.next += 1;
            self.ask_for_needs(cx, requests, &segment);
            let (url, range) = (segment.url.clone(), segment.range);
            self.ask(cx, requests, Resource::Segment(segment.number), url, range);
            let before = self.discontinuity.replace(segment.discontinuity);
            let join = match before.is_some_and(|before| before != segment.discontinuity) {
                true => Join::Discontinuity,
                false => Join::Seamless,
            };
            let references = std::mem::take(&mut self.references);
            let reader = SegmentReader::new(segment, join, references, cx.tape.clone());
            self.readers.push_back(reader);
        }
    }

    /// Asks for the key and the init section of a segment.
    fn ask_for_needs(&mut self, cx: &mut Cx, requests: &mut Requests, segment: &Segment) {
        for key in segment.keys() {
            if let Key::Aes128 { url, .. } = key.as_ref()
                && cx.keys.uris.get(url).is_none()
            {
                let (resource, url) = (Resource::Key(url.clone()), url.clone());
                self.ask_once(cx, requests, resource, url, ByteRange::default());
            }
        }
        if let Some(init) = &segment.init
            && !self.inits.iter().any(|(known, _)| known == init)
        {
            let resource = Resource::Init(Arc::clone(init));
            self.ask_once(cx, requests, resource, init.url.clone(), init.range);
        }
    }

    /// Asks for what a segment needs, unless that is on its way.
    fn ask_once(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        resource: Resource,
        url: Secret,
        range: ByteRange,
    ) {
        if !requests.any(self.id, |request| request.resource == resource) {
            self.ask(cx, requests, resource, url, range);
        }
    }

    fn ask(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        resource: Resource,
        url: Secret,
        range: ByteRange,
    ) {
        let initiator = match resource {
            Resource::Playlist => self.named_by.clone(),
            _ => named_in(&self.url),
        };
        requests.start(cx, self.id, resource, (url, range), initiator);
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
            let Some(reader) = self.readers.front_mut() else {
                return self.end();
            };
            if let Some(Key::Aes128 { url, iv }) = reader.needs_key().map(Arc::as_ref) {
                let (key, iv) = (cx.keys.uris.get(url)?, *iv);
                reader.unlock(key, iv);
            }
            let init = match reader.segment.init.clone() {
                Some(wanted) => match init_section(&mut self.inits, cx, &wanted)? {
                    Ok(data) => Some(data),
                    Err(fault) => {
                        self.lacks(cx, requests, &Resource::Init(wanted), fault);
                        continue;
                    }
                },
                None => None,
            };
            reader.inherit(&mut self.carried);
            match reader.read(init.as_ref(), offsets, self.previous) {
                Ok(ReadStep::Packet(packet)) => {
                    self.lost_in_a_row = 0;
                    if reader.lacks_reference(&packet) {
                        cx.tally.dropped += 1;
                        continue;
                    }
                    self.given = Some(reader.segment.number);
                    if let Some(packet) = trimmed(packet, reader, self.discard_before) {
                        return Some(LoaderEvent::Packet(packet));
                    }
                }
                Ok(ReadStep::Info(info)) => return Some(LoaderEvent::Info(info)),
                Ok(ReadStep::NeedData) => {
                    requests.grant(cx, self.id, reader.segment.number);
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

    /// The segment at hand is through: the index moves to where it began and ended.
    fn segment_is_read(&mut self) {
        let Some(mut reader) = self.readers.pop_front() else {
            return;
        };
        self.previous = reader.placed();
        self.carried = reader.hand_on();
        if let (Some(index), Some(previous)) = (&mut self.index, self.previous) {
            index.settle(previous.number, previous.start, previous.end);
        }
    }

    /// What failed, once the segments before it are read.
    fn failure(&mut self) -> Option<Failure> {
        let Phase::Failing(failure) = &self.phase else {
            return None;
        };
        let at_hand = self.readers.front().map(|reader| reader.segment.number);
        if at_hand.is_some_and(|number| number < failure.number) {
            return None;
        }
        let failure = failure.clone();
        self.drain();
        Some(failure)
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

    /// A segment, or all from one on, can not be given; the owner says how it goes on.
    fn fail(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        failed: Failed,
        number: u64,
        fault: Fault,
    ) {
        match failed {
            // What comes behind it may be valid.
            Failed::SegmentContent { .. } => {
                self.lost_in_a_row += 1;
                requests.cancel(cx, self.id, |request| request.is_of(number));
                self.readers.retain(|it| it.segment.number != number);
            }
            Failed::SegmentRequest => {
                self.lost_in_a_row += 1;
                self.drop_from(cx, requests, number);
            }
            Failed::PlaylistRequest | Failed::Description => self.drop_from(cx, requests, number),
        }
        let index = self.index.as_ref();
        self.phase = Phase::Failing(Failure {
            failed,
            fault,
            number,
            last: index.is_none_or(|index| index.segment(number + 1).is_none()),
        });
    }

    /// Forgets that segment and those behind it. What was given of it must not come twice.
    fn drop_from(&mut self, cx: &mut Cx, requests: &mut Requests, number: u64) {
        let is_of = |of: u64| of >= number;
        requests.cancel(
            cx,
            self.id,
            |it| matches!(it.resource, Resource::Segment(of) if is_of(of)),
        );
        self.readers.retain(|reader| !is_of(reader.segment.number));
        self.next = match self.given == Some(number) {
            true => number + 1,
            false => number,
        };
    }

    /// Goes on behind a segment that is lost.
    pub(super) fn pass_over(&mut self, cx: &mut Cx, number: u64) {
        cx.tally.damage += 1;
        match self.readers.front_mut() {
            Some(next) => next.lose_references(),
            None => self.references = References::Missing,
        }
        self.next = self.next.max(number + 1);
        self.phase = Phase::Running;
    }

    /// Nothing more is read from a segment on.
    pub(super) fn give_up(&mut self, cx: &mut Cx, requests: &mut Requests, number: u64) {
        self.drop_from(cx, requests, number);
        self.drain();
    }

    /// It is not wanted any more, nor what of it is here. Nothing is asked for in its place.
    pub(super) fn abandon(&mut self, cx: &mut Cx, requests: &mut Requests, number: u64) {
        self.given = self.given.filter(|given| *given != number);
        self.give_up(cx, requests, number);
    }

    /// Goes to a time; what was under way is not wanted any more.
    pub(super) fn seek(&mut self, cx: &mut Cx, requests: &mut Requests, time: Time) {
        requests.cancel(cx, self.id, |request| request.is_segment());
        self.readers.clear();
        self.events.clear();
        self.phase = Phase::Running;
        self.start = StartPosition::At(time);
        self.discard_before = None;
        self.given = None;
        self.lost_joint();
        if let Some(segment) = self.index.as_ref().and_then(|index| index.at(time)) {
            self.next = segment.number;
        }
        // A playlist that was refused is asked for once more: the user tries again.
        if self.index.is_none() && !requests.any(self.id, |request| request.is_playlist()) {
            self.ask_playlist(cx, requests);
        }
        self.go_on(cx, requests);
    }

    /// What comes next does not join what was read before.
    fn lost_joint(&mut self) {
        self.discontinuity = None;
        self.previous = None;
        self.carried = None;
        self.references = References::Intact;
    }

    /// Begins with the segment before the one that is given. `false`: there is none.
    pub(super) fn step_back(&mut self, cx: &mut Cx, requests: &mut Requests) -> bool {
        let number = self.given.and_then(|given| given.checked_sub(1));
        let index = self.index.as_ref();
        let earlier = number.and_then(|number| index?.segment(number));
        let Some(start) = earlier.filter(|it| !it.gap).map(|it| it.start) else {
            return false;
        };
        self.seek(cx, requests, start);
        true
    }

    /// Goes to the segment that holds a time, now that it is known where the one at hand lies. `false`: that is it.
    pub(super) fn step_on(&mut self, cx: &mut Cx, requests: &mut Requests, time: Time) -> bool {
        let at_hand = self.readers.front();
        let (Some(reader), Some(index)) = (at_hand, &mut self.index) else {
            return false;
        };
        let Some(placed) = reader.placed() else {
            return false;
        };
        index.settle(placed.number, placed.start, placed.nominal_end);
        let holds = index.at(time).map(|segment| segment.number);
        if holds.is_none_or(|number| number <= placed.number) {
            return false;
        }
        self.seek(cx, requests, time);
        true
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

fn named_gap(segment: &Segment) -> Fault {
    Fault::new(codes::ERROR_NETWORK_HTTP_404, "hls.segment.gap")
        .because("the playlist says that the segment is missing")
        .with(|context| context.segment = Some(segment.number))
}

/// Who asks for what a resource names.
pub(super) fn named_in(url: &Secret) -> Initiator {
    match url.expose().split_once("://") {
        Some((scheme, _)) if !scheme.eq_ignore_ascii_case("file") => Initiator::Remote(url.clone()),
        // The user's own playlist speaks for the user.
        _ => Initiator::User,
    }
}

/// The content of an init section.
pub(super) enum InitSection {
    /// As it came.
    Raw(Bytes),
    Clear(Bytes),
}

/// The init section in the clear, once it and its key are here.
fn init_section(
    inits: &mut VecDeque<(Arc<Init>, InitSection)>,
    cx: &Cx,
    wanted: &Arc<Init>,
) -> Option<Result<Bytes, Fault>> {
    let (_, section) = inits.iter_mut().find(|(known, _)| known == wanted)?;
    let data = match section {
        InitSection::Clear(data) => return Some(Ok(data.clone())),
        InitSection::Raw(data) => std::mem::take(data),
    };
    let mut clear = data.clone();
    if let Some(Key::Aes128 { url, iv }) = wanted.key.as_deref() {
        let Some(key) = cx.keys.uris.get(url) else {
            *section = InitSection::Raw(data);
            return None;
        };
        let decrypted = cx.tape.try_see("decrypt", || {
            clear = decrypt_segment(key, *iv, data).map_err(|error| error.fault())?;
            Ok(())
        });
        if let Err(fault) = decrypted {
            return Some(Err(fault.at_url(wanted.url.expose())));
        }
    }
    *section = InitSection::Clear(clear.clone());
    Some(Ok(clear))
}
