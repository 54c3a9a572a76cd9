use std::sync::{Arc, Mutex as BlockingMutex, PoisonError};

use tokio::sync::Mutex;
use tracing::{error, info};

use super::AccountStore;
use super::reserve::{NonceDigest, Reserve};
use crate::error::ServiceError;

/// A disk that was full has room again when for so long nothing was refused: a full one takes a little now and then.
const QUIET_MS: i64 = 60_000;

/// The nonces that were used: in the database, and in the [`Reserve`] while the disk is full.
pub(crate) struct Nonces {
    accounts: Arc<dyn AccountStore>,
    /// One request at a time looks at both and writes to one of them.
    reserve: Option<Mutex<Reserve>>,
    shortage: BlockingMutex<ShortageReport>,
}

/// What the operator was reported of the room for nonces. It is reported once, however many requests meet it.
#[derive(Default)]
struct ShortageReport {
    reported: Option<Shortage>,
    last_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shortage {
    /// The database cannot grow.
    Disk,
    /// And the reserve is used up.
    Reserve,
}

impl Nonces {
    pub(crate) fn new(accounts: Arc<dyn AccountStore>, reserve: Option<Reserve>) -> Self {
        Self {
            accounts,
            reserve: reserve.map(Mutex::new),
            shortage: BlockingMutex::default(),
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
        let mut reserve = match &self.reserve {
            Some(reserve) => Some(reserve.lock().await),
            None => None,
        };
        let digest = NonceDigest::of(key_id, nonce);
        if reserve
            .as_ref()
            .is_some_and(|reserve| reserve.holds(&digest, now_ms))
        {
            return Ok(false);
        }
        let full = match accounts.remember_nonce(key_id, nonce, until_ms).await {
            Ok(is_new) => {
                self.has_room(now_ms);
                return Ok(is_new);
            }
            Err(ServiceError::DiskFull(error)) => error,
            Err(error) => return Err(error),
        };
        if accounts.has_nonce(key_id, nonce).await? {
            return Ok(false);
        }
        let kept = reserve
            .as_mut()
            .map(|reserve| reserve.put(digest, until_ms, now_ms));
        if let Some(Ok(())) = kept {
            self.report_shortage(Shortage::Disk, now_ms);
            return Ok(true);
        }
        self.report_shortage(Shortage::Reserve, now_ms);
        Err(ServiceError::DiskFull(full))
    }

    fn report_shortage(&self, kind: Shortage, now_ms: i64) {
        let mut shortage = self.shortage.lock().unwrap_or_else(PoisonError::into_inner);
        shortage.last_ms = now_ms;
        if shortage.reported >= Some(kind) {
            return;
        }
        shortage.reported = Some(kind);
        match kind {
            Shortage::Disk => error!(
                "the disk is full: requests are answered as long as the reserve for their nonces lasts; free some space"
            ),
            Shortage::Reserve => error!(
                "the disk is full and no reserve is left: signed requests are refused (503), media are read on; free some space"
            ),
        }
    }

    fn has_room(&self, now_ms: i64) {
        let mut shortage = self.shortage.lock().unwrap_or_else(PoisonError::into_inner);
        if shortage.reported.is_some() && now_ms.saturating_sub(shortage.last_ms) >= QUIET_MS {
            shortage.reported = None;
            info!("the disk has room again");
        }
    }
}
