//! What time it is (ISO/IEC 23009-1 5.8.4.11).

use kinora_manifest::dash::{Clock, Mpd, utc_time};
use kinora_media::Time;

use super::MpdReader;
use crate::cx::Cx;
use crate::ingest::manifest_reader::{ClockAnswer, ClockQuestion, ClockSource};
use crate::ingest::segmented::index::Manifest;

/// A clock that is set wrong by less is believed, where the manifest names no other.
const TOLERANCE: Time = Time::from_millis(60_000);
/// So many clocks are asked, one after another.
const MAX_CLOCKS: usize = 4;

/// What the server's time of day is ahead of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum ServerClock {
    /// As far as the manifest and its answer say.
    Guessed(Time),
    /// By a clock that the manifest names.
    Told(Time),
}

impl Default for ServerClock {
    fn default() -> Self {
        Self::Guessed(Time::ZERO)
    }
}

impl ServerClock {
    /// The time of day by the server's clock.
    pub(super) fn now(self, cx: &Cx) -> Time {
        let (Self::Guessed(ahead) | Self::Told(ahead)) = self;
        Time::from_millis(cx.now.unix_ms) + ahead
    }
}

impl MpdReader {
    /// Takes what a version of the manifest says, or the date of the answer that brought it. Where the manifest names a
    /// clock, that date is the time give or take the second that it is rounded to; without one, ours is believed unless it
    /// can not be right. The first version names clocks that are asked.
    pub(super) fn guess_clock(&mut self, cx: &Cx, mpd: &Mpd, date: Option<Time>, is_first: bool) {
        if let ServerClock::Told(_) = self.clock {
            return;
        }
        let own = Time::from_millis(cx.now.unix_ms);
        let clocks = mpd.clocks();
        let said = |clock: &Clock| match clock {
            Clock::Said(time) => Some(*time - own),
            Clock::Body(_) | Clock::Head(_) => None,
        };
        let date = date.filter(|ahead| !clocks.is_empty() || ahead.abs() > TOLERANCE);
        let guess = clocks.iter().find_map(said).or(date);
        self.clock = ServerClock::Guessed(guess.unwrap_or(Time::ZERO));
        let better = clocks.into_iter().take_while(|it| said(it).is_none());
        let asked = better.filter(|_| is_first && mpd.is_dynamic());
        self.clocks = asked.take(MAX_CLOCKS).collect();
    }

    /// The clock that is to be asked now. `None`: there is none, or it may not be asked.
    pub(in crate::ingest) fn clock(&self) -> Option<ClockQuestion> {
        let known = self.presentation.as_ref()?;
        let (url, source) = match self.clocks.front()? {
            Clock::Body(url) => (url, ClockSource::Body),
            Clock::Head(url) => (url, ClockSource::Head),
            Clock::Said(_) => return None,
        };
        let url = known.base.allow(url).ok()?;
        Some(ClockQuestion { url, source })
    }

    /// That clock answered.
    pub(in crate::ingest) fn clock_told(&mut self, cx: &Cx, answer: ClockAnswer<'_>) -> Manifest {
        let own = Time::from_millis(cx.now.unix_ms);
        let ahead = match answer {
            ClockAnswer::Body(text) => utc_time(text).map(|time| time - own),
            ClockAnswer::Head(ahead) => ahead,
            ClockAnswer::Missing => None,
        };
        self.clocks.pop_front();
        if let Some(ahead) = ahead {
            self.clock = ServerClock::Told(ahead);
            self.clocks.clear();
        }
        self.describe()
    }
}
