//! What a presentation tells the application beside its media.

use std::sync::Arc;

use kinora_errors::Secret;
pub use kinora_manifest::hls::{Asset, Interstitial, InterstitialCue, Resumption};
use kinora_media::Time;

/// A value that a multivariant playlist has for the application (EXT-X-SESSION-DATA, RFC 8216 4.3.4.4).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SessionData {
    /// Its name, a reversed domain by custom.
    pub id: String,
    /// The value itself.
    pub value: Option<String>,
    /// Where the value is, as JSON; it is not loaded here.
    pub url: Option<Secret>,
    /// RFC 5646 tag.
    pub language: Option<String>,
}

/// A stretch of time that a playlist names (EXT-X-DATERANGE, RFC 8216 4.3.2.7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DateRange {
    /// Its name: what is told of the same one later changes it.
    pub id: String,
    /// What it is for; attributes of one class mean the same.
    pub class: Option<String>,
    /// Where it begins on the timeline of the presentation, by the dates of its segments.
    pub start: Time,
    /// Where it ends, if that is known by now.
    pub end: Option<Time>,
    /// When it begins, ms since 1970.
    pub start_ms: i64,
    /// Attributes of the author's own (`X-…`) and those of SCTE 35, by their names; they may hold credentials.
    pub attributes: Vec<(String, Secret)>,
    /// What is played there in between, where that is what it is for: see [`Event::InterstitialStart`](crate::Event::InterstitialStart).
    pub interstitial: Option<Interstitial>,
}

/// An asset of an interstitial (RFC 8216bis appendix D) that plays in the place of the presentation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterstitialAsset {
    /// The id of the interstitial's date range.
    pub id: Arc<str>,
    /// Its place among the assets of the interstitial, from 0.
    pub asset: u32,
    /// How many there are.
    pub assets: u32,
    /// How long it is said to be.
    pub duration: Option<Time>,
    /// It may not be skipped, nor played faster (X-RESTRICT: `SKIP`).
    pub may_not_skip: bool,
}

/// The asset that plays, and how far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterstitialStatus {
    /// Which.
    pub asset: InterstitialAsset,
    /// Where in it playback is.
    pub position: Time,
    /// How long it is, as it says itself or its list does.
    pub duration: Option<Time>,
}

/// How an asset of an interstitial ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InterstitialEnd {
    /// It played to its end.
    Played,
    /// It was cut off where the interstitial's time was up (X-PLAYOUT-LIMIT).
    Limit,
    /// The user skipped the interstitial, or went elsewhere.
    Skipped,
    /// It could not be played; [`Event::Recovered`](crate::Event::Recovered) said why.
    Failed,
}

impl InterstitialEnd {
    /// What it is called: `played`, `limit`, `skipped`, `failed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Limit => "limit",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}
