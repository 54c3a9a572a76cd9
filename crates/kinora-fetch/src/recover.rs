//! The one place that decides what is done about a failed request.
//!
//! The others carry the decision out: a transfer asks again, its owner takes another rendition, asks for a credential or
//! reports the fault.

use kinora_errors::{Fault, Retry, codes};
use kinora_media::Time;

use crate::Purpose;

/// What is done about a failure.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Recovery {
    /// Ask again after a pause.
    Retry {
        /// The pause.
        after: Time,
    },
    /// Ask for the same bytes without the condition on their version.
    RetryUnconditional,
    /// Ask for the whole resource and pass over what is there already.
    RetryWhole,
    /// The credential is not accepted any more: ask for a fresh one.
    Refresh,
    /// The retries are spent: the source waits for the user's `reload`, nothing is lost.
    Park,
    /// It is asked for at another place that has the same.
    Elsewhere,
    /// It will not succeed.
    GiveUp,
}

/// What the owner of a transfer knows that bears on a retry.
#[derive(Clone, Copy, Debug, Default)]
pub struct RetryContext {
    /// The presentation was prepared: there is something to keep.
    pub prepared: bool,
    /// A fresh credential can be had.
    pub refreshable: bool,
    /// A live presentation: what is missing now may be there soon.
    pub live: bool,
    /// Another place has the same: so often this one is asked again before it is left.
    pub elsewhere: Option<u32>,
}

/// The range that was requested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestedRange {
    /// The whole resource.
    Whole,
    /// A part of it (RFC 9110 14.2).
    Part,
    /// A part, if the resource is of a known version still (`If-Range`, RFC 9110 13.1.5).
    PartIfUnchanged,
}

/// The request that failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// What it was for.
    pub purpose: Purpose,
    /// Failures in a row with little between them, this one included.
    pub failures: u32,
    /// Those of them since the last byte came, this one included: only they are counted against the retries.
    pub without_progress: u32,
    /// Retries allowed.
    pub retries: u32,
    /// How often the network timeout has passed since the last byte came.
    pub windows: u32,
    /// The range that was requested.
    pub range: RequestedRange,
    /// Offset of the next byte that is wanted.
    pub offset: u64,
    /// A number that spreads the retries of many players, 0 to 1.
    pub jitter: f64,
}

const FIRST_PAUSE_MS: i64 = 200;
const MAX_PAUSE_MS: i64 = 8_000;
/// The same while playback waits for a network that is gone: it goes on as soon as that is back.
const MAX_PAUSE_OF_OUTAGE_MS: i64 = 4_000;
/// A server that wants to be left alone longer than that is not waited for.
const MAX_RETRY_AFTER_MS: u64 = 30_000;
/// Live sources are worth more patience.
const LIVE_RETRIES: u32 = 6;
/// So often a place is asked again while another has the same: [`RetryContext::elsewhere`].
pub const RETRIES_BEFORE_ELSEWHERE: u32 = 1;
/// Ranges are given up only when no more than that must be read again.
pub(crate) const MAX_READ_AGAIN: u64 = 32 << 20;

/// Decides about a request that failed.
#[must_use]
pub fn decide(fault: &Fault, attempt: &Attempt, context: RetryContext) -> Recovery {
    let (attempt, context) = with_a_place(attempt, context);
    match decide_here(fault, &attempt, context) {
        Recovery::Park | Recovery::GiveUp | Recovery::Refresh if context.elsewhere.is_some() => {
            Recovery::Elsewhere
        }
        decided => decided,
    }
}

/// Where another place has the same, less is tried at this one.
fn with_a_place(attempt: &Attempt, context: RetryContext) -> (Attempt, RetryContext) {
    let Some(retries) = context.elsewhere else {
        return (*attempt, context);
    };
    let attempt = Attempt {
        retries: attempt.retries.min(retries),
        ..*attempt
    };
    // One that is live has no more patience with a place than any other.
    let context = RetryContext {
        live: false,
        ..context
    };
    (attempt, context)
}

/// Which of how many retries a failure has come to. Within a network timeout an outage has spent none.
#[must_use]
pub fn tries_of(fault: &Fault, attempt: &Attempt, context: RetryContext) -> (u32, u32) {
    let (attempt, context) = with_a_place(attempt, context);
    spent_of(fault, &attempt, context)
}

fn spent_of(fault: &Fault, attempt: &Attempt, context: RetryContext) -> (u32, u32) {
    if is_outage(fault, attempt, context) {
        return (attempt.windows, attempt.retries);
    }
    let missing_live = context.live && is_missing(fault);
    let retries = match context.live && attempt.retries > 0 && !missing_live {
        true => attempt.retries.max(LIVE_RETRIES),
        false => attempt.retries,
    };
    (attempt.without_progress, retries)
}

fn decide_here(fault: &Fault, attempt: &Attempt, context: RetryContext) -> Recovery {
    if let Some(recovery) = without_range(fault, attempt, context) {
        return recovery;
    }
    let retry = fault.retry();
    // What a live playlist names may not be there yet, or be guarded until it is.
    let missing_live = context.live && is_missing(fault);
    let awaited = missing_live && attempt.without_progress <= attempt.retries;
    if retry == Retry::AfterRefresh && !awaited {
        return match context.refreshable {
            true => Recovery::Refresh,
            false => Recovery::GiveUp,
        };
    }
    if !matches!(retry, Retry::Now | Retry::Backoff) && !missing_live {
        return Recovery::GiveUp;
    }
    let outage = is_outage(fault, attempt, context);
    let (tries, retries) = spent_of(fault, attempt, context);
    if tries > retries {
        return spent(fault, attempt, context);
    }
    let wait = match fault.context().retry_after_ms {
        Some(wait) if wait > MAX_RETRY_AFTER_MS => return spent(fault, attempt, context),
        Some(wait) => Time::from_millis(i64::try_from(wait).unwrap_or(i64::MAX)),
        None => Time::ZERO,
    };
    let after = match retry {
        Retry::Now if attempt.failures == 1 => Time::ZERO,
        _ if outage => pause(attempt, MAX_PAUSE_OF_OUTAGE_MS),
        _ => pause(attempt, MAX_PAUSE_MS),
    };
    Recovery::Retry {
        after: after.max(wait),
    }
}

/// Where a server does not give the part that was asked for: what is asked instead, the condition being given up before the range.
fn without_range(fault: &Fault, attempt: &Attempt, context: RetryContext) -> Option<Recovery> {
    let may_read_whole = attempt.range != RequestedRange::Whole && attempt.offset <= MAX_READ_AGAIN;
    let refused = refuses_range(fault, context.refreshable);
    if refused && attempt.range == RequestedRange::PartIfUnchanged {
        return Some(Recovery::RetryUnconditional);
    }
    if refused && may_read_whole {
        return Some(Recovery::RetryWhole);
    }
    if !ignores_range(fault) {
        return None;
    }
    Some(match may_read_whole {
        true => Recovery::RetryWhole,
        false => Recovery::GiveUp,
    })
}

/// A part was asked for and the whole was answered (RFC 9110 14.2 allows that).
fn ignores_range(fault: &Fault) -> bool {
    fault.code() == codes::ERROR_NETWORK_HTTP_RANGE && fault.context().http_status == Some(200)
}

/// Servers and gateways that know no ranges refuse them in several ways. Where a credential can be renewed a 403 is about
/// that.
fn refuses_range(fault: &Fault, refreshable: bool) -> bool {
    let context = fault.context();
    match context.http_status {
        Some(403) => !refreshable,
        // One that tells its length means that the place is behind it (RFC 9110 15.5.17).
        Some(416) => context.resource_len.is_none(),
        Some(400 | 405 | 406 | 412 | 501) => true,
        _ => false,
    }
}

fn is_missing(fault: &Fault) -> bool {
    matches!(fault.context().http_status, Some(403 | 404 | 410))
}

/// The server has not got it (RFC 9110 15.5.5 and 15.5.11).
#[must_use]
pub fn is_gone(fault: &Fault) -> bool {
    matches!(fault.context().http_status, Some(404 | 410))
}

/// A live playlist that is refused so may be back with its next version.
#[must_use]
pub fn may_come_back(fault: &Fault) -> bool {
    fault.retry() != Retry::Never || is_missing(fault)
}

/// A server that answers with a refusal has spoken; one that can not be reached may be back.
fn spent(fault: &Fault, attempt: &Attempt, context: RetryContext) -> Recovery {
    let refused = fault.context().http_status.is_some();
    if context.prepared && !refused && attempt.purpose != Purpose::Api {
        Recovery::Park
    } else {
        Recovery::GiveUp
    }
}

/// Whether the network is gone under something that plays: connecting is tried again as long as the user waits for a silent
/// source. A retry is spent each time that the network timeout passes, not with each try, so that a short outage is borne
/// whether it shows in silence or in refusals.
fn is_outage(fault: &Fault, attempt: &Attempt, context: RetryContext) -> bool {
    let unreachable = [
        codes::ERROR_NETWORK_UNKNOWN,
        codes::ERROR_NETWORK_RESOLVE,
        codes::ERROR_NETWORK_CONNECT_TIMEOUT,
        codes::ERROR_NETWORK_COULD_NOT_CONNECT,
    ];
    let answered = fault.context().http_status.is_some();
    context.prepared
        && attempt.retries > 0
        && attempt.purpose != Purpose::Api
        && !answered
        && unreachable.contains(&fault.code())
}

fn pause(attempt: &Attempt, most_ms: i64) -> Time {
    let before = attempt.without_progress.saturating_sub(1);
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << before.min(16));
    Time::from_millis(doubled.min(most_ms)).scale(0.8 + 0.4 * attempt.jitter)
}

/// What is reported to the application when a source is parked.
#[must_use]
pub fn parked(cause: &Fault) -> Fault {
    Fault::new(codes::ERROR_LOADING_TIMEOUT, "net.retries_spent")
        .because(format!("the source does not answer any more: {cause}"))
        .retry_class(Retry::AfterUser)
        .in_place_of(cause)
}

/// A request that nobody answers.
pub(crate) fn silent() -> Fault {
    Fault::new(codes::ERROR_NETWORK_CONNECT_TIMEOUT, "net.silent")
        .because("the source kept silent longer than the network timeout")
        .retry_class(Retry::Backoff)
}

/// An answer that ended before it began.
pub(crate) fn ended_early() -> Fault {
    Fault::new(codes::ERROR_NETWORK_UNKNOWN, "http.truncated")
        .because("the answer ended without a byte, though bytes are missing")
        .retry_class(Retry::Backoff)
}

#[cfg(test)]
mod tests;
