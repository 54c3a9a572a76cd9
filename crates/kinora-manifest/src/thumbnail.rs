//! Small pictures of a presentation for a time, whoever names them.

use kinora_media::{ByteRange, Time};
use url::Url;

/// A rectangle of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rect {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A picture that stands for a stretch of the presentation, alone or as a part of a larger one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thumbnail {
    /// Where the picture is.
    pub url: Url,
    /// Which of the bytes there.
    pub range: ByteRange,
    /// Which part of it; `None`: all.
    pub rect: Option<Rect>,
    /// From when it stands for the presentation.
    pub from: Time,
    /// Until when.
    pub to: Time,
}
