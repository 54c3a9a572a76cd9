//! Containers: push-fed demuxers, and the muxers that we need.
//!
//! A demuxer is fed bytes as they arrive and gives packets back; it never reads on its own.
//! One that needs other bytes first (an index at the end of a file, a seek) says so.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

pub mod ac3;
pub mod adts;
pub mod aiff;
pub mod amr;
mod audio_file;
mod bisection;
pub mod caf;
mod chunked;
mod codec_config;
mod codec_tags;
mod comments;
mod container;
#[cfg(any(test, feature = "contract"))]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "for tests: what goes wrong may panic"
)]
pub mod contract;
mod demuxer;
pub mod dts;
mod dump;
mod event_message;
pub mod flac;
pub mod flv;
mod foreign;
mod framing;
pub mod loas;
pub mod mkv;
pub mod mp3;
pub mod mp4;
pub mod ogg;
mod probe;
mod registry;
pub mod sniff;
mod tags;
#[cfg(test)]
mod test_files;
mod text;
pub mod ts;
pub mod w64;
pub mod wav;
mod wave_format;
mod window;

pub use demuxer::{ClockKind, DemuxError, Demuxer, SeekMode, SeekTo, Step};
pub use dump::PacketDump;
pub use event_message::{EventMessage, EventStart};
pub use foreign::{Demuxers, ForeignDemuxers};
pub use probe::ProbingDemuxer;
pub use registry::ContainerKind;
pub use sniff::Sniff;
