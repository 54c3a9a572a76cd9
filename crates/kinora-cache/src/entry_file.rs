//! One entry in its file. Several processes may read it and add to it at a time.

use std::fs::{File, TryLockError};
#[cfg(not(unix))]
use std::io::Read as _;
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use crate::log::{HEAD_LEN, Head, Kind, MARK, meta_record};
use crate::store::Entry;
use crate::stretches::Stretches;
use crate::{CacheError, Meta};

/// Another process that adds to the same entry is waited for so often, and so long each time.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Where a stretch lies in the file, and its checksum.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    head: Head,
}

/// An entry on disk.
pub(crate) struct EntryFile {
    path: PathBuf,
    file: File,
    meta: Meta,
    stretches: Stretches<Place>,
    /// Where the next record begins, as far as they were read.
    end: u64,
    max_len: u64,
}

impl EntryFile {
    /// Reads the records' heads; `Damaged` where not even what is known of the resource can be read.
    pub(crate) fn open(path: &Path, file: File, max_len: u64) -> Result<Self, CacheError> {
        let mut entry = Self {
            path: path.to_owned(),
            file,
            meta: Meta::default(),
            stretches: Stretches::default(),
            end: MARK.len() as u64,
            max_len,
        };
        let mut mark = [0; MARK.len()];
        let begins = entry
            .read_at(&mut mark, 0)
            .and_then(|()| entry.head_at(entry.end));
        match begins {
            Ok(Some(Head {
                kind: Kind::Meta, ..
            })) if mark == *MARK => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(entry.failed("reading", error));
            }
            _ => {
                return Err(damaged(
                    0,
                    0,
                    "the file does not begin as an entry of the cache",
                ));
            }
        }
        entry.refresh()?;
        match entry.end > MARK.len() as u64 {
            true => Ok(entry),
            false => Err(damaged(
                0,
                0,
                "what is known of the resource can not be read",
            )),
        }
    }

    /// Makes the file of an entry without bytes.
    pub(crate) fn begin(file: &mut File, meta: &Meta) -> io::Result<()> {
        let record = meta_record(meta).ok_or(io::ErrorKind::InvalidData)?;
        file.write_all(&[MARK.as_slice(), &record].concat())
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> CacheError {
        let path = self.path.clone();
        CacheError::Io {
            doing,
            path,
            source,
        }
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        #[cfg(unix)]
        {
            std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, at)
        }
        #[cfg(not(unix))]
        {
            (&self.file).seek(SeekFrom::Start(at))?;
            (&self.file).read_exact(buffer)
        }
    }

    fn payload(&self, at: u64, head: Head) -> io::Result<Vec<u8>> {
        // The head's checksum vouches for the length, which has a bound.
        let mut payload = vec![0; usize::try_from(head.len).unwrap_or(0)];
        self.read_at(&mut payload, at)?;
        Ok(payload)
    }

    fn head_at(&self, at: u64) -> io::Result<Option<Head>> {
        let mut head = [0; HEAD_LEN];
        self.read_at(&mut head, at)?;
        Ok(Head::decode(&head))
    }

    /// Reads the heads of the records that were added since; stops at one that is cut off or damaged.
    fn scan(&mut self) -> io::Result<()> {
        let file_len = self.file.metadata()?.len();
        loop {
            let at = self.end.saturating_add(HEAD_LEN as u64);
            if at > file_len {
                return Ok(());
            }
            let Some(head) = self.head_at(self.end)? else {
                return Ok(());
            };
            let next = at.saturating_add(head.len.into());
            if next > file_len {
                return Ok(());
            }
            match head.kind {
                Kind::Data { offset } => {
                    self.stretches
                        .insert(offset, head.len.into(), Place { at, head })
                }
                Kind::Meta => {
                    let json = self.payload(at, head)?;
                    let meta = head
                        .holds(&json)
                        .then(|| serde_json::from_slice(&json).ok());
                    match meta.flatten() {
                        Some(meta) => self.meta = meta,
                        None => return Ok(()),
                    }
                }
            }
            self.end = next;
        }
    }

    /// Adds records behind all that others added. What a killed process left half written is cut off first.
    fn add(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<(), CacheError> {
        self.lock()?;
        let added = self.scan().and_then(|()| {
            if self.file.metadata()?.len() > self.end {
                self.file.set_len(self.end)?;
            }
            self.file.seek(SeekFrom::Start(self.end))?;
            let written = write_all(&mut self.file, pieces);
            if written.is_err() {
                // Whatever is left of it is cut off by whoever adds next.
                let _ = self.file.set_len(self.end);
            }
            written
        });
        // It ends with the file at the latest.
        let _ = self.file.unlock();
        added.map_err(|error| self.failed("writing", error))
    }

    fn lock(&self) -> Result<(), CacheError> {
        for _ in 0..LOCK_TRIES {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(self.failed("locking", error)),
            }
        }
        Err(CacheError::NoRoom)
    }
}

/// As `write_all`, for several buffers at once.
fn write_all(file: &mut File, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match file.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn damaged(offset: u64, len: u64, why: &'static str) -> CacheError {
    CacheError::Damaged { offset, len, why }
}

impl Entry for EntryFile {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn refresh(&mut self) -> Result<(), CacheError> {
        self.scan().map_err(|error| self.failed("reading", error))
    }

    fn covered_until(&self, offset: u64) -> u64 {
        self.stretches.covered_until(offset)
    }

    fn next_from(&self, offset: u64) -> Option<u64> {
        self.stretches.next_from(offset)
    }

    fn cached_len(&self) -> u64 {
        self.stretches.len()
    }

    fn read(&mut self, offset: u64) -> Result<Bytes, CacheError> {
        let found = self.stretches.find(offset).ok_or(CacheError::NoRoom)?;
        let Place { at, head } = found.place;
        let payload = match self.payload(at, head) {
            Ok(payload) => payload,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Vec::new(),
            Err(error) => return Err(self.failed("reading", error)),
        };
        if !head.holds(&payload) {
            self.stretches.forget(offset);
            return Err(damaged(offset, found.len, "their checksum does not fit"));
        }
        let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(payload.len());
        let (from, to) = (
            within(found.skip),
            within(found.skip.saturating_add(found.len)),
        );
        Ok(Bytes::from(payload).slice(from..to))
    }

    fn append(&mut self, offset: u64, pieces: &[Bytes]) -> Result<(), CacheError> {
        let head = Head::of(Kind::Data { offset }, pieces).ok_or(CacheError::NoRoom)?;
        let size = self.end.saturating_add(head.len.into());
        if size > self.max_len {
            return Err(CacheError::NoRoom);
        }
        let encoded = head.encode();
        let mut slices: Vec<IoSlice<'_>> = vec![IoSlice::new(&encoded)];
        slices.extend(pieces.iter().map(|piece| IoSlice::new(piece)));
        self.add(&mut slices)?;
        self.refresh()
    }

    fn set_meta(&mut self, meta: Meta) -> Result<(), CacheError> {
        let record = meta_record(&meta).ok_or(CacheError::NoRoom)?;
        self.add(&mut [IoSlice::new(&record)])?;
        self.refresh()
    }
}
