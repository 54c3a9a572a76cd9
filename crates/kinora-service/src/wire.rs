//! Signatures and texts of the wire: RPC signing, URL signing of type A, UTC times, XML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha1::Sha1;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::crypto::{hex, same};

/// RFC 3986 2.3: all but the unreserved characters are escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The signature of a request: HMAC-SHA1 over method and sorted parameters.
pub(crate) fn sign<'a>(
    method: &str,
    params: impl Iterator<Item = (&'a str, &'a str)>,
    secret: &str,
) -> String {
    let mut pairs: Vec<(&str, &str)> = params.collect();
    pairs.sort_unstable();
    let query = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect::<Vec<_>>()
        .join("&");
    let text = format!("{method}&%2F&{}", escape(&query));
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// `2017-10-10T12:02:54Z`.
pub(crate) fn utc(unix_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Reads what [`utc`] writes, into milliseconds.
pub(crate) fn parse_utc(text: &str) -> Option<i64> {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let time = PrimitiveDateTime::parse(text, &form).ok()?;
    time.assume_utc().unix_timestamp().checked_mul(1000)
}

/// `auth_key` of type A for a path: it dies at `until_s`, seconds since 1970.
pub(crate) fn auth_key(path: &str, until_s: i64, rand: &str, key: &str) -> String {
    let hash = Md5::digest(format!("{path}-{until_s}-{rand}-0-{key}").as_bytes());
    format!("{until_s}-{rand}-0-{}", hex(&hash))
}

/// Why an `auth_key` does not open a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AuthKeyError {
    Malformed,
    Tampered,
    Expired,
}

/// Judges an `auth_key`; gives back when it dies.
pub(crate) fn check_auth_key(
    path: &str,
    auth_key: &str,
    key: &str,
    now_s: i64,
) -> Result<i64, AuthKeyError> {
    let mut parts = auth_key.split('-');
    let (Some(until), Some(rand), Some(uid), Some(hash), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return Err(AuthKeyError::Malformed);
    };
    let until_s: i64 = until.parse().map_err(|_| AuthKeyError::Malformed)?;
    let expected = Md5::digest(format!("{path}-{until}-{rand}-{uid}-{key}").as_bytes());
    if !same(hex(&expected).as_bytes(), hash.as_bytes()) {
        return Err(AuthKeyError::Tampered);
    }
    if until_s <= now_s {
        return Err(AuthKeyError::Expired);
    }
    Ok(until_s)
}

/// An answer as XML: objects are elements, lists repeat their element.
pub(crate) fn to_xml(root: &str, value: &Value) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    element(&mut text, root, value);
    text
}

fn element(out: &mut String, name: &str, value: &Value) {
    if let Value::Array(items) = value {
        for item in items {
            element(out, name, item);
        }
        return;
    }
    out.push('<');
    out.push_str(name);
    out.push('>');
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| element(out, name, value)),
        Value::String(text) => escape_xml(out, text),
        Value::Null => {}
        other => out.push_str(&other.to_string()),
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn escape_xml(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 2.2: other control characters cannot be written at all.
            control if control < ' ' && !matches!(control, '\t' | '\n' | '\r') => out.push(' '),
            other => out.push(other),
        }
    }
}

/// A play credential: Base64 of JSON text.
pub(crate) fn encode_play_auth(play_auth: &Value) -> String {
    STANDARD.encode(play_auth.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_signing_agrees_with_the_published_vector() {
        let path = "/video/standard/1K.html";
        let key = auth_key(path, 1_444_435_200, "0", "aliyuncdnexp1234");
        assert_eq!(key, "1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f");
        assert_eq!(
            check_auth_key(path, &key, "aliyuncdnexp1234", 1_444_435_199),
            Ok(1_444_435_200)
        );
        assert_eq!(
            check_auth_key(path, &key, "aliyuncdnexp1234", 1_444_435_200),
            Err(AuthKeyError::Expired)
        );
        assert_eq!(
            check_auth_key("/other", &key, "aliyuncdnexp1234", 0),
            Err(AuthKeyError::Tampered)
        );
        let later = key.replace("1444435200", "1444435201");
        assert_eq!(
            check_auth_key(path, &later, "aliyuncdnexp1234", 0),
            Err(AuthKeyError::Tampered)
        );
        for bad in ["", "1-2-3", "x-0-0-80", "1-2-3-4-5"] {
            assert_eq!(
                check_auth_key(path, bad, "k", 0),
                Err(AuthKeyError::Malformed),
                "{bad}"
            );
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(utc(1_507_636_974_000), "2017-10-10T12:02:54Z");
        assert_eq!(parse_utc("2017-10-10T12:02:54Z"), Some(1_507_636_974_000));
        assert_eq!(parse_utc("2017-10-10 12:02:54"), None);
    }

    #[test]
    fn xml_escapes_its_text_and_repeats_lists() {
        let value = serde_json::json!({"List": {"Item": [{"A": "<&>"}, {"A": 1}]}});
        assert_eq!(
            to_xml("R", &value),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><R><List><Item><A>&lt;&amp;&gt;</A></Item><Item><A>1</A></Item></List></R>"
        );
    }
}
