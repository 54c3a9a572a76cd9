//! FLAC: STREAMINFO and the headers of frames (RFC 9639 8.2, 9.1).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::BadHeader;
use crate::{AudioParams, BitReader};

/// What holds for all frames of a stream (RFC 9639 8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamInfo {
    /// Samples of the shortest frame in each channel, the last one aside.
    pub min_block_size: u32,
    /// Samples of the longest frame in each channel.
    pub max_block_size: u32,
    /// Bytes of the longest frame, where known.
    pub max_frame_len: Option<u32>,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u16,
    /// Bits a sample.
    pub bits_per_sample: u16,
    /// Samples of the whole stream in each channel, where known.
    pub samples: Option<u64>,
}

impl StreamInfo {
    /// Bytes of the block.
    pub const LEN: usize = 34;

    /// Reads the block's body.
    ///
    /// # Errors
    /// [`BadHeader::Truncated`] with fewer than 34 bytes, else [`BadHeader::Invalid`].
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let body: &[u8; Self::LEN] = data.first_chunk().ok_or(BadHeader::Truncated)?;
        let mut bits = BitReader::new(body);
        let min_block_size = bits.read(16)?;
        let max_block_size = bits.read(16)?;
        bits.skip(24)?; // the shortest frame's bytes
        let max_frame_len = Some(bits.read(24)?).filter(|len| *len > 0);
        let sample_rate = bits.read(20)?;
        let channels = bits.read(3)?.saturating_add(1);
        let bits_per_sample = bits.read(5)?.saturating_add(1);
        let samples = u64::from(bits.read(4)?) << 32 | u64::from(bits.read(32)?);
        if sample_rate == 0 {
            return Err(BadHeader::Invalid("sample rate"));
        }
        if max_block_size < 16 {
            return Err(BadHeader::Invalid("block size"));
        }
        Ok(Self {
            min_block_size,
            max_block_size,
            max_frame_len,
            sample_rate,
            channels: u16::try_from(channels).unwrap_or(0),
            bits_per_sample: u16::try_from(bits_per_sample).unwrap_or(0),
            samples: Some(samples).filter(|samples| *samples > 0),
        })
    }

    /// The same for a track.
    #[must_use]
    pub fn params(&self) -> AudioParams {
        AudioParams {
            sample_rate: self.sample_rate,
            channels: self.channels,
            bits_per_sample: Some(self.bits_per_sample),
            ..AudioParams::default()
        }
    }
}

/// What a frame counts from the start of the stream (RFC 9639 9.1.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// Frames before it: all but the last have the same number of samples.
    Frame(u64),
    /// Samples before it, in each channel.
    Sample(u64),
}

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Bytes of the header, its checksum included.
    pub len: usize,
    /// Where in the stream it stands.
    pub position: Position,
    /// Samples in each channel.
    pub block_size: u32,
    /// Samples a second; `None`: as STREAMINFO says.
    pub sample_rate: Option<u32>,
    /// Channels.
    pub channels: u16,
    /// Bits a sample; `None`: as STREAMINFO says.
    pub bits_per_sample: Option<u16>,
}

const RATES: [u32; 12] = [
    0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
];

impl FrameHeader {
    /// The shortest header has so many bytes.
    pub const MIN_LEN: usize = 6;
    /// No header has more.
    pub const MAX_LEN: usize = 16;
    /// What every frame begins with.
    pub const FIRST_BYTE: u8 = 0xff;

    /// Reads the header at the start of the data and holds it to its checksum.
    ///
    /// # Errors
    /// [`BadHeader::Truncated`] where the data ends within it, else [`BadHeader::Invalid`].
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        match data {
            [0xff, 0xf8 | 0xf9, ..] => {}
            [] | [0xff] => return Err(BadHeader::Truncated),
            _ => return Err(BadHeader::Invalid("sync code")),
        }
        let mut bits = BitReader::new(data);
        bits.skip(15)?;
        let is_variable = bits.bit()?;
        let block_code = bits.read(4)?;
        let rate_code = bits.read(4)?;
        let channel_code = bits.read(4)?;
        let depth_code = bits.read(3)?;
        if bits.bit()? {
            return Err(BadHeader::Invalid("reserved bit"));
        }
        let channels = channels(channel_code)?;
        let bits_per_sample = bits_per_sample(depth_code)?;
        let number = coded_number(&mut bits)?;
        let block_size = block_size(block_code, &mut bits)?;
        let sample_rate = sample_rate(rate_code, &mut bits)?;
        let before = data.len().saturating_sub(bits.remaining() / 8);
        let checksum = bits.read(8)?;
        let header = data.get(..before).ok_or(BadHeader::Truncated)?;
        if u32::from(crc8(header)) != checksum {
            return Err(BadHeader::Invalid("checksum"));
        }
        Ok(Self {
            len: before.saturating_add(1),
            position: match is_variable {
                true => Position::Sample(number),
                false => Position::Frame(number),
            },
            block_size,
            sample_rate,
            channels,
            bits_per_sample,
        })
    }

    /// Whether it can be a frame of that stream.
    #[must_use]
    pub fn fits(&self, info: &StreamInfo) -> bool {
        self.sample_rate.is_none_or(|rate| rate == info.sample_rate)
            && self.channels == info.channels
            && self
                .bits_per_sample
                .is_none_or(|bits| bits == info.bits_per_sample)
    }
}

fn channels(code: u32) -> Result<u16, BadHeader> {
    match code {
        0..=7 => Ok(u16::try_from(code).unwrap_or(0).saturating_add(1)),
        8..=10 => Ok(2),
        _ => Err(BadHeader::Invalid("channels")),
    }
}

fn bits_per_sample(code: u32) -> Result<Option<u16>, BadHeader> {
    Ok(match code {
        0 => None,
        1 => Some(8),
        2 => Some(12),
        4 => Some(16),
        5 => Some(20),
        6 => Some(24),
        7 => Some(32),
        _ => return Err(BadHeader::Invalid("bit depth")),
    })
}

/// UTF-8's way of writing numbers, carried on to seven bytes (RFC 9639 9.1.5).
fn coded_number(bits: &mut BitReader<'_>) -> Result<u64, BadHeader> {
    let invalid = BadHeader::Invalid("coded number");
    let first = bits.read(8)?;
    let (mut number, more) = match first {
        0..=0x7f => (first, 0),
        0xc0..=0xdf => (first & 0x1f, 1),
        0xe0..=0xef => (first & 0x0f, 2),
        0xf0..=0xf7 => (first & 0x07, 3),
        0xf8..=0xfb => (first & 0x03, 4),
        0xfc..=0xfd => (first & 0x01, 5),
        0xfe => (0, 6),
        _ => return Err(invalid),
    };
    let mut wide = u64::from(number);
    for _ in 0..more {
        number = bits.read(8)?;
        if number & 0xc0 != 0x80 {
            return Err(invalid);
        }
        wide = wide << 6 | u64::from(number & 0x3f);
    }
    Ok(wide)
}

fn block_size(code: u32, bits: &mut BitReader<'_>) -> Result<u32, BadHeader> {
    Ok(match code {
        1 => 192,
        2..=5 => 144_u32 << code,
        6 => bits.read(8)?.saturating_add(1),
        7 => bits.read(16)?.saturating_add(1),
        8..=15 => 1_u32 << code,
        _ => return Err(BadHeader::Invalid("block size")),
    })
}

fn sample_rate(code: u32, bits: &mut BitReader<'_>) -> Result<Option<u32>, BadHeader> {
    let rate = match code {
        0 => return Ok(None),
        12 => bits.read(8)?.saturating_mul(1000),
        13 => bits.read(16)?,
        14 => bits.read(16)?.saturating_mul(10),
        _ => usize::try_from(code)
            .ok()
            .and_then(|code| RATES.get(code).copied())
            .unwrap_or(0),
    };
    match rate {
        0 => Err(BadHeader::Invalid("sample rate")),
        rate => Ok(Some(rate)),
    }
}

/// The polynomial x^8 + x^2 + x + 1 from zero on (RFC 9639 9.1.8).
fn crc8(data: &[u8]) -> u8 {
    data.iter().fold(0u8, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| match crc & 0x80 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x07,
        })
    })
}

const CRC16: [u16; 256] = crc16_table();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a table of constants
const fn crc16_table() -> [u16; 256] {
    let mut table = [0u16; 256];
    let mut byte = 0u16;
    while byte < 256 {
        let (mut crc, mut bit) = (byte << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x8005
            };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

/// The checksum of a frame, carried on: the polynomial x^16 + x^15 + x^2 + 1 from zero on (RFC 9639 9.3).
/// Over a whole frame, its own checksum included, it is zero.
#[must_use]
pub fn crc16(before: u16, data: &[u8]) -> u16 {
    data.iter().fold(before, |crc, byte| {
        let [high, low] = crc.to_be_bytes();
        let entry = CRC16.get(usize::from(high ^ byte)).copied().unwrap_or(0);
        u16::from_be_bytes([low, 0]) ^ entry
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of RFC 9639 (appendix D.1): one frame of one stereo sample.
    const EXAMPLE: [u8; 15] = [
        0xff, 0xf8, 0x69, 0x18, 0x00, 0x00, 0xbf, 0x03, 0x58, 0xfd, 0x03, 0x12, 0x8b, 0xaa, 0x9a,
    ];

    #[test]
    fn the_example_of_the_rfc_is_read_and_its_checksums_hold() {
        let header = FrameHeader::parse(&EXAMPLE).unwrap();
        assert_eq!(header.len, 7);
        assert_eq!(header.position, Position::Frame(0));
        assert_eq!((header.block_size, header.channels), (1, 2));
        assert_eq!(header.sample_rate, Some(44_100));
        assert_eq!(header.bits_per_sample, Some(16));
        assert_eq!(crc16(0, &EXAMPLE), 0);
        let (first, rest) = EXAMPLE.split_at(4);
        assert_eq!(crc16(crc16(0, first), rest), 0);
    }

    #[test]
    fn a_header_that_is_cut_or_changed_is_none() {
        for end in 0..7 {
            let cut = FrameHeader::parse(&EXAMPLE[..end]);
            assert_eq!(cut, Err(BadHeader::Truncated), "{end} bytes");
        }
        for bit in 0..7 * 8 {
            let mut changed = EXAMPLE;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::parse(&changed).is_err(), "bit {bit}");
        }
    }

    fn with_checksum(header: &[u8]) -> Vec<u8> {
        [header, &[crc8(header)]].concat()
    }

    #[test]
    fn samples_rates_and_sizes_of_all_lengths_are_read() {
        // 36 bits of sample number, 16 bits of block size, a rate in tens of hertz.
        let header = with_checksum(&[
            0xff, 0xf9, 0x7e, 0xa0, 0xfe, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0x0f, 0xff, 0x12,
            0xc0,
        ]);
        let header = FrameHeader::parse(&header).unwrap();
        assert_eq!(header.len, FrameHeader::MAX_LEN);
        assert_eq!(header.position, Position::Sample((1 << 36) - 1));
        assert_eq!((header.block_size, header.channels), (4096, 2));
        assert_eq!(header.sample_rate, Some(48_000));
        assert_eq!(header.bits_per_sample, None);
    }

    #[test]
    fn streaminfo_describes_the_stream() {
        let mut body = [0; 34];
        body[..18].copy_from_slice(&[
            0x10, 0, 0x10, 0, 0, 1, 0xbd, 0, 0x16, 0x90, 0x0b, 0xb8, 0x02, 0xf0, 0, 2, 1, 0xf0,
        ]);
        let info = StreamInfo::parse(&body).unwrap();
        assert_eq!((info.min_block_size, info.max_block_size), (4096, 4096));
        assert_eq!((info.sample_rate, info.channels), (48_000, 2));
        assert_eq!(info.bits_per_sample, 16);
        assert_eq!(info.max_frame_len, Some(5776));
        assert_eq!(info.samples, Some(131_568));
        assert_eq!(StreamInfo::parse(&body[..33]), Err(BadHeader::Truncated));
        assert!(StreamInfo::parse(&[0; 34]).is_err());
    }
}
