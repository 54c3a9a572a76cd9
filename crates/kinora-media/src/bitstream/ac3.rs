//! AC-3 and E-AC-3: headers of synchronisation frames (ETSI TS 102 366 4.3, E.1.2).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{BadHeader, low_byte};
use crate::BitReader;

/// Bit rates in kbit/s by `frmsizecod / 2` (ETSI TS 102 366 table 4.13).
const BITRATES: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
/// Full-range channels by `acmod`.
const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
const RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// What part of a programme a frame holds (ETSI TS 102 366 E.1.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An AC-3 frame.
    Ac3,
    /// An independent substream of E-AC-3: an access unit begins with the one numbered 0.
    Independent {
        /// `substreamid`.
        substream: u8,
    },
    /// More channels for the frame before it.
    Dependent,
}

/// The header of a synchronisation frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// AC-3 or which part of E-AC-3.
    pub kind: Kind,
    /// Bytes of the frame.
    pub frame_len: usize,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels, the low-frequency one included.
    pub channels: u16,
    /// Samples of the frame in each channel.
    pub samples: u32,
    /// `bsid`: 8 and below AC-3, 16 E-AC-3.
    pub bsid: u8,
}

impl FrameHeader {
    /// Bytes that suffice to read a header.
    pub const LEN: usize = 8;

    /// Reads the header at the start of the data.
    ///
    /// # Errors
    /// [`BadHeader::Truncated`] with fewer than eight bytes, else [`BadHeader::Invalid`].
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let head: &[u8; Self::LEN] = data.first_chunk().ok_or(BadHeader::Truncated)?;
        let [0x0b, 0x77, _, _, _, bsid, ..] = *head else {
            return Err(BadHeader::Invalid("syncword"));
        };
        let mut bits = BitReader::new(head);
        bits.skip(16)?;
        match bsid >> 3 {
            0..=10 => read_ac3(&mut bits, bsid >> 3),
            11..=16 => read_eac3(&mut bits, bsid >> 3),
            _ => Err(BadHeader::Invalid("bsid")),
        }
    }

    /// Whether the frame begins an access unit.
    #[must_use]
    pub const fn begins_access_unit(&self) -> bool {
        matches!(self.kind, Kind::Ac3 | Kind::Independent { substream: 0 })
    }

    /// E-AC-3 rather than AC-3.
    #[must_use]
    pub const fn is_eac3(&self) -> bool {
        !matches!(self.kind, Kind::Ac3)
    }
}

fn read_ac3(bits: &mut BitReader<'_>, bsid: u8) -> Result<FrameHeader, BadHeader> {
    bits.skip(16)?; // crc1
    let rate = bits.read(2)?;
    let size_code = bits.read(6)?;
    bits.skip(8)?; // bsid, bsmod
    let mode = bits.read(3)?;
    if mode & 1 == 1 && mode != 1 {
        bits.skip(2)?; // cmixlev
    }
    if mode & 4 == 4 {
        bits.skip(2)?; // surmixlev
    }
    if mode == 2 {
        bits.skip(2)?; // dsurmod
    }
    let low_frequency = bits.bit()?;
    let full_rate = lookup(&RATES, rate, "fscod")?;
    let kbps = lookup(&BITRATES, size_code / 2, "frmsizecod")?;
    // Words of 16 bits for 1536 samples; at 44.1 kHz every other frame has one more.
    let words = kbps
        .saturating_mul(96_000)
        .checked_div(full_rate)
        .unwrap_or(0)
        .saturating_add(if rate == 1 { size_code & 1 } else { 0 });
    Ok(FrameHeader {
        kind: Kind::Ac3,
        frame_len: usize::try_from(words.saturating_mul(2)).unwrap_or(0),
        // bsid 9 and 10 halve and quarter the rate (an extension in the field).
        sample_rate: full_rate >> bsid.saturating_sub(8),
        channels: channels(mode, low_frequency),
        samples: 1536,
        bsid,
    })
}

fn read_eac3(bits: &mut BitReader<'_>, bsid: u8) -> Result<FrameHeader, BadHeader> {
    let stream_type = bits.read(2)?;
    let substream = low_byte(bits.read(3)?);
    let words = bits.read(11)?.saturating_add(1);
    let rate = bits.read(2)?;
    let code = bits.read(2)?;
    let (sample_rate, blocks) = if rate == 3 {
        (lookup(&RATES, code, "fscod2")? / 2, 6)
    } else {
        (
            lookup(&RATES, rate, "fscod")?,
            lookup(&[1, 2, 3, 6], code, "numblkscod")?,
        )
    };
    let mode = bits.read(3)?;
    let low_frequency = bits.bit()?;
    Ok(FrameHeader {
        kind: match stream_type {
            0 | 2 => Kind::Independent { substream },
            1 => Kind::Dependent,
            _ => return Err(BadHeader::Invalid("strmtyp")),
        },
        frame_len: usize::try_from(words.saturating_mul(2)).unwrap_or(0),
        sample_rate,
        channels: channels(mode, low_frequency),
        samples: blocks.saturating_mul(256),
        bsid,
    })
}

fn lookup(table: &[u32], index: u32, field: &'static str) -> Result<u32, BadHeader> {
    usize::try_from(index)
        .ok()
        .and_then(|index| table.get(index).copied())
        .ok_or(BadHeader::Invalid(field))
}

fn channels(mode: u32, low_frequency: bool) -> u16 {
    let full = usize::try_from(mode)
        .ok()
        .and_then(|mode| CHANNELS.get(mode).copied())
        .unwrap_or(0);
    full.saturating_add(low_frequency.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_ac3_frame_is_read() {
        // 48 kHz, 448 kbit/s, 3/2 with LFE.
        let header = FrameHeader::parse(&[0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0]).unwrap();
        assert_eq!(header.kind, Kind::Ac3);
        assert_eq!(header.frame_len, 1792);
        assert_eq!((header.sample_rate, header.channels), (48_000, 6));
        // 44.1 kHz, 192 kbit/s, odd code: one word more than the even one.
        let even = FrameHeader::parse(&[0x0b, 0x77, 0, 0, 0x54, 0x40, 0x40, 0]).unwrap();
        let odd = FrameHeader::parse(&[0x0b, 0x77, 0, 0, 0x55, 0x40, 0x40, 0]).unwrap();
        assert_eq!((even.frame_len, odd.frame_len), (834, 836));
        assert_eq!(even.channels, 2);
    }

    #[test]
    fn an_eac3_frame_gives_its_substream() {
        // Independent substream 0, 2000 words, 48 kHz, six blocks, 3/2 with LFE.
        let header = FrameHeader::parse(&[0x0b, 0x77, 0x07, 0xcf, 0x3f, 0x80, 0, 0]).unwrap();
        assert_eq!(header.kind, Kind::Independent { substream: 0 });
        assert_eq!(header.frame_len, 4000);
        assert_eq!((header.samples, header.channels), (1536, 6));
        assert!(header.begins_access_unit());
        let dependent = FrameHeader::parse(&[0x0b, 0x77, 0x47, 0xcf, 0x3f, 0x80, 0, 0]).unwrap();
        assert!(!dependent.begins_access_unit());
    }

    #[test]
    fn reserved_values_are_refused() {
        for bytes in [
            [0x0b, 0x77, 0, 0, 0xde, 0x40, 0xe1, 0],
            [0x0b, 0x77, 0, 0, 0x3f, 0x40, 0xe1, 0],
            [0x0b, 0x77, 0, 0, 0x1e, 0xf8, 0xe1, 0],
            [0x0b, 0x78, 0, 0, 0x1e, 0x40, 0xe1, 0],
        ] {
            assert!(matches!(
                FrameHeader::parse(&bytes),
                Err(BadHeader::Invalid(_))
            ));
        }
    }
}
