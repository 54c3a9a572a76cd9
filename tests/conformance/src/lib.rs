//! Holds demuxers and playlists to what outside witnesses say of the files of a corpus.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod formats;
pub mod judge;
pub mod playlists;
pub mod read;
pub mod report;
