//! Dates and durations of ISO 8601, as EXT-X-PROGRAM-DATE-TIME, EXT-X-DATERANGE (RFC 8216 4.3.2.6) and MPDs (XML Schema
//! `dateTime`, `duration`) have them.

use kinora_media::Time;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::parsing::Parsed;
use time::{PrimitiveDateTime, UtcOffset};

/// Playlists leave out the zone (then it is UTC), its colon, its minutes, the seconds; some put a blank for the `T`.
const ISO_8601: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[year]-[month]-[day][first [T] [t] [ ]][hour]:[minute]\
     [optional [:[second][optional [[first [.] [,]][subsecond digits:1+]]]]]\
     [optional [[first [Z] [z] [[offset_hour sign:mandatory]:[offset_minute]] [[offset_hour sign:mandatory][offset_minute]] [[offset_hour sign:mandatory]]]]]"
);

/// Milliseconds since 1970 of `2010-02-19T14:54:23.031+08:00`.
pub(crate) fn date_ms(text: &str) -> Option<i64> {
    let mut parsed = Parsed::new();
    let rest = parsed.parse_items(text.trim().as_bytes(), ISO_8601).ok()?;
    if !rest.is_empty() {
        return None;
    }
    if parsed.second().is_none() {
        parsed.set_second(0)?;
    }
    let zone = match parsed.offset_hour() {
        Some(_) => UtcOffset::try_from(parsed).ok()?,
        None => UtcOffset::UTC,
    };
    let at = PrimitiveDateTime::try_from(parsed)
        .ok()?
        .assume_offset(zone);
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

/// `P1DT2H3M4.5S`, `PT0.04S`, `-PT1S`. Years are 365 days and months 30, as peers take them.
pub(crate) fn duration(text: &str) -> Option<Time> {
    const DATE: [(char, f64); 4] = [
        ('Y', 31_536_000.0),
        ('M', 2_592_000.0),
        ('W', 604_800.0),
        ('D', 86_400.0),
    ];
    const CLOCK: [(char, f64); 3] = [('H', 3_600.0), ('M', 60.0), ('S', 1.0)];
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date, clock) = rest.split_once('T').unwrap_or((rest, ""));
    let seconds = sum(date, &DATE)? + sum(clock, &CLOCK)?;
    (!date.is_empty() || !clock.is_empty()).then(|| Time::from_secs_f64(sign * seconds))
}

/// Numbers, each with its unit behind it, in seconds.
fn sum(text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut seconds = 0.0;
    let mut number = 0;
    let is_digit = |at: char| at.is_ascii_digit() || at == '.';
    for (at, unit) in text.char_indices().filter(|(_, at)| !is_digit(*at)) {
        let count: f64 = text.get(number..at)?.parse().ok()?;
        let (_, length) = units.iter().find(|(name, _)| *name == unit)?;
        seconds += count * length;
        number = at.checked_add(unit.len_utf8())?;
    }
    text.get(number..)?.is_empty().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::date_ms as parse;
    use super::*;

    #[test]
    fn durations_are_sums_of_their_parts() {
        let ms = |text: &str| duration(text).map(Time::as_millis);
        assert_eq!(ms("PT1H2M3.5S"), Some(3_723_500));
        assert_eq!(ms("P1DT0H"), Some(86_400_000));
        assert_eq!(ms("P0Y0M0DT0H3M30.000S"), Some(210_000));
        assert_eq!(ms("-PT1S"), Some(-1_000));
        assert_eq!(ms("PT2.639312505722046S"), Some(2_639));
        for bad in [
            "", "P", "PT", "1S", "PT1", "PTS", "PT1X", "P1S", "PT1.2.3S", "PTéS",
        ] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }

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
