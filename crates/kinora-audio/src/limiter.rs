//! Louder, but never beyond full scale: a limiter that looks ahead turns peaks down before they come.

use std::collections::VecDeque;

/// Nothing comes out louder: converters after this one need a little room.
const CEILING: f32 = 0.98;
/// Peaks are seen so long before they are heard.
const AHEAD_MS: u32 = 5;
/// What was turned down comes back with this time constant.
const RELEASE_MS: f32 = 80.0;

/// Multiplies and limits, all channels alike.
///
/// The factor is the lowest that any sample within the look-ahead needs, let go slowly, and averaged over the look-ahead: it is
/// smooth, and where a peak is heard at most what that peak needs.
#[derive(Debug)]
pub(crate) struct Limiter {
    channels: usize,
    volume: f32,
    ahead: usize,
    release: f32,
    /// Samples that are not heard yet.
    delayed: VecDeque<f32>,
    /// What samples within the look-ahead need, each lower than all after it, by their place.
    needs: VecDeque<(u64, f32)>,
    envelope: f32,
    /// The envelope over the look-ahead, and its sum.
    recent: VecDeque<f32>,
    sum: f64,
    taken: u64,
}

impl Limiter {
    pub(crate) fn new(format: crate::AudioFormat, volume: f32) -> Self {
        let ahead = format.frames_in(AHEAD_MS);
        Self {
            channels: format.width(),
            volume,
            ahead,
            release: 1.0 - (-1_000.0 / (RELEASE_MS * format.rate() as f32)).exp(),
            delayed: VecDeque::with_capacity((ahead + 1) * format.width()),
            needs: VecDeque::with_capacity(ahead + 1),
            envelope: 1.0,
            recent: VecDeque::from(vec![1.0; ahead]),
            sum: ahead as f64,
            taken: 0,
        }
    }

    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        for frame in samples.chunks_exact(self.channels) {
            self.delayed.extend(frame.iter().map(|it| it * self.volume));
            let peak = frame.iter().fold(0.0, |peak: f32, it| peak.max(it.abs())) * self.volume;
            self.step(if peak > CEILING { CEILING / peak } else { 1.0 }, out);
        }
    }

    /// Gives what is still held back.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        while !self.delayed.is_empty() {
            self.step(1.0, out);
        }
    }

    fn step(&mut self, need: f32, out: &mut Vec<f32>) {
        while self.needs.back().is_some_and(|(_, later)| *later >= need) {
            self.needs.pop_back();
        }
        self.needs.push_back((self.taken, need));
        self.taken += 1;
        let ahead = self.ahead as u64;
        while self
            .needs
            .front()
            .is_some_and(|(at, _)| at + ahead < self.taken)
        {
            self.needs.pop_front();
        }
        let lowest = self.needs.front().map_or(1.0, |(_, need)| *need);
        let released = self.envelope + (1.0 - self.envelope) * self.release;
        self.envelope = lowest.min(released);
        self.sum += f64::from(self.envelope);
        self.recent.push_back(self.envelope);
        self.sum -= f64::from(self.recent.pop_front().unwrap_or(1.0));
        if self.taken < ahead {
            return;
        }
        #[allow(clippy::cast_possible_truncation, reason = "a factor of one or less")]
        let factor = (self.sum / self.ahead as f64).min(1.0) as f32;
        let heard = self.channels.min(self.delayed.len());
        out.extend(self.delayed.drain(..heard).map(|sample| sample * factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioFormat;
    use crate::tone::{self, RATE};

    const FORMAT: AudioFormat = AudioFormat {
        sample_rate: RATE,
        channels: 1,
    };

    fn limited(samples: &[f32], volume: f32) -> Vec<f32> {
        let mut limiter = Limiter::new(FORMAT, volume);
        let mut out = Vec::new();
        for block in samples.chunks(777) {
            limiter.push(block, &mut out);
        }
        limiter.finish(&mut out);
        assert_eq!(out.len(), samples.len());
        out
    }

    #[test]
    fn what_is_soft_enough_is_only_louder() {
        let tone = tone::sine(440.0, 0.4, 20_000);
        let out = limited(&tone, 2.0);
        let off = tone.iter().zip(&out).map(|(a, b)| (a * 2.0 - b).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5);
    }

    #[test]
    fn what_is_too_loud_stays_a_tone_below_full_scale() {
        let mut tone = tone::sine(440.0, 0.2, RATE as usize);
        tone.extend(tone::sine(440.0, 0.95, RATE as usize));
        let out = limited(&tone, 2.0);
        let peak = out.iter().fold(0.0, |peak: f32, it| peak.max(it.abs()));
        assert!(peak <= CEILING + 1e-4, "{peak}");
        // Clipped at full scale it would have a third of its power in harmonics; here next to nothing.
        let steady = &out[RATE as usize * 3 / 2..];
        let (pure, all) = (tone::power_at(steady, 440.0), tone::power(steady));
        assert!(pure / all > 0.999, "{}", pure / all);
        // No step from one sample to the next that the tone itself does not make.
        let step = out.windows(2).map(|it| (it[1] - it[0]).abs());
        assert!(step.fold(0.0, f32::max) < 0.08);
    }

    #[test]
    fn single_peaks_do_not_get_through() {
        let mut samples = vec![0.1; 9_600];
        for at in (100..9_600).step_by(731) {
            samples[at] = if at % 2 == 0 { 1.0 } else { -1.0 };
        }
        let out = limited(&samples, 2.0);
        assert!(out.iter().all(|it| it.abs() <= CEILING + 1e-4));
    }
}
