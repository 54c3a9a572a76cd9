//! The 33-bit clock of transport streams, made continuous.

use kinora_media::{Time, Timebase};

/// Ticks after which the clock begins anew: 26.5 hours.
pub(super) const WRAP: i64 = 1 << 33;
/// A step back further than this is another timeline, not reordering.
const MAX_BACK: i64 = 10 * 90_000;
/// A step ahead further than this is another timeline, not a pause.
const MAX_AHEAD: i64 = 60 * 90_000;

/// Unrolls the clock: wraps are undone, jumps to another timeline are closed or kept.
pub(super) struct Clock {
    /// Close jumps, so that time goes on from where it was.
    continuous: bool,
    /// The last time of sound or pictures, in unrolled ticks of the presentation.
    last: Option<i64>,
    /// What is added to the file's clock on each of the last two timelines, newest first.
    /// Two, because tracks cross over to a new one at different places of the file.
    shifts: [i64; 2],
    /// The presentation's zero.
    origin: Option<i64>,
    /// The first presentation time of all.
    first: Option<i64>,
}

/// A time stamp on the presentation's timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    pub(super) ticks: i64,
    /// The timeline has jumped since the stamp before.
    pub(super) jumped: bool,
}

impl Clock {
    /// With `first_is_zero` the first time stamp becomes the presentation's zero and jumps are
    /// closed; otherwise the file's time is kept.
    pub(super) fn new(first_is_zero: bool) -> Self {
        Self {
            continuous: first_is_zero,
            last: None,
            shifts: [0; 2],
            origin: (!first_is_zero).then_some(0),
            first: None,
        }
    }

    /// What comes next is from another place of the file.
    pub(super) fn restart(&mut self) {
        self.last = None;
        self.shifts = [0; 2];
    }

    /// The time at which the presentation begins.
    pub(super) fn begins(&self) -> Time {
        let (first, origin) = (self.first.unwrap_or(0), self.origin.unwrap_or(0));
        Timebase::MPEG.to_time(first.saturating_sub(origin))
    }

    /// The same clock, for another place of the file.
    pub(super) fn elsewhere(&self) -> Self {
        let mut clock = Self { ..*self };
        clock.restart();
        clock
    }

    /// The times of a packet of sound or pictures: of presentation and of decoding.
    pub(super) fn stamp(&mut self, pts: u64, dts: Option<u64>) -> (Stamp, Stamp) {
        let dts33 = dts.unwrap_or(pts);
        let first = self.unroll(dts33);
        self.last = Some(first.ticks);
        // The presentation is near decoding, before or after a wrap.
        let ahead = difference(pts, dts33);
        let pts = Stamp {
            ticks: first.ticks.saturating_add(ahead),
            jumped: first.jumped,
        };
        self.first.get_or_insert(pts.ticks);
        let origin = *self.origin.get_or_insert(pts.ticks);
        let since = |stamp: Stamp| Stamp {
            ticks: stamp.ticks.saturating_sub(origin),
            ..stamp
        };
        (since(pts), since(first))
    }

    /// The time of something that does not carry the timeline (metadata); `None` before the
    /// timeline has begun.
    pub(super) fn peek(&self, pts: u64) -> Option<i64> {
        let (last, origin) = (self.last?, self.origin?);
        let shifted = self.shifted(pts, self.shifts);
        Some(near(shifted, last).saturating_sub(origin))
    }

    fn shifted(&self, ticks: u64, [shift, _]: [i64; 2]) -> i64 {
        i64::try_from(ticks & ((1 << 33) - 1))
            .unwrap_or(0)
            .saturating_add(shift)
    }

    fn unroll(&mut self, ticks: u64) -> Stamp {
        let plain = |ticks| Stamp {
            ticks,
            jumped: false,
        };
        let raw = self.shifted(ticks, [0; 2]);
        let Some(last) = self.last else {
            // After a seek: not before the first time of all, but for some reordering.
            let after = self
                .first
                .map(|first| first.saturating_add(WRAP / 2 - MAX_BACK));
            return plain(after.map_or(raw, |middle| near(raw, middle)));
        };
        for shift in self.shifts {
            let there = near(raw.saturating_add(shift), last);
            if (-MAX_BACK..=MAX_AHEAD).contains(&there.saturating_sub(last)) {
                return plain(there);
            }
        }
        let [shift, before] = self.shifts;
        let there = near(raw.saturating_add(shift), last);
        if !self.continuous {
            return Stamp {
                ticks: there,
                jumped: true,
            };
        }
        let closed = shift.saturating_sub(there.saturating_sub(last));
        self.shifts = [closed, if closed == before { before } else { shift }];
        Stamp {
            ticks: last,
            jumped: true,
        }
    }
}

/// The value that is nearest to another one among those that differ by whole wraps.
fn near(ticks: i64, to: i64) -> i64 {
    let half = WRAP / 2;
    let distance = to.saturating_sub(ticks).saturating_add(half);
    ticks.saturating_add(distance.div_euclid(WRAP).saturating_mul(WRAP))
}

/// `one - other` on the clock's circle.
fn difference(one: u64, other: u64) -> i64 {
    let ring = 1u64 << 33;
    let ahead = one.wrapping_sub(other) & ring.wrapping_sub(1);
    let ahead = i64::try_from(ahead).unwrap_or(0);
    if ahead >= WRAP / 2 {
        ahead.saturating_sub(WRAP)
    } else {
        ahead
    }
}
