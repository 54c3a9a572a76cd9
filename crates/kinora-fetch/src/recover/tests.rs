use super::*;

const STEADY: RetryContext = RetryContext {
    prepared: true,
    refreshable: false,
    live: false,
    elsewhere: None,
};
const LIVE: RetryContext = RetryContext {
    live: true,
    ..STEADY
};
const REFRESHABLE: RetryContext = RetryContext {
    refreshable: true,
    ..STEADY
};

/// The n-th failure in a row of a request for the whole, each of them after a silence of the whole timeout.
fn whole(failures: u32) -> Attempt {
    Attempt {
        purpose: Purpose::Media,
        failures,
        without_progress: failures,
        retries: 2,
        windows: failures,
        range: RequestedRange::Whole,
        offset: 0,
        jitter: 0.5,
    }
}

/// The first failure of a request for a part.
fn part(range: RequestedRange) -> Attempt {
    Attempt {
        range,
        offset: 1_000,
        ..whole(1)
    }
}

fn status(status: u16, code: kinora_errors::Code, retry: Retry) -> Fault {
    Fault::new(code, "http.status")
        .retry_class(retry)
        .with(|context| context.http_status = Some(status))
}

fn after(ms: i64) -> Recovery {
    Recovery::Retry {
        after: Time::from_millis(ms),
    }
}

fn is_retried(recovery: Recovery) -> bool {
    matches!(recovery, Recovery::Retry { .. })
}

#[test]
fn pauses_grow_and_end_with_the_retries() {
    let fault = silent();
    assert_eq!(decide(&fault, &whole(1), STEADY), after(200));
    assert_eq!(decide(&fault, &whole(2), STEADY), after(400));
    assert_eq!(decide(&fault, &whole(3), STEADY), Recovery::Park);
    let unprepared = RetryContext::default();
    assert_eq!(decide(&fault, &whole(3), unprepared), Recovery::GiveUp);
}

#[test]
fn a_network_that_is_gone_is_waited_for_as_long_as_one_that_is_silent() {
    let refused = Fault::new(codes::ERROR_NETWORK_COULD_NOT_CONNECT, "test");
    let refused = refused.retry_class(Retry::Backoff);
    let tries = |failures, windows| Attempt {
        windows,
        ..whole(failures)
    };
    assert_eq!(decide(&refused, &tries(12, 2), STEADY), after(4_000));
    assert_eq!(decide(&refused, &tries(12, 3), STEADY), Recovery::Park);
    assert_eq!(decide(&refused, &tries(12, 3), LIVE), Recovery::Park);
    // Nothing plays yet: who waits for the beginning is told soon.
    let unprepared = RetryContext::default();
    assert_eq!(decide(&refused, &tries(3, 0), unprepared), Recovery::GiveUp);
    // Without retries it is parked at once.
    let none = Attempt {
        retries: 0,
        ..tries(1, 0)
    };
    assert_eq!(decide(&refused, &none, STEADY), Recovery::Park);
    // A server that answers has spoken.
    let failing = status(503, codes::ERROR_NETWORK_HTTP_5XX, Retry::Backoff);
    assert_eq!(decide(&failing, &tries(3, 0), STEADY), Recovery::GiveUp);
}

#[test]
fn a_refusal_is_not_asked_again() {
    let missing = status(404, codes::ERROR_NETWORK_HTTP_404, Retry::Never);
    assert_eq!(decide(&missing, &whole(1), STEADY), Recovery::GiveUp);
    assert!(is_retried(decide(&missing, &whole(1), LIVE)));
    let failing = status(503, codes::ERROR_NETWORK_HTTP_5XX, Retry::Backoff);
    assert!(is_retried(decide(&failing, &whole(1), STEADY)));
    assert_eq!(decide(&failing, &whole(3), STEADY), Recovery::GiveUp);
}

#[test]
fn an_expired_credential_is_refreshed_where_that_can_be_done() {
    let denied = status(403, codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh);
    assert_eq!(decide(&denied, &whole(1), STEADY), Recovery::GiveUp);
    assert_eq!(decide(&denied, &whole(1), REFRESHABLE), Recovery::Refresh);
}

#[test]
fn the_servers_wish_for_rest_is_honoured_within_reason() {
    let busy = |ms| {
        status(429, codes::ERROR_NETWORK_HTTP_4XX, Retry::Backoff)
            .with(|context| context.retry_after_ms = Some(ms))
    };
    assert_eq!(decide(&busy(3_000), &whole(1), STEADY), after(3_000));
    assert_eq!(
        decide(&busy(3_600_000), &whole(1), STEADY),
        Recovery::GiveUp
    );
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
        let decided = decide(&refused, &part(RequestedRange::Part), STEADY);
        assert_eq!(decided, Recovery::RetryWhole, "{number}");
        let decided = decide(&refused, &whole(1), STEADY);
        assert_ne!(decided, Recovery::RetryWhole, "{number}");
    }
    let denied = status(403, codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh);
    let decided = decide(&denied, &part(RequestedRange::Part), REFRESHABLE);
    assert_eq!(decided, Recovery::Refresh);
}

#[test]
fn a_condition_is_given_up_before_the_range() {
    for number in [400, 403, 405, 406, 412, 501] {
        let refused = status(number, codes::ERROR_NETWORK_HTTP_4XX, Retry::Never);
        let decided = decide(&refused, &part(RequestedRange::PartIfUnchanged), STEADY);
        assert_eq!(decided, Recovery::RetryUnconditional, "{number}");
        let decided = decide(&refused, &part(RequestedRange::Part), STEADY);
        assert_eq!(decided, Recovery::RetryWhole, "{number}");
    }
}

#[test]
fn a_live_segment_that_is_forbidden_is_waited_for_before_the_credential_is_blamed() {
    let denied = status(403, codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh);
    let live = RetryContext {
        live: true,
        ..REFRESHABLE
    };
    assert!(is_retried(decide(&denied, &whole(1), live)));
    assert!(is_retried(decide(&denied, &whole(2), live)));
    assert_eq!(decide(&denied, &whole(3), live), Recovery::Refresh);
}

#[test]
fn any_progress_is_progress() {
    let broken = silent();
    let after_a_byte = Attempt {
        without_progress: 1,
        windows: 0,
        ..whole(40)
    };
    assert!(is_retried(decide(&broken, &after_a_byte, STEADY)));
    assert_eq!(decide(&broken, &whole(40), STEADY), Recovery::Park);
}

#[test]
fn a_server_without_ranges_is_asked_for_everything_once() {
    let ignored = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "any.reason")
        .retry_class(Retry::Now)
        .with(|context| context.http_status = Some(200));
    for range in [RequestedRange::Part, RequestedRange::PartIfUnchanged] {
        let decided = decide(&ignored, &part(range), STEADY);
        assert_eq!(decided, Recovery::RetryWhole);
        let far_away = Attempt {
            offset: MAX_READ_AGAIN + 1,
            ..part(range)
        };
        assert_eq!(decide(&ignored, &far_away, STEADY), Recovery::GiveUp);
    }
    assert_eq!(decide(&ignored, &whole(1), STEADY), Recovery::GiveUp);
}

#[test]
fn what_another_place_has_is_asked_for_there_after_one_more_try() {
    let elsewhere = RetryContext {
        elsewhere: Some(RETRIES_BEFORE_ELSEWHERE),
        live: true,
        refreshable: true,
        ..STEADY
    };
    let of = |fault: &Fault, failures| decide(fault, &whole(failures), elsewhere);
    let refused = Fault::new(codes::ERROR_NETWORK_COULD_NOT_CONNECT, "tcp.refused")
        .retry_class(Retry::Backoff);
    assert!(matches!(of(&refused, 1), Recovery::Retry { .. }));
    assert_eq!(of(&refused, 2), Recovery::Elsewhere);
    let missing = Fault::new(codes::ERROR_NETWORK_HTTP_404, "http.status")
        .retry_class(Retry::Never)
        .with(|context| context.http_status = Some(404));
    assert_eq!(of(&missing, 1), Recovery::Elsewhere);
    let expired = Fault::new(codes::ERROR_NETWORK_HTTP_403, "http.status")
        .retry_class(Retry::AfterRefresh)
        .with(|context| context.http_status = Some(403));
    assert_eq!(of(&expired, 1), Recovery::Elsewhere);
    let at_once = RetryContext {
        elsewhere: Some(0),
        ..elsewhere
    };
    assert_eq!(decide(&refused, &whole(1), at_once), Recovery::Elsewhere);
}
