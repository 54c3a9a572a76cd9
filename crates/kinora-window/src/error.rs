use std::error::Error as StdError;
use std::io;

use kinora_errors::{Code, Coded};
use kinora_output::SinkError;
use thiserror::Error;

pub(crate) type Source = Box<dyn StdError + Send + Sync>;

/// There is no window, or nothing can be drawn in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WindowError {
    /// No display server can be reached.
    #[error("no display can be opened")]
    NoDisplay(#[source] Source),
    /// The program may not open as many files as a window needs.
    #[error("a window needs more open files than the program may have")]
    NoFiles(#[source] io::Error),
    /// The display makes no window.
    #[error("the display makes no window")]
    NotMade(#[source] Source),
    /// No GPU, or none that can draw in this window.
    #[error("no GPU can draw the pictures")]
    NoGpu(#[source] Source),
    /// The window's pixels can not be written.
    #[error("the window's pixels can not be written")]
    NoPixels(#[source] Source),
    /// A thread of the window could not be started, or has died.
    #[error("a thread of the window does not run")]
    Thread(#[source] io::Error),
}

impl Coded for WindowError {
    fn code(&self) -> Code {
        match self {
            Self::Thread(source) | Self::NoFiles(source) => {
                Code::from_errno(source.raw_os_error().unwrap_or(0))
            }
            // ENODEV
            _ => Code::from_errno(19),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NoDisplay(_) => "window.no_display",
            Self::NoFiles(_) => "window.no_files",
            Self::NotMade(_) => "window.not_made",
            Self::NoGpu(_) => "window.no_gpu",
            Self::NoPixels(_) => "window.no_pixels",
            Self::Thread(_) => "window.thread",
        }
    }
}

impl From<WindowError> for SinkError {
    fn from(error: WindowError) -> Self {
        Self::application_as(error.code(), error)
    }
}
