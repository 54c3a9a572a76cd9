use std::sync::Arc;

use bytes::Bytes;
use kinora_errors::{Code, Coded, codes};
use kinora_media::{ByteRange, MediaInfo, Packet, Time};

use crate::EventMessage;

/// Turns the bytes of one container into packets, without ever reading by itself.
///
/// The driver's loop: call [`poll`](Self::poll) until it asks for bytes; feed it with
/// [`push`](Self::push); after the last byte of the resource call [`finish`](Self::finish)
/// and poll on until [`Step::End`].
pub trait Demuxer: Send {
    /// Bytes of the resource that begin at `offset`. Bytes the demuxer did not ask for (a late
    /// chunk of a cancelled request) are ignored.
    fn push(&mut self, offset: u64, data: Bytes);

    /// No bytes come after those pushed: the resource ends here. `total_len` may also have been
    /// told beforehand by [`set_len`](Self::set_len).
    fn finish(&mut self);

    /// The same, but another resource goes on with this one, as a segment does with the one before: it is pushed after
    /// [`next_resource`](Self::next_resource). What the border cuts is kept for its rest; what is whole is given.
    fn pause(&mut self) {
        self.finish();
    }

    /// The length of the resource, once it is known.
    fn set_len(&mut self, total_len: u64);

    /// Bytes of other places can be had at the price of a request: a long index is read in pieces, as they are needed.
    /// Told before the first [`poll`](Self::poll), if at all.
    fn allow_random_access(&mut self) {}

    /// The next thing that can be done with the bytes at hand. Cheap when nothing is new;
    /// every call consumes input, gives something, or asks for bytes.
    ///
    /// # Errors
    /// Only what ends the presentation; damage that can be passed over is passed over and
    /// counted in [`damage`](Self::damage).
    fn poll(&mut self) -> Result<Step, DemuxError>;

    /// Goes to a time. Packets of the old place are forgotten; the next [`poll`](Self::poll)
    /// says from where bytes are wanted. Packets before the target but needed to decode it come first.
    ///
    /// # Errors
    /// [`DemuxError::NotSeekable`] when the container gives no way to find a time.
    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError>;

    /// Looks for the duration where it is told only at the end of the resource: the next
    /// [`poll`](Self::poll) wants bytes from there, then those that would have come next; the
    /// duration comes with another [`Step::Info`]. Titles of chapters that lie elsewhere are looked for alike. Returns `false`, and does nothing, when it is
    /// known or can not be found (so far). Best called when nothing more urgent is to be read.
    fn find_duration(&mut self) -> bool {
        false
    }

    /// What is pushed next is the resource that follows the one that was read to its end, as a segment follows
    /// another: what was learnt of the tracks holds, what was cut goes on, and [`Step::Info`] comes only where it changes.
    /// Returns `false`, and does nothing, for containers that describe themselves in each resource: a new demuxer
    /// is needed.
    fn next_resource(&mut self) -> bool {
        false
    }

    /// What the times of the packets count from, as far as it is known: ask once there are packets.
    fn clock(&self) -> ClockKind {
        ClockKind::Shared
    }

    /// The event messages (`emsg`, ISO/IEC 23009-1 5.10.3.3) that were met since the last call, no more than a few hundred.
    fn take_events(&mut self) -> Vec<EventMessage> {
        Vec::new()
    }

    /// How many places of damage were passed over so far.
    fn damage(&self) -> u64 {
        0
    }
}

/// How a resource ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// For good: [`Demuxer::finish`].
    Final,
    /// Another one goes on: [`Demuxer::pause`].
    Continued,
}

impl End {
    pub(crate) fn reach(self, demuxer: &mut dyn Demuxer) {
        match self {
            Self::Final => demuxer.finish(),
            Self::Continued => demuxer.pause(),
        }
    }
}

/// What the times of a resource's packets count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClockKind {
    /// The timeline of the whole stream (`tfdt`, ISO/IEC 14496-12 8.8.12).
    #[default]
    Shared,
    /// The same in 33 bits: it begins anew after [`TsDemuxer::CLOCK_PERIOD`](crate::ts::TsDemuxer::CLOCK_PERIOD)
    /// (ISO/IEC 13818-1 2.4.2).
    Wrapping,
    /// The resource's own start: the first time is zero.
    OwnStart,
}

/// A place to seek to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SeekTo {
    /// The time wanted, on the presentation's timeline.
    pub time: Time,
    /// Which key frame will do.
    pub mode: SeekMode,
}

/// Which key frame serves a seek.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeekMode {
    /// The last one at or before the time.
    Before,
    /// The nearest one.
    Nearest,
    /// The last one at or before the time, for who shows nothing of before the time: what lies between is wanted of the
    /// pictures alone.
    Exact,
}

/// What a demuxer gives or wants next.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// The headers are read. Comes once before any packet, and again when the tracks change.
    Info(Arc<MediaInfo>),
    /// The next packet in the order of the file.
    Packet(Packet),
    /// More bytes are wanted, following those pushed last.
    NeedMore,
    /// Bytes from another place are wanted first: those of the range, and what follows them where it has no end.
    Want(ByteRange),
    /// Nothing yet: it works beside its driver and has not come to a result. Poll again a little later; bytes may come in
    /// the meantime. Only [foreign](crate::ForeignDemuxers) demuxers say so.
    Pending,
    /// All packets were given.
    End,
}

/// Why a resource can not be demuxed (any further).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemuxError {
    /// No known container begins like this.
    #[error("these bytes begin no known container: {0}")]
    UnknownContainer(String),
    /// It names media elsewhere and holds none: an HLS playlist is for a player to follow.
    #[error("this is a playlist: it names media and holds none")]
    Playlist,
    /// The resource ended before its headers did.
    #[error("the file ends within its headers, after {at} bytes")]
    TruncatedHeader {
        /// Where it ended.
        at: u64,
    },
    /// It holds nothing that can be played.
    #[error("the file holds no audio or video track")]
    NoTracks,
    /// The container contradicts itself.
    #[error("malformed {container} at byte {offset}: {what}")]
    Malformed {
        /// Short name of the container.
        container: &'static str,
        /// Where in the resource.
        offset: u64,
        /// Stable reason: `mp4.box.too_long`.
        reason: &'static str,
        /// What is wrong, for people.
        what: String,
    },
    /// More memory would be needed than a sound file can ask for.
    #[error("{what} would need {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Bytes asked for.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Only a library beside Kinora may read it, and that one can not be used here.
    #[error("{look}; libavformat may know it: {why}")]
    NeedsLibrary {
        /// What it looks like.
        look: String,
        /// Why the library can not be used, and what to do.
        why: String,
    },
    /// A library that reads it gave up.
    #[error("libavformat can not read {container}: {what}")]
    Library {
        /// What it is, as the library calls it.
        container: String,
        /// What the library said.
        what: String,
    },
    /// This container gives no way to find a time.
    #[error("this file can not be sought: {0}")]
    NotSeekable(&'static str),
}

impl Coded for DemuxError {
    fn code(&self) -> Code {
        match self {
            Self::NoTracks => codes::ERROR_DEMUXER_NO_VALID_STREAM,
            _ => codes::ERROR_DEMUXER_OPENSTREAM,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::UnknownContainer(_) => "container.unknown",
            Self::Playlist => "container.playlist",
            Self::TruncatedHeader { .. } => "container.truncated",
            Self::NoTracks => "container.no_tracks",
            Self::Malformed { reason, .. } => reason,
            Self::TooLarge { .. } => "container.too_large",
            Self::NeedsLibrary { .. } => "container.needs_libavformat",
            Self::Library { .. } => "container.libavformat",
            Self::NotSeekable(_) => "container.not_seekable",
        }
    }
}
