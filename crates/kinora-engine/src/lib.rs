//! The player as a sans-IO state machine: commands, bytes, frame notices and the time go in;
//! fetches, packets to decode, frames to present and events come out. [`PacketReader`] gives packets without playing.
//!
//! The engine never sees a socket, a thread, a clock or a pixel.
#![forbid(unsafe_code)]

mod abr;
mod clock;
mod config;
mod cx;
mod decode_yield;
mod engine;
mod ingest;
mod io;
mod line;
mod names;
mod present;
mod queue;
mod reader;
mod recover;
mod refusal;
mod resolve;
mod select;
mod session;
#[cfg(any(test, feature = "sim"))]
#[allow(clippy::panic)] // A broken promise of the engine ends the simulation.
pub mod sim;
mod stats;
mod tape;
mod transfer;

pub use config::PlayerConfig;
pub use engine::{Engine, Outputs};
pub use io::{
    AudioClock, Command, Credential, Epoch, Event, FrameId, InfoCode, Input, Locator, LoopMode,
    Output, SeekAccuracy, Slot, State, TimingMark, TrackChoice, TrackOption,
};
pub use kinora_fetch::{FetchEvent, FetchRequest, Initiator, Purpose};
pub use line::same_decoder;
pub use queue::is_shown_by;
pub use reader::{PacketReader, Read, RenditionChoice};
pub use refusal::{CommandKind, Refusal, SPEEDS, VOLUMES};
pub use resolve::entry_to_play;
pub use stats::Stats;
pub use tape::{Replay, ReplayError, TapeSink, replay};
