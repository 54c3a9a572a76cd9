//! What is done beside the answering of requests.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::tally::Tally;
use crate::error::{Causes, ServiceError};
use crate::service::Shared;

/// Nonces that are forgotten at once: few enough that a request which wants to write waits for milliseconds.
const BATCH: u32 = 200;
/// They are kept that much longer than they count, against a clock that is set back a little.
const MARGIN_MS: i64 = 60_000;
const TELLING: Duration = Duration::from_secs(1);

/// Does it for ever.
pub(super) async fn run(shared: &Shared, tally: &Tally) {
    join(tell(shared, tally), purge(shared)).await;
}

async fn tell(shared: &Shared, tally: &Tally) -> Infallible {
    let mut every = interval(TELLING);
    loop {
        every.tick().await;
        tell_now(shared, tally);
    }
}

/// Tells the operator what there is to tell.
pub(super) fn tell_now(shared: &Shared, tally: &Tally) {
    tally.tell();
    for notice in shared.core.take_notices() {
        tracing::warn!("{notice}");
    }
}

async fn purge(shared: &Shared) -> Infallible {
    let mut every = interval(shared.limits.nonce_purge.max(Duration::from_millis(1)));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        every.tick().await;
        match forget_nonces(shared).await {
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

async fn forget_nonces(shared: &Shared) -> Result<u64, ServiceError> {
    let core = &shared.core;
    let mut forgotten = 0_u64;
    loop {
        let before_ms = core.clock.unix_ms().saturating_sub(MARGIN_MS);
        let began = Instant::now();
        let count = core.accounts.forget_nonces(before_ms, BATCH).await?;
        forgotten = forgotten.saturating_add(count);
        if count < u64::from(BATCH) {
            return Ok(forgotten);
        }
        // As long as it took, the database is left to the requests.
        sleep(began.elapsed()).await;
    }
}
