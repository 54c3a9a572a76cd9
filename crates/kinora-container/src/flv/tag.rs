//! Tags (Adobe Flash Video File Format 10.1, annex E.4.1): eleven bytes of header, a body, and behind it the length of
//! both.

use bytes::Bytes;

/// Bytes of a tag's header.
pub(super) const HEADER: usize = 11;
/// Bytes of the length that follows a tag, `PreviousTagSize`.
pub(super) const TRAILER: usize = 4;

/// What a tag holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TagKind {
    Audio,
    Video,
    Script,
}

/// The header of a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TagHeader {
    pub(super) kind: TagKind,
    /// The body is preprocessed: encrypted (annex F).
    pub(super) filtered: bool,
    /// Bytes of the body.
    pub(super) len: usize,
    /// Milliseconds, in 32 bits.
    pub(super) timestamp: u32,
}

impl TagHeader {
    /// Reads the eleven bytes. `None` where no tag begins: of another type, or with a stream id, which is always 0.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let &[kind, l1, l2, l3, t1, t2, t3, extended, 0, 0, 0] = data.first_chunk::<HEADER>()?
        else {
            return None;
        };
        let tag_kind = match kind & 0x1f {
            8 => TagKind::Audio,
            9 => TagKind::Video,
            18 => TagKind::Script,
            _ => return None,
        };
        if kind & 0xc0 != 0 {
            return None;
        }
        Some(Self {
            kind: tag_kind,
            filtered: kind & 0x20 != 0,
            len: usize::try_from(u32::from_be_bytes([0, l1, l2, l3])).ok()?,
            timestamp: u32::from_be_bytes([extended, t1, t2, t3]),
        })
    }

    /// Bytes of header and body.
    pub(super) fn whole(&self) -> usize {
        self.len.saturating_add(HEADER)
    }
}

/// A tag with its body.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    /// Where in the resource it begins.
    pub(super) offset: u64,
    pub(super) header: TagHeader,
    pub(super) body: Bytes,
}
