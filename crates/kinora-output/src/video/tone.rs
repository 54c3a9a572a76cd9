//! From the brightness of HDR video to that of screens that have none.
//!
//! The signal becomes light by its own transfer function (SMPTE ST 2084, or ARIB STD-B67 with the OOTF of a screen of 1,000
//! cd/m², ITU-R BT.2100-2 tables 4 and 5). What is brighter than a screen's white, 203 cd/m² (ITU-R BT.2408-7 2.1), is bent by
//! the EETF of ITU-R BT.2390-11 5.4.1, each of R, G and B alone: up to about 93 cd/m² nothing changes, the 1,000 cd/m² that films are
//! mostly graded for become white. Then BT.2020 primaries become BT.709's, what lies beyond is cut off, and the light is a
//! signal again by a gamma of 2.2, as screens decode it.

use std::sync::LazyLock;

use crate::VideoFormat;

/// What films are mostly graded for, in cd/m².
const PEAK: f32 = 1_000.0;
/// A screen's white, in cd/m².
pub(crate) const WHITE: f32 = 203.0;
/// How a screen's signal becomes light.
const GAMMA: f32 = 2.2;
/// Entries of a table but one.
const STEPS: f32 = 4_095.0;

/// How brightness is coded, and with it what must be done to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DynamicRange {
    /// As screens show it.
    #[default]
    Standard,
    /// Perceptual quantisation (SMPTE ST 2084): HDR10.
    Pq,
    /// Hybrid log-gamma (ARIB STD-B67).
    Hlg,
}

impl DynamicRange {
    /// That of video of a format (H.273 table 3).
    #[must_use]
    pub const fn of(format: &VideoFormat) -> Self {
        match format.color.transfer {
            16 => Self::Pq,
            18 => Self::Hlg,
            _ => Self::Standard,
        }
    }

    /// R, G and B of a screen from those of the video, all of 0 to 1.
    #[must_use]
    pub fn to_screen(self, rgb: [f32; 3]) -> [f32; 3] {
        let tables = LazyLock::force(&TABLES);
        let light = match self {
            Self::Standard => return rgb.map(|level| level.clamp(0.0, 1.0)),
            Self::Pq => rgb.map(|level| at(&tables.pq, level)),
            Self::Hlg => hlg_light(tables, rgb).map(|light| at(&tables.bent, light.sqrt())),
        };
        bt709(light).map(|light| at(&tables.signal, light.clamp(0.0, 1.0).sqrt()))
    }
}

/// Functions of 0 to 1, which cost too much for each pixel. Light is looked up by its square root: dark steps are small ones.
struct Tables {
    /// From a signal to bent light, as a share of white.
    pq: Vec<f32>,
    /// From the square root of light, as a share of the peak, to bent light, as a share of white.
    bent: Vec<f32>,
    /// From a signal of HLG to the light of the scene.
    scene: Vec<f32>,
    /// From the square root of the scene's luminance to the factor of the OOTF.
    ootf: Vec<f32>,
    /// From the square root of light to a screen's signal.
    signal: Vec<f32>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let table = |of: fn(f32) -> f32| {
        (0..=4_095_u16)
            .map(|at| of(f32::from(at) / STEPS))
            .collect()
    };
    Tables {
        pq: table(|signal| bent(pq_light(signal) * 10_000.0) / WHITE),
        bent: table(|root| bent(root * root * PEAK) / WHITE),
        scene: table(hlg_scene),
        // The system gamma of a screen of 1,000 cd/m² is 1.2.
        ootf: table(|root| (root * root).powf(0.2)),
        signal: table(|root| (root * root).powf(1.0 / GAMMA)),
    }
});

fn at(table: &[f32], place: f32) -> f32 {
    let place = place.clamp(0.0, 1.0) * STEPS;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the table"
    )]
    let (first, share) = (place as usize, place.fract());
    let value = |index: usize| table.get(index).or(table.last()).copied().unwrap_or(0.0);
    value(first) + (value(first + 1) - value(first)) * share
}

const M1: f32 = 2610.0 / 16384.0;
const M2: f32 = 2523.0 / 4096.0 * 128.0;
const C1: f32 = 3424.0 / 4096.0;
const C2: f32 = 2413.0 / 4096.0 * 32.0;
const C3: f32 = 2392.0 / 4096.0 * 32.0;

/// SMPTE ST 2084, from a share of 10,000 cd/m² to the signal.
pub(crate) fn pq_signal(light: f32) -> f32 {
    let light = light.max(0.0).powf(M1);
    ((C1 + C2 * light) / (1.0 + C3 * light)).powf(M2)
}

/// SMPTE ST 2084, from the signal to a share of 10,000 cd/m².
fn pq_light(signal: f32) -> f32 {
    let root = signal.max(0.0).powf(1.0 / M2);
    ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

/// ARIB STD-B67, from the signal to the light of the scene.
fn hlg_scene(signal: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 1.0 - 4.0 * A;
    let c = 0.5 - A * (4.0 * A).ln();
    match signal <= 0.5 {
        true => signal * signal / 3.0,
        false => (((signal - c) / A).exp() + B) / 12.0,
    }
}

/// The light of a screen of 1,000 cd/m², as a share of that.
fn hlg_light(tables: &Tables, rgb: [f32; 3]) -> [f32; 3] {
    let scene = rgb.map(|level| at(&tables.scene, level));
    let [red, green, blue] = scene;
    let luminance = 0.2627 * red + 0.6780 * green + 0.0593 * blue;
    let factor = at(&tables.ootf, luminance.sqrt());
    scene.map(|light| light * factor)
}

/// ITU-R BT.2390-11 5.4.1, from 1,000 cd/m² to a screen's white, both in cd/m²; black stays.
fn bent(light: f32) -> f32 {
    let peak = pq_signal(PEAK / 10_000.0);
    let most = pq_signal(WHITE / 10_000.0) / peak;
    let knee = 1.5 * most - 0.5;
    let signal = (pq_signal(light / 10_000.0) / peak).min(1.0);
    if signal <= knee {
        return light;
    }
    let t = (signal - knee) / (1.0 - knee);
    let (square, cube) = (t * t, t * t * t);
    let spline = (2.0 * cube - 3.0 * square + 1.0) * knee
        + (cube - 2.0 * square + t) * (1.0 - knee)
        + (3.0 * square - 2.0 * cube) * most;
    pq_light(spline * peak) * 10_000.0
}

/// Light of BT.2020's primaries as that of BT.709's (ITU-R BT.2087-0).
fn bt709([red, green, blue]: [f32; 3]) -> [f32; 3] {
    [
        1.6605 * red - 0.5876 * green - 0.0728 * blue,
        -0.1246 * red + 1.1329 * green - 0.0083 * blue,
        -0.0182 * red - 0.1006 * green + 1.1187 * blue,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signal of a screen for gray of that light.
    fn gray(range: DynamicRange, signal: f32) -> f32 {
        range.to_screen([signal; 3])[1]
    }

    fn on_screen(light: f32) -> f32 {
        (light / WHITE).powf(1.0 / GAMMA)
    }

    #[test]
    fn what_a_screen_can_show_stays_as_bright_as_it_is_meant() {
        for light in [0.5, 5.0, 26.0, 80.0] {
            let shown = gray(DynamicRange::Pq, pq_signal(light / 10_000.0));
            assert!((shown - on_screen(light)).abs() < 0.003, "{light}: {shown}");
        }
    }

    #[test]
    fn highlights_are_bent_to_white_and_stay_in_their_order() {
        let mut before = 0.0;
        for step in 1..=100_u8 {
            let light = f32::from(step) * 10.0;
            let shown = gray(DynamicRange::Pq, pq_signal(light / 10_000.0));
            // At its end the curve is flat.
            let rises = shown > before || light > 900.0 && shown > before - 1e-4;
            assert!(rises, "{light}: {shown} after {before}");
            before = shown;
        }
        assert!((before - 1.0).abs() < 0.003, "{before}");
        let beyond = gray(DynamicRange::Pq, 1.0);
        assert!((beyond - 1.0).abs() < 0.003, "{beyond}");
    }

    #[test]
    fn hybrid_log_gamma_has_its_white_at_three_quarters_and_its_peak_at_one() {
        // BT.2408-7 table 1: 75 % are the 203 cd/m² of white; 1,000 are the peak.
        let light = 1_000.0 * hlg_light(&TABLES, [0.75; 3])[0];
        assert!((light - 203.0).abs() < 1.0, "{light}");
        let same = gray(DynamicRange::Pq, pq_signal(light / 10_000.0));
        let white = gray(DynamicRange::Hlg, 0.75);
        assert!((white - same).abs() < 0.004, "{white} {same}");
        assert!((gray(DynamicRange::Hlg, 1.0) - 1.0).abs() < 0.004);
        assert_eq!(gray(DynamicRange::Hlg, 0.0), 0.0);
    }

    #[test]
    fn gray_stays_gray_and_colours_grow_no_weaker_on_the_smaller_gamut() {
        let [red, green, blue] = DynamicRange::Pq.to_screen([0.5; 3]);
        assert!((red - green).abs() < 0.003 && (green - blue).abs() < 0.003);
        let [red, green, _] = DynamicRange::Pq.to_screen([0.5, 0.3, 0.3]);
        assert!(red > green + 0.2, "{red} {green}");
    }
}
