//! `kinora import`: a file into the service's data directory, with a progress bar.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use kinora_service::{ImportOptions, Library, SystemClock};
use serde_json::json;
use tokio::signal::unix::SignalKind;

use crate::args::ImportArgs;
use crate::json;
use crate::notices;
use crate::out;
use crate::report::{Failure, Style};
use crate::serve::runtime;
use crate::signals;

/// The bar counts thousandths.
const STEPS: u64 = 1_000;
/// After so many the rest can be reckoned.
const SURE: u64 = 20;

pub(crate) fn run(args: &ImportArgs, style: &Style) -> Result<(), Failure> {
    let mut options = ImportOptions::default();
    options.title = args.title.clone();
    options.encrypt_hls = args.encrypt.is_some();
    options.ladder = args.ladder;
    options.limits = args.limits.limits();
    let bar = progress_bar(style);
    let imported = runtime()?.block_on(async {
        let ended = signals::first_of(&[SignalKind::terminate(), SignalKind::interrupt()])?;
        let library = Library::create(&args.data, Arc::new(SystemClock))
            .await
            .map_err(|error| Failure::of(&error))?;
        bar.suspend(|| notices::tell(&library, style));
        let told = bar.clone();
        let import = library.import(&args.file, options, move |done| {
            // A share of a thousand steps.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            told.set_position((done.clamp(0.0, 1.0) * STEPS as f64) as u64);
        });
        // Dropping the import ends FFmpeg and removes what it made.
        let done = tokio::select! {
            done = import => done.map_err(|error| Failure::of(&error)),
            signal = ended => Err(Failure::Signal(signal)),
        };
        if done.is_err() {
            // Takes back what the ended import wrote down of itself.
            library.sweep().await;
        }
        bar.suspend(|| notices::tell(&library, style));
        library.close().await;
        done
    });
    bar.finish_and_clear();
    if matches!(imported, Err(Failure::Signal(_))) {
        let told = "interrupted; nothing was left behind";
        eprintln!("kinora: {}", style.say(told, "已中断；没有留下任何东西"));
    }
    let id = imported?;
    if style.json {
        json::line(&json!({ "video_id": id.as_str() }));
    } else {
        out::line(id.as_str());
    }
    Ok(())
}

/// Drawn on stderr, and only on a terminal; as wide as that is.
fn progress_bar(style: &Style) -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    let template = style.say(
        "importing {wide_bar} {percent:>3} %  {left} left",
        "正在导入 {wide_bar} {percent:>3} %  剩余 {left}",
    );
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(
            style.with_key("left", |state: &ProgressState, out: &mut dyn Write| {
                // Writing to a line does not fail.
                let _ = out.write_str(&left(state.pos(), state.eta()));
            }),
        );
    }
    bar
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
