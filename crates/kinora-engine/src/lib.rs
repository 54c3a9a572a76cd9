//! The player as a sans-IO state machine: commands, bytes, frame notices and the time go in;
//! fetches, packets to decode, frames to present and events come out.
//!
//! The engine never sees a socket, a thread, a clock or a pixel.
#![forbid(unsafe_code)]

mod config;
mod io;

pub use config::PlayerConfig;
pub use io::{
    AudioClock, Command, Credential, Epoch, Event, Fetch, FrameId, InfoCode, Initiator, Input,
    LoopMode, Output, Purpose, SeekAccuracy, Slot, Source, State, TimingMark, TrackChoice,
    TrackOption,
};
