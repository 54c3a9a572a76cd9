//! Entries as files of one directory. Nothing but these files is shared: what is there is what the directory holds, whoever
//! wrote it, and what was used longest ago is what was changed longest ago.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::entry_file::EntryFile;
use crate::eviction::{Candidate, victims};
use crate::{CacheError, Entry, EntryId, Limits, Meta, Store};

/// What entries' names end with.
const SUFFIX: &str = ".kcache";
/// What the names of files end with that are not entries yet.
const UNFINISHED: &str = ".kcache-tmp";
/// An unfinished file that is so old has nobody who would finish it.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A directory of entries, shared with whatever other process uses it. Files that are no entries are left alone.
#[derive(Clone, Debug)]
pub struct DiskStore {
    dir: PathBuf,
    limits: Limits,
}

/// An entry as it lies in the directory.
#[derive(Clone, Debug)]
pub struct EntryInfo {
    /// Names it.
    pub id: EntryId,
    /// What is known of it.
    pub meta: Meta,
    /// How many bytes of the resource are there.
    pub cached_len: u64,
    /// When it was used last.
    pub used: SystemTime,
}

/// What a check of everything found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Entries that are what was written.
    pub sound: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Entries that were damaged, and were removed.
    pub removed: u64,
}

/// A file of the directory.
struct Found {
    path: PathBuf,
    id: Option<EntryId>,
    len: u64,
    used: SystemTime,
}

impl DiskStore {
    /// Keeps entries in a directory, which is made if it is not there, for its user alone.
    ///
    /// # Errors
    /// When it can not be made or is no directory.
    pub fn open(dir: impl Into<PathBuf>, limits: Limits) -> Result<Self, CacheError> {
        let dir = dir.into();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(&dir);
        made.map_err(|source| failed("making the directory", &dir, source))?;
        Ok(Self { dir, limits })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All entries, the one that was used last first. Such as can not be read are left out; see [`verify`](Self::verify).
    ///
    /// # Errors
    /// When the directory can not be read.
    pub fn entries(&self) -> Result<Vec<EntryInfo>, CacheError> {
        let mut entries = Vec::new();
        for found in self.files()? {
            let Some(id) = found.id else { continue };
            let file = File::open(&found.path);
            let file = file.map_err(|source| failed("opening", &found.path, source));
            let entry = file.and_then(|file| EntryFile::open(&found.path, file, 0));
            if let Ok(entry) = entry {
                entries.push(EntryInfo {
                    id,
                    meta: entry.meta().clone(),
                    cached_len: entry.cached_len(),
                    used: found.used,
                });
            }
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.used));
        Ok(entries)
    }

    /// Reads all that is there, and removes what is damaged.
    ///
    /// # Errors
    /// When the directory or an entry can not be read or removed.
    pub fn verify(&self) -> Result<Verdict, CacheError> {
        let mut verdict = Verdict::default();
        for found in self.files()? {
            let Some(id) = found.id else { continue };
            match check(&found) {
                Ok(bytes) => {
                    verdict.sound += 1;
                    verdict.bytes = verdict.bytes.saturating_add(bytes);
                }
                Err(CacheError::Damaged { .. }) => {
                    self.remove(id)?;
                    verdict.removed += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(verdict)
    }

    /// Removes all entries. How many bytes that freed.
    ///
    /// # Errors
    /// When one can not be removed.
    pub fn clear(&self) -> Result<u64, CacheError> {
        let mut freed = 0u64;
        for found in self.files()? {
            remove(&found.path)?;
            freed = freed.saturating_add(found.len);
        }
        Ok(freed)
    }

    fn path_of(&self, id: EntryId) -> PathBuf {
        self.dir.join(format!("{id}{SUFFIX}"))
    }

    /// Our files in the directory.
    fn files(&self) -> Result<Vec<Found>, CacheError> {
        let reading = |source| failed("reading", &self.dir, source);
        let mut found = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(reading)? {
            let file = file.map_err(reading)?;
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let id = name.strip_suffix(SUFFIX).and_then(EntryId::parse);
            if id.is_none() && !name.ends_with(UNFINISHED) {
                continue;
            }
            // Another process may have removed it meanwhile. Not followed: an entry is no link.
            let Ok(metadata) = file.metadata() else {
                continue;
            };
            if let Some(used) = metadata.modified().ok().filter(|_| metadata.is_file()) {
                let (path, len) = (file.path(), metadata.len());
                found.push(Found {
                    path,
                    id,
                    len,
                    used,
                });
            }
        }
        Ok(found)
    }

    /// Bytes that are free on the disk, for who is not its administrator.
    fn free(&self) -> Option<u64> {
        #[cfg(unix)]
        {
            let disk = rustix::fs::statvfs(&self.dir).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize))
        }
        #[cfg(not(unix))]
        {
            None
        }
    }
}

impl Store for DiskStore {
    fn open(&self, id: EntryId) -> Result<Option<Box<dyn Entry>>, CacheError> {
        let path = self.path_of(id);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|source| failed("opening", &path, source))?,
        };
        // Where the time can not be set it is only removed sooner.
        let _ = file.set_modified(SystemTime::now());
        match EntryFile::open(&path, file, self.limits.max_size) {
            Ok(entry) => Ok(Some(Box::new(entry))),
            Err(error @ CacheError::Damaged { .. }) => {
                self.remove(id)?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn create(&self, id: EntryId, meta: &Meta) -> Result<Box<dyn Entry>, CacheError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if meta.total_len > self.limits.max_size {
            return Err(CacheError::NoRoom);
        }
        let path = self.path_of(id);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let unfinished = self
            .dir
            .join(format!("{id}-{}-{number}{UNFINISHED}", process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let begun = options.open(&unfinished).and_then(|mut file| {
            EntryFile::begin(&mut file, meta)?;
            // No sync: what a power cut takes is missing, or its checksum does not fit, and is fetched again.
            fs::rename(&unfinished, &path)?;
            Ok(file)
        });
        let file = begun.map_err(|source| {
            // It may not have come to be.
            let _ = fs::remove_file(&unfinished);
            failed("making", &path, source)
        })?;
        let entry = EntryFile::open(&path, file, self.limits.max_size)?;
        Ok(Box::new(entry))
    }

    fn remove(&self, id: EntryId) -> Result<(), CacheError> {
        remove(&self.path_of(id))
    }

    fn evict(&self, now: SystemTime) -> Result<u64, CacheError> {
        let is_abandoned = |it: &Found| {
            now.duration_since(it.used)
                .is_ok_and(|age| age >= ABANDONED)
        };
        let (found, unfinished): (Vec<_>, Vec<_>) =
            self.files()?.into_iter().partition(|it| it.id.is_some());
        let mut freed = 0u64;
        for leftover in unfinished.iter().filter(|it| is_abandoned(it)) {
            remove(&leftover.path)?;
            freed = freed.saturating_add(leftover.len);
        }
        let candidates: Vec<_> = found
            .iter()
            .map(|&Found { len, used, .. }| Candidate { len, used })
            .collect();
        for index in victims(&candidates, self.limits, now, self.free()) {
            if let Some(victim) = found.get(index) {
                remove(&victim.path)?;
                freed = freed.saturating_add(victim.len);
            }
        }
        match self.free().is_some_and(|free| free < self.limits.min_free) {
            true => Err(CacheError::NoRoom),
            false => Ok(freed),
        }
    }
}

/// Reads all of an entry.
fn check(found: &Found) -> Result<u64, CacheError> {
    let file = File::open(&found.path);
    let file = file.map_err(|source| failed("opening", &found.path, source))?;
    let mut entry = EntryFile::open(&found.path, file, 0)?;
    let mut at = 0;
    while let Some(offset) = entry.next_from(at) {
        let bytes = entry.read(offset)?;
        at = offset.saturating_add(bytes.len() as u64);
    }
    Ok(entry.cached_len())
}

fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_file(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| failed("removing", path, source)),
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> CacheError {
    let path = path.to_owned();
    CacheError::Io {
        doing,
        path,
        source,
    }
}
