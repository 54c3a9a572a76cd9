//! From the colour model of video to the RGB of screens (ITU-T H.273 8.3).

use kinora_media::{ColorRange, VideoFrame};

/// Bits behind the point of the factors.
const POINT: u32 = 14;

/// Factors of one conversion, in fixed point for samples of one depth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conversion {
    y_zero: i32,
    c_zero: i32,
    y: i32,
    r: (i32, i32),
    g: (i32, i32),
    b: (i32, i32),
    kind: Kind,
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
    /// The conversion that a picture's own description asks for.
    pub(crate) fn of(frame: &VideoFrame) -> Self {
        let bits = frame.format.bits();
        let scale = f64::from(1u32 << (bits - 8));
        let full = frame.color.range == ColorRange::Full;
        // H.273 8.3: the ranges of luma and of colour differences, in steps of the samples.
        let (y_zero, y_range, c_range) = if full {
            let whole = f64::from((1u32 << bits) - 1);
            (0.0, whole, whole)
        } else {
            (16.0 * scale, 219.0 * scale, 224.0 * scale)
        };
        let fixed = |value: f64, range: f64| rounded(value * 255.0 / range * f64::from(1 << POINT));
        let ((ru, rv), (gu, gv), (bu, bv)) = factors(matrix(frame));
        Self {
            y_zero: rounded(y_zero),
            c_zero: 1 << (bits - 1),
            y: fixed(1.0, y_range),
            r: (fixed(ru, c_range), fixed(rv, c_range)),
            g: (fixed(gu, c_range), fixed(gv, c_range)),
            b: (fixed(bu, c_range), fixed(bv, c_range)),
            kind: kind(frame),
        }
    }

    /// One row of samples, colour brought to the width of luma, into bytes of R, G, B.
    pub(crate) fn row(&self, rgb: &mut [u8], y: &[u16], u: &[u16], v: &[u16]) {
        let pixels = rgb.as_chunks_mut::<3>().0.iter_mut().zip(y);
        match self.kind {
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

fn kind(frame: &VideoFrame) -> Kind {
    if frame.format.planes() == 1 {
        return Kind::Gray;
    }
    // Matrix 0 makes sense only with three whole planes.
    if frame.color.matrix == 0 && frame.format.chroma_shift() == (0, 0) {
        return Kind::Identity;
    }
    Kind::Differences
}

/// Where nothing is said, pictures larger than standard television are taken as BT.709.
fn matrix(frame: &VideoFrame) -> u8 {
    match frame.color.matrix {
        0 | 2 | 3 if frame.width >= 1280 || frame.height > 576 => 1,
        0 | 2 | 3 => 6,
        known => known,
    }
}

type Pair = (f64, f64);

/// What Cb and Cr add to R, G and B.
fn factors(matrix: u8) -> (Pair, Pair, Pair) {
    // H.273 table 4: KR and KB.
    let (kr, kb) = match matrix {
        1 => (0.2126, 0.0722),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        // YCgCo: not luma weights but sums and differences.
        8 => return ((-1.0, 1.0), (1.0, 0.0), (-1.0, -1.0)),
        9 | 10 => (0.2627, 0.0593),
        _ => (0.299, 0.114),
    };
    let kg = 1.0 - kr - kb;
    (
        (0.0, 2.0 * (1.0 - kr)),
        (-2.0 * kb * (1.0 - kb) / kg, -2.0 * kr * (1.0 - kr) / kg),
        (2.0 * (1.0 - kb), 0.0),
    )
}
