use crate::AudioFormat;
use crate::limiter::Limiter;
use crate::mix::Mixer;
use crate::resample::Resampler;
use crate::stretch::Stretcher;

/// How it is to be heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// A factor of the natural speed, 0.5 to 2; the pitch stays.
    pub speed: f64,
    /// A factor of the volume, 0 to 2; beyond 1 a limiter keeps peaks below full scale.
    pub volume: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speed: 1.0,
            volume: 1.0,
        }
    }
}

/// Turns samples of one format into another, at a speed and a volume, block after block without a seam.
///
/// Sample `n` that comes out belongs to sample `n *` [`input_per_output`](Self::input_per_output) that went in: what filters hold
/// back comes later, not shifted. Where nothing is to be done it holds nothing back.
#[derive(Debug)]
pub struct Processor {
    mixer: Option<Mixer>,
    resampler: Option<Resampler>,
    stretcher: Option<Stretcher>,
    loudness: Loudness,
    input_per_output: f64,
    /// Between the steps.
    now: Vec<f32>,
    next: Vec<f32>,
}

#[derive(Debug)]
enum Loudness {
    Factor(f32),
    Limited(Limiter),
}

impl Processor {
    /// From one format to another.
    #[must_use]
    pub fn new(from: AudioFormat, to: AudioFormat, settings: Settings) -> Self {
        let Settings { speed, volume } = settings;
        let (have, want) = (from.rate(), to.rate());
        let resampler = match have == want {
            true => None,
            false => Resampler::new(have, want, to.width()),
        };
        Self {
            mixer: (from.width() != to.width()).then(|| Mixer::new(from.width(), to.width())),
            resampler,
            stretcher: (speed != 1.0).then(|| Stretcher::new(to, speed)),
            loudness: match volume > 1.0 {
                true => Loudness::Limited(Limiter::new(to, volume)),
                false => Loudness::Factor(volume),
            },
            input_per_output: speed * f64::from(have) / f64::from(want),
            now: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Samples of a channel that go in for each that comes out.
    #[must_use]
    pub fn input_per_output(&self) -> f64 {
        self.input_per_output
    }

    /// Takes a block and appends what comes out by it.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.process(samples, false, out);
    }

    /// Appends what is held back. Nothing may go in after it.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        self.process(&[], true, out);
    }

    fn process(&mut self, samples: &[f32], is_last: bool, out: &mut Vec<f32>) {
        let (mut now, mut next) = (
            std::mem::take(&mut self.now),
            std::mem::take(&mut self.next),
        );
        now.clear();
        let mut block = match &self.mixer {
            Some(mixer) => {
                mixer.mix(samples, &mut now);
                now.as_slice()
            }
            None => samples,
        };
        if let Some(resampler) = &mut self.resampler {
            next.clear();
            resampler.push(block, &mut next);
            if is_last {
                resampler.finish(&mut next);
            }
            std::mem::swap(&mut now, &mut next);
            block = &now;
        }
        if let Some(stretcher) = &mut self.stretcher {
            next.clear();
            stretcher.push(block, &mut next);
            if is_last {
                stretcher.finish(&mut next);
            }
            std::mem::swap(&mut now, &mut next);
            block = &now;
        }
        match &mut self.loudness {
            Loudness::Factor(factor) => out.extend(block.iter().map(|sample| sample * *factor)),
            Loudness::Limited(limiter) => {
                limiter.push(block, out);
                if is_last {
                    limiter.finish(out);
                }
            }
        }
        (self.now, self.next) = (now, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone;

    fn format(sample_rate: u32, channels: u16) -> AudioFormat {
        AudioFormat {
            sample_rate,
            channels,
        }
    }

    fn processed(
        from: AudioFormat,
        to: AudioFormat,
        settings: Settings,
        seconds: usize,
    ) -> Vec<f32> {
        let step = std::f64::consts::TAU * 440.0 / f64::from(from.sample_rate);
        let count = from.sample_rate as usize * seconds;
        let wave = (0..count).map(|at| (at as f64 * step).sin() as f32 * 0.9);
        let samples: Vec<f32> = wave
            .flat_map(|it| vec![it; usize::from(from.channels)])
            .collect();
        let mut processor = Processor::new(from, to, settings);
        let mut out = Vec::new();
        for block in samples.chunks(1_024 * usize::from(from.channels)) {
            processor.push(block, &mut out);
        }
        processor.finish(&mut out);
        out
    }

    #[test]
    fn all_at_once_is_the_same_tone_as_long_as_it_should_be() {
        let (from, to) = (format(44_100, 6), format(tone::RATE, 2));
        for speed in [0.5, 0.8, 1.0, 1.2, 2.0] {
            for volume in [0.5, 1.0, 2.0] {
                let out = processed(from, to, Settings { speed, volume }, 3);
                let expected = (3.0 * 48_000.0 / speed) as usize;
                assert!(
                    out.len().abs_diff(2 * expected) <= 4,
                    "{} at {speed}",
                    out.len()
                );
                let left: Vec<f32> = out.iter().step_by(2).copied().collect();
                let pitch = tone::pitch(&left[4_800..left.len() - 4_800]);
                assert!((pitch - 440.0).abs() < 1.0, "{pitch} at {speed}");
                assert!(out.iter().all(|it| it.abs() < 1.0), "at {speed}, {volume}");
            }
        }
    }

    #[test]
    fn where_nothing_is_to_be_done_each_block_comes_out_as_it_went_in() {
        let mut processor = Processor::new(format(8_000, 1), format(8_000, 1), Settings::default());
        let mut out = Vec::new();
        processor.push(&[0.25, -0.5], &mut out);
        assert_eq!(out, [0.25, -0.5]);
        processor.finish(&mut out);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn rates_and_channels_that_no_sound_has_cost_no_memory_and_do_not_fail() {
        for (from, to) in [
            (1, 48_000),
            (u32::MAX, 48_000),
            (0, 44_100),
            (192_000, 8_000),
        ] {
            let settings = Settings {
                speed: 0.5,
                volume: 2.0,
            };
            let mut processor = Processor::new(format(from, 1), format(to, 2), settings);
            let mut out = Vec::new();
            processor.push(&[0.5; 64], &mut out);
            assert!(processor.now.capacity() < 1 << 22);
        }
    }
}
