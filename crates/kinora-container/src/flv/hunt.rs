//! A seek without an index: places are looked at, then key frames.

use kinora_media::{Time, TrackId};

use crate::bisection::{Bisection, Margins, Place};
use crate::{SeekMode, SeekTo};

const MARGINS: Margins = Margins {
    near: Time::from_millis(2_000),
    aim: Time::from_millis(500),
};
/// Key frames are first looked for so long before the target, then four times as long.
const FIRST_BACK: Time = Time::from_millis(2_500);
const MAX_BACK_STEPS: u32 = 5;

/// A seek without an index.
pub(super) struct Hunt {
    target: SeekTo,
    pub(super) lead: TrackId,
    pub(super) start: Place,
    pub(super) places: Bisection,
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
            places: Bisection::new(start, high, MARGINS),
            back: FIRST_BACK,
            back_steps: 0,
            phase: Phase::Collecting,
            key: None,
        }
    }

    /// Where to look next.
    pub(super) fn go(&mut self) -> u64 {
        let wanted = self.wanted();
        let offset = self.places.look(wanted);
        self.phase = Phase::Landing { offset };
        self.key = None;
        offset
    }

    /// The time from which on key frames are looked for.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn wanted(&self) -> Time {
        self.target.time - self.back
    }

    /// The first time at a place is known. Returns whether another place must be looked at.
    pub(super) fn landed(&mut self, offset: u64, time: Time) -> bool {
        let wanted = self.wanted();
        let looks_on = self.places.landed(Place { offset, time }, wanted);
        if !looks_on {
            self.phase = Phase::Collecting;
        }
        looks_on
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
        self.places.low.offset <= self.start.offset
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
        self.places.again(self.start, self.places.low);
        true
    }
}
