//! Bytes in, packets out: from a single file, or from the segments of a playlist.

mod hls;
mod progressive;

use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_media::{Chunk, MediaInfo, RequestId, ResponseInfo, Time};

use crate::cx::Cx;
use crate::line::Lines;
use crate::transfer::Terms;
use crate::{TrackChoice, TrackOption};

pub(crate) use hls::Hls;
pub(crate) use progressive::Progressive;

/// What the session must know of the ingest.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The headers are read, or the tracks changed.
    Info(Arc<MediaInfo>),
    /// The rendition of that index plays from here on.
    Switched(u32),
    /// All packets were given.
    Ended,
    /// Nothing more will come.
    Failed(Fault),
    /// The tries are spent; `reload` resumes.
    Parked(Fault),
    /// The credential must be renewed.
    Expired(Fault),
}

/// How a seek outside the buffer goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sought {
    /// Packets from the key frame before the target come next.
    Direct,
    /// Packets from the start come; those before the target's key frame are passed over.
    FromStart,
}

/// What a choice of a rendition makes worthless of what is buffered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anew {
    Nothing,
    /// The sound; the pictures stay.
    Sound,
    All,
}

/// Where packets come from.
pub(crate) enum Ingest {
    /// Its URL is not known yet.
    Unknown,
    /// One resource.
    Progressive(Box<Progressive>),
    /// The segments of playlists.
    Hls(Box<Hls>),
}

impl Ingest {
    pub(crate) fn open(cx: &mut Cx, url: Secret) -> Self {
        Self::Progressive(Box::new(Progressive::start(cx, url)))
    }

    /// Gives packets to the lines until something is to be told, `most` is there ahead of the position or bytes are
    /// missing.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        lines: &mut Lines,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        match self {
            Self::Unknown => None,
            Self::Progressive(file) => file.poll(cx, lines, position, most),
            Self::Hls(hls) => hls.poll(cx, lines, position, most),
        }
    }

    pub(crate) fn on_head(&mut self, cx: &mut Cx, id: RequestId, info: ResponseInfo, terms: Terms) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.on_head(cx, id, info, terms),
            Self::Hls(hls) => hls.on_head(cx, id, info, terms),
        }
    }

    pub(crate) fn on_chunk(&mut self, cx: &mut Cx, chunk: Chunk, terms: Terms) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.on_chunk(cx, chunk),
            Self::Hls(hls) => return hls.on_chunk(cx, chunk, terms),
        }
        self.unfold();
    }

    /// A resource that turned out to be a playlist is read as one.
    fn unfold(&mut self) {
        let Self::Progressive(file) = self else {
            return;
        };
        if !file.is_playlist() {
            return;
        }
        if let Some((transfer, data, url)) = file.take_playlist() {
            *self = Self::Hls(Box::new(Hls::adopt(transfer, &data, url)));
        }
    }

    /// New segments may come.
    pub(crate) fn is_live(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Progressive(_) => false,
            Self::Hls(hls) => hls.is_live(),
        }
    }

    /// How far behind its edge a live presentation has to stay; `None` when it is not live.
    pub(crate) fn live_hold_back(&self) -> Option<Time> {
        match self {
            Self::Unknown | Self::Progressive(_) => None,
            Self::Hls(hls) => hls.hold_back(),
        }
    }

    /// The earliest time that can be sought: a live stream that ended begins where its last playlist does.
    pub(crate) fn first_time(&self) -> Time {
        match self {
            Self::Unknown | Self::Progressive(_) => Time::ZERO,
            Self::Hls(hls) => hls.first_time(),
        }
    }

    /// Renditions to choose from, where there are several.
    pub(crate) fn options(&self) -> Option<Arc<[TrackOption]>> {
        match self {
            Self::Unknown => None,
            Self::Progressive(_) => None,
            Self::Hls(hls) => hls.options(),
        }
    }

    /// Chooses a rendition; gives what must be loaded anew, which a seek does.
    pub(crate) fn select(&mut self, cx: &mut Cx, choice: TrackChoice) -> Anew {
        match self {
            Self::Unknown | Self::Progressive(_) => Anew::Nothing,
            Self::Hls(hls) => hls.select(cx, choice),
        }
    }

    /// The sound alone goes to a time, where it comes from a playlist of its own.
    pub(crate) fn seek_sound(&mut self, cx: &mut Cx, target: Time) {
        if let Self::Hls(hls) = self {
            hls.seek_sound(cx, target);
        }
    }

    pub(crate) fn on_done(&mut self, cx: &mut Cx, id: RequestId, terms: Terms) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.on_done(cx, id),
            Self::Hls(hls) => hls.on_done(cx, id, terms),
        }
    }

    pub(crate) fn on_failed(&mut self, cx: &mut Cx, id: RequestId, fault: Fault, terms: Terms) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.on_failed(cx, id, fault, terms),
            Self::Hls(hls) => hls.on_failed(cx, id, fault, terms),
        }
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: Terms) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.on_time(cx, terms),
            Self::Hls(hls) => hls.on_time(cx, terms),
        }
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        match self {
            Self::Unknown => None,
            Self::Progressive(file) => file.deadline(cx),
            Self::Hls(hls) => hls.deadline(cx),
        }
    }

    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time) -> Sought {
        match self {
            Self::Unknown => Sought::Direct,
            Self::Progressive(file) => file.seek(cx, target),
            Self::Hls(hls) => {
                hls.seek(cx, target);
                Sought::Direct
            }
        }
    }

    /// Asks again now for what waits for another try. `false`: nothing does.
    pub(crate) fn reload(&mut self, cx: &mut Cx) -> bool {
        match self {
            Self::Unknown => false,
            Self::Progressive(file) => file.reload(cx),
            Self::Hls(hls) => hls.reload(cx),
        }
    }

    pub(crate) fn renew(&mut self, cx: &mut Cx, url: Secret) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.renew(cx, url),
            Self::Hls(hls) => hls.renew(cx, &url),
        }
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.close(cx),
            Self::Hls(hls) => hls.close(cx),
        }
    }
}
