use kinora_errors::Secret;
use serde::Serialize;

use crate::error::{CloudError, CloudErrorKind, PlayAuthFault};
use crate::play_auth::PlayAuth;
use crate::pop::{Credentials, Endpoint, PopRequest, SignatureScheme, SignedRequest};
use crate::{Definition, UnixTime, vod, wire};

/// Further wishes of GetPlayInfo. What is empty is not sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlayOptions {
    /// Which formats may come, comma separated: `mp4,m3u8,mp3,mpd`.
    pub formats: String,
    /// How long the play URLs live, seconds.
    pub auth_timeout_s: Option<u64>,
    /// `Single` or `Multiple`.
    pub result_type: String,
    /// JSON for the second check of the account's own.
    pub re_auth_info: String,
    /// `video`, `audio` or both, comma separated.
    pub stream_type: String,
    /// `oss` or `cdn`.
    pub output_type: String,
    /// Which definitions may come, comma separated.
    pub definitions: String,
    /// What goes into the play URLs.
    pub play_config: PlayConfig,
    /// How the call is signed.
    pub signature: SignatureScheme,
}

/// What goes into the play URLs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PlayConfig {
    /// Host of the play URLs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub play_domain: String,
    /// The viewer's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub x_forwarded_for: String,
    /// Only the first seconds may be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_time: Option<u64>,
    /// Opens the key service of HLS encryption.
    #[serde(
        skip_serializing_if = "Secret::is_empty",
        serialize_with = "wire::expose"
    )]
    pub mts_hls_uri_token: Secret,
    /// `Unencrypted`, `HLSEncryption` or `AliyunVoDEncryption`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub encrypt_type: String,
}

/// Which quality to play first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quality {
    /// The wish.
    pub definition: Option<Definition>,
    /// Nothing else will do.
    pub forced: bool,
}

/// A video by its id and a play credential.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VidAuth {
    /// The video.
    pub vid: String,
    /// The credential, as the application's server gave it.
    pub play_auth: Secret,
    /// Where the service answers; empty: where the credential says.
    pub region: String,
    /// Another endpoint than the region's: `http://127.0.0.1:8080`.
    pub endpoint: Option<String>,
    /// Which quality first.
    pub quality: Quality,
    /// Further wishes.
    pub options: PlayOptions,
}

/// A video by its id and a temporary key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VidSts {
    /// The video.
    pub vid: String,
    /// Names the key.
    pub access_key_id: String,
    /// Signs.
    pub access_key_secret: Secret,
    /// Of the session.
    pub security_token: Secret,
    /// Where the service answers; empty: cn-shanghai.
    pub region: String,
    /// Another endpoint than the region's: `http://127.0.0.1:8080`.
    pub endpoint: Option<String>,
    /// Which quality first.
    pub quality: Quality,
    /// Further wishes.
    pub options: PlayOptions,
}

/// A video by its id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VidSource {
    /// With a play credential.
    Auth(VidAuth),
    /// With a temporary key.
    Sts(VidSts),
}

impl From<VidAuth> for VidSource {
    fn from(source: VidAuth) -> Self {
        Self::Auth(source)
    }
}
impl From<VidSts> for VidSource {
    fn from(source: VidSts) -> Self {
        Self::Sts(source)
    }
}

impl VidSource {
    /// The video.
    #[must_use]
    pub fn vid(&self) -> &str {
        match self {
            Self::Auth(source) => &source.vid,
            Self::Sts(source) => &source.vid,
        }
    }
    /// Which quality first.
    #[must_use]
    pub fn quality(&self) -> Quality {
        match self {
            Self::Auth(source) => source.quality,
            Self::Sts(source) => source.quality,
        }
    }
}

/// The signed call that asks what can be played. `nonce` must never be used twice.
///
/// # Errors
/// When the credential cannot be read, is for another video or has expired; when there is no address to ask.
pub fn get_play_info(
    source: &VidSource,
    nonce: &str,
    now: UnixTime,
) -> Result<SignedRequest, CloudError> {
    let made = match source {
        VidSource::Auth(source) => with_play_auth(source, nonce, now),
        VidSource::Sts(source) => with_sts(source, nonce, now),
    };
    made.map_err(|error| error.for_video(source.vid()))
}

fn with_play_auth(
    source: &VidAuth,
    nonce: &str,
    now: UnixTime,
) -> Result<SignedRequest, CloudError> {
    let auth = PlayAuth::decode(source.play_auth.expose())?;
    auth.check(&source.vid, now)?;
    let from_auth = source.region.is_empty();
    let region = if from_auth {
        &auth.region
    } else {
        &source.region
    };
    let endpoint = endpoint(source.endpoint.as_deref(), region).map_err(|error| {
        if from_auth && source.endpoint.is_none() {
            CloudErrorKind::PlayAuth(PlayAuthFault::Region).into()
        } else {
            error
        }
    })?;
    let request =
        request(&source.vid, &source.options).option("AuthInfo", Some(auth.auth_info.expose()));
    Ok(request.sign(&endpoint, &auth.credentials(), nonce, now))
}

fn with_sts(source: &VidSts, nonce: &str, now: UnixTime) -> Result<SignedRequest, CloudError> {
    let endpoint = endpoint(source.endpoint.as_deref(), &source.region)?;
    let token = &source.security_token;
    let credentials = Credentials {
        access_key_id: source.access_key_id.clone(),
        access_key_secret: source.access_key_secret.clone(),
        security_token: (!token.is_empty()).then(|| token.clone()),
    };
    Ok(request(&source.vid, &source.options).sign(&endpoint, &credentials, nonce, now))
}

fn endpoint(given: Option<&str>, region: &str) -> Result<Endpoint, CloudError> {
    given.map_or_else(|| Endpoint::of_region("vod", region), Endpoint::parse)
}

fn request(vid: &str, options: &PlayOptions) -> PopRequest {
    let config = (options.play_config != PlayConfig::default())
        .then(|| serde_json::to_string(&options.play_config).unwrap_or_default());
    PopRequest::new("GetPlayInfo", vod::VERSION)
        .param("VideoId", vid)
        .option("Formats", Some(options.formats.as_str()))
        .option(
            "AuthTimeout",
            options.auth_timeout_s.map(|seconds| seconds.to_string()),
        )
        .option("ResultType", Some(options.result_type.as_str()))
        .option("ReAuthInfo", Some(options.re_auth_info.as_str()))
        .option("StreamType", Some(options.stream_type.as_str()))
        .option("OutputType", Some(options.output_type.as_str()))
        .option("Definition", Some(options.definitions.as_str()))
        .option("PlayConfig", config)
        .scheme(options.signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthInfo, HttpMethod, sign};
    use kinora_errors::{Coded, codes};

    fn auth(region: &str) -> PlayAuth {
        let info = AuthInfo {
            expire_time: UnixTime(2000).to_string(),
            media_id: "v1".into(),
            ..AuthInfo::default()
        };
        PlayAuth {
            access_key_id: "STS.k".into(),
            access_key_secret: Secret::new("sec"),
            security_token: Secret::new("tok"),
            region: region.into(),
            auth_info: info.to_json(),
            ..PlayAuth::default()
        }
    }

    fn source(region: &str) -> VidAuth {
        VidAuth {
            vid: "v1".into(),
            play_auth: auth(region).encode(),
            ..VidAuth::default()
        }
    }

    fn params(request: &SignedRequest) -> Vec<(String, String)> {
        url::Url::parse(request.url.expose())
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect()
    }

    #[test]
    fn a_play_auth_signs_with_its_own_key_and_sends_its_auth_info() {
        let mut source = source("ap-southeast-1");
        source.options.formats = "mp4,m3u8".into();
        source.options.play_config.preview_time = Some(30);
        let request = get_play_info(&source.clone().into(), "n-1", UnixTime(1000)).unwrap();
        assert!(
            request
                .url
                .expose()
                .starts_with("https://vod.ap-southeast-1.aliyuncs.com/?")
        );
        let params = params(&request);
        let value = |name: &str| {
            params
                .iter()
                .find(|(at, _)| at == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("AuthInfo"), Some(auth("").auth_info.expose()));
        assert_eq!(value("PlayConfig"), Some(r#"{"PreviewTime":30}"#));
        assert_eq!(
            (value("SecurityToken"), value("Formats")),
            (Some("tok"), Some("mp4,m3u8"))
        );
        assert_eq!(value("Definition"), None);
        let signature = value("Signature").unwrap();
        assert!(sign::verify(
            &Secret::new("sec"),
            HttpMethod::Get,
            &params,
            signature
        ));
    }

    #[test]
    fn a_given_endpoint_or_region_outranks_the_credential() {
        let mut there = source("cn-beijing");
        there.region = "cn-shenzhen".into();
        let request = get_play_info(&there.clone().into(), "n", UnixTime(0)).unwrap();
        assert!(
            request
                .url
                .expose()
                .starts_with("https://vod.cn-shenzhen.aliyuncs.com/")
        );
        there.endpoint = Some("http://127.0.0.1:9".into());
        let request = get_play_info(&there.into(), "n", UnixTime(0)).unwrap();
        assert!(request.url.expose().starts_with("http://127.0.0.1:9/?"));
    }

    #[test]
    fn a_bad_credential_fails_before_any_call() {
        let of = |source: VidAuth, now| {
            get_play_info(&source.into(), "n", UnixTime(now))
                .unwrap_err()
                .code()
        };
        let mut other = source("");
        other.vid = "v2".into();
        assert_eq!(of(other, 0), codes::ERROR_SERVER_VOD_INVALIDAUTH_MEDIAID);
        assert_eq!(
            of(source(""), 2000),
            codes::ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME
        );
        assert_eq!(of(source("evil.com/#"), 0), codes::ERROR_PLAYAUTH_WRONG);
        assert_eq!(of(VidAuth::default(), 0), codes::ERROR_PLAYAUTH_WRONG);
    }

    #[test]
    fn an_sts_source_signs_its_token() {
        let source = VidSts {
            vid: "v".into(),
            access_key_id: "STS.x".into(),
            access_key_secret: Secret::new("s"),
            security_token: Secret::new("t"),
            ..VidSts::default()
        };
        let request = get_play_info(&source.clone().into(), "n", UnixTime(0)).unwrap();
        let params = params(&request);
        assert!(
            params
                .iter()
                .any(|(name, value)| name == "SecurityToken" && value == "t")
        );
        assert!(!format!("{source:?} {request:?}").contains("\"t\""));
    }
}
