//! Codecs by the names that Matroska has for them, and their configuration in the form in which decoders take it
//! (RFC 9559 5.1.4.1.21; Matroska codec specifications).

use bytes::{BufMut, Bytes, BytesMut};
use kinora_media::bitstream::aac::{AudioSpecificConfig, SAMPLE_RATES, object_type};
use kinora_media::{AudioParams, CodecId, Palette, pcm_flag};

use crate::codec_tags;
use crate::mp4::SampleEntry;
use crate::wave_format::WaveFormat;

/// Kinds of tracks (RFC 9559 5.1.4.1.3).
pub(super) mod track_type {
    pub(crate) const VIDEO: u64 = 1;
    pub(crate) const AUDIO: u64 = 2;
    pub(crate) const SUBTITLE: u64 = 17;
}

/// Bytes of the properties of a RealVideo stream.
const REAL_PROPERTIES: usize = 26;

/// A codec and how its decoder is set up.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Coding {
    /// `None`: no codec here is for it.
    pub(super) codec: Option<CodecId>,
    pub(super) config: Bytes,
    /// What the configuration says of the sound besides.
    pub(super) sound: Option<AudioParams>,
    /// What it says of the pictures: bits a pixel.
    pub(super) bits: Option<u16>,
    /// What the codec is called where the name is borrowed: the four characters or the number of another system.
    pub(super) tag: Option<String>,
    /// What the numbers of pixels stand for.
    pub(super) palette: Option<Palette>,
}

impl Coding {
    fn new(codec: CodecId, config: Bytes) -> Self {
        Self {
            codec: Some(codec),
            config,
            ..Self::default()
        }
    }
}

/// Looks a codec up. `audio` is what the track says of its sound.
pub(super) fn coding(name: &str, private: Bytes, audio: &AudioParams) -> Coding {
    let found = match name {
        "V_MS/VFW/FOURCC" => vfw(&private),
        "A_MS/ACM" => acm(&private),
        "V_QUICKTIME" => quicktime(&private, *b"vide"),
        "A_QUICKTIME" => quicktime(&private, *b"soun"),
        "A_FLAC" => Some(Coding::new(CodecId::Flac, stream_info(&private))),
        _ => None,
    };
    if let Some(found) = found.or_else(|| pcm(name, audio)) {
        return found;
    }
    let codec = by_name(name).or_else(|| codec_tags::by_matroska(name));
    let config = match codec {
        Some(CodecId::Aac) if private.is_empty() => aac_config(name, audio).unwrap_or_default(),
        // Frames are as they are in elementary streams; what some writers store here is of no use to a decoder.
        Some(CodecId::Mp1 | CodecId::Mp2 | CodecId::Mp3 | CodecId::Ac3 | CodecId::Eac3) => {
            Bytes::new()
        }
        // RealMedia's properties of the stream, and behind them what the decoder needs.
        Some(CodecId::Other(_)) if name.starts_with("V_REAL/") => {
            private.slice(private.len().min(REAL_PROPERTIES)..)
        }
        _ => private,
    };
    Coding {
        codec,
        config,
        ..Coding::default()
    }
}

/// What a track is that no codec here is for.
pub(super) fn unknown(kind: u64) -> CodecId {
    match kind {
        track_type::VIDEO => CodecId::UnknownVideo,
        track_type::AUDIO => CodecId::UnknownAudio,
        track_type::SUBTITLE => CodecId::UnknownSubtitle,
        _ => CodecId::UnknownData,
    }
}

fn by_name(name: &str) -> Option<CodecId> {
    // The profile behind the codec: `A_AAC/MPEG4/LC/SBR`, `A_AC3/BSID9`.
    let family = name.split('/').next().unwrap_or(name);
    let whole = match name {
        "V_MPEG4/ISO/AVC" => CodecId::H264,
        "V_MPEGH/ISO/HEVC" => CodecId::H265,
        "V_MPEGI/ISO/VVC" => CodecId::H266,
        "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" | "V_MPEG4/ISO/AP" => CodecId::Mpeg4,
        "A_MPEG/L1" => CodecId::Mp1,
        "A_MPEG/L2" => CodecId::Mp2,
        "A_MPEG/L3" => CodecId::Mp3,
        "S_TEXT/UTF8" | "S_TEXT/ASCII" => CodecId::Subrip,
        "S_TEXT/ASS" | "S_TEXT/SSA" | "S_ASS" | "S_SSA" => CodecId::Ass,
        "S_TEXT/WEBVTT" => CodecId::WebVtt,
        "S_HDMV/PGS" => CodecId::Pgs,
        _ => return by_family(family),
    };
    Some(whole)
}

fn by_family(family: &str) -> Option<CodecId> {
    Some(match family {
        "V_AV1" => CodecId::Av1,
        "V_VP8" => CodecId::Vp8,
        "V_VP9" => CodecId::Vp9,
        "V_MPEG1" => CodecId::Mpeg1Video,
        "V_MPEG2" => CodecId::Mpeg2Video,
        "V_MJPEG" => CodecId::Mjpeg,
        "V_PRORES" => CodecId::ProRes,
        "A_AAC" => CodecId::Aac,
        "A_AC3" => CodecId::Ac3,
        "A_EAC3" => CodecId::Eac3,
        "A_DTS" => CodecId::Dts,
        "A_TRUEHD" => CodecId::TrueHd,
        "A_OPUS" => CodecId::Opus,
        "A_VORBIS" => CodecId::Vorbis,
        "A_ALAC" => CodecId::Alac,
        // WebM's older names for the same text.
        "D_WEBVTT" => CodecId::WebVtt,
        "S_VOBSUB" => CodecId::VobSub,
        "S_DVBSUB" => CodecId::DvbSubtitle,
        _ => return None,
    })
}

fn pcm(name: &str, audio: &AudioParams) -> Option<Coding> {
    let bits = audio.bits_per_sample;
    let flags = match name {
        // Samples of eight bits have no sign, as in WAVE.
        "A_PCM/INT/LIT" | "A_PCM/INT/BIG" if bits == Some(8) => pcm_flag::UNSIGNED,
        "A_PCM/INT/LIT" => pcm_flag::LITTLE_ENDIAN,
        "A_PCM/INT/BIG" => 0,
        "A_PCM/FLOAT/IEEE" => pcm_flag::FLOAT | pcm_flag::LITTLE_ENDIAN,
        _ => return None,
    };
    let usual = if flags & pcm_flag::FLOAT != 0 { 32 } else { 16 };
    Some(pcm_coding(flags, bits.unwrap_or(usual)))
}

fn pcm_coding(flags: u8, bits: u16) -> Coding {
    let bits = u8::try_from(bits).unwrap_or(0);
    Coding::new(CodecId::Pcm, Bytes::copy_from_slice(&[flags, bits]))
}

/// STREAMINFO alone, from the header of a native FLAC file (RFC 9639 8).
fn stream_info(private: &Bytes) -> Bytes {
    const BEFORE: usize = 8;
    const LEN: usize = 34;
    let end = BEFORE.saturating_add(LEN);
    match private.starts_with(b"fLaC") && private.len() >= end {
        true => private.slice(BEFORE..end),
        false => private.clone(),
    }
}

/// A `BITMAPINFOHEADER`, and behind it what the codec needs: its own configuration, or a palette.
fn vfw(private: &Bytes) -> Option<Coding> {
    const LEN: usize = 40;
    let height = i32::from_le_bytes(*private.get(8..)?.first_chunk()?);
    let bits = u16::from_le_bytes(*private.get(14..)?.first_chunk()?);
    let fourcc: [u8; 4] = *private.get(16..)?.first_chunk()?;
    let behind = private.slice(private.len().min(LEN)..);
    let palette = matches!(bits, 1 | 2 | 4 | 8)
        .then(|| behind.slice(..behind.len().min(4_usize << bits)))
        .filter(|quads| !quads.is_empty());
    Some(Coding {
        codec: codec_tags::by_compression(&fourcc.map(|char| char.to_ascii_uppercase())),
        palette: palette.map(|quads| Palette::of_quads(&quads)),
        // Uncompressed pictures lie from the bottom up, unless their height is negative; libavcodec is told by this word.
        config: match fourcc == [0; 4] && height > 0 {
            true => Bytes::from_static(b"BottomUp\0"),
            false => behind,
        },
        bits: Some(bits).filter(|bits| *bits > 0),
        tag: shown(fourcc),
        sound: None,
    })
}

/// Four characters, where they are such: uncompressed pictures have a zero.
fn shown(fourcc: [u8; 4]) -> Option<String> {
    let is_text = fourcc.iter().all(|char| matches!(char, 0x20..=0x7e));
    is_text.then(|| fourcc.iter().copied().map(char::from).collect())
}

/// A `WAVEFORMATEX`, and behind it what the codec needs.
fn acm(private: &Bytes) -> Option<Coding> {
    let format = WaveFormat::parse(private)?;
    Some(Coding {
        codec: Some(format.codec()),
        config: format.config(),
        sound: Some(format.params()),
        tag: Some(format.shown_tag()),
        ..Coding::default()
    })
}

/// A sample description of QuickTime.
fn quicktime(description: &Bytes, handler: [u8; 4]) -> Option<Coding> {
    let entry = SampleEntry::of_description(description, handler)?;
    Some(Coding {
        codec: Some(entry.codec),
        config: entry.config,
        sound: entry.audio,
        bits: entry.video.and_then(|video| video.bits_per_coded_sample),
        tag: shown(entry.tag),
        palette: entry.palette,
    })
}

/// An AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) of what an older name of AAC says: `A_AAC/MPEG4/LC/SBR`.
fn aac_config(name: &str, audio: &AudioParams) -> Option<Bytes> {
    let parts = || name.split('/').skip(2);
    let profile = match parts().next().unwrap_or("LC") {
        "MAIN" => object_type::MAIN,
        "SSR" => 3,
        "LTP" => 4,
        _ => object_type::LC,
    };
    let has_sbr = parts().any(|part| part == "SBR");
    // What is told is the rate of the output: the core of SBR has half of it.
    let core_rate = match has_sbr {
        true => audio.sample_rate / 2,
        false => audio.sample_rate,
    };
    let plain = AudioSpecificConfig::plain(core_rate, audio.channels)?;
    // The profile is the first five bits.
    let bits = u16::from_be_bytes(plain) & 0x07ff | u16::from(profile) << 11;
    let mut config = BytesMut::with_capacity(5);
    config.put_u16(bits);
    if has_sbr {
        // Signalled behind, for those who know it: sync word, object type 5, present, rate.
        let index = SAMPLE_RATES
            .iter()
            .position(|rate| *rate == audio.sample_rate)?;
        let index = u32::try_from(index).ok()?;
        let extension = 0x2b7 << 13 | u32::from(object_type::SBR) << 8 | 1 << 7 | index << 3;
        let [_, high, middle, low] = extension.to_be_bytes();
        config.put_slice(&[high, middle, low]);
    }
    Some(config.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(sample_rate: u32, bits: u16) -> AudioParams {
        AudioParams {
            sample_rate,
            channels: 2,
            bits_per_sample: Some(bits).filter(|bits| *bits > 0),
            ..AudioParams::default()
        }
    }

    fn of(name: &str, private: &'static [u8]) -> Coding {
        coding(name, Bytes::from_static(private), &audio(48_000, 24))
    }

    #[test]
    fn codecs_are_known_by_their_names() {
        for (name, codec) in [
            ("V_MPEG4/ISO/AVC", CodecId::H264),
            ("V_MPEGH/ISO/HEVC", CodecId::H265),
            ("V_MPEG4/ISO/ASP", CodecId::Mpeg4),
            ("V_VP9", CodecId::Vp9),
            ("A_AC3/BSID10", CodecId::Ac3),
            ("A_DTS/EXPRESS", CodecId::Dts),
            ("A_OPUS", CodecId::Opus),
            ("S_TEXT/UTF8", CodecId::Subrip),
            ("S_HDMV/PGS", CodecId::Pgs),
            ("S_VOBSUB", CodecId::VobSub),
            ("D_WEBVTT/SUBTITLES", CodecId::WebVtt),
            ("V_REAL/RV40", CodecId::by_name("rv40").unwrap()),
            ("A_TTA1", CodecId::by_name("tta").unwrap()),
        ] {
            assert_eq!(of(name, b"").codec, Some(codec), "{name}");
        }
        assert_eq!(of("V_NOBODY", b"").codec, None);
    }

    #[test]
    fn pcm_tells_how_its_samples_are_stored() {
        assert_eq!(of("A_PCM/INT/LIT", b"").config, &[1, 24][..]);
        assert_eq!(of("A_PCM/INT/BIG", b"").config, &[0, 24][..]);
        let byte = coding("A_PCM/INT/LIT", Bytes::new(), &audio(8_000, 8));
        assert_eq!(byte.config, &[4, 8][..]);
        let float = coding("A_PCM/FLOAT/IEEE", Bytes::new(), &audio(8_000, 0));
        assert_eq!(float.config, &[3, 32][..]);
    }

    #[test]
    fn a_name_of_aac_stands_for_its_configuration() {
        let config = of("A_AAC/MPEG4/LC/SBR", b"").config;
        let read = AudioSpecificConfig::parse(&config).unwrap();
        assert_eq!((read.object_type, read.sample_rate), (2, 24_000));
        assert_eq!(read.sbr_sample_rate, Some(48_000));
        let config = of("A_AAC/MPEG2/MAIN", b"").config;
        let read = AudioSpecificConfig::parse(&config).unwrap();
        assert_eq!((read.object_type, read.sample_rate), (1, 48_000));
        assert_eq!(of("A_AAC", b"\x12\x10").config, &b"\x12\x10"[..]);
    }

    #[test]
    fn headers_of_windows_name_their_codec_its_bits_and_its_configuration() {
        let mut header = vec![0; 40];
        header[14] = 8;
        header[16..20].copy_from_slice(b"xvid");
        // A palette, where pixels have few bits.
        header.extend(b"rest");
        let found = coding("V_MS/VFW/FOURCC", header.clone().into(), &audio(0, 0));
        assert_eq!(
            (
                found.codec,
                &*found.config,
                found.bits,
                found.tag.as_deref()
            ),
            (Some(CodecId::Mpeg4), &b"rest"[..], Some(8), Some("xvid"))
        );
        assert_eq!(found.palette.unwrap().colors()[..2], [0xff73_6572, 0]);
        header[16..20].copy_from_slice(&[0; 4]);
        let raw = coding("V_MS/VFW/FOURCC", header.into(), &audio(0, 0));
        assert_eq!((raw.codec, raw.tag), (CodecId::by_name("rawvideo"), None));
        let word = |height: i32| {
            let mut header = vec![0; 40];
            header[8..12].copy_from_slice(&height.to_le_bytes());
            coding("V_MS/VFW/FOURCC", header.into(), &audio(0, 0)).config
        };
        assert_eq!((word(54), word(-54)), ("BottomUp\0".into(), Bytes::new()));
        assert_eq!(of("V_MS/VFW/FOURCC", b"short").codec, None);

        let mp3 = b"\x55\0\x02\0\x44\xac\0\0\0\0\0\0\x01\0\0\0\x02\0zz";
        let found = of("A_MS/ACM", mp3);
        assert_eq!((found.codec, found.config.len()), (Some(CodecId::Mp3), 0));
        let sound = found.sound.unwrap();
        assert_eq!((sound.sample_rate, sound.channels), (44_100, 2));
        assert_eq!(of("A_MS/ACM", b"\x55").codec, None);

        let pcm = b"\x01\0\x02\0\x80\xbb\0\0\0\x65\x04\0\x06\0\x18\0\0\0";
        let found = of("A_MS/ACM", pcm);
        assert_eq!(
            (found.codec, &*found.config),
            (Some(CodecId::Pcm), &[1, 24][..])
        );
        assert_eq!(found.sound.unwrap().bits_per_sample, Some(24));
        // What is behind the configuration's length is none of it.
        let wma = b"\x61\x01\x02\0\x44\xac\0\0\0\0\0\0\xe7\x02\x10\0\x04\0abcdef";
        let found = of("A_MS/ACM", wma);
        assert_eq!(&*found.config, b"abcd");
        let sound = found.sound.unwrap();
        assert_eq!(
            (
                sound.block_align,
                sound.bits_per_coded_sample,
                sound.bits_per_sample
            ),
            (Some(743), Some(16), None)
        );
        assert_eq!(found.tag.as_deref(), Some("0x0161"));
    }

    #[test]
    fn a_description_of_quicktime_names_its_codec_and_its_depth() {
        let mut description = vec![0; 86];
        description[3] = 86;
        description[4..8].copy_from_slice(b"rle ");
        description[83] = 24;
        let found = coding("V_QUICKTIME", description.into(), &audio(0, 0));
        assert_eq!(
            (found.codec, found.bits, found.tag.as_deref()),
            (CodecId::by_name("qtrle"), Some(24), Some("rle "))
        );
        assert_eq!(of("V_QUICKTIME", b"\0\0\0").codec, None);
    }

    #[test]
    fn flac_is_set_up_by_its_stream_info() {
        let mut private = b"fLaC\x80\0\0\x22".to_vec();
        private.extend(0..34);
        let found = coding("A_FLAC", private.into(), &audio(0, 0));
        assert_eq!((found.config.len(), found.config[33]), (34, 33));
    }
}
