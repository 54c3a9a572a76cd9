//! CEA-608 (ANSI/CTA-608; 47 CFR 15.119): one caption channel of a field, as a screen of 15 rows and 32 columns.

use kinora_media::Time;

use crate::caption::grid::{Grid, Pen};
use crate::{Align, Anchor, Color, Cue, FontSize, Layout, LinePosition};

const ROWS: usize = 15;
const COLUMNS: usize = 32;
const LAST_ROW: usize = ROWS - 1;
const LAST_COLUMN: usize = COLUMNS - 1;

/// How letters reach the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// No command said yet.
    Unknown,
    /// Written where nobody sees it, then shown at once.
    PopOn,
    /// Shown while it is written, in the last of so many rows.
    RollUp(usize),
    /// Shown while it is written, anywhere.
    PaintOn,
    /// Text that is no caption.
    Text,
}

/// The state of one channel.
#[derive(Debug)]
pub(crate) struct Cea608 {
    is_second: bool,
    /// The last command was for this channel: so is the text behind it.
    is_addressed: bool,
    /// What comes is extended data service (field 2).
    is_xds: bool,
    mode: Mode,
    shown: Grid,
    hidden: Grid,
    row: usize,
    column: usize,
    pen: Pen,
    /// Commands come twice, lest one be lost.
    last_command: Option<[u8; 2]>,
}

impl Cea608 {
    /// The first or the second channel of its field.
    pub(crate) fn new(is_second: bool) -> Self {
        Self {
            is_second,
            is_addressed: false,
            is_xds: false,
            mode: Mode::Unknown,
            shown: Grid::new(ROWS, COLUMNS),
            hidden: Grid::new(ROWS, COLUMNS),
            row: LAST_ROW,
            column: 0,
            pen: Pen::default(),
            last_command: None,
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.is_second);
    }

    /// Takes two bytes with their parity; those that are damaged are passed over.
    pub(crate) fn push(&mut self, pair: [u8; 2]) {
        let is_sound = |byte: u8| byte.count_ones() % 2 == 1;
        let [first, second] = pair.map(|byte| byte & 0x7f);
        let [first_sound, second_sound] = pair.map(is_sound);
        if !first_sound {
            return;
        }
        match first {
            0x10..=0x1f => {
                if second_sound && second >= 0x20 {
                    self.command(first, second);
                }
            }
            // XDS packets begin with a class and end with 0F (ANSI/CTA-608 9).
            0x01..=0x0f => {
                self.is_xds = first != 0x0f;
                self.last_command = None;
            }
            _ => {
                self.last_command = None;
                if self.is_addressed && !self.is_xds {
                    self.letter(first);
                    if second_sound {
                        self.letter(second);
                    }
                }
            }
        }
    }

    fn command(&mut self, first: u8, second: u8) {
        self.is_xds = false;
        if self.last_command.take() == Some([first, second]) {
            return;
        }
        self.last_command = Some([first, second]);
        self.is_addressed = (first & 0x08 != 0) == self.is_second;
        if !self.is_addressed {
            return;
        }
        match (first & 0x77, second) {
            (first, 0x40..) => self.preamble(first, second),
            (0x11, 0x20..=0x2f) => self.mid_row(second),
            (0x11, 0x30..=0x3f) => self.write(special(second)),
            (0x12, _) => self.extended(spanish_french(second)),
            (0x13, _) => self.extended(portuguese_german(second)),
            (0x10, 0x20..=0x2f) => self.pen.background = Some(background(second)),
            (0x14 | 0x15, 0x20..=0x2f) => self.control(second),
            (0x17, 0x21..=0x23) => {
                let columns = usize::from(second & 0x03);
                self.column = self.column.saturating_add(columns).min(LAST_COLUMN);
            }
            (0x17, 0x2d) => self.pen.background = Some(Color::BLACK.with_alpha(0)),
            (0x17, 0x2e | 0x2f) => {
                self.pen.color = Some(Color::BLACK);
                self.pen.underline = second & 1 != 0;
            }
            _ => {}
        }
    }

    /// What letters are written to.
    fn target(&mut self) -> Option<&mut Grid> {
        match self.mode {
            Mode::PopOn => Some(&mut self.hidden),
            Mode::RollUp(_) | Mode::PaintOn => Some(&mut self.shown),
            Mode::Unknown | Mode::Text => None,
        }
    }

    fn letter(&mut self, code: u8) {
        if code >= 0x20 {
            self.write(basic(code));
        }
    }

    fn write(&mut self, letter: char) {
        let (row, column, pen) = (self.row, self.column, self.pen);
        if let Some(grid) = self.target() {
            grid.put(row, column, letter, pen);
            self.column = self.column.saturating_add(1).min(LAST_COLUMN);
        }
    }

    /// A plain letter stands before it, for receivers that lack this one.
    fn extended(&mut self, letter: Option<char>) {
        if let Some(letter) = letter {
            self.column = self.column.saturating_sub(1);
            self.write(letter);
        }
    }

    /// Preamble address codes: row, then colour or indent.
    fn preamble(&mut self, first: u8, second: u8) {
        const ROW: [usize; 16] = [11, 11, 1, 2, 3, 4, 12, 13, 14, 15, 5, 6, 7, 8, 9, 10];
        let index = usize::from((first & 0x07) << 1 | (second >> 5 & 1));
        let row = ROW.get(index).map_or(LAST_ROW, |row| row.saturating_sub(1));
        if let Mode::RollUp(count) = self.mode
            && row != self.row
        {
            // The window moves with its last row.
            self.shown.move_window(self.row, row, count);
        }
        self.row = row;
        self.pen = Pen {
            background: self.pen.background,
            underline: second & 1 != 0,
            ..Pen::default()
        };
        let attribute = second >> 1 & 0x0f;
        self.column = 0;
        match attribute {
            0..=6 => self.pen.color = color(attribute),
            7 => self.pen.italic = true,
            indent => self.column = usize::from(indent & 0x07).saturating_mul(4),
        }
    }

    /// Mid-row codes take a column, which is blank.
    fn mid_row(&mut self, second: u8) {
        let attribute = second >> 1 & 0x07;
        match attribute {
            7 => self.pen.italic = true,
            _ => {
                self.pen.italic = false;
                self.pen.color = color(attribute);
            }
        }
        self.pen.underline = second & 1 != 0;
        self.write(' ');
    }

    /// Miscellaneous control codes.
    fn control(&mut self, second: u8) {
        match second {
            0x20 => self.mode = Mode::PopOn,
            0x21 => {
                self.column = self.column.saturating_sub(1);
                let (row, column) = (self.row, self.column);
                if let Some(grid) = self.target() {
                    grid.erase(row, column);
                }
            }
            0x24 => {
                let (row, column) = (self.row, self.column);
                if let Some(grid) = self.target() {
                    grid.erase_from(row, column);
                }
            }
            0x25..=0x27 => self.roll_up(usize::from(second & 0x07).saturating_sub(3)),
            0x29 => self.mode = Mode::PaintOn,
            0x2a | 0x2b => self.mode = Mode::Text,
            0x2c => self.shown.clear(),
            0x2d => self.carriage_return(),
            0x2e => self.hidden.clear(),
            0x2f => {
                self.mode = Mode::PopOn;
                core::mem::swap(&mut self.shown, &mut self.hidden);
            }
            _ => {}
        }
    }

    fn roll_up(&mut self, rows: usize) {
        if !matches!(self.mode, Mode::RollUp(_)) {
            self.shown.clear();
            self.hidden.clear();
            (self.row, self.column) = (LAST_ROW, 0);
        }
        self.mode = Mode::RollUp(rows);
    }

    fn carriage_return(&mut self) {
        if let Mode::RollUp(count) = self.mode {
            let top = self.row.saturating_add(1).saturating_sub(count);
            // What stood above the window is gone.
            self.shown.move_window(self.row, self.row, count);
            self.shown.scroll(top, self.row);
            self.column = 0;
        }
    }

    /// What is on the screen: rows that follow each other and begin in the same column are one cue.
    pub(crate) fn cues(&self) -> Vec<Cue> {
        let mut cues = Vec::new();
        let mut group: Option<(usize, usize)> = None;
        for row in 0..=ROWS {
            let first = self.shown.extent(row).map(|(first, _)| first);
            if let Some((_, column)) = group
                && first == Some(column)
            {
                continue;
            }
            if let Some((top, column)) = group.take() {
                cues.push(self.cue(top, row, column));
            }
            group = first.map(|column| (row, column));
        }
        cues
    }

    /// The screen has the middle 80 % of the picture (47 CFR 15.119 (d)).
    fn cue(&self, top: usize, bottom: usize, column: usize) -> Cue {
        let share = |part: usize, of: usize| {
            let [part, of] = [part, of].map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
            0.1 + 0.8 * part / of
        };
        // In the lower half letters of another size grow upwards.
        let (line, line_anchor) = match top < ROWS / 2 {
            true => (share(top, ROWS), Anchor::Start),
            false => (share(bottom, ROWS), Anchor::End),
        };
        let mut spans = self.shown.spans(top..bottom);
        for span in &mut spans {
            let style = std::sync::Arc::make_mut(&mut span.style);
            style.size = Some(FontSize::Share(0.8 / 15.0));
            style.color = style.color.or(Some(Color::WHITE));
            style.background = style.background.or(Some(Color::BLACK));
        }
        Cue {
            id: None,
            start: Time::ZERO,
            end: Time::MAX,
            spans,
            layout: Layout {
                line: LinePosition::Fraction(line),
                line_anchor,
                position: Some(share(column, COLUMNS)),
                position_anchor: Some(Anchor::Start),
                align: Align::Left,
                ..Layout::default()
            },
            ..Cue::default()
        }
    }
}

/// Colours of preambles and mid-row codes; white is what the viewer has.
fn color(attribute: u8) -> Option<Color> {
    Some(match attribute {
        1 => Color::rgb(0, 255, 0),
        2 => Color::rgb(0, 0, 255),
        3 => Color::rgb(0, 255, 255),
        4 => Color::rgb(255, 0, 0),
        5 => Color::rgb(255, 255, 0),
        6 => Color::rgb(255, 0, 255),
        _ => return None,
    })
}

/// Background attributes; odd ones are translucent.
fn background(second: u8) -> Color {
    let plain = match second >> 1 & 0x07 {
        0 => Color::WHITE,
        7 => Color::BLACK,
        other => color(other).unwrap_or(Color::BLACK),
    };
    if second & 1 != 0 {
        plain.with_alpha(0x80)
    } else {
        plain
    }
}

/// Table 50: ASCII, but for a few.
fn basic(code: u8) -> char {
    match code {
        0x2a => 'á',
        0x5c => 'é',
        0x5e => 'í',
        0x5f => 'ó',
        0x60 => 'ú',
        0x7b => 'ç',
        0x7c => '÷',
        0x7d => 'Ñ',
        0x7e => 'ñ',
        0x7f => '█',
        ascii => char::from(ascii),
    }
}

/// The letter of a list of 16 or 32 at the code's place.
fn nth(list: &str, code: u8) -> Option<char> {
    list.chars().nth(usize::from(code & 0x1f))
}

/// Special characters, 30 to 3F; 39 is a blank through which the picture is seen.
fn special(code: u8) -> char {
    let list = "®°½¿™¢£♪à\u{a0}èâêîôû";
    list.chars().nth(usize::from(code & 0x0f)).unwrap_or(' ')
}

fn spanish_french(code: u8) -> Option<char> {
    nth("ÁÉÓÚÜü‘¡*'—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»", code)
}

fn portuguese_german(code: u8) -> Option<char> {
    nth("ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘", code)
}
