//! The decoder contract kept with libavcodec.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_codec::{DecodeError, Decoder, Received};
use kinora_media::{AudioFrame, CodecId, Packet, Rotation, Time, VideoFrame};

use crate::frame::{self, Formats};
use crate::raw::{Context, Status};

/// So many packets' durations are remembered: more than any decoder holds back.
const REMEMBERED: usize = 128;

/// What both kinds of decoder share.
pub(crate) struct Core {
    pub(crate) context: Context,
    pub(crate) formats: Arc<Formats>,
    pub(crate) codec: CodecId,
    pub(crate) name: String,
    draining: bool,
    durations: VecDeque<(i64, Time)>,
    last_end: Time,
}

impl Core {
    pub(crate) fn new(
        context: Context,
        formats: Arc<Formats>,
        codec: CodecId,
        name: String,
    ) -> Self {
        let durations = VecDeque::with_capacity(REMEMBERED);
        Self {
            context,
            formats,
            codec,
            name,
            draining: false,
            durations,
            last_end: Time::ZERO,
        }
    }

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
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
