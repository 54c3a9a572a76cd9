//! Pictures of subtitles, stretched to the picture of the film.

use kinora_subtitle::Bitmap;

use crate::canvas::{Overlay, byte, whole};
use crate::place::Screen;

/// Canvases of that width and more have square pixels: where their shape is not the film's, bars were cut off it.
const SQUARE_FROM: u32 = 1_280;

/// Which old pixels a new one is made of, with their shares.
type Shares = Vec<(u32, f32)>;

/// `None`: nothing of it lies on the picture.
#[allow(clippy::cast_precision_loss, reason = "sides of pictures")]
pub(crate) fn draw(bitmap: &Bitmap, screen: &Screen) -> Option<Overlay> {
    let (wide, high) = (bitmap.canvas.0.max(1) as f32, bitmap.canvas.1.max(1) as f32);
    let (mut across, mut down) = (screen.width / wide, screen.height / high);
    if bitmap.canvas.0 >= SQUARE_FROM {
        across = across.max(down);
        down = across;
    }
    let left = (screen.width - wide * across) / 2.0 + bitmap.x as f32 * across;
    let top = (screen.height - high * down) / 2.0 + bitmap.y as f32 * down;
    // What stood on a bar is moved onto the picture.
    let within = |start: f32, length: f32, room: f32| start.min(room - length).max(0.0);
    let left = within(left, bitmap.width as f32 * across, screen.width);
    let top = within(top, bitmap.height as f32 * down, screen.height);
    let (x, columns) = stretched(left, bitmap.width, across, screen.width);
    let (y, rows) = stretched(top, bitmap.height, down, screen.height);
    let (width, height) = (
        u32::try_from(columns.len()).ok()?,
        u32::try_from(rows.len()).ok()?,
    );
    if width == 0 || height == 0 {
        return None;
    }
    let unpacked = bitmap.pixels.unpacked();
    let pixel = |row: &Shares, column: &Shares| {
        let mut sums = [0.0; 4];
        for (y, high) in row {
            for (x, wide) in column {
                let color = bitmap.color(&unpacked, *x, *y);
                let alpha = f32::from(color.alpha) * high * wide;
                let seen = |level: u8| f32::from(level) / 255.0 * alpha;
                let parts = [seen(color.red), seen(color.green), seen(color.blue), alpha];
                sums.iter_mut()
                    .zip(parts)
                    .for_each(|(sum, part)| *sum += part);
            }
        }
        sums.map(byte)
    };
    let pixels = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| (row, column)));
    let rgba = pixels
        .flat_map(|(row, column)| pixel(row, column))
        .collect();
    Some(Overlay {
        x,
        y,
        width,
        height,
        rgba,
    })
}

/// The new pixels of a side that begins at `start` and is `factor` times as long as it was: the first one, and what each is made
/// of (a triangle filter, as wide as the step where it shrinks).
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures"
)]
fn stretched(start: f32, length: u32, factor: f32, room: f32) -> (u32, Vec<Shares>) {
    let first = whole(start.floor()).max(0) as u32;
    let last = (start + length as f32 * factor).min(room).ceil() as u32;
    let reach = (1.0 / factor).max(1.0);
    let shares = (first..last).map(|at| {
        let center = (at as f32 + 0.5 - start) / factor - 0.5;
        let from = (center - reach).ceil().max(0.0) as u32;
        let to = ((center + reach).floor().max(0.0) as u32).min(length.saturating_sub(1));
        let share = |old: u32| (1.0 - (old as f32 - center).abs() / reach).max(0.0);
        let sum: f32 = share_sum(center, reach);
        let shares = (from..=to).map(|old| (old, share(old) / sum));
        shares.filter(|(_, share)| *share > 0.0).collect()
    });
    (first, shares.collect())
}

/// Of all pixels within reach, those beyond the edge, which are transparent, included.
fn share_sum(center: f32, reach: f32) -> f32 {
    let (from, to) = (
        whole((center - reach).ceil()),
        whole((center + reach).floor()),
    );
    #[allow(clippy::cast_precision_loss, reason = "sides of pictures")]
    let shares = (from..=to).map(|at| 1.0 - (at as f32 - center).abs() / reach);
    shares.sum::<f32>().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use kinora_subtitle::Color;

    use super::*;

    fn bitmap(canvas: (u32, u32), x: u32, y: u32) -> Bitmap {
        Bitmap {
            canvas,
            x,
            y,
            width: 20,
            height: 10,
            palette: [Color::BLACK.with_alpha(0), Color::rgb(255, 0, 0)].into(),
            pixels: vec![1; 200].into(),
        }
    }

    const fn screen(width: f32, height: f32) -> Screen {
        Screen {
            width,
            height,
            scale: 1.0,
        }
    }

    fn place(overlay: &Overlay) -> (u32, u32, u32, u32) {
        (overlay.x, overlay.y, overlay.width, overlay.height)
    }

    #[test]
    fn a_picture_is_stretched_with_its_canvas() {
        let same = draw(&bitmap((720, 576), 100, 500), &screen(720.0, 576.0)).unwrap();
        assert_eq!(place(&same), (100, 500, 20, 10));
        assert!(same.rgba.chunks(4).all(|pixel| pixel == [255, 0, 0, 255]));
        // Pixels of DVDs are not square.
        let wide = draw(&bitmap((720, 576), 100, 500), &screen(1440.0, 576.0)).unwrap();
        assert_eq!(place(&wide), (200, 500, 40, 10));
        let small = draw(&bitmap((720, 576), 100, 500), &screen(360.0, 288.0)).unwrap();
        assert_eq!(place(&small), (50, 250, 10, 5));
        assert_eq!(small.rgba[4 * 35..][..4], [255, 0, 0, 255]);
    }

    #[test]
    fn what_stood_on_a_bar_that_was_cut_off_is_moved_onto_the_picture() {
        let cut = draw(&bitmap((1920, 1080), 900, 1000), &screen(1920.0, 800.0)).unwrap();
        assert_eq!(place(&cut), (900, 790, 20, 10));
        let beyond = draw(&bitmap((1920, 1080), 65_000, 65_000), &screen(192.0, 108.0)).unwrap();
        assert!(beyond.x + beyond.width <= 192 && beyond.y + beyond.height <= 108);
    }
}
