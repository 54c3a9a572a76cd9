//! Where a cue stands. The words are WebVTT's (W3C WebVTT 3.1), which can say what the other formats mean.

use std::sync::Arc;

use crate::Color;

/// Which point of a box something else refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Anchor {
    /// Its left or upper edge.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its right or lower edge.
    End,
}

/// How the lines of a cue stand within its box.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Align {
    /// Where the text of its language begins.
    Start,
    /// Centred.
    #[default]
    Center,
    /// Where the text of its language ends.
    End,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// Text that runs from top to bottom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Vertical {
    /// Its lines follow each other from right to left.
    RightToLeft,
    /// Its lines follow each other from left to right.
    LeftToRight,
}

/// Where a cue stands across its lines: how far down, of horizontal text.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum LinePosition {
    /// At the edge that [`Layout::line_anchor`] names, or in the middle, and out of the way of other cues.
    #[default]
    Auto,
    /// So many lines from the top, or, where negative, from the bottom: -1 is the last line.
    Number(f64),
    /// A share of the picture's (or region's) height, from the top.
    Fraction(f64),
}

/// Where a cue stands. Shares are of the picture, or of the region where there is one.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    /// How far down.
    pub line: LinePosition,
    /// Which edge of the cue stands there.
    pub line_anchor: Anchor,
    /// How far to the right, a share of the width; `None`: see [`Layout::x`].
    pub position: Option<f64>,
    /// Which edge of the cue stands there; `None`: see [`Layout::x_anchor`].
    pub position_anchor: Option<Anchor>,
    /// Greatest width of the cue's box, a share; `None`: what there is.
    pub size: Option<f64>,
    /// How its lines are aligned.
    pub align: Align,
    /// Set of text that runs from top to bottom. Then line and position change places.
    pub vertical: Option<Vertical>,
    /// The part of the picture that it is confined to.
    pub region: Option<Arc<Region>>,
    /// Least distance to the left, right and nearer horizontal edge, shares of width, width and height (ASS). With a position of
    /// its own the first two only tell how long a line may be.
    pub margins: Option<[f64; 3]>,
    /// Nothing is seen of it beyond this part of the picture: left, top, right and bottom, shares (ASS `\clip`; few have one).
    pub clip: Option<Box<[f64; 4]>>,
}

impl Layout {
    /// A cue at the bottom, as plain subtitles are.
    #[must_use]
    pub fn bottom() -> Self {
        Self {
            line_anchor: Anchor::End,
            ..Self::default()
        }
    }

    /// The share of the width that [`Layout::x_anchor`] stands at (W3C WebVTT 3.1, "compute the position").
    #[must_use]
    pub fn x(&self) -> f64 {
        self.position.unwrap_or(match self.align {
            Align::Left => 0.0,
            Align::Right => 1.0,
            Align::Start | Align::Center | Align::End => 0.5,
        })
    }

    /// Which edge of the cue stands there ("compute the position alignment").
    #[must_use]
    pub fn x_anchor(&self) -> Anchor {
        self.position_anchor.unwrap_or(match self.align {
            Align::Left | Align::Start => Anchor::Start,
            Align::Right | Align::End => Anchor::End,
            Align::Center => Anchor::Middle,
        })
    }
}

/// A part of the picture in which cues stand. Shares are of the picture's width and height.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    /// Its name in the document.
    pub id: String,
    /// Its width.
    pub width: f64,
    /// Its height; `None`: that of [`Region::lines`].
    pub height: Option<f64>,
    /// How many lines it has, where its height is counted in them (WebVTT).
    pub lines: u32,
    /// The point of the region that stands at [`Region::viewport_anchor`]: shares of its width and height.
    pub anchor: (f64, f64),
    /// The point of the picture that it stands at.
    pub viewport_anchor: (f64, f64),
    /// New lines push the older ones up.
    pub scroll: bool,
    /// Where its lines gather: at its top, middle or bottom.
    pub display_align: Anchor,
    /// What it is filled with.
    pub background: Option<Color>,
}

impl Default for Region {
    /// As WebVTT has it (W3C WebVTT 4.3).
    fn default() -> Self {
        Self {
            id: String::new(),
            width: 1.0,
            height: None,
            lines: 3,
            anchor: (0.0, 1.0),
            viewport_anchor: (0.0, 1.0),
            scroll: false,
            display_align: Anchor::End,
            background: None,
        }
    }
}
