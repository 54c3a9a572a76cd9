//! MPEG-4 part 2: video object layers and planes (ISO/IEC 14496-2 6.2.3, 6.2.5).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{BadHeader, low_byte};
use crate::BitReader;

/// The byte after a start code (ISO/IEC 14496-2 table 6-3).
pub mod start_code {
    /// The first of the headers of video object layers.
    pub const FIRST_LAYER: u8 = 0x20;
    /// The last of the headers of video object layers.
    pub const LAST_LAYER: u8 = 0x2f;
    /// The end of a sequence.
    pub const SEQUENCE_END: u8 = 0xb1;
    /// A video object plane: a picture.
    pub const PLANE: u8 = 0xb6;
    /// A slice of a studio profile's picture.
    pub const SLICE: u8 = 0xb7;
}

/// `aspect_ratio_info` from 1 on (table 6-12).
const PIXEL_ASPECTS: [(u32, u32); 5] = [(1, 1), (12, 11), (10, 11), (16, 11), (40, 33)];
/// The ratio follows in its own fields.
const EXTENDED_ASPECT: u32 = 15;
/// Bits of `vbv_parameters` (6.2.3).
const VBV_BITS: usize = 79;

/// What the header of a video object layer tells.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LayerHeader {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel aspect ratio, where it is present.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Pictures a second, where they come at a fixed rate.
    pub frame_rate: Option<f64>,
}

impl LayerHeader {
    /// Reads from the byte after the start code on.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short, contradicts the standard or is not of rectangular shape.
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let mut bits = BitReader::new(data);
        bits.skip(1 + 8)?; // random_accessible_vol, video_object_type_indication
        if bits.bit()? {
            bits.skip(4 + 3)?; // video_object_layer_verid, video_object_layer_priority
        }
        let pixel_aspect = read_pixel_aspect(&mut bits)?;
        if bits.bit()? {
            bits.skip(2 + 1)?; // chroma_format, low_delay
            if bits.bit()? {
                bits.skip(VBV_BITS)?;
            }
        }
        if bits.read(2)? != 0 {
            return Err(BadHeader::Invalid("video_object_layer_shape"));
        }
        bits.skip(1)?; // marker_bit
        let resolution = bits.read(16)?;
        bits.skip(1)?;
        let frame_rate = read_fixed_rate(&mut bits, resolution)?;
        bits.skip(1)?;
        let width = bits.read(13)?;
        bits.skip(1)?;
        let height = bits.read(13)?;
        if width == 0 || height == 0 {
            return Err(BadHeader::Invalid("video_object_layer_width"));
        }
        Ok(Self {
            width,
            height,
            pixel_aspect,
            frame_rate,
        })
    }
}

fn read_pixel_aspect(bits: &mut BitReader<'_>) -> Result<Option<(u32, u32)>, BadHeader> {
    let aspect = match bits.read(4)? {
        EXTENDED_ASPECT => Some((bits.read(8)?, bits.read(8)?)),
        code => code
            .checked_sub(1)
            .and_then(|index| PIXEL_ASPECTS.get(usize::try_from(index).ok()?).copied()),
    };
    Ok(aspect.filter(|(width, height)| *width > 0 && *height > 0))
}

/// `fixed_vop_time_increment` takes as many bits as count to the resolution (6.3.3).
fn read_fixed_rate(bits: &mut BitReader<'_>, resolution: u32) -> Result<Option<f64>, BadHeader> {
    if !bits.bit()? {
        return Ok(None);
    }
    let greatest = resolution.saturating_sub(1).max(1);
    let increment = bits.read(u32::BITS.saturating_sub(greatest.leading_zeros()))?;
    Ok((increment > 0).then(|| f64::from(resolution) / f64::from(increment)))
}

/// `vop_coding_type` of a plane, from the byte after its start code on: 0 I, 1 P, 2 B, 3 S.
///
/// # Errors
/// [`BadHeader::Truncated`] when it is cut short.
pub fn plane_type(data: &[u8]) -> Result<u8, BadHeader> {
    Ok(low_byte(BitReader::new(data).read(2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_object_layer_gives_size_and_shape() {
        let plain = [
            0x08, 0xd4, 0x8d, 0x08, 0x00, 0xcd, 0x05, 0x04, 0x0c, 0x14, 0x10, 0x3f,
        ];
        let layer = LayerHeader::parse(&plain).unwrap();
        assert_eq!((layer.width, layer.height), (160, 96));
        assert_eq!((layer.pixel_aspect, layer.frame_rate), (Some((1, 1)), None));
        let wide = [
            0x00, 0xc4, 0xa5, 0x88, 0x00, 0xcd, 0x05, 0x84, 0x12, 0x14, 0x43,
        ];
        let layer = LayerHeader::parse(&wide).unwrap();
        assert_eq!((layer.width, layer.height), (176, 144));
        assert_eq!(layer.pixel_aspect, Some((16, 11)));
        for length in 0..9 {
            assert_eq!(
                LayerHeader::parse(&plain[..length]),
                Err(BadHeader::Truncated)
            );
        }
    }

    #[test]
    fn a_fixed_rate_is_read_and_other_shapes_are_refused() {
        let layer = |shape: u32, tail: &str| {
            let bits = format!("000000001000010{shape:02b}1{:016b}1{tail}", 25);
            let bits = format!("{bits:0<80}");
            let bytes = bits.as_bytes().chunks(8);
            bytes
                .map(|byte| u8::from_str_radix(core::str::from_utf8(byte).unwrap(), 2).unwrap())
                .collect::<Vec<u8>>()
        };
        // fixed_vop_time_increment 1 in five bits, then 16x8.
        let fixed = layer(0, &format!("1000011{:013b}1{:013b}1", 16, 8));
        let fixed = LayerHeader::parse(&fixed).unwrap();
        assert_eq!((fixed.width, fixed.height), (16, 8));
        assert_eq!(fixed.frame_rate, Some(25.0));
        assert!(LayerHeader::parse(&layer(1, "0")).is_err());
    }

    #[test]
    fn a_video_object_plane_gives_its_type() {
        assert_eq!(plane_type(&[0x10]), Ok(0));
        assert_eq!(plane_type(&[0x9c]), Ok(2));
        assert_eq!(plane_type(&[]), Err(BadHeader::Truncated));
    }
}
