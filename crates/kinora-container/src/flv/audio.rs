//! Tags of sound (Adobe Flash Video File Format 10.1, annex E.4.2; Enhanced RTMP v2, "Enhanced Audio").

use bytes::Bytes;
use kinora_media::CodecId;

use super::enhanced::{Part, parts};
use super::payload::{BadBody, Frame, Payload, Sound, Unit, u8};

/// `SoundFormat` of the enhanced form.
const ENHANCED: u8 = 9;
/// `AACPacketType`, and `AudioPacketType` of the enhanced form.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const MULTITRACK: u8 = 5;

const RATES: [u32; 4] = [5_512, 11_025, 22_050, 44_100];

/// What the body of a tag holds. What is no coded data gives nothing.
pub(super) fn payloads(mut body: Bytes) -> Result<Vec<Payload>, BadBody> {
    let first = u8(&mut body)?;
    if first >> 4 != ENHANCED {
        return Ok(plain(first, body)?.into_iter().collect());
    }
    let (parts, _) = parts(first, body, MULTITRACK)?;
    Ok(parts.into_iter().filter_map(enhanced).collect())
}

fn plain(first: u8, mut body: Bytes) -> Result<Option<Payload>, BadBody> {
    let id = first >> 4;
    let codec = match id {
        0 | 3 => CodecId::Pcm,
        1 => CodecId::AdpcmSwf,
        2 | 14 => CodecId::Mp3,
        4..=6 => CodecId::Nellymoser,
        7 => CodecId::Alaw,
        8 => CodecId::Mulaw,
        10 => CodecId::Aac,
        11 => CodecId::Speex,
        _ => CodecId::UnknownAudio,
    };
    let mut config = None;
    if codec == CodecId::Aac {
        match u8(&mut body)? {
            SEQUENCE_START => config = Some(body.clone()),
            CODED_FRAMES => {}
            _ => return Ok(None),
        }
    }
    let sound = Sound {
        sample_rate: match id {
            4 | 11 => 16_000,
            5 | 7 | 8 | 14 => 8_000,
            _ => RATES.get(usize::from(first >> 2 & 3)).copied().unwrap_or(0),
        },
        channels: match id {
            4 | 5 | 11 => 1,
            _ => u16::from(first & 1).saturating_add(1),
        },
        bits: if first & 2 == 0 { 8 } else { 16 },
    };
    Ok(Some(Payload {
        track: 0,
        codec,
        codec_tag: id.to_string(),
        unit: match config {
            Some(config) => Unit::Config(config),
            None => Unit::Frame(frame(body, Some(sound))),
        },
    }))
}

fn enhanced(part: Part) -> Option<Payload> {
    let codec = match &part.codec {
        b"mp4a" => CodecId::Aac,
        b".mp3" => CodecId::Mp3,
        b"ac-3" => CodecId::Ac3,
        b"ec-3" => CodecId::Eac3,
        b"Opus" => CodecId::Opus,
        b"fLaC" => CodecId::Flac,
        _ => CodecId::UnknownAudio,
    };
    let unit = match part.kind {
        SEQUENCE_START => Unit::Config(part.body),
        CODED_FRAMES => Unit::Frame(frame(part.body, None)),
        _ => return None,
    };
    Some(Payload {
        track: part.track,
        codec,
        codec_tag: part.codec.escape_ascii().to_string(),
        unit,
    })
}

fn frame(data: Bytes, sound: Option<Sound>) -> Frame {
    Frame {
        data,
        key: true,
        disposable: false,
        composition_ns: 0,
        sound,
    }
}
