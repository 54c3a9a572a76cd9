//! Subtitles as they are written down: when cues are shown and how long their texts are, not what they say.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use kinora_media::Time;
use kinora_subtitle::webvtt::TimestampMap;
use kinora_subtitle::{Cue, Document, Span, Update};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::word;

/// A file of subtitles.
#[derive(Serialize, Deserialize)]
pub(crate) struct NotedFile {
    pub(crate) format: Word,
    pub(crate) charset: Word,
    pub(crate) damaged: u32,
    #[serde(with = "each")]
    pub(crate) cues: Vec<Cue>,
    /// Where its times lie on the clock of an HLS stream: a time in nanoseconds, and the same moment in ticks.
    #[serde(default)]
    map: Option<(i64, i64)>,
}

impl NotedFile {
    pub(crate) fn timestamp_map(&self) -> Option<TimestampMap> {
        self.map.map(|(local, mpegts)| TimestampMap {
            local: Time::from_nanos(local),
            mpegts,
        })
    }
}

impl From<Document> for NotedFile {
    fn from(document: Document) -> Self {
        let map = document.timestamp_map;
        Self {
            map: map.map(|it| (it.local.as_nanos(), it.mpegts)),
            format: Word(document.format.name()),
            charset: Word(document.charset),
            damaged: document.damaged,
            cues: document.cues,
        }
    }
}

/// One of a few words.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Word(pub(crate) &'static str);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(word(text)))
    }
}

/// Start, end, layer, bytes of each span, and a number that tells it from others of the same times: one that comes again is
/// the same again.
#[derive(Serialize, Deserialize)]
struct CueFacts(i64, i64, i32, Vec<usize>, u64);

impl From<&Cue> for CueFacts {
    fn from(cue: &Cue) -> Self {
        let mut hasher = DefaultHasher::new();
        format!("{cue:?}").hash(&mut hasher);
        let lengths = cue.spans.iter().map(|span| span.text.len());
        Self(
            cue.start.as_nanos(),
            cue.end.as_nanos(),
            cue.layer,
            lengths.collect(),
            // What was said can not be found out from so little.
            hasher.finish() & 0xffff,
        )
    }
}

/// Bytes of the text that all cues of a fact stand for together, whatever it says: more than those of a film.
const MAX_TEXT: usize = 4 << 20;

impl CueFacts {
    /// A cue that stands for it; `left` is what its text may take.
    fn cue(self, left: &mut usize) -> Cue {
        let Self(start, end, layer, lengths, digest) = self;
        let span = |length: usize| {
            let length = length.min(*left);
            *left -= length;
            Span {
                text: " ".repeat(length),
                ..Span::default()
            }
        };
        Cue {
            id: Some(digest.to_string()),
            start: Time::from_nanos(start),
            end: Time::from_nanos(end),
            spans: lengths.into_iter().map(span).collect(),
            layer,
            ..Cue::default()
        }
    }
}

/// Cues one after the other.
mod each {
    use super::*;

    pub(super) fn serialize<S: Serializer>(cues: &[Cue], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(cues.iter().map(CueFacts::from))
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Cue>, D::Error> {
        let facts = Vec::<CueFacts>::deserialize(deserializer)?;
        let mut left = MAX_TEXT;
        Ok(facts.into_iter().map(|it| it.cue(&mut left)).collect())
    }
}

/// What a packet of a subtitle track brings.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NotedUpdates(#[serde(with = "updates")] pub(crate) Vec<Update>);

/// What the captions within a picture bring.
#[derive(Serialize, Deserialize)]
pub(crate) struct NotedCaptions {
    /// Services that were not known, by their indices.
    pub(crate) services: Vec<u32>,
    pub(crate) updates: NotedUpdates,
}

impl NotedCaptions {
    /// `None`: nothing new.
    pub(crate) fn of(
        services: impl Iterator<Item = u32>,
        updates: Option<Vec<Update>>,
    ) -> Option<Self> {
        let noted = Self {
            services: services.collect(),
            updates: NotedUpdates(updates.unwrap_or_default()),
        };
        (!noted.services.is_empty() || !noted.updates.0.is_empty()).then_some(noted)
    }
}

/// A cue more, or those that replace others.
#[derive(Serialize, Deserialize)]
enum UpdateFacts {
    #[serde(rename = "a")]
    Add(CueFacts),
    #[serde(rename = "r")]
    Replace(i64, Vec<CueFacts>),
}

impl From<&Update> for UpdateFacts {
    fn from(update: &Update) -> Self {
        match update {
            Update::Add(cue) => Self::Add(cue.into()),
            Update::Replace { at, cues } => {
                Self::Replace(at.as_nanos(), cues.iter().map(CueFacts::from).collect())
            }
        }
    }
}

impl UpdateFacts {
    /// An update that stands for it; `left` is what its text may take.
    fn update(self, left: &mut usize) -> Update {
        match self {
            Self::Add(cue) => Update::Add(cue.cue(left)),
            Self::Replace(at, cues) => Update::Replace {
                at: Time::from_nanos(at),
                cues: cues.into_iter().map(|it| it.cue(left)).collect(),
            },
        }
    }
}

/// Updates one after the other.
mod updates {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        updates: &[Update],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(updates.iter().map(UpdateFacts::from))
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Update>, D::Error> {
        let facts = Vec::<UpdateFacts>::deserialize(deserializer)?;
        let mut left = MAX_TEXT;
        Ok(facts.into_iter().map(|it| it.update(&mut left)).collect())
    }
}
