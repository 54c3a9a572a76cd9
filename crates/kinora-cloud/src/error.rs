use core::fmt;

use kinora_errors::{Code, Coded, Fault, Retry, codes};

use crate::service_code::Classification;

/// Why a PlayAuth can not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlayAuthFault {
    /// Not Base64.
    Base64,
    /// Not JSON of the expected form.
    Json,
    /// That member is missing or empty.
    Missing(&'static str),
    /// Its region cannot be part of a host's name.
    Region,
}

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CloudErrorKind {
    /// The reply has no body.
    NoResponse,
    /// The reply is not JSON, or not of the documented form: where and why.
    WrongJson(String),
    /// The service refused, in words of its own.
    Refused {
        /// Number, retry class and reason.
        classification: Classification,
        /// What it said, shortened.
        message: String,
    },
    /// The video is not ready: its status.
    Status(String),
    /// The reply offers nothing at all.
    NoStream,
    /// The wanted definition, or any of the wanted formats, is not offered.
    NoMatchQuality {
        /// What was wanted.
        wanted: String,
        /// What there is.
        offered: String,
    },
    /// All that is offered is encrypted by the vendor's private scheme.
    VendorEncryption,
    /// The credential cannot be read.
    PlayAuth(PlayAuthFault),
    /// The credential was issued for another video.
    PlayAuthMedia {
        /// That video.
        issued_for: String,
    },
    /// The credential has expired: when.
    PlayAuthExpired(String),
    /// No address to send a call to.
    Endpoint,
}

/// A failed call, or a credential that fails before any call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloudError(Box<Body>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Body {
    kind: CloudErrorKind,
    http_status: Option<u16>,
    service_code: Option<String>,
    request_id: Option<String>,
    video_id: Option<String>,
}

impl From<CloudErrorKind> for CloudError {
    fn from(kind: CloudErrorKind) -> Self {
        Self(Box::new(Body {
            kind,
            http_status: None,
            service_code: None,
            request_id: None,
            video_id: None,
        }))
    }
}

impl CloudError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &CloudErrorKind {
        &self.0.kind
    }
    /// The HTTP status of the reply.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }
    /// The service's own code.
    #[must_use]
    pub fn service_code(&self) -> Option<&str> {
        self.0.service_code.as_deref()
    }
    /// The service's RequestId.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
    /// Says which video was asked for.
    #[must_use]
    pub fn for_video(mut self, video_id: &str) -> Self {
        self.0.video_id = Some(video_id.to_owned());
        self
    }
    pub(crate) fn replied(mut self, status: u16, request_id: &str, service_code: &str) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| brief(text));
        self.0.http_status = Some(status);
        self.0.request_id = some(request_id);
        self.0.service_code = some(service_code);
        self
    }
    /// What may make it succeed.
    #[must_use]
    pub fn retry(&self) -> Retry {
        use CloudErrorKind as K;
        match &self.0.kind {
            K::NoResponse | K::WrongJson(_) => Retry::Backoff,
            K::Refused { classification, .. } => classification.retry,
            K::Status(_) | K::NoStream | K::NoMatchQuality { .. } => Retry::AfterUser,
            K::VendorEncryption | K::Endpoint => Retry::Never,
            K::PlayAuth(_) | K::PlayAuthMedia { .. } | K::PlayAuthExpired(_) => Retry::AfterRefresh,
        }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CloudErrorKind as K;
        match &self.0.kind {
            K::NoResponse => f.write_str("the service answered without a body"),
            K::WrongJson(why) => {
                write!(f, "the service's answer is not the documented JSON: {why}")
            }
            K::Refused { message, .. } => {
                let code = self.0.service_code.as_deref().unwrap_or("no code");
                write!(f, "the service refused with {code}: {message}")
            }
            K::Status(status) => write!(f, "the video cannot be played in its status {status}"),
            K::NoStream => f.write_str("the service offers no rendition of this video"),
            K::NoMatchQuality { wanted, offered } => {
                write!(f, "{wanted} is not offered; there is {offered}")
            }
            K::VendorEncryption => f.write_str(
                "every rendition is encrypted by AliyunVoDEncryption, which is not public",
            ),
            K::PlayAuth(PlayAuthFault::Base64) => {
                f.write_str("the PlayAuth is not Base64: it was cut or changed")
            }
            K::PlayAuth(PlayAuthFault::Json) => {
                f.write_str("the PlayAuth holds no credential in JSON")
            }
            K::PlayAuth(PlayAuthFault::Missing(name)) => write!(f, "the PlayAuth lacks {name}"),
            K::PlayAuth(PlayAuthFault::Region) => {
                f.write_str("the PlayAuth names no usable region")
            }
            K::PlayAuthMedia { issued_for } => {
                write!(f, "the PlayAuth was issued for video {issued_for}")
            }
            K::PlayAuthExpired(at) => write!(f, "the PlayAuth expired at {at}"),
            K::Endpoint => f.write_str(
                "the service's endpoint or region is not an http(s) address without query",
            ),
        }
    }
}

impl core::error::Error for CloudError {}

impl Coded for CloudError {
    fn code(&self) -> Code {
        use CloudErrorKind as K;
        match &self.0.kind {
            K::NoResponse => codes::ERROR_SERVER_NO_RESPONSE,
            K::WrongJson(_) => codes::ERROR_SERVER_WRONG_JSON,
            K::Refused { classification, .. } => classification.code,
            K::Status(_) => codes::ERROR_SERVER_VOD_FORBIDDEN_ILLEGALSTATUS,
            K::NoStream => codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOSTREAM,
            K::NoMatchQuality { .. } => codes::ERROR_NO_MATCH_QUALITY,
            K::VendorEncryption => codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED,
            K::PlayAuth(_) => codes::ERROR_PLAYAUTH_WRONG,
            K::PlayAuthMedia { .. } => codes::ERROR_SERVER_VOD_INVALIDAUTH_MEDIAID,
            K::PlayAuthExpired(_) => codes::ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME,
            K::Endpoint => codes::ERROR_REQUEST_FAIL,
        }
    }
    fn reason(&self) -> &'static str {
        use CloudErrorKind as K;
        match &self.0.kind {
            K::NoResponse => "service.reply.empty",
            K::WrongJson(_) => "service.reply.json",
            K::Refused { classification, .. } => classification.reason,
            K::Status(_) => "vod.video.status",
            K::NoStream => "vod.video.no_stream",
            K::NoMatchQuality { .. } => "vod.quality.no_match",
            K::VendorEncryption => "vod.encryption.vendor",
            K::PlayAuth(PlayAuthFault::Base64) => "playauth.base64",
            K::PlayAuth(PlayAuthFault::Json) => "playauth.json",
            K::PlayAuth(PlayAuthFault::Missing(_)) => "playauth.field",
            K::PlayAuth(PlayAuthFault::Region) => "playauth.region",
            K::PlayAuthMedia { .. } => "playauth.media_id",
            K::PlayAuthExpired(_) => "playauth.expired",
            K::Endpoint => "service.endpoint",
        }
    }
    fn fault(&self) -> Fault {
        let body = &self.0;
        Fault::new(self.code(), self.reason())
            .cause(self)
            .retry_class(self.retry())
            .with(|context| {
                context.http_status = body.http_status;
                context.service_code.clone_from(&body.service_code);
                context.request_id.clone_from(&body.request_id);
                context.video_id.clone_from(&body.video_id);
            })
    }
}

/// So many characters of a service's text are shown.
const MAX_SHOWN: usize = 200;

/// A service's text fit to be shown: one line, short, and without the string it signed, which holds the token.
pub(crate) fn brief(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let end = ["string to sign", "stringtosign"]
        .iter()
        .filter_map(|mark| lower.find(mark))
        .min()
        .unwrap_or(text.len());
    let kept = match text.get(..end) {
        // Not half of the sentence that shows it, where another one stands before.
        Some(before) if end < text.len() => {
            before.rfind(". ").map_or(before, |stop| &before[..=stop])
        }
        _ => text,
    };
    let plain = kept
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut brief: String = plain.clone().take(MAX_SHOWN).collect();
    if plain.count() > MAX_SHOWN {
        brief.push('…');
    }
    brief
}
