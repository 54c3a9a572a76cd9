//! Pages (RFC 3533 6).

use bytes::{Buf, Bytes};

/// What every page begins with: the capture pattern and the version.
pub(super) const CAPTURE: &[u8] = b"OggS\0";
/// Bytes of a page's header before the lacing values.
pub(super) const HEADER: usize = 27;
/// No page is longer.
pub(super) const MAX_PAGE: usize = HEADER + 255 + 255 * 255;
/// Where the checksum lies.
const CHECKSUM: core::ops::Range<usize> = 22..26;

/// `header_type_flag`.
mod flag {
    pub(super) const CONTINUED: u8 = 1;
    pub(super) const BEGINNING: u8 = 2;
    pub(super) const END: u8 = 4;
}

/// A page whose checksum is right.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Where in the resource it begins.
    pub(super) offset: u64,
    /// Where it ends.
    pub(super) end: u64,
    flags: u8,
    /// What the last packet that ends on it reaches to; `None`: none ends on it.
    pub(super) granule: Option<i64>,
    /// Which logical stream it belongs to.
    pub(super) serial: u32,
    pub(super) sequence: u32,
    lacing: Bytes,
    body: Bytes,
}

/// A piece of a packet.
pub(super) struct Piece {
    pub(super) data: Bytes,
    /// The packet ends with it.
    pub(super) ends: bool,
}

impl Page {
    /// The length of a page, told by its header and lacing values, of which so many must be there.
    pub(super) fn length(head: &[u8]) -> Result<usize, usize> {
        let Some(count) = head.get(HEADER.saturating_sub(1)) else {
            return Err(HEADER);
        };
        let body_at = HEADER.saturating_add(usize::from(*count));
        let lacing = head.get(HEADER..body_at).ok_or(body_at)?;
        let body: usize = lacing.iter().map(|value| usize::from(*value)).sum();
        Ok(body_at.saturating_add(body))
    }

    /// Whether the checksum of a whole page is right (RFC 3533 6, 7).
    pub(super) fn is_sound(page: &[u8]) -> bool {
        let (Some(before), Some(declared), Some(behind)) = (
            page.get(..CHECKSUM.start),
            page.get(CHECKSUM).and_then(<[u8]>::first_chunk),
            page.get(CHECKSUM.end..),
        ) else {
            return false;
        };
        let crc = [before, &[0; 4], behind].into_iter().fold(0, crc32);
        crc == u32::from_le_bytes(*declared)
    }

    /// A whole page, whose length and checksum were looked at.
    pub(super) fn new(offset: u64, mut page: Bytes) -> Option<Self> {
        let end = offset.saturating_add(u64::try_from(page.len()).ok()?);
        page.try_get_u32().ok()?;
        page.try_get_u8().ok()?;
        let flags = page.try_get_u8().ok()?;
        let granule = page.try_get_i64_le().ok()?;
        let serial = page.try_get_u32_le().ok()?;
        let sequence = page.try_get_u32_le().ok()?;
        page.try_get_u32_le().ok()?;
        let count = usize::from(page.try_get_u8().ok()?);
        if count > page.len() {
            return None;
        }
        let lacing = page.split_to(count);
        Some(Self {
            offset,
            end,
            flags,
            granule: Some(granule).filter(|granule| *granule != -1),
            serial,
            sequence,
            lacing,
            body: page,
        })
    }

    /// It begins with the rest of a packet.
    pub(super) fn is_continued(&self) -> bool {
        self.flags & flag::CONTINUED != 0
    }

    /// It is the first of its logical stream.
    pub(super) fn begins_stream(&self) -> bool {
        self.flags & flag::BEGINNING != 0
    }

    /// It is the last of its logical stream.
    pub(super) fn ends_stream(&self) -> bool {
        self.flags & flag::END != 0
    }

    /// Its last packet goes on with the next page.
    pub(super) fn is_open(&self) -> bool {
        self.lacing.last() == Some(&255)
    }

    /// The pieces of packets on it, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let mut body = self.body.clone();
        let mut values = self.lacing.clone();
        std::iter::from_fn(move || {
            if values.is_empty() {
                return None;
            }
            let full = values.iter().take_while(|value| **value == 255).count();
            let last = values.get(full).copied();
            let len = full
                .saturating_mul(255)
                .saturating_add(last.map_or(0, usize::from));
            let used = full.saturating_add(usize::from(last.is_some()));
            values.advance(used.min(values.len()));
            Some(Piece {
                data: body.split_to(len.min(body.len())),
                ends: last.is_some(),
            })
        })
    }
}

/// Tables for eight bytes at once: the polynomial 0x04c11db7, not reflected.
static TABLES: [[u32; 256]; 8] = tables();

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)] // tables of constants
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u32) << 24, 0);
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04c1_1db7
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = before << 8 ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// The checksum of pages, carried on.
fn crc32(mut crc: u32, data: &[u8]) -> u32 {
    let entry = |table: &[u32; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
    let (eights, rest) = data.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in eights {
        let [p, q, r, s] = (crc ^ u32::from_be_bytes([*a, *b, *c, *d])).to_be_bytes();
        crc = entry(t7, p)
            ^ entry(t6, q)
            ^ entry(t5, r)
            ^ entry(t4, s)
            ^ entry(t3, *e)
            ^ entry(t2, *f)
            ^ entry(t1, *g)
            ^ entry(t0, *h);
    }
    for byte in rest {
        let [first, ..] = crc.to_be_bytes();
        crc = crc << 8 ^ entry(t0, first ^ byte);
    }
    crc
}

/// Makes the checksum of a page right.
#[cfg(test)]
pub(super) fn seal(page: &mut [u8]) {
    page[CHECKSUM].fill(0);
    let crc = crc32(0, page);
    page[CHECKSUM].copy_from_slice(&crc.to_le_bytes());
}
