use kinora_errors::{Code, Retry, codes};

/// Which service was called: decides what an unlisted code means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloudService {
    /// GetPlayInfo and the other calls of VOD.
    Vod,
    /// STS and the rest of the gateway.
    Pop,
}

/// What a service's code means here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Classification {
    /// The number.
    pub code: Code,
    /// What may make it succeed.
    pub retry: Retry,
    /// The stable reason.
    pub reason: &'static str,
}

use Retry::{AfterRefresh, AfterUser, Backoff, Never, Now};

/// Names match themselves and what follows them after a dot; one that ends in `*` matches any tail.
/// Compared without regard to case: services write `ServiceUnAvailable` and `ServiceUnavailable`.
const TABLE: &[(&str, Code, Retry, &str)] = &[
    (
        "Missing*",
        codes::ERROR_SERVER_POP_MISSING_PARAMETER,
        Never,
        "pop.parameter.missing",
    ),
    (
        "InvalidParameter",
        codes::ERROR_SERVER_POP_INVALID_PARAMETER,
        Never,
        "pop.parameter.invalid",
    ),
    (
        "OperationDenied",
        codes::ERROR_SERVER_POP_OPERATION_DENIED,
        AfterUser,
        "pop.account.denied",
    ),
    (
        "OperationDenied.Suspended",
        codes::ERROR_SERVER_POP_OPERATION_SUSPENED,
        AfterUser,
        "pop.account.suspended",
    ),
    (
        "Forbidden",
        codes::ERROR_SERVER_POP_FORBIDDEN,
        AfterUser,
        "pop.permission",
    ),
    (
        "InternalError",
        codes::ERROR_SERVER_POP_INTERNAL_ERROR,
        Backoff,
        "pop.internal",
    ),
    (
        "ServiceUnavailable",
        codes::ERROR_SERVER_POP_SERVICE_UNAVALIABLE,
        Backoff,
        "pop.unavailable",
    ),
    (
        "SignatureNonceUsed",
        codes::ERROR_SERVER_POP_SIGNATUREANONCE_USED,
        Now,
        "pop.signature.nonce",
    ),
    (
        "SignatureDoesNotMatch",
        codes::ERROR_SERVER_POP_SIGNATURE_NOT_MATCH,
        AfterRefresh,
        "pop.signature.mismatch",
    ),
    (
        "IncompleteSignature",
        codes::ERROR_SERVER_POP_SIGNATURE_NOT_MATCH,
        AfterRefresh,
        "pop.signature.incomplete",
    ),
    (
        "InvalidSecurityToken",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterRefresh,
        "pop.token",
    ),
    (
        "InvalidSecurityToken.Malformed",
        codes::ERROR_SERVER_POP_SECURITYTOKEN_MAILFORMED,
        AfterRefresh,
        "pop.token.malformed",
    ),
    (
        "InvalidSecurityToken.MismatchWithAccessKey",
        codes::ERROR_SERVER_POP_SECURITYTOKEN_MISMATCH_ACCESSKEY,
        AfterRefresh,
        "pop.token.mismatch",
    ),
    (
        "InvalidSecurityToken.Expired",
        codes::ERROR_SERVER_POP_TOKEN_EXPIRED,
        AfterRefresh,
        "pop.token.expired",
    ),
    (
        "InvalidAccessKeyId.NotFound",
        codes::ERROR_SERVER_POP_ACCESSKEYID_NOT_FOUND,
        AfterRefresh,
        "pop.access_key.not_found",
    ),
    (
        "InvalidAccessKeyId.Inactive",
        codes::ERROR_SERVER_POP_ACCESSKEYID_NOT_FOUND,
        AfterRefresh,
        "pop.access_key.inactive",
    ),
    (
        "Throttling*",
        codes::ERROR_SERVER_POP_UNKNOWN,
        Backoff,
        "pop.throttling",
    ),
    (
        "InvalidTimeStamp",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterUser,
        "pop.timestamp",
    ),
    (
        "IllegalTimestamp",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterUser,
        "pop.timestamp",
    ),
    (
        "UnsupportedOperation",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterUser,
        "pop.operation.unsupported",
    ),
    (
        "UnsupportedHTTPMethod",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterUser,
        "pop.operation.unsupported",
    ),
    (
        "InvalidAction",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterUser,
        "pop.operation.unsupported",
    ),
    (
        "InvalidVersion",
        codes::ERROR_SERVER_POP_UNKNOWN,
        AfterUser,
        "pop.operation.unsupported",
    ),
    (
        "Forbidden.IllegalStatus",
        codes::ERROR_SERVER_VOD_FORBIDDEN_ILLEGALSTATUS,
        AfterUser,
        "vod.video.status",
    ),
    (
        "Forbidden.AliyunVoDEncryption",
        codes::ERROR_SERVER_VOD_FORBIDDEN_ALIYUNVODENCRYPTION,
        AfterUser,
        "vod.encryption.vendor",
    ),
    (
        "InvalidVideo.NotFound",
        codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOTFOUND,
        Never,
        "vod.video.not_found",
    ),
    (
        "InvalidVideo.NoneStream",
        codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOSTREAM,
        AfterUser,
        "vod.video.no_stream",
    ),
    (
        "InvalidVideo.NoStream",
        codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOSTREAM,
        AfterUser,
        "vod.video.no_stream",
    ),
    (
        "InvalidAuth.MediaId",
        codes::ERROR_SERVER_VOD_INVALIDAUTH_MEDIAID,
        AfterRefresh,
        "vod.auth.media_id",
    ),
    (
        "InvalidAuthInfo.MediaId",
        codes::ERROR_SERVER_VOD_INVALIDAUTH_MEDIAID,
        AfterRefresh,
        "vod.auth.media_id",
    ),
    (
        "InvalidAuthInfo.ExpireTime",
        codes::ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME,
        AfterRefresh,
        "vod.auth.expired",
    ),
];

/// What a service's code means: the longest name that matches decides.
#[must_use]
pub fn classify(service: CloudService, service_code: &str) -> Classification {
    TABLE
        .iter()
        .filter(|(name, ..)| matches(name, service_code))
        .max_by_key(|(name, ..)| name.len())
        .map_or_else(
            || unlisted(service),
            |&(_, code, retry, reason)| Classification {
                code,
                retry,
                reason,
            },
        )
}

fn unlisted(service: CloudService) -> Classification {
    let (code, reason) = match service {
        CloudService::Vod => (codes::ERROR_SERVER_VOD_UNKNOWN, "vod.unlisted"),
        CloudService::Pop => (codes::ERROR_SERVER_POP_UNKNOWN, "pop.unlisted"),
    };
    Classification {
        code,
        retry: AfterUser,
        reason,
    }
}

/// What an error status means that comes without a code.
pub(crate) fn without_code(service: CloudService, status: u16) -> Classification {
    match status {
        503 => classify(service, "ServiceUnavailable"),
        500..=599 => classify(service, "InternalError"),
        429 => classify(service, "Throttling"),
        _ => unlisted(service),
    }
}

fn matches(name: &str, service_code: &str) -> bool {
    let (name, any_tail) = name
        .strip_suffix('*')
        .map_or((name, false), |name| (name, true));
    let Some((head, tail)) = service_code.split_at_checked(name.len()) else {
        return false;
    };
    head.eq_ignore_ascii_case(name) && (any_tail || tail.is_empty() || tail.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_decides() {
        let of = |text| classify(CloudService::Vod, text).code;
        assert_eq!(
            of("Forbidden.IllegalStatus"),
            codes::ERROR_SERVER_VOD_FORBIDDEN_ILLEGALSTATUS
        );
        assert_eq!(of("Forbidden.RAM"), codes::ERROR_SERVER_POP_FORBIDDEN);
        assert_eq!(of("Forbidden"), codes::ERROR_SERVER_POP_FORBIDDEN);
        assert_eq!(
            of("OperationDenied.Suspended"),
            codes::ERROR_SERVER_POP_OPERATION_SUSPENED
        );
        assert_eq!(
            of("OperationDenied"),
            codes::ERROR_SERVER_POP_OPERATION_DENIED
        );
        assert_eq!(
            of("InvalidParameter.Formats"),
            codes::ERROR_SERVER_POP_INVALID_PARAMETER
        );
        assert_eq!(
            of("MissingVideoId"),
            codes::ERROR_SERVER_POP_MISSING_PARAMETER
        );
        assert_eq!(
            of("InvalidVideo.NoneStream"),
            codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOSTREAM
        );
    }

    #[test]
    fn case_does_not_matter_and_unlisted_codes_have_a_number_by_family() {
        for text in [
            "ServiceUnAvailable",
            "ServiceUnavailable",
            "serviceunavailable",
        ] {
            assert_eq!(
                classify(CloudService::Vod, text).code,
                codes::ERROR_SERVER_POP_SERVICE_UNAVALIABLE
            );
        }
        assert_eq!(
            classify(CloudService::Vod, "ForbiddenX").code,
            codes::ERROR_SERVER_VOD_UNKNOWN
        );
        assert_eq!(
            classify(CloudService::Pop, "Brand.New").code,
            codes::ERROR_SERVER_POP_UNKNOWN
        );
        assert_eq!(
            classify(CloudService::Vod, "").code,
            codes::ERROR_SERVER_VOD_UNKNOWN
        );
        assert_eq!(
            classify(CloudService::Vod, "Forbiddé").code,
            codes::ERROR_SERVER_VOD_UNKNOWN
        );
    }

    #[test]
    fn throttling_waits_and_a_wrong_clock_needs_a_hand() {
        let throttled = classify(CloudService::Vod, "Throttling.User");
        assert_eq!(
            (throttled.code, throttled.retry),
            (codes::ERROR_SERVER_POP_UNKNOWN, Backoff)
        );
        let clock = classify(CloudService::Vod, "InvalidTimeStamp.Expired");
        assert_eq!(
            (clock.code, clock.retry),
            (codes::ERROR_SERVER_POP_UNKNOWN, AfterUser)
        );
        assert_eq!(classify(CloudService::Vod, "SignatureNonceUsed").retry, Now);
    }

    #[test]
    fn no_name_is_listed_twice() {
        for (at, (name, ..)) in TABLE.iter().enumerate() {
            assert!(
                !TABLE[..at].iter().any(|(other, ..)| other == name),
                "{name}"
            );
        }
    }
}
