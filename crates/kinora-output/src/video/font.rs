//! Digits of five by seven pixels, enough to tell a time.

use super::RgbImage;

const WIDTH: u32 = 5;
const HEIGHT: u32 = 7;

/// Rows from the top, the leftmost pixel in bit 4.
const fn glyph(letter: char) -> Option<[u8; 7]> {
    Some(match letter {
        '0' => [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
        '1' => [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
        '2' => [0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f],
        '3' => [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e],
        '4' => [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
        '5' => [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
        '6' => [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
        '7' => [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
        '8' => [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
        '9' => [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
        ':' => [0x00, 0x04, 0x04, 0x00, 0x04, 0x04, 0x00],
        '.' => [0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c],
        '-' => [0x00, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00],
        _ => return None,
    })
}

/// Writes white digits on a black bar; `x`, `y` is the bar's upper left corner. Other letters
/// leave a gap.
pub(crate) fn write(image: &mut RgbImage, x: u32, y: u32, scale: u32, text: &str) {
    let letters = u32::try_from(text.len()).unwrap_or(0);
    let advance = (WIDTH + 1) * scale;
    for row in 0..(HEIGHT + 2) * scale {
        for column in 0..letters * advance + scale {
            image.set(x + column, y + row, [0; 3]);
        }
    }
    let mut left = x + scale;
    for letter in text.chars() {
        let rows = glyph(letter).unwrap_or_default();
        for (row, bits) in (0u32..).zip(rows) {
            for column in (0..WIDTH).filter(|column| bits >> (WIDTH - 1 - column) & 1 == 1) {
                let (at_x, at_y) = (left + column * scale, y + (row + 1) * scale);
                fill(image, at_x, at_y, scale);
            }
        }
        left += advance;
    }
}

fn fill(image: &mut RgbImage, x: u32, y: u32, size: u32) {
    for dy in 0..size {
        for dx in 0..size {
            image.set(x + dx, y + dy, [255; 3]);
        }
    }
}
