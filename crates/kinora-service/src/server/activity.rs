//! What a connection is doing, and until when it may go on doing it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::context::{ClientId, ServiceLimits};

/// Milliseconds since the server began, from 1: a moment that fits into an atomic, with 0 for none.
#[derive(Clone, Debug)]
pub(super) enum Ticks {
    Since(Instant),
    /// Stands until a test moves it.
    #[cfg(test)]
    Manual(std::sync::Arc<AtomicU64>),
}

impl Ticks {
    pub(super) fn start() -> Self {
        Self::Since(Instant::now())
    }
    pub(super) fn now(&self) -> u64 {
        match self {
            Self::Since(start) => millis(start.elapsed()).saturating_add(1),
            #[cfg(test)]
            Self::Manual(now) => now.load(Relaxed),
        }
    }
    /// How long it is until then.
    pub(super) fn until(&self, tick: u64) -> Duration {
        Duration::from_millis(tick.saturating_sub(self.now()))
    }
    #[cfg(test)]
    pub(super) fn advance(&self, by: Duration) {
        if let Self::Manual(now) = self {
            now.fetch_add(millis(by), Relaxed);
        }
    }
    #[cfg(test)]
    pub(super) fn manual() -> Self {
        Self::Manual(std::sync::Arc::new(AtomicU64::new(1)))
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How often a connection whose answer is being made is checked again.
const RECHECK_INTERVAL: Duration = Duration::from_secs(15);

/// What is waited for, and what it means that it did not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Awaited {
    FirstByte,
    Head,
    /// That the peer takes what was written.
    WriteProgress,
    NextRequest,
    /// The answer is being made: to be looked at again.
    Answer,
}

/// How a connection is closed from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CloseMode {
    /// Answer what was asked, then close.
    Graceful,
    /// Close now.
    Immediate,
}

/// Kept by a connection's socket and requests, read by its deadline and by those who need its place.
pub(super) struct Activity {
    pub(super) ticks: Ticks,
    /// The client that it counts for; none where a trusted proxy forwards for many.
    pub(super) client: Option<ClientId>,
    accepted: u64,
    requests: AtomicU64,
    in_flight: AtomicU32,
    head_since: AtomicU64,
    idle_since: AtomicU64,
    stalled_since: AtomicU64,
    written: AtomicU64,
    http2: AtomicBool,
    closes_immediately: AtomicBool,
    /// Notified when it is to close.
    pub(super) close_requested: Notify,
    /// Notified when the socket is closed.
    pub(super) closed: Notify,
}

impl Activity {
    pub(super) fn new(ticks: Ticks, client: Option<ClientId>) -> Self {
        Self {
            client,
            accepted: ticks.now(),
            ticks,
            requests: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            head_since: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            written: AtomicU64::new(0),
            http2: AtomicBool::new(false),
            closes_immediately: AtomicBool::new(false),
            close_requested: Notify::new(),
            closed: Notify::new(),
        }
    }

    /// Octets came in.
    pub(super) fn received(&self) {
        if !self.is_busy() && self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.ticks.now(), Relaxed);
        }
    }
    /// The peer took octets.
    pub(super) fn sent(&self) {
        self.stalled_since.store(0, Relaxed);
        self.written.store(self.ticks.now(), Relaxed);
    }
    /// The peer takes no more for now.
    pub(super) fn stalled(&self) {
        let now = self.ticks.now();
        let _ = self
            .stalled_since
            .compare_exchange(0, now, Relaxed, Relaxed);
    }
    /// A request's head is here; returns whether it is the only one. Called under the registry's lock.
    pub(super) fn begin(&self, http2: bool) -> bool {
        self.http2.store(http2, Relaxed);
        self.head_since.store(0, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed) == 0
    }
    /// A request's answer is over; returns whether it was the last one. Called under the registry's lock.
    pub(super) fn end(&self) -> bool {
        self.idle_since.store(self.ticks.now(), Relaxed);
        self.in_flight.fetch_sub(1, Relaxed) == 1
    }
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Relaxed) > 0
    }
    /// Since when its peer takes nothing, if it does not.
    pub(super) fn stalled_since(&self) -> Option<u64> {
        Some(self.stalled_since.load(Relaxed)).filter(|since| *since > 0)
    }

    pub(super) fn request_close(&self, mode: CloseMode) {
        if mode == CloseMode::Immediate {
            self.closes_immediately.store(true, Relaxed);
        }
        self.close_requested.notify_one();
    }
    /// How it was asked to close.
    pub(super) fn close_mode(&self) -> CloseMode {
        match self.closes_immediately.load(Relaxed) {
            true => CloseMode::Immediate,
            false => CloseMode::Graceful,
        }
    }

    /// Until when it may go on like this, and what it waits for. Where others wait for what it holds, it may for less long.
    pub(super) fn deadline(&self, limits: &ServiceLimits, others_wait: bool) -> (u64, Awaited) {
        let until = |since: u64, limit: Duration| since.saturating_add(millis(limit));
        if let Some(since) = self.stalled_since() {
            let limit = match others_wait {
                true => limits.short_stall(),
                false => limits.write_stall,
            };
            return (until(since, limit), Awaited::WriteProgress);
        }
        if self.is_busy() {
            return (until(self.ticks.now(), RECHECK_INTERVAL), Awaited::Answer);
        }
        let head_since = self.head_since.load(Relaxed);
        let first = self.requests.load(Relaxed) == 0;
        if first && head_since == 0 {
            return (until(self.accepted, limits.first_byte), Awaited::FirstByte);
        }
        // Between requests HTTP/2 has frames that begin none (RFC 9113 6.7): only HTTP/1.1's octets do.
        let http2 = self.http2.load(Relaxed);
        if first || (!http2 && head_since != 0) {
            return (until(head_since, limits.head), Awaited::Head);
        }
        let mut since = self.idle_since.load(Relaxed);
        if !http2 {
            // The end of an answer may be on its way for some time yet.
            since = since.max(self.written.load(Relaxed));
        }
        (until(since, limits.idle), Awaited::NextRequest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(limit: Duration) -> u64 {
        1 + millis(limit)
    }

    #[test]
    fn each_thing_that_a_connection_does_has_its_own_deadline() {
        let limits = ServiceLimits::default();
        for http2 in [false, true] {
            let activity = Activity::new(Ticks::manual(), None);
            assert_eq!(
                activity.deadline(&limits, false),
                (after(limits.first_byte), Awaited::FirstByte)
            );
            activity.ticks.advance(Duration::from_secs(2));
            activity.received();
            activity.ticks.advance(Duration::from_secs(1));
            activity.received();
            // More of the head buys no more time.
            let begun = Duration::from_secs(2);
            assert_eq!(
                activity.deadline(&limits, false),
                (after(begun + limits.head), Awaited::Head)
            );
            assert!(activity.begin(http2));
            assert_eq!(activity.deadline(&limits, false).1, Awaited::Answer);
            activity.stalled();
            activity.ticks.advance(Duration::from_secs(1));
            activity.stalled();
            let stalled = Duration::from_secs(3);
            assert_eq!(
                activity.deadline(&limits, false),
                (after(stalled + limits.write_stall), Awaited::WriteProgress)
            );
            let shorter = (
                after(stalled + limits.write_stall / 4),
                Awaited::WriteProgress,
            );
            assert_eq!(activity.deadline(&limits, true), shorter);
            activity.sent();
            assert!(activity.end());
            let ended = Duration::from_secs(4);
            assert_eq!(
                activity.deadline(&limits, false),
                (after(ended + limits.idle), Awaited::NextRequest)
            );
            // What follows is the head of the next request; on HTTP/2 it may be anything.
            activity.received();
            let next = match http2 {
                false => (after(ended + limits.head), Awaited::Head),
                true => (after(ended + limits.idle), Awaited::NextRequest),
            };
            assert_eq!(activity.deadline(&limits, false), next);
        }
    }
}
