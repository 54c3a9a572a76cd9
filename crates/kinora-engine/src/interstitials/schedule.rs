//! Which interstitials are due where playback is.

use std::collections::{BTreeMap, BTreeSet};

use kinora_media::Time;

use super::ScheduledInterstitial;
use crate::metadata::InterstitialCue;

/// What begins so much before playback does, begins with it.
const INSTANT: Time = Time::from_nanos(1);

/// The interstitials of a presentation, and how far playback has come.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// By their places.
    all: Vec<ScheduledInterstitial>,
    /// Those that are played but once (CUE `ONCE`), and were.
    spent: BTreeSet<u64>,
    /// Those in their places that were played since playback came by there, and where they lie.
    done: BTreeMap<u64, Time>,
    /// What begins later is still to be played; `None`: nothing was played yet.
    reached: Option<Time>,
    /// Those before the presentation were played, or there was none.
    is_begun: bool,
}

impl Schedule {
    /// Takes what the playlist says now.
    pub(crate) fn set(&mut self, mut all: Vec<ScheduledInterstitial>) {
        all.sort_by_key(|it| (it.start, it.key));
        self.all = all;
    }

    /// Those that are played at a cue, the spent ones aside.
    fn of(&self, cue: InterstitialCue) -> impl Iterator<Item = &ScheduledInterstitial> {
        let is_due = move |it: &&ScheduledInterstitial| {
            it.interstitial.cue == cue && !self.spent.contains(&it.key)
        };
        self.all.iter().filter(is_due)
    }

    fn take(&mut self, due: Vec<ScheduledInterstitial>) -> Vec<ScheduledInterstitial> {
        let once = due.iter().filter(|it| it.interstitial.once);
        self.spent.extend(once.map(|it| it.key));
        due
    }

    /// Those before the presentation, once.
    pub(crate) fn take_before(&mut self) -> Vec<ScheduledInterstitial> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Vec::new();
        }
        let due = self.of(InterstitialCue::Before).cloned().collect();
        self.take(due)
    }

    /// Whether something is played behind the presentation.
    pub(crate) fn has_after(&self) -> bool {
        self.of(InterstitialCue::After).next().is_some()
    }

    /// Those behind the presentation, which has come to its end.
    pub(crate) fn take_after(&mut self) -> Vec<ScheduledInterstitial> {
        let due = self.of(InterstitialCue::After).cloned().collect();
        self.take(due)
    }

    /// Those that playback has come to: all that begin at the same time.
    pub(crate) fn take_at(&mut self, position: Time) -> Vec<ScheduledInterstitial> {
        // Playing again from the start, or a part of it, is a jump too.
        if self.reached.is_none_or(|reached| position < reached) {
            self.jumped(position);
        }
        let reached = self.reached.unwrap_or(position);
        let is_due = |it: &&ScheduledInterstitial| {
            reached < it.start && it.start <= position && !self.done.contains_key(&it.key)
        };
        let due: Vec<_> = self.of(InterstitialCue::InPlace).filter(is_due).collect();
        let first = due.first().map(|it| it.start);
        let due = due.into_iter().filter(|it| Some(it.start) == first);
        let due: Vec<_> = due.cloned().collect();
        self.reached = Some(first.unwrap_or(position));
        self.done.extend(due.iter().map(|it| (it.key, it.start)));
        self.take(due)
    }

    /// Of those that a search has come by since the first that may not be passed over (X-RESTRICT: `JUMP`).
    pub(crate) fn take_scanned(&mut self, position: Time) -> Vec<ScheduledInterstitial> {
        let from = self.reached.unwrap_or(position);
        if position < from {
            self.jumped(position);
            return Vec::new();
        }
        let first = self.unpassable(from, position).next();
        let to = first.map_or(position, |first| first.start);
        self.reached = Some(to);
        self.take_jumped(from, to)
    }

    /// Where the next one begins behind what was reached.
    pub(crate) fn next_start(&self) -> Option<Time> {
        self.next().map(|it| it.start)
    }

    fn next(&self) -> Option<&ScheduledInterstitial> {
        let reached = self.reached?;
        let mut later = self
            .of(InterstitialCue::InPlace)
            .filter(|it| it.start > reached);
        later.find(|it| !self.done.contains_key(&it.key))
    }

    /// What is played next where playback goes on from a position: the next in its place, or what follows the end. And where.
    pub(crate) fn upcoming(&self, end: Option<Time>) -> Option<(Time, &ScheduledInterstitial)> {
        let after = || end.zip(self.of(InterstitialCue::After).next());
        self.next().map(|it| (it.start, it)).or_else(after)
    }

    /// Playback goes on from another place: what begins there or behind it is played, whatever was played before.
    pub(crate) fn jumped(&mut self, to: Time) {
        self.reached = Some(to - INSTANT);
        self.done.retain(|_, start| *start < to);
    }

    /// Playback goes on behind an interstitial: nothing that begins before is played, nor again what was, though that may
    /// begin behind there.
    pub(crate) fn resumes_at(&mut self, to: Time) {
        self.reached = Some(to - INSTANT);
    }

    fn unpassable(&self, from: Time, to: Time) -> impl Iterator<Item = &ScheduledInterstitial> {
        let is_between = move |it: &&ScheduledInterstitial| from < it.start && it.start <= to;
        let between = self.of(InterstitialCue::InPlace).filter(is_between);
        between.filter(|it| it.interstitial.may_not_jump)
    }

    /// Those that a jump may not pass over (X-RESTRICT: `JUMP`), though they were played before.
    pub(crate) fn take_jumped(&mut self, from: Time, to: Time) -> Vec<ScheduledInterstitial> {
        let due: Vec<_> = self.unpassable(from, to).cloned().collect();
        self.done.extend(due.iter().map(|it| (it.key, it.start)));
        self.take(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Asset, Interstitial, Resumption};
    use kinora_errors::Secret;
    use kinora_fetch::Initiator;

    fn at(key: u64, seconds: i64) -> ScheduledInterstitial {
        ScheduledInterstitial {
            key,
            id: key.to_string().into(),
            start: secs(seconds),
            interstitial: Interstitial {
                asset: Asset::Playlist(Secret::new("a")),
                resumption: Resumption::After(Time::ZERO),
                playout_limit: None,
                snaps_out: false,
                snaps_in: false,
                may_not_skip: false,
                may_not_jump: false,
                cue: InterstitialCue::InPlace,
                once: false,
            },
            named_by: Initiator::User,
        }
    }

    fn secs(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn keys(due: Vec<ScheduledInterstitial>) -> Vec<u64> {
        due.into_iter().map(|it| it.key).collect()
    }

    fn schedule(all: Vec<ScheduledInterstitial>) -> Schedule {
        let mut schedule = Schedule::default();
        schedule.set(all);
        schedule
    }

    #[test]
    fn what_begins_where_playback_does_is_due_and_what_lies_before_is_not() {
        let mut schedule = schedule(vec![at(1, 3), at(2, 5), at(3, 9)]);
        assert_eq!(keys(schedule.take_at(secs(5))), [2]);
        assert!(schedule.take_at(secs(8)).is_empty());
        assert_eq!(schedule.next_start(), Some(secs(9)));
        assert_eq!(keys(schedule.take_at(secs(10))), [3]);
        assert_eq!(schedule.next_start(), None);
    }

    #[test]
    fn those_of_one_place_are_due_together_in_the_order_of_their_names() {
        let mut schedule = schedule(vec![at(9, 2), at(4, 2), at(5, 3)]);
        assert!(schedule.take_at(secs(0)).is_empty());
        assert_eq!(keys(schedule.take_at(secs(4))), [4, 9]);
        assert_eq!(
            keys(schedule.take_at(secs(4))),
            [5],
            "it was passed as well"
        );
    }

    #[test]
    fn coming_by_again_plays_again_what_is_not_played_but_once() {
        let once = Interstitial {
            once: true,
            ..at(2, 2).interstitial
        };
        let once = ScheduledInterstitial {
            interstitial: once,
            ..at(2, 2)
        };
        let mut schedule = schedule(vec![at(1, 2), once]);
        assert_eq!(keys(schedule.take_at(secs(2))), [1, 2]);
        schedule.resumes_at(secs(2));
        assert!(schedule.take_at(secs(2)).is_empty(), "it was just played");
        schedule.jumped(secs(1));
        assert_eq!(keys(schedule.take_at(secs(3))), [1]);
        // Again from the start.
        assert!(schedule.take_at(secs(0)).is_empty());
        assert_eq!(keys(schedule.take_at(secs(2))), [1]);
    }

    #[test]
    fn going_on_before_its_place_does_not_play_it_for_ever() {
        let mut schedule = schedule(vec![at(1, 3), at(2, 9)]);
        schedule.take_at(secs(0));
        assert_eq!(keys(schedule.take_at(secs(3))), [1]);
        schedule.resumes_at(secs(2));
        assert!(schedule.take_at(secs(2)).is_empty());
        assert!(schedule.take_at(secs(4)).is_empty());
        assert_eq!(schedule.next_start(), Some(secs(9)));
    }

    #[test]
    fn a_place_that_moves_a_little_is_not_another_one() {
        let mut schedule = schedule(vec![at(1, 2)]);
        schedule.take_at(secs(1));
        assert_eq!(keys(schedule.take_at(secs(2))), [1]);
        schedule.set(vec![ScheduledInterstitial {
            start: Time::from_millis(2_100),
            ..at(1, 2)
        }]);
        assert!(schedule.take_at(secs(3)).is_empty());
    }

    #[test]
    fn a_jump_is_caught_by_what_it_may_not_pass() {
        let kept = |key, seconds| {
            let it = at(key, seconds);
            ScheduledInterstitial {
                interstitial: Interstitial {
                    may_not_jump: true,
                    ..it.interstitial.clone()
                },
                ..it
            }
        };
        let mut schedule = schedule(vec![kept(1, 2), at(2, 3), kept(3, 4), kept(4, 9)]);
        schedule.take_at(secs(1));
        assert_eq!(keys(schedule.take_jumped(secs(1), secs(8))), [1, 3]);
        assert_eq!(
            keys(schedule.take_jumped(secs(1), secs(8))),
            [1, 3],
            "each time"
        );
        assert!(schedule.take_jumped(secs(8), secs(1)).is_empty());
    }
}
