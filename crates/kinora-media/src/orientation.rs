//! How pictures are turned and mirrored before they are shown.

use crate::{VideoFrame, VideoParams};

/// Clockwise turn that makes a picture stand upright.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rotation {
    /// As coded.
    #[default]
    None,
    /// A quarter turn clockwise.
    Cw90,
    /// Upside down.
    Cw180,
    /// A quarter turn counter-clockwise.
    Cw270,
}

impl Rotation {
    /// 0, 90, 180 or 270.
    #[must_use]
    pub const fn degrees(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Cw90 => 90,
            Self::Cw180 => 180,
            Self::Cw270 => 270,
        }
    }

    /// The turn of so many degrees clockwise; `None` where that is no quarter turn.
    #[must_use]
    pub const fn from_degrees(degrees: i32) -> Option<Self> {
        Some(match degrees.rem_euclid(360) {
            0 => Self::None,
            90 => Self::Cw90,
            180 => Self::Cw180,
            270 => Self::Cw270,
            _ => return None,
        })
    }

    /// Width and height change places.
    #[must_use]
    pub const fn is_sideways(self) -> bool {
        matches!(self, Self::Cw90 | Self::Cw270)
    }

    const fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::None, turn) | (turn, Self::None) => turn,
            (Self::Cw90, Self::Cw90) | (Self::Cw270, Self::Cw270) => Self::Cw180,
            (Self::Cw90, Self::Cw180) | (Self::Cw180, Self::Cw90) => Self::Cw270,
            (Self::Cw180, Self::Cw270) | (Self::Cw270, Self::Cw180) => Self::Cw90,
            (Self::Cw90, Self::Cw270) | (Self::Cw270, Self::Cw90) | (Self::Cw180, Self::Cw180) => {
                Self::None
            }
        }
    }

    const fn back(self) -> Self {
        match self {
            Self::Cw90 => Self::Cw270,
            Self::Cw270 => Self::Cw90,
            same => same,
        }
    }
}

/// Which sides of a picture change places, after it was turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(i32)]
pub enum Mirror {
    /// None.
    #[default]
    None = 0,
    /// Left and right.
    Horizontal = 1,
    /// Top and bottom.
    Vertical = 2,
}

/// A turn, and a mirror after it: each of the eight ways in which a rectangle's sides can lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Orientation {
    /// The turn, which comes first.
    pub rotation: Rotation,
    /// What changes places then.
    pub mirror: Mirror,
}

impl From<Rotation> for Orientation {
    fn from(rotation: Rotation) -> Self {
        let mirror = Mirror::None;
        Self { rotation, mirror }
    }
}

impl Orientation {
    /// The quarter turns and mirrors that a matrix stands for: `a`, `b`, `c`, `d` of ISO/IEC 14496-12 8.3.2.3. Other matrices
    /// leave pictures as they are.
    #[must_use]
    pub const fn of_matrix([a, b, c, d]: [i32; 4]) -> Self {
        let (rotation, mirror) = match (a.signum(), b.signum(), c.signum(), d.signum()) {
            (0, 1, -1, 0) => (Rotation::Cw90, Mirror::None),
            (-1, 0, 0, -1) => (Rotation::Cw180, Mirror::None),
            (0, -1, 1, 0) => (Rotation::Cw270, Mirror::None),
            (-1, 0, 0, 1) => (Rotation::None, Mirror::Horizontal),
            (1, 0, 0, -1) => (Rotation::None, Mirror::Vertical),
            (0, 1, 1, 0) => (Rotation::Cw90, Mirror::Horizontal),
            (0, -1, -1, 0) => (Rotation::Cw270, Mirror::Horizontal),
            _ => (Rotation::None, Mirror::None),
        };
        Self { rotation, mirror }
    }

    /// This one, and another after it.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        // A turn after a mirror is the turn back before it.
        let turn = match self.mirror {
            Mirror::None => next.rotation,
            Mirror::Horizontal | Mirror::Vertical => next.rotation.back(),
        };
        let (mirror, half) = match (self.mirror, next.mirror) {
            (Mirror::None, mirror) | (mirror, Mirror::None) => (mirror, Rotation::None),
            (Mirror::Horizontal, Mirror::Horizontal) | (Mirror::Vertical, Mirror::Vertical) => {
                (Mirror::None, Rotation::None)
            }
            _ => (Mirror::None, Rotation::Cw180),
        };
        Self {
            rotation: self.rotation.then(turn).then(half),
            mirror,
        }
    }

    /// Nothing is turned nor mirrored.
    #[must_use]
    pub const fn is_upright(self) -> bool {
        matches!(self.rotation, Rotation::None) && matches!(self.mirror, Mirror::None)
    }

    /// The size of a picture of that size when it is shown.
    #[must_use]
    pub const fn size<T: Copy>(self, (width, height): (T, T)) -> (T, T) {
        match self.rotation.is_sideways() {
            true => (height, width),
            false => (width, height),
        }
    }

    /// Which column and row of a picture as coded is seen at a place of it as shown; `size` is that as coded. `None` for a
    /// place that lies outside.
    #[must_use]
    pub const fn coded_place(
        self,
        (x, y): (usize, usize),
        size: (usize, usize),
    ) -> Option<(usize, usize)> {
        let (width, height) = self.size(size);
        if x >= width || y >= height {
            return None;
        }
        // Both lie within: neither difference is negative.
        let from_right = width.saturating_sub(1).saturating_sub(x);
        let from_bottom = height.saturating_sub(1).saturating_sub(y);
        let (x, y, from_right, from_bottom) = match self.mirror {
            Mirror::None => (x, y, from_right, from_bottom),
            Mirror::Horizontal => (from_right, y, x, from_bottom),
            Mirror::Vertical => (x, from_bottom, from_right, y),
        };
        Some(match self.rotation {
            Rotation::None => (x, y),
            Rotation::Cw90 => (y, from_right),
            Rotation::Cw180 => (from_right, from_bottom),
            Rotation::Cw270 => (from_bottom, x),
        })
    }
}

impl VideoParams {
    /// How its pictures are turned and mirrored.
    #[must_use]
    pub const fn orientation(&self) -> Orientation {
        Orientation {
            rotation: self.rotation,
            mirror: self.mirror,
        }
    }
}

impl VideoFrame {
    /// How it is turned and mirrored.
    #[must_use]
    pub const fn orientation(&self) -> Orientation {
        Orientation {
            rotation: self.rotation,
            mirror: self.mirror,
        }
    }

    /// The same picture, to be turned and mirrored once more after that.
    #[must_use]
    pub fn oriented(mut self, more: Orientation) -> Self {
        let orientation = self.orientation().then(more);
        (self.rotation, self.mirror) = (orientation.rotation, orientation.mirror);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURNS: [Rotation; 4] = [
        Rotation::None,
        Rotation::Cw90,
        Rotation::Cw180,
        Rotation::Cw270,
    ];
    const MIRRORS: [Mirror; 3] = [Mirror::None, Mirror::Horizontal, Mirror::Vertical];

    fn all() -> impl Iterator<Item = Orientation> {
        TURNS
            .into_iter()
            .flat_map(|rotation| MIRRORS.map(|mirror| Orientation { rotation, mirror }))
    }

    /// A picture of numbers as it is shown.
    fn shown(
        picture: &[u8],
        size: (usize, usize),
        orientation: Orientation,
    ) -> (Vec<u8>, (usize, usize)) {
        let (width, height) = orientation.size(size);
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let sample = |place| {
            let (x, y) = orientation.coded_place(place, size).unwrap();
            picture[y * size.0 + x]
        };
        (places.map(sample).collect(), (width, height))
    }

    const PICTURE: [u8; 6] = [1, 2, 3, 4, 5, 6];

    #[test]
    fn a_picture_is_turned_clockwise_and_mirrored_then() {
        let of = |rotation, mirror| shown(&PICTURE, (3, 2), Orientation { rotation, mirror }).0;
        assert_eq!(of(Rotation::Cw90, Mirror::None), [4, 1, 5, 2, 6, 3]);
        assert_eq!(of(Rotation::Cw180, Mirror::None), [6, 5, 4, 3, 2, 1]);
        assert_eq!(of(Rotation::Cw270, Mirror::None), [3, 6, 2, 5, 1, 4]);
        assert_eq!(of(Rotation::None, Mirror::Horizontal), [3, 2, 1, 6, 5, 4]);
        assert_eq!(of(Rotation::None, Mirror::Vertical), [4, 5, 6, 1, 2, 3]);
        assert_eq!(of(Rotation::Cw90, Mirror::Horizontal), [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn two_orientations_are_one_whichever_they_are() {
        for (first, second) in all().flat_map(|first| all().map(move |second| (first, second))) {
            let (once, size) = shown(&PICTURE, (3, 2), first);
            let twice = shown(&once, size, second);
            let together = shown(&PICTURE, (3, 2), first.then(second));
            assert_eq!(together, twice, "{first:?}, then {second:?}");
        }
    }

    #[test]
    fn quarter_turns_are_told_by_degrees() {
        for turn in TURNS {
            let degrees = i32::try_from(turn.degrees()).unwrap();
            for degrees in [degrees, degrees - 360, degrees + 720] {
                assert_eq!(Rotation::from_degrees(degrees), Some(turn));
            }
        }
        assert_eq!(Rotation::from_degrees(45), None);
        assert_eq!(Rotation::from_degrees(i32::MIN), None);
    }

    #[test]
    fn nothing_lies_outside_a_picture() {
        for orientation in all() {
            let (width, height) = orientation.size((3, 2));
            assert_eq!(orientation.coded_place((width, 0), (3, 2)), None);
            assert_eq!(orientation.coded_place((0, height), (3, 2)), None);
            assert_eq!(orientation.coded_place((0, 0), (0, 0)), None);
        }
    }
}
