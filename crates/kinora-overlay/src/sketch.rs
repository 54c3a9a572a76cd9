//! Drawings of a player's own: shapes and lines of text on a picture with opacity.

use std::sync::Arc;

use kinora_subtitle::{Align, AttachedFonts, Color, Cue, Layout, Span, Style};
use zeno::{Mask as PathMask, Origin, Transform};

use crate::canvas::{Area, Canvas, Mask, Overlay};
use crate::fonts::{Fonts, NoFonts, Typesetter};
use crate::place::Placement;
use crate::raster;
use crate::shape::{self, Block, Setting};

/// No side of a drawing is longer, in pixels.
const MAX_SIDE: u32 = 1 << 15;
/// Nor are letters larger.
const MAX_SIZE: f32 = 1_000.0;

/// Sets text in fonts that were read. Reading them takes a while, on whichever thread it is done.
pub struct Letters(Typesetter);

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letters")
    }
}

/// Text that was set, and can be drawn any number of times.
#[derive(Debug)]
pub struct SetText(Block);

/// How text is set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TextStyle {
    /// The size of the font, in pixels.
    pub size: f32,
    /// Of the letters.
    pub color: Color,
    /// Bold.
    pub bold: bool,
    /// Lines are broken where they would be longer, in pixels; [`f32::INFINITY`]: nowhere.
    pub room: f32,
}

impl Letters {
    /// Reads the fonts.
    ///
    /// # Errors
    /// There are none.
    pub fn load(fonts: &Fonts) -> Result<Self, NoFonts> {
        Typesetter::load(fonts, &AttachedFonts::default()).map(Self)
    }

    /// Sets text, of one style.
    pub fn set(&mut self, text: &str, style: &TextStyle) -> SetText {
        let look = Style {
            bold: style.bold,
            color: Some(style.color),
            outline: Some(0.0),
            ..Style::default()
        };
        let cue = Cue {
            spans: vec![Span {
                text: text.to_owned(),
                style: Arc::new(look),
                ..Span::default()
            }],
            layout: Layout {
                align: Align::Left,
                ..Layout::default()
            },
            ..Cue::default()
        };
        let setting = Setting {
            size: style.size.min(MAX_SIZE),
            scale: 1.0,
            height: MAX_SIZE,
            room: style.room.min(f32::MAX),
            is_vertical: false,
            by_line: false,
        };
        SetText(shape::shape(&cue, &setting, &mut self.0))
    }
}

impl SetText {
    /// How wide its longest line is, in pixels.
    #[must_use]
    pub const fn width(&self) -> f32 {
        self.0.extent.1.max(0.0)
    }

    /// From the top of the first line to the bottom of the last, in pixels.
    #[must_use]
    pub const fn height(&self) -> f32 {
        self.0.depth
    }
}

/// A drawing, which becomes an [`Overlay`]. Places are pixels from the left upper corner of the picture that it will lie on; what
/// lies outside of the drawing is cut off.
pub struct Sketch(Canvas);

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sketch")
    }
}

impl Sketch {
    /// A drawing that is transparent yet. `None`: it has no pixels, or too many.
    #[must_use]
    pub fn new((x, y): (u32, u32), (width, height): (u32, u32)) -> Option<Self> {
        let [right, bottom] = [x.checked_add(width)?, y.checked_add(height)?];
        if right > MAX_SIDE || bottom > MAX_SIDE {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "no side is so long")]
        let [x, y, width, height] = [x, y, width, height].map(|side| side as f32);
        Canvas::new(Area::new(x, y, width, height)).map(Self)
    }

    /// Fills a rectangle whose corners are rounded by a radius.
    pub fn rect(
        &mut self,
        (x, y): (f32, f32),
        (width, height): (f32, f32),
        radius: f32,
        color: Color,
    ) {
        if width <= 0.0 || height <= 0.0 {
            return;
        }
        if radius <= 0.0 {
            return self.0.fill(Area::new(x, y, width, height), color);
        }
        let r = radius.min(width / 2.0).min(height / 2.0);
        let (w, h) = (width - 2.0 * r, height - 2.0 * r);
        let path = format!(
            "M{r},0 h{w} a{r},{r} 0 0 1 {r},{r} v{h} a{r},{r} 0 0 1 -{r},{r} h-{w} \
             a{r},{r} 0 0 1 -{r},-{r} v-{h} a{r},{r} 0 0 1 {r},-{r} z"
        );
        self.path(&path, (x, y), 1.0, color);
    }

    /// Fills a shape that is written as paths are in SVG, larger by a factor, its origin at a place.
    pub fn path(&mut self, path: &str, (x, y): (f32, f32), scale: f32, color: Color) {
        let mut mask = PathMask::new(path);
        mask.origin(Origin::TopLeft)
            .transform(Some(Transform::new(scale, 0.0, 0.0, scale, x, y)));
        let (coverage, placed) = mask.render();
        let width = usize::try_from(placed.width).unwrap_or(0);
        self.0.cover(&Mask {
            left: placed.left,
            top: placed.top,
            width,
            stride: width,
            coverage: &coverage,
        });
        self.0.paint(color);
    }

    /// Draws text, its left upper corner at a place.
    pub fn text(&mut self, letters: &mut Letters, text: &SetText, (x, y): (f32, f32)) {
        let area = Area::new(x, y, text.width(), text.height());
        let place = Placement {
            area,
            vertical: None,
        };
        raster::draw_on(&mut self.0, &text.0, &place, &mut letters.0);
    }

    /// The drawing as it is.
    #[must_use]
    pub fn finish(self) -> Overlay {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_font;

    fn alpha(overlay: &Overlay, x: u32, y: u32) -> u8 {
        let at = (y * overlay.width + x) as usize * 4 + 3;
        overlay.rgba[at]
    }

    #[test]
    fn corners_of_a_rectangle_are_round_and_its_middle_is_full() {
        let mut sketch = Sketch::new((10, 20), (40, 30)).unwrap();
        sketch.rect((10.0, 20.0), (40.0, 30.0), 10.0, Color::WHITE);
        let drawn = sketch.finish();
        assert_eq!((drawn.x, drawn.y), (10, 20));
        assert_eq!(alpha(&drawn, 0, 0), 0);
        assert_eq!(alpha(&drawn, 39, 29), 0);
        assert_eq!(alpha(&drawn, 20, 15), 255);
        assert_eq!(alpha(&drawn, 0, 15), 255);
    }

    #[test]
    fn a_path_is_drawn_at_its_place_in_its_size() {
        let mut sketch = Sketch::new((0, 0), (20, 20)).unwrap();
        sketch.path("M0,0 h5 v5 h-5 z", (4.0, 6.0), 2.0, Color::WHITE);
        let drawn = sketch.finish();
        assert_eq!((alpha(&drawn, 3, 8), alpha(&drawn, 4, 8)), (0, 255));
        assert_eq!((alpha(&drawn, 13, 15), alpha(&drawn, 13, 16)), (255, 0));
    }

    #[test]
    fn text_is_drawn_within_the_size_that_it_says() {
        let mut letters =
            Letters::load(&Fonts::Files(vec![Arc::from(test_font::boxes())])).unwrap();
        let style = TextStyle {
            size: 20.0,
            color: Color::WHITE,
            bold: false,
            room: f32::INFINITY,
        };
        let text = letters.set("AAAA", &style);
        let broken = letters.set(
            "AAAA AAAA",
            &TextStyle {
                room: text.width() * 1.5,
                ..style
            },
        );
        assert!(text.width() > 20.0 && text.height() >= 20.0, "{text:?}");
        assert!(broken.height() > text.height() * 1.5);
        let mut sketch = Sketch::new((0, 0), (200, 60)).unwrap();
        sketch.text(&mut letters, &text, (50.0, 10.0));
        let drawn = sketch.finish();
        let inked = |x| (0..60).any(|y| alpha(&drawn, x, y) > 0);
        let columns: Vec<u32> = (0..200).filter(|x| inked(*x)).collect();
        let (first, last) = (columns[0] as f32, *columns.last().unwrap() as f32);
        assert!(
            first >= 48.0 && last <= 52.0 + text.width(),
            "{first} {last}"
        );
    }

    #[test]
    fn a_drawing_without_pixels_or_with_too_many_is_none() {
        assert!(Sketch::new((0, 0), (0, 4)).is_none());
        assert!(Sketch::new((0, 0), (1 << 20, 4)).is_none());
        assert!(Sketch::new((u32::MAX, 0), (4, 4)).is_none());
    }
}
