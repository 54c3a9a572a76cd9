//! The clocks of this machine, as the engine wants to be told them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kinora_media::{Now, Time};

/// Reads the clocks. Its zero is the moment it was made.
#[derive(Clone, Copy)]
pub(crate) struct SystemClock {
    zero: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            zero: Instant::now(),
        }
    }

    pub(crate) fn mono(self) -> Time {
        Time::from(self.zero.elapsed())
    }

    pub(crate) fn now(self) -> Now {
        Now {
            mono: self.mono(),
            unix_ms: unix_ms(),
        }
    }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
