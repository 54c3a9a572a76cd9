//! DTS: headers of core frames and of extension substreams (ETSI TS 102 114 5.3, 7.4).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::BadHeader;
use crate::BitReader;

const RATES: [u32; 16] = [
    0, 8_000, 16_000, 32_000, 0, 0, 11_025, 22_050, 44_100, 0, 0, 12_000, 24_000, 48_000, 96_000,
    192_000,
];
const CHANNELS: [u16; 16] = [1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8];

/// A piece of a DTS stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Substream {
    /// A core frame, which begins an access unit.
    Core(CoreHeader),
    /// An extension substream, which belongs to the core frame before it.
    Extension {
        /// Bytes of the substream.
        len: usize,
    },
}

/// The header of a core frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoreHeader {
    /// Bytes of the frame.
    pub frame_len: usize,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels, the low-frequency one included.
    pub channels: u16,
    /// Samples of the frame in each channel.
    pub samples: u32,
}

impl Substream {
    /// Bytes that suffice to read a header.
    pub const LEN: usize = 12;

    /// Reads the header at the start of the data. Only the 16-bit big-endian form is known,
    /// which is the one that transport streams carry.
    ///
    /// # Errors
    /// [`BadHeader::Truncated`] with fewer than twelve bytes, else [`BadHeader::Invalid`].
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let head: &[u8; Self::LEN] = data.first_chunk().ok_or(BadHeader::Truncated)?;
        let mut bits = BitReader::new(head);
        match bits.read(32)? {
            0x7ffe_8001 => read_core(&mut bits).map(Self::Core),
            0x6458_2025 => read_extension(&mut bits),
            _ => Err(BadHeader::Invalid("syncword")),
        }
    }
}

fn read_core(bits: &mut BitReader<'_>) -> Result<CoreHeader, BadHeader> {
    bits.skip(7)?; // FTYPE, SHORT, CPF
    let blocks = bits.read(7)?.saturating_add(1);
    let frame_len = bits.read(14)?.saturating_add(1);
    let mode = bits.read(6)?;
    let rate = bits.read(4)?;
    bits.skip(15)?; // RATE, and ten flags from MIX to EXT_AUDIO
    let low_frequency = bits.read(2)?;
    let sample_rate = table(&RATES, rate).unwrap_or(0);
    if sample_rate == 0 || blocks < 6 || frame_len < 96 {
        return Err(BadHeader::Invalid("core frame"));
    }
    let channels: u16 = table(&CHANNELS, mode).unwrap_or(0);
    Ok(CoreHeader {
        frame_len: usize::try_from(frame_len).unwrap_or(0),
        sample_rate,
        channels: channels.saturating_add((low_frequency > 0).into()),
        samples: blocks.saturating_mul(32),
    })
}

fn read_extension(bits: &mut BitReader<'_>) -> Result<Substream, BadHeader> {
    bits.skip(10)?; // UserDefinedBits, nExtSSIndex
    let long = bits.bit()?;
    let (header_bits, size_bits) = if long { (12, 20) } else { (8, 16) };
    bits.skip(header_bits)?;
    let len = bits.read(size_bits)?.saturating_add(1);
    if len < 16 {
        return Err(BadHeader::Invalid("nuExtSSFsize"));
    }
    Ok(Substream::Extension {
        len: usize::try_from(len).unwrap_or(0),
    })
}

fn table<T: Copy>(values: &[T], index: u32) -> Option<T> {
    values.get(usize::try_from(index).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_core_frame_is_read() {
        // 512 samples, 2012 bytes, 3/2 with LFE at 48 kHz.
        let data = [
            0x7f, 0xfe, 0x80, 0x01, 0xfc, 0x3c, 0x7d, 0xb2, 0x77, 0x00, 0x02, 0x00,
        ];
        let Substream::Core(core) = Substream::parse(&data).unwrap() else {
            panic!("a core frame is one")
        };
        assert_eq!((core.frame_len, core.samples), (2012, 512));
        assert_eq!(core.sample_rate, 48_000);
        assert_eq!(core.channels, 6);
    }

    #[test]
    fn the_length_of_an_extension_is_read() {
        let data = [0x64, 0x58, 0x20, 0x25, 0, 0x08, 0x00, 0xff, 0xe0, 0, 0, 0];
        assert_eq!(
            Substream::parse(&data),
            Ok(Substream::Extension { len: 2048 })
        );
        assert!(Substream::parse(&[0; 12]).is_err());
    }
}
