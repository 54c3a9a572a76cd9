//! Which bytes of a resource are there: stretches that do not overlap, each with where it is kept.

use std::collections::BTreeMap;

/// The stretches of one resource. `P` tells where the bytes of one are kept, from its first on.
#[derive(Clone, Debug)]
pub(crate) struct Stretches<P>(BTreeMap<u64, Stretch<P>>);

/// Bytes that were written, and are read and checked, in one piece.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stretch<P> {
    /// One past its last byte that counts: a later one may cover the rest.
    end: u64,
    /// Bytes at its begin that a later one covers.
    skip: u64,
    place: P,
}

/// Where one byte of a resource is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found<P> {
    /// Where the stretch is that holds it.
    pub(crate) place: P,
    /// Bytes of that stretch before the one that was looked for.
    pub(crate) skip: u64,
    /// Bytes that follow in it, that one included.
    pub(crate) len: u64,
}

impl<P> Default for Stretches<P> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<P: Copy> Stretches<P> {
    /// Adds a stretch; of what it overlaps it takes the place. Empty ones are none.
    pub(crate) fn insert(&mut self, start: u64, len: u64, place: P) {
        let end = start.saturating_add(len);
        if start >= end {
            return;
        }
        self.cut(start, end);
        let skip = 0;
        self.0.insert(start, Stretch { end, skip, place });
    }

    /// Where the byte at an offset is kept.
    pub(crate) fn find(&self, offset: u64) -> Option<Found<P>> {
        let (start, stretch) = self.0.range(..=offset).next_back()?;
        let len = stretch.end.checked_sub(offset).filter(|len| *len > 0)?;
        Some(Found {
            place: stretch.place,
            skip: stretch.skip.saturating_add(offset.saturating_sub(*start)),
            len,
        })
    }

    /// Forgets the stretch that holds the byte at an offset.
    pub(crate) fn forget(&mut self, offset: u64) {
        let holds = self.0.range(..=offset).next_back();
        let start = holds.and_then(|(start, stretch)| (stretch.end > offset).then_some(*start));
        if let Some(start) = start {
            self.0.remove(&start);
        }
    }

    /// One past the last byte that is there without a gap from an offset on; the offset itself where it is not there.
    pub(crate) fn covered_until(&self, offset: u64) -> u64 {
        let mut at = offset;
        while let Some(found) = self.find(at) {
            at = at.saturating_add(found.len);
        }
        at
    }

    /// The first byte at or after an offset that is there.
    pub(crate) fn next_from(&self, offset: u64) -> Option<u64> {
        if self.find(offset).is_some() {
            return Some(offset);
        }
        self.0.range(offset..).next().map(|(start, _)| *start)
    }

    /// How many bytes are there.
    pub(crate) fn len(&self) -> u64 {
        let lens = self
            .0
            .iter()
            .map(|(start, it)| it.end.saturating_sub(*start));
        lens.fold(0, u64::saturating_add)
    }

    /// Makes room for `start..end`.
    fn cut(&mut self, start: u64, end: u64) {
        let before = self.0.range(..start).next_back();
        let mut overlapped: Vec<u64> = before.map(|(at, _)| *at).into_iter().collect();
        overlapped.extend(self.0.range(start..end).map(|(at, _)| *at));
        for at in overlapped {
            let Some(old) = self.0.remove(&at) else {
                continue;
            };
            if old.end > end && at < end {
                let skip = old.skip.saturating_add(end.saturating_sub(at));
                let rest = Stretch { skip, ..old };
                self.0.insert(end, rest);
            }
            if at < start {
                let end = old.end.min(start);
                self.0.insert(at, Stretch { end, ..old });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stretches as `start, end, place, skip`.
    fn shown(stretches: &Stretches<u32>) -> Vec<(u64, u64, u32, u64)> {
        let all = stretches.0.iter();
        all.map(|(start, it)| (*start, it.end, it.place, it.skip))
            .collect()
    }

    #[test]
    fn a_byte_is_found_in_its_stretch_and_not_beside_it() {
        let mut it = Stretches::default();
        it.insert(10, 5, 1);
        it.insert(20, 5, 2);
        assert_eq!(it.find(9), None);
        let found = |place, skip, len| Some(Found { place, skip, len });
        assert_eq!(it.find(10), found(1, 0, 5));
        assert_eq!(it.find(14), found(1, 4, 1));
        assert_eq!(it.find(15), None);
        assert_eq!(
            (it.next_from(15), it.next_from(22), it.next_from(25)),
            (Some(20), Some(22), None)
        );
        assert_eq!(it.len(), 10);
    }

    #[test]
    fn stretches_that_touch_are_covered_as_one() {
        let mut it = Stretches::default();
        it.insert(0, 4, 1);
        it.insert(4, 4, 2);
        it.insert(9, 1, 3);
        assert_eq!(it.covered_until(2), 8);
        assert_eq!((it.covered_until(8), it.covered_until(9)), (8, 10));
    }

    #[test]
    fn what_comes_later_takes_the_place_of_what_it_overlaps() {
        let mut it = Stretches::default();
        it.insert(0, 10, 1);
        it.insert(3, 4, 2);
        assert_eq!(shown(&it), [(0, 3, 1, 0), (3, 7, 2, 0), (7, 10, 1, 7)]);
        it.insert(2, 6, 3);
        assert_eq!(shown(&it), [(0, 2, 1, 0), (2, 8, 3, 0), (8, 10, 1, 8)]);
        it.insert(0, 10, 4);
        assert_eq!(shown(&it), [(0, 10, 4, 0)]);
    }

    #[test]
    fn ends_of_the_number_range_are_survived() {
        let mut it = Stretches::default();
        it.insert(u64::MAX - 1, 10, 1);
        it.insert(5, 0, 2);
        assert_eq!(it.covered_until(u64::MAX - 1), u64::MAX);
        assert_eq!(it.find(u64::MAX), None);
        assert_eq!(it.len(), 1);
    }

    #[test]
    fn random_insertions_agree_with_a_table_of_bytes() {
        let mut random = 0x2545_F491_4F6C_DD1Du64;
        let mut draw = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let (mut it, mut table) = (Stretches::default(), [None; 64]);
        for place in 0..500u32 {
            let start = draw(64);
            let len = draw(64 - start);
            it.insert(start, len, place);
            for at in start..start + len {
                table[at as usize] = Some((place, at - start));
            }
            if draw(10) == 0 {
                let at = draw(64);
                let forgotten = it.find(at);
                it.forget(at);
                if let Some(found) = forgotten {
                    assert_eq!(it.find(at), None, "{found:?}");
                    // The pieces of one stretch that was cut are forgotten each by itself.
                    let begin = (0..=at)
                        .rev()
                        .take_while(|b| {
                            table[*b as usize].is_some_and(|(place, _)| place == found.place)
                        })
                        .last()
                        .unwrap();
                    for b in begin..at + found.len {
                        table[b as usize] = None;
                    }
                }
            }
            for at in 0..64 {
                let found = it.find(at).map(|found| (found.place, found.skip));
                assert_eq!(found, table[at as usize], "byte {at} after {place}");
            }
        }
    }
}
