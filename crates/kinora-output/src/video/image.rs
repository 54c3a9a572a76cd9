//! Pictures as rows of R, G, B, as files and terminals want them.

use kinora_media::{PixelFormat, Rotation, VideoFrame};

use super::color::Conversion;
use crate::SinkError;

/// More pixels than any screen has: a bound on memory.
const MOST_PIXELS: u64 = 1 << 28;

/// A picture of three bytes a pixel, rows from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `width * height` times R, G, B.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{} RGB", self.width, self.height)
    }
}

impl RgbImage {
    /// A picture of one colour.
    #[must_use]
    pub fn filled(width: u32, height: u32, color: [u8; 3]) -> Self {
        Self {
            width,
            height,
            data: color.repeat(width as usize * height as usize),
        }
    }

    /// A decoded picture as coded: neither turned nor stretched.
    ///
    /// # Errors
    /// [`SinkError::BadFrame`].
    pub fn from_frame(frame: &VideoFrame) -> Result<Self, SinkError> {
        let bad = |why| SinkError::BadFrame {
            width: frame.width,
            height: frame.height,
            why,
        };
        if frame.width == 0 || frame.height == 0 {
            return Err(bad("it has no pixels"));
        }
        if u64::from(frame.width) * u64::from(frame.height) > MOST_PIXELS {
            return Err(bad("it is larger than any screen"));
        }
        let mut rows = Samples::new(frame);
        let conversion = Conversion::of(frame);
        let row_len = frame.width as usize * 3;
        let mut data = vec![0; row_len * frame.height as usize];
        for row in data.chunks_exact_mut(row_len) {
            let (y, u, v) = rows
                .next()
                .ok_or_else(|| bad("it has less memory than its size needs"))?;
            conversion.row(row, y, u, v);
        }
        Ok(Self {
            width: frame.width,
            height: frame.height,
            data,
        })
    }

    /// A decoded picture as a person should see it: square pixels, upright.
    ///
    /// # Errors
    /// [`SinkError::BadFrame`].
    pub fn upright(frame: &VideoFrame) -> Result<Self, SinkError> {
        let image = Self::from_frame(frame)?;
        let (width, height) = display_size(frame);
        Ok(image.scaled(width, height).rotated(frame.rotation))
    }

    /// The pixel of that place; black outside.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        match self.data.get(at..at + 3) {
            Some(&[r, g, b]) if x < self.width => [r, g, b],
            _ => [0; 3],
        }
    }

    #[allow(dead_code)]
    pub(crate) fn set(&mut self, x: u32, y: u32, color: [u8; 3]) {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        if x < self.width
            && let Some(pixel) = self.data.get_mut(at..at + 3)
        {
            pixel.copy_from_slice(&color);
        }
    }

    /// Turned clockwise.
    #[must_use]
    pub fn rotated(self, rotation: Rotation) -> Self {
        let (w, h) = (self.width, self.height);
        let (width, height) = match rotation {
            Rotation::None => return self,
            Rotation::Cw180 => (w, h),
            Rotation::Cw90 | Rotation::Cw270 => (h, w),
        };
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = match rotation {
                    Rotation::None => (x, y),
                    Rotation::Cw90 => (y, h - 1 - x),
                    Rotation::Cw180 => (w - 1 - x, h - 1 - y),
                    Rotation::Cw270 => (w - 1 - y, x),
                };
                data.extend_from_slice(&self.pixel(from_x, from_y));
            }
        }
        Self {
            width,
            height,
            data,
        }
    }

    /// Another size: averages where it shrinks, blends where it grows.
    #[must_use]
    pub fn scaled(self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (self.width, self.height) {
            return self;
        }
        let columns = weights(self.width, width);
        let rows = weights(self.height, height);
        let row_len = width as usize * 3;
        // Each source row is brought to the new width once, then rows are blended.
        let narrow: Vec<u8> = self
            .data
            .chunks_exact((self.width as usize * 3).max(1))
            .flat_map(|row| columns.iter().flat_map(|span| span.blend(row, 3)))
            .collect();
        let mut data = Vec::with_capacity(row_len * height as usize);
        for span in &rows {
            for at in 0..row_len {
                data.push(span.blend_one(&narrow, row_len, at));
            }
        }
        Self {
            width,
            height,
            data,
        }
    }

    /// Scaled to fit within a box, shape kept.
    #[must_use]
    pub fn fitted(self, width: u32, height: u32) -> Self {
        let (w, h) = fit((self.width, self.height), (width, height));
        self.scaled(w, h)
    }
}

/// The largest size of that shape within a box.
pub(crate) fn fit((w, h): (u32, u32), (box_w, box_h): (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(w.max(1)), u64::from(h.max(1)));
    let (box_w, box_h) = (u64::from(box_w), u64::from(box_h));
    let (width, height) = if w * box_h > h * box_w {
        (box_w, h * box_w / w)
    } else {
        (w * box_h / h, box_h)
    };
    let small = |n: u64| u32::try_from(n.max(1)).unwrap_or(u32::MAX);
    (small(width), small(height))
}

/// The size with square pixels, before turning: nothing is thrown away, one side grows.
fn display_size(frame: &VideoFrame) -> (u32, u32) {
    let (width, height) = (u64::from(frame.width), u64::from(frame.height));
    let Some((num, den)) = frame.pixel_aspect else {
        return (frame.width, frame.height);
    };
    let (num, den) = (u64::from(num), u64::from(den));
    // A shape of more than sixteen to one is a broken header.
    if num == 0 || den == 0 || num > den * 16 || den > num * 16 {
        return (frame.width, frame.height);
    }
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    if num >= den {
        (narrow((width * num + den / 2) / den), frame.height)
    } else {
        (frame.width, narrow((height * den + num / 2) / num))
    }
}

/// Which source samples make one sample of the new size, and how much each counts (of 256 in all).
struct Span {
    first: usize,
    weights: Vec<u32>,
}

impl Span {
    fn blend_one(&self, data: &[u8], step: usize, offset: usize) -> u8 {
        let samples = data.get(self.first * step + offset..).unwrap_or_default();
        let sum: u32 = samples
            .iter()
            .step_by(step)
            .zip(&self.weights)
            .map(|(&sample, &weight)| u32::from(sample) * weight)
            .sum();
        u8::try_from((sum + 32768) >> 16).unwrap_or(255)
    }
    fn blend(&self, row: &[u8], channels: usize) -> impl Iterator<Item = u8> {
        (0..channels).map(move |channel| self.blend_one(row, channels, channel))
    }
}

/// Triangle filter, as wide as the step when shrinking.
fn weights(from: u32, to: u32) -> Vec<Span> {
    let ratio = f64::from(from) / f64::from(to);
    let reach = ratio.max(1.0);
    (0..to)
        .map(|index| {
            let center = (f64::from(index) + 0.5) * ratio - 0.5;
            let first = (center - reach).ceil().max(0.0);
            let last = (center + reach).floor().min(f64::from(from) - 1.0);
            let (first, last) = (whole(first), whole(last).max(whole(first)));
            let raw: Vec<f64> = (first..=last)
                .map(|at| (1.0 - (f64::from(at) - center).abs() / reach).max(1e-6))
                .collect();
            let sum: f64 = raw.iter().sum();
            Span {
                first: first as usize,
                weights: raw.iter().map(|w| whole(w / sum * 65536.0)).collect(),
            }
        })
        .collect()
}

fn whole(value: f64) -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates"
    )]
    {
        value.round() as u32
    }
}

/// Walks the rows of a picture with its samples as numbers, colour at the width of luma.
struct Samples<'a> {
    frame: &'a VideoFrame,
    row: usize,
    planes: [kinora_media::PlaneView<'a>; 3],
    y: Vec<u16>,
    u: Vec<u16>,
    v: Vec<u16>,
    /// The colour row that lies in `u` and `v`.
    colour_row: Option<usize>,
}

impl<'a> Samples<'a> {
    fn new(frame: &'a VideoFrame) -> Self {
        let width = frame.width as usize;
        Self {
            frame,
            row: 0,
            planes: [0, 1, 2].map(|plane| frame.buffer.plane(plane)),
            y: Vec::with_capacity(width),
            u: vec![0; width],
            v: vec![0; width],
            colour_row: None,
        }
    }

    fn bytes(&self, plane: usize, row: usize) -> Option<&'a [u8]> {
        let frame = self.frame;
        let (len, _) = frame.format.plane_size(plane, frame.width, frame.height);
        let view = self.planes.get(plane)?;
        let start = row.checked_mul(view.stride)?;
        view.data.get(start..start.checked_add(len)?)
    }

    /// The next row; `None` when the memory ends early.
    fn next(&mut self) -> Option<(&[u16], &[u16], &[u16])> {
        let format = self.frame.format;
        let y = self.bytes(0, self.row)?;
        self.y.clear();
        unpack(&mut self.y, y, format.bytes_per_sample());
        let colour_row = self.row >> format.chroma_shift().1;
        if format.planes() > 1 && self.colour_row != Some(colour_row) {
            self.unpack_colour(colour_row)?;
            self.colour_row = Some(colour_row);
        }
        self.row += 1;
        Some((&self.y, &self.u, &self.v))
    }

    fn unpack_colour(&mut self, row: usize) -> Option<()> {
        let format = self.frame.format;
        let (u, v) = match format {
            PixelFormat::Nv12 => {
                let pairs = self.bytes(1, row)?;
                spread(
                    &mut self.u,
                    pairs.iter().step_by(2).copied().map(u16::from),
                    1,
                );
                spread(
                    &mut self.v,
                    pairs.iter().skip(1).step_by(2).copied().map(u16::from),
                    1,
                );
                return Some(());
            }
            _ => (self.bytes(1, row)?, self.bytes(2, row)?),
        };
        let shift = format.chroma_shift().0;
        if format.bytes_per_sample() == 2 {
            spread(&mut self.u, wide(u), shift);
            spread(&mut self.v, wide(v), shift);
        } else {
            spread(&mut self.u, u.iter().copied().map(u16::from), shift);
            spread(&mut self.v, v.iter().copied().map(u16::from), shift);
        }
        Some(())
    }
}

fn wide(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair))
}

fn unpack(samples: &mut Vec<u16>, bytes: &[u8], size: usize) {
    if size == 2 {
        samples.extend(wide(bytes));
    } else {
        samples.extend(bytes.iter().copied().map(u16::from));
    }
}

/// Each colour sample serves `1 << shift` pixels.
fn spread(row: &mut [u16], samples: impl Iterator<Item = u16>, shift: u32) {
    for (pixels, sample) in row.chunks_mut(1 << shift).zip(samples) {
        pixels.fill(sample);
    }
}
