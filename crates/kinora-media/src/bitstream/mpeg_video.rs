//! MPEG-1 and MPEG-2 video: sequence and picture headers (ISO/IEC 13818-2 6.2.2, 6.2.3).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{BadHeader, find_start_code, low_byte};
use crate::BitReader;

/// The byte after a start code (ISO/IEC 13818-2 table 6-1).
pub mod start_code {
    /// A picture's header.
    pub const PICTURE: u8 = 0x00;
    /// A sequence's header.
    pub const SEQUENCE: u8 = 0xb3;
    /// An extension.
    pub const EXTENSION: u8 = 0xb5;
    /// A group of pictures' header.
    pub const GROUP: u8 = 0xb8;
}

const FRAME_RATES: [(u32, u32); 8] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
];

/// What a sequence header and its extension tell.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SequenceHeader {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel aspect ratio, where it is present.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// A sequence extension follows: MPEG-2 rather than MPEG-1.
    pub mpeg2: bool,
}

impl SequenceHeader {
    /// Reads from the byte after the start code `00 00 01 b3` on; the extension is looked for
    /// in what follows.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or contradicts the standard.
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let mut bits = BitReader::new(data);
        let mut width = bits.read(12)?;
        let mut height = bits.read(12)?;
        let aspect = bits.read(4)?;
        let rate = bits.read(4)?;
        let mut mpeg2 = false;
        if let Some(extension) = sequence_extension(data) {
            let mut bits = BitReader::new(extension);
            bits.skip(4 + 8 + 1 + 2)?; // identifier, profile and level, progressive, chroma
            width |= bits.read(2)? << 12;
            height |= bits.read(2)? << 12;
            mpeg2 = true;
        }
        if width == 0 || height == 0 {
            return Err(BadHeader::Invalid("picture size"));
        }
        let frame_rate = usize::try_from(rate)
            .ok()
            .and_then(|rate| FRAME_RATES.get(rate.checked_sub(1)?))
            .map(|(num, den)| f64::from(*num) / f64::from(*den));
        Ok(Self {
            width,
            height,
            pixel_aspect: pixel_aspect(aspect, width, height, mpeg2),
            frame_rate,
            mpeg2,
        })
    }
}

/// The body of a sequence extension among the headers that follow.
fn sequence_extension(data: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    loop {
        let at = find_start_code(data, from)?.saturating_add(3);
        let body = data.get(at.saturating_add(1)..)?;
        match data.get(at)? {
            &start_code::EXTENSION if body.first()? >> 4 == 1 => return Some(body),
            &start_code::PICTURE | &start_code::GROUP => return None,
            _ => from = at,
        }
    }
}

/// MPEG-2 tells the aspect of the whole picture (ISO/IEC 13818-2 table 6-3).
fn pixel_aspect(code: u32, width: u32, height: u32, mpeg2: bool) -> Option<(u32, u32)> {
    let (x, y) = match code {
        1 => return Some((1, 1)),
        2 => (4u32, 3u32),
        3 => (16, 9),
        4 => (221, 100),
        _ => return None,
    };
    if !mpeg2 {
        return None;
    }
    let (num, den) = (x.saturating_mul(height), y.saturating_mul(width));
    let divisor = gcd(num, den);
    Some((num.checked_div(divisor)?, den.checked_div(divisor)?))
}

fn gcd(mut a: u32, mut b: u32) -> u32 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

/// `picture_coding_type` of a picture header, from the byte after its start code on:
/// 1 I, 2 P, 3 B.
///
/// # Errors
/// [`BadHeader::Truncated`] when it is cut short.
pub fn picture_type(data: &[u8]) -> Result<u8, BadHeader> {
    let mut bits = BitReader::new(data);
    bits.skip(10)?; // temporal_reference
    Ok(low_byte(bits.read(3)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_header_gives_size_shape_and_rate() {
        // 720x576, 16:9, 25 frames, followed by an extension without further size bits.
        let data = [
            0x2d, 0x02, 0x40, 0x33, 0xff, 0xff, 0xe0, 0x18, 0, 0, 1, 0xb5, 0x14, 0x8a, 0x00, 0x01,
        ];
        let sequence = SequenceHeader::parse(&data).unwrap();
        assert_eq!((sequence.width, sequence.height), (720, 576));
        assert_eq!(sequence.pixel_aspect, Some((64, 45)));
        assert_eq!(sequence.frame_rate, Some(25.0));
        assert!(sequence.mpeg2);
        assert!(!SequenceHeader::parse(&data[..8]).unwrap().mpeg2);
        assert_eq!(SequenceHeader::parse(&data[..3]), Err(BadHeader::Truncated));
    }

    #[test]
    fn a_picture_header_gives_its_type() {
        assert_eq!(picture_type(&[0x00, 0x0f]), Ok(1));
        assert_eq!(picture_type(&[0x00, 0x57]), Ok(2));
        assert_eq!(picture_type(&[0x00]), Err(BadHeader::Truncated));
    }
}
