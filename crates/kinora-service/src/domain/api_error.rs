use std::fmt;

use kinora_cloud::{CloudService, classify};

/// The error codes of the gateway, each with its HTTP status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ApiErrorCode {
    MissingParameter,
    InvalidParameter,
    UnsupportedOperation,
    ActionNotFound,
    InvalidVersion,
    OperationDenied,
    Suspended,
    ForbiddenRam,
    InternalError,
    ServiceUnavailable,
    NonceUsed,
    SignatureDoesNotMatch,
    IncompleteSignature,
    TimestampExpired,
    TimestampFormat,
    TokenMalformed,
    TokenMismatch,
    TokenExpired,
    KeyNotFound,
    KeyInactive,
    IllegalStatus,
    VideoNotFound,
    NoneStream,
    PrivateEncryption,
    AuthMediaId,
    AuthExpired,
    AuthSignature,
    RoleNotFound,
    CategoryNotFound,
    LevelExceededMax,
    SubTotalExceededMax,
    LengthExceededMax,
    TagsExceededMax,
    VideoIdsExceededMax,
}

impl ApiErrorCode {
    /// HTTP status and `Code`.
    pub(crate) fn row(self) -> (u16, &'static str) {
        match self {
            Self::MissingParameter => (400, "MissingParameter"),
            Self::InvalidParameter => (400, "InvalidParameter"),
            Self::UnsupportedOperation => (400, "UnsupportedOperation"),
            Self::ActionNotFound => (404, "InvalidAction.NotFound"),
            Self::InvalidVersion => (400, "InvalidVersion"),
            Self::OperationDenied => (403, "OperationDenied"),
            Self::Suspended => (403, "OperationDenied.Suspended"),
            Self::ForbiddenRam => (403, "Forbidden.RAM"),
            Self::InternalError => (500, "InternalError"),
            Self::ServiceUnavailable => (503, "ServiceUnAvailable"),
            Self::NonceUsed => (400, "SignatureNonceUsed"),
            Self::SignatureDoesNotMatch => (400, "SignatureDoesNotMatch"),
            Self::IncompleteSignature => (400, "IncompleteSignature"),
            Self::TimestampExpired => (400, "InvalidTimeStamp.Expired"),
            Self::TimestampFormat => (400, "InvalidTimeStamp.Format"),
            Self::TokenMalformed => (400, "InvalidSecurityToken.Malformed"),
            Self::TokenMismatch => (400, "InvalidSecurityToken.MismatchWithAccessKey"),
            Self::TokenExpired => (400, "InvalidSecurityToken.Expired"),
            Self::KeyNotFound => (404, "InvalidAccessKeyId.NotFound"),
            Self::KeyInactive => (400, "InvalidAccessKeyId.Inactive"),
            Self::IllegalStatus => (403, "Forbidden.IllegalStatus"),
            Self::VideoNotFound => (404, "InvalidVideo.NotFound"),
            Self::NoneStream => (404, "InvalidVideo.NoneStream"),
            Self::PrivateEncryption => (403, "Forbidden.AliyunVoDEncryption"),
            Self::AuthMediaId => (403, "InvalidAuth.MediaId"),
            Self::AuthExpired => (403, "InvalidAuthInfo.ExpireTime"),
            Self::AuthSignature => (403, "InvalidAuthInfo.Signature"),
            Self::RoleNotFound => (404, "EntityNotExist.Role"),
            Self::CategoryNotFound => (404, "InvalidCateId.NotFound"),
            Self::LevelExceededMax => (400, "LevelExceededMax"),
            Self::SubTotalExceededMax => (400, "SubTotalExceededMax"),
            Self::LengthExceededMax => (400, "LengthExceededMax"),
            Self::TagsExceededMax => (400, "TagsExceededMax"),
            Self::VideoIdsExceededMax => (400, "VideoIdsExceededMax"),
        }
    }
    /// The error, with a message that helps.
    pub(crate) fn because(self, sentence: impl Into<String>) -> ApiError {
        ApiError {
            why: self,
            parameter: None,
            message: sentence.into(),
            echo: None,
        }
    }
}

/// An error of the API, with the message that goes to the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ApiError {
    pub(crate) why: ApiErrorCode,
    parameter: Option<&'static str>,
    /// Holds nothing that the caller sent, so that it may stand in a log.
    pub(crate) message: String,
    /// What follows it, of what the caller sent.
    echo: Option<String>,
}

/// So much of what a caller sent is repeated in an error at most.
const MAX_ECHO_LEN: usize = 4096;

impl ApiError {
    /// `MissingParameter`, naming it.
    pub(crate) fn missing(name: &str) -> Self {
        ApiErrorCode::MissingParameter.because(format!(
            "The parameter {name} is required and was not given."
        ))
    }
    /// `InvalidParameter.NAME`.
    pub(crate) fn invalid(name: &'static str, sentence: impl Into<String>) -> Self {
        Self::invalid_in(name, name, sentence)
    }
    /// `InvalidParameter.DETAIL`, where the service has a word for what is wrong with the parameter.
    pub(crate) fn invalid_in(
        name: &str,
        detail: &'static str,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            why: ApiErrorCode::InvalidParameter,
            parameter: Some(detail),
            message: format!("The parameter {name} is not valid: {}", sentence.into()),
            echo: None,
        }
    }
    /// With something of what the caller sent at its end, unless that is too long.
    pub(crate) fn echoing(mut self, label: &str, sent: &str) -> Self {
        self.echo = Some(match sent.len() {
            0..=MAX_ECHO_LEN => format!("{label}{sent}"),
            _ => format!("{label}(left out, for it is longer than {MAX_ECHO_LEN} octets)"),
        });
        self
    }
    /// The whole sentence, for the caller only.
    pub(crate) fn sentence(&self) -> String {
        [
            self.message.as_str(),
            self.echo.as_deref().unwrap_or_default(),
        ]
        .concat()
    }
    /// The time of a play credential is over.
    pub(crate) fn play_auth_expired() -> Self {
        ApiErrorCode::AuthExpired
            .because("The play credential has expired. Ask GetVideoPlayAuth for a new one.")
    }
    /// What to do about it, by the table of errors that clients of ours have as well.
    pub(crate) fn recommendation(&self) -> String {
        let code = classify(CloudService::Vod, &self.code()).code;
        code.row().map_or_else(String::new, |row| {
            format!("{} (kinora explain {})", row.en.remedy, row.name)
        })
    }
    /// The whole `Code`.
    pub(crate) fn code(&self) -> String {
        let (_, code) = self.why.row();
        match self.parameter {
            Some(name) => format!("{code}.{name}"),
            None => code.to_owned(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_s_status_is_that_of_the_error_table() {
        let all = [
            ApiErrorCode::MissingParameter,
            ApiErrorCode::InvalidParameter,
            ApiErrorCode::OperationDenied,
            ApiErrorCode::Suspended,
            ApiErrorCode::ForbiddenRam,
            ApiErrorCode::InternalError,
            ApiErrorCode::ServiceUnavailable,
            ApiErrorCode::NonceUsed,
            ApiErrorCode::SignatureDoesNotMatch,
            ApiErrorCode::TokenMalformed,
            ApiErrorCode::TokenMismatch,
            ApiErrorCode::TokenExpired,
            ApiErrorCode::KeyNotFound,
            ApiErrorCode::IllegalStatus,
            ApiErrorCode::VideoNotFound,
            ApiErrorCode::NoneStream,
            ApiErrorCode::PrivateEncryption,
            ApiErrorCode::AuthMediaId,
            ApiErrorCode::AuthExpired,
        ];
        for why in all {
            let (status, code) = why.row();
            let row = classify(CloudService::Vod, code).code.row().unwrap();
            assert_eq!(row.http, status.to_string(), "{code}: {}", row.name);
        }
    }
}
