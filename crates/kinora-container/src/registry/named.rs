//! Containers that are known by name and have no demuxer here.

use crate::container::{Access, Container, Signature};

pub(super) const HLS_PLAYLIST: Container = Container {
    name: "hls",
    title: "an HLS playlist",
    media_types: &["mpegurl", "text/plain"],
    extensions: &["m3u8"],
    signatures: &[Signature::Start(begins_playlist)],
    access: Access::Playlist,
};

pub(super) const FLV: Container = Container {
    name: "flv",
    title: "Flash video (FLV)",
    media_types: &["flv"],
    extensions: &["flv"],
    signatures: &[Signature::Magic(b"FLV\x01")],
    access: Access::None,
};

pub(super) const OGG: Container = Container {
    name: "ogg",
    title: "Ogg",
    media_types: &["ogg"],
    extensions: &["ogg", "oga", "ogv", "opus"],
    signatures: &[Signature::Magic(b"OggS\0")],
    access: Access::None,
};

pub(super) const RIFF: Container = Container {
    name: "riff",
    title: "a RIFF file (WAVE or AVI)",
    media_types: &["wav", "avi", "msvideo"],
    extensions: &["wav", "avi"],
    signatures: &[Signature::Magic(b"RIFF")],
    access: Access::None,
};

pub(super) const FLAC: Container = Container {
    name: "flac",
    title: "FLAC",
    media_types: &["flac"],
    extensions: &["flac"],
    signatures: &[Signature::Magic(b"fLaC")],
    access: Access::None,
};

/// `#EXTM3U` must be the very first (RFC 8216 4.3.1.1); servers and editors put a byte order mark, blanks and
/// blank lines before it.
fn begins_playlist(head: &[u8]) -> bool {
    crate::text::text(head).starts_with(b"#EXTM3U")
}
