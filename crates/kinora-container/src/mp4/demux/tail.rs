//! What lies elsewhere in a file and is read where nothing is more urgent. The index of fragments at its end (`mfra`,
//! ISO/IEC 14496-12 8.8.9 to 8.8.11): it leads seeks, and through the last fragment it tells the duration. Titles of chapters.

use bytes::Bytes;
use kinora_media::Time;

use super::super::boxes::{HeadLook, Reader, Short, children, find, look_at_head};
use super::super::chapters::{self, TitlePlace};
use super::super::fragment::TrackFragment;
use super::super::index::FragmentStart;
use super::{MAX_INDEX, Mp4Demuxer};
use crate::Step;

/// Bytes of the box that tells how long the index before it is.
const TRAILER: u64 = 16;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TailRead {
    /// Nothing (any more).
    None,
    /// `mfro`, the last box.
    Trailer { at: u64 },
    /// `mfra`.
    Index { at: u64, len: u64 },
    /// The last `moof`.
    LastFragment { at: u64 },
    /// The title of a chapter.
    Title(TitlePlace),
}

impl TailRead {
    /// Where the bytes lie that it needs.
    pub(super) fn offset(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Trailer { at }
            | Self::Index { at, .. }
            | Self::LastFragment { at }
            | Self::Title(TitlePlace { at, .. }) => Some(at),
        }
    }
}

impl Mp4Demuxer {
    /// Sets out for the end of the file, once.
    pub(super) fn look_at_end(&mut self) -> bool {
        let Some(at) = self.len.and_then(|len| len.checked_sub(TRAILER)) else {
            return false;
        };
        if self.end_was_seen || self.one_way || !self.walks_on || self.tracks.is_empty() {
            return false;
        }
        self.end_was_seen = true;
        self.tail_read = TailRead::Trailer { at };
        true
    }

    /// Sets out for the titles of chapters, once.
    pub(super) fn look_for_titles(&mut self) -> bool {
        !self.one_way && self.tail_read == TailRead::None && self.next_title()
    }

    fn next_title(&mut self) -> bool {
        let next = self.titles.pop_front();
        if let Some(place) = next {
            self.tail_read = TailRead::Title(place);
        }
        next.is_some()
    }

    /// Goes on reading the tail; `None` when nothing is looked for there any more.
    pub(super) fn read_tail(&mut self) -> Option<Step> {
        loop {
            let at = self.tail_read.offset()?;
            if self.is_outside(at) {
                self.end_tail_read();
                return None;
            }
            let len = match self.tail_read {
                TailRead::Index { len, .. } | TailRead::Title(TitlePlace { len, .. }) => len,
                TailRead::LastFragment { .. } => match self.box_len(at) {
                    Ok(len) => len,
                    Err(step) => return step,
                },
                _ => TRAILER,
            };
            let Some(bytes) = usize::try_from(len)
                .ok()
                .and_then(|len| self.store.slice(at, len))
            else {
                if self.len.is_some_and(|end| at.saturating_add(len) > end) {
                    self.end_tail_read();
                    return None;
                }
                return Some(self.need(at, len));
            };
            if let Some(step) = self.tail_found(at, &bytes) {
                return Some(step);
            }
        }
    }

    /// Length of the box at an offset, or what must be done first.
    fn box_len(&mut self, at: u64) -> Result<u64, Option<Step>> {
        match look_at_head(&self.store.peek(at, 16)) {
            HeadLook::Head(head) if head.kind == *b"moof" => match head.len {
                Some(len) if len <= MAX_INDEX => return Ok(len),
                _ => {}
            },
            HeadLook::Need(count) if !self.is_outside(at.saturating_add(15)) => {
                return Err(Some(self.need(at, count as u64)));
            }
            _ => {}
        }
        self.end_tail_read();
        Err(None)
    }

    fn tail_found(&mut self, at: u64, bytes: &Bytes) -> Option<Step> {
        match self.tail_read {
            TailRead::Trailer { .. } => match index_len(bytes) {
                Some(len) if len <= MAX_INDEX => {
                    let end = at.saturating_add(TRAILER);
                    let at = end.saturating_sub(len);
                    self.tail_read = TailRead::Index { at, len };
                }
                _ => self.end_tail_read(),
            },
            TailRead::Index { .. } => match self.read_index(bytes) {
                Some(last) => self.tail_read = TailRead::LastFragment { at: last.offset },
                None => self.end_tail_read(),
            },
            TailRead::LastFragment { .. } => {
                let end = self.end_of_fragment(bytes, at);
                self.end_tail_read();
                if self.info.duration.is_none() && end.is_some() {
                    self.info.duration = end;
                    self.info_due = true;
                    return self.emit_info().step();
                }
            }
            TailRead::Title(place) => {
                let title = chapters::title(bytes);
                if let Some(chapter) = self.info.chapters.get_mut(place.chapter) {
                    chapter.title = title;
                }
                if !self.next_title() {
                    self.end_tail_read();
                    self.info_due = true;
                    return self.emit_info().step();
                }
            }
            TailRead::None => {}
        }
        None
    }

    /// Back to what was done before; a seek goes on with what is known now.
    fn end_tail_read(&mut self) {
        self.tail_read = TailRead::None;
        self.titles.clear();
        if let Some(goal) = self.goal {
            self.start_towards(goal.time);
        }
    }

    /// Takes the places of the track that leads; gives the last.
    fn read_index(&mut self, mfra: &Bytes) -> Option<FragmentStart> {
        let lead = self.lead()?;
        let track = &self.tracks.get(lead)?.described;
        let edit = *track.edits.first()?;
        let body = mfra.slice(mfra.len().min(8)..);
        let places = children(&body)
            .filter(|child| child.kind == *b"tfra")
            .find_map(|child| read_places(&child.body, track.info.id.0).ok()?)?;
        let places = places.into_iter().map(|(ticks, offset)| FragmentStart {
            time: edit.present(track.clock, i64::try_from(ticks).unwrap_or(i64::MAX)),
            offset,
        });
        self.index.replace(places.collect())
    }

    /// When the last track of a fragment ends.
    fn end_of_fragment(&self, moof: &Bytes, at: u64) -> Option<Time> {
        let body = moof.slice(moof.len().min(8)..);
        let mut data_end = at;
        let ends = children(&body)
            .filter(|child| child.kind == *b"traf" && find(&child.body, b"tfdt").is_some())
            .filter_map(|child| {
                let fragment = TrackFragment::parse(&child.body, at, true).ok()?;
                let mut tracks = self.tracks.iter().map(|track| &track.described);
                let track = tracks.find(|track| track.info.id.0 == fragment.track)?;
                let mut dts = 0;
                fragment.runs(track, &mut dts, &mut data_end);
                Some(track.edits.first()?.present(track.clock, dts))
            });
        ends.max().filter(|end| *end > Time::ZERO)
    }
}

/// 8.8.11: how long the `mfra` box is that this one ends.
fn index_len(mfro: &Bytes) -> Option<u64> {
    let mut reader = Reader::new(mfro);
    reader.skip(4).ok()?;
    let kind = reader.take::<4>().ok()?;
    reader.full_box().ok()?;
    let len = u64::from(reader.u32().ok()?);
    (kind == *b"mfro" && len >= TRAILER).then_some(len)
}

/// 8.8.10: times and offsets of the fragments of one track, if this is the one.
fn read_places(tfra: &Bytes, track: u32) -> Result<Option<Vec<(u64, u64)>>, Short> {
    let mut reader = Reader::new(tfra);
    let (version, _) = reader.full_box()?;
    if reader.u32()? != track {
        return Ok(None);
    }
    let sizes = reader.u32()?;
    let numbers = [sizes >> 4, sizes >> 2, sizes].map(|size| (size & 3).saturating_add(1));
    let numbers: u32 = numbers.iter().sum();
    let count = reader.u32()?;
    let mut places = Vec::new();
    for _ in 0..count {
        let (Ok(time), Ok(offset)) = (reader.sized(version), reader.sized(version)) else {
            break;
        };
        reader.skip(usize::try_from(numbers).unwrap_or(3))?;
        places.push((time, offset));
    }
    Ok(Some(places))
}
