//! Faster or slower at the same pitch: WSOLA (waveform similarity overlap-add; Verhelst and Roelands, ICASSP 1993).
//!
//! Windows of the input are laid over each other at a steady beat. Each is taken from about where the speed wants it, moved by a
//! few milliseconds to where it goes on most like the one before, so that waves meet in phase.

use crate::AudioFormat;

/// From one window to the next; windows are twice as long and overlap by half.
const HOP_MS: u32 = 12;
/// A window may be moved so far either way: together a whole wave of the lowest voices, and no farther, since by so much sound
/// may be off the picture.
const REACH_MS: u32 = 7;
/// The search begins on every so-manieth sample: what is above 6 kHz decides nothing.
const SEARCH_RATE: u32 = 12_000;
/// Of places that are equally like, one nearer to where the speed wants it is better by so much at most.
const NEARNESS: f32 = 0.02;

#[derive(Debug)]
pub(crate) struct Stretcher {
    channels: usize,
    speed: f64,
    hop: usize,
    reach: usize,
    /// The rising half of the window; the falling one is what is missing to one.
    rise: Vec<f32>,
    /// What went in and may be needed still, from the frame `base` on: all channels; what is compared of them; and the mean of
    /// each `stride` of that.
    input: Vec<f32>,
    guide: Vec<f32>,
    rough: Vec<f32>,
    stride: usize,
    base: usize,
    /// Where the window before goes on.
    natural: usize,
    /// Windows that were laid.
    laid: u64,
    taken: u64,
    given: u64,
}

impl Stretcher {
    pub(crate) fn new(format: AudioFormat, speed: f64) -> Self {
        let hop = format.frames_in(HOP_MS).max(2);
        let slope = |at: usize| {
            let phase = std::f32::consts::PI * (at as f32 + 0.5) / hop as f32;
            0.5 - 0.5 * phase.cos()
        };
        Self {
            channels: format.width(),
            speed,
            hop,
            reach: format.frames_in(REACH_MS),
            rise: (0..hop).map(slope).collect(),
            input: Vec::new(),
            guide: Vec::new(),
            rough: Vec::new(),
            stride: usize::try_from(format.rate() / SEARCH_RATE)
                .unwrap_or(1)
                .max(1),
            base: 0,
            natural: 0,
            laid: 0,
            taken: 0,
            given: 0,
        }
    }

    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += (samples.len() / self.channels) as u64;
        self.append(samples);
        while self.lay(out) {}
        self.forget();
    }

    /// Gives what is still held back: all that comes out is as long as the speed makes what went in.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let end = (self.taken as f64 / self.speed).round() as u64;
        let silence = vec![0.0; 2 * (self.reach + self.hop) * self.channels];
        while self.given < end {
            self.append(&silence);
            while self.given < end && self.lay(out) {}
            self.forget();
        }
        let surplus = usize::try_from(self.given - end).unwrap_or(0) * self.channels;
        out.truncate(out.len().saturating_sub(surplus));
        self.given = end;
    }

    fn append(&mut self, samples: &[f32]) {
        self.input.extend_from_slice(samples);
        // By unlike shares: channels in opposite phase must not add up to silence.
        let share = |(at, sample): (usize, &f32)| sample / (at + 1) as f32;
        let frames = samples.chunks_exact(self.channels);
        let guide = frames.map(|frame| frame.iter().enumerate().map(share).sum::<f32>());
        self.guide.extend(guide);
        let done = self.rough.len() * self.stride;
        let rough = self.guide[done..].chunks_exact(self.stride);
        let share = 1.0 / self.stride as f32;
        self.rough
            .extend(rough.map(|some| some.iter().sum::<f32>() * share));
    }

    /// Where the speed wants the window that is laid next: its middle is heard where that belongs.
    fn wanted(&self) -> usize {
        let hop = self.hop as f64;
        let place = ((self.laid + 1) as f64 * hop * self.speed - hop).max(0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let place = place.round() as usize;
        place
    }

    /// Lays the next window, once all is there that it may be made of.
    fn lay(&mut self, out: &mut Vec<f32>) -> bool {
        let wanted = self.wanted();
        let last = (wanted + self.reach).max(self.natural) + 2 * self.hop + self.stride;
        if last > self.base + self.guide.len() {
            return false;
        }
        let start = match self.laid {
            0 => 0,
            _ => self.base + self.most_alike(wanted - self.base, self.natural - self.base),
        };
        let frame = |at: usize| {
            let from = (at - self.base) * self.channels;
            &self.input[from..from + self.channels]
        };
        for (at, rise) in self.rise.iter().enumerate() {
            let (falls, rises) = (frame(self.natural + at), frame(start + at));
            // At the same place the two are one and the same.
            let joined = falls.iter().zip(rises).map(|(a, b)| a + (b - a) * rise);
            out.extend(joined);
        }
        self.natural = start + self.hop;
        self.laid += 1;
        self.given += self.hop as u64;
        true
    }

    /// The place around the wanted one where the input is most like what follows the window before. Places count from `base`.
    fn most_alike(&self, wanted: usize, natural: usize) -> usize {
        let from = wanted.saturating_sub(self.reach);
        let until = wanted + self.reach;
        let stride = self.stride;
        let length = 2 * self.hop;
        let target = &self.rough[natural / stride..][..length / stride];
        let places = from / stride..until / stride + 1;
        let near = |at: usize| nearness(at * stride, wanted, self.reach);
        let rough = best(&self.rough, target, places, near);
        // The search was by whole strides; within two of them it is looked at closely.
        let around = rough * stride + natural % stride;
        let low = around.saturating_sub(stride).max(from);
        let high = (around + stride).min(until).max(low);
        let target = &self.guide[natural..natural + length];
        let near = |at: usize| nearness(at, wanted, self.reach);
        best(&self.guide, target, low..high + 1, near)
    }

    /// What no later window is made of goes.
    fn forget(&mut self) {
        let needed = self.natural.min(self.wanted().saturating_sub(self.reach));
        // Whole strides, so that `rough` stays in step; and not a few each time.
        let idle = needed.saturating_sub(self.base).min(self.guide.len()) / self.stride;
        if idle * self.stride < self.hop {
            return;
        }
        let frames = idle * self.stride;
        self.input.drain(..frames * self.channels);
        self.guide.drain(..frames);
        self.rough.drain(..idle.min(self.rough.len()));
        self.base += frames;
    }
}

fn nearness(at: usize, wanted: usize, reach: usize) -> f32 {
    1.0 - NEARNESS * at.abs_diff(wanted) as f32 / reach as f32
}

/// The place in a range where samples are most like the target: by their correlation, whatever their loudness.
fn best(
    samples: &[f32],
    target: &[f32],
    places: std::ops::Range<usize>,
    bias: impl Fn(usize) -> f32,
) -> usize {
    let first = places.start;
    let power = |at: usize| samples.get(at).map_or(0.0, |it| it * it);
    let mut energy: f32 = (first..first + target.len()).map(power).sum();
    let mut found = (f32::MIN, first);
    for at in places {
        let Some(there) = samples.get(at..at + target.len()) else {
            break;
        };
        let product: f32 = there.iter().zip(target).map(|(a, b)| a * b).sum();
        let alike = product / (energy.max(0.0) + 1e-9).sqrt();
        // What is unlike is not made better by being far.
        let score = alike * if alike > 0.0 { bias(at) } else { 1.0 };
        // Of silence the nearest is taken.
        let score = score + bias(at) * 1e-9;
        if score > found.0 {
            found = (score, at);
        }
        energy += power(at + target.len()) - power(at);
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{self, RATE};

    const SPEEDS: [f64; 8] = [0.5, 0.6, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0];

    fn format(channels: u16) -> AudioFormat {
        AudioFormat {
            sample_rate: RATE,
            channels,
        }
    }

    fn stretched(samples: &[f32], channels: u16, speed: f64, block: usize) -> Vec<f32> {
        let mut stretcher = Stretcher::new(format(channels), speed);
        let mut out = Vec::new();
        for block in samples.chunks(block * usize::from(channels)) {
            stretcher.push(block, &mut out);
        }
        stretcher.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_keeps_its_pitch_within_a_hertz_at_every_speed() {
        for hz in [110.0, 440.0, 3_000.0] {
            let tone = tone::sine(hz, 0.5, RATE as usize);
            for speed in SPEEDS {
                let out = stretched(&tone, 1, speed, 1_024);
                let inside = &out[4_800..out.len() - 4_800];
                let pitch = tone::pitch(inside);
                assert!((pitch - hz).abs() < 1.0, "{hz} Hz is {pitch} at {speed}");
                // Windows that meet out of phase would take from it, or beat.
                let pure = tone::power_at(inside, pitch) / tone::power(inside);
                assert!(pure > 0.98, "{pure} of {hz} Hz at {speed}");
            }
        }
    }

    #[test]
    fn a_tone_stays_as_loud_all_along() {
        let tone = tone::sine(440.0, 0.5, RATE as usize);
        for speed in SPEEDS {
            let out = stretched(&tone, 1, speed, 480);
            for (at, some) in out[2_400..out.len() - 4_800]
                .chunks_exact(1_200)
                .enumerate()
            {
                let loud = tone::power(some) / 0.125;
                assert!((loud - 1.0).abs() < 0.1, "{loud} at {speed}, {at}");
            }
        }
    }

    #[test]
    fn it_lasts_as_long_as_the_speed_says_whatever_the_blocks() {
        let tone = tone::sine(300.0, 0.5, 50_001);
        for speed in SPEEDS {
            let whole = stretched(&tone, 1, speed, 50_001);
            let expected = (50_001.0 / speed).round() as usize;
            assert_eq!(whole.len(), expected, "{speed}");
            assert_eq!(stretched(&tone, 1, speed, 333), whole, "{speed}");
        }
        assert_eq!(stretched(&tone[..7], 1, 0.5, 3).len(), 14);
        assert_eq!(stretched(&[], 1, 0.5, 3).len(), 0);
    }

    #[test]
    fn what_sounds_at_a_time_sounds_at_that_time_by_the_speed() {
        // Bursts of 60 ms; where they begin is known to the window's reach.
        const EVERY: usize = 9_600;
        let mut samples = vec![0.0; 5 * EVERY];
        for burst in 1..5 {
            let burst = &mut samples[burst * EVERY..burst * EVERY + 2_880];
            burst.copy_from_slice(&tone::sine(700.0, 0.8, 2_880));
        }
        for speed in SPEEDS {
            let out = stretched(&samples, 1, speed, 1_024);
            for burst in 1..5 {
                let half_before = ((burst * EVERY) as f64 - EVERY as f64 / 2.0) / speed;
                let from = half_before as usize;
                let heard = (from..out.len()).find(|at| out[*at].abs() > 0.2);
                let expected = (burst * EVERY) as f64 / speed;
                let off = heard.unwrap() as f64 - expected;
                assert!(
                    off.abs() < 0.02 * f64::from(RATE),
                    "{burst} at {speed}: {off}"
                );
            }
        }
    }

    #[test]
    fn it_begins_with_the_very_samples_that_went_in_and_keeps_channels_together() {
        let left = tone::sine(440.0, 0.5, 24_000);
        let both: Vec<f32> = left.iter().flat_map(|it| [*it, -it]).collect();
        let out = stretched(&both, 2, 1.5, 1_000);
        assert_eq!(out[..96], both[..96], "a seam before it would click");
        assert!(out.chunks_exact(2).all(|it| it[0] == -it[1]));
        let left: Vec<f32> = out.iter().step_by(2).copied().collect();
        let inside = &left[2_400..left.len() - 2_400];
        let pure = tone::power_at(inside, 440.0) / tone::power(inside);
        assert!(pure > 0.98, "{pure}: opposite phases guided nothing");
    }
}
