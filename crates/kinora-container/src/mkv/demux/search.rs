//! Looking for the cluster of a time in a file without cues.

use kinora_media::Time;

use super::super::index::Place;
use super::MkvDemuxer;
use crate::SeekTo;

/// A cluster that begins so much before the wanted time is near enough.
const NEAR: Time = Time::from_millis(2_500);
/// So much before the wanted time it is looked first.
const AIM: Time = Time::from_millis(500);
/// What is left between two places is read through.
const NEAR_BYTES: u64 = 64 * 1024;
/// After so many looks by proportion the rest is halved.
const PROPORTIONAL_LOOKS: u32 = 4;
/// How many looks there are at most.
const MAX_LOOKS: u32 = 32;

/// A search under way.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) target: SeekTo,
    /// How much earlier than the target it is looked, for want of a key frame.
    pub(super) back: Time,
    /// A cluster that begins at the wanted time or before it.
    low: Place,
    /// No cluster of such a time begins here or behind; when it is there, where that is known.
    high: (u64, Option<Time>),
    /// Where it is looked now.
    pub(super) probe: u64,
    looks: u32,
}

/// What is to be done next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Look for a cluster from there on.
    Probe(u64),
    /// Read on from that cluster.
    Enter(u64),
}

impl MkvDemuxer {
    /// Begins a search, with what is known of the clusters.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    pub(super) fn search(&mut self, target: SeekTo, back: Time) {
        let wanted = target.time - back;
        let first = self.first_cluster.unwrap_or(self.window.start());
        let start = Place {
            time: self.seen.first().map_or(Time::ZERO, |place| place.time),
            offset: first,
            relative: None,
        };
        let low = self.seen.before(wanted).unwrap_or(start);
        let segment_end = self.segments.first().and_then(|segment| segment.end);
        let len = self.total_len.unwrap_or(first);
        let end = segment_end.map_or(len, |end| end.min(len));
        let high = match self.seen.after(wanted) {
            Some(place) if place.offset > low.offset => (place.offset, Some(place.time)),
            _ => (end.max(low.offset), self.info.duration),
        };
        let mut search = Search {
            target,
            back,
            low,
            high,
            probe: low.offset,
            looks: 0,
        };
        let next = search.next();
        self.follow(search, next);
    }

    /// Whether there is nothing more to look for from here on.
    pub(super) fn is_searched_through(&self) -> bool {
        match &self.sink {
            super::Sink::Search(search) => self.at >= search.high.0,
            _ => false,
        }
    }
}

impl Search {
    /// It is looked for the target itself.
    pub(super) const NO_DETOUR: Time = Time::ZERO;

    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn wanted(&self) -> Time {
        self.target.time - self.back
    }

    /// A cluster was found where it was looked.
    pub(super) fn landed(&mut self, place: Place) -> Next {
        if place.time > self.wanted() || place.offset >= self.high.0 {
            self.high = (self.probe, Some(place.time));
        } else {
            self.low = place;
        }
        self.next()
    }

    /// None was found.
    pub(super) fn found_nothing(&mut self) -> Next {
        self.high = (self.probe, self.high.1);
        self.next()
    }

    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn next(&mut self) -> Next {
        let bytes = self.high.0.saturating_sub(self.low.offset);
        let wanted = self.wanted();
        let is_near = wanted <= self.low.time + NEAR;
        if bytes <= NEAR_BYTES || is_near || self.looks >= MAX_LOOKS {
            return Next::Enter(self.low.offset);
        }
        self.looks = self.looks.saturating_add(1);
        let share = match self.high.1 {
            Some(high) if self.looks <= PROPORTIONAL_LOOKS => {
                let into = (wanted - AIM - self.low.time).as_nanos();
                let span = (high - self.low.time).as_nanos();
                let share = i128::from(bytes)
                    .saturating_mul(into.into())
                    .checked_div(span.into());
                u64::try_from(share.unwrap_or(0)).unwrap_or(0)
            }
            _ => bytes / 2,
        };
        // Behind the cluster that is known, and not so late that nothing could be found.
        let share = share.clamp(1, bytes.saturating_sub(NEAR_BYTES / 2));
        Next::Probe(self.low.offset.saturating_add(share))
    }
}
