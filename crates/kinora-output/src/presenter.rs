use kinora_media::VideoFrame;

use crate::{Needs, ScaleMode, ShownCues, SinkError, Timing, VideoFormat, VideoSink};

/// Calls a video sink in the order that its contract promises.
pub struct Presenter<S> {
    sink: S,
    /// The format it was made ready for last, and whether it takes it.
    format: Option<(VideoFormat, bool)>,
    /// It was given a frame since the last flush.
    holds: bool,
}

impl<S: VideoSink> Presenter<S> {
    /// Nothing was presented yet.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            format: None,
            holds: false,
        }
    }

    /// What the sink needs.
    pub fn needs(&self) -> Needs {
        self.sink.needs()
    }

    /// Gives the sink a frame at its time, and its format before it where that is new. `false`: the sink takes none of that
    /// format.
    ///
    /// # Errors
    /// What the sink said of the format, once for each change, or of the frame.
    pub fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<bool, SinkError> {
        self.show(frame, |sink| sink.present_at(frame, timing))
    }

    /// The same at no time in particular.
    ///
    /// # Errors
    /// As for [`present_at`](Self::present_at).
    pub fn present(&mut self, frame: &VideoFrame) -> Result<bool, SinkError> {
        self.show(frame, |sink| sink.present(frame))
    }

    fn show(
        &mut self,
        frame: &VideoFrame,
        present: impl FnOnce(&mut S) -> Result<(), SinkError>,
    ) -> Result<bool, SinkError> {
        let format = VideoFormat::of(frame);
        let takes = match self.format {
            Some((known, takes)) if known == format => takes,
            _ => {
                let configured = self.sink.configure(&format);
                self.format = Some((format, configured.is_ok()));
                configured?;
                true
            }
        };
        if takes {
            self.holds = true;
            present(&mut self.sink)?;
        }
        Ok(takes)
    }

    /// How pictures lie within the sink's area.
    pub fn set_scale_mode(&mut self, mode: ScaleMode) {
        self.sink.set_scale_mode(mode);
    }

    /// Playback is held, or goes on.
    pub fn set_paused(&mut self, paused: bool) {
        self.sink.set_paused(paused);
    }

    /// These cues lie on the frames that follow.
    pub fn set_cues(&mut self, cues: &ShownCues) {
        self.sink.set_cues(cues);
    }

    /// Nothing is to be seen any more.
    pub fn clear(&mut self) {
        self.sink.clear();
    }

    /// Playback jumps; nothing is called where the sink holds nothing.
    pub fn flush(&mut self) {
        if std::mem::take(&mut self.holds) {
            self.sink.flush();
        }
    }

    /// Nothing is presented after it.
    ///
    /// # Errors
    /// What could not be written.
    pub fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish()
    }
}
