//! A segment that will not arrive before the buffer runs dry gives way to a lesser rendition of the same.

use kinora_media::{Packet, Time};

use super::Segmented;
use super::loader::SegmentInFlight;
use crate::Role;
use crate::abr::ThroughputWindow;
use crate::cx::Cx;
use crate::ingest::Buffer;

/// So much earlier than it is needed a segment should be there.
const MARGIN: Time = Time::from_millis(1_000);
/// A request costs so much before its first byte.
const REQUEST: Time = Time::from_millis(500);

/// What was given of the segment under way: its number, and its first times of decoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentStart {
    number: u64,
    video: Option<Time>,
    audio: Option<Time>,
}

impl Segmented {
    /// Remembers where a segment begins in the pipelines.
    pub(super) fn note_segment_start(&mut self, buffer: &dyn Buffer, packet: &Packet) {
        let Some(number) = self.main.as_ref().and_then(|main| main.current_segment()) else {
            return;
        };
        let known = self
            .segment_start
            .filter(|segment_start| segment_start.number == number);
        let mut segment_start = known.unwrap_or(SegmentStart {
            number,
            video: None,
            audio: None,
        });
        match buffer.role_of(packet.track) {
            Some(Role::Video) => segment_start.video.get_or_insert(packet.dts),
            Some(Role::Audio) => segment_start.audio.get_or_insert(packet.dts),
            Some(Role::Text) | None => return,
        };
        self.segment_start = Some(segment_start);
    }

    /// Looks at the segment under way; gives it up where a lesser rendition would be there earlier, and in time.
    pub(super) fn consider_abandonment(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
    ) {
        if self.manual || self.current == 0 {
            return;
        }
        let Some(segment) = self.main.as_ref().and_then(|main| main.segment_in_flight()) else {
            return;
        };
        let now = cx.mono();
        self.throughput.note(segment.number, now, segment.received);
        let Some(lesser) = self.replacement(&segment, now, position) else {
            return;
        };
        let segment_start = self
            .segment_start
            .filter(|segment_start| segment_start.number == segment.number);
        if let Some(segment_start) = segment_start {
            let mut cut = |role, from: Option<Time>| from.is_none_or(|from| buffer.cut(role, from));
            let is_back =
                cut(Role::Video, segment_start.video) && cut(Role::Audio, segment_start.audio);
            if !is_back {
                // The decoders have it already.
                return;
            }
        }
        if let Some((bytes, took)) = self.throughput.latest(now) {
            self.abr.sample(bytes, took);
        }
        self.drop_incoming(cx);
        if let Some(main) = &mut self.main {
            main.abandon(cx, segment.number);
        }
        self.switch(cx, lesser);
    }

    /// The rendition that should come instead, if any.
    fn replacement(&self, segment: &SegmentInFlight, now: Time, position: Time) -> Option<usize> {
        let bytes_a_second = self.throughput.rate(now, segment.asked)?;
        let whole = |index: usize| {
            let bits = self.variants.get(index).map_or(0, |it| it.bandwidth);
            bits as f64 / 8.0 * segment.duration.as_secs_f64()
        };
        let expected = segment.expected.map_or(whole(self.current), |n| n as f64);
        let rest = (expected - segment.received as f64).max(0.0) / bytes_a_second;
        let left = (segment.end - position - MARGIN).as_secs_f64();
        if rest <= left {
            return None;
        }
        let instead = |index: &usize| REQUEST.as_secs_f64() + whole(*index) / bytes_a_second;
        let usable = |index: &usize| !self.bad.contains(index);
        let in_time = |index: &usize| instead(index) * 1.25 < left.max(rest * 0.5);
        let best = (0..self.current).rev().filter(usable).find(in_time);
        let least = (0..self.current).find(usable);
        best.or(least).filter(|index| instead(index) < rest)
    }
}

impl Segmented {
    /// A new rendition or place: what was seen of the last segment says nothing more.
    pub(super) fn forget_throughput(&mut self) {
        self.throughput = ThroughputWindow::default();
        self.segment_start = None;
    }
}
