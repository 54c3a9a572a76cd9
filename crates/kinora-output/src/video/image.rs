//! Pictures as rows of R, G, B, as files and terminals want them.

use kinora_media::{Orientation, PixelFormat, PlaneView, VideoFrame};

use super::color::Conversion;
use super::orient::oriented_samples;
use crate::{ScaleMode, SinkError, VideoFormat};

/// More pixels than any screen has: a bound on memory.
const MAX_PIXELS: u64 = 1 << 28;

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
        Self::reduced(frame, 1)
    }

    /// One pixel for each block of `step` by `step`.
    fn reduced(frame: &VideoFrame, step: u32) -> Result<Self, SinkError> {
        let bad = |why| SinkError::bad_frame(frame, why);
        if frame.width == 0 || frame.height == 0 {
            return Err(bad("it has no pixels"));
        }
        if u64::from(frame.width) * u64::from(frame.height) > MAX_PIXELS {
            return Err(bad("it is larger than any screen"));
        }
        let (width, height) = (frame.width.div_ceil(step), frame.height.div_ceil(step));
        let mut samples = Samples::new(frame, step as usize);
        let conversion = Conversion::of(&VideoFormat::of(frame));
        let row_len = width as usize * 3;
        let mut data = vec![0; row_len * height as usize];
        for row in data.chunks_exact_mut(row_len) {
            let (y, u, v) = samples
                .next_row()
                .ok_or_else(|| bad("it has less memory than its size needs"))?;
            conversion.row(row, y, u, v);
        }
        Ok(Self {
            width,
            height,
            data,
        })
    }

    /// A decoded picture, upright and with square pixels, made to fit within a box. Costs far
    /// less than the whole picture where the box is small.
    ///
    /// # Errors
    /// [`SinkError::BadFrame`].
    pub fn thumbnail(frame: &VideoFrame, width: u32, height: u32) -> Result<Self, SinkError> {
        Self::placed(frame, (width, height), ScaleMode::Fit)
    }

    /// A decoded picture, upright, as it lies within a box by a mode: no side is longer than the box's.
    ///
    /// # Errors
    /// [`SinkError::BadFrame`].
    pub fn placed(
        frame: &VideoFrame,
        space: (u32, u32),
        mode: ScaleMode,
    ) -> Result<Self, SinkError> {
        let orientation = frame.orientation();
        let space = orientation.size(space);
        let (width, height) = mode.size(display_size(&VideoFormat::of(frame)), space);
        // Twice as many samples as pixels are left for the filter to average.
        let step = (frame.width / (2 * width)).min(frame.height / (2 * height));
        let image = Self::reduced(frame, step.max(1))?;
        let image = image.scaled(width, height).centre(space);
        Ok(image.oriented(orientation))
    }

    /// A decoded picture as a person should see it: square pixels, upright.
    ///
    /// # Errors
    /// [`SinkError::BadFrame`].
    pub fn upright(frame: &VideoFrame) -> Result<Self, SinkError> {
        let image = Self::from_frame(frame)?;
        let (width, height) = display_size(&VideoFormat::of(frame));
        Ok(image.scaled(width, height).oriented(frame.orientation()))
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

    pub(crate) fn set(&mut self, x: u32, y: u32, color: [u8; 3]) {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        if x < self.width
            && let Some(pixel) = self.data.get_mut(at..at + 3)
        {
            pixel.copy_from_slice(&color);
        }
    }

    /// Puts another picture over this one; what does not fit is cut off.
    pub(crate) fn paste(&mut self, other: &Self, x: u32, y: u32) {
        for from_y in 0..other.height {
            for from_x in 0..other.width {
                self.set(x + from_x, y + from_y, other.pixel(from_x, from_y));
            }
        }
    }

    /// What lies in the middle of it, where it is larger than that.
    fn centre(self, (width, height): (u32, u32)) -> Self {
        let (width, height) = (width.clamp(1, self.width), height.clamp(1, self.height));
        if (width, height) == (self.width, self.height) {
            return self;
        }
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let (row_len, from) = (self.width as usize * 3, left as usize * 3);
        let rows = self.data.chunks_exact(row_len).skip(top as usize);
        let data = rows
            .take(height as usize)
            .flat_map(|row| row.iter().skip(from).take(width as usize * 3))
            .copied()
            .collect();
        Self {
            width,
            height,
            data,
        }
    }

    /// Turned clockwise, then mirrored.
    #[must_use]
    pub fn oriented(self, orientation: impl Into<Orientation>) -> Self {
        let orientation = orientation.into();
        if orientation.is_upright() {
            return self;
        }
        let (data, (width, height)) = oriented_samples(
            self.data.as_chunks::<3>().0,
            self.width as usize,
            (self.width, self.height),
            orientation,
        );
        Self {
            width,
            height,
            data: data.into_flattened(),
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
#[must_use]
pub fn display_size(frame: &VideoFormat) -> (u32, u32) {
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
    planes: [PlaneView<'a>; 3],
    step: usize,
    row: usize,
    sums: Vec<u64>,
    y: Vec<u16>,
    u: Vec<u16>,
    v: Vec<u16>,
    /// The colour row that lies in `u` and `v`.
    colour_row: Option<usize>,
}

impl<'a> Samples<'a> {
    fn new(frame: &'a VideoFrame, step: usize) -> Self {
        Self {
            frame,
            planes: [0, 1, 2].map(|plane| frame.buffer.plane(plane)),
            step,
            row: 0,
            sums: Vec::new(),
            y: Vec::new(),
            u: Vec::new(),
            v: Vec::new(),
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
    fn next_row(&mut self) -> Option<(&[u16], &[u16], &[u16])> {
        let format = self.frame.format;
        self.unpack_luma()?;
        let colour_row = self.row >> format.chroma_shift().1;
        if format.planes() > 1 && self.colour_row != Some(colour_row) {
            self.unpack_colour(colour_row)?;
            self.colour_row = Some(colour_row);
        }
        self.row += self.step;
        Some((&self.y, &self.u, &self.v))
    }

    /// Luma is averaged, for the eye sees there what is left out; colour is only thinned out.
    fn unpack_luma(&mut self) -> Option<()> {
        let wide_samples = self.frame.format.bytes_per_sample() == 2;
        if self.step == 1 {
            let luma = self.bytes(0, self.row)?;
            self.y.clear();
            if wide_samples {
                self.y.extend(wide(luma));
            } else {
                self.y.extend(narrow(luma));
            }
            return Some(());
        }
        let width = self.frame.width as usize;
        let last = (self.row + self.step).min(self.frame.height as usize);
        self.sums.clear();
        self.sums.resize(width.div_ceil(self.step), 0);
        for row in self.row..last {
            let luma = self.bytes(0, row)?;
            if wide_samples {
                add_blocks(&mut self.sums, wide(luma), self.step);
            } else {
                add_blocks(&mut self.sums, narrow(luma), self.step);
            }
        }
        self.y.clear();
        let (rows, step) = (last - self.row, self.step);
        let averages = self.sums.iter().enumerate().map(|(index, sum)| {
            let columns = step.min(width - index * step);
            // The average of samples of 16 bits fits in 16 bits.
            u16::try_from(sum / (columns * rows) as u64).unwrap_or(u16::MAX)
        });
        self.y.extend(averages);
        Some(())
    }

    fn unpack_colour(&mut self, row: usize) -> Option<()> {
        let format = self.frame.format;
        let spread = Spread {
            step: self.step,
            shift: format.chroma_shift().0,
            width: self.frame.width as usize,
        };
        let first = self.bytes(1, row)?;
        if format == PixelFormat::Nv12 {
            spread.fill(&mut self.u, narrow(first).step_by(2));
            spread.fill(&mut self.v, narrow(first).skip(1).step_by(2));
            return Some(());
        }
        if format == PixelFormat::P010 {
            spread.fill(&mut self.u, wide(first).step_by(2));
            spread.fill(&mut self.v, wide(first).skip(1).step_by(2));
            return Some(());
        }
        let second = self.bytes(2, row)?;
        if format.bytes_per_sample() == 2 {
            spread.fill(&mut self.u, wide(first));
            spread.fill(&mut self.v, wide(second));
        } else {
            spread.fill(&mut self.u, narrow(first));
            spread.fill(&mut self.v, narrow(second));
        }
        Some(())
    }
}

/// Adds each run of `step` samples to the sum of its block.
fn add_blocks(sums: &mut [u64], samples: impl Iterator<Item = u16>, step: usize) {
    let mut sums = sums.iter_mut();
    let (mut sum, mut left) = (sums.next(), step);
    for sample in samples {
        if left == 0 {
            (sum, left) = (sums.next(), step);
        }
        if let Some(sum) = &mut sum {
            **sum += u64::from(sample);
        }
        left -= 1;
    }
}

fn narrow(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.iter().copied().map(u16::from)
}

fn wide(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair))
}

/// Each colour sample serves `1 << shift` pixels, of which every `step`-th is wanted.
#[derive(Clone, Copy)]
struct Spread {
    step: usize,
    shift: u32,
    width: usize,
}

impl Spread {
    fn fill(self, row: &mut Vec<u16>, samples: impl Iterator<Item = u16>) {
        row.clear();
        let mut wanted = 0;
        for (index, sample) in samples.enumerate() {
            let past = ((index + 1) << self.shift).min(self.width);
            while wanted < past {
                row.push(sample);
                wanted += self.step;
            }
        }
    }
}
