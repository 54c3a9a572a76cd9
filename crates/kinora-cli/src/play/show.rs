//! What a person sees while a video plays: one line that says how far it is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use kinora::{Player, Time};

/// The status line is drawn so often at the most.
const EVERY: Duration = Duration::from_millis(200);

/// A status line that is rewritten in place; nothing when nobody would see it.
pub(crate) struct StatusLine {
    drawn: Option<Instant>,
    place: Option<Place>,
}

/// Where a status line is drawn.
#[derive(Clone, Copy)]
enum Place {
    /// On stderr, where the cursor is.
    Cursor,
    /// On the last row, which the pictures leave free; on stdout, where they are drawn, lest the two mix.
    BelowPictures,
}

impl StatusLine {
    /// For a person, unless it is not `wanted`; `terminal` where the pictures are drawn on it.
    pub(crate) fn new(wanted: bool, terminal: bool) -> Self {
        let place = match terminal {
            true => Some(Place::BelowPictures),
            false => std::io::stderr().is_terminal().then_some(Place::Cursor),
        };
        Self {
            drawn: None,
            place: place.filter(|_| wanted),
        }
    }

    pub(crate) fn draw(&mut self, player: &Player, word: &str) {
        let Some(place) = self.place else { return };
        let early = matches!(place, Place::BelowPictures) && player.output_stats().shown == 0;
        if early || self.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
        let times = Times {
            position: player.position(),
            buffered: player.buffered_position(),
            duration: player.duration(),
        };
        let line = status(word, &times, usize::from(columns));
        match place {
            Place::Cursor => write(std::io::stderr().lock(), &format!("\r\x1b[K{line}")),
            Place::BelowPictures => {
                write(
                    std::io::stdout().lock(),
                    &format!("\x1b[{rows};1H\x1b[K{line}"),
                );
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        // The other one goes with the pictures.
        if let (Some(Place::Cursor), Some(_)) = (self.place, self.drawn.take()) {
            write(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn write(mut out: impl Write, text: &str) {
    // Playing goes on where nobody looks any more.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

struct Times {
    position: Time,
    buffered: Time,
    duration: Option<Time>,
}

/// The longest bar, in cells.
const LONGEST_BAR: usize = 30;

/// One line of at most so many columns, where they hold more than the times.
fn status(word: &str, times: &Times, columns: usize) -> String {
    let position = times.position.to_string();
    let Some(duration) = times.duration.filter(|duration| *duration > Time::ZERO) else {
        return format!("{word} {position}");
    };
    let end = duration.to_string();
    // No Chinese word is wider than its bytes; the last column is left free, since some terminals wrap there.
    let taken = word.len() + position.len() + end.len() + 4;
    let length = columns.saturating_sub(taken).min(LONGEST_BAR);
    let share = |time: Time| time.as_secs_f64() / duration.as_secs_f64();
    let bar = bar(share(times.position), share(times.buffered), length);
    format!("{word} {position} {bar} {end}")
}

/// What was played, what is there to be played, and what is missing.
fn bar(played: f64, buffered: f64, length: usize) -> String {
    // A share of a few cells.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let cells = |share: f64| (share.clamp(0.0, 1.0) * length as f64) as usize;
    let played = cells(played);
    let buffered = cells(buffered).max(played);
    format!(
        "{}{}{}",
        "━".repeat(played),
        "─".repeat(buffered - played),
        " ".repeat(length - buffered),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_half(columns: usize) -> String {
        let times = Times {
            position: Time::from_millis(5_000),
            buffered: Time::from_millis(7_500),
            duration: Some(Time::from_millis(10_000)),
        };
        status("playing", &times, columns)
    }

    #[test]
    fn the_bar_shows_what_was_played_and_what_is_there() {
        assert_eq!(at_half(35), "playing 0:05.000 ━━━━──   0:10.000");
    }

    #[test]
    fn a_narrow_terminal_has_a_shorter_bar() {
        for columns in [28, 40, 60, 200] {
            let length = at_half(columns).chars().count();
            assert!(length < columns, "{length} of {columns}");
        }
    }
}
