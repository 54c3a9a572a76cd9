//! How pictures are to be shown, and who has the last word where container and bitstream differ.

use crate::{ColorInfo, VideoParams};

/// What one source says of how pictures are shown; what it leaves open is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DisplayHints {
    /// Pixel aspect ratio, width to height.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Colour description.
    pub color: Option<ColorInfo>,
}

impl DisplayHints {
    /// These, and where they leave something open, those of a source with less to say.
    #[must_use]
    pub fn or(self, lesser: Self) -> Self {
        let color = match (self.color, lesser.color) {
            (Some(own), Some(lesser)) => Some(own.or(lesser)),
            (own, lesser) => own.or(lesser),
        };
        Self {
            pixel_aspect: self.pixel_aspect.or(lesser.pixel_aspect),
            color,
        }
    }
}

impl VideoParams {
    /// What holds of a picture whose bitstream says so: the container's own word goes first
    /// (ISO/IEC 14496-12 12.1.4, 12.1.5), then the bitstream's, then what was known of the track.
    #[must_use]
    pub fn shown(&self, bitstream: DisplayHints) -> DisplayHints {
        let known = DisplayHints {
            pixel_aspect: self.pixel_aspect,
            color: Some(self.color),
        };
        self.stated.or(bitstream).or(known)
    }
}

impl ColorInfo {
    /// The number of ITU-T H.273 for "unspecified".
    const UNSPECIFIED: u8 = 2;

    /// These numbers, and another's where they are unspecified.
    fn or(self, other: Self) -> Self {
        let either = |own, other| match own {
            Self::UNSPECIFIED => other,
            own => own,
        };
        Self {
            primaries: either(self.primaries, other.primaries),
            transfer: either(self.transfer, other.transfer),
            matrix: either(self.matrix, other.matrix),
            range: self.range,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColorRange;

    fn hints(pixel_aspect: Option<(u32, u32)>, color: Option<(u8, ColorRange)>) -> DisplayHints {
        DisplayHints {
            pixel_aspect,
            color: color.map(|(matrix, range)| ColorInfo {
                matrix,
                range,
                ..ColorInfo::default()
            }),
        }
    }

    #[test]
    fn the_container_goes_before_the_bitstream_and_that_before_what_was_known() {
        let (limited, full) = (ColorRange::Limited, ColorRange::Full);
        let mut video = VideoParams {
            pixel_aspect: Some((3, 2)),
            ..VideoParams::default()
        };
        assert_eq!(video.shown(hints(None, None)).pixel_aspect, Some((3, 2)));
        let bitstream = hints(Some((4, 3)), Some((6, full)));
        assert_eq!(video.shown(bitstream), bitstream);
        video.stated = hints(Some((64, 45)), None);
        assert_eq!(
            video.shown(bitstream),
            hints(Some((64, 45)), Some((6, full)))
        );
        video.stated = hints(None, Some((1, limited)));
        assert_eq!(
            video.shown(bitstream),
            hints(Some((4, 3)), Some((1, limited)))
        );
        video.stated = hints(None, Some((2, limited)));
        assert_eq!(
            video.shown(bitstream),
            hints(Some((4, 3)), Some((6, limited)))
        );
    }
}
