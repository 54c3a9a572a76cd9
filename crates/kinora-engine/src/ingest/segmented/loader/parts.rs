//! Segments that are read by their parts while they grow (RFC 8216bis 4.4.4.9, 6.3.8), and parts that are asked for before
//! they are named (4.4.5.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use kinora_errors::{Fault, Secret};
use kinora_media::{ByteRange, Packet, RequestId, Time, TrackId};

use super::{Loader, LoaderEvent, MAX_READERS, Phase};
use crate::abr::Download;
use crate::cx::Cx;
use crate::ingest::segmented::index::{Init, Part, PartHint, PartId, Parts, Segment, SegmentIndex};
use crate::ingest::segmented::requests::{Request, Requests, Resource};
use crate::ingest::segmented::segment_reader::{Join, References, SegmentReader};

/// So many bytes of a segment may wait to be read before its next part is asked for.
const MAX_UNREAD: usize = 1 << 20;
/// Requests for parts under way, and answers that wait for the playlist to name them.
const MAX_ARRIVALS: usize = 4;

/// Whoever hints so often in a row at what is not there is not followed any more.
const MAX_REFUSALS: u32 = 3;

/// What is known of parts.
#[derive(Default)]
pub(super) struct PartLoading {
    /// The segment that is read by its parts: the newest of the readers.
    reading: Option<PartialSegment>,
    arrivals: Vec<Arrival>,
    /// Reading begins with that part.
    start: Option<PartId>,
    /// The server had nothing at the place that it hinted at.
    refused: Option<PartId>,
    /// How often in a row.
    refusals: u32,
    /// The init section that it had not.
    refused_init: Option<Arc<Init>>,
    /// A segment of which the beginning was not wanted.
    begun_within: Option<u64>,
    /// What was given of a segment that is read a second time, as a whole: up to which time of decoding.
    given: Option<(u64, BTreeMap<TrackId, Time>)>,
}

/// A segment that is read by its parts.
struct PartialSegment {
    number: u64,
    /// The part that is read next.
    next: usize,
    /// Bytes of that part that the reader has.
    fed: u64,
    /// How long the parts before it are.
    until: Time,
    /// How long those are that were not wanted.
    skipped: Time,
    /// One of its parts can not be had.
    lost: bool,
    /// What came of it.
    download: Download,
}

/// What came of a request for a part; where that has no end, for those behind it too.
struct Arrival {
    id: PartId,
    url: Secret,
    range: ByteRange,
    /// Offset in the resource of what is next to be handed over.
    next: u64,
    data: BytesMut,
    complete: bool,
    hinted: bool,
}

impl Arrival {
    /// Whether the bytes of a part from that offset on come of it, or would if it had not ended.
    fn gives(&self, part: &Part, from: u64) -> bool {
        let goes_so_far = self.range.end.is_none_or(|end| from < end);
        self.url == part.url && self.next == from && goes_so_far
    }

    /// It has ended, and nothing of it is left.
    fn is_dry(&self) -> bool {
        self.complete && self.data.is_empty()
    }

    /// All of it was handed over.
    fn is_spent(&self) -> bool {
        self.data.is_empty() && (self.complete || self.range.end == Some(self.next))
    }

    /// It is what the playlist hints at now.
    fn is_of(&self, hint: &PartHint) -> bool {
        self.id == hint.id && self.url == hint.url && self.range == hint.range
    }
}

/// What is to be done for the segment that is read by its parts.
enum PartStep {
    /// Nothing before its playlist comes anew.
    Wait,
    /// The part is not there.
    Gap,
    Read(Part),
    /// All of it was read.
    Over(Time),
    /// Its parts do not lead on: it is there as a whole.
    Whole,
    /// It fell out of the playlist.
    Gone,
}

impl PartialSegment {
    fn step(&self, index: &SegmentIndex) -> PartStep {
        let Some(segment) = index.segment(self.number) else {
            return PartStep::Gone;
        };
        if self.lost {
            return match segment.parts.is_growing() {
                true => PartStep::Wait,
                false => PartStep::Whole,
            };
        }
        match (segment.parts.list().get(self.next), &segment.parts) {
            (Some(part), _) if part.gap => PartStep::Gap,
            (Some(part), _) => PartStep::Read(part.clone()),
            (None, Parts::Growing(_)) => PartStep::Wait,
            (None, Parts::Complete(parts)) if parts.len() == self.next => {
                PartStep::Over(segment.duration)
            }
            // They are named no longer.
            (None, _) if (segment.duration - self.until).abs() < Time::from_millis(50) => {
                PartStep::Over(segment.duration)
            }
            (None, _) => PartStep::Whole,
        }
    }

    /// The part that is read next.
    fn at(&self) -> PartId {
        PartId {
            number: self.number,
            part: self.next,
        }
    }

    fn goes_on_behind(&mut self, part: &Part) {
        self.next += 1;
        self.fed = 0;
        self.until += part.duration;
    }
}

impl Loader {
    /// Reading begins with that part of that segment.
    pub(super) fn begin_with_part(&mut self, id: Option<PartId>) {
        self.parts.start = id;
    }

    /// The part with which a segment is to be read, if it is read by its parts.
    pub(super) fn first_part(&mut self, segment: &Segment) -> Option<usize> {
        let start = self.parts.start.take_if(|it| it.number == segment.number);
        let part = start.map_or(0, |start| start.part);
        let by_parts = segment.parts.is_growing() || part > 0;
        by_parts.then(|| part.min(segment.parts.list().len()))
    }

    /// A segment is read by its parts from one on; gives it as it is without those before.
    pub(super) fn read_by_parts(&mut self, mut segment: Segment, first: usize) -> Segment {
        let before = segment.parts.list().iter().take(first);
        let skipped = before.fold(Time::ZERO, |sum, part| sum + part.duration);
        self.parts.begun_within = (first > 0).then_some(segment.number);
        self.parts.given = None;
        self.parts.reading = Some(PartialSegment {
            number: segment.number,
            next: first,
            fed: 0,
            until: skipped,
            skipped,
            lost: false,
            download: Download {
                bytes: 0,
                latency: None,
                transfer: Time::ZERO,
            },
        });
        segment.start += skipped;
        segment.duration = (segment.duration - skipped).max(Time::ZERO);
        segment
    }

    pub(in crate::ingest::segmented) fn reads_parts(&self) -> bool {
        self.parts.reading.is_some()
    }

    /// Only an end of that segment was read.
    pub(super) fn began_within(&self, number: u64) -> bool {
        self.parts.begun_within == Some(number)
    }

    /// Whether a packet was given before; those of a segment that is read by its parts are remembered.
    pub(super) fn was_given(&mut self, number: u64, packet: &Packet) -> bool {
        let reading = self.parts.reading.as_ref();
        if reading.is_some_and(|reading| reading.number == number) {
            let given = self.parts.given.take_if(|(of, _)| *of == number);
            let (_, mut tracks) = given.unwrap_or_default();
            tracks.insert(packet.track, packet.dts);
            self.parts.given = Some((number, tracks));
            return false;
        }
        let given = self.parts.given.as_ref().filter(|(of, _)| *of == number);
        let until = given.and_then(|(_, tracks)| tracks.get(&packet.track));
        until.is_some_and(|until| packet.dts <= *until)
    }

    /// Hands over what came of the parts, and asks for those that come next.
    pub(super) fn read_parts(&mut self, cx: &mut Cx, requests: &mut Requests) {
        while let (Some(reading), Some(index)) = (&mut self.parts.reading, &self.index) {
            let number = reading.number;
            match reading.step(index) {
                PartStep::Wait => break,
                PartStep::Gap => {
                    if let Some(part) = index
                        .segment(number)
                        .and_then(|it| it.parts.list().get(reading.next))
                    {
                        reading.goes_on_behind(&part.clone());
                    }
                    if let Some(reader) = self.readers.back_mut() {
                        reader.lose_references();
                    }
                }
                PartStep::Read(part) => {
                    if !self.read_part(cx, requests, &part) {
                        break;
                    }
                }
                PartStep::Over(duration) => self.parts_are_read(duration),
                PartStep::Whole => self.read_whole_instead(cx, requests),
                PartStep::Gone => self.parts_are_read(Time::ZERO),
            }
        }
        self.ask_for_hint(cx, requests);
    }

    /// Hands over what came of a part. `false`: more of it must come.
    fn read_part(&mut self, cx: &mut Cx, requests: &mut Requests, part: &Part) -> bool {
        let Some(reading) = &mut self.parts.reading else {
            return false;
        };
        let id = reading.at();
        let from = part.range.start + reading.fed;
        let began = reading.fed > 0;
        let mut arrivals = self.parts.arrivals.iter_mut();
        let arrival = arrivals.find(|it| it.gives(part, from));
        // One that ended with the part before says nothing of this one.
        let arrival = arrival.filter(|it| began || it.id == id || !it.is_dry());
        let Some(arrival) = arrival else {
            self.ask_for_part(cx, requests, id, part, from);
            return false;
        };
        let segment = self
            .index
            .as_ref()
            .and_then(|index| index.segment(id.number));
        let is_there = segment.is_some_and(|segment| !segment.parts.is_growing());
        let asked = Resource::Part(arrival.id);
        let waits = |it: &Request| it.resource == asked && it.transfer.is_backing_off();
        let refused = is_there && arrival.data.is_empty() && requests.any(self.id, waits);
        if arrival.is_dry() && !began || refused {
            // Nothing, or nothing before the whole of it could be had.
            reading.lost = true;
            return true;
        }
        arrival.hinted = false;
        let left = part
            .range
            .end
            .map_or(u64::MAX, |end| end.saturating_sub(from));
        let len = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(arrival.data.len());
        let data = arrival.data.split_to(len).freeze();
        arrival.next += len as u64;
        reading.fed += len as u64;
        let is_through = len as u64 == left || arrival.is_dry();
        if is_through {
            reading.goes_on_behind(part);
            self.parts
                .arrivals
                .retain(|it| !(it.is_dry() && it.id <= id));
        }
        if let Some(reader) = self.readers.back_mut().filter(|_| !data.is_empty()) {
            reader.add(data);
        }
        is_through
    }

    /// Asks for a part, once there is room for it.
    fn ask_for_part(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        id: PartId,
        part: &Part,
        from: u64,
    ) {
        let unread = self.readers.back().map_or(0, SegmentReader::unread);
        let range = ByteRange {
            start: from,
            end: part.range.end,
        };
        // What was asked for instead, or before, is of no use.
        let is_over = |it: &Arrival| it.id <= id && (it.complete || !it.is_spent());
        self.drop_arrivals(cx, requests, is_over);
        if unread < MAX_UNREAD {
            self.ask_part(cx, requests, id, part.url.clone(), range, false);
        }
    }

    fn ask_part(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        id: PartId,
        url: Secret,
        range: ByteRange,
        hinted: bool,
    ) {
        if self.parts.arrivals.len() >= MAX_ARRIVALS {
            return;
        }
        self.parts.arrivals.push(Arrival {
            id,
            url: url.clone(),
            range,
            next: range.start,
            data: BytesMut::new(),
            complete: false,
            hinted,
        });
        self.ask(cx, requests, Resource::Part(id), url, range);
    }

    /// Asks for what the playlist says will come next; what it hinted at before and did not name is not wanted.
    fn ask_for_hint(&mut self, cx: &mut Cx, requests: &mut Requests) {
        let hint = self
            .index
            .as_ref()
            .and_then(|it| it.delivery.part_hint.clone());
        let is_stale = |it: &Arrival| it.hinted && hint.as_ref().is_none_or(|hint| !it.is_of(hint));
        // One that was named meanwhile is read when its turn comes.
        let index = self.index.as_ref();
        let is_named = |it: &Arrival| {
            let segment = index.and_then(|index| index.segment(it.id.number));
            let part = segment.and_then(|segment| segment.parts.list().get(it.id.part));
            part.is_some_and(|part| it.url == part.url && it.range.start == part.range.start)
        };
        let stale: Vec<PartId> = self
            .parts
            .arrivals
            .iter()
            .filter(|it| is_stale(it) && !is_named(it))
            .map(|it| it.id)
            .collect();
        self.drop_arrivals(cx, requests, |it| it.hinted && stale.contains(&it.id));
        let Some(hint) = hint else { return };
        let running = matches!(self.phase, Phase::Running);
        let is_next = match &self.parts.reading {
            Some(reading) if reading.number == hint.id.number => {
                !reading.lost && reading.next + 1 >= hint.id.part
            }
            // The last one is nearly through.
            Some(reading) => running && reading.number + 1 == hint.id.number,
            None => running && self.next == hint.id.number && self.readers.len() < MAX_READERS,
        };
        let arrivals = &self.parts.arrivals;
        let comes = |it: &Arrival| {
            it.id == hint.id
                || it.url == hint.url
                    && it.range.end.is_none()
                    && it.range.start <= hint.range.start
        };
        let is_wrong = self.parts.refused == Some(hint.id) || self.parts.refusals >= MAX_REFUSALS;
        if !is_next || is_wrong || arrivals.iter().any(comes) {
            return;
        }
        self.ask_part(cx, requests, hint.id, hint.url, hint.range, true);
    }

    /// Asks for the init section that the playlist says will come next. One that nobody wants any more is given up.
    pub(super) fn ask_for_init_hint(&mut self, cx: &mut Cx, requests: &mut Requests) {
        let index = self.index.as_ref();
        let hint = index.and_then(|index| index.delivery.init_hint.clone());
        let readers = &self.readers;
        let is_wanted = |init: &Arc<Init>| {
            let needs = |reader: &SegmentReader| reader.segment.init.as_ref() == Some(init);
            hint.as_ref() == Some(init) || readers.iter().any(needs)
        };
        requests.cancel(
            cx,
            self.id,
            |it| matches!(&it.resource, Resource::Init(init) if !is_wanted(init)),
        );
        let refused = &self.parts.refused_init;
        let new = hint.filter(|hint| refused.as_ref() != Some(hint) && !self.inits.has(hint));
        if let (Some(init), Phase::Running) = (new, &self.phase) {
            let (url, range) = (init.url.clone(), init.range);
            self.ask_once(cx, requests, Resource::Init(init), url, range);
        }
    }

    /// An init section that was hinted at is not there. `false`: it is needed.
    pub(super) fn is_hint_alone(&mut self, resource: &Resource) -> bool {
        let Resource::Init(init) = resource else {
            return false;
        };
        let mut readers = self.readers.iter();
        if readers.any(|reader| resource.is_needed_by(&reader.segment)) {
            return false;
        }
        self.parts.refused_init = Some(Arc::clone(init));
        true
    }

    /// Bytes of a part came.
    pub(super) fn part_came(&mut self, id: PartId, data: &[u8]) {
        let mut arrivals = self.parts.arrivals.iter_mut();
        if let Some(arrival) = arrivals.find(|it| it.id == id) {
            arrival.data.extend_from_slice(data);
        }
    }

    /// All that was asked for came.
    pub(super) fn part_is_here(&mut self, id: PartId, download: Option<Download>) {
        let mut arrivals = self.parts.arrivals.iter_mut();
        if let Some(arrival) = arrivals.find(|it| it.id == id) {
            arrival.complete = true;
            self.parts.refusals = 0;
            // What has no end comes as fast as it is made.
            let measured = arrival.range.is_whole() || arrival.range.end.is_some();
            let reading = self.parts.reading.as_mut().filter(|_| measured);
            if let (Some(reading), Some(download)) = (reading, download) {
                reading.download.bytes += download.bytes;
                reading.download.transfer += download.transfer;
                reading.download.latency = reading.download.latency.max(download.latency);
            }
        }
        // What was handed over before its end came.
        let read = self.parts.reading.as_ref().map(PartialSegment::at);
        let arrivals = &mut self.parts.arrivals;
        arrivals.retain(|it| !(it.is_dry() && read.is_some_and(|read| it.id < read)));
    }

    /// Whether a part was asked for before the playlist named it.
    pub(super) fn is_hinted(&self, id: PartId) -> bool {
        let arrival = self.parts.arrivals.iter().find(|it| it.id == id);
        arrival.is_some_and(|arrival| arrival.hinted)
    }

    /// A part can not be had. One that was but hinted at is asked for again once it is named; the segment of another one
    /// is read as a whole when it is there.
    pub(super) fn part_failed(&mut self, cx: &mut Cx, id: PartId, fault: Fault) {
        if self.is_hinted(id) {
            return self.hint_failed(id);
        }
        self.parts.arrivals.retain(|it| it.id != id);
        cx.recovered(fault.because(
            "a part of the segment can not be had: it is read as a whole once it is there",
        ));
        if let Some(reading) = self.parts.reading.as_mut() {
            reading.lost |= reading.number == id.number;
        }
    }

    /// What was hinted at is not there.
    pub(super) fn hint_failed(&mut self, id: PartId) {
        self.parts.arrivals.retain(|it| it.id != id);
        self.parts.refused = Some(id);
        self.parts.refusals += 1;
    }

    /// Lets more bytes of the part come that is being read.
    pub(super) fn grant_part(&self, cx: &mut Cx, requests: &mut Requests, number: u64) {
        let arrivals = self.parts.arrivals.iter();
        // What is not named yet waits here: it gets no more than the first window.
        let taken = arrivals.filter(|it| it.id.number == number && it.data.is_empty());
        for arrival in taken {
            requests.grant(cx, self.id, &Resource::Part(arrival.id));
        }
    }

    /// The last part was handed over.
    fn parts_are_read(&mut self, duration: Time) {
        let Some(reading) = self.parts.reading.take() else {
            return;
        };
        let reader = self.reader(reading.number);
        if let Some(reader) = reader {
            reader.segment.duration = (duration - reading.skipped).max(reader.segment.duration);
            reader.complete();
        }
        // The rendition of the next segment may be another.
        self.events
            .push_back(LoaderEvent::Downloaded(Some(reading.download)));
    }

    /// The parts of the segment lead no further: it is read from its beginning, and what was given of it is passed over.
    fn read_whole_instead(&mut self, cx: &mut Cx, requests: &mut Requests) {
        let Some(reading) = self.parts.reading.take() else {
            return;
        };
        let number = reading.number;
        self.drop_arrivals(cx, requests, |it| it.id.number == number);
        let old = self.readers.pop_back_if(|it| it.segment.number == number);
        let segment = self.index.as_ref().and_then(|index| index.segment(number));
        let (Some(old), Some(segment)) = (old, segment.cloned()) else {
            return;
        };
        let was_given = matches!(&self.parts.given, Some((of, _)) if *of == number);
        let join = match was_given {
            true => Join::Seamless,
            false => old.join(),
        };
        self.parts.begun_within = None;
        let (url, range) = (segment.url.clone(), segment.range);
        self.ask_for_needs(cx, requests, &segment);
        self.ask(cx, requests, Resource::Segment(number), url, range);
        let reader = SegmentReader::new(segment, join, References::Intact, cx.tape.clone());
        self.readers.push_back(reader);
    }

    fn drop_arrivals(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        is: impl Fn(&Arrival) -> bool,
    ) {
        let dropped: Vec<PartId> = self
            .parts
            .arrivals
            .iter()
            .filter(|it| is(it))
            .map(|it| it.id)
            .collect();
        requests.cancel(
            cx,
            self.id,
            |it| matches!(it.resource, Resource::Part(id) if dropped.contains(&id)),
        );
        self.parts.arrivals.retain(|it| !dropped.contains(&it.id));
    }

    /// Nothing is read by parts any more from a segment on.
    pub(super) fn forget_parts(&mut self, cx: &mut Cx, requests: &mut Requests, number: u64) {
        self.drop_arrivals(cx, requests, |it| it.id.number >= number);
        self.parts.reading.take_if(|it| it.number >= number);
        self.parts.given.take_if(|(of, _)| *of >= number);
        self.parts.refused = None;
    }

    /// Requests that were refused are made again, by the newest playlist.
    pub(super) fn revive_parts(&mut self, cx: &mut Cx, requests: &mut Requests) {
        let parked: Vec<RequestId> =
            requests.ids(self.id, |it| it.is_part() && it.transfer.is_parked());
        let ids: Vec<PartId> = parked
            .into_iter()
            .filter_map(|id| requests.entry(id)?.resource.part())
            .collect();
        self.drop_arrivals(cx, requests, |it| ids.contains(&it.id));
    }
}
