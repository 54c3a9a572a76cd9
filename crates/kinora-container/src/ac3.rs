//! Files of AC-3 and E-AC-3 frames (ETSI TS 102 366).

use crate::audio_file::{AudioFile, Names, demux_as_audio_file};
use crate::container::{Access, Container, Signature};
use crate::framing::Framing;

pub(crate) const CONTAINER: Container = Container {
    name: "ac3",
    title: "AC-3",
    media_types: &["ac3"],
    extensions: &["ac3", "eac3", "ec3"],
    signatures: &[
        Signature::Magic(b"\x0b\x77"),
        Signature::Frames(Framing::Ac3),
    ],
    access: Access::Demuxer(|opening| Box::new(Ac3Demuxer::open(opening))),
};

/// Demultiplexes a file of AC-3 or E-AC-3 frames.
pub struct Ac3Demuxer(AudioFile);

demux_as_audio_file!(
    Ac3Demuxer,
    Framing::Ac3,
    Names {
        container: CONTAINER.name,
        no_sync: "ac3.no_sync",
    }
);
