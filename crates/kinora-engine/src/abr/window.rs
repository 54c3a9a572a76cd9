//! How fast the segment under way comes, for its abandonment.

use std::collections::VecDeque;

use kinora_media::Time;

/// How fast the segment under way comes, seen over the last moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThroughputWindow {
    number: u64,
    /// After how much time in which bytes could come so many of them were there.
    marks: VecDeque<(Time, u64)>,
}

/// So far back it is looked.
const MAX_WINDOW: Time = Time::from_millis(1_500);
/// Less says nothing.
const MIN_WINDOW: Time = Time::from_millis(600);

impl ThroughputWindow {
    pub(crate) fn note(&mut self, number: u64, active: Time, received: u64) {
        if self.number != number {
            *self = Self {
                number,
                marks: VecDeque::new(),
            };
        }
        let newest = self.marks.back();
        if newest.is_some_and(|(at, _)| active - *at < Time::from_millis(100)) {
            return;
        }
        self.marks.push_back((active, received));
        // One mark stays that is at least so old.
        while self
            .marks
            .get(1)
            .is_some_and(|(at, _)| active - *at >= MAX_WINDOW)
        {
            self.marks.pop_front();
        }
    }

    /// Bytes that came lately, and how long that took.
    pub(crate) fn latest(&self, active: Time) -> Option<(u64, Time)> {
        let (since, before) = self.marks.front()?;
        let (_, received) = self.marks.back()?;
        let took = active - *since;
        (took >= MIN_WINDOW).then(|| (received - before, took))
    }

    /// Bytes a second, once there is something to tell; at least a little, for a silence may end.
    pub(crate) fn rate(&self, active: Time) -> Option<f64> {
        let (bytes, took) = self.latest(active)?;
        Some((bytes as f64 / took.as_secs_f64()).max(1_000.0))
    }
}
