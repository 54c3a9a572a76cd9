//! `kinora import`: a file into the service's data directory, with a progress bar.

use std::sync::Arc;

use kinora_service::{ImportOptions, Library, SystemClock};
use serde_json::json;
use tokio::signal::unix::SignalKind;

use crate::args::ImportArgs;
use crate::json;
use crate::notices;
use crate::out;
use crate::progress::Progress;
use crate::report::{Failure, Style};
use crate::serve::runtime;
use crate::signals;

pub(crate) fn run(args: &ImportArgs, style: &Style) -> Result<(), Failure> {
    let mut options = ImportOptions::default();
    options.title = args.title.clone();
    options.encrypt_hls = args.encrypt.is_some();
    options.ladder = args.ladder;
    options.limits = args.limits.limits();
    let bar = Progress::new(style.say("importing", "正在导入"), style.lang);
    let imported = runtime()?.block_on(async {
        let ended = signals::first_of(&[
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ])?;
        let library = Library::create(&args.data, Arc::new(SystemClock))
            .await
            .map_err(|error| Failure::of(&error))?;
        bar.suspend(|| notices::emit(&library, style));
        let reported = bar.clone();
        let import = library.import(&args.file, options, move |done| reported.set(done));
        // Dropping the import ends FFmpeg and removes what it made.
        let done = tokio::select! {
            done = import => done.map_err(|error| Failure::of(&error)),
            signal = ended => Err(Failure::Signal(signal)),
        };
        if done.is_err() {
            // Takes back what the ended import wrote down of itself.
            library.sweep().await;
        }
        bar.suspend(|| notices::emit(&library, style));
        library.close().await;
        done
    });
    bar.clear();
    if matches!(imported, Err(Failure::Signal(_))) {
        let reported = "interrupted; nothing was left behind";
        out::reported(&format!(
            "kinora: {}",
            style.say(reported, "已中断；没有留下任何东西")
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
