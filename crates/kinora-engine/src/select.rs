//! Which tracks of a presentation are played, and what else could be chosen.

use std::cmp::Reverse;
use std::sync::Arc;

use kinora_manifest::select::{TextCandidate, TextPreference};
use kinora_media::{LanguageFit, MediaInfo, TrackId, TrackInfo, TrackKind, language_fit};

use kinora_protect::KeyRing;

use crate::decrypt::can_open;
use crate::{PlayerConfig, Role, TrackOption};

/// The tracks that play.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) video: Option<Arc<TrackInfo>>,
    pub(crate) audio: Option<Arc<TrackInfo>>,
}

impl Selection {
    /// Each of them, and what it is for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Role, &Arc<TrackInfo>)> {
        [(Role::Video, &self.video), (Role::Audio, &self.audio)]
            .into_iter()
            .filter_map(|(role, track)| Some((role, track.as_ref()?)))
    }
}

/// Chooses a track of each kind: the one that was asked for by its name, else one in the wanted language, else the one that
/// the container calls the default, else the first. What nobody here can decrypt is left out.
pub(crate) fn select(
    info: &MediaInfo,
    config: &PlayerConfig,
    keys: &KeyRing,
    wish: &[TrackId],
) -> Selection {
    let choose = |kind: TrackKind| {
        let tracks = (0..info.tracks.len()).zip(&info.tracks);
        let tracks =
            tracks.filter(|(_, track)| track.kind() == kind && is_playable(track, config, keys));
        let wished = tracks.clone().find(|(_, track)| wish.contains(&track.id));
        let language = config.audio_language.as_deref();
        let language = language.filter(|_| kind == TrackKind::Audio);
        let best = tracks.max_by_key(|(place, track)| (fit(language, track), Reverse(*place)));
        wished.or(best).map(|(_, track)| Arc::new(track.clone()))
    };
    Selection {
        video: choose(TrackKind::Video),
        audio: choose(TrackKind::Audio),
    }
}

/// How well a track fits a language, and what its container says of it.
fn fit(language: Option<&str>, track: &TrackInfo) -> (LanguageFit, bool) {
    let has = track.language.as_deref();
    let fit = language
        .zip(has)
        .map_or(LanguageFit::None, |(wanted, has)| language_fit(wanted, has));
    (fit, track.disposition.default)
}

/// The index of the text track that is shown where nobody chose any.
pub(crate) fn text(info: &MediaInfo, preference: TextPreference<'_>) -> Option<u32> {
    let tracks = (0_u32..).zip(&info.tracks);
    let tracks = tracks.filter(|(_, track)| track.kind() == TrackKind::Subtitle);
    let (indices, candidates): (Vec<u32>, Vec<TextCandidate<'_>>) = tracks
        .map(|(index, track)| {
            let candidate = TextCandidate {
                name: track.title.as_deref().unwrap_or_default(),
                language: track.language.as_deref(),
                default: track.disposition.default,
                autoselect: false,
                forced: track.disposition.forced,
            };
            (index, candidate)
        })
        .unzip();
    let chosen = kinora_manifest::select::text(&candidates, preference)?;
    indices.get(chosen).copied()
}

/// Whether a track may play: it is of a kind that is wanted, and clear or encrypted with a key that is here.
pub(crate) fn is_playable(track: &TrackInfo, config: &PlayerConfig, keys: &KeyRing) -> bool {
    let wanted = match track.kind() {
        TrackKind::Video => !config.disable_video,
        TrackKind::Audio => !config.disable_audio,
        TrackKind::Subtitle | TrackKind::Data => false,
    };
    wanted && can_open(track, keys)
}

/// What can be chosen within one file: its tracks, by their place in it.
pub(crate) fn options(info: &MediaInfo, selection: &Selection) -> Arc<[TrackOption]> {
    let chosen = |id: TrackId| selection.iter().any(|(_, track)| track.id == id);
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
        let (config, keys) = (PlayerConfig::default(), KeyRing::default());
        assert_eq!(
            ids(select(&info(), &config, &keys, &[])),
            [Some(8), Some(7)]
        );
        assert_eq!(
            ids(select(&info(), &config, &keys, &[TrackId(9)])),
            [Some(8), Some(9)]
        );
        let silent = PlayerConfig {
            disable_audio: true,
            ..config
        };
        assert_eq!(ids(select(&info(), &silent, &keys, &[])), [Some(8), None]);
        let mut locked = info();
        let scheme = kinora_media::ProtectionScheme::Cenc;
        locked.tracks[0].protection = Some(kinora_media::Protection::of_scheme(scheme));
        assert_eq!(
            ids(select(&locked, &PlayerConfig::default(), &keys, &[])),
            [Some(8), Some(9)]
        );
    }
}
