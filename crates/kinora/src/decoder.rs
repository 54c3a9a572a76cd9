//! A decoder of either kind, and what it gives.

use std::collections::VecDeque;

use kinora_codec::{
    AudioDecoder, DecodeError, DecoderBackend, DecoderOptions, Received, VideoDecoder,
};
use kinora_media::{AudioFrame, Packet, Time, TrackInfo, TrackKind, VideoFrame};

/// A decoded frame of either kind.
pub(crate) enum AnyFrame {
    Video(VideoFrame),
    Audio(AudioFrame),
}

/// A decoder of either kind. What it makes of packets that are decoded for the sake of others alone it keeps to itself.
pub(crate) struct AnyDecoder {
    decoder: Decoder,
    backend: &'static str,
    unshown: Unshown,
}

enum Decoder {
    Video(VideoDecoder),
    Audio(AudioDecoder),
}

/// Times of frames that are to come and not to be given: of packets with `decode_only`, and of those that were given before.
#[derive(Default)]
struct Unshown(VecDeque<Time>);

/// Frames that a decoder holds back at most, and then some: a packet that gives none is forgotten.
const MAX_UNSHOWN: usize = 64;
/// Decoders round times on the way.
const SAME_TIME: Time = Time::from_micros(500);

impl Unshown {
    fn add(&mut self, pts: Time) {
        if self.0.len() == MAX_UNSHOWN {
            self.0.pop_front();
        }
        self.0.push_back(pts);
    }

    /// Whether a frame is of one of them, which is over with it.
    fn take(&mut self, pts: Time) -> bool {
        let at = self.0.iter().position(|it| (*it - pts).abs() <= SAME_TIME);
        at.and_then(|at| self.0.remove(at)).is_some()
    }
}

/// Calls a method of the decoder, whichever kind it is.
macro_rules! either {
    ($of:expr, $decoder:ident => $call:expr) => {
        match $of {
            Decoder::Video($decoder) => $call,
            Decoder::Audio($decoder) => $call,
        }
    };
}

impl AnyDecoder {
    pub(crate) fn open(
        backend: &dyn DecoderBackend,
        track: &TrackInfo,
        options: DecoderOptions,
    ) -> Result<Self, DecodeError> {
        let decoder = match track.kind() {
            TrackKind::Video => Decoder::Video(backend.open_video(track, options)?),
            TrackKind::Audio => Decoder::Audio(backend.open_audio(track, options)?),
            TrackKind::Subtitle | TrackKind::Data => {
                return Err(DecodeError::Unsupported {
                    codec: track.codec,
                    detail: None,
                });
            }
        };
        Ok(Self {
            decoder,
            backend: backend.name(),
            unshown: Unshown::default(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        either!(&self.decoder, decoder => decoder.name())
    }
    /// The backend it came from, by the name it goes under.
    pub(crate) fn backend(&self) -> &'static str {
        self.backend
    }
    pub(crate) fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        either!(&mut self.decoder, decoder => decoder.send(packet))?;
        if packet.flags.decode_only {
            self.unshown.add(packet.pts);
        }
        Ok(())
    }
    /// The next frame that is to be seen or heard; `None` when there is none now.
    pub(crate) fn receive(&mut self) -> Result<Option<AnyFrame>, DecodeError> {
        loop {
            let frame = self.decoder.receive()?;
            match frame {
                Some(frame) if self.unshown.take(frame.pts()) => {}
                frame => return Ok(frame),
            }
        }
    }
    /// Makes it give the frame that it was sent first and holds back, since others may be shown before it. The same packet is
    /// to be sent again, of which no frame comes then.
    pub(crate) fn hurry(&mut self) -> Option<AnyFrame> {
        self.drain();
        // What fails here fails again with the packet, and is reported then.
        let frame = self.receive().unwrap_or_default();
        self.flush();
        if let Some(frame) = &frame {
            self.unshown.add(frame.pts());
        }
        frame
    }
    pub(crate) fn drain(&mut self) {
        either!(&mut self.decoder, decoder => decoder.drain());
    }
    pub(crate) fn flush(&mut self) {
        self.unshown.0.clear();
        either!(&mut self.decoder, decoder => decoder.flush());
    }
    /// See [`kinora_codec::Decoder::discard_before`].
    pub(crate) fn discard_before(&mut self, time: Time) {
        either!(&mut self.decoder, decoder => decoder.discard_before(time));
    }
}

impl Decoder {
    fn receive(&mut self) -> Result<Option<AnyFrame>, DecodeError> {
        fn some<F>(received: Received<F>) -> Option<F> {
            match received {
                Received::Frame(frame) => Some(frame),
                Received::NeedPacket | Received::End => None,
            }
        }
        match self {
            Self::Video(decoder) => Ok(some(decoder.receive()?).map(AnyFrame::Video)),
            Self::Audio(decoder) => Ok(some(decoder.receive()?).map(AnyFrame::Audio)),
        }
    }
}

impl AnyFrame {
    pub(crate) fn pts(&self) -> Time {
        match self {
            Self::Video(frame) => frame.pts,
            Self::Audio(frame) => frame.pts,
        }
    }
    pub(crate) fn duration(&self) -> Time {
        match self {
            Self::Video(frame) => frame.duration,
            Self::Audio(frame) => frame.duration(),
        }
    }
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        match self {
            Self::Video(frame) => Some(frame.orientation().size((frame.width, frame.height))),
            Self::Audio(_) => None,
        }
    }
}
