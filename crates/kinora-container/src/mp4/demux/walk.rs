//! Walking the boxes of the outermost level.

use core::ops::Range;

use bytes::Bytes;
use kinora_media::TrackKind;

use super::super::boxes::{BoxHead, FourCc, HeadLook, children, look_at_head};
use super::super::fragment::{Run, TrackFragment};
use super::super::index::FragmentStart;
use super::super::moov::Movie;
use super::super::outline::{LongTable, Paging};
use super::super::protection;
use super::super::sample_crypto::Surroundings;
use super::super::track::Track;
use super::super::{compressed, event};
use super::{
    HEAD_HINT, MAX_INDEX, MAX_WAITING_FRAGMENTS, Mp4Demuxer, NOWHERE, READ_THROUGH, State, Turn,
};
use crate::{DemuxError, Step};

impl Mp4Demuxer {
    pub(super) fn walk(&mut self) -> Result<Turn, DemuxError> {
        if self.is_outside(self.at) || self.at == NOWHERE {
            return self.walked_to_end();
        }
        let data = self.store.peek(self.at, 16);
        match look_at_head(&data) {
            HeadLook::Head(head) => self.enter_box(head),
            HeadLook::Need(count) => {
                let count = count as u64;
                if self.is_outside(self.at.saturating_add(count).saturating_sub(1)) {
                    self.damaged();
                    return self.walked_to_end();
                }
                let hint = count.max(HEAD_HINT);
                Ok(Turn::Emit(self.need(self.at, hint)))
            }
            // Rubbish behind the index: samples may still be sound.
            HeadLook::Bad(_) if self.info_is_known() => {
                self.damaged();
                self.at = NOWHERE;
                self.walked_to_end()
            }
            HeadLook::Bad(kind) => Err(malformed(
                self.at,
                "mp4.box.too_short",
                format!("box {} is shorter than its head", printable(kind)),
            )),
        }
    }

    /// The boxes end. What is known is given, if anything is.
    fn walked_to_end(&mut self) -> Result<Turn, DemuxError> {
        if !self.info_is_known() {
            return Err(match (self.len, self.media_start) {
                (Some(_), Some(offset)) => malformed(
                    offset,
                    "mp4.moov.missing",
                    "media data without an index (moov): the recording was not finished".to_owned(),
                ),
                (len, _) => DemuxError::TruncatedHeader {
                    at: len.unwrap_or(self.at),
                },
            });
        }
        self.goal = None;
        self.state = match self.has_samples() {
            true => State::Giving,
            false if self.len.is_some_and(|len| self.at >= len) || self.at == u64::MAX => {
                State::Ended
            }
            false => State::Ended,
        };
        Ok(self.emit_info())
    }

    fn enter_box(&mut self, head: BoxHead) -> Result<Turn, DemuxError> {
        let end = head.len.map(|len| self.at.saturating_add(len));
        match &head.kind {
            b"moov" | b"moof" | b"sidx" => self.read_whole(head),
            b"emsg" if head.len.is_some_and(|len| len <= event::MAX_BOX) => self.read_whole(head),
            b"mdat" if self.has_samples() || self.info_due => {
                if let Turn::Emit(step) = self.emit_info() {
                    return Ok(Turn::Emit(step));
                }
                self.waiting_fragments = 0;
                if self.has_samples() {
                    self.state = State::Giving;
                }
                self.at = end.unwrap_or(NOWHERE);
                Ok(Turn::On)
            }
            kind => {
                if kind == b"mdat" && self.media_start.is_none() {
                    self.media_start =
                        Some(self.at).filter(|_| head.len.is_some_and(|len| len <= READ_THROUGH));
                }
                self.at = end.unwrap_or(NOWHERE);
                Ok(Turn::On)
            }
        }
    }

    /// Reads a box that is of use only as a whole.
    fn read_whole(&mut self, head: BoxHead) -> Result<Turn, DemuxError> {
        let len = match (head.len, self.len) {
            (Some(len), _) => len,
            (None, Some(end)) => end.saturating_sub(self.at),
            (None, None) => {
                let at_hand = self.store.feed_end().saturating_sub(self.at);
                return match at_hand > MAX_INDEX {
                    true => Err(too_large(at_hand)),
                    false => Ok(Turn::Emit(Step::NeedMore)),
                };
            }
        };
        if len > MAX_INDEX {
            return Err(too_large(len));
        }
        if head.kind == *b"moov"
            && let Some(turn) = self.read_outline(head)?
        {
            return Ok(turn);
        }
        let end = self.at.saturating_add(len);
        let usize_len = usize::try_from(len).map_err(|_| too_large(len))?;
        let Some(whole) = self.store.slice(self.at, usize_len) else {
            if self.len.is_some_and(|file| end > file) {
                return self.cut_box(head);
            }
            return Ok(Turn::Emit(self.need(self.at, len)));
        };
        let head_len = usize::try_from(head.head_len).unwrap_or(0);
        let body = whole.slice(head_len.min(whole.len())..);
        match &head.kind {
            b"moov" => {
                let unpacked = compressed::movie(&body)
                    .map_err(|what| malformed(self.at, "mp4.moov.compressed", what.to_owned()))?;
                let moov = unpacked.as_ref().unwrap_or(&body);
                self.read_movie(moov, &[], body_start(&body, end)..end)
            }
            b"moof" => self.read_fragment(&body, end),
            b"emsg" => {
                self.read_event(&body);
                self.at = end;
                Ok(Turn::On)
            }
            _ => {
                if self.index.read(&body, end).is_err() {
                    self.damaged();
                }
                self.at = end;
                Ok(Turn::On)
            }
        }
    }

    fn read_event(&mut self, body: &Bytes) {
        match event::parse(body) {
            Some(message) if self.events.len() < event::MAX_WAITING => self.events.push(message),
            Some(_) => {}
            None => self.damaged(),
        }
    }

    /// The file ends within a box that is needed whole.
    fn cut_box(&mut self, head: BoxHead) -> Result<Turn, DemuxError> {
        if head.kind == *b"moov" && !self.info_is_known() {
            return Err(DemuxError::TruncatedHeader {
                at: self.len.unwrap_or(self.at),
            });
        }
        self.damaged();
        self.at = NOWHERE;
        self.walked_to_end()
    }

    /// Takes a movie box that lies there; `long` says where the tables lie that are not in it.
    pub(super) fn read_movie(
        &mut self,
        moov: &Bytes,
        long: &[Vec<LongTable>],
        body: Range<u64>,
    ) -> Result<Turn, DemuxError> {
        if self.has_samples() {
            // A new init segment: what the old one described comes first.
            self.state = State::Giving;
            return Ok(Turn::On);
        }
        let paging = self.paging.unwrap_or(Paging::NETWORK);
        let movie = Movie::parse(moov, long, paging, body.start, &mut self.damage);
        let playable = movie.tracks.iter().any(|track| {
            matches!(
                track.info.kind(),
                TrackKind::Video | TrackKind::Audio | TrackKind::Subtitle
            )
        });
        if !playable {
            return Err(DemuxError::NoTracks);
        }
        self.info = movie.info();
        self.titles = movie.chapters.titles.into();
        let fragmented = movie.fragmented;
        self.tracks = movie.tracks.into_iter().map(Track::new).collect();
        self.fill_pages();
        self.at = body.end;
        self.behind_movie = body.end;
        self.info_due = true;
        // An init segment need not say that fragments follow.
        self.walks_on = fragmented || !self.has_samples();
        if !fragmented && self.has_samples() {
            self.state = State::Giving;
            return Ok(self.emit_info());
        }
        Ok(Turn::On)
    }

    fn read_fragment(&mut self, body: &Bytes, end: u64) -> Result<Turn, DemuxError> {
        if let Turn::Emit(step) = self.emit_info() {
            return Ok(Turn::Emit(step));
        }
        if self.tracks.is_empty() {
            return Err(malformed(
                self.at,
                "mp4.moov.missing",
                "a fragment without the init segment that describes its tracks".to_owned(),
            ));
        }
        if let Some(range) = self.missing_vectors(body, end) {
            let len = range.end.saturating_sub(range.start);
            return Ok(Turn::Emit(self.need(range.start, len)));
        }
        if self.waiting_fragments >= MAX_WAITING_FRAGMENTS && self.has_samples() {
            self.waiting_fragments = 0;
            self.state = State::Giving;
            return Ok(Turn::On);
        }
        self.waiting_fragments = self.waiting_fragments.saturating_add(1);
        let moof = self.at;
        let was_timed = self.timed;
        self.join_key_systems(body);
        self.add_runs(body, moof, end);
        self.at = end;
        match self.goal {
            Some(goal) if was_timed && !self.timed => self.count_towards(goal),
            Some(goal) => self.approach(goal),
            None => {}
        }
        Ok(Turn::On)
    }

    /// What key systems need for keys that come with a fragment (ISO/IEC 23001-7 8.1).
    fn join_key_systems(&mut self, moof: &Bytes) {
        let new = protection::key_systems(moof);
        if new.is_empty() {
            return;
        }
        for track in &mut self.info.tracks {
            if let Some(protection) = &mut track.protection {
                self.info_due |= protection::join_key_systems(protection, &new);
            }
        }
    }

    /// The vectors of samples may lie among the media (`saio`): they are waited for, where they can be had.
    fn missing_vectors(&self, body: &Bytes, end: u64) -> Option<Range<u64>> {
        let mut first = true;
        children(body)
            .filter(|child| child.kind == *b"traf")
            .find_map(|traf| {
                let fragment =
                    TrackFragment::parse(&traf.body, self.at, core::mem::take(&mut first)).ok()?;
                let track = (self.tracks.iter())
                    .find(|track| track.described.info.id.0 == fragment.track)?;
                let range = fragment.vectors(&track.described, &traf.body, self.at)?;
                let is_within = self.at <= range.start && range.end <= end;
                let comes = || self.store.stretch(&range).is_none() && self.may_come(&range);
                (!is_within && comes()).then_some(range)
            })
    }

    /// Whether bytes that are not at hand can be had.
    fn may_come(&self, range: &Range<u64>) -> bool {
        let is_gone = self.one_way && range.start < self.store.feed_begin();
        !is_gone && !self.is_outside(range.end.saturating_sub(1))
    }

    /// What must be done before the first packet: vectors of the samples of a table are read that lie among the media.
    pub(super) fn read_vectors(&mut self) -> Option<Turn> {
        let mut tracks = self.tracks.iter();
        let index = tracks.position(|track| track.described.far_vectors.is_some())?;
        let far = self.tracks.get(index)?.described.far_vectors.as_ref()?;
        let range = far.range.clone();
        let bytes = self.store.stretch(&range);
        if bytes.is_none() && self.may_come(&range) {
            let len = range.end.saturating_sub(range.start);
            return Some(Turn::Emit(self.need(range.start, len)));
        }
        if let Some(track) = self.tracks.get_mut(index) {
            track.vectors_came(bytes.as_ref());
        }
        Some(Turn::On)
    }

    fn add_runs(&mut self, body: &Bytes, moof: u64, end: u64) {
        let lead = self.lead();
        let around = Surroundings {
            bytes: body,
            start: body_start(body, end),
        };
        let mut data_end = moof;
        let mut first = true;
        for traf in children(body).filter(|child| child.kind == *b"traf") {
            let Ok(fragment) = TrackFragment::parse(&traf.body, moof, first) else {
                self.damaged();
                continue;
            };
            first = false;
            let found = self
                .tracks
                .iter_mut()
                .enumerate()
                .find(|(_, track)| track.described.info.id.0 == fragment.track);
            let Some((index, track)) = found else {
                continue;
            };
            if fragment.empty {
                continue;
            }
            self.timed &= fragment.start.is_some();
            let elsewhere = fragment
                .vectors(&track.described, &traf.body, moof)
                .and_then(|range| {
                    let bytes = self.store.stretch(&range)?;
                    Some((bytes, range.start))
                });
            let around = elsewhere
                .as_ref()
                .map_or(around, |(bytes, start)| Surroundings {
                    bytes,
                    start: *start,
                });
            let cryptos = fragment.cryptos(&track.described, &traf.body, around, moof);
            let runs = fragment.runs(&track.described, &mut track.next_dts, &mut data_end);
            let enterable = lead == Some(index) && runs.iter().any(Run::has_key);
            if let Some(run) = runs.first().filter(|_| enterable) {
                let edit = track.described.edits.first();
                let time = edit.map(|edit| edit.present(track.described.clock, run.start()));
                self.index.add(FragmentStart {
                    time: time.unwrap_or_default(),
                    offset: moof,
                });
            }
            let waiting = self.goal.is_some();
            for mut run in runs {
                run.cryptos.clone_from(&cryptos);
                track.add_run(run, waiting);
            }
        }
    }
}

/// Where the body of a box begins that ends at an offset.
fn body_start(body: &Bytes, end: u64) -> u64 {
    end.saturating_sub(body.len() as u64)
}

fn malformed(offset: u64, reason: &'static str, what: String) -> DemuxError {
    DemuxError::Malformed {
        container: "MP4",
        offset,
        reason,
        what,
    }
}

fn too_large(size: u64) -> DemuxError {
    DemuxError::TooLarge {
        what: "the index of the file",
        size,
        limit: MAX_INDEX,
    }
}

fn printable(kind: FourCc) -> String {
    kind.escape_ascii().to_string()
}
