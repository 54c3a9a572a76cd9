//! Times as people write them: `90`, `1:30`, `1:02:03.5`.

use kinora::Time;

use crate::words::Words;

/// No film is longer: a thousand hours.
const MAX_LEN: f64 = 3_600_000.0;

/// Seconds, minutes and seconds, or hours, minutes and seconds; the last with a fraction.
pub(crate) fn parse(text: &str) -> Result<Time, Words> {
    let parts: Vec<&str> = text.split(':').collect();
    let seconds = match parts.as_slice() {
        [seconds] => number(seconds, MAX_LEN, true),
        [minutes, seconds] => number(minutes, MAX_LEN / 60.0, false)
            .zip(number(seconds, 60.0, true))
            .map(|(minutes, seconds)| minutes * 60.0 + seconds),
        [hours, minutes, seconds] => number(hours, MAX_LEN / 3_600.0, false)
            .zip(number(minutes, 60.0, false))
            .zip(number(seconds, 60.0, true))
            .map(|((hours, minutes), seconds)| hours * 3_600.0 + minutes * 60.0 + seconds),
        _ => None,
    };
    seconds.map(Time::from_secs_f64).ok_or_else(wrong)
}

/// The same of a number that came as one.
pub(crate) fn seconds(seconds: f64) -> Result<Time, Words> {
    let valid = (0.0..MAX_LEN).contains(&seconds);
    valid
        .then(|| Time::from_secs_f64(seconds))
        .ok_or_else(wrong)
}

fn wrong() -> Words {
    Words::new(
        "say seconds (90, 90.5), minutes and seconds (1:30) or hours, minutes and seconds (1:02:03.5)",
        "应为秒（90、90.5）、分:秒（1:30）或时:分:秒（1:02:03.5）",
    )
}

/// Digits, and a fraction where one may be; less than `bound`.
fn number(text: &str, bound: f64, fraction: bool) -> Option<f64> {
    let valid = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || (fraction && c == '.'));
    let value: f64 = text.parse().ok().filter(|_| valid)?;
    (value < bound).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, ms) in [
            ("90", 90_000),
            ("0:05", 5_000),
            ("1:02:03", 3_723_000),
            ("1:02:03.5", 3_723_500),
            ("12.345", 12_345),
            (".5", 500),
            ("100:00", 6_000_000),
        ] {
            assert_eq!(parse(text).ok(), Some(Time::from_millis(ms)), "{text}");
        }
        for text in [
            "", "x", "-1", "1:60", "1:2:3:4", "1.5:00", "nan", "inf", "1e3", ":", "1:", "9999999",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
