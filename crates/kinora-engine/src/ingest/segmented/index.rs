//! What a loader knows of its playlist: segments on the timeline, with absolute URLs.

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_manifest::hls::Variables;
use kinora_media::{ByteRange, Time};
use kinora_protect::{Iv, ProtectError};
use serde::{Deserialize, Serialize};

use crate::tape;

/// Durations that are rounded and the ends of tracks differ by less.
const DRIFT: Time = Time::from_millis(200);

/// One segment, placed on the timeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Segment {
    /// Media sequence number.
    pub(in crate::ingest) number: u64,
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) range: ByteRange,
    /// Where it begins on the presentation's timeline: by the segments before it that were read, else by
    /// the durations that the playlist tells.
    pub(in crate::ingest) start: Time,
    /// Where it begins by the nominal durations alone.
    #[serde(default)]
    pub(in crate::ingest) nominal_start: Time,
    pub(in crate::ingest) duration: Time,
    /// Discontinuity sequence number: segments of one share a clock.
    pub(in crate::ingest) discontinuity: u64,
    pub(in crate::ingest) key: Option<Arc<Key>>,
    pub(in crate::ingest) init: Option<Arc<Init>>,
    /// The server says that it is not there (`EXT-X-GAP`).
    pub(in crate::ingest) gap: bool,
}

impl Segment {
    pub(in crate::ingest) fn end(&self) -> Time {
        self.start + self.duration
    }
}

/// How a segment is encrypted (RFC 8216 4.3.2.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum Key {
    /// AES-128 in CBC mode over the whole segment.
    Aes128 {
        #[serde(with = "tape::place")]
        url: Secret,
        #[serde(with = "tape::iv")]
        iv: Iv,
    },
    /// Something that is not undone here.
    Foreign(#[serde(with = "tape::protection")] ProtectError),
}

/// An init section (RFC 8216 4.3.2.5).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Init {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) range: ByteRange,
}

/// A media playlist as it is known now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest) struct SegmentIndex {
    pub(in crate::ingest) segments: Vec<Segment>,
    pub(in crate::ingest) target: Time,
    /// No segment will be added.
    pub(in crate::ingest) ended: bool,
}

impl SegmentIndex {
    pub(in crate::ingest) fn duration(&self) -> Option<Time> {
        let last = self.segments.last().filter(|_| self.ended)?;
        Some(last.end())
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

    pub(in crate::ingest) fn next_number(&self) -> Option<u64> {
        self.segments.last().map(|last| last.number + 1)
    }

    /// Where live playback begins: an index from the start or, negative, from the end; never closer to
    /// the end than RFC 8216 6.3.3 allows while the index asks for less.
    pub(in crate::ingest) fn live_start(&self, index: i32) -> Option<&Segment> {
        let len = self.segments.len();
        let back = usize::try_from(index.unsigned_abs()).unwrap_or(len);
        let at = if index < 0 {
            len.saturating_sub(back)
        } else {
            back.min(len.saturating_sub(1))
        };
        self.segments.get(at)
    }

    /// Puts a newer version of the playlist on the timeline of the older one.
    pub(in crate::ingest) fn follow(&mut self, older: &Self) {
        let Some(first) = self.segments.first() else {
            return;
        };
        let mut shift = match older.segment(first.number) {
            Some(known) => known.start - first.start,
            None => match older.segments.last() {
                // Segments were missed: time went on meanwhile, as far as can be told.
                Some(last) if first.number > last.number => last.end() - first.start,
                _ => Time::ZERO,
            },
        };
        // Without EXT-X-DISCONTINUITY-SEQUENCE the count begins anew in each version.
        let counted = older.segment(first.number).map_or(0, |known| {
            known.discontinuity.saturating_sub(first.discontinuity)
        });
        for segment in &mut self.segments {
            if let Some(known) = older.segment(segment.number) {
                // What was read of it counts for more than what is told again.
                shift = known.end() - segment.end();
                segment.duration = known.duration;
                segment.start = known.start;
            } else {
                segment.start += shift;
            }
            segment.discontinuity += counted;
        }
    }

    /// A rendition of the same stream drifts as this one does, whose segments may be cut elsewhere.
    pub(in crate::ingest) fn drift_like(&mut self, other: &Self) {
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
        if early.abs() < DRIFT && drift.abs() < DRIFT {
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

/// A rendition of a multivariant playlist.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Variant {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) bandwidth: u64,
    pub(in crate::ingest) size: Option<(u32, u32)>,
    pub(in crate::ingest) name: Option<String>,
    /// Its sound is in the renditions of that group.
    pub(in crate::ingest) audio_group: Option<String>,
}

impl Variant {
    /// What a person calls it.
    pub(in crate::ingest) fn label(&self) -> String {
        match (&self.name, self.size) {
            (Some(name), _) => name.clone(),
            (None, Some((_, height))) => format!("{height}p"),
            (None, None) => format!("{} kbit/s", self.bandwidth / 1_000),
        }
    }
}

/// An alternative rendition of sound with a playlist of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct AudioRendition {
    pub(in crate::ingest) group: String,
    #[serde(default)]
    pub(in crate::ingest) name: String,
    #[serde(default)]
    pub(in crate::ingest) language: Option<String>,
    #[serde(with = "tape::places")]
    pub(in crate::ingest) url: Option<Secret>,
    pub(in crate::ingest) default: bool,
}

impl AudioRendition {
    /// What a person calls it.
    fn called(&self) -> &str {
        match (self.name.as_str(), &self.language) {
            ("", Some(language)) => language,
            ("", None) => &self.group,
            (name, _) => name,
        }
    }

    /// What a person calls it, with its language where the name does not tell.
    pub(in crate::ingest) fn label(&self) -> String {
        match &self.language {
            Some(language) if self.called() != language => {
                format!("{} ({language})", self.called())
            }
            _ => self.called().to_owned(),
        }
    }
}

/// What a playlist turned out to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum Manifest {
    /// Renditions to choose from.
    Multivariant {
        variants: Vec<Variant>,
        audio: Vec<AudioRendition>,
        /// What media playlists may import; only their reading asks for it.
        #[serde(skip)]
        variables: Variables,
    },
    /// Segments.
    Media(SegmentIndex),
}
