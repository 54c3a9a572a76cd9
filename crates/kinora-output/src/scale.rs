use crate::video::fit;

/// How a picture lies within an area of another shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ScaleMode {
    /// All of it is seen, in its own shape; the rest of the area stays empty.
    #[default]
    Fit,
    /// It covers the area, in its own shape; what does not fit is cut off on both sides alike.
    Fill,
    /// It covers the area and takes its shape.
    Stretch,
}

impl ScaleMode {
    /// The size that a picture is brought to for an area; no side is 0.
    #[must_use]
    pub fn size(self, picture: (u32, u32), area: (u32, u32)) -> (u32, u32) {
        let area = (area.0.max(1), area.1.max(1));
        match self {
            Self::Fit => fit(picture, area),
            Self::Stretch => area,
            Self::Fill => {
                // What is cut off is not worth more memory than sixteen areas.
                let (width, height) = cover(picture, area);
                let most = (area.0.saturating_mul(16), area.1.saturating_mul(16));
                (width.min(most.0), height.min(most.1))
            }
        }
    }
}

/// The smallest size of a picture's shape that covers an area.
fn cover(picture: (u32, u32), (width, height): (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(picture.0.max(1)), u64::from(picture.1.max(1)));
    let (area_w, area_h) = (u64::from(width), u64::from(height));
    let narrow = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
    match w * area_h > h * area_w {
        true => (narrow((w * area_h).div_ceil(h)), height),
        false => (width, narrow((h * area_w).div_ceil(w))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fits_covers_or_takes_the_shape_of_an_area() {
        let area = (80, 48);
        for (mode, picture, size) in [
            (ScaleMode::Fit, (160, 90), (80, 45)),
            (ScaleMode::Fit, (90, 160), (27, 48)),
            (ScaleMode::Fill, (160, 90), (86, 48)),
            (ScaleMode::Fill, (90, 160), (80, 143)),
            (ScaleMode::Fill, (1, 60_000), (80, 768)),
            (ScaleMode::Stretch, (90, 160), (80, 48)),
            (ScaleMode::Stretch, (0, 0), (80, 48)),
        ] {
            assert_eq!(mode.size(picture, area), size, "{mode:?} {picture:?}");
        }
        assert_eq!(ScaleMode::Fill.size((4, 4), (0, 0)), (1, 1));
    }
}
