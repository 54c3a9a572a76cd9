//! What a manifest says of a presentation, whichever it is: renditions, and segments on a timeline with absolute URLs.

mod dates;
mod delivery;
mod latency;
mod text;

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_manifest::select::{AudioCandidate, Candidate};
use kinora_media::{ByteRange, Time, TimedEvent};
use kinora_protect::{Iv, ProtectError, Scheme};
use serde::{Deserialize, Serialize};

pub(in crate::ingest) use self::dates::NamedRange;
pub(in crate::ingest) use self::delivery::{
    Delivery, Part, PartHint, PartId, Parts, RenditionReport,
};
pub(crate) use self::latency::LatencyGoal;
pub(in crate::ingest) use self::text::{CaptionGroup, CaptionRendition, TextRendition};
use crate::SessionData;
use crate::tape;

/// Durations that are rounded and the ends of tracks differ by less.
const MIN_DRIFT: Time = Time::from_millis(200);
/// So many segments one rendition of a live stream may be behind another.
const MAX_BEYOND: u64 = 2;

/// What a manifest turned out to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum Manifest {
    /// Renditions to choose from.
    Multivariant {
        variants: Vec<Variant>,
        audio: Vec<AlternativeRendition>,
        #[serde(default)]
        text: Vec<TextRendition>,
        #[serde(default)]
        captions: Vec<CaptionRendition>,
        #[serde(default)]
        named: SegmentsNamed,
        #[serde(default)]
        session: SessionFacts,
        /// Pictures from other sides.
        #[serde(default)]
        angles: Vec<AlternativeRendition>,
        /// Renditions of key pictures alone, for searching.
        #[serde(default)]
        key_pictures: Vec<Variant>,
    },
    /// Segments of one rendition, and how they differ from what was known of it.
    Media { index: SegmentIndex, change: Change },
    /// A part of what says where the segments are; other parts are to be asked for.
    Partial,
    /// An update that leaves out what is not known: the whole is to be asked for.
    Unfit,
}

/// What a multivariant playlist says of the whole presentation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest) struct SessionFacts {
    /// Keys that will be needed, to be fetched early (RFC 8216 4.3.4.5).
    pub(in crate::ingest) keys: Vec<IdentityKey>,
    /// How many values there are for the application: what they are, a recording does not say.
    pub(in crate::ingest) data: usize,
    #[serde(skip)]
    pub(in crate::ingest) values: Vec<SessionData>,
    #[serde(default)]
    pub(in crate::ingest) steering: Option<SteeringServer>,
}

/// Who says which pathway is preferred (EXT-X-CONTENT-STEERING, RFC 8216bis 4.4.6.6).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct SteeringServer {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    /// The pathway to begin with.
    pub(in crate::ingest) pathway: String,
    /// It is to be asked before anything is played.
    #[serde(default)]
    pub(in crate::ingest) before_start: bool,
}

/// What it said (RFC 8216bis 7.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Steered {
    /// It is asked again then.
    pub(in crate::ingest) ttl: Time,
    #[serde(with = "tape::places")]
    pub(in crate::ingest) url: Option<Secret>,
    /// Pathways, the best first.
    pub(in crate::ingest) priority: Vec<String>,
    /// Renditions of pathways that were not there before.
    pub(in crate::ingest) variants: Vec<Variant>,
    pub(in crate::ingest) audio: Vec<AlternativeRendition>,
}

/// What names the segments of the renditions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest) enum SegmentsNamed {
    /// Each rendition's own playlist.
    #[default]
    InPlaylists,
    /// The manifest itself, for all of them.
    Here {
        refresh: Option<ManifestRefresh>,
        /// What of it is left out, for people.
        ignored: Vec<String>,
        #[serde(default)]
        events: Vec<PeriodEvents>,
    },
}

/// Events that the manifest names for one of its periods.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct PeriodEvents {
    /// What its segments have for their discontinuity.
    pub(in crate::ingest) period: u64,
    #[serde(with = "tape::events")]
    pub(in crate::ingest) events: Vec<TimedEvent>,
}

/// When and where a manifest that changes is asked for again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct ManifestRefresh {
    /// From the last load to the next.
    pub(in crate::ingest) after: Time,
    /// Where, if elsewhere.
    #[serde(with = "tape::places")]
    pub(in crate::ingest) url: Option<Secret>,
}

/// What the newest version of a rendition's segments brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum Change {
    /// Segments that were not there, or the word that it has ended.
    Grown,
    /// Nothing.
    Unchanged,
    /// Other segments by numbers that were there before: the packager began anew.
    Restarted,
}

/// Segments of one discontinuity share a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Discontinuity {
    /// How often the packager began anew.
    pub(in crate::ingest) restarts: u32,
    /// Discontinuity sequence number.
    pub(in crate::ingest) sequence: u64,
}

/// One segment, placed on the timeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Segment {
    /// Media sequence number.
    pub(in crate::ingest) number: u64,
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) range: ByteRange,
    /// Where it begins on the presentation's timeline: by the segments before it that were read, else by the durations
    /// that the manifest names.
    pub(in crate::ingest) start: Time,
    /// Where it begins by the named durations alone.
    pub(in crate::ingest) nominal_start: Time,
    pub(in crate::ingest) duration: Time,
    pub(in crate::ingest) discontinuity: Discontinuity,
    pub(in crate::ingest) key: Option<Arc<Key>>,
    pub(in crate::ingest) init: Option<Arc<Init>>,
    /// The manifest says that it is not there.
    pub(in crate::ingest) gap: bool,
    /// The clock of its period, where the manifest tells it.
    #[serde(default)]
    pub(in crate::ingest) period: Option<PeriodClock>,
    #[serde(default)]
    pub(in crate::ingest) parts: Parts,
    /// When its first sample was, ms since 1970, where the manifest tells it.
    #[serde(default)]
    pub(in crate::ingest) date_ms: Option<i64>,
    /// It can be asked for before it is whole, and comes as it is made (ISO/IEC 23009-1 `availabilityTimeComplete`).
    #[serde(default)]
    pub(in crate::ingest) made_while_sent: bool,
}

/// How times of the media become times of the presentation, and which of them are of the period (ISO/IEC 23009-1
/// 5.3.9.2.2).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct PeriodClock {
    /// What is added to times of the media.
    pub(in crate::ingest) offset: Time,
    /// What lies before that is not to be shown.
    pub(in crate::ingest) start: Time,
    /// Nor what lies behind that.
    pub(in crate::ingest) end: Option<Time>,
}

impl Segment {
    /// The keys that it and its init section are encrypted with.
    pub(in crate::ingest) fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        let of_init = self.init.as_ref().and_then(|init| init.key.as_ref());
        self.key.iter().chain(of_init)
    }

    /// Its samples are encrypted otherwise than those of the one before: none may be cut by the border between them.
    pub(in crate::ingest) fn rotates_key_of(&self, before: &Self) -> bool {
        let of_samples = |segment: &Self| match segment.key.as_deref() {
            Some(Key::Identity(key)) => key.is_of_samples(),
            _ => false,
        };
        (of_samples(self) || of_samples(before)) && self.key != before.key
    }

    pub(in crate::ingest) fn end(&self) -> Time {
        self.start + self.duration
    }

    /// Puts it elsewhere on the timeline, its clock with it.
    fn shift(&mut self, by: Time) {
        self.start += by;
        if let Some(period) = &mut self.period {
            period.offset += by;
            period.start += by;
            period.end = period.end.map(|end| end + by);
        }
    }

    /// Whether it goes on with the segment of that number, on its clock and in its coding.
    pub(in crate::ingest) fn follows(&self, number: u64, discontinuity: Discontinuity) -> bool {
        number + 1 == self.number && discontinuity == self.discontinuity
    }
}

/// How a segment is encrypted (RFC 8216 4.3.2.4).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum Key {
    Identity(IdentityKey),
    /// Samples, with keys that they name by their ids: the application gives them, or the fault tells whose they are.
    Named(#[serde(with = "tape::protection")] ProtectError),
    /// Something that is not undone here.
    Foreign(#[serde(with = "tape::protection")] ProtectError),
}

/// A key that lies as it is at a URL (KEYFORMAT `identity`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct IdentityKey {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    #[serde(with = "tape::iv")]
    pub(in crate::ingest) iv: Iv,
    #[serde(with = "tape::encryption")]
    pub(in crate::ingest) scheme: Scheme,
}

impl IdentityKey {
    pub(in crate::ingest) fn is_of_samples(&self) -> bool {
        matches!(self.scheme, Scheme::Samples(_))
    }
}

/// An init section (RFC 8216 4.3.2.5).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Init {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) range: ByteRange,
    /// The key in force where it is named (RFC 8216 4.3.2.5).
    #[serde(default)]
    pub(in crate::ingest) key: Option<Arc<Key>>,
}

/// The segments of a rendition as they are known now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct SegmentIndex {
    pub(in crate::ingest) segments: Vec<Segment>,
    pub(in crate::ingest) availability: Availability,
    /// Where the manifest wants playback to begin; `None` while there is no segment.
    pub(in crate::ingest) start: Option<StartPoint>,
    /// Another place has the same segments.
    #[serde(default)]
    pub(in crate::ingest) elsewhere: bool,
    /// Where keys of ClearKey are to be had.
    #[serde(default, with = "tape::places")]
    pub(in crate::ingest) licence: Option<Secret>,
    #[serde(default)]
    pub(in crate::ingest) delivery: Delivery,
    #[serde(default)]
    pub(in crate::ingest) date_ranges: Vec<NamedRange>,
}

/// Whether segments will be added.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum Availability {
    /// All of them are there.
    Complete,
    /// The presentation goes on.
    Live(LiveEdge),
}

/// How a rendition that grows is followed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct LiveEdge {
    /// From the last load to the next.
    pub(in crate::ingest) reload_after: Time,
    /// Without anything new for that long it stands still.
    pub(in crate::ingest) stale_after: Time,
    /// So far behind its end it is played.
    pub(in crate::ingest) hold_back: Time,
    /// What of it is there follows from the time of day, not from a list.
    #[serde(default)]
    pub(in crate::ingest) by_clock: bool,
    /// The server's time of day less our monotonic clock, where it is known.
    #[serde(default)]
    pub(in crate::ingest) clock: Option<Time>,
    /// The latency that its author wants.
    #[serde(default)]
    pub(in crate::ingest) latency: Option<LatencyGoal>,
}

/// Where playback begins.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct StartPoint {
    pub(in crate::ingest) number: u64,
    /// The part of it that is read first.
    #[serde(default)]
    pub(in crate::ingest) part: usize,
    /// What lies before that time is not to be shown.
    pub(in crate::ingest) discard_before: Option<Time>,
}

impl SegmentIndex {
    pub(in crate::ingest) fn live_edge(&self) -> Option<LiveEdge> {
        match self.availability {
            Availability::Complete => None,
            Availability::Live(edge) => Some(edge),
        }
    }

    pub(in crate::ingest) fn is_live(&self) -> bool {
        self.live_edge().is_some()
    }

    pub(in crate::ingest) fn duration(&self) -> Option<Time> {
        let last = self.segments.last().filter(|_| !self.is_live())?;
        let period = last.period.and_then(|period| period.end);
        Some(period.map_or(last.end(), |end| end.min(last.end())))
    }

    pub(in crate::ingest) fn segment(&self, number: u64) -> Option<&Segment> {
        let first = self.segments.first()?.number;
        self.segments
            .get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The segment that holds a time, the nearest one where none does.
    pub(in crate::ingest) fn at(&self, time: Time) -> Option<&Segment> {
        let after = self
            .segments
            .partition_point(|segment| segment.start <= time);
        self.segments.get(after.saturating_sub(1))
    }

    /// How long its longest part lasts, where it has any.
    pub(in crate::ingest) fn part_duration(&self) -> Option<Time> {
        let parts = self.segments.iter().flat_map(|it| it.parts.list());
        parts.map(|part| part.duration).max()
    }

    /// The segment that holds a time, or that will: the next one to come where all that are known lie before it.
    pub(in crate::ingest) fn number_at(&self, time: Time) -> Option<u64> {
        let last = self.segments.last()?;
        let longest = self.segments.iter().map(|it| it.duration).max();
        let longest = longest.unwrap_or_default().max(Time::from_millis(1));
        if self.is_live() && time >= last.end() {
            let beyond = (time - last.end()).as_nanos() / longest.as_nanos();
            let beyond = u64::try_from(beyond).unwrap_or_default().min(MAX_BEYOND);
            return Some(last.number.saturating_add(1).saturating_add(beyond));
        }
        self.at(time).map(|segment| segment.number)
    }

    /// The segment at an index from the start or, negative, from the end.
    pub(in crate::ingest) fn counted(&self, index: i32) -> Option<&Segment> {
        let len = self.segments.len();
        let back = usize::try_from(index.unsigned_abs()).unwrap_or(len);
        let at = if index < 0 {
            len.saturating_sub(back)
        } else {
            back.min(len.saturating_sub(1))
        };
        self.segments.get(at)
    }

    /// Puts a newer version, or another rendition that numbers its segments alike, on the timeline of an older one.
    pub(in crate::ingest) fn continue_from(&mut self, older: &Self) {
        let (Some(first), Some(last)) = (self.segments.first(), older.segments.last()) else {
            return;
        };
        let mut shift = match older.segment(first.number) {
            Some(known) => known.start - first.start,
            // Segments were missed: time went on meanwhile, as far as can be said.
            None if first.number > last.number && first.period.is_none() => {
                last.end() - first.start
            }
            None => Time::ZERO,
        };
        for segment in &mut self.segments {
            segment.discontinuity.restarts = last.discontinuity.restarts;
            if segment.period.is_some() {
                segment.shift(shift);
                continue;
            }
            let known = older.segment(segment.number);
            if let Some(known) = known.filter(|known| known.parts.is_growing()) {
                shift = known.start - segment.start;
                segment.start = known.start;
            } else if let Some(known) = known {
                // What was read of it counts for more than what is named again.
                shift = known.end() - segment.end();
                segment.duration = known.duration;
                segment.start = known.start;
            } else {
                segment.start += shift;
            }
        }
    }

    /// The packager began anew: what is played first of it goes on at that time, by clocks that are not known.
    pub(in crate::ingest) fn restart_from(&mut self, older: &Self, at: Time) {
        let begins = self.start.and_then(|start| self.segment(start.number));
        let shift = begins.map_or(Time::ZERO, |begins| at - begins.start);
        let restarts = older.segments.last();
        let restarts = restarts.map_or(0, |last| last.discontinuity.restarts);
        for segment in &mut self.segments {
            segment.shift(shift);
            segment.discontinuity.restarts = restarts + 1;
        }
    }

    /// A rendition of the same stream drifts as this one does, whose segments may be cut elsewhere.
    pub(in crate::ingest) fn align_to(&mut self, other: &Self) {
        let drifted = |nominal: Time| {
            let after = other
                .segments
                .partition_point(|known| known.nominal_start <= nominal);
            let known = other.segments.get(after.saturating_sub(1));
            known.map_or(nominal, |known| {
                nominal + (known.start - known.nominal_start)
            })
        };
        for segment in &mut self.segments {
            let end = drifted(segment.nominal_start + segment.duration);
            segment.start = drifted(segment.nominal_start);
            segment.duration = (end - segment.start).max(Time::ZERO);
        }
    }

    /// A segment was read: it begins and ends then, and what follows it moves along.
    pub(in crate::ingest) fn settle(&mut self, number: u64, start: Time, end: Time) {
        let at = self.segments.iter().position(|it| it.number == number);
        let Some((before, [segment, after @ ..])) = at.map(|at| self.segments.split_at_mut(at))
        else {
            return;
        };
        let (early, drift) = (start - segment.start, end - segment.end());
        // Where the manifest tells the clock, it tells where segments lie.
        if segment.period.is_some() {
            return;
        }
        if early.abs() < MIN_DRIFT && drift.abs() < MIN_DRIFT {
            return;
        }
        segment.start = start;
        segment.duration = (end - start).max(Time::ZERO);
        for later in after {
            later.start += drift;
        }
        // They were not read, or lie as told: none begins behind the one that follows it.
        for earlier in before {
            earlier.start = earlier.start.min(start);
            earlier.duration = earlier.duration.min(start - earlier.start);
        }
    }
}

/// A rendition of the whole: video, with audio or beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Variant {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) bandwidth: u64,
    pub(in crate::ingest) size: Option<(u32, u32)>,
    pub(in crate::ingest) name: Option<String>,
    /// RFC 6381 names, comma separated; empty when the author named none.
    pub(in crate::ingest) codecs: String,
    /// Its audio is in the renditions of that group.
    pub(in crate::ingest) audio_group: Option<String>,
    /// Its subtitles are in the renditions of that group.
    #[serde(default)]
    pub(in crate::ingest) text_group: Option<String>,
    /// Its pictures may be had from other sides, by the renditions of that group.
    #[serde(default)]
    pub(in crate::ingest) video_group: Option<String>,
    #[serde(default)]
    pub(in crate::ingest) captions: CaptionGroup,
    /// The pathway that it is of, where the manifest is steered among several (RFC 8216bis 7).
    #[serde(default)]
    pub(in crate::ingest) pathway: Option<String>,
    /// The same of what is the same in several pathways.
    #[serde(default)]
    pub(in crate::ingest) stable_id: Option<String>,
}

impl Variant {
    pub(in crate::ingest) fn candidate(&self) -> Candidate<'_> {
        Candidate {
            bandwidth: self.bandwidth,
            resolution: self.size,
            codecs: &self.codecs,
        }
    }

    /// What a person calls it.
    pub(in crate::ingest) fn label(&self) -> String {
        match (&self.name, self.size) {
            (Some(name), _) => name.clone(),
            (None, Some((_, height))) => format!("{height}p"),
            (None, None) => format!("{} kbit/s", self.bandwidth / 1_000),
        }
    }
}

/// An alternative rendition of audio or of the pictures, with segments of its own where it has a URL.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct AlternativeRendition {
    pub(in crate::ingest) group: String,
    pub(in crate::ingest) name: String,
    pub(in crate::ingest) language: Option<String>,
    #[serde(with = "tape::places")]
    pub(in crate::ingest) url: Option<Secret>,
    pub(in crate::ingest) default: bool,
    /// Bits a second, where it is told.
    #[serde(default)]
    pub(in crate::ingest) rate: Option<u64>,
    /// It may be taken where nobody chose another.
    #[serde(default)]
    pub(in crate::ingest) autoselect: bool,
}

impl AlternativeRendition {
    pub(in crate::ingest) fn candidate(&self) -> AudioCandidate<'_> {
        AudioCandidate {
            name: &self.name,
            language: self.language.as_deref(),
            default: self.default,
        }
    }

    /// What a person calls it.
    pub(in crate::ingest) fn label(&self) -> String {
        label(&self.group, &self.name, self.language.as_deref())
    }
}

/// What a person calls a rendition: its name, with its language where the name does not tell.
fn label(group: &str, name: &str, language: Option<&str>) -> String {
    let called = match (name, language) {
        ("", Some(language)) => language,
        ("", None) => group,
        (name, _) => name,
    };
    match language {
        Some(language) if called != language => format!("{called} ({language})"),
        _ => called.to_owned(),
    }
}

/// Segments for tests.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(in crate::ingest::segmented) fn segment(
        number: u64,
        start: Time,
        duration: Time,
    ) -> Segment {
        Segment {
            number,
            url: Secret::new("http://films.test/a"),
            range: ByteRange::default(),
            start,
            nominal_start: start,
            duration,
            discontinuity: Discontinuity {
                restarts: 0,
                sequence: 0,
            },
            key: None,
            init: None,
            gap: false,
            period: None,
            parts: Parts::None,
            date_ms: None,
            made_while_sent: false,
        }
    }

    pub(super) fn index(segments: Vec<Segment>) -> SegmentIndex {
        SegmentIndex {
            segments,
            availability: Availability::Complete,
            start: None,
            elsewhere: false,
            licence: None,
            delivery: Delivery::default(),
            date_ranges: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
