//! Another sample rate, by rubato's windowed sinc, with its delay taken out.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

/// The filter: flat to 20 kHz at 44.1 kHz, mirror frequencies below -90 dB.
const SINC_LEN: usize = 128;
/// So much of one channel is converted at a time, on the faster side.
const CHUNK: usize = 256;

pub(crate) struct Resampler {
    inner: Async<f32>,
    channels: usize,
    ratio: f64,
    /// Samples that do not fill a chunk yet.
    waiting: Vec<f32>,
    chunk: Vec<f32>,
    /// What comes out first is the filter's delay: so many of each channel are left out still.
    delay: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// `None`: rubato takes no such rates, of which none are known among those that a format can have.
    pub(crate) fn new(from: u32, to: u32, channels: usize) -> Option<Self> {
        let ratio = f64::from(to) / f64::from(from);
        // The faster side has the chunk, so that neither needs much memory.
        let fixed = match ratio <= 1.0 {
            true => FixedAsync::Input,
            false => FixedAsync::Output,
        };
        let window = WindowFunction::BlackmanHarris2;
        let parameters = SincInterpolationParameters::new(SINC_LEN, window)
            .interpolation(SincInterpolationType::Cubic);
        let inner = Async::new_sinc(ratio, 1.0, &parameters, CHUNK, channels, fixed).ok()?;
        Some(Self {
            delay: inner.output_delay(),
            chunk: vec![0.0; inner.output_frames_max() * channels],
            waiting: Vec::with_capacity(inner.input_frames_max() * channels),
            inner,
            channels,
            ratio,
            taken: 0,
            given: 0,
        })
    }

    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += (samples.len() / self.channels) as u64;
        self.waiting.extend_from_slice(samples);
        let mut used = 0;
        loop {
            let wanted = self.inner.input_frames_next() * self.channels;
            if self.waiting.len() - used < wanted {
                break;
            }
            let until = used + wanted;
            if self.convert(used..until, None, u64::MAX, out).is_none() {
                break;
            }
            used = until;
        }
        self.waiting.drain(..used);
    }

    /// Gives what is still within the filter.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let end = (self.taken as f64 * self.ratio).round() as u64;
        while self.given < end {
            let left = self.waiting.len();
            if self
                .convert(0..left, Some(left / self.channels), end, out)
                .is_none()
            {
                break;
            }
            self.waiting.clear();
        }
    }

    /// Converts one chunk of what waits, as far as the end. `None`: it could not.
    fn convert(
        &mut self,
        range: std::ops::Range<usize>,
        partial: Option<usize>,
        end: u64,
        out: &mut Vec<f32>,
    ) -> Option<()> {
        let input = self.waiting.get(range)?;
        let frames = input.len() / self.channels;
        let capacity = self.chunk.len() / self.channels;
        let source = InterleavedSlice::new(input, self.channels, frames).ok()?;
        let mut sink = InterleavedSlice::new_mut(&mut self.chunk, self.channels, capacity).ok()?;
        let indexing = partial.map(|frames| Indexing::new().partial_len(frames));
        let converted = self
            .inner
            .process_into_buffer(&source, &mut sink, indexing.as_ref());
        let (_, count) = converted.ok()?;
        let late = self.delay.min(count);
        self.delay -= late;
        let wanted = usize::try_from(end.saturating_sub(self.given)).unwrap_or(usize::MAX);
        let count = (count - late).min(wanted);
        let from = late * self.channels;
        out.extend_from_slice(&self.chunk[from..from + count * self.channels]);
        self.given += count as u64;
        Some(())
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Resampler").field(&self.ratio).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone;

    #[test]
    fn a_tone_of_another_rate_is_the_same_tone_at_the_same_time() {
        for (from, to) in [
            (44_100, 48_000),
            (48_000, 44_100),
            (8_000, 48_000),
            (96_000, 44_100),
        ] {
            let wave = |rate: u32, at: usize| {
                (at as f64 * std::f64::consts::TAU * 1_000.0 / f64::from(rate)).sin() as f32 * 0.5
            };
            let tone: Vec<f32> = (0..from as usize).map(|at| wave(from, at)).collect();
            let mut resampler = Resampler::new(from, to, 1).unwrap();
            let mut out = Vec::new();
            for block in tone.chunks(1_024) {
                resampler.push(block, &mut out);
            }
            resampler.finish(&mut out);
            assert_eq!(out.len(), to as usize, "{from} to {to}");
            // Whole waves, from one on that begins at zero.
            let waves = &out[to as usize / 10..to as usize * 9 / 10];
            let (pure, phase) = tone::at(waves, 1_000.0, to);
            assert!((pure - 0.125).abs() < 0.001, "{pure}: {from} to {to}");
            let rest = tone::power(waves) - pure;
            assert!(rest < 1e-7, "{rest}: {from} to {to}");
            let late = phase * f64::from(to) / 1_000.0;
            assert!(late.abs() < 1.5, "{late} samples: {from} to {to}");
        }
    }
}
