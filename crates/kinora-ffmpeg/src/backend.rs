use std::ffi::CString;
use std::sync::Arc;

use kinora_codec::{
    AudioDecoder, DecodeError, DecoderBackend, DecoderOptions, VideoDecoder, decoder_config,
};
use kinora_media::{CodecId, TrackInfo};

use crate::decoder::{Audio, Core, Opening, Video};
use crate::extradata::extradata;
use crate::frame::Formats;
use crate::library::{Ffmpeg, LoadError};
use crate::raw::Threads;

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
            threads,
        };
        Core::open(opening, Arc::clone(&self.formats))
    }

    /// The first decoder of the codec that this build has.
    fn decoder_name(&self, codec: CodecId) -> Option<&'static str> {
        decoder_names(codec).iter().copied().find(|name| {
            let Ok(name) = CString::new(*name) else {
                return false;
            };
            // SAFETY: a zero-terminated name; null when there is none.
            !unsafe { (self.ffmpeg.call.avcodec_find_decoder_by_name)(name.as_ptr()) }.is_null()
        })
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

/// libavcodec's decoders of a codec, the better first. PCM is left to the Rust backend: it needs no decoder.
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
        _ => &[],
    }
}
