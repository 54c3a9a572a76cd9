//! The signature of the current SDKs, ACS3-HMAC-SHA256 ("v3"): over method, path, query, some headers and a hash of the body.
//! Action, version, time and nonce are headers. Client and service use the same functions.

use core::fmt;

use hmac::Hmac;
use kinora_errors::Secret;
use sha2::{Digest, Sha256};

use crate::sign::{encoded_pairs, mac, same};

/// The name of the one algorithm of this signature that is known here.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";
/// What the names of all its algorithms begin with.
pub const SCHEME_PREFIX: &str = "ACS3-";
/// What the names of its headers begin with.
pub const HEADER_PREFIX: &str = "x-acs-";
/// Which action is asked for.
pub const ACTION: &str = "x-acs-action";
/// In which version of the service.
pub const VERSION: &str = "x-acs-version";
/// When it was signed, as [`crate::UnixTime`] is written.
pub const DATE: &str = "x-acs-date";
/// Makes the request unlike all others.
pub const NONCE: &str = "x-acs-signature-nonce";
/// [`body_sha256`] of the body.
pub const CONTENT_SHA256: &str = "x-acs-content-sha256";
/// Of an STS session.
pub const SECURITY_TOKEN: &str = "x-acs-security-token";
/// The key's name once more, beside a token.
pub const ACCESS_KEY_ID: &str = "x-acs-accesskey-id";

/// More signed headers than this no client names.
const MAX_SIGNED_HEADERS: usize = 64;
const SIGNATURE_LEN: usize = 64;

/// What is signed of a request.
#[derive(Clone, Copy)]
pub struct SignedParts<'a> {
    /// As in the request line.
    pub method: &'a str,
    /// As in the request line, without the query.
    pub path: &'a str,
    /// Decoded, in any order.
    pub query: &'a [(&'a str, &'a str)],
    /// The headers that are signed, in any order. Names count in small letters.
    pub headers: &'a [(&'a str, &'a str)],
    /// [`body_sha256`] of the body.
    pub body_sha256: &'a str,
}

/// They may hold tokens.
impl fmt::Debug for SignedParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedParts {} {}", self.method, self.path)
    }
}

impl SignedParts<'_> {
    /// The headers as they are signed: names sorted, values trimmed; those of one name sorted and joined by commas.
    fn canonical_headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<(String, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        headers.sort_unstable();
        let mut merged: Vec<(String, String)> = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            match merged.last_mut() {
                Some((last, values)) if *last == name => {
                    values.push(',');
                    values.push_str(value);
                }
                _ => merged.push((name, value.to_owned())),
            }
        }
        merged
    }

    /// The request in the one form that is hashed. It may hold a token: never print it.
    #[must_use]
    pub fn canonical_request(&self) -> String {
        let headers = self.canonical_headers();
        let mut out = format!("{}\n{}\n", self.method, self.path);
        out.push_str(&encoded_pairs(self.query.to_vec()));
        out.push('\n');
        for (name, value) in &headers {
            for part in [name, ":", value, "\n"] {
                out.push_str(part);
            }
        }
        out.push('\n');
        out.push_str(&join(headers.iter().map(|(name, _)| name.as_str())));
        out.push('\n');
        out.push_str(self.body_sha256);
        out
    }

    /// What the key is used on: the algorithm and the hash of the canonical request. It holds no secret.
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        let hash = body_sha256(self.canonical_request().as_bytes());
        format!("{ALGORITHM}\n{hash}")
    }

    fn signature(&self, secret: &Secret) -> String {
        mac::<Hmac<Sha256>>(secret.expose(), &self.string_to_sign())
            .map_or_else(String::new, |bytes| hex(&bytes))
    }

    /// Signs; all headers that are here are named as signed.
    #[must_use]
    pub fn sign(&self, access_key_id: &str, secret: &Secret) -> Authorization {
        let headers = self.canonical_headers();
        Authorization {
            access_key_id: access_key_id.to_owned(),
            signed_headers: headers.into_iter().map(|(name, _)| name).collect(),
            signature: Secret::new(self.signature(secret)),
        }
    }

    /// Whether `given` signs these parts, headers being all that it names; takes the same time for every wrong one.
    #[must_use]
    pub fn verify(&self, secret: &Secret, given: &Authorization) -> bool {
        let headers = self.canonical_headers();
        let named = headers.iter().map(|(name, _)| name);
        named.eq(&given.signed_headers) && same(&self.signature(secret), given.signature.expose())
    }
}

/// The value of the header `Authorization`.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Names the key.
    pub access_key_id: String,
    /// What is signed beside the rest: in small letters, sorted, each once.
    pub signed_headers: Vec<String>,
    signature: Secret,
}

/// Without the signature.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// Why an `Authorization` can not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// Another algorithm, or none.
    #[error("the Authorization is not by ACS3-HMAC-SHA256")]
    Algorithm,
    /// Not `Credential=ID,SignedHeaders=A;B,Signature=HEX`.
    #[error(
        "the Authorization has not the form ACS3-HMAC-SHA256 Credential=ID,SignedHeaders=A;B,Signature=HEX"
    )]
    Form,
}

impl Authorization {
    /// Reads the header's value.
    ///
    /// # Errors
    /// When it is by another algorithm, lacks a part, has one twice or one that is not known.
    pub fn parse(text: &str) -> Result<Self, AuthorizationError> {
        let (algorithm, parts) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if algorithm != ALGORITHM {
            return Err(AuthorizationError::Algorithm);
        }
        let (mut id, mut headers, mut signature) = (None, None, None);
        for part in parts.split(',') {
            let (name, value) = part.trim().split_once('=').unwrap_or_default();
            let place = match name {
                "Credential" => &mut id,
                "SignedHeaders" => &mut headers,
                "Signature" => &mut signature,
                _ => return Err(AuthorizationError::Form),
            };
            if place.replace(value).is_some() {
                return Err(AuthorizationError::Form);
            }
        }
        let (Some(id), Some(headers), Some(signature)) = (id, headers, signature) else {
            return Err(AuthorizationError::Form);
        };
        let is_hex = signature.len() == SIGNATURE_LEN
            && signature
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if id.is_empty() || !is_hex {
            return Err(AuthorizationError::Form);
        }
        Ok(Self {
            access_key_id: id.to_owned(),
            signed_headers: header_names(headers).ok_or(AuthorizationError::Form)?,
            signature: Secret::new(signature),
        })
    }

    /// The header's value.
    #[must_use]
    pub fn to_header(&self) -> Secret {
        Secret::new(format!(
            "{ALGORITHM} Credential={},SignedHeaders={},Signature={}",
            self.access_key_id,
            join(self.signed_headers.iter().map(String::as_str)),
            self.signature.expose()
        ))
    }

    /// Whether the header, its name in small letters, is among the signed ones.
    #[must_use]
    pub fn signs(&self, header: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == header)
    }
}

/// The names in a list with semicolons, sorted; nothing if one is no name, is there twice, or there are too many.
fn header_names(list: &str) -> Option<Vec<String>> {
    // RFC 9110 5.6.2, without what no header has.
    let is_name = |name: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !name.is_empty() && name.bytes().all(letter)
    };
    let mut names: Vec<String> = list
        .split(';')
        .take(MAX_SIGNED_HEADERS + 1)
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let given = names.len();
    names.sort_unstable();
    names.dedup();
    let fits = names.len() == given
        && given <= MAX_SIGNED_HEADERS
        && names.iter().all(|name| is_name(name));
    fits.then_some(names)
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(";")
}

/// The lower-case hexadecimal SHA-256 of a body: the value of `x-acs-content-sha256`.
#[must_use]
pub fn body_sha256(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
