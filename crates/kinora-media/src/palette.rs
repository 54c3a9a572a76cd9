use std::fmt;
use std::sync::Arc;

/// What a palette can have.
const MOST: usize = 256;

/// The colours of pictures whose pixels are numbers, as containers of raw and of early animated pictures store them beside
/// the stream. What it does not name is transparent black.
///
/// ```
/// let palette = kinora_media::Palette::new([0xffff_ffff, 0xff00_0000]);
/// assert_eq!(palette.colors()[1], 0xff00_0000);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Palette(Arc<[u32; MOST]>);

impl Palette {
    /// Of colours `0xAARRGGBB`, up to 256.
    #[must_use]
    pub fn new(colors: impl IntoIterator<Item = u32>) -> Self {
        let mut all = [0; MOST];
        for (place, color) in all.iter_mut().zip(colors) {
            *place = color;
        }
        Self(Arc::new(all))
    }

    /// Of a palette of Windows (`RGBQUAD`: blue, green, red and a byte without meaning).
    #[must_use]
    pub fn of_quads(quads: &[u8]) -> Self {
        let (quads, _) = quads.as_chunks::<4>();
        Self::new(
            quads
                .iter()
                .map(|&[blue, green, red, _]| opaque(red, green, blue)),
        )
    }

    /// Even steps from white to black for pixels of so many bits, 2 to 8.
    #[must_use]
    pub fn gray(bits: u16) -> Self {
        let count = 1_u32.checked_shl(bits.into()).unwrap_or(0).clamp(2, 256);
        let steps = count.saturating_sub(1);
        Self::new((0..count).map(|number| {
            // Never more than 255.
            let dark = number.saturating_mul(255).checked_div(steps).unwrap_or(0);
            let level = u8::try_from(255_u32.saturating_sub(dark)).unwrap_or(0);
            opaque(level, level, level)
        }))
    }

    /// QuickTime's own colours for pixels of 8 bits: a cube of six levels of red, green and blue from white on, then ramps of
    /// red, green, blue and gray with the levels that the cube has not; black is the last.
    #[must_use]
    pub fn of_quicktime() -> Self {
        const LEVELS: [u8; 6] = [0xff, 0xcc, 0x99, 0x66, 0x33, 0];
        const RAMP: [u8; 10] = [0xee, 0xdd, 0xbb, 0xaa, 0x88, 0x77, 0x55, 0x44, 0x22, 0x11];
        let cube = LEVELS.into_iter().flat_map(|red| {
            LEVELS
                .into_iter()
                .flat_map(move |green| LEVELS.into_iter().map(move |blue| opaque(red, green, blue)))
        });
        let black = opaque(0, 0, 0);
        let ramp = |of: fn(u8) -> u32| RAMP.into_iter().map(of);
        let ramps = ramp(|level| opaque(level, 0, 0))
            .chain(ramp(|level| opaque(0, level, 0)))
            .chain(ramp(|level| opaque(0, 0, level)))
            .chain(ramp(|level| opaque(level, level, level)));
        Self::new(
            cube.filter(|color| *color != black)
                .chain(ramps)
                .chain([black]),
        )
    }

    /// The colours by their numbers, each `0xAARRGGBB`.
    #[must_use]
    pub fn colors(&self) -> &[u32; MOST] {
        &self.0
    }
}

/// A colour that hides what is behind it.
const fn opaque(red: u8, green: u8, blue: u8) -> u32 {
    u32::from_be_bytes([0xff, red, green, blue])
}

impl fmt::Debug for Palette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().rposition(|color| *color != 0);
        let colors = named.map_or(0, |last| last.saturating_add(1));
        f.debug_tuple("Palette").field(&colors).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_goes_from_white_to_black_in_even_steps() {
        for (bits, second) in [(1, 0xff00_0000), (2, 0xffaa_aaaa), (8, 0xfffe_fefe)] {
            let gray = Palette::gray(bits);
            let last = (1_usize << bits) - 1;
            assert_eq!(gray.colors()[0], 0xffff_ffff);
            assert_eq!(
                (gray.colors()[1], gray.colors()[last]),
                (second, 0xff00_0000)
            );
            assert_eq!(
                gray.colors().iter().filter(|it| **it == 0).count(),
                255 - last
            );
        }
    }

    #[test]
    fn the_colours_of_quicktime_are_a_cube_and_four_ramps() {
        let palette = Palette::of_quicktime();
        let colors = palette.colors();
        for (number, color) in [
            (0, 0xffff_ffff),
            (1, 0xffff_ffcc),
            (35, 0xffff_0000),
            (214, 0xff00_0033),
            (215, 0xffee_0000),
            (225, 0xff00_ee00),
            (244, 0xff00_0011),
            (245, 0xffee_eeee),
            (254, 0xff11_1111),
            (255, 0xff00_0000),
        ] {
            assert_eq!(colors[number], color, "{number}");
        }
        assert_eq!(format!("{palette:?}"), "Palette(256)");
    }

    #[test]
    fn quads_of_windows_begin_with_blue() {
        let palette = Palette::of_quads(&[1, 2, 3, 0, 9, 9]);
        assert_eq!(palette.colors()[..2], [0xff03_0201, 0]);
        assert_eq!(Palette::of_quads(&[7; 4096]).colors()[255], 0xff07_0707);
    }
}
