//! The one place that decides what is done about a failure: here about a failed request, in [`playback`] about decoders and
//! outputs.
//!
//! The others carry the decision out: a transfer asks again, a loader takes another rendition,
//! the session asks for a credential or reports the fault.

mod playback;

use kinora_errors::{Fault, Retry, codes};
use kinora_media::Time;

use crate::Purpose;

pub use playback::{DecoderRecovery, decoder_error};
pub(crate) use playback::{PlaybackRecovery, decode_failed, output_failed};

/// What is done about a failure.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Verdict {
    /// Ask again after a pause.
    Again { after: Time },
    /// Ask for the same bytes without the condition on their version.
    AgainPlain,
    /// Ask for the whole resource and pass over what is there already.
    AgainWhole,
    /// The credential is not accepted any more: ask for a fresh one.
    Refresh,
    /// The tries are spent: the source waits for `reload`, nothing is lost.
    Park,
    /// It will not succeed.
    GiveUp,
}

/// What is known of the request that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) purpose: Purpose,
    /// Failures in a row with little between them, this one included.
    pub(crate) failures: u32,
    /// Those of them since the last byte came, this one included: only they are counted against the retries.
    pub(crate) fruitless: u32,
    /// Retries allowed.
    pub(crate) retries: u32,
    /// The presentation was prepared: there is something to keep.
    pub(crate) prepared: bool,
    /// A fresh credential can be had.
    pub(crate) refreshable: bool,
    /// A live presentation: what is missing now may be there soon.
    pub(crate) live: bool,
    /// The version of the resource was a condition (`If-Range`).
    pub(crate) conditional: bool,
    /// A part of the resource was asked for.
    pub(crate) ranged: bool,
    /// Ranges were given up before.
    pub(crate) whole: bool,
    /// A number that spreads the retries of many players, 0 to 1.
    pub(crate) jitter: f64,
}

const FIRST_PAUSE_MS: i64 = 200;
const LONGEST_PAUSE_MS: i64 = 8_000;
/// A server that wants to be left alone longer than that is not waited for.
const LONGEST_RETRY_AFTER_MS: u64 = 30_000;
/// Live sources are worth more patience.
const LIVE_RETRIES: u32 = 6;

pub(crate) fn decide(fault: &Fault, case: Case) -> Verdict {
    let retry = fault.retry();
    if case.conditional && refuses_ranges(fault, case.refreshable) {
        return Verdict::AgainPlain;
    }
    if case.ranged && !case.whole && refuses_ranges(fault, case.refreshable) {
        return Verdict::AgainWhole;
    }
    // What a live playlist names may not be there yet, or be guarded until it is.
    let missing_live = case.live && is_missing(fault, &[403, 404, 410]);
    let awaited = missing_live && case.fruitless <= case.retries;
    if retry == Retry::AfterRefresh && !awaited {
        return if case.refreshable {
            Verdict::Refresh
        } else {
            Verdict::GiveUp
        };
    }
    if fault.reason() == "http.range.ignored" {
        return if case.whole {
            Verdict::GiveUp
        } else {
            Verdict::AgainWhole
        };
    }
    if !matches!(retry, Retry::Now | Retry::Backoff) && !missing_live {
        return Verdict::GiveUp;
    }
    let retries = match case.live && case.retries > 0 && !missing_live {
        true => case.retries.max(LIVE_RETRIES),
        false => case.retries,
    };
    if case.fruitless > retries {
        return spent(fault, case);
    }
    let wait = match fault.context().retry_after_ms {
        Some(wait) if wait > LONGEST_RETRY_AFTER_MS => return spent(fault, case),
        Some(wait) => Time::from_millis(i64::try_from(wait).unwrap_or(i64::MAX)),
        None => Time::ZERO,
    };
    let after = match retry {
        Retry::Now if case.failures == 1 => Time::ZERO,
        _ => pause(case.fruitless, case.jitter),
    };
    Verdict::Again {
        after: after.max(wait),
    }
}

/// Servers and gateways that know no ranges refuse them in several ways. Where a credential can be renewed a 403 is about
/// that.
fn refuses_ranges(fault: &Fault, refreshable: bool) -> bool {
    let context = fault.context();
    match context.http_status {
        Some(403) => !refreshable,
        // One that tells its length means that the place is behind it (RFC 9110 15.5.17).
        Some(416) => context.resource_len.is_none(),
        Some(400 | 405 | 406 | 412 | 501) => true,
        _ => false,
    }
}

fn is_missing(fault: &Fault, statuses: &[u16]) -> bool {
    let status = fault.context().http_status;
    status.is_some_and(|status| statuses.contains(&status))
}

/// The server has not got it (RFC 9110 15.5.5 and 15.5.11).
pub(crate) fn is_gone(fault: &Fault) -> bool {
    is_missing(fault, &[404, 410])
}

/// A live playlist that is refused so may be back with its next version.
pub(crate) fn may_come_back(fault: &Fault) -> bool {
    fault.retry() != Retry::Never || is_missing(fault, &[403, 404, 410])
}

/// A server that answers with a refusal has spoken; one that can not be reached may be back.
fn spent(fault: &Fault, case: Case) -> Verdict {
    let refused = fault.context().http_status.is_some();
    if case.prepared && !refused && case.purpose != Purpose::Api {
        Verdict::Park
    } else {
        Verdict::GiveUp
    }
}

fn pause(failures: u32, jitter: f64) -> Time {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << failures.saturating_sub(1).min(16));
    Time::from_millis(doubled.min(LONGEST_PAUSE_MS)).scale(0.8 + 0.4 * jitter)
}

/// What the application is told when a source is parked.
pub(crate) fn parked(cause: &Fault) -> Fault {
    let mut fault = Fault::new(codes::ERROR_LOADING_TIMEOUT, "net.retries_spent")
        .because(format!("the source does not answer any more: {cause}"))
        .retry_class(Retry::AfterUser);
    for link in cause.causes() {
        fault = fault.because(link.0.clone());
    }
    let context = cause.context().clone();
    fault.with(|own| *own = context)
}

/// The service says that the credential's time is over.
pub(crate) fn is_expired(fault: &Fault) -> bool {
    [
        codes::ERROR_SERVER_POP_TOKEN_EXPIRED,
        codes::ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME,
    ]
    .contains(&fault.code())
}

/// A request that nobody answers.
pub(crate) fn silent() -> Fault {
    Fault::new(codes::ERROR_NETWORK_CONNECT_TIMEOUT, "net.silent")
        .because("the server kept silent longer than the network timeout")
        .retry_class(Retry::Backoff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(failures: u32) -> Case {
        Case {
            purpose: Purpose::Media,
            failures,
            fruitless: failures,
            retries: 2,
            prepared: true,
            refreshable: false,
            live: false,
            conditional: false,
            ranged: false,
            whole: false,
            jitter: 0.5,
        }
    }

    fn status(status: u16, code: kinora_errors::Code, retry: Retry) -> Fault {
        Fault::new(code, "http.status")
            .retry_class(retry)
            .with(|context| context.http_status = Some(status))
    }

    #[test]
    fn pauses_grow_and_end_with_the_retries() {
        let fault = silent();
        let first = decide(&fault, case(1));
        assert_eq!(
            first,
            Verdict::Again {
                after: Time::from_millis(200)
            }
        );
        assert_eq!(
            decide(&fault, case(2)),
            Verdict::Again {
                after: Time::from_millis(400)
            }
        );
        assert_eq!(decide(&fault, case(3)), Verdict::Park);
        assert_eq!(
            decide(
                &fault,
                Case {
                    prepared: false,
                    ..case(3)
                }
            ),
            Verdict::GiveUp
        );
    }

    #[test]
    fn a_refusal_is_not_asked_again() {
        let missing = status(404, codes::ERROR_NETWORK_HTTP_404, Retry::Never);
        assert_eq!(decide(&missing, case(1)), Verdict::GiveUp);
        assert!(matches!(
            decide(
                &missing,
                Case {
                    live: true,
                    ..case(1)
                }
            ),
            Verdict::Again { .. }
        ));
        let failing = status(503, codes::ERROR_NETWORK_HTTP_5XX, Retry::Backoff);
        assert!(matches!(decide(&failing, case(1)), Verdict::Again { .. }));
        assert_eq!(decide(&failing, case(3)), Verdict::GiveUp);
    }

    #[test]
    fn an_expired_credential_is_refreshed_where_that_can_be_done() {
        let denied = status(403, codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh);
        assert_eq!(decide(&denied, case(1)), Verdict::GiveUp);
        assert_eq!(
            decide(
                &denied,
                Case {
                    refreshable: true,
                    ..case(1)
                }
            ),
            Verdict::Refresh
        );
    }

    #[test]
    fn the_servers_wish_for_rest_is_honoured_within_reason() {
        let busy = |ms| {
            status(429, codes::ERROR_NETWORK_HTTP_4XX, Retry::Backoff)
                .with(|context| context.retry_after_ms = Some(ms))
        };
        assert_eq!(
            decide(&busy(3_000), case(1)),
            Verdict::Again {
                after: Time::from_millis(3_000)
            }
        );
        assert_eq!(decide(&busy(3_600_000), case(1)), Verdict::GiveUp);
    }

    #[test]
    fn a_server_that_refuses_a_part_is_asked_for_everything_once() {
        for number in [400, 403, 405, 406, 416, 501] {
            let retry = match number {
                403 => Retry::AfterRefresh,
                416 => Retry::Now,
                501 => Retry::Backoff,
                _ => Retry::Never,
            };
            let refused = status(number, codes::ERROR_NETWORK_HTTP_4XX, retry);
            let part = Case {
                ranged: true,
                ..case(1)
            };
            assert_eq!(decide(&refused, part), Verdict::AgainWhole, "{number}");
            let whole = Case {
                whole: true,
                ..part
            };
            assert_ne!(decide(&refused, whole), Verdict::AgainWhole, "{number}");
            assert_ne!(decide(&refused, case(1)), Verdict::AgainWhole, "{number}");
        }
        let renewable = Case {
            ranged: true,
            refreshable: true,
            ..case(1)
        };
        let denied = status(403, codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh);
        assert_eq!(decide(&denied, renewable), Verdict::Refresh);
    }

    #[test]
    fn a_condition_is_given_up_before_the_range() {
        for number in [400, 403, 405, 406, 412, 501] {
            let refused = status(number, codes::ERROR_NETWORK_HTTP_4XX, Retry::Never);
            let ranged = Case {
                ranged: true,
                ..case(1)
            };
            let conditional = Case {
                conditional: true,
                ..ranged
            };
            assert_eq!(
                decide(&refused, conditional),
                Verdict::AgainPlain,
                "{number}"
            );
            assert_eq!(decide(&refused, ranged), Verdict::AgainWhole, "{number}");
        }
    }

    #[test]
    fn a_live_segment_that_is_forbidden_is_waited_for_before_the_credential_is_blamed() {
        let denied = status(403, codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh);
        let live = |failures| Case {
            live: true,
            refreshable: true,
            ..case(failures)
        };
        assert!(matches!(decide(&denied, live(1)), Verdict::Again { .. }));
        assert!(matches!(decide(&denied, live(2)), Verdict::Again { .. }));
        assert_eq!(decide(&denied, live(3)), Verdict::Refresh);
    }

    #[test]
    fn any_progress_is_progress() {
        let broken = silent();
        let after_a_byte = Case {
            fruitless: 1,
            ..case(40)
        };
        assert!(matches!(
            decide(&broken, after_a_byte),
            Verdict::Again { .. }
        ));
        assert_eq!(decide(&broken, case(40)), Verdict::Park);
    }

    #[test]
    fn a_server_without_ranges_is_asked_for_everything_once() {
        let ignored = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "http.range.ignored")
            .retry_class(Retry::Now);
        assert_eq!(decide(&ignored, case(1)), Verdict::AgainWhole);
        assert_eq!(
            decide(
                &ignored,
                Case {
                    whole: true,
                    ..case(1)
                }
            ),
            Verdict::GiveUp
        );
    }
}
