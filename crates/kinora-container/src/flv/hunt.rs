//! A seek without an index: places are looked at, then key frames.

use kinora_media::{Time, TrackId};

use crate::{SeekMode, SeekTo};

/// Places that are looked at in all before the best one known must do.
const MAX_LOOKS: u32 = 12;
/// After so many guesses interpolation gives way to halving.
const MAX_GUESSES: u32 = 4;
/// A place at most this long before the wanted one is near enough.
const NEAR: Time = Time::from_millis(2_000);
/// So much earlier than wanted it is aimed: bit rates are not even.
const AIM: Time = Time::from_millis(500);
/// Key frames are first looked for so long before the target, then four times as long.
const FIRST_BACK: Time = Time::from_millis(2_500);
const MAX_BACK_STEPS: u32 = 5;

/// A place in the file and the time there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) time: Time,
}

/// A seek without an index.
pub(super) struct Hunt {
    target: SeekTo,
    pub(super) lead: TrackId,
    pub(super) start: Place,
    /// Known places before and after the wanted time.
    pub(super) low: Place,
    pub(super) high: Place,
    looks: u32,
    /// Those since it was last aimed.
    guesses: u32,
    back: Time,
    back_steps: u32,
    pub(super) phase: Phase,
    /// The best key frame so far.
    pub(super) key: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// A place was asked for; its time is not known yet.
    Landing { offset: u64 },
    /// From there key frames are looked at.
    Collecting,
}

/// What a tag is to a seek.
pub(super) struct Glance {
    pub(super) leads: bool,
    pub(super) key: bool,
    pub(super) pts: Time,
    pub(super) dts: Time,
}

impl Hunt {
    /// A seek between two known places, the first of which is the start of the file.
    pub(super) fn new(target: SeekTo, lead: TrackId, start: Place, high: Place) -> Self {
        let latest = high.time.max(Time::ZERO);
        Self {
            target: SeekTo {
                time: target.time.clamp(Time::ZERO, latest),
                ..target
            },
            lead,
            start,
            low: start,
            high,
            looks: 0,
            guesses: 0,
            back: FIRST_BACK,
            back_steps: 0,
            phase: Phase::Collecting,
            key: None,
        }
    }

    /// Where to look next.
    pub(super) fn go(&mut self) -> u64 {
        let offset = self.guess();
        self.phase = Phase::Landing { offset };
        self.looks = self.looks.saturating_add(1);
        self.guesses = self.guesses.saturating_add(1);
        self.key = None;
        offset
    }

    /// The time from which on key frames are looked for.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn wanted(&self) -> Time {
        self.target.time - self.back
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn guess(&self) -> u64 {
        let wanted = self.wanted();
        if wanted <= self.low.time || self.looks >= MAX_LOOKS {
            return self.low.offset;
        }
        let span = (self.high.time - self.low.time).as_nanos();
        let into = (wanted - AIM - self.low.time).as_nanos();
        let bytes = self.high.offset.saturating_sub(self.low.offset);
        let share = i128::from(bytes)
            .saturating_mul(into.into())
            .checked_div(span.into())
            .unwrap_or(0);
        let share = u64::try_from(share.max(0)).unwrap_or(u64::MAX).min(bytes);
        let share = match self.guesses > MAX_GUESSES {
            true => bytes / 2,
            false => share,
        };
        self.low.offset.saturating_add(share)
    }

    /// The first time at a place is known. Returns whether another place must be looked at.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(super) fn landed(&mut self, offset: u64, time: Time) -> bool {
        let wanted = self.wanted();
        let lowest = offset <= self.low.offset;
        let settled = self.looks >= MAX_LOOKS || wanted - time <= NEAR;
        if lowest || time <= wanted && settled {
            self.low = Place { offset, time };
            self.phase = Phase::Collecting;
            return false;
        }
        let place = Place { offset, time };
        match time <= wanted {
            true => self.low = place,
            false => self.high = place,
        }
        true
    }

    /// Looks at a tag. Returns whether it is now known where to go.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(super) fn see(&mut self, offset: u64, glance: &Glance) -> bool {
        let Glance {
            leads,
            key,
            pts,
            dts,
        } = *glance;
        let target = self.target.time;
        if !leads {
            return false;
        }
        if key && pts <= target {
            self.key = Some(Place { offset, time: pts });
            return false;
        }
        let nearer = match (self.key, self.target.mode) {
            (Some(before), SeekMode::Nearest) => pts - target < target - before.time,
            (None, _) => self.is_at_start(),
            _ => false,
        };
        if key && nearer {
            self.key = Some(Place { offset, time: pts });
            return true;
        }
        dts > target && !nearer
    }

    pub(super) fn is_at_start(&self) -> bool {
        self.low.offset <= self.start.offset
    }

    /// No key frame serves the target: look further back, if that is possible.
    pub(super) fn step_back(&mut self) -> bool {
        if self.key.is_some() || self.is_at_start() {
            return false;
        }
        self.back_steps = self.back_steps.saturating_add(1);
        self.back = match self.back_steps > MAX_BACK_STEPS {
            true => Time::MAX,
            false => self.back.scale(4.0),
        };
        self.high = self.low;
        self.low = self.start;
        self.guesses = 0;
        true
    }
}
