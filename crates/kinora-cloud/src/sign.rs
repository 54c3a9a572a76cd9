//! The signature of the services' RPC requests ("v1"): HMAC-SHA1 or HMAC-SHA256 over method and sorted parameters.
//! Client and service use the same functions. That of the current SDKs is [`crate::acs3`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kinora_errors::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::HttpMethod;

/// RFC 3986 2.3: all but the unreserved characters are escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The name of the one parameter that is not signed.
pub const SIGNATURE: &str = "Signature";

/// The value of `SignatureMethod`: which hash the HMAC is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SignatureMethod {
    /// `HMAC-SHA1`.
    #[default]
    HmacSha1,
    /// `HMAC-SHA256`.
    HmacSha256,
}

impl SignatureMethod {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
    /// Reads the word of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::HmacSha1, Self::HmacSha256];
        all.into_iter().find(|method| method.as_str() == text)
    }
    /// The value of `Signature` for these parameters; one named `Signature` among them is left out.
    #[must_use]
    pub fn signature<N: AsRef<str>, V: AsRef<str>>(
        self,
        secret: &Secret,
        method: HttpMethod,
        params: &[(N, V)],
    ) -> String {
        let key = format!("{}&", secret.expose());
        let text = string_to_sign(method, params);
        match self {
            Self::HmacSha1 => hmac_base64(&key, &text),
            Self::HmacSha256 => mac_base64::<Hmac<Sha256>>(&key, &text),
        }
    }
    /// Whether `given` is the signature of these parameters; takes the same time for every wrong one.
    #[must_use]
    pub fn verify<N: AsRef<str>, V: AsRef<str>>(
        self,
        secret: &Secret,
        method: HttpMethod,
        params: &[(N, V)],
        given: &str,
    ) -> bool {
        same(&self.signature(secret, method, params), given)
    }
}

/// Percent-encodes as RFC 3986 does: a space is `%20`, `*` is `%2A`, `~` stays.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// `name=value&…`, encoded and sorted by bytes, without `Signature`.
#[must_use]
pub fn canonical_query<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> String {
    let pairs = params
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()));
    encoded_pairs(pairs.filter(|(name, _)| *name != SIGNATURE).collect())
}

/// `name=value&…`, encoded and sorted by bytes.
pub(crate) fn encoded_pairs(mut pairs: Vec<(&str, &str)>) -> String {
    pairs.sort_unstable();
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.extend(utf8_percent_encode(name, ESCAPED));
        out.push('=');
        out.extend(utf8_percent_encode(value, ESCAPED));
    }
    out
}

/// What is signed: `METHOD&%2F&encode(canonical query)`. It holds credentials: never print it.
#[must_use]
pub fn string_to_sign<N: AsRef<str>, V: AsRef<str>>(
    method: HttpMethod,
    params: &[(N, V)],
) -> String {
    format!(
        "{}&%2F&{}",
        method.as_str(),
        encode(&canonical_query(params))
    )
}

/// The value of `Signature` for these parameters, by HMAC-SHA1; one named `Signature` among them is left out.
#[must_use]
pub fn signature<N: AsRef<str>, V: AsRef<str>>(
    secret: &Secret,
    method: HttpMethod,
    params: &[(N, V)],
) -> String {
    SignatureMethod::HmacSha1.signature(secret, method, params)
}

/// Whether `given` is the signature of these parameters by HMAC-SHA1; takes the same time for every wrong one.
#[must_use]
pub fn verify<N: AsRef<str>, V: AsRef<str>>(
    secret: &Secret,
    method: HttpMethod,
    params: &[(N, V)],
    given: &str,
) -> bool {
    SignatureMethod::HmacSha1.verify(secret, method, params, given)
}

/// Base64(HMAC-SHA1(key, text)).
pub(crate) fn hmac_base64(key: &str, text: &str) -> String {
    mac_base64::<Hmac<Sha1>>(key, text)
}

fn mac_base64<M: Mac + KeyInit>(key: &str, text: &str) -> String {
    mac::<M>(key, text).map_or_else(String::new, |bytes| STANDARD.encode(bytes))
}

/// A MAC of a text. HMAC takes keys of any length (RFC 2104 2), so there always is one; [`same`] refuses an empty value.
pub(crate) fn mac<M: Mac + KeyInit>(key: &str, text: &str) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

/// Compares in constant time; nothing equals an empty value.
pub(crate) fn same(expected: &str, given: &str) -> bool {
    !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: [(&str, &str); 9] = [
        ("Action", "GetVideoPlayAuth"),
        ("Format", "JSON"),
        ("Version", "2017-03-21"),
        ("AccessKeyId", "testAccessKeyId"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", "8f8a035d-6496-4268-afd4-67c22837e38d"),
        ("Timestamp", "2017-10-10T12:02:54Z"),
        ("VideoId", "5aed81b74ba84920be578cdfe004af4b"),
    ];

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        let secret = Secret::new("testAccessKeySecret");
        let made = signature(&secret, HttpMethod::Get, &VECTOR);
        assert_eq!(made, "Ibgh7y8Vp47LBuAsf5Xhi1SvDss=");
        assert!(verify(&secret, HttpMethod::Get, &VECTOR, &made));
    }

    #[test]
    fn every_change_of_method_name_value_or_secret_is_noticed() {
        let secret = Secret::new("testAccessKeySecret");
        let made = signature(&secret, HttpMethod::Get, &VECTOR);
        assert!(!verify(&secret, HttpMethod::Post, &VECTOR, &made));
        assert!(!verify(
            &Secret::new("other"),
            HttpMethod::Get,
            &VECTOR,
            &made
        ));
        assert!(!verify(&secret, HttpMethod::Get, &VECTOR, ""));
        for at in 0..VECTOR.len() {
            let mut changed = VECTOR.to_vec();
            changed[at].1 = "changed";
            assert!(
                !verify(&secret, HttpMethod::Get, &changed, &made),
                "value {at}"
            );
            let mut renamed = VECTOR.to_vec();
            renamed[at].0 = "TimeStamp";
            assert!(
                !verify(&secret, HttpMethod::Get, &renamed, &made),
                "name {at}"
            );
            let mut doubled = VECTOR.to_vec();
            doubled.push(VECTOR[at]);
            assert!(
                !verify(&secret, HttpMethod::Get, &doubled, &made),
                "double {at}"
            );
        }
    }

    /// The value was computed by OpenSSL: `openssl dgst -sha256 -hmac KEY -binary | base64` of the string to sign.
    #[test]
    fn the_same_call_is_signed_and_verified_with_sha_256() {
        let secret = Secret::new("testAccessKeySecret");
        let by = SignatureMethod::parse("HMAC-SHA256").unwrap();
        let mut call = VECTOR;
        call[4].1 = by.as_str();
        let made = by.signature(&secret, HttpMethod::Get, &call);
        assert_eq!(made, "PrD/vC0hwhPmgd2aXYcCtuhaQ4x1syT3/e1pp7zXDe0=");
        assert!(by.verify(&secret, HttpMethod::Get, &call, &made));
        assert!(!verify(&secret, HttpMethod::Get, &call, &made));
        assert_eq!(SignatureMethod::parse("hmac-sha256"), None);
    }

    #[test]
    fn order_and_a_signature_among_the_parameters_do_not_matter() {
        let secret = Secret::new("testAccessKeySecret");
        let made = signature(&secret, HttpMethod::Get, &VECTOR);
        let mut turned = VECTOR.to_vec();
        turned.reverse();
        turned.push((SIGNATURE, &made));
        assert!(verify(&secret, HttpMethod::Get, &turned, &made));
    }

    #[test]
    fn escapes_are_those_of_rfc_3986() {
        assert_eq!(encode("a b*c~d+e/中"), "a%20b%2Ac~d%2Be%2F%E4%B8%AD");
        let text = string_to_sign(HttpMethod::Post, &[("b", "2 3"), ("a", "")]);
        assert_eq!(text, "POST&%2F&a%3D%26b%3D2%25203");
    }
}
