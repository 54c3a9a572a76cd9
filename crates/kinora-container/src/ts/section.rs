//! Sections of tables (ISO/IEC 13818-1 2.4.4), put together from packets.

use bytes::{Bytes, BytesMut};

/// `section_length` has twelve bits; three bytes lie before what it counts.
const MAX_SECTION: usize = 4098;

/// Puts the sections of one PID together.
#[derive(Default)]
pub(super) struct SectionReader {
    partial: BytesMut,
    /// A section has begun, so that what follows belongs to it.
    begun: bool,
}

impl SectionReader {
    /// Bytes are missing before those that come next.
    pub(super) fn lost(&mut self) {
        self.partial.clear();
        self.begun = false;
    }

    /// Takes the payload of a packet and gives each section that it completes. Sections whose
    /// checksum is wrong are given to `damaged` as a count.
    pub(super) fn push(
        &mut self,
        payload: &[u8],
        unit_start: bool,
        damaged: &mut u64,
    ) -> Vec<Bytes> {
        let mut sections = Vec::new();
        if !unit_start {
            if self.begun {
                self.partial.extend_from_slice(payload);
                self.complete(&mut sections, damaged);
            }
            return sections;
        }
        let Some((&pointer, rest)) = payload.split_first() else {
            return sections;
        };
        let Some((tail, fresh)) = rest.split_at_checked(pointer.into()) else {
            *damaged = damaged.saturating_add(1);
            self.lost();
            return sections;
        };
        if self.begun {
            self.partial.extend_from_slice(tail);
            self.complete(&mut sections, damaged);
        }
        self.partial.clear();
        self.partial.extend_from_slice(fresh);
        self.begun = true;
        self.complete(&mut sections, damaged);
        sections
    }

    fn complete(&mut self, sections: &mut Vec<Bytes>, damaged: &mut u64) {
        while let Some(&[table, high, low]) = self.partial.first_chunk() {
            if table == 0xff {
                return self.lost(); // stuffing up to the end of the packet
            }
            let len = usize::from(u16::from_be_bytes([high & 0x0f, low])).saturating_add(3);
            if len > MAX_SECTION {
                *damaged = damaged.saturating_add(1);
                return self.lost();
            }
            if self.partial.len() < len {
                return;
            }
            let section = self.partial.split_to(len).freeze();
            let checked = high & 0x80 != 0;
            if checked && crc32(&section) != 0 {
                *damaged = damaged.saturating_add(1);
            } else {
                sections.push(section);
            }
        }
    }
}

/// CRC-32 of ISO/IEC 13818-1 annex A: zero over a section that ends with its checksum.
pub(super) fn crc32(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |crc, byte| {
        let index = crc.to_be_bytes()[0] ^ byte;
        let entry = CRC_TABLE.get(usize::from(index)).copied().unwrap_or(0);
        crc << 8 ^ entry
    })
}

const CRC_TABLE: [u32; 256] = crc_table();

// At compile time, where an overflow would be an error.
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]
const fn crc_table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 0x8000_0000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x04c1_1db7;
            }
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}
