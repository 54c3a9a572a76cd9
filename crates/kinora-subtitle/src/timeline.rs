//! What is shown when.

use std::sync::Arc;

use kinora_media::Time;

use crate::{Cue, Update};

/// The cues of one track on the presentation's timeline, and a delay between both.
///
/// It is asked for what is shown at a time, and for the next time at which that changes; between the two nothing needs to be
/// asked. It holds a bounded amount: what is over it is let go of, the earliest first.
#[derive(Clone, Debug)]
pub struct Cues {
    /// Those that have an end, by their start.
    cues: Vec<Arc<Cue>>,
    /// Those that stay until something replaces them.
    open: Vec<Arc<Cue>>,
    /// How long the longest of `cues` is.
    longest: Time,
    delay: Time,
    weight: usize,
}

/// Bytes that all cues together may have, about.
const MAX_WEIGHT: usize = 32 << 20;
/// Cues of one start among which a repeated one is looked for.
const SEARCHED: usize = 64;

impl Default for Cues {
    fn default() -> Self {
        Self {
            cues: Vec::new(),
            open: Vec::new(),
            longest: Time::ZERO,
            delay: Time::ZERO,
            weight: 0,
        }
    }
}

impl Cues {
    /// Those of a whole file.
    #[must_use]
    pub fn new(cues: Vec<Cue>) -> Self {
        let mut all = Self::default();
        for cue in cues.into_iter().filter(|cue| cue.start < cue.end) {
            match cue.end {
                Time::MAX => all.open.push(Arc::new(cue)),
                _ => all.cues.push(Arc::new(cue)),
            }
        }
        // Those of one start stay in the order of the file.
        all.cues.sort_by_key(|cue| cue.start);
        all.measure();
        all
    }

    /// Shows everything later by so much; earlier, where it is negative.
    pub fn set_delay(&mut self, delay: Time) {
        self.delay = delay;
    }

    /// How much later everything is shown.
    #[must_use]
    pub const fn delay(&self) -> Time {
        self.delay
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cues.len().saturating_add(self.open.len())
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what a packet brought.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Add(cue) => self.insert(cue),
            Update::Replace { at, cues } => {
                self.close(at);
                cues.into_iter().for_each(|cue| self.insert(cue));
            }
        }
    }

    /// Adds one, unless it is there already: HLS repeats in each segment the cues that reach into it (RFC 8216 3.5).
    pub fn insert(&mut self, cue: Cue) {
        if cue.start >= cue.end {
            return;
        }
        self.weight = self.weight.saturating_add(cue.weight());
        if cue.end == Time::MAX {
            self.open.push(Arc::new(cue));
        } else {
            let at = self.cues.partition_point(|one| one.start <= cue.start);
            let before = self.cues.get(..at).unwrap_or_default();
            let same = before.iter().rev().take(SEARCHED);
            let mut same = same.take_while(|one| one.start == cue.start);
            if same.any(|one| **one == cue) {
                self.weight = self.weight.saturating_sub(cue.weight());
                return;
            }
            self.longest = self.longest.max(length(&cue));
            self.cues.insert(at, Arc::new(cue));
        }
        self.bound();
    }

    /// Ends those that have no end.
    fn close(&mut self, at: Time) {
        for open in core::mem::take(&mut self.open) {
            self.weight = self.weight.saturating_sub(open.weight());
            let mut cue = Arc::unwrap_or_clone(open);
            cue.end = at;
            self.insert(cue);
        }
    }

    fn bound(&mut self) {
        if self.weight <= MAX_WEIGHT {
            return;
        }
        // A quarter at once: else each cue more would move all others.
        let some = self.cues.len().div_ceil(4);
        self.cues.drain(..some);
        self.open.drain(
            ..self
                .open
                .len()
                .saturating_sub(SEARCHED)
                .min(self.open.len()),
        );
        self.measure();
    }

    fn measure(&mut self) {
        let lengths = self.cues.iter().map(|cue| length(cue));
        self.longest = lengths.max().unwrap_or_default();
        let all = self.cues.iter().chain(&self.open);
        self.weight = all.fold(0, |sum, cue| sum.saturating_add(cue.weight()));
    }

    /// Lets go of those that are over at that time: of a live stream, what nobody can go back to.
    pub fn forget_before(&mut self, time: Time) {
        let time = self.undelayed(time);
        let before = self.cues.len();
        self.cues.retain(|cue| cue.end > time);
        if self.cues.len() != before {
            self.measure();
        }
    }

    /// Lets go of all: after a seek of a track whose packets come again.
    pub fn clear(&mut self) {
        let delay = self.delay;
        *self = Self {
            delay,
            ..Self::default()
        };
    }

    /// What is shown at that time, from the lowest layer to the highest, earlier cues first.
    #[must_use]
    pub fn active(&self, at: Time) -> Vec<Arc<Cue>> {
        let at = self.undelayed(at);
        let begun = self.begun(at).filter(|cue| cue.is_active(at));
        let mut active: Vec<_> = begun.cloned().collect();
        active.reverse();
        active.extend(self.open.iter().filter(|cue| cue.is_active(at)).cloned());
        active.sort_by_key(|cue| cue.layer);
        active
    }

    /// When that changes next, after that time; `None`: never again.
    #[must_use]
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub fn next_change(&self, after: Time) -> Option<Time> {
        let at = self.undelayed(after);
        let begun = self.cues.partition_point(|cue| cue.start <= at);
        let next = self.cues.get(begun).map(|cue| cue.start);
        let ends = self.begun(at).map(|cue| cue.end).filter(|end| *end > at);
        let opens = self
            .open
            .iter()
            .map(|cue| cue.start)
            .filter(|start| *start > at);
        let change = ends.chain(opens).chain(next).min()?;
        Some(change + self.delay)
    }

    /// The time of the cues that are shown at that time.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn undelayed(&self, at: Time) -> Time {
        at - self.delay
    }

    /// Those that have begun at that time and may not have ended, the latest first.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn begun(&self, at: Time) -> impl Iterator<Item = &Arc<Cue>> {
        let count = self.cues.partition_point(|cue| cue.start <= at);
        let begun = self.cues.get(..count).unwrap_or_default().iter().rev();
        let earliest = at - self.longest;
        begun.take_while(move |cue| cue.start >= earliest)
    }
}

#[allow(clippy::arithmetic_side_effects)] // Time saturates
fn length(cue: &Cue) -> Time {
    cue.end - cue.start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn ms(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    fn cue(start: i64, end: i64, text: &str) -> Cue {
        let span = Span {
            text: text.to_owned(),
            ..Span::default()
        };
        Cue {
            start: ms(start),
            end: if end < 0 { Time::MAX } else { ms(end) },
            spans: vec![span],
            ..Cue::default()
        }
    }

    fn shown(cues: &Cues, at: i64) -> String {
        let active = cues.active(ms(at));
        active.iter().map(|cue| cue.text()).collect()
    }

    #[test]
    fn overlapping_cues_are_shown_together_and_every_change_is_told() {
        let cues = Cues::new(vec![cue(10, 40, "a"), cue(60, 80, "c"), cue(20, 50, "b")]);
        let mut at = Time::ZERO;
        let mut told = Vec::new();
        while let Some(next) = cues.next_change(at) {
            told.push((next.as_millis(), shown(&cues, next.as_millis())));
            at = next;
        }
        let expected = [
            (10, "a"),
            (20, "ab"),
            (40, "b"),
            (50, ""),
            (60, "c"),
            (80, ""),
        ];
        assert_eq!(told, expected.map(|(at, text)| (at, text.to_owned())));
        assert_eq!(shown(&cues, 9), "");
    }

    #[test]
    fn a_long_cue_is_found_behind_many_short_ones() {
        let mut all = vec![cue(0, 10_000, "L")];
        all.extend((0..1_000).map(|n| cue(n, n + 1, "s")));
        assert_eq!(shown(&Cues::new(all), 500), "Ls");
    }

    #[test]
    fn layers_decide_before_times() {
        let mut below = cue(20, 50, "below");
        below.layer = -1;
        let cues = Cues::new(vec![cue(10, 50, "above "), below]);
        assert_eq!(shown(&cues, 30), "belowabove ");
    }

    #[test]
    fn a_delay_moves_everything() {
        let mut cues = Cues::new(vec![cue(10, 20, "a")]);
        cues.set_delay(ms(5));
        assert_eq!(
            (shown(&cues, 14), shown(&cues, 15)),
            (String::new(), "a".to_owned())
        );
        assert_eq!(cues.next_change(ms(0)), Some(ms(15)));
        cues.set_delay(ms(-10));
        assert_eq!(shown(&cues, 0), "a");
    }

    #[test]
    fn what_has_no_end_stays_until_it_is_replaced() {
        let mut cues = Cues::default();
        let replace = |at, with: &[Cue]| Update::Replace {
            at: ms(at),
            cues: with.to_vec(),
        };
        cues.apply(replace(10, &[cue(10, -1, "a")]));
        assert_eq!(
            (shown(&cues, 9), shown(&cues, 1_000)),
            (String::new(), "a".to_owned())
        );
        cues.apply(replace(30, &[cue(30, -1, "b")]));
        cues.apply(replace(50, &[]));
        assert_eq!(
            [5, 20, 30, 49, 50].map(|at| shown(&cues, at)),
            ["", "a", "b", "b", ""]
        );
        assert_eq!(cues.next_change(ms(50)), None);
    }

    #[test]
    fn a_cue_that_comes_again_is_one() {
        let mut cues = Cues::default();
        for _ in 0..3 {
            cues.insert(cue(10, 20, "a"));
            cues.insert(cue(10, 20, "b"));
        }
        cues.insert(cue(10, 10, "never"));
        assert_eq!(cues.len(), 2);
        cues.forget_before(ms(20));
        assert!(cues.is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let mut cues = Cues::default();
        let text = "x".repeat(60_000);
        for at in 0..2_000 {
            cues.insert(cue(at, at + 1, &text));
        }
        assert!(cues.weight <= MAX_WEIGHT);
        assert_eq!(shown(&cues, 1_999).len(), text.len());
        for at in 0..2_000 {
            cues.insert(cue(at, -1, &text));
        }
        assert!(
            cues.weight <= MAX_WEIGHT + SEARCHED * 61_000,
            "{}",
            cues.weight
        );
    }
}
