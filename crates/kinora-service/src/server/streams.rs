//! HTTP/2 streams: each runs as a task of its own, and one that makes no progress is reset.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, sleep};

use crate::context::{Budget, LimitCounters, LimitHit, ServiceLimits};

/// Runs streams. A task is woken when its answer goes on: when the peer opens the window, or the body has more. One that
/// nothing wakes for long is dropped, which resets its stream and frees what it holds.
#[derive(Clone)]
pub(super) struct StreamExecutor {
    pub(super) limits: Arc<ServiceLimits>,
    pub(super) budget: Arc<Budget>,
    pub(super) counters: Arc<LimitCounters>,
}

impl StreamExecutor {
    fn is_stalled(&self, woken: Instant) -> bool {
        let limit = match self.budget.is_used_up() {
            true => self.limits.short_stall(),
            false => self.limits.write_stall,
        };
        woken.elapsed() >= limit
    }
}

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let this = self.clone();
        tokio::spawn(async move {
            let mut stream = pin!(stream);
            let mut woken = Instant::now();
            let mut alarm = pin!(sleep(this.limits.short_stall()));
            poll_fn(|context| {
                if alarm.as_mut().poll(context).is_pending() {
                    woken = Instant::now();
                } else if this.is_stalled(woken) {
                    this.counters.count(LimitHit::WriteStall);
                    return Poll::Ready(());
                } else {
                    alarm.set(sleep(this.limits.short_stall()));
                    let _ = alarm.as_mut().poll(context);
                }
                stream.as_mut().poll(context).map(drop)
            })
            .await;
        });
    }
}
