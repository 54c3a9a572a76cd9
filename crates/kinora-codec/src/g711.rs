//! G.711: a logarithm in eight bits (ITU-T G.711).

use kinora_media::{AudioFrame, AudioParams, CodecId, Packet, TrackInfo};

use crate::DecodeError;
use crate::framewise::Framewise;

pub(crate) struct G711 {
    codec: CodecId,
    audio: AudioParams,
    /// What each byte means.
    levels: [f32; 256],
}

impl G711 {
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let audio = track.audio.unwrap_or_default();
        if audio.channels == 0 || audio.sample_rate == 0 {
            return Err(DecodeError::BadConfig {
                codec: track.codec,
                what: "it names no channels or no sample rate".to_owned(),
            });
        }
        let expand = match track.codec {
            CodecId::Alaw => expand_alaw,
            _ => expand_mulaw,
        };
        let mut levels = [0.0; 256];
        for (level, byte) in levels.iter_mut().zip(0..=u8::MAX) {
            *level = f32::from(expand(byte)) / 32_768.0;
        }
        Ok(Self {
            codec: track.codec,
            audio,
            levels,
        })
    }
}

impl Framewise for G711 {
    const NAME: &'static str = "g711";

    fn decode(&mut self, packet: &Packet) -> Result<Option<AudioFrame>, DecodeError> {
        let channels = usize::from(self.audio.channels);
        if packet.data.is_empty() || !packet.data.len().is_multiple_of(channels) {
            return Err(DecodeError::Corrupt {
                codec: self.codec,
                what: format!("{} bytes are no whole number of samples", packet.data.len()),
            });
        }
        let level = |byte: &u8| self.levels.get(usize::from(*byte)).copied();
        Ok(Some(AudioFrame {
            pts: packet.pts,
            sample_rate: self.audio.sample_rate,
            channels: self.audio.channels,
            samples: packet.data.iter().filter_map(level).collect(),
        }))
    }

    fn reset(&mut self) {}
}

/// A sign, three bits of exponent, four of mantissa; every second bit inverted (table 1a).
fn expand_alaw(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let (exponent, mantissa) = (bits >> 4 & 7, i16::from(bits & 15));
    let level = match exponent {
        0 => (mantissa << 4) + 8,
        exponent => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if bits & 0x80 == 0 { -level } else { level }
}

/// The same, all bits inverted (table 2a).
fn expand_mulaw(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let bits = !byte;
    let (exponent, mantissa) = (bits >> 4 & 7, i16::from(bits & 15));
    let level = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    if bits & 0x80 == 0 { level } else { -level }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_tables() {
        // Silence, the least step and the greatest level of both signs.
        for (byte, level) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256)] {
            assert_eq!(expand_alaw(byte), level, "A-law {byte:#x}");
        }
        for (byte, level) in [
            (0xff, 0),
            (0x7f, 0),
            (0xfe, 8),
            (0x80, 32_124),
            (0, -32_124),
        ] {
            assert_eq!(expand_mulaw(byte), level, "mu-law {byte:#x}");
        }
    }

    #[test]
    fn levels_rise_with_their_code() {
        let rises = |levels: Vec<i16>| levels.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(rises(
            (0x80..=0xff).map(|code| expand_alaw(code ^ 0x55)).collect()
        ));
        assert!(rises((0x80..=0xff_u8).rev().map(expand_mulaw).collect()));
    }
}
