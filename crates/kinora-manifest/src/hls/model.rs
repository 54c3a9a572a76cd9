use std::sync::Arc;

use kinora_media::{ByteRange, Time};
use url::Url;

use super::error::{HlsError, HlsErrorKind};
use super::variables::Variables;

/// What a playlist file holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Playlist {
    /// Renditions to choose among.
    Multivariant(MultivariantPlaylist),
    /// Segments of one rendition.
    Media(MediaPlaylist),
}

/// Renditions to choose among.
#[derive(Clone, PartialEq, Debug)]
pub struct MultivariantPlaylist {
    /// Where it was found; base of its URIs.
    pub base: Url,
    /// What its media playlists may import.
    pub variables: Variables,
    /// The variants, in the author's order.
    pub variants: Vec<Variant>,
    /// Variants of key frames only, for scrubbing.
    pub i_frame_variants: Vec<Variant>,
    /// Alternative audio, video, subtitles.
    pub renditions: Vec<Rendition>,
    /// Keys that the media playlists will name: to be fetched early.
    pub session_keys: Vec<Key>,
    /// Values for the application.
    pub session_data: Vec<SessionData>,
    /// Where to begin.
    pub start: Option<Start>,
    /// Every segment can be decoded by itself.
    pub independent_segments: bool,
    /// Who steers among pathways.
    pub steering: Option<Steering>,
}

/// One variant: EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Variant {
    /// Its media playlist.
    pub uri: String,
    /// Peak bit/s; 0 when the author named none.
    pub bandwidth: u64,
    /// Average bit/s.
    pub average_bandwidth: Option<u64>,
    /// RFC 6381 names, comma separated; empty when the author named none.
    pub codecs: String,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// `SDR`, `PQ` or `HLG`.
    pub video_range: Option<String>,
    /// The author's preference.
    pub score: Option<f64>,
    /// Group of its audio.
    pub audio: Option<String>,
    /// Group of its other pictures.
    pub video: Option<String>,
    /// Group of its subtitles.
    pub subtitles: Option<String>,
    /// Group of its captions, or `NONE`.
    pub closed_captions: Option<String>,
    /// The author's name for it.
    pub name: Option<String>,
    /// Its name across playlists.
    pub stable_id: Option<String>,
    /// The pathway it belongs to.
    pub pathway: Option<String>,
}

/// What an alternative rendition holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RenditionKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Subtitles.
    Subtitles,
    /// Captions inside the video.
    ClosedCaptions,
}

/// One alternative: EXT-X-MEDIA.
#[derive(Clone, PartialEq, Debug)]
pub struct Rendition {
    /// What it holds.
    pub kind: RenditionKind,
    /// Its group, which variants name.
    pub group: String,
    /// Its name for people.
    pub name: String,
    /// Its media playlist; `None`: it is inside the variant.
    pub uri: Option<String>,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// A language it is used with.
    pub assoc_language: Option<String>,
    /// Selected where the user chose none.
    pub default: bool,
    /// May be taken by the system's language.
    pub autoselect: bool,
    /// To be shown although not asked for.
    pub forced: bool,
    /// `CC1`, `SERVICE3`.
    pub instream_id: Option<String>,
    /// Media characteristic tags, comma separated.
    pub characteristics: Option<String>,
    /// Channels, from the first part of CHANNELS.
    pub channels: Option<u64>,
    /// Hz.
    pub sample_rate: Option<u64>,
    /// Bits per sample.
    pub bit_depth: Option<u64>,
    /// Its name across playlists.
    pub stable_id: Option<String>,
}

/// EXT-X-SESSION-DATA.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionData {
    /// Its name.
    pub id: String,
    /// The value itself.
    pub value: Option<String>,
    /// Where the value is.
    pub uri: Option<String>,
    /// RFC 5646 tag.
    pub language: Option<String>,
}

/// EXT-X-CONTENT-STEERING.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Steering {
    /// Where the steering manifest is.
    pub server_uri: String,
    /// The pathway to begin with.
    pub pathway: Option<String>,
}

/// EXT-X-START.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// From the beginning, or, when negative, from the end.
    pub offset: Time,
    /// What lies before it in its segment is not to be shown.
    pub precise: bool,
}

/// EXT-X-PLAYLIST-TYPE.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PlaylistType {
    /// Segments are only added.
    Event,
    /// Nothing will change.
    Vod,
}

/// Segments of one rendition.
#[derive(Clone, PartialEq, Debug)]
pub struct MediaPlaylist {
    /// Where it was found; base of its URIs.
    pub base: Url,
    /// EXT-X-VERSION; 1 when absent.
    pub version: u64,
    /// No segment is longer, to the second; without the tag the longest one.
    pub target_duration: Time,
    /// Number of the first segment, skipped ones included.
    pub media_sequence: u64,
    /// Discontinuities before the first segment.
    pub discontinuity_sequence: u64,
    /// The playlist itself says so; else it follows from the one before.
    pub has_discontinuity_sequence: bool,
    /// Whether it will change.
    pub kind: Option<PlaylistType>,
    /// Nothing will be added.
    pub ended: bool,
    /// Every segment can be decoded by itself.
    pub independent_segments: bool,
    /// Segments hold one key frame each.
    pub i_frames_only: bool,
    /// Where to begin.
    pub start: Option<Start>,
    /// The segments.
    pub segments: Vec<Segment>,
    /// Segments left out of this update; [`super::LiveState`] puts them back.
    pub skipped: u64,
    /// Date ranges that were removed lately, by their ids: an update does not name those that stayed.
    pub removed_date_ranges: Vec<String>,
    /// So many segments stand before the first EXT-X-KEY: in an update their keys are those of the segments left out.
    pub segments_before_key: usize,
    /// No part is longer.
    pub part_target: Option<Time>,
    /// The segment that is not yet complete: it has parts and no URI, and lasts as long as they do.
    pub growing: Option<Box<Segment>>,
    /// What will come next.
    pub preload_hints: Vec<PreloadHint>,
    /// How far the other renditions are.
    pub rendition_reports: Vec<RenditionReport>,
    /// What the server can do.
    pub server_control: ServerControl,
    /// EXT-X-DATERANGE.
    pub date_ranges: Vec<DateRange>,
}

impl MediaPlaylist {
    /// Length of all segments.
    #[must_use]
    pub fn duration(&self) -> Time {
        Time::from_nanos(self.segments.iter().fold(0, |sum: i64, segment| {
            sum.saturating_add(segment.duration.as_nanos())
        }))
    }
    /// Parts of the segment that is not yet complete.
    #[must_use]
    pub fn trailing_parts(&self) -> &[Part] {
        self.growing.as_ref().map_or(&[], |segment| &segment.parts)
    }
    /// The segments, and the one that is not yet complete.
    pub(super) fn all_segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.segments.iter_mut().chain(self.growing.as_deref_mut())
    }
    /// It may change: it has to be loaded again.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.ended && self.kind != Some(PlaylistType::Vod)
    }
    /// The segment of that media sequence number.
    #[must_use]
    pub fn segment(&self, sequence: u64) -> Option<&Segment> {
        let first = self.segments.first()?.sequence;
        let at = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.segments.get(at)
    }
    /// Index of the segment that holds that time from the playlist's beginning; the last one when it lies behind.
    #[must_use]
    pub fn index_at(&self, time: Time) -> Option<usize> {
        let mut end = 0_i64;
        let found = self.segments.iter().position(|segment| {
            end = end.saturating_add(segment.duration.as_nanos());
            time.as_nanos() < end
        });
        found.or_else(|| self.segments.len().checked_sub(1))
    }
    /// Resolves one of its URIs.
    ///
    /// # Errors
    /// When it is none.
    pub fn resolve(&self, uri: &str) -> Result<Url, HlsError> {
        resolve(&self.base, uri)
    }
}

impl MultivariantPlaylist {
    /// Resolves one of its URIs.
    ///
    /// # Errors
    /// When it is none.
    pub fn resolve(&self, uri: &str) -> Result<Url, HlsError> {
        resolve(&self.base, uri)
    }
    /// The renditions of a group.
    pub fn group<'a>(
        &'a self,
        kind: RenditionKind,
        group: &'a str,
    ) -> impl Iterator<Item = &'a Rendition> {
        self.renditions
            .iter()
            .filter(move |rendition| rendition.kind == kind && rendition.group == group)
    }
}

fn resolve(base: &Url, uri: &str) -> Result<Url, HlsError> {
    base.join(uri).map_err(|_| HlsErrorKind::Uri.at(0))
}

/// How a segment is encrypted, by the key that can be used here among those of several formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encryption<'a> {
    /// It is not.
    None,
    /// By a key that lies as it is at a URI (KEYFORMAT `identity`, RFC 8216 4.3.2.4).
    Identity {
        /// METHOD as it stands.
        method: &'a str,
        /// Where the key is.
        uri: &'a str,
        /// Initialisation vector; absent: the media sequence number is it (RFC 8216 5.2).
        iv: Option<[u8; 16]>,
    },
    /// By keys of other formats, which key systems read.
    Other(&'a [Arc<Key>]),
}

/// One segment.
#[derive(Clone, PartialEq, Debug)]
pub struct Segment {
    /// Its media sequence number.
    pub sequence: u64,
    /// Where it is.
    pub uri: String,
    /// Which bytes of that.
    pub range: ByteRange,
    /// How long.
    pub duration: Time,
    /// Its name for people; empty when it has none.
    pub title: String,
    /// Encoding or clock changes before it.
    pub discontinuity: bool,
    /// Discontinuities up to it.
    pub discontinuity_sequence: u64,
    /// Its keys, one per KEYFORMAT; none when it is clear.
    pub keys: Arc<[Arc<Key>]>,
    /// Its init section.
    pub map: Option<Arc<Map>>,
    /// When its first sample was, ms since 1970; reckoned on from the segment before where it names none.
    pub program_date_ms: Option<i64>,
    /// There is nothing to load.
    pub gap: bool,
    /// kbit/s.
    pub bitrate: Option<u64>,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Segment {
    /// How it is encrypted.
    #[must_use]
    pub fn encryption(&self) -> Encryption<'_> {
        encryption(&self.keys)
    }
}

/// How something is encrypted for which these keys are in force (RFC 8216 4.3.2.4): the first that can be used counts.
#[must_use]
pub fn encryption(keys: &[Arc<Key>]) -> Encryption<'_> {
    for key in keys {
        let method = key.method.as_str();
        match &key.uri {
            _ if method == "NONE" => return Encryption::None,
            // FairPlay has a scheme of its own, with and without its KEYFORMAT.
            Some(uri) if key.format == "identity" && !uri.starts_with("skd:") => {
                let iv = key.iv;
                return Encryption::Identity { method, uri, iv };
            }
            _ => {}
        }
    }
    match keys {
        [] => Encryption::None,
        keys => Encryption::Other(keys),
    }
}

/// EXT-X-PART.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// Where it is.
    pub uri: String,
    /// Which bytes of that.
    pub range: ByteRange,
    /// How long.
    pub duration: Time,
    /// A key frame is in it.
    pub independent: bool,
    /// There is nothing to load.
    pub gap: bool,
}

/// EXT-X-KEY.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// METHOD as it stands.
    pub method: String,
    /// Where the key is; may hold credentials.
    pub uri: Option<String>,
    /// Initialisation vector; absent: the media sequence number (RFC 8216 5.2).
    pub iv: Option<[u8; 16]>,
    /// How the key is represented.
    pub format: String,
}

/// EXT-X-MAP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    /// Where it is.
    pub uri: String,
    /// Which bytes of that.
    pub range: ByteRange,
    /// Its keys.
    pub keys: Arc<[Arc<Key>]>,
}

/// EXT-X-PRELOAD-HINT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreloadHint {
    /// An init section rather than a part.
    pub is_map: bool,
    /// Where it will be.
    pub uri: String,
    /// Which bytes of that.
    pub range: ByteRange,
}

/// EXT-X-RENDITION-REPORT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenditionReport {
    /// The rendition's playlist.
    pub uri: String,
    /// Its last segment.
    pub last_sequence: Option<u64>,
    /// Its last part.
    pub last_part: Option<u64>,
}

/// EXT-X-SERVER-CONTROL.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServerControl {
    /// A reload may wait for a segment.
    pub can_block_reload: bool,
    /// Older segments may be left out.
    pub can_skip_until: Option<Time>,
    /// And older date ranges.
    pub can_skip_date_ranges: bool,
    /// Distance from the end to play at.
    pub hold_back: Option<Time>,
    /// The same with parts.
    pub part_hold_back: Option<Time>,
}

/// EXT-X-DATERANGE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DateRange {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub class: Option<String>,
    /// ms since 1970.
    pub start_ms: Option<i64>,
    /// ms since 1970.
    pub end_ms: Option<i64>,
    /// How long.
    pub duration: Option<Time>,
    /// How long it was meant to be.
    pub planned_duration: Option<Time>,
    /// It ends where the next one of its class begins (END-ON-NEXT).
    pub end_on_next: bool,
    /// When it is to be acted upon: `PRE`, `POST`, `ONCE` (CUE), comma separated.
    pub cue: Option<String>,
    /// Attributes of the author's own, and those of SCTE 35, by their names.
    pub custom: Vec<(String, String)>,
}
