//! What time it is (ISO/IEC 23009-1 5.8.5.7).

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
/// Clocks that told nothing are asked again as often as the manifest is, within these bounds; where it is not, after so long.
const AGAIN: (Time, Time) = (Time::from_millis(10_000), Time::from_millis(300_000));
const AGAIN_BY_DEFAULT: Time = Time::from_millis(30_000);
/// A clock that is asked again tells the same, give or take the way of its answer: what was learnt of it holds.
const ALIKE: Time = Time::from_millis(1_000);

/// The server's time of day, by our monotonic clock: that one is not set while something plays.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerClock {
    reading: Reading,
    /// What was to be there was not: it is so much earlier than it was said to be.
    slow: Time,
}

/// Who says what time it is. Times of day less our monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
enum Reading {
    /// Nobody yet.
    #[default]
    None,
    /// The manifest and its answer.
    Guessed(Time),
    /// A clock that the manifest names.
    Told(Time),
}

impl ServerClock {
    /// The time of day by the server's clock.
    pub(super) fn now(self, cx: &Cx) -> Time {
        cx.mono() + self.ahead(cx)
    }

    /// The same less our monotonic clock.
    pub(super) fn ahead(self, cx: &Cx) -> Time {
        match self.reading {
            Reading::None => own(cx),
            Reading::Guessed(clock) | Reading::Told(clock) => clock - self.slow,
        }
    }
}

/// Our time of day less our monotonic clock.
fn own(cx: &Cx) -> Time {
    Time::from_millis(cx.now.unix_ms) - cx.mono()
}

impl MpdReader {
    /// Takes what a version of the manifest says, or the date of the answer that brought it. Where the manifest names a
    /// clock, that date is the time give or take the second that it is rounded to; without one, ours is believed unless it
    /// can not be right. The first version names clocks that are asked.
    pub(super) fn guess_clock(&mut self, cx: &Cx, mpd: &Mpd, date: Option<Time>, is_first: bool) {
        if let Reading::Told(_) = self.clock.reading {
            return;
        }
        let today = Time::from_millis(cx.now.unix_ms);
        let clocks = mpd.clocks();
        let said = |clock: &Clock| match clock {
            Clock::Said(time) => Some(*time - today),
            Clock::Body(_) | Clock::Head(_) => None,
        };
        let date = date.filter(|ahead| !clocks.is_empty() || ahead.abs() > TOLERANCE);
        let guess = clocks.iter().find_map(said).or(date);
        // One that nobody corrects is not set anew: what was learnt of it holds.
        if guess.is_some() || is_first {
            self.clock.reading = Reading::Guessed(own(cx) + guess.unwrap_or(Time::ZERO));
        }
        if is_first {
            self.clocks = asked(clocks, mpd);
        }
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
        let today = Time::from_millis(cx.now.unix_ms);
        let ahead = match answer {
            ClockAnswer::Body(text) => utc_time(text).map(|time| time - today),
            ClockAnswer::Head(ahead) => ahead,
            ClockAnswer::Missing => None,
        };
        self.clocks.pop_front();
        if let Some(ahead) = ahead {
            self.clocks.clear();
            let told = own(cx) + ahead;
            let is_known =
                matches!(self.clock.reading, Reading::Told(it) if (it - told).abs() < ALIKE);
            if !is_known {
                self.clock = ServerClock {
                    reading: Reading::Told(told),
                    slow: Time::ZERO,
                };
            }
        }
        self.describe()
    }

    /// How much later clocks of the network are to be asked again: none told anything, or what one told is in `doubt`. `None`:
    /// there are none, or nothing is to be asked.
    pub(in crate::ingest) fn clock_again_after(&self, doubt: bool) -> Option<Time> {
        let mpd = self.presentation.as_ref()?.mpd();
        asked(mpd.clocks(), mpd).front()?;
        let (least, most) = AGAIN;
        let period = mpd.minimum_update_period.unwrap_or(AGAIN_BY_DEFAULT);
        match self.clock.reading {
            _ if doubt => Some(least),
            Reading::Told(_) => None,
            Reading::None | Reading::Guessed(_) => Some(period.clamp(least, most)),
        }
    }

    /// The clocks that the newest manifest names are to be asked again.
    pub(in crate::ingest) fn ask_clocks_again(&mut self) {
        if let Some(known) = &self.presentation {
            self.clocks = asked(known.mpd().clocks(), known.mpd());
        }
    }

    /// A segment that was to be there by the clock is not: by no less than `early` it is not that late yet.
    pub(in crate::ingest) fn clock_is_wrong(&mut self, early: Time) {
        self.clock.slow += early;
    }
}

/// Clocks of the network, as far as they are better than what the manifest says itself.
fn asked(clocks: Vec<Clock>, mpd: &Mpd) -> std::collections::VecDeque<Clock> {
    let of_network = |it: &Clock| !matches!(it, Clock::Said(_));
    let better = clocks.into_iter().take_while(of_network);
    better
        .filter(|_| mpd.is_dynamic())
        .take(MAX_CLOCKS)
        .collect()
}
