//! Tags that stand before and behind the frames of audio files.

use kinora_media::{Chapter, Time, Timebase};

/// A tag longer than this is stepped over by a request instead of being read.
const MAX_READ_TAG: u64 = 512 << 10;
/// Of a tag so much is looked at for a title and chapters.
pub(crate) const TITLE_SEARCH: usize = 64 << 10;

/// Whether the bytes behind a tag, of which so many are left, are rather asked for than waited for.
pub(crate) fn is_stepped_over(left: u64, end: u64, total_len: Option<u64>) -> bool {
    left > MAX_READ_TAG && total_len.is_some_and(|len| end < len)
}

/// A tag at the start of the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    /// None.
    Not,
    /// Of so many bytes, which need not be there yet.
    Bytes(u64),
    /// More bytes are needed to tell.
    Short,
}

/// Bytes that suffice to see a tag's length.
pub(crate) const TAG_HEAD: usize = 32;

/// Looks for a tag at the start of the data: ID3v2 (id3.org, ID3v2.4 3.1), APEv2.
pub(crate) fn leading_tag(data: &[u8]) -> Tag {
    if let Some(&[b'I', b'D', b'3', major, _, flags, a, b, c, d]) = data.first_chunk() {
        if [a, b, c, d].iter().any(|byte| byte & 0x80 != 0) {
            return Tag::Not;
        }
        let size = [a, b, c, d]
            .iter()
            .fold(0u64, |size, byte| size << 7 | u64::from(*byte));
        let footer = if major == 4 && flags & 0x10 != 0 {
            10
        } else {
            0
        };
        return Tag::Bytes(size.saturating_add(10).saturating_add(footer));
    }
    if let Some(&head) = data.first_chunk::<32>()
        && head.starts_with(b"APETAGEX")
    {
        let size = [head[12], head[13], head[14], head[15]];
        let is_header = head[23] & 0x20 != 0;
        // The size counts items and footer, not this header; a footer ends the tag.
        let size = match is_header {
            true => u64::from(u32::from_le_bytes(size)),
            false => 0,
        };
        return Tag::Bytes(size.saturating_add(32));
    }
    let may_follow = |magic: &[u8]| {
        let seen = data.len().min(magic.len());
        data.get(..seen) == magic.get(..seen)
    };
    let id3 = data.len() < 10 && may_follow(b"ID3");
    let ape = data.len() < 32 && may_follow(b"APETAGEX");
    if id3 || ape { Tag::Short } else { Tag::Not }
}

/// The title in an ID3v2 tag, as far as the bytes at hand reach (ID3v2.4 4.2.1, `TIT2`).
pub(crate) fn title(tag: &[u8]) -> Option<String> {
    find_frame(tag, |id, body| (id == b"TIT2").then(|| text(body))?)
}

/// The time of a segment of packed audio, by the 33-bit clock that transport streams have
/// (RFC 8216 3.4).
pub(crate) fn transport_timestamp(tag: &[u8]) -> Option<Time> {
    const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
    find_frame(tag, |id, body| {
        let stamp = body.strip_prefix(OWNER).filter(|_| id == b"PRIV")?;
        let ticks = u64::from_be_bytes(*stamp.first_chunk()?) & ((1 << 33) - 1);
        Some(Timebase::MPEG.to_time(i64::try_from(ticks).ok()?))
    })
}

/// More chapters than anything has.
const MAX_CHAPTERS: usize = 1_000;

/// The chapters in an ID3v2 tag, in the order of their times (ID3v2 Chapter Frame Addendum 3.1, `CHAP`).
pub(crate) fn chapters(tag: &[u8]) -> Vec<Chapter> {
    let major = tag.get(3).copied().unwrap_or(0);
    let mut chapters = Vec::new();
    find_frame(tag, |id, body| {
        if id == b"CHAP" {
            chapters.extend(chapter(body, major));
        }
        (chapters.len() >= MAX_CHAPTERS).then_some(())
    });
    chapters.sort_by_key(|chapter| chapter.start);
    chapters
}

/// A name for machines, start and end in milliseconds and in bytes, frames of its own.
fn chapter(body: &[u8], major: u8) -> Option<Chapter> {
    let name = body.iter().position(|byte| *byte == 0)?;
    let (times, frames) = body
        .get(name.checked_add(1)?..)?
        .split_first_chunk::<16>()?;
    let [a, b, c, d, e, f, g, h, ..] = *times;
    let time = |bytes| match u32::from_be_bytes(bytes) {
        // Told by bytes only.
        u32::MAX => None,
        ms => Some(Time::from_millis(ms.into())),
    };
    let start = time([a, b, c, d])?;
    Some(Chapter {
        start,
        end: time([e, f, g, h]).filter(|end| *end > start),
        title: frame_among(frames, major, &mut |id, body| {
            (id == b"TIT2").then(|| text(body))?
        }),
        ..Chapter::default()
    })
}

/// Goes through the frames of an ID3v2 tag until one gives what is looked for.
fn find_frame<T>(tag: &[u8], mut take: impl FnMut(&[u8; 4], &[u8]) -> Option<T>) -> Option<T> {
    let (&[b'I', b'D', b'3', major @ 3..=4, _, flags, ..], frames) =
        tag.split_first_chunk::<10>()?
    else {
        return None;
    };
    if flags & 0xc0 != 0 {
        return None; // unsynchronised or extended: not worth the trouble
    }
    frame_among(frames, major, &mut take)
}

fn frame_among<T>(
    mut rest: &[u8],
    major: u8,
    take: &mut impl FnMut(&[u8; 4], &[u8]) -> Option<T>,
) -> Option<T> {
    loop {
        let (head, after) = rest.split_first_chunk::<10>()?;
        let [i, j, k, l, a, b, c, d, _, _] = *head;
        let shift = if major == 4 { 7u32 } else { 8 };
        let size = [a, b, c, d]
            .iter()
            .fold(0usize, |size, byte| size << shift | usize::from(*byte));
        let body = after.get(..size)?;
        if i == 0 {
            return None; // padding
        }
        if let Some(found) = take(&[i, j, k, l], body) {
            return Some(found);
        }
        rest = after.get(size..)?;
    }
}

/// A text field (ID3v2.4 4.2): its encoding, then the text.
fn text(body: &[u8]) -> Option<String> {
    let (&encoding, text) = body.split_first()?;
    let text = match encoding {
        0 => text.iter().copied().map(char::from).collect(),
        1 | 2 => {
            let little = encoding == 1 && text.starts_with(&[0xff, 0xfe]);
            let units = text.as_chunks::<2>().0.iter().map(|pair| match little {
                true => u16::from_le_bytes(*pair),
                false => u16::from_be_bytes(*pair),
            });
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => String::from_utf8_lossy(text).into_owned(),
    };
    let text: String = text
        .trim_matches(|c: char| c == '\0' || c == '\u{feff}' || c.is_whitespace())
        .to_owned();
    (!text.is_empty()).then_some(text)
}

/// A text that does not tell its encoding: UTF-8, else ISO 8859-1; what a zero ends.
pub(crate) fn plain_text(text: &[u8]) -> Option<String> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().copied().map(char::from).collect(),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether what lies behind the last frame is a tag, not damage: ID3v1, APEv2, Lyrics3.
pub(crate) fn is_trailing_tag(data: &[u8]) -> bool {
    [&b"TAG"[..], b"APETAGEX", b"LYRICSBEGIN", b"ID3"]
        .iter()
        .any(|magic| data.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_tags_are_read() {
        assert_eq!(
            leading_tag(b"ID3\x04\0\0\0\0\x02\x01rest"),
            Tag::Bytes(257 + 10)
        );
        assert_eq!(leading_tag(b"ID3\x04\0\x10\0\0\0\x05"), Tag::Bytes(25));
        assert_eq!(leading_tag(b"ID3\x04\0\0\xff\0\0\x05"), Tag::Not);
        assert_eq!(leading_tag(b"ID3\x04"), Tag::Short);
        assert_eq!(leading_tag(b"APETAG"), Tag::Short);
        assert_eq!(leading_tag(b""), Tag::Short);
        assert_eq!(leading_tag(b"\xff\xfb\x90\x64"), Tag::Not);
        let mut ape = *b"APETAGEX\xd0\x07\0\0\x40\0\0\0\x01\0\0\0\0\0\0\xa0________";
        assert_eq!(leading_tag(&ape), Tag::Bytes(96));
        ape[23] = 0x80;
        assert_eq!(leading_tag(&ape), Tag::Bytes(32), "a footer");
    }

    #[test]
    fn the_time_of_packed_audio_is_read() {
        let mut tag = b"ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0".to_vec();
        tag.extend(b"com.apple.streaming.transportStreamTimestamp\0");
        tag.extend([0xff, 0, 0, 1, 0, 0, 0, 9]);
        let time = Timebase::MPEG.to_time((1 << 32) + 9);
        assert_eq!(transport_timestamp(&tag), Some(time));
        assert_eq!(transport_timestamp(&tag[..60]), None);
    }

    /// A frame of ID3v2.3.
    fn frame(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&id[..], &size, &[0, 0], body].concat()
    }

    #[test]
    fn chapters_are_read_in_the_order_of_their_times() {
        let chapter = |id: &str, start: u32, end: u32, title: &[u8]| {
            let times = [start, end, u32::MAX, u32::MAX];
            let times: Vec<u8> = times.iter().flat_map(|it| it.to_be_bytes()).collect();
            let title = frame(b"TIT2", title);
            frame(b"CHAP", &[id.as_bytes(), b"\0", &times, &title].concat())
        };
        let mut tag = b"ID3\x03\0\0\0\0\x10\0".to_vec();
        tag.extend(chapter("b", 60_000, 90_500, b"\0Second"));
        tag.extend(frame(b"TIT2", b"\0Whole"));
        tag.extend(chapter("a", 0, 60_000, b"\x03\xe5\xa4\x9c"));
        tag.extend(chapter("by bytes", u32::MAX, u32::MAX, b"\0No"));
        tag.extend(frame(b"CHAP", b"short"));
        let read = chapters(&tag);
        let told: Vec<_> = read
            .iter()
            .map(|it| {
                (
                    it.start.as_millis(),
                    it.end.map(Time::as_millis),
                    it.title.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (0, Some(60_000), Some("夜")),
                (60_000, Some(90_500), Some("Second"))
            ]
        );
        assert_eq!(title(&tag).as_deref(), Some("Whole"));
        for len in 0..tag.len() {
            assert!(chapters(&tag[..len]).len() <= 2);
        }
    }

    #[test]
    fn a_title_is_read_in_each_encoding() {
        let tag = |body: &[u8]| {
            let mut tag = b"ID3\x03\0\0\0\0\x10\0TPE1\0\0\0\x02\0\0\0xTIT2\0\0\0".to_vec();
            tag.push(body.len() as u8);
            tag.extend([0, 0]);
            tag.extend(body);
            tag
        };
        assert_eq!(title(&tag(b"\0Caf\xe9\0")).as_deref(), Some("Café"));
        assert_eq!(title(&tag(b"\x01\xff\xfeA\0b\0")).as_deref(), Some("Ab"));
        assert_eq!(title(&tag("\u{3}夜".as_bytes())).as_deref(), Some("夜"));
        assert_eq!(title(&tag(b"\0")), None);
        assert_eq!(
            title(b"ID3\x03\0\0\0\0\x10\0TIT2\xff\xff\xff\xff\0\0"),
            None
        );
    }
}
