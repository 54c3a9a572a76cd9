//! How many bytes a request may still deliver, and whether anybody waits for them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// One request's permission to deliver. The engine grants, the transfer takes.
pub(crate) struct Flow {
    credit: AtomicU64,
    cancelled: AtomicBool,
    granted: Notify,
    ended: Notify,
}

impl Flow {
    pub(crate) fn new(credit: u64) -> Self {
        Self {
            credit: AtomicU64::new(credit),
            cancelled: AtomicBool::new(false),
            granted: Notify::new(),
            ended: Notify::new(),
        }
    }

    pub(crate) fn grant(&self, bytes: u64) {
        let add = |credit: u64| Some(credit.saturating_add(bytes));
        // Never refused: the closure always gives a value.
        let _ = self
            .credit
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        self.granted.notify_one();
    }

    /// The transfer ends; its task or thread notices at its next step.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.ended.notify_one();
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

    /// Gives back what was taken and not used.
    pub(crate) fn give_back(&self, bytes: u64) {
        if bytes > 0 {
            self.grant(bytes);
        }
    }

    /// Takes at least one byte of credit, waiting for it; 0 only for `wanted` 0.
    pub(crate) async fn take(&self, wanted: u64) -> u64 {
        loop {
            let taken = self.try_take(wanted);
            if taken > 0 || wanted == 0 {
                return taken;
            }
            self.granted.notified().await;
        }
    }

    /// Waits until the request is cancelled.
    pub(crate) async fn cancelled(&self) {
        while !self.is_cancelled() {
            self.ended.notified().await;
        }
    }
}
