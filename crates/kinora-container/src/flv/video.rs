//! Tags of pictures (Adobe Flash Video File Format 10.1, annex E.4.3; Enhanced RTMP v2, "Enhanced Video").

use bytes::{Buf, Bytes};
use kinora_media::CodecId;

use super::enhanced::{Part, parts};
use super::payload::{BadBody, Frame, Payload, Unit, composition_ns, u8};

/// `FrameType`.
const KEY: u8 = 1;
const DISPOSABLE: u8 = 3;
const GENERATED_KEY: u8 = 4;
const COMMAND: u8 = 5;

/// `AVCPacketType`, and `VideoPacketType` of the enhanced form.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
/// The same without composition time, which is zero.
const CODED_FRAMES_X: u8 = 3;
const MULTITRACK: u8 = 6;

/// What the body of a tag holds. What is no coded data (commands, ends of sequences, metadata) gives nothing.
pub(super) fn payloads(mut body: Bytes) -> Result<Vec<Payload>, BadBody> {
    let first = u8(&mut body)?;
    let frame_type = first >> 4 & 7;
    if first & 0x80 == 0 {
        if frame_type == COMMAND {
            return Ok(Vec::new());
        }
        return Ok(plain(frame_type, first & 15, body)?.into_iter().collect());
    }
    if frame_type == COMMAND {
        return Ok(Vec::new());
    }
    let (parts, later_ns) = parts(first, body, MULTITRACK)?;
    let mut payloads = Vec::with_capacity(parts.len());
    for part in parts {
        payloads.extend(enhanced(frame_type, later_ns, part)?);
    }
    Ok(payloads)
}

fn plain(frame_type: u8, id: u8, mut body: Bytes) -> Result<Option<Payload>, BadBody> {
    let codec = codec_by_id(id);
    let mut composition = 0;
    let mut config = None;
    match codec {
        CodecId::H264 | CodecId::H265 | CodecId::Av1 => {
            let kind = u8(&mut body)?;
            composition = composition_ns(&mut body)?;
            match kind {
                SEQUENCE_START => config = Some(body.clone()),
                CODED_FRAMES => {}
                _ => return Ok(None),
            }
        }
        // How far the picture is cut at its sides: decoders take it as configuration.
        CodecId::Vp6 | CodecId::Vp6a => body.advance(1.min(body.len())),
        _ => {}
    }
    Ok(Some(Payload {
        track: 0,
        codec,
        codec_tag: id.to_string(),
        unit: match config {
            Some(config) => Unit::Config(config),
            None => Unit::Frame(frame(frame_type, composition, body)),
        },
    }))
}

fn codec_by_id(id: u8) -> CodecId {
    match id {
        2 => CodecId::Flv1,
        3 => CodecId::ScreenVideo,
        4 => CodecId::Vp6,
        5 => CodecId::Vp6a,
        6 => CodecId::ScreenVideo2,
        7 => CodecId::H264,
        // Never in the specification: streaming services in China agreed on them.
        12 => CodecId::H265,
        13 => CodecId::Av1,
        _ => CodecId::UnknownVideo,
    }
}

fn enhanced(frame_type: u8, later_ns: i64, part: Part) -> Result<Option<Payload>, BadBody> {
    let codec = match &part.codec {
        b"avc1" => CodecId::H264,
        b"hvc1" => CodecId::H265,
        b"vvc1" => CodecId::H266,
        b"av01" => CodecId::Av1,
        b"vp08" => CodecId::Vp8,
        b"vp09" => CodecId::Vp9,
        _ => CodecId::UnknownVideo,
    };
    let mut body = part.body;
    let reorders = matches!(codec, CodecId::H264 | CodecId::H265 | CodecId::H266);
    let unit = match part.kind {
        SEQUENCE_START => Unit::Config(body),
        CODED_FRAMES if reorders => {
            let composition = composition_ns(&mut body)?.saturating_add(later_ns);
            Unit::Frame(frame(frame_type, composition, body))
        }
        CODED_FRAMES | CODED_FRAMES_X => Unit::Frame(frame(frame_type, later_ns, body)),
        _ => return Ok(None),
    };
    Ok(Some(Payload {
        track: part.track,
        codec,
        codec_tag: part.codec.escape_ascii().to_string(),
        unit,
    }))
}

fn frame(frame_type: u8, composition_ns: i64, data: Bytes) -> Frame {
    Frame {
        data,
        key: matches!(frame_type, KEY | GENERATED_KEY),
        disposable: frame_type == DISPOSABLE,
        composition_ns,
        sound: None,
    }
}
