//! Going to a time: by the cues, or by looking at clusters; and elements that are read out of turn.

use kinora_media::TrackKind;

use super::super::ebml::Id;
use super::super::id;
use super::super::index::{Index, Place};
use super::super::track::Track;
use super::collect::Collect;
use super::search::{Next, Search};
use super::{MkvDemuxer, READ_THROUGH, Sink, Turn};
use crate::{DemuxError, SeekMode, SeekTo};

/// An element that is read out of turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch {
    pub(super) id: Id,
    then: Then,
}

/// What comes after it.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The walk goes on there.
    Walk(u64),
    Seek(SeekTo),
}

impl MkvDemuxer {
    pub(super) fn go_to(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        if self.one_way {
            return Err(DemuxError::NotSeekable("its segments come in one order"));
        }
        let Some(segment) = self.segments.first().filter(|_| self.reported) else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        let cues_at = segment.cues_at.filter(|_| self.cues.is_none());
        let has_cues = cues_at.is_some() || self.cues.as_ref().is_some_and(|c| !c.is_empty());
        if !has_cues && self.total_len.is_none() {
            let why = "it has no index, and its length is not known";
            return Err(DemuxError::NotSeekable(why));
        }
        self.ready.clear();
        self.sink = Sink::Give;
        self.fetch = None;
        self.tail_was_seen &= self.info.duration.is_some();
        match cues_at {
            Some(at) => {
                self.go(at);
                let (id, then) = (id::CUES, Then::Seek(target));
                self.fetch = Some(Fetch { id, then });
            }
            None => self.plan(target),
        }
        Ok(())
    }

    /// Leaves the place at hand for another one.
    pub(super) fn go(&mut self, offset: u64) {
        self.at = offset;
        self.scanning = false;
        self.is_over = false;
        self.cluster = None;
        self.made.clear();
        for track in &mut self.tracks {
            track.clock.restart();
        }
    }

    /// Sets out for a time, with what is known of the places.
    pub(super) fn plan(&mut self, target: SeekTo) {
        let cues = self.cues.as_ref();
        if let Some(place) = cues.and_then(|cues| by_cues(cues, target)) {
            return self.enter(Collect::from_cue(target, place));
        }
        self.search(target, Search::NO_DETOUR);
    }

    pub(super) fn enter(&mut self, collect: Collect) {
        self.go(collect.entry);
        self.sink = Sink::Collect(collect);
    }

    /// Does what a search has come to.
    pub(super) fn follow(&mut self, mut search: Search, next: Next) {
        match next {
            Next::Enter(offset) => {
                self.enter(Collect::from_cluster(search.target, offset, search.back));
            }
            Next::Probe(offset) => {
                self.go(offset);
                self.scanning = true;
                search.probe = offset;
                self.sink = Sink::Search(search);
            }
        }
    }

    /// A cluster comes without the tracks that its blocks belong to: they may lie behind it.
    pub(super) fn look_for_tracks(&mut self) -> Result<Turn, DemuxError> {
        let segment = self.segments.first_mut();
        let tracks_at = segment.and_then(|segment| segment.tracks_at.take());
        match tracks_at.filter(|at| !self.one_way && *at > self.at) {
            Some(at) => {
                let then = Then::Walk(self.at);
                self.go(at);
                let id = id::TRACKS;
                self.fetch = Some(Fetch { id, then });
                Ok(Turn::On)
            }
            None => Err(self.without_tracks()),
        }
    }

    fn without_tracks(&self) -> DemuxError {
        DemuxError::Malformed {
            container: "Matroska",
            offset: self.at,
            reason: "mkv.tracks.missing",
            what: "a cluster without the tracks that its blocks belong to".to_owned(),
        }
    }

    pub(super) fn fetched(&mut self, fetch: Fetch) -> Result<Turn, DemuxError> {
        match fetch.then {
            Then::Walk(at) => self.go(at),
            Then::Seek(target) => self.plan(target),
        }
        Ok(Turn::On)
    }

    /// What was said to lie somewhere does not.
    pub(super) fn fetch_failed(&mut self, fetch: Fetch) -> Result<Turn, DemuxError> {
        match fetch.then {
            Then::Walk(_) => Err(self.without_tracks()),
            Then::Seek(target) => {
                self.cues = Some(Index::default());
                self.plan(target);
                Ok(Turn::On)
            }
        }
    }

    /// Whether a cue led to something else than a cluster: none of them is believed any more.
    pub(super) fn is_misled(&mut self) -> bool {
        let target = match &self.sink {
            Sink::Collect(collect) if collect.is_landing && collect.cue.is_some() => collect.target,
            _ => return false,
        };
        self.distrust_cues(target);
        true
    }

    pub(super) fn distrust_cues(&mut self, target: SeekTo) {
        self.cues = Some(Index::default());
        self.plan(target);
    }

    /// A cluster has told its time.
    pub(super) fn met_cluster(&mut self, place: Place, body: u64) {
        match core::mem::replace(&mut self.sink, Sink::Give) {
            Sink::Search(mut search) => {
                let next = search.landed(place);
                self.follow(search, next);
            }
            Sink::Collect(mut collect) => {
                // What lies before the block of a cue is jumped over where that is worth a request.
                let block = collect.relative.take().map(|at| body.saturating_add(at));
                let end = self.cluster.and_then(|cluster| cluster.end);
                let is_within = |at: &u64| end.is_some_and(|end| *at < end);
                if let Some(at) = block.filter(is_within)
                    && at > self.at.saturating_add(READ_THROUGH)
                {
                    self.at = at;
                }
                self.sink = Sink::Collect(collect);
            }
            other => self.sink = other,
        }
    }

    /// Nothing follows here.
    pub(super) fn walked_to_end(&mut self) -> Result<Turn, DemuxError> {
        if let Some(fetch) = self.fetch.take() {
            self.damaged();
            return self.fetch_failed(fetch);
        }
        match core::mem::replace(&mut self.sink, Sink::Give) {
            Sink::Give => return self.give_end(),
            Sink::Search(mut search) => {
                let next = search.found_nothing();
                self.follow(search, next);
            }
            Sink::Collect(collect) => {
                self.is_over = true;
                self.collected_all(collect);
            }
            Sink::Measure(tail) => self.measured(*tail),
        }
        Ok(Turn::On)
    }

    fn give_end(&mut self) -> Result<Turn, DemuxError> {
        if self.tracks.is_empty() {
            return Err(DemuxError::TruncatedHeader {
                at: self.window.end(),
            });
        }
        self.is_over = true;
        match self.reported {
            true => Ok(Turn::On),
            false => Ok(Turn::Tell(self.emit_info())),
        }
    }

    /// The track whose key frames decide where a seek goes.
    pub(super) fn lead(&self) -> Option<&Track> {
        let of_kind = |kind| self.tracks.iter().find(|track| track.info.kind() == kind);
        of_kind(TrackKind::Video)
            .or_else(|| of_kind(TrackKind::Audio))
            .or_else(|| self.tracks.first())
    }
}

/// The cue that serves a target.
#[allow(clippy::arithmetic_side_effects)] // Times saturate.
fn by_cues(cues: &Index, target: SeekTo) -> Option<Place> {
    let (before, after) = (cues.before(target.time), cues.after(target.time));
    match (before, after, target.mode) {
        (Some(before), Some(after), SeekMode::Nearest)
            if after.time - target.time < target.time - before.time =>
        {
            Some(after)
        }
        // Pictures may begin after the sound.
        (before, after, _) => before.or(after),
    }
}
