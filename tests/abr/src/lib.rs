//! Rules of adaptation, compared: networks that are drawn from seeds, sessions in the engine's simulator, their scores.

mod network;
mod session;

pub use network::{Network, NetworkKind};
pub use session::{BITRATES, RuleKind, SEGMENT_SECONDS, Score, play};
