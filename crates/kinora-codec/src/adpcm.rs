//! Differences in four bits: IMA ADPCM as WAVE and QuickTime hold it (IMA Digital Audio Focus and Technical Working
//! Groups, 1992), and Microsoft's ADPCM (RFC 2361; Multimedia Standards Update 3.0).

use kinora_media::{AudioFrame, AudioParams, CodecId, Packet, TrackInfo};

use crate::DecodeError;
use crate::framewise::Framewise;

pub(crate) struct Adpcm {
    codec: CodecId,
    audio: AudioParams,
    /// Microsoft's pairs of coefficients.
    pairs: Vec<(i32, i32)>,
    /// QuickTime's blocks carry their state on: it is more exact than what their heads tell.
    carried: Vec<Ima>,
}

pub(crate) const fn knows(codec: CodecId) -> bool {
    matches!(
        codec,
        CodecId::AdpcmImaWav | CodecId::AdpcmImaQt | CodecId::AdpcmMs
    )
}

/// No block has more channels that sound.
const MAX_CHANNELS: u16 = 64;

impl Adpcm {
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let audio = track.audio.unwrap_or_default();
        if !(1..=MAX_CHANNELS).contains(&audio.channels) || audio.sample_rate == 0 {
            return Err(DecodeError::BadConfig {
                codec: track.codec,
                what: format!(
                    "{} channels at {} Hz are none",
                    audio.channels, audio.sample_rate
                ),
            });
        }
        Ok(Self {
            codec: track.codec,
            audio,
            pairs: pairs(&track.config),
            carried: vec![Ima::default(); usize::from(audio.channels)],
        })
    }

    fn block(&mut self, data: &[u8]) -> Option<Vec<i16>> {
        let channels = self.carried.len();
        match self.codec {
            CodecId::AdpcmImaWav => ima_wav(data, channels),
            CodecId::AdpcmMs => microsoft(data, channels, &self.pairs),
            _ => Some(ima_qt(data, &mut self.carried)),
        }
    }
}

impl Framewise for Adpcm {
    const NAME: &'static str = "adpcm";

    fn decode(&mut self, packet: &Packet) -> Result<Option<AudioFrame>, DecodeError> {
        let samples = self
            .block(&packet.data)
            .filter(|samples| !samples.is_empty());
        let samples = samples.ok_or_else(|| DecodeError::Corrupt {
            codec: self.codec,
            what: format!("{} bytes are less than a block", packet.data.len()),
        })?;
        let level = |sample: i16| f32::from(sample) / 32_768.0;
        Ok(Some(AudioFrame {
            pts: packet.pts,
            sample_rate: self.audio.sample_rate,
            channels: self.audio.channels,
            samples: samples.into_iter().map(level).collect(),
        }))
    }

    fn reset(&mut self) {
        self.carried.fill(Ima::default());
    }
}

/// The state of a channel of IMA ADPCM.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Ima {
    sample: i32,
    /// Place in the table of steps.
    index: i32,
}

const IMA_STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
    73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449,
    494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272,
    2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493,
    10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
const LAST_STEP: i32 = 88;

impl Ima {
    fn new(sample: i16, index: u8) -> Self {
        Self {
            sample: sample.into(),
            index: i32::from(index).min(LAST_STEP),
        }
    }

    /// The next sample, by three bits of size and one of sign.
    fn next(&mut self, nibble: u8) -> i16 {
        let place = usize::try_from(self.index).unwrap_or(0);
        let step = IMA_STEPS.get(place).copied().unwrap_or(0);
        let part = |bit: u8, shift: u32| if nibble & bit == 0 { 0 } else { step >> shift };
        let size = (step >> 3) + part(4, 0) + part(2, 1) + part(1, 2);
        let change = if nibble & 8 == 0 { size } else { -size };
        self.sample = clamped(self.sample + change);
        let faster = match nibble & 7 {
            0..=3 => -1,
            large => (i32::from(large) - 3) * 2,
        };
        self.index = (self.index + faster).clamp(0, LAST_STEP);
        narrow(self.sample)
    }
}

fn clamped(sample: i32) -> i32 {
    sample.clamp(i16::MIN.into(), i16::MAX.into())
}

fn narrow(sample: i32) -> i16 {
    i16::try_from(clamped(sample)).unwrap_or(0)
}

const fn nibbles(byte: u8) -> [u8; 2] {
    [byte & 15, byte >> 4]
}

/// A head of four bytes for each channel, then eight samples of each in turn, the lower half of a byte first.
fn ima_wav(data: &[u8], channels: usize) -> Option<Vec<i16>> {
    let (heads, body) = data.split_at_checked(channels * 4)?;
    let mut states: Vec<Ima> = heads
        .as_chunks::<4>()
        .0
        .iter()
        .map(|[low, high, index, _]| Ima::new(i16::from_le_bytes([*low, *high]), *index))
        .collect();
    let mut samples: Vec<i16> = states.iter().map(|state| narrow(state.sample)).collect();
    for group in body.chunks_exact(channels * 4) {
        let mut of_channels: Vec<[i16; 8]> = Vec::with_capacity(channels);
        for (state, word) in states.iter_mut().zip(group.as_chunks::<4>().0) {
            let mut eight = [0; 8];
            let coded = word.iter().flat_map(|byte| nibbles(*byte));
            for (sample, nibble) in eight.iter_mut().zip(coded) {
                *sample = state.next(nibble);
            }
            of_channels.push(eight);
        }
        interleave(&of_channels, &mut samples);
    }
    Some(samples)
}

fn interleave<const N: usize>(of_channels: &[[i16; N]], out: &mut Vec<i16>) {
    for at in 0..N {
        out.extend(of_channels.iter().filter_map(|samples| samples.get(at)));
    }
}

/// 64 samples of each channel in 34 bytes: nine bits of sample and seven of step, then four bits each.
fn ima_qt(data: &[u8], carried: &mut [Ima]) -> Vec<i16> {
    const BLOCK: usize = 34;
    /// What the head leaves away of a sample.
    const LOST: i32 = 0x7f;
    let mut samples = Vec::new();
    for group in data.chunks_exact(carried.len() * BLOCK) {
        let mut of_channels: Vec<[i16; 64]> = Vec::with_capacity(carried.len());
        for (state, block) in carried.iter_mut().zip(group.as_chunks::<BLOCK>().0) {
            let [high, low, body @ ..] = block;
            let told = Ima::new(i16::from_be_bytes([*high, *low & 0x80]), low & 0x7f);
            if told.index != state.index || (told.sample - state.sample).abs() > LOST {
                *state = told;
            }
            let mut block = [0; 64];
            let coded = body.iter().flat_map(|byte| nibbles(*byte));
            for (sample, nibble) in block.iter_mut().zip(coded) {
                *sample = state.next(nibble);
            }
            of_channels.push(block);
        }
        interleave(&of_channels, &mut samples);
    }
    samples
}

/// A channel of Microsoft's ADPCM: a prediction from two samples, and a step that adapts.
struct Microsoft {
    pair: (i32, i32),
    step: i32,
    /// The last sample and the one before it.
    last: (i32, i32),
}

const MS_PAIRS: [(i32, i32); 7] = [
    (256, 0),
    (512, -256),
    (0, 0),
    (192, 64),
    (240, 0),
    (460, -208),
    (392, -232),
];
const MS_ADAPTATION: [i32; 16] = [
    230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230,
];

impl Microsoft {
    const MIN_STEP: i32 = 16;
    const MAX_STEP: i32 = 1 << 20;

    fn next(&mut self, nibble: u8) -> i16 {
        let error = if nibble < 8 {
            i32::from(nibble)
        } else {
            i32::from(nibble) - 16
        };
        let weighed = (self.last.0 * self.pair.0).saturating_add(self.last.1 * self.pair.1);
        let predicted = weighed >> 8;
        let sample = clamped(predicted + error * self.step);
        self.last = (sample, self.last.0);
        let factor = MS_ADAPTATION.get(usize::from(nibble)).copied().unwrap_or(0);
        self.step = ((self.step * factor) >> 8).clamp(Self::MIN_STEP, Self::MAX_STEP);
        narrow(sample)
    }
}

/// The pairs that the format tells: its samples a block, their number, and they; else those that all files have.
fn pairs(config: &[u8]) -> Vec<(i32, i32)> {
    let told = config.get(4..).unwrap_or_default().as_chunks::<4>().0;
    let told: Vec<(i32, i32)> = told
        .iter()
        .map(|[a, b, c, d]| {
            let pair = (i16::from_le_bytes([*a, *b]), i16::from_le_bytes([*c, *d]));
            (pair.0.into(), pair.1.into())
        })
        .collect();
    match told.is_empty() {
        true => MS_PAIRS.to_vec(),
        false => told,
    }
}

/// Heads field by field, each for all channels; then the channels in turn, the upper half of a byte first.
fn microsoft(data: &[u8], channels: usize, pairs: &[(i32, i32)]) -> Option<Vec<i16>> {
    let (numbers, rest) = data.split_at_checked(channels)?;
    let (words, body) = rest.split_at_checked(channels * 6)?;
    let words: Vec<i16> = words
        .as_chunks::<2>()
        .0
        .iter()
        .map(|word| i16::from_le_bytes(*word))
        .collect();
    let word = |field: usize, channel: usize| words.get(field * channels + channel).copied();
    let mut states = Vec::with_capacity(channels);
    for (channel, number) in numbers.iter().enumerate() {
        states.push(Microsoft {
            pair: *pairs.get(usize::from(*number))?,
            step: word(0, channel)?.into(),
            last: (word(1, channel)?.into(), word(2, channel)?.into()),
        });
    }
    let mut samples: Vec<i16> = states.iter().map(|state| narrow(state.last.1)).collect();
    samples.extend(states.iter().map(|state| narrow(state.last.0)));
    let coded = body.iter().flat_map(|byte| {
        let [low, high] = nibbles(*byte);
        [high, low]
    });
    for (at, nibble) in coded.enumerate() {
        let state = states.get_mut(at % channels)?;
        samples.push(state.next(nibble));
    }
    samples.truncate(samples.len() / channels * channels);
    Some(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kinora_media::{PacketFlags, Time, TrackId};

    fn decoder(codec: CodecId, channels: u16) -> Adpcm {
        let mut track = TrackInfo::new(TrackId(0), codec);
        track.audio = Some(AudioParams {
            sample_rate: 8000,
            channels,
            ..AudioParams::default()
        });
        Adpcm::open(&track).unwrap()
    }

    fn packet(data: &[u8]) -> Packet {
        Packet {
            track: TrackId(0),
            pts: Time::ZERO,
            dts: Time::ZERO,
            duration: Time::ZERO,
            flags: PacketFlags::default(),
            data: Bytes::copy_from_slice(data),
            crypto: None,
        }
    }

    #[test]
    fn ima_takes_its_steps() {
        // From 100 on: +7 * 15 / 8, after which the step is 16; then back by 16 / 8.
        let block = [100, 0, 0, 0, 0x87, 0, 0, 0];
        let samples = ima_wav(&block, 1).unwrap();
        assert_eq!(samples[..3], [100, 111, 109]);
        assert_eq!(samples.len(), 9);
        let mut state = Ima::new(32_000, 88);
        assert_eq!(state.next(7), i16::MAX, "it does not wrap");
        assert_eq!(
            state.next(15),
            narrow(32_767 - (4095 + 32_767 + 16_383 + 8191))
        );
    }

    #[test]
    fn channels_take_turns_in_every_kind() {
        let wav = [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(ima_wav(&wav, 2).unwrap()[..4], [1, 2, 1, 2]);
        let mut qt = vec![0u8; 68];
        qt[34] = 0x10;
        let frame = decoder(CodecId::AdpcmImaQt, 2)
            .decode(&packet(&qt))
            .unwrap()
            .unwrap();
        assert_eq!(frame.samples.len(), 128);
        assert!(frame.samples[1] > 0.12 && frame.samples[0] < 0.01);
        // The second samples come first.
        let ms = [0, 0, 16, 0, 16, 0, 1, 0, 2, 0, 3, 0, 4, 0, 0x10];
        assert_eq!(microsoft(&ms, 2, &MS_PAIRS).unwrap(), [3, 4, 1, 2, 17, 2]);
    }

    #[test]
    fn less_than_a_block_and_pairs_that_are_none_are_refused() {
        for codec in [CodecId::AdpcmImaWav, CodecId::AdpcmImaQt, CodecId::AdpcmMs] {
            for len in [0, 3, 6] {
                let decoded = decoder(codec, 2).decode(&packet(&vec![0; len]));
                assert!(
                    matches!(decoded, Err(DecodeError::Corrupt { .. })),
                    "{codec} {len}"
                );
            }
        }
        assert_eq!(microsoft(&[9, 0, 0, 0, 0, 0, 0], 1, &MS_PAIRS), None);
    }

    #[test]
    fn no_input_overflows() {
        for codec in [CodecId::AdpcmImaWav, CodecId::AdpcmImaQt, CodecId::AdpcmMs] {
            for byte in [0x77, 0x88, 0xff, 0x06] {
                let mut data = vec![byte; 700];
                data[0] = 1;
                let _ = decoder(codec, 1).decode(&packet(&data));
            }
        }
    }
}
