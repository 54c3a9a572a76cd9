//! Shapes of one colour each, laid one upon the other.

use kinora_subtitle::Color;

use crate::canvas::{Area, Canvas, Mask, Overlay};

/// A shape of one colour at its place on the picture.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Where its left edge lies, in pixels of the picture.
    pub x: i32,
    /// Where its upper edge lies.
    pub y: i32,
    /// Pixels of a row.
    pub width: usize,
    /// From row to row in `coverage`; the last row may end with its pixels.
    pub stride: usize,
    /// How much of each pixel the shape covers.
    pub coverage: &'a [u8],
    /// Its colour.
    pub color: Color,
}

impl Layer<'_> {
    fn area(&self) -> Area {
        let height = self.coverage.len().div_ceil(self.stride.max(1));
        #[allow(clippy::cast_precision_loss, reason = "sides of pictures")]
        Area::new(
            self.x as f32,
            self.y as f32,
            self.width as f32,
            height as f32,
        )
    }
}

/// Layers that are drawn on one canvas.
struct Group<'a, 'b> {
    area: Area,
    layers: &'a [Layer<'b>],
}

/// A canvas of two parts may be so many times as large as both together.
const MAX_WASTE: f32 = 1.5;

/// Draws layers, later ones above, on a picture of that size. Those that lie near each other become one overlay.
#[must_use]
pub fn compose(layers: &[Layer<'_>], size: (u32, u32)) -> Vec<Overlay> {
    #[allow(clippy::cast_precision_loss, reason = "sides of pictures")]
    let picture = Area::new(0.0, 0.0, size.0 as f32, size.1 as f32);
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    let mut begin = 0;
    for (index, layer) in layers.iter().enumerate() {
        let area = layer.area();
        match groups.last_mut() {
            Some(last) if last.area.is_near(&area) => {
                last.area = last.area.around(&area);
                last.layers = layers.get(begin..=index).unwrap_or_default();
            }
            _ => {
                begin = index;
                let layers = layers.get(index..=index).unwrap_or_default();
                groups.push(Group { area, layers });
            }
        }
    }
    let drawn = groups.iter().filter_map(|group| group.draw(&picture));
    drawn.collect()
}

impl Group<'_, '_> {
    fn draw(&self, picture: &Area) -> Option<Overlay> {
        let mut canvas = Canvas::new(self.area.within(picture))?;
        for layer in self.layers {
            canvas.cover(&Mask {
                left: layer.x,
                top: layer.y,
                width: layer.width,
                stride: layer.stride,
                coverage: layer.coverage,
            });
            canvas.paint(layer.color);
        }
        Some(canvas.finish())
    }
}

impl Area {
    fn is_near(&self, other: &Self) -> bool {
        let size = |area: &Self| (area.right - area.left) * (area.bottom - area.top);
        size(&self.around(other)) <= (size(self) + size(other)) * MAX_WASTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Color = Color::rgb(255, 0, 0);

    fn layer(x: i32, y: i32, color: Color) -> Layer<'static> {
        // Rows of two pixels, three from row to row; the last one is short.
        Layer {
            x,
            y,
            width: 2,
            stride: 3,
            coverage: &[255, 255, 9, 255, 128],
            color,
        }
    }

    #[test]
    fn layers_that_lie_together_become_one_overlay_in_their_order() {
        let drawn = compose(
            &[
                layer(1, 1, Color::WHITE),
                layer(1, 1, RED),
                layer(50, 50, RED.with_alpha(51)),
            ],
            (100, 100),
        );
        let [one, other] = &drawn[..] else {
            panic!("{drawn:?}")
        };
        assert_eq!((one.x, one.y, one.width, one.height), (1, 1, 2, 2));
        assert_eq!(one.rgba[..4], [255, 0, 0, 255]);
        assert_eq!(one.rgba[12..], [192, 64, 64, 192], "half, upon half");
        assert_eq!(other.rgba[..4], [51, 0, 0, 51]);
    }

    #[test]
    fn what_lies_beyond_the_picture_is_cut_off() {
        let drawn = compose(&[layer(-1, -1, RED), layer(99, 0, RED)], (100, 100));
        let sizes: Vec<_> = drawn.iter().map(|it| (it.x, it.width, it.height)).collect();
        assert_eq!(sizes, [(0, 1, 1), (99, 1, 2)]);
        assert!(compose(&[layer(i32::MAX, i32::MIN, RED)], (100, 100)).is_empty());
        assert!(compose(&[], (100, 100)).is_empty());
    }
}
