//! Where blocks of text stand on the picture (W3C WebVTT 7.2, whose words the layouts of all formats have).

use std::sync::Arc;

use kinora_subtitle::{Anchor, Cue, Layout, LinePosition, Region, Vertical};

use crate::canvas::Area;
use crate::shape::{Block, Setting};

/// Distance of plain cues from the lower and upper edge, a share of the height.
const MARGIN: f32 = 0.04;
/// The same from left and right, a share of the width.
const SIDE_MARGIN: f32 = 0.05;
/// The viewer's size of the font, a share of the picture's shorter side (W3C WebVTT 7.4).
const FONT_SIZE: f32 = 0.05;

/// How a block lies on the picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Placement {
    /// Where its room begins: the corner from which lines and letters are counted.
    pub(crate) area: Area,
    pub(crate) vertical: Option<Vertical>,
}

/// The size of a picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Screen {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// The viewer's factor of all sizes.
    pub(crate) scale: f32,
}

#[allow(clippy::cast_possible_truncation, reason = "a share of a picture")]
fn share(value: f64) -> f32 {
    // What a file says may be anything; beyond ten pictures nothing is seen.
    (value as f32).clamp(-10.0, 10.0)
}

const fn part(anchor: Anchor) -> f32 {
    match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5,
        Anchor::End => 1.0,
    }
}

impl Screen {
    pub(crate) const fn area(&self) -> Area {
        Area::new(0.0, 0.0, self.width, self.height)
    }

    /// The part of the picture between shares of its sides, whole pixels: left, top, right and bottom.
    pub(crate) fn part(&self, [left, top, right, bottom]: [f64; 4]) -> Area {
        let across = |at: f64| (share(at) * self.width).round();
        let down = |at: f64| (share(at) * self.height).round();
        Area {
            left: across(left),
            top: down(top),
            right: across(right),
            bottom: down(bottom),
        }
    }

    fn font_size(&self) -> f32 {
        self.width.min(self.height) * FONT_SIZE * self.scale
    }

    /// How the text of a cue is set.
    pub(crate) fn setting(&self, cue: &Cue) -> Setting {
        let layout = &cue.layout;
        let is_vertical = layout.vertical.is_some();
        let within = self.within(layout);
        let along = match is_vertical {
            true => within.bottom - within.top,
            false => within.right - within.left,
        };
        Setting {
            size: self.font_size(),
            scale: self.scale,
            height: self.height,
            room: (along * room(layout)).max(1.0),
            is_vertical,
            by_line: layout.margins.is_some(),
        }
    }

    /// What the shares of a layout are of.
    fn within(&self, layout: &Layout) -> Area {
        let region = layout.region.as_deref();
        region.map_or_else(|| self.area(), |region| self.region(region))
    }

    /// The part of the picture that a region is.
    pub(crate) fn region(&self, region: &Region) -> Area {
        let line = self.font_size() * 1.25;
        #[allow(clippy::cast_precision_loss, reason = "a few lines")]
        let lines = region.lines.min(100) as f32 * line;
        let width = share(region.width) * self.width;
        let height = region
            .height
            .map_or(lines, |height| share(height) * self.height);
        let ((ax, ay), (vx, vy)) = (region.anchor, region.viewport_anchor);
        let left = share(vx) * self.width - share(ax) * width;
        let top = share(vy) * self.height - share(ay) * height;
        Area::new(left, top, width.max(1.0), height.max(1.0))
    }
}

/// The share that a line has room for ("compute the maximum size").
fn room(layout: &Layout) -> f32 {
    let size = layout.size.map(share);
    if let Some([left, right, _]) = layout.margins {
        return 1.0 - share(left) - share(right);
    }
    if layout.position.is_none()
        && size.is_none()
        && layout.region.is_none()
        && layout.vertical.is_none()
    {
        return 1.0 - 2.0 * SIDE_MARGIN;
    }
    let x = share(layout.x()).clamp(0.0, 1.0);
    let most = match layout.x_anchor() {
        Anchor::Start => 1.0 - x,
        Anchor::End => x,
        Anchor::Middle => x.min(1.0 - x) * 2.0,
    };
    size.map_or(most, |size| size.min(most))
}

/// Finds the places of all cues, in their order.
#[derive(Default)]
pub(crate) struct Places {
    /// The cues that others give way to, with their layers.
    taken: Vec<(i32, Area)>,
    /// How much of each region is taken.
    regions: Vec<(Arc<Region>, f32)>,
}

impl Places {
    /// The place of the next block. `depth_of_region`: of all blocks of its region.
    pub(crate) fn place(
        &mut self,
        cue: &Cue,
        block: &Block,
        screen: &Screen,
        depth_of_region: f32,
    ) -> Placement {
        let layout = &cue.layout;
        let within = screen.within(layout);
        let area = match (&layout.region, layout.line) {
            (Some(region), LinePosition::Auto) => {
                self.in_region(region, &within, layout, block, depth_of_region)
            }
            _ => self.by_itself(cue, block, &within),
        };
        Placement {
            area,
            vertical: layout.vertical,
        }
    }

    fn by_itself(&mut self, cue: &Cue, block: &Block, within: &Area) -> Area {
        let layout = &cue.layout;
        let area = upright(layout, block, within);
        let area = match layout.line {
            // Where a script says the very point it is meant, also beyond the edge.
            LinePosition::Fraction(_) if layout.margins.is_some() => area,
            LinePosition::Fraction(_) => inside(area, within),
            LinePosition::Auto | LinePosition::Number(_) => {
                self.out_of_the_way(cue, block, inside(area, within), within)
            }
        };
        self.taken.push((cue.layer, occupied(layout, block, area)));
        area
    }

    /// Blocks of a region stand one below the other, from its top, about its middle, or up to its bottom.
    fn in_region(
        &mut self,
        region: &Arc<Region>,
        within: &Area,
        layout: &Layout,
        block: &Block,
        depth: f32,
    ) -> Area {
        let at = self
            .regions
            .iter()
            .position(|(known, _)| Arc::ptr_eq(known, region) || known == region);
        let at = at.unwrap_or_else(|| {
            self.regions.push((Arc::clone(region), 0.0));
            self.regions.len() - 1
        });
        let mut area = upright(layout, block, within);
        if let Some((_, used)) = self.regions.get_mut(at) {
            let free = within.bottom - within.top - depth;
            let top = within.top + free * part(region.display_align) + *used;
            *used += block.depth;
            area = Area::new(area.left, top, area.right - area.left, block.depth);
        }
        area
    }

    /// Steps aside until no letters of another cue of its layer are covered; stays where there is no room.
    fn out_of_the_way(&self, cue: &Cue, block: &Block, area: Area, within: &Area) -> Area {
        let layout = &cue.layout;
        let towards_end = match layout.line {
            LinePosition::Number(line) => line >= 0.0,
            _ => layout.line_anchor != Anchor::End,
        };
        let mut free = area;
        // Each step leaves one of them behind.
        for _ in 0..self.taken.len() {
            let letters = occupied(layout, block, free);
            let mut others = self.taken.iter();
            let hides =
                |(layer, other): &&(i32, Area)| *layer == cue.layer && !other.is_apart(&letters);
            let Some((_, other)) = others.find(hides) else {
                break;
            };
            free = stepped(free, other, layout.vertical, towards_end);
        }
        match inside(free, within) == free {
            true => free,
            false => area,
        }
    }
}

/// Right behind another one, or right before it.
fn stepped(area: Area, other: &Area, vertical: Option<Vertical>, towards_end: bool) -> Area {
    let (width, height) = (area.right - area.left, area.bottom - area.top);
    let is_forward = match vertical {
        Some(Vertical::RightToLeft) => !towards_end,
        _ => towards_end,
    };
    match (vertical.is_some(), is_forward) {
        (false, true) => Area::new(area.left, other.bottom, width, height),
        (false, false) => Area::new(area.left, other.top - height, width, height),
        (true, true) => Area::new(other.right, area.top, width, height),
        (true, false) => Area::new(other.left - width, area.top, width, height),
    }
}

/// The part that letters take.
fn occupied(layout: &Layout, block: &Block, area: Area) -> Area {
    let (first, last) = block.extent;
    match layout.vertical {
        None => Area {
            left: area.left + first,
            right: area.left + last,
            ..area
        },
        Some(_) => Area {
            top: area.top + first,
            bottom: area.top + last,
            ..area
        },
    }
}

/// Pushed within, as far as it fits.
fn inside(area: Area, within: &Area) -> Area {
    let (width, height) = (area.right - area.left, area.bottom - area.top);
    let left = area.left.min(within.right - width).max(within.left);
    let top = area.top.min(within.bottom - height).max(within.top);
    Area::new(left, top, width, height)
}

/// Where a block would stand that were alone: its room along the lines by position, across them by line.
fn upright(layout: &Layout, block: &Block, within: &Area) -> Area {
    let (wide, high) = (within.right - within.left, within.bottom - within.top);
    let (along, across) = match layout.vertical {
        None => (wide, high),
        Some(_) => (high, wide),
    };
    let length = (along * room(layout)).max(1.0);
    let start = start(layout, block, along, length);
    let depth = block.depth;
    let line = across_lines(layout, block, across);
    match layout.vertical {
        None => Area::new(within.left + start, within.top + line, length, depth),
        // Lines are counted from the side on which the first one stands (W3C WebVTT 7.2 step 9).
        Some(Vertical::RightToLeft) => Area::new(
            within.right - line - depth,
            within.top + start,
            depth,
            length,
        ),
        Some(Vertical::LeftToRight) => {
            Area::new(within.left + line, within.top + start, depth, length)
        }
    }
}

fn start(layout: &Layout, block: &Block, along: f32, length: f32) -> f32 {
    if let ([left, right, _], None) = (layout.margins.unwrap_or_default(), layout.position)
        && layout.margins.is_some()
    {
        return share(left).min(1.0 - share(right)) * along;
    }
    let anchor = match (layout.x_anchor(), block.is_rtl, layout.position_anchor) {
        // Text from right to left begins on the right.
        (Anchor::Start, true, None) if layout.align == kinora_subtitle::Align::Start => Anchor::End,
        (Anchor::End, true, None) if layout.align == kinora_subtitle::Align::End => Anchor::Start,
        (anchor, ..) => anchor,
    };
    let x = match (
        layout.position,
        room(layout) >= 1.0 - 2.0 * SIDE_MARGIN - f32::EPSILON && layout.size.is_none(),
    ) {
        // Lines that have all the room are aligned within it.
        (None, true) => return (along - length) / 2.0,
        _ => share(layout.x()),
    };
    x * along - part(anchor) * length
}

fn across_lines(layout: &Layout, block: &Block, across: f32) -> f32 {
    let depth = block.depth;
    match layout.line {
        LinePosition::Fraction(line) => share(line) * across - part(layout.line_anchor) * depth,
        LinePosition::Number(line) => {
            #[allow(clippy::cast_possible_truncation, reason = "a number of lines")]
            let lines = (line as f32).clamp(-1_000.0, 1_000.0) * block.line;
            let first = if lines < 0.0 { across + lines } else { lines };
            first - part(layout.line_anchor) * depth
        }
        LinePosition::Auto => {
            let margin = match layout.margins {
                Some([.., vertical]) => share(vertical) * across,
                None if layout.region.is_some() => 0.0,
                None => MARGIN * across,
            };
            match layout.line_anchor {
                Anchor::Start => margin,
                Anchor::Middle => (across - depth) / 2.0,
                Anchor::End => across - margin - depth,
            }
        }
    }
}
