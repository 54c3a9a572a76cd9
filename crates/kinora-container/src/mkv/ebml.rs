//! EBML: heads of elements, and the values of those that were read whole (RFC 8794).

use bytes::Bytes;

/// An identifier with its marker bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id(pub(super) u32);

/// Bytes that suffice for any head: an identifier of four bytes (`EBMLMaxIDLength`), a size of eight.
pub(super) const MAX_HEAD: usize = 12;
/// Longer texts are cut.
const MAX_TEXT: usize = 1024;

/// What stands before an element's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) id: Id,
    /// Bytes of the head itself.
    pub(super) len: usize,
    /// Bytes of the body; `None`: it ends where something comes that can not be part of it (RFC 8794 6.2).
    pub(super) size: Option<u64>,
}

/// What lies where an element is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeadLook {
    Head(Head),
    /// More bytes must be seen.
    Short,
    /// No element begins like this.
    Bad,
}

/// Looks for a head at the start of the data.
pub(super) fn look_at_head(data: &[u8]) -> HeadLook {
    let Some(first) = data.first() else {
        return HeadLook::Short;
    };
    let id_len = width(*first);
    if id_len > 4 {
        return HeadLook::Bad;
    }
    let Some((id, rest)) = data.split_at_checked(id_len) else {
        return HeadLook::Short;
    };
    let id = id.iter().fold(0u32, |id, byte| id << 8 | u32::from(*byte));
    match vint(rest) {
        Vint::Value { value, len } => HeadLook::Head(Head {
            id: Id(id),
            len: id_len.saturating_add(len),
            size: Some(value),
        }),
        Vint::Unknown { len } => HeadLook::Head(Head {
            id: Id(id),
            len: id_len.saturating_add(len),
            size: None,
        }),
        Vint::Short => HeadLook::Short,
        Vint::Bad => HeadLook::Bad,
    }
}

/// A number of variable size (RFC 8794 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Vint {
    Value {
        value: u64,
        len: usize,
    },
    /// All of its bits are ones: reserved for "unknown".
    Unknown {
        len: usize,
    },
    Short,
    /// It would be longer than eight bytes.
    Bad,
}

/// Bytes of a number, by the zeros before its marker.
fn width(first: u8) -> usize {
    usize::try_from(first.leading_zeros())
        .unwrap_or(8)
        .saturating_add(1)
}

pub(super) fn vint(data: &[u8]) -> Vint {
    let Some(&first) = data.first() else {
        return Vint::Short;
    };
    let len = width(first);
    if len > 8 {
        return Vint::Bad;
    }
    let Some(bytes) = data.get(..len) else {
        return Vint::Short;
    };
    let whole = bytes.iter().fold(0u64, |v, byte| v << 8 | u64::from(*byte));
    let mask = ones(len);
    match whole & mask {
        value if value == mask => Vint::Unknown { len },
        value => Vint::Value { value, len },
    }
}

/// The value bits of a number of so many bytes, all set.
fn ones(len: usize) -> u64 {
    let bits = u32::try_from(len.saturating_mul(7)).unwrap_or(56);
    1u64.checked_shl(bits).unwrap_or(0).saturating_sub(1)
}

/// A signed number as EBML lacing has it: the middle of the range stands for zero (RFC 9559 10.3.3).
pub(super) fn signed_vint(data: &[u8]) -> Option<(i64, usize)> {
    let (value, len) = match vint(data) {
        Vint::Value { value, len } => (value, len),
        // Here all ones are a number as any other.
        Vint::Unknown { len } => (ones(len), len),
        Vint::Short | Vint::Bad => return None,
    };
    let middle = ones(len) >> 1;
    let value = i64::try_from(value)
        .ok()?
        .checked_sub(i64::try_from(middle).ok()?)?;
    Some((value, len))
}

/// An element within one that was read whole.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) id: Id,
    pub(super) body: Bytes,
}

/// The elements of a master, in their order, up to the first that makes no sense. One that leads past the end is none.
pub(super) fn children(master: &Bytes) -> impl Iterator<Item = Element> {
    let mut rest = master.clone();
    core::iter::from_fn(move || {
        let HeadLook::Head(head) = look_at_head(&rest) else {
            return None;
        };
        let len = match head.size {
            Some(size) => usize::try_from(size).ok()?,
            None => rest.len().checked_sub(head.len)?,
        };
        let end = head.len.checked_add(len).filter(|end| *end <= rest.len())?;
        let whole = rest.split_to(end);
        Some(Element {
            id: head.id,
            body: whole.slice(head.len..),
        })
    })
}

impl Element {
    /// An unsigned integer (RFC 8794 7.2); one of more than eight bytes is none.
    pub(super) fn uint(&self) -> Option<u64> {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        (self.body.len() <= 8).then(|| self.body.iter().fold(0, fold))
    }

    /// The same where only a small one makes sense.
    pub(super) fn uint32(&self) -> Option<u32> {
        u32::try_from(self.uint()?).ok()
    }

    /// Not zero.
    pub(super) fn flag(&self) -> Option<bool> {
        self.uint().map(|value| value != 0)
    }

    /// A signed integer (RFC 8794 7.1).
    pub(super) fn int(&self) -> Option<i64> {
        let start = match self.body.first() {
            Some(first) if first & 0x80 != 0 => -1,
            _ => 0,
        };
        let fold = |value: i64, byte: &u8| value << 8 | i64::from(*byte);
        (self.body.len() <= 8).then(|| self.body.iter().fold(start, fold))
    }

    /// A floating-point number (RFC 8794 7.3).
    pub(super) fn float(&self) -> Option<f64> {
        if self.body.is_empty() {
            return Some(0.0);
        }
        if let Ok(single) = <[u8; 4]>::try_from(&*self.body) {
            return Some(f64::from(f32::from_be_bytes(single)));
        }
        let double = <[u8; 8]>::try_from(&*self.body).ok()?;
        Some(f64::from_be_bytes(double))
    }

    /// A text (RFC 8794 7.4, 7.5) up to the zeros that may pad it; `None`: it is empty.
    pub(super) fn text(&self) -> Option<String> {
        let end = self.body.iter().position(|byte| *byte == 0);
        let end = end.unwrap_or(self.body.len()).min(MAX_TEXT);
        let text = String::from_utf8_lossy(self.body.get(..end)?);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// The first element of that kind in a master.
pub(super) fn find(master: &Bytes, id: Id) -> Option<Element> {
    children(master).find(|element| element.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_every_width_are_read() {
        let head = |bytes: &[u8]| match look_at_head(bytes) {
            HeadLook::Head(head) => (head.id.0, head.len, head.size),
            other => panic!("{other:?}"),
        };
        assert_eq!(head(&[0xec, 0x81]), (0xec, 2, Some(1)));
        assert_eq!(head(&[0x42, 0x86, 0x40, 2]), (0x4286, 4, Some(2)));
        let long = [0x1f, 0x43, 0xb6, 0x75, 1, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(head(&long), (0x1f43_b675, 12, Some(9)));
        assert_eq!(head(&[0xa3, 0xff]), (0xa3, 2, None));
        let unknown = [0xa3, 1, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(head(&unknown), (0xa3, 9, None));
        for end in 0..long.len() {
            assert_eq!(look_at_head(&long[..end]), HeadLook::Short);
        }
        assert_eq!(look_at_head(&[0x08, 0, 0, 0, 0, 0x81]), HeadLook::Bad);
        assert_eq!(look_at_head(&[0xec, 0x00]), HeadLook::Bad);
    }

    #[test]
    fn numbers_have_the_size_that_they_need() {
        let element = |body: &'static [u8]| Element {
            id: Id(0xec),
            body: Bytes::from_static(body),
        };
        assert_eq!(element(b"").uint(), Some(0));
        assert_eq!(element(b"\x01\x00").uint(), Some(256));
        assert_eq!(element(b"\xff\xfe").int(), Some(-2));
        assert_eq!(element(b"\x7f").int(), Some(127));
        assert_eq!(element(&[0; 9]).uint(), None);
        assert_eq!(element(&[0x3f, 0x80, 0, 0]).float(), Some(1.0));
        assert_eq!(element(&[0; 3]).float(), None);
        assert_eq!(element(b"a b\0rest").text().as_deref(), Some("a b"));
        assert_eq!(element(b"\0\0").text(), None);
    }

    #[test]
    fn lacing_counts_from_the_middle() {
        assert_eq!(signed_vint(&[0xbf]), Some((0, 1)));
        assert_eq!(signed_vint(&[0x80]), Some((-63, 1)));
        assert_eq!(signed_vint(&[0xff]), Some((64, 1)));
        assert_eq!(signed_vint(&[0x5f, 0xff]), Some((0, 2)));
        assert_eq!(signed_vint(&[0x40]), None);
    }

    #[test]
    fn what_leads_past_the_end_is_left_out() {
        let master = Bytes::from_static(&[0xec, 0x81, 7, 0xe7, 0x84, 1, 2]);
        let found: Vec<_> = children(&master).map(|child| child.id.0).collect();
        assert_eq!(found, [0xec]);
    }
}
