//! What a presentation tells the application beside its media.

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
    /// What is to be played there between, where that is what it is for. When, the application decides.
    pub interstitial: Option<Interstitial>,
}
