use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// The bytes of a resource that were pushed and not yet consumed, in one gapless stretch.
#[derive(Default)]
pub(crate) struct Window {
    chunks: VecDeque<Bytes>,
    /// Where in the resource the first unread byte lies.
    start: u64,
    len: usize,
    /// Where a view that crosses chunks is put together.
    scratch: Vec<u8>,
}

impl Window {
    /// Takes pushed bytes that continue the stretch; what lies before its end is cut off, what
    /// begins behind it belongs to another request and is ignored.
    pub(crate) fn push(&mut self, offset: u64, mut data: Bytes) {
        let Some(known) = self.end().checked_sub(offset) else {
            return;
        };
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        if known >= data.len() {
            return;
        }
        data.advance(known);
        self.len = self.len.saturating_add(data.len());
        self.chunks.push_back(data);
    }

    /// Forgets everything; the stretch begins anew at an offset.
    pub(crate) fn restart(&mut self, offset: u64) {
        self.chunks.clear();
        self.len = 0;
        self.start = offset;
    }

    /// Where in the resource the first unread byte lies.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Where the next pushed byte is expected.
    pub(crate) fn end(&self) -> u64 {
        self.start
            .saturating_add(u64::try_from(self.len).unwrap_or(u64::MAX))
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The unread bytes of the first chunk, which are contiguous without a copy.
    pub(crate) fn front(&self) -> &[u8] {
        self.chunks.front().map_or(&[], |chunk| chunk)
    }

    /// The first `count` bytes, or all where there are fewer. Copies only what crosses chunks.
    pub(crate) fn peek(&mut self, count: usize) -> &[u8] {
        let count = count.min(self.len);
        if self.chunks.front().is_none_or(|chunk| chunk.len() >= count) {
            return self.front().get(..count).unwrap_or_default();
        }
        self.scratch.clear();
        for chunk in &self.chunks {
            let missing = count.saturating_sub(self.scratch.len());
            if missing == 0 {
                break;
            }
            let part = chunk.get(..missing).unwrap_or(chunk);
            self.scratch.extend_from_slice(part);
        }
        &self.scratch
    }

    /// The `N` bytes that lie so far behind the first unread one, without putting together what lies between.
    pub(crate) fn array_at<const N: usize>(&self, mut at: usize) -> Option<[u8; N]> {
        let mut taken = [0; N];
        let mut places = taken.iter_mut();
        for chunk in &self.chunks {
            let Some(part) = chunk.get(at..) else {
                at = at.saturating_sub(chunk.len());
                continue;
            };
            at = 0;
            // Bytes first: a place that is taken out of the iterator is filled.
            for byte in part {
                match places.next() {
                    Some(place) => *place = *byte,
                    None => return Some(taken),
                }
            }
        }
        (places.len() == 0).then_some(taken)
    }

    /// Takes the first `count` bytes out: a view where they lie in one chunk, else a copy.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        let count = count.min(self.len);
        if let Some(front) = self.chunks.front_mut()
            && front.len() >= count
        {
            let taken = front.split_to(count);
            self.consumed(count);
            return taken;
        }
        let mut taken = BytesMut::with_capacity(count);
        while taken.len() < count
            && let Some(front) = self.chunks.front_mut()
        {
            let part = front.len().min(count.saturating_sub(taken.len()));
            taken.extend_from_slice(&front.split_to(part));
            self.consumed(part);
        }
        taken.freeze()
    }

    /// Takes the first chunk out as it came, with its offset.
    pub(crate) fn pop_chunk(&mut self) -> Option<(u64, Bytes)> {
        let offset = self.start;
        let chunk = self.chunks.pop_front()?;
        self.consumed(chunk.len());
        Some((offset, chunk))
    }

    /// Passes over `count` bytes.
    pub(crate) fn skip(&mut self, count: usize) {
        let mut left = count.min(self.len);
        while left > 0
            && let Some(front) = self.chunks.front_mut()
        {
            let part = front.len().min(left);
            front.advance(part);
            left = left.saturating_sub(part);
            self.consumed(part);
        }
    }

    fn consumed(&mut self, count: usize) {
        self.len = self.len.saturating_sub(count);
        self.start = self
            .start
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        while self.chunks.front().is_some_and(Bytes::is_empty) {
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(chunks: &[&'static [u8]]) -> Window {
        let mut window = Window::default();
        for chunk in chunks {
            window.push(window.end(), Bytes::from_static(chunk));
        }
        window
    }

    #[test]
    fn a_view_within_a_chunk_shares_its_memory() {
        let data = Bytes::from_static(b"abcdef");
        let mut window = Window::default();
        window.push(0, data.clone());
        assert_eq!(window.take(3).as_ptr(), data.as_ptr());
        assert_eq!((window.start(), window.len()), (3, 3));
    }

    #[test]
    fn views_across_chunks_are_whole() {
        let mut window = filled(&[b"ab", b"c", b"defg"]);
        assert_eq!(window.peek(5), b"abcde");
        assert_eq!(window.take(4), &b"abcd"[..]);
        assert_eq!(window.peek(9), b"efg");
        assert_eq!(window.array_at(1), Some(*b"fg"));
        assert_eq!(window.array_at::<2>(2), None);
        window.skip(9);
        assert_eq!((window.len(), window.end()), (0, 7));
        assert_eq!(filled(&[b"ab", b"c", b"defg"]).array_at(1), Some(*b"bcde"));
        let mut window = filled(&[b"ab", b"cde"]);
        window.skip(1);
        assert_eq!(window.pop_chunk(), Some((1, Bytes::from_static(b"b"))));
        assert_eq!(window.pop_chunk(), Some((2, Bytes::from_static(b"cde"))));
        assert_eq!((window.pop_chunk(), window.end()), (None, 5));
    }

    #[test]
    fn late_and_double_bytes_are_ignored() {
        let mut window = filled(&[b"abc"]);
        window.push(9, Bytes::from_static(b"zz"));
        window.push(0, Bytes::from_static(b"ab"));
        window.push(1, Bytes::from_static(b"bcd"));
        assert_eq!(window.peek(9), b"abcd");
        window.restart(100);
        window.push(4, Bytes::from_static(b"late"));
        window.push(100, Bytes::from_static(b"new"));
        assert_eq!(window.take(9), &b"new"[..]);
    }
}
