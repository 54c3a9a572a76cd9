//! A lane reads one rendition for one role.

use std::sync::Arc;

use kinora_media::{CodecId, MediaInfo, Packet, TrackId, TrackKind};

use super::loader::Loader;
use crate::Role;

/// What a rendition is for. Text and thumbnails will have lanes of their own: a role each, and a place in `merge`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LaneRole {
    /// A variant: video, and its audio where that has no lane of its own.
    Main,
    /// Audio that has segments of its own.
    Audio,
}

/// Tracks of a lane for audio carry this in their ids.
const AUDIO_TRACK: u32 = 0x8000_0000;

impl LaneRole {
    /// In the order in which they are read.
    pub(super) const ALL: [Self; 2] = [Self::Main, Self::Audio];

    /// A track's id, different from lane to lane.
    pub(super) fn track_id(self, track: TrackId) -> TrackId {
        match self {
            Self::Main => track,
            Self::Audio => TrackId(track.0 | AUDIO_TRACK),
        }
    }

    /// What says how much of it is there.
    pub(super) fn of_pipeline(self) -> Role {
        match self {
            Self::Main => Role::Video,
            Self::Audio => Role::Audio,
        }
    }

    /// The lane that it shares the presentation with.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Main => Self::Audio,
            Self::Audio => Self::Main,
        }
    }
}

/// Whether a track is of a lane for audio.
pub(crate) fn is_audio_rendition(track: TrackId) -> bool {
    track.0 & AUDIO_TRACK != 0
}

/// One rendition that is read.
pub(super) struct Lane {
    pub(super) role: LaneRole,
    /// Which variant, or which audio rendition.
    pub(super) rendition: usize,
    pub(super) loader: Loader,
    /// Its tracks, once they are known.
    pub(super) info: Option<Arc<MediaInfo>>,
    /// All its packets were given.
    pub(super) ended: bool,
}

impl Lane {
    pub(super) fn new(role: LaneRole, rendition: usize, loader: Loader) -> Self {
        Self {
            role,
            rendition,
            loader,
            info: None,
            ended: false,
        }
    }

    /// Whether a packet of it is of audio.
    pub(super) fn is_audio(&self, packet: &Packet) -> bool {
        let track = self.info.as_ref().and_then(|info| info.track(packet.track));
        track.is_some_and(|track| track.kind() == TrackKind::Audio)
    }

    /// Whether a packet of it is a tag of timed ID3.
    pub(super) fn is_tag(&self, packet: &Packet) -> bool {
        let track = self.info.as_ref().and_then(|info| info.track(packet.track));
        track.is_some_and(|track| track.codec == CodecId::Id3)
    }

    /// Whether a packet of it is of the track that it is read for.
    pub(super) fn leads(&self, packet: &Packet) -> bool {
        let video = self.info.as_ref().and_then(|it| it.first(TrackKind::Video));
        video.is_none_or(|video| video.id == packet.track)
    }
}

/// Puts the audio of its own lane in the place of the audio that the main one brings along.
pub(super) fn merge(main: &MediaInfo, audio: Option<&MediaInfo>) -> MediaInfo {
    let mut info = main.clone();
    let Some(audio) = audio else { return info };
    let is_audio = |track: &&kinora_media::TrackInfo| track.kind() == TrackKind::Audio;
    info.tracks.retain(|track| !is_audio(&track));
    let own = audio.tracks.iter().filter(is_audio).cloned();
    info.tracks.extend(own.map(|mut track| {
        track.id = LaneRole::Audio.track_id(track.id);
        track
    }));
    info
}
