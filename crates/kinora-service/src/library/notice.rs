use std::io;
use std::path::PathBuf;

use crate::domain::VideoId;
use crate::error::ServiceError;

/// What an operator should know of a data directory, found while it was opened or cleaned.
#[derive(Debug)]
pub enum Notice {
    /// Others of the machine could read a part of the directory; now only its owner can.
    Tightened {
        /// The part.
        path: PathBuf,
        /// Its permission bits before.
        from: u32,
        /// Its permission bits now.
        to: u32,
    },
    /// Others of the machine can read a part of the directory, and that could not be changed.
    ReadableByOthers {
        /// The part.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The system's error.
        source: io::Error,
    },
    /// What an import that was killed left was removed.
    Cleaned(VideoId),
    /// Media that the database does not know was moved to `lost+found`, at this path.
    SetAside(PathBuf),
    /// What killed imports left could not be removed.
    NotCleaned(ServiceError),
    /// No room was kept for the nonces of requests; a full disk will refuse signed requests.
    NoReserve(io::Error),
}
