//! What is decided about playback when something fails: about decoders and outputs in [`playback`], about calls of the video
//! service in [`service`]. What is decided about a request is `kinora_fetch::recover`'s.

mod playback;
pub(crate) mod segments;
mod service;

pub(crate) use kinora_fetch::recover::{is_gone, may_come_back, parked};
pub use playback::{DecoderFailures, DecoderRecovery};
pub(crate) use playback::{PlaybackRecovery, decode_failed, output_failed};
pub(crate) use service::{CallRecovery, SigningClock, call_failed, call_refused, is_expired};
