//! Files of AAC in LOAS (ISO/IEC 14496-3 1.7.2).

use crate::audio_file::{AudioFile, Names, demux_as_audio_file};
use crate::container::{Access, Container, Signature};
use crate::framing::Framing;

pub(crate) const CONTAINER: Container = Container {
    name: "loas",
    title: "AAC in LOAS",
    media_types: &["mp4a-latm"],
    extensions: &["loas", "latm"],
    signatures: &[Signature::Start(begins_loas)],
    access: Access::Demuxer(|opening| Box::new(LoasDemuxer::open(opening))),
};

/// Eleven bits are few: so many frames in a row are asked for.
const FRAMES: usize = 3;

/// Demultiplexes a file of AAC in LOAS. Packets are raw AAC; the configuration is the track's.
pub struct LoasDemuxer(AudioFile);

demux_as_audio_file!(
    LoasDemuxer,
    Framing::Loas,
    Names {
        container: CONTAINER.name,
        no_sync: "loas.no_sync",
    }
);

fn begins_loas(head: &[u8]) -> bool {
    let mut rest = head;
    (0..FRAMES).all(|_| {
        let Ok((frame, _)) = Framing::Loas.header(rest) else {
            return false;
        };
        rest = rest.get(frame.len..).unwrap_or_default();
        true
    })
}

#[cfg(test)]
mod tests;
