//! `kinora import`: a file into the service's data directory, with a progress bar.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use kinora_errors::Lang;
use kinora_service::ImportOptions;
use serde_json::json;
use tokio::signal::unix::SignalKind;

use crate::args::ImportArgs;
use crate::json;
use crate::out;
use crate::report::{Failure, Style};
use crate::serve::{library, runtime};
use crate::signals;
use crate::term::{self, bar, columns, fit};

/// The bar counts thousandths.
const STEPS: u64 = 1_000;
/// Columns that are left free: the terminal writes `^C` behind the line.
const FREE: usize = 3;
/// A shorter bar says nothing.
const SHORTEST_BAR: usize = 3;
/// After so many the rest can be reckoned.
const SURE: u64 = 20;

pub(crate) fn run(args: &ImportArgs, style: &Style) -> Result<(), Failure> {
    let mut options = ImportOptions::default();
    options.title = args.title.clone();
    options.encrypt_hls = args.encrypt.is_some();
    options.ladder = args.ladder;
    let bar = progress_bar(style);
    let imported = runtime()?.block_on(async {
        let ended = signals::first_of(&[
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ])?;
        let library = library(&args.data).await?;
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
        library.close().await;
        done
    });
    bar.finish_and_clear();
    if matches!(imported, Err(Failure::Signal(_))) {
        let told = "interrupted; nothing was left behind";
        out::told(&format!(
            "kinora: {}",
            style.say(told, "已中断；没有留下任何东西")
        ));
    }
    let id = imported?;
    if style.json {
        json::line(&json!({ "video_id": id.as_str() }));
    } else {
        out::line(id.as_str());
    }
    Ok(())
}

/// Drawn on stderr, and only on a terminal; never wider than that is.
fn progress_bar(style: &Style) -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    let lang = style.lang;
    if let Ok(style) = ProgressStyle::with_template("{line}") {
        bar.set_style(
            style.with_key("line", move |state: &ProgressState, out: &mut dyn Write| {
                let width = term::width(std::io::stderr()).unwrap_or(0);
                let most = width.saturating_sub(FREE);
                let left = left(state.pos(), state.eta());
                // Writing to a line does not fail.
                let _ = out.write_str(&line(state.pos(), &left, most, lang));
            }),
        );
    }
    bar
}

/// How far an import is, in so many columns: the bar gives way first, then the words.
fn line(done: u64, left: &str, most: usize, lang: Lang) -> String {
    let percent = done * 100 / STEPS;
    let (title, rest) = match lang {
        Lang::Zh => ("正在导入", format!("{percent:>3}%  剩余 {left}")),
        Lang::En => ("importing", format!("{percent:>3} %  {left} left")),
    };
    let taken = columns(title) + columns(&rest) + 2;
    let length = most.saturating_sub(taken);
    match length {
        0..SHORTEST_BAR => fit(&format!("{title} {percent}% {left}"), most),
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
        for lang in [Lang::En, Lang::Zh] {
            for most in [10, 23, 39, 79, 200] {
                for (done, left) in [(0, "-:--"), (500, "12:34"), (1_000, "0:00")] {
                    let line = line(done, left, most, lang);
                    assert!(columns(&line) <= most, "{most}: {line}");
                }
            }
        }
        assert_eq!(line(500, "2:05", 23, Lang::En), "importing 50% 2:05");
        let zh = "正在导入 ━━━━━━━━          50%  剩余 2:05";
        assert_eq!(line(500, "2:05", 41, Lang::Zh), zh);
    }

    #[test]
    fn the_time_that_is_left_is_told_once_it_can_be_known() {
        let eta = Duration::from_secs(125);
        assert_eq!(left(SURE - 1, eta), "-:--");
        assert_eq!(left(SURE, eta), "2:05");
    }
}
