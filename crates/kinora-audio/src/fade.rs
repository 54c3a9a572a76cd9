//! Cuts that do not click. The slopes are straight: what is joined is much alike, and their sum stays as loud.

/// Lets the first samples rise from silence, over so many of each channel.
pub fn fade_in(samples: &mut [f32], channels: usize, frames: usize) {
    for (at, frame) in slope(samples, channels, frames) {
        frame.iter_mut().for_each(|sample| *sample *= at);
    }
}

/// Lets the samples fall to silence over so many of each channel; what follows those is silent.
pub fn fade_out(samples: &mut [f32], channels: usize, frames: usize) {
    for (at, frame) in slope(samples, channels, frames) {
        frame.iter_mut().for_each(|sample| *sample *= 1.0 - at);
    }
    let faded = frames.saturating_mul(channels.max(1)).min(samples.len());
    samples[faded..].fill(0.0);
}

/// Goes over from what would have been heard to samples that take its place, along so many of each channel.
#[derive(Clone, Debug)]
pub struct Crossfade {
    before: Vec<f32>,
    channels: usize,
    frames: usize,
    done: usize,
}

impl Crossfade {
    /// `before`: what would have been heard. The way over is no longer than that.
    #[must_use]
    pub fn new(before: Vec<f32>, channels: usize, frames: usize) -> Self {
        let channels = channels.max(1);
        Self {
            frames: frames.min(before.len() / channels),
            before,
            channels,
            done: 0,
        }
    }

    /// Joins the samples that come next, while it lasts.
    pub fn apply(&mut self, samples: &mut [f32]) {
        let old = self.before.chunks_exact(self.channels);
        let old = old.take(self.frames).skip(self.done);
        let count = self.frames.max(1) as f32;
        for (frame, old) in samples.chunks_exact_mut(self.channels).zip(old) {
            self.done += 1;
            let share = self.done as f32 / count;
            for (sample, old) in frame.iter_mut().zip(old) {
                *sample = *old + (*sample - *old) * share;
            }
        }
    }

    /// It has nothing left to join.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.done >= self.frames
    }
}

/// The first so many samples of all channels, each with how far along they are: from just above 0 to 1.
fn slope(
    samples: &mut [f32],
    channels: usize,
    frames: usize,
) -> impl Iterator<Item = (f32, &mut [f32])> {
    let count = frames.max(1) as f32;
    let frames = samples.chunks_exact_mut(channels.max(1)).take(frames);
    frames
        .enumerate()
        .map(move |(at, frame)| ((at + 1) as f32 / count, frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fade_begins_and_ends_in_silence() {
        let mut samples = [1.0; 12];
        fade_in(&mut samples, 2, 4);
        assert_eq!(samples[..8], [0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1.0, 1.0]);
        assert_eq!(samples[8..], [1.0; 4]);
        fade_out(&mut samples, 2, 5);
        assert_eq!(samples[8..], [0.0; 4]);
        assert!(samples[0] < 0.25);
    }

    #[test]
    fn alike_samples_pass_through_a_crossfade_unchanged_and_a_step_becomes_a_slope() {
        let joined = |before: &[f32], samples: &mut [f32], frames| {
            let mut fade = Crossfade::new(before.to_vec(), 1, frames);
            // Whatever the pieces.
            let (first, second) = samples.split_at_mut(3);
            fade.apply(first);
            fade.apply(second);
            assert!(fade.is_over());
        };
        let mut samples = [0.5; 8];
        joined(&[0.5; 4], &mut samples, 6);
        assert_eq!(samples, [0.5; 8]);
        let mut samples = [0.0; 8];
        joined(&[1.0; 8], &mut samples, 4);
        assert_eq!(samples, [0.75, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
