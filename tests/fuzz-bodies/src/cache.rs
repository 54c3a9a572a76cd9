//! The files of the cache, which a crash, a full disk or another program may leave in any state.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use bytes::{Buf, Bytes};
use kinora_cache::{CacheError, CacheKey, DiskStore, Entry, EntryId, Limits, Meta, Store};

use crate::Work;

/// Reads of one entry that even its smallest records do not need.
const MAX_READS: u64 = 1 << 20;

/// The bytes as they are, and as records whose checksums are right.
pub(crate) fn cache(data: &[u8]) -> Work {
    let url = "https://example.com/film.mp4";
    let (Ok(folder), Some(id)) = (tempfile::tempdir(), CacheKey::Url.id_of(url)) else {
        return Work::default();
    };
    let Ok(store) = DiskStore::open(folder.path(), Limits::default()) else {
        return Work::default();
    };
    let Some((path, blank)) = blank(&store, id, folder.path()) else {
        return Work::default();
    };
    let mut work = Work::default();
    for image in [data.to_vec(), [blank, records(data)].concat()] {
        if fs::write(&path, &image).is_ok() {
            work.add(open(&store, id, image.len()));
        }
    }
    work
}

/// The file of an entry without bytes.
fn blank(store: &DiskStore, id: EntryId, folder: &Path) -> Option<(std::path::PathBuf, Vec<u8>)> {
    let meta = Meta {
        total_len: 1 << 20,
        ..Meta::default()
    };
    drop(store.create(id, &meta).ok()?);
    let path = fs::read_dir(folder).ok()?.next()?.ok()?.path();
    let bytes = fs::read(&path).ok()?;
    Some((path, bytes))
}

/// Records of stretches: a byte for the length, two for the offset, then the bytes; where the first bit of the length is
/// set a wrong checksum, where the second is an offset that is far away.
fn records(mut data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    while let (Ok(len), Ok(offset)) = (data.try_get_u8(), data.try_get_u16()) {
        let (payload, rest) = data.split_at(usize::from(len & 0x3f).min(data.len()));
        data = rest;
        let offset = match len & 0x40 {
            0 => u64::from(offset),
            _ => u64::MAX - u64::from(offset),
        };
        let mut checksum = crc32fast::hash(payload);
        if len & 0x80 != 0 {
            checksum ^= 1;
        }
        let mut head = b"DATA".to_vec();
        head.extend(u32::try_from(payload.len()).unwrap_or(0).to_be_bytes());
        head.extend(offset.to_be_bytes());
        head.extend(checksum.to_be_bytes());
        out.extend_from_slice(&head);
        out.extend(crc32fast::hash(&head).to_be_bytes());
        out.extend_from_slice(payload);
    }
    out
}

fn open(store: &DiskStore, id: EntryId, len: usize) -> Work {
    let mut work = Work {
        bytes: len as u64,
        ..Work::default()
    };
    match store.open(id) {
        Ok(Some(mut entry)) => {
            work.add(read(&mut *entry));
            add(&mut *entry);
        }
        Ok(None) => {}
        Err(error) => assert!(error.to_string().len() < 1_000, "an error is a sentence"),
    }
    let checked = store.verify().is_ok() && store.entries().is_ok();
    assert!(checked, "what is damaged is dropped, and no more");
    assert!(store.evict(SystemTime::UNIX_EPOCH).is_ok());
    work
}

/// Reads all that is said to be there.
fn read(entry: &mut dyn Entry) -> Work {
    let mut work = Work::default();
    let mut at = 0;
    while let Some(next) = entry.next_from(at) {
        work.steps += 1;
        assert!(work.steps < MAX_READS, "reads come without end");
        let until = entry.covered_until(next);
        assert!(next >= at && until > next, "what is there is a stretch");
        match entry.read(next) {
            Ok(bytes) => {
                let end = next.saturating_add(bytes.len() as u64);
                assert!(!bytes.is_empty() && end <= until, "what is there is given");
                work.out += bytes.len() as u64;
                at = end;
            }
            Err(CacheError::Damaged { .. }) => {
                let now = entry.next_from(next);
                assert!(
                    now != Some(next) || entry.covered_until(next) < until,
                    "damage is forgotten"
                );
                at = next;
            }
            Err(error) => panic!("{error}"),
        }
    }
    work
}

/// What is added behind damage counts.
fn add(entry: &mut dyn Entry) {
    let piece = Bytes::from_static(b"piece");
    if entry.append(7, std::slice::from_ref(&piece)).is_ok() {
        let read = entry.read(7);
        assert!(
            read.is_ok_and(|read| read == piece),
            "what was added is there"
        );
    }
}
