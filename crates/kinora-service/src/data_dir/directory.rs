//! The directory itself: made, checked and closed to others before anything in it is used.
//!
//! The database and the media carry the same library id, so that a lost, emptied or exchanged database is noticed
//! before anything is done in its name.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::Notice;
use crate::crypto::{hex, random};
use crate::error::ServiceError;
use crate::store::SqliteStore;

const DATABASE: &str = "kinora.db";
const MEDIA: &str = "media";
const STAGING: &str = "staging";
const LOST_FOUND: &str = "lost+found";
/// Permit by the one service that runs on the directory.
const SERVER_LOCK: &str = "server.lock";
const RESERVE: &str = "nonces.reserve";
/// Lies among the media and names the library that they are of. No video can have such a name.
const MARK: &str = ".library";
const MAX_MARK_LEN: u64 = 64;
/// So many videos are looked for among the media to tell whether both are of one library.
const MAX_SAMPLE: u32 = 1000;
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// A data directory by its absolute path.
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Finds a data directory, and makes it where there is none.
    pub(crate) fn create(dir: &Path) -> Result<Self, ServiceError> {
        private_dir(dir).map_err(ServiceError::storage("make the data directory", dir))?;
        let directory = Self::find(dir)?;
        if !directory.has_database()? {
            directory.refuse_other_things()?;
            let database = directory.database();
            File::options()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&database)
                .map_err(ServiceError::storage("write the database", &database))?;
        }
        Ok(directory)
    }

    /// Finds a data directory that is there already.
    pub(crate) fn existing(dir: &Path) -> Result<Self, ServiceError> {
        let directory = match Self::find(dir) {
            Err(ServiceError::Storage { source, .. })
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(ServiceError::NoDataDirectory(dir.to_path_buf()));
            }
            found => found?,
        };
        if !directory.has_database()? {
            return Err(ServiceError::NoDataDirectory(dir.to_path_buf()));
        }
        Ok(directory)
    }

    fn find(dir: &Path) -> Result<Self, ServiceError> {
        // FFmpeg works in a directory of its own: what it is told must not depend on ours.
        let root = std::fs::canonicalize(dir).map_err(ServiceError::storage("find", dir))?;
        let directory = Self { root };
        directory.refuse_links()?;
        Ok(directory)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
    pub(crate) fn database(&self) -> PathBuf {
        self.root.join(DATABASE)
    }
    pub(crate) fn media(&self) -> PathBuf {
        self.root.join(MEDIA)
    }
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }
    pub(crate) fn lost_found(&self) -> PathBuf {
        self.root.join(LOST_FOUND)
    }
    pub(crate) fn server_lock(&self) -> PathBuf {
        self.root.join(SERVER_LOCK)
    }
    pub(crate) fn reserve(&self) -> PathBuf {
        self.root.join(RESERVE)
    }
    fn mark(&self) -> PathBuf {
        self.media().join(MARK)
    }

    /// Everything that is ours, the directory first.
    fn parts(&self) -> Vec<PathBuf> {
        let beside = ["-wal", "-shm", "-journal"].map(|end| format!("{DATABASE}{end}"));
        let mut parts = vec![self.root.clone()];
        let names = [DATABASE, MEDIA, STAGING, LOST_FOUND, SERVER_LOCK, RESERVE];
        parts.extend(names.iter().map(|name| self.root.join(name)));
        parts.extend(beside.iter().map(|name| self.root.join(name)));
        parts.push(self.mark());
        parts
    }

    fn refuse_links(&self) -> Result<(), ServiceError> {
        let link = self
            .parts()
            .into_iter()
            .find(|part| about(part).is_some_and(|about| about.is_symlink()));
        link.map_or(Ok(()), |link| Err(ServiceError::SymbolicLink(link)))
    }

    /// Whether there is a database with something in it. Media without one are left alone, and all with them: SQLite
    /// would throw away the log that the database could be restored from.
    fn has_database(&self) -> Result<bool, ServiceError> {
        // In this order: whoever makes the directory just now writes the database before the first media.
        let media = self.media();
        let in_use = holds_videos(&media).map_err(ServiceError::storage("read", &media))?;
        let written = about(&self.database()).is_some_and(|about| about.len() > 0);
        if in_use && !written {
            return Err(ServiceError::DatabaseLost(self.root.clone()));
        }
        Ok(written)
    }

    fn refuse_other_things(&self) -> Result<(), ServiceError> {
        let read = || ServiceError::storage("read", &self.root);
        for entry in std::fs::read_dir(&self.root).map_err(read())? {
            let name = entry.map_err(read())?.file_name();
            let ours = [MEDIA, STAGING, LOST_FOUND, SERVER_LOCK, RESERVE];
            let known = name
                .to_str()
                .is_some_and(|name| ours.contains(&name) || name.starts_with(DATABASE));
            if !known {
                return Err(ServiceError::NotADataDirectory(self.root.clone()));
            }
        }
        Ok(())
    }

    /// Leaves what is ours to its owner: the database holds secrets, the media are given out by signature only.
    pub(crate) fn tighten(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for path in self.parts() {
            let Some(about) = about(&path) else { continue };
            let from = about.permissions().mode() & 0o777;
            if from & OTHERS == 0 {
                continue;
            }
            let to = from & !OTHERS;
            notices.push(
                match std::fs::set_permissions(&path, Permissions::from_mode(to)) {
                    Ok(()) => Notice::Tightened { path, from, to },
                    Err(source) => Notice::ReadableByOthers {
                        path,
                        mode: from,
                        source,
                    },
                },
            );
        }
        notices
    }

    /// Makes sure that the database and the media are of one library; what has no id yet gets one.
    pub(crate) async fn check_library_id(
        &self,
        database: &SqliteStore,
    ) -> Result<(), ServiceError> {
        let mark = self.mark();
        let marked = read_mark(&mark).map_err(ServiceError::storage("read", &mark))?;
        let known = database.library_id().await?;
        if known.is_some() && known == marked {
            return self.create_parts();
        }
        if !self.belong_together(database).await? {
            return Err(ServiceError::Mismatched(self.root.clone()));
        }
        self.create_parts()?;
        let id = match (known, marked.clone()) {
            (Some(id), _) => id,
            (None, Some(id)) => database.adopt_library_id(&id).await?,
            (None, None) => {
                let drawn = random::<16>()
                    .map_err(ServiceError::storage("draw a random id for", &self.root))?;
                database.adopt_library_id(&hex(&drawn)).await?
            }
        };
        if marked.as_ref() != Some(&id) {
            write_mark(&mark, &id).map_err(ServiceError::storage("write", &mark))?;
        }
        Ok(())
    }

    /// Whether the media show that the database is theirs: one video of it lies there, or there is nothing to lose
    /// on either side.
    async fn belong_together(&self, database: &SqliteStore) -> Result<bool, ServiceError> {
        let media = self.media();
        if !holds_videos(&media).map_err(ServiceError::storage("read", &media))? {
            return Ok(database.some_videos(true, 1).await?.is_empty());
        }
        let some = database.some_videos(false, MAX_SAMPLE).await?;
        Ok(some
            .iter()
            .any(|id| about(&media.join(id.as_str())).is_some()))
    }

    fn create_parts(&self) -> Result<(), ServiceError> {
        for part in [self.media(), self.staging()] {
            private_dir(&part).map_err(ServiceError::storage("make", &part))?;
        }
        Ok(())
    }
}

/// What lies at a path itself; no link is followed.
pub(crate) fn about(path: &Path) -> Option<Metadata> {
    std::fs::symlink_metadata(path).ok()
}

/// Makes a directory that only its owner can look into, and those above it.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether there is anything among the media beside their mark.
fn holds_videos(media: &Path) -> io::Result<bool> {
    let entries = match std::fs::read_dir(media) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(false);
        }
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        // `lost+found`: the disk of the media is mounted there.
        if !name.as_encoded_bytes().starts_with(MARK.as_bytes()) && name != LOST_FOUND {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_mark(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_MARK_LEN).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    Ok(Some(text).filter(|id| !id.is_empty()))
}

/// Whole or not at all.
fn write_mark(path: &Path, id: &str) -> io::Result<()> {
    // Others may be doing the same.
    let new = path.with_extension(hex(&random::<8>()?));
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
