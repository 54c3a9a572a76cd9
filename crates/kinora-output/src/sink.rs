use kinora_media::VideoFrame;

use crate::SinkError;

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
        self.sinks
            .iter_mut()
            .map(|sink| sink.present(frame))
            .fold(Ok(()), Result::and)
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.sinks
            .iter_mut()
            .map(VideoSink::finish)
            .fold(Ok(()), Result::and)
    }
}
