use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use kinora_errors::{Code, Coded, codes};
use kinora_media::VideoFrame;
use kinora_overlay::NoFonts;
use thiserror::Error;

/// A video frame or audio samples could not be put out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// A file could not be made or written.
    #[error("{} can not be written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The terminal could not be written.
    #[error("the terminal can not be written")]
    Terminal(#[source] io::Error),
    /// The output's thread could not be started, or has died.
    #[error("the output's thread does not run")]
    Thread(#[source] io::Error),
    /// No terminal is there.
    #[error("the output is not a terminal; choose another video output")]
    NoTerminal,
    /// A picture could not be coded as PNG.
    #[error("the picture can not be coded as PNG")]
    Png(#[source] Box<dyn StdError + Send + Sync>),
    /// The file of a picture can not be decoded.
    #[error("the picture can not be decoded")]
    Picture(#[source] Box<dyn StdError + Send + Sync>),
    /// A picture without pixels, larger than any screen, or with less memory than its size needs.
    #[error("the picture of {width}x{height} is not valid: {why}")]
    BadFrame {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What is wrong.
        why: &'static str,
    },
    /// A file that holds one format only was given another.
    #[error("{} holds {had}; {got} can not follow", path.display())]
    FormatChanged {
        /// The file.
        path: PathBuf,
        /// Its format.
        had: String,
        /// The new one.
        got: String,
    },
    /// No fonts are installed: the frame went out without its subtitles, and those that follow will. Told once.
    #[error(transparent)]
    NoFonts(#[from] NoFonts),
    /// No sound system is there to play by.
    #[error("no sound system is there")]
    NoSoundSystem(#[source] Box<dyn StdError + Send + Sync>),
    /// The sound system has no such device.
    #[error("the sound device is not there")]
    NoDevice(#[source] Box<dyn StdError + Send + Sync>),
    /// The device went away, or does not answer. Time goes on without it.
    #[error("the sound device is gone")]
    DeviceLost(#[source] Box<dyn StdError + Send + Sync>),
    /// The device does not play such samples.
    #[error("the sound device does not play {0}")]
    DeviceFormat(String),
    /// A sink of the application's own failed; made by [`SinkError::application`].
    #[error("the application's output failed")]
    Application {
        /// Its number.
        code: Code,
        /// What the application says of it.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl SinkError {
    /// The failure of a sink of the application's own: any error, or a sentence. An error of the system gets the number of its
    /// errno, all others `ERROR_GENERAL_UNKNOWN`.
    ///
    /// ```
    /// # use kinora_output::SinkError;
    /// let lost = SinkError::application("the window is gone");
    /// ```
    pub fn application(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = error.into();
        let errno = source
            .downcast_ref::<io::Error>()
            .and_then(io::Error::raw_os_error);
        Self::application_as(
            errno.map_or(codes::ERROR_GENERAL_UNKNOWN, Code::from_errno),
            source,
        )
    }

    /// The same by a number of the application's choice.
    pub fn application_as(code: Code, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Application {
            code,
            source: error.into(),
        }
    }

    /// The failure of a frame that can not be shown, with the reason.
    #[must_use]
    pub const fn bad_frame(frame: &VideoFrame, why: &'static str) -> Self {
        Self::BadFrame {
            width: frame.width,
            height: frame.height,
            why,
        }
    }

    pub(crate) fn picture(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Picture(error.into())
    }

    /// It takes nothing from what was put out but the subtitles: no reason to end with a failure.
    #[must_use]
    pub const fn is_notice(&self) -> bool {
        matches!(self, Self::NoFonts(_))
    }

    pub(crate) fn png(error: png::EncodingError) -> Self {
        Self::Png(error.into())
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// So that `?` does in a sink of the application's own.
impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        Self::application(error)
    }
}

impl Coded for SinkError {
    fn code(&self) -> Code {
        match self {
            Self::File { source, .. } | Self::Terminal(source) | Self::Thread(source) => {
                Code::from_errno(source.raw_os_error().unwrap_or(0))
            }
            // ENOENT
            Self::NoFonts(_) => Code::from_errno(2),
            // ENODEV
            Self::NoSoundSystem(_) | Self::NoDevice(_) | Self::DeviceLost(_) => {
                Code::from_errno(19)
            }
            // EINVAL
            Self::DeviceFormat(_) => Code::from_errno(22),
            // ENOTTY
            Self::NoTerminal => Code::from_errno(25),
            Self::Png(_) | Self::BadFrame { .. } | Self::FormatChanged { .. } => {
                codes::ERROR_GENERAL_UNKNOWN
            }
            Self::Picture(_) => codes::ERROR_DECODE_VIDEO,
            Self::Application { code, .. } => *code,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "sink.disk_full",
                io::ErrorKind::PermissionDenied => "sink.permission",
                io::ErrorKind::NotFound => "sink.no_such_folder",
                io::ErrorKind::BrokenPipe => "sink.reader_gone",
                _ => "sink.io",
            },
            Self::Terminal(_) => "sink.terminal",
            Self::Thread(_) => "sink.thread",
            Self::NoTerminal => "sink.no_terminal",
            Self::Png(_) => "sink.png",
            Self::Picture(_) => "picture.undecodable",
            Self::BadFrame { .. } => "sink.bad_frame",
            Self::FormatChanged { .. } => "sink.format_changed",
            Self::NoFonts(_) => "sink.no_fonts",
            Self::NoSoundSystem(_) => "sink.no_sound_system",
            Self::NoDevice(_) => "sink.no_device",
            Self::DeviceLost(_) => "sink.device_lost",
            Self::DeviceFormat(_) => "sink.device_format",
            Self::Application { .. } => "sink.application",
        }
    }
}
