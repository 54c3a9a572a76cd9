//! A bar on stderr for what takes long. Where stderr is no terminal there is none.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// The bar counts thousandths.
const STEPS: u64 = 1_000;
/// After so many the rest can be reckoned.
const SURE: u64 = 20;
/// What is done sooner needs no bar.
const LONG: Duration = Duration::from_millis(500);

/// How far something is. Clones draw the same bar.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// By a template that may hold `{wide_bar}`, `{percent}` and `{left}`, the time that is left.
    pub(crate) fn new(template: &str) -> Self {
        let bar = ProgressBar::new(STEPS);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(
                style.with_key("left", |state: &ProgressState, out: &mut dyn Write| {
                    // Writing to a line does not fail.
                    let _ = out.write_str(&left(state.pos(), state.eta()));
                }),
            );
        }
        Self(bar)
    }

    /// For what mostly ends at once: drawn when it turns out to take long. Never where `quiet`.
    pub(crate) fn of_long_work(template: &str, quiet: bool) -> Self {
        let progress = Self::new(template);
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
    fn the_time_that_is_left_is_told_once_it_can_be_known() {
        let eta = Duration::from_secs(125);
        assert_eq!(left(SURE - 1, eta), "-:--");
        assert_eq!(left(SURE, eta), "2:05");
    }
}
