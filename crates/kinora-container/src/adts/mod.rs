//! Files of frames with their own headers: AAC in ADTS, AC-3 and E-AC-3.

use bytes::Bytes;

use crate::framing::Framing;
use crate::framing::file::{AudioFile, Names};
use crate::{DemuxError, Demuxer, SeekTo, Step};

/// What files of AAC in ADTS are called.
pub(crate) const ADTS: Names = Names {
    container: "adts",
    no_sync: "adts.no_sync",
    free_format: "adts.no_sync",
};
/// What files of (E-)AC-3 are called.
pub(crate) const AC3: Names = Names {
    container: "ac3",
    no_sync: "ac3.no_sync",
    free_format: "ac3.no_sync",
};

/// Demultiplexes a file of AAC in ADTS. Packets are raw AAC; the configuration is the track's.
pub struct AdtsDemuxer(AudioFile);

impl Default for AdtsDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl AdtsDemuxer {
    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new() -> Self {
        Self(AudioFile::new(Framing::Adts, ADTS))
    }

    /// A demuxer of a segment of packed audio (RFC 8216 3.4): times are those of the clock that
    /// the segment's ID3 tag tells, as in transport streams with
    /// [`Origin::Raw`](crate::ts::Origin::Raw).
    #[must_use]
    pub fn with_timestamps_kept() -> Self {
        Self(Self::new().0.packed())
    }
}

crate::framing::demux_as_audio_file!(AdtsDemuxer);

/// Demultiplexes a file of AC-3 or E-AC-3 frames.
pub struct Ac3Demuxer(AudioFile);

impl Default for Ac3Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Ac3Demuxer {
    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new() -> Self {
        Self(AudioFile::new(Framing::Ac3, AC3))
    }

    /// A demuxer of a segment of packed audio (RFC 8216 3.4): times are those of the clock that
    /// the segment's ID3 tag tells, as in transport streams with
    /// [`Origin::Raw`](crate::ts::Origin::Raw).
    #[must_use]
    pub fn with_timestamps_kept() -> Self {
        Self(Self::new().0.packed())
    }
}

crate::framing::demux_as_audio_file!(Ac3Demuxer);

#[cfg(test)]
mod tests;
