//! What is decided about playback when something fails. What is decided about a request is `kinora_fetch::recover`'s.

mod service;

pub(crate) use kinora_fetch::recover::{is_gone, may_come_back, parked};
pub(crate) use service::{CallRecovery, SigningClock, call_failed, call_refused, is_expired};
