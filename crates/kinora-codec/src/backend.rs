use kinora_media::{CodecId, TrackInfo};

use crate::aac::AacDecoder;
use crate::adpcm::{self, Adpcm};
use crate::framewise::FramewiseDecoder;
use crate::g711::G711;
use crate::h264::H264Decoder;
use crate::h265::H265Decoder;
use crate::pcm::Pcm;
use crate::symphonia_decoder::{self, SymphoniaDecoder};
use crate::{AudioDecoder, DecodeError, DecoderBackend, DecoderOptions, VideoDecoder};

/// The decoders in pure Rust: always there, also on machines without any system library.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustBackend;

impl RustBackend {
    /// The one backend; it holds nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl DecoderBackend for RustBackend {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn supports(&self, codec: CodecId) -> bool {
        matches!(
            codec,
            CodecId::H264
                | CodecId::H265
                | CodecId::Aac
                | CodecId::Pcm
                | CodecId::Alaw
                | CodecId::Mulaw
        ) || symphonia_decoder::supports(codec)
            || adpcm::knows(codec)
    }

    fn open_video(
        &self,
        track: &TrackInfo,
        _: DecoderOptions,
    ) -> Result<VideoDecoder, DecodeError> {
        match track.codec {
            CodecId::H264 => Ok(Box::new(H264Decoder::open(track)?)),
            CodecId::H265 => Ok(Box::new(H265Decoder::open(track)?)),
            codec => Err(DecodeError::Unsupported {
                codec,
                detail: None,
            }),
        }
    }

    fn open_audio(
        &self,
        track: &TrackInfo,
        _: DecoderOptions,
    ) -> Result<AudioDecoder, DecodeError> {
        match track.codec {
            CodecId::Aac => Ok(Box::new(AacDecoder::open(track)?)),
            CodecId::Pcm => Ok(Box::new(FramewiseDecoder::new(Pcm::open(track)?))),
            CodecId::Alaw | CodecId::Mulaw => {
                Ok(Box::new(FramewiseDecoder::new(G711::open(track)?)))
            }
            codec if adpcm::knows(codec) => {
                Ok(Box::new(FramewiseDecoder::new(Adpcm::open(track)?)))
            }
            codec if symphonia_decoder::supports(codec) => Ok(Box::new(FramewiseDecoder::new(
                SymphoniaDecoder::open(track)?,
            ))),
            codec => Err(DecodeError::Unsupported {
                codec,
                detail: None,
            }),
        }
    }
}
