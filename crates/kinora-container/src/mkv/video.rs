//! How pictures are stored and shown (RFC 9559 5.1.4.1.28).

use kinora_media::{ColorInfo, ColorRange, Mirror, Rotation, VideoParams};

use super::ebml::{Element, children};
use super::id;

/// Units of the display size in which it tells a shape (RFC 9559 5.1.4.1.28.14): pixels, centimetres, inches, and the
/// aspect ratio itself.
const MAX_DISPLAY_UNIT: u64 = 3;

/// What a `Video` element states; where it leaves something open, the codec's configuration may tell.
pub(super) fn parse(element: &Element) -> VideoParams {
    let mut video = VideoParams::default();
    let (mut display, mut unit, mut crop) = ((None, None), 0, (0u32, 0u32));
    for child in children(&element.body) {
        let number = || child.uint32().unwrap_or(0);
        match child.id {
            id::PIXEL_WIDTH => video.width = number(),
            id::PIXEL_HEIGHT => video.height = number(),
            id::DISPLAY_WIDTH => display.0 = child.uint32(),
            id::DISPLAY_HEIGHT => display.1 = child.uint32(),
            id::DISPLAY_UNIT => unit = child.uint().unwrap_or(0),
            id::PIXEL_CROP_LEFT | id::PIXEL_CROP_RIGHT => crop.0 = crop.0.saturating_add(number()),
            id::PIXEL_CROP_TOP | id::PIXEL_CROP_BOTTOM => crop.1 = crop.1.saturating_add(number()),
            id::COLOUR => video.stated.color = color(&child),
            id::PROJECTION => (video.rotation, video.mirror) = orientation(&child),
            _ => {}
        }
    }
    let visible = (
        video.width.saturating_sub(crop.0),
        video.height.saturating_sub(crop.1),
    );
    if let (Some(width), Some(height)) = display
        && unit <= MAX_DISPLAY_UNIT
    {
        video.stated.pixel_aspect = pixel_aspect((width, height), visible);
    }
    video
}

/// How samples of pictures lie that are not coded: four characters, as AVI has them (RFC 9559 5.1.4.1.28.15).
pub(super) fn layout(element: &Element) -> Option<String> {
    let space = children(&element.body).find(|child| child.id == id::COLOUR_SPACE)?;
    let chars = space.body.first_chunk::<4>()?;
    let is_text = chars.iter().all(|char| matches!(char, 0x20..=0x7e));
    is_text.then(|| chars.iter().copied().map(char::from).collect())
}

/// By how much pixels are wider than high, so that a picture has the shape of its display size.
fn pixel_aspect(display: (u32, u32), visible: (u32, u32)) -> Option<(u32, u32)> {
    let width = u64::from(display.0).saturating_mul(visible.1.into());
    let height = u64::from(display.1).saturating_mul(visible.0.into());
    let divisor = common_divisor(width, height);
    let part = |side: u64| u32::try_from(side.checked_div(divisor)?).ok();
    match (part(width)?, part(height)?) {
        (0, _) | (_, 0) => None,
        aspect => Some(aspect),
    }
}

fn common_divisor(mut one: u64, mut other: u64) -> u64 {
    while let Some(rest) = one.checked_rem(other) {
        (one, other) = (other, rest);
    }
    one
}

/// Numbers of ITU-T H.273, as everywhere (RFC 9559 5.1.4.1.28.16).
fn color(element: &Element) -> Option<ColorInfo> {
    let mut color = ColorInfo::default();
    for child in children(&element.body) {
        let number = || child.uint().and_then(|value| u8::try_from(value).ok());
        match child.id {
            id::MATRIX_COEFFICIENTS => color.matrix = number().unwrap_or(color.matrix),
            id::TRANSFER_CHARACTERISTICS => color.transfer = number().unwrap_or(color.transfer),
            id::PRIMARIES => color.primaries = number().unwrap_or(color.primaries),
            id::RANGE if number() == Some(2) => color.range = ColorRange::Full,
            _ => {}
        }
    }
    // Luminance alone says nothing of the colours.
    (color != ColorInfo::default()).then_some(color)
}

/// A picture is turned by the roll of its projection (RFC 9559 5.1.4.1.28.46), which writers of turned video take for
/// clockwise; half a turn of its yaw shows it from behind, mirrored.
fn orientation(element: &Element) -> (Rotation, Mirror) {
    let pose = |id| children(&element.body).find(|child| child.id == id);
    let degrees = |id| pose(id).and_then(|angle| angle.float());
    let rotation = match degrees(id::PROJECTION_POSE_ROLL) {
        Some(90.0) => Rotation::Cw90,
        Some(-90.0) => Rotation::Cw270,
        Some(180.0 | -180.0) => Rotation::Cw180,
        _ => Rotation::None,
    };
    let mirror = match degrees(id::PROJECTION_POSE_YAW) {
        Some(180.0 | -180.0) => Mirror::Horizontal,
        _ => Mirror::None,
    };
    (rotation, mirror)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_take_the_shape_that_the_display_size_needs() {
        assert_eq!(pixel_aspect((1024, 576), (720, 576)), Some((64, 45)));
        assert_eq!(pixel_aspect((16, 9), (1920, 1080)), Some((1, 1)));
        assert_eq!(pixel_aspect((0, 9), (1920, 1080)), None);
        assert_eq!(pixel_aspect((16, 9), (0, 0)), None);
        assert_eq!(pixel_aspect((u32::MAX, 1), (1, u32::MAX)), None);
    }
}
