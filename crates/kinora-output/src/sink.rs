use kinora_media::{ColorInfo, Mirror, Orientation, PixelFormat, Rotation, Time, VideoFrame};
use kinora_subtitle::ShownCues;

use crate::{ScaleMode, SinkError};

/// The format of the video frames a sink takes. It changes where a stream does: another rendition, another advertisement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VideoFormat {
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// How the samples lie.
    pub pixels: PixelFormat,
    /// Colour description.
    pub color: ColorInfo,
    /// Pixel aspect ratio, where the codec has one.
    pub pixel_aspect: Option<(u32, u32)>,
    /// How the frames must be turned.
    pub rotation: Rotation,
    /// How they must be mirrored after that.
    pub mirror: Mirror,
}

impl VideoFormat {
    /// How the frames are turned and mirrored.
    #[must_use]
    pub const fn orientation(&self) -> Orientation {
        Orientation {
            rotation: self.rotation,
            mirror: self.mirror,
        }
    }

    /// That of a frame.
    #[must_use]
    pub fn of(frame: &VideoFrame) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            pixels: frame.format,
            color: frame.color,
            pixel_aspect: frame.pixel_aspect,
            rotation: frame.rotation,
            mirror: frame.mirror,
        }
    }
}

/// Which thread a sink must be called on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum CallingThread {
    /// One of the player's own, always the same.
    #[default]
    Own,
    /// The application's main thread, as some window systems want it.
    Main,
}

impl CallingThread {
    /// What serves both.
    pub(crate) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Own, Self::Own) => Self::Own,
            (Self::Main, _) | (_, Self::Main) => Self::Main,
        }
    }
}

/// What a sink needs beyond the calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Needs {
    /// Which thread it must be called on. A player calls its sinks on a thread of its own, and refuses one that needs another.
    pub thread: CallingThread,
    /// Frames are given so much before they are due, for a sink that hands them to the refresh of a screen by
    /// [`Timing::due`]; at most [`Needs::MAX_AHEAD`]. Zero: when they are due.
    pub ahead: Time,
    /// It draws cues as pictures: the fonts that a film's file brings along for them are fetched ([`ShownCues::fonts`]).
    pub fonts: bool,
}

impl Needs {
    /// No frame is given sooner than so long before it is due: what was given can not be taken back by a pause.
    pub const MAX_AHEAD: Time = Time::from_millis(100);

    /// It must be called on the main thread.
    #[must_use]
    pub const fn main_thread() -> Self {
        Self {
            thread: CallingThread::Main,
            ahead: Time::ZERO,
            fonts: false,
        }
    }

    /// It draws cues as pictures.
    #[must_use]
    pub fn drawing_cues() -> Self {
        Self {
            fonts: true,
            ..Self::default()
        }
    }

    /// Frames are given so much before they are due, with the moment at which they are to be seen.
    #[must_use]
    pub fn frames_ahead(ahead: Time) -> Self {
        Self {
            thread: CallingThread::Own,
            ahead: ahead.max(Time::ZERO).min(Self::MAX_AHEAD),
            ..Self::default()
        }
    }
}

/// When a video frame is presented; both on the player's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// The moment of the call.
    pub now: Time,
    /// The moment at which the frame is to be seen: later than `now` by up to [`Needs::ahead`], or earlier where it comes too
    /// late.
    pub due: Time,
}

/// Takes video frames when they are due, or a little before, if it needs them then.
///
/// The calls come one after the other, on one thread that is not the caller's: `configure`, then `present_at` as often as
/// frames are due, `flush` in between where playback jumps, `set_paused` where it is held and goes on, `finish` once at the
/// end. A frame that was given ahead is shown at its time though playback is held before it. A sink may take its time: frames that come meanwhile are dropped and counted, and the player plays on.
pub trait VideoSink: Send {
    /// What it needs beyond the calls; asked once, before any of them.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Makes ready for frames of that format: before the first one, and whenever the format changes.
    ///
    /// # Errors
    /// When frames of that format can not be shown. It is reported once; they are left out until the format changes.
    fn configure(&mut self, _format: &VideoFormat) -> Result<(), SinkError> {
        Ok(())
    }

    /// Shows, draws or keeps a frame.
    ///
    /// # Errors
    /// What could not be written; the sink may be asked again.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError>;

    /// The same, with the time for which it is meant: a player calls this one.
    ///
    /// # Errors
    /// As for [`present`](Self::present).
    fn present_at(&mut self, frame: &VideoFrame, _timing: Timing) -> Result<(), SinkError> {
        self.present(frame)
    }

    /// How pictures lie within the sink's own area, where it has one, from the next picture on.
    fn set_scale_mode(&mut self, _mode: ScaleMode) {}

    /// Playback is held, or goes on: the frame that is shown stays.
    fn set_paused(&mut self, _paused: bool) {}

    /// These cues lie on the frames that follow and, where the sink can draw it anew, on the one that is shown; later ones above.
    /// They hold until others are set. A sink that draws none lets [`Subtitled`](crate::Subtitled) do it, or does without.
    fn set_cues(&mut self, _cues: &ShownCues) {}

    /// Nothing is to be seen any more: the player was stopped, and is to leave no picture behind.
    fn clear(&mut self) {}

    /// Playback jumps or has stopped: what is held back to be shown later is worthless. What is on the screen may stay.
    fn flush(&mut self) {}

    /// Writes what is held back: an index, a sheet. Nothing is presented after it.
    ///
    /// # Errors
    /// What could not be written.
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl VideoSink for Box<dyn VideoSink> {
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        (**self).configure(format)
    }
    fn needs(&self) -> Needs {
        (**self).needs()
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        (**self).present(frame)
    }
    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        (**self).present_at(frame, timing)
    }
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        (**self).set_scale_mode(mode);
    }
    fn set_paused(&mut self, paused: bool) {
        (**self).set_paused(paused);
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        (**self).set_cues(cues);
    }
    fn clear(&mut self) {
        (**self).clear();
    }
    fn flush(&mut self) {
        (**self).flush();
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
