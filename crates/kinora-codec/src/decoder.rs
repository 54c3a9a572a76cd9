use kinora_errors::{Code, Coded, codes};
use kinora_media::{AudioFrame, CodecId, Packet, Time, TrackInfo, TrackKind, VideoFrame};

/// Turns packets into frames of one kind, in presentation order.
///
/// The contract, held by every implementation:
/// - [`send`](Self::send) takes a packet whole or refuses it with [`DecodeError::Full`], which is not a
///   failure: receive first. At most a bounded number of packets is held inside.
/// - [`receive`](Self::receive) gives frames in presentation order with the pts of their packets.
/// - after [`drain`](Self::drain) frames come until [`Received::End`]; then only [`flush`](Self::flush) or dropping is allowed.
/// - [`flush`](Self::flush) forgets everything; the next packet is a key frame.
/// - a corrupt packet is an error of that packet only: the decoder stays usable.
pub trait Decoder: Send {
    /// What comes out.
    type Frame;
    /// Gives one packet to decode.
    ///
    /// # Errors
    /// [`DecodeError::Full`] when frames must be received first, else what is wrong with the packet.
    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError>;
    /// Takes the next frame.
    ///
    /// # Errors
    /// What went wrong with a packet sent before; the decoder stays usable unless it is [`DecodeError::Broken`].
    fn receive(&mut self) -> Result<Received<Self::Frame>, DecodeError>;
    /// No packets follow: what is held back comes out.
    fn drain(&mut self);
    /// Forgets all packets and frames, for a seek.
    fn flush(&mut self);
    /// Of the packets that follow, those before that time are decoded for others alone: a decoder may leave out what no
    /// other frame needs. A wish; the frames may come all the same.
    fn discard_before(&mut self, _time: Time) {}
    /// A name for people: `libavcodec 59 h264`, `rust_h264`.
    fn name(&self) -> &str;
}

/// A decoder of pictures.
pub type VideoDecoder = Box<dyn Decoder<Frame = VideoFrame>>;
/// A decoder of sound.
pub type AudioDecoder = Box<dyn Decoder<Frame = AudioFrame>>;

/// What a decoder has to give.
#[derive(Clone, PartialEq, Debug)]
pub enum Received<F> {
    /// A frame.
    Frame(F),
    /// Nothing until another packet is sent.
    NeedPacket,
    /// Nothing any more: it was drained.
    End,
}

/// How a decoder is to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecoderOptions {
    /// Threads it may use; 1 gives the least delay.
    pub threads: usize,
    /// Favour the first frame over throughput: slice threads or one thread, no frame delay
    /// beyond the reordering that the codec needs.
    pub low_delay: bool,
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            low_delay: false,
        }
    }
}

/// A family of decoders: the pure-Rust ones, libavcodec.
pub trait DecoderBackend: Send + Sync {
    /// `rust` or `ffmpeg`.
    fn name(&self) -> &'static str;
    /// Whether a decoder for the codec can be had here.
    fn supports(&self, codec: CodecId) -> bool;
    /// Opens a decoder of pictures.
    ///
    /// # Errors
    /// [`DecodeError::Unsupported`] where [`supports`](Self::supports) is false or the profile is beyond it;
    /// [`DecodeError::BadConfig`] when the track's configuration is damaged.
    fn open_video(
        &self,
        track: &TrackInfo,
        options: DecoderOptions,
    ) -> Result<VideoDecoder, DecodeError>;
    /// Opens a decoder of sound.
    ///
    /// # Errors
    /// As for [`open_video`](Self::open_video).
    fn open_audio(
        &self,
        track: &TrackInfo,
        options: DecoderOptions,
    ) -> Result<AudioDecoder, DecodeError>;
}

/// Why a packet or a track can not be decoded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Frames must be received before another packet is taken. Not a failure.
    #[error("the decoder is full; receive a frame first")]
    Full,
    /// There is no decoder for this codec or this profile of it.
    #[error("no decoder here for {codec}{}", detail.as_deref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Unsupported {
        /// The codec.
        codec: CodecId,
        /// The profile or feature that is beyond it.
        detail: Option<String>,
    },
    /// The track's decoder configuration is damaged.
    #[error("the decoder configuration of {codec} is damaged: {what}")]
    BadConfig {
        /// The codec.
        codec: CodecId,
        /// What is wrong.
        what: String,
    },
    /// This packet's payload is damaged; the next may be valid.
    #[error("a damaged packet of {codec}: {what}")]
    Corrupt {
        /// The codec.
        codec: CodecId,
        /// What the decoder said.
        what: String,
    },
    /// The decoder itself failed (a panic inside it, no memory) and must be opened anew.
    #[error("the decoder of {codec} failed: {what}")]
    Broken {
        /// The codec.
        codec: CodecId,
        /// What happened.
        what: String,
    },
}

impl DecodeError {
    const fn codec(&self) -> Option<CodecId> {
        match self {
            Self::Full => None,
            Self::Unsupported { codec, .. }
            | Self::BadConfig { codec, .. }
            | Self::Corrupt { codec, .. }
            | Self::Broken { codec, .. } => Some(*codec),
        }
    }
}

impl Coded for DecodeError {
    fn code(&self) -> Code {
        let audio = self
            .codec()
            .is_some_and(|codec| codec.kind() == TrackKind::Audio);
        match (self, audio) {
            (Self::Full | Self::Broken { .. }, _) => codes::ERROR_CODEC_UNKNOWN,
            (Self::Unsupported { .. }, true) => codes::ERROR_CODEC_AUDIO_NOT_SUPPORT,
            (Self::Unsupported { .. }, false) => codes::ERROR_CODEC_VIDEO_NOT_SUPPORT,
            (Self::BadConfig { .. } | Self::Corrupt { .. }, true) => codes::ERROR_DECODE_AUDIO,
            (Self::BadConfig { .. } | Self::Corrupt { .. }, false) => codes::ERROR_DECODE_VIDEO,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Full => "decoder.full",
            Self::Unsupported { .. } => "decoder.unsupported",
            Self::BadConfig { .. } => "decoder.bad_config",
            Self::Corrupt { .. } => "decoder.corrupt_packet",
            Self::Broken { .. } => "decoder.broken",
        }
    }
}
