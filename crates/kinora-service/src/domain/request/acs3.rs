//! What a request of the current SDKs says in its headers: which action, by whom, when, and the signature of it all.

use kinora_cloud::acs3::{self, Authorization, AuthorizationError, SignedParts};
use kinora_errors::Secret;

use super::{Proof as AnyProof, SignedRequest, judge_timestamp, must_be_short};
use crate::domain::{ApiError, ApiErrorCode};

const AUTHORIZATION: &str = "authorization";
const HOST: &str = "host";
/// What the service goes by, so what must be signed; of the rest each client signs what it likes.
const MUST_BE_SIGNED: [&str; 6] = [
    HOST,
    acs3::ACTION,
    acs3::VERSION,
    acs3::DATE,
    acs3::NONCE,
    acs3::CONTENT_SHA256,
];

/// A request as it arrived, so far as it can be signed.
#[derive(Default)]
pub(crate) struct SignedHead {
    /// As in the request line.
    pub(crate) method: String,
    /// The decoded pairs of the query.
    pub(crate) query: Vec<(String, String)>,
    /// All headers that are UTF-8, names in small letters, each as often as it came.
    pub(crate) headers: Vec<(String, String)>,
    /// What the client may have taken for host and path: what arrived, and what the service is known by.
    pub(crate) addresses: Vec<(String, String)>,
    /// Of the body that arrived.
    pub(crate) body_sha256: String,
}

impl SignedHead {
    /// Whether it is meant to be signed so, by what of it there is: its headers, unless it has a signature of the other kind.
    pub(crate) fn is_meant(headers: &[(String, String)], signed_otherwise: bool) -> bool {
        headers.iter().any(|(name, value)| match name.as_str() {
            AUTHORIZATION => !signed_otherwise || value.starts_with(acs3::SCHEME_PREFIX),
            name => !signed_otherwise && name.starts_with(acs3::HEADER_PREFIX),
        })
    }

    /// A header that is there once and not empty.
    fn get(&self, wanted: &str) -> Result<Option<&str>, ApiError> {
        let mut found = self.headers.iter().filter(|(name, _)| name == wanted);
        let first = found.next();
        if found.next().is_some() {
            return Err(ApiErrorCode::InvalidParameter.because(format!(
                "The header {wanted} was given twice. Give it once."
            )));
        }
        Ok(first
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty()))
    }
    fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name)?.ok_or_else(|| {
            ApiErrorCode::MissingParameter
                .because(format!("The header {name} is required and was not given."))
        })
    }
    /// What is asked for.
    pub(crate) fn action(&self) -> Result<&str, ApiError> {
        self.required(acs3::ACTION)
    }
    /// In which version of which service.
    pub(crate) fn version(&self) -> Result<&str, ApiError> {
        self.required(acs3::VERSION)
    }

    fn authorization(&self) -> Result<Authorization, ApiError> {
        let text = self.required(AUTHORIZATION)?;
        let authorization = Authorization::parse(text).map_err(|error| match error {
            AuthorizationError::Algorithm => ApiError::invalid_in(
                "Authorization",
                "SignatureMethod",
                "only ACS3-HMAC-SHA256 is known.",
            ),
            AuthorizationError::Form => incomplete(
                "The Authorization must be of the form ACS3-HMAC-SHA256 Credential=ID,SignedHeaders=A;B,Signature=HEX.",
            ),
        })?;
        self.get(HOST)?;
        if let Some(name) = MUST_BE_SIGNED
            .iter()
            .find(|name| !authorization.signs(name))
        {
            return Err(incomplete(format!(
                "SignedHeaders does not name {name}, which must be signed."
            )));
        }
        let is_here = |wanted: &String| self.headers.iter().any(|(name, _)| name == wanted);
        if !authorization.signed_headers.iter().all(is_here) {
            return Err(incomplete(
                "SignedHeaders names a header that did not arrive, or not as UTF-8.",
            ));
        }
        Ok(authorization)
    }
}

fn incomplete(sentence: impl Into<String>) -> ApiError {
    ApiErrorCode::IncompleteSignature.because(sentence)
}

/// The signature, and what it is of.
pub(super) struct Proof<'a> {
    head: &'a SignedHead,
    authorization: Authorization,
}

impl Proof<'_> {
    pub(super) fn verify(&self, secret: &Secret) -> bool {
        let mut addresses = 0..self.head.addresses.len();
        addresses.any(|at| self.with_parts(at, |parts| parts.verify(secret, &self.authorization)))
    }
    /// What the key is used on, by the address that arrived.
    pub(super) fn string_to_sign(&self) -> String {
        self.with_parts(0, |parts| parts.string_to_sign())
    }
    fn with_parts<T>(&self, at: usize, see: impl Fn(SignedParts<'_>) -> T) -> T {
        let head = self.head;
        let address = head.addresses.get(at);
        let (host, path) = address.map_or(("", "/"), |(host, path)| (host, path));
        let signed = |(name, _): &&(String, String)| self.authorization.signs(name);
        let headers: Vec<(&str, &str)> = head
            .headers
            .iter()
            .filter(signed)
            .map(|(name, value)| match name.as_str() {
                HOST => (HOST, host),
                name => (name, value.as_str()),
            })
            .collect();
        let query = head.query.iter();
        let query: Vec<(&str, &str)> = query.map(|(name, value)| (&**name, &**value)).collect();
        see(SignedParts {
            method: &head.method,
            path,
            query: &query,
            headers: &headers,
            body_sha256: &head.body_sha256,
        })
    }
}

impl<'a> SignedRequest<'a> {
    /// Reads the headers of ACS3-HMAC-SHA256 and judges the time.
    pub(crate) fn read_v3(head: &'a SignedHead, now_ms: i64) -> Result<Self, ApiError> {
        let authorization = head.authorization()?;
        let nonce = head.required(acs3::NONCE)?;
        must_be_short(acs3::NONCE, nonce)?;
        let date = head.required(acs3::DATE)?;
        let timestamp_ms = judge_timestamp(acs3::DATE, date, now_ms)?;
        if head.required(acs3::CONTENT_SHA256)? != head.body_sha256 {
            return Err(ApiErrorCode::SignatureDoesNotMatch.because(
                "The x-acs-content-sha256 is not the lower-case hexadecimal SHA-256 of the body that arrived.",
            ));
        }
        Ok(Self {
            key_id: authorization.access_key_id.clone(),
            token: head.get(acs3::SECURITY_TOKEN)?,
            nonce,
            timestamp_ms: Some(timestamp_ms),
            proof: AnyProof::V3(Proof {
                head,
                authorization,
            }),
        })
    }
}
