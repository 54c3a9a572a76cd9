use kinora_media::VideoFrame;

use crate::{SinkError, VideoFormat, VideoSink};

/// Calls a video sink in the order that its contract promises.
pub struct Presenter<S> {
    sink: S,
    /// The form it was told last, and whether it takes it.
    format: Option<(VideoFormat, bool)>,
    /// It was given a picture since the last flush.
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

    /// Gives the sink a picture, and its form before it where that is new. `false`: the sink takes none of that form.
    ///
    /// # Errors
    /// What the sink said of the form, once for each change, or of the picture.
    pub fn present(&mut self, frame: &VideoFrame) -> Result<bool, SinkError> {
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
            self.sink.present(frame)?;
        }
        Ok(takes)
    }

    /// Tells the sink that playback jumps; nothing where it holds nothing.
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
