//! Audio samples in another form: another speed, another sample rate, other channels.

use crate::AudioFormat;

/// Turns interleaved samples of one format into another at a speed, by linear interpolation, block after block without a
/// seam. The pitch moves along with the speed.
#[derive(Debug)]
pub struct AudioConverter {
    from: usize,
    to: usize,
    /// A row for each channel that comes out: how much of each that goes in it holds. Empty where they are the same.
    mix: Vec<Vec<f32>>,
    /// Samples that go in for each that comes out.
    step: f64,
    /// Where in the next block the next sample comes from; before its first one it lies between that and `last`.
    at: f64,
    /// The last sample of the block before.
    last: Vec<f32>,
    mixed: Vec<f32>,
}

impl AudioConverter {
    /// From one format to another, at a factor of the natural speed.
    #[must_use]
    pub fn new(from: AudioFormat, to: AudioFormat, speed: f64) -> Self {
        let rates = f64::from(from.sample_rate.max(1)) / f64::from(to.sample_rate.max(1));
        let channels = |format: AudioFormat| usize::from(format.channels.max(1));
        Self {
            from: channels(from),
            to: channels(to),
            mix: match channels(from) == channels(to) {
                true => Vec::new(),
                false => mix(channels(from), channels(to)),
            },
            step: speed * rates,
            at: 0.0,
            last: Vec::new(),
            mixed: Vec::new(),
        }
    }

    /// Appends a block, louder by a factor.
    pub fn convert(&mut self, samples: &[f32], gain: f32, out: &mut Vec<f32>) {
        if self.mix.is_empty() && self.step == 1.0 && self.at == 0.0 {
            out.extend(samples.iter().map(|sample| sample * gain));
            return;
        }
        let mut mixed = std::mem::take(&mut self.mixed);
        mixed.clear();
        self.remix(samples, &mut mixed);
        self.resample(&mixed, gain, out);
        self.mixed = mixed;
    }

    fn remix(&self, samples: &[f32], mixed: &mut Vec<f32>) {
        if self.mix.is_empty() {
            mixed.extend_from_slice(samples);
            return;
        }
        for frame in samples.chunks_exact(self.from) {
            let share_of = |row: &Vec<f32>| {
                row.iter()
                    .zip(frame)
                    .map(|(share, it)| share * it)
                    .sum::<f32>()
            };
            mixed.extend(self.mix.iter().map(share_of));
        }
    }

    fn resample(&mut self, mixed: &[f32], gain: f32, out: &mut Vec<f32>) {
        let count = mixed.len() / self.to;
        let Some(end) = count.checked_sub(1) else {
            return;
        };
        while self.at <= end as f64 {
            let floor = self.at.floor();
            #[allow(clippy::cast_possible_truncation, reason = "a share of one")]
            let share = (self.at - floor) as f32;
            // It lies within the block: the cast cuts nothing off but the sign of the sample before it.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let index = (floor >= 0.0).then_some(floor as usize);
            for channel in 0..self.to {
                let sample = |index: usize| mixed.get(index * self.to + channel).copied();
                let before = match index {
                    Some(index) => sample(index),
                    None => self.last.get(channel).copied(),
                };
                let after = sample(index.map_or(0, |index| (index + 1).min(end)));
                let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
                out.push((before + (after - before) * share) * gain);
            }
            self.at += self.step;
        }
        self.at -= count as f64;
        self.last.clear();
        self.last
            .extend_from_slice(&mixed[end * self.to..count * self.to]);
    }
}

/// What each channel that comes out holds of those that go in.
fn mix(from: usize, to: usize) -> Vec<Vec<f32>> {
    match (from, to) {
        (1, _) => (0..to)
            .map(|channel| vec![if channel < 2 { 1.0 } else { 0.0 }])
            .collect(),
        (_, 2) => stereo(from).into(),
        (_, 1) => {
            let [left, right] = stereo(from);
            let middle = left.iter().zip(&right).map(|(l, r)| (l + r) / 2.0);
            vec![middle.collect()]
        }
        _ => (0..to)
            .map(|channel| {
                (0..from)
                    .map(|it| if it == channel { 1.0 } else { 0.0 })
                    .collect()
            })
            .collect(),
    }
}

/// Left and right of so many channels, in the order of WAVE files (Rec. ITU-R BS.775-3, annex 4; the low-frequency channel is
/// left out, and nothing grows louder than full scale).
fn stereo(from: usize) -> [Vec<f32>; 2] {
    const FRONT_LEFT: (f32, f32) = (1.0, 0.0);
    const FRONT_RIGHT: (f32, f32) = (0.0, 1.0);
    const CENTRE: (f32, f32) = (0.707, 0.707);
    const LOW: (f32, f32) = (0.0, 0.0);
    const LEFT: (f32, f32) = (0.707, 0.0);
    const RIGHT: (f32, f32) = (0.0, 0.707);
    let layout: &[(f32, f32)] = match from {
        2 => &[FRONT_LEFT, FRONT_RIGHT],
        3 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE],
        4 => &[FRONT_LEFT, FRONT_RIGHT, LEFT, RIGHT],
        5 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE, LEFT, RIGHT],
        7 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE, LOW, CENTRE, LEFT, RIGHT],
        _ => &[
            FRONT_LEFT,
            FRONT_RIGHT,
            CENTRE,
            LOW,
            LEFT,
            RIGHT,
            LEFT,
            RIGHT,
        ],
    };
    let row = |of: fn(&(f32, f32)) -> f32| {
        let mut row: Vec<f32> = layout.iter().map(of).take(from).collect();
        row.resize(from, 0.0);
        let sum = row.iter().sum::<f32>().max(1.0);
        row.iter_mut().for_each(|share| *share /= sum);
        row
    };
    [row(|it| it.0), row(|it| it.1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(sample_rate: u32, channels: u16) -> AudioFormat {
        AudioFormat {
            sample_rate,
            channels,
        }
    }

    fn converted(from: AudioFormat, to: AudioFormat, blocks: &[&[f32]]) -> Vec<f32> {
        let mut converter = AudioConverter::new(from, to, 1.0);
        let mut out = Vec::new();
        for block in blocks {
            converter.convert(block, 1.0, &mut out);
        }
        out
    }

    #[test]
    fn another_rate_has_no_seam_and_no_drift() {
        // A straight line stays one, whatever blocks it comes in.
        let line: Vec<f32> = (0..44_100).map(|at| at as f32).collect();
        let blocks: Vec<&[f32]> = line.chunks(1_024).collect();
        let out = converted(format(44_100, 1), format(48_000, 1), &blocks);
        assert!((out.len() as i64 - 48_000).abs() <= 2, "{}", out.len());
        for (at, sample) in out.iter().enumerate() {
            let expected = at as f64 * 44_100.0 / 48_000.0;
            assert!((f64::from(*sample) - expected).abs() < 0.01, "{at}");
        }
    }

    #[test]
    fn channels_are_mixed_and_nothing_grows_louder() {
        let one = |from, to, samples: &[f32]| {
            converted(format(1_000, from), format(1_000, to), &[samples])
        };
        assert_eq!(one(1, 2, &[0.5]), [0.5, 0.5]);
        assert_eq!(one(2, 1, &[0.5, 0.25]), [0.375]);
        let full = one(6, 2, &[1.0; 6]);
        assert!(full.iter().all(|it| (*it - 1.0).abs() < 1e-5), "{full:?}");
        let left = one(6, 2, &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert!(left[0] > 0.3 && left[1] == 0.0, "{left:?}");
        assert_eq!(one(2, 6, &[0.5, 0.25]), [0.5, 0.25, 0.0, 0.0, 0.0, 0.0]);
    }
}
