//! Files of AAC frames with ADTS headers (ISO/IEC 13818-7 6.2).

use bytes::Bytes;

use crate::audio_file::{AudioFile, Names, demux_as_audio_file};
use crate::container::{Access, Container, Opening, Signature};
use crate::framing::Framing;
use crate::{ClockKind, DemuxError, Demuxer, SeekTo, Step};

pub(crate) const CONTAINER: Container = Container {
    name: "adts",
    title: "AAC in ADTS",
    media_types: &["aac"],
    extensions: &["aac"],
    signatures: &[Signature::Frames(Framing::Adts)],
    access: Access::Demuxer(|opening| Box::new(AdtsDemuxer::open(opening))),
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
        Self::open(Opening::default())
    }

    fn open(opening: Opening) -> Self {
        let names = Names {
            container: CONTAINER.name,
            no_sync: "adts.no_sync",
            free_format: "adts.no_sync",
        };
        Self(AudioFile::new(Framing::Adts, names, opening))
    }
}

demux_as_audio_file!(AdtsDemuxer);

#[cfg(test)]
mod tests;
