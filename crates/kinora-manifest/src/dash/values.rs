//! Values of attributes. What cannot be read is as if it were not there, as peers take it.

use core::str::FromStr;
use std::sync::Arc;

use kinora_media::{ByteRange, Time};

use super::xml::Element;
use crate::iso8601;

pub(super) fn text(element: &Element, name: &str) -> Option<String> {
    element.attribute(name).map(|it| it.to_string())
}

pub(super) fn number<T: FromStr>(element: &Element, name: &str) -> Option<T> {
    element.attribute(name)?.trim().parse().ok()
}

pub(super) fn duration(element: &Element, name: &str) -> Option<Time> {
    iso8601::duration(element.attribute(name)?)
}

/// A date, since 1970.
pub(super) fn date(element: &Element, name: &str) -> Option<Time> {
    date_of(element.attribute(name)?)
}

pub(super) fn date_of(text: &str) -> Option<Time> {
    iso8601::date_ms(text).map(Time::from_millis)
}

/// Seconds, or `INF`.
pub(super) fn seconds(element: &Element, name: &str) -> Option<Time> {
    let value = element.attribute(name)?;
    match value.trim() {
        "INF" => Some(Time::MAX),
        number => number
            .parse()
            .ok()
            .filter(|it: &f64| !it.is_nan())
            .map(Time::from_secs_f64),
    }
}

/// Milliseconds.
pub(super) fn millis(element: &Element, name: &str) -> Option<Time> {
    number(element, name).map(Time::from_millis)
}

pub(super) fn flag(element: &Element, name: &str) -> Option<bool> {
    match element.attribute(name)?.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// `100-199`, `100-`.
pub(super) fn byte_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.trim().split_once('-')?;
    let first: u64 = first.trim().parse().ok()?;
    if last.trim().is_empty() {
        return Some(ByteRange::from(first));
    }
    let last: u64 = last.trim().parse().ok()?;
    let len = last.checked_sub(first)?.checked_add(1)?;
    Some(ByteRange::of(first, len))
}

/// `30`, `29.97`, `30000/1001`.
pub(super) fn ratio(text: &str) -> Option<f64> {
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    let (num, den): (f64, f64) = (num.trim().parse().ok()?, den.trim().parse().ok()?);
    let ratio = num / den;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// Words separated by blanks.
pub(super) fn words(element: &Element, name: &str) -> Vec<String> {
    let value = element.attribute(name).map_or("", |it| it);
    value.split_whitespace().map(str::to_owned).collect()
}

/// Ticks of a clock as a time.
pub(super) fn ticks(ticks: i128, timescale: u64) -> Time {
    let nanos = ticks.saturating_mul(1_000_000_000);
    let nanos = nanos.checked_div(i128::from(timescale)).unwrap_or(0);
    let limit = i128::from(i64::MAX);
    let nanos = nanos.clamp(limit.saturating_neg(), limit);
    Time::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// A time as ticks of a clock, rounded down.
pub(super) fn to_ticks(time: Time, timescale: u64) -> i128 {
    let nanos = i128::from(time.as_nanos()).saturating_mul(i128::from(timescale));
    nanos.div_euclid(1_000_000_000)
}

/// Of the element itself, or of the one above it.
pub(super) fn inherited(element: &Element, name: &str, above: &Arc<str>) -> Arc<str> {
    element.attribute(name).unwrap_or(above).clone()
}
