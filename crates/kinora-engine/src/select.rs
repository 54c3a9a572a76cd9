//! Which tracks of a presentation are played, and what else could be chosen.

use std::sync::Arc;

use kinora_media::{MediaInfo, TrackId, TrackInfo, TrackKind};

use crate::{PlayerConfig, TrackOption};

/// The tracks that play.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) video: Option<Arc<TrackInfo>>,
    pub(crate) audio: Option<Arc<TrackInfo>>,
}

/// Chooses a track of each kind: the one that was asked for by its name, else the first. What
/// nobody here can decrypt is left out.
pub(crate) fn select(info: &MediaInfo, config: &PlayerConfig, wish: &[TrackId]) -> Selection {
    let choose = |kind: TrackKind| {
        let mut tracks = info
            .tracks
            .iter()
            .filter(|track| track.kind() == kind && is_playable(track, config));
        let wished = tracks.clone().find(|track| wish.contains(&track.id));
        wished.or_else(|| tracks.next()).cloned().map(Arc::new)
    };
    Selection {
        video: choose(TrackKind::Video),
        audio: choose(TrackKind::Audio),
    }
}

/// Whether a track may play: it is of a kind that is wanted, and not encrypted by a scheme without keys here.
pub(crate) fn is_playable(track: &TrackInfo, config: &PlayerConfig) -> bool {
    let wanted = match track.kind() {
        TrackKind::Video => !config.disable_video,
        TrackKind::Audio => !config.disable_audio,
        TrackKind::Subtitle | TrackKind::Data => false,
    };
    wanted && track.protection.is_none()
}

/// What can be chosen within one file: its tracks, by their place in it.
pub(crate) fn options(info: &MediaInfo, selection: &Selection) -> Arc<[TrackOption]> {
    let chosen = |id: TrackId| {
        let is =
            |track: &Option<Arc<TrackInfo>>| track.as_ref().is_some_and(|track| track.id == id);
        is(&selection.video) || is(&selection.audio)
    };
    let option = |(index, track): (usize, &TrackInfo)| TrackOption {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        kind: track.kind(),
        label: label(track),
        size: track.video.map(|video| (video.width, video.height)),
        bitrate: track.bitrate.map(u64::from),
        selected: chosen(track.id),
    };
    info.tracks.iter().enumerate().map(option).collect()
}

fn label(track: &TrackInfo) -> String {
    track
        .language
        .clone()
        .unwrap_or_else(|| track.codec.title().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::CodecId;

    fn info() -> MediaInfo {
        let tracks = [CodecId::Aac, CodecId::H264, CodecId::Aac];
        let track = |(id, codec): (u32, &CodecId)| TrackInfo::new(TrackId(id), *codec);
        MediaInfo {
            tracks: (7..).zip(tracks.iter()).map(track).collect(),
            ..MediaInfo::default()
        }
    }

    #[test]
    fn the_first_of_each_kind_plays_unless_another_is_wished_for() {
        let ids = |selection: Selection| {
            [selection.video, selection.audio].map(|track| track.map(|track| track.id.0))
        };
        let config = PlayerConfig::default();
        assert_eq!(ids(select(&info(), &config, &[])), [Some(8), Some(7)]);
        assert_eq!(
            ids(select(&info(), &config, &[TrackId(9)])),
            [Some(8), Some(9)]
        );
        let silent = PlayerConfig {
            disable_audio: true,
            ..config
        };
        assert_eq!(ids(select(&info(), &silent, &[])), [Some(8), None]);
        let mut locked = info();
        let scheme = kinora_media::ProtectionScheme::Cenc;
        locked.tracks[0].protection = Some(kinora_media::Protection::of_scheme(scheme));
        assert_eq!(
            ids(select(&locked, &PlayerConfig::default(), &[])),
            [Some(8), Some(9)]
        );
    }
}
