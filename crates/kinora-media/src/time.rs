use core::fmt;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use core::time::Duration;

/// A signed time on a media timeline, in nanoseconds.
///
/// It serves both as a position (`pts`, `dts`) and as the difference of two
/// positions. Arithmetic saturates: hostile timestamps can not overflow it.
///
/// ```
/// use kinora_media::Time;
/// let frame = Time::from_millis(40);
/// assert_eq!((frame + frame).as_millis(), 80);
/// ```
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Time(i64);

impl Time {
    /// The start of the timeline.
    pub const ZERO: Self = Self(0);
    /// The latest time that can be represented.
    pub const MAX: Self = Self(i64::MAX);
    /// The earliest time that can be represented.
    pub const MIN: Self = Self(i64::MIN);

    /// A time of so many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }
    /// A time of so many microseconds.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }
    /// A time of so many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// A time of so many seconds; NaN becomes zero, infinities saturate.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        // `as` saturates and maps NaN to zero, which is what we promise.
        #[allow(clippy::cast_possible_truncation)]
        Self((seconds * 1e9).round() as i64)
    }
    /// Nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
    /// Microseconds, rounded to the nearest.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0.saturating_add(if self.0 < 0 { -500 } else { 500 }) / 1_000
    }
    /// Whole milliseconds, rounded towards zero.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000_000
    }
    /// Seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// The distance from zero.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
    /// This time as an unsigned duration; negative times become zero.
    #[must_use]
    pub const fn to_duration(self) -> Duration {
        Duration::from_nanos(if self.0 < 0 { 0 } else { self.0.unsigned_abs() })
    }
    /// This time scaled by a factor (a playback speed, a share).
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        #[allow(clippy::cast_possible_truncation)]
        Self((self.0 as f64 * factor).round() as i64)
    }
    /// Whole seconds as a clock shows them: `1:05`, `1:02:03`. Times before zero are zero.
    #[must_use]
    pub fn to_clock(self) -> String {
        let seconds = self.as_micros().max(0) / 1_000_000;
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        match hours {
            0 => format!("{minutes}:{seconds:02}"),
            _ => format!("{hours}:{minutes:02}:{seconds:02}"),
        }
    }
}

impl From<Duration> for Time {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl Add for Time {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Time {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl AddAssign for Time {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl SubAssign for Time {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
impl Neg for Time {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_secs_f64())
    }
}
/// `1:02:03.456`, as a person reads a position.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.unsigned_abs() / 1_000_000;
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let sign = if self.0 < 0 { "-" } else { "" };
        if hours > 0 {
            write!(
                f,
                "{sign}{hours}:{minutes:02}:{seconds:02}.{:03}",
                ms % 1000
            )
        } else {
            write!(f, "{sign}{minutes}:{seconds:02}.{:03}", ms % 1000)
        }
    }
}

/// Ticks per second as a fraction: `num / den` seconds are one tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timebase {
    num: u32,
    den: u32,
}

impl Timebase {
    /// MPEG's 90 kHz clock.
    pub const MPEG: Self = Self {
        num: 1,
        den: 90_000,
    };

    /// One tick is `1 / hz` seconds. `None` for zero hertz.
    #[must_use]
    pub const fn from_hz(hz: u32) -> Option<Self> {
        match hz {
            0 => None,
            den => Some(Self { num: 1, den }),
        }
    }
    /// Ticks to time, rounded to the nearest nanosecond, saturating.
    #[must_use]
    pub fn to_time(self, ticks: i64) -> Time {
        let den = i128::from(self.den);
        let scaled = i128::from(ticks) * i128::from(self.num) * 1_000_000_000;
        let half = if scaled < 0 { -den / 2 } else { den / 2 };
        let nanos = (scaled + half) / den;
        Time(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }
    /// Time to ticks, rounded to the nearest, saturating.
    #[must_use]
    pub fn to_ticks(self, time: Time) -> i64 {
        let unit = i128::from(self.num) * 1_000_000_000;
        let scaled = i128::from(time.0) * i128::from(self.den);
        let half = if scaled < 0 { -unit / 2 } else { unit / 2 };
        let ticks = (scaled + half) / unit;
        i64::try_from(ticks).unwrap_or(if ticks < 0 { i64::MIN } else { i64::MAX })
    }
    /// Ticks in a second.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.den / self.num
    }
}

/// What the clocks show, passed in with every input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// A clock that never goes back; its zero is arbitrary.
    pub mono: Time,
    /// Time of day: milliseconds since 1970-01-01 UTC.
    pub unix_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_survive_the_way_to_nanoseconds_and_back() {
        for hz in [1, 24, 600, 1001, 12_800, 30_000, 44_100, 48_000, 90_000] {
            let base = Timebase::from_hz(hz).unwrap();
            for ticks in [-90_000, -1, 0, 1, 1001, 8_589_934_591] {
                assert_eq!(
                    base.to_ticks(base.to_time(ticks)),
                    ticks,
                    "{ticks} at {hz} Hz"
                );
            }
        }
    }

    #[test]
    fn hostile_timestamps_saturate() {
        let base = Timebase::from_hz(1).unwrap();
        assert_eq!(base.to_time(i64::MAX), Time::MAX);
        assert_eq!(Time::MIN - Time::MAX, Time::MIN);
        assert_eq!(-Time::MIN, Time::MAX);
        assert_eq!(Time::from_secs_f64(f64::NAN), Time::ZERO);
    }

    #[test]
    fn positions_read_like_a_clock() {
        assert_eq!(Time::from_millis(3_723_456).to_string(), "1:02:03.456");
        assert_eq!(Time::from_millis(-61_000).to_string(), "-1:01.000");
    }
}
