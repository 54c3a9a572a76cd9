//! How an entry lies in a file: a mark, then records one after the other, each with a checksum of its head and one of what
//! it holds. Nothing is ever changed in place: a later record counts more than an earlier one, and one that was cut off ends
//! the file.

use bytes::{Buf, BufMut};
use crc32fast::Hasher;

use crate::Meta;

/// What a file begins with; the last digit is that of the format.
pub(crate) const MARK: &[u8; 8] = b"KINCACH1";
/// The head of a record.
pub(crate) const HEAD_LEN: usize = 24;
/// No record holds more.
pub(crate) const MAX_LEN: u32 = 1 << 20;

const META: u32 = u32::from_be_bytes(*b"META");
const DATA: u32 = u32::from_be_bytes(*b"DATA");

/// The head of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// Bytes that follow.
    pub(crate) len: u32,
    /// Their checksum.
    pub(crate) crc: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// What is known of the resource, as JSON.
    Meta,
    /// A stretch of it, from that offset on.
    Data { offset: u64 },
}

impl Head {
    /// The head of what these pieces hold together; `None` where that is more than one record may.
    pub(crate) fn of<T: AsRef<[u8]>>(kind: Kind, pieces: &[T]) -> Option<Self> {
        let mut hasher = Hasher::new();
        let mut len = 0u32;
        for piece in pieces {
            let piece = piece.as_ref();
            hasher.update(piece);
            len = len.checked_add(u32::try_from(piece.len()).ok()?)?;
        }
        let crc = hasher.finalize();
        (len <= MAX_LEN).then_some(Self { kind, len, crc })
    }

    pub(crate) fn encode(self) -> [u8; HEAD_LEN] {
        let (kind, offset) = match self.kind {
            Kind::Meta => (META, 0),
            Kind::Data { offset } => (DATA, offset),
        };
        let mut head = [0; HEAD_LEN];
        let mut rest = head.as_mut_slice();
        rest.put_u32(kind);
        rest.put_u32(self.len);
        rest.put_u64(offset);
        rest.put_u32(self.crc);
        let (said, sum) = head.split_at_mut(HEAD_LEN - 4);
        sum.copy_from_slice(&crc32fast::hash(said).to_be_bytes());
        head
    }

    /// Reads a head; `None` where it is none, or not what was written.
    pub(crate) fn decode(bytes: &[u8; HEAD_LEN]) -> Option<Self> {
        let (said, sum) = bytes.split_at(HEAD_LEN - 4);
        if sum != crc32fast::hash(said).to_be_bytes() {
            return None;
        }
        let mut rest = said;
        let kind = rest.try_get_u32().ok()?;
        let len = rest.try_get_u32().ok().filter(|len| *len <= MAX_LEN)?;
        let offset = rest.try_get_u64().ok()?;
        let crc = rest.try_get_u32().ok()?;
        let kind = match kind {
            META => Kind::Meta,
            DATA if offset.checked_add(len.into()).is_some() => Kind::Data { offset },
            _ => return None,
        };
        Some(Self { kind, len, crc })
    }

    /// Whether these are the bytes that were written.
    pub(crate) fn holds(self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == u64::from(self.len) && crc32fast::hash(bytes) == self.crc
    }
}

/// The record of what is known of a resource. A label and a validator have bounds, so this has one too.
pub(crate) fn meta_record(meta: &Meta) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(meta).ok()?;
    let head = Head::of(Kind::Meta, &[&json])?;
    let mut record = head.encode().to_vec();
    record.extend_from_slice(&json);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_as_it_was_written() {
        for kind in [
            Kind::Meta,
            Kind::Data { offset: 0 },
            Kind::Data { offset: 1 << 40 },
        ] {
            let head = Head::of(kind, &[b"ab".as_slice(), b"", b"c"]).unwrap();
            assert_eq!(Head::decode(&head.encode()), Some(head));
            assert!(head.holds(b"abc") && !head.holds(b"abd") && !head.holds(b"ab"));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_head_shows() {
        let head = Head::of(Kind::Data { offset: 7 }, &[b"abc"])
            .unwrap()
            .encode();
        for bit in 0..HEAD_LEN * 8 {
            let mut flipped = head;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(
            Head::decode(&[0; HEAD_LEN]),
            None,
            "what a file system may leave after a power cut"
        );
    }

    #[test]
    fn a_record_has_a_bound_and_an_offset_an_end() {
        let large = vec![0; MAX_LEN as usize + 1];
        assert_eq!(Head::of(Kind::Meta, &[&large]), None);
        let mut head = Head::of(Kind::Meta, &[b"x"]).unwrap();
        (head.kind, head.len) = (Kind::Data { offset: u64::MAX }, 1);
        assert_eq!(Head::decode(&head.encode()), None);
        (head.kind, head.len) = (Kind::Meta, MAX_LEN + 1);
        assert_eq!(Head::decode(&head.encode()), None);
    }
}
