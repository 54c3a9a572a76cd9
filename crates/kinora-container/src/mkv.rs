//! Matroska and WebM (RFC 9559), whose elements are EBML (RFC 8794).
//!
//! The elements of a file are walked in one flat stream: whether a segment or a cluster tells its size or not makes no
//! difference, and after damage the walk goes on with the next cluster. The index lies behind the clusters in most
//! files; it is asked for when somebody seeks. A file without one is searched by the times of its clusters.

mod block;
mod clock;
mod codec;
mod demux;
mod ebml;
mod encoding;
mod id;
mod index;
mod meta;
mod omitted;
mod segment;
mod track;
mod video;

use crate::container::{Access, Container, Purpose, Signature};

pub use demux::MkvDemuxer;

pub(crate) const CONTAINER: Container = Container {
    name: "mkv",
    title: "Matroska or WebM",
    media_types: &["matroska", "webm"],
    extensions: &["mkv", "webm", "mka", "mks", "mk3d"],
    signatures: &[Signature::Magic(b"\x1a\x45\xdf\xa3")],
    access: Access::Demuxer(|opening| {
        let demuxer = match opening.purpose {
            Purpose::File => MkvDemuxer::new(),
            Purpose::Segment => MkvDemuxer::for_segments(),
        };
        Box::new(demuxer.begins_at(opening.lead.begins))
    }),
};

#[cfg(test)]
mod tests;
