//! Commands as JSON lines on stdin; `docs/control.md` describes them.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;

use kinora::output::{AudioOutput, OutputSpecError};
use kinora::{Coded as _, Player, Repeat, Rotation, SeekAccuracy, Time, TrackChoice};
use kinora_errors::explain::nearest_word;
use serde::Deserialize;
use serde_json::{Value, json};

use super::navigation::Navigation;
use super::remote::Remote;
use super::snapshot;
use crate::args::{MirrorArg, ScaleArg};
use crate::json;
use crate::times;
use crate::words::Words;

/// No command is longer.
const MAX_LINE: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
enum ControlCommand {
    Seek {
        pos: Position,
        #[serde(default)]
        mode: Mode,
    },
    Start,
    Pause,
    Stop,
    Reload,
    Reconnect,
    Speed {
        value: f64,
    },
    Volume {
        value: f32,
    },
    Mute {
        value: bool,
    },
    /// Seconds.
    AudioDelay {
        value: f64,
    },
    Audio {
        value: String,
    },
    Track {
        index: Option<u32>,
    },
    Subtitle {
        index: u32,
        #[serde(default = "yes")]
        on: bool,
    },
    Step,
    Skip,
    /// Both, or neither: nothing is repeated any more.
    Repeat {
        from: Option<Position>,
        to: Option<Position>,
    },
    Chapter {
        index: usize,
    },
    Rotate {
        degrees: i32,
    },
    Mirror {
        value: MirrorArg,
    },
    Scale {
        value: ScaleArg,
    },
    Snapshot {
        file: Option<PathBuf>,
        #[serde(default)]
        subtitles: bool,
    },
    Next,
    Previous,
    Quit,
}

/// What [`ControlCommand`] knows, for those who misspell it.
const NAMES: [&str; 24] = [
    "seek",
    "start",
    "pause",
    "stop",
    "reload",
    "reconnect",
    "speed",
    "volume",
    "mute",
    "audio_delay",
    "audio",
    "track",
    "subtitle",
    "step",
    "skip",
    "repeat",
    "chapter",
    "rotate",
    "mirror",
    "scale",
    "snapshot",
    "next",
    "previous",
    "quit",
];

const fn yes() -> bool {
    true
}

/// Seconds, or as `--start` takes them.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`pos` is seconds (90) or a text as `--start` takes it (\"1:30\")"
)]
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
            let done = read(&line).and_then(|command| execute(&remote, command, machine));
            if let Err(refused) = done {
                refuse(&remote, &refused, machine);
            }
        }
        remote.navigate(Navigation::Quit);
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
        let read = stdin.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.ok()? == 0 {
            return None;
        }
        while line.len() as u64 >= MAX_LINE && !line.ends_with(b"\n") {
            let mut rest = Vec::new();
            match stdin.by_ref().take(MAX_LINE).read_until(b'\n', &mut rest) {
                Ok(1..) if !rest.ends_with(b"\n") => {}
                _ => line.push(b'\n'),
            }
        }
        if !line.trim_ascii().is_empty() {
            return Some(line);
        }
    }
}

/// A line that is no command, in the shape of the event that reports it (`docs/events.md`).
struct Refused {
    /// As it was named, where it was.
    command: Option<String>,
    reason: &'static str,
    words: Words,
}

impl Refused {
    fn new(command: Option<&str>, reason: &'static str, words: Words) -> Self {
        Self {
            command: command.map(shown),
            reason,
            words,
        }
    }
}

/// What came from outside is repeated, but not at any length.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn read(line: &[u8]) -> Result<ControlCommand, Refused> {
    let example = r#"{"cmd":"seek","pos":"1:30"}"#;
    let value: Value = serde_json::from_slice(line).map_err(|_| {
        let words = Words::new(
            format!("a command is a JSON object on a line, such as {example}"),
            format!("命令是一行一个 JSON 对象，例如 {example}"),
        );
        Refused::new(None, "control.not_json", words)
    })?;
    let Some(name) = value.get("cmd").and_then(Value::as_str) else {
        let words = Words::new(
            format!("a command has its name in `cmd`, such as {example}"),
            format!("命令的名称写在 `cmd` 里，例如 {example}"),
        );
        return Err(Refused::new(None, "control.no_name", words));
    };
    if !NAMES.contains(&name) {
        return Err(Refused::new(Some(name), "control.unknown", unknown(name)));
    }
    let name = name.to_owned();
    serde_json::from_value(value).map_err(|error| {
        let words = Words::new(
            format!("`{name}`: {error}"),
            format!("`{name}`：参数有误（{error}）"),
        );
        Refused::new(Some(&name), "control.argument", words)
    })
}

fn unknown(name: &str) -> Words {
    let shown = shown(name);
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

fn refuse(remote: &Remote, refused: &Refused, machine: bool) {
    let text = refused.words.in_language(remote.style().lang);
    match machine {
        true => json::line(&json!({
            "event": "command_refused", "command": refused.command, "reason": refused.reason, "text": text,
        })),
        false => remote.screen().emit(&format!("kinora: {text}")),
    }
}

/// A time that a command names: seconds are bounded as a text of them is.
fn time(command: &'static str, pos: &Position) -> Result<Time, Refused> {
    let time = match pos {
        Position::Seconds(seconds) => times::seconds(*seconds),
        Position::Text(text) => times::parse(text),
    };
    time.map_err(|words| Refused::new(Some(command), "control.argument", words))
}

fn wrong(command: &'static str, english: &str, chinese: &str) -> Refused {
    let words = Words::new(
        format!("`{command}`: {english}"),
        format!("`{command}`：{chinese}"),
    );
    Refused::new(Some(command), "control.argument", words)
}

fn repeated(from: Option<&Position>, to: Option<&Position>) -> Result<Option<Repeat>, Refused> {
    match (from, to) {
        (None, None) => Ok(None),
        (Some(from), Some(to)) => Ok(Some(Repeat {
            from: time("repeat", from)?,
            to: time("repeat", to)?,
        })),
        _ => Err(wrong(
            "repeat",
            "it takes both `from` and `to`, or neither to end it",
            "须同时给出 `from` 和 `to`；都不给则取消",
        )),
    }
}

/// Sound goes on at another output.
fn set_audio(player: &Player, value: &str) -> Result<(), Refused> {
    let output: AudioOutput = value.parse().map_err(|error: OutputSpecError| {
        let known = error.known;
        wrong(
            "audio",
            &error.to_string(),
            &format!("没有该声音输出；可用 {known}"),
        )
    })?;
    if output.is_stdout() {
        return Err(wrong(
            "audio",
            "standard output holds what it held from the start",
            "标准输出的用途开始后不能更改",
        ));
    }
    let sink = output.open().map_err(|error| {
        let text = error.fault().to_string();
        wrong("audio", &text, &text)
    })?;
    player.set_audio_sink(sink);
    Ok(())
}

/// Writes the picture that is out, and says where.
fn take_snapshot(
    remote: &Remote,
    (file, subtitles): (Option<PathBuf>, bool),
    machine: bool,
) -> Result<(), Refused> {
    let subtitles = subtitles.then(|| remote.drawing());
    let taken = snapshot::take(remote.player(), file, subtitles)
        .map_err(|words| Refused::new(Some("snapshot"), "control.snapshot", words))?;
    let file = taken.file.display().to_string();
    match machine {
        true => json::line(
            &json!({ "event": "snapshot", "file": file, "pts": taken.pts.as_secs_f64() }),
        ),
        false => remote.screen().emit(&file),
    }
    Ok(())
}

fn execute(remote: &Remote, command: ControlCommand, machine: bool) -> Result<(), Refused> {
    let player = remote.player();
    match command {
        ControlCommand::Seek { pos, mode } => {
            let accuracy = match mode {
                Mode::Exact => SeekAccuracy::Exact,
                Mode::Key => SeekAccuracy::KeyFrame,
            };
            remote.seek(time("seek", &pos)?, accuracy);
        }
        ControlCommand::Start => player.start(),
        ControlCommand::Pause => player.pause(),
        ControlCommand::Stop => player.stop(),
        ControlCommand::Reload => player.reload(),
        ControlCommand::Reconnect => player.network_reconnect(),
        ControlCommand::Speed { value } => remote.set_speed(value),
        ControlCommand::Volume { value } => remote.set_volume(value),
        ControlCommand::Mute { value } => remote.set_mute(value),
        ControlCommand::AudioDelay { value } => remote.set_audio_delay(Time::from_secs_f64(value)),
        ControlCommand::Audio { value } => set_audio(player, &value)?,
        ControlCommand::Track { index } => {
            player.select_track(index.map_or(TrackChoice::Auto, TrackChoice::Index));
        }
        ControlCommand::Subtitle { index, on } => player.select_subtitle(index, on),
        ControlCommand::Step => remote.step(),
        ControlCommand::Skip => remote.skip_interstitial(),
        ControlCommand::Repeat { from, to } => {
            remote.set_repeat(repeated(from.as_ref(), to.as_ref())?);
        }
        ControlCommand::Chapter { index } if remote.chapter(index) => {}
        ControlCommand::Chapter { .. } => {
            return Err(wrong(
                "chapter",
                "no chapter has that `index`; they count from 0",
                "没有该 `index` 的章节；从 0 开始计数",
            ));
        }
        ControlCommand::Rotate { degrees } => {
            let quarter = Rotation::from_degrees(degrees).ok_or_else(|| {
                wrong(
                    "rotate",
                    "`degrees` is 0, 90, 180 or 270",
                    "`degrees` 应为 0、90、180 或 270",
                )
            })?;
            remote.set_rotation(quarter);
        }
        ControlCommand::Mirror { value } => remote.set_mirror(value.into()),
        ControlCommand::Scale { value } => player.set_scale_mode(value.into()),
        ControlCommand::Snapshot { file, subtitles } => {
            take_snapshot(remote, (file, subtitles), machine)?;
        }
        ControlCommand::Next => remote.navigate(Navigation::Next),
        ControlCommand::Previous => remote.navigate(Navigation::Previous),
        ControlCommand::Quit => remote.navigate(Navigation::Quit),
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (&'static str, String) {
        match read(line.as_bytes()) {
            Ok(_) => ("", String::new()),
            Err(refused) => (refused.reason, refused.words.to_string()),
        }
    }

    #[test]
    fn every_command_that_is_named_is_known() {
        for name in NAMES {
            let value = match name {
                "mute" => "true",
                "mirror" => r#""vertical""#,
                "scale" => r#""fill""#,
                "audio" => r#""null""#,
                _ => "1",
            };
            let line = format!(
                r#"{{"cmd":"{name}","pos":1,"value":{value},"index":0,"degrees":90,"from":1,"to":"0:02"}}"#
            );
            assert_eq!(refused(&line).1, "", "{name}");
        }
    }

    #[test]
    fn what_is_misspelt_is_answered_with_what_was_meant() {
        for (line, reason, text) in [
            (
                r#"{"cmd":"sek","pos":1}"#,
                "control.unknown",
                "did you mean `seek`?",
            ),
            (
                r#"{"cmd":"frobnicate"}"#,
                "control.unknown",
                "there are seek, start",
            ),
            ("seek 5", "control.not_json", "JSON object"),
            (r#"{"seek":5}"#, "control.no_name", "`cmd`"),
            (r#"{"cmd":"seek"}"#, "control.argument", "missing field"),
            (
                r#"{"cmd":"seek","pos":true}"#,
                "control.argument",
                "seconds (90)",
            ),
        ] {
            let (why, reported) = refused(line);
            assert_eq!(why, reason, "{line}");
            assert!(reported.contains(text), "{line}: {reported}");
        }
    }

    #[test]
    fn a_time_that_no_film_has_is_no_target() {
        for seconds in [-1.0, 1e300, f64::INFINITY, f64::NAN] {
            assert!(
                time("seek", &Position::Seconds(seconds)).is_err(),
                "{seconds}"
            );
        }
        assert!(
            time("seek", &Position::Seconds(90.5))
                .is_ok_and(|time| time == Time::from_millis(90_500))
        );
    }

    #[test]
    fn a_part_has_both_ends_or_none() {
        let at = |seconds| Position::Seconds(seconds);
        let repeat = repeated(Some(&at(1.0)), Some(&at(2.5)));
        let (from, to) = (Time::from_millis(1_000), Time::from_millis(2_500));
        assert!(repeat.is_ok_and(|repeat| repeat == Some(Repeat { from, to })));
        assert!(repeated(None, None).is_ok_and(|repeat| repeat.is_none()));
        for (from, to) in [(Some(at(1.0)), None), (None, Some(at(1.0)))] {
            let refused = repeated(from.as_ref(), to.as_ref()).err().unwrap();
            assert_eq!(refused.reason, "control.argument");
        }
    }

    #[test]
    fn a_line_without_an_end_is_bounded_and_the_next_one_is_read() {
        let mut input = vec![b'x'; 1 << 20];
        input.extend(b"\n\n{}\n");
        let mut input = &input[..];
        assert!(next_line(&mut input).unwrap().len() as u64 <= MAX_LINE + 1);
        assert_eq!(next_line(&mut input).unwrap(), b"{}\n");
        assert_eq!(next_line(&mut input), None);
    }
}
