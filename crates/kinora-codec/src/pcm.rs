//! PCM: numbers as they are, brought to one form.

use kinora_media::pcm_flag::{FLOAT, LITTLE_ENDIAN, UNSIGNED};
use kinora_media::{AudioFrame, AudioParams, CodecId, Packet, TrackInfo};

use crate::DecodeError;
use crate::framewise::Framewise;

const CODEC: CodecId = CodecId::Pcm;

/// How one sample lies in memory.
#[derive(Clone, Copy)]
struct Format {
    little_endian: bool,
    kind: Kind,
    bytes: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Signed,
    Unsigned,
    Float,
}

pub(crate) struct Pcm {
    format: Format,
    audio: AudioParams,
}

impl Pcm {
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let damaged = |what: &str| DecodeError::BadConfig {
            codec: CODEC,
            what: what.to_owned(),
        };
        let &[flags, bits] = track.config.as_ref() else {
            return Err(damaged("it does not tell how samples are written"));
        };
        let audio = track.audio.unwrap_or_default();
        if audio.channels == 0 || audio.sample_rate == 0 {
            return Err(damaged("it names no channels or no sample rate"));
        }
        let float = flags & FLOAT != 0;
        let known = if float {
            bits == 32 || bits == 64
        } else {
            matches!(bits, 8 | 16 | 24 | 32)
        };
        if !known {
            let numbers = if float { "float" } else { "integer" };
            return Err(DecodeError::Unsupported {
                codec: CODEC,
                detail: Some(format!("{numbers} samples of {bits} bits")),
            });
        }
        let kind = match (float, flags & UNSIGNED != 0) {
            (true, _) => Kind::Float,
            (false, true) => Kind::Unsigned,
            (false, false) => Kind::Signed,
        };
        let format = Format {
            little_endian: flags & LITTLE_ENDIAN != 0,
            kind,
            bytes: usize::from(bits / 8),
        };
        Ok(Self { format, audio })
    }
}

impl Format {
    /// A sample, -1 to 1. `bytes` has the length of one.
    fn read(self, bytes: &[u8]) -> f32 {
        // The first bytes are the most significant; shorter samples fill the upper end.
        let mut word = [0; 8];
        for (place, byte) in word.iter_mut().zip(0..self.bytes) {
            let at = if self.little_endian {
                self.bytes - 1 - byte
            } else {
                byte
            };
            *place = bytes.get(at).copied().unwrap_or(0);
        }
        let [a, b, c, d, ..] = word;
        let upper = u32::from_be_bytes([a, b, c, d]);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            clippy::cast_precision_loss
        )]
        match self.kind {
            Kind::Float if self.bytes == 8 => f64::from_be_bytes(word) as f32,
            Kind::Float => f32::from_bits(upper),
            Kind::Signed => (f64::from(upper as i32) / 2_147_483_648.0) as f32,
            Kind::Unsigned => (f64::from(upper) / 2_147_483_648.0 - 1.0) as f32,
        }
    }
}

impl Framewise for Pcm {
    const NAME: &'static str = "pcm";

    fn decode(&mut self, packet: &Packet) -> Result<Option<AudioFrame>, DecodeError> {
        let whole = self.format.bytes * usize::from(self.audio.channels);
        if packet.data.is_empty() || !packet.data.len().is_multiple_of(whole) {
            return Err(DecodeError::Corrupt {
                codec: CODEC,
                what: format!("{} bytes are no whole number of samples", packet.data.len()),
            });
        }
        let samples = packet.data.chunks_exact(self.format.bytes);
        Ok(Some(AudioFrame {
            pts: packet.pts,
            sample_rate: self.audio.sample_rate,
            channels: self.audio.channels,
            samples: samples.map(|sample| self.format.read(sample)).collect(),
        }))
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kinora_media::{PacketFlags, Time, TrackId};

    fn decoded(flags: u8, bits: u8, data: &'static [u8]) -> Result<Vec<f32>, DecodeError> {
        let mut track = TrackInfo::new(TrackId(1), CODEC);
        track.config = Bytes::copy_from_slice(&[flags, bits]);
        track.audio = Some(AudioParams {
            sample_rate: 48_000,
            channels: 1,
            ..AudioParams::default()
        });
        let packet = Packet {
            track: TrackId(1),
            pts: Time::ZERO,
            dts: Time::ZERO,
            duration: Time::ZERO,
            flags: PacketFlags::default(),
            data: Bytes::from_static(data),
            crypto: None,
        };
        Ok(Pcm::open(&track)?
            .decode(&packet)?
            .map(|frame| frame.samples)
            .unwrap_or_default())
    }

    #[test]
    fn every_way_to_write_a_half_reads_the_same() {
        for (flags, bits, data) in [
            (0, 16, &[0x40, 0x00][..]),
            (LITTLE_ENDIAN, 16, &[0x00, 0x40]),
            (LITTLE_ENDIAN, 24, &[0x00, 0x00, 0x40]),
            (0, 32, &[0x40, 0, 0, 0]),
            (UNSIGNED, 8, &[0xC0]),
            (FLOAT, 32, &[0x3F, 0x00, 0x00, 0x00]),
            (FLOAT | LITTLE_ENDIAN, 64, &[0, 0, 0, 0, 0, 0, 0xE0, 0x3F]),
        ] {
            assert_eq!(
                decoded(flags, bits, data).ok(),
                Some(vec![0.5]),
                "{flags} {bits}"
            );
        }
        assert_eq!(decoded(0, 8, &[0x80, 0x00]).ok(), Some(vec![-1.0, 0.0]));
    }

    #[test]
    fn half_a_sample_and_odd_sizes_are_refused() {
        assert!(matches!(
            decoded(0, 16, &[1, 2, 3]),
            Err(DecodeError::Corrupt { .. })
        ));
        assert!(matches!(
            decoded(0, 12, &[1, 2]),
            Err(DecodeError::Unsupported { .. })
        ));
    }
}
