//! What a person sees while a video plays: one line on stderr, and a summary.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use kinora::{Player, Time};

/// The status line is drawn so often at the most.
const EVERY: Duration = Duration::from_millis(200);

/// A status line that is rewritten in place; nothing when stderr is no terminal.
pub(crate) struct StatusLine {
    drawn: Option<Instant>,
    shown: bool,
}

impl StatusLine {
    /// `wanted` is false where the pictures themselves fill the terminal.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            drawn: None,
            shown: wanted && std::io::stderr().is_terminal(),
        }
    }

    pub(crate) fn draw(&mut self, player: &Player, word: &str) {
        if !self.shown || self.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "\r\x1b[K{}", status(player, word));
        let _ = err.flush();
    }

    pub(crate) fn clear(&mut self) {
        if self.shown && self.drawn.take().is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

const BAR: usize = 30;

fn status(player: &Player, word: &str) -> String {
    let position = player.position();
    let Some(duration) = player.duration().filter(|duration| *duration > Time::ZERO) else {
        return format!("{word} {position}");
    };
    let cells = |time: Time| {
        let share = (time.as_secs_f64() / duration.as_secs_f64()).clamp(0.0, 1.0);
        // A share of the bar's few cells.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let cells = (share * BAR as f64) as usize;
        cells
    };
    let (played, buffered) = (
        cells(position),
        cells(player.buffered_position()).max(cells(position)),
    );
    format!(
        "{word} {position} {}{}{} {duration}",
        "━".repeat(played),
        "─".repeat(buffered - played),
        " ".repeat(BAR - buffered),
    )
}
