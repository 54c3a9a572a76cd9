//! ISO 8601 dates as EXT-X-PROGRAM-DATE-TIME has them.

/// Milliseconds since 1970 of `2010-02-19T14:54:23.031+08:00`; without a zone it is UTC.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = number(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = number(parts.next()?, 2).filter(|day| (1..=31).contains(day))?;
    if parts.next().is_some() {
        return None;
    }
    let (time, zone_s) = split_zone(time)?;
    let mut parts = time.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let (second, fraction) = parts.next().map_or(("00", ""), |second| {
        second.split_once(['.', ',']).unwrap_or((second, ""))
    });
    let second = number(second, 2).filter(|second| *second <= 60)?;
    let seconds = days(year, month, day)?
        .checked_mul(86_400)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?
        .checked_sub(zone_s)?;
    seconds.checked_mul(1000)?.checked_add(millis(fraction)?)
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn millis(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    fraction
        .chars()
        .chain("000".chars())
        .take(3)
        .collect::<String>()
        .parse()
        .ok()
}

/// The time without its zone, and the zone's seconds east of Greenwich.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, zone) = time.split_at_checked(at)?;
    let (sign, zone) = match zone.strip_prefix('-') {
        Some(zone) => (-1, zone),
        None => (1, zone.strip_prefix('+')?),
    };
    let digits: String = zone.chars().filter(|letter| *letter != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() {
        0
    } else {
        number(minutes, 2)?
    };
    let seconds = number(hours, 2)?
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?;
    seconds.checked_mul(sign).map(|seconds| (time, seconds))
}

/// Days since 1970 in the Gregorian calendar: years begin in March, eras have 400 years.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_march = month.checked_add(9)?.rem_euclid(12);
    let of_year = of_march
        .checked_mul(153)?
        .checked_add(2)?
        .div_euclid(5)
        .checked_add(day)?
        .checked_sub(1)?;
    let leaps = of_era.div_euclid(4).checked_sub(of_era.div_euclid(100))?;
    let days = of_era
        .checked_mul(365)?
        .checked_add(leaps)?
        .checked_add(of_year)?;
    era.checked_mul(146_097)?
        .checked_add(days)?
        .checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_in_every_zone_are_one_instant() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            parse("2010-02-19T14:54:23.031+08:00"),
            Some(1_266_562_463_031)
        );
        assert_eq!(parse("2010-02-19T06:54:23.031Z"), Some(1_266_562_463_031));
        assert_eq!(parse("2010-02-19T06:54:23.0319"), Some(1_266_562_463_031));
        assert_eq!(
            parse("2010-02-19T01:54:23.031-0500"),
            Some(1_266_562_463_031)
        );
        assert_eq!(parse("2000-02-29T00:00:00Z"), Some(951_782_400_000));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(-1000));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in [
            "",
            "T",
            "2010-02-19",
            "2010-13-19T00:00:00Z",
            "2010-02-19T25:00:00Z",
            "x-02-19T00:00:00Z",
            "2010-02-19T00:00:00+é",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
