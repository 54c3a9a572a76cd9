//! Codecs that have no name of their own here, by what containers call them: libavcodec's name for each.

use kinora_media::CodecId;

/// By the type of a QuickTime sample description (QuickTime File Format; the registry of `mp4ra.org`).
pub(crate) fn by_sample_entry(tag: &[u8; 4]) -> Option<CodecId> {
    CodecId::by_name(match tag {
        b"rle " => "qtrle",
        b"rpza" | b"azpr" => "rpza",
        b"cvid" => "cinepak",
        b"smc " => "smc",
        b"SVQ1" | b"svq1" | b"svqi" => "svq1",
        b"SVQ3" => "svq3",
        b"8BPS" => "8bps",
        b"png " => "png",
        b"tiff" => "tiff",
        b"gif " => "gif",
        b"tga " => "targa",
        b"kpcd" => "photocd",
        b"raw " | b"2vuy" | b"2Vuy" | b"yuv2" | b"yuvs" | b"yuvu" | b"BGRA" | b"RGBA" | b"ABGR"
        | b"ARGB" => "rawvideo",
        b"v210" => "v210",
        b"v308" => "v308",
        b"v408" => "v408",
        b"v410" => "v410",
        b"r210" => "r210",
        b"AVdn" | b"AVdh" => "dnxhd",
        b"dvc " | b"dvcp" | b"dvpp" | b"dv5n" | b"dv5p" | b"dvh1" | b"dvh2" | b"dvh3" | b"dvh4"
        | b"dvh5" | b"dvh6" | b"dvhp" | b"dvhq" | b"dv1n" | b"dv1p" => "dvvideo",
        b"CFHD" => "cfhd",
        b"Hap1" | b"Hap5" | b"HapY" | b"HapA" | b"HapM" => "hap",
        b"DXD3" | b"DXDI" => "dxv",
        b"icod" => "aic",
        b"pxlt" => "pixlet",
        b"mjp2" => "jpeg2000",
        b"mjpb" => "mjpegb",
        b"h261" => "h261",
        b"drac" => "dirac",
        b"FFV1" => "ffv1",
        b"ZMBV" => "zmbv",
        b"IV32" | b"iv32" => "indeo3",
        b"IV41" => "indeo4",
        b"IV50" => "indeo5",
        b"VP30" | b"VP31" => "vp3",
        b"VP60" | b"VP61" | b"VP62" => "vp6",
        b"ULY0" | b"ULY2" | b"ULY4" | b"ULH0" | b"ULH2" | b"ULH4" | b"ULRG" | b"ULRA" => "utvideo",
        b"M8RG" | b"M8RA" | b"M8G0" | b"M8Y0" | b"M8Y2" | b"M8Y4" | b"M8YA" => "magicyuv",
        b"MAC3" => "mace3",
        b"MAC6" => "mace6",
        b"QDM2" => "qdm2",
        b"QDMC" => "qdmc",
        b"Qclp" | b"Qclq" | b"sqcp" => "qcelp",
        b"sevc" => "evrc",
        b"agsm" => "gsm",
        b"ilbc" => "ilbc",
        b"dvca" | b"vdva" => "dvaudio",
        _ => return None,
    })
}

/// By the `biCompression` of a BITMAPINFOHEADER, in capital letters.
pub(crate) fn by_compression(fourcc: &[u8; 4]) -> Option<CodecId> {
    Some(match fourcc {
        b"H264" | b"X264" | b"AVC1" | b"DAVC" | b"VSSH" | b"Q264" | b"V264" | b"GAVC" => {
            CodecId::H264
        }
        b"HEVC" | b"H265" | b"X265" | b"HVC1" => CodecId::H265,
        b"XVID" | b"DIVX" | b"DX50" | b"FMP4" | b"MP4V" | b"MP4S" | b"M4S2" | b"3IV2" | b"BLZ0"
        | b"UMP4" | b"RMP4" | b"SEDG" | b"WV1F" | b"FFDS" | b"FVFW" | b"SMP4" | b"DM4V"
        | b"XVIX" => CodecId::Mpeg4,
        b"MJPG" | b"IJPG" | b"AVRN" | b"DMB1" | b"SLMJ" => CodecId::Mjpeg,
        b"H263" | b"X263" | b"U263" | b"M263" | b"L263" | b"ILVR" | b"VX1K" => CodecId::H263,
        b"FLV1" | b"S263" => CodecId::Flv1,
        b"MPG1" | b"PIM1" | b"\x01\0\0\x10" => CodecId::Mpeg1Video,
        b"MPG2" | b"MPEG" | b"PIM2" | b"EM2V" | b"HDV2" | b"\x02\0\0\x10" => CodecId::Mpeg2Video,
        b"WVC1" => CodecId::Vc1,
        b"VP6F" => CodecId::Vp6,
        b"VP6A" => CodecId::Vp6a,
        b"VP80" => CodecId::Vp8,
        b"VP90" => CodecId::Vp9,
        b"AV01" => CodecId::Av1,
        b"THEO" => CodecId::Theora,
        b"FSV1" => CodecId::ScreenVideo,
        other => return of_windows(other),
    })
}

fn of_windows(fourcc: &[u8; 4]) -> Option<CodecId> {
    CodecId::by_name(match fourcc {
        b"MPG4" | b"MP41" => "msmpeg4v1",
        b"MP42" | b"DIV2" => "msmpeg4v2",
        b"MP43" | b"DIV3" | b"DIV4" | b"DIV5" | b"DIV6" | b"MPG3" | b"COL1" => "msmpeg4v3",
        b"WMV1" => "wmv1",
        b"WMV2" => "wmv2",
        b"WMV3" => "wmv3",
        b"DVSD" | b"DVHD" | b"DVSL" | b"DV25" | b"DV50" | b"DVCS" | b"DVCP" | b"CDVC" => "dvvideo",
        b"CVID" => "cinepak",
        b"MSVC" | b"CRAM" | b"WHAM" => "msvideo1",
        b"MRLE" | b"RLE8" => "msrle",
        b"IV31" | b"IV32" => "indeo3",
        b"IV41" => "indeo4",
        b"IV50" => "indeo5",
        b"HFYU" => "huffyuv",
        b"FFVH" => "ffvhuff",
        b"FFV1" => "ffv1",
        b"LAGS" => "lagarith",
        b"VP30" | b"VP31" => "vp3",
        b"VP50" => "vp5",
        b"VP60" | b"VP61" | b"VP62" => "vp6",
        b"VP70" | b"VP71" => "vp7",
        b"TSCC" => "tscc",
        b"TSC2" => "tscc2",
        b"ZMBV" => "zmbv",
        b"CSCD" => "cscd",
        b"SNOW" => "snow",
        b"DRAC" => "dirac",
        b"PNG1" | b"MPNG" => "png",
        b"MJLS" => "jpegls",
        b"MJ2C" | b"LJ2C" => "jpeg2000",
        b"H261" => "h261",
        b"I263" => "h263i",
        b"FPS1" => "fraps",
        b"CFHD" => "cfhd",
        b"AVDN" => "dnxhd",
        b"YUY2" | b"UYVY" | b"I420" | b"IYUV" | b"YV12" | b"Y800" | b"NV12" | b"\0\0\0\0" => {
            "rawvideo"
        }
        // The rest is called alike in both.
        other => return by_sample_entry(other),
    })
}

/// By a format tag of WAVEFORMATEX (RFC 2361, mmreg.h).
pub(crate) fn by_format_tag(tag: u16) -> Option<CodecId> {
    Some(match tag {
        0x02 => CodecId::AdpcmMs,
        0x06 => CodecId::Alaw,
        0x07 => CodecId::Mulaw,
        0x11 | 0x69 => CodecId::AdpcmImaWav,
        0xa109 => CodecId::Speex,
        0x566f => CodecId::Vorbis,
        other => return by_libavcodec(other),
    })
}

fn by_libavcodec(tag: u16) -> Option<CodecId> {
    CodecId::by_name(match tag {
        0x0a => "wmavoice",
        0x10 => "adpcm_ima_oki",
        0x20 => "adpcm_yamaha",
        0x22 => "truespeech",
        0x31 | 0x32 | 0x1500 => "gsm_ms",
        0x42 => "g723_1",
        0x45 | 0x64 => "adpcm_g726",
        0x61 => "adpcm_ima_dk4",
        0x62 => "adpcm_ima_dk3",
        0x75 => "metasound",
        0x83 => "g729",
        0x130 => "sipr",
        0x160 => "wmav1",
        0x161 => "wmav2",
        0x162 => "wmapro",
        0x163 => "wmalossless",
        0x165 => "xma1",
        0x166 => "xma2",
        0x200 => "adpcm_ct",
        0x270 => "atrac3",
        0x28f | 0x65 => "adpcm_g722",
        0x401 => "imc",
        0x402 => "iac",
        0x5756 => "wavpack",
        0x77a1 => "tta",
        _ => return None,
    })
}

/// By a CodecID of Matroska.
pub(crate) fn by_matroska(name: &str) -> Option<CodecId> {
    CodecId::by_name(match name {
        "V_UNCOMPRESSED" => "rawvideo",
        "V_FFV1" => "ffv1",
        "V_THEORA" => "theora",
        "V_SNOW" => "snow",
        "V_DIRAC" => "dirac",
        "V_AVS2" => "avs2",
        "V_AVS3" => "avs3",
        "V_MPEG4/MS/V3" => "msmpeg4v3",
        "V_REAL/RV10" => "rv10",
        "V_REAL/RV20" => "rv20",
        "V_REAL/RV30" => "rv30",
        "V_REAL/RV40" => "rv40",
        "A_TTA1" => "tta",
        "A_WAVPACK4" => "wavpack",
        "A_MLP" => "mlp",
        "A_ATRAC/AT1" => "atrac1",
        "A_REAL/14_4" => "ra_144",
        "A_REAL/28_8" => "ra_288",
        "A_REAL/COOK" => "cook",
        "A_REAL/SIPR" => "sipr",
        "A_REAL/RALF" => "ralf",
        "A_REAL/ATRC" => "atrac3",
        "A_QUICKTIME/QDM2" => "qdm2",
        "A_QUICKTIME/QDMC" => "qdmc",
        "S_HDMV/TEXTST" => "hdmv_text_subtitle",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::TrackKind;

    #[test]
    fn tags_name_codecs_of_their_kind() {
        for (tag, name) in [(b"rle ", "qtrle"), (b"AVdn", "dnxhd"), (b"png ", "png")] {
            let codec = by_sample_entry(tag).unwrap();
            assert_eq!((codec.name(), codec.kind()), (name, TrackKind::Video));
        }
        let named = |codec: Option<CodecId>| codec.map(CodecId::name);
        assert_eq!(named(by_compression(b"DIV3")), Some("msmpeg4v3"));
        assert_eq!(named(by_compression(b"ULRG")), Some("utvideo"));
        assert_eq!(by_compression(b"S263"), Some(CodecId::Flv1));
        assert_eq!(by_format_tag(0x11), Some(CodecId::AdpcmImaWav));
        assert_eq!(named(by_format_tag(0x161)), Some("wmav2"));
        assert_eq!(named(by_matroska("V_REAL/RV40")), Some("rv40"));
        assert_eq!(by_matroska("V_THEORA"), Some(CodecId::Theora));
        assert_eq!(
            (by_sample_entry(b"zzzz"), by_format_tag(0xfffe)),
            (None, None)
        );
    }
}
