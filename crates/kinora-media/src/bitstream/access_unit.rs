//! Access units of H.264 and H.265 without decoding them: is there a picture, and what is said of it.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{find_start_code, h264, h265};
use crate::{CodecId, DisplayHints};

/// How the NAL units of an access unit are delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NalFraming {
    /// By start codes (ITU-T H.264 annex B).
    StartCodes,
    /// By lengths of so many bytes before them (ISO/IEC 14496-15 4.3.3.1).
    Lengths(usize),
}

impl NalFraming {
    /// That of a track with this decoder configuration: the body of an `avcC` or `hvcC`, or nothing. `None` of other
    /// codecs.
    #[must_use]
    pub fn of(codec: CodecId, config: &[u8]) -> Option<Self> {
        let flags_at = match codec {
            CodecId::H264 => 4,
            CodecId::H265 => 21,
            _ => return None,
        };
        Some(match config.get(flags_at) {
            Some(flags) => Self::Lengths(usize::from(flags & 3).saturating_add(1)),
            None => Self::StartCodes,
        })
    }
}

/// The NAL units of an access unit up to its first slice, which comes with all that follows it: finding a slice's end
/// takes a look at every byte.
pub fn units_to_slice(
    codec: CodecId,
    framing: NalFraming,
    data: &[u8],
) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let data = rest.take()?;
        let (behind, len) = match framing {
            NalFraming::StartCodes => {
                let start = find_start_code(data, 0)?.saturating_add(3);
                (data.get(start..)?, None)
            }
            NalFraming::Lengths(size) => {
                let (length, behind) = data.split_at_checked(size)?;
                let length = length
                    .iter()
                    .fold(0usize, |length, byte| length << 8 | usize::from(*byte));
                (behind, Some(length))
            }
        };
        if is_slice(codec, behind) {
            return Some(behind);
        }
        let len = len.or_else(|| find_start_code(behind, 0));
        let (unit, after) = behind.split_at_checked(len.unwrap_or(behind.len()))?;
        rest = Some(after);
        Some(unit)
    })
}

/// Whether an access unit is whole and yet holds no picture: parameter sets, delimiters and messages that some
/// recorders write as samples of their own. No decoder gives a frame for it.
#[must_use]
pub fn is_without_picture(codec: CodecId, framing: NalFraming, data: &[u8]) -> bool {
    let mut units = units_to_slice(codec, framing, data).peekable();
    units.peek().is_some() && units.all(|unit| accompanies(codec, unit))
}

/// What the sequence parameter set of an access unit says of how its picture is shown.
#[must_use]
pub fn display_hints(codec: CodecId, framing: NalFraming, data: &[u8]) -> Option<DisplayHints> {
    let mut units = units_to_slice(codec, framing, data);
    units.find_map(|unit| sps_hints(codec, unit))
}

fn sps_hints(codec: CodecId, unit: &[u8]) -> Option<DisplayHints> {
    let (pixel_aspect, color) = match codec {
        CodecId::H264 if h264::nal_type_of(unit) == h264::nal_type::SPS => {
            let sps = h264::Sps::parse(unit).ok()?;
            (sps.pixel_aspect, sps.color)
        }
        CodecId::H265 if h265::nal_type_of(unit) == h265::nal_type::SPS => {
            let sps = h265::Sps::parse(unit).ok()?;
            (sps.pixel_aspect, sps.color)
        }
        _ => return None,
    };
    Some(DisplayHints {
        pixel_aspect,
        color,
    })
}

fn is_slice(codec: CodecId, unit: &[u8]) -> bool {
    match codec {
        CodecId::H264 => matches!(
            h264::nal_type_of(unit),
            h264::nal_type::SLICE..=h264::nal_type::IDR
        ),
        CodecId::H265 => h265::is_slice(h265::nal_type_of(unit)),
        _ => false,
    }
}

/// A unit that goes with pictures and is none (ITU-T H.264 table 7-1, H.265 table 7-1).
fn accompanies(codec: CodecId, unit: &[u8]) -> bool {
    match codec {
        CodecId::H264 => matches!(h264::nal_type_of(unit), 6..=13),
        CodecId::H265 => matches!(h265::nal_type_of(unit), 32..=40),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVC: NalFraming = NalFraming::Lengths(4);
    const DELIMITER: [u8; 2] = [9, 0xf0];
    const MESSAGE: [u8; 4] = [6, 5, 1, 0x80];
    const SLICE: [u8; 3] = [0x41, 0x88, 0];

    fn framed(framing: NalFraming, units: &[&[u8]]) -> Vec<u8> {
        let mut data = Vec::new();
        for unit in units {
            match framing {
                NalFraming::StartCodes => data.extend([0, 0, 0, 1]),
                NalFraming::Lengths(size) => {
                    let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
                    data.extend(length.split_at(length.len().saturating_sub(size)).1);
                }
            }
            data.extend(*unit);
        }
        data
    }

    #[test]
    fn messages_alone_are_no_picture() {
        for framing in [NalFraming::StartCodes, AVC, NalFraming::Lengths(2)] {
            let is_without = |units: &[&[u8]]| {
                is_without_picture(CodecId::H264, framing, &framed(framing, units))
            };
            assert!(is_without(&[&DELIMITER, &MESSAGE]));
            assert!(!is_without(&[&DELIMITER, &MESSAGE, &SLICE]));
            assert!(!is_without(&[]), "nothing is no unit");
            assert!(!is_without(&[&[30, 1, 2]]), "nobody knows what it is");
        }
        let prefix_sei = framed(AVC, &[&[39 << 1, 1, 5, 0x80]]);
        assert!(is_without_picture(CodecId::H265, AVC, &prefix_sei));
        assert!(!is_without_picture(CodecId::Av1, AVC, &prefix_sei));
    }

    #[test]
    fn damage_is_left_to_the_decoder() {
        let cut = &framed(AVC, &[&DELIMITER, &MESSAGE])[..9];
        assert_eq!(units_to_slice(CodecId::H264, AVC, cut).count(), 1);
        let lying = [0, 0, 0, 9, 6, 5];
        assert!(!is_without_picture(CodecId::H264, AVC, &lying));
        assert!(!is_without_picture(
            CodecId::H264,
            NalFraming::StartCodes,
            &lying
        ));
    }

    #[test]
    fn the_framing_is_that_of_the_configuration() {
        let mut avc = [1, 100, 0, 30, 0xfd];
        assert_eq!(
            NalFraming::of(CodecId::H264, &avc),
            Some(NalFraming::Lengths(2))
        );
        avc[4] = 0xff;
        assert_eq!(NalFraming::of(CodecId::H264, &avc), Some(AVC));
        assert_eq!(
            NalFraming::of(CodecId::H265, &[]),
            Some(NalFraming::StartCodes)
        );
        assert_eq!(NalFraming::of(CodecId::Vp9, &avc), None);
    }
}
