use kinora_media::VideoFrame;

use crate::{CallingThread, Needs, Presenter, ScaleMode, ShownCues, SinkError, Timing, VideoSink};

/// Gives every video frame to several sinks.
#[derive(Default)]
pub struct TeeVideo {
    sinks: Vec<Presenter<Box<dyn VideoSink>>>,
}

impl TeeVideo {
    /// Frames go to these, in that order.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn VideoSink>>) -> Self {
        Self {
            sinks: sinks.into_iter().map(Presenter::new).collect(),
        }
    }
}

/// Each is made ready for the format of its frames by itself: one that refuses it keeps it from no other.
impl VideoSink for TeeVideo {
    /// The thread that any of them needs. Frames come ahead as far as all of them take them so: to one that shows what it gets
    /// none may come too early.
    fn needs(&self) -> Needs {
        let all = || self.sinks.iter().map(Presenter::needs);
        let thread = all().map(|needs| needs.thread);
        Needs {
            thread: thread.fold(CallingThread::Own, CallingThread::or),
            ahead: all().map(|needs| needs.ahead).min().unwrap_or_default(),
            fonts: all().any(|needs| needs.fonts),
        }
    }
    /// All of them see it, also when one fails; the first failure is reported.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.sinks
            .iter_mut()
            .map(|sink| sink.present(frame).map(drop))
            .fold(Ok(()), Result::and)
    }
    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        self.sinks
            .iter_mut()
            .map(|sink| sink.present_at(frame, timing).map(drop))
            .fold(Ok(()), Result::and)
    }
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        let sinks = self.sinks.iter_mut();
        sinks.for_each(|sink| sink.set_scale_mode(mode));
    }
    fn set_paused(&mut self, paused: bool) {
        let sinks = self.sinks.iter_mut();
        sinks.for_each(|sink| sink.set_paused(paused));
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        self.sinks.iter_mut().for_each(|sink| sink.set_cues(cues));
    }
    fn clear(&mut self) {
        self.sinks.iter_mut().for_each(Presenter::clear);
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
