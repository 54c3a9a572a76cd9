//! FLV (Adobe Flash Video File Format 10.1, annex E) with what Enhanced RTMP v2 adds to it.
//!
//! A file is a row of tags, each with its time and with its length on both sides. There is no index but that which some
//! writers put into the metadata.

mod audio;
mod clock;
mod demux;
mod enhanced;
mod hunt;
mod payload;
mod reader;
mod script;
mod seek;
mod tag;
mod tail;
mod track;
mod video;

use crate::container::{Access, Container, Signature};

pub use demux::FlvDemuxer;

pub(crate) const CONTAINER: Container = Container {
    name: "flv",
    title: "Flash video (FLV)",
    media_types: &["flv"],
    extensions: &["flv"],
    signatures: &[Signature::Magic(b"FLV\x01")],
    access: Access::Demuxer(|opening| Box::new(FlvDemuxer::beginning_at(opening.lead.begins))),
};

#[cfg(test)]
mod tests;
