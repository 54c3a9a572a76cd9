//! The configuration that a decoder is opened with.

use bytes::Bytes;
use kinora_media::bitstream::aac::AudioSpecificConfig;
use kinora_media::{CodecId, TrackInfo};

use crate::DecodeError;

/// A track's configuration, or what must be taken for it where the container holds none: an `esds` without an
/// AudioSpecificConfig leaves the rate and the channels of the sample entry, which is enough for AAC LC.
///
/// # Errors
/// [`DecodeError::BadConfig`] where nothing tells how to decode the track.
pub fn decoder_config(track: &TrackInfo) -> Result<Bytes, DecodeError> {
    if track.codec != CodecId::Aac || !track.config.is_empty() {
        return Ok(track.config.clone());
    }
    let audio = track.audio.unwrap_or_default();
    let plain = AudioSpecificConfig::plain(audio.sample_rate, audio.channels);
    plain
        .map(|config| Bytes::copy_from_slice(&config))
        .ok_or_else(|| DecodeError::BadConfig {
            codec: track.codec,
            what: format!(
                "it has no AudioSpecificConfig, and none can be made for {} Hz and {} channels",
                audio.sample_rate, audio.channels
            ),
        })
}
