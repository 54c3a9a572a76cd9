//! The bytes of a resource that came last, wherever in it they lie.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

/// So much is kept of what was read already: formats that are not interleaved go back and forth.
const MAX_LEN: usize = 8 << 20;
/// So many pieces: small ones cost more than their bytes.
const MAX_CHUNKS: usize = 512;

/// Pieces that do not overlap, by their offsets.
#[derive(Default)]
pub(super) struct Cache {
    chunks: BTreeMap<u64, Chunk>,
    len: usize,
    /// Counts what came.
    count: u64,
}

struct Chunk {
    data: Bytes,
    /// When it came.
    stamp: u64,
}

impl Chunk {
    fn end(&self, offset: u64) -> u64 {
        offset.saturating_add(self.data.len() as u64)
    }
}

impl Cache {
    /// Keeps a piece in place of what was known of the same bytes.
    pub(super) fn insert(&mut self, offset: u64, data: Bytes) {
        let end = offset.saturating_add(data.len() as u64);
        let overlapping: Vec<u64> = self
            .chunks
            .range(..end)
            .rev()
            .take_while(|(start, chunk)| chunk.end(**start) > offset)
            .map(|(start, _)| *start)
            .collect();
        for start in overlapping {
            let Some(chunk) = self.remove(start) else {
                continue;
            };
            let known = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
            if start < offset {
                self.put(start, chunk.data.slice(..known(offset)), chunk.stamp);
            }
            if chunk.end(start) > end {
                self.put(end, chunk.data.slice(known(end)..), chunk.stamp);
            }
        }
        self.count += 1;
        self.put(offset, data, self.count);
    }

    /// The bytes that lie there, as far as the piece goes.
    pub(super) fn at(&self, offset: u64) -> Option<&[u8]> {
        let (start, chunk) = self.chunks.range(..=offset).next_back()?;
        let skip = usize::try_from(offset - start).ok()?;
        chunk.data.get(skip..).filter(|rest| !rest.is_empty())
    }

    /// Forgets what came first until little enough is left. What lies in `kept` is still to be read.
    pub(super) fn trim(&mut self, kept: &Range<u64>) {
        while self.len > MAX_LEN || self.chunks.len() > MAX_CHUNKS {
            let free = self
                .chunks
                .iter()
                .filter(|(start, chunk)| chunk.end(**start) <= kept.start || **start >= kept.end);
            let oldest = free.min_by_key(|(_, chunk)| chunk.stamp);
            let Some(start) = oldest.map(|(start, _)| *start) else {
                return;
            };
            self.remove(start);
        }
    }

    fn put(&mut self, offset: u64, data: Bytes, stamp: u64) {
        self.len += data.len();
        self.chunks.insert(offset, Chunk { data, stamp });
    }

    fn remove(&mut self, offset: u64) -> Option<Chunk> {
        let chunk = self.chunks.remove(&offset)?;
        self.len -= chunk.data.len();
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Range<u64> = 0..0;

    #[test]
    fn what_came_last_counts() {
        let mut cache = Cache::default();
        cache.insert(10, Bytes::from_static(b"abcdef"));
        cache.insert(12, Bytes::from_static(b"XY"));
        assert_eq!(cache.at(10), Some(&b"ab"[..]));
        assert_eq!(cache.at(12), Some(&b"XY"[..]));
        assert_eq!(cache.at(14), Some(&b"ef"[..]));
        assert_eq!((cache.at(9), cache.at(16)), (None, None));
        cache.insert(8, Bytes::from_static(b"0123456789"));
        assert_eq!(cache.at(9), Some(&b"123456789"[..]));
        assert_eq!((cache.chunks.len(), cache.len), (1, 10));
    }

    #[test]
    fn what_is_not_read_yet_is_kept_and_the_oldest_goes_first() {
        let mut cache = Cache::default();
        let piece = Bytes::from(vec![0; MAX_LEN / 4]);
        let step = piece.len() as u64;
        for at in 0..8 {
            cache.insert(at * step, piece.clone());
        }
        cache.trim(&(2 * step..3 * step));
        assert!(cache.len <= MAX_LEN);
        let there: Vec<u64> = (0..8).filter(|at| cache.at(at * step).is_some()).collect();
        assert_eq!(there, [2, 5, 6, 7]);
        cache.trim(&(0..u64::MAX));
        assert_eq!(cache.chunks.len(), 4);
    }

    #[test]
    fn crumbs_are_bounded_too() {
        let mut cache = Cache::default();
        for at in 0..2_000 {
            cache.insert(at * 2, Bytes::from_static(b"x"));
            cache.trim(&NOTHING);
        }
        assert_eq!(cache.chunks.len(), MAX_CHUNKS);
    }
}
