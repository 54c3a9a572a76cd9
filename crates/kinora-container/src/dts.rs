//! Files of DTS frames (ETSI TS 102 114).

use crate::audio_file::{AudioFile, Names, demux_as_audio_file};
use crate::container::{Access, Container, Signature};
use crate::framing::Framing;

pub(crate) const CONTAINER: Container = Container {
    name: "dts",
    title: "DTS sound",
    media_types: &["vnd.dts"],
    extensions: &["dts", "dtshd"],
    signatures: &[
        Signature::Magic(b"\x7f\xfe\x80\x01"),
        Signature::Frames(Framing::Dts),
    ],
    access: Access::Demuxer(|opening| Box::new(DtsDemuxer::open(opening))),
};

/// Demultiplexes a file of DTS frames, their extension substreams with them.
pub struct DtsDemuxer(AudioFile);

demux_as_audio_file!(
    DtsDemuxer,
    Framing::Dts,
    Names {
        container: CONTAINER.name,
        no_sync: "dts.no_sync",
    }
);

#[cfg(test)]
mod tests;
