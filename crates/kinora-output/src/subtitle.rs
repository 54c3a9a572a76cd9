//! Subtitles on video frames.

mod blend;
mod patch;

use kinora_media::VideoFrame;
use kinora_overlay::CueRenderer;

use self::patch::Patch;
use crate::video::image::display_size;
use crate::{Needs, ScaleMode, ShownCues, SinkError, Timing, VideoFormat, VideoSink};

/// Gives frames to another sink with the cues drawn on them.
///
/// Cues are drawn once for as long as they look the same, and only what they cover of a frame is changed, in a copy; while none is shown
/// frames go through as they are. They stand upright on turned pictures. Where no fonts are installed the frames go out without, and
/// [`SinkError::NoFonts`] says so once.
pub struct Subtitled<S> {
    sink: S,
    renderer: CueRenderer,
    cues: ShownCues,
    /// The cues as samples of that format.
    patches: Option<(VideoFormat, Vec<Patch>)>,
    /// It was told that there are no fonts.
    told: bool,
}

impl<S: VideoSink> Subtitled<S> {
    /// Frames go to `sink`, with what `renderer` draws.
    pub fn new(sink: S, renderer: CueRenderer) -> Self {
        Self {
            sink,
            renderer,
            cues: ShownCues::default(),
            patches: None,
            told: false,
        }
    }

    /// The frame with the cues on it; `None`: as it is.
    fn drawn(&mut self, frame: &VideoFrame) -> Option<VideoFrame> {
        if self.cues.is_empty() {
            return None;
        }
        let format = VideoFormat::of(frame);
        let size = upright_size(&format);
        let changed = self.renderer.render(&self.cues, size, frame.pts);
        let patches = match self.patches.take() {
            Some((known, patches)) if known == format && !changed => patches,
            _ => {
                let overlays = self.renderer.overlays().iter();
                overlays
                    .flat_map(|it| patch::patches(it, &format))
                    .collect()
            }
        };
        let drawn = blend::drawn_on(frame, &patches);
        self.patches = Some((format, patches));
        drawn
    }

    fn show(
        &mut self,
        frame: &VideoFrame,
        present: impl FnOnce(&mut S, &VideoFrame) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let drawn = self.drawn(frame);
        present(&mut self.sink, drawn.as_ref().unwrap_or(frame))?;
        match self.renderer.lacks_fonts() {
            Some(none) if !std::mem::replace(&mut self.told, true) => Err(none.into()),
            _ => Ok(()),
        }
    }
}

/// A frame with cues drawn on it as they look at its time; as it is where its samples can not be drawn on.
#[must_use]
pub fn with_cues(frame: &VideoFrame, cues: &ShownCues, renderer: &mut CueRenderer) -> VideoFrame {
    let format = VideoFormat::of(frame);
    renderer.render(cues, upright_size(&format), frame.pts);
    let overlays = renderer.overlays().iter();
    let patches: Vec<Patch> = overlays
        .flat_map(|it| patch::patches(it, &format))
        .collect();
    blend::drawn_on(frame, &patches).unwrap_or_else(|| frame.clone())
}

/// The size at which a person sees a frame.
fn upright_size(format: &VideoFormat) -> (u32, u32) {
    format.orientation().size(display_size(format))
}

impl<S: VideoSink> VideoSink for Subtitled<S> {
    fn needs(&self) -> Needs {
        Needs {
            fonts: true,
            ..self.sink.needs()
        }
    }
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        self.sink.configure(format)
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.show(frame, |sink, frame| sink.present(frame))
    }
    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        self.show(frame, |sink, frame| sink.present_at(frame, timing))
    }
    fn set_paused(&mut self, paused: bool) {
        self.sink.set_paused(paused);
    }
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        self.sink.set_scale_mode(mode);
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        self.cues = cues.clone();
    }
    fn clear(&mut self) {
        self.sink.clear();
    }
    fn flush(&mut self) {
        self.sink.flush();
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish()
    }
}
