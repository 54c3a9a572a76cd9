//! What content meant, in a form that can be written and read.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use kinora_container::{ClockKind, ContainerKind, Step};
use kinora_errors::{Code, Fault, Origin, Retry, Secret};
use kinora_media::{
    AudioParams, ByteRange, Chapter, CodecId, Iv, KeyId, MediaInfo, Packet, PacketFlags,
    Protection, ProtectionScheme, SampleCrypto, SampleIv, SampleProtection, Subsamples, Time,
    TrackId, TrackInfo, VideoParams,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Event;

/// No chunk and no packet of a recording is taken to be larger: a picture of 4K in four bytes a pixel is a little less.
const LARGEST: usize = 32 << 20;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// So many bytes that stand for content. They are the same for all, however many a recording says that there are.
pub(super) fn blank(len: usize) -> Bytes {
    static MANY: OnceLock<Bytes> = OnceLock::new();
    match ZEROS.get(..len) {
        Some(zeros) => Bytes::from_static(zeros),
        None => {
            let zeros = MANY.get_or_init(|| vec![0; LARGEST].into());
            zeros.slice(..len.min(LARGEST))
        }
    }
}

/// A word that the engine knows as a static one. Recordings are few and their words fewer.
pub(super) fn word(text: String) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    if let Some(kind) = ContainerKind::by_name(&text) {
        return kind.name();
    }
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.get(text.as_str()) {
        return known;
    }
    let word: &'static str = text.leak();
    words.insert(word);
    word
}

/// A result whose failure is a fault.
#[derive(Serialize, Deserialize)]
pub(super) enum Outcome<T> {
    #[serde(rename = "ok")]
    Ok(T),
    #[serde(rename = "err")]
    Err(Noticed),
}

impl<T> From<Result<T, Fault>> for Outcome<T> {
    fn from(result: Result<T, Fault>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(fault) => Self::Err(Noticed(fault)),
        }
    }
}

impl<T> From<Outcome<T>> for Result<T, Fault> {
    fn from(outcome: Outcome<T>) -> Self {
        match outcome {
            Outcome::Ok(value) => Ok(value),
            Outcome::Err(Noticed(fault)) => Err(fault),
        }
    }
}

/// A fault as it is told to machines, and back.
pub(super) struct Noticed(pub(super) Fault);

impl Serialize for Noticed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Noticed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let whole = |name: &str| value[name].as_u64();
        let small = |name: &str| whole(name).and_then(|number| u32::try_from(number).ok());
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let retries = [
            Retry::Never,
            Retry::Now,
            Retry::Backoff,
            Retry::AfterRefresh,
            Retry::AfterUser,
        ];
        let code = Code::from_number(small("number").unwrap_or_default());
        let mut fault = Fault::new(code, word(text("reason").unwrap_or_default()));
        let retry = text("retry").unwrap_or_default();
        if let Some(retry) = retries.into_iter().find(|known| known.name() == retry) {
            fault = fault.retry_class(retry);
        }
        let origin = text("origin").unwrap_or_default();
        if let Some(origin) = Origin::ALL.into_iter().find(|known| known.name() == origin) {
            fault = fault.with_origin(origin);
        }
        for cause in value["causes"].as_array().into_iter().flatten() {
            fault = fault.because(cause.as_str().unwrap_or_default());
        }
        if value["recovered"] == Value::Bool(true) {
            fault = fault.mark_recovered();
        }
        Ok(Self(fault.with(|context| {
            context.url = text("url");
            context.http_status =
                small("http_status").and_then(|status| u16::try_from(status).ok());
            context.segment = whole("segment");
            context.resource_len = whole("resource_len");
            context.attempts = small("attempts");
            context.elapsed_ms = whole("elapsed_ms");
            context.retry_after_ms = whole("retry_after_ms");
            context.request_id = text("request_id");
            context.service_code = text("service_code");
            context.video_id = text("video_id");
        })))
    }
}

/// What a demuxer's times count from.
#[derive(Serialize, Deserialize)]
pub(super) enum Clock {
    #[serde(rename = "shared")]
    Shared,
    #[serde(rename = "wrapping")]
    Wrapping,
    #[serde(rename = "own")]
    OwnStart,
}

impl From<ClockKind> for Clock {
    fn from(kind: ClockKind) -> Self {
        match kind {
            ClockKind::Shared => Self::Shared,
            ClockKind::Wrapping => Self::Wrapping,
            ClockKind::OwnStart => Self::OwnStart,
        }
    }
}

impl From<Clock> for ClockKind {
    fn from(clock: Clock) -> Self {
        match clock {
            Clock::Shared => Self::Shared,
            Clock::Wrapping => Self::Wrapping,
            Clock::OwnStart => Self::OwnStart,
        }
    }
}

/// A demuxer's step; a packet by its size.
#[derive(Serialize, Deserialize)]
pub(super) enum Stepped {
    #[serde(rename = "i")]
    Info(Described),
    #[serde(rename = "p")]
    Packet(PacketFacts),
    #[serde(rename = "c")]
    Encrypted(PacketFacts, Protected),
    #[serde(rename = "m")]
    NeedMore,
    #[serde(rename = "w")]
    Want(ByteRange),
    #[serde(rename = "b")]
    Pending,
    #[serde(rename = "e")]
    End,
}

/// Track, pts, dts, duration, flags and bytes of a packet.
#[derive(Serialize, Deserialize)]
pub(super) struct PacketFacts(u32, i64, i64, i64, u8, usize);

impl From<&Packet> for PacketFacts {
    fn from(packet: &Packet) -> Self {
        Self(
            packet.track.0,
            packet.pts.as_nanos(),
            packet.dts.as_nanos(),
            packet.duration.as_nanos(),
            bits(packet.flags),
            packet.data.len(),
        )
    }
}

impl From<PacketFacts> for Packet {
    fn from(PacketFacts(track, pts, dts, duration, flags, len): PacketFacts) -> Self {
        Self {
            track: TrackId(track),
            pts: Time::from_nanos(pts),
            dts: Time::from_nanos(dts),
            duration: Time::from_nanos(duration),
            flags: flags_of(flags),
            data: blank(len),
            crypto: None,
        }
    }
}

impl From<&Step> for Stepped {
    fn from(step: &Step) -> Self {
        match step {
            Step::Info(info) => Self::Info(Described::from(&**info)),
            Step::Packet(packet) => match &packet.crypto {
                None => Self::Packet(packet.into()),
                Some(crypto) => Self::Encrypted(packet.into(), (&**crypto).into()),
            },
            Step::NeedMore => Self::NeedMore,
            Step::Want(range) => Self::Want(*range),
            Step::Pending => Self::Pending,
            Step::End => Self::End,
        }
    }
}

impl From<Stepped> for Step {
    fn from(step: Stepped) -> Self {
        match step {
            Stepped::Info(info) => Self::Info(Arc::new(info.into())),
            Stepped::Packet(sized) => Self::Packet(sized.into()),
            Stepped::Encrypted(sized, crypto) => Self::Packet(Packet {
                crypto: Some(Arc::new(crypto.into())),
                ..sized.into()
            }),
            Stepped::NeedMore => Self::NeedMore,
            Stepped::Want(range) => Self::Want(range),
            Stepped::Pending => Self::Pending,
            Stepped::End => Self::End,
        }
    }
}

fn bits(flags: PacketFlags) -> u8 {
    let all = [
        flags.key,
        flags.decode_only,
        flags.discontinuity,
        flags.disposable,
    ];
    all.iter()
        .rev()
        .fold(0, |bits, flag| bits << 1 | u8::from(*flag))
}

fn flags_of(bits: u8) -> PacketFlags {
    PacketFlags {
        key: bits & 1 != 0,
        decode_only: bits & 2 != 0,
        discontinuity: bits & 4 != 0,
        disposable: bits & 8 != 0,
    }
}

/// What the engine asks of a presentation's headers.
#[derive(Serialize, Deserialize)]
pub(super) struct Described {
    container: String,
    duration: Option<i64>,
    seekable: bool,
    tracks: Vec<Track>,
    /// When they begin and end; what they are called is content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chapters: Vec<(i64, Option<i64>)>,
}

#[derive(Serialize, Deserialize)]
struct Track {
    id: u32,
    codec: String,
    duration: Option<i64>,
    bitrate: Option<u32>,
    #[serde(default)]
    language: Option<String>,
    /// It is the default, it is forced.
    #[serde(default)]
    flags: (bool, bool),
    size: Option<(u32, u32)>,
    sound: Option<(u32, u16)>,
    #[serde(default)]
    protection: Option<Protected>,
}

/// A scheme and a key by their names.
#[derive(Serialize, Deserialize)]
pub(super) struct Protected(String, Option<String>);

impl From<&MediaInfo> for Described {
    fn from(info: &MediaInfo) -> Self {
        let track = |track: &TrackInfo| Track {
            id: track.id.0,
            codec: track.codec.name().to_owned(),
            duration: track.duration.map(Time::as_nanos),
            bitrate: track.bitrate,
            language: track.language.clone(),
            flags: (track.disposition.default, track.disposition.forced),
            size: track
                .video
                .as_ref()
                .map(|video| (video.width, video.height)),
            sound: track
                .audio
                .as_ref()
                .map(|audio| (audio.sample_rate, audio.channels)),
            protection: track.protection.as_ref().map(Protected::from),
        };
        let chapter = |it: &Chapter| (it.start.as_nanos(), it.end.map(Time::as_nanos));
        Self {
            container: info.container.to_owned(),
            duration: info.duration.map(Time::as_nanos),
            seekable: info.seekable,
            tracks: info.tracks.iter().map(track).collect(),
            chapters: info.chapters.iter().map(chapter).collect(),
        }
    }
}

impl From<Described> for MediaInfo {
    fn from(described: Described) -> Self {
        let track = |known: Track| {
            let codec = CodecId::by_name(&known.codec).unwrap_or(CodecId::UnknownData);
            let mut track = TrackInfo::new(TrackId(known.id), codec);
            track.duration = known.duration.map(Time::from_nanos);
            track.bitrate = known.bitrate;
            track.language = known.language;
            (track.disposition.default, track.disposition.forced) = known.flags;
            track.protection = known.protection.map(Protection::from);
            track.video = known.size.map(|(width, height)| VideoParams {
                width,
                height,
                ..VideoParams::default()
            });
            track.audio = known.sound.map(|(sample_rate, channels)| AudioParams {
                sample_rate,
                channels,
                ..AudioParams::default()
            });
            track
        };
        let chapter = |(start, end): (i64, Option<i64>)| Chapter {
            start: Time::from_nanos(start),
            end: end.map(Time::from_nanos),
            ..Chapter::default()
        };
        Self {
            container: word(described.container),
            duration: described.duration.map(Time::from_nanos),
            seekable: described.seekable,
            tracks: described.tracks.into_iter().map(track).collect(),
            chapters: described.chapters.into_iter().map(chapter).collect(),
            ..Self::default()
        }
    }
}

impl From<&Protection> for Protected {
    fn from(protection: &Protection) -> Self {
        let key_id = protection.key_id().map(|id| id.to_string());
        Self(protection.scheme.to_string(), key_id)
    }
}

impl From<Protected> for Protection {
    fn from(Protected(scheme, key_id): Protected) -> Self {
        let key_id = key_id.and_then(|id| KeyId::from_hex(&id));
        Self {
            default: key_id.map(|key_id| SampleProtection {
                key_id,
                iv: SampleIv::Constant(Iv::default()),
                pattern: None,
            }),
            ..Self::of_scheme(scheme_of(&scheme))
        }
    }
}

fn scheme_of(name: &str) -> ProtectionScheme {
    ProtectionScheme::from_name(name).unwrap_or(ProtectionScheme::Scrambled)
}

impl From<&SampleCrypto> for Protected {
    fn from(crypto: &SampleCrypto) -> Self {
        Self(crypto.scheme.to_string(), Some(crypto.key_id.to_string()))
    }
}

/// Its vector and its subsamples mean nothing without the content.
impl From<Protected> for SampleCrypto {
    fn from(Protected(scheme, key_id): Protected) -> Self {
        let key_id = key_id.and_then(|id| KeyId::from_hex(&id));
        Self {
            scheme: scheme_of(&scheme),
            key_id: key_id.unwrap_or_default(),
            iv: Iv::default(),
            pattern: None,
            subsamples: Subsamples::default(),
        }
    }
}

/// An event as one line; of headers and faults only what must be the same again.
pub(super) fn reported(event: &Event) -> String {
    let more = match event {
        Event::Prepared(info) => format!("{} tracks, {:?}", info.tracks.len(), info.duration),
        Event::Error(fault) | Event::Recovered(fault) | Event::CredentialExpired(fault) => {
            format!("{:?} {}", fault.code(), fault.reason())
        }
        Event::SubtitleFailed { track, fault } => {
            format!("{track} {:?} {}", fault.code(), fault.reason())
        }
        Event::SessionData(data) => format!("{}", data.len()),
        // What it says is content.
        Event::DateRange(range) => format!(
            "{}..{:?}",
            range.start.as_nanos(),
            range.end.map(Time::as_nanos)
        ),
        // What it says is content.
        Event::SubtitleShown { track, id, cue } => {
            format!(
                "{track} {} {}..{}",
                id.0,
                cue.start.as_nanos(),
                cue.end.as_nanos()
            )
        }
        // What it says is content.
        Event::Timed(event) => format!(
            "{:?} {}..{} {}",
            event.id,
            event.start.as_nanos(),
            event.end().as_nanos(),
            event.data.len()
        ),
        // Its id is content.
        Event::InterstitialStart(it) => format!("{} {} {:?}", it.asset, it.assets, it.duration),
        Event::InterstitialEnd { asset, end, .. } => format!("{asset} {}", end.name()),
        Event::Sei { pts, data } => {
            format!(
                "{} {} {}",
                pts.as_nanos(),
                data.payload_type(),
                data.data().len()
            )
        }
        // Its text may name places.
        Event::Info { code, .. } => format!("{code:?}"),
        other => {
            let whole = format!("{other:?}");
            let kind = whole.find([' ', '(']).unwrap_or(whole.len());
            whole[kind..].trim_start().to_owned()
        }
    };
    format!("{} {more}", event.name()).trim_end().to_owned()
}

/// A URL: masked when it is written, known by its number when it is read.
pub(crate) mod place {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(url: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({ super::super::URL: url.expose() }).serialize(serializer)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// A URL that stands alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct Place(#[serde(with = "place")] pub(crate) Secret);

/// A URL that may be missing.
pub(crate) mod places {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        url: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        url.clone().map(Place).serialize(serializer)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<Place>::deserialize(deserializer)?.map(|Place(url)| url))
    }
}

/// An initialisation vector.
pub(crate) mod iv {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(iv: &Iv, serializer: S) -> Result<S::Ok, S::Error> {
        iv.0.serialize(serializer)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Iv, D::Error> {
        <[u8; 16]>::deserialize(deserializer).map(Iv)
    }
}

/// How segments or samples are encrypted, by their METHOD.
pub(crate) mod encryption {
    use super::*;
    use kinora_protect::Scheme;

    pub(crate) fn serialize<S: Serializer>(
        scheme: &Scheme,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        scheme.method().serialize(serializer)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Scheme, D::Error> {
        let method = String::deserialize(deserializer)?;
        Scheme::of_method(&method).map_err(serde::de::Error::custom)
    }
}

/// Why something cannot be decrypted, by its name.
pub(crate) mod protection {
    use super::*;
    use kinora_protect::ProtectError;

    #[derive(Serialize, Deserialize)]
    enum Named {
        Vendor,
        Method(String),
        Systems(String),
    }

    pub(crate) fn serialize<S: Serializer>(
        error: &ProtectError,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let named = match error {
            ProtectError::Unsupported(method) => Named::Method(method.clone()),
            ProtectError::KeySystems(names) => Named::Systems(names.clone()),
            _ => Named::Vendor,
        };
        named.serialize(serializer)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ProtectError, D::Error> {
        Ok(match Named::deserialize(deserializer)? {
            Named::Vendor => ProtectError::Vendor,
            Named::Method(method) => ProtectError::Unsupported(method),
            Named::Systems(names) => ProtectError::KeySystems(names),
        })
    }
}
