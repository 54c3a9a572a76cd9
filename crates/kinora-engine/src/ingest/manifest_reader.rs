//! The front end of a manifest, whichever it is: it alone knows the text.

use kinora_container::sniff::sniff;
use kinora_container::{ContainerKind, Sniff};
use kinora_errors::{Fault, Secret};
use kinora_media::{ByteRange, Time};
use serde::{Deserialize, Serialize};

use super::dash::MpdReader;
use super::hls::PlaylistReader;
use super::segmented::index::{Manifest, SegmentsNamed, Steered};
use crate::cx::Cx;
use crate::tape;

/// Reads what says where segments are.
#[derive(Clone, Debug)]
pub(in crate::ingest) enum ManifestReader {
    /// Each rendition has a playlist of its own.
    Hls(Box<PlaylistReader>),
    /// One manifest says it of all of them.
    Dash(Box<MpdReader>),
}

impl Default for ManifestReader {
    fn default() -> Self {
        Self::Hls(Box::default())
    }
}

/// One of the renditions that a manifest names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum RenditionId {
    Variant(usize),
    Audio(usize),
    Text(usize),
}

/// Where the index of a rendition comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum IndexSource {
    /// From its playlist.
    Playlist,
    /// From bytes that say where its segments are.
    Bytes {
        #[serde(with = "tape::place")]
        url: Secret,
        range: ByteRange,
        /// Another place has them too.
        #[serde(default)]
        elsewhere: bool,
    },
    /// It follows from what is known.
    Known(Box<Manifest>),
}

/// Where a clock tells the time of day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(in crate::ingest) enum ClockSource {
    /// In the body of its answer.
    Body,
    /// In the head of its answer (`Date`).
    Head,
}

/// What a clock answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest) enum ClockAnswer<'a> {
    Body(&'a [u8]),
    /// What it is ahead of ours, where it says so.
    Head(Option<Time>),
    /// It was not to be had.
    Missing,
}

/// A clock to be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct ClockQuestion {
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) source: ClockSource,
}

impl ManifestReader {
    /// Reads the newest version of what was asked for, found at `url`. `clock`: what the server's time of day is ahead of ours,
    /// if it told.
    pub(in crate::ingest) fn read(
        &mut self,
        cx: &Cx,
        text: &[u8],
        url: &Secret,
        clock: Option<Time>,
    ) -> Result<Manifest, Fault> {
        let read = cx.tape.try_see("plan", || {
            if sniff(text) == Sniff::Known(ContainerKind::DashManifest)
                && matches!(self, Self::Hls(_))
            {
                *self = Self::Dash(Box::default());
            }
            match self {
                Self::Hls(reader) => reader.read(text, url),
                Self::Dash(reader) => reader.read(cx, text, url, clock),
            }
        });
        // When a recording is replayed the text was not looked at.
        let of_dash = match &read {
            Ok(Manifest::Multivariant { named, .. }) => matches!(named, SegmentsNamed::Here { .. }),
            Ok(Manifest::Partial) => true,
            Ok(Manifest::Media { .. } | Manifest::Unfit) | Err(_) => false,
        };
        if of_dash && matches!(self, Self::Hls(_)) {
            *self = Self::Dash(Box::default());
        }
        read
    }

    /// The clock that is to be asked before what was read means something.
    pub(in crate::ingest) fn clock(&self, cx: &Cx) -> Option<ClockQuestion> {
        match self {
            Self::Hls(_) => None,
            Self::Dash(reader) => cx.tape.see("clock_source", || reader.clock()),
        }
    }

    /// A clock answered: what was read means this, or another clock is to be asked.
    pub(in crate::ingest) fn clock_told(
        &mut self,
        cx: &Cx,
        answer: ClockAnswer<'_>,
    ) -> Result<Manifest, Fault> {
        cx.tape.try_see("plan", || match self {
            Self::Hls(_) => Ok(Manifest::Partial),
            Self::Dash(reader) => Ok(reader.clock_told(cx, answer)),
        })
    }

    /// How much later clocks are to be asked again: none told anything, or what one told is in `doubt`.
    pub(in crate::ingest) fn clock_again_after(&self, cx: &Cx, doubt: bool) -> Option<Time> {
        match self {
            Self::Hls(_) => None,
            Self::Dash(reader) => cx
                .tape
                .see_some("clock_again", || reader.clock_again_after(doubt)),
        }
    }

    /// All clocks are to be asked again.
    pub(in crate::ingest) fn ask_clocks_again(&mut self) {
        if let Self::Dash(reader) = self {
            reader.ask_clocks_again();
        }
    }

    /// A segment was not there though the clock says so: it is earlier by so much.
    pub(in crate::ingest) fn clock_is_wrong(&mut self, early: Time) {
        if let Self::Dash(reader) = self {
            reader.clock_is_wrong(early);
        }
    }

    /// Leaves the place of a URL that a rendition names, for all of them. `false`: no other place has the same.
    pub(in crate::ingest) fn leave_place(
        &mut self,
        cx: &Cx,
        rendition: &Self,
        url: &Secret,
    ) -> bool {
        match (self, rendition) {
            (Self::Dash(root), Self::Dash(rendition)) => {
                let leave = || root.leave_place(rendition, url, cx.mono());
                cx.tape.see("elsewhere", leave)
            }
            _ => false,
        }
    }

    /// Reads what a steering server says, found at `url`.
    pub(in crate::ingest) fn steer(
        &mut self,
        cx: &Cx,
        text: &[u8],
        url: &Secret,
    ) -> Result<Steered, Fault> {
        cx.tape.try_see("steering", || match self {
            Self::Hls(reader) => reader.steer(text, url),
            Self::Dash(reader) => reader.steer(text, url),
        })
    }

    /// The names of the parameters by which a steering server is told the pathway and the throughput (RFC 8216bis 7.1; ETSI TS
    /// 103 998 5.3), and the pathway, where that is known here.
    pub(in crate::ingest) fn told_to_steer(
        &self,
        now: Time,
    ) -> ([&'static str; 2], Option<String>) {
        match self {
            Self::Hls(_) => (["_HLS_pathway", "_HLS_throughput"], None),
            Self::Dash(reader) => (["_DASH_pathway", "_DASH_throughput"], reader.pathway(now)),
        }
    }

    /// The reader of a rendition that the manifest names.
    pub(in crate::ingest) fn rendition(&self, id: RenditionId) -> Self {
        match self {
            Self::Hls(reader) => Self::Hls(Box::new(reader.alongside())),
            Self::Dash(reader) => Self::Dash(Box::new(reader.rendition(id))),
        }
    }

    /// Where the index comes from now.
    pub(in crate::ingest) fn source(&mut self, cx: &Cx) -> Result<IndexSource, Fault> {
        match self {
            Self::Hls(_) => Ok(IndexSource::Playlist),
            Self::Dash(reader) => cx.tape.try_see("source", || reader.source(cx)),
        }
    }

    /// Goes on with what another reader knows of the manifest now.
    pub(in crate::ingest) fn follow(&mut self, other: &Self) {
        if let (Self::Dash(reader), Self::Dash(other)) = (self, other) {
            reader.follow(other);
        }
    }

    /// Renditions lie on the timeline as the manifest says, whatever was read of others.
    pub(in crate::ingest) fn places_exactly(&self) -> bool {
        matches!(self, Self::Dash(_))
    }
}
