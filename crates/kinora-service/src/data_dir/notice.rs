use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::domain::VideoId;
use crate::error::{Causes, ServiceError};

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

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tightened { path, from, to } => {
                let path = path.display();
                write!(
                    f,
                    "{path} could be read by others: its mode is now {to:03o}, it was {from:03o}"
                )
            }
            Self::ReadableByOthers { path, mode, source } => {
                let path = path.display();
                write!(
                    f,
                    "{path} can be read by others (mode {mode:03o}), and this could not be changed: {source}"
                )
            }
            Self::Cleaned(id) => write!(f, "removed what the unfinished import {id} had left"),
            Self::SetAside(path) => {
                let path = path.display();
                write!(
                    f,
                    "media that the database does not know were moved to {path}; see `kinora account lost-found`"
                )
            }
            Self::NotCleaned(error) => write!(
                f,
                "what unfinished imports left could not be removed: {}",
                Causes(error)
            ),
            Self::NoReserve(error) => write!(
                f,
                "no room is kept for a full disk ({error}): on one, signed requests are refused"
            ),
        }
    }
}
