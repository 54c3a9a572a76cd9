use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use kinora_errors::Secret;
use serde::{Deserialize, Serialize};

use crate::error::{CloudError, CloudErrorKind, PlayAuthFault};
use crate::pop::Credentials;
use crate::{UnixTime, sign, wire};

const MAX_LENGTH: usize = 64 << 10;
const TOLERANT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, TOLERANT);
const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, TOLERANT);

/// A play credential, unpacked: a temporary key pair that may play one video for a short while.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlayAuth {
    /// Names the key.
    pub access_key_id: String,
    /// Signs.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub access_key_secret: Secret,
    /// Of the session.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub security_token: Secret,
    /// Where the service answers.
    #[serde(deserialize_with = "wire::text")]
    pub region: String,
    /// The account.
    #[serde(deserialize_with = "wire::text")]
    pub customer_id: String,
    /// Host of the play URLs.
    #[serde(deserialize_with = "wire::text")]
    pub play_domain: String,
    /// An [`AuthInfo`] as JSON text, to be sent along as it is.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub auth_info: Secret,
    /// What is known of the video.
    pub video_meta: VideoMeta,
}

/// What a credential holds about its video.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VideoMeta {
    /// The video.
    #[serde(deserialize_with = "wire::text")]
    pub video_id: String,
    /// Its title.
    #[serde(deserialize_with = "wire::text")]
    pub title: String,
    /// Its cover picture.
    #[serde(rename = "CoverURL", deserialize_with = "wire::text")]
    pub cover_url: String,
    /// Seconds.
    #[serde(deserialize_with = "wire::real")]
    pub duration: f64,
    /// `Normal` when it can be played.
    #[serde(deserialize_with = "wire::text")]
    pub status: String,
}

impl Eq for VideoMeta {}

/// The part of a credential that the service signs and verifies.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthInfo {
    /// Opaque mark of the issuer.
    #[serde(rename = "CI", deserialize_with = "wire::text")]
    pub ci: String,
    /// Who asked for it.
    #[serde(deserialize_with = "wire::text")]
    pub caller: String,
    /// When it expires: `YYYY-MM-DDThh:mm:ssZ`.
    #[serde(deserialize_with = "wire::text")]
    pub expire_time: String,
    /// The one video it opens.
    #[serde(deserialize_with = "wire::text")]
    pub media_id: String,
    /// Host of the play URLs.
    #[serde(deserialize_with = "wire::text")]
    pub play_domain: String,
    /// Over the members above.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub signature: Secret,
}

impl AuthInfo {
    /// Reads the JSON text.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
    /// Signs it with the service's own key.
    #[must_use]
    pub fn signed(mut self, key: &Secret) -> Self {
        self.signature = Secret::new(self.expected(key));
        self
    }
    /// Whether the service's own key made its signature; constant time.
    #[must_use]
    pub fn verify(&self, key: &Secret) -> bool {
        sign::same(&self.expected(key), self.signature.expose())
    }
    /// As JSON text, signature included.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        // Strings only: writing them cannot fail.
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }
    fn expected(&self, key: &Secret) -> String {
        let text = sign::canonical_query(&[
            ("CI", &self.ci),
            ("Caller", &self.caller),
            ("ExpireTime", &self.expire_time),
            ("MediaId", &self.media_id),
            ("PlayDomain", &self.play_domain),
        ]);
        sign::hmac_base64(key.expose(), &text)
    }
}

impl PlayAuth {
    /// Unpacks a credential: Base64 of JSON. White space around it, the URL alphabet and absent padding pass.
    ///
    /// # Errors
    /// `ERROR_PLAYAUTH_WRONG` when it is cut, changed, or lacks a key.
    pub fn decode(text: &str) -> Result<Self, CloudError> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(CloudErrorKind::PlayAuth(PlayAuthFault::Base64).into());
        }
        let bytes = PLAIN
            .decode(text)
            .or_else(|_| URL.decode(text))
            .map_err(|_| CloudErrorKind::PlayAuth(PlayAuthFault::Base64))?;
        let auth: Self = serde_json::from_slice(&bytes)
            .map_err(|_| CloudErrorKind::PlayAuth(PlayAuthFault::Json))?;
        let needed = [
            ("AccessKeyId", auth.access_key_id.is_empty()),
            ("AccessKeySecret", auth.access_key_secret.is_empty()),
            ("SecurityToken", auth.security_token.is_empty()),
        ];
        match needed.iter().find(|(_, missing)| *missing) {
            Some((name, _)) => Err(CloudErrorKind::PlayAuth(PlayAuthFault::Missing(name)).into()),
            None => Ok(auth),
        }
    }

    /// Packs a credential, as the service gives it out.
    #[must_use]
    pub fn encode(&self) -> Secret {
        // Strings and one finite number: writing them cannot fail.
        let json = serde_json::to_vec(self).unwrap_or_default();
        Secret::new(base64::engine::general_purpose::STANDARD.encode(json))
    }

    /// Checks what can be known before any call; the service decides.
    ///
    /// # Errors
    /// When it was issued for another video, or it has expired.
    pub fn check(&self, vid: &str, now: UnixTime) -> Result<(), CloudError> {
        let info = AuthInfo::parse(self.auth_info.expose()).unwrap_or_default();
        let issued_for = [&info.media_id, &self.video_meta.video_id]
            .into_iter()
            .find(|id| !id.is_empty());
        if let Some(id) = issued_for.filter(|id| *id != vid) {
            let issued_for = id.clone();
            return Err(CloudErrorKind::PlayAuthMedia { issued_for }.into());
        }
        match UnixTime::parse(&info.expire_time) {
            Some(end) if end <= now => Err(CloudErrorKind::PlayAuthExpired(end.to_string()).into()),
            _ => Ok(()),
        }
    }

    /// The key pair to sign with.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: self.access_key_id.clone(),
            access_key_secret: self.access_key_secret.clone(),
            security_token: Some(self.security_token.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_errors::{Coded, Retry, codes};

    const VID: &str = "5aed81b74ba84920be578cdfe004af4b";

    pub(crate) fn sample(now: UnixTime) -> PlayAuth {
        let info = AuthInfo {
            ci: "ci+/".into(),
            caller: "c".into(),
            expire_time: now.after(100).to_string(),
            media_id: VID.into(),
            play_domain: "play.example.com".into(),
            signature: Secret::default(),
        };
        PlayAuth {
            access_key_id: "STS.key".into(),
            access_key_secret: Secret::new("s3cret"),
            security_token: Secret::new("t0ken"),
            region: "cn-shanghai".into(),
            auth_info: info.signed(&Secret::new("k")).to_json(),
            video_meta: VideoMeta {
                video_id: VID.into(),
                title: "标题".into(),
                duration: 20.04,
                status: "Normal".into(),
                ..VideoMeta::default()
            },
            ..PlayAuth::default()
        }
    }

    #[test]
    fn a_credential_is_unpacked_as_it_was_packed() {
        let auth = sample(UnixTime(1000));
        let text = auth.encode();
        assert_eq!(PlayAuth::decode(text.expose()).unwrap(), auth);
        let url_safe = text.expose().replace('+', "-").replace('/', "_");
        assert_eq!(
            PlayAuth::decode(url_safe.trim_end_matches('=')).unwrap(),
            auth
        );
        assert_eq!(
            PlayAuth::decode(&format!("\n {} \r\n", text.expose())).unwrap(),
            auth
        );
        let shown = format!("{auth:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("t0ken") && !shown.contains("Signature"),
            "{shown}"
        );
    }

    #[test]
    fn truncated_changed_and_incomplete_credentials_are_distinguished() {
        let whole = sample(UnixTime(0)).encode();
        let of = |text: &str| PlayAuth::decode(text).unwrap_err();
        let cut = &whole.expose()[..whole.expose().len() / 2];
        for text in ["", "%%%", cut, "aGVsbG8=", "bnVsbA==", "e30="] {
            let error = of(text);
            assert_eq!(error.code(), codes::ERROR_PLAYAUTH_WRONG, "{text}");
            assert_eq!(error.retry(), Retry::AfterRefresh);
        }
        assert_eq!(of("%%%").reason(), "playauth.base64");
        assert_eq!(of("aGVsbG8=").reason(), "playauth.json");
        assert_eq!(of("e30=").reason(), "playauth.field");
    }

    #[test]
    fn another_video_and_a_past_time_are_noticed_before_any_call() {
        let auth = sample(UnixTime(1000));
        assert!(auth.check(VID, UnixTime(1099)).is_ok());
        let late = auth.check(VID, UnixTime(1100)).unwrap_err();
        assert_eq!(
            late.code(),
            codes::ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME
        );
        let other = auth.check("other", UnixTime(1000)).unwrap_err();
        assert_eq!(other.code(), codes::ERROR_SERVER_VOD_INVALIDAUTH_MEDIAID);
        assert_eq!(
            other
                .for_video("other")
                .fault()
                .context()
                .video_id
                .as_deref(),
            Some("other")
        );
    }

    #[test]
    fn auth_info_is_signed_over_every_member() {
        let key = Secret::new("service key");
        let info = AuthInfo::parse(sample(UnixTime(0)).auth_info.expose()).unwrap();
        assert!(info.verify(&Secret::new("k")));
        assert!(!info.verify(&key));
        let signed = info.signed(&key);
        assert!(signed.verify(&key));
        let changes: [fn(&mut AuthInfo); 5] = [
            |info| info.ci.push('x'),
            |info| info.caller.push('x'),
            |info| info.expire_time = "2099-01-01T00:00:00Z".into(),
            |info| info.media_id.push('x'),
            |info| info.play_domain.push('x'),
        ];
        for change in changes {
            let mut tampered = signed.clone();
            change(&mut tampered);
            assert!(!tampered.verify(&key));
        }
        assert!(!AuthInfo::default().verify(&key));
    }

    #[test]
    fn damaged_credentials_never_panic() {
        let whole = sample(UnixTime(0)).encode();
        let mut seed = 7_u32;
        for _ in 0..2000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut bytes = whole.expose().as_bytes().to_vec();
            let at = seed as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
            if seed & 0x100 != 0 {
                bytes.truncate(at);
            }
            if let Ok(auth) = PlayAuth::decode(&String::from_utf8_lossy(&bytes)) {
                let _ = auth.check(VID, UnixTime(0));
            }
        }
    }
}
