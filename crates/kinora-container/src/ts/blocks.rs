//! Memory for payload that is put together from packets.

use std::collections::VecDeque;
use std::mem;
use std::ops::Deref;

use bytes::{Buf, BytesMut};

/// Blocks that were filled are kept to be used again, so many bytes of them: who takes packets holds some for a while, and
/// memory that is new costs more than the bytes in it.
const MAX_SPARE_BYTES: usize = 4 << 20;
/// A block that is larger is not kept: it is of a unit like no other.
const MAX_SPARE: usize = 1 << 20;

/// Bytes that grow at their end and are cut off at their start, in blocks that are used again once nobody holds
/// anything cut from them.
pub(super) struct BlockBuffer {
    /// Memory is asked for in pieces of this size, or larger.
    block: usize,
    bytes: BytesMut,
    /// Blocks that something cut from them may still hold, the oldest first, and how large they are.
    spares: VecDeque<(usize, BytesMut)>,
    /// How large the block is that is being filled.
    size: usize,
}

impl Deref for BlockBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl BlockBuffer {
    pub(super) fn new(block: usize) -> Self {
        Self {
            block,
            bytes: BytesMut::new(),
            spares: VecDeque::new(),
            size: 0,
        }
    }

    pub(super) fn extend(&mut self, payload: &[u8]) {
        let len = self.bytes.len();
        let room = self.bytes.capacity().saturating_sub(len);
        if room < payload.len() {
            // Of few sizes, so that one fits where another was.
            let size = len.saturating_add(len.max(payload.len())).max(self.block);
            let size = size.next_power_of_two();
            if !self.bytes.try_reclaim(size.saturating_sub(len)) {
                self.go_to_another_block(size);
            }
        }
        self.bytes.extend_from_slice(payload);
    }

    /// Cuts off the first bytes.
    pub(super) fn split_to(&mut self, count: usize) -> BytesMut {
        self.bytes.split_to(count.min(self.bytes.len()))
    }

    /// Drops the first bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.bytes.advance(count.min(self.bytes.len()));
    }

    /// Forgets all bytes.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    fn go_to_another_block(&mut self, size: usize) {
        let free =
            (self.spares.iter_mut()).position(|(of, spare)| *of >= size && spare.try_reclaim(size));
        let (size, mut next) = free
            .and_then(|at| self.spares.remove(at))
            .unwrap_or_else(|| (size, BytesMut::with_capacity(size)));
        next.extend_from_slice(&self.bytes);
        let mut filled = mem::replace(&mut self.bytes, next);
        filled.clear();
        let filled = (mem::replace(&mut self.size, size), filled);
        if (1..=MAX_SPARE).contains(&filled.0) {
            self.spares.push_back(filled);
        }
        while self.spare_bytes() > MAX_SPARE_BYTES {
            self.spares.pop_front();
        }
    }

    fn spare_bytes(&self) -> usize {
        let sizes = self.spares.iter().map(|(size, _)| *size);
        sizes.fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const BLOCK: usize = 64 << 10;

    /// Cuts units out as they come, some of which are long, and holds the last of them; gives the memory that was used.
    fn blocks_used(long: usize, held: usize) -> usize {
        let mut buffer = BlockBuffer::new(BLOCK);
        let mut last = VecDeque::new();
        let mut places = BTreeSet::new();
        for number in 0..2_000u32 {
            let len = if number % 60 == 0 { long } else { 9_000 };
            let unit = vec![number as u8; len];
            unit.chunks(184).for_each(|payload| buffer.extend(payload));
            let unit = buffer.split_to(len).freeze();
            let begins = unit.as_ptr() as usize / BLOCK;
            places.extend(begins..=begins + len / BLOCK);
            last.push_back((number as u8, unit));
            if last.len() > held {
                last.pop_front();
            }
            assert!(
                last.iter()
                    .all(|(of, unit)| unit.iter().all(|byte| byte == of))
            );
        }
        places.len()
    }

    #[test]
    fn memory_is_used_again_while_packets_are_held() {
        // Of 18 MB, 275 blocks; one may lie across two of the places that are counted.
        for (held, most) in [(1, 16), (33, 64)] {
            let used = blocks_used(9_000, held);
            assert!(used <= most, "{used} for {held}");
        }
    }

    #[test]
    fn the_memory_of_long_units_is_used_again_too() {
        // 34 of 300 kB each, between short ones.
        for (held, most) in [(1, 48), (33, 96)] {
            let used = blocks_used(300_000, held);
            assert!(used <= most, "{used} for {held}");
        }
    }

    #[test]
    fn what_nobody_lets_go_is_not_kept_without_end() {
        let mut buffer = BlockBuffer::new(BLOCK);
        let mut all = Vec::new();
        for _ in 0..200 {
            buffer.extend(&[7; BLOCK]);
            all.push(buffer.split_to(BLOCK).freeze());
        }
        assert!(buffer.spare_bytes() <= MAX_SPARE_BYTES);
        assert!(all.iter().all(|unit| unit.iter().all(|byte| *byte == 7)));
    }

    #[test]
    fn a_unit_longer_than_a_block_stays_whole() {
        let mut buffer = BlockBuffer::new(BLOCK);
        for number in 0..3_000u32 {
            buffer.extend(&number.to_be_bytes().repeat(50));
        }
        assert_eq!(buffer.len(), 600_000);
        assert_eq!(buffer[..4], [0; 4]);
        buffer.advance(599_996);
        assert_eq!(buffer[..], 2_999u32.to_be_bytes());
        assert!(buffer.spare_bytes() <= MAX_SPARE_BYTES);
    }
}
