//! MPEG-1, MPEG-2 and MPEG-2.5 audio, layers I to III: frame headers (ISO/IEC 11172-3 2.4.1.3,
//! ISO/IEC 13818-3 2.4.2.3).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::BadHeader;
use crate::CodecId;

/// Which standard a frame follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// ISO/IEC 11172-3.
    Mpeg1,
    /// ISO/IEC 13818-3: half the sample rates.
    Mpeg2,
    /// An extension in wide use: a quarter of the sample rates.
    Mpeg25,
}

/// Which of the three codings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// Layer I.
    I,
    /// Layer II.
    II,
    /// Layer III: MP3.
    III,
}

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Which standard.
    pub version: Version,
    /// Which coding.
    pub layer: Layer,
    /// Bits a second; `None` for the free format, whose frames do not tell their length.
    pub bitrate: Option<u32>,
    /// Samples a second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Two checksum bytes follow the header.
    pub crc: bool,
    /// Bytes of the frame, header included; 0 for the free format.
    pub frame_len: usize,
    /// Samples of the frame in each channel.
    pub samples: u32,
}

const LAYER1: [u32; 15] = [
    0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
];
const LAYER2: [u32; 15] = [
    0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
];
const LAYER3: [u32; 15] = [
    0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
];
const LOW_LAYER1: [u32; 15] = [
    0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
];
const LOW_LAYER23: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

impl FrameHeader {
    /// Bytes of a header.
    pub const LEN: usize = 4;

    /// Reads the header at the start of the data.
    ///
    /// # Errors
    /// [`BadHeader::Truncated`] with fewer than four bytes, else [`BadHeader::Invalid`].
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let Some(&[b0, b1, b2, b3]) = data.first_chunk() else {
            return Err(BadHeader::Truncated);
        };
        if b0 != 0xff || b1 & 0xe0 != 0xe0 {
            return Err(BadHeader::Invalid("syncword"));
        }
        let version = match b1 >> 3 & 3 {
            0 => Version::Mpeg25,
            2 => Version::Mpeg2,
            3 => Version::Mpeg1,
            _ => return Err(BadHeader::Invalid("version")),
        };
        let layer = match b1 >> 1 & 3 {
            1 => Layer::III,
            2 => Layer::II,
            3 => Layer::I,
            _ => return Err(BadHeader::Invalid("layer")),
        };
        let table = match (version, layer) {
            (Version::Mpeg1, Layer::I) => &LAYER1,
            (Version::Mpeg1, Layer::II) => &LAYER2,
            (Version::Mpeg1, Layer::III) => &LAYER3,
            (_, Layer::I) => &LOW_LAYER1,
            _ => &LOW_LAYER23,
        };
        let kbps = *table
            .get(usize::from(b2 >> 4))
            .ok_or(BadHeader::Invalid("bitrate_index"))?;
        let base = match b2 >> 2 & 3 {
            0 => 44_100,
            1 => 48_000,
            2 => 32_000,
            _ => return Err(BadHeader::Invalid("sampling_frequency")),
        };
        let sample_rate = match version {
            Version::Mpeg1 => base,
            Version::Mpeg2 => base / 2,
            Version::Mpeg25 => base / 4,
        };
        let samples = match (layer, version) {
            (Layer::I, _) => 384,
            (Layer::II, _) | (Layer::III, Version::Mpeg1) => 1152,
            (Layer::III, _) => 576,
        };
        let bitrate = (kbps > 0).then_some(kbps.saturating_mul(1000));
        let padding = u32::from(b2 >> 1 & 1);
        Ok(Self {
            version,
            layer,
            bitrate,
            sample_rate,
            channels: if b3 >> 6 == 3 { 1 } else { 2 },
            crc: b1 & 1 == 0,
            frame_len: frame_len(layer, samples, bitrate, sample_rate, padding),
            samples,
        })
    }

    /// The codec of such frames.
    #[must_use]
    pub const fn codec(&self) -> CodecId {
        match self.layer {
            Layer::I => CodecId::Mp1,
            Layer::II => CodecId::Mp2,
            Layer::III => CodecId::Mp3,
        }
    }

    /// Whether a frame can be of the same stream. Bit rate and joint stereo may change from
    /// frame to frame, these can not.
    #[must_use]
    pub fn same_stream(&self, other: &Self) -> bool {
        self.version == other.version
            && self.layer == other.layer
            && self.sample_rate == other.sample_rate
    }

    /// Bytes of side information after the header of a layer III frame.
    #[must_use]
    pub const fn side_info_len(&self) -> usize {
        match (self.version, self.channels) {
            (Version::Mpeg1, 1) => 17,
            (Version::Mpeg1, _) => 32,
            (_, 1) => 9,
            _ => 17,
        }
    }
}

/// ISO/IEC 11172-3 2.4.3.1: a slot is four bytes in layer I, else one.
fn frame_len(
    layer: Layer,
    samples: u32,
    bitrate: Option<u32>,
    sample_rate: u32,
    padding: u32,
) -> usize {
    let Some(bitrate) = bitrate else { return 0 };
    let (slot, slots_per_bit_rate) = match layer {
        Layer::I => (4, samples / 32),
        _ => (1, samples / 8),
    };
    let slots = slots_per_bit_rate
        .saturating_mul(bitrate)
        .checked_div(sample_rate)
        .unwrap_or(0)
        .saturating_add(padding);
    usize::try_from(slots.saturating_mul(slot)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_mp3_header_is_read() {
        let header = FrameHeader::parse(&[0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!(header.version, Version::Mpeg1);
        assert_eq!(header.codec(), CodecId::Mp3);
        assert_eq!(header.bitrate, Some(128_000));
        assert_eq!((header.sample_rate, header.channels), (44_100, 2));
        assert_eq!((header.frame_len, header.samples), (417, 1152));
    }

    #[test]
    fn lengths_follow_layer_and_version() {
        // Layer I, 384 kbit/s, 48 kHz; layer II, 192, 48; MPEG-2 layer III, 64, 22.05; 2.5, 8, 8.
        for (bytes, length, samples) in [
            ([0xff, 0xff, 0xc4, 0x00], 384, 384),
            ([0xff, 0xfd, 0xa4, 0x00], 576, 1152),
            ([0xff, 0xf3, 0x80, 0x00], 208, 576),
            ([0xff, 0xe3, 0x18, 0xc0], 72, 576),
        ] {
            let header = FrameHeader::parse(&bytes).unwrap();
            assert_eq!((header.frame_len, header.samples), (length, samples));
        }
    }

    #[test]
    fn free_format_has_no_length() {
        let header = FrameHeader::parse(&[0xff, 0xfb, 0x00, 0x00]).unwrap();
        assert_eq!((header.bitrate, header.frame_len), (None, 0));
    }

    #[test]
    fn reserved_values_are_refused() {
        for bytes in [
            [0xff, 0xeb, 0x90, 0x64],
            [0xff, 0xf9, 0x90, 0x64],
            [0xff, 0xfb, 0xf0, 0x64],
            [0xff, 0xfb, 0x9c, 0x64],
            [0x7f, 0xfb, 0x90, 0x64],
        ] {
            assert!(matches!(
                FrameHeader::parse(&bytes),
                Err(BadHeader::Invalid(_))
            ));
        }
        assert_eq!(FrameHeader::parse(&[0xff]), Err(BadHeader::Truncated));
    }
}
