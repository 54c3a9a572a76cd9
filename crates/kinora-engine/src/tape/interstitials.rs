//! What is played in between, as it is written down.

use kinora_errors::Secret;
use kinora_media::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::place;
use crate::metadata::{Asset, Interstitial, InterstitialCue, Resumption};

#[derive(Serialize, Deserialize)]
enum NotedAsset {
    #[serde(rename = "playlist")]
    Playlist(#[serde(with = "place")] Secret),
    #[serde(rename = "list")]
    List(#[serde(with = "place")] Secret),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NotedCue {
    InPlace,
    Before,
    After,
}

#[derive(Serialize, Deserialize)]
struct Noted {
    asset: NotedAsset,
    /// Where the presentation goes on, in ns; none: by its length.
    resumes: Option<i64>,
    limit: Option<i64>,
    snaps_out: bool,
    snaps_in: bool,
    may_not_skip: bool,
    may_not_jump: bool,
    cue: NotedCue,
    once: bool,
}

impl From<&Interstitial> for Noted {
    fn from(it: &Interstitial) -> Self {
        Self {
            asset: match &it.asset {
                Asset::Playlist(url) => NotedAsset::Playlist(url.clone()),
                Asset::List(url) => NotedAsset::List(url.clone()),
            },
            resumes: match it.resumption {
                Resumption::After(offset) => Some(offset.as_nanos()),
                Resumption::ByItsLength => None,
            },
            limit: it.playout_limit.map(Time::as_nanos),
            snaps_out: it.snaps_out,
            snaps_in: it.snaps_in,
            may_not_skip: it.may_not_skip,
            may_not_jump: it.may_not_jump,
            cue: match it.cue {
                InterstitialCue::InPlace => NotedCue::InPlace,
                InterstitialCue::Before => NotedCue::Before,
                InterstitialCue::After => NotedCue::After,
            },
            once: it.once,
        }
    }
}

impl From<Noted> for Interstitial {
    fn from(noted: Noted) -> Self {
        let resumes = noted.resumes.map(Time::from_nanos);
        Self {
            asset: match noted.asset {
                NotedAsset::Playlist(url) => Asset::Playlist(url),
                NotedAsset::List(url) => Asset::List(url),
            },
            resumption: resumes.map_or(Resumption::ByItsLength, Resumption::After),
            playout_limit: noted.limit.map(Time::from_nanos),
            snaps_out: noted.snaps_out,
            snaps_in: noted.snaps_in,
            may_not_skip: noted.may_not_skip,
            may_not_jump: noted.may_not_jump,
            cue: match noted.cue {
                NotedCue::InPlace => InterstitialCue::InPlace,
                NotedCue::Before => InterstitialCue::Before,
                NotedCue::After => InterstitialCue::After,
            },
            once: noted.once,
        }
    }
}

pub(crate) fn serialize<S: Serializer>(
    interstitial: &Option<Interstitial>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let noted = interstitial.as_ref().map(Noted::from);
    noted.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Interstitial>, D::Error> {
    let noted = Option::<Noted>::deserialize(deserializer)?;
    Ok(noted.map(Interstitial::from))
}
