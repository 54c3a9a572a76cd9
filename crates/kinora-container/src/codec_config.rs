//! What decoder configurations tell of their tracks, whichever container keeps them.

use kinora_media::bitstream::{aac, h264, h265};
use kinora_media::{AudioParams, CodecId, ColorInfo, VideoParams};

/// How PCM samples are stored: the first byte of such a track's `config`; the second byte is the
/// number of bits in a sample.
pub(crate) mod pcm_flag {
    pub(crate) const LITTLE_ENDIAN: u8 = 1;
    pub(crate) const FLOAT: u8 = 2;
    pub(crate) const UNSIGNED: u8 = 4;
}

/// Takes what the configuration of a video track tells and its container leaves open; gives the codec string.
pub(crate) fn describe_video(
    codec: CodecId,
    config: &[u8],
    video: &mut VideoParams,
) -> Option<String> {
    match codec {
        CodecId::H264 => avc(config, video),
        CodecId::H265 => hevc(config, video),
        CodecId::Av1 => av1_codec_string(config),
        _ => None,
    }
}

/// Takes what the configuration of an audio track tells, which goes before what its container says; gives the codec
/// string. `None`: it tells nothing.
pub(crate) fn describe_audio(
    codec: CodecId,
    config: &[u8],
    audio: &mut AudioParams,
) -> Option<String> {
    match codec {
        CodecId::Aac => aac(config, audio),
        CodecId::Flac => flac(config, audio),
        CodecId::Alac => alac(config, audio),
        _ => None,
    }
}

fn avc(config: &[u8], video: &mut VideoParams) -> Option<String> {
    let &[_, profile, constraints, level] = config.first_chunk()?;
    let codec_string = format!("avc1.{profile:02x}{constraints:02x}{level:02x}");
    if let Ok(config) = h264::AvcConfig::parse(config)
        && let Some(Ok(sps)) = config.sps.first().map(|sps| h264::Sps::parse(sps))
    {
        fill_in(video, (sps.width, sps.height), sps.pixel_aspect, sps.color);
    }
    Some(codec_string)
}

fn hevc(config: &[u8], video: &mut VideoParams) -> Option<String> {
    let config = h265::HevcConfig::parse(config).ok()?;
    if let Some(sps) = config.sps() {
        fill_in(video, (sps.width, sps.height), sps.pixel_aspect, sps.color);
    }
    Some(config.profile.codec_string())
}

/// What the container leaves open the parameter set tells.
fn fill_in(
    video: &mut VideoParams,
    (width, height): (u32, u32),
    pixel_aspect: Option<(u32, u32)>,
    color: Option<ColorInfo>,
) {
    if video.width == 0 || video.height == 0 {
        (video.width, video.height) = (width, height);
    }
    video.pixel_aspect = video.pixel_aspect.or(pixel_aspect);
    video.color = color.unwrap_or(video.color);
}

/// AV1 codec ISO media file format binding, section 5.
fn av1_codec_string(config: &[u8]) -> Option<String> {
    let &[_, profile_level, flags] = config.first_chunk()?;
    let tier = if flags & 0x80 != 0 { 'H' } else { 'M' };
    let depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!(
        "av01.{}.{:02}{tier}.{depth:02}",
        profile_level >> 5,
        profile_level & 0x1f
    ))
}

fn aac(config: &[u8], audio: &mut AudioParams) -> Option<String> {
    let config = aac::AudioSpecificConfig::parse(config).ok()?;
    audio.sample_rate = config.output_sample_rate();
    if config.output_channels() > 0 {
        audio.channels = config.output_channels();
    }
    Some(config.codec_string())
}

/// STREAMINFO (RFC 9639 8.2).
fn flac(info: &[u8], audio: &mut AudioParams) -> Option<String> {
    let packed = u32::from_be_bytes(*info.get(10..)?.first_chunk()?);
    audio.sample_rate = packed >> 12;
    audio.channels = u16::try_from((packed >> 9 & 7).saturating_add(1)).ok()?;
    audio.bits_per_sample = u16::try_from((packed >> 4 & 31).saturating_add(1)).ok();
    Some("flac".to_owned())
}

/// `ALACSpecificConfig`, the "magic cookie".
fn alac(cookie: &[u8], audio: &mut AudioParams) -> Option<String> {
    let &[_, _, _, _, _, bits, _, _, _, channels] = cookie.first_chunk()?;
    let rate = u32::from_be_bytes(*cookie.get(20..)?.first_chunk()?);
    audio.bits_per_sample = Some(bits.into());
    audio.channels = channels.into();
    audio.sample_rate = rate;
    Some("alac".to_owned())
}
