//! Blu-ray's PCM: big endian behind a header of four bytes (System Description Blu-ray Disc Read-Only Format, part 3,
//! LPCM audio).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kinora_media::AudioParams;

/// What the header of a PES packet's payload says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LpcmHeader {
    channels: u8,
    rate: u32,
    bits: u8,
}

/// Channels by `channel_assignment`; 0 is reserved.
const CHANNELS: [u8; 12] = [0, 1, 0, 2, 3, 3, 4, 4, 5, 6, 7, 8];
/// In which order the channels come that are not stored in the order of WAVE: the low-frequency one is the last, and
/// those at the sides stand around those at the back.
const SIX: [usize; 6] = [0, 1, 2, 5, 3, 4];
const SEVEN: [usize; 7] = [0, 1, 2, 4, 5, 3, 6];
const EIGHT: [usize; 8] = [0, 1, 2, 7, 4, 5, 3, 6];

impl LpcmHeader {
    fn parse([_, _, format, depth]: [u8; 4]) -> Option<Self> {
        let rate = match format & 15 {
            1 => 48_000,
            4 => 96_000,
            5 => 192_000,
            _ => return None,
        };
        let bits = match depth >> 6 {
            1 => 16,
            // Twenty bits stand in the upper end of 24.
            2 | 3 => 24,
            _ => return None,
        };
        let channels = CHANNELS.get(usize::from(format >> 4)).copied()?;
        (channels > 0).then_some(Self {
            channels,
            rate,
            bits,
        })
    }

    pub(super) fn params(&self) -> AudioParams {
        AudioParams {
            sample_rate: self.rate,
            channels: self.channels.into(),
            bits_per_sample: Some(self.bits.into()),
            ..AudioParams::default()
        }
    }

    /// The configuration of such a track: big endian, so many bits.
    pub(super) fn config(&self) -> Bytes {
        Bytes::copy_from_slice(&[0, self.bits])
    }

    /// The samples in the order of WAVE's channels, without the channel that makes their number even.
    fn samples(&self, data: Bytes) -> Bytes {
        let channels = usize::from(self.channels);
        let sample = usize::from(self.bits / 8);
        let stored = channels.next_multiple_of(2).saturating_mul(sample);
        let order: &[usize] = match channels {
            6 => &SIX,
            7 => &SEVEN,
            8 => &EIGHT,
            channels => IN_ORDER.get(..channels).unwrap_or_default(),
        };
        let whole = data
            .len()
            .saturating_sub(data.len().checked_rem(stored).unwrap_or(0));
        if matches!(channels, 2 | 4) {
            return data.slice(..whole);
        }
        let mut samples = BytesMut::with_capacity(whole);
        for frame in data.chunks_exact(stored) {
            for place in order {
                let begin = place.saturating_mul(sample);
                let end = begin.saturating_add(sample);
                samples.put_slice(frame.get(begin..end).unwrap_or_default());
            }
        }
        samples.freeze()
    }
}

const IN_ORDER: [usize; 5] = [0, 1, 2, 3, 4];

/// The header of a PES packet's payload and the samples behind it. `None` where it makes no sense.
pub(super) fn split(mut data: Bytes) -> Option<(LpcmHeader, Bytes)> {
    let header = LpcmHeader::parse(*data.first_chunk()?)?;
    data.advance(4);
    let samples = header.samples(data);
    (!samples.is_empty()).then_some((header, samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_of(format: u8, depth: u8, samples: &[u8]) -> Option<(LpcmHeader, Bytes)> {
        split(Bytes::from([&[0, 0, format, depth][..], samples].concat()))
    }

    #[test]
    fn samples_come_in_the_order_of_wave() {
        let (header, samples) = split_of(0x31, 0x40, &[1, 2, 3, 4, 5]).unwrap();
        assert_eq!((header.channels, header.rate, header.bits), (2, 48_000, 16));
        assert_eq!(samples[..], [1, 2, 3, 4], "half a frame is none");
        let (header, samples) = split_of(0x14, 0xc0, &[1, 2, 3, 0, 0, 0]).unwrap();
        assert_eq!((header.channels, header.rate, header.bits), (1, 96_000, 24));
        assert_eq!(samples[..], [1, 2, 3], "mono is stored as two channels");
        let five_one = [[1u8; 2], [2; 2], [3; 2], [5; 2], [6; 2], [4; 2]].concat();
        let (header, samples) = split_of(0x91, 0x40, &five_one).unwrap();
        assert_eq!(header.channels, 6);
        assert_eq!(samples[..], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
        let (_, samples) = split_of(
            0xb1,
            0x40,
            &[1, 1, 2, 2, 3, 3, 7, 7, 5, 5, 6, 6, 8, 8, 4, 4],
        )
        .unwrap();
        assert_eq!(
            samples[..],
            [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
        );
    }

    #[test]
    fn what_is_reserved_is_none() {
        assert_eq!(split_of(0x01, 0x40, &[1; 8]), None);
        assert_eq!(split_of(0x32, 0x40, &[1; 8]), None);
        assert_eq!(split_of(0x31, 0x00, &[1; 8]), None);
        assert_eq!(split_of(0xf1, 0x40, &[1; 8]), None);
        assert_eq!(split(Bytes::from_static(&[0, 0, 0x31])), None);
        assert_eq!(split_of(0x31, 0x40, &[1]), None);
    }
}
