//! `X-TIMESTAMP-MAP` (RFC 8216 3.5): where a segment's times lie on the clock of the MPEG streams beside it.

use kinora_media::{Time, Timebase};

use super::time;
use crate::text::digits;
use crate::{Cue, Document};

/// The time `local` of a WebVTT segment is the moment of `mpegts` on the 90 kHz clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimestampMap {
    /// A time of the segment.
    pub local: Time,
    /// The same moment in ticks of 90 kHz.
    pub mpegts: i64,
}

/// The clock begins anew after so many ticks (ISO/IEC 13818-1 2.4.3.7).
const WRAP: i64 = 1 << 33;

impl TimestampMap {
    /// What a segment without a map means (RFC 8216 3.5: as if its zero were that of the clock).
    pub const ZERO: Self = Self {
        local: Time::ZERO,
        mpegts: 0,
    };

    /// `=LOCAL:00:00:00.000,MPEGTS:900000`, in either order.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mut local, mut mpegts) = (None, None);
        for part in text.trim_start_matches(['=', ':', ' ']).split(',') {
            match part.trim().split_once(':') {
                Some(("LOCAL", value)) => local = Some(time(value.trim())?),
                Some(("MPEGTS", value)) => mpegts = Some(digits(value.trim())?),
                _ => {}
            }
        }
        Some(Self {
            local: local?,
            mpegts: mpegts?,
        })
    }

    /// A time of the segment on the presentation's timeline. `start` is the tick of the clock that is the timeline's zero;
    /// of the moments that the clock's wrapping allows, the one nearest to `near` (the segment's start) is meant.
    #[must_use]
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub fn place(&self, at: Time, start: i64, near: Time) -> Time {
        let ticks = Timebase::MPEG
            .to_ticks(at - self.local)
            .saturating_add(self.mpegts)
            .saturating_sub(start);
        let near = Timebase::MPEG.to_ticks(near);
        let half = WRAP / 2;
        let beyond = ticks
            .saturating_sub(near)
            .saturating_add(half)
            .rem_euclid(WRAP);
        Timebase::MPEG.to_time(near.saturating_add(beyond).saturating_sub(half))
    }
}

impl Document {
    /// Moves the cues of an HLS segment to the presentation's timeline: see [`TimestampMap::place`].
    pub fn place(&mut self, start: i64, near: Time) {
        let map = self.timestamp_map.unwrap_or(TimestampMap::ZERO);
        for cue in &mut self.cues {
            cue.move_to(map.place(cue.start, start, near));
        }
    }
}

impl Cue {
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn move_to(&mut self, start: Time) {
        self.shift(start - self.start);
    }

    /// Moves it, and the times within it. A cue without end has none afterwards.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub fn shift(&mut self, by: Time) {
        self.start += by;
        if self.end < Time::MAX {
            self.end += by;
        }
        for from in self.spans.iter_mut().filter_map(|span| span.from.as_mut()) {
            *from += by;
        }
    }
}
