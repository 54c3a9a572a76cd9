//! The decoder contract kept with libavcodec.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_codec::{DecodeError, Decoder, Received};
use kinora_media::bitstream::h264::{self, AvcConfig, Sps};
use kinora_media::bitstream::{NalFraming, is_without_picture, nal_units};
use kinora_media::{AudioFrame, CodecId, Packet, Palette, Time, VideoFrame, VideoParams};

use crate::frame::{self, Formats};
use crate::library::Ffmpeg;
use crate::raw::{Context, DecoderName, Status, Threads, Told};
use crate::scale::Scaler;

/// So many packets' durations are remembered: more than any decoder holds back.
const REMEMBERED: usize = 128;

/// No more bytes of access units without a picture wait for one.
const MAX_WAITING: usize = 1 << 20;

/// What a decoder is opened with.
pub(crate) struct Opening {
    pub(crate) ffmpeg: Arc<Ffmpeg>,
    pub(crate) codec: CodecId,
    pub(crate) name: DecoderName,
    pub(crate) config: Bytes,
    /// What else it is told; its configuration and reordering are left out.
    pub(crate) told: Told<'static>,
    pub(crate) threads: Threads,
    pub(crate) palette: Option<Palette>,
}

impl Opening {
    fn open(&self, reordering: u32) -> Result<Context, DecodeError> {
        let ffmpeg = Arc::clone(&self.ffmpeg);
        let told = Told {
            config: &self.config,
            reordering,
            ..self.told.clone()
        };
        Context::open(ffmpeg, self.name, &told, self.threads).map_err(|status| {
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
    /// How NAL units lie in packets, for codecs that have them.
    framing: Option<NalFraming>,
    /// Access units without a picture, which libavcodec takes for damage: they go with the next picture.
    waiting: BytesMut,
    /// How to open it anew once the stream's first parameter set is seen.
    unseen: Option<Opening>,
    draining: bool,
    durations: VecDeque<(i64, Time)>,
    last_end: Time,
    discard_before: Time,
    /// libavcodec leaves out what nothing refers to.
    leaves_out: bool,
    /// Goes with each packet, so that none is without it after a jump.
    palette: Option<Palette>,
}

/// Whether what libavcodec takes for unreferenced is so: in H.264 it is said for every picture (nal_ref_idc, 7.4.1), and no
/// picture refers to a B picture of MPEG. Of H.265 it would leave out sub-layer non-reference pictures too, to which those
/// of higher sub-layers refer.
const fn tells_unreferenced(codec: CodecId) -> bool {
    matches!(
        codec,
        CodecId::H264 | CodecId::Mpeg1Video | CodecId::Mpeg2Video | CodecId::Mpeg4
    )
}

impl Core {
    pub(crate) fn open(opening: Opening, formats: Arc<Formats>) -> Result<Self, DecodeError> {
        let version = opening.ffmpeg.abi.avcodec_major;
        Ok(Self {
            context: opening.open(opening.untold_by_config())?,
            formats,
            codec: opening.codec,
            framing: NalFraming::of(opening.codec, &opening.config),
            waiting: BytesMut::new(),
            name: format!("libavcodec {version} {}", opening.name.text()),
            palette: opening.palette.clone(),
            unseen: (opening.codec == CodecId::H264 && opening.config.is_empty())
                .then_some(opening),
            draining: false,
            durations: VecDeque::with_capacity(REMEMBERED),
            last_end: Time::ZERO,
            discard_before: Time::MIN,
            leaves_out: false,
        })
    }

    /// In a byte stream the parameter sets come with the pictures.
    fn look_at(&mut self, data: &[u8]) -> Result<(), DecodeError> {
        let is_sps = |unit: &&[u8]| h264::nal_type_of(unit) == h264::nal_type::SPS;
        let Some(sps) = nal_units(data).find(is_sps) else {
            return Ok(());
        };
        let reordering = untold(sps);
        if let Some(opening) = self.unseen.take().filter(|_| reordering > 0) {
            self.context = opening.open(reordering)?;
            self.leaves_out = false;
        }
        Ok(())
    }

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        let without_picture = |framing| is_without_picture(self.codec, framing, &packet.data);
        if self.framing.is_some_and(without_picture) {
            if self.waiting.len().saturating_add(packet.data.len()) <= MAX_WAITING {
                self.waiting.extend_from_slice(&packet.data);
            }
            return Ok(());
        }
        if self.waiting.is_empty() {
            return self.send_data(packet, &packet.data);
        }
        let mut joined = std::mem::take(&mut self.waiting);
        let before = joined.len();
        joined.extend_from_slice(&packet.data);
        let sent = self.send_data(packet, &joined);
        if matches!(sent, Err(DecodeError::Full)) {
            // The same packet comes again.
            joined.truncate(before);
            self.waiting = joined;
        }
        sent
    }

    fn send_data(&mut self, packet: &Packet, data: &[u8]) -> Result<(), DecodeError> {
        if self.unseen.is_some() {
            self.look_at(data)?;
        }
        let leaves_out = packet.pts < self.discard_before && tells_unreferenced(self.codec);
        if leaves_out != self.leaves_out {
            self.leaves_out = leaves_out;
            self.context.leave_out_unreferenced(leaves_out);
        }
        let (pts, dts) = (packet.pts.as_nanos(), packet.dts.as_nanos());
        self.context
            .send(data, (pts, dts), packet.flags.key, self.palette.as_ref())
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
        self.waiting.clear();
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
    pub(crate) params: VideoParams,
    /// For pictures in layouts that are not shown as they are.
    pub(crate) scaler: Option<Scaler>,
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
                    &mut self.scaler,
                    codec,
                    (pts, duration),
                    &self.params,
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
    fn discard_before(&mut self, time: Time) {
        self.core.discard_before = time;
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
