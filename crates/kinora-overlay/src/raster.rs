//! From a block and its place to pixels.

use cosmic_text::{CacheKey, SwashContent};
use zeno::{
    Cap, Command, Join, Mask as PathMask, Origin, Placement as MaskPlacement, Point, Stroke,
    Transform,
};

use crate::canvas::{Area, Canvas, Mask, Overlay};
use crate::fonts::Typesetter;
use crate::place::Placement;
use crate::shape::{Block, Glyph, Look};

use kinora_subtitle::{Color, Vertical};

/// So many times the pixels of its canvas may the shapes of a cue have together: letters one upon the other, of which a file
/// may have thousands, are left out beyond it.
const MAX_PIXELS_DRAWN: usize = 24;

/// Draws a block. `None`: nothing of it is within `clip`.
pub(crate) fn draw(
    block: &Block,
    place: &Placement,
    clip: &Area,
    setter: &mut Typesetter,
) -> Option<Overlay> {
    let ink = ink(block, place).within(clip);
    let mut canvas = Canvas::new(ink)?;
    draw_on(&mut canvas, block, place, setter);
    Some(canvas.finish())
}

/// Draws a block on what is drawn already.
pub(crate) fn draw_on(
    canvas: &mut Canvas,
    block: &Block,
    place: &Placement,
    setter: &mut Typesetter,
) {
    let mut drawing = Drawing {
        pixels_left: canvas.pixels().saturating_mul(MAX_PIXELS_DRAWN),
        block,
        place,
        setter,
    };
    for bar in &block.boxes {
        canvas.fill(place.turned(bar.area), bar.color);
    }
    drawing.shadows(canvas);
    drawing.outlines(canvas);
    drawing.fills(canvas);
    for bar in &block.bars {
        canvas.fill(place.turned(bar.area), bar.color);
    }
}

/// All that letters, boxes and shadows may reach.
fn ink(block: &Block, place: &Placement) -> Area {
    let reach =
        |look: &Look| look.outline.map_or(0.0, |it| it.1) + look.shadow.map_or(0.0, |it| it.1);
    let reach = block.looks.iter().map(reach).fold(0.0, f32::max);
    let sizes = block.glyphs.iter().map(|glyph| glyph.size);
    let largest = sizes.fold(0.0, f32::max);
    let (first, last) = block.extent;
    let text = Area {
        left: first,
        top: 0.0,
        right: last,
        bottom: block.depth,
    };
    // Italics and marks stand beyond the box of their line.
    place.turned(text).grown(reach + largest * 0.5)
}

impl Placement {
    /// From the text's coordinates to the picture's.
    fn point(&self, u: f32, v: f32, depth: f32) -> (f32, f32) {
        let Area { left, top, .. } = self.area;
        match self.vertical {
            None => (left + u, top + v),
            Some(Vertical::RightToLeft) => (self.area.right - v, top + u),
            // The lines follow each other the other way round, each of them turned as above.
            Some(Vertical::LeftToRight) => (left + depth, top + u),
        }
    }

    fn turned(&self, area: Area) -> Area {
        match self.vertical {
            None => Area {
                left: self.area.left + area.left,
                right: self.area.left + area.right,
                top: self.area.top + area.top,
                bottom: self.area.top + area.bottom,
            },
            Some(vertical) => {
                let (left, right) = match vertical {
                    Vertical::RightToLeft => {
                        (self.area.right - area.bottom, self.area.right - area.top)
                    }
                    Vertical::LeftToRight => {
                        (self.area.left + area.top, self.area.left + area.bottom)
                    }
                };
                Area {
                    left,
                    right,
                    top: self.area.top + area.left,
                    bottom: self.area.top + area.right,
                }
            }
        }
    }
}

struct Drawing<'a> {
    block: &'a Block,
    place: &'a Placement,
    setter: &'a mut Typesetter,
    pixels_left: usize,
}

impl Drawing<'_> {
    fn shadows(&mut self, canvas: &mut Canvas) {
        let shadow = |look: &Look| look.shadow.map(|(color, _)| color);
        self.each(canvas, shadow, |drawing, canvas, glyph, look| {
            let by = look.shadow.map_or(0.0, |(_, depth)| depth);
            if let Some((_, width)) = look.outline {
                drawing.shape(canvas, glyph, by, Some(width));
            }
            drawing.shape(canvas, glyph, by, None);
        });
    }

    fn outlines(&mut self, canvas: &mut Canvas) {
        let outline = |look: &Look| look.outline.map(|(color, _)| color);
        self.each(canvas, outline, |drawing, canvas, glyph, look| {
            let width = look.outline.map(|(_, width)| width);
            drawing.shape(canvas, glyph, 0.0, width);
            drawing.shape(canvas, glyph, 0.0, None);
        });
    }

    fn fills(&mut self, canvas: &mut Canvas) {
        self.each(
            canvas,
            |look| Some(look.fill),
            |drawing, canvas, glyph, _| {
                if !drawing.colored(canvas, glyph) {
                    drawing.shape(canvas, glyph, 0.0, None);
                }
            },
        );
    }

    /// Draws the shapes of all glyphs, those of one colour as one.
    fn each(
        &mut self,
        canvas: &mut Canvas,
        color: impl Fn(&Look) -> Option<Color>,
        draw: impl Fn(&mut Self, &mut Canvas, &Glyph, &Look),
    ) {
        let block = self.block;
        let mut gathered = None;
        for glyph in &block.glyphs {
            let Some(look) = block.looks.get(glyph.look) else {
                continue;
            };
            let Some(color) = color(look) else { continue };
            if let Some(other) = gathered.replace(color).filter(|other| *other != color) {
                canvas.paint(other);
            }
            draw(self, canvas, glyph, look);
        }
        if let Some(color) = gathered {
            canvas.paint(color);
        }
    }

    /// From the glyph's coordinates, upwards from its beginning on the baseline, to the picture's.
    fn transform(&self, glyph: &Glyph) -> Transform {
        let column = glyph.middle;
        match self.place.vertical {
            None => {
                let (x, y) = self.place.point(glyph.u, glyph.v, 0.0);
                Transform::new(1.0, 0.0, 0.0, -1.0, x, y)
            }
            Some(_) if glyph.is_upright => {
                // In the middle of its column; letters as high as wide reach from 0.88 above the baseline to 0.12 below it.
                let (x, y) = self
                    .place
                    .point(glyph.u + glyph.advance / 2.0, column, column);
                let baseline = y + glyph.size * 0.38;
                Transform::new(1.0, 0.0, 0.0, -1.0, x - glyph.advance / 2.0, baseline)
            }
            Some(_) => {
                let (x, y) = self.place.point(glyph.u, column, column);
                // The column's middle is between baseline and the height of small letters.
                let x = x + column - glyph.v;
                Transform::new(0.0, 1.0, 1.0, 0.0, x, y)
            }
        }
    }

    /// Gathers the shape of a glyph, or the line of that width around it.
    fn shape(&mut self, canvas: &mut Canvas, glyph: &Glyph, shift: f32, outline: Option<f32>) {
        let mut transform = self.transform(glyph);
        transform.x += shift;
        transform.y += shift;
        let Some(path) = self.path(glyph.key) else {
            return;
        };
        let reach = outline.unwrap_or(0.0) + 1.0;
        let Some(bounds) = bounds(&path, &transform, reach) else {
            return;
        };
        if bounds.is_apart(&canvas.area()) {
            return;
        }
        let pixels = (bounds.right - bounds.left) * (bounds.bottom - bounds.top);
        let pixels = usize::try_from(crate::canvas::whole(pixels)).unwrap_or(usize::MAX);
        let Some(left) = self.pixels_left.checked_sub(pixels) else {
            return;
        };
        self.pixels_left = left;
        let mut mask = PathMask::new(path.as_slice());
        mask.origin(Origin::TopLeft).transform(Some(transform));
        if let Some(width) = outline {
            // Half of a stroke lies within the shape.
            let mut stroke = Stroke::new(width * 2.0);
            mask.style(*stroke.join(Join::Round).cap(Cap::Round));
        }
        let (
            coverage,
            MaskPlacement {
                left, top, width, ..
            },
        ) = mask.render();
        let width = usize::try_from(width).unwrap_or(0);
        canvas.cover(&Mask {
            left,
            top,
            width,
            stride: width,
            coverage: &coverage,
        });
    }

    fn path(&mut self, key: CacheKey) -> Option<Vec<Command>> {
        let Typesetter { fonts, glyphs, .. } = &mut *self.setter;
        let path = glyphs.get_outline_commands_uncached(fonts, key)?;
        let path: Vec<Command> = without_anchors(&path);
        (!path.is_empty()).then_some(path)
    }

    /// Draws a glyph that has colours of its own, as emoji have; `false`: it has none.
    fn colored(&mut self, canvas: &mut Canvas, glyph: &Glyph) -> bool {
        let Typesetter { fonts, glyphs, .. } = &mut *self.setter;
        let image = glyphs.get_image_uncached(fonts, glyph.key);
        let Some(image) = image.filter(|image| image.content == SwashContent::Color) else {
            return false;
        };
        let transform = self.transform(glyph);
        let [x, y] = [transform.x, transform.y].map(|at| crate::canvas::whole(at.round()));
        let MaskPlacement {
            left, top, width, ..
        } = image.placement;
        canvas.picture(
            x.saturating_add(left),
            y.saturating_sub(top),
            width,
            &image.data,
        );
        true
    }
}

/// The contours of a glyph without those that are a single point: fonts mark by them where accents stand, and a line around one
/// would be a dot.
fn without_anchors(path: &[Command]) -> Vec<Command> {
    let begins = |command: &Command| matches!(command, Command::MoveTo(_));
    let contours = path.chunk_by(|_, next| !begins(next));
    let has_length = |contour: &&[Command]| {
        let mut points = contour.iter().filter_map(end_of);
        let first = points.next();
        points.any(|point| Some(point) != first)
    };
    contours.filter(has_length).flatten().copied().collect()
}

const fn end_of(command: &Command) -> Option<(f32, f32)> {
    match command {
        Command::MoveTo(to)
        | Command::LineTo(to)
        | Command::QuadTo(_, to)
        | Command::CurveTo(_, _, to) => Some((to.x, to.y)),
        Command::Close => None,
    }
}

/// What a path may reach.
fn bounds(path: &[Command], transform: &Transform, reach: f32) -> Option<Area> {
    let points = |command: &Command| -> [Option<Point>; 3] {
        let of = |vector: &zeno::Vector| Some(transform.transform_point(*vector));
        match command {
            Command::MoveTo(to) | Command::LineTo(to) => [of(to), None, None],
            Command::QuadTo(control, to) => [of(control), of(to), None],
            Command::CurveTo(one, two, to) => [of(one), of(two), of(to)],
            Command::Close => [None; 3],
        }
    };
    let points = path.iter().flat_map(points).flatten();
    let area = points.map(|point| Area::new(point.x, point.y, 0.0, 0.0));
    area.reduce(|all, point| all.around(&point))
        .map(|area| area.grown(reach))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contours_of_one_point_are_left_out() {
        let point = |x: f32, y: f32| zeno::Vector::new(x, y);
        let anchor = [
            Command::MoveTo(point(5.0, 9.0)),
            Command::LineTo(point(5.0, 9.0)),
            Command::Close,
        ];
        let shape = [
            Command::MoveTo(point(0.0, 0.0)),
            Command::LineTo(point(1.0, 0.0)),
            Command::LineTo(point(0.0, 1.0)),
            Command::Close,
        ];
        let path = [&anchor[..], &shape, &anchor].concat();
        assert_eq!(without_anchors(&path).len(), shape.len());
        assert!(without_anchors(&anchor).is_empty());
    }
}
