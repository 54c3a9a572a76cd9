//! Licences of ClearKey: keys in JSON (W3C Encrypted Media Extensions 9.1, RFC 7517).

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use kinora_media::KeyId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{ContentKey, ProtectError};

/// A licence is not longer: that is a thousand keys.
const MAX_LICENCE: usize = 128 * 1024;
/// Keys of one licence.
const MAX_KEYS: usize = 256;

/// `base64url` as RFC 7515 2 has it, without padding; servers that pad it are understood.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Serialize)]
struct Request {
    kids: Vec<String>,
    #[serde(rename = "type")]
    session: &'static str,
}

#[derive(Deserialize)]
struct Licence {
    keys: Option<Vec<JsonWebKey>>,
}

#[derive(Deserialize)]
struct JsonWebKey {
    kty: Option<String>,
    kid: Option<String>,
    k: Option<Zeroizing<String>>,
}

/// What is wrong with a licence. What it holds is not shown; keys are counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LicenceFlaw {
    /// It is longer than a licence may be.
    #[error("it has {0} bytes, which is too much")]
    TooLong(usize),
    /// It is no JSON, or JSON of another form.
    #[error("it is no JSON of that form at line {line}, column {column}")]
    Form {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// It has no `keys`.
    #[error("it has no list `keys`")]
    NoKeys,
    /// It has too many.
    #[error("it has {0} keys, which is too many")]
    TooMany(usize),
    /// A key of another kind.
    #[error("its key {0} is not of the kind (`kty`) `oct`")]
    Kind(usize),
    /// A key without a usable id.
    #[error("the id (`kid`) of its key {0} is not 16 bytes in base64url")]
    Id(usize),
    /// A key without usable bytes.
    #[error("the bytes (`k`) of its key {0} are not 16 bytes in base64url")]
    Bytes(usize),
}

/// What is sent to a licence server that is to give these keys, of type `application/json` (9.1.3): for as long as the
/// session lasts.
#[must_use]
pub fn request(ids: &[KeyId]) -> String {
    let request = Request {
        kids: ids.iter().map(|id| BASE64_URL.encode(id.0)).collect(),
        session: "temporary",
    };
    serde_json::to_string(&request).unwrap_or_default()
}

/// Reads what a licence server sent (9.1.4): keys with their ids. Members that are not known are passed over.
///
/// # Errors
/// When it is none, or one of its keys is none of AES-128. What it holds is not shown.
pub fn licence(body: &[u8]) -> Result<Vec<(KeyId, ContentKey)>, ProtectError> {
    if body.len() > MAX_LICENCE {
        return Err(LicenceFlaw::TooLong(body.len()).into());
    }
    let read: Licence = serde_json::from_slice(body).map_err(|error| LicenceFlaw::Form {
        line: error.line(),
        column: error.column(),
    })?;
    let keys = read.keys.ok_or(LicenceFlaw::NoKeys)?;
    if keys.len() > MAX_KEYS {
        return Err(LicenceFlaw::TooMany(keys.len()).into());
    }
    let read = (1..).zip(&keys).map(|(number, it)| key(number, it));
    Ok(read.collect::<Result<_, LicenceFlaw>>()?)
}

fn key(number: usize, key: &JsonWebKey) -> Result<(KeyId, ContentKey), LicenceFlaw> {
    let sixteen = |text: &str| -> Option<Zeroizing<[u8; 16]>> {
        let bytes = Zeroizing::new(BASE64_URL.decode(text).ok()?);
        Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
    };
    if key.kty.as_deref() != Some("oct") {
        return Err(LicenceFlaw::Kind(number));
    }
    let id = key.kid.as_deref().and_then(sixteen);
    let id = id.ok_or(LicenceFlaw::Id(number))?;
    let bytes = key.k.as_ref().and_then(|text| sixteen(text));
    let bytes = bytes.ok_or(LicenceFlaw::Bytes(number))?;
    Ok((KeyId(*id), ContentKey::new(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (9.1.4), which pads its key id.
    const LICENCE: &str = r#"{"keys":[{"kty":"oct","k":"tQ0bJVWb6b0KPL6KtZIy_A","kid":"LwVHf8JLtPrv2GUXFW2v_A"}],"type":"temporary"}"#;

    #[test]
    fn a_licence_gives_keys_by_their_ids() {
        let id = KeyId::from_hex("2f05477fc24bb4faefd86517156daffc").unwrap();
        for text in [LICENCE.to_owned(), LICENCE.replace("v_A\"", "v_A==\"")] {
            let keys = licence(text.as_bytes()).unwrap();
            let [(got, key)] = keys.as_slice() else {
                panic!("one key")
            };
            assert_eq!(
                (*got, key.expose()[..4].to_vec()),
                (id, vec![0xb5, 0x0d, 0x1b, 0x25])
            );
        }
        assert_eq!(licence(b"{\"keys\":[]}"), Ok(Vec::new()));
    }

    #[test]
    fn a_request_names_the_keys() {
        let id = KeyId::from_hex("2f05477fc24bb4faefd86517156daffc").unwrap();
        let wanted = r#"{"kids":["LwVHf8JLtPrv2GUXFW2v_A"],"type":"temporary"}"#;
        assert_eq!(request(&[id]), wanted);
    }

    #[test]
    fn what_is_no_licence_is_refused_without_showing_it() {
        let many = format!(
            "{{\"keys\":[{}]}}",
            ["{\"kty\":\"oct\",\"kid\":\"\",\"k\":\"\"}"; 257].join(",")
        );
        let second = LICENCE.replace("}]", "},{\"kty\":\"oct\",\"kid\":\"AA\"}]");
        let long = " ".repeat(MAX_LICENCE + 1);
        for (wrong, flaw) in [
            ("", LicenceFlaw::Form { line: 1, column: 0 }),
            ("{}", LicenceFlaw::NoKeys),
            ("<html>", LicenceFlaw::Form { line: 1, column: 1 }),
            ("{\"keys\":{}}", LicenceFlaw::Form { line: 1, column: 8 }),
            (&LICENCE.replace("oct", "RSA"), LicenceFlaw::Kind(1)),
            (&LICENCE.replace("tQ0b", ""), LicenceFlaw::Bytes(1)),
            (&LICENCE.replace("tQ0b", "t+0b"), LicenceFlaw::Bytes(1)),
            (&LICENCE.replace("LwVH", ""), LicenceFlaw::Id(1)),
            (&second, LicenceFlaw::Id(2)),
            (&many, LicenceFlaw::TooMany(257)),
            (&long, LicenceFlaw::TooLong(long.len())),
        ] {
            let refused = licence(wrong.as_bytes()).unwrap_err();
            assert_eq!(refused, ProtectError::Licence(flaw), "{wrong:.60}");
            assert!(!refused.to_string().contains("tQ0b"));
        }
    }
}
