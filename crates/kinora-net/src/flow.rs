//! Flow control of one request: the credit that the client granted, and the transport that waits for more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// One request's credit. The client grants it, the transport takes it.
pub(crate) struct FlowControl {
    credit: AtomicU64,
    cancelled: AtomicBool,
    /// Whoever delivers; woken by a grant and by the cancellation.
    waiting: AtomicWaker,
}

impl FlowControl {
    pub(crate) fn new(credit: u64) -> Self {
        Self {
            credit: AtomicU64::new(credit),
            cancelled: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
        }
    }

    pub(crate) fn grant(&self, bytes: u64) {
        let add = |credit: u64| Some(credit.saturating_add(bytes));
        // Never refused: the closure always gives a value.
        let _ = self
            .credit
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        self.waiting.wake();
    }

    /// The request ends; its transport notices at its next step.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.waiting.wake();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Takes up to `wanted` bytes of credit; 0 when there is none.
    pub(crate) fn try_take(&self, wanted: u64) -> u64 {
        let take = |credit: u64| Some(credit - credit.min(wanted));
        self.credit
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .map_or(0, |before| before.min(wanted))
    }

    /// Takes at least one byte of credit once there is some, 0 only for `wanted` 0; `None` when the request was cancelled.
    pub(crate) fn poll_take(&self, context: &Context<'_>, wanted: u64) -> Poll<Option<u64>> {
        self.poll(context, || {
            if self.is_cancelled() {
                return Some(None);
            }
            let taken = self.try_take(wanted);
            (taken > 0 || wanted == 0).then_some(Some(taken))
        })
    }

    /// Ready once the request is cancelled.
    pub(crate) fn poll_cancelled(&self, context: &Context<'_>) -> Poll<()> {
        self.poll(context, || self.is_cancelled().then_some(()))
    }

    /// Looks twice: a grant may come between the first look and the registration.
    fn poll<T>(&self, context: &Context<'_>, look: impl Fn() -> Option<T>) -> Poll<T> {
        if let Some(ready) = look() {
            return Poll::Ready(ready);
        }
        self.waiting.register(context.waker());
        look().map_or(Poll::Pending, Poll::Ready)
    }
}
