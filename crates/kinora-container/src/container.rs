//! What one container says of itself: its line in the registry.

use kinora_media::{Chapter, Time};

use crate::Demuxer;
use crate::framing::Framing;

/// What the registry, the prober and those who name containers know of one.
pub(crate) struct Container {
    /// Short name, as in `MediaInfo::container`.
    pub(crate) name: &'static str,
    /// What a person calls it.
    pub(crate) title: &'static str,
    /// Words of the media types that stand for it.
    pub(crate) media_types: &'static [&'static str],
    /// Endings of file names that stand for it, without the dot.
    pub(crate) extensions: &'static [&'static str],
    /// How it is known by its bytes.
    pub(crate) signatures: &'static [Signature],
    /// What plays it.
    pub(crate) access: Access,
}

/// What tells a container by the first bytes of a resource.
pub(crate) enum Signature {
    /// The resource begins with these bytes.
    Magic(&'static [u8]),
    /// The same, where it takes more than a comparison.
    Start(fn(&[u8]) -> bool),
    /// A pattern that may lie behind junk. The second argument says that no bytes follow.
    Pattern(fn(&[u8], bool) -> bool),
    /// Frames that follow one another, behind junk or not.
    Frames(Framing),
}

/// What plays a container.
pub(crate) enum Access {
    /// A demuxer of this crate.
    Demuxer(fn(Opening) -> Box<dyn Demuxer>),
    /// It names media elsewhere, which a player follows.
    Playlist,
    /// Nothing: it is known by name only.
    None,
}

/// What a demuxer is opened for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) purpose: Purpose,
    pub(crate) lead: Lead,
    /// Which of several programs plays, where one was chosen.
    pub(crate) program: Option<u16>,
}

/// What a resource is to its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Purpose {
    /// All of it: its timeline begins at zero.
    #[default]
    File,
    /// A segment, whose clock relates it to the other ones.
    Segment,
}

/// What was read before the container begins: a tag.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Lead {
    /// Where in the resource the container begins.
    pub(crate) begins: u64,
    pub(crate) title: Option<String>,
    /// Chapters that a tag tells.
    pub(crate) chapters: Vec<Chapter>,
    /// The time of a segment of packed audio (RFC 8216 3.4).
    pub(crate) time: Option<Time>,
}
