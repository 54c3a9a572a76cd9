use kinora_media::VideoFrame;

use crate::{Presenter, SinkError, VideoSink};

/// Gives every picture to several sinks.
#[derive(Default)]
pub struct TeeVideo {
    sinks: Vec<Presenter<Box<dyn VideoSink>>>,
}

impl TeeVideo {
    /// Pictures go to these, in that order.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn VideoSink>>) -> Self {
        Self {
            sinks: sinks.into_iter().map(Presenter::new).collect(),
        }
    }
}

/// Each is told the form of its pictures by itself: one that refuses it keeps it from no other.
impl VideoSink for TeeVideo {
    /// All of them see it, also when one fails; the first failure is told.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.sinks
            .iter_mut()
            .map(|sink| sink.present(frame).map(drop))
            .fold(Ok(()), Result::and)
    }
    fn flush(&mut self) {
        self.sinks.iter_mut().for_each(Presenter::flush);
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.sinks
            .iter_mut()
            .map(Presenter::finish)
            .fold(Ok(()), Result::and)
    }
}
