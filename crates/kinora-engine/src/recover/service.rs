//! What is decided about the video service's answers.

use kinora_cloud::ClockSkew;
use kinora_errors::{Fault, Retry, codes};

/// What is done about a call that the service refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallRecovery {
    /// Sign it once more, by the service's own clock.
    SignAgain(ClockSkew),
    /// Ask again, as after a failed request.
    Retry,
    /// It will not succeed as it is.
    GiveUp,
}

/// What is known of this machine's clock.
#[derive(Clone, Copy, Default)]
pub(crate) struct SigningClock {
    /// How far it is off, as the last answer's `Date` says.
    pub(crate) measured: Option<ClockSkew>,
    /// Calls are signed by the service's clock.
    pub(crate) corrected: Option<ClockSkew>,
}

/// Decides about a refusal that the service explained.
pub(crate) fn call_refused(fault: &Fault, clock: SigningClock) -> CallRecovery {
    if ClockSkew::is_blamed_by(fault) {
        return match (clock.corrected, clock.measured) {
            (None, Some(skew)) => CallRecovery::SignAgain(skew),
            _ => CallRecovery::GiveUp,
        };
    }
    match fault.retry() {
        Retry::Backoff | Retry::Now => CallRecovery::Retry,
        _ => CallRecovery::GiveUp,
    }
}

/// The service says that the credential's time is over.
pub(crate) fn is_expired(fault: &Fault) -> bool {
    [
        codes::ERROR_SERVER_POP_TOKEN_EXPIRED,
        codes::ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME,
    ]
    .contains(&fault.code())
}

/// What is reported of a call that the network ended.
pub(crate) fn call_failed(fault: Fault) -> Fault {
    if is_of_the_service(&fault) {
        return fault;
    }
    // Redirects without a good end: somebody answered, but no service does so, and asking again would get the same.
    let redirected = matches!(fault.context().http_status, Some(300..=399));
    let reported = if redirected {
        Fault::new(codes::ERROR_UNKNOWN_ERROR, "service.unmapped")
            .because(format!(
                "something else than the video service answered: {fault}"
            ))
            .retry_class(Retry::AfterUser)
    } else {
        Fault::new(codes::ERROR_REQUEST_FAIL, "service.not_reached")
            .because(format!("the video service could not be asked: {fault}"))
            .retry_class(Retry::Backoff)
    };
    reported.in_place_of(&fault)
}

/// The service has spoken; it was not the network.
fn is_of_the_service(fault: &Fault) -> bool {
    fault.code().number() >> 16 == 0x2001
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(service_code: &str, retry: Retry) -> Fault {
        Fault::new(codes::ERROR_SERVER_POP_UNKNOWN, "test")
            .retry_class(retry)
            .with(|context| context.service_code = Some(service_code.to_owned()))
    }

    #[test]
    fn a_call_that_was_signed_at_a_wrong_time_is_signed_once_more_by_the_servers_clock() {
        let skew = ClockSkew::between(4_000_000, 0);
        let fault = refused("InvalidTimeStamp.Expired", Retry::Never);
        let decide = |measured, corrected| {
            call_refused(
                &fault,
                SigningClock {
                    measured,
                    corrected,
                },
            )
        };
        assert!(matches!(decide(skew, None), CallRecovery::SignAgain(_)));
        assert_eq!(decide(skew, skew), CallRecovery::GiveUp);
        assert_eq!(decide(None, None), CallRecovery::GiveUp);
    }

    #[test]
    fn a_busy_service_is_asked_again_and_one_that_refuses_is_not() {
        let clock = SigningClock::default();
        let decide = |retry| call_refused(&refused("Throttling", retry), clock);
        assert_eq!(decide(Retry::Backoff), CallRecovery::Retry);
        assert_eq!(decide(Retry::Now), CallRecovery::Retry);
        assert_eq!(decide(Retry::Never), CallRecovery::GiveUp);
        assert_eq!(decide(Retry::AfterRefresh), CallRecovery::GiveUp);
    }

    #[test]
    fn redirects_are_no_words_of_a_service_whatever_their_reason_is_called() {
        let led_astray = |status| {
            let fault = Fault::new(codes::ERROR_NETWORK_UNKNOWN, "any.reason");
            call_failed(fault.with(|context| context.http_status = status))
        };
        assert_eq!(led_astray(Some(302)).code(), codes::ERROR_UNKNOWN_ERROR);
        assert_eq!(led_astray(Some(502)).code(), codes::ERROR_REQUEST_FAIL);
        assert_eq!(led_astray(None).code(), codes::ERROR_REQUEST_FAIL);
    }
}
