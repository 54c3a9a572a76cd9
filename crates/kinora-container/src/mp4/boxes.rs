//! Boxes (ISO/IEC 14496-12 4.2): four characters, a size, a body.

use bytes::Bytes;

/// Four characters that name a box, a codec, a handler.
pub(crate) type FourCc = [u8; 4];

/// Boxes in boxes deeper than this are not looked into.
pub(crate) const MAX_DEPTH: u32 = 16;

/// The head of a box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BoxHead {
    pub(crate) kind: FourCc,
    /// Bytes of the head itself.
    pub(crate) head_len: u64,
    /// Bytes of head and body; `None` when the box reaches to the end of the file.
    pub(crate) len: Option<u64>,
}

/// What the first bytes of a box tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeadLook {
    Head(BoxHead),
    /// So many bytes must be there.
    Need(usize),
    /// The size is smaller than the head.
    Bad(FourCc),
}

/// Reads the head of a box.
pub(crate) fn look_at_head(data: &[u8]) -> HeadLook {
    let Some((size, rest)) = data.split_first_chunk::<4>() else {
        return HeadLook::Need(8);
    };
    let Some((kind, rest)) = rest.split_first_chunk::<4>() else {
        return HeadLook::Need(8);
    };
    let (head_len, len) = match u32::from_be_bytes(*size) {
        0 => (8, None),
        1 => match rest.first_chunk::<8>() {
            None => return HeadLook::Need(16),
            Some(large) => (16, Some(u64::from_be_bytes(*large))),
        },
        size => (8, Some(u64::from(size))),
    };
    if len.is_some_and(|len| len < head_len) {
        return HeadLook::Bad(*kind);
    }
    HeadLook::Head(BoxHead {
        kind: *kind,
        head_len,
        len,
    })
}

/// One box inside another.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) kind: FourCc,
    pub(crate) body: Bytes,
}

impl Child {
    /// The body of a box that is named by a UUID (4.2.2), if it is that one.
    pub(crate) fn of_uuid(&self, uuid: &[u8; 16]) -> Option<Bytes> {
        let (named, _) = self.body.split_first_chunk::<16>()?;
        (self.kind == *b"uuid" && named == uuid).then(|| self.body.slice(named.len()..))
    }
}

/// The boxes of a body, one after the other. One that claims to be longer than what is left is
/// cut there; one that is shorter than its own head ends the walk.
#[derive(Clone)]
pub(crate) struct Children {
    rest: Bytes,
}

pub(crate) fn children(body: &Bytes) -> Children {
    Children { rest: body.clone() }
}

impl Iterator for Children {
    type Item = Child;

    fn next(&mut self) -> Option<Child> {
        let HeadLook::Head(head) = look_at_head(&self.rest) else {
            return None;
        };
        let left = self.rest.len();
        let len = head
            .len
            .and_then(|len| usize::try_from(len).ok())
            .unwrap_or(left)
            .min(left);
        let head_len = usize::try_from(head.head_len).unwrap_or(left).min(len);
        let whole = self.rest.split_to(len);
        Some(Child {
            kind: head.kind,
            body: whole.slice(head_len..),
        })
    }
}

/// The first box of that kind.
pub(crate) fn find(body: &Bytes, kind: &FourCc) -> Option<Bytes> {
    children(body)
        .find(|child| child.kind == *kind)
        .map(|child| child.body)
}

/// Follows a path of boxes downwards.
pub(crate) fn find_path(body: &Bytes, path: &[&FourCc]) -> Option<Bytes> {
    path.iter()
        .try_fold(body.clone(), |body, kind| find(&body, kind))
}

/// Reads big-endian numbers from the front of a body.
#[derive(Clone)]
pub(crate) struct Reader {
    rest: Bytes,
}

/// The body ended before the field did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Short;

impl Reader {
    pub(crate) fn new(body: &Bytes) -> Self {
        Self { rest: body.clone() }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let taken = *self.rest.first_chunk::<N>().ok_or(Short)?;
        self.rest = self.rest.slice(N..);
        Ok(taken)
    }
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), Short> {
        if count > self.rest.len() {
            return Err(Short);
        }
        self.rest = self.rest.slice(count..);
        Ok(())
    }
    pub(crate) fn bytes(&mut self, count: usize) -> Result<Bytes, Short> {
        if count > self.rest.len() {
            return Err(Short);
        }
        Ok(self.rest.split_to(count))
    }
    pub(crate) fn rest(self) -> Bytes {
        self.rest
    }
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }
    pub(crate) fn u8(&mut self) -> Result<u8, Short> {
        Ok(u8::from_be_bytes(self.take()?))
    }
    pub(crate) fn u16(&mut self) -> Result<u16, Short> {
        Ok(u16::from_be_bytes(self.take()?))
    }
    pub(crate) fn u32(&mut self) -> Result<u32, Short> {
        Ok(u32::from_be_bytes(self.take()?))
    }
    pub(crate) fn i32(&mut self) -> Result<i32, Short> {
        Ok(i32::from_be_bytes(self.take()?))
    }
    pub(crate) fn u64(&mut self) -> Result<u64, Short> {
        Ok(u64::from_be_bytes(self.take()?))
    }
    /// 64 bits in version 1 of a box, 32 in version 0.
    pub(crate) fn sized(&mut self, version: u8) -> Result<u64, Short> {
        match version {
            1 => self.u64(),
            _ => self.u32().map(u64::from),
        }
    }
    /// Version and flags of a full box (4.2).
    pub(crate) fn full_box(&mut self) -> Result<(u8, u32), Short> {
        let word = self.u32()?;
        let [version, ..] = word.to_be_bytes();
        Ok((version, word & 0x00ff_ffff))
    }
}
