use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};

use super::ImportError;
use crate::crypto::random;
use crate::domain::VideoId;

const LOCK: &str = "lock";
const OUT: &str = "out";
const CLEAR: &str = "clear";
/// What a lock is called until it is held.
const NEW: &str = "new-";
/// A lock is held moments after it is made; one that has been new for so long is nobody's.
const NEW_FOR: Duration = Duration::from_secs(3600);

/// A place to work in, guard by the lock `ID.lock` for as long as the import lives. The system frees the lock of a
/// killed one, so what it left can be told from work in progress. The lock's file stays until the import is settled:
/// as long as it lies there, the import has not ended in order.
pub(super) struct Staging {
    dir: PathBuf,
    lock_file: PathBuf,
    settled: bool,
    _lock: File,
}

impl Staging {
    pub(super) fn begin(root: &Path, id: &VideoId) -> Result<Self, ImportError> {
        let begin = || ImportError::io("make a place to work in");
        let lock_file = lock_path(root, id);
        // Locked before it has its name, so that no sweep finds it free.
        let nameless = root.join(format!("{NEW}{id}"));
        let lock = File::create_new(&nameless).map_err(begin())?;
        lock.lock().map_err(begin())?;
        std::fs::rename(&nameless, &lock_file).map_err(begin())?;
        let staging = Self {
            dir: root.join(id.as_str()),
            lock_file,
            settled: false,
            _lock: lock,
        };
        for part in [staging.out(), staging.clear()] {
            std::fs::create_dir_all(part).map_err(begin())?;
        }
        Ok(staging)
    }
    /// What becomes the video's media.
    pub(super) fn out(&self) -> PathBuf {
        self.dir.join(OUT)
    }
    /// What is made on the way and never kept: of an encrypted video, all that is not encrypted.
    pub(super) fn clear(&self) -> PathBuf {
        self.dir.join(CLEAR)
    }
    /// Draws a key for a rendition, and writes what FFmpeg must know of it. The segment's number is the IV
    /// (RFC 8216 5.2).
    pub(super) async fn key_info(&self, stem: &str) -> Result<PathBuf, ImportError> {
        let step = || ImportError::io("make an encryption key");
        let name = format!("{stem}.key");
        let key = random::<16>().map_err(step())?;
        tokio::fs::write(self.out().join(&name), key)
            .await
            .map_err(step())?;
        let info = self.dir.join(format!("{stem}.keyinfo"));
        // The file has lines; a path cannot be quoted in it. FFmpeg runs in the directory of the key.
        tokio::fs::write(&info, format!("{name}\n{name}\n"))
            .await
            .map_err(step())?;
        Ok(PathBuf::from(format!("../{stem}.keyinfo")))
    }
    /// Removes the work; the lock stays held.
    pub(super) fn discard(&self) {
        // What cannot be removed now is swept by the next import or start.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
    /// The import has ended in order: nothing of it is left to be swept.
    pub(super) fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.discard();
        if self.settled {
            let _ = std::fs::remove_file(&self.lock_file);
        }
    }
}

fn lock_path(root: &Path, id: &VideoId) -> PathBuf {
    root.join(format!("{id}.{LOCK}"))
}

/// What a dead import left, with its lock: nobody else can take it for dead, or alive, meanwhile.
pub(crate) struct Abandoned {
    dir: PathBuf,
    lock_file: PathBuf,
    _lock: File,
}

impl Abandoned {
    /// Removes its place to work in.
    pub(crate) fn clear(self) -> io::Result<()> {
        let gone = |done: io::Result<()>| match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(std::fs::remove_dir_all(&self.dir))?;
        // Last: as long as it lies there, all of this is done again.
        gone(std::fs::remove_file(&self.lock_file))
    }
}

/// The imports that have begun and not ended in order: running, dropped and killed ones.
pub(crate) fn begun(root: &Path) -> io::Result<Vec<VideoId>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(NEW) {
            remove_if_old(&entry);
        }
        found.extend(VideoId::parse(name.split('.').next().unwrap_or_default()));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn remove_if_old(entry: &std::fs::DirEntry) {
    let age = entry
        .metadata()
        .and_then(|about| about.modified())
        .map(|modified| modified.elapsed().unwrap_or_default());
    if age.is_ok_and(|age| age > NEW_FOR) {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// Takes the lock of an import that is dead; nothing if it lives.
pub(crate) fn claim(root: &Path, id: &VideoId) -> io::Result<Option<Abandoned>> {
    let lock_file = lock_path(root, id);
    // A place to work in without a lock is nobody's either, and gets one.
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock: File = open(&lock_file, flags, Mode::RUSR | Mode::WUSR)?.into();
    match lock.try_lock() {
        Ok(()) => Ok(Some(Abandoned {
            dir: root.join(id.as_str()),
            lock_file,
            _lock: lock,
        })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
