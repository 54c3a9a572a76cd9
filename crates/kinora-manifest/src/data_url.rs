//! URLs that are what they lead to (RFC 2397).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Encoders leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a URL is of that scheme.
#[must_use]
pub fn is_data_url(url: &str) -> bool {
    let scheme = url.get(..5);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The bytes of a `data:` URL; `None` where it is malformed, or none.
#[must_use]
pub fn decode(url: &str) -> Option<Vec<u8>> {
    let rest = url.get(5..).filter(|_| is_data_url(url))?;
    let (head, data) = rest.split_once(',')?;
    let bytes = unescaped(data)?;
    let last = head.rsplit(';').next()?.trim();
    match last.eq_ignore_ascii_case("base64") {
        true => BASE64.decode(bytes).ok(),
        false => Some(bytes),
    }
}

/// Percent-encoded bytes (RFC 3986 2.1).
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut all = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            all.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits = core::str::from_utf8(&digits).ok()?;
        let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        all.push(u8::from_str_radix(digits, 16).ok().filter(|_| valid)?);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_base64_or_as_they_are() {
        for (url, bytes) in [
            ("data:text/plain;base64,AAECAw==", &[0, 1, 2, 3][..]),
            ("data:;base64,AAECAw", &[0, 1, 2, 3]),
            (
                "DATA:application/octet-stream;BASE64,AAEC%41w%3D%3D",
                &[0, 1, 2, 3],
            ),
            ("data:,a%20b%ff", b"a b\xff"),
            ("data:,", b""),
        ] {
            assert_eq!(decode(url).as_deref(), Some(bytes), "{url}");
        }
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for url in [
            "data:",
            "data:;base64",
            "data:;base64,!",
            "data:,%4",
            "data:,%+4",
            "http://a.test/,x",
            "dat",
        ] {
            assert_eq!(decode(url), None, "{url}");
        }
    }
}
