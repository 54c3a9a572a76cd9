//! Where times are found: by the cues (RFC 9559 5.1.5), and by the clusters that were met.

use kinora_media::Time;

use super::ebml::{Element, children};
use super::id;

/// Places that are remembered at most: a day of one-second clusters.
const MAX_PLACES: usize = 100_000;

/// A cluster and a time in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) time: Time,
    /// Where the cluster begins.
    pub(super) offset: u64,
    /// How far behind the head of the cluster the block of that time lies, where it is told.
    pub(super) relative: Option<u64>,
}

/// Known places in ascending order.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: Vec<Place>,
}

impl Index {
    /// Reads the cues of a track; where it has none, of all of them. `time_of` turns ticks into a time.
    pub(super) fn parse(
        cues: &Element,
        track: u64,
        segment_start: u64,
        time_of: impl Fn(u64) -> Time,
    ) -> Self {
        let mut all = Vec::new();
        for point in children(&cues.body).filter(|child| child.id == id::CUE_POINT) {
            let Some(ticks) = super::ebml::find(&point.body, id::CUE_TIME) else {
                continue;
            };
            let Some(ticks) = ticks.uint() else { continue };
            let positions = children(&point.body);
            for found in positions.filter(|child| child.id == id::CUE_TRACK_POSITIONS) {
                if let Some((of_track, mut place)) = position(&found, segment_start)
                    && all.len() < MAX_PLACES
                {
                    place.time = time_of(ticks);
                    all.push((of_track, place));
                }
            }
        }
        let has_own = all.iter().any(|(of_track, _)| *of_track == track);
        all.retain(|(of_track, _)| !has_own || *of_track == track);
        let mut places: Vec<Place> = all.into_iter().map(|(_, place)| place).collect();
        places.sort_by_key(|place| (place.time, place.offset));
        Self { places }
    }

    /// Remembers a cluster that was met.
    pub(super) fn add(&mut self, place: Place) {
        let at = self
            .places
            .partition_point(|known| known.offset < place.offset);
        let is_new = self
            .places
            .get(at)
            .is_none_or(|known| known.offset > place.offset);
        if is_new && self.places.len() < MAX_PLACES {
            self.places.insert(at, place);
        }
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.places.first().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The last known place at or before a time.
    pub(super) fn before(&self, time: Time) -> Option<Place> {
        let behind = self.places.partition_point(|place| place.time <= time);
        self.places.get(behind.checked_sub(1)?).copied()
    }

    /// The first known place behind a time.
    pub(super) fn after(&self, time: Time) -> Option<Place> {
        let behind = self.places.partition_point(|place| place.time <= time);
        self.places.get(behind).copied()
    }
}

/// `CueTrackPositions`: the track and the place, whose time is told elsewhere.
fn position(element: &Element, segment_start: u64) -> Option<(u64, Place)> {
    let (mut track, mut offset, mut relative) = (0, None, None);
    for child in children(&element.body) {
        match child.id {
            id::CUE_TRACK => track = child.uint()?,
            id::CUE_CLUSTER_POSITION => offset = child.uint(),
            id::CUE_RELATIVE_POSITION => relative = child.uint(),
            _ => {}
        }
    }
    let place = Place {
        time: Time::ZERO,
        offset: segment_start.checked_add(offset?)?,
        relative,
    };
    Some((track, place))
}
