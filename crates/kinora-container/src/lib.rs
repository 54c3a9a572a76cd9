//! Containers: push-fed demuxers, and the muxers that we need.
//!
//! A demuxer is fed bytes as they arrive and gives packets back; it never reads on its own.
//! One that needs other bytes first (an index at the end of a file, a seek) says so.
#![forbid(unsafe_code)]

pub mod adts;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod demuxer;
mod dump;
mod framing;
pub mod mp3;
pub mod mp4;
pub mod registry;
pub mod ts;
mod window;

pub use demuxer::{DemuxError, Demuxer, SeekMode, SeekTo, Step};
pub use dump::PacketDump;
pub use registry::{ContainerKind, ProbingDemuxer, Sniff};
