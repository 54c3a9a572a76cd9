//! Sound by PulseAudio or PipeWire.
//!
//! The server holds the samples ahead of the device itself, and its own thread of high priority feeds that: what becomes of this
//! process for a third of a second is not heard. What it holds can be written over.

use std::ffi::CString;
use std::path::Path;
use std::time::{Instant, SystemTime};

use kinora_audio::AudioFormat;
use pulseaudio::protocol::{
    ChannelMap, ChannelPosition, Command, CorkStreamParams, CreatePlaybackStreamReply, GetSinkInfo,
    LatencyParams, PlaybackLatency, PlaybackStreamParams, Prop, Props, PulseError, SampleFormat,
    SampleSpec, ServerInfo, SinkInfo, SinkInfoList, stream::BufferAttr, stream::StreamFlags,
};

use super::pulse_connection::{Connection, PulseFailure};
use super::{Device, DeviceFailure, Place};
use crate::AudioDevice;

/// The server and its device hold so much together at most beyond which nothing can be changed any more, in milliseconds.
const LATENCY_MS: u32 = 120;
/// It fetches so much at a time from what it holds.
const PERIOD_MS: u32 = 20;
/// So far behind what it has fetched samples can be written over: by then they have arrived.
const MARGIN_MS: u32 = 15;

/// No server takes more channels, or samples faster (`PA_CHANNELS_MAX`, `PA_RATE_MAX`).
const MAX_CHANNELS: u8 = 32;
const MAX_RATE: u32 = 768_000;

pub(super) const SYSTEM: &str = "pulse";

pub(super) struct Pulse {
    connection: Connection,
    /// The device that was chosen.
    chosen: Option<CString>,
    stream: Option<Stream>,
}

struct Stream {
    channel: u32,
    sink: u32,
    format: AudioFormat,
    /// Samples of a channel: where the next ones are written by default, and where they are to be.
    end: u64,
    next: u64,
    last: Option<Snapshot>,
}

/// Where the server was at a moment.
#[derive(Clone, Copy)]
struct Snapshot {
    at: Instant,
    /// What the device has fetched, and how much of that is not heard yet.
    fetched: u64,
    latency_us: u64,
    playing: bool,
}

impl Pulse {
    pub(super) fn open(socket: Option<&Path>, chosen: Option<&str>) -> Result<Self, DeviceFailure> {
        Ok(Self {
            connection: Connection::open(socket)?,
            chosen: chosen.map(|name| CString::new(name).unwrap_or_default()),
            stream: None,
        })
    }

    fn stream(&mut self) -> Result<(&mut Connection, &mut Stream), DeviceFailure> {
        match &mut self.stream {
            Some(stream) => Ok((&mut self.connection, stream)),
            None => Err(PulseFailure::Killed.into()),
        }
    }

    fn cork(&mut self, cork: bool) -> Result<(), DeviceFailure> {
        let (connection, stream) = self.stream()?;
        let channel = stream.channel;
        connection.order(&Command::CorkPlaybackStream(CorkStreamParams {
            channel,
            cork,
        }))?;
        stream.last = None;
        Ok(())
    }
}

/// The devices of the server.
pub(super) fn devices() -> Result<Vec<AudioDevice>, DeviceFailure> {
    let mut connection = Connection::open(None)?;
    let server = connection.ask::<ServerInfo>(&Command::GetServerInfo)?.reply;
    let sinks = connection
        .ask::<SinkInfoList>(&Command::GetSinkInfoList)?
        .reply;
    let default = server.default_sink_name;
    let device = |sink: SinkInfo| AudioDevice {
        is_default: default.as_ref() == Some(&sink.name),
        ..described(sink)
    };
    Ok(sinks.into_iter().map(device).collect())
}

fn described(sink: SinkInfo) -> AudioDevice {
    let name = sink.name.to_string_lossy().into_owned();
    let description = sink.description.as_ref();
    AudioDevice {
        system: SYSTEM,
        description: description
            .map_or_else(|| name.clone(), |it| it.to_string_lossy().into_owned()),
        name,
        is_default: false,
    }
}

impl Device for Pulse {
    fn configure(&mut self, format: AudioFormat) -> Result<(), DeviceFailure> {
        if let Some(before) = self.stream.take() {
            let _ = self
                .connection
                .order(&Command::DeletePlaybackStream(before.channel));
        }
        let reply = self
            .connection
            .ask::<CreatePlaybackStreamReply>(&Command::CreatePlaybackStream(
                PlaybackStreamParams {
                    sample_spec: sample_spec(format)?,
                    channel_map: channel_map(format.width()),
                    sink_name: self.chosen.clone(),
                    buffer_attr: buffer(format),
                    flags: StreamFlags {
                        start_corked: true,
                        adjust_latency: true,
                        ..StreamFlags::default()
                    },
                    props: names(),
                    ..PlaybackStreamParams::default()
                },
            ))?
            .reply;
        self.stream = Some(Stream {
            channel: reply.channel,
            sink: reply.sink_index,
            format,
            end: 0,
            next: 0,
            last: None,
        });
        Ok(())
    }

    fn name(&mut self) -> Result<AudioDevice, DeviceFailure> {
        let index = self.stream()?.1.sink;
        let asked = GetSinkInfo {
            index: Some(index),
            name: None,
        };
        let sink = self
            .connection
            .ask::<SinkInfo>(&Command::GetSinkInfo(asked))?;
        let is_default = self.chosen.is_none();
        Ok(AudioDevice {
            is_default,
            ..described(sink.reply)
        })
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), DeviceFailure> {
        let (connection, stream) = self.stream()?;
        let width = stream.format.width();
        let offset = stream.next.cast_signed() - stream.end.cast_signed();
        let offset = offset.saturating_mul(width as i64 * 4);
        connection.send(stream.channel, offset, samples)?;
        stream.next += (samples.len() / width) as u64;
        stream.end = stream.next;
        Ok(())
    }

    fn rewind(&mut self, to: u64) -> Result<(), DeviceFailure> {
        let (_, stream) = self.stream()?;
        stream.next = to.min(stream.next);
        Ok(())
    }

    fn place(&mut self) -> Result<Place, DeviceFailure> {
        let (connection, stream) = self.stream()?;
        let rate = f64::from(stream.format.rate());
        let width = stream.format.width() as u64;
        let last = match stream.last {
            Some(last) if last.at.elapsed().as_millis() < 20 => last,
            _ => {
                let answer = connection.ask::<PlaybackLatency>(&Command::GetPlaybackLatency(
                    LatencyParams {
                        channel: stream.channel,
                        now: SystemTime::now(),
                    },
                ))?;
                let reply = answer.reply;
                Snapshot {
                    // The server looked on its way between question and answer.
                    at: answer.asked_at + (answer.came_at - answer.asked_at) / 2,
                    fetched: reply.read_offset.max(0).cast_unsigned() / (width * 4),
                    latency_us: reply.sink_usec,
                    playing: reply.playing,
                }
            }
        };
        stream.last = Some(last);
        let since = match last.playing {
            true => last.at.elapsed().as_secs_f64() * rate,
            false => 0.0,
        };
        let behind = last.latency_us as f64 * rate / 1e6;
        #[allow(clippy::cast_possible_truncation, reason = "sample counts of hours")]
        let heard = (last.fetched as f64 + since - behind).round() as i64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let since = since as u64;
        let margin = stream.format.frames_in(MARGIN_MS) as u64;
        Ok(Place {
            heard: heard.min(stream.next.cast_signed()),
            fixed: last.fetched + since + margin,
        })
    }

    fn start(&mut self) -> Result<(), DeviceFailure> {
        self.cork(false)
    }

    fn stop(&mut self) -> Result<(), DeviceFailure> {
        self.cork(true)
    }

    fn finish(&mut self) -> Result<(), DeviceFailure> {
        let (connection, stream) = self.stream()?;
        let channel = stream.channel;
        Ok(connection.order(&Command::DrainPlaybackStream(channel))?)
    }

    fn has_moved(&mut self) -> Result<bool, DeviceFailure> {
        let notices = self.connection.notices()?;
        if notices.killed {
            return Err(PulseFailure::Killed.into());
        }
        let (_, stream) = self.stream()?;
        if let Some(sink) = notices.moved {
            (stream.sink, stream.last) = (sink, None);
        }
        Ok(notices.moved.is_some())
    }
}

fn sample_spec(format: AudioFormat) -> Result<SampleSpec, DeviceFailure> {
    let channels = u8::try_from(format.channels).ok();
    let channels = channels.filter(|it| (1..=MAX_CHANNELS).contains(it));
    match channels {
        Some(channels) if (1..=MAX_RATE).contains(&format.sample_rate) => Ok(SampleSpec {
            format: SampleFormat::Float32Le,
            channels,
            sample_rate: format.sample_rate,
        }),
        _ => Err(DeviceFailure::Format(format)),
    }
}

/// In the order of WAVE files.
fn channel_map(channels: usize) -> ChannelMap {
    use ChannelPosition::{
        Aux0, FrontCenter, FrontLeft, FrontRight, Lfe, Mono, RearCenter, RearLeft, RearRight,
        SideLeft, SideRight,
    };
    ChannelMap::new(match channels {
        1 => vec![Mono],
        2 => vec![FrontLeft, FrontRight],
        3 => vec![FrontLeft, FrontRight, FrontCenter],
        4 => vec![FrontLeft, FrontRight, RearLeft, RearRight],
        5 => vec![FrontLeft, FrontRight, FrontCenter, RearLeft, RearRight],
        6 => vec![FrontLeft, FrontRight, FrontCenter, Lfe, RearLeft, RearRight],
        7 => vec![
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            RearCenter,
            SideLeft,
            SideRight,
        ],
        8 => vec![
            FrontLeft,
            FrontRight,
            FrontCenter,
            Lfe,
            RearLeft,
            RearRight,
            SideLeft,
            SideRight,
        ],
        _ => vec![Aux0; channels],
    })
}

fn buffer(format: AudioFormat) -> BufferAttr {
    let frame = format.width() * 4;
    let bytes = |ms| u32::try_from(format.frames_in(ms) * frame).unwrap_or(u32::MAX);
    BufferAttr {
        max_length: u32::MAX,
        target_length: bytes(LATENCY_MS),
        // What is there is played, be it little; so a queue that ran dry needs no word to go on.
        pre_buffering: u32::try_from(frame).unwrap_or(4),
        minimum_request_length: bytes(PERIOD_MS),
        ..BufferAttr::default()
    }
}

fn names() -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, c"Kinora");
    props.set(Prop::MediaRole, c"video");
    props
}

impl From<PulseFailure> for DeviceFailure {
    fn from(failure: PulseFailure) -> Self {
        match failure {
            PulseFailure::Refused(PulseError::NoEntity) => Self::NoDevice(failure.into()),
            PulseFailure::NoSocket | PulseFailure::Unreachable(_) => Self::NoSystem(failure.into()),
            failure => Self::Lost(failure.into()),
        }
    }
}
