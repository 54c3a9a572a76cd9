use core::fmt;

use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// A time of day: whole seconds since 1970, UTC. Its `Display` is the services' form,
/// `2017-10-10T12:02:54Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// From milliseconds since 1970, rounded down.
    #[must_use]
    pub const fn from_millis(unix_ms: i64) -> Self {
        Self(unix_ms.div_euclid(1000))
    }
    /// Seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
    /// That many seconds later.
    #[must_use]
    pub const fn after(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
    /// Reads `YYYY-MM-DDThh:mm:ssZ`, and no other spelling of the same time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The parser below takes a sign before the year, and with it years of other lengths.
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let time = PrimitiveDateTime::parse(text, &form).ok()?;
        Some(Self(time.assume_utc().unix_timestamp()))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A time outside the calendar's range shows as its beginning: no service takes it either way.
        let at = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        let at = UnixTime::from_millis(1_507_636_974_999);
        assert_eq!(at.to_string(), "2017-10-10T12:02:54Z");
        assert_eq!(UnixTime::parse("2017-10-10T12:02:54Z"), Some(at));
        for bad in [
            "",
            "2017-10-10 12:02:54",
            "2017-10-10T12:02:54+08:00",
            "2017-13-10T12:02:54Z",
            "+2017-10-10T12:02:54Z",
            "-2017-10-10T12:02:54Z",
            "+12017-10-10T12:02:54Z",
            "12017-10-10T12:02:54Z",
            "2017-+1-10T12:02:54Z",
            "2017-10-10T12:02:54+Z",
            "2017-10-10T12:02:5Z",
            " 2017-10-10T12:02:54Z",
            "2017-10-10T12:02:54Z ",
            "2017-10-10t12:02:54z",
            "２017-10-10T12:02:54Z",
        ] {
            assert_eq!(UnixTime::parse(bad), None, "{bad}");
        }
        assert_eq!(UnixTime(i64::MAX).to_string(), "1970-01-01T00:00:00Z");
    }
}
