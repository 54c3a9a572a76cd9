//! Playlists: HLS (RFC 8216bis) and DASH (ISO/IEC 23009-1), read, refreshed while live, and what they may name.
//!
//! [`hls::parse`] reads a playlist, [`hls::LiveState`] follows one that grows, [`hls::start_point`] says where to begin,
//! [`dash::Document`] reads an MPD, [`dash::LiveState`] follows one that changes,
//! [`select`] what to play of several renditions, [`policy::may_fetch`] what a playlist may reach.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

pub mod dash;
pub mod data_url;
pub mod hls;
mod iso8601;
pub mod policy;
pub mod select;
pub mod thumbnail;
