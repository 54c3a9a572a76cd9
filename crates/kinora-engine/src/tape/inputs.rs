//! What comes into the engine, without content and secrets.

use std::sync::Arc;

use kinora_cloud::{Quality, VidAuth, VidSts};
use kinora_errors::{Fault, Secret};
use kinora_fetch::FetchEvent;
use kinora_media::{Chunk, Freshness, KeyId, Packet, RequestId, ResponseInfo, Time};
use kinora_protect::ContentKey;
use serde::{Deserialize, Serialize};

use super::facts::{Described, Noticed, PacketFacts, Protected, blank, place, places};
use crate::{
    AudioClock, Command, Credential, Epoch, FrameId, Input, Locator, LoopMode, PlayerConfig,
    Repeat, Role, SeekAccuracy, TrackChoice,
};

/// An input as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Noted {
    Command(Asked),
    Head(u64, Head),
    Chunk(u64, u64, usize),
    Tracks(u64, Described, bool),
    Packet(u64, PacketFacts, Option<Protected>),
    TraceId(u64),
    Done(u64),
    Failed(u64, Noticed),
    Configured(NotedRole, u64, String, Option<Noticed>),
    Taken(NotedRole, u64),
    Frame {
        role: NotedRole,
        epoch: u64,
        frame: u64,
        pts: i64,
        duration: i64,
        size: Option<(u32, u32)>,
    },
    Drained(NotedRole, u64),
    DecodeFailed(NotedRole, u64, Noticed, bool),
    OutputFailed(NotedRole, Noticed, bool),
    Ahead(i64),
    Clock(NotedClock),
    Timeout,
}

/// A report of the audio output.
#[derive(Serialize, Deserialize)]
pub(super) struct NotedClock {
    epoch: u64,
    at: i64,
    position: i64,
    queued: i64,
    running: bool,
}

impl From<&AudioClock> for NotedClock {
    fn from(clock: &AudioClock) -> Self {
        Self {
            epoch: clock.epoch.0,
            at: clock.at.as_nanos(),
            position: clock.position.as_nanos(),
            queued: clock.queued.as_nanos(),
            running: clock.running,
        }
    }
}

impl From<NotedClock> for AudioClock {
    fn from(noted: NotedClock) -> Self {
        Self {
            epoch: Epoch(noted.epoch),
            at: Time::from_nanos(noted.at),
            position: Time::from_nanos(noted.position),
            queued: Time::from_nanos(noted.queued),
            running: noted.running,
        }
    }
}

/// What a response says of itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    status: Option<u16>,
    total_len: Option<u64>,
    offset: u64,
    ranges: bool,
    content_type: Option<String>,
    #[serde(with = "places")]
    final_url: Option<Secret>,
    server_date_ms: Option<i64>,
    #[serde(default)]
    validator: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    from_cache: bool,
    #[serde(default)]
    ends_with_connection: bool,
}

/// What the application asks for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    Source(NotedSource),
    Config(PlayerConfig),
    Prepare,
    Start,
    Pause,
    Stop,
    Reset,
    Reload,
    NetworkReconnect,
    LowMemory(bool),
    Seek(i64, bool),
    SelectTrack(Option<u32>),
    /// What is no number is written as none.
    Speed(Option<f64>),
    Loop(bool),
    AutoPlay(bool),
    Refresh(NotedCredential),
    /// The id of a key; the key itself is left out.
    AddKey(String),
    AddSubtitle(#[serde(with = "place")] Secret),
    SelectSubtitle(u32, bool),
    SubtitleDelay(u32, i64),
    Repeat(Option<(i64, i64)>),
    Step,
    Viewport(Option<(u32, u32)>),
    /// Nanoseconds.
    AudioDelay(i64),
    SkipInterstitial,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NotedRole {
    Video,
    Audio,
    Text,
}

/// Where a source is; its credential is left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NotedSource {
    Url(#[serde(with = "place")] Secret),
    VidAuth(String, Option<String>, bool),
    VidSts(String, Option<String>, bool),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NotedCredential {
    PlayAuth,
    Sts,
    Url(#[serde(with = "place")] Secret),
}

impl From<Role> for NotedRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Video => Self::Video,
            Role::Audio => Self::Audio,
            Role::Text => Self::Text,
        }
    }
}

impl From<NotedRole> for Role {
    fn from(role: NotedRole) -> Self {
        match role {
            NotedRole::Video => Self::Video,
            NotedRole::Audio => Self::Audio,
            NotedRole::Text => Self::Text,
        }
    }
}

impl From<&ResponseInfo> for Head {
    fn from(info: &ResponseInfo) -> Self {
        Self {
            status: info.status,
            total_len: info.total_len,
            offset: info.offset,
            ranges: info.ranges,
            content_type: info.content_type.clone(),
            final_url: info.final_url.clone().map(Secret::new),
            server_date_ms: info.server_date_ms,
            validator: info.validator.clone(),
            from_cache: info.from_cache,
            ends_with_connection: info.ends_with_connection,
        }
    }
}

impl From<Head> for ResponseInfo {
    fn from(head: Head) -> Self {
        Self {
            status: head.status,
            total_len: head.total_len,
            offset: head.offset,
            ranges: head.ranges,
            content_type: head.content_type,
            final_url: head.final_url.map(|url| url.expose().to_owned()),
            server_date_ms: head.server_date_ms,
            validator: head.validator,
            // No decision of the engine depends on it.
            freshness: Freshness::Unsaid,
            from_cache: head.from_cache,
            ends_with_connection: head.ends_with_connection,
        }
    }
}

impl From<&Input> for Noted {
    fn from(input: &Input) -> Self {
        let noticed = |fault: &Fault| Noticed(fault.clone());
        match input {
            Input::Command(command) => Self::Command(command.into()),
            Input::Fetch(event) => match event {
                FetchEvent::Head { id, info } => Self::Head(id.0, info.into()),
                FetchEvent::Chunk(chunk) => Self::Chunk(chunk.id.0, chunk.offset, chunk.data.len()),
                FetchEvent::Tracks { id, info, live } => {
                    Self::Tracks(id.0, Described::from(&**info), *live)
                }
                FetchEvent::Packet { id, packet } => {
                    let crypto = packet.crypto.as_deref().map(Protected::from);
                    Self::Packet(id.0, packet.into(), crypto)
                }
                FetchEvent::TraceId { id, .. } => Self::TraceId(id.0),
                FetchEvent::Done { id } => Self::Done(id.0),
                FetchEvent::Failed { id, fault } => Self::Failed(id.0, noticed(fault)),
            },
            Input::Configured {
                role,
                epoch,
                decoder,
                fell_back,
            } => {
                let fell_back = fell_back.as_ref().map(noticed);
                Self::Configured((*role).into(), epoch.0, decoder.clone(), fell_back)
            }
            Input::PacketTaken { role, epoch } => Self::Taken((*role).into(), epoch.0),
            Input::FrameReady {
                role,
                epoch,
                frame,
                pts,
                duration,
                size,
            } => Self::Frame {
                role: (*role).into(),
                epoch: epoch.0,
                frame: frame.0,
                pts: pts.as_nanos(),
                duration: duration.as_nanos(),
                size: *size,
            },
            Input::Drained { role, epoch } => Self::Drained((*role).into(), epoch.0),
            Input::DecodeFailed {
                role,
                epoch,
                fault,
                fatal,
            } => Self::DecodeFailed((*role).into(), epoch.0, noticed(fault), *fatal),
            Input::OutputFailed { role, fault, fatal } => {
                Self::OutputFailed((*role).into(), noticed(fault), *fatal)
            }
            Input::FramesAhead { ahead } => Self::Ahead(ahead.as_nanos()),
            Input::AudioClock(clock) => Self::Clock(clock.into()),
            Input::Timeout => Self::Timeout,
        }
    }
}

impl From<&Command> for Asked {
    fn from(command: &Command) -> Self {
        match command {
            Command::SetSource(source) => Self::Source(source.into()),
            Command::SetConfig(config) => Self::Config(config.clone()),
            Command::Prepare => Self::Prepare,
            Command::Start => Self::Start,
            Command::Pause => Self::Pause,
            Command::Stop => Self::Stop,
            Command::Reset => Self::Reset,
            Command::Reload => Self::Reload,
            Command::NetworkReconnect => Self::NetworkReconnect,
            Command::SetLowMemory(low) => Self::LowMemory(*low),
            Command::Seek { target, accuracy } => {
                Self::Seek(target.as_nanos(), *accuracy == SeekAccuracy::Exact)
            }
            Command::SelectTrack(TrackChoice::Auto) => Self::SelectTrack(None),
            Command::SelectTrack(TrackChoice::Index(index)) => Self::SelectTrack(Some(*index)),
            Command::SetSpeed(speed) => Self::Speed(speed.is_finite().then_some(*speed)),
            Command::SetLoop(mode) => Self::Loop(*mode == LoopMode::On),
            Command::SetAutoPlay(autoplay) => Self::AutoPlay(*autoplay),
            Command::AddKey { id, .. } => Self::AddKey(id.to_string()),
            Command::AddExternalSubtitle { url } => Self::AddSubtitle(url.clone()),
            Command::SelectSubtitle { index, on } => Self::SelectSubtitle(*index, *on),
            Command::SetSubtitleDelay { index, delay } => {
                Self::SubtitleDelay(*index, delay.as_nanos())
            }
            Command::SetRepeat(repeat) => {
                Self::Repeat(repeat.map(|it| (it.from.as_nanos(), it.to.as_nanos())))
            }
            Command::Step => Self::Step,
            Command::SetViewport(size) => Self::Viewport(*size),
            Command::SkipInterstitial => Self::SkipInterstitial,
            Command::SetAudioDelay(delay) => Self::AudioDelay(delay.as_nanos()),
            Command::Refresh(credential) => Self::Refresh(credential.into()),
        }
    }
}

impl From<&Locator> for NotedSource {
    fn from(source: &Locator) -> Self {
        let wanted = |quality: Quality| quality.definition.map(|definition| definition.to_string());
        match source {
            Locator::Url { url } => Self::Url(url.clone()),
            Locator::VidAuth(auth) => {
                Self::VidAuth(auth.vid.clone(), wanted(auth.quality), auth.quality.forced)
            }
            Locator::VidSts(sts) => {
                Self::VidSts(sts.vid.clone(), wanted(sts.quality), sts.quality.forced)
            }
        }
    }
}

impl From<NotedSource> for Locator {
    fn from(noted: NotedSource) -> Self {
        let quality = |definition: Option<String>, forced| Quality {
            definition: definition.and_then(|text| text.parse().ok()),
            forced,
        };
        match noted {
            NotedSource::Url(url) => Self::Url { url },
            NotedSource::VidAuth(vid, definition, forced) => Self::VidAuth(Box::new(VidAuth {
                vid,
                quality: quality(definition, forced),
                ..VidAuth::default()
            })),
            NotedSource::VidSts(vid, definition, forced) => Self::VidSts(Box::new(VidSts {
                vid,
                quality: quality(definition, forced),
                ..VidSts::default()
            })),
        }
    }
}

impl From<&Credential> for NotedCredential {
    fn from(credential: &Credential) -> Self {
        match credential {
            Credential::PlayAuth(_) => Self::PlayAuth,
            Credential::Sts { .. } => Self::Sts,
            Credential::Url(url) => Self::Url(url.clone()),
        }
    }
}

impl From<NotedCredential> for Credential {
    fn from(noted: NotedCredential) -> Self {
        let left_out = || Secret::new("left out");
        match noted {
            NotedCredential::PlayAuth => Self::PlayAuth(left_out()),
            NotedCredential::Sts => Self::Sts {
                access_key_id: String::new(),
                access_key_secret: left_out(),
                security_token: left_out(),
            },
            NotedCredential::Url(url) => Self::Url(url),
        }
    }
}

fn began(id: RequestId, head: Head) -> FetchEvent {
    let info = head.into();
    FetchEvent::Head { id, info }
}

/// What names the session to its operator is left out.
fn named(id: RequestId) -> FetchEvent {
    let trace_id = "left out".to_owned();
    FetchEvent::TraceId { id, trace_id }
}

fn blank_chunk(id: RequestId, offset: u64, len: usize) -> FetchEvent {
    let data = blank(len);
    FetchEvent::Chunk(Chunk { id, offset, data })
}

impl From<Noted> for Input {
    fn from(noted: Noted) -> Self {
        let time = Time::from_nanos;
        match noted {
            Noted::Head(id, head) => Self::Fetch(began(RequestId(id), head)),
            Noted::Chunk(id, offset, len) => Self::Fetch(blank_chunk(RequestId(id), offset, len)),
            Noted::Tracks(id, info, live) => Self::Fetch(FetchEvent::Tracks {
                id: RequestId(id),
                info: Arc::new(info.into()),
                live,
            }),
            Noted::Packet(id, packet, crypto) => Self::Fetch(FetchEvent::Packet {
                id: RequestId(id),
                packet: Packet {
                    crypto: crypto.map(|crypto| Arc::new(crypto.into())),
                    ..packet.into()
                },
            }),
            Noted::TraceId(id) => Self::Fetch(named(RequestId(id))),
            Noted::Done(id) => Self::Fetch(FetchEvent::Done { id: RequestId(id) }),
            Noted::Failed(id, Noticed(fault)) => Self::Fetch(FetchEvent::Failed {
                id: RequestId(id),
                fault,
            }),
            Noted::Configured(role, epoch, decoder, fell_back) => Self::Configured {
                role: role.into(),
                epoch: Epoch(epoch),
                decoder,
                fell_back: fell_back.map(|Noticed(fault)| fault),
            },
            Noted::Taken(role, epoch) => Self::PacketTaken {
                role: role.into(),
                epoch: Epoch(epoch),
            },
            Noted::Frame {
                role,
                epoch,
                frame,
                pts,
                duration,
                size,
            } => Self::FrameReady {
                role: role.into(),
                epoch: Epoch(epoch),
                frame: FrameId(frame),
                pts: time(pts),
                duration: time(duration),
                size,
            },
            Noted::Drained(role, epoch) => Self::Drained {
                role: role.into(),
                epoch: Epoch(epoch),
            },
            Noted::DecodeFailed(role, epoch, Noticed(fault), fatal) => Self::DecodeFailed {
                role: role.into(),
                epoch: Epoch(epoch),
                fault,
                fatal,
            },
            Noted::OutputFailed(role, Noticed(fault), fatal) => Self::OutputFailed {
                role: role.into(),
                fault,
                fatal,
            },
            Noted::Ahead(ahead) => Self::FramesAhead { ahead: time(ahead) },
            Noted::Clock(clock) => Self::AudioClock(clock.into()),
            Noted::Timeout => Self::Timeout,
            Noted::Command(asked) => Self::Command(asked.into()),
        }
    }
}

impl From<Asked> for Command {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Source(source) => Self::SetSource(source.into()),
            Asked::Config(config) => Self::SetConfig(config),
            Asked::Start => Self::Start,
            Asked::Pause => Self::Pause,
            Asked::Stop => Self::Stop,
            Asked::Reset => Self::Reset,
            Asked::Reload => Self::Reload,
            Asked::NetworkReconnect => Self::NetworkReconnect,
            Asked::LowMemory(low) => Self::SetLowMemory(low),
            Asked::Seek(target, exact) => Self::Seek {
                target: Time::from_nanos(target),
                accuracy: match exact {
                    true => SeekAccuracy::Exact,
                    false => SeekAccuracy::KeyFrame,
                },
            },
            Asked::SelectTrack(index) => {
                Self::SelectTrack(index.map_or(TrackChoice::Auto, TrackChoice::Index))
            }
            Asked::Speed(speed) => Self::SetSpeed(speed.unwrap_or(f64::NAN)),
            Asked::Loop(on) => Self::SetLoop(if on { LoopMode::On } else { LoopMode::Off }),
            Asked::AutoPlay(autoplay) => Self::SetAutoPlay(autoplay),
            Asked::Refresh(credential) => Self::Refresh(credential.into()),
            // What is decrypted while a session is replayed is blank anyway.
            Asked::AddKey(id) => Self::AddKey {
                id: KeyId::from_hex(&id).unwrap_or_default(),
                key: ContentKey::new([0; 16]),
            },
            Asked::AddSubtitle(url) => Self::AddExternalSubtitle { url },
            Asked::SelectSubtitle(index, on) => Self::SelectSubtitle { index, on },
            Asked::SubtitleDelay(index, delay) => Self::SetSubtitleDelay {
                index,
                delay: Time::from_nanos(delay),
            },
            Asked::Repeat(repeat) => Self::SetRepeat(repeat.map(|(from, to)| Repeat {
                from: Time::from_nanos(from),
                to: Time::from_nanos(to),
            })),
            Asked::Step => Self::Step,
            Asked::Viewport(size) => Self::SetViewport(size),
            Asked::SkipInterstitial => Self::SkipInterstitial,
            Asked::AudioDelay(delay) => Self::SetAudioDelay(Time::from_nanos(delay)),
            Asked::Prepare => Self::Prepare,
        }
    }
}
