//! Which decoder decodes: libavcodec where it can be loaded, the Rust decoders otherwise. And which demuxer reads.

use std::sync::{Arc, OnceLock};

use kinora_codec::{DecodeError, DecoderBackend, DecoderOptions, RustBackend};
use kinora_container::{Demuxers, ForeignDemuxers};
use kinora_engine::Capabilities;
use kinora_errors::{Coded, Fault};
use kinora_ffmpeg::{FfmpegBackend, FfmpegDemuxers, LoadError};
use kinora_media::{CodecId, TrackInfo};

use crate::decoder::AnyDecoder;

/// Which family of decoders may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum DecoderChoice {
    /// libavcodec where it can be loaded, else the Rust decoders; a failure falls back.
    #[default]
    Auto,
    /// Only the decoders in pure Rust.
    Rust,
    /// Only libavcodec.
    Ffmpeg,
}

/// Which family of demuxers may be used for files. Playlists and their segments are read by Kinora's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum DemuxerChoice {
    /// Kinora's where they know the bytes, else libavformat where it can be loaded: AVI, Windows Media, RealMedia, MXF and
    /// what else it knows.
    #[default]
    Auto,
    /// Only Kinora's.
    Kinora,
    /// Only libavformat.
    Ffmpeg,
}

impl DemuxerChoice {
    pub(crate) fn demuxers(self) -> Demuxers {
        let foreign =
            || -> Arc<dyn ForeignDemuxers> { Arc::new(FfmpegDemuxers::new(|| ffmpeg().clone())) };
        match self {
            Self::Auto => Demuxers::Fallback(foreign()),
            Self::Kinora => Demuxers::Own,
            Self::Ffmpeg => Demuxers::Foreign(foreign()),
        }
    }
}

type Loaded = Result<Arc<FfmpegBackend>, Arc<LoadError>>;

/// libavcodec is loaded once in a process.
static FFMPEG: OnceLock<Loaded> = OnceLock::new();

/// Loads libavcodec, or waits for the thread that is loading it.
fn ffmpeg() -> &'static Loaded {
    FFMPEG.get_or_init(|| FfmpegBackend::load().map(Arc::new).map_err(Arc::new))
}

/// The decoders that a player may use, in the order of preference.
#[derive(Clone)]
pub(crate) struct Backends {
    choice: DecoderChoice,
    rust: Arc<RustBackend>,
}

/// A decoder that was opened, and the failure of a better one before it.
pub(crate) struct Opened {
    pub(crate) decoder: AnyDecoder,
    pub(crate) fell_back: Option<Fault>,
}

impl Backends {
    pub(crate) fn new(choice: DecoderChoice) -> Self {
        Self {
            choice,
            rust: Arc::new(RustBackend::new()),
        }
    }

    /// Begins to load libavcodec on a thread of its own, beside the opening of the source
    /// (22 ms on a machine where all the rest until the first picture takes 20).
    pub(crate) fn load_early(&self) {
        if self.choice == DecoderChoice::Rust || FFMPEG.get().is_some() {
            return;
        }
        // Without the thread the first decoder loads it: slower, nothing else.
        let _ = std::thread::Builder::new()
            .name("kinora-load".into())
            .spawn(ffmpeg);
    }

    /// What a player of these decoders may choose.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let backends = self.clone();
        Capabilities::of_decoders(move |codec| backends.supports(codec))
    }

    fn supports(&self, codec: CodecId) -> bool {
        // It is asked first: libavcodec may still be loading.
        let rust = self.choice != DecoderChoice::Ffmpeg && self.rust.supports(codec);
        let any = || {
            let backends = self.preferred().into_iter().flatten();
            backends.into_iter().any(|backend| backend.supports(codec))
        };
        rust || any()
    }

    /// Opens the first decoder that takes the track. `avoid` names one that has failed on it.
    pub(crate) fn open(
        &self,
        track: &TrackInfo,
        options: DecoderOptions,
        avoid: Option<&'static str>,
    ) -> Result<Opened, Fault> {
        let mut failed: Option<Fault> = None;
        for backend in self.preferred() {
            let backend = match backend {
                Ok(backend) if avoid == Some(backend.name()) => continue,
                Ok(backend) => backend,
                Err(error) => {
                    // No libavcodec on this machine is not a failure of the track.
                    if self.choice == DecoderChoice::Ffmpeg {
                        failed = Some(unsupported(track.codec, &error).fault());
                    }
                    continue;
                }
            };
            if !backend.supports(track.codec) {
                continue;
            }
            match AnyDecoder::open(backend.as_ref(), track, options) {
                Ok(decoder) => {
                    #[cfg(feature = "tracing")]
                    crate::trace::decoder_chosen(track, decoder.name(), failed.as_ref());
                    return Ok(Opened {
                        decoder,
                        fell_back: failed,
                    });
                }
                Err(error) => failed = Some(error.fault()),
            }
        }
        Err(failed.unwrap_or_else(|| self.no_decoder(track.codec)))
    }

    fn preferred(&self) -> Vec<Result<Arc<dyn DecoderBackend>, Arc<LoadError>>> {
        let rust = || Ok(Arc::clone(&self.rust) as Arc<dyn DecoderBackend>);
        let ffmpeg = || {
            ffmpeg()
                .clone()
                .map(|backend| backend as Arc<dyn DecoderBackend>)
        };
        match self.choice {
            DecoderChoice::Auto => vec![ffmpeg(), rust()],
            DecoderChoice::Rust => vec![rust()],
            DecoderChoice::Ffmpeg => vec![ffmpeg()],
        }
    }

    /// The fault of a codec that no backend knows; says why libavcodec did not help.
    fn no_decoder(&self, codec: CodecId) -> Fault {
        let detail = match (self.choice, FFMPEG.get()) {
            (DecoderChoice::Rust, _) => Some("the Rust decoders were asked for".to_owned()),
            (_, Some(Err(error))) => Some(error.to_string()),
            _ => None,
        };
        DecodeError::Unsupported { codec, detail }.fault()
    }
}

/// The name of the decoder that would decode a track.
///
/// # Errors
/// `ERROR_CODEC_VIDEO_NOT_SUPPORT` or `ERROR_CODEC_AUDIO_NOT_SUPPORT` where there is none.
pub fn decoder_for(track: &TrackInfo, choice: DecoderChoice) -> Result<String, Fault> {
    let opened = Backends::new(choice).open(track, DecoderOptions::default(), None)?;
    Ok(opened.decoder.name().to_owned())
}

fn unsupported(codec: CodecId, error: &LoadError) -> DecodeError {
    DecodeError::Unsupported {
        codec,
        detail: Some(error.to_string()),
    }
}
