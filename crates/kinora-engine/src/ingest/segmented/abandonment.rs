//! Segment abandonment: one that will not arrive before the buffer runs dry gives way to that of a lesser variant.

use kinora_media::{Packet, Time};

use super::Segmented;
use super::lane::LaneRole;
use super::loader::SegmentInFlight;
use super::variants::Selection;
use crate::ByRole;
use crate::abr::{Download, ThroughputWindow};
use crate::cx::Cx;
use crate::ingest::Buffer;

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
    /// Its first time of decoding, of each role.
    dts: ByRole<Option<Time>>,
}

impl SegmentStart {
    /// Takes it back, and all that is behind it. `false`: the decoders have some of it.
    pub(super) fn cut(&self, buffer: &mut dyn Buffer) -> bool {
        buffer.cut(self.dts)
    }
}

impl Segmented {
    /// Remembers where a segment begins in the buffer.
    pub(super) fn note_segment_start(&mut self, buffer: &dyn Buffer, packet: &Packet) {
        let main = self.lane(LaneRole::Main).map(|lane| &lane.loader);
        let given = main.and_then(|main| main.index.as_ref()?.segment(main.given()?));
        let (Some(segment), Some(role)) = (given, buffer.role_of(packet.track)) else {
            return;
        };
        let (number, at) = (segment.number, segment.start);
        if self.starts.back().is_none_or(|it| it.number != number) {
            if self.starts.len() >= MAX_STARTS {
                self.starts.pop_front();
            }
            let dts = ByRole::default();
            self.starts.push_back(SegmentStart { number, at, dts });
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
        let Some(active) = segment.meter.active(cx.mono()) else {
            return;
        };
        self.throughput.note(
            segment.number,
            active,
            segment.meter.timed(segment.received),
        );
        let Some(lesser) = self.replacement(&segment, active, position) else {
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
