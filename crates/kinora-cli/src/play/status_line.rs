//! The line that says how far playing is.

use kinora::{Player, State, Time};

use super::screen::Screen;
use super::waits::Waits;
use crate::report::Style;
use crate::term::{bar, columns};

/// What is shown of a player beside its times.
#[derive(Clone, Default)]
pub(crate) struct StatusLine<'a> {
    /// A picture was shown.
    pub(crate) begun: bool,
    /// It waits for data: so many percent of what it needs are there.
    pub(crate) buffered: Option<u8>,
    /// A fresh credential is waited for.
    pub(crate) refreshes: bool,
    /// The cues that are shown.
    pub(crate) caption: Vec<&'a str>,
}

/// A cue on one line, without what a terminal would obey.
pub(crate) fn caption(text: &str) -> String {
    let printed = |c: char| if c.is_control() { ' ' } else { c };
    text.chars()
        .map(printed)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Draws the line of a player.
pub(crate) fn draw(
    screen: &Screen,
    player: &Player,
    waits: &Waits,
    status: StatusLine<'_>,
    style: &Style,
) {
    screen.draw(|most, answer| {
        let times = Times {
            position: player.position(),
            buffered: player.buffered_position(),
            duration: player.duration(),
        };
        if answer.is_none() && !status.caption.is_empty() {
            let (position, text) = (times.position.to_clock(), status.caption.join(" · "));
            return format!("{position} {text}");
        }
        let state = match player.state() {
            State::Started if status.begun && status.buffered.is_none() => {
                style.say("playing", "播放中").to_owned()
            }
            State::Prepared | State::Paused => style.say("paused", "已暂停").to_owned(),
            _ if status.refreshes => {
                let text = style.say("waiting for --refresh-command", "等待 --refresh-command");
                return text.to_owned();
            }
            _ => match (waits.longest(style.lang), status.buffered) {
                (Some(wait), _) => return wait,
                (None, Some(percent)) if status.begun => {
                    format!("{} {percent}%", style.say("buffering", "缓冲中"))
                }
                _ => style.say("loading", "载入中").to_owned(),
            },
        };
        line(answer.unwrap_or(&state), &times, most)
    });
}

struct Times {
    position: Time,
    buffered: Time,
    duration: Option<Time>,
}

/// The longest bar, in cells, and the shortest that says anything.
const MAX_BAR: usize = 30;
const MIN_BAR: usize = 3;

/// One line of at most so many columns, where they hold more than the times.
fn line(word: &str, times: &Times, most: usize) -> String {
    let position = times.position.to_clock();
    let Some(duration) = times.duration.filter(|duration| *duration > Time::ZERO) else {
        return format!("{word} {position}");
    };
    let end = duration.to_clock();
    let taken = columns(word) + position.len() + end.len() + 3;
    let length = most.saturating_sub(taken).min(MAX_BAR);
    if taken > most + 1 {
        return format!("{word} {position}");
    }
    if length < MIN_BAR {
        return format!("{word} {position}/{end}");
    }
    let share = |time: Time| time.as_secs_f64() / duration.as_secs_f64();
    let bar = bar(share(times.position), share(times.buffered), length);
    format!("{word} {position} {bar} {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_half(word: &str, most: usize) -> String {
        let times = Times {
            position: Time::from_millis(5_000),
            buffered: Time::from_millis(7_500),
            duration: Some(Time::from_millis(10_000)),
        };
        line(word, &times, most)
    }

    #[test]
    fn the_bar_shows_what_was_played_and_what_is_there() {
        assert_eq!(at_half("playing", 26), "playing 0:05 ━━━━──   0:10");
    }

    #[test]
    fn the_line_fits_the_terminal_in_both_languages() {
        for word in ["playing", "播放中", "buffering 100%", "缓冲中 100%"] {
            for most in [23, 28, 39, 60, 200] {
                let taken = columns(&at_half(word, most));
                assert!(taken <= most, "{taken} of {most}: {word}");
            }
        }
        assert_eq!(at_half("buffering 100%", 24), "buffering 100% 0:05/0:10");
        assert_eq!(at_half("buffering 100%", 23), "buffering 100% 0:05");
    }

    #[test]
    fn a_cue_is_one_line_that_commands_no_terminal() {
        assert_eq!(caption("one\ntwo\u{1b}[2J\u{9b}1m"), "one two [2J 1m");
    }
}
