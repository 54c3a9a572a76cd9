//! Subtitles that are pictures: PGS of Blu-ray, VobSub of DVD, DVB.

pub(crate) mod dvb;
pub(crate) mod file;
pub(crate) mod pgs;
pub(crate) mod vobsub;

use std::sync::Arc;

use crate::color::{Color, to_byte};

/// The longest side of a picture: what is larger is damage.
const MAX_SIDE: u16 = 4_096;
/// Pixels of one picture: one as large as the largest canvas that discs have, and a little more.
const MAX_PIXELS: usize = 1 << 22;

/// A picture that a cue shows, at its place on a canvas that is stretched to the film's picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    /// Width and height of the canvas, in its own pixels.
    pub canvas: (u32, u32),
    /// Where its left edge lies on the canvas.
    pub x: u32,
    /// Where its upper edge lies.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Colours by their number; a number that is missing is transparent.
    pub palette: Arc<[Color]>,
    /// Rows from the top, a colour's number each pixel.
    pub pixels: Pixels,
}

/// The pixels of a bitmap, one byte each. They are kept as runs where those are shorter, which they mostly are by far: a film
/// has thousands of bitmaps.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels(Packing);

#[derive(Clone, PartialEq, Eq)]
enum Packing {
    Plain(Arc<[u8]>),
    /// A length and a pixel each.
    Runs(Arc<[[u8; 2]]>),
}

impl From<&[u8]> for Pixels {
    fn from(plain: &[u8]) -> Self {
        let of_one_colour = plain.chunk_by(|one, next| one == next);
        let longest = usize::from(u8::MAX);
        let runs = of_one_colour
            .flat_map(|run| run.chunks(longest))
            .map(|run| {
                let length = u8::try_from(run.len()).unwrap_or(u8::MAX);
                [length, run.first().copied().unwrap_or(0)]
            });
        // No more are made than are worth it.
        let most = plain.len() / 4;
        let runs: Vec<[u8; 2]> = runs.take(most.saturating_add(1)).collect();
        Self(match runs.len() <= most {
            true => Packing::Runs(runs.into()),
            false => Packing::Plain(plain.into()),
        })
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(plain: Vec<u8>) -> Self {
        plain.as_slice().into()
    }
}

impl Pixels {
    /// One byte a pixel.
    #[must_use]
    pub fn unpacked(&self) -> Arc<[u8]> {
        match &self.0 {
            Packing::Plain(plain) => Arc::clone(plain),
            Packing::Runs(runs) => {
                let run =
                    |[length, pixel]: &[u8; 2]| core::iter::repeat_n(*pixel, usize::from(*length));
                runs.iter().flat_map(run).collect()
            }
        }
    }

    /// Bytes that it takes.
    pub(crate) fn weight(&self) -> usize {
        match &self.0 {
            Packing::Plain(plain) => plain.len(),
            Packing::Runs(runs) => runs.len().saturating_mul(2),
        }
    }

    /// The numbers that occur, some of them several times.
    fn numbers(&self) -> Box<dyn Iterator<Item = u8> + '_> {
        match &self.0 {
            Packing::Plain(plain) => Box::new(plain.iter().copied()),
            Packing::Runs(runs) => Box::new(runs.iter().map(|[_, pixel]| *pixel)),
        }
    }
}

impl core::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (width, height, x, y) = (self.width, self.height, self.x, self.y);
        let opaque = self.pixels.unpacked();
        let opaque = opaque.iter().filter(|pixel| **pixel > 0).count();
        write!(f, "{width}x{height} at {x},{y}, {opaque} of a colour")
    }
}

impl Bitmap {
    /// The colour of a pixel of `pixels`, which are this bitmap's own, [`unpacked`](Pixels::unpacked); transparent outside.
    #[must_use]
    pub fn color(&self, pixels: &[u8], x: u32, y: u32) -> Color {
        let inside = x < self.width && y < self.height;
        let place = || {
            let row = usize::try_from(y).ok()?;
            let width = usize::try_from(self.width).ok()?;
            let place = row.checked_mul(width)?;
            let pixel = pixels.get(place.checked_add(usize::try_from(x).ok()?)?)?;
            self.palette.get(usize::from(*pixel)).copied()
        };
        let color = inside.then(place).flatten();
        color.unwrap_or(Color::BLACK.with_alpha(0))
    }

    /// Whether anything of it is seen.
    pub(crate) fn is_seen(&self) -> bool {
        let opaque = |pixel: u8| {
            self.palette
                .get(usize::from(pixel))
                .is_some_and(|color| color.alpha > 0)
        };
        self.pixels.numbers().any(opaque)
    }
}

/// Reads numbers, the highest byte first.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn short(&mut self) -> Option<u16> {
        let (first, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*first))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(first)
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Numbers of a few bits, the highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits that were read.
    at: usize,
}

impl<'a> Bits<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// So many bits, eight at the most; `None` behind the end.
    fn read(&mut self, count: u32) -> Option<u8> {
        let mut value = 0_u8;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            let shift = 7_usize.saturating_sub(self.at % 8);
            value = value << 1 | (byte >> shift & 1);
            self.at = self.at.saturating_add(1);
        }
        Some(value)
    }

    /// On to the next whole byte.
    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// What follows the whole bytes that were read.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at.div_ceil(8)..).unwrap_or_default()
    }
}

/// A picture while its lines are being read.
struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Raster {
    /// `None`: without pixels, or with more than is allowed.
    fn new(width: u16, height: u16) -> Option<Self> {
        let size = usize::from(width).checked_mul(usize::from(height))?;
        let is_sound = width <= MAX_SIDE && height <= MAX_SIDE && (1..=MAX_PIXELS).contains(&size);
        is_sound.then(|| Self {
            width: usize::from(width),
            height: usize::from(height),
            pixels: vec![0; size],
        })
    }

    /// Fills a part of a row; what lies outside is cut off.
    fn run(&mut self, x: usize, y: usize, count: usize, color: u8) {
        if y >= self.height {
            return;
        }
        let (from, to) = (x.min(self.width), x.saturating_add(count).min(self.width));
        let row = y.saturating_mul(self.width);
        let run = self
            .pixels
            .get_mut(row.saturating_add(from)..row.saturating_add(to));
        run.into_iter().flatten().for_each(|pixel| *pixel = color);
    }
}

/// A colour of a video signal of limited range (ITU-R BT.601, BT.709).
fn from_ycbcr(y: u8, cb: u8, cr: u8, alpha: u8, is_hd: bool) -> Color {
    let (kr, kb) = if is_hd {
        (0.2126, 0.0722)
    } else {
        (0.299, 0.114)
    };
    let kg = 1.0 - kr - kb;
    let luma = (f64::from(y) - 16.0) / 219.0;
    let [cb, cr] = [cb, cr].map(|sample| (f64::from(sample) - 128.0) / 224.0);
    let red = luma + 2.0 * (1.0 - kr) * cr;
    let blue = luma + 2.0 * (1.0 - kb) * cb;
    let green = (luma - kr * red - kb * blue) / kg;
    let [red, green, blue] = [red, green, blue].map(|level| to_byte(level * 255.0));
    Color {
        red,
        green,
        blue,
        alpha,
    }
}

/// The palette of as many colours as are used.
fn palette(colors: &[Color]) -> Arc<[Color]> {
    colors.into()
}
