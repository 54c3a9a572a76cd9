//! The keyboard of the terminal: its modes, who has it, and the keys that are pressed.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp,
    tcsetattr,
};

use super::keys::{Key, Keys};
use crate::membership::Membership;

/// How long bytes that follow an escape may take.
const REST_OF_A_KEY: i64 = 50;
/// How often it is looked whether another job has the terminal.
const LOOK: i64 = 300;

/// What came of waiting for keys.
pub(crate) enum Pressed {
    Keys(Vec<Key>),
    /// Nothing; the terminal may be another job's, or be ours again.
    Nothing,
    /// The terminal is gone.
    HungUp,
    /// Somebody called [`Keyboard::wake`].
    Woken,
}

/// The terminal that a person types at.
pub(crate) struct Keyboard {
    terminal: File,
    /// The modes as they were; `true` while they are ours.
    modes: Mutex<(Termios, bool)>,
    keys: Mutex<Keys>,
    woken: (PipeReader, PipeWriter),
}

impl Keyboard {
    /// The terminal on standard input, or else the one of the session; `None` where nobody types.
    pub(crate) fn open() -> Option<Self> {
        let stdin = io::stdin();
        let terminal = match stdin.is_terminal() {
            true => File::from(stdin.as_fd().try_clone_to_owned().ok()?),
            false => OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/tty")
                .ok()?,
        };
        Some(Self {
            modes: Mutex::new((tcgetattr(&terminal).ok()?, false)),
            keys: Mutex::default(),
            woken: io::pipe().ok()?,
            terminal,
        })
    }

    /// Whether this job may read it and change it: another one that does is stopped by the system. A terminal that is
    /// not the session's is nobody's.
    pub(crate) fn is_ours(&self) -> bool {
        let (Ok(foreground), Some(ours)) = (tcgetpgrp(&self.terminal), Membership::read("self"))
        else {
            return true;
        };
        foreground.as_raw_nonzero().get().unsigned_abs() == ours.group
    }

    fn modes(&self) -> MutexGuard<'_, (Termios, bool)> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key counts when it is pressed, and is not shown. Ctrl-C and Ctrl-Z stay signals; output stays as it is.
    pub(crate) fn take(&self) {
        let mut modes = self.modes();
        let mut ours = modes.0.clone();
        ours.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        // Ctrl-S would hold the program up.
        ours.input_modes.remove(InputModes::IXON);
        ours.special_codes[SpecialCodeIndex::VMIN] = 1;
        ours.special_codes[SpecialCodeIndex::VTIME] = 0;
        if self.is_ours() {
            modes.1 = tcsetattr(&self.terminal, OptionalActions::Now, &ours).is_ok();
        }
    }

    /// Gives the terminal back as it was.
    pub(crate) fn give_back(&self) {
        let mut modes = self.modes();
        if std::mem::take(&mut modes.1) && self.is_ours() {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &modes.0);
        }
    }

    /// The modes are another job's by now: the shell has set its own.
    pub(crate) fn lose(&self) {
        self.modes().1 = false;
    }

    /// Ends a wait.
    pub(crate) fn wake(&self) {
        let _ = (&self.woken.1).write_all(&[0]);
    }

    /// Waits for keys, for a while.
    pub(crate) fn wait(&self) -> Pressed {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = match keys.is_waiting() {
            true => REST_OF_A_KEY,
            false => LOOK,
        };
        // Another job's terminal is not read: the system would stop this one.
        let ours = self.is_ours();
        match ready(
            self.woken.0.as_fd(),
            ours.then(|| self.terminal.as_fd()),
            limit,
        ) {
            (true, _) => Pressed::Woken,
            // It may have been stopped and gone on as another job meanwhile.
            (_, true) if self.is_ours() => self.read(&mut keys),
            _ => match keys.settle() {
                Some(key) => Pressed::Keys(vec![key]),
                None => Pressed::Nothing,
            },
        }
    }

    fn read(&self, keys: &mut Keys) -> Pressed {
        let mut bytes = [0; 64];
        match (&self.terminal).read(&mut bytes) {
            Ok(0) => Pressed::HungUp,
            Ok(count) => Pressed::Keys(keys.feed(&bytes[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Pressed::Nothing,
            // It became another job's in between.
            Err(_) if !self.is_ours() => Pressed::Nothing,
            Err(_) => Pressed::HungUp,
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Which of the two has something to be read.
fn ready(first: BorrowedFd<'_>, second: Option<BorrowedFd<'_>>, limit_ms: i64) -> (bool, bool) {
    let limit = Timespec {
        tv_sec: limit_ms / 1_000,
        tv_nsec: limit_ms % 1_000 * 1_000_000,
    };
    let mut waiting: Vec<_> = [Some(first), second]
        .into_iter()
        .flatten()
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    if poll(&mut waiting, Some(&limit)).is_err() {
        return (false, false);
    }
    let has = |at: usize| waiting.get(at).is_some_and(|fd| !fd.revents().is_empty());
    (has(0), has(1))
}
