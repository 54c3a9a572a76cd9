//! Whether media come as fast as they play, as those of a live stream do, or as fast as the network carries them.

use kinora_media::Time;

/// So long the pace is watched at a time: longer than servers collect packets before they send them.
const WINDOW: Time = Time::from_millis(4_000);
/// What is made as it comes is not ahead of its own beginning by more or less than before, give or take so much.
const JITTER: Time = Time::from_millis(500);
/// More than that at once was there before: it was not made now.
const MAX_LEAP: Time = Time::from_millis(1_000);
/// A sender's clock is not faster than ours by more than one part in so many.
const MAX_DRIFT: f64 = 0.02;

/// What arrives, compared with the time that passes meanwhile. Media that are made while they are sent can not be further
/// ahead than they were when the first of them came; what lies on a server is, as soon as the network allows.
#[derive(Default)]
pub(super) struct Pace {
    /// The moment at which the first came, and its time.
    origin: Option<(Time, Time)>,
    window: Option<Window>,
    /// How far ahead it was at most in the window before.
    before: Option<Time>,
    /// It comes as it is made; at the moment given it was so far ahead at most.
    live: Option<(Time, Time)>,
}

struct Window {
    since: Time,
    most: Time,
}

impl Pace {
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// We did not take what came: that says nothing of the sender.
    pub(super) fn held(&mut self) {
        (self.window, self.before) = (None, None);
    }

    /// Media up to a time are here.
    pub(super) fn came(&mut self, now: Time, until: Time) {
        let (began, first) = *self.origin.get_or_insert((now, until));
        let ahead = (until - first) - (now - began);
        if let Some((at, most)) = self.live {
            let limit = most + MAX_LEAP + (now - at).scale(MAX_DRIFT);
            if ahead > limit {
                self.live = None;
                self.held();
            }
            return;
        }
        let window = self.window.get_or_insert(Window {
            since: now,
            most: ahead,
        });
        window.most = window.most.max(ahead);
        if now - window.since < WINDOW {
            return;
        }
        let most = window.most;
        if self
            .before
            .is_some_and(|before| (most - before).abs() <= JITTER)
        {
            self.live = Some((now, most));
        }
        self.before = Some(most);
        self.window = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: i64) -> Time {
        Time::from_millis(ms)
    }

    /// Feeds media that are there up to `made(ms)` at each moment; gives when it was first found to be live.
    fn live_from(pace: &mut Pace, from: i64, to: i64, made: impl Fn(i64) -> i64) -> Option<i64> {
        (from..to).step_by(40).find(|now| {
            pace.came(ms(*now), ms(made(*now)));
            pace.is_live()
        })
    }

    #[test]
    fn what_comes_as_it_is_made_is_live_whatever_it_begins_with() {
        for begun in [0, 2_000, 15_000] {
            let mut pace = Pace::default();
            let found = live_from(&mut pace, 0, 60_000, |now| begun + now);
            assert!(found.is_some_and(|at| at < 10_000), "{begun}: {found:?}");
        }
        // A server that sends a group of pictures at a time.
        let mut pace = Pace::default();
        let found = live_from(&mut pace, 0, 60_000, |now| now / 2_000 * 2_000);
        assert!(found.is_some_and(|at| at < 14_000), "{found:?}");
    }

    #[test]
    fn what_comes_faster_or_slower_than_it_plays_is_not() {
        for percent in [50, 80, 120, 300, 2_000] {
            let mut pace = Pace::default();
            let found = live_from(&mut pace, 0, 60_000, |now| now * percent / 100);
            assert_eq!(found, None, "{percent}");
        }
    }

    #[test]
    fn a_backlog_after_an_outage_is_no_proof_of_another_pace() {
        let mut pace = Pace::default();
        live_from(&mut pace, 0, 20_000, |now| now).unwrap();
        for now in (40_000..60_000).step_by(40) {
            pace.came(ms(now), ms(now));
            assert!(pace.is_live());
        }
    }

    #[test]
    fn a_clock_that_runs_faster_than_ours_for_hours_stays_live() {
        let mut pace = Pace::default();
        live_from(&mut pace, 0, 20_000, |now| now).unwrap();
        for now in (20_000..36_000_000).step_by(400) {
            pace.came(ms(now), ms(now + now / 1_000));
            assert!(pace.is_live(), "{now}");
        }
    }

    #[test]
    fn what_lay_on_a_server_is_found_out_as_soon_as_the_network_gives_it() {
        let mut pace = Pace::default();
        // A network that carried just as much as was played.
        live_from(&mut pace, 0, 20_000, |now| now).unwrap();
        let mut now = 20_000;
        let mut media = 20_000;
        while pace.is_live() {
            now += 40;
            media += 80;
            pace.came(ms(now), ms(media));
        }
        assert!(media - now < 2_000, "{} ahead", media - now);
    }
}
