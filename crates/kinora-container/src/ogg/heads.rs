//! The first headers of the codecs that are known, which tell what a logical stream carries.

use bytes::Bytes;
use kinora_media::bitstream::flac;
use kinora_media::{AudioParams, CodecId, TrackId, TrackInfo, VideoParams};

use super::mapping::{Codec, Mapping, Rate};
use super::vorbis::Identification;
use crate::ts::opus;

/// Looks at the first packet of a logical stream. `None`: it carries something else.
pub(super) fn identify(id: TrackId, packet: &Bytes) -> Option<Mapping> {
    let mut mapping = match packet.first()? {
        b'O' => opus_head(id, packet),
        1 => vorbis_head(id, packet),
        0x7f => flac_head(id, packet),
        0x80 => theora_head(id, packet),
        b'S' => speex_head(id, packet),
        _ => None,
    }?;
    if mapping.info.codec != CodecId::Flac {
        mapping.headers.push(packet.clone());
    }
    Some(mapping)
}

fn audio_info(id: TrackId, codec: CodecId, audio: AudioParams, string: &str) -> TrackInfo {
    TrackInfo {
        audio: Some(audio),
        codec_string: Some(string.to_owned()).filter(|string| !string.is_empty()),
        ..TrackInfo::new(id, codec)
    }
}

/// RFC 7845 5.1.
fn opus_head(id: TrackId, packet: &[u8]) -> Option<Mapping> {
    let version = packet.strip_prefix(b"OpusHead")?.first()?;
    if version >> 4 != 0 || packet.len() < 19 {
        return None;
    }
    let mut audio = AudioParams::default();
    opus::describe(packet, &mut audio);
    let pre_skip = audio.encoder_delay.into();
    let info = audio_info(id, CodecId::Opus, audio, "opus");
    let codec = Codec::Opus { pre_skip };
    Some(Mapping::new(info, codec, 1, Rate::of(48_000)))
}

fn vorbis_head(id: TrackId, packet: &[u8]) -> Option<Mapping> {
    let identification = Identification::parse(packet)?;
    let rate = Rate::of(identification.audio.sample_rate);
    let mut info = audio_info(id, CodecId::Vorbis, identification.audio, "vorbis");
    info.bitrate = identification.bitrate;
    Some(Mapping::new(info, Codec::Vorbis(None), 2, rate))
}

/// RFC 9639 10.1: a version, the number of blocks that follow (0 where unknown), then a stream's own beginning.
fn flac_head(id: TrackId, packet: &Bytes) -> Option<Mapping> {
    let rest = packet.strip_prefix(b"\x7fFLAC")?;
    let rest = rest.get(4..)?.strip_prefix(b"fLaC")?;
    let info = rest.get(4..38)?;
    let parsed = flac::StreamInfo::parse(info).ok()?;
    let rate = Rate::of(parsed.sample_rate);
    let mut track = audio_info(id, CodecId::Flac, parsed.params(), "flac");
    track.config = packet.slice_ref(info);
    // The last block is told by its own flag.
    let last = rest.first().is_some_and(|first| first & 0x80 != 0);
    Some(Mapping::new(track, Codec::Flac, u32::from(!last), rate))
}

/// Theora specification 6.2.
fn theora_head(id: TrackId, packet: &[u8]) -> Option<Mapping> {
    let body = packet.strip_prefix(b"\x80theora")?;
    let &[major, minor, revision] = body.first_chunk()?;
    let number = |at: usize, len: usize| {
        let bytes = body.get(at..at.checked_add(len)?)?;
        Some(
            bytes
                .iter()
                .fold(0u32, |number, byte| number << 8 | u32::from(*byte)),
        )
    };
    let (width, height) = (number(7, 3)?, number(10, 3)?);
    let (units, seconds) = (number(15, 4)?, number(19, 4)?);
    let aspect = (number(23, 3)?, number(26, 3)?);
    let shift = number(33, 2)? >> 5 & 31;
    if major != 3 || units == 0 || seconds == 0 {
        return None;
    }
    let mut info = TrackInfo::new(id, CodecId::Theora);
    info.video = Some(VideoParams {
        width,
        height,
        pixel_aspect: Some(aspect).filter(|aspect| aspect.0 > 0 && aspect.1 > 0),
        frame_rate: Some(f64::from(units) / f64::from(seconds)),
        ..VideoParams::default()
    });
    let codec = Codec::Theora {
        granule_shift: shift,
        first: i64::from((minor, revision) >= (2, 1)),
    };
    Some(Mapping::new(info, codec, 2, Rate { units, seconds }))
}

fn speex_head(id: TrackId, packet: &[u8]) -> Option<Mapping> {
    let body = packet.strip_prefix(b"Speex   ")?;
    let number = |at: usize| {
        let bytes = body.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    // Behind the version: its number, the header's size, the rate, the mode, its version, the channels, …
    let (rate, channels) = (number(28)?, number(40)?);
    let (samples, frames) = (number(48)?, number(56)?);
    let extra = number(60)?.min(16);
    if rate == 0 {
        return None;
    }
    let audio = AudioParams {
        sample_rate: rate,
        channels: u16::try_from(channels).unwrap_or(0),
        ..AudioParams::default()
    };
    let codec = Codec::Speex {
        samples: u64::from(samples).saturating_mul(frames.max(1).into()),
    };
    let info = audio_info(id, CodecId::Speex, audio, "");
    Some(Mapping::new(
        info,
        codec,
        extra.saturating_add(1),
        Rate::of(rate),
    ))
}
