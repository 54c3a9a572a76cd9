//! The engine's own rule: it looks ahead.
//!
//! Model predictive control (Yin et al., "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP",
//! SIGCOMM 2015): of all plans for the next segments the one is followed that is worth most if the network goes on as
//! expected; only its first step is taken, then it is planned anew.

use super::{Download, Estimator, Rule, Situation};

/// Steps of a plan; fewer where the ladder has very many rungs.
const HORIZON: u32 = 3;
/// So many plans are looked at.
const MAX_PLANS: usize = 10_000;
/// A step holds one rendition for about so many seconds of media.
const STEP: f64 = 8.0;
/// A second of stall costs as much as so many seconds at the best quality are worth.
const STALL_COST: f64 = 8.0;
/// A change of quality costs as much as so many seconds with that difference.
const CHANGE_COST: f64 = 12.0;
/// With less buffered, in seconds, every second that lacks costs so much of the quality.
const RESERVE: f64 = 12.0;
const RESERVE_COST: f64 = 0.3;
/// Up to so many seconds in the buffer at the end of a plan are worth so many seconds at the best quality each.
const LEFT_OVER: f64 = 30.0;
const LEFT_OVER_WORTH: f64 = 0.32;
/// Quality is linear in the bitrate to this share, and logarithmic for the rest: the one sees no difference among the
/// low rungs, the other none among the high ones.
const LINEAR_SHARE: f64 = 0.4;

/// Looks ahead.
#[derive(Clone, Debug, Default)]
pub struct Predictive {
    estimator: Estimator,
}

impl Rule for Predictive {
    fn downloaded(&mut self, download: &Download) {
        self.estimator.add(download);
    }

    fn choose(&mut self, situation: &Situation<'_>) -> usize {
        let Some(rate) = self.estimator.throughput() else {
            return situation.current;
        };
        let plan = Plan::new(situation, rate, self.estimator.latency());
        let buffered = situation.buffered.as_secs_f64().max(0.0);
        plan.first_step(buffered, situation.current)
    }

    fn bandwidth(&self) -> Option<u64> {
        self.estimator.throughput().map(|bits| bits as u64)
    }
}

/// A rendition, as plans see it.
struct Rung {
    /// From 0 to 1.
    quality: f64,
    /// How long a segment of it takes to come.
    seconds: f64,
}

struct Plan {
    rungs: Vec<Rung>,
    /// Seconds of media in a segment.
    segment: f64,
    /// Segments in a step.
    step: u32,
    horizon: u32,
    max_buffer: f64,
}

impl Plan {
    fn new(situation: &Situation<'_>, rate: f64, latency: f64) -> Self {
        let segment = situation.segment.as_secs_f64().max(0.1);
        let bitrates = situation.bitrates;
        let least = bitrates.first().copied().unwrap_or(0).max(1) as f64;
        let best = bitrates.last().copied().unwrap_or(0).max(1) as f64;
        let rung = |bits: &u64| {
            let bits = (*bits).max(1) as f64;
            let range = (best / least).ln();
            let logarithmic = if range > 0.0 {
                (bits / least).ln() / range
            } else {
                1.0
            };
            Rung {
                quality: LINEAR_SHARE * bits / best + (1.0 - LINEAR_SHARE) * logarithmic,
                seconds: latency + bits * segment / rate,
            }
        };
        let mut horizon = HORIZON;
        while horizon > 1 && bitrates.len().saturating_pow(horizon) > MAX_PLANS {
            horizon -= 1;
        }
        Self {
            rungs: bitrates.iter().map(rung).collect(),
            segment,
            step: (STEP / segment).round().max(1.0) as u32,
            horizon,
            max_buffer: situation.max_buffer.as_secs_f64(),
        }
    }

    fn first_step(&self, buffered: f64, current: usize) -> usize {
        let before = self.rungs.get(current).map_or(0.0, |rung| rung.quality);
        let worth = |rung| self.worth(rung, buffered, before, self.horizon);
        let plans = self.rungs.iter().map(worth).enumerate();
        // Of plans of the same worth that of the best quality.
        let best = plans.max_by(|one, other| one.1.total_cmp(&other.1));
        best.map_or(current, |(index, _)| index)
    }

    /// What it is worth to hold a rung for a step, and what is best after that.
    fn worth(&self, rung: &Rung, buffered: f64, before: f64, left: u32) -> f64 {
        let mut buffered = buffered;
        let mut own = -(rung.quality - before).abs() * CHANGE_COST;
        for _ in 0..self.step {
            let stalled = (rung.seconds - buffered).max(0.0);
            let after = (buffered - rung.seconds).max(0.0) + self.segment;
            buffered = after.min(self.max_buffer);
            let lacking = (RESERVE - buffered).max(0.0);
            own += self.segment * (rung.quality - lacking * RESERVE_COST) - stalled * STALL_COST;
        }
        if left <= 1 {
            return own + buffered.min(LEFT_OVER) * LEFT_OVER_WORTH;
        }
        let next = self.rungs.iter();
        let next = next.map(|next| self.worth(next, buffered, rung.quality, left - 1));
        own + next.fold(f64::NEG_INFINITY, f64::max)
    }
}
