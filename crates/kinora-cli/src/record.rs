//! `kinora play --record` and `kinora replay`: a session written down, and run again without its media.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use kinora::{Event, TapeSink};
use kinora_errors::{Lang, causes};
use serde_json::json;

use crate::args::ReplayArgs;
use crate::event_line;
use crate::json;
use crate::out;
use crate::report::{Failure, Style};

/// A line of a recording is shorter: the longest is a playlist's plan.
const MAX_LINE: u64 = 64 << 20;

/// Writes a session's lines to a file. What a full disk refuses is reported once, and playing goes on.
pub(crate) fn to_file(path: &Path, style: &Style) -> Result<TapeSink, Failure> {
    let shown = path.display().to_string();
    let file = File::create(path).map_err(|error| Failure::io(&shown, &error))?;
    let mut file = Some(BufWriter::new(file));
    let ends = style.say("the recording ends here", "会话记录到此为止");
    Ok(Box::new(move |line| {
        let Some(out) = &mut file else { return };
        let written = serde_json::to_writer(&mut *out, line)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"));
        if let Err(error) = written {
            out::reported(&format!("kinora: {ends}: {shown}: {error}"));
            file = None;
        }
    }))
}

/// Replays a recording and prints its events; fails where the session does not run the same again.
pub(crate) fn replay(args: &ReplayArgs, style: &Style) -> Result<(), Failure> {
    let shown = args.file.display().to_string();
    let failed = |error: &std::io::Error| Failure::io(&shown, error);
    let mut file = BufReader::new(File::open(&args.file).map_err(|error| failed(&error))?);
    let mut broken = None;
    let lines = std::iter::from_fn(|| {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut file, MAX_LINE).read_until(b'\n', &mut line);
        match read {
            Ok(0) => None,
            // The last line of a session that was killed may be half a line.
            Ok(_) => serde_json::from_slice(&line).ok(),
            Err(error) => {
                broken = Some(error);
                None
            }
        }
    });
    let replayed = kinora::replay(lines);
    if let Some(error) = broken {
        return Err(failed(&error));
    }
    let replay = replayed.map_err(|error| {
        Failure::usage(
            format!("{shown}: {error}"),
            format!(
                "{shown}：{}",
                causes::in_language(&error.to_string(), Lang::Zh)
            ),
        )
    })?;
    for (at, event) in &replay.events {
        emit(*at, event, style);
    }
    let same = replay.difference.is_none();
    match style.json {
        true => json::line(&json!({
            "event": "replayed", "inputs": replay.inputs, "seconds": replay.span.as_secs_f64(),
            "events": replay.events.len(), "same": same, "difference": replay.difference,
        })),
        false => {
            let (inputs, span, events) = (replay.inputs, replay.span, replay.events.len());
            let text = match style.lang {
                Lang::Zh => format!("{inputs} 个输入，播放 {span}，{events} 个事件"),
                Lang::En => format!("{inputs} inputs, {span} of playing, {events} events"),
            };
            let alike = style.say(", as recorded", "，与记录一致");
            out::line(&(text + if same { alike } else { "" }));
        }
    }
    match replay.difference {
        Some(difference) => Err(Failure::usage(
            format!("the session does not run as it was recorded: {difference}"),
            format!("会话的运行与记录不符：{difference}"),
        )),
        None => Ok(()),
    }
}

fn emit(at: kinora::Time, event: &Event, style: &Style) {
    if !style.json {
        return out::line(&format!("{at}  {}", event_line::line(event)));
    }
    let mut object = serde_json::Map::new();
    object.insert("at".to_owned(), at.as_secs_f64().into());
    object.extend(kinora::json::event(event));
    json::line(&object);
}
