use std::sync::Arc;

use kinora_media::{ByteRange, Time};
use url::Url;

use super::addressing::Addressing;
use super::base_url::BaseUrls;
use super::url_query::UrlQuery;

/// A media presentation description (ISO/IEC 23009-1 5.3.1).
#[derive(Clone, PartialEq, Debug)]
pub struct Mpd {
    /// Where it was found, after redirects.
    pub url: Url,
    /// Its id.
    pub id: Option<String>,
    /// Whether it changes.
    pub kind: PresentationType,
    /// Profiles that it follows.
    pub profiles: Vec<String>,
    /// `mediaPresentationDuration`.
    pub duration: Option<Time>,
    /// The anchor of a dynamic presentation's times, since 1970.
    pub availability_start: Option<Time>,
    /// Nothing is there from then on, since 1970.
    pub availability_end: Option<Time>,
    /// When this version was made, since 1970.
    pub publish_time: Option<Time>,
    /// How long it may be taken as it is; none: for good. Zero: until an event says otherwise.
    pub minimum_update_period: Option<Time>,
    /// Common duration to be buffered.
    pub min_buffer_time: Option<Time>,
    /// So long segments stay; none: for good.
    pub time_shift_buffer_depth: Option<Time>,
    /// The delay from the live edge that the author wants.
    pub suggested_presentation_delay: Option<Time>,
    /// No segment is longer.
    pub max_segment_duration: Option<Time>,
    /// Where it is to be asked for, the best first.
    pub locations: Vec<Location>,
    /// Where patches to this version are to be had.
    pub patch_locations: Vec<PatchLocation>,
    /// Clocks to go by, the best first.
    pub utc_timings: Vec<UtcTiming>,
    /// Latency and speed that the author wants.
    pub service_descriptions: Vec<ServiceDescription>,
    /// Who steers among service locations.
    pub steering: Option<ContentSteering>,
    /// What plays next, by `urn:mpeg:dash:chaining:2016`.
    pub next: Option<String>,
    /// The periods, each with its place on the timeline.
    pub periods: Vec<Period>,
    /// What was left out, and why.
    pub ignored: Vec<Ignored>,
}

impl Mpd {
    /// The presentation changes with time.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.kind == PresentationType::Dynamic
    }

    /// How long it is, where that is known: as it says, else to the end of its last period.
    #[must_use]
    pub fn total_duration(&self) -> Option<Time> {
        let end = || self.periods.last().and_then(Period::end);
        self.duration.or_else(end)
    }

    /// The period of that id.
    #[must_use]
    pub fn period(&self, id: &str) -> Option<&Period> {
        self.periods.iter().find(|it| it.id.as_deref() == Some(id))
    }
}

/// `MPD@type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PresentationType {
    /// All of it is there.
    #[default]
    Static,
    /// It becomes available with time.
    Dynamic,
}

/// Where a manifest is to be asked for (5.3.9.6 and 5.15.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// The URL.
    pub url: Url,
    /// A name for steering.
    pub service_location: Option<String>,
}

/// Where a patch is to be had (5.15).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatchLocation {
    /// The URL.
    pub url: Url,
    /// So long after [`Mpd::publish_time`] it can be asked for.
    pub ttl: Option<Time>,
}

/// How to know what time it is (5.8.4.11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UtcTiming {
    /// The way.
    pub scheme: UtcScheme,
    /// A time or URLs, by the scheme.
    pub value: String,
}

/// Schemes of `UTCTiming`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UtcScheme {
    /// The value is the time.
    Direct,
    /// The `Date` of an answer to HEAD.
    HttpHead,
    /// The body of an answer, an `xs:dateTime`.
    HttpXsDate,
    /// The body of an answer, ISO 8601.
    HttpIso,
    /// The body of an answer, an NTP timestamp.
    HttpNtp,
    /// Others: NTP, SNTP and what is unknown.
    Other,
}

/// What the author wants of a player (Annex K).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ServiceDescription {
    /// Its id.
    pub id: Option<String>,
    /// Distance from the live edge to aim at.
    pub target_latency: Option<Time>,
    /// The least.
    pub min_latency: Option<Time>,
    /// The most.
    pub max_latency: Option<Time>,
    /// The slowest.
    pub min_playback_rate: Option<f64>,
    /// The fastest.
    pub max_playback_rate: Option<f64>,
}

/// Who says which service location to take (ETSI TS 103 998).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentSteering {
    /// The server.
    pub url: String,
    /// What to take first, in that order.
    pub default_service_locations: Vec<String>,
    /// It is to be asked before anything is played.
    pub query_before_start: bool,
}

/// A stretch of the presentation (5.3.2).
#[derive(Clone, PartialEq, Debug)]
pub struct Period {
    /// Its id.
    pub id: Option<String>,
    /// Where it begins.
    pub start: Time,
    /// How long it is, where that is known.
    pub duration: Option<Time>,
    /// Its start is named, or follows from the period before it.
    pub(super) is_anchored: bool,
    /// What it consists of.
    pub adaptation_sets: Vec<AdaptationSet>,
    /// Events that the manifest itself names.
    pub event_streams: Vec<EventStream>,
}

impl Period {
    /// Where it ends, if that is known.
    #[must_use]
    pub fn end(&self) -> Option<Time> {
        self.duration.map(|duration| self.start + duration)
    }
}

/// What an adaptation set holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContentType {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles and captions.
    Text,
    /// Pictures that stand, tiled or not.
    Image,
    /// Something else.
    Other,
}

/// What an adaptation set is for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Purpose {
    /// Playing.
    #[default]
    Main,
    /// Fast playback beside the sets of those ids (`http://dashif.org/guidelines/trickmode`).
    TrickMode(Vec<String>),
    /// Thumbnails, so many in a row and so many rows of a picture (DASH-IF IOP 6.2.6).
    Thumbnails {
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
    },
}

/// Representations of the same content (5.3.3).
#[derive(Clone, PartialEq, Debug)]
pub struct AdaptationSet {
    /// Its id.
    pub id: Option<String>,
    /// What it holds.
    pub content_type: ContentType,
    /// What it is for.
    pub purpose: Purpose,
    /// RFC 5646 tag.
    pub language: Option<Arc<str>>,
    /// Names for people.
    pub labels: Vec<String>,
    /// Sets of a group are alternatives.
    pub group: Option<u32>,
    /// Among sets of one kind the larger one is preferred.
    pub selection_priority: u32,
    /// What it plays in the presentation: `main`, `alternate`, `commentary`, `subtitle`.
    pub roles: Vec<Descriptor>,
    /// Whom it is for.
    pub accessibility: Vec<Descriptor>,
    /// Properties that may be passed over.
    pub supplemental: Vec<Descriptor>,
    /// Properties that are known here and have to be.
    pub essential: Vec<Descriptor>,
    /// Ids of sets among whose representations a player may switch (`urn:mpeg:dash:adaptation-set-switching:2016`).
    pub switches_to: Vec<String>,
    /// Content components that it multiplexes, where they are named.
    pub components: Vec<ContentComponent>,
    /// Its encodings.
    pub representations: Vec<Representation>,
}

impl AdaptationSet {
    /// Whether it has a role of `urn:mpeg:dash:role:2011`, in `Role` or, for text, in `Accessibility`.
    #[must_use]
    pub fn has_role(&self, value: &str) -> bool {
        let mut all = self.roles.iter().chain(&self.accessibility);
        all.any(|it| &*it.scheme == ROLE && it.value.as_deref() == Some(value))
    }

    /// What a person calls it.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.labels.first().map(String::as_str)
    }
}

/// The scheme of roles (5.8.5.5).
pub const ROLE: &str = "urn:mpeg:dash:role:2011";

/// One of several streams in an adaptation set (5.3.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentComponent {
    /// Its id.
    pub id: Option<String>,
    /// What it holds.
    pub content_type: Option<ContentType>,
    /// RFC 5646 tag.
    pub language: Option<Arc<str>>,
}

/// Scheme and value (5.8.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// A URI.
    pub scheme: Arc<str>,
    /// Its value in that scheme.
    pub value: Option<Arc<str>>,
    /// Descriptors of one scheme and id are one.
    pub id: Option<Arc<str>>,
}

/// One encoding (5.3.5), with all that it inherits.
#[derive(Clone, PartialEq, Debug)]
pub struct Representation {
    /// Its id, unique in the period.
    pub id: Arc<str>,
    /// Bit/s.
    pub bandwidth: u64,
    /// MIME type; empty when the author named none.
    pub mime_type: Arc<str>,
    /// RFC 6381 names, comma separated; empty when the author named none.
    pub codecs: Arc<str>,
    /// The same, of an enhancement that a player may take for it (SCTE 214-1).
    pub supplemental_codecs: Option<Arc<str>>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Pictures per second.
    pub frame_rate: Option<f64>,
    /// Hz.
    pub sampling_rate: Option<u32>,
    /// Channels, where the scheme is known.
    pub channels: Option<u32>,
    /// 1 is the best.
    pub quality_ranking: Option<u32>,
    /// How it is protected.
    pub protection: Arc<[ContentProtection]>,
    /// Event streams in its segments, which are reported.
    pub inband_events: Arc<[Descriptor]>,
    /// Where its URLs begin.
    pub base_urls: BaseUrls,
    /// Where its segments are.
    pub addressing: Addressing,
    /// What requests for its segments carry.
    pub query: Option<UrlQuery>,
}

/// How media is protected (5.8.4.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentProtection {
    /// Which system, or `urn:mpeg:dash:mp4protection:2011`.
    pub scheme: Arc<str>,
    /// `cenc`, `cbcs`, or a name of the system.
    pub value: Option<Arc<str>>,
    /// `cenc:default_KID`, the key by default.
    pub default_kid: Option<[u8; 16]>,
    /// `pssh` boxes, whole.
    pub pssh: Vec<Arc<[u8]>>,
    /// Where a licence is to be had (`dashif:laurl`, `clearkey:Laurl`, `ms:laurl`).
    pub licence_url: Option<Arc<str>>,
}

/// Events that the manifest names (5.10.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventStream {
    /// What they mean.
    pub scheme: String,
    /// The same.
    pub value: String,
    /// The events.
    pub events: Vec<Event>,
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its id.
    pub id: Option<u64>,
    /// When it begins, on the presentation's timeline.
    pub start: Time,
    /// How long it lasts.
    pub duration: Option<Time>,
    /// Its message.
    pub message: String,
}

/// A place where bytes are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// Where.
    pub url: Url,
    /// Which of its bytes.
    pub range: ByteRange,
}

/// What was left out of a manifest.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ignored {
    /// `xlink:href`: another server could put anything in its place.
    #[error("a remote element (xlink) is not followed: {0}")]
    Xlink(String),
    /// An essential property that is not known: what it belongs to can not be presented as it is meant.
    #[error("a representation needs the property {0}, which is not supported")]
    EssentialProperty(Arc<str>),
    /// It is decoded only together with another one.
    #[error("the representation {0} depends on another one (dependencyId), which is not supported")]
    Dependency(Arc<str>),
    /// Nothing says where its segments are.
    #[error("the representation {0} has no segments")]
    NoSegments(Arc<str>),
}
