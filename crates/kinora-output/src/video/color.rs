//! From the colour model of video to the RGB of screens (ITU-T H.273 8.3).

use kinora_media::ColorRange;

use super::tone::{DynamicRange, WHITE, pq_signal};
use crate::VideoFormat;

/// Bits behind the point of the factors: as many as keep samples of 16 bits exact and sums within 32 bits.
const POINT: u32 = 20;

/// From samples to what a screen shows, eight bits each of R, G and B: factors in fixed point for samples of one depth. HDR is
/// mapped to what screens without it can show ([`DynamicRange`]).
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    y_zero: i32,
    c_zero: i32,
    y: i32,
    r: (i32, i32),
    g: (i32, i32),
    b: (i32, i32),
    kind: Kind,
    range: DynamicRange,
    rows: [[f32; 4]; 3],
    /// The largest code of a sample.
    most: f32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Luma and two colour differences.
    Differences,
    /// Green, blue and red lie in the planes (matrix 0).
    Identity,
    /// Luma only.
    Gray,
}

impl Conversion {
    /// The conversion that the description of a format asks for.
    #[must_use]
    pub fn of(format: &VideoFormat) -> Self {
        let (y_zero, y_range, c_range) = ranges(format);
        let fixed = |value: f64, range: f64| rounded(value * 255.0 / range * f64::from(1 << POINT));
        let ((ru, rv), (gu, gv), (bu, bv)) = factors(matrix(format));
        Self {
            y_zero: rounded(y_zero),
            c_zero: 1 << (format.pixels.bits() - 1),
            y: fixed(1.0, y_range),
            r: (fixed(ru, c_range), fixed(rv, c_range)),
            g: (fixed(gu, c_range), fixed(gv, c_range)),
            b: (fixed(bu, c_range), fixed(bv, c_range)),
            kind: kind(format),
            range: DynamicRange::of(format),
            rows: signal_rows(format),
            most: f32::from(largest(format)),
        }
    }

    /// One row of samples, colour brought to the width of luma, into bytes of R, G, B. Of video without colour `u` and `v` are
    /// empty.
    pub fn row(&self, rgb: &mut [u8], y: &[u16], u: &[u16], v: &[u16]) {
        let pixels = rgb.as_chunks_mut::<3>().0.iter_mut().zip(y);
        match self.kind {
            Kind::Gray if self.range != DynamicRange::Standard => {
                for (pixel, &y) in pixels {
                    *pixel = self.mapped([y; 3]);
                }
            }
            _ if self.range != DynamicRange::Standard => {
                for ((pixel, &y), (&u, &v)) in pixels.zip(u.iter().zip(v)) {
                    *pixel = self.mapped([y, u, v]);
                }
            }
            Kind::Gray => {
                for (pixel, &y) in pixels {
                    *pixel = [self.level(y); 3];
                }
            }
            Kind::Identity => {
                for ((pixel, &g), (&b, &r)) in pixels.zip(u.iter().zip(v)) {
                    *pixel = [self.level(r), self.level(g), self.level(b)];
                }
            }
            Kind::Differences => {
                for ((pixel, &y), (&u, &v)) in pixels.zip(u.iter().zip(v)) {
                    *pixel = self.pixel(y, u, v);
                }
            }
        }
    }

    fn mapped(&self, samples: [u16; 3]) -> [u8; 3] {
        let [y, u, v] = samples.map(|sample| f32::from(sample) / self.most);
        let signal = self
            .rows
            .map(|[of_y, of_u, of_v, more]| of_y * y + of_u * u + of_v * v + more);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let byte = |level: f32| (level * 255.0).round() as u8;
        self.range.to_screen(signal).map(byte)
    }

    fn luma(&self, y: u16) -> i32 {
        (i32::from(y) - self.y_zero) * self.y + (1 << (POINT - 1))
    }

    fn level(&self, sample: u16) -> u8 {
        clamp(self.luma(sample))
    }

    fn pixel(&self, y: u16, u: u16, v: u16) -> [u8; 3] {
        let luma = self.luma(y);
        let (u, v) = (i32::from(u) - self.c_zero, i32::from(v) - self.c_zero);
        [self.r, self.g, self.b].map(|(fu, fv)| clamp(luma + u * fu + v * fv))
    }
}

/// The whole part, kept within a byte.
fn clamp(fixed: i32) -> u8 {
    u8::try_from((fixed >> POINT).clamp(0, 255)).unwrap_or(0)
}

fn rounded(value: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
    {
        value.round() as i32
    }
}

/// R, G and B of the video's own signal, of 0 to 1, from the samples of its three planes as shares of the largest code of their
/// depth: three factors and what is added, for each. Of video without colour the first factor is luma's, the others are 0.
#[must_use]
pub fn signal_rows(format: &VideoFormat) -> [[f32; 4]; 3] {
    let (y_zero, y_range, c_range) = ranges(format);
    let most = f64::from(largest(format));
    let c_zero = f64::from(1_u32 << (format.pixels.bits() - 1));
    let luma = |factors: [f64; 3]| {
        let of = factors.map(|factor| factor * most / y_range);
        [of[0], of[1], of[2], -y_zero / y_range]
    };
    let rows = match kind(format) {
        Kind::Gray => [luma([1.0, 0.0, 0.0]); 3],
        Kind::Identity => [
            luma([0.0, 0.0, 1.0]),
            luma([1.0, 0.0, 0.0]),
            luma([0.0, 1.0, 0.0]),
        ],
        Kind::Differences => {
            let (red, green, blue) = factors(matrix(format));
            [red, green, blue].map(|(u, v)| {
                let [y, .., zero] = luma([1.0, 0.0, 0.0]);
                let zero = zero - (u + v) * c_zero / c_range;
                [y, u * most / c_range, v * most / c_range, zero]
            })
        }
    };
    #[allow(clippy::cast_possible_truncation, reason = "factors of one digit")]
    let narrow = |factor: f64| factor as f32;
    rows.map(|row| row.map(narrow))
}

/// The largest code of a sample.
fn largest(format: &VideoFormat) -> u16 {
    u16::MAX >> (16 - format.pixels.bits().min(16))
}

fn kind(format: &VideoFormat) -> Kind {
    if format.pixels.planes() == 1 {
        return Kind::Gray;
    }
    // Matrix 0 makes sense only with three whole planes.
    if format.color.matrix == 0 && format.pixels.chroma_shift() == (0, 0) {
        return Kind::Identity;
    }
    Kind::Differences
}

/// Where nothing is said, pictures larger than standard television are taken as BT.709.
fn matrix(format: &VideoFormat) -> u8 {
    match format.color.matrix {
        0 | 2 | 3 if format.width >= 1280 || format.height > 576 => 1,
        0 | 2 | 3 => 6,
        known => known,
    }
}

/// The ranges of luma and of colour differences in steps of the samples, and where luma is zero (H.273 8.3).
fn ranges(format: &VideoFormat) -> (f64, f64, f64) {
    let bits = format.pixels.bits();
    let scale = f64::from(1u32 << (bits - 8));
    if format.color.range == ColorRange::Full {
        let whole = f64::from((1u32 << bits) - 1);
        return (0.0, whole, whole);
    }
    (16.0 * scale, 219.0 * scale, 224.0 * scale)
}

/// The other way: from the RGB of what is drawn to samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    y_zero: f64,
    c_zero: f64,
    y_range: f64,
    c_range: f64,
    rows: [[f64; 3]; 3],
    transfer: u8,
}

impl Encoding {
    pub(crate) fn of(format: &VideoFormat) -> Self {
        let (y_zero, y_range, c_range) = ranges(format);
        let c_zero = f64::from(1u32 << (format.pixels.bits() - 1));
        let matrix = matrix(format);
        let (kr, kb) = luma_weights(matrix);
        let kg = 1.0 - kr - kb;
        let luma = [kr, kg, kb];
        let (rows, c_zero, c_range) = match kind(format) {
            // Green, blue and red lie in the planes.
            Kind::Identity => (
                [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
                y_zero,
                y_range,
            ),
            _ if matrix == 8 => (
                [[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]],
                c_zero,
                c_range,
            ),
            _ => {
                let difference = |own: usize, weight: f64| {
                    let share = |at: usize| f64::from(u8::from(at == own)) - luma[at];
                    [0, 1, 2].map(|at| share(at) / (2.0 * (1.0 - weight)))
                };
                (
                    [luma, difference(2, kb), difference(0, kr)],
                    c_zero,
                    c_range,
                )
            }
        };
        Self {
            y_zero,
            c_zero,
            y_range,
            c_range,
            rows,
            transfer: format.color.transfer,
        }
    }

    /// The sample of each plane for a colour.
    pub(crate) fn samples(&self, rgb: [u8; 3]) -> [f64; 3] {
        let rgb = rgb.map(|level| signal(self.transfer, f64::from(level) / 255.0));
        let [y, u, v] = self.rows.map(|row| {
            let products = row.iter().zip(rgb).map(|(weight, level)| weight * level);
            products.sum::<f64>()
        });
        [
            self.y_zero + y * self.y_range,
            self.c_zero + u * self.c_range,
            self.c_zero + v * self.c_range,
        ]
    }
}

/// What a screen's level is as a signal of that transfer (H.273 table 3). White is drawn as bright as white paper: 203 cd/m²
/// (ITU-R BT.2408-7 2.1).
fn signal(transfer: u8, level: f64) -> f64 {
    match transfer {
        #[allow(clippy::cast_possible_truncation, reason = "a level")]
        16 => f64::from(pq_signal(level.powf(2.2) as f32 * WHITE / 10_000.0)),
        18 => level * 0.75,
        _ => level,
    }
}

/// KR and KB (H.273 table 4).
fn luma_weights(matrix: u8) -> (f64, f64) {
    match matrix {
        1 => (0.2126, 0.0722),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        9 | 10 => (0.2627, 0.0593),
        _ => (0.299, 0.114),
    }
}

type Pair = (f64, f64);

/// What Cb and Cr add to R, G and B.
fn factors(matrix: u8) -> (Pair, Pair, Pair) {
    if matrix == 8 {
        // YCgCo: not luma weights but sums and differences.
        return ((-1.0, 1.0), (1.0, 0.0), (-1.0, -1.0));
    }
    let (kr, kb) = luma_weights(matrix);
    let kg = 1.0 - kr - kb;
    (
        (0.0, 2.0 * (1.0 - kr)),
        (-2.0 * kb * (1.0 - kb) / kg, -2.0 * kr * (1.0 - kr) / kg),
        (2.0 * (1.0 - kb), 0.0),
    )
}
