//! Metadata blocks (RFC 9639 8).

/// Of a block no more is read: a longer one holds pictures.
pub(super) const MAX_READ: usize = 1 << 20;

/// Types of blocks.
pub(super) mod kind {
    pub(in crate::flac) const STREAMINFO: u8 = 0;
    pub(in crate::flac) const SEEKTABLE: u8 = 3;
    pub(in crate::flac) const VORBIS_COMMENT: u8 = 4;
}

/// The head of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BlockHead {
    pub(super) is_last: bool,
    pub(super) kind: u8,
    pub(super) len: usize,
}

impl BlockHead {
    pub(super) const LEN: usize = 4;

    pub(super) fn parse([first, a, b, c]: [u8; Self::LEN]) -> Self {
        Self {
            is_last: first & 0x80 != 0,
            kind: first & 0x7f,
            len: usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c),
        }
    }
}

/// A frame that the table of a file names; a hint, which may lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SeekPoint {
    pub(super) sample: u64,
    /// From the first frame on.
    pub(super) offset: u64,
}

/// Reads SEEKTABLE (8.5). Placeholders, and what is out of order, are left out.
pub(super) fn seek_table(body: &[u8]) -> Vec<SeekPoint> {
    const PLACEHOLDER: u64 = u64::MAX;
    let mut points: Vec<SeekPoint> = Vec::new();
    for point in body.as_chunks::<18>().0 {
        let (sample, rest) = point.split_first_chunk::<8>().unwrap_or((&[0xff; 8], &[]));
        let sample = u64::from_be_bytes(*sample);
        let offset = rest
            .first_chunk()
            .map_or(0, |offset| u64::from_be_bytes(*offset));
        let is_next = points.last().is_none_or(|last| last.sample < sample);
        if sample != PLACEHOLDER && is_next {
            points.push(SeekPoint { sample, offset });
        }
    }
    points
}
