//! The controlling terminal (POSIX.1 3.111), which a person may give to another job and take back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::screen::Screen;
use crate::term::Keyboard;

/// Screen and keyboard together.
#[derive(Clone)]
pub(crate) struct ControllingTerminal(Arc<Inner>);

struct Inner {
    screen: Screen,
    keyboard: Option<Keyboard>,
    owner: Mutex<Owner>,
}

/// Which job owns the terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// This program.
    Us,
    /// Another job.
    Others,
    /// Nobody until this program is continued.
    Stopped,
    /// This program has ended.
    Nobody,
}

impl ControllingTerminal {
    /// Takes the terminal, unless another job has it. `keyboard` where keys are listened to.
    pub(crate) fn open(screen: &Screen, keyboard: Option<Keyboard>) -> Self {
        let terminal = Self(Arc::new(Inner {
            screen: screen.clone(),
            keyboard,
            owner: Mutex::new(Owner::Others),
        }));
        terminal.0.screen.hide();
        terminal.check_foreground();
        terminal
    }

    pub(crate) fn keyboard(&self) -> Option<&Keyboard> {
        self.0.keyboard.as_ref()
    }

    fn owner(&self) -> MutexGuard<'_, Owner> {
        self.0.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks whether this job is in the foreground (POSIX.1 3.163): a shell moves a running job without a signal.
    pub(crate) fn check_foreground(&self) {
        let mut owner = self.owner();
        let ours = self.keyboard().is_none_or(Keyboard::is_ours);
        match (*owner, ours) {
            (Owner::Others, true) => {
                if let Some(keyboard) = self.keyboard() {
                    keyboard.take();
                }
                *owner = Owner::Us;
                self.0.screen.show();
            }
            (Owner::Us, false) => {
                if let Some(keyboard) = self.keyboard() {
                    keyboard.lose();
                }
                *owner = Owner::Others;
                self.0.screen.hide();
            }
            _ => {}
        }
    }

    /// Gives the terminal back before the program is stopped.
    pub(crate) fn stop(&self) {
        let mut owner = self.owner();
        *owner = Owner::Stopped;
        self.0.screen.hide();
        if let Some(keyboard) = self.keyboard() {
            keyboard.give_back();
        }
    }

    /// The program was continued, in the foreground or not.
    pub(crate) fn resume(&self) {
        let mut owner = self.owner();
        if *owner == Owner::Nobody {
            return;
        }
        // Whatever the modes were, a shell has set its own in between.
        if let Some(keyboard) = self.keyboard() {
            keyboard.lose();
        }
        *owner = Owner::Others;
        self.0.screen.hide();
        drop(owner);
        self.check_foreground();
    }

    /// A failure that is shown need not be read any longer.
    pub(crate) fn dismiss(&self) {
        self.0.screen.dismiss();
    }

    /// The terminal has another size. Gives the pixels that pictures have there, when they go to it.
    pub(crate) fn resized(&self) -> Option<(u32, u32)> {
        if *self.owner() == Owner::Us {
            self.0.screen.redraw();
        }
        self.0.screen.picture_area()
    }

    /// Gives the modes of the terminal back, now and for good. It waits for nobody.
    pub(crate) fn restore(&self) {
        if let Ok(mut owner) = self.0.owner.try_lock() {
            *owner = Owner::Nobody;
        }
        if let Some(keyboard) = self.keyboard() {
            keyboard.give_back();
        }
    }
}
