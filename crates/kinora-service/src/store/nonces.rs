use std::sync::{Arc, Mutex as BlockingMutex, PoisonError};

use tokio::sync::Mutex;
use tracing::{error, info};

use super::AccountStore;
use super::reserve::{Mark, Reserve};
use crate::error::ServiceError;

/// A disk that was full has room again when for so long nothing was refused: a full one takes a little now and then.
const QUIET_MS: i64 = 60_000;

/// The nonces that were used: in the database, and in the [`Reserve`] while the disk is full.
pub(crate) struct Nonces {
    accounts: Arc<dyn AccountStore>,
    /// One request at a time looks at both and writes to one of them.
    reserve: Option<Mutex<Reserve>>,
    want: BlockingMutex<Want>,
}

/// What the operator was told of the room for nonces. He is told once, however many requests meet it.
#[derive(Default)]
struct Want {
    told: Option<Lack>,
    last_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
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
            want: BlockingMutex::default(),
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
        let mark = Mark::of(key_id, nonce);
        if reserve
            .as_ref()
            .is_some_and(|reserve| reserve.holds(&mark, now_ms))
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
            .map(|reserve| reserve.put(mark, until_ms, now_ms));
        if let Some(Ok(())) = kept {
            self.lacks(Lack::Disk, now_ms);
            return Ok(true);
        }
        self.lacks(Lack::Reserve, now_ms);
        Err(ServiceError::DiskFull(full))
    }

    fn lacks(&self, lack: Lack, now_ms: i64) {
        let mut want = self.want.lock().unwrap_or_else(PoisonError::into_inner);
        want.last_ms = now_ms;
        if want.told >= Some(lack) {
            return;
        }
        want.told = Some(lack);
        match lack {
            Lack::Disk => error!(
                "the disk is full: requests are answered as long as the reserve for their nonces lasts; free some space"
            ),
            Lack::Reserve => error!(
                "the disk is full and no reserve is left: signed requests are refused (503), media are read on; free some space"
            ),
        }
    }

    fn has_room(&self, now_ms: i64) {
        let mut want = self.want.lock().unwrap_or_else(PoisonError::into_inner);
        if want.told.is_some() && now_ms.saturating_sub(want.last_ms) >= QUIET_MS {
            want.told = None;
            info!("the disk has room again");
        }
    }
}
