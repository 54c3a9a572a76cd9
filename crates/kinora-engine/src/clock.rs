//! What time it is on the media's timeline: the position of the audio output where audio plays, else reckoned
//! from the machine's clock.

use kinora_media::Time;

/// The media clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Media time at the moment `at` of the machine's clock.
    anchor: Time,
    at: Time,
    rate: f64,
    running: bool,
    /// Reported before: the clock never goes back behind it, except by a seek.
    floor: Time,
    /// Where the audio ends that is known of; the clock waits there for more.
    limit: Option<Time>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            anchor: Time::ZERO,
            at: Time::ZERO,
            rate: 1.0,
            running: false,
            floor: Time::MIN,
            limit: None,
        }
    }

    fn raw(&self, mono: Time) -> Time {
        if self.running {
            self.anchor + (mono - self.at).max(Time::ZERO).scale(self.rate)
        } else {
            self.anchor
        }
    }

    pub(crate) fn position(&self, mono: Time) -> Time {
        let raw = self.raw(mono);
        let limited = self
            .limit
            .map_or(raw, |limit| raw.min(limit.max(self.anchor)));
        limited.max(self.floor)
    }

    fn rebase(&mut self, mono: Time) {
        self.anchor = self.position(mono);
        self.floor = self.anchor;
        self.at = mono;
    }

    /// Jumps, as a seek does.
    pub(crate) fn set(&mut self, media: Time, mono: Time) {
        self.anchor = media;
        self.floor = media;
        self.at = mono;
        self.limit = None;
    }

    pub(crate) fn run(&mut self, mono: Time) {
        self.rebase(mono);
        self.running = true;
    }

    pub(crate) fn hold(&mut self, mono: Time) {
        self.rebase(mono);
        self.running = false;
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    pub(crate) fn set_rate(&mut self, rate: f64, mono: Time) {
        self.rebase(mono);
        self.rate = rate;
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Audio is known up to there.
    pub(crate) fn set_limit(&mut self, limit: Option<Time>, mono: Time) {
        if self.limit == limit {
            return;
        }
        // Time spent waiting at the old limit does not count.
        if self.raw(mono) > self.position(mono) {
            self.rebase(mono);
        }
        self.floor = self.position(mono);
        self.limit = limit;
    }

    /// The audio was there at a moment before now.
    pub(crate) fn correct(&mut self, media: Time, at: Time, mono: Time) {
        if !self.running {
            return;
        }
        self.floor = self.position(mono);
        self.anchor = media;
        self.at = at.min(mono);
    }

    /// When the clock will show a time; `None` when it is held or waits before it.
    pub(crate) fn when(&self, media: Time) -> Option<Time> {
        if !self.running
            || self
                .limit
                .is_some_and(|limit| media > limit.max(self.anchor))
        {
            return None;
        }
        Some(self.at + (media - self.anchor).max(Time::ZERO).scale(1.0 / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn it_runs_at_its_rate_and_stands_when_held() {
        let mut clock = Clock::new();
        clock.set(ms(1_000), ms(0));
        assert_eq!(clock.position(ms(500)), ms(1_000));
        clock.run(ms(500));
        clock.set_rate(2.0, ms(600));
        assert_eq!(clock.position(ms(700)), ms(1_300));
        assert_eq!(clock.when(ms(1_400)).map(Time::as_millis), Some(750));
        clock.hold(ms(700));
        assert_eq!(clock.position(ms(9_000)), ms(1_300));
        assert_eq!(clock.when(ms(1_400)), None);
    }

    #[test]
    fn it_waits_where_the_audio_ends_and_loses_no_time_by_it() {
        let mut clock = Clock::new();
        clock.run(ms(0));
        clock.set_limit(Some(ms(100)), ms(0));
        assert_eq!(clock.position(ms(400)), ms(100));
        assert_eq!(clock.when(ms(150)), None);
        clock.set_limit(Some(ms(300)), ms(400));
        assert_eq!(clock.position(ms(450)), ms(150));
    }

    #[test]
    fn a_report_of_the_audio_output_never_turns_it_back() {
        let mut clock = Clock::new();
        clock.run(ms(0));
        clock.correct(ms(90), ms(100), ms(100));
        assert_eq!(clock.position(ms(100)), ms(100));
        assert_eq!(clock.position(ms(105)), ms(100));
        assert_eq!(clock.position(ms(120)), ms(110));
    }

    #[test]
    fn a_report_that_comes_late_counts_from_its_own_moment() {
        let mut clock = Clock::new();
        clock.run(ms(0));
        clock.correct(ms(90), ms(80), ms(100));
        assert_eq!(clock.position(ms(100)), ms(110));
    }
}
