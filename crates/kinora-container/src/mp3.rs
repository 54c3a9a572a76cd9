//! Files of MPEG audio frames, MP3 above all.

use crate::audio_file::vbr::free_format;
use crate::audio_file::{AudioFile, Names, demux_as_audio_file};
use crate::container::{Access, Container, Signature};
use crate::framing::Framing;

pub(crate) const CONTAINER: Container = Container {
    name: "mp3",
    title: "MPEG audio",
    media_types: &["mpeg", "mp3"],
    extensions: &["mp3", "mp2", "mpga"],
    signatures: &[
        Signature::Start(|head| free_format(head).is_some()),
        Signature::Frames(Framing::Mpeg),
    ],
    access: Access::Demuxer(|opening| Box::new(Mp3Demuxer::open(opening))),
};

/// Demultiplexes a file of MPEG audio frames of any layer.
///
/// Tags before and behind the frames are passed over, and so is a first frame that holds a
/// table (Xing, Info, VBRI): its duration, its places and the encoder's delay are used.
pub struct Mp3Demuxer(AudioFile);

demux_as_audio_file!(
    Mp3Demuxer,
    Framing::Mpeg,
    Names {
        container: CONTAINER.name,
        no_sync: "mp3.no_sync",
    }
);

#[cfg(test)]
mod tests;
