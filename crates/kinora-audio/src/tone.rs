//! Tones for tests, and what is in them.

pub(crate) const RATE: u32 = 48_000;

pub(crate) fn sine(hz: f64, amplitude: f64, count: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * hz / f64::from(RATE);
    (0..count)
        .map(|at| ((at as f64 * step).sin() * amplitude) as f32)
        .collect()
}

/// The mean square.
pub(crate) fn power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|it| f64::from(*it).powi(2)).sum();
    sum / samples.len().max(1) as f64
}

/// The mean square of what is at one frequency.
pub(crate) fn power_at(samples: &[f32], hz: f64) -> f64 {
    at(samples, hz, RATE).0
}

/// The same at a rate, and by how much of a wave a sine begins there.
pub(crate) fn at(samples: &[f32], hz: f64, rate: u32) -> (f64, f64) {
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let (sin, cos) = (at as f64 * step).sin_cos();
        re += f64::from(*sample) * cos;
        im += f64::from(*sample) * sin;
    }
    let count = samples.len().max(1) as f64;
    let power = 2.0 * (re * re + im * im) / (count * count);
    (power, re.atan2(im) / std::f64::consts::TAU)
}

/// How high a tone is: by the places where it rises through zero, the first to the last.
pub(crate) fn pitch(samples: &[f32]) -> f64 {
    let rises: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, it)| it[0] < 0.0 && it[1] >= 0.0)
        .map(|(at, it)| at as f64 + f64::from(it[0] / (it[0] - it[1])))
        .collect();
    match (rises.first(), rises.last()) {
        (Some(first), Some(last)) if last > first => {
            (rises.len() - 1) as f64 * f64::from(RATE) / (last - first)
        }
        _ => 0.0,
    }
}
