//! STS: temporary keys; its version is 2015-04-01.

use kinora_errors::Secret;
use serde::{Deserialize, Serialize};

use crate::error::CloudError;
use crate::play_info::parse_reply;
use crate::pop::{Credentials, PopRequest};
use crate::service_code::CloudService;
use crate::wire;

/// The service's version.
pub const VERSION: &str = "2015-04-01";
/// The shortest life of a session.
pub const MIN_DURATION_S: u64 = 900;
/// The longest life of a session, and the default.
pub const MAX_DURATION_S: u64 = 3600;

/// The call for a temporary key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AssumeRole {
    /// `acs:ram::account:role/name`.
    pub role_arn: String,
    /// Tells sessions of one role apart.
    pub role_session_name: String,
    /// Seconds, 900 to 3600.
    pub duration_s: Option<u64>,
    /// What the session may do at most, as JSON.
    pub policy: Option<String>,
}

impl AssumeRole {
    /// The call, to be signed.
    #[must_use]
    pub fn request(&self) -> PopRequest {
        PopRequest::new("AssumeRole", VERSION)
            .param("RoleArn", self.role_arn.clone())
            .param("RoleSessionName", self.role_session_name.clone())
            .option(
                "DurationSeconds",
                self.duration_s.map(|seconds| seconds.to_string()),
            )
            .option("Policy", self.policy.clone())
    }
}

/// The reply of AssumeRole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRole {
    /// Names the call.
    #[serde(default, deserialize_with = "wire::text")]
    pub request_id: String,
    /// Who one is now.
    #[serde(default)]
    pub assumed_role_user: AssumedRoleUser,
    /// The temporary key.
    pub credentials: SessionCredentials,
}

/// Who holds a session.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AssumedRoleUser {
    /// The role and the session.
    pub arn: String,
    /// Its number.
    pub assumed_role_id: String,
}

/// A temporary key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionCredentials {
    /// Names the key.
    pub access_key_id: String,
    /// Signs.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub access_key_secret: Secret,
    /// Of the session.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub security_token: Secret,
    /// When it dies.
    pub expiration: String,
}

impl From<SessionCredentials> for Credentials {
    fn from(session: SessionCredentials) -> Self {
        Self {
            access_key_id: session.access_key_id,
            access_key_secret: session.access_key_secret,
            security_token: Some(session.security_token),
        }
    }
}

/// Reads the reply of AssumeRole.
///
/// # Errors
/// As [`crate::parse_play_info`].
pub fn parse_assumed_role(status: u16, body: &[u8]) -> Result<AssumedRole, CloudError> {
    parse_reply(CloudService::Pop, status, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_errors::{Coded, codes};

    #[test]
    fn a_session_is_read_and_becomes_a_signer() {
        let body = br#"{"RequestId":"r","AssumedRoleUser":{"Arn":"a","AssumedRoleId":"i"},
          "Credentials":{"AccessKeyId":"STS.k","AccessKeySecret":"s3c","SecurityToken":"t0k","Expiration":"2030-01-01T00:00:00Z"}}"#;
        let reply = parse_assumed_role(200, body).unwrap();
        assert!(!format!("{reply:?}").contains("s3c"));
        let again = parse_assumed_role(200, &serde_json::to_vec(&reply).unwrap()).unwrap();
        assert_eq!(again, reply);
        let signer = Credentials::from(reply.credentials);
        assert_eq!(signer.security_token.unwrap().expose(), "t0k");
        let refused = parse_assumed_role(403, br#"{"Code":"NoPermission"}"#).unwrap_err();
        assert_eq!(refused.code(), codes::ERROR_SERVER_POP_UNKNOWN);
    }
}
