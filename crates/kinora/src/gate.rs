//! Whether a player has enough to play on, so that others may use the network.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kinora_engine::{Engine, State};
use kinora_media::Time;

/// A player that has so much ahead needs the network to itself no more.
const ENOUGH: Time = Time::from_millis(5_000);

/// Told by the player's thread after each step; calls those who wait for a change.
pub(crate) struct BufferGate(Mutex<Gate>);

struct Gate {
    has_enough: bool,
    watchers: Vec<Watcher>,
}

/// Called with what is so now; `false`: it wants to hear no more.
type Watcher = Box<dyn Fn(bool) -> bool + Send>;

/// Who plays nothing has enough.
impl Default for BufferGate {
    fn default() -> Self {
        Self(Mutex::new(Gate {
            has_enough: true,
            watchers: Vec::new(),
        }))
    }
}

impl BufferGate {
    /// Tells a watcher now, and at each change.
    pub(crate) fn watch(&self, watcher: impl Fn(bool) -> bool + Send + 'static) {
        let mut gate = self.lock();
        if watcher(gate.has_enough) {
            gate.watchers.push(Box::new(watcher));
        }
    }

    pub(crate) fn update(&self, engine: &Engine, now: kinora_media::Now) {
        let buffered = engine.buffered_position();
        let is_all = engine.duration().is_some_and(|end| buffered >= end);
        self.set(match engine.state() {
            State::Idle | State::Stopped | State::Completion | State::Error => true,
            State::Initialized => false,
            State::Prepared | State::Started | State::Paused => {
                is_all || buffered - engine.position(now) >= ENOUGH
            }
        });
    }

    /// The player is no more.
    pub(crate) fn open(&self) {
        self.set(true);
    }

    fn set(&self, has_enough: bool) {
        let mut gate = self.lock();
        if gate.has_enough != has_enough {
            gate.has_enough = has_enough;
            gate.watchers.retain(|watcher| watcher(has_enough));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BufferGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BufferGate")
            .field(&self.lock().has_enough)
            .finish()
    }
}
