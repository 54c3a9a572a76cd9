use std::sync::Arc;

use tokio::sync::Mutex;

use super::AccountStore;
use super::reserve::{Mark, Reserve};
use crate::error::ServiceError;

/// The nonces that were used: in the database, and in the [`Reserve`] while the disk is full.
pub(crate) struct Nonces {
    accounts: Arc<dyn AccountStore>,
    /// One request at a time looks at both and writes to one of them.
    reserve: Option<Mutex<Reserve>>,
}

impl Nonces {
    pub(crate) fn new(accounts: Arc<dyn AccountStore>, reserve: Option<Reserve>) -> Self {
        Self {
            accounts,
            reserve: reserve.map(Mutex::new),
        }
    }

    /// Whether the nonce is new. Of all that ask at once with the same one, one hears yes.
    ///
    /// # Errors
    /// The database failed; the disk is full and the reserve is used up.
    pub(crate) async fn remember(
        &self,
        key_id: &str,
        nonce: &str,
        until_ms: i64,
        now_ms: i64,
    ) -> Result<bool, ServiceError> {
        let accounts = &self.accounts;
        let Some(reserve) = &self.reserve else {
            return accounts.remember_nonce(key_id, nonce, until_ms).await;
        };
        let mut reserve = reserve.lock().await;
        let mark = Mark::of(key_id, nonce);
        if reserve.holds(&mark, now_ms) {
            return Ok(false);
        }
        match accounts.remember_nonce(key_id, nonce, until_ms).await {
            Err(ServiceError::DiskFull(error)) => {
                if accounts.has_nonce(key_id, nonce).await? {
                    return Ok(false);
                }
                match reserve.put(mark, until_ms, now_ms) {
                    Ok(()) => Ok(true),
                    Err(_) => Err(ServiceError::DiskFull(error)),
                }
            }
            done => done,
        }
    }
}
