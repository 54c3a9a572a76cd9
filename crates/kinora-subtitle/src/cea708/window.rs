//! A window (ANSI/CTA-708 8.4).

use kinora_media::Time;

use crate::caption::grid::{Grid, Pen};
use crate::{Align, Anchor, Color, Cue, Layout, LinePosition};

/// What DefineWindow says (8.10.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Definition {
    is_visible: bool,
    priority: u8,
    /// Anchors are percentages, not cells.
    is_relative: bool,
    vertical: u8,
    horizontal: u8,
    /// Which of nine points of the window stands at the anchor: 0 at the upper left, 8 at the lower right.
    anchor: u8,
    rows: usize,
    columns: usize,
    style: u8,
}

impl Definition {
    pub(super) fn read(parameters: &[u8]) -> Option<Self> {
        let [first, second, horizontal, fourth, fifth, sixth] = *parameters.first_chunk()?;
        let is_relative = second & 0x80 != 0;
        Some(Self {
            is_visible: first & 0x20 != 0,
            priority: first & 0x07,
            is_relative,
            vertical: second & 0x7f,
            horizontal,
            anchor: fourth >> 4,
            rows: usize::from(fourth & 0x0f).saturating_add(1),
            columns: usize::from(fifth & 0x3f).saturating_add(1),
            style: sixth >> 3 & 0x07,
        })
    }
}

/// What SetWindowAttributes says, as far as it is obeyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Attributes {
    fill: Option<Color>,
    align: Align,
}

impl Attributes {
    pub(super) fn new(fill: u8, justify: u8) -> Self {
        Self {
            fill: Some(color(fill)),
            align: match justify & 0x03 {
                1 => Align::Right,
                2 => Align::Center,
                // Both edges: the left one is what stays.
                _ => Align::Left,
            },
        }
    }

    /// The window styles that need no description (table 26): 3 and 6 are centred, 2 and 5 have no fill.
    fn of_style(style: u8) -> Self {
        Self {
            fill: None,
            align: match style {
                3 | 6 => Align::Center,
                _ => Align::Left,
            },
        }
    }
}

#[derive(Debug)]
pub(super) struct Window {
    definition: Definition,
    pub(super) is_visible: bool,
    pub(super) attributes: Attributes,
    pub(super) pen: Pen,
    grid: Grid,
    row: usize,
    column: usize,
}

impl Window {
    pub(super) fn new(definition: Definition) -> Self {
        Self {
            definition,
            is_visible: definition.is_visible,
            attributes: Attributes::of_style(definition.style),
            pen: Pen::default(),
            grid: Grid::new(definition.rows, definition.columns),
            row: 0,
            column: 0,
        }
    }

    /// A window that is there already keeps its text and pen (8.4.7); the same definition may come again and again.
    pub(super) fn define(&mut self, definition: Definition) {
        self.grid.resize(definition.rows, definition.columns);
        self.row = self.row.min(definition.rows.saturating_sub(1));
        if definition.style != 0 && definition.style != self.definition.style {
            self.attributes = Attributes::of_style(definition.style);
        }
        self.is_visible = definition.is_visible;
        self.definition = definition;
    }

    pub(super) fn write(&mut self, letter: char) {
        self.grid.put(self.row, self.column, letter, self.pen);
        self.column = self.column.saturating_add(1).min(self.definition.columns);
    }

    pub(super) fn back_space(&mut self) {
        self.column = self.column.saturating_sub(1);
        self.grid.erase(self.row, self.column);
    }

    pub(super) fn clear(&mut self) {
        self.grid.clear();
        (self.row, self.column) = (0, 0);
    }

    pub(super) fn erase_row(&mut self) {
        self.grid.erase_from(self.row, 0);
        self.column = 0;
    }

    pub(super) fn carriage_return(&mut self) {
        self.column = 0;
        let last = self.definition.rows.saturating_sub(1);
        if self.row < last {
            self.row = self.row.saturating_add(1);
        } else {
            self.grid.scroll(0, last);
        }
    }

    pub(super) fn move_pen(&mut self, row: usize, column: usize) {
        (self.row, self.column) = (row, column);
    }

    /// The cue of a window that is visible and has text.
    pub(super) fn cue(&self) -> Option<Cue> {
        let mut spans = self.grid.spans(0..self.definition.rows);
        if !self.is_visible || spans.is_empty() {
            return None;
        }
        for span in &mut spans {
            let style = std::sync::Arc::make_mut(&mut span.style);
            style.color = style.color.or(Some(Color::WHITE));
            style.background = style
                .background
                .or(self.attributes.fill)
                .or(Some(Color::BLACK));
        }
        Some(Cue {
            id: None,
            start: Time::ZERO,
            end: Time::MAX,
            spans,
            layout: self.layout(),
            layer: 7_i32.saturating_sub(i32::from(self.definition.priority)),
            ..Cue::default()
        })
    }

    /// Cells are 75 down and 210 across, of which wide pictures show all, within the middle 80 % (8.2).
    fn layout(&self) -> Layout {
        let Definition {
            is_relative,
            vertical,
            horizontal,
            anchor,
            ..
        } = self.definition;
        let (down, across) = if is_relative {
            (100.0, 100.0)
        } else {
            (75.0, 210.0)
        };
        let share = |part: u8, of: f64| 0.1 + 0.8 * (f64::from(part) / of).min(1.0);
        let third = |place: u8| match place {
            0 => Anchor::Start,
            1 => Anchor::Middle,
            _ => Anchor::End,
        };
        Layout {
            line: LinePosition::Fraction(share(vertical, down)),
            line_anchor: third(anchor / 3),
            position: Some(share(horizontal, across)),
            position_anchor: Some(third(anchor % 3)),
            align: self.attributes.align,
            ..Layout::default()
        }
    }
}

/// Two bits each of opacity, red, green and blue: solid, flashing, translucent, transparent (8.8).
pub(super) fn color(byte: u8) -> Color {
    let level = |bits: u8| (bits & 0x03).saturating_mul(85);
    let alpha = match byte >> 6 {
        2 => 0x80,
        3 => 0,
        _ => 0xff,
    };
    Color {
        red: level(byte >> 4),
        green: level(byte >> 2),
        blue: level(byte),
        alpha,
    }
}
