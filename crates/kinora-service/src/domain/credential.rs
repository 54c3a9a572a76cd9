use std::ops::RangeInclusive;

use kinora_cloud::{AuthInfo, UnixTime, sts};
use kinora_errors::Secret;
use serde::{Deserialize, Serialize};

use super::{ApiError, ApiErrorCode, Lineage, Scope, VideoId};
use crate::crypto::{MasterKey, hex, random};

/// How long an assumed role may last, in seconds.
pub(crate) const SESSION_DURATION_S: RangeInclusive<i64> =
    sts::MIN_DURATION_S as i64..=sts::MAX_DURATION_S as i64;
/// How long a play credential may last, in seconds.
pub(crate) const AUTH_INFO_TIMEOUT_S: RangeInclusive<i64> = 100..=3000;
const SEAL: &str = "session-token";
const SECRET: &str = "session-secret";
/// Key ids of temporary credentials begin with it.
const SESSION_PREFIX: &str = "STS.";

/// A temporary credential: it lives in the sealed token that the client carries, nowhere else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) key_id: String,
    pub(crate) expires_ms: i64,
    /// What it may do is looked up by this at every use, so that what is withdrawn there is withdrawn here.
    pub(crate) lineage: Lineage,
    pub(crate) scope: Scope,
}

impl Session {
    /// Whether the id is one of a temporary credential's key.
    pub(crate) fn is_key_id(id: &str) -> bool {
        id.starts_with(SESSION_PREFIX)
    }
    /// The id of a new session's key.
    ///
    /// # Errors
    /// The system draws no random number.
    pub(crate) fn new_key_id() -> std::io::Result<String> {
        random::<12>().map(|bytes| format!("{SESSION_PREFIX}{}", hex(&bytes)))
    }
    /// The opaque token.
    pub(crate) fn token(&self, master: &MasterKey) -> String {
        master.seal(
            SEAL,
            serde_json::to_string(self).unwrap_or_default().as_bytes(),
        )
    }
    /// The secret that belongs to a temporary key id.
    pub(crate) fn secret(master: &MasterKey, key_id: &str) -> Secret {
        Secret::new(master.derive(SECRET, key_id))
    }
    /// Reads a token for the key that it is said to belong to.
    pub(crate) fn open(
        master: &MasterKey,
        token: &str,
        key_id: &str,
        now_ms: i64,
    ) -> Result<Self, ApiError> {
        let session: Self = master
            .open(SEAL, token)
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| ApiErrorCode::TokenMalformed.because("The SecurityToken was cut, altered or not issued by this service. Pass it on exactly as AssumeRole returned it."))?;
        if session.key_id != key_id {
            return Err(ApiErrorCode::TokenMismatch.because("The SecurityToken belongs to another AccessKeyId. Use the three values of one AssumeRole reply together."));
        }
        if session.expires_ms <= now_ms {
            return Err(ApiErrorCode::TokenExpired
                .because("The SecurityToken has expired. Ask for a new one with AssumeRole."));
        }
        Ok(session)
    }
}

/// The key that signs the AuthInfo of play credentials.
fn auth_info_key(master: &MasterKey) -> Secret {
    Secret::new(master.derive("auth-info", ""))
}

/// The part of a play credential that binds it to one video and one time, signed.
pub(crate) fn issue_auth_info(
    master: &MasterKey,
    media_id: &VideoId,
    expires: UnixTime,
    caller: &str,
    play_domain: &str,
) -> AuthInfo {
    let info = AuthInfo {
        caller: caller.to_owned(),
        expire_time: expires.to_string(),
        media_id: media_id.as_str().to_owned(),
        play_domain: play_domain.to_owned(),
        ..AuthInfo::default()
    };
    info.signed(&auth_info_key(master))
}

/// Checks an AuthInfo that a client brings.
pub(crate) fn check_auth_info(
    json: &str,
    master: &MasterKey,
    video: &str,
    now_ms: i64,
) -> Result<(), ApiError> {
    let info = AuthInfo::parse(json)
        .filter(|info| !info.media_id.is_empty())
        .ok_or_else(|| {
            ApiError::invalid(
                "AuthInfo",
                "it is not the JSON text that a play credential carries.",
            )
        })?;
    if !info.verify(&auth_info_key(master)) {
        return Err(ApiErrorCode::AuthSignature.because("The AuthInfo was altered or signed by another service. Ask GetVideoPlayAuth for a new play credential."));
    }
    if info.media_id != video {
        return Err(ApiErrorCode::AuthMediaId.because("The play credential was issued for another video. Ask GetVideoPlayAuth for this VideoId."));
    }
    if UnixTime::parse(&info.expire_time).is_none_or(|end| end <= UnixTime::from_millis(now_ms)) {
        return Err(ApiError::play_auth_expired());
    }
    Ok(())
}
