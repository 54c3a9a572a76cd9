//! How long a response may be used again, by its own word (RFC 9111).

use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderName};
use kinora_media::Freshness;

/// What the head of a response says of it.
pub(crate) fn of(headers: &HeaderMap) -> Freshness {
    let control = joined(headers, header::CACHE_CONTROL);
    let directive = |name: &str| {
        control.split(',').find_map(|part| {
            let (word, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            word.trim().eq_ignore_ascii_case(name).then_some(value)
        })
    };
    let varies = joined(headers, header::VARY)
        .split(',')
        .any(|field| field.trim() == "*");
    if directive("no-store").is_some() || varies {
        return Freshness::NoStore;
    }
    let stale_if_error = directive("must-revalidate").is_none();
    let seconds = match directive("no-cache") {
        Some(_) => Some(0),
        None => directive("max-age")
            .map(|age| age.parse().unwrap_or(0))
            .or_else(|| until_expiry(headers)),
    };
    let age = joined(headers, header::AGE).trim().parse().unwrap_or(0);
    match seconds {
        Some(seconds) => Freshness::For {
            seconds: u64::saturating_sub(seconds, age),
            stale_if_error,
        },
        None if stale_if_error => Freshness::Unsaid,
        None => Freshness::For {
            seconds: 0,
            stale_if_error,
        },
    }
}

/// RFC 9111 5.3: a date that can not be read is one in the past.
fn until_expiry(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::EXPIRES)?;
    let date = |name| httpdate::parse_http_date(&joined(headers, name)).ok();
    let left = date(header::EXPIRES).zip(date(header::DATE));
    let left = left.and_then(|(expires, sent)| expires.duration_since(sent).ok());
    Some(left.unwrap_or(Duration::ZERO).as_secs())
}

/// All fields of a name, in one line (RFC 9110 5.3).
fn joined(headers: &HeaderMap, name: HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn said(fields: &[(&'static str, &'static str)]) -> Freshness {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        of(&headers)
    }

    const fn fresh(seconds: u64) -> Freshness {
        Freshness::For {
            seconds,
            stale_if_error: true,
        }
    }

    #[test]
    fn what_is_not_to_be_kept_is_not() {
        for control in ["no-store", "private, No-Store", "max-age=5,no-store"] {
            assert_eq!(
                said(&[("cache-control", control)]),
                Freshness::NoStore,
                "{control}"
            );
        }
        assert_eq!(
            said(&[("cache-control", "public"), ("cache-control", "no-store")]),
            Freshness::NoStore
        );
        assert_eq!(said(&[("vary", "origin, *")]), Freshness::NoStore);
        assert_eq!(said(&[("vary", "origin")]), Freshness::Unsaid);
    }

    #[test]
    fn a_lifetime_is_what_is_left_of_it() {
        assert_eq!(said(&[]), Freshness::Unsaid);
        assert_eq!(said(&[("cache-control", "private")]), Freshness::Unsaid);
        assert_eq!(said(&[("cache-control", "public, max-age=60")]), fresh(60));
        assert_eq!(
            said(&[("cache-control", "max-age=\"60\""), ("age", "25")]),
            fresh(35)
        );
        assert_eq!(
            said(&[("cache-control", "max-age=60"), ("age", "100")]),
            fresh(0)
        );
        assert_eq!(said(&[("cache-control", "max-age=soon")]), fresh(0));
        assert_eq!(said(&[("cache-control", "no-cache, max-age=60")]), fresh(0));
    }

    #[test]
    fn an_expiry_counts_from_the_date_of_the_response_and_less_than_a_max_age() {
        let date = ("date", "Mon, 30 Nov 2026 10:00:00 GMT");
        let expires = ("expires", "Mon, 30 Nov 2026 10:01:00 GMT");
        assert_eq!(said(&[date, expires]), fresh(60));
        assert_eq!(
            said(&[date, expires, ("cache-control", "max-age=5")]),
            fresh(5)
        );
        assert_eq!(said(&[date, ("expires", "0")]), fresh(0));
        assert_eq!(said(&[expires]), fresh(0));
    }

    #[test]
    fn who_must_ask_again_is_not_served_what_is_stale() {
        let strict = |seconds| Freshness::For {
            seconds,
            stale_if_error: false,
        };
        assert_eq!(
            said(&[("cache-control", "max-age=9, must-revalidate")]),
            strict(9)
        );
        assert_eq!(said(&[("cache-control", "must-revalidate")]), strict(0));
    }
}
