//! Nonces that a full disk has no room for: a file of a fixed size, made while there is room, whose records are written
//! over in place. It outlives a kill of the service as the database does, so a replay is known all the same.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

const RECORD_LEN: usize = 32;
const DIGEST_LEN: usize = 24;
/// 1 MiB: 36 requests a second for the quarter of an hour in which a request can be replayed.
const RECORDS: usize = 32_768;
const FILE_LEN: usize = RECORDS * RECORD_LEN;

/// A nonce of a key, in a fixed length.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NonceDigest([u8; DIGEST_LEN]);

impl NonceDigest {
    pub(super) fn of(key_id: &str, nonce: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(key_id)
            .chain_update([0])
            .chain_update(nonce)
            .finalize();
        let mut digest = [0; DIGEST_LEN];
        digest
            .iter_mut()
            .zip(hash)
            .for_each(|(to, from)| *to = from);
        Self(digest)
    }
}

/// The file, and what lives in it.
pub(crate) struct Reserve {
    file: File,
    /// Until when (milliseconds since 1970), and in which record.
    live: HashMap<NonceDigest, (i64, usize)>,
    free: Vec<usize>,
}

impl Reserve {
    /// Opens the reserve; makes it first where there is none.
    pub(crate) fn open(path: &Path, now_ms: i64) -> io::Result<Self> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let mut bytes = Vec::with_capacity(FILE_LEN);
        (&mut file).take(FILE_LEN as u64).read_to_end(&mut bytes)?;
        if bytes.len() < FILE_LEN {
            // Zeros are written, not only promised: what is promised needs room when it is used.
            let missing = vec![0; FILE_LEN - bytes.len()];
            file.write_all_at(&missing, bytes.len() as u64)?;
            file.sync_all()?;
            bytes.extend_from_slice(&missing);
        }
        let mut reserve = Self {
            file,
            live: HashMap::new(),
            free: Vec::with_capacity(RECORDS),
        };
        for (place, record) in bytes.chunks_exact(RECORD_LEN).enumerate() {
            match read_record(record).filter(|(_, until_ms)| *until_ms >= now_ms) {
                Some((digest, until_ms)) => {
                    reserve.live.insert(digest, (until_ms, place));
                }
                None => reserve.free.push(place),
            }
        }
        Ok(reserve)
    }

    pub(super) fn holds(&self, digest: &NonceDigest, now_ms: i64) -> bool {
        self.live
            .get(digest)
            .is_some_and(|(until_ms, _)| *until_ms >= now_ms)
    }

    /// Remembers a nonce.
    ///
    /// # Errors
    /// All records are in use, or the file cannot be written.
    pub(super) fn put(
        &mut self,
        digest: NonceDigest,
        until_ms: i64,
        now_ms: i64,
    ) -> io::Result<()> {
        if self.free.is_empty() {
            let free = &mut self.free;
            self.live.retain(|_, (until_ms, place)| {
                let lives = *until_ms >= now_ms;
                if !lives {
                    free.push(*place);
                }
                lives
            });
        }
        let place = self.free.pop().ok_or(io::ErrorKind::StorageFull)?;
        let mut record = [0; RECORD_LEN];
        let (hash, until) = record.split_at_mut(DIGEST_LEN);
        hash.copy_from_slice(&digest.0);
        until.copy_from_slice(&until_ms.to_le_bytes());
        let written = self.file.write_all_at(&record, (place * RECORD_LEN) as u64);
        match written {
            Ok(()) => {
                self.live.insert(digest, (until_ms, place));
            }
            Err(_) => self.free.push(place),
        }
        written
    }
}

fn read_record(record: &[u8]) -> Option<(NonceDigest, i64)> {
    let (digest, until_ms) = record.split_at_checked(DIGEST_LEN)?;
    let until_ms = i64::from_le_bytes(until_ms.try_into().ok()?);
    Some((NonceDigest(digest.try_into().ok()?), until_ms)).filter(|_| until_ms > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_remembered_is_known_after_a_restart_for_as_long_as_it_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        let (a, b) = (NonceDigest::of("key", "a"), NonceDigest::of("key", "b"));
        let mut reserve = Reserve::open(&path, 1).unwrap();
        assert!(!reserve.holds(&a, 1));
        reserve.put(a, 100, 1).unwrap();
        reserve.put(b, 50, 1).unwrap();
        // Nothing is closed in order: the service was killed.
        std::mem::forget(reserve);
        let again = Reserve::open(&path, 60).unwrap();
        assert!(again.holds(&a, 60) && !again.holds(&b, 60));
        assert!(!again.holds(&a, 101) && !again.holds(&NonceDigest::of("keya", ""), 60));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), FILE_LEN as u64);
    }

    #[test]
    fn a_reserve_that_is_used_up_refuses_until_its_nonces_have_had_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::open(&dir.path().join("reserve"), 1).unwrap();
        for number in 0..RECORDS {
            let digest = NonceDigest::of("key", &number.to_string());
            reserve.put(digest, 100, 1).unwrap();
        }
        let late = NonceDigest::of("key", "late");
        let refused = reserve.put(late, 200, 100).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        reserve.put(late, 200, 101).unwrap();
        assert!(reserve.holds(&late, 101));
    }
}
