//! Commands as JSON lines on stdin; `docs/control.md` describes them.

use std::io::{self, BufRead, Read as _};

use kinora::{SeekAccuracy, Time, TrackChoice};
use kinora_errors::explain::nearest_word;
use serde::Deserialize;
use serde_json::{Value, json};

use super::remote::Remote;
use super::turn::Turn;
use crate::json;
use crate::times;
use crate::words::Words;

/// No command is longer.
const LONGEST_LINE: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(tag = "cmd", rename_all = "lowercase")]
enum Order {
    Seek {
        pos: Position,
        #[serde(default)]
        mode: Mode,
    },
    Start,
    Pause,
    Stop,
    Reload,
    Speed {
        value: f64,
    },
    Volume {
        value: f32,
    },
    Mute {
        value: bool,
    },
    Track {
        index: Option<u32>,
    },
    Next,
    Previous,
    Quit,
}

/// What [`Order`] knows, for those who misspell it.
const NAMES: [&str; 12] = [
    "seek", "start", "pause", "stop", "reload", "speed", "volume", "mute", "track", "next",
    "previous", "quit",
];

/// Seconds, or as `--start` takes them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Position {
    Seconds(f64),
    Text(String),
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Exact,
    #[default]
    Key,
}

/// Reads until stdin ends, and ends playing then; the thread ends with the process.
pub(crate) fn listen(remote: &Remote, machine: bool) -> io::Result<()> {
    let remote = remote.clone();
    let reading = move || {
        let mut stdin = io::stdin().lock();
        while let Some(line) = next_line(&mut stdin) {
            if let Err(words) = read(&line).and_then(|order| obey(&remote, order)) {
                refuse(&remote, &words, machine);
            }
        }
        remote.turn(Turn::Quit);
    };
    std::thread::Builder::new()
        .name("kinora-control".into())
        .spawn(reading)
        .map(drop)
}

/// A line that is not empty; one that is too long is left out up to its end.
fn next_line(stdin: &mut impl BufRead) -> Option<Vec<u8>> {
    loop {
        let mut line = Vec::new();
        let read = stdin
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        if read.ok()? == 0 {
            return None;
        }
        while line.len() as u64 >= LONGEST_LINE && !line.ends_with(b"\n") {
            let mut rest = Vec::new();
            match stdin
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut rest)
            {
                Ok(1..) if !rest.ends_with(b"\n") => {}
                _ => line.push(b'\n'),
            }
        }
        if !line.trim_ascii().is_empty() {
            return Some(line);
        }
    }
}

fn read(line: &[u8]) -> Result<Order, Words> {
    let example = r#"{"cmd":"seek","pos":"1:30"}"#;
    let value: Value = serde_json::from_slice(line).map_err(|_| {
        Words::new(
            format!("a command is a JSON object on a line, such as {example}"),
            format!("命令是一行一个 JSON 对象，例如 {example}"),
        )
    })?;
    let Some(name) = value.get("cmd").and_then(Value::as_str) else {
        return Err(Words::new(
            format!("a command has its name in `cmd`, such as {example}"),
            format!("命令的名称写在 `cmd` 里，例如 {example}"),
        ));
    };
    if !NAMES.contains(&name) {
        return Err(unknown(name));
    }
    let name = name.to_owned();
    serde_json::from_value(value).map_err(|error| {
        Words::new(
            format!("`{name}`: {error}"),
            format!("`{name}`：参数有误（{error}）"),
        )
    })
}

fn unknown(name: &str) -> Words {
    // What came from outside is repeated, but not at any length.
    let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    let known = NAMES.join(", ");
    match nearest_word(name, NAMES) {
        Some(near) => Words::new(
            format!("`{shown}` is no command; did you mean `{near}`?"),
            format!("没有 `{shown}` 这个命令；是否想用 `{near}`？"),
        ),
        None => Words::new(
            format!("`{shown}` is no command; there are {known}"),
            format!("没有 `{shown}` 这个命令；可用的有 {known}"),
        ),
    }
}

fn refuse(remote: &Remote, words: &Words, machine: bool) {
    let text = words.in_language(remote.style().lang);
    match machine {
        true => json::line(&json!({ "event": "command_refused", "reason": text })),
        false => remote.screen().tell(&format!("kinora: {text}")),
    }
}

fn obey(remote: &Remote, order: Order) -> Result<(), Words> {
    let player = remote.player();
    match order {
        Order::Seek { pos, mode } => {
            let target = match pos {
                Position::Seconds(seconds) => Time::from_secs_f64(seconds),
                Position::Text(text) => times::parse(&text)?,
            };
            let accuracy = match mode {
                Mode::Exact => SeekAccuracy::Exact,
                Mode::Key => SeekAccuracy::KeyFrame,
            };
            remote.seek(target, accuracy);
        }
        Order::Start => player.start(),
        Order::Pause => player.pause(),
        Order::Stop => player.stop(),
        Order::Reload => player.reload(),
        Order::Speed { value } => remote.set_speed(|_| value),
        Order::Volume { value } => remote.set_volume(|_| value),
        Order::Mute { value } => remote.set_mute(|_| value),
        Order::Track { index } => {
            player.select_track(index.map_or(TrackChoice::Auto, TrackChoice::Index));
        }
        Order::Next => remote.turn(Turn::Next),
        Order::Previous => remote.turn(Turn::Previous),
        Order::Quit => remote.turn(Turn::Quit),
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        match read(line.as_bytes()) {
            Ok(_) => String::new(),
            Err(words) => words.to_string(),
        }
    }

    #[test]
    fn every_command_that_is_named_is_known() {
        for name in NAMES {
            let line = format!(r#"{{"cmd":"{name}","pos":1,"value":1,"index":0}}"#);
            let line = match name {
                "mute" => line.replace(r#""value":1"#, r#""value":true"#),
                _ => line,
            };
            assert_eq!(refused(&line), "", "{name}");
        }
    }

    #[test]
    fn what_is_misspelt_is_answered_with_what_was_meant() {
        assert!(refused(r#"{"cmd":"sek","pos":1}"#).contains("did you mean `seek`?"));
        assert!(refused(r#"{"cmd":"frobnicate"}"#).contains("there are seek, start"));
        assert!(refused("seek 5").contains("JSON object"));
        assert!(refused(r#"{"seek":5}"#).contains("`cmd`"));
        assert!(refused(r#"{"cmd":"seek"}"#).contains("missing field"));
    }

    #[test]
    fn a_line_without_an_end_is_bounded_and_the_next_one_is_read() {
        let mut input = vec![b'x'; 1 << 20];
        input.extend(b"\n\n{}\n");
        let mut input = &input[..];
        assert!(next_line(&mut input).unwrap().len() as u64 <= LONGEST_LINE + 1);
        assert_eq!(next_line(&mut input).unwrap(), b"{}\n");
        assert_eq!(next_line(&mut input), None);
    }
}
