//! The terminal of a person, who may give it to another job and take it back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::screen::Screen;
use crate::term::Keyboard;

/// Screen and keyboard together.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    screen: Screen,
    keyboard: Option<Keyboard>,
    holder: Mutex<Holder>,
}

/// Who has the terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// This program.
    We,
    /// Another job.
    Others,
    /// Nobody until this program is continued.
    Stopped,
    /// This program has ended.
    Nobody,
}

impl Desk {
    /// Takes the terminal, unless another job has it. `keyboard` where keys are listened to.
    pub(crate) fn open(screen: &Screen, keyboard: Option<Keyboard>) -> Self {
        let desk = Self(Arc::new(Inner {
            screen: screen.clone(),
            keyboard,
            holder: Mutex::new(Holder::Others),
        }));
        desk.0.screen.hide();
        desk.look();
        desk
    }

    pub(crate) fn keyboard(&self) -> Option<&Keyboard> {
        self.0.keyboard.as_ref()
    }

    fn holder(&self) -> MutexGuard<'_, Holder> {
        self.0.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks who has the terminal now: a shell moves jobs without a word to one that runs.
    pub(crate) fn look(&self) {
        let mut holder = self.holder();
        let ours = self.keyboard().is_none_or(Keyboard::is_ours);
        match (*holder, ours) {
            (Holder::Others, true) => {
                if let Some(keyboard) = self.keyboard() {
                    keyboard.take();
                }
                *holder = Holder::We;
                self.0.screen.show();
            }
            (Holder::We, false) => {
                if let Some(keyboard) = self.keyboard() {
                    keyboard.lose();
                }
                *holder = Holder::Others;
                self.0.screen.hide();
            }
            _ => {}
        }
    }

    /// Gives the terminal back before the program is stopped.
    pub(crate) fn stop(&self) {
        let mut holder = self.holder();
        *holder = Holder::Stopped;
        self.0.screen.hide();
        if let Some(keyboard) = self.keyboard() {
            keyboard.give_back();
        }
    }

    /// The program was continued, in the foreground or not.
    pub(crate) fn go_on(&self) {
        let mut holder = self.holder();
        if *holder == Holder::Nobody {
            return;
        }
        // Whatever the modes were, a shell has set its own in between.
        if let Some(keyboard) = self.keyboard() {
            keyboard.lose();
        }
        *holder = Holder::Others;
        self.0.screen.hide();
        drop(holder);
        self.look();
    }

    /// The terminal has another size.
    pub(crate) fn resized(&self) {
        if *self.holder() == Holder::We {
            self.0.screen.redraw();
        }
    }

    /// Gives the modes of the terminal back, now and for good. It waits for nobody.
    pub(crate) fn give_back(&self) {
        if let Ok(mut holder) = self.0.holder.try_lock() {
            *holder = Holder::Nobody;
        }
        if let Some(keyboard) = self.keyboard() {
            keyboard.give_back();
        }
    }
}
