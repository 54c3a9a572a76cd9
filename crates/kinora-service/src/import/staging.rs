use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::ImportError;
use crate::crypto::random;
use crate::domain::VideoId;

const LOCK: &str = "lock";
const OUT: &str = "out";

/// A place to work in, `ID/` with the media in `ID/out`, guarded by the lock `ID.lock` for as long as the import
/// lives. The system frees the lock of a killed one, so what it left can be told from work in progress.
pub(super) struct Staging {
    dir: PathBuf,
    out: PathBuf,
    lock_file: PathBuf,
    _lock: File,
}

impl Staging {
    pub(super) fn begin(root: &Path, id: &VideoId) -> Result<Self, ImportError> {
        let begin = || ImportError::work("make a place to work in");
        let lock_file = lock_path(root, id);
        // Locked before it has its name, so that no sweep finds it free.
        let nameless = root.join(format!("new-{id}"));
        let lock = File::create_new(&nameless).map_err(begin())?;
        lock.lock().map_err(begin())?;
        std::fs::rename(&nameless, &lock_file).map_err(begin())?;
        let dir = root.join(id.as_str());
        let staging = Self {
            out: dir.join(OUT),
            dir,
            lock_file,
            _lock: lock,
        };
        std::fs::create_dir_all(&staging.out).map_err(begin())?;
        Ok(staging)
    }
    pub(super) fn out(&self) -> &Path {
        &self.out
    }
    /// Draws a key for a rendition, and writes what FFmpeg must know of it. The segment's number is the IV
    /// (RFC 8216 5.2).
    pub(super) async fn key_info(&self, stem: &str) -> Result<PathBuf, ImportError> {
        let step = || ImportError::work("make an encryption key");
        let name = format!("{stem}.key");
        let key = self.out.join(&name);
        tokio::fs::write(&key, random::<16>().map_err(step())?)
            .await
            .map_err(step())?;
        let info = self.dir.join(format!("{stem}.keyinfo"));
        // The file has lines; a path cannot be quoted in it. FFmpeg runs in the directory of the key.
        tokio::fs::write(&info, format!("{name}\n{name}\n"))
            .await
            .map_err(step())?;
        Ok(PathBuf::from(format!("../{stem}.keyinfo")))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is swept when the service starts.
        let _ = std::fs::remove_dir_all(&self.dir);
        let _ = std::fs::remove_file(&self.lock_file);
    }
}

fn lock_path(root: &Path, id: &VideoId) -> PathBuf {
    root.join(format!("{id}.{LOCK}"))
}

/// Whether no living import works on that video.
pub(crate) fn is_abandoned(root: &Path, id: &VideoId) -> bool {
    match File::open(lock_path(root, id)) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes the working places of killed imports.
pub(crate) fn sweep_staging(root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(id) = name
            .to_str()
            .and_then(|name| VideoId::parse(name.split('.').next().unwrap_or_default()))
        else {
            continue;
        };
        if !is_abandoned(root, &id) {
            continue;
        }
        let gone = if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        match gone {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
