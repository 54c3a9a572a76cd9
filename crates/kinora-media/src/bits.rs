#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use core::fmt;

/// Reads bits from the most significant down, as MPEG's syntax tables are written.
///
/// ```
/// use kinora_media::BitReader;
/// let mut bits = BitReader::new(&[0b1010_0000]);
/// assert_eq!(bits.read(3)?, 0b101);
/// # Ok::<(), kinora_media::OutOfBits>(())
/// ```
#[derive(Clone)]
pub struct BitReader<'a> {
    data: &'a [u8],
    position: usize,
}

/// The data ended before the value did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBits;

impl fmt::Display for OutOfBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data ends within a field")
    }
}
impl core::error::Error for OutOfBits {}

impl<'a> BitReader<'a> {
    /// Starts at the first bit.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    /// One bit.
    ///
    /// # Errors
    /// [`OutOfBits`] at the end of the data.
    pub fn bit(&mut self) -> Result<bool, OutOfBits> {
        let byte = self.data.get(self.position / 8).ok_or(OutOfBits)?;
        let mask = 0x80_u8 >> (self.position % 8);
        self.position = self.position.saturating_add(1);
        Ok(byte & mask != 0)
    }

    /// Up to 32 bits as a number.
    ///
    /// # Errors
    /// [`OutOfBits`] when fewer are left.
    pub fn read(&mut self, bits: u32) -> Result<u32, OutOfBits> {
        let mut value = 0u32;
        for _ in 0..bits.min(32) {
            value = value << 1 | u32::from(self.bit()?);
        }
        Ok(value)
    }

    /// Passes over bits.
    ///
    /// # Errors
    /// [`OutOfBits`] when fewer are left.
    pub fn skip(&mut self, bits: usize) -> Result<(), OutOfBits> {
        let end = self.position.checked_add(bits).ok_or(OutOfBits)?;
        if end > self.data.len().saturating_mul(8) {
            return Err(OutOfBits);
        }
        self.position = end;
        Ok(())
    }

    /// An unsigned Exp-Golomb number (ITU-T H.264 9.1).
    ///
    /// # Errors
    /// [`OutOfBits`] at the end of the data or for a prefix over 32 zeros.
    pub fn ue(&mut self) -> Result<u32, OutOfBits> {
        let mut zeros = 0_u32;
        while !self.bit()? {
            zeros = zeros.saturating_add(1);
            if zeros > 32 {
                return Err(OutOfBits);
            }
        }
        let rest = u64::from(self.read(zeros)?);
        let code = (1u64 << zeros).saturating_sub(1).saturating_add(rest);
        u32::try_from(code).map_err(|_| OutOfBits)
    }

    /// A signed Exp-Golomb number (ITU-T H.264 9.1.1).
    ///
    /// # Errors
    /// As for [`BitReader::ue`].
    pub fn se(&mut self) -> Result<i32, OutOfBits> {
        let code = i64::from(self.ue()?);
        let magnitude = code.saturating_add(1) / 2;
        let value = if code % 2 == 1 {
            magnitude
        } else {
            magnitude.saturating_neg()
        };
        i32::try_from(value).map_err(|_| OutOfBits)
    }

    /// Bits not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.data
            .len()
            .saturating_mul(8)
            .saturating_sub(self.position)
    }

    /// Moves on to the next whole byte.
    pub fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }
}

/// Takes the emulation prevention bytes out of a NAL unit (ITU-T H.264 7.4.1).
#[must_use]
pub fn unescape_rbsp(nal: &[u8]) -> Vec<u8> {
    let mut rbsp = Vec::with_capacity(nal.len());
    let mut zeros = 0_usize;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 {
            zeros.saturating_add(1)
        } else {
            0
        };
        rbsp.push(byte);
    }
    rbsp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_reads_the_table_of_h264_9_1() {
        // 1, 010, 011, 00100, 00101 are the code words of 0..=4.
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([0; 5].map(|_| bits.ue().unwrap()), [0, 1, 2, 3, 4]);
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([0; 5].map(|_| bits.se().unwrap()), [0, 1, -1, 2, -2]);
    }

    #[test]
    fn the_end_of_the_data_is_an_error_everywhere() {
        let mut bits = BitReader::new(&[0]);
        assert_eq!(bits.ue(), Err(OutOfBits));
        assert_eq!(BitReader::new(&[0xff]).read(9), Err(OutOfBits));
        assert_eq!(BitReader::new(&[]).skip(1), Err(OutOfBits));
        assert_eq!(BitReader::new(&[0; 9]).ue(), Err(OutOfBits));
    }

    #[test]
    fn emulation_prevention_is_undone() {
        assert_eq!(
            unescape_rbsp(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]),
            [0, 0, 1, 0, 0, 0, 0]
        );
    }
}
