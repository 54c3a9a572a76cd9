//! A picture with opacity.

use kinora_subtitle::Color;

/// A picture that lies over another one.
#[derive(Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Where its left edge lies, in pixels of the picture below.
    pub x: u32,
    /// Where its upper edge lies.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Rows from the top, four bytes a pixel: red, green and blue as bright as they are seen (premultiplied), and the opacity.
    pub rgba: Vec<u8>,
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (width, height, x, y) = (self.width, self.height, self.x, self.y);
        write!(f, "{width}x{height} at {x},{y}")
    }
}

/// A part of the picture, its borders where pixels meet; `left < right`, `top < bottom`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Area {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

impl Area {
    pub(crate) const fn new(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self {
            left,
            top,
            right: left + width,
            bottom: top + height,
        }
    }

    pub(crate) fn grown(self, by: f32) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    /// Nothing is apart from itself, but what has no place (NaN) is apart from all.
    pub(crate) const fn is_apart(&self, other: &Self) -> bool {
        let meet = self.right > other.left
            && other.right > self.left
            && self.bottom > other.top
            && other.bottom > self.top;
        !meet
    }

    pub(crate) const fn within(self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    pub(crate) const fn around(self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// What an overlay is drawn on; its pixels are counted in those of the picture.
pub(crate) struct Canvas {
    left: i32,
    top: i32,
    width: i32,
    height: i32,
    rgba: Vec<u8>,
    /// How much of each pixel the shapes of one colour cover that are being gathered.
    coverage: Vec<u8>,
    /// The rows that they reach over.
    covered: Option<(usize, usize)>,
}

/// How much of each pixel a shape covers.
pub(crate) struct Mask<'a> {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) width: usize,
    /// From row to row in `coverage`; the last row may be shorter.
    pub(crate) stride: usize,
    pub(crate) coverage: &'a [u8],
}

impl Canvas {
    /// `None`: nothing of the area is on the picture. `area` lies within the picture, of no more than 65,536 pixels a side.
    pub(crate) fn new(area: Area) -> Option<Self> {
        let [left, top] = [area.left, area.top].map(|edge| whole(edge.floor()).max(0));
        let [right, bottom] = [area.right, area.bottom].map(|edge| whole(edge.ceil()));
        let (width, height) = (right - left, bottom - top);
        let size = usize::try_from(width).ok()? * usize::try_from(height).ok()?;
        (size > 0).then(|| Self {
            left,
            top,
            width,
            height,
            rgba: vec![0; size * 4],
            coverage: vec![0; size],
            covered: None,
        })
    }

    pub(crate) fn area(&self) -> Area {
        let [left, top] = [self.left, self.top].map(|edge| edge as f32);
        Area::new(left, top, self.width as f32, self.height as f32)
    }

    /// How many pixels it has.
    pub(crate) fn pixels(&self) -> usize {
        self.coverage.len()
    }

    pub(crate) fn finish(self) -> Overlay {
        let positive = |edge: i32| u32::try_from(edge).unwrap_or(0);
        Overlay {
            x: positive(self.left),
            y: positive(self.top),
            width: positive(self.width),
            height: positive(self.height),
            rgba: self.rgba,
        }
    }

    /// Fills a part with a colour; edges that lie within pixels are smooth.
    pub(crate) fn fill(&mut self, area: Area, color: Color) {
        let area = area.within(&self.area());
        let (mut coverage, mut rows) = (Vec::new(), area.top.floor());
        let left = area.left.floor();
        while rows < area.bottom {
            let high = share(rows, area.top, area.bottom);
            let mut at = left;
            coverage.clear();
            while at < area.right {
                let wide = share(at, area.left, area.right);
                coverage.push(byte(wide * high * 255.0));
                at += 1.0;
            }
            if !coverage.is_empty() {
                self.cover(&Mask {
                    left: whole(left),
                    top: whole(rows),
                    width: coverage.len(),
                    stride: coverage.len(),
                    coverage: &coverage,
                });
            }
            rows += 1.0;
        }
        self.paint(color);
    }

    /// Gathers a shape: those that overlap are one.
    pub(crate) fn cover(&mut self, mask: &Mask<'_>) {
        let left = mask.left.saturating_sub(self.left);
        let top = mask.top.saturating_sub(self.top);
        if left >= self.width || top >= self.height {
            return;
        }
        let skipped = usize::try_from(left.saturating_neg()).unwrap_or(0);
        for (row, line) in (top..).zip(mask.coverage.chunks(mask.stride.max(1))) {
            if row < 0 {
                continue;
            }
            if row >= self.height {
                break;
            }
            let line = line.get(..mask.width).unwrap_or(line);
            let line = line.get(skipped..).unwrap_or_default();
            let first = usize::try_from(left.max(0)).unwrap_or(0);
            let row = usize::try_from(row).unwrap_or(0);
            let width = usize::try_from(self.width).unwrap_or(0);
            let target = self.coverage.get_mut(row * width..(row + 1) * width);
            let target = target.and_then(|target| target.get_mut(first..));
            for (had, new) in target.into_iter().flatten().zip(line) {
                *had = (*had).max(*new);
            }
            let (from, to) = self.covered.unwrap_or((row, row + 1));
            self.covered = Some((from.min(row), to.max(row + 1)));
        }
    }

    /// Paints what was gathered.
    pub(crate) fn paint(&mut self, color: Color) {
        let Some((from, to)) = self.covered.take() else {
            return;
        };
        let width = usize::try_from(self.width).unwrap_or(0);
        let rows = from * width..to * width;
        let coverage = self.coverage.get_mut(rows.clone()).unwrap_or_default();
        let pixels = self.rgba.as_chunks_mut::<4>().0.get_mut(rows);
        for (pixel, covered) in pixels.into_iter().flatten().zip(coverage) {
            if let share @ 1.. = std::mem::take(covered) {
                over(pixel, color, share);
            }
        }
    }

    /// Draws a picture of letters that have colours of their own: four bytes a pixel, not premultiplied.
    pub(crate) fn picture(&mut self, left: i32, top: i32, width: u32, rgba: &[u8]) {
        let (pixels, width) = (rgba.as_chunks::<4>().0, usize::try_from(width).unwrap_or(0));
        let own = usize::try_from(self.width).unwrap_or(0);
        let left = left.saturating_sub(self.left);
        let top = top.saturating_sub(self.top);
        if left >= self.width || top >= self.height {
            return;
        }
        for (y, line) in (top..).zip(pixels.chunks_exact(width.max(1))) {
            for (x, [red, green, blue, alpha]) in (left..).zip(line) {
                let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
                let [x, y] = [x, y].map(|at| usize::try_from(at).unwrap_or(0));
                let canvas = self.rgba.as_chunks_mut::<4>().0;
                if let Some(pixel) = canvas.get_mut(y * own + x).filter(|_| inside) {
                    over(pixel, Color::rgb(*red, *green, *blue), *alpha);
                }
            }
        }
    }
}

/// How much of the pixel from there on lies between two edges.
fn share(at: f32, first: f32, last: f32) -> f32 {
    ((at + 1.0).min(last) - at.max(first)).clamp(0.0, 1.0)
}

/// Puts a colour over a pixel, of which it covers a share.
fn over(pixel: &mut [u8; 4], color: Color, share: u8) {
    let alpha = scaled(color.alpha, share);
    let color = [color.red, color.green, color.blue].map(|level| scaled(level, alpha));
    let [red, green, blue] = color;
    for (had, new) in pixel.iter_mut().zip([red, green, blue, alpha]) {
        *had = scaled(*had, 255 - alpha).saturating_add(new);
    }
}

/// A share of 255 of a value, rounded.
fn scaled(value: u8, share: u8) -> u8 {
    let product = u32::from(value) * u32::from(share) + 127;
    u8::try_from(product / 255).unwrap_or(255)
}

pub(crate) fn byte(value: f32) -> u8 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates"
    )]
    {
        value.round() as u8
    }
}

pub(crate) fn whole(value: f32) -> i32 {
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
    {
        value as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_within_pixels_are_smooth_and_what_overlaps_is_one() {
        let mut canvas = Canvas::new(Area::new(10.0, 20.0, 3.0, 2.0)).unwrap();
        canvas.fill(Area::new(10.5, 20.0, 1.5, 1.0), Color::WHITE);
        let drawn = canvas.finish();
        assert_eq!(
            (drawn.x, drawn.y, drawn.width, drawn.height),
            (10, 20, 3, 2)
        );
        let alphas: Vec<u8> = drawn.rgba.iter().skip(3).step_by(4).copied().collect();
        assert_eq!(alphas, [128, 255, 0, 0, 0, 0]);
        assert_eq!(drawn.rgba[..4], [128; 4]);
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let mut canvas = Canvas::new(Area::new(0.0, 0.0, 2.0, 2.0)).unwrap();
        let (left, top, coverage) = (-1, -1, &[255; 9]);
        canvas.cover(&Mask {
            left,
            top,
            width: 3,
            stride: 3,
            coverage,
        });
        canvas.cover(&Mask {
            left: i32::MAX,
            top: i32::MAX,
            width: 3,
            stride: 3,
            coverage,
        });
        canvas.cover(&Mask {
            left: i32::MIN,
            top: i32::MIN,
            width: 3,
            stride: 3,
            coverage,
        });
        canvas.cover(&Mask {
            left: 7,
            top: 7,
            width: 3,
            stride: 3,
            coverage,
        });
        canvas.paint(Color::rgb(255, 0, 0).with_alpha(51));
        assert_eq!(canvas.rgba, [51, 0, 0, 51].repeat(4));
        canvas.picture(1, 1, 2, &[0, 255, 0, 255].repeat(4));
        assert_eq!(canvas.finish().rgba[12..], [0, 255, 0, 255]);
    }
}
