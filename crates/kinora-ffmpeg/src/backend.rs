use std::sync::Arc;

use kinora_codec::{
    AudioDecoder, DecodeError, DecoderBackend, DecoderOptions, VideoDecoder, decoder_config,
};
use kinora_media::{CodecId, TrackInfo};

use crate::decoder::{Audio, Core, Opening, Video};
use crate::extradata::extradata;
use crate::frame::Formats;
use crate::library::{Ffmpeg, LoadError};
use crate::raw::{DecoderName, Threads, Told};
use crate::tag;

/// The decoders of the libavcodec that is installed.
pub struct FfmpegBackend {
    ffmpeg: Arc<Ffmpeg>,
    formats: Arc<Formats>,
}

impl FfmpegBackend {
    /// Loads libavcodec by the system's rules, or from the folder that `KINORA_FFMPEG_DIR` names.
    /// Takes some 20 ms: do it beside other work.
    ///
    /// # Errors
    /// Why there is none that can be used, for people to read.
    pub fn load() -> Result<Self, LoadError> {
        let ffmpeg = Arc::new(Ffmpeg::load()?);
        let formats = Arc::new(Formats::of(&ffmpeg));
        Ok(Self { ffmpeg, formats })
    }

    /// The major version that was loaded.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.ffmpeg.abi.avcodec_major
    }

    pub(crate) fn ffmpeg(&self) -> &Arc<Ffmpeg> {
        &self.ffmpeg
    }

    fn open(&self, track: &TrackInfo, options: DecoderOptions) -> Result<Core, DecodeError> {
        let codec = track.codec;
        let name = self.decoder_name(codec).ok_or(DecodeError::Unsupported {
            codec,
            detail: None,
        })?;
        let threads = options.threads.clamp(1, 16);
        let threads = if options.low_delay {
            Threads::Slices(threads)
        } else {
            Threads::Frames(threads)
        };
        let opening = Opening {
            ffmpeg: Arc::clone(&self.ffmpeg),
            codec,
            name,
            config: extradata(codec, decoder_config(track)?),
            told: told(track),
            threads,
            palette: track.palette.clone(),
        };
        Core::open(opening, Arc::clone(&self.formats))
    }

    /// The first decoder of the codec that this build has.
    fn decoder_name(&self, codec: CodecId) -> Option<DecoderName> {
        let own = decoder_names(codec).iter().copied();
        let mut names = own.map(DecoderName::Decoder).chain(match codec {
            CodecId::Other(_) => Some(DecoderName::Codec(codec.name())),
            _ => None,
        });
        names.find(|name| name.find(&self.ffmpeg).is_some())
    }
}

/// What the container tells, for the codecs that do not tell it themselves.
fn told(track: &TrackInfo) -> Told<'static> {
    let is_told = matches!(
        track.codec,
        CodecId::Other(_)
            | CodecId::Vc1
            | CodecId::ProRes
            | CodecId::Nellymoser
            | CodecId::AdpcmSwf
    );
    let tag = tag::number(&track.codec_tag);
    if !is_told {
        // Encoders of MPEG-4 part 2 have bugs of their own, which are known by it.
        return Told {
            tag: if track.codec == CodecId::Mpeg4 {
                tag
            } else {
                0
            },
            ..Told::default()
        };
    }
    let (video, audio) = (
        track.video.unwrap_or_default(),
        track.audio.unwrap_or_default(),
    );
    let bits = video.bits_per_coded_sample.or(audio.bits_per_coded_sample);
    Told {
        tag,
        bits: bits.unwrap_or(0).into(),
        size: (video.width, video.height),
        sample_rate: audio.sample_rate,
        channels: audio.channels.into(),
        block_align: audio.block_align.unwrap_or(0),
        ..Told::default()
    }
}

impl DecoderBackend for FfmpegBackend {
    fn name(&self) -> &'static str {
        "ffmpeg"
    }

    fn supports(&self, codec: CodecId) -> bool {
        self.decoder_name(codec).is_some()
    }

    fn open_video(
        &self,
        track: &TrackInfo,
        options: DecoderOptions,
    ) -> Result<VideoDecoder, DecodeError> {
        Ok(Box::new(Video {
            core: self.open(track, options)?,
            params: track.video.unwrap_or_default(),
            scaler: None,
        }))
    }

    fn open_audio(
        &self,
        track: &TrackInfo,
        options: DecoderOptions,
    ) -> Result<AudioDecoder, DecodeError> {
        Ok(Box::new(Audio {
            core: self.open(track, options)?,
        }))
    }
}

/// libavcodec's decoders of a codec, the better first. PCM, G.711 and the common kinds of ADPCM are left to
/// the Rust backend.
const fn decoder_names(codec: CodecId) -> &'static [&'static str] {
    match codec {
        CodecId::H264 => &["h264"],
        CodecId::H265 => &["hevc"],
        CodecId::H266 => &["vvc"],
        CodecId::Av1 => &["libdav1d", "libaom-av1"],
        CodecId::Vp8 => &["vp8"],
        CodecId::Vp9 => &["vp9"],
        CodecId::Mpeg1Video => &["mpeg1video"],
        CodecId::Mpeg2Video => &["mpeg2video"],
        CodecId::Mpeg4 => &["mpeg4"],
        CodecId::H263 => &["h263"],
        CodecId::Flv1 => &["flv"],
        CodecId::Vp6 => &["vp6f"],
        CodecId::Vp6a => &["vp6a"],
        CodecId::ScreenVideo => &["flashsv"],
        CodecId::ScreenVideo2 => &["flashsv2"],
        CodecId::Theora => &["theora"],
        CodecId::Mjpeg => &["mjpeg"],
        CodecId::Vc1 => &["vc1"],
        CodecId::ProRes => &["prores"],
        CodecId::Aac => &["aac"],
        CodecId::AacLatm => &["aac_latm"],
        CodecId::Mp3 => &["mp3float"],
        CodecId::Mp2 => &["mp2float"],
        CodecId::Mp1 => &["mp1float"],
        CodecId::Ac3 => &["ac3"],
        CodecId::Eac3 => &["eac3"],
        CodecId::Opus => &["opus", "libopus"],
        CodecId::Vorbis => &["vorbis"],
        CodecId::Flac => &["flac"],
        CodecId::Alac => &["alac"],
        CodecId::Dts => &["dca"],
        CodecId::TrueHd => &["truehd"],
        CodecId::Speex => &["speex", "libspeex"],
        CodecId::AmrNb => &["amrnb"],
        CodecId::AmrWb => &["amrwb"],
        CodecId::AdpcmSwf => &["adpcm_swf"],
        CodecId::Nellymoser => &["nellymoser"],
        _ => &[],
    }
}
