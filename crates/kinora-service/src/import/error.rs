use std::io;
use std::path::PathBuf;
use std::time::Duration;

use kinora_errors::{Code, Coded, codes};

use super::ExceededLimit;
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
    /// A program that guards FFmpeg is not installed.
    #[error("setpriv was not found on the PATH: install it with `apt-get install util-linux`")]
    NoSetpriv,
    /// FFmpeg refuses the file, in its own words.
    #[error("the file is broken or of an unknown kind; FFmpeg says: {0}")]
    Broken(String),
    /// It ends before its time.
    #[error("the file is cut off: it promises {promised_s:.1} s and holds {found_s:.1} s")]
    CutOff {
        /// Seconds that its header states.
        promised_s: f64,
        /// Seconds that could be read.
        found_s: f64,
    },
    /// Neither video nor audio.
    #[error("the file holds neither video nor sound that can be played")]
    NothingPlayable,
    /// The disk is full.
    #[error(
        "the disk of the data directory is full: free some space and import again; nothing was left behind"
    )]
    NoSpace,
    /// FFmpeg stood still.
    #[error("FFmpeg made no progress for {} s and was ended", .0.as_secs_f64())]
    Stalled(Duration),
    /// FFmpeg was ended by a signal: by the system, by somebody, or by a fault of its own.
    #[error(
        "FFmpeg was ended by signal {0}: the file may be malicious, or the machine short of memory"
    )]
    Killed(i32),
    /// The import needs more than it may.
    #[error("{0}")]
    ExceededLimit(ExceededLimit),
    /// A step of our own failed.
    #[error("cannot {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The library failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<ExceededLimit> for ImportError {
    fn from(limit: ExceededLimit) -> Self {
        Self::ExceededLimit(limit)
    }
}

impl ImportError {
    /// A failed step; a full disk is reported as such wherever it shows.
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io { doing, source },
        }
    }
}

impl Coded for ImportError {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { source, .. } | Self::Io { source, .. } => io_code(source),
            Self::Directory(_) => Code::from_errno(libc_errno::EISDIR),
            Self::NotRegular(_) => Code::from_errno(libc_errno::EINVAL),
            Self::NoFfmpeg(_) | Self::NoSetpriv => Code::from_errno(libc_errno::ENOENT),
            Self::Empty(_) | Self::Broken(_) | Self::CutOff { .. } | Self::Killed(_) => {
                codes::ERROR_DEMUXER_OPENSTREAM
            }
            Self::NothingPlayable => codes::ERROR_DEMUXER_NO_VALID_STREAM,
            Self::NoSpace => Code::from_errno(libc_errno::ENOSPC),
            Self::Stalled(_)
            | Self::ExceededLimit(ExceededLimit::Cpu(_) | ExceededLimit::Time(_)) => {
                Code::from_errno(libc_errno::ETIMEDOUT)
            }
            Self::ExceededLimit(ExceededLimit::Memory(_)) => Code::from_errno(libc_errno::ENOMEM),
            Self::ExceededLimit(
                ExceededLimit::Pixels(_)
                | ExceededLimit::Duration(_)
                | ExceededLimit::Streams(_)
                | ExceededLimit::Output(_),
            ) => Code::from_errno(libc_errno::EFBIG),
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
            Self::NoSetpriv => "import.no_setpriv",
            Self::Broken(_) => "import.broken",
            Self::Killed(_) => "import.killed",
            Self::ExceededLimit(limit) => match limit {
                ExceededLimit::Pixels(_) => "import.limit.pixels",
                ExceededLimit::Duration(_) => "import.limit.duration",
                ExceededLimit::Streams(_) => "import.limit.streams",
                ExceededLimit::Memory(_) => "import.limit.memory",
                ExceededLimit::Cpu(_) => "import.limit.cpu",
                ExceededLimit::Time(_) => "import.limit.time",
                ExceededLimit::Output(_) => "import.limit.output",
            },
            Self::CutOff { .. } => "import.cut_off",
            Self::NothingPlayable => "import.nothing_playable",
            Self::NoSpace => "import.no_space",
            Self::Stalled(_) => "import.stalled",
            Self::Io { .. } => "import.work",
            Self::Service(error) => error.reason(),
        }
    }
}
