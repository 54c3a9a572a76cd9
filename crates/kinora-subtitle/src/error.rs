use kinora_errors::{Code, Coded, codes};
use kinora_media::CodecId;

use crate::VobSubPart;

/// Why there are no cues at all. What merely lacks some is read, and tells so by [`Document::damaged`](crate::Document::damaged).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SubtitleError {
    /// Nothing that subtitles begin with.
    UnknownFormat,
    /// The text does not begin as WebVTT has to (W3C WebVTT 4.1).
    NotWebVtt,
    /// There is no `tt` element, or the XML ends within it before anything was read.
    NotTtml,
    /// The file is longer than allowed.
    TooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// There is more of that than allowed.
    TooMany(&'static str),
    /// Subtitles that this crate does not read: pictures, or an unknown codec.
    Unsupported(CodecId),
    /// One of two files without the other.
    Incomplete(VobSubPart),
}

impl core::fmt::Display for SubtitleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownFormat => {
                f.write_str("these are no subtitles: neither SubRip, WebVTT, ASS, TTML, MicroDVD, PGS nor VobSub")
            }
            Self::NotWebVtt => f.write_str("the text does not begin with WEBVTT"),
            Self::NotTtml => f.write_str("the text has no readable TTML document"),
            Self::TooLong { limit } => {
                write!(f, "the subtitles are longer than {limit} bytes")
            }
            Self::TooMany(what) => write!(f, "the subtitles have too many {what}"),
            Self::Unsupported(codec) => {
                write!(f, "{codec} can not be read as text")
            }
            Self::Incomplete(part) => {
                let other = part.other().extension();
                write!(f, "VobSub subtitles are two files: the .{other} of the same name is missing")
            }
        }
    }
}

impl core::error::Error for SubtitleError {}

impl Coded for SubtitleError {
    fn code(&self) -> Code {
        match self {
            Self::UnknownFormat | Self::NotWebVtt | Self::NotTtml | Self::Incomplete(_) => {
                codes::ERROR_DEMUXER_NO_VALID_STREAM
            }
            Self::TooLong { .. } | Self::TooMany(_) => codes::ERROR_DEMUXER_OPENURL,
            Self::Unsupported(_) => codes::ERROR_CODEC_UNKNOWN,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::UnknownFormat => "subtitle.unknown",
            Self::NotWebVtt => "subtitle.webvtt.signature",
            Self::NotTtml => "subtitle.ttml",
            Self::TooLong { .. } => "subtitle.length",
            Self::TooMany(_) => "subtitle.limit",
            Self::Unsupported(_) => "subtitle.codec",
            Self::Incomplete(_) => "subtitle.vobsub.part",
        }
    }
}
