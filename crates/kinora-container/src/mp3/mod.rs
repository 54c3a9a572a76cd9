//! Files of MPEG audio frames, MP3 above all.

pub(crate) mod vbr;

use bytes::Bytes;

use crate::framing::Framing;
use crate::framing::file::{AudioFile, Names};
use crate::{DemuxError, Demuxer, SeekTo, Step};

/// Demultiplexes a file of MPEG audio frames of any layer.
///
/// Tags before and behind the frames are passed over, and so is a first frame that holds a
/// table (Xing, Info, VBRI): its duration, its places and the encoder's delay are used.
pub struct Mp3Demuxer(AudioFile);

impl Default for Mp3Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Mp3Demuxer {
    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new() -> Self {
        Self(AudioFile::new(
            Framing::Mpeg,
            Names {
                container: "mp3",
                no_sync: "mp3.no_sync",
                free_format: "mp3.free_format",
            },
        ))
    }

    /// A demuxer of a segment of packed audio (RFC 8216 3.4): times are those of the clock that
    /// the segment's ID3 tag tells, as in transport streams with
    /// [`Origin::Raw`](crate::ts::Origin::Raw).
    #[must_use]
    pub fn with_timestamps_kept() -> Self {
        Self(Self::new().0.packed())
    }
}

crate::framing::demux_as_audio_file!(Mp3Demuxer);

#[cfg(test)]
mod tests;
