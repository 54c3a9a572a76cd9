//! What a segment says of itself (RFC 9559 5.1.1, 5.1.2).

use kinora_media::Time;

use super::ebml::{Element, children, find};
use super::id;

/// Nanoseconds a tick where nothing else is told.
const USUAL_SCALE: u64 = 1_000_000;

/// A segment of the file. Most files have one.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Where its body begins: what positions count from.
    pub(super) start: u64,
    /// Where it ends, where it says so.
    pub(super) end: Option<u64>,
    /// Nanoseconds a tick.
    scale: u64,
    /// When it begins on the timeline of the file.
    pub(super) base: Time,
    pub(super) cues_at: Option<u64>,
    pub(super) tracks_at: Option<u64>,
}

impl Segment {
    pub(super) fn new(start: u64, size: Option<u64>, base: Time) -> Self {
        Self {
            start,
            end: size.map(|size| start.saturating_add(size)),
            scale: USUAL_SCALE,
            base,
            cues_at: None,
            tracks_at: None,
        }
    }

    /// So many ticks as a time of the file.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    pub(super) fn time(&self, ticks: i64) -> Time {
        self.base + self.span(ticks)
    }

    /// How long so many ticks are.
    pub(super) fn span(&self, ticks: i64) -> Time {
        let scale = i64::try_from(self.scale).unwrap_or(i64::MAX);
        Time::from_nanos(ticks.saturating_mul(scale))
    }

    /// Takes an `Info`; gives duration and title.
    pub(super) fn read_info(&mut self, info: &Element) -> (Option<Time>, Option<String>) {
        let (mut ticks, mut title) = (None, None);
        for child in children(&info.body) {
            match child.id {
                id::TIMESTAMP_SCALE => {
                    let scale = child.uint().filter(|scale| *scale > 0);
                    self.scale = scale.unwrap_or(USUAL_SCALE);
                }
                id::DURATION => ticks = child.float().filter(|ticks| *ticks > 0.0),
                id::TITLE => title = child.text(),
                _ => {}
            }
        }
        let scale = Time::from_nanos(i64::try_from(self.scale).unwrap_or(i64::MAX));
        (ticks.map(|ticks| scale.scale(ticks)), title)
    }

    /// Takes a `SeekHead`: where the index and the tracks lie.
    pub(super) fn read_seek_head(&mut self, seek_head: &Element) {
        for seek in children(&seek_head.body).filter(|child| child.id == id::SEEK) {
            let kind = find(&seek.body, id::SEEK_ID).and_then(|kind| kind.uint32());
            let position = find(&seek.body, id::SEEK_POSITION).and_then(|at| at.uint());
            let at = position.and_then(|position| self.start.checked_add(position));
            match kind {
                Some(kind) if kind == id::CUES.0 => self.cues_at = self.cues_at.or(at),
                Some(kind) if kind == id::TRACKS.0 => self.tracks_at = self.tracks_at.or(at),
                _ => {}
            }
        }
    }
}
