//! What ends playing from outside: a signal, or the key that stands for one.

use std::sync::{Arc, OnceLock};

use kinora::Player;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;

use crate::report::Failure;
use crate::signals;

/// Ends playing in order, so that files are whole and the terminal is as it was, and knows why it did.
#[derive(Clone)]
pub(crate) struct Ending {
    player: Arc<Player>,
    by: Arc<OnceLock<SignalKind>>,
}

impl Ending {
    pub(crate) fn new(player: &Arc<Player>) -> Self {
        Self {
            player: Arc::clone(player),
            by: Arc::default(),
        }
    }

    /// Ends playing as this signal does.
    pub(crate) fn end(&self, signal: SignalKind) {
        // The first one is the reason.
        let _ = self.by.set(signal);
        self.player.stop();
    }

    /// Waits for signals while the runtime is held.
    pub(crate) fn on_signals(&self) -> Result<Runtime, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()
            .map_err(|error| Failure::io("signals", &error))?;
        let inside = runtime.enter();
        let signal = signals::first_of(&[
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ])?;
        drop(inside);
        let ending = self.clone();
        runtime.spawn(async move { ending.end(signal.await) });
        Ok(runtime)
    }

    /// Fails with the signal that ended playing, if one did.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        self.by
            .get()
            .map_or(Ok(()), |signal| Err(Failure::Signal(*signal)))
    }
}
