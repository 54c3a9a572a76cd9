//! Segment abandonment: one that will not arrive before the buffer runs dry gives way to that of a lesser variant.

use kinora_media::{Packet, Time, TrackKind};

use super::Segmented;
use super::lane::LaneRole;
use super::loader::{Loader, SegmentInFlight};
use super::variants::Selection;
use crate::abr::{Download, ThroughputWindow};
use crate::cx::Cx;
use crate::ingest::Buffer;
use crate::{ByRole, Role};

/// So much earlier than it is needed a segment should be there.
const MARGIN: Time = Time::from_millis(1_000);

/// Segments that are buffered and could be taken back.
const MAX_STARTS: usize = 64;

/// Where a segment begins in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentStart {
    number: u64,
    /// On the timeline.
    pub(super) at: Time,
    /// It holds pictures.
    has_video: bool,
    /// Its first time of decoding, of each role.
    dts: ByRole<Option<Time>>,
}

impl SegmentStart {
    /// Takes it back, and all that is behind it. `false`: the decoders have some of it, or its key picture did not come.
    pub(super) fn cut(&self, buffer: &mut dyn Buffer) -> bool {
        let is_known = !self.has_video || self.dts.video.is_some();
        is_known && buffer.cut(self.dts)
    }
}

impl Segmented {
    /// Remembers where a segment begins in the buffer: with its key picture, for the last picture of a segment of transport
    /// stream ends where the next one begins, and comes with that.
    pub(super) fn note_segment_start(&mut self, buffer: &dyn Buffer, packet: &Packet) {
        let Some(main) = self.lane(LaneRole::Main) else {
            return;
        };
        let index = main.loader.index.as_ref();
        let given = index.zip(main.loader.given());
        let segment = given.and_then(|(index, given)| index.segment(given));
        let (Some(segment), Some(role)) = (segment, buffer.role_of(packet.track)) else {
            return;
        };
        if role == Role::Video && !packet.flags.key {
            return;
        }
        let (number, at) = (segment.number, segment.start);
        let info = main.info.as_ref();
        let has_video = info.is_some_and(|info| info.first(TrackKind::Video).is_some());
        if self.starts.back().is_none_or(|it| it.number != number) {
            if self.starts.len() >= MAX_STARTS {
                self.starts.pop_front();
            }
            self.starts.push_back(SegmentStart {
                number,
                at,
                has_video,
                dts: ByRole::default(),
            });
        }
        if let Some(start) = self.starts.back_mut() {
            start.dts[role].get_or_insert(packet.dts);
        }
    }

    /// What lies behind a time was taken back.
    pub(super) fn forget_starts(&mut self, from: Time) {
        self.starts.retain(|start| start.at < from);
    }

    /// Looks at the segment in flight; abandons it where that of a lesser variant would be there earlier, and in time.
    pub(super) fn consider_abandonment(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
    ) {
        let is_fixed = self.variants.selection == Selection::Manual || self.search.is_some();
        if is_fixed || self.variants.current == 0 {
            return;
        }
        let main = self.lane(LaneRole::Main).map(|lane| &lane.loader);
        let Some(segment) = main.and_then(|main| main.segment_in_flight(&self.requests)) else {
            return;
        };
        // Its demuxer may hold the last picture of the one before, which comes with its first bytes.
        let begins = main.and_then(Loader::at_hand);
        let begins = begins.is_some_and(|at_hand| at_hand.number == segment.number)
            && main.and_then(Loader::given) != Some(segment.number);
        let Some(active) = segment.meter.active(cx.mono()) else {
            return;
        };
        self.throughput.note(
            segment.number,
            active,
            segment.meter.timed(segment.received),
        );
        let lesser = self.replacement(&segment, active, position);
        let Some(lesser) = lesser.filter(|_| !begins) else {
            return;
        };
        let start = self.starts.back().copied();
        if let Some(start) = start.filter(|start| start.number == segment.number) {
            if !start.cut(buffer) {
                // The decoders have it already.
                return;
            }
            self.forget_starts(start.at);
        }
        if let Some((bytes, transfer)) = self.throughput.latest(active) {
            let latency = Some(segment.meter.latency());
            cx.abr.downloaded(&Download {
                bytes,
                latency,
                transfer,
            });
        }
        self.drop_incoming(cx);
        let main = self
            .lanes
            .iter_mut()
            .find(|lane| lane.role == LaneRole::Main);
        if let Some(main) = main {
            let requests = &mut self.requests;
            main.loader.abandon(cx, requests, segment.number);
        }
        self.switch(cx, lesser);
    }

    /// The variant that should come instead, if any.
    fn replacement(
        &self,
        segment: &SegmentInFlight,
        active: Time,
        position: Time,
    ) -> Option<usize> {
        let bytes_a_second = self.throughput.rate(active)?;
        let whole = |index: usize| {
            let bits = self.variants.bandwidth(index);
            bits as f64 / 8.0 * segment.duration.as_secs_f64()
        };
        let expected = segment.expected.map(|bytes| bytes as f64);
        let expected = expected.unwrap_or_else(|| whole(self.variants.current));
        let rest = (expected - segment.received as f64).max(0.0) / bytes_a_second;
        let left = (segment.end - position - MARGIN).as_secs_f64();
        if rest <= left {
            return None;
        }
        let latency = segment.meter.latency().as_secs_f64();
        let instead = |index: &usize| latency + whole(*index) / bytes_a_second;
        let in_time = |index: &usize| instead(index) * 1.25 < left.max(rest * 0.5);
        let best = self.variants.lesser().find(in_time);
        let least = self.variants.lesser().next_back();
        best.or(least).filter(|index| instead(index) < rest)
    }

    /// A new variant or place: what was seen of the last segment says nothing more.
    pub(super) fn forget_throughput(&mut self) {
        self.throughput = ThroughputWindow::default();
    }
}
