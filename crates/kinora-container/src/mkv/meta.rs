//! Chapters, and the title among the tags (RFC 9559 5.1.7, 5.1.8).

use kinora_media::{Chapter, Time};

use super::ebml::{Element, children, find};
use super::id;

/// More chapters than any film has.
const MAX_CHAPTERS: usize = 4096;
/// Tags beyond these are not looked at.
const MAX_TAGS: usize = 256;
/// The level of the whole: a film, an album (RFC 9559 5.1.8.1.1.1).
const WHOLE: u64 = 50;

/// Chapters within chapters are looked for no deeper.
const MAX_LEVEL: u8 = 8;

/// The chapters of an edition.
#[derive(Default)]
pub(super) struct Edition {
    pub(super) chapters: Vec<Chapter>,
    /// They are meant to be played in an order of their own (RFC 9559 5.1.7.1.3).
    pub(super) ordered: bool,
}

/// The edition that is taken where nobody chose one.
pub(super) fn edition(chapters: &Element) -> Edition {
    let editions = || {
        let all = children(&chapters.body);
        all.filter(|child| child.id == id::EDITION_ENTRY)
    };
    let has = |edition: &Element, flag| {
        let flag = find(&edition.body, flag);
        flag.and_then(|flag| flag.flag()).unwrap_or(false)
    };
    let is_default = |edition: &Element| has(edition, id::EDITION_FLAG_DEFAULT);
    let chosen = editions().find(is_default).or_else(|| editions().next());
    chosen.map_or_else(Edition::default, |chosen| {
        let mut edition = Edition {
            ordered: has(&chosen, id::EDITION_FLAG_ORDERED),
            ..Edition::default()
        };
        read_atoms(&chosen, 0, &mut edition.chapters);
        edition
    })
}

/// Reads the chapters of an edition or of a chapter, each before those within it. One that is hidden or disabled is left
/// out with them.
fn read_atoms(parent: &Element, level: u8, chapters: &mut Vec<Chapter>) {
    for atom in children(&parent.body).filter(|child| child.id == id::CHAPTER_ATOM) {
        if chapters.len() >= MAX_CHAPTERS {
            return;
        }
        if let Some(chapter) = chapter(&atom, level) {
            chapters.push(chapter);
            if level < MAX_LEVEL {
                read_atoms(&atom, level.saturating_add(1), chapters);
            }
        }
    }
}

/// `None`: it is hidden, or disabled. Times are nanoseconds.
fn chapter(atom: &Element, level: u8) -> Option<Chapter> {
    let time = |child: &Element| {
        let nanos = i64::try_from(child.uint()?).ok()?;
        Some(Time::from_nanos(nanos))
    };
    let mut chapter = Chapter {
        level,
        ..Chapter::default()
    };
    for child in children(&atom.body) {
        match child.id {
            id::CHAPTER_TIME_START => chapter.start = time(&child)?,
            id::CHAPTER_TIME_END => chapter.end = time(&child),
            id::CHAPTER_FLAG_HIDDEN if child.flag() == Some(true) => return None,
            id::CHAPTER_FLAG_ENABLED if child.flag() == Some(false) => return None,
            id::CHAPTER_DISPLAY if chapter.title.is_none() => {
                chapter.title = find(&child.body, id::CHAP_STRING).and_then(|text| text.text());
            }
            _ => {}
        }
    }
    Some(chapter)
}

/// The title of the whole.
pub(super) fn title(tags: &Element) -> Option<String> {
    children(&tags.body)
        .filter(|child| child.id == id::TAG)
        .take(MAX_TAGS)
        .filter(is_of_whole)
        .find_map(|tag| {
            let mut simple = children(&tag.body).filter(|child| child.id == id::SIMPLE_TAG);
            simple.find_map(|simple| {
                let name = find(&simple.body, id::TAG_NAME)?.text()?;
                let is_title = name.eq_ignore_ascii_case("TITLE");
                find(&simple.body, id::TAG_STRING)
                    .filter(|_| is_title)?
                    .text()
            })
        })
}

fn is_of_whole(tag: &Element) -> bool {
    let Some(targets) = find(&tag.body, id::TARGETS) else {
        return true;
    };
    children(&targets.body).all(|child| match child.id {
        id::TARGET_TYPE_VALUE => child.uint() == Some(WHOLE),
        // Of one track, not of all.
        id::TAG_TRACK_UID => child.uint() == Some(0),
        _ => true,
    })
}
