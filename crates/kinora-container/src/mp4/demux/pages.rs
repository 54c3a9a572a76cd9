//! An index that is read in pieces: the movie box in outline, then the pages of its long tables that are needed.

use core::ops::Range;

use kinora_media::ByteRange;

use super::super::boxes::BoxHead;
use super::super::outline::{Outline, Outlined, Paging};
use super::{JUMP_COST, MAX_SKEW, Mp4Demuxer, Turn};
use crate::{DemuxError, Step};

impl Mp4Demuxer {
    /// Reads the movie box in outline. `None`: it is to be read whole.
    pub(super) fn read_outline(&mut self, head: BoxHead) -> Result<Option<Turn>, DemuxError> {
        let (Some(paging), Some(len), true) = (self.paging, head.len, self.tracks.is_empty())
        else {
            return Ok(None);
        };
        let end = self.at.saturating_add(len);
        if len <= paging.long || self.len.is_none_or(|file| end > file) {
            return Ok(None);
        }
        let body = self.at.saturating_add(head.head_len)..end;
        let mut outline = match self.outline.take() {
            Some(outline) => outline,
            None => Outline::new(body.clone(), paging),
        };
        match outline.read(&self.store) {
            Outlined::Needs(range) => {
                self.outline = Some(outline);
                Ok(Some(Turn::Emit(self.need_exactly(range))))
            }
            Outlined::Done(moov, long) => self.read_movie(&moov, &long, body).map(Some),
            Outlined::Unfit => {
                self.paging = None;
                Ok(None)
            }
        }
    }

    /// Takes the pages that came with the outline.
    pub(super) fn fill_pages(&mut self) {
        let store = &self.store;
        for track in &mut self.tracks {
            track.described.tables.fill(|range| store.stretch(&range));
        }
    }

    /// What must be done before the next packet for want of pages: of the track that leads a seek, then of each whose time
    /// has come.
    pub(super) fn read_pages(&mut self) -> Option<Turn> {
        self.paging?;
        let index = match self.seeking {
            Some(_) => self.lead(),
            None => self.due_track(),
        }?;
        let ahead = self.ahead();
        let missing = self.tracks.get(index)?.described.tables.missing(ahead);
        self.page = missing.as_ref().map(|range| range.start);
        if let Some(range) = missing {
            let is_there = self.store.stretch(&range).is_some();
            let is_outside = self.is_outside(range.end.saturating_sub(1));
            if !is_there && !is_outside {
                return Some(Turn::Emit(self.need_exactly(range)));
            }
            let tables = &mut self.tracks.get_mut(index)?.described.tables;
            match is_there {
                true => tables.fill(|page| self.store.stretch(&page)),
                false => {
                    tables.end_at_missing();
                    self.damaged();
                }
            }
        }
        self.page = None;
        match self.seeking.take() {
            Some(target) => self.seek_tables(target, index),
            None => {
                if let Some(track) = self.tracks.get_mut(index) {
                    track.retry();
                }
            }
        }
        Some(Turn::On)
    }

    /// A track whose next sample is not known, and that may not be left behind any further.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn due_track(&self) -> Option<usize> {
        let mut pending = self
            .tracks
            .iter()
            .enumerate()
            .filter_map(|(index, track)| Some((index, track.pending_from()?)))
            .peekable();
        pending.peek()?;
        let heads = self.tracks.iter().filter_map(|track| track.head());
        let earliest = heads.map(|head| head.dts).min();
        pending
            .find(|(_, from)| earliest.is_none_or(|dts| *from <= dts - MAX_SKEW))
            .map(|(index, _)| index)
    }

    /// How much of a table is read at once.
    fn ahead(&self) -> usize {
        let paging = self.paging.unwrap_or(Paging::NETWORK);
        match self.has_given {
            true => paging.ahead,
            false => paging.first,
        }
    }

    /// Asks for these bytes, and none behind them.
    fn need_exactly(&mut self, range: Range<u64>) -> Step {
        self.let_go();
        let end = self.store.feed_end();
        let long = self.paging.map_or(0, |paging| paging.long);
        let near = self.store.feed_begin()..=end.saturating_add(long);
        let start = match near.contains(&range.start) {
            // What lies between is read through.
            true => end,
            false => {
                self.given = self.given.saturating_add(JUMP_COST);
                self.store.restart(range.start);
                range.start
            }
        };
        Step::Want(ByteRange {
            start,
            end: Some(range.end),
        })
    }
}
