//! Durations of segments one by one, or run by run (ISO/IEC 23009-1 5.3.9.6).

use super::error::DashError;
use super::reading::Reading;
use super::values;
use super::xml::Element;

/// `SegmentTimeline`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    runs: Vec<Run>,
}

/// Segments of one duration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    /// Where it begins; behind the run before it, if it does not say.
    time: Option<u64>,
    duration: u64,
    repeat: Repeat,
    /// The number of the first one; that behind the last one, if it does not say.
    number: Option<u64>,
}

/// `S@r`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Repeat {
    /// So many segments.
    Times(u64),
    /// As many as fit before the next run or the end of the period.
    Open,
}

/// A segment of the timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// How many come before it.
    pub(super) number: u64,
    pub(super) time: u64,
    pub(super) duration: u64,
}

impl Timeline {
    pub(super) fn read(element: &Element, reading: &mut Reading) -> Result<Self, DashError> {
        let mut runs = Vec::new();
        for s in element.all("S") {
            let time = values::number(s, "t");
            let number = values::number(s, "n");
            let repeat = values::number::<i64>(s, "r").unwrap_or(0);
            let pattern = s.attribute("p").and_then(|id| pattern(element, id));
            if let Some(pattern) = pattern {
                let entry: usize = values::number(s, "pE").unwrap_or(0);
                let count = u64::try_from(repeat).unwrap_or(0).saturating_add(1);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                reading.count_runs(count, s.line)?;
                let durations = pattern
                    .iter()
                    .cycle()
                    .skip(entry.min(pattern.len()))
                    .take(count);
                let from = runs.len();
                runs.extend(durations.map(|duration| Run {
                    time: None,
                    duration: *duration,
                    repeat: Repeat::Times(1),
                    number: None,
                }));
                if let Some(first) = runs.get_mut(from) {
                    (first.time, first.number) = (time, number);
                }
            } else {
                // Without a duration it is none (5.3.9.6.2).
                let Some(duration) = values::number(s, "d").filter(|it| *it > 0) else {
                    continue;
                };
                reading.count_runs(1, s.line)?;
                runs.push(Run {
                    time,
                    duration,
                    repeat: match u64::try_from(repeat) {
                        Ok(more) => Repeat::Times(more.saturating_add(1)),
                        Err(_) => Repeat::Open,
                    },
                    number,
                });
            }
        }
        Ok(Self { runs })
    }

    /// Its segments that end behind `from` and begin before `until`, both in ticks, no more than `max`. `first`: the number
    /// of the first one. `end`: where the period ends; up to there the last run is repeated, if that is open.
    pub(super) fn entries(
        &self,
        first: u64,
        (from, until): (i128, i128),
        end: i128,
        max: usize,
    ) -> Vec<Entry> {
        let mut out = Vec::new();
        let (mut time, mut number) = (0_u64, 0_u64);
        for (at, run) in self.runs.iter().enumerate() {
            time = run.time.unwrap_or(time);
            let named = run.number.map(|it| it.saturating_sub(first));
            number = named.unwrap_or(number);
            let next = self
                .runs
                .get(at.saturating_add(1))
                .and_then(|next| next.time);
            let room = |to: i128| {
                let room = to.saturating_sub(i128::from(time)).max(0);
                // One that begins before it counts, however little of it fits.
                let more = i128::from(run.duration).saturating_sub(1);
                let count = room
                    .saturating_add(more)
                    .checked_div(i128::from(run.duration));
                count
                    .and_then(|count| u64::try_from(count).ok())
                    .unwrap_or(0)
            };
            let count = match (run.repeat, next) {
                (Repeat::Times(times), _) => times,
                (Repeat::Open, Some(next)) => room(i128::from(next)),
                (Repeat::Open, None) => room(end),
            };
            // Those that are over are not looked at one by one.
            let over = from.saturating_sub(i128::from(time)).max(0);
            let over = over.checked_div(i128::from(run.duration)).unwrap_or(0);
            let over = u64::try_from(over).unwrap_or(u64::MAX).min(count);
            let duration = run.duration;
            let of = |index: u64| Entry {
                number: number.saturating_add(index),
                time: time.saturating_add(duration.saturating_mul(index)),
                duration,
            };
            let inside = (over..count).map(of);
            let inside = inside.take_while(|entry| i128::from(entry.time) < until);
            out.extend(inside.take(max.saturating_sub(out.len())));
            time = time.saturating_add(duration.saturating_mul(count));
            number = number.saturating_add(count);
        }
        out
    }

    /// The duration of its longest segment, in ticks.
    pub(super) fn longest(&self) -> Option<u64> {
        self.runs.iter().map(|run| run.duration).max()
    }

    /// Its last run has no end of its own.
    pub(super) fn is_open(&self) -> bool {
        self.runs
            .last()
            .is_some_and(|run| run.repeat == Repeat::Open)
    }

    /// Where it begins, in ticks.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.runs.first().and_then(|run| run.time).unwrap_or(0)
    }
}

/// The longest pattern that is read.
const MAX_PATTERN: usize = 1_000;

/// The durations of a `Pattern`.
fn pattern(timeline: &Element, id: &str) -> Option<Vec<u64>> {
    let is = |it: &&Element| it.attribute("id").is_some_and(|of| &**of == id);
    let pattern = timeline.all("Pattern").find(is)?;
    let durations = pattern.all("P").filter_map(|p| {
        let duration = values::number(p, "d").filter(|it: &u64| *it > 0)?;
        let count = values::number::<usize>(p, "r")
            .unwrap_or(0)
            .saturating_add(1);
        Some(core::iter::repeat_n(duration, count))
    });
    let durations: Vec<u64> = durations.flatten().take(MAX_PATTERN).collect();
    (!durations.is_empty()).then_some(durations)
}
