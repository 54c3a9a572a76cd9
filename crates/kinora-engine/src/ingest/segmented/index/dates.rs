//! Dates of the media, and the stretches of time that are named by them.

use std::sync::Arc;

use kinora_manifest::hls;
use kinora_media::Time;
use serde::{Deserialize, Serialize};

use super::{Segment, SegmentIndex};
use crate::metadata::Interstitial;
use crate::tape;

/// A named stretch of time (EXT-X-DATERANGE). A recording has no more of it than when it is, and what is played in between.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct NamedRange {
    /// The same for all versions of one.
    pub(in crate::ingest) key: u64,
    /// Rises when something else is said of it.
    pub(in crate::ingest) version: u64,
    pub(in crate::ingest) start_ms: i64,
    pub(in crate::ingest) end_ms: Option<i64>,
    #[serde(skip)]
    pub(in crate::ingest) said: Option<Arc<hls::DateRange>>,
    #[serde(default, with = "tape::interstitials")]
    pub(in crate::ingest) interstitial: Option<Interstitial>,
}

impl SegmentIndex {
    /// Where a date lies on the timeline: in the segment whose dates hold it, whatever jumps are between; before the first
    /// and behind the last one by their dates.
    pub(in crate::ingest) fn time_of_date(&self, date_ms: i64) -> Option<Time> {
        let dated = || {
            self.segments
                .iter()
                .filter_map(|it| Some((it, it.date_ms?)))
        };
        let since = |date: i64| Time::from_millis(date_ms.saturating_sub(date));
        let holds =
            |(segment, date): &(&Segment, i64)| *date <= date_ms && since(*date) < segment.duration;
        let (segment, date) = dated()
            .find(holds)
            .or_else(|| dated().rfind(|(_, date)| *date <= date_ms))
            .or_else(|| dated().next())?;
        Some(segment.start + since(date))
    }

    /// The border between segments that is next to a time.
    pub(in crate::ingest) fn border_near(&self, time: Time) -> Option<Time> {
        let starts = self.segments.iter().map(|segment| segment.start);
        let end = self.segments.last().map(Segment::end);
        starts
            .chain(end)
            .min_by_key(|border| (*border - time).abs())
    }

    /// The date of a time, ms since 1970.
    pub(in crate::ingest) fn date_of_time(&self, time: Time) -> Option<i64> {
        let segment = self.at(time)?;
        segment
            .date_ms?
            .checked_add((time - segment.start).as_millis())
    }
}
