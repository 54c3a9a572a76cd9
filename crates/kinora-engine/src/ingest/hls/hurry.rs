//! A segment that will not arrive before the buffer runs dry gives way to a lesser rendition of the same.

use kinora_media::{Packet, Time};

use super::Hls;
use super::loader::UnderWay;
use crate::Role;
use crate::abr::Pace;
use crate::cx::Cx;
use crate::ingest::Buffer;

/// So much earlier than it is needed a segment should be there.
const MARGIN: Time = Time::from_millis(1_000);
/// A request costs so much before its first byte.
const REQUEST: Time = Time::from_millis(500);

/// What was given of the segment under way: its number, and its first times of decoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    number: u64,
    video: Option<Time>,
    audio: Option<Time>,
}

impl Hls {
    /// Remembers where a segment begins in the pipelines.
    pub(super) fn note_begin(&mut self, buffer: &dyn Buffer, packet: &Packet) {
        let Some(number) = self.main.as_ref().and_then(|main| main.given()) else {
            return;
        };
        let known = self.begun.filter(|begun| begun.number == number);
        let mut begun = known.unwrap_or(Begun {
            number,
            video: None,
            audio: None,
        });
        match buffer.role_of(packet.track) {
            Some(Role::Video) => begun.video.get_or_insert(packet.dts),
            Some(Role::Audio) => begun.audio.get_or_insert(packet.dts),
            Some(Role::Text) | None => return,
        };
        self.begun = Some(begun);
    }

    /// Looks at the segment under way; gives it up where a lesser rendition would be there earlier, and in time.
    pub(super) fn hurry(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer, position: Time) {
        if self.manual || self.current == 0 {
            return;
        }
        let Some(segment) = self.main.as_ref().and_then(|main| main.under_way()) else {
            return;
        };
        let now = cx.mono();
        self.pace.note(segment.number, now, segment.received);
        let Some(lesser) = self.rescue(&segment, now, position) else {
            return;
        };
        let begun = self.begun.filter(|begun| begun.number == segment.number);
        if let Some(begun) = begun {
            let mut cut = |role, from: Option<Time>| from.is_none_or(|from| buffer.cut(role, from));
            let is_back = cut(Role::Video, begun.video) && cut(Role::Audio, begun.audio);
            if !is_back {
                // The decoders have it already.
                return;
            }
        }
        if let Some((bytes, took)) = self.pace.latest(now) {
            self.abr.sample(bytes, took);
        }
        self.drop_incoming(cx);
        if let Some(main) = &mut self.main {
            main.give_up(cx, segment.number);
        }
        self.switch(cx, lesser);
    }

    /// The rendition that should come instead, if any.
    fn rescue(&self, segment: &UnderWay, now: Time, position: Time) -> Option<usize> {
        let bytes_a_second = self.pace.rate(now, segment.asked)?;
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

impl Hls {
    /// A new rendition or place: what was seen of the last segment says nothing more.
    pub(super) fn forget_pace(&mut self) {
        self.pace = Pace::default();
        self.begun = None;
    }
}
