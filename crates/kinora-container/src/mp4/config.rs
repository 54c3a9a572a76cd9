//! Decoder configuration of pictures, and MPEG-4 descriptors.

use bytes::Bytes;
use kinora_media::bitstream::aac;
use kinora_media::{AudioParams, CodecId, VideoParams};

use super::boxes::{FourCc, Reader, Short};
use super::entry::SampleEntry;
use crate::codec_config::{describe_audio, describe_video};

/// Takes a configuration box of a visual sample entry.
pub(crate) fn read_video(
    entry: &mut SampleEntry,
    video: &mut VideoParams,
    kind: FourCc,
    body: &Bytes,
) {
    match (&kind, entry.codec) {
        (b"avcC", CodecId::H264) | (b"hvcC", CodecId::H265) | (b"av1C", CodecId::Av1) => {
            entry.config = body.clone();
            entry.codec_string = describe_video(entry.codec, body, video);
        }
        (b"vpcC", CodecId::Vp8 | CodecId::Vp9) => {
            entry.config = body.clone();
            entry.codec_string = vp_codec_string(entry.tag, body);
        }
        (b"vvcC", CodecId::H266) => entry.config = body.slice(body.len().min(4)..),
        (b"esds", _) => {
            if let Some(descriptor) = descriptor(body) {
                entry.bitrate = entry.bitrate.or(descriptor.bitrate);
                if let Some(codec) = video_object_type(descriptor.object_type) {
                    entry.codec = codec;
                }
                entry.config = descriptor.specific;
            }
        }
        (b"glbl", CodecId::Mpeg4) => entry.config = body.clone(),
        _ => {}
    }
}

/// VP codec ISO media file format binding, "codecs parameter string".
fn vp_codec_string(tag: FourCc, body: &Bytes) -> Option<String> {
    let &[_, _, _, _, profile, level, depth] = body.first_chunk()?;
    let tag = String::from_utf8_lossy(&tag).into_owned();
    Some(format!("{tag}.{profile:02}.{level:02}.{:02}", depth >> 4))
}

/// What an `esds` box holds (ISO/IEC 14496-1 7.2.6.5 to 7.2.6.7).
pub(crate) struct Descriptor {
    pub(crate) object_type: u8,
    bitrate: Option<u32>,
    pub(crate) specific: Bytes,
}

pub(crate) fn descriptor(esds: &Bytes) -> Option<Descriptor> {
    let mut reader = Reader::new(esds);
    reader.full_box().ok()?;
    let es = tagged(&mut reader, 3).ok()??;
    let mut reader = Reader::new(&es);
    reader.skip(2).ok()?;
    let flags = reader.u8().ok()?;
    if flags & 0x80 != 0 {
        reader.skip(2).ok()?;
    }
    if flags & 0x40 != 0 {
        let url = reader.u8().ok()?;
        reader.skip(usize::from(url)).ok()?;
    }
    if flags & 0x20 != 0 {
        reader.skip(2).ok()?;
    }
    let decoder = tagged(&mut reader, 4).ok()??;
    let mut reader = Reader::new(&decoder);
    let object_type = reader.u8().ok()?;
    reader.skip(8).ok()?;
    let bitrate = reader.u32().ok().filter(|rate| *rate > 0);
    let specific = tagged(&mut reader, 5).ok().flatten().unwrap_or_default();
    Some(Descriptor {
        object_type,
        bitrate,
        specific,
    })
}

/// The next descriptor if it has that tag. A length past the end is cut there.
fn tagged(reader: &mut Reader, tag: u8) -> Result<Option<Bytes>, Short> {
    let found = reader.u8()?;
    let mut len = 0usize;
    for _ in 0..4 {
        let byte = reader.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let body = reader.bytes(len.min(reader.left()))?;
    Ok((found == tag).then_some(body))
}

/// Object type indications (<https://mp4ra.org/registered-types/object-types>).
fn video_object_type(object_type: u8) -> Option<CodecId> {
    Some(match object_type {
        0x20 => CodecId::Mpeg4,
        0x21 => CodecId::H264,
        0x23 => CodecId::H265,
        0x60..=0x65 => CodecId::Mpeg2Video,
        0x6a => CodecId::Mpeg1Video,
        0x6c => CodecId::Mjpeg,
        0xa3 => CodecId::Vc1,
        _ => return None,
    })
}

fn audio_object_type(object_type: u8) -> Option<CodecId> {
    Some(match object_type {
        0x40 | 0x66..=0x68 => CodecId::Aac,
        0x69 | 0x6b => CodecId::Mp3,
        0xa5 => CodecId::Ac3,
        0xa6 => CodecId::Eac3,
        0xa9..=0xac => CodecId::Dts,
        0xad => CodecId::Opus,
        0xae => CodecId::Ac4,
        0xdd => CodecId::Vorbis,
        _ => return None,
    })
}

/// The AudioSpecificConfig of an `esds`, which other containers keep without version and flags.
pub(crate) fn audio_config(esds: &Bytes) -> Option<Bytes> {
    const ES_DESCRIPTOR: u8 = 3;
    let esds = match esds.first() {
        Some(&ES_DESCRIPTOR) => Bytes::from([&[0; 4], esds.as_ref()].concat()),
        _ => esds.clone(),
    };
    descriptor(&esds).map(|descriptor| descriptor.specific)
}

/// Takes an `esds` of an audio sample entry.
pub(crate) fn read_audio_descriptor(
    entry: &mut SampleEntry,
    audio: &mut AudioParams,
    esds: &Bytes,
) {
    let Some(descriptor) = descriptor(esds) else {
        return;
    };
    entry.bitrate = entry.bitrate.or(descriptor.bitrate);
    entry.codec = audio_object_type(descriptor.object_type).unwrap_or(entry.codec);
    entry.codec_string = Some(format!("mp4a.{:02x}", descriptor.object_type));
    entry.config = descriptor.specific;
    if entry.codec != CodecId::Aac {
        return;
    }
    let Ok(config) = aac::AudioSpecificConfig::parse(&entry.config) else {
        return;
    };
    // MPEG-1/2 audio within MPEG-4 audio (ISO/IEC 14496-3 table 1.17).
    match config.object_type {
        32 => entry.codec = CodecId::Mp1,
        33 => entry.codec = CodecId::Mp2,
        34 => entry.codec = CodecId::Mp3,
        _ => {}
    }
    entry.codec_string = describe_audio(CodecId::Aac, &entry.config, audio);
}
