//! Finding a time.

use kinora_media::{Time, TrackKind};

use super::super::track::{Found, Track};
use super::tail::TailRead;
use super::{MAX_WAITING_FRAGMENTS, Mp4Demuxer, State};
use crate::{DemuxError, SeekMode, SeekTo};

/// A seek on its way through fragments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Goal {
    pub(super) time: Time,
    /// Where the way began.
    entered: u64,
    /// Where the fragments at hand begin.
    from: u64,
    /// The last place on the way with a key frame that is early enough.
    key_at: Option<u64>,
    /// The fragments at hand are those of that place.
    is_back: bool,
    /// So many fragments earlier the way begins anew, if there was no such place.
    back: usize,
}

impl Goal {
    fn new(time: Time, entered: u64) -> Self {
        Self {
            time,
            entered,
            from: entered,
            key_at: None,
            is_back: false,
            back: 1,
        }
    }
}

/// Decoders of sound need that much of before: 80 ms for Opus (RFC 7845 4.6), a frame for AAC.
const PREROLL: Time = Time::from_millis(100);

#[allow(clippy::arithmetic_side_effects)] // Times saturate.
fn before(time: Time) -> Time {
    time - PREROLL
}

impl Mp4Demuxer {
    /// Goes to a time, by the tables or by the fragments.
    pub(super) fn go_to(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        if self.one_way {
            return Err(DemuxError::NotSeekable("its segments come in one order"));
        }
        let Some(lead) = self.lead() else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        self.tail_read = TailRead::None;
        self.waiting_fragments = 0;
        self.given = 0;
        self.has_given = false;
        (self.goal, self.seeking) = (None, None);
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

    /// On the way to a time: is it within the fragments at hand? Key frames may lie in earlier
    /// fragments than what they are needed for, and be presented after the decoding time by
    /// which fragments are found.
    pub(super) fn approach(&mut self, goal: Goal) {
        let Some(track) = self.lead().and_then(|lead| self.tracks.get(lead)) else {
            return;
        };
        if !track.has_runs() && self.waiting_fragments < MAX_WAITING_FRAGMENTS {
            // Of the other tracks only: it may belong to the fragment that comes next.
            return;
        }
        let found = track.look_in_runs(goal.time);
        let key_at = goal.key_at.filter(|_| !goal.is_back && self.timed);
        match found.key {
            Some(key) if found.reaches || goal.is_back => self.arrive(goal, key),
            key if !found.reaches => self.go_on(Goal {
                from: self.at,
                key_at: key.map(|_| goal.from).or(key_at),
                ..goal
            }),
            _ => match key_at {
                Some(from) => self.go_on(Goal {
                    from,
                    is_back: true,
                    ..goal
                }),
                None => self.look_before(goal, found),
            },
        }
    }

    /// The time is in the fragments at hand, its key frame before where the way began.
    fn look_before(&mut self, goal: Goal, found: Found) {
        let lead = self.lead().unwrap_or(0);
        let in_tables = self.tracks.get(lead).is_some_and(Track::has_table_samples);
        match (self.earlier(goal), found.first) {
            (Some(earlier), _) => self.go_on(earlier),
            (None, _) if in_tables => {
                self.go_on(goal);
                self.goal = None;
                self.seek_tables(
                    SeekTo {
                        time: goal.time,
                        mode: SeekMode::Before,
                    },
                    lead,
                );
            }
            (None, Some(key)) => self.arrive(goal, key),
            (None, None) => self.go_on(Goal {
                from: self.at,
                ..goal
            }),
        }
    }

    /// Leaves the fragments at hand for those from a place on.
    fn go_on(&mut self, goal: Goal) {
        for track in &mut self.tracks {
            track.forget_runs();
        }
        self.waiting_fragments = 0;
        self.at = goal.from;
        self.goal = Some(goal);
    }

    /// The seek ends at a key frame of the fragments at hand.
    fn arrive(&mut self, goal: Goal, (time, dts): (Time, i64)) {
        self.goal = None;
        let lead = self.lead();
        for (index, track) in self.tracks.iter_mut().enumerate() {
            match lead == Some(index) {
                true => track.skip_runs_to(dts),
                // Pictures may begin after the sound.
                false => track.skip_runs_before(time.min(goal.time)),
            }
        }
    }

    /// The seek begun again some fragments earlier, further back each time.
    fn earlier(&self, goal: Goal) -> Option<Goal> {
        let place = self.index.earlier(goal.entered, goal.back)?;
        self.timed.then(|| Goal {
            back: goal.back.saturating_mul(2),
            ..Goal::new(goal.time, place.offset)
        })
    }

    /// A fragment that was entered by an index does not tell its time: it is counted from the
    /// first one on.
    pub(super) fn count_towards(&mut self, goal: Goal) {
        self.restart_fragments();
        self.go_on(Goal::new(goal.time, self.at));
    }

    /// The track whose key frames decide where a seek goes.
    pub(super) fn lead(&self) -> Option<usize> {
        let of_kind = |kind| self.tracks.iter().position(|track| track.kind() == kind);
        of_kind(TrackKind::Video)
            .or_else(|| of_kind(TrackKind::Audio))
            .or_else(|| (!self.tracks.is_empty()).then_some(0))
    }

    /// Seeks in the tables of the movie box.
    pub(super) fn seek_tables(&mut self, target: SeekTo, lead: usize) {
        self.restart_fragments();
        self.state = State::Giving;
        let nearest = target.mode == SeekMode::Nearest;
        let arrived = self
            .tracks
            .get_mut(lead)
            .and_then(|track| track.seek(target.time, nearest));
        if self.tracks.get(lead).is_some_and(Track::lacks_pages) {
            self.seeking = Some(target);
            return;
        }
        let time = match target.mode {
            // Pictures may begin after the sound.
            SeekMode::Before => arrived.unwrap_or(target.time).min(target.time),
            SeekMode::Nearest => arrived.unwrap_or(target.time),
            SeekMode::Exact => before(target.time),
        };
        for (index, track) in self.tracks.iter_mut().enumerate() {
            if index != lead {
                track.follow(time);
            }
        }
    }

    /// Seeks in fragments: to the last known one before the time, from there on by looking.
    fn seek_fragments(&mut self, target: SeekTo) {
        for track in &mut self.tracks {
            track.leave_tables();
        }
        self.restart_fragments();
        self.start_towards(target.time);
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
        self.goal = Some(Goal::new(time, self.at));
    }

    fn restart_fragments(&mut self) {
        self.at = self.behind_movie;
        for track in &mut self.tracks {
            track.next_dts = track.tables_ticks();
        }
    }
}
