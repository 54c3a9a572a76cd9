//! Until when something is waited for.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A moment, or never: a limit that goes beyond what the clock can tell is none.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    /// Time left, zero when it is over; `None`: without end.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0
            .map(|until| until.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// The moment when half of what is left is over.
    pub(crate) fn halfway(self) -> Self {
        self.left().map_or(self, |left| Self::after(left / 2))
    }

    /// Waits for a message.
    pub(crate) fn receive<T>(self, from: &Receiver<T>) -> Result<T, RecvTimeoutError> {
        match self.left() {
            Some(left) => from.recv_timeout(left),
            None => from.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }
}
