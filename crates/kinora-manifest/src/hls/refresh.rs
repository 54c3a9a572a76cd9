use core::time::Duration;

use kinora_media::Time;

use super::directives::{self, Position, Skip};
use super::error::{HlsError, HlsErrorKind};
use super::model::{MediaPlaylist, Segment};
use super::start::LatencyMode;

/// What a reload brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// Segments or parts that were not there; the number of the first new segment, or of the one that grows.
    Grown {
        /// Media sequence number.
        from: u64,
    },
    /// Nothing new.
    Unchanged,
    /// The numbers went back: another presentation, or a server that began anew. Play from the live start.
    Restarted,
    /// Segments were missed between the two; play goes on at the number given.
    Gap {
        /// First segment of the new playlist.
        from: u64,
    },
}

/// A playlist that is loaded again and again.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveState {
    playlist: MediaPlaylist,
    mode: LatencyMode,
    last: Update,
    unchanged: u32,
}

impl LiveState {
    /// Begins with the first load.
    #[must_use]
    pub fn new(playlist: MediaPlaylist, mode: LatencyMode) -> Self {
        let from = playlist.media_sequence;
        Self {
            playlist,
            mode,
            last: Update::Grown { from },
            unchanged: 0,
        }
    }
    /// Begins with the first load of a rendition beside one that is followed already: discontinuity numbers and dates that
    /// its playlist does not tell are those of the other one (RFC 8216 6.2.4).
    #[must_use]
    pub fn alongside(&self, mut playlist: MediaPlaylist) -> Self {
        carry_on(&self.playlist, &mut playlist);
        Self::new(playlist, self.mode)
    }
    /// The playlist as it is now.
    #[must_use]
    pub fn playlist(&self) -> &MediaPlaylist {
        &self.playlist
    }
    /// How near to its edge it is played.
    #[must_use]
    pub fn mode(&self) -> LatencyMode {
        self.mode
    }
    /// What comes next: the part, or the segment where the playlist has no parts.
    #[must_use]
    pub fn next_position(&self) -> Position {
        directives::next_position(&self.playlist)
    }
    /// Reloads in a row that brought nothing.
    #[must_use]
    pub fn unchanged_count(&self) -> u32 {
        self.unchanged
    }
    /// Nothing will be added.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !self.playlist.is_live()
    }
    /// How long to wait before the next load, from the beginning of the last one; `None` when it ended. A server that
    /// answers once there is something new is asked at once, unless it did not do so last.
    #[must_use]
    pub fn reload_delay(&self) -> Option<Duration> {
        if self.has_ended() {
            return None;
        }
        if self.wait_for().is_some() && self.last != Update::Unchanged {
            return Some(Duration::ZERO);
        }
        Some(reload_delay(&self.playlist, self.last, self.mode))
    }
    /// What the next load waits for at the server, where that can and parts are loaded (RFC 8216bis 6.2.5.2).
    #[must_use]
    pub fn wait_for(&self) -> Option<Position> {
        let control = &self.playlist.server_control;
        let waits = control.can_block_reload && self.mode == LatencyMode::Parts;
        (waits && !self.has_ended()).then(|| directives::next_position(&self.playlist))
    }
    /// What the next load may leave out, and how long after the last one at most (RFC 8216bis 6.2.5.1: half of the skip
    /// boundary).
    #[must_use]
    pub fn skip(&self) -> Option<(Skip, Duration)> {
        let until = self.playlist.server_control.can_skip_until?.to_duration();
        let within = until.checked_div(2).unwrap_or_default();
        Some((directives::skip(&self.playlist)?, within))
    }
    /// Takes a reload: puts back what an update left out, carries on discontinuity numbers and dates.
    ///
    /// # Errors
    /// When an update leaves out segments that were never seen: load the whole playlist.
    pub fn update(&mut self, mut new: MediaPlaylist) -> Result<Update, HlsError> {
        let old = &self.playlist;
        put_back_skipped(old, &mut new)?;
        let update = compare(old, &new);
        if update != Update::Restarted {
            carry_on(old, &mut new);
        }
        self.unchanged = match update {
            Update::Unchanged => self.unchanged.saturating_add(1),
            _ => 0,
        };
        self.last = update;
        // An older answer that overtook a newer one (RFC 8216 6.3.4) brings nothing: keep what is known.
        if update != Update::Unchanged || new.ended || end(&new) >= end(old) {
            self.playlist = new;
        }
        Ok(update)
    }
}

/// The time between two loads: the target duration, half of it when the last load brought nothing; for a client that
/// loads parts the duration of a part (RFC 8216bis 6.3.4).
#[must_use]
pub fn reload_delay(playlist: &MediaPlaylist, last: Update, mode: LatencyMode) -> Duration {
    const MIN_DELAY: Duration = Duration::from_millis(100);
    let part = playlist.part_target.filter(|_| mode == LatencyMode::Parts);
    let part = part.filter(|target| *target > Time::ZERO);
    let target = part.unwrap_or_else(|| pace(playlist)).to_duration();
    let delay = match last {
        Update::Unchanged => target.checked_div(2).unwrap_or(target),
        _ => target,
    };
    delay.max(MIN_DELAY)
}

/// A playlist without anything new for that long is stale: a server has to publish within 1.5 target durations (RFC 8216
/// 6.2.2); peers give up at 3.5, and so do we.
#[must_use]
pub fn stale_after(playlist: &MediaPlaylist) -> Duration {
    let target = pace(playlist).to_duration();
    target.saturating_mul(7).checked_div(2).unwrap_or(target)
}

/// How often segments come: the target duration, unless that is far from what the segments are.
fn pace(list: &MediaPlaylist) -> Time {
    let longest = list.segments.iter().map(|segment| segment.duration).max();
    let twice = longest.map(|longest| Time::from_nanos(longest.as_nanos().saturating_mul(2)));
    let twice = twice.filter(|twice| *twice > Time::ZERO);
    twice.map_or(list.target_duration, |twice| {
        list.target_duration.min(twice)
    })
}

/// One past the last segment's number, and the parts beyond it.
fn end(list: &MediaPlaylist) -> (u64, usize) {
    let next = list.segments.last().map_or_else(
        || list.media_sequence.saturating_add(list.skipped),
        |last| last.sequence.saturating_add(1),
    );
    (next, list.trailing_parts().len())
}

fn compare(old: &MediaPlaylist, new: &MediaPlaylist) -> Update {
    let (old_end, new_end) = (end(old), end(new));
    if new_end == old_end {
        let ended = new.ended && !old.ended;
        return if ended {
            Update::Grown { from: new_end.0 }
        } else {
            Update::Unchanged
        };
    }
    if new_end < old_end {
        // One segment back may be an older copy of a cache; more is another presentation.
        let back = old_end.0.saturating_sub(new_end.0);
        return if back <= 1 && new.media_sequence.saturating_add(1) >= old.media_sequence {
            Update::Unchanged
        } else {
            Update::Restarted
        };
    }
    if new.media_sequence > old_end.0 {
        return Update::Gap {
            from: new.media_sequence,
        };
    }
    Update::Grown { from: old_end.0 }
}

/// RFC 8216bis 6.2.5.1: skipped segments are the first ones, and are those of the playlist before.
fn put_back_skipped(old: &MediaPlaylist, new: &mut MediaPlaylist) -> Result<(), HlsError> {
    if new.skipped == 0 {
        return Ok(());
    }
    let too_much = || HlsErrorKind::SkippedTooMuch.at(0);
    let first = old.segments.first().ok_or_else(too_much)?.sequence;
    let from = new.media_sequence.checked_sub(first).ok_or_else(too_much)?;
    let to = from.checked_add(new.skipped).ok_or_else(too_much)?;
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let (from, to) = range.ok_or_else(too_much)?;
    let known = old.segments.get(from..to).ok_or_else(too_much)?;
    // Discontinuities of the skipped part count for what follows.
    let before = known.last().map_or(new.discontinuity_sequence, |last| {
        last.discontinuity_sequence
    });
    let shift = before.saturating_sub(new.discontinuity_sequence);
    let before_key = new.segments_before_key;
    for (at, segment) in new.all_segments_mut().enumerate() {
        segment.discontinuity_sequence = segment.discontinuity_sequence.saturating_add(shift);
        if let Some(last) = known.last() {
            inherit(segment, last, at < before_key);
        }
    }
    new.segments.splice(0..0, known.iter().cloned());
    new.skipped = 0;
    if new.server_control.can_skip_date_ranges {
        put_back_date_ranges(old, new);
    }
    Ok(())
}

/// Tags before the segments that were left out apply to those behind them.
fn inherit(segment: &mut Segment, last: &Segment, inherits_key: bool) {
    if segment.map.is_none() {
        segment.map.clone_from(&last.map);
    }
    let unnamed = segment.uri.is_empty() && segment.keys.is_empty();
    if inherits_key || unnamed {
        segment.keys.clone_from(&last.keys);
    }
}

/// RFC 8216bis 4.4.5.2: an update names those that are new or changed, and those that were removed.
fn put_back_date_ranges(old: &MediaPlaylist, new: &mut MediaPlaylist) {
    let is_new = |id: &str| new.date_ranges.iter().any(|range| range.id == id);
    let is_removed = |id: &str| new.removed_date_ranges.iter().any(|removed| removed == id);
    let old = old.date_ranges.iter();
    let kept = old.filter(|range| !is_new(&range.id) && !is_removed(&range.id));
    let kept: Vec<_> = kept.cloned().collect();
    new.date_ranges.splice(0..0, kept);
}

/// Discontinuity numbers and dates that only the playlist before tells.
fn carry_on(old: &MediaPlaylist, new: &mut MediaPlaylist) {
    let Some(first) = new.segments.first() else {
        return;
    };
    let Some(known) = old.segment(first.sequence) else {
        return;
    };
    if !new.has_discontinuity_sequence {
        let shift = known
            .discontinuity_sequence
            .saturating_sub(first.discontinuity_sequence);
        new.discontinuity_sequence = new.discontinuity_sequence.saturating_add(shift);
        for segment in new.all_segments_mut() {
            segment.discontinuity_sequence = segment.discontinuity_sequence.saturating_add(shift);
        }
    }
    let mut date = known.program_date_ms;
    for segment in new.all_segments_mut() {
        date = segment.program_date_ms.or(date);
        segment.program_date_ms = date;
        date = date.and_then(|date| date.checked_add(segment.duration.as_millis()));
    }
}
