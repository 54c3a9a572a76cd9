mod descriptor;

use core::fmt;

pub use self::descriptor::CodecDescriptor;

/// What a track carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Timed text.
    Subtitle,
    /// Anything else: metadata, cue points.
    Data,
}

impl TrackKind {
    /// `video`, `audio`, `subtitle` or `data`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitle",
            Self::Data => "data",
        }
    }
}

macro_rules! codecs {
    ($($id:ident $kind:ident $name:literal $title:literal),+ $(,)?) => {
        /// A way of coding video, audio or text. A codec that Kinora knows no decoder
        /// for still has its name here, so that a fault can say what was met.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum CodecId {
            $(#[doc = $title] $id,)+
            /// One of the others that libavcodec has a name for.
            Other(CodecDescriptor),
        }

        impl CodecId {
            /// Every codec that has a name of its own here.
            pub const ALL: &[Self] = &[$(Self::$id),+];
            /// The short name that commands and JSON use: `h264`, `aac`.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$id => $name,)+ Self::Other(codec) => codec.name() } }
            /// The name a person knows: `H.264 / AVC`.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Self::$id => $title,)+ Self::Other(codec) => codec.title() } }
            /// Whether it codes video, audio, text or something else.
            #[must_use]
            pub const fn kind(self) -> TrackKind { match self { $(Self::$id => TrackKind::$kind,)+ Self::Other(codec) => codec.kind() } }
        }
    };
}

codecs! {
    H264 Video "h264" "H.264 / AVC",
    H265 Video "hevc" "H.265 / HEVC",
    H266 Video "vvc" "H.266 / VVC",
    Av1 Video "av1" "AV1",
    Vp8 Video "vp8" "VP8",
    Vp9 Video "vp9" "VP9",
    Mpeg1Video Video "mpeg1video" "MPEG-1 video",
    Mpeg2Video Video "mpeg2video" "MPEG-2 video",
    Mpeg4 Video "mpeg4" "MPEG-4 part 2",
    H263 Video "h263" "H.263",
    Flv1 Video "flv1" "Sorenson Spark (H.263)",
    Vp6 Video "vp6f" "VP6",
    Vp6a Video "vp6a" "VP6 with alpha",
    ScreenVideo Video "flashsv" "Flash Screen Video",
    ScreenVideo2 Video "flashsv2" "Flash Screen Video 2",
    Theora Video "theora" "Theora",
    Mjpeg Video "mjpeg" "Motion JPEG",
    Vc1 Video "vc1" "VC-1",
    ProRes Video "prores" "Apple ProRes",
    UnknownVideo Video "unknown_video" "an unknown video codec",
    Aac Audio "aac" "AAC",
    AacLatm Audio "aac_latm" "AAC in LATM",
    Mp3 Audio "mp3" "MP3",
    Mp2 Audio "mp2" "MPEG audio layer II",
    Mp1 Audio "mp1" "MPEG audio layer I",
    Ac3 Audio "ac3" "AC-3",
    Eac3 Audio "eac3" "E-AC-3",
    Ac4 Audio "ac4" "AC-4",
    Opus Audio "opus" "Opus",
    Vorbis Audio "vorbis" "Vorbis",
    Flac Audio "flac" "FLAC",
    Alac Audio "alac" "ALAC",
    Dts Audio "dts" "DTS",
    TrueHd Audio "truehd" "Dolby TrueHD",
    MpegH Audio "mpegh" "MPEG-H 3D audio",
    Iamf Audio "iamf" "IAMF",
    AmrNb Audio "amr_nb" "AMR narrow-band",
    AmrWb Audio "amr_wb" "AMR wide-band",
    Pcm Audio "pcm" "PCM",
    Alaw Audio "pcm_alaw" "G.711 A-law",
    Mulaw Audio "pcm_mulaw" "G.711 mu-law",
    AdpcmSwf Audio "adpcm_swf" "Flash ADPCM",
    Nellymoser Audio "nellymoser" "Nellymoser",
    Speex Audio "speex" "Speex",
    AdpcmImaWav Audio "adpcm_ima_wav" "IMA ADPCM",
    AdpcmImaQt Audio "adpcm_ima_qt" "IMA ADPCM of QuickTime",
    AdpcmMs Audio "adpcm_ms" "Microsoft ADPCM",
    UnknownAudio Audio "unknown_audio" "an unknown audio codec",
    Subrip Subtitle "subrip" "SubRip",
    WebVtt Subtitle "webvtt" "WebVTT",
    Ass Subtitle "ass" "ASS",
    Tx3g Subtitle "mov_text" "3GPP timed text",
    Ttml Subtitle "ttml" "TTML",
    Cea608 Subtitle "eia_608" "CEA-608 captions",
    Cea708 Subtitle "cea_708" "CEA-708 captions",
    DvbSubtitle Subtitle "dvb_subtitle" "DVB subtitles",
    DvbTeletext Subtitle "dvb_teletext" "DVB teletext",
    Pgs Subtitle "hdmv_pgs_subtitle" "Blu-ray subtitles (PGS)",
    VobSub Subtitle "dvd_subtitle" "DVD subtitles (VobSub)",
    UnknownSubtitle Subtitle "unknown_subtitle" "an unknown subtitle format",
    Id3 Data "timed_id3" "timed ID3",
    Scte35 Data "scte_35" "SCTE-35 cues",
    UnknownData Data "unknown_data" "unknown data",
}

impl CodecId {
    /// Whether nothing is known of it but its kind.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        matches!(
            self,
            Self::UnknownVideo | Self::UnknownAudio | Self::UnknownSubtitle | Self::UnknownData
        )
    }

    /// The codec of that [name](Self::name), or of libavcodec's where that is another one.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let name = match name {
            "mpegh_3d_audio" => Self::MpegH.name(),
            "ssa" => Self::Ass.name(),
            other => other,
        };
        let mut own = Self::ALL.iter().copied();
        own.find(|codec| codec.name() == name)
            .or_else(|| CodecDescriptor::by_name(name).map(Self::Other))
    }

    /// The codec that an RFC 6381 name means (`avc1.64001f`, `mp4a.40.2`), blanks around it aside; `None` for one that has
    /// no name here.
    #[must_use]
    pub fn from_rfc6381(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let mut parts = name.split('.');
        let sample_entry = parts.next()?;
        Some(match sample_entry {
            "avc1" | "avc2" | "avc3" | "avc4" | "dva1" | "dvav" => Self::H264,
            "hvc1" | "hev1" | "dvh1" | "dvhe" => Self::H265,
            "vvc1" | "vvi1" => Self::H266,
            "av01" | "dav1" => Self::Av1,
            "vp8" | "vp08" => Self::Vp8,
            "vp9" | "vp09" => Self::Vp9,
            "mp4v" => mp4_object(parts.next()?, None)?,
            "mp4a" => mp4_object(parts.next()?, parts.next())?,
            "mp3" => Self::Mp3,
            "ac-3" => Self::Ac3,
            "ec-3" => Self::Eac3,
            "ac-4" => Self::Ac4,
            "opus" => Self::Opus,
            "vorbis" => Self::Vorbis,
            "flac" => Self::Flac,
            "alac" => Self::Alac,
            "dtsc" | "dtse" | "dtsh" | "dtsl" | "dtsx" => Self::Dts,
            "mhm1" | "mhm2" | "mha1" => Self::MpegH,
            "iamf" => Self::Iamf,
            "stpp" => Self::Ttml,
            "wvtt" => Self::WebVtt,
            "tx3g" => Self::Tx3g,
            _ => return None,
        })
    }
}

/// ISO/IEC 14496-1 object types by their hexadecimal numbers (MP4 registration authority); of 0x40 the audio object type
/// behind it (ISO/IEC 14496-3 1.5.1.1).
fn mp4_object(object: &str, audio: Option<&str>) -> Option<CodecId> {
    Some(match (object, audio) {
        ("20", _) => CodecId::Mpeg4,
        ("60" | "61" | "62" | "63" | "64" | "65", _) => CodecId::Mpeg2Video,
        ("6a", _) => CodecId::Mpeg1Video,
        ("40", Some("34")) => CodecId::Mp3,
        ("40" | "66" | "67" | "68", _) => CodecId::Aac,
        ("69" | "6b", _) => CodecId::Mp3,
        ("a5", _) => CodecId::Ac3,
        ("a6", _) => CodecId::Eac3,
        ("a9", _) => CodecId::Dts,
        ("ad", _) => CodecId::Opus,
        _ => return None,
    })
}

impl fmt::Display for CodecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rfc_6381_are_known() {
        for (name, id) in [
            ("avc1.64001f", CodecId::H264),
            (" hvc1.1.6.L93.B0 ", CodecId::H265),
            ("av01.0.05M.08", CodecId::Av1),
            ("mp4a.40.2", CodecId::Aac),
            ("mp4a.40.34", CodecId::Mp3),
            ("mp4a.6B", CodecId::Mp3),
            ("mp4a.67", CodecId::Aac),
            ("mp4v.20.9", CodecId::Mpeg4),
            ("fLaC", CodecId::Flac),
            ("Opus", CodecId::Opus),
            ("ec-3", CodecId::Eac3),
            ("stpp.ttml.im1t", CodecId::Ttml),
        ] {
            assert_eq!(CodecId::from_rfc6381(name), Some(id), "{name}");
        }
        for name in ["", "mp4a", "some.day", "mp4a.zz"] {
            assert_eq!(CodecId::from_rfc6381(name), None, "{name}");
        }
    }
}
