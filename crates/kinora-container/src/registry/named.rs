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

pub(super) const DASH_MANIFEST: Container = Container {
    name: "dash",
    title: "a DASH manifest",
    media_types: &["dash+xml", "text/xml", "application/xml"],
    extensions: &["mpd"],
    signatures: &[Signature::Start(begins_manifest)],
    access: Access::Playlist,
};

pub(super) const AVI: Container = Container {
    name: "avi",
    title: "AVI",
    media_types: &["avi", "msvideo"],
    extensions: &["avi"],
    signatures: &[Signature::Start(begins_avi)],
    access: Access::None,
};

fn begins_avi(head: &[u8]) -> bool {
    crate::wav::riff_form(head).is_some_and(|form| matches!(form, b"AVI " | b"AVIX"))
}

/// `#EXTM3U` must be the very first (RFC 8216 4.3.1.1); servers and editors put a byte order mark, blanks and
/// blank lines before it.
fn begins_playlist(head: &[u8]) -> bool {
    crate::text::text(head).starts_with(b"#EXTM3U")
}

/// `MPD` is the root element; a declaration, instructions and comments may stand before it.
fn begins_manifest(head: &[u8]) -> bool {
    let mut rest = crate::text::text(head);
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', b'D', ..] => end_of_doctype(rest),
            _ => break,
        };
        let Some(at) = rest.windows(end.len()).position(|it| it == end) else {
            return false;
        };
        let behind = at.saturating_add(end.len());
        rest = rest.get(behind..).unwrap_or_default().trim_ascii_start();
    }
    let Some(name) = rest.strip_prefix(b"<") else {
        return false;
    };
    let mut letters = name.iter();
    let end = letters.position(|it| it.is_ascii_whitespace() || matches!(it, b'>' | b'/'));
    let name = end.and_then(|end| name.get(..end)).unwrap_or_default();
    name == b"MPD" || name.ends_with(b":MPD")
}

/// What ends a document type: with declarations of its own there are others within (XML 1.0, 2.8).
fn end_of_doctype(doctype: &[u8]) -> &'static [u8] {
    let first = doctype.iter().find(|it| matches!(it, b'[' | b'>'));
    match first {
        Some(b'[') => b"]>",
        _ => b">",
    }
}
