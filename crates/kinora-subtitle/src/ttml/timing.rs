//! Times (W3C TTML2 12.3.1) and the intervals that elements have of them (12.4).

use kinora_media::Time;

use super::look::Attributes;
use crate::text::{clock, digits};

/// From a time to a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Interval {
    pub(super) start: Time,
    pub(super) end: Time,
}

impl Interval {
    pub(super) const ALWAYS: Self = Self {
        start: Time::ZERO,
        end: Time::MAX,
    };

    pub(super) fn contains(self, at: Time) -> bool {
        self.start <= at && at < self.end
    }
}

/// What frames and ticks are worth (7.2: `frameRate`, `frameRateMultiplier`, `subFrameRate`, `tickRate`).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Clock {
    frames: f64,
    sub_frames: f64,
    ticks: f64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            frames: 30.0,
            sub_frames: 1.0,
            ticks: 1.0,
        }
    }
}

impl Clock {
    pub(super) fn of(root: &Attributes) -> Self {
        let number = |name| root.get(name).and_then(rate);
        let nominal = number("frameRate");
        let frames =
            nominal.unwrap_or(30.0) * root.get("frameRateMultiplier").map_or(1.0, multiplier);
        let sub_frames = number("subFrameRate").unwrap_or(1.0);
        Self {
            frames,
            sub_frames,
            // Without a tick rate a tick is a sub-frame, or, without frames too, a second.
            ticks: number("tickRate").unwrap_or(match nominal {
                Some(_) => frames * sub_frames,
                None => 1.0,
            }),
        }
    }

    /// When an element is there: `begin`, `end` and `dur` count from `from`, and nothing outlasts its parent.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(super) fn interval(
        self,
        attributes: &Attributes,
        parent: Interval,
        from: Time,
    ) -> Interval {
        let time = |name| attributes.get(name).and_then(|text| self.time(text));
        let start = from + time("begin").unwrap_or_default();
        let end = time("end").map_or(parent.end, |end| from + end);
        let lasting = time("dur").map_or(parent.end, |dur| start + dur);
        Interval {
            start,
            end: end.min(lasting).min(parent.end),
        }
    }

    /// `01:02:03.456`, `01:02:03:12` (frames), `12.5s`, `100ms`, `30f`, `900t`, `1.5h`, `2m`.
    fn time(self, text: &str) -> Option<Time> {
        let text = text.trim();
        if text.contains(':') {
            return self.clock_time(text);
        }
        let split = text.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'));
        let (number, unit) = text.split_at_checked(split?)?;
        let number: f64 = number.parse().ok()?;
        Some(Time::from_secs_f64(match unit {
            "h" => number * 3_600.0,
            "m" => number * 60.0,
            "s" => number,
            "ms" => number / 1_000.0,
            "f" => number / self.frames,
            "t" => number / self.ticks,
            _ => return None,
        }))
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn clock_time(self, text: &str) -> Option<Time> {
        let mut parts = text.split([':', ';']);
        let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
        let (seconds, decimals) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
        let [hours, minutes, seconds] = [hours, minutes, seconds].map(digits);
        let whole = clock(hours?, minutes?, seconds?, decimals)?;
        let frames = parts
            .next()
            .map_or(Some(Time::ZERO), |frames| self.frame_time(frames));
        Some(whole + frames?)
    }

    fn frame_time(self, text: &str) -> Option<Time> {
        let (frames, sub) = text.split_once('.').unwrap_or((text, "0"));
        let (frames, sub): (u32, u32) = (frames.parse().ok()?, sub.parse().ok()?);
        let frames = f64::from(frames) + f64::from(sub) / self.sub_frames;
        Some(Time::from_secs_f64(frames / self.frames))
    }
}

fn rate(text: &str) -> Option<f64> {
    let rate: f64 = text.trim().parse().ok()?;
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// `1000 1001`, with a colon in older documents.
fn multiplier(text: &str) -> f64 {
    let mut parts = text.split([' ', ':']).filter_map(rate);
    match (parts.next(), parts.next()) {
        (Some(above), Some(below)) => above / below,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_as_clock_frames_ticks_and_offsets() {
        let clock = Clock {
            frames: 25.0,
            sub_frames: 2.0,
            ticks: 10_000_000.0,
        };
        for (text, millis) in [
            ("00:00:01.5", 1_500),
            ("01:00:00:05", 3_600_200),
            ("00:00:00:00.1", 20),
            ("1.5h", 5_400_000),
            ("2m", 120_000),
            ("0.25s", 250),
            ("40ms", 40),
            ("50f", 2_000),
            ("15000000t", 1_500),
        ] {
            assert_eq!(clock.time(text), Some(Time::from_millis(millis)), "{text}");
        }
        for bad in ["", "5", "s", "1:2", "a:b:c", "1.2.3s", "5x", "00:00:01:x"] {
            assert_eq!(clock.time(bad), None, "{bad}");
        }
    }
}
