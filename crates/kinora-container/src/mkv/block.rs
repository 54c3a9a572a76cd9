//! Blocks: a head, then one frame or several that are laced together (RFC 9559 10).

use bytes::Bytes;

use super::ebml::{Vint, signed_vint, vint};

/// Bits of the flags (RFC 9559 10.1, 10.2).
mod flag {
    pub(super) const KEY: u8 = 0x80;
    pub(super) const INVISIBLE: u8 = 0x08;
    pub(super) const LACING: u8 = 0x06;
    pub(super) const DISCARDABLE: u8 = 0x01;
}

/// What stands before the frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BlockHead {
    pub(super) track: u64,
    /// Ticks from the time of the cluster on.
    pub(super) ticks: i16,
    flags: u8,
}

/// The block contradicts itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadBlock;

impl BlockHead {
    /// Of a SimpleBlock only: nothing refers to what lies before.
    pub(super) const fn is_key(self) -> bool {
        self.flags & flag::KEY != 0
    }
    pub(super) const fn is_invisible(self) -> bool {
        self.flags & flag::INVISIBLE != 0
    }
    /// Of a SimpleBlock only: nothing refers to it.
    pub(super) const fn is_discardable(self) -> bool {
        self.flags & flag::DISCARDABLE != 0
    }
}

/// Reads a block's head and gives its frames in their order: views into the block.
pub(super) fn read(mut block: Bytes, frames: &mut Vec<Bytes>) -> Result<BlockHead, BadBlock> {
    let Vint::Value { value: track, len } = vint(&block) else {
        return Err(BadBlock);
    };
    let rest = block.get(len..).ok_or(BadBlock)?;
    let &[high, low, flags] = rest.first_chunk().ok_or(BadBlock)?;
    take(&mut block, len.saturating_add(3))?;
    match flags & flag::LACING {
        0 => frames.push(block),
        2 => unlace(block, xiph_size, frames)?,
        4 => fixed(block, frames)?,
        _ => ebml(block, frames)?,
    }
    Ok(BlockHead {
        track,
        ticks: i16::from_be_bytes([high, low]),
        flags,
    })
}

fn take(data: &mut Bytes, len: usize) -> Result<Bytes, BadBlock> {
    match len <= data.len() {
        true => Ok(data.split_to(len)),
        false => Err(BadBlock),
    }
}

fn byte(data: &mut Bytes) -> Result<u8, BadBlock> {
    take(data, 1)?.first().copied().ok_or(BadBlock)
}

/// How many frames there are beside the last one, whose size is what the others leave.
fn count_but_last(data: &mut Bytes) -> Result<usize, BadBlock> {
    byte(data).map(usize::from)
}

/// Cuts frames of the sizes that are told one after the other, and the last one.
fn unlace(
    mut data: Bytes,
    mut next_size: impl FnMut(&mut Bytes) -> Result<usize, BadBlock>,
    frames: &mut Vec<Bytes>,
) -> Result<(), BadBlock> {
    let count = count_but_last(&mut data)?;
    let mut sizes = [0usize; 255];
    for size in sizes.iter_mut().take(count) {
        *size = next_size(&mut data)?;
    }
    for size in sizes.iter().take(count) {
        frames.push(take(&mut data, *size)?);
    }
    frames.push(data);
    Ok(())
}

/// RFC 9559 10.3.2: bytes of 255 go on, the first other one ends.
fn xiph_size(data: &mut Bytes) -> Result<usize, BadBlock> {
    let mut size = 0usize;
    loop {
        let byte = byte(data)?;
        size = size.saturating_add(byte.into());
        if byte != 0xff {
            return Ok(size);
        }
    }
}

/// RFC 9559 10.3.3: a size, then differences to the one before.
fn ebml(data: Bytes, frames: &mut Vec<Bytes>) -> Result<(), BadBlock> {
    let mut before: Option<i64> = None;
    let next_size = |data: &mut Bytes| {
        let (size, len) = match before {
            None => match vint(data) {
                Vint::Value { value, len } => (i64::try_from(value).map_err(|_| BadBlock)?, len),
                _ => return Err(BadBlock),
            },
            Some(before) => {
                let (change, len) = signed_vint(data).ok_or(BadBlock)?;
                (before.checked_add(change).ok_or(BadBlock)?, len)
            }
        };
        take(data, len)?;
        before = Some(size);
        usize::try_from(size).map_err(|_| BadBlock)
    };
    unlace(data, next_size, frames)
}

/// RFC 9559 10.3.4: all frames have the same size.
fn fixed(mut data: Bytes, frames: &mut Vec<Bytes>) -> Result<(), BadBlock> {
    let count = count_but_last(&mut data)?.saturating_add(1);
    let size = data.len().checked_div(count).unwrap_or(0);
    if size.saturating_mul(count) != data.len() {
        return Err(BadBlock);
    }
    for _ in 0..count {
        frames.push(take(&mut data, size)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(block: &'static [u8]) -> Result<Vec<&'static str>, BadBlock> {
        let mut frames = Vec::new();
        let head = read(Bytes::from_static(block), &mut frames)?;
        assert_eq!((head.track, head.ticks), (1, -2));
        let text = |frame: &Bytes| String::from_utf8(frame.to_vec()).unwrap();
        Ok(frames.iter().map(|frame| &*text(frame).leak()).collect())
    }

    #[test]
    fn every_lacing_is_undone() {
        assert_eq!(frames(b"\x81\xff\xfe\x80abc"), Ok(vec!["abc"]));
        let xiph = b"\x81\xff\xfe\x02\x02\x01\x00abcd";
        assert_eq!(frames(xiph), Ok(vec!["a", "", "bcd"]));
        let ebml = b"\x81\xff\xfe\x06\x02\x82\xbeabcde";
        assert_eq!(frames(ebml), Ok(vec!["ab", "c", "de"]));
        let fixed = b"\x81\xff\xfe\x04\x01abcd";
        assert_eq!(frames(fixed), Ok(vec!["ab", "cd"]));
    }

    #[test]
    fn a_xiph_size_may_take_several_bytes() {
        let mut block = b"\x81\0\0\x02\x01\xff\x01".to_vec();
        block.resize(block.len() + 256, b'a');
        block.extend(b"rest");
        let mut found = Vec::new();
        read(Bytes::from(block), &mut found).unwrap();
        let sizes: Vec<_> = found.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [256, 4]);
    }

    #[test]
    fn a_lacing_that_does_not_fit_is_damage() {
        for block in [
            &b"\x81\xff\xfe"[..],
            b"\x81\xff\xfe\x02",
            b"\x81\xff\xfe\x02\x01\x09abc",
            b"\x81\xff\xfe\x02\x05\x01",
            b"\x81\xff\xfe\x04\x01abc",
            b"\x81\xff\xfe\x06\x02\x81\x80abc",
            b"\x81\xff\xfe\x06\x01\x00abc",
            b"\xff\xff\xfe\x00abc",
        ] {
            assert_eq!(frames(block), Err(BadBlock), "{block:?}");
        }
    }

    #[test]
    fn frames_share_the_memory_of_their_block() {
        let block = Bytes::from_static(b"\x81\0\0\x04\x01abcd");
        let mut found = Vec::new();
        read(block.clone(), &mut found).unwrap();
        assert_eq!(found[1].as_ptr(), block[7..].as_ptr());
    }
}
