//! Pictures in a terminal: half blocks in colour, or shades of letters without.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::Command;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use kinora_media::VideoFrame;

use super::RgbImage;
use super::terminal_text::{self, Subtitle};
use crate::{ScaleMode, ShownCues, SinkError, VideoFormat, VideoSink};

/// What a terminal can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colors {
    /// 24 bits.
    True,
    /// The 6x6x6 cube of 256 colours.
    Cube,
    /// None: shades of letters.
    None,
}

impl Colors {
    /// By `NO_COLOR` and `COLORTERM`.
    #[must_use]
    pub fn from_environment() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("NO_COLOR") {
            return Self::None;
        }
        match std::env::var("COLORTERM").as_deref() {
            Ok("truecolor" | "24bit") => Self::True,
            _ => Self::Cube,
        }
    }
}

/// Set while a terminal shows pictures, so that a panic's message is not lost on its other screen.
static SHOWING: AtomicBool = AtomicBool::new(false);

/// Draws on the terminal's other screen and leaves its last row free for a status line. The first screen and the
/// cursor come back when it is hidden or dropped, or when a thread panics.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    colors: Colors,
    fixed_size: Option<(u16, u16)>,
    drawn_size: (u16, u16),
    restores: bool,
    text: String,
    /// The picture that is shown, or would be.
    shown: Option<VideoFrame>,
    scale: ScaleMode,
    hidden: bool,
    caption: Vec<String>,
    /// What is shown, as text: pixels of a terminal are larger than letters.
    subtitles: Vec<Subtitle>,
    status: String,
}

impl Terminal {
    /// The terminal on standard output.
    ///
    /// # Errors
    /// [`SinkError::NoTerminal`] where there is none.
    pub fn open() -> Result<Self, SinkError> {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        if dumb || !io::stdout().is_terminal() {
            return Err(SinkError::NoTerminal);
        }
        restore_on_panic();
        let mut terminal = Self::on(Box::new(io::stdout()), 0, 0, Colors::from_environment());
        terminal.fixed_size = None;
        terminal.restores = true;
        Ok(terminal)
    }

    /// Draws to any writer as to a terminal of that many columns and rows.
    #[must_use]
    pub fn on(out: Box<dyn Write + Send>, columns: u16, rows: u16, colors: Colors) -> Self {
        Self {
            out,
            colors,
            fixed_size: Some((columns, rows)),
            drawn_size: (0, 0),
            restores: false,
            text: String::new(),
            shown: None,
            scale: ScaleMode::default(),
            hidden: false,
            caption: Vec::new(),
            subtitles: Vec::new(),
            status: String::new(),
        }
    }

    /// Gives the first screen back and draws nothing until [`Terminal::show`]: the program is stopped, or another one
    /// has the terminal.
    pub fn hide(&mut self) {
        self.hidden = true;
        if self.restores && SHOWING.swap(false, Ordering::AcqRel) {
            leave(&mut self.out);
        }
    }

    /// Gives the first screen back until the next picture comes.
    pub fn leave(&mut self) {
        let hidden = self.hidden;
        self.hide();
        self.hidden = hidden;
        self.shown = None;
        self.caption.clear();
    }

    /// Draws again, from the picture on that is to be seen now.
    ///
    /// # Errors
    /// [`SinkError::Terminal`].
    pub fn show(&mut self) -> Result<(), SinkError> {
        self.hidden = false;
        self.redraw()
    }

    /// Draws all of it anew, where a picture is shown: the terminal has another size, or was written on.
    ///
    /// # Errors
    /// [`SinkError::Terminal`].
    pub fn redraw(&mut self) -> Result<(), SinkError> {
        self.drawn_size = (0, 0);
        match self.shown.take() {
            Some(frame) => self.present(&frame),
            None => Ok(()),
        }
    }

    /// Whether a picture is on the screen.
    #[must_use]
    pub fn is_showing(&self) -> bool {
        self.shown.is_some() && !self.hidden
    }

    /// Lines over the picture, in its upper left corner, until others are set. What is wider than the terminal is to be
    /// cut by the caller, who knows how wide characters are.
    ///
    /// # Errors
    /// [`SinkError::Terminal`].
    pub fn set_caption(&mut self, lines: Vec<String>) -> Result<(), SinkError> {
        if self.caption == lines {
            return Ok(());
        }
        self.caption = lines;
        self.redraw()
    }

    /// The line on the last row, narrower than the terminal.
    ///
    /// # Errors
    /// [`SinkError::Terminal`].
    pub fn set_status(&mut self, line: &str) -> Result<(), SinkError> {
        line.clone_into(&mut self.status);
        if !self.is_showing() {
            return Ok(());
        }
        self.text.clear();
        self.draw_status();
        self.put()
    }

    fn draw_status(&mut self) {
        let (_, rows) = self.size();
        ansi(&mut self.text, MoveTo(0, rows.saturating_sub(1)));
        self.text.push_str("\x1b[K");
        self.text.push_str(&self.status);
    }

    fn put(&mut self) -> Result<(), SinkError> {
        let written = self.out.write_all(self.text.as_bytes());
        written
            .and_then(|()| self.out.flush())
            .map_err(SinkError::Terminal)
    }

    fn size(&self) -> (u16, u16) {
        self.fixed_size
            .or_else(|| crossterm::terminal::size().ok())
            .filter(|&(columns, rows)| columns > 0 && rows > 0)
            .unwrap_or((80, 24))
    }

    /// Turns to the other screen: at the first picture, and after a panic that playback survived.
    fn enter(&mut self) {
        if self.restores && !SHOWING.swap(true, Ordering::AcqRel) {
            ansi(&mut self.text, EnterAlternateScreen);
            ansi(&mut self.text, Hide);
            self.drawn_size = (0, 0);
        }
    }

    /// The pixels that pictures have, width and height. A cell is about twice as high as wide: two pixels, one above the other.
    #[must_use]
    pub fn picture_area(&self) -> (u32, u32) {
        let (columns, rows) = self.size();
        (u32::from(columns.max(1)), u32::from(rows.max(2) - 1) * 2)
    }

    fn draw(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let (columns, rows) = self.size();
        let space = self.picture_area();
        let image = RgbImage::placed(frame, space, self.scale)?;
        self.text.clear();
        self.enter();
        let anew = self.drawn_size != (columns, rows);
        if anew {
            self.text.push_str("\x1b[0m\x1b[2J");
            self.drawn_size = (columns, rows);
        }
        let left = (space.0 - image.width.min(space.0)) / 2;
        let top = (space.1 / 2 - image.height.div_ceil(2).min(space.1 / 2)) / 2;
        for row in 0..image.height.div_ceil(2) {
            ansi(&mut self.text, MoveTo(small(left), small(top + row)));
            match self.colors {
                Colors::None => shades(&mut self.text, &image, row),
                colors => blocks(&mut self.text, &image, row, colors),
            }
        }
        let room = rows.saturating_sub(1);
        for (row, column, line) in terminal_text::placed(&self.subtitles, columns, room) {
            ansi(&mut self.text, MoveTo(column, row));
            self.text.push_str(match self.colors {
                Colors::None => "\x1b[7m",
                Colors::True | Colors::Cube => "\x1b[97;40m",
            });
            self.text.push_str(&line);
            self.text.push_str("\x1b[0m");
        }
        for (row, line) in (0..rows.saturating_sub(1)).zip(&self.caption) {
            ansi(&mut self.text, MoveTo(0, row));
            self.text.push_str(line);
        }
        if anew && !self.status.is_empty() {
            self.draw_status();
        }
        self.put()
    }
}

fn small(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

fn ansi(text: &mut String, command: impl Command) {
    // Writing to a string does not fail.
    let _ = command.write_ansi(text);
}

/// One row of cells: the upper pixel is the block's colour, the lower the ground's.
fn blocks(text: &mut String, image: &RgbImage, row: u32, colors: Colors) {
    let mut before = None;
    for x in 0..image.width {
        let pair = (image.pixel(x, row * 2), image.pixel(x, row * 2 + 1));
        if before != Some(pair) {
            color(text, 38, pair.0, colors);
            color(text, 48, pair.1, colors);
            before = Some(pair);
        }
        text.push('\u{2580}');
    }
    text.push_str("\x1b[0m");
}

fn color(text: &mut String, ground: u8, [r, g, b]: [u8; 3], colors: Colors) {
    let written = match colors {
        Colors::True => write!(text, "\x1b[{ground};2;{r};{g};{b}m"),
        _ => {
            let step = |level: u8| (u16::from(level) * 5 + 127) / 255;
            let index = 16 + 36 * step(r) + 6 * step(g) + step(b);
            write!(text, "\x1b[{ground};5;{index}m")
        }
    };
    // Writing to a string does not fail.
    let _ = written;
}

/// One row of cells as letters, the darker the less ink.
fn shades(text: &mut String, image: &RgbImage, row: u32) {
    const INK: &[u8] = b" .:-=+*#%@";
    let light = |[r, g, b]: [u8; 3]| 2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b);
    for x in 0..image.width {
        let sum = light(image.pixel(x, row * 2)) + light(image.pixel(x, row * 2 + 1));
        let shade = sum as usize * INK.len() / (2 * 2_550_000 + 1);
        text.push(char::from(INK.get(shade).copied().unwrap_or(b'@')));
    }
}

fn leave(out: &mut dyn Write) {
    let mut text = String::from("\x1b[0m");
    ansi(&mut text, Show);
    ansi(&mut text, LeaveAlternateScreen);
    // There is nowhere left to report a failure.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Gives the first screen and the cursor back now, where a [`Terminal`] took them: for a program that is
/// told to end.
pub fn restore_terminal() {
    if SHOWING.swap(false, Ordering::AcqRel) {
        leave(&mut io::stdout());
    }
}

fn restore_on_panic() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore_terminal();
            before(info);
        }));
    });
}

impl VideoSink for Terminal {
    /// Pictures of another shape leave cells uncovered that the last ones filled.
    fn configure(&mut self, _format: &VideoFormat) -> Result<(), SinkError> {
        self.drawn_size = (0, 0);
        Ok(())
    }
    /// Pictures that fill less leave cells uncovered too.
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        self.scale = mode;
        self.drawn_size = (0, 0);
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        self.subtitles = terminal_text::subtitles(cues);
        // Who can not see the picture can not see this either.
        let _ = self.redraw();
    }
    fn clear(&mut self) {
        self.leave();
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.shown = Some(frame.clone());
        match self.hidden {
            true => Ok(()),
            false => self.draw(frame),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.restores && SHOWING.swap(false, Ordering::AcqRel) {
            leave(&mut self.out);
        }
    }
}
