mod database;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use kinora_errors::{Code, Coded, codes};

use crate::domain::{VideoId, VideoStatus};
use database::errno;
pub(crate) use database::{BUSY, IO, primary_code};

/// Why the service or its library cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The address is taken.
    #[error(
        "{address} is in use by another program: stop that one, or listen elsewhere (port 0 takes a free one)"
    )]
    PortInUse {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The address cannot be listened at.
    #[error(
        "cannot listen at {address}: it must be an address of this machine, and ports below 1024 need a privilege"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// A file or directory of the data directory cannot be used.
    #[error("cannot {doing} {}", path.display())]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The directory holds other things.
    #[error("{} holds other files and no Kinora data: give an empty or new directory", .0.display())]
    NotADataDirectory(PathBuf),
    /// There is no data directory.
    #[error("there is no Kinora data in {}: check the path; `kinora serve` and `kinora import` make a new one", .0.display())]
    NoDataDirectory(PathBuf),
    /// Media without the database that knows it.
    #[error("{} holds media, but its database kinora.db is missing or empty: restore it from a backup, or move `media` away to begin anew. Nothing was changed", .0.display())]
    DatabaseLost(PathBuf),
    /// The database and the media are not of one library.
    #[error("the database and the media in {} do not belong together: put the right kinora.db back, or the media that it knows. Nothing was changed", .0.display())]
    Mismatched(PathBuf),
    /// A part of the directory is a symbolic link.
    #[error("{} is a symbolic link, and none is followed inside a data directory: keep the whole directory on one disk; --data itself may be a link", .0.display())]
    SymbolicLink(PathBuf),
    /// The directory was written by another version.
    #[error("{} has data of version {found}; this program reads up to version {supported}: use a newer program, or another directory", path.display())]
    OtherVersion {
        /// The directory.
        path: PathBuf,
        /// Version of the data.
        found: i64,
        /// Newest version that this program knows.
        supported: i64,
    },
    /// The database file is no database, or damaged.
    #[error("{} is damaged or no database: restore it from a backup, or give another directory", .0.display())]
    Damaged(PathBuf),
    /// Another service runs on the directory.
    #[error("another service is running on {}: stop it first, or give another directory", .0.display())]
    Locked(PathBuf),
    /// The database has no room.
    #[error("the disk of the data directory is full: free some space and try again")]
    DiskFull(#[source] sqlx::Error),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// No such video.
    #[error("there is no video {0}")]
    NoVideo(VideoId),
    /// No such access key.
    #[error("there is no such access key: `kinora account keys` lists them")]
    NoAccessKey,
    /// No such role.
    #[error("there is no such role: `kinora account roles` lists them")]
    NoRole,
    /// A role can not have that name.
    #[error("a role's name is 1 to 64 letters, digits or . - _")]
    RoleName,
    /// The status machine does not allow that step.
    #[error("a video that is {} cannot become {}", from.as_str(), to.as_str())]
    StatusTransition {
        /// Where the video stands.
        from: VideoStatus,
        /// Where it was to go.
        to: VideoStatus,
    },
}

impl ServiceError {
    pub(crate) fn storage(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Storage {
            doing,
            path,
            source,
        }
    }
}

/// An error and what it came from, in one line: for the log of the machine that it happened on.
pub(crate) struct Causes<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl From<sqlx::Error> for ServiceError {
    fn from(error: sqlx::Error) -> Self {
        match errno(&error) {
            libc_errno::ENOSPC => Self::DiskFull(error),
            _ => Self::Database(error),
        }
    }
}

/// The number of a failure of the operating system.
pub(crate) fn io_code(error: &io::Error) -> Code {
    error
        .raw_os_error()
        .map_or(codes::ERROR_GENERAL_UNKNOWN, Code::from_errno)
}

impl Coded for ServiceError {
    fn code(&self) -> Code {
        match self {
            Self::PortInUse { source, .. }
            | Self::Listen { source, .. }
            | Self::Storage { source, .. } => io_code(source),
            Self::NotADataDirectory(_) => Code::from_errno(libc_errno::ENOTEMPTY),
            Self::NoDataDirectory(_) => Code::from_errno(libc_errno::ENOENT),
            Self::Locked(_) => Code::from_errno(libc_errno::EBUSY),
            Self::OtherVersion { .. }
            | Self::Damaged(_)
            | Self::SymbolicLink(_)
            | Self::DatabaseLost(_)
            | Self::Mismatched(_)
            | Self::StatusTransition { .. }
            | Self::RoleName => Code::from_errno(libc_errno::EINVAL),
            Self::NoRole => Code::from_errno(libc_errno::ENOENT),
            Self::NoAccessKey => codes::ERROR_SERVER_POP_ACCESSKEYID_NOT_FOUND,
            Self::DiskFull(_) => Code::from_errno(libc_errno::ENOSPC),
            Self::Database(error) => Code::from_errno(errno(error)),
            Self::NoVideo(_) => codes::ERROR_SERVER_VOD_INVALIDVIDEO_NOTFOUND,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::PortInUse { .. } => "service.port_in_use",
            Self::Listen { .. } => "service.listen",
            Self::Storage { .. } => "service.storage",
            Self::NotADataDirectory(_) => "service.data.foreign",
            Self::NoDataDirectory(_) => "service.data.missing",
            Self::DatabaseLost(_) => "service.data.database_lost",
            Self::Mismatched(_) => "service.data.mismatch",
            Self::SymbolicLink(_) => "service.data.symlink",
            Self::OtherVersion { .. } => "service.data.version",
            Self::Damaged(_) => "service.data.damaged",
            Self::Locked(_) => "service.data.locked",
            Self::DiskFull(_) => "service.disk_full",
            Self::Database(_) => "service.database",
            Self::NoVideo(_) => "service.video.not_found",
            Self::NoAccessKey => "service.access_key.not_found",
            Self::NoRole => "service.role.not_found",
            Self::RoleName => "service.role.name",
            Self::StatusTransition { .. } => "service.video.status_step",
        }
    }
}

/// Numbers of Linux's `errno.h` that this crate raises itself.
pub(crate) mod libc_errno {
    pub(crate) const ENOENT: i32 = 2;
    pub(crate) const EIO: i32 = 5;
    pub(crate) const ENOMEM: i32 = 12;
    pub(crate) const EACCES: i32 = 13;
    pub(crate) const EBUSY: i32 = 16;
    pub(crate) const EISDIR: i32 = 21;
    pub(crate) const EINVAL: i32 = 22;
    pub(crate) const EFBIG: i32 = 27;
    pub(crate) const ENOSPC: i32 = 28;
    pub(crate) const ENOTEMPTY: i32 = 39;
    pub(crate) const ETIMEDOUT: i32 = 110;
}
