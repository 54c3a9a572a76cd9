//! From a rendition's representations, period by period, to one index of segments.

use std::sync::Arc;

use kinora_container::mp4::sidx::Reference;
use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::dash::{self, Mpd, Period, Representation};
use kinora_media::Time;
use url::Url;

use super::renditions::Rendition;
use super::{MpdReader, Place, Presentation};
use crate::ingest::base::malformed;
use crate::ingest::segmented::index::{
    Availability, Change, Delivery, Discontinuity, Init, LiveEdge, Parts, PeriodClock, Segment,
    SegmentIndex, StartPoint,
};

/// Segments of a rendition at most.
const MAX_SEGMENTS: usize = 50_000;
/// Segments that begin so near to each other are one.
const SAME: Time = Time::from_millis(50);

/// The numbers that segments had in the version before: a manifest numbers them anew in each period, or not at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbering {
    first: u64,
    starts: Vec<Time>,
}

/// A presentation that goes on may be told from an earlier time on once it is over.
const ROOM_BEFORE: u64 = 1 << 20;

impl Numbering {
    pub(super) fn new(goes_on: bool) -> Self {
        Self {
            first: if goes_on { ROOM_BEFORE } else { 0 },
            starts: Vec::new(),
        }
    }

    /// The number of the first of these segments; those that were there keep theirs.
    fn number(&mut self, starts: Vec<Time>) -> (u64, Change) {
        let before = std::mem::take(self);
        let known = |start: Time| {
            let at = before.starts.partition_point(|it| *it < start - SAME);
            let found = before.starts.get(at)?;
            let is_same = (*found - start).abs() <= SAME;
            is_same.then(|| before.first + at as u64)
        };
        let shared = starts.iter().enumerate();
        let mut shared = shared.filter_map(|(at, start)| Some((at as u64, known(*start)?)));
        let end = before.first + before.starts.len() as u64;
        let first = match shared.next() {
            // What is new before it can not be numbered lower than the first one was.
            Some((at, number)) => number.saturating_sub(at),
            None => end,
        };
        let grown = before.starts.is_empty() || first + starts.len() as u64 > end;
        *self = Self { first, starts };
        let change = match grown {
            true => Change::Grown,
            false => Change::Unchanged,
        };
        (first, change)
    }
}

impl MpdReader {
    /// The first segment index that must be here before the segments are known.
    pub(super) fn missing_index(
        &self,
        known: &Presentation,
        rendition: &Rendition,
    ) -> Result<Option<Place>, Fault> {
        for period in &known.mpd().periods {
            let Some(it) = rendition.find(period) else {
                continue;
            };
            if let Some(place) = index_place(known, it)?
                && !self.indexes.iter().any(|(have, _)| *have == place)
            {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    pub(super) fn index(
        &mut self,
        known: &Presentation,
        rendition: &Rendition,
        now: Time,
    ) -> Result<(SegmentIndex, Change), Fault> {
        let mpd = known.mpd();
        let mut segments = Vec::new();
        let mut longest = None;
        for period in &mpd.periods {
            if let Some(it) = rendition.find(period) {
                let room = MAX_SEGMENTS.saturating_sub(segments.len());
                self.add(&mut segments, known, period, it, now, room)?;
                longest = it.longest_segment().or(longest);
            }
        }
        let starts = segments.iter().map(|it: &Segment| it.start).collect();
        let (first, change) = self.numbering.number(starts);
        for (segment, number) in segments.iter_mut().zip(first..) {
            segment.number = number;
        }
        let ended = mpd.has_ended(now);
        if segments.is_empty() && ended {
            let url = Secret::new(known.base.url().as_str());
            return Err(malformed("the manifest names no segment", &url));
        }
        let (availability, start) = match ended {
            true => (Availability::Complete, segments.first()),
            false => live(mpd, &segments, now, longest),
        };
        let start = start.map(|it| StartPoint {
            number: it.number,
            part: 0,
            discard_before: None,
        });
        let index = SegmentIndex {
            segments,
            availability,
            start,
            delivery: Delivery::default(),
            date_ranges: Vec::new(),
        };
        Ok((index, change))
    }

    /// The segments of one period.
    fn add(
        &self,
        segments: &mut Vec<Segment>,
        known: &Presentation,
        period: &Period,
        it: &Representation,
        now: Time,
        room: usize,
    ) -> Result<(), Fault> {
        let base = it.base(&known.mpd().url);
        let located = |error: dash::DashError| error.fault().at_url(known.base.url().as_str());
        let init = it.initialization(&base).map_err(located)?;
        let init = init.map(|init| {
            Ok::<_, Fault>(Arc::new(Init {
                url: known.base.allow(&init.url)?,
                range: init.range,
                key: None,
            }))
        });
        let init = init.transpose()?;
        let clock = PeriodClock {
            offset: it.timestamp_offset(period),
            start: period.start,
            // What lies behind the last period overlaps nothing: named durations are often a little short.
            end: period.end().filter(|_| !is_last(known.mpd(), period)),
        };
        let found = match index_place(known, it)? {
            Some(place) => self.indexed(&place, &base, &clock),
            None => it
                .available(known.mpd(), &base, period, now, room)
                .map_err(located)?,
        };
        for segment in found.into_iter().take(room) {
            segments.push(Segment {
                number: 0,
                url: known.base.allow(&segment.resource.url)?,
                range: segment.resource.range,
                start: segment.start,
                nominal_start: segment.start,
                duration: segment.duration,
                discontinuity: Discontinuity {
                    restarts: 0,
                    sequence: u64::try_from(period.start.as_millis()).unwrap_or(0),
                },
                key: None,
                init: init.clone(),
                gap: false,
                period: Some(clock),
                parts: Parts::None,
                date_ms: None,
            });
        }
        Ok(())
    }

    /// The segments that a segment index names, as far as they lie in the period.
    fn indexed(&self, place: &Place, base: &Url, clock: &PeriodClock) -> Vec<dash::Segment> {
        let index = self.indexes.iter().find(|(have, _)| have == place);
        let references = index.map_or(&[][..], |(_, references)| references);
        let segment = |(number, it): (u64, &Reference)| dash::Segment {
            number,
            start: it.time + clock.offset,
            duration: it.duration,
            resource: dash::Resource {
                url: base.clone(),
                range: it.range,
            },
        };
        let all = (0..).zip(references).map(segment);
        let inside = |it: &dash::Segment| {
            it.end() > clock.start && clock.end.is_none_or(|end| it.start < end)
        };
        all.filter(inside).collect()
    }
}

fn is_last(mpd: &Mpd, period: &Period) -> bool {
    mpd.periods
        .last()
        .is_some_and(|last| last.start == period.start)
}

/// Where the segment index of a representation is, if its segments are known by one. That of WebM is in another format:
/// the file is read as one segment.
fn index_place(known: &Presentation, it: &Representation) -> Result<Option<Place>, Fault> {
    if it.mime_type.contains("webm") {
        return Ok(None);
    }
    let base = it.base(&known.mpd().url);
    let located = |error: dash::DashError| error.fault().at_url(known.base.url().as_str());
    let Some(index) = it.index(&base).map_err(located)? else {
        return Ok(None);
    };
    Ok(Some((known.base.allow(&index.url)?, index.range)))
}

/// How a presentation that goes on is followed, and the segment to begin with.
fn live<'a>(
    mpd: &Mpd,
    segments: &'a [Segment],
    now: Time,
    longest: Option<Time>,
) -> (Availability, Option<&'a Segment>) {
    const USUAL: Time = Time::from_millis(4_000);
    let edge = mpd.live_edge(now);
    let end = segments.last().map_or(edge, Segment::end);
    let longest = longest.or(mpd.max_segment_duration).unwrap_or(USUAL);
    let delay = mpd.presentation_delay();
    // A clock that is set wrong does not move what is there.
    let behind = (edge - end).max(Time::ZERO).min(delay);
    let hold_back = delay - behind;
    let next = (end + longest - edge)
        .max(Time::from_millis(200))
        .min(longest);
    let update = mpd.update_delay().unwrap_or(longest).max(longest);
    let availability = Availability::Live(LiveEdge {
        reload_after: next,
        stale_after: update.scale(3.5),
        hold_back,
    });
    let at = end - hold_back;
    let start = segments.iter().rev().find(|it| it.start <= at);
    (availability, start.or(segments.first()))
}
