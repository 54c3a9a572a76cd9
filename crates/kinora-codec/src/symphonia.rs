//! MPEG audio layers II and III, FLAC and Vorbis by `symphonia`.

use kinora_media::{AudioFrame, CodecId, Packet, TrackInfo};
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_FLAC, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::{FlacDecoder, MpaDecoder, VorbisDecoder};

use crate::DecodeError;
use crate::framewise::Framewise;
use crate::guard::guarded;

/// A decoder of `symphonia`'s, fed with our packets.
pub(crate) struct Symphonia {
    codec: CodecId,
    inner: Box<dyn AudioDecoder>,
    /// The first packet of Vorbis is half of a window: no sound yet (Vorbis I 4.3.8).
    primed: bool,
}

pub(crate) const fn knows(codec: CodecId) -> bool {
    id_of(codec).is_some()
}

const fn id_of(codec: CodecId) -> Option<AudioCodecId> {
    match codec {
        CodecId::Mp2 => Some(CODEC_ID_MP2),
        CodecId::Mp3 => Some(CODEC_ID_MP3),
        CodecId::Flac => Some(CODEC_ID_FLAC),
        CodecId::Vorbis => Some(CODEC_ID_VORBIS),
        _ => None,
    }
}

impl Symphonia {
    /// `track.config` is FLAC's STREAMINFO (RFC 9639 8.2), or the Vorbis headers with Xiph lacing.
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let codec = track.codec;
        let unsupported = |detail| DecodeError::Unsupported { codec, detail };
        let mut params = AudioCodecParameters::new();
        params.codec = id_of(codec).ok_or_else(|| unsupported(None))?;
        params.sample_rate = track.audio.map(|audio| audio.sample_rate);
        params.extra_data = (!track.config.is_empty()).then(|| track.config.as_ref().into());
        // The demuxer knows what is padding; a packet is decoded whole.
        let options = AudioDecoderOptions::default().gapless(false);
        let open = || -> Result<Box<dyn AudioDecoder>, Error> {
            Ok(match codec {
                CodecId::Flac => Box::new(FlacDecoder::try_new(&params, &options)?),
                CodecId::Vorbis => Box::new(VorbisDecoder::try_new(&params, &options)?),
                _ => Box::new(MpaDecoder::try_new(&params, &options)?),
            })
        };
        let inner = guarded(codec, open)?.map_err(|error| match error {
            Error::Unsupported(what) => unsupported(Some(what.to_owned())),
            error => DecodeError::BadConfig {
                codec,
                what: error.to_string(),
            },
        })?;
        Ok(Self {
            codec,
            inner,
            primed: codec != CodecId::Vorbis,
        })
    }
}

impl Framewise for Symphonia {
    const NAME: &'static str = "symphonia";

    fn decode(&mut self, packet: &Packet) -> Result<Option<AudioFrame>, DecodeError> {
        let codec = self.codec;
        let taken = PacketRef::new(0, Timestamp::new(0), Duration::new(0), &packet.data);
        let decoded = guarded(codec, || {
            let sound = self.inner.decode_ref(&taken)?;
            let mut samples = Vec::new();
            sound.copy_to_vec_interleaved(&mut samples);
            let spec = sound.spec();
            Ok::<_, Error>(AudioFrame {
                pts: packet.pts,
                sample_rate: spec.rate(),
                channels: u16::try_from(spec.channels().count()).unwrap_or(0),
                samples,
            })
        })?;
        match decoded {
            Ok(frame) => {
                let primed = std::mem::replace(&mut self.primed, true);
                Ok(Some(frame).filter(|frame| primed && !frame.is_empty()))
            }
            Err(error) => Err(DecodeError::Corrupt {
                codec,
                what: error.to_string(),
            }),
        }
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.primed = self.codec != CodecId::Vorbis;
    }
}
