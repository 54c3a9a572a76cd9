//! The bytes at hand: a few gapless runs of the resource.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

/// Bytes of runs that are kept for later beside the one being fed.
const KEEP_LIMIT: usize = 8 * 1024 * 1024;
/// Runs that are kept beside the one being fed.
const KEEP_RUNS: usize = 16;

#[derive(Default)]
struct Run {
    start: u64,
    end: u64,
    chunks: VecDeque<(u64, Bytes)>,
}

impl Run {
    fn at(start: u64) -> Self {
        Self {
            start,
            end: start,
            chunks: VecDeque::new(),
        }
    }

    fn holds(&self, offset: u64, len: u64) -> bool {
        offset >= self.start && offset.checked_add(len).is_some_and(|end| end <= self.end)
    }

    fn len(&self) -> usize {
        usize::try_from(self.end.saturating_sub(self.start)).unwrap_or(usize::MAX)
    }

    fn slice(&self, offset: u64, len: usize) -> Option<Bytes> {
        let index = self
            .chunks
            .partition_point(|(start, _)| *start <= offset)
            .checked_sub(1)?;
        let (start, chunk) = self.chunks.get(index)?;
        let from = usize::try_from(offset.saturating_sub(*start)).ok()?;
        if let Some(to) = from.checked_add(len)
            && to <= chunk.len()
        {
            return Some(chunk.slice(from..to));
        }
        let mut whole = BytesMut::with_capacity(len);
        whole.extend_from_slice(chunk.get(from..)?);
        for (_, chunk) in self.chunks.iter().skip(index.saturating_add(1)) {
            let missing = len.saturating_sub(whole.len());
            if missing == 0 {
                break;
            }
            whole.extend_from_slice(chunk.get(..missing).unwrap_or(chunk));
        }
        (whole.len() == len).then(|| whole.freeze())
    }

    fn discard_before(&mut self, offset: u64) {
        while let Some((start, chunk)) = self.chunks.front() {
            let end = start.saturating_add(chunk.len() as u64);
            if end > offset {
                break;
            }
            self.start = end;
            self.chunks.pop_front();
        }
    }
}

/// Bytes that were pushed and may still be needed.
pub(crate) struct Store {
    /// The run that pushed bytes continue.
    feed: Run,
    kept: VecDeque<Run>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            feed: Run::at(0),
            kept: VecDeque::new(),
        }
    }

    /// Takes bytes that continue the run; others are late or early and ignored.
    pub(crate) fn push(&mut self, offset: u64, mut data: Bytes) {
        let Some(known) = self.feed.end.checked_sub(offset) else {
            return;
        };
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        if known >= data.len() {
            return;
        }
        data.advance(known);
        let start = self.feed.end;
        self.feed.end = start.saturating_add(data.len() as u64);
        self.feed.chunks.push_back((start, data));
    }

    /// Where the next pushed byte is expected.
    pub(crate) fn feed_end(&self) -> u64 {
        self.feed.end
    }

    /// Where the run begins that pushed bytes continue.
    pub(crate) fn feed_begin(&self) -> u64 {
        self.feed.start
    }

    /// Bytes will come from another place; those at hand are kept within limits.
    pub(crate) fn restart(&mut self, offset: u64) {
        let old = core::mem::replace(&mut self.feed, Run::at(offset));
        if old.len() > 0 {
            self.kept.push_back(old);
        }
        while self.kept.len() > KEEP_RUNS
            || self.kept.iter().map(Run::len).sum::<usize>() > KEEP_LIMIT
        {
            self.kept.pop_front();
        }
    }

    /// A view of bytes at hand; a copy only where they lie in several chunks.
    pub(crate) fn slice(&self, offset: u64, len: usize) -> Option<Bytes> {
        if len == 0 {
            return Some(Bytes::new());
        }
        self.run(offset, len as u64)?.slice(offset, len)
    }

    /// The same for a range, whose end may be anything.
    pub(crate) fn stretch(&self, range: &Range<u64>) -> Option<Bytes> {
        let len = range.end.checked_sub(range.start)?;
        self.slice(range.start, usize::try_from(len).ok()?)
    }

    /// Up to `len` bytes from an offset on, as many as are at hand.
    pub(crate) fn peek(&self, offset: u64, len: usize) -> Bytes {
        let Some(run) = self.run(offset, 1) else {
            return Bytes::new();
        };
        let at_hand = usize::try_from(run.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        run.slice(offset, len.min(at_hand)).unwrap_or_default()
    }

    fn run(&self, offset: u64, len: u64) -> Option<&Run> {
        core::iter::once(&self.feed)
            .chain(&self.kept)
            .find(|run| run.holds(offset, len))
    }

    /// Lets go what lies further than `margin` before the first place in each run that is still needed; `needed` says
    /// which places are.
    pub(crate) fn discard(&mut self, needed: impl Iterator<Item = u64> + Clone, margin: u64) {
        let keep_from = |run: &Run| {
            needed
                .clone()
                .filter(|offset| *offset >= run.start)
                .min()
                .map_or(u64::MAX, |offset| offset.saturating_sub(margin))
        };
        let from = keep_from(&self.feed);
        self.feed.discard_before(from);
        for run in &mut self.kept {
            let from = keep_from(run);
            run.discard_before(from);
        }
        self.kept.retain(|run| run.len() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_within_a_chunk_shares_its_memory() {
        let data = Bytes::from_static(b"abcdef");
        let mut store = Store::new();
        store.push(0, data.clone());
        let view = store.slice(2, 3).unwrap();
        assert_eq!(view.as_ptr(), data.slice(2..).as_ptr());
        assert_eq!(store.slice(4, 3), None);
    }

    #[test]
    fn a_view_across_chunks_is_whole() {
        let mut store = Store::new();
        for (at, part) in [(0, &b"ab"[..]), (2, b"c"), (3, b"defg")] {
            store.push(at, Bytes::copy_from_slice(part));
        }
        assert_eq!(store.slice(1, 5).unwrap(), &b"bcdef"[..]);
        assert_eq!(store.peek(5, 90), &b"fg"[..]);
    }

    #[test]
    fn late_and_double_bytes_are_ignored() {
        let mut store = Store::new();
        store.push(0, Bytes::from_static(b"abc"));
        store.push(9, Bytes::from_static(b"zz"));
        store.push(1, Bytes::from_static(b"bcd"));
        assert_eq!(store.peek(0, 9), &b"abcd"[..]);
        store.restart(100);
        store.push(4, Bytes::from_static(b"late"));
        store.push(100, Bytes::from_static(b"new"));
        assert_eq!(store.peek(100, 9), &b"new"[..]);
        assert_eq!(store.peek(2, 9), &b"cd"[..]);
    }

    #[test]
    fn bytes_that_nobody_needs_are_let_go() {
        let mut store = Store::new();
        store.push(0, Bytes::from_static(b"abc"));
        store.push(3, Bytes::from_static(b"def"));
        store.discard([4].into_iter(), 0);
        assert_eq!(store.slice(0, 1), None);
        assert_eq!(store.slice(4, 2).unwrap(), &b"ef"[..]);
        store.restart(50);
        store.discard([60].into_iter(), 0);
        assert_eq!(store.slice(4, 2), None);
    }
}
