//! Kinora, an open video player SDK: one engine that plays files, VOD, live and encrypted video, and
//! tells every failure by one stable number with its place, cause and remedy.
//!
//! [`Player`] plays; [`MediaReader`] and [`VideoReader`] read packets and pictures without playing.
//!
//! ```no_run
//! use std::time::Duration;
//! use kinora::{Event, Player};
//!
//! # fn main() -> Result<(), kinora::Fault> {
//! let player = Player::builder().autoplay(true).build()?;
//! player.open("film.mp4");
//! while let Some(event) = player.next_event(Duration::from_secs(30)) {
//!     match event {
//!         Event::Error(fault) => return Err(fault),
//!         Event::Completion => break,
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod audio;
mod backends;
mod clock;
mod cloud;
mod decode;
mod decoder;
mod driver;
mod events;
mod player;
mod reader;
mod render;

pub use backends::{DecoderChoice, decoder_for};
pub use cloud::{play_auth, play_info};
pub use kinora_cloud::{
    Credentials, Definition, PlayInfo, PlayOptions, Quality, VidAuth, VidSource, VidSts,
};
pub use kinora_container::PacketDump;
pub use kinora_engine::{
    Command, Credential, Event, InfoCode, LoopMode, PlayerConfig, Replay, ReplayError,
    SeekAccuracy, Source, State, Stats, TapeSink, TimingMark, TrackChoice, TrackOption, replay,
};
pub use kinora_errors::{Code, Coded, Fault, Secret, codes};
pub use kinora_media::{
    Header, MediaInfo, Packet, Time, TrackId, TrackInfo, TrackKind, VideoFrame,
};
pub use kinora_net::{IpFamily, NetConfig, Phase, PhaseWatch, Resolve, Resolving, Waiting};
/// Where pictures and sound go.
pub use kinora_output as output;
pub use player::{OutputStats, Player, PlayerBuilder};
pub use reader::{MediaReader, VideoReader};

/// The example of the project's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
