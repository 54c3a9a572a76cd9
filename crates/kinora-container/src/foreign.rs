//! Demuxers that come from elsewhere: what this crate has none for, a library beside it may read.

use std::fmt;
use std::sync::Arc;

use crate::Demuxer;

/// Opens demuxers for containers that this crate has none for.
///
/// They keep the contract of [`Demuxer`]. One that works beside its driver, and has not come to a result yet, says
/// [`Step::Pending`](crate::Step::Pending). One that turns out not to know the bytes fails with
/// [`DemuxError::UnknownContainer`](crate::DemuxError::UnknownContainer).
pub trait ForeignDemuxers: Send + Sync {
    /// A demuxer for a file, whose bytes come from its start on. Returns at once; what fails is told by the first poll.
    fn open(&self) -> Box<dyn Demuxer>;
}

/// Which demuxers read a file. Segments are read by those of this crate alone.
#[derive(Clone, Default)]
pub enum Demuxers {
    /// Those of this crate.
    #[default]
    Own,
    /// Those of this crate where they know the bytes, else a foreign one.
    Fallback(Arc<dyn ForeignDemuxers>),
    /// Foreign ones, whatever the bytes are. Playlists and manifests remain ours.
    Foreign(Arc<dyn ForeignDemuxers>),
}

impl fmt::Debug for Demuxers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "Own",
            Self::Fallback(_) => "Fallback",
            Self::Foreign(_) => "Foreign",
        })
    }
}
