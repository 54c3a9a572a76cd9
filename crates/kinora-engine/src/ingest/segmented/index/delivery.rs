//! Low latency (RFC 8216bis): parts of segments, and what a playlist says of its next version.

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_manifest::hls::{Position, Skip};
use kinora_media::{ByteRange, Time};
use serde::{Deserialize, Serialize};

use super::Init;
use crate::tape;

/// The parts by which a segment can be asked for (RFC 8216bis 4.4.4.9).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest) enum Parts {
    /// It is there as a whole.
    #[default]
    None,
    /// It is there as a whole, and by these.
    Complete(Vec<Part>),
    /// It is not there as a whole yet; more of them will follow.
    Growing(Vec<Part>),
}

impl Parts {
    pub(in crate::ingest) fn list(&self) -> &[Part] {
        match self {
            Self::None => &[],
            Self::Complete(parts) | Self::Growing(parts) => parts,
        }
    }

    pub(in crate::ingest) fn is_growing(&self) -> bool {
        matches!(self, Self::Growing(_))
    }
}

/// One part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct Part {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) range: ByteRange,
    pub(in crate::ingest) duration: Time,
    /// The playlist says that it is not there.
    pub(in crate::ingest) gap: bool,
}

/// The name of a part: its segment, and its place therein.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct PartId {
    pub(in crate::ingest) number: u64,
    pub(in crate::ingest) part: usize,
}

/// How a playlist that grows is asked for again, and what may be asked for before it is named.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest) struct Delivery {
    /// The server answers once that is there (RFC 8216bis 6.2.5.2).
    pub(in crate::ingest) wait_for: Option<Position>,
    /// What may be left out of the next version, if the last one is no older (6.2.5.1).
    pub(in crate::ingest) skip: Option<(Skip, Time)>,
    /// The part that will come next (4.4.5.3).
    pub(in crate::ingest) part_hint: Option<PartHint>,
    /// The init section that will come next.
    pub(in crate::ingest) init_hint: Option<Arc<Init>>,
    /// How far the other renditions are (4.4.5.4).
    pub(in crate::ingest) reports: Vec<RenditionReport>,
}

/// A part that will be there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct PartHint {
    pub(in crate::ingest) id: PartId,
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    /// Without an end: those behind it may follow in the same resource.
    pub(in crate::ingest) range: ByteRange,
}

/// How far the playlist of another rendition is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct RenditionReport {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) last: Position,
}
