//! Finding a time.

use kinora_media::{Time, TrackKind};

use super::super::track::Track;
use super::tail::Errand;
use super::{MAX_WAITING_FRAGMENTS, Mp4Demuxer, State};
use crate::{DemuxError, SeekMode, SeekTo};

impl Mp4Demuxer {
    /// Goes to a time, by the tables or by the fragments.
    pub(super) fn go_to(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        if self.one_way {
            return Err(DemuxError::NotSeekable("its segments come in one order"));
        }
        let Some(lead) = self.lead() else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        self.errand = Errand::None;
        self.waiting_fragments = 0;
        self.given = 0;
        self.goal = None;
        for track in &mut self.tracks {
            track.forget_runs();
        }
        let tables_end = self
            .tracks
            .get(lead)
            .filter(|track| track.has_table_samples())
            .map(Track::tables_end);
        // Without fragments there are only the tables, also where those of the leading track are empty.
        if !self.walks_on || tables_end.is_some_and(|end| target.time < end) {
            self.seek_tables(target, lead);
        } else {
            self.seek_fragments(target);
        }
        Ok(())
    }

    /// On the way to a time: is it within the fragments at hand?
    pub(super) fn approach(&mut self, goal: Time) {
        let Some(lead) = self.lead() else {
            return;
        };
        let Some(track) = self.tracks.get(lead) else {
            return;
        };
        if !track.has_runs() && self.waiting_fragments < MAX_WAITING_FRAGMENTS {
            // Of the other tracks only: it may belong to the fragment that comes next.
            return;
        }
        let Some((time, dts)) = track.key_in_runs(goal) else {
            for track in &mut self.tracks {
                track.forget_runs();
            }
            self.waiting_fragments = 0;
            return;
        };
        self.goal = None;
        for (index, track) in self.tracks.iter_mut().enumerate() {
            match index == lead {
                true => track.skip_runs_to(dts),
                false => track.skip_runs_before(time),
            }
        }
    }

    /// The track whose key frames decide where a seek goes.
    pub(super) fn lead(&self) -> Option<usize> {
        let of_kind = |kind| self.tracks.iter().position(|track| track.kind() == kind);
        of_kind(TrackKind::Video)
            .or_else(|| of_kind(TrackKind::Audio))
            .or_else(|| (!self.tracks.is_empty()).then_some(0))
    }

    /// Seeks in the tables of the movie box.
    fn seek_tables(&mut self, target: SeekTo, lead: usize) {
        let nearest = target.mode == SeekMode::Nearest;
        let arrived = self
            .tracks
            .get_mut(lead)
            .and_then(|track| track.seek(target.time, nearest));
        let time = arrived.unwrap_or(target.time);
        for (index, track) in self.tracks.iter_mut().enumerate() {
            if index != lead {
                track.follow(time);
            }
        }
        self.restart_fragments();
        self.state = State::Giving;
    }

    /// Seeks in fragments: to the last known one before the time, from there on by looking.
    fn seek_fragments(&mut self, target: SeekTo) {
        for track in &mut self.tracks {
            track.leave_tables();
        }
        self.restart_fragments();
        self.start_towards(target.time);
        self.goal = Some(target.time);
        self.state = State::Walking;
        if !self.index.reaches(target.time) {
            self.look_at_end();
        }
    }

    /// Goes to the last fragment that is known to begin before a time.
    pub(super) fn start_towards(&mut self, time: Time) {
        let place = self.index.before(time).or(self.index.first());
        if let Some(place) = place.filter(|_| self.timed) {
            self.at = place.offset;
        }
    }

    fn restart_fragments(&mut self) {
        self.at = self.behind_movie;
        for track in &mut self.tracks {
            track.next_dts = track.tables_ticks();
        }
    }
}
