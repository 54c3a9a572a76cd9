use kinora_media::{ColorInfo, PixelFormat, Rotation, VideoFrame};

use crate::SinkError;

/// The form of the pictures a sink takes. It changes where a stream does: another rendition, another advertisement.
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
    /// Pixel aspect ratio, where the codec tells one.
    pub pixel_aspect: Option<(u32, u32)>,
    /// How the pictures must be turned.
    pub rotation: Rotation,
}

impl VideoFormat {
    /// The form of a picture.
    #[must_use]
    pub fn of(frame: &VideoFrame) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            pixels: frame.format,
            color: frame.color,
            pixel_aspect: frame.pixel_aspect,
            rotation: frame.rotation,
        }
    }
}

/// Takes pictures when they are due.
///
/// The calls come one after the other, on one thread that is not the caller's: `configure`, then `present` as often as
/// pictures are due, `flush` in between where playback jumps, `finish` once at the end. A sink may take its time: pictures
/// that come meanwhile are dropped and counted, and the player plays on.
pub trait VideoSink: Send {
    /// Makes ready for pictures of that form: before the first one, and whenever the form changes.
    ///
    /// # Errors
    /// When pictures of that form can not be shown. It is told once; they are left out until the form changes.
    fn configure(&mut self, _format: &VideoFormat) -> Result<(), SinkError> {
        Ok(())
    }

    /// Shows, draws or keeps a picture.
    ///
    /// # Errors
    /// What could not be written; the sink may be asked again.
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError>;

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
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        (**self).present(frame)
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
