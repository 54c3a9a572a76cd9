//! The latency that the author of a live presentation wants (ISO/IEC 23009-1 annex K.3.2).

use kinora_media::Time;
use serde::{Deserialize, Serialize};

/// How fast a live presentation plays that names no rate, while it catches up.
const USUAL_RATE: f64 = 1.2;
/// So much more than the target is borne where the author names no most.
const SLACK: Time = Time::from_millis(1_000);
/// Who plays faster with less in the buffer runs dry.
const LEAST_AHEAD: Time = Time::from_millis(500);
/// No rate is used outside of these.
const RATES: (f64, f64) = (0.5, 2.0);

/// The latency that is aimed at, and how it is kept.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct LatencyGoal {
    /// From when something happens to when it is shown.
    pub(crate) target: Time,
    /// It may be so much.
    pub(crate) most: Option<Time>,
    /// It may be so little.
    pub(crate) least: Option<Time>,
    /// The fastest that is played.
    pub(crate) fastest: Option<f64>,
    /// The slowest.
    pub(crate) slowest: Option<f64>,
}

impl LatencyGoal {
    /// The most that is borne before it is caught up with.
    pub(crate) fn most(&self) -> Time {
        self.most.unwrap_or(self.target + SLACK).max(self.target)
    }

    /// The rate to play with, at a latency and with so much in the buffer: what is played faster or slower is so until the
    /// target is reached. `most`: the application bears no more.
    pub(crate) fn rate(&self, latency: Time, ahead: Time, now: f64, most: Time) -> f64 {
        let most = self.most().min(most.max(self.target));
        let least = self.least.unwrap_or(Time::MIN).min(self.target);
        let fastest = self.fastest.unwrap_or(USUAL_RATE).clamp(1.0, RATES.1);
        let slowest = self.slowest.unwrap_or(1.0).clamp(RATES.0, 1.0);
        let late = if now > 1.0 { self.target } else { most };
        let early = if now < 1.0 { self.target } else { least };
        match (latency > late, latency < early) {
            (true, _) if ahead >= LEAST_AHEAD => fastest,
            (_, true) => slowest,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: LatencyGoal = LatencyGoal {
        target: Time::from_millis(3_000),
        most: Some(Time::from_millis(5_000)),
        least: Some(Time::from_millis(2_000)),
        fastest: Some(1.04),
        slowest: Some(0.96),
    };

    #[test]
    fn playback_is_faster_or_slower_until_the_target_is_reached() {
        let rate = |latency, now| {
            let (latency, ahead) = (Time::from_millis(latency), Time::from_millis(1_000));
            GOAL.rate(latency, ahead, now, Time::MAX)
        };
        let faster = [4_900, 5_100, 3_100, 2_900].map(|latency| rate(latency, 1.04));
        assert_eq!(faster, [1.04, 1.04, 1.04, 1.0]);
        let usual = [1_900, 2_100, 4_900, 5_100].map(|latency| rate(latency, 1.0));
        assert_eq!(usual, [0.96, 1.0, 1.0, 1.04]);
        let slower = [1_900, 2_900, 3_100].map(|latency| rate(latency, 0.96));
        assert_eq!(slower, [0.96, 0.96, 1.0]);
    }

    #[test]
    fn what_is_nearly_dry_is_not_played_faster_and_wild_rates_are_none() {
        let late = Time::from_millis(9_000);
        assert_eq!(GOAL.rate(late, Time::from_millis(400), 1.0, Time::MAX), 1.0);
        let wild = LatencyGoal {
            fastest: Some(40.0),
            slowest: Some(f64::NAN),
            ..GOAL
        };
        assert_eq!(wild.rate(late, late, 1.0, Time::MAX), 2.0);
        // What the application bears counts where that is less.
        let four = Time::from_millis(4_000);
        assert_eq!(GOAL.rate(Time::from_millis(4_500), late, 1.0, four), 1.04);
        let target = GOAL.rate(Time::from_millis(2_900), late, 1.0, Time::ZERO);
        assert_eq!(target, 1.0);
    }
}
