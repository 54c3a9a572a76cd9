//! MP4, QuickTime and fragmented MP4 (ISO/IEC 14496-12, 14496-14, 14496-15).
//!
//! The index of a file may lie before or behind the samples; samples may come in fragments, and
//! an init segment with the media segments that follow it is read as one resource: times of
//! `tfdt` stay absolute. Sample tables are never unfolded: they are walked where they lie.

mod audio_entry;
mod boxes;
mod chapters;
mod compressed;
mod config;
mod demux;
mod disposition;
mod edits;
mod entry;
mod event;
mod fragment;
mod index;
mod meta;
mod moov;
mod outline;
mod protection;
mod sample_crypto;
pub mod sidx;
mod store;
mod table;
mod tables;
mod track;

pub(crate) use config::audio_config;
pub(crate) use entry::{SampleEntry, codec_of};

use crate::container::{Access, Container, Purpose, Signature};

pub use demux::Mp4Demuxer;

pub(crate) const CONTAINER: Container = Container {
    name: "mp4",
    title: "MP4",
    media_types: &["mp4", "quicktime", "iso.segment", "video/x-m4"],
    extensions: &["mp4", "m4v", "m4a", "mov"],
    signatures: &[Signature::Start(begins_with_box)],
    access: Access::Demuxer(|opening| match opening.purpose {
        Purpose::File => Box::new(Mp4Demuxer::new()),
        Purpose::Segment => Box::new(Mp4Demuxer::for_segments()),
    }),
};

/// A box that may stand first in an MP4 or QuickTime file or in a segment of one.
fn begins_with_box(head: &[u8]) -> bool {
    const FIRST: [&[u8; 4]; 17] = [
        b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"ssix",
        b"emsg", b"prft", b"pnot", b"uuid", b"mfra", b"udta", b"meta",
    ];
    let Some((size, rest)) = head.split_first_chunk::<4>() else {
        return false;
    };
    let size = u32::from_be_bytes(*size);
    rest.first_chunk::<4>()
        .is_some_and(|kind| FIRST.contains(&kind))
        && (size <= 1 || size >= 8)
}

#[cfg(test)]
mod tests;
