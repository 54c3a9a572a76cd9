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
    if track.codec == CodecId::Alac && track.config.len() == ALAC_CONFIG {
        return Ok(alac_box(&track.config));
    }
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

/// Bytes of an ALACSpecificConfig (ALACMagicCookieDescription).
const ALAC_CONFIG: usize = 24;

/// Decoders of ALAC are given the box around it: its size, its name, version and flags.
fn alac_box(config: &[u8]) -> Bytes {
    const HEAD: &[u8] = b"\0\0\0\x24alac\0\0\0\0";
    Bytes::from([HEAD, config].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::TrackId;

    #[test]
    fn the_configuration_of_alac_gets_its_box_back() {
        let mut track = TrackInfo::new(TrackId(0), CodecId::Alac);
        track.config = Bytes::from_static(&[7; ALAC_CONFIG]);
        let config = decoder_config(&track).unwrap();
        assert_eq!(config.len(), 36);
        assert_eq!(config[..12], *b"\0\0\0\x24alac\0\0\0\0");
        track.config = config.clone();
        assert_eq!(decoder_config(&track).unwrap(), config, "it has one box");
    }
}
