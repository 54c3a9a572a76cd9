//! What is no container, so that it is not taken for one, and so that people are told what they have.

use crate::text::text;

/// What kind of thing is no container.
enum Look {
    Picture,
    /// Media that no demuxer of this crate reads.
    Media,
    Other,
}

/// Text shows itself within so many bytes.
const TEXT_LOOK: usize = 512;

/// What other files begin with.
const LOOKS: [(&[u8], Look, &str); 12] = [
    (b"\xff\xd8\xff", Look::Picture, "a JPEG picture"),
    (b"\x89PNG", Look::Picture, "a PNG picture"),
    (b"GIF8", Look::Picture, "a GIF picture"),
    (b"%PDF", Look::Other, "a PDF document"),
    (b"PK\x03\x04", Look::Other, "a ZIP archive"),
    (b"\x1f\x8b", Look::Other, "gzip-compressed data"),
    (b"\x7fELF", Look::Other, "a program"),
    (b"\x30\x26\xb2\x75", Look::Media, "Windows Media (ASF)"),
    (b".RMF", Look::Media, "RealMedia"),
    (b"\0\0\x01\xba", Look::Media, "an MPEG program stream"),
    (b"#!AMR_MC", Look::Media, "AMR speech of several channels"),
    (b"WEBVTT", Look::Other, "WebVTT subtitles"),
];

fn look(head: &[u8]) -> Option<&'static (&'static [u8], Look, &'static str)> {
    let text = text(head);
    let mut all = LOOKS.iter();
    all.find(|(magic, ..)| head.starts_with(magic) || text.starts_with(magic))
}

/// In their midst frames of sound may lie, which must not be taken for all.
pub(super) fn is_something_else(head: &[u8]) -> bool {
    look(head).is_some() || is_bitmap(head) || crate::wav::riff_form(head).is_some()
}

/// Whether bytes that begin no container of ours may begin media all the same: they are no picture, document, program or
/// text, and not nothing.
#[must_use]
pub fn may_be_media(head: &[u8]) -> bool {
    match look(head) {
        Some((_, Look::Media, _)) => true,
        Some(_) => false,
        None => !is_picture(head) && !is_text(head) && head.iter().any(|byte| *byte != 0),
    }
}

fn is_text(head: &[u8]) -> bool {
    let head = text(head);
    let mut start = head.iter().take(TEXT_LOOK);
    start.all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..))
}

/// Whether a picture begins there.
pub(crate) fn is_picture(head: &[u8]) -> bool {
    let is_webp = matches!(
        head,
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..
        ]
    );
    is_bitmap(head) || is_webp || matches!(look(head), Some((_, Look::Picture, _)))
}

/// Two letters are few: two reserved words are zero, and a header of 12 or 40 to 255 bytes follows.
fn is_bitmap(head: &[u8]) -> bool {
    matches!(
        head,
        [
            b'B',
            b'M',
            _,
            _,
            _,
            _,
            0,
            0,
            0,
            0,
            _,
            _,
            _,
            _,
            12 | 40..,
            0,
            0,
            0,
            ..
        ]
    )
}

/// What bytes look like that begin no container, for people.
#[must_use]
pub fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "the resource is empty".to_owned();
    }
    if let Some((_, _, look)) = look(head) {
        return format!("it looks like {look}");
    }
    if is_bitmap(head) {
        return "it looks like a BMP picture".to_owned();
    }
    if let Some(form) = crate::wav::riff_form(head) {
        let form = String::from_utf8_lossy(form);
        return format!("it is a RIFF file of the form {:?}", form.trim_end());
    }
    if head.iter().all(|byte| *byte == 0) {
        return "it begins with nothing but zeros".to_owned();
    }
    let head = text(head);
    let head = head.get(..TEXT_LOOK).unwrap_or(head);
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        return "it is an HTML page, perhaps an error page of the server".to_owned();
    }
    if text.starts_with("<?xml") || text.starts_with("<mpd") {
        return match text.contains("<mpd") {
            true => "it is a DASH manifest".to_owned(),
            false => "it is an XML document".to_owned(),
        };
    }
    if text.starts_with('{') || text.starts_with('[') {
        return "it looks like JSON".to_owned();
    }
    if is_text(head) {
        return "it looks like text".to_owned();
    }
    let first: Vec<String> = head
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("it begins with the bytes {}", first.join(" "))
}
