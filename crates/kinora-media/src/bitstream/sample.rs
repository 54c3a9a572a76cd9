//! Access units as samples: NAL units, each behind its length (ISO/IEC 14496-15 4.3.3.1).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use crate::CodecId;
use crate::bitstream::{NalFraming, h264, h265};

/// The NAL units of a sample whose lengths have so many bytes. Ends where a length leads out of the sample.
pub fn sample_units(sample: &[u8], length_size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_at_checked(length_size)?;
        let length = length
            .iter()
            .fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        let (unit, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some(unit)
    })
}

/// Whether the picture of a sample is referred to by no other, as the header of its first slice says. `config` is the
/// body of the track's `avcC` or `hvcC` box; of other codecs nothing is known.
#[must_use]
pub fn is_unreferenced(codec: CodecId, config: &[u8], sample: &[u8]) -> bool {
    let Some(NalFraming::Lengths(length_size)) = NalFraming::of(codec, config) else {
        return false;
    };
    let mut units = sample_units(sample, length_size);
    let says = match codec {
        CodecId::H264 => units.find_map(h264::is_unreferenced),
        _ => {
            // numTemporalLayers (ISO/IEC 14496-15 8.3.3.1); 0, unknown, is the highest of no picture.
            let layers = config.get(21).map_or(0, |flags| flags >> 3 & 7);
            units.find_map(|unit| h265::is_unreferenced(unit, layers))
        }
    };
    says.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slice_says_whether_others_refer_to_it() {
        let config = [1, 100, 0, 30, 0xff];
        let of = |slice: u8| [0, 0, 0, 2, 9, 0x10, 0, 0, 0, 2, slice, 0x88];
        assert!(is_unreferenced(CodecId::H264, &config, &of(0x01)));
        assert!(!is_unreferenced(CodecId::H264, &config, &of(0x41)));
        assert!(!is_unreferenced(CodecId::H264, &config, &of(0x65)));
        assert!(!is_unreferenced(CodecId::Av1, &config, &of(0x01)));
    }

    #[test]
    fn a_picture_is_unreferenced_in_the_highest_sub_layer_only() {
        let with_layers = |layers: u8| {
            let mut config = [1; 23];
            config[21] = layers << 3 | 3;
            config
        };
        let of = |kind: u8, temporal_id: u8| [0, 0, 0, 3, kind << 1, temporal_id + 1, 0x80];
        let says =
            |layers, sample: [u8; 7]| is_unreferenced(CodecId::H265, &with_layers(layers), &sample);
        let (trail_n, trail_r, rasl_n) = (0, 1, 8);
        assert!(says(1, of(trail_n, 0)));
        assert!(!says(1, of(trail_r, 0)));
        assert!(
            !says(3, of(rasl_n, 0)),
            "a higher sub-layer may refer to it"
        );
        assert!(!says(3, of(trail_n, 1)));
        assert!(says(3, of(rasl_n, 2)));
        assert!(!says(0, of(trail_n, 0)), "how many there are is not known");
    }

    #[test]
    fn lengths_that_lie_end_the_sample() {
        let sample = [0, 1, 7, 0, 9, 1];
        assert_eq!(sample_units(&sample, 2).collect::<Vec<_>>(), [&[7][..]]);
        assert_eq!(sample_units(&[0xff; 4], 4).count(), 0);
        assert!(!is_unreferenced(CodecId::H264, &[], &sample));
    }
}
