//! Readers of the headers that lie inside coded media: parameter sets of H.264 and H.265,
//! frame headers of AAC, MPEG audio, (E-)AC-3, DTS and FLAC, sequence headers of MPEG-2 video.
//!
//! Containers use them to describe tracks and to cut byte streams into access units,
//! decoders to size their queues. None of them decodes anything.

pub mod aac;
pub mod ac3;
mod access_unit;
mod captions;
pub mod dts;
pub mod flac;
pub mod h264;
pub mod h265;
pub mod mpeg4;
pub mod mpeg_audio;
pub mod mpeg_video;
mod nal;
mod sample;
mod user_data;
mod vui;

pub use access_unit::{NalFraming, display_hints, is_without_picture, units_to_slice};
pub use captions::captions;
pub use nal::{NalUnits, find_start_code, nal_units};
pub use sample::{is_unreferenced, sample_units};
pub use user_data::{UserData, user_data};

use crate::OutOfBits;

/// Why a header inside coded media could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadHeader {
    /// The data ended within it. With more data it may become readable.
    #[error("the data ends within the header")]
    Truncated,
    /// It holds a value that the standard does not allow; the text names the field.
    #[error("the header's {0} is not allowed")]
    Invalid(&'static str),
}

impl From<OutOfBits> for BadHeader {
    fn from(_: OutOfBits) -> Self {
        Self::Truncated
    }
}

/// Refuses a value above the limit that its clause sets.
fn at_most(value: u32, limit: u32, field: &'static str) -> Result<u32, BadHeader> {
    if value > limit {
        return Err(BadHeader::Invalid(field));
    }
    Ok(value)
}

/// The low byte of a value that was read from at most eight bits.
fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

/// Pixel aspect ratios by `aspect_ratio_idc` (ITU-T H.264 table E-1, H.265 table E.1).
const PIXEL_ASPECTS: [(u32, u32); 17] = [
    (0, 0),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];
