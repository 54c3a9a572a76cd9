//! What ends playing from outside: a signal, the terminal's end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kinora::Player;
use tokio::signal::unix::SignalKind;

use super::controlling_terminal::ControllingTerminal;
use super::navigation::{Navigation, PendingNavigation};
use crate::report::{Failure, signal_status};

/// So long an end in order may take: an output may wait for a reader or a disk for ever.
const MAX_LEN: Duration = Duration::from_secs(5);

/// Ends playing in order, so that files are whole and the terminal is as it was, and knows why it did.
#[derive(Clone)]
pub(crate) struct Shutdown {
    player: Arc<Player>,
    terminal: ControllingTerminal,
    navigation: PendingNavigation,
    by: Arc<OnceLock<SignalKind>>,
}

impl Shutdown {
    pub(crate) fn new(
        player: &Arc<Player>,
        terminal: &ControllingTerminal,
        navigation: &PendingNavigation,
    ) -> Self {
        Self {
            player: Arc::clone(player),
            terminal: terminal.clone(),
            navigation: navigation.clone(),
            by: Arc::default(),
        }
    }

    /// Ends playing as this signal does. Who asks twice will not wait.
    pub(crate) fn end(&self, signal: SignalKind) {
        // The first one is the reason.
        if self.by.set(signal).is_err() {
            self.end_now();
        }
        self.navigation.request(Navigation::Quit);
        self.player.stop();
        self.terminal.dismiss();
        let shutdown = self.clone();
        // Without a thread there is no limit, but still an end.
        let _ = std::thread::Builder::new()
            .name("kinora-shutdown".into())
            .spawn(move || {
                std::thread::sleep(MAX_LEN);
                shutdown.end_now();
            });
    }

    fn end_now(&self) -> ! {
        self.terminal.restore();
        let by = self.by.get().copied().unwrap_or(SignalKind::terminate());
        std::process::exit(i32::from(signal_status(by)))
    }

    /// Fails with the signal that ended playing, if one did.
    pub(crate) fn result(&self) -> Result<(), Failure> {
        self.by
            .get()
            .map_or(Ok(()), |signal| Err(Failure::Signal(*signal)))
    }
}
