//! What is decided about playback when something fails. What is decided about a request is `kinora_fetch::recover`'s.

pub(crate) use kinora_fetch::recover::{is_expired, is_gone, may_come_back, parked};
