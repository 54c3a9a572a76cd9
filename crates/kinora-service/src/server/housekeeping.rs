//! What is done beside the answering of requests.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::context::{AppState, LimitCounters};
use crate::error::{Causes, ServiceError};

/// Nonces that are forgotten at once: few enough that a request which wants to write waits for milliseconds.
const MAX_BATCH: u32 = 200;
/// They are kept that much longer than they count, against a clock that is set back a little.
const MARGIN_MS: i64 = 60_000;
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Never ends.
pub(super) async fn run(state: &AppState, counters: &LimitCounters) {
    join(report(state, counters), purge(state)).await;
}

async fn report(state: &AppState, counters: &LimitCounters) -> Infallible {
    let mut every = interval(REPORT_INTERVAL);
    loop {
        every.tick().await;
        report_now(state, counters);
    }
}

/// Writes into the log what the operator should know.
pub(super) fn report_now(state: &AppState, counters: &LimitCounters) {
    counters.report();
    for notice in state.core.take_notices() {
        tracing::warn!("{notice}");
    }
}

async fn purge(state: &AppState) -> Infallible {
    let mut every = interval(state.limits.nonce_purge.max(Duration::from_millis(1)));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        every.tick().await;
        match forget_nonces(state).await {
            Ok(forgotten) => {
                failing = false;
                if forgotten > 0 {
                    tracing::debug!(
                        forgotten,
                        "nonces are forgotten with which no replay can pass"
                    );
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(cause = %Causes(&error), "old nonces could not be forgotten; it is tried again");
                }
            }
        }
    }
}

async fn forget_nonces(state: &AppState) -> Result<u64, ServiceError> {
    let core = &state.core;
    let mut forgotten = 0_u64;
    loop {
        let before_ms = core.clock.unix_ms().saturating_sub(MARGIN_MS);
        let began = Instant::now();
        let count = core.accounts.forget_nonces(before_ms, MAX_BATCH).await?;
        forgotten = forgotten.saturating_add(count);
        if count < u64::from(MAX_BATCH) {
            return Ok(forgotten);
        }
        // As long as it took, the database is left to the requests.
        sleep(began.elapsed()).await;
    }
}
