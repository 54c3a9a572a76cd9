//! Real faults: a proxy, a name server and a service that fail on command, and the registry of which fault raises which
//! number of the error table.
//!
//! Nothing here builds a fault: each is done to a socket, a file, a record or a clock, and seen through the SDK.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken test stage has nobody to report to"
)]

pub mod canary;
pub mod clips;
pub mod dns;
pub mod evidence;
pub mod files;
pub mod proxy;
pub mod registry;
pub mod stage;
pub mod tls;
pub mod watch;

use std::time::Duration;

/// Longer than anything honest takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
