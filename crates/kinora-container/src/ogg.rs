//! Ogg (RFC 3533): pages of logical streams, beside one another or chained.

mod demux;
mod heads;
mod mapping;
mod page;
mod reader;
mod seek;
mod stream;
mod vorbis;

use crate::container::{Access, Container, Signature};

pub use demux::OggDemuxer;

pub(crate) const CONTAINER: Container = Container {
    name: "ogg",
    title: "Ogg",
    media_types: &["ogg"],
    extensions: &["ogg", "oga", "ogv", "opus"],
    signatures: &[Signature::Magic(page::CAPTURE)],
    access: Access::Demuxer(|opening| Box::new(OggDemuxer::beginning_at(opening.lead.begins))),
};

#[cfg(test)]
mod tests;
