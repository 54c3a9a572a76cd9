//! HLS playlists (draft-pantos-hls-rfc8216bis): read by [`parse`], followed while live by [`LiveState`].
//!
//! Low latency: parts stand in [`Segment::parts`], those of the segment that is not complete in
//! [`MediaPlaylist::growing`]; a client that loads them says so by [`LatencyMode::Parts`], which [`reload_delay`],
//! [`hold_back`] and [`start_point`] obey. [`LiveState::wait_for`] says what the next load waits for, and
//! [`LiveState::skip`] what it may leave out, which [`LiveState::update`] puts back; [`Directives`] say it to the server.

mod attributes;
mod directives;
mod error;
mod interstitial;
mod lines;
mod media;
mod model;
mod multivariant;
mod refresh;
mod start;
mod steering;
mod variables;

use url::Url;

pub use directives::{Directives, Position, Skip};
pub use error::{HlsError, HlsErrorKind};
pub use interstitial::{Asset, AssetList, Interstitial, InterstitialCue, ListedAsset, Resumption};
pub use model::{
    DateRange, Encryption, Key, Map, MediaPlaylist, MultivariantPlaylist, Part, Playlist,
    PlaylistType, PreloadHint, Rendition, RenditionKind, RenditionReport, Segment, ServerControl,
    SessionData, Start, Steering, Variant, encryption,
};
pub use refresh::{LiveState, Update, reload_delay, stale_after};
pub use start::{LatencyMode, StartPoint, hold_back, start_point};
pub use steering::{DEFAULT_PATHWAY, PathwayClone, SteeringManifest, set_param};
pub use variables::Variables;

use lines::Lines;

/// What a playlist may hold at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Lines.
    pub lines: usize,
    /// Segments, parts, variants, renditions and the like, together.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            lines: 500_000,
            entries: 200_000,
        }
    }
}

/// Reads a playlist found at `url` (after redirects; its base and the source of its query variables). `imports` are
/// the variables of the multivariant playlist that named it. Unknown tags and stray lines are passed over.
///
/// # Errors
/// When it is no playlist, lacks what cannot be done without, or exceeds the limits; with the line.
pub fn parse(
    bytes: &[u8],
    url: &Url,
    imports: &Variables,
    limits: &Limits,
) -> Result<Playlist, HlsError> {
    if bytes.len() > limits.bytes {
        return Err(HlsErrorKind::Limit("bytes").at(0));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = Lines::new(&text, limits.lines);
    read_header(&mut lines)?;
    if is_multivariant(lines.clone())? {
        multivariant::parse(lines, url, imports, limits).map(Playlist::Multivariant)
    } else {
        media::parse(lines, url, imports, limits).map(Playlist::Media)
    }
}

/// The first tag that only one kind has decides (RFC 8216 4.1).
fn is_multivariant(lines: Lines<'_>) -> Result<bool, HlsError> {
    const MULTIVARIANT: [&str; 6] = [
        "#EXT-X-STREAM-INF",
        "#EXT-X-MEDIA:",
        "#EXT-X-I-FRAME-STREAM-INF",
        "#EXT-X-SESSION-DATA",
        "#EXT-X-SESSION-KEY",
        "#EXT-X-CONTENT-STEERING",
    ];
    const MEDIA: [&str; 8] = [
        "#EXTINF",
        "#EXT-X-TARGETDURATION",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-ENDLIST",
        "#EXT-X-PART",
        "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-MAP",
        "#EXT-X-SKIP",
    ];
    let mut last = 1;
    for line in lines {
        let (number, line) = line?;
        last = number;
        if !line.starts_with("#EXT") {
            continue;
        }
        if MULTIVARIANT.iter().any(|tag| line.starts_with(tag)) {
            return Ok(true);
        }
        if MEDIA.iter().any(|tag| line.starts_with(tag)) {
            return Ok(false);
        }
    }
    Err(HlsErrorKind::Nothing.at(last))
}

/// RFC 8216 4.3.1.1 wants the header first; comments before it are passed over, as peers do.
fn read_header(lines: &mut Lines<'_>) -> Result<(), HlsError> {
    let mut last = 1;
    for line in lines {
        let (number, line) = line?;
        last = number;
        if line.strip_prefix("#EXTM3U").is_some_and(ends_word) {
            return Ok(());
        }
        if !line.starts_with('#') || line.starts_with("#EXT") {
            break;
        }
    }
    Err(HlsErrorKind::MissingHeader.at(last))
}

fn ends_word(rest: &str) -> bool {
    rest.chars().next().is_none_or(char::is_whitespace)
}

#[cfg(test)]
mod tests;
