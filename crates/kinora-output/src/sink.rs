use kinora_errors::{Code, Coded};
use kinora_media::VideoFrame;

/// Takes pictures when they are due.
pub trait VideoSink: Send {
    /// Shows, draws or keeps a picture.
    ///
    /// # Errors
    /// What could not be written; the sink may be asked again.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError>;

    /// Writes what is held back: an index, a sheet. Nothing is presented after it.
    ///
    /// # Errors
    /// What could not be written.
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl VideoSink for Box<dyn VideoSink> {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        (**self).present(frame)
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        (**self).finish()
    }
}

/// Why an output failed.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The system refused.
    #[error("{path}: {error}")]
    Io {
        /// File or device.
        path: String,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// A picture could not be encoded.
    #[error("{path}: the picture could not be encoded: {what}")]
    Encode {
        /// The file.
        path: String,
        /// What the encoder said.
        what: String,
    },
    /// There is nothing to draw on.
    #[error("{0}")]
    NoDevice(&'static str),
}

impl Coded for SinkError {
    fn code(&self) -> Code {
        match self {
            Self::Io { error, .. } => Code::from_errno(error.raw_os_error().unwrap_or(0)),
            Self::Encode { .. } | Self::NoDevice(_) => Code::from_errno(0),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Io { .. } => "output.io",
            Self::Encode { .. } => "output.encode",
            Self::NoDevice(_) => "output.no_device",
        }
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullVideo;

impl NullVideo {
    /// A sink that shows nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl VideoSink for NullVideo {
    fn present(&mut self, _frame: &VideoFrame) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Gives every picture to several sinks.
#[derive(Default)]
pub struct TeeVideo {
    sinks: Vec<Box<dyn VideoSink>>,
}

impl TeeVideo {
    /// Pictures go to these, in that order.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn VideoSink>>) -> Self {
        Self { sinks }
    }
}

impl VideoSink for TeeVideo {
    /// All of them see it, also when one fails; the first failure is told.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.sinks.iter_mut().map(|sink| sink.present(frame)).fold(Ok(()), Result::and)
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.sinks.iter_mut().map(VideoSink::finish).fold(Ok(()), Result::and)
    }
}
