//! Adaptive bitrate: which rendition the next segment is taken of.
//!
//! A [`Rule`] decides, from what the network carried so far and from what is buffered. [`Predictive`] is the engine's own;
//! an embedder may bring another ([`Engine::with_abr_rule`](crate::Engine::with_abr_rule)). `docs/abr.md` compares it with
//! those of other players.

mod estimator;
mod predictive;
mod window;

use std::fmt;

use kinora_media::Time;

pub use estimator::Estimator;
#[cfg(any(test, feature = "sim"))]
pub(crate) use estimator::MovingAverage;
pub use predictive::Predictive;
pub(crate) use window::ThroughputWindow;

/// A segment that came, or as much of it as came until it was abandoned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Download {
    /// Bytes that came.
    pub bytes: u64,
    /// From the request to the response's first byte; `None` where the server waited for what was to be sent.
    pub latency: Option<Time>,
    /// From then to the last byte; pauses in which nothing could come for want of room are not part of it.
    pub transfer: Time,
}

/// What a rule decides by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Situation<'a> {
    /// The renditions that may be chosen, by rising bitrate in bits a second; never empty.
    pub bitrates: &'a [u64],
    /// Place in `bitrates` of the rendition of the segment before.
    pub current: usize,
    /// What is buffered ahead of the position.
    pub buffered: Time,
    /// The most that is buffered.
    pub max_buffer: Time,
    /// How long the next segment lasts.
    pub segment: Time,
}

/// Chooses renditions. It sees no clock: the same calls give the same choices, so that a recorded session replays.
pub trait Rule: fmt::Debug + Send {
    /// A segment came.
    fn downloaded(&mut self, download: &Download);

    /// The place in `bitrates` of the rendition for the next segment.
    fn choose(&mut self, situation: &Situation<'_>) -> usize;

    /// What the network is expected to carry, in bits a second; `None` before anything was seen.
    fn bandwidth(&self) -> Option<u64>;
}

#[cfg(test)]
mod tests;
