use std::borrow::Cow;

use kinora_media::Time;

use super::error::{HlsError, HlsErrorKind};
use super::variables::Scope;

/// More attributes than any tag has are passed over.
const MAX: usize = 64;

/// The attribute list of one tag (RFC 8216 4.2), values as slices.
pub(super) struct Attributes<'a> {
    tag: &'static str,
    line: u32,
    list: Vec<(&'a str, &'a str)>,
    variables: &'a Scope,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(tag: &'static str, line: u32, text: &'a str, variables: &'a Scope) -> Self {
        let mut list = Vec::new();
        let mut rest = text;
        while let Some((name, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => {
                    // A missing end quote: the value runs to the end.
                    let (value, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                    (value, next.split_once(',').map_or("", |(_, next)| next))
                }
                None => {
                    let (value, next) = after.split_once(',').unwrap_or((after, ""));
                    (value.trim(), next)
                }
            };
            if list.len() < MAX {
                list.push((name.trim(), value));
            }
            rest = next;
        }
        Self {
            tag,
            line,
            list,
            variables,
        }
    }

    /// The value as it stands.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.list
            .iter()
            .find(|(at, _)| *at == name)
            .map(|(_, value)| *value)
    }
    /// The value with its variables put in.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, HlsError> {
        self.raw(name)
            .map(|value| self.variables.put_into(value, self.line))
            .transpose()
    }
    /// As [`Self::text`], owned.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>, HlsError> {
        self.text(name).map(|value| value.map(Cow::into_owned))
    }
    /// A value without which the tag means nothing.
    pub(super) fn required(&self, name: &'static str) -> Result<String, HlsError> {
        self.string(name)?
            .ok_or(HlsErrorKind::MissingAttribute(self.tag, name).at(self.line))
    }
    /// A value of this tag that cannot be read.
    pub(super) fn bad(&self) -> HlsError {
        HlsErrorKind::Value(self.tag).at(self.line)
    }
    pub(super) fn is_yes(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| value == "YES")
    }
    /// A number; one that cannot be read counts as absent, fractions are cut as peers do.
    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, HlsError> {
        Ok(self.text(name)?.and_then(|value| integer(&value)))
    }
    pub(super) fn real(&self, name: &str) -> Result<Option<f64>, HlsError> {
        Ok(self.text(name)?.and_then(|value| real(&value)))
    }
    pub(super) fn time(&self, name: &str) -> Result<Option<Time>, HlsError> {
        Ok(self.text(name)?.and_then(|value| seconds(&value)))
    }
    /// Attributes of date ranges that the standard leaves to others.
    pub(super) fn custom(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.list
            .iter()
            .copied()
            .filter(|(name, _)| name.starts_with("X-") || name.starts_with("SCTE35-"))
    }
}

pub(super) fn integer(text: &str) -> Option<u64> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    whole.parse().ok()
}

/// A finite number.
pub(super) fn real(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// Seconds, rounded to microseconds; a century at most in either direction.
pub(super) fn seconds(text: &str) -> Option<Time> {
    const CENTURY_S: f64 = 3.2e9;
    let seconds = real(text).filter(|seconds| seconds.abs() < CENTURY_S)?;
    #[allow(clippy::cast_possible_truncation)] // below 2^63 by the bound above
    let micros = (seconds * 1e6).round() as i64;
    Some(Time::from_micros(micros))
}

/// `0x` and up to 32 digits: an initialisation vector.
pub(super) fn vector(text: &str) -> Option<[u8; 16]> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    // `from_str_radix` would take a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)
}

/// `640x360`.
pub(super) fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let (width, height) = (real(width)?, real(height)?);
    let side = |side: f64| {
        let in_range = (1.0..=65_536.0).contains(&side);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range above
        in_range.then_some(side as u32)
    };
    Some((side(width)?, side(height)?))
}
