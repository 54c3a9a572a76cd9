//! MP4, QuickTime and fragmented MP4 (ISO/IEC 14496-12, 14496-14, 14496-15).
//!
//! The index of a file may lie before or behind the samples; samples may come in fragments, and
//! an init segment with the media segments that follow it is read as one resource: times of
//! `tfdt` stay absolute. Sample tables are never unfolded: they are walked where they lie.
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
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::panic
    )
)]

mod audio_entry;
mod boxes;
mod config;
mod demux;
mod edits;
mod entry;
mod fragment;
mod index;
mod meta;
mod moov;
mod protection;
mod sample_crypto;
mod store;
mod tables;
mod track;

pub use demux::Mp4Demuxer;

#[cfg(test)]
mod tests;
