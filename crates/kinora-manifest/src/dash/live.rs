//! What is there at a time of day (ISO/IEC 23009-1 5.3.9.5.3, A.3), and what time it is (5.8.4.11).

use kinora_media::Time;
use url::Url;

use super::addressing::{Durations, Segments};
use super::error::DashError;
use super::model::{Mpd, Period, Representation, UtcScheme};
use super::segments::{Segment, Window};
use super::values;

/// Where the time of day comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clock {
    /// The manifest says it: it was that time when the manifest was sent.
    Said(Time),
    /// The body of an answer from there says it; read by [`utc_time`].
    Body(Url),
    /// The `Date` of an answer to HEAD from there.
    Head(Url),
}

/// The time that the body of an answer names, since 1970 (`http-iso`, `http-xsdate`).
#[must_use]
pub fn utc_time(body: &[u8]) -> Option<Time> {
    let text = core::str::from_utf8(body).ok()?;
    values::date_of(text.trim().trim_matches('"'))
}

impl Mpd {
    /// The clocks that the manifest names and a player can read, the preferred one first.
    #[must_use]
    pub fn clocks(&self) -> Vec<Clock> {
        let of = |scheme: UtcScheme, value: &str| match scheme {
            UtcScheme::Direct => values::date_of(value).map(Clock::Said),
            UtcScheme::HttpXsDate | UtcScheme::HttpIso => {
                self.url.join(value).ok().map(Clock::Body)
            }
            UtcScheme::HttpHead => self.url.join(value).ok().map(Clock::Head),
            UtcScheme::HttpNtp | UtcScheme::Other => None,
        };
        let each = self.utc_timings.iter().flat_map(|it| {
            let urls = it.value.split_whitespace();
            urls.filter_map(move |value| of(it.scheme, value))
        });
        each.collect()
    }

    /// The live edge at a time of day, on the presentation's timeline.
    #[must_use]
    pub fn live_edge(&self, now: Time) -> Time {
        let now = self.availability_end.map_or(now, |end| now.min(end));
        now - self.availability_start.unwrap_or(Time::ZERO)
    }

    /// What of the presentation is there at a time of day, since 1970.
    #[must_use]
    pub fn window(&self, now: Time) -> Window {
        if !self.is_dynamic() {
            return Window::ALL;
        }
        let edge = self.live_edge(now);
        Window {
            from: self
                .time_shift_buffer_depth
                .map_or(Time::MIN, |depth| edge - depth),
            until: edge,
        }
    }

    /// Whether nothing will be added: all is there, or its end is known and was reached.
    #[must_use]
    pub fn has_ended(&self, now: Time) -> bool {
        let over = || {
            let end = self
                .total_duration()
                .filter(|_| self.minimum_update_period.is_none());
            end.is_some_and(|end| self.live_edge(now) >= end)
        };
        !self.is_dynamic() || over()
    }

    /// The latency that the author wants (Annex K.3.2): from when something happens to when it is shown.
    #[must_use]
    pub fn target_latency(&self) -> Option<Time> {
        let mut services = self.service_descriptions.iter();
        services.find_map(|it| it.target_latency)
    }

    /// How far behind the live edge playback is to stay: as the author says; else three times the longest segment, and no
    /// less than what is to be buffered. Never more than what stays there.
    #[must_use]
    pub fn presentation_delay(&self) -> Time {
        let target = self.target_latency();
        let longest = || {
            let sets = self.periods.iter().rev().flat_map(|it| &it.adaptation_sets);
            let representations = sets.flat_map(|it| &it.representations);
            representations
                .filter_map(Representation::longest_segment)
                .next()
        };
        let usual = || {
            let longest = longest()
                .or(self.max_segment_duration)
                .unwrap_or(DEFAULT_SEGMENT);
            longest
                .scale(3.0)
                .max(self.min_buffer_time.unwrap_or(Time::ZERO))
        };
        let delay = target
            .or(self.suggested_presentation_delay)
            .unwrap_or_else(usual);
        let most = self.time_shift_buffer_depth.filter(|it| *it > Time::ZERO);
        most.map_or(delay, |most| delay.min(most))
    }

    /// How long after it was asked for last the manifest is to be asked for again; `None` where it stays as it is. Zero
    /// means that events tell (5.10.4); once a segment will do then.
    #[must_use]
    pub fn update_delay(&self) -> Option<Time> {
        const LEAST: Time = Time::from_millis(500);
        let period = self.minimum_update_period.filter(|_| self.is_dynamic())?;
        let segment = self.max_segment_duration.unwrap_or(DEFAULT_SEGMENT);
        Some(match period > Time::ZERO {
            true => period.max(LEAST),
            false => segment.max(LEAST),
        })
    }
}

/// All that a period of unknown end lists.
const UNBOUNDED: Window = Window {
    from: Time::MIN,
    until: Time::from_nanos(i64::MAX.saturating_sub(1)),
};
/// Where nothing says how long segments are.
const DEFAULT_SEGMENT: Time = Time::from_millis(4_000);

impl Representation {
    /// Its segments that are there at a time of day, since 1970, no more than `max`, the newest. What a timeline lists is
    /// there: who made the list knows, whatever the clocks say.
    ///
    /// # Errors
    /// When a URL can not be resolved.
    pub fn available(
        &self,
        mpd: &Mpd,
        base: &Url,
        period: &Period,
        now: Time,
        max: usize,
    ) -> Result<Vec<Segment>, DashError> {
        let window = mpd.window(now);
        if window == Window::ALL {
            return self.segments(base, period, window, max);
        }
        let ahead = self
            .addressing
            .availability_time_offset
            .unwrap_or(Time::ZERO);
        let ahead = ahead.max(Time::ZERO);
        let until = window.until + ahead;
        let timeline = match &self.addressing.segments {
            Segments::Template { durations, .. } | Segments::List { durations, .. } => {
                match durations {
                    Durations::Listed(timeline) => Some(timeline),
                    Durations::Equal(_) | Durations::Period => None,
                }
            }
            Segments::Whole { .. } => return self.segments(base, period, Window::ALL, max),
        };
        if let Some(timeline) = timeline {
            let reached = (until - period.start).max(Time::ZERO);
            let length = match timeline.is_open() {
                true => Some(period.duration.map_or(reached, |it| it.min(reached))),
                false => period.duration,
            };
            let mut segments = self.within(base, (period, length), UNBOUNDED, max)?;
            segments.retain(|it| !timeline.is_open() || it.end() <= until);
            return Ok(segments);
        }
        // All of a window counts, however long it is open: the oldest are left out where it is too many.
        let longest = self.longest_segment().unwrap_or(DEFAULT_SEGMENT);
        let count = i32::try_from(max).unwrap_or(i32::MAX);
        let oldest = until - longest.scale(f64::from(count));
        let window = Window {
            from: window.from.max(oldest),
            until,
        };
        let mut segments = self.segments(base, period, window, max)?;
        segments.retain(|it| it.end() <= until);
        Ok(segments)
    }
}
