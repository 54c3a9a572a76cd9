use std::io;
use std::path::PathBuf;

use kinora_errors::{Code, Coded, codes};

use crate::error::{ServiceError, io_code, libc_errno};

/// Why a file could not be brought in. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be opened.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A directory was given.
    #[error("{} is a directory: give a file", .0.display())]
    Directory(PathBuf),
    /// A pipe, socket or device was given.
    #[error("{} is no regular file", .0.display())]
    NotRegular(PathBuf),
    /// The file is empty.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// FFmpeg is not installed.
    #[error("{0} was not found on the PATH: install it with `apt-get install ffmpeg`")]
    NoFfmpeg(&'static str),
    /// FFmpeg refuses the file, in its own words.
    #[error("the file is broken or of an unknown kind; FFmpeg says: {0}")]
    Broken(String),
    /// It ends before its time.
    #[error("the file is cut off: it promises {promised_s:.1} s and holds {found_s:.1} s")]
    CutOff {
        /// Seconds that its header tells.
        promised_s: f64,
        /// Seconds that could be read.
        found_s: f64,
    },
    /// Neither picture nor sound.
    #[error("the file holds neither video nor sound that can be played")]
    NothingPlayable,
    /// The disk is full.
    #[error(
        "the disk of the data directory is full: free some space and import again; nothing was left behind"
    )]
    NoSpace,
    /// FFmpeg stood still.
    #[error("FFmpeg made no progress for {0} s and was ended")]
    Stalled(u64),
    /// A step of our own failed.
    #[error("cannot {doing}")]
    Work {
        /// What was tried.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The library failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl ImportError {
    /// A failed step; a full disk is told as such wherever it shows.
    pub(super) fn work(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Work { doing, source },
        }
    }
}

impl Coded for ImportError {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { source, .. } | Self::Work { source, .. } => io_code(source),
            Self::Directory(_) => Code::from_errno(libc_errno::EISDIR),
            Self::NotRegular(_) => Code::from_errno(libc_errno::EINVAL),
            Self::NoFfmpeg(_) => Code::from_errno(libc_errno::ENOENT),
            Self::Empty(_) | Self::Broken(_) | Self::CutOff { .. } => {
                codes::ERROR_DEMUXER_OPENSTREAM
            }
            Self::NothingPlayable => codes::ERROR_DEMUXER_NO_VALID_STREAM,
            Self::NoSpace => Code::from_errno(libc_errno::ENOSPC),
            Self::Stalled(_) => Code::from_errno(libc_errno::ETIMEDOUT),
            Self::Service(error) => error.code(),
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "import.unreadable",
            Self::Directory(_) => "import.directory",
            Self::NotRegular(_) => "import.not_regular",
            Self::Empty(_) => "import.empty",
            Self::NoFfmpeg(_) => "import.no_ffmpeg",
            Self::Broken(_) => "import.broken",
            Self::CutOff { .. } => "import.cut_off",
            Self::NothingPlayable => "import.nothing_playable",
            Self::NoSpace => "import.no_space",
            Self::Stalled(_) => "import.stalled",
            Self::Work { .. } => "import.work",
            Self::Service(error) => error.reason(),
        }
    }
}
