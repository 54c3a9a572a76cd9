//! Memory for payload that is put together from packets.

use std::collections::VecDeque;
use std::mem;
use std::ops::Deref;

use bytes::{Buf, BytesMut};

/// Blocks that were filled are kept to be used again, so many of them and none that is so many times larger: who takes
/// packets holds some for a while, and memory that is new costs more than the bytes in it.
const MAX_SPARES: usize = 32;
const MAX_GROWTH: usize = 4;

/// Bytes that grow at their end and are cut off at their start, in blocks that are used again once nobody holds
/// anything cut from them.
pub(super) struct BlockBuffer {
    /// Memory is asked for in pieces of this size, or larger.
    block: usize,
    bytes: BytesMut,
    /// Blocks that something cut from them may still hold, the oldest first.
    spares: VecDeque<BytesMut>,
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
        }
    }

    pub(super) fn extend(&mut self, payload: &[u8]) {
        let more = payload.len().max(self.block).max(self.bytes.len());
        let room = self.bytes.capacity().saturating_sub(self.bytes.len());
        if room < payload.len() && !self.bytes.try_reclaim(more) {
            self.go_to_another_block(self.bytes.len().saturating_add(more));
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

    fn go_to_another_block(&mut self, capacity: usize) {
        let free = (self.spares.iter_mut()).position(|spare| spare.try_reclaim(capacity));
        let mut next = free
            .and_then(|at| self.spares.remove(at))
            .unwrap_or_else(|| BytesMut::with_capacity(capacity));
        next.extend_from_slice(&self.bytes);
        let mut filled = mem::replace(&mut self.bytes, next);
        if capacity > self.block.saturating_mul(MAX_GROWTH) {
            return;
        }
        filled.clear();
        if self.spares.len() >= MAX_SPARES {
            self.spares.pop_front();
        }
        self.spares.push_back(filled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const BLOCK: usize = 64 << 10;

    /// Cuts units out as they come and holds the last of them.
    fn blocks_used(held: usize) -> usize {
        let mut buffer = BlockBuffer::new(BLOCK);
        let mut last = VecDeque::new();
        let mut places = BTreeSet::new();
        for number in 0..2_000u32 {
            let unit = [number as u8; 9_000];
            unit.chunks(184).for_each(|payload| buffer.extend(payload));
            let unit = buffer.split_to(9_000).freeze();
            places.insert(unit.as_ptr() as usize / BLOCK);
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
        assert!(blocks_used(1) <= 12, "{}", blocks_used(1));
        assert!(blocks_used(33) <= 60, "{}", blocks_used(33));
    }

    #[test]
    fn what_nobody_lets_go_is_not_kept_without_end() {
        let mut buffer = BlockBuffer::new(BLOCK);
        let mut all = Vec::new();
        for _ in 0..200 {
            buffer.extend(&[7; BLOCK]);
            all.push(buffer.split_to(BLOCK).freeze());
        }
        assert!(buffer.spares.len() <= MAX_SPARES);
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
        assert!(buffer.spares.len() <= 3, "large blocks are not kept");
    }
}
