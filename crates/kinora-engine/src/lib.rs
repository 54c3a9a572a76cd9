//! The player as a sans-IO state machine: commands, bytes, frame notices and the time go in;
//! fetches, packets to decode, frames to present and events come out. [`PacketReader`] gives packets without playing.
//!
//! The engine never sees a socket, a thread, a clock or a pixel.
#![forbid(unsafe_code)]

pub mod abr;
mod capabilities;
mod clock;
mod config;
mod cx;
mod decode_yield;
mod decrypt;
mod engine;
mod ingest;
mod interstitials;
mod io;
mod metadata;
mod names;
mod pipeline;
mod pipelines;
mod preroll;
mod present;
mod programme;
mod queue;
mod reader;
mod recover;
mod refusal;
mod resolve;
mod role;
mod sei;
mod select;
mod session;
#[cfg(any(test, feature = "sim"))]
#[allow(clippy::panic)] // A broken promise of the engine ends the simulation.
pub mod sim;
mod stats;
mod subtitles;
mod tape;
mod timed_events;

pub use capabilities::Capabilities;
pub use config::PlayerConfig;
pub use engine::{Engine, Outputs};
pub use ingest::{base_of, named_within};
pub use io::{
    AudioClock, Command, Credential, CueId, Epoch, Event, FIRST_CAPTIONS, FIRST_EXTERNAL_SUBTITLE,
    FrameId, InfoCode, Input, Locator, LoopMode, Output, Repeat, SeekAccuracy, State, TimingMark,
    TrackChoice, TrackOption,
};
pub use kinora_fetch::{FetchEvent, FetchRequest, Initiator, Purpose};
pub use kinora_protect::{ContentKey, KeySystem, clear_key};
pub use kinora_subtitle::Cue;
pub use metadata::{
    Asset, DateRange, Interstitial, InterstitialAsset, InterstitialCue, InterstitialEnd,
    InterstitialStatus, Resumption, SessionData,
};
pub use pipeline::{AUDIO_RUN_UP, same_decoder};
pub use preroll::Preroll;
pub use queue::is_shown_by;
pub use reader::{PacketReader, Read, RenditionChoice};
pub use recover::{DecoderFailures, DecoderRecovery};
pub use refusal::{CommandKind, MAX_AUDIO_DELAY, Refusal, SCAN_SPEEDS, SPEEDS, VOLUMES};
pub use resolve::entry_to_play;
pub use role::{ByRole, Role};
pub use stats::Stats;
pub use tape::{Replay, ReplayError, TapeSink, replay};
