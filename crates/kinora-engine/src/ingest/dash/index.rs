//! From a rendition's representations, period by period, to one index of segments.

use std::sync::Arc;

use kinora_container::mp4::sidx::Reference;
use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::dash::{self, Mpd, Period, Representation};
use kinora_media::Time;
use kinora_protect::KeySystem;
use url::Url;

use super::renditions::Rendition;
use super::{MpdReader, Place, Presentation};
use crate::cx::Cx;
use crate::ingest::base::malformed;
use crate::ingest::segmented::index::{
    Availability, Change, Delivery, Discontinuity, Init, LatencyGoal, LiveEdge, Parts, PeriodClock,
    Segment, SegmentIndex, StartPoint,
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
        now: Time,
    ) -> Result<Option<(Place, bool)>, Fault> {
        for period in &known.mpd().periods {
            let Some(it) = rendition.find(period) else {
                continue;
            };
            let chosen = self.places.choose(&it.base_urls, &known.mpd().url, now);
            if let Some(place) = index_place(known, it, &chosen.url)?
                && self.references(known, it, &place).is_none()
            {
                return Ok(Some((place, chosen.elsewhere)));
            }
        }
        Ok(None)
    }

    /// The segment index of a representation, from whichever of its places it came.
    fn references(
        &self,
        known: &Presentation,
        it: &Representation,
        at: &Place,
    ) -> Option<&[Reference]> {
        let of = |place: &Place| {
            let found = self.indexes.iter().find(|(have, _)| have == place);
            found.map(|(_, references)| references.as_ref())
        };
        of(at).or_else(|| {
            let others = self.places.all(&it.base_urls, &known.mpd().url).into_iter();
            let mut places = others.filter_map(|it_at| index_place(known, it, &it_at.url).ok()?);
            places.find_map(|place| of(&place))
        })
    }

    pub(super) fn index(
        &mut self,
        known: &Presentation,
        rendition: &Rendition,
        cx: &Cx,
    ) -> Result<(SegmentIndex, Change), Fault> {
        let mpd = known.mpd();
        let now = self.clock.now(cx);
        let mut elsewhere = false;
        let mut licence = None;
        let mut segments = Vec::new();
        let mut cadence = Cadence::default();
        for period in &mpd.periods {
            if let Some(it) = rendition.find(period) {
                let room = MAX_SEGMENTS.saturating_sub(segments.len());
                let chosen = self.places.choose(&it.base_urls, &mpd.url, cx.mono());
                elsewhere |= chosen.elsewhere;
                licence = licence.or_else(|| licence_of(known, it));
                let of = (period, it, &chosen.url);
                self.add(&mut segments, known, of, now, room)?;
                cadence = cadence.and(it);
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
            true => (Availability::Complete, segments.first().map(from_its_start)),
            false => live(mpd, &segments, (now, self.clock.ahead(cx)), cadence),
        };
        let index = SegmentIndex {
            segments,
            availability,
            start,
            elsewhere,
            licence,
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
        (period, it, base): (&Period, &Representation, &Url),
        now: Time,
        room: usize,
    ) -> Result<(), Fault> {
        let located = |error: dash::DashError| error.fault().at_url(known.base.url().as_str());
        let init = it.initialization(base).map_err(located)?;
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
        let found = match index_place(known, it, base)? {
            Some(place) => {
                let references = self.references(known, it, &place).unwrap_or_default();
                let whole = it.whole(base).map_err(located)?;
                indexed(references, &whole.url, &clock)
            }
            None => it
                .available(known.mpd(), base, period, now, room)
                .map_err(located)?,
        };
        let (mpd, growing) = (known.mpd(), !it.addressing.availability_time_complete);
        let edge = mpd.live_edge(now);
        // What plays goes by the time of day (5.3.1.2, `availabilityStartTime`).
        let zero = mpd.availability_start.filter(|_| mpd.is_dynamic());
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
                    sequence: discontinuity_of(period),
                },
                key: None,
                init: init.clone(),
                gap: false,
                period: Some(clock),
                parts: Parts::None,
                date_ms: zero.map(|zero| (zero + segment.start).as_millis()),
                made_while_sent: growing && zero.is_some() && segment.end() > edge,
            });
        }
        Ok(())
    }
}

/// The segments that a segment index names, as far as they lie in the period.
fn indexed(references: &[Reference], base: &Url, clock: &PeriodClock) -> Vec<dash::Segment> {
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
    let inside =
        |it: &dash::Segment| it.end() > clock.start && clock.end.is_none_or(|end| it.start < end);
    all.filter(inside).collect()
}

/// Where the keys of a representation are to be had, if ClearKey gives them (DASH-IF IOP 7.6.2).
fn licence_of(known: &Presentation, it: &Representation) -> Option<Secret> {
    let is_open = |scheme: &str| {
        let system = KeySystem::of_hls_key(scheme, None);
        system.is_some_and(KeySystem::is_clear_key)
    };
    let mut open = it.protection.iter().filter(|it| is_open(&it.scheme));
    let url = open.find_map(|it| it.licence_url.as_deref())?;
    let url = known.mpd().url.join(url).ok()?;
    known.base.allow(&url).ok()
}

/// What the segments of a period have for their discontinuity.
pub(super) fn discontinuity_of(period: &Period) -> u64 {
    u64::try_from(period.start.as_millis()).unwrap_or(0)
}

fn is_last(mpd: &Mpd, period: &Period) -> bool {
    mpd.periods
        .last()
        .is_some_and(|last| last.start == period.start)
}

/// Where the segment index of a representation is, if its segments are known by one. That of WebM is in another format:
/// the file is read as one segment.
fn index_place(
    known: &Presentation,
    it: &Representation,
    base: &Url,
) -> Result<Option<Place>, Fault> {
    if it.mime_type.contains("webm") {
        return Ok(None);
    }
    let located = |error: dash::DashError| error.fault().at_url(known.base.url().as_str());
    let Some(index) = it.index(base).map_err(located)? else {
        return Ok(None);
    };
    Ok(Some((known.base.allow(&index.url)?, index.range)))
}

fn from_its_start(segment: &Segment) -> StartPoint {
    StartPoint {
        number: segment.number,
        part: 0,
        discard_before: None,
    }
}

/// What the last representation of a rendition says of its segments.
#[derive(Clone, Copy, Debug, Default)]
struct Cadence {
    longest: Option<Time>,
    /// So much earlier than whole a segment can be asked for (`availabilityTimeOffset`).
    early: Time,
    /// It is not listed which segments are there.
    by_clock: bool,
}

impl Cadence {
    fn and(self, it: &Representation) -> Self {
        let early = it.addressing.availability_time_offset;
        Self {
            longest: it.longest_segment().or(self.longest),
            early: early.unwrap_or(Time::ZERO).max(Time::ZERO),
            by_clock: !it.addressing.is_listed(),
        }
    }
}

/// How a presentation that goes on is followed, and where it begins.
fn live(
    mpd: &Mpd,
    segments: &[Segment],
    (now, clock): (Time, Time),
    cadence: Cadence,
) -> (Availability, Option<StartPoint>) {
    const USUAL: Time = Time::from_millis(4_000);
    let edge = mpd.live_edge(now);
    let end = segments.last().map_or(edge, Segment::end);
    let longest = cadence.longest.or(mpd.max_segment_duration);
    let longest = longest.unwrap_or(USUAL);
    let early = cadence.early.min(longest);
    let delay = mpd.presentation_delay();
    // A clock that is set wrong does not move what is there; what is there early lies beyond the edge.
    let behind = (edge - end).max(Time::ZERO - early).min(delay);
    let hold_back = delay - behind;
    let next = (end + longest - early - edge)
        .max(Time::from_millis(200))
        .min(longest);
    let update = mpd.update_delay().unwrap_or(longest).max(longest);
    let availability = Availability::Live(LiveEdge {
        reload_after: next,
        stale_after: update.scale(3.5),
        hold_back,
        by_clock: cadence.by_clock,
        clock: Some(clock),
        latency: latency_goal(mpd),
    });
    let at = end - hold_back;
    let start = segments.iter().rev().find(|it| it.start <= at);
    // Who wants a latency wants it from the first picture on.
    let exactly = mpd.target_latency().and(start).map(|_| at);
    let start = start.or(segments.first()).map(|it| StartPoint {
        number: it.number,
        part: 0,
        discard_before: exactly,
    });
    (availability, start)
}

/// What the author says of latency (annex K.3.2), once a target is named.
fn latency_goal(mpd: &Mpd) -> Option<LatencyGoal> {
    let mut services = mpd.service_descriptions.iter();
    let service = services.find(|it| it.target_latency.is_some())?;
    Some(LatencyGoal {
        // What is kept no longer can not be played later.
        target: service.target_latency.map(|_| mpd.presentation_delay())?,
        most: service.max_latency,
        least: service.min_latency,
        fastest: service.max_playback_rate,
        slowest: service.min_playback_rate,
    })
}
