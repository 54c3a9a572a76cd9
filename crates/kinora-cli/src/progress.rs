//! A bar on stderr for what takes long, never wider than the terminal. Where stderr is no terminal there is none.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use kinora_errors::Lang;

use crate::term::{self, bar, columns, fit};

/// The bar counts thousandths.
const STEPS: u64 = 1_000;
/// Columns that are left free: the terminal writes `^C` behind the line.
const FREE: usize = 3;
/// A shorter bar says nothing.
const MIN_BAR: usize = 3;
/// After so many the rest can be reckoned.
const SURE: u64 = 20;
/// What is done sooner needs no bar.
const LONG: Duration = Duration::from_millis(500);

/// How far something is. Clones draw the same bar.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// With a word for what is done.
    pub(crate) fn new(title: &'static str, lang: Lang) -> Self {
        let progress = ProgressBar::new(STEPS);
        if let Ok(style) = ProgressStyle::with_template("{line}") {
            progress.set_style(style.with_key(
                "line",
                move |state: &ProgressState, out: &mut dyn Write| {
                    let width = term::width(std::io::stderr()).unwrap_or(0);
                    let most = width.saturating_sub(FREE);
                    let left = left(state.pos(), state.eta());
                    // Writing to a line does not fail.
                    let _ = out.write_str(&line(title, state.pos(), &left, most, lang));
                },
            ));
        }
        Self(progress)
    }

    /// For what mostly ends at once: drawn when it turns out to take long. Never where `quiet`.
    pub(crate) fn of_long_work(title: &'static str, lang: Lang, quiet: bool) -> Self {
        let progress = Self::new(title, lang);
        if quiet {
            progress.0.set_draw_target(ProgressDrawTarget::hidden());
        }
        progress
    }

    /// So much of the whole is done, from 0 to 1.
    pub(crate) fn set(&self, done: f64) {
        // A share of a thousand steps.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let done = (done.clamp(0.0, 1.0) * STEPS as f64) as u64;
        self.0.set_position(done);
    }

    /// The same, once it has gone on for some time.
    pub(crate) fn set_if_long(&self, done: f64) {
        if self.0.elapsed() > LONG {
            self.set(done);
        }
    }

    /// Lets something else be written to the terminal.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Leaves nothing of it on the terminal.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// How far it is, in so many columns: the bar gives way first, then the words.
fn line(title: &str, done: u64, left: &str, most: usize, lang: Lang) -> String {
    let percent = done * 100 / STEPS;
    let rest = match lang {
        Lang::Zh => format!("{percent:>3}%  剩余 {left}"),
        Lang::En => format!("{percent:>3} %  {left} left"),
    };
    let taken = columns(title) + columns(&rest) + 2;
    let length = most.saturating_sub(taken);
    match length {
        0..MIN_BAR => fit(&format!("{title} {percent}% {left}"), most),
        _ => {
            let share = done as f64 / STEPS as f64;
            format!("{title} {} {rest}", bar(share, 0.0, length))
        }
    }
}

/// Minutes and seconds, once so much is done that they mean something.
fn left(done: u64, eta: Duration) -> String {
    match done {
        0..SURE => "-:--".to_owned(),
        _ => format!("{}:{:02}", eta.as_secs() / 60, eta.as_secs() % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_never_wider_than_the_terminal() {
        for (title, lang) in [("importing", Lang::En), ("正在导入", Lang::Zh)] {
            for most in [10, 23, 39, 79, 200] {
                for (done, left) in [(0, "-:--"), (500, "12:34"), (1_000, "0:00")] {
                    let line = line(title, done, left, most, lang);
                    assert!(columns(&line) <= most, "{most}: {line}");
                }
            }
        }
        assert_eq!(
            line("importing", 500, "2:05", 23, Lang::En),
            "importing 50% 2:05"
        );
        let zh = "正在导入 ━━━━━━━━          50%  剩余 2:05";
        assert_eq!(line("正在导入", 500, "2:05", 41, Lang::Zh), zh);
    }

    #[test]
    fn the_time_left_is_shown_once_it_can_be_known() {
        let eta = Duration::from_secs(125);
        assert_eq!(left(SURE - 1, eta), "-:--");
        assert_eq!(left(SURE, eta), "2:05");
    }
}
