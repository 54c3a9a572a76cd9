mod acs3;

use std::collections::BTreeMap;

use kinora_cloud::sign::SignatureMethod;
use kinora_cloud::{HttpMethod, UnixTime, sign};
use kinora_errors::Secret;

use super::{ApiError, ApiErrorCode};
pub(crate) use acs3::SignedHead;

/// How far a request's Timestamp may be from the service's clock.
const SKEW_MS: i64 = 15 * 60 * 1000;
/// More parameters than this are no request of ours.
const MAX_PARAMS: usize = 128;
const MAX_NONCE_LEN: usize = 128;

/// The decoded parameters of a request, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads query and form together.
    pub(crate) fn parse(query: &[u8], form: &[u8]) -> Result<Self, ApiError> {
        let mut params = BTreeMap::new();
        let pairs = url::form_urlencoded::parse(query).chain(url::form_urlencoded::parse(form));
        for (name, value) in pairs {
            if params.len() >= MAX_PARAMS {
                return Err(ApiErrorCode::InvalidParameter
                    .because(format!("More than {MAX_PARAMS} parameters were given.")));
            }
            if params
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                return Err(ApiErrorCode::InvalidParameter.because(
                    "A parameter was given twice. Give each once, in the query or in the body.",
                ));
            }
        }
        Ok(Self(params))
    }
    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::missing(name))
    }
    /// All but what the vendor's web player adds after it has signed; nothing if it did not.
    fn without_region(&self) -> Option<Vec<(&str, &str)>> {
        const REGION: &str = "RegionId";
        self.0.contains_key(REGION).then(|| {
            let pairs = self.pairs().into_iter();
            pairs.filter(|(name, _)| *name != REGION).collect()
        })
    }
    fn pairs(&self) -> Vec<(&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }
}

/// What every signed request carries, checked for form; the signature is checked by [`SignedRequest::verify`].
pub(crate) struct SignedRequest<'a> {
    pub(crate) key_id: String,
    pub(crate) token: Option<&'a str>,
    pub(crate) nonce: &'a str,
    pub(crate) timestamp_ms: Option<i64>,
    proof: Proof<'a>,
}

/// The signature, and what it is of.
enum Proof<'a> {
    /// Of method and parameters.
    V1 {
        by: SignatureMethod,
        method: HttpMethod,
        params: &'a Params,
        signature: &'a str,
    },
    /// Of the request with its headers.
    V3(acs3::Proof<'a>),
}

impl<'a> SignedRequest<'a> {
    /// Reads the common parameters of signature version 1.0 and judges the time.
    pub(crate) fn read_v1(
        method: HttpMethod,
        params: &'a Params,
        now_ms: i64,
    ) -> Result<Self, ApiError> {
        let key_id = params.required("AccessKeyId")?.to_owned();
        let signature = params.required(sign::SIGNATURE)?;
        let nonce = params.required("SignatureNonce")?;
        must_be_short("SignatureNonce", nonce)?;
        let by = params.required("SignatureMethod")?;
        let by = SignatureMethod::parse(by).ok_or_else(|| {
            ApiError::invalid(
                "SignatureMethod",
                "only HMAC-SHA1 and HMAC-SHA256 are known.",
            )
        })?;
        if params.required("SignatureVersion")? != "1.0" {
            return Err(ApiError::invalid("SignatureVersion", "only 1.0 is known."));
        }
        let token = params.get("SecurityToken");
        let timestamp_ms = match params.get("Timestamp") {
            Some(text) => Some(judge_timestamp("Timestamp", text, now_ms)?),
            // The web player sends none. Its nonces are kept as long as its token lives, so a replay
            // is noticed all the same; without a token they would have to be kept for ever.
            None if token.is_some() => None,
            None => return Err(ApiError::missing("Timestamp")),
        };
        Ok(Self {
            key_id,
            token,
            nonce,
            timestamp_ms,
            proof: Proof::V1 {
                by,
                method,
                params,
                signature,
            },
        })
    }
    /// Whether the request was signed with that secret.
    pub(crate) fn verify(&self, secret: &Secret) -> Result<(), ApiError> {
        let (verifies, signed) = match &self.proof {
            Proof::V1 {
                by,
                method,
                params,
                signature,
            } => {
                let pairs = params.pairs();
                let signs = |pairs: &[_]| by.verify(secret, *method, pairs, signature);
                (
                    signs(&pairs) || params.without_region().is_some_and(|pairs| signs(&pairs)),
                    sign::string_to_sign(*method, &pairs),
                )
            }
            Proof::V3(proof) => (proof.verify(secret), proof.string_to_sign()),
        };
        if verifies {
            return Ok(());
        }
        // SDKs read what follows the colon, to tell a wrong secret from a wrong encoding.
        let shown = match (&self.proof, self.token) {
            (Proof::V1 { .. }, Some(_)) => "(left out, for it holds the token)",
            _ => &signed,
        };
        let refusal = ApiErrorCode::SignatureDoesNotMatch.because(match self.proof {
            Proof::V1 { .. } => "The signature that the service computed differs from the one given. Check the AccessKeySecret, the HTTP method and the encoding (a space is %20, not +).",
            Proof::V3(_) => "The signature that the service computed differs from the one given. Check the AccessKeySecret, and that method, query, body and the headers that SignedHeaders names arrive as they were signed.",
        });
        Err(refusal.echoing(" The server string to sign is:", shown))
    }
    /// Until when the nonce must be remembered so that no replay of this request can pass.
    pub(crate) fn nonce_until_ms(&self, now_ms: i64, session_expires_ms: Option<i64>) -> i64 {
        match self.timestamp_ms {
            Some(timestamp_ms) => timestamp_ms.saturating_add(SKEW_MS + 1),
            None => session_expires_ms.unwrap_or_else(|| now_ms.saturating_add(SKEW_MS)),
        }
    }
}

fn must_be_short(name: &'static str, nonce: &str) -> Result<(), ApiError> {
    match nonce.len() > MAX_NONCE_LEN {
        false => Ok(()),
        true => Err(ApiError::invalid(
            name,
            format!("it is longer than {MAX_NONCE_LEN} octets."),
        )),
    }
}

fn judge_timestamp(name: &str, text: &str, now_ms: i64) -> Result<i64, ApiError> {
    let timestamp_ms = UnixTime::parse(text)
        .map(|time| time.seconds().saturating_mul(1000))
        .ok_or_else(|| {
            ApiErrorCode::TimestampFormat.because(format!(
                "The {name} must be UTC in the form 2017-10-10T12:02:54Z."
            ))
        })?;
    if timestamp_ms.abs_diff(now_ms) > SKEW_MS.unsigned_abs() {
        return Err(ApiErrorCode::TimestampExpired.because(format!(
            "The {name} is more than 15 minutes from the service's clock, which shows {}. Set the clock of the machine that signs.",
            UnixTime::from_millis(now_ms)
        )));
    }
    Ok(timestamp_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: &str = "Action=GetVideoPlayAuth&Format=JSON&Version=2017-03-21&AccessKeyId=testAccessKeyId&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=8f8a035d-6496-4268-afd4-67c22837e38d&Timestamp=2017-10-10T12%3A02%3A54Z&VideoId=5aed81b74ba84920be578cdfe004af4b&Signature=Ibgh7y8Vp47LBuAsf5Xhi1SvDss%3D";
    const GET: HttpMethod = HttpMethod::Get;
    const THEN_MS: i64 = 1_507_636_974_000;

    fn params(query: &str) -> Params {
        Params::parse(query.as_bytes(), b"").unwrap()
    }

    #[test]
    fn the_published_vector_verifies_and_nothing_else_does() {
        let given = params(VECTOR);
        let request = SignedRequest::read_v1(GET, &given, THEN_MS).unwrap();
        assert_eq!(request.verify(&Secret::new("testAccessKeySecret")), Ok(()));
        assert!(request.verify(&Secret::new("other")).is_err());
        let posted = SignedRequest::read_v1(HttpMethod::Post, &given, THEN_MS).unwrap();
        assert!(posted.verify(&Secret::new("testAccessKeySecret")).is_err());
        let changed = params(&VECTOR.replace("VideoId=5", "VideoId=6"));
        assert!(
            SignedRequest::read_v1(GET, &changed, THEN_MS)
                .unwrap()
                .verify(&Secret::new("testAccessKeySecret"))
                .is_err()
        );
    }

    #[test]
    fn a_region_that_was_added_after_signing_does_not_matter_and_a_signed_one_does() {
        let secret = Secret::new("testAccessKeySecret");
        let added = params(&format!("{VECTOR}&RegionId=cn-shanghai"));
        let request = SignedRequest::read_v1(GET, &added, THEN_MS).unwrap();
        assert_eq!(request.verify(&secret), Ok(()));
        let both = params(&format!("{VECTOR}&RegionId=cn-shanghai&Extra=1"));
        let request = SignedRequest::read_v1(GET, &both, THEN_MS).unwrap();
        assert!(request.verify(&secret).is_err());
    }

    #[test]
    fn the_time_window_is_fifteen_minutes_to_both_sides() {
        let given = params(VECTOR);
        for (shift, inside) in [
            (SKEW_MS, true),
            (-SKEW_MS, true),
            (SKEW_MS + 1, false),
            (-SKEW_MS - 1, false),
        ] {
            assert_eq!(
                SignedRequest::read_v1(GET, &given, THEN_MS + shift).is_ok(),
                inside,
                "{shift}"
            );
        }
        let bad = params(&VECTOR.replace("2017-10-10T12%3A02%3A54Z", "yesterday"));
        assert_eq!(
            SignedRequest::read_v1(GET, &bad, THEN_MS)
                .err()
                .unwrap()
                .why,
            ApiErrorCode::TimestampFormat
        );
    }

    #[test]
    fn a_timestamp_may_be_missing_only_beside_a_token() {
        let without = VECTOR.replace("&Timestamp=2017-10-10T12%3A02%3A54Z", "");
        assert_eq!(
            SignedRequest::read_v1(GET, &params(&without), 0)
                .err()
                .unwrap()
                .why,
            ApiErrorCode::MissingParameter
        );
        let with_token = params(&format!("{without}&SecurityToken=x"));
        let request = SignedRequest::read_v1(GET, &with_token, 0).unwrap();
        assert_eq!(request.nonce_until_ms(0, Some(99)), 99);
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert_eq!(
            Params::parse(b"a=1", b"a=2").unwrap_err().why,
            ApiErrorCode::InvalidParameter
        );
        let many: String = (0..200).map(|n| format!("p{n}=1&")).collect();
        assert!(Params::parse(many.as_bytes(), b"").is_err());
    }
}
