//! Which rendition comes next: by what is buffered, bounded by what the network can carry.

use std::collections::VecDeque;

use kinora_media::Time;

/// Below it a rendition that the network can not carry is left.
const LOW_BUFFER: Time = Time::from_millis(15_000);
/// Above it a better one is taken.
const HIGH_BUFFER: Time = Time::from_millis(30_000);
/// A better one that needs no more than half of the network is taken with so much buffered.
const SAFE_BUFFER: Time = Time::from_millis(6_000);
/// The share of the estimate that is relied upon.
const BANDWIDTH_FRACTION: f64 = 0.8;
/// What the network is taken to carry before anything was measured, bits a second.
pub(crate) const INITIAL_ESTIMATE: u64 = 2_000_000;

/// The throughput so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abr {
    estimate: Option<f64>,
}

impl Abr {
    /// A segment of so many bytes took so long.
    pub(crate) fn sample(&mut self, bytes: u64, took: Time) {
        // Small answers tell of the latency, not of the width.
        if bytes < 16 * 1024 {
            return;
        }
        let bits = bytes as f64 * 8.0 / took.as_secs_f64().max(0.001);
        self.estimate = Some(match self.estimate {
            // It falls faster than it rises: a stall costs more than a lesser picture.
            Some(known) if bits < known => known * 0.4 + bits * 0.6,
            Some(known) => known * 0.7 + bits * 0.3,
            None => bits,
        });
    }

    /// The rendition for the next segment. `bitrates` rise; `ahead` is buffered.
    pub(crate) fn choose(&self, bitrates: &[u64], current: usize, ahead: Time) -> usize {
        let Some(estimate) = self.estimate else {
            return current;
        };
        let carried = |share: f64| {
            let most = estimate * share;
            bitrates
                .iter()
                .rposition(|bitrate| *bitrate as f64 <= most)
                .unwrap_or(0)
        };
        let fits = carried(BANDWIDTH_FRACTION);
        if ahead < LOW_BUFFER && fits < current {
            return fits;
        }
        if ahead >= HIGH_BUFFER && fits > current {
            return fits;
        }
        let easy = carried(0.5);
        if ahead >= SAFE_BUFFER && easy > current {
            return easy;
        }
        current
    }
}

/// How fast the segment under way comes, seen over the last moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThroughputWindow {
    number: u64,
    /// When so many bytes were there.
    marks: VecDeque<(Time, u64)>,
}

/// So far back it is looked.
const MAX_WINDOW: Time = Time::from_millis(1_500);
/// Less says nothing.
const MIN_WINDOW: Time = Time::from_millis(600);

impl ThroughputWindow {
    pub(crate) fn note(&mut self, number: u64, now: Time, received: u64) {
        if self.number != number {
            *self = Self {
                number,
                marks: VecDeque::new(),
            };
        }
        let newest = self.marks.back();
        if newest.is_some_and(|(at, _)| now - *at < Time::from_millis(100)) {
            return;
        }
        self.marks.push_back((now, received));
        // One mark stays that is at least so old.
        while self
            .marks
            .get(1)
            .is_some_and(|(at, _)| now - *at >= MAX_WINDOW)
        {
            self.marks.pop_front();
        }
    }

    /// Bytes that came lately, and how long that took.
    pub(crate) fn latest(&self, now: Time) -> Option<(u64, Time)> {
        let (since, before) = self.marks.front()?;
        let (_, received) = self.marks.back()?;
        let took = now - *since;
        (took >= MIN_WINDOW).then(|| (received - before, took))
    }

    /// Bytes a second, once there is something to tell; at least a little, for a silence may end.
    pub(crate) fn rate(&self, now: Time, asked: Time) -> Option<f64> {
        let (bytes, took) = self.latest(now)?;
        (now - asked >= MIN_WINDOW).then(|| (bytes as f64 / took.as_secs_f64()).max(1_000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: [u64; 4] = [300_000, 1_000_000, 3_000_000, 6_000_000];

    fn measured(bits: u64) -> Abr {
        let mut abr = Abr::default();
        abr.sample(bits / 8, Time::from_millis(1_000));
        abr
    }

    #[test]
    fn nothing_changes_before_something_was_measured() {
        assert_eq!(Abr::default().choose(&LADDER, 1, Time::MAX), 1);
    }

    #[test]
    fn it_goes_down_on_a_low_buffer_and_up_on_a_high_one() {
        let seconds = |n: i64| Time::from_millis(n * 1_000);
        assert_eq!(measured(1_500_000).choose(&LADDER, 2, seconds(10)), 1);
        assert_eq!(
            measured(1_500_000).choose(&LADDER, 2, seconds(20)),
            2,
            "the buffer carries it"
        );
        assert_eq!(measured(4_000_000).choose(&LADDER, 1, seconds(20)), 1);
        assert_eq!(measured(4_000_000).choose(&LADDER, 1, seconds(30)), 2);
        assert_eq!(measured(50_000_000).choose(&LADDER, 1, seconds(7)), 3);
    }
}
