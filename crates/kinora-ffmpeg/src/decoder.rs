//! The decoder contract kept with libavcodec.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_codec::{DecodeError, Decoder, Received};
use kinora_media::bitstream::h264::{self, AvcConfig, Sps};
use kinora_media::bitstream::nal_units;
use kinora_media::{AudioFrame, CodecId, Packet, Rotation, Time, VideoFrame};

use crate::frame::{self, Formats};
use crate::library::Ffmpeg;
use crate::raw::{Context, Status, Threads};

/// So many packets' durations are remembered: more than any decoder holds back.
const REMEMBERED: usize = 128;

/// What a decoder is opened with.
pub(crate) struct Opening {
    pub(crate) ffmpeg: Arc<Ffmpeg>,
    pub(crate) codec: CodecId,
    pub(crate) name: &'static str,
    pub(crate) config: Bytes,
    pub(crate) threads: Threads,
}

impl Opening {
    fn open(&self, reordering: u32) -> Result<Context, DecodeError> {
        let ffmpeg = Arc::clone(&self.ffmpeg);
        Context::open(ffmpeg, self.name, &self.config, reordering, self.threads).map_err(|status| {
            let (codec, what) = (self.codec, self.ffmpeg.error_text(status.0));
            match status {
                Status::NO_MEMORY => DecodeError::Broken { codec, what },
                _ => DecodeError::BadConfig { codec, what },
            }
        })
    }

    /// The reordering that the configuration does not tell; see [`untold`].
    fn untold_by_config(&self) -> u32 {
        let config = AvcConfig::parse(&self.config).ok();
        let sps = config.and_then(|config| config.sps.first().copied());
        sps.filter(|_| self.codec == CodecId::H264)
            .map_or(0, untold)
    }
}

/// How far pictures may be reordered by a parameter set that does not tell (ITU-T H.264 E.2.1).
fn untold(sps: &[u8]) -> u32 {
    Sps::parse(sps)
        .ok()
        .filter(|sps| sps.reorder_frames.is_none())
        .map_or(0, |sps| sps.reorder_depth())
}

/// What both kinds of decoder share.
pub(crate) struct Core {
    pub(crate) context: Context,
    pub(crate) formats: Arc<Formats>,
    pub(crate) codec: CodecId,
    pub(crate) name: String,
    /// How to open it anew once the stream's first parameter set is seen.
    unseen: Option<Opening>,
    draining: bool,
    durations: VecDeque<(i64, Time)>,
    last_end: Time,
}

impl Core {
    pub(crate) fn open(opening: Opening, formats: Arc<Formats>) -> Result<Self, DecodeError> {
        let version = opening.ffmpeg.abi.avcodec_major;
        Ok(Self {
            context: opening.open(opening.untold_by_config())?,
            formats,
            codec: opening.codec,
            name: format!("libavcodec {version} {}", opening.name),
            unseen: (opening.codec == CodecId::H264 && opening.config.is_empty())
                .then_some(opening),
            draining: false,
            durations: VecDeque::with_capacity(REMEMBERED),
            last_end: Time::ZERO,
        })
    }

    /// In a byte stream the parameter sets come with the pictures.
    fn look_at(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        let is_sps = |unit: &&[u8]| h264::nal_type_of(unit) == h264::nal_type::SPS;
        let Some(sps) = nal_units(&packet.data).find(is_sps) else {
            return Ok(());
        };
        let reordering = untold(sps);
        if let Some(opening) = self.unseen.take().filter(|_| reordering > 0) {
            self.context = opening.open(reordering)?;
        }
        Ok(())
    }

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        if self.unseen.is_some() {
            self.look_at(packet)?;
        }
        let (pts, dts) = (packet.pts.as_nanos(), packet.dts.as_nanos());
        self.context
            .send(&packet.data, pts, dts, packet.flags.key)
            .map_err(|status| self.error(status))?;
        if self.durations.len() == REMEMBERED {
            self.durations.pop_front();
        }
        self.durations.push_back((pts, packet.duration));
        Ok(())
    }

    fn receive(&mut self) -> Result<Received<crate::raw::Frame>, DecodeError> {
        match self.context.receive() {
            Ok(frame) => Ok(Received::Frame(frame)),
            Err(Status::AGAIN) => Ok(Received::NeedPacket),
            Err(Status::END) => Ok(Received::End),
            Err(status) => Err(self.error(status)),
        }
    }

    /// When a frame is shown; one without a pts follows the one before.
    fn times(&mut self, pts: Option<i64>) -> (Time, Time) {
        let Some(pts) = pts else {
            return (self.last_end, Time::ZERO);
        };
        let found = self.durations.iter().position(|(known, _)| *known == pts);
        let duration = found
            .and_then(|at| self.durations.remove(at))
            .map_or(Time::ZERO, |(_, duration)| duration);
        let pts = Time::from_nanos(pts);
        self.last_end = pts + duration;
        (pts, duration)
    }

    fn drain(&mut self) {
        if !self.draining {
            self.draining = true;
            self.context.drain();
        }
    }

    fn flush(&mut self) {
        self.draining = false;
        self.durations.clear();
        self.context.flush();
    }

    fn error(&self, status: Status) -> DecodeError {
        let (codec, what) = (self.codec, self.context.error_text(status));
        match status {
            Status::AGAIN => DecodeError::Full,
            Status::NO_MEMORY => DecodeError::Broken { codec, what },
            _ => DecodeError::Corrupt { codec, what },
        }
    }
}

pub(crate) struct Video {
    pub(crate) core: Core,
    pub(crate) rotation: Rotation,
}

impl Decoder for Video {
    type Frame = VideoFrame;

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        self.core.send(packet)
    }

    fn receive(&mut self) -> Result<Received<VideoFrame>, DecodeError> {
        Ok(match self.core.receive()? {
            Received::Frame(frame) => {
                let (pts, duration) = self.core.times(frame.pts());
                let (formats, codec) = (&self.core.formats, self.core.codec);
                Received::Frame(frame::video(
                    frame,
                    formats,
                    codec,
                    pts,
                    duration,
                    self.rotation,
                )?)
            }
            Received::NeedPacket => Received::NeedPacket,
            Received::End => Received::End,
        })
    }

    fn drain(&mut self) {
        self.core.drain();
    }
    fn flush(&mut self) {
        self.core.flush();
    }
    fn name(&self) -> &str {
        &self.core.name
    }
}

pub(crate) struct Audio {
    pub(crate) core: Core,
}

impl Decoder for Audio {
    type Frame = AudioFrame;

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        self.core.send(packet)
    }

    fn receive(&mut self) -> Result<Received<AudioFrame>, DecodeError> {
        Ok(match self.core.receive()? {
            Received::Frame(frame) => {
                let (pts, _) = self.core.times(frame.pts());
                let sound = frame::audio(&frame, &self.core.formats, self.core.codec, pts)?;
                self.core.last_end = pts + sound.duration();
                Received::Frame(sound)
            }
            Received::NeedPacket => Received::NeedPacket,
            Received::End => Received::End,
        })
    }

    fn drain(&mut self) {
        self.core.drain();
    }
    fn flush(&mut self) {
        self.core.flush();
    }
    fn name(&self) -> &str {
        &self.core.name
    }
}
