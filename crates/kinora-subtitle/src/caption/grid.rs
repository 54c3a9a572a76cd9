//! Letters in rows and columns: the screen of CEA-608, a window of CEA-708.

use std::sync::Arc;

use crate::text::{Mark, Spans};
use crate::{Color, Span, Style};

/// How letters look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Pen {
    pub(crate) italic: bool,
    pub(crate) underline: bool,
    pub(crate) color: Option<Color>,
    pub(crate) background: Option<Color>,
}

impl Pen {
    fn style(self) -> Style {
        Style {
            italic: self.italic,
            underline: self.underline,
            color: self.color,
            background: self.background,
            ..Style::default()
        }
    }
}

type Cell = Option<(char, Pen)>;

/// Rows of cells; what lies outside is not written.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Grid {
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows: vec![vec![None; columns]; rows],
        }
    }

    pub(crate) fn put(&mut self, row: usize, column: usize, letter: char, pen: Pen) {
        self.set(row, column, Some((letter, pen)));
    }

    pub(crate) fn erase(&mut self, row: usize, column: usize) {
        self.set(row, column, None);
    }

    fn set(&mut self, row: usize, column: usize, value: Cell) {
        let cell = self.rows.get_mut(row).and_then(|row| row.get_mut(column));
        if let Some(cell) = cell {
            *cell = value;
        }
    }

    pub(crate) fn erase_from(&mut self, row: usize, column: usize) {
        let cells = self.rows.get_mut(row).and_then(|row| row.get_mut(column..));
        cells.into_iter().flatten().for_each(|cell| *cell = None);
    }

    pub(crate) fn clear(&mut self) {
        self.rows.iter_mut().flatten().for_each(|cell| *cell = None);
    }

    /// Moves the rows from `top` to `bottom` up by one; `bottom` is empty then.
    pub(crate) fn scroll(&mut self, top: usize, bottom: usize) {
        if let Some(window) = self.rows.get_mut(top..=bottom) {
            window.rotate_left(1);
        }
        self.erase_from(bottom, 0);
    }

    /// Keeps the rows that end with `from`, `count` of them, and moves them so that they end with `to`.
    pub(crate) fn move_window(&mut self, from: usize, to: usize, count: usize) {
        let columns = self.rows.first().map_or(0, Vec::len);
        let mut moved = Self::new(self.rows.len(), columns);
        for above in 0..count {
            let (Some(from), Some(to)) = (from.checked_sub(above), to.checked_sub(above)) else {
                break;
            };
            if let (Some(old), Some(new)) = (self.rows.get_mut(from), moved.rows.get_mut(to)) {
                core::mem::swap(old, new);
            }
        }
        *self = moved;
    }

    /// The same letters in another number of rows and columns.
    pub(crate) fn resize(&mut self, rows: usize, columns: usize) {
        self.rows.resize(rows, Vec::new());
        self.rows
            .iter_mut()
            .for_each(|row| row.resize(columns, None));
    }

    /// First column and number of columns that a row's letters take; `None` when there is none but blanks.
    pub(crate) fn extent(&self, row: usize) -> Option<(usize, usize)> {
        let cells = self.rows.get(row)?;
        let is_letter = |cell: &Cell| cell.is_some_and(|(letter, _)| letter != ' ');
        let first = cells.iter().position(is_letter)?;
        let last = cells.iter().rposition(is_letter)?;
        Some((first, last.saturating_sub(first).saturating_add(1)))
    }

    /// The letters of these rows as lines; blanks around them and empty rows are left out.
    pub(crate) fn spans(&self, rows: core::ops::Range<usize>) -> Vec<Span> {
        let mut spans = Spans::default();
        let mut mark = Mark::default();
        let (mut last, mut is_first) = (Pen::default(), true);
        for row in rows {
            let Some((first, count)) = self.extent(row) else {
                continue;
            };
            if !is_first {
                spans.push("\n", &mark);
            }
            is_first = false;
            let cells = self.rows.get(row).into_iter().flatten();
            for cell in cells.skip(first).take(count) {
                let (letter, pen) = cell.unwrap_or((' ', Pen::default()));
                if pen != last {
                    mark.style = Arc::new(pen.style());
                    last = pen;
                }
                spans.push(letter.encode_utf8(&mut [0; 4]), &mark);
            }
        }
        spans.finish()
    }
}
