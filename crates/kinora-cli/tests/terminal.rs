//! Outputs that end early or are full, and inputs that are no files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use kinora_faults::clips;
use serde_json::{Value, json};

fn kinora(line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(line).stdin(Stdio::null());
    command.env("LC_ALL", "C").env_remove("KINORA_PLAY_AUTH");
    command
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    for line in [
        &["explain", "--list"][..],
        &["completions", "bash"],
        &["man"],
    ] {
        let child = kinora(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let mut first = String::new();
        let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        drop(out);
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{line:?}: {:?}", done.status);
        assert!(done.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn a_full_stdout_is_reported_with_its_number() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for line in [
        &["explain", "--list"][..],
        &["explain", "--json", "404"],
        &["completions", "zsh"],
    ] {
        let done = kinora(line).stdout(full()).output().unwrap();
        let reported = String::from_utf8(done.stderr).unwrap();
        assert!(
            reported.contains("ERROR_GENERAL_ENOSPC"),
            "{line:?}: {reported}"
        );
        assert_eq!(done.status.code(), Some(20));
    }
}

#[test]
fn a_speed_or_volume_out_of_range_is_refused() {
    for line in [
        ["play", "f", "--speed", "3"],
        ["play", "f", "--volume", "NaN"],
    ] {
        let done = kinora(&line)
            .stdout(File::create("/dev/null").unwrap())
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(2), "{line:?}");
    }
}

#[test]
fn usage_errors_that_only_the_program_knows_are_reported_in_chinese() {
    let han = |text: &str| text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for line in [
        &["play", "vid:x"][..],
        &["play", "f", "--header", "x"],
        &["play", "f", "--vo", "x"],
        &["play", "f", "--ao", "x"],
        &["play", "-", "--control", "stdin"],
        &["play", "f", "--vo", "yuv:-", "--ao", "wav:-"],
        &["replay", "/dev/null"],
        &["serve", "--data", "/dev/null", "--listen", "x"],
        &["serve", "--data", "/dev/null", "--public-url", "x"],
    ] {
        let done = kinora(line).args(["--lang", "zh"]).output().unwrap();
        let reported = String::from_utf8(done.stderr).unwrap();
        assert!(
            reported.starts_with("kinora: ") && han(&reported),
            "{line:?}: {reported}"
        );
        assert_eq!(done.status.code(), Some(2), "{line:?}");
    }
}

/// A line for every command, most of them with something to print on stderr.
fn every_command(film: &str, data: &str) -> Vec<Vec<String>> {
    let lines = [
        "play FILM --headless --until first-frame",
        "play no-such-film",
        "FILM --until first-frame",
        "replay no-such-file",
        "probe no-such-film",
        "probe FILM",
        "demux no-such-film",
        "decode no-such-film --frames 1",
        "diagnose no-such-film --seconds 0",
        "explain 404",
        "explain nothing-like-it",
        "serve --data DATA --listen x",
        "import no-such-film --data DATA",
        "play-auth x --access-key-id a --access-key-secret b --endpoint http://127.0.0.1:1",
        "account videos --data DATA",
        "completions bash",
        "man",
        "frob",
        "--config no-such-file probe x",
    ];
    let with = |word: &str| word.replace("FILM", film).replace("DATA", data);
    lines
        .iter()
        .map(|line| line.split(' ').map(with).collect())
        .collect()
}

#[test]
fn no_command_panics_where_its_streams_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let data = dir.path().join("vod");
    for line in every_command(film.to_str().unwrap(), data.to_str().unwrap()) {
        let statuses = [
            "",
            "2>/dev/full",
            "2>&-",
            "2>&- >/dev/null",
            "<&- >&- 2>&-",
            "<&- 2>&-",
        ]
        .map(|streams| {
            let script = format!("exec \"$0\" \"$@\" {streams}");
            let mut shell = Command::new("sh");
            shell.args(["-c", &script, env!("CARGO_BIN_EXE_kinora"), "--lang", "en"]);
            let done = shell
                .args(&line)
                .stdin(Stdio::null())
                .env("NO_COLOR", "1")
                .output();
            done.unwrap().status.code()
        });
        assert!(
            statuses[0].is_some_and(|status| status < 101),
            "{line:?}: {statuses:?}"
        );
        assert!(
            statuses.iter().all(|status| *status == statuses[0]),
            "{line:?}: {statuses:?}"
        );
    }
}

#[test]
fn a_reader_of_stderr_that_goes_away_changes_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = kinora(&["play", "no-such-film"])
        .stderr(writer)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(20));
}

#[test]
fn video_and_audio_go_to_stdout_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let film = film.to_str().unwrap();
    let out = |line: &[&str]| {
        let done = kinora(&[&[film], line].concat()).output().unwrap();
        assert_eq!(
            done.status.code(),
            Some(0),
            "{line:?}: {:?}",
            String::from_utf8(done.stderr)
        );
        done.stdout
    };
    // Pictures of 320x180, 4:2:0.
    assert_eq!(
        out(&["--vo", "yuv:-", "--until", "first-frame"]).len(),
        86_400
    );
    let y4m = out(&["--vo", "y4m:-"]);
    assert!(y4m.starts_with(b"YUV4MPEG2 W320 H180 F25:1"));
    // Nothing but pictures behind the header.
    let header = y4m.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let pictures = y4m.len() - header;
    assert!(
        pictures > 0 && pictures.is_multiple_of(6 + 86_400),
        "{pictures}"
    );
    let wav = out(&["--ao", "wav:-"]);
    assert!(
        wav.starts_with(b"RIFF\xff\xff\xff\xffWAVE"),
        "{:?}",
        &wav[..16]
    );
    assert!(wav.len() > 44 + 80_000, "{}", wav.len());
    for line in [
        &["--vo", "yuv:-", "--ao", "wav:-"][..],
        &["--vo", "yuv:-", "--stats", "json"],
    ] {
        let done = kinora(&[&[film], line].concat()).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{line:?}");
        assert!(done.stdout.is_empty());
    }
}

#[test]
fn a_reader_of_video_that_has_enough_ends_playing_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let line = [film.to_str().unwrap(), "--loop", "--vo", "yuv:-"];
    let mut player = kinora(&line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1_000];
    let mut out = player.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let done = player.wait_with_output().unwrap();
    let reported = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{reported}");
    assert!(!reported.contains("0x"), "{reported}");
}

/// A player that takes commands; its events are read as they come.
struct Controlled {
    player: std::process::Child,
    events: BufReader<std::process::ChildStdout>,
}

impl Controlled {
    fn start(sources: &[&str]) -> Self {
        let line = [
            "play",
            "--headless",
            "--stats",
            "json",
            "--loop",
            "--control",
            "stdin",
        ];
        let mut player = kinora(&[&line[..], sources].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(player.stdout.take().unwrap());
        Self { player, events }
    }

    fn say(&mut self, line: &str) {
        let stdin = self.player.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn refused(&mut self) -> Value {
        serde_json::from_str(&self.wait_for("command_refused")).unwrap()
    }

    fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.events.read_line(&mut line).unwrap(), 0, "no {text}");
            if line.contains(text) {
                return line;
            }
        }
    }
}

#[test]
fn commands_are_obeyed_misspelt_ones_are_answered_and_quit_ends() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::long_film(dir.path());
    let film = film.to_str().unwrap();
    let mut player = Controlled::start(&[film, film]);
    player.wait_for(r#""event":"first_frame""#);
    player.say(r#"{"cmd":"seek","pos":"0:02","mode":"exact"}"#);
    let done = player.wait_for("seek_done");
    assert!(done.contains(r#""pts":2.0"#), "{done}");
    player.say(r#"{"cmd":"sek","pos":1}"#);
    let refused = player.refused();
    assert_eq!(
        (&refused["command"], &refused["reason"]),
        (&json!("sek"), &json!("control.unknown"))
    );
    assert!(refused["text"].as_str().unwrap().contains("mean `seek`?"));
    player.say("not json");
    assert_eq!(player.refused()["command"], Value::Null);
    for (line, reason) in [
        (r#"{"cmd":"speed","value":3}"#, "speed_out_of_range"),
        (r#"{"cmd":"volume","value":-1}"#, "volume_out_of_range"),
        (r#"{"cmd":"track","index":99}"#, "no_such_track"),
    ] {
        player.say(line);
        let refused = player.refused();
        assert_eq!(refused["reason"], format!("command.{reason}"));
        assert!(refused["text"].is_string() && refused["command"].is_string());
    }
    player.say(r#"{"cmd":"next"}"#);
    player.wait_for(r#""number":2,"of":2"#);
    player.wait_for(r#""event":"first_frame""#);
    player.say(r#"{"cmd":"quit"}"#);
    player.wait_for(r#""event":"end""#);
    assert_eq!(player.player.wait().unwrap().code(), Some(0));
}

#[test]
fn playing_ends_with_the_standard_input_that_commands_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let mut player = Controlled::start(&[film.to_str().unwrap()]);
    player.wait_for(r#""event":"first_frame""#);
    drop(player.player.stdin.take());
    player.wait_for(r#""event":"end""#);
    assert_eq!(player.player.wait().unwrap().code(), Some(0));
}
