use std::io;
use std::path::PathBuf;

use kinora_errors::{Code, Coded, codes};
use thiserror::Error;

/// What can go wrong with what is kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The file system refused.
    #[error("the cache does not work: {doing} {} failed", path.display())]
    Io {
        /// What was being done: `reading`.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Bytes are not those that were written.
    #[error("{len} cached bytes from offset {offset} on are damaged: {why}")]
    Damaged {
        /// Their first one, in the resource.
        offset: u64,
        /// How many.
        len: u64,
        /// How it shows.
        why: &'static str,
    },
    /// The store has no room for more of this resource.
    #[error("the cache has no room for more of this resource")]
    NoRoom,
}

impl CacheError {
    /// The disk is full, or the user's share of it.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}

impl Coded for CacheError {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => match source.raw_os_error() {
                Some(errno) => Code::from_errno(errno),
                None => codes::ERROR_GENERAL_EIO,
            },
            Self::Damaged { .. } => codes::ERROR_GENERAL_EIO,
            // ENOSPC
            Self::NoRoom => Code::from_errno(28),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            _ if self.is_full_disk() => "cache.disk_full",
            Self::Io { .. } => "cache.io",
            Self::Damaged { .. } => "cache.damaged",
            Self::NoRoom => "cache.no_room",
        }
    }
}
