//! Titles and the notes of encoders, from `udta` and `meta`.

use bytes::Bytes;

use super::boxes::{Child, Reader, children, find, find_path};

/// Longer texts are no titles.
const MAX_TITLE: usize = 1024;

/// The title of a movie.
pub(crate) fn title(moov: &Bytes) -> Option<String> {
    let text = item_list(moov)
        .and_then(|ilst| find_path(&ilst, &[b"\xa9nam", b"data"]))
        .and_then(|data| item_text(&data))
        .or_else(|| quicktime_text(&find_path(moov, &[b"udta", b"\xa9nam"])?))
        .or_else(|| threegpp_text(&find_path(moov, &[b"udta", b"titl"])?))?;
    let text = text.trim_matches(['\0', ' ', '\n']).to_owned();
    (!text.is_empty()).then_some(text)
}

/// Samples that an encoder added at start and end, as iTunes notes them (`iTunSMPB`).
pub(crate) fn encoder_delay(moov: &Bytes) -> Option<(u32, u32)> {
    let ilst = item_list(moov)?;
    let note = children(&ilst).find(is_gapless_note)?;
    let text = item_text(&find(&note.body, b"data")?)?;
    let mut numbers = text.split_ascii_whitespace().skip(1);
    let mut number = || u32::from_str_radix(numbers.next()?, 16).ok();
    let (start, end) = (number()?, number()?);
    (start > 0 || end > 0).then_some((start, end))
}

fn is_gapless_note(item: &Child) -> bool {
    item.kind == *b"----"
        && find(&item.body, b"name").is_some_and(|name| name.get(4..) == Some(b"iTunSMPB"))
}

fn item_list(moov: &Bytes) -> Option<Bytes> {
    let meta = find_path(moov, &[b"udta", b"meta"]).or_else(|| find(moov, b"meta"))?;
    // QuickTime's `meta` has no version and flags.
    find(&meta.slice(meta.len().min(4)..), b"ilst").or_else(|| find(&meta, b"ilst"))
}

/// The text of a `data` box: type and locale first.
fn item_text(data: &Bytes) -> Option<String> {
    let mut reader = Reader::new(data);
    let kind = reader.u32().ok()?;
    reader.skip(4).ok()?;
    let text = reader.rest();
    let text = text.get(..MAX_TITLE).unwrap_or(&text);
    match kind {
        1 => Some(String::from_utf8_lossy(text).into_owned()),
        2 => Some(utf16(text)),
        _ => None,
    }
}

/// Length, language, text.
fn quicktime_text(body: &Bytes) -> Option<String> {
    let mut reader = Reader::new(body);
    let len = reader.u16().ok()?;
    reader.skip(2).ok()?;
    let left = reader.left();
    let text = reader
        .bytes(usize::from(len).min(left).min(MAX_TITLE))
        .ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// 3GPP TS 26.244 8.2: version, flags, language, text.
fn threegpp_text(body: &Bytes) -> Option<String> {
    let text = body.get(6..)?;
    let text = text.get(..MAX_TITLE).unwrap_or(text);
    Some(match text {
        [0xfe, 0xff, rest @ ..] => utf16(rest),
        text => String::from_utf8_lossy(text).into_owned(),
    })
}

fn utf16(text: &[u8]) -> String {
    let units = text.chunks_exact(2).filter_map(|pair| pair.first_chunk());
    char::decode_utf16(units.map(|pair| u16::from_be_bytes(*pair)))
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
