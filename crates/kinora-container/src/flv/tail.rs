//! The last timestamp of a file.

use super::reader::{Read, Reader};
use super::tag::{HEADER, TRAILER, TagHeader};

/// At the end of the file so many bytes are read for the last timestamp; then four times as many.
const TAIL: u64 = 64 << 10;
const MAX_TAIL: u64 = 16 << 20;

/// Reads the end of the file.
pub(super) struct Tail {
    pub(super) reader: Reader,
    pub(super) from: u64,
    len: u64,
    /// The last timestamp.
    pub(super) last: Option<u32>,
}

impl Tail {
    pub(super) fn new(len: u64) -> Self {
        Self::of(len, TAIL)
    }

    fn of(len: u64, size: u64) -> Self {
        let from = len.saturating_sub(size);
        Self {
            reader: Reader::searching(from),
            from,
            len,
            last: None,
        }
    }

    /// Reads on. `false`: bytes are needed.
    pub(super) fn read(&mut self) -> bool {
        let window = &self.reader.window;
        let here = usize::try_from(self.len.saturating_sub(self.from)).unwrap_or(usize::MAX);
        if window.start() == self.from && window.len() >= here && self.last.is_none() {
            self.last = self.by_trailer(here);
            if self.last.is_some() {
                return true;
            }
        }
        if !self.reader.ended && window.end() < self.len {
            return false;
        }
        self.reader.ended = true;
        while let Ok(Read::Tag(tag)) = self.reader.read() {
            self.last = Some(tag.header.timestamp);
        }
        true
    }

    /// The timestamp of the last tag, to which the length behind it leads.
    fn by_trailer(&self, here: usize) -> Option<u32> {
        let window = &self.reader.window;
        let trailer = window.array_at(here.checked_sub(TRAILER)?)?;
        let whole = usize::try_from(u32::from_be_bytes(trailer)).ok()?;
        let at = here.checked_sub(TRAILER)?.checked_sub(whole)?;
        let header = TagHeader::parse(&window.array_at::<HEADER>(at)?)?;
        (header.whole() == whole).then_some(header.timestamp)
    }

    /// The same with more bytes, if there are any.
    pub(super) fn further(&self) -> Option<Self> {
        let size = self.len.saturating_sub(self.from).saturating_mul(4);
        (self.from > 0 && size <= MAX_TAIL).then(|| Self::of(self.len, size))
    }
}
