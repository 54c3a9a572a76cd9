//! Dates as EXT-X-PROGRAM-DATE-TIME and EXT-X-DATERANGE have them (RFC 8216 4.3.2.6: ISO 8601).

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
pub(super) fn parse(text: &str) -> Option<i64> {
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
