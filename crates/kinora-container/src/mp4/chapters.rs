//! Chapters: the list that Nero's writers put into `udta` (`chpl`), and the text tracks of QuickTime that another track
//! refers to (`tref`/`chap`; QuickTime File Format, "Chapter Lists"), whose titles lie among the media data.

use bytes::Bytes;
use kinora_media::{Chapter, Time, TrackKind};

use super::boxes::{Reader, Short, find_path};
use super::moov::TrackBox;
use super::track::Track;
use crate::tags::plain_text;

/// More chapters than any film has.
const MAX_CHAPTERS: usize = 4096;
/// Longer texts are no titles.
const MAX_TITLE: u32 = 1024;
/// So often titles are asked for from elsewhere: where they lie wider apart, those that are left go untold.
const MAX_JUMPS: u32 = 32;
/// A title that begins so close behind another one costs no request of its own.
const NEAR: u64 = 256 * 1024;

/// Where the title of a chapter lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TitlePlace {
    pub(crate) chapter: usize,
    pub(crate) at: u64,
    pub(crate) len: u64,
}

/// The chapters of a movie.
#[derive(Clone, Default, Debug)]
pub(crate) struct Chapters {
    pub(crate) list: Vec<Chapter>,
    /// Titles that are still to be read, in the order of the file.
    pub(crate) titles: Vec<TitlePlace>,
}

impl Chapters {
    /// Nero's list; without one, what the text track tells.
    pub(crate) fn of(moov: &Bytes, track: Option<TrackBox>) -> Self {
        let listed = find_path(moov, &[b"udta", b"chpl"]).map(|chpl| listed(&chpl));
        match (listed, track) {
            (Some(list), _) if !list.is_empty() => Self {
                list,
                titles: Vec::new(),
            },
            (_, Some(track)) => Self::of_track(track),
            _ => Self::default(),
        }
    }

    /// A sample a chapter; one without text ends the chapter before.
    fn of_track(track: TrackBox) -> Self {
        let (clock, edit) = (track.clock, track.edits.first().copied());
        let mut chapters = Self::default();
        let mut track = Track::new(track);
        while let (Some(head), Some(edit)) = (track.head(), edit)
            && chapters.list.len() < MAX_CHAPTERS
        {
            let sample = head.sample;
            let start = edit.present(clock, sample.pts()).max(Time::ZERO);
            if let Some(last) = chapters.list.last_mut() {
                last.end.get_or_insert(start);
            }
            // Of two bytes: a text of no length.
            if sample.size > 2 {
                chapters.titles.push(TitlePlace {
                    chapter: chapters.list.len(),
                    at: sample.offset,
                    len: sample.size.min(MAX_TITLE).into(),
                });
                chapters.list.push(Chapter {
                    start,
                    ..Chapter::default()
                });
            }
            track.advance();
        }
        chapters.titles.sort_by_key(|title| title.at);
        chapters.limit_jumps();
        chapters
    }

    fn limit_jumps(&mut self) {
        let (mut jumps, mut end) = (0u32, 0u64);
        let mut within = |title: &TitlePlace| {
            let is_near = title.at <= end.saturating_add(NEAR) && title.at >= end;
            jumps = jumps.saturating_add(u32::from(!is_near));
            end = title.at.saturating_add(title.len);
            jumps <= MAX_JUMPS
        };
        let count = self.titles.iter().take_while(|title| within(title)).count();
        self.titles.truncate(count);
    }
}

/// Whether a track may hold titles; others hold a picture a chapter.
pub(crate) fn has_titles(track: &TrackBox) -> bool {
    !matches!(track.info.kind(), TrackKind::Video | TrackKind::Audio)
}

/// Version, flags, in version 1 four bytes more, a count, then times of 100 ns and titles.
fn listed(chpl: &Bytes) -> Vec<Chapter> {
    let mut reader = Reader::new(chpl);
    let mut list = Vec::new();
    let count = head(&mut reader).unwrap_or(0);
    for _ in 0..count {
        let Ok(chapter) = entry(&mut reader) else {
            break;
        };
        list.push(chapter);
    }
    list.sort_by_key(|chapter| chapter.start);
    list
}

fn head(reader: &mut Reader) -> Result<u8, Short> {
    let (version, _) = reader.full_box()?;
    reader.skip(if version == 0 { 0 } else { 4 })?;
    let [count] = reader.take::<1>()?;
    Ok(count)
}

fn entry(reader: &mut Reader) -> Result<Chapter, Short> {
    let ticks = reader.sized(1)?;
    let [len] = reader.take::<1>()?;
    let title = reader.bytes(len.into())?;
    let nanos = i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(100);
    Ok(Chapter {
        start: Time::from_nanos(nanos),
        title: plain_text(&title),
        ..Chapter::default()
    })
}

/// The text of a sample of a text track: its length before it.
pub(crate) fn title(sample: &[u8]) -> Option<String> {
    let (len, text) = sample.split_first_chunk::<2>()?;
    let text = text
        .get(..usize::from(u16::from_be_bytes(*len)))
        .unwrap_or(text);
    match text {
        [0xfe, 0xff, wide @ ..] => utf16(wide, u16::from_be_bytes),
        [0xff, 0xfe, wide @ ..] => utf16(wide, u16::from_le_bytes),
        text => plain_text(text),
    }
}

fn utf16(text: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Option<String> {
    let units = text.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let text: String = char::decode_utf16(units)
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    plain_text(text.as_bytes())
}
