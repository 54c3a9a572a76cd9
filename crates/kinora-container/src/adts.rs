//! Files of AAC frames with ADTS headers (ISO/IEC 13818-7 6.2).

use crate::audio_file::{AudioFile, Names, demux_as_audio_file};
use crate::container::{Access, Container, Signature};
use crate::framing::Framing;

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

demux_as_audio_file!(
    AdtsDemuxer,
    Framing::Adts,
    Names {
        container: CONTAINER.name,
        no_sync: "adts.no_sync",
    }
);

#[cfg(test)]
mod tests;
