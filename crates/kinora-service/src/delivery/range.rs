//! Which octets of a file a request gets (RFC 9110 13 and 14).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, header};

/// What tells one state of a file from another.
pub(super) struct Validators {
    pub(super) etag: String,
    pub(super) last_modified: String,
}

impl Validators {
    pub(super) fn new(len: u64, modified: SystemTime) -> Self {
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            etag: format!("\"{len:x}-{:x}\"", since.as_nanos()),
            last_modified: httpdate::fmt_http_date(modified),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RangeResult {
    Whole,
    Slice { start: u64, len: u64 },
    NotModified,
    Unsatisfiable,
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
}

/// What to send. A Range that is malformed, or asks for more than one part, is left aside (RFC 9110 14.2).
pub(super) fn choose(headers: &HeaderMap, validators: &Validators, len: u64) -> RangeResult {
    let unchanged = text(headers, header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == validators.etag)
    });
    if unchanged {
        return RangeResult::NotModified;
    }
    let Some(spec) = text(headers, header::RANGE).and_then(|range| range.strip_prefix("bytes="))
    else {
        return RangeResult::Whole;
    };
    // RFC 9110 13.1.5: the condition is met by the exact validator only.
    if text(headers, header::IF_RANGE).is_some_and(|condition| {
        condition != validators.etag && condition != validators.last_modified
    }) {
        return RangeResult::Whole;
    }
    let Some((first, last)) = spec.trim().split_once('-') else {
        return RangeResult::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if last < start => return RangeResult::Whole,
        (Some(start), Some(last)) => (start, last.saturating_add(1).min(len)),
        (Some(start), None) if last.is_empty() => (start, len),
        (None, Some(0)) if first.is_empty() => return RangeResult::Unsatisfiable,
        (None, Some(suffix)) if first.is_empty() => (len.saturating_sub(suffix), len),
        _ => return RangeResult::Whole,
    };
    if start >= len {
        return RangeResult::Unsatisfiable;
    }
    RangeResult::Slice {
        start,
        len: end.saturating_sub(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(HeaderName, &str)]) -> RangeResult {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        choose(&headers, &Validators::new(100, UNIX_EPOCH), 100)
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        let range = |value| ask(&[(header::RANGE, value)]);
        assert_eq!(range("bytes=0-0"), RangeResult::Slice { start: 0, len: 1 });
        assert_eq!(
            range("bytes=10-"),
            RangeResult::Slice { start: 10, len: 90 }
        );
        assert_eq!(
            range("bytes=-10"),
            RangeResult::Slice { start: 90, len: 10 }
        );
        assert_eq!(
            range("bytes=-1000"),
            RangeResult::Slice { start: 0, len: 100 }
        );
        assert_eq!(
            range("bytes=99-99999999999999999999999"),
            RangeResult::Slice { start: 99, len: 1 }
        );
        assert_eq!(range("bytes=100-"), RangeResult::Unsatisfiable);
        assert_eq!(range("bytes=-0"), RangeResult::Unsatisfiable);
        for odd in [
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "bytes=-",
            "lines=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(range(odd), RangeResult::Whole, "{odd}");
        }
    }

    #[test]
    fn a_changed_file_is_sent_whole() {
        let same = Validators::new(100, UNIX_EPOCH);
        let slice = RangeResult::Slice { start: 1, len: 1 };
        assert_eq!(
            ask(&[(header::RANGE, "bytes=1-1"), (header::IF_RANGE, &same.etag)]),
            slice
        );
        assert_eq!(
            ask(&[
                (header::RANGE, "bytes=1-1"),
                (header::IF_RANGE, &same.last_modified)
            ]),
            slice
        );
        assert_eq!(
            ask(&[
                (header::RANGE, "bytes=1-1"),
                (header::IF_RANGE, "\"other\"")
            ]),
            RangeResult::Whole
        );
        assert_eq!(
            ask(&[(header::IF_NONE_MATCH, &same.etag)]),
            RangeResult::NotModified
        );
    }
}
