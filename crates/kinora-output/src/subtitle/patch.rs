//! An overlay as samples of a frame: turned and stretched as the frame is coded, in its colour model.

use kinora_overlay::Overlay;

use crate::VideoFormat;
use crate::video::color::Encoding;
use crate::video::image::display_size;

/// What becomes of a part of a plane: of each sample a share is kept and something added.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub(super) plane: usize,
    /// The first sample of it in a row, and how far it is to the next: two where two colours lie side by side.
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) row: usize,
    pub(super) width: usize,
    /// What a sample that is all kept is multiplied with.
    pub(super) whole: u32,
    /// For each sample what it is multiplied with, and what is added to the product.
    pub(super) samples: Vec<(u16, u32)>,
}

/// An overlay on the picture as it is coded.
struct Coded {
    x: usize,
    y: usize,
    width: usize,
    rgba: Vec<[u8; 4]>,
}

impl Coded {
    /// The pixel there; transparent outside.
    fn at(&self, x: usize, y: usize) -> [u8; 4] {
        let place = x.checked_sub(self.x).zip(y.checked_sub(self.y));
        let place = place.filter(|(x, _)| *x < self.width);
        let pixel = place.and_then(|(x, y)| self.rgba.get(y * self.width + x));
        pixel.copied().unwrap_or_default()
    }

    fn height(&self) -> usize {
        self.rgba.len() / self.width.max(1)
    }
}

/// What an overlay does to the planes of frames of that format.
pub(super) fn patches(overlay: &Overlay, format: &VideoFormat) -> Vec<Patch> {
    let coded = stretched(turned_back(overlay, format), format);
    let encoding = Encoding::of(format);
    let planes = format.pixels.planes();
    let colours = if planes == 1 { 1 } else { 3 };
    let patches = (0..colours).map(|colour| patch(&coded, format, &encoding, colour));
    patches.filter(|patch| patch.width > 0).collect()
}

fn patch(coded: &Coded, format: &VideoFormat, encoding: &Encoding, colour: usize) -> Patch {
    let (sx, sy) = match colour {
        0 => (0, 0),
        _ => format.pixels.chroma_shift(),
    };
    let of_frame = |side: u32, shift: u32| (side as usize + (1 << shift) - 1) >> shift;
    let (wide, high) = (of_frame(format.width, sx), of_frame(format.height, sy));
    let (left, top) = (coded.x >> sx, coded.y >> sy);
    let right = (coded.x + coded.width + (1 << sx) - 1) >> sx;
    let bottom = (coded.y + coded.height() + (1 << sy) - 1) >> sy;
    let (right, bottom) = (right.min(wide), bottom.min(high));
    let width = right.saturating_sub(left);
    let samples = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
    let samples = samples.map(|(x, y)| {
        let (mut keep, mut add) = (0_u16, 0.0);
        for (dx, dy) in (0..1 << sy).flat_map(|dy| (0..1 << sx).map(move |dx| (dx, dy))) {
            let pixel = coded.at((x << sx) + dx, (y << sy) + dy);
            let [.., alpha] = pixel;
            keep += u16::from(255 - alpha);
            if alpha > 0 {
                add += encoding.samples(bright(pixel))[colour] * f64::from(alpha);
            }
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sample of sixteen bits times 255 times four at the most"
        )]
        (keep, add.round().max(0.0) as u32)
    });
    let interleaved = format.pixels.is_interleaved() && colour > 0;
    Patch {
        plane: if interleaved { 1 } else { colour },
        first: if interleaved {
            left * 2 + colour - 1
        } else {
            left
        },
        step: if interleaved { 2 } else { 1 },
        row: top,
        width,
        whole: 255 << (sx + sy),
        samples: samples.collect(),
    }
}

/// The colour itself, of a pixel that holds as much of it as is seen.
fn bright([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let level = |seen: u8| {
        let level = (u32::from(seen) * 255 + u32::from(alpha) / 2) / u32::from(alpha.max(1));
        u8::try_from(level).unwrap_or(255)
    };
    [red, green, blue].map(level)
}

/// As it lies on the coded picture, which is turned before it is shown.
fn turned_back(overlay: &Overlay, format: &VideoFormat) -> Coded {
    let side = |side: u32| side as usize;
    let (w, h) = (side(overlay.width), side(overlay.height));
    let (x, y) = (side(overlay.x), side(overlay.y));
    let pixels = overlay.rgba.as_chunks::<4>().0;
    let orientation = format.orientation();
    // The sizes before the turn.
    let (full_width, full_height) = display_size(format);
    let full = (side(full_width), side(full_height));
    let (shown_width, shown_height) = orientation.size(full);
    let (width, height) = orientation.size((w, h));
    let corner = |x: usize, y: usize| {
        let within = (
            x.min(shown_width.saturating_sub(1)),
            y.min(shown_height.saturating_sub(1)),
        );
        orientation.coded_place(within, full).unwrap_or_default()
    };
    let (one, other) = (
        corner(x, y),
        corner((x + w).saturating_sub(1), (y + h).saturating_sub(1)),
    );
    let mut rgba = vec![[0; 4]; width * height];
    for ((x, y), pixel) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).zip(pixels) {
        if let Some((x, y)) = orientation.coded_place((x, y), (width, height)) {
            rgba[y * width + x] = *pixel;
        }
    }
    Coded {
        x: one.0.min(other.0),
        y: one.1.min(other.1),
        width,
        rgba,
    }
}

/// Pixels that are not square make one side of the coded picture shorter than the one that is seen.
fn stretched(coded: Coded, format: &VideoFormat) -> Coded {
    let (width, height) = display_size(format);
    let (x, columns) = shrunk(coded.x, coded.width, width, format.width);
    let (y, rows) = shrunk(coded.y, coded.height(), height, format.height);
    if (width, height) == (format.width, format.height) {
        return coded;
    }
    let pixel = |column: &[(usize, f64)], row: &[(usize, f64)]| {
        let mut sums = [0.0; 4];
        for (y, high) in row {
            for (x, wide) in column {
                let pixel = coded.at(coded.x + x, coded.y + y);
                let parts = sums.iter_mut().zip(pixel);
                parts.for_each(|(sum, level)| *sum += f64::from(level) * wide * high);
            }
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        sums.map(|sum: f64| sum.round() as u8)
    };
    let rgba = rows
        .iter()
        .flat_map(|row| columns.iter().map(|column| pixel(column, row)));
    Coded {
        x,
        y,
        width: columns.len(),
        rgba: rgba.collect(),
    }
}

/// Where a stretch of samples lies on a side that is `to` long in place of `from`, and for each new one the old ones that it is
/// made of, with their shares.
fn shrunk(first: usize, count: usize, from: u32, to: u32) -> (usize, Vec<Vec<(usize, f64)>>) {
    let (from, to) = (from.max(1) as usize, to.max(1) as usize);
    let start = first * to / from;
    let end = ((first + count) * to).div_ceil(from);
    let ratio = from as f64 / to as f64;
    let shares = (start..end).map(|at| {
        let (left, right) = (at as f64 * ratio, (at + 1) as f64 * ratio);
        let covered = (0..count).filter_map(|old| {
            let place = (first + old) as f64;
            let share = (place + 1.0).min(right) - place.max(left);
            (share > 0.0).then_some((old, share / ratio))
        });
        covered.collect()
    });
    (start, shares.collect())
}
