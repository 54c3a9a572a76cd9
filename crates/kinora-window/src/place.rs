//! Where things lie in the window, in pixels from its left upper corner.

use kinora_output::video::display_size;
use kinora_output::{ScaleMode, VideoFormat};
use kinora_overlay::Overlay;

/// A part of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Place {
    /// That of an overlay.
    pub(crate) fn of(overlay: &Overlay) -> Self {
        let edge = |edge: u32| i32::try_from(edge).unwrap_or(i32::MAX);
        Self {
            left: edge(overlay.x),
            top: edge(overlay.y),
            width: overlay.width,
            height: overlay.height,
        }
    }

    /// In clip space: left, top, width, height; its y runs upwards.
    #[cfg(feature = "gpu")]
    pub(crate) fn in_clip_space(self, window: (u32, u32)) -> [f32; 4] {
        #[allow(clippy::cast_precision_loss, reason = "sides of windows")]
        let [wide, high] = [window.0.max(1) as f32, window.1.max(1) as f32];
        #[allow(clippy::cast_precision_loss, reason = "sides of windows")]
        let [left, top, width, height] = [
            self.left as f32,
            self.top as f32,
            self.width as f32,
            self.height as f32,
        ];
        [
            left / wide * 2.0 - 1.0,
            1.0 - top / high * 2.0,
            width / wide * 2.0,
            -height / high * 2.0,
        ]
    }
}

impl Place {
    /// What of it is in the window.
    pub(crate) fn within(self, (width, height): (u32, u32)) -> Self {
        let cut = |first: i32, length: u32, room: u32| {
            let from = i64::from(first).max(0);
            let to = (i64::from(first) + i64::from(length)).min(i64::from(room));
            let first = i32::try_from(from).unwrap_or(i32::MAX);
            (first, u32::try_from(to - from).unwrap_or(0))
        };
        let (left, width) = cut(self.left, self.width, width);
        let (top, height) = cut(self.top, self.height, height);
        Self {
            left,
            top,
            width,
            height,
        }
    }
}

/// The size at which a person should see video: upright, its pixels square.
pub(crate) fn upright_size(format: &VideoFormat) -> (u32, u32) {
    format.orientation().size(display_size(format))
}

/// Where video lies in a window: in its middle, beyond its borders where it covers it.
pub(crate) fn of_picture(format: &VideoFormat, mode: ScaleMode, window: (u32, u32)) -> Place {
    let (width, height) = mode.size(upright_size(format), window);
    Place {
        left: middle(window.0, width),
        top: middle(window.1, height),
        width,
        height,
    }
}

fn middle(room: u32, side: u32) -> i32 {
    let spare = (i64::from(room) - i64::from(side)).div_euclid(2);
    i32::try_from(spare).unwrap_or(i32::MIN)
}

#[cfg(test)]
mod tests {
    use kinora_media::{ColorInfo, Mirror, PixelFormat, Rotation};

    use super::*;

    #[test]
    fn a_picture_lies_in_the_middle_upright_and_with_square_pixels() {
        let format = VideoFormat {
            width: 720,
            height: 576,
            pixels: PixelFormat::I420,
            color: ColorInfo::default(),
            pixel_aspect: Some((64, 45)),
            rotation: Rotation::None,
            mirror: Mirror::None,
        };
        let place = |format: &VideoFormat, mode| {
            let place = of_picture(format, mode, (1_024, 1_024));
            (place.left, place.top, place.width, place.height)
        };
        assert_eq!(place(&format, ScaleMode::Fit), (0, 224, 1_024, 576));
        assert_eq!(place(&format, ScaleMode::Fill), (-399, 0, 1_821, 1_024));
        assert_eq!(place(&format, ScaleMode::Stretch), (0, 0, 1_024, 1_024));
        let turned = VideoFormat {
            rotation: Rotation::Cw90,
            ..format
        };
        assert_eq!(place(&turned, ScaleMode::Fit), (224, 0, 576, 1_024));
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn the_whole_window_is_the_whole_clip_space() {
        let whole = Place {
            left: 0,
            top: 0,
            width: 8,
            height: 4,
        };
        assert_eq!(whole.in_clip_space((8, 4)), [-1.0, 1.0, 2.0, -2.0]);
    }
}
