//! The 33-bit clock of transport streams, made continuous.

use kinora_media::{Time, Timebase};

/// Ticks after which the clock begins anew: 26.5 hours.
pub(super) const WRAP: i64 = 1 << 33;
/// A track's decoding times go back at most so much, where reordered presentation times stand for them.
const MAX_BACK: i64 = 2 * 90_000;
/// The same where none are reordered: what goes back further begins anew, as a recording behind another one does.
const MAX_BACK_IN_ORDER: i64 = 90_000 / 4;
/// A step ahead of what is expected further than this is another timeline, not a pause.
const MAX_AHEAD: i64 = 10 * 90_000;
/// The same where the program clock has stepped as well.
const MAX_STEP: i64 = 90_000 / 2;
/// Tracks lie at most so far apart in the file where one of them begins.
const MAX_APART: i64 = 60 * 90_000;
/// Program clock references follow each other within 100 ms (ISO/IEC 13818-1 2.7.2), or nearly so.
const MAX_PCR_STEP: i64 = 3 * 90_000;

/// Unrolls the clock: wraps are undone, jumps to another timeline are closed or kept.
#[derive(Clone)]
pub(super) struct TsClock {
    /// Close jumps, so that time goes on from where it was.
    continuous: bool,
    /// The last time of sound or pictures, in unrolled ticks of the presentation.
    last: Option<i64>,
    tracks: Vec<TrackClock>,
    pcr: ProgramClock,
    /// What is added to the file's clock on each of the last two timelines, newest first.
    /// Two, because tracks cross over to a new one at different places of the file.
    shifts: [i64; 2],
    /// The presentation's zero.
    origin: Option<i64>,
    /// The first presentation time of all.
    first: Option<i64>,
}

/// Where the decoding times of one track are.
#[derive(Clone, Copy)]
struct TrackClock {
    pid: u16,
    /// The last one, in unrolled ticks.
    last: i64,
    /// From the one before to the last.
    step: i64,
    /// The program clock when it came.
    ran: i64,
    leaps: u32,
}

/// The program clock reference, as far as it runs on.
#[derive(Clone, Copy, Default)]
struct ProgramClock {
    last: Option<u64>,
    /// Ticks that it has run in small steps.
    ran: i64,
    /// How often it was set anew.
    leaps: u32,
}

/// A time stamp on the presentation's timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    pub(super) ticks: i64,
    /// The timeline has jumped since the stamp before.
    pub(super) jumped: bool,
}

impl TsClock {
    /// With `first_is_zero` the first time stamp becomes the presentation's zero and jumps are
    /// closed; otherwise the file's time is kept.
    pub(super) fn new(first_is_zero: bool) -> Self {
        Self {
            continuous: first_is_zero,
            last: None,
            tracks: Vec::new(),
            pcr: ProgramClock::default(),
            shifts: [0; 2],
            origin: (!first_is_zero).then_some(0),
            first: None,
        }
    }

    /// Whether times count from the first one and jumps are closed.
    pub(super) fn is_continuous(&self) -> bool {
        self.continuous
    }

    /// What comes next is from another place of the file.
    pub(super) fn restart(&mut self) {
        self.last = None;
        self.tracks.clear();
        self.pcr = ProgramClock::default();
        self.shifts = [0; 2];
    }

    /// The program clock reference comes by; with `anew` the sender says that it was set
    /// (`discontinuity_indicator`, ISO/IEC 13818-1 2.4.3.5).
    pub(super) fn reference(&mut self, pcr: u64, anew: bool) {
        let Some(before) = self.pcr.last.replace(pcr) else {
            return;
        };
        match difference(pcr, before) {
            step @ 0..=MAX_PCR_STEP if !anew => self.pcr.ran = self.pcr.ran.saturating_add(step),
            _ => self.pcr.leaps = self.pcr.leaps.saturating_add(1),
        }
    }

    /// The time at which the presentation begins.
    pub(super) fn begins(&self) -> Time {
        let (first, origin) = (self.first.unwrap_or(0), self.origin.unwrap_or(0));
        Timebase::MPEG.to_time(first.saturating_sub(origin))
    }

    /// The same clock, for another place of the file.
    pub(super) fn elsewhere(&self) -> Self {
        let mut clock = self.clone();
        clock.restart();
        clock
    }

    /// The times of a packet of sound or pictures: of presentation and of decoding. `reordered`: presentation times
    /// may go back, as those of pictures do.
    pub(super) fn stamp(
        &mut self,
        pid: u16,
        pts: u64,
        dts: Option<u64>,
        reordered: bool,
    ) -> (Stamp, Stamp) {
        let dts33 = dts.unwrap_or(pts);
        let back = match reordered && dts.is_none() {
            true => MAX_BACK,
            false => MAX_BACK_IN_ORDER,
        };
        let first = self.unroll(pid, dts33, back);
        self.last = Some(first.ticks);
        self.note(pid, first.ticks);
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

    fn note(&mut self, pid: u16, ticks: i64) {
        let ProgramClock { ran, leaps, .. } = self.pcr;
        let mut now = TrackClock {
            pid,
            last: ticks,
            step: 0,
            ran,
            leaps,
        };
        match self.tracks.iter_mut().find(|track| track.pid == pid) {
            Some(track) => {
                now.step = ticks.saturating_sub(track.last).clamp(0, MAX_APART);
                *track = now;
            }
            None => self.tracks.push(now),
        }
    }

    fn unroll(&mut self, pid: u16, ticks: u64, back: i64) -> Stamp {
        let plain = |ticks| Stamp {
            ticks,
            jumped: false,
        };
        let raw = self.shifted(ticks, [0; 2]);
        let Some(last) = self.last else {
            // After a seek: not before the first time of all, but for some reordering.
            let after = self
                .first
                .map(|first| first.saturating_add(WRAP / 2 - MAX_AHEAD));
            return plain(after.map_or(raw, |middle| near(raw, middle)));
        };
        let track = self.tracks.iter().find(|track| track.pid == pid).copied();
        let due = track.map_or(last, |track| track.last.saturating_add(track.step));
        let on = |shift: i64| near(raw.saturating_add(shift), due);
        let [shift, before] = self.shifts;
        // Each track crosses over by itself: it is on the timeline on which it goes on.
        let nearer = |one: i64, other: i64| {
            let far = |ticks: i64| ticks.saturating_sub(due).saturating_abs();
            if far(other) < far(one) { other } else { one }
        };
        let there = nearer(on(shift), on(before));
        if self.goes_on(track, last, there, back) {
            return plain(there);
        }
        let there = on(shift);
        if !self.continuous {
            return Stamp {
                ticks: there,
                jumped: true,
            };
        }
        let closed = shift.saturating_sub(there.saturating_sub(due));
        self.shifts = [closed, if closed == before { before } else { shift }];
        Stamp {
            ticks: due,
            jumped: true,
        }
    }

    /// Whether a time belongs to the timeline on which a track, or the others, are.
    fn goes_on(&self, track: Option<TrackClock>, last: i64, there: i64, back: i64) -> bool {
        let Some(track) = track else {
            return (-MAX_APART..=MAX_APART).contains(&there.saturating_sub(last));
        };
        let leapt = self.pcr.leaps != track.leaps;
        let [back, ahead] = match leapt {
            true => [MAX_STEP; 2],
            false => [back, MAX_AHEAD],
        };
        let step = there.saturating_sub(track.last);
        // Time that the program clock has run is a pause of the track, as is a step like the one before.
        let ran = self.pcr.ran.saturating_sub(track.ran);
        let most = ahead.saturating_add(ran.max(track.step.saturating_mul(2)));
        if step >= back.saturating_neg() && step <= most {
            return true;
        }
        // Others are there already: only this one was silent.
        step > 0 && there.saturating_sub(last) <= MAX_STEP
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
