//! What `play` offers beside playing, under the control of a program, and what `probe` tells of chapters and files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use kinora_test_support::ffmpeg_in;
use serde_json::{Value, json};

fn kinora(dir: &Path, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.arg("--no-config").args(line).current_dir(dir);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

fn done(dir: &Path, line: &[&str]) -> Output {
    let output = kinora(dir, line).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line:?}: {said}");
    output
}

/// Six seconds of a moving picture and a tone.
fn film(dir: &Path) {
    ffmpeg_in(
        dir,
        "-f lavfi -i testsrc2=size=160x120:rate=10:duration=6 -f lavfi -i sine=duration=6 -c:v libx264 -g 10 \
         -pix_fmt yuv420p -c:a aac film.mp4",
    );
}

/// The same in Matroska, with chapters, a font, two kinds of sound.
fn rich_film(dir: &Path) {
    film(dir);
    let text = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=Opening\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=6000\ntitle=Ending\n";
    std::fs::write(dir.join("chapters.txt"), text).unwrap();
    std::fs::write(dir.join("sans.ttf"), b"the font").unwrap();
    ffmpeg_in(
        dir,
        "-i film.mp4 -i chapters.txt -map 0:v -map 0:a -map 0:a -map_chapters 1 -c copy -attach sans.ttf \
         -metadata:s:t mimetype=font/ttf -disposition:a:0 default -disposition:a:1 hearing_impaired+comment \
         -metadata:s:a:1 title=Notes -metadata:s:a:1 language=fre film.mkv",
    );
}

#[test]
fn probe_tells_chapters_attached_files_and_for_whom_tracks_are() {
    let dir = tempfile::tempdir().unwrap();
    rich_film(dir.path());
    let output = done(dir.path(), &["probe", "--json", "film.mkv"]);
    let probed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let chapters = probed["chapters"].as_array().unwrap();
    let told: Vec<_> = chapters
        .iter()
        .map(|it| {
            (
                it["start"].clone(),
                it["title"].clone(),
                it["level"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!(0.0), json!("Opening"), json!(0)),
            (json!(2.0), json!("Ending"), json!(0))
        ]
    );
    let file = &probed["attachments"][0];
    assert_eq!(
        (&file["name"], &file["media_type"]),
        (&json!("sans.ttf"), &json!("font/ttf"))
    );
    let at = usize::try_from(file["offset"].as_u64().unwrap()).unwrap();
    let bytes = std::fs::read(dir.path().join("film.mkv")).unwrap();
    assert!(bytes[at..].starts_with(b"the font"));
    assert_eq!(file["size"], 8);
    assert_eq!(probed["tracks"][1]["disposition"], json!(["default"]));
    assert_eq!(
        probed["tracks"][2]["disposition"],
        json!(["hearing_impaired", "comment"])
    );
    assert_eq!(probed["tracks"][2]["title"], "Notes");
}

#[test]
fn a_raw_file_of_a_turned_film_holds_what_ffmpeg_turns() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    film(dir);
    ffmpeg_in(
        dir,
        "-i film.mp4 -c copy -metadata:s:v rotate=90 turned.mp4",
    );
    ffmpeg_in(dir, "-i turned.mp4 -frames:v 1 -f rawvideo expected.yuv");
    ffmpeg_in(
        dir,
        "-i turned.mp4 -vf transpose=clock,hflip -frames:v 1 -f rawvideo more.yuv",
    );
    let play = ["play", "turned.mp4", "--until", "first-frame"];
    for (options, expected) in [
        (&["--vo", "yuv:shown.yuv"][..], "expected.yuv"),
        (
            &[
                "--vo",
                "yuv:shown.yuv",
                "--rotate",
                "90",
                "--mirror",
                "horizontal",
            ],
            "more.yuv",
        ),
    ] {
        done(dir, &[&play[..], options].concat());
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        let (shown, expected) = (read("shown.yuv"), read(expected));
        assert_eq!(expected.len(), 160 * 120 * 3 / 2);
        assert!(shown.len() >= expected.len() && shown[..expected.len()] == expected[..]);
    }
}

#[test]
fn without_pictures_or_sound_nothing_of_them_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    film(dir);
    let play = [
        "play",
        "film.mp4",
        "--headless",
        "--stats",
        "json",
        "--speed",
        "2",
    ];
    let shown = |option: &str| {
        let output = done(dir, &[&play[..], &[option]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        end["frames_shown"].as_u64().unwrap()
    };
    assert_eq!(shown("--no-video"), 0);
    assert!(shown("--no-audio") > 30);
    let both = kinora(dir, &[&play[..], &["--no-video", "--no-audio"]].concat()).output();
    assert_eq!(both.unwrap().status.code(), Some(2));
    let slanted = kinora(dir, &["play", "film.mp4", "--rotate", "45"])
        .output()
        .unwrap();
    assert_eq!(slanted.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&slanted.stderr).contains("quarter turn"));
}

/// Of `x264`, which signs its first picture.
const X264: &str = "dc45e9bde6d948b7962cd820d923eeef";

#[test]
fn user_data_within_pictures_is_reported_where_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    film(dir);
    let play = [
        "play",
        "film.mp4",
        "--headless",
        "--stats",
        "json",
        "--until",
        "time:0:01",
    ];
    let messages = |more: &[&str]| -> Vec<Value> {
        let output = done(dir, &[&play[..], more].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
        events
            .filter(|event: &Value| event["event"] == "sei")
            .collect()
    };
    assert!(messages(&[]).is_empty());
    let told = messages(&["--sei"]);
    let [message] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        (&message["type"], &message["uuid"]),
        (&json!(5), &json!(X264))
    );
    assert_eq!(message["pts"], 0.0);
    let data = message["data"].as_str().unwrap();
    let signed: String = b"x264 - core"
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(data.starts_with(&signed), "{data}");
}

/// A player that takes commands.
struct Controlled {
    player: Child,
    events: BufReader<ChildStdout>,
}

impl Controlled {
    fn start(dir: &Path, source: &str) -> Self {
        let line = [
            "play",
            source,
            "--headless",
            "--stats",
            "json",
            "--control",
            "stdin",
        ];
        let mut player = kinora(dir, &line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(player.stdout.take().unwrap());
        Self { player, events }
    }

    fn say(&mut self, line: &Value) {
        let stdin = self.player.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.events.read_line(&mut line).unwrap(), 0, "no {event}");
            let value: Value = serde_json::from_str(&line).unwrap();
            if value["event"] == event {
                return value;
            }
        }
    }
}

/// Width and height of a PNG file.
fn png_size(file: &Path) -> (u32, u32) {
    let file = std::fs::read(file).unwrap();
    assert!(file.starts_with(b"\x89PNG"));
    let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn a_program_takes_snapshots_turns_goes_to_chapters_and_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rich_film(dir);
    let mut player = Controlled::start(dir, "film.mkv");
    player.wait_for("first_frame");
    assert_eq!(player.wait_for("chapter")["title"], "Opening");
    player.say(&json!({ "cmd": "pause" }));
    player.say(&json!({ "cmd": "chapter", "index": 1 }));
    assert_eq!(player.wait_for("seek_done")["target"], 2.0);
    let chapter = player.wait_for("chapter");
    assert_eq!(
        (&chapter["index"], &chapter["title"]),
        (&json!(1), &json!("Ending"))
    );
    player.say(&json!({ "cmd": "snapshot", "file": "named.png" }));
    // The sound begins a little before zero, the picture that is on screen then too.
    let taken = player.wait_for("snapshot");
    let pts = taken["pts"].as_f64().unwrap();
    assert_eq!(taken["file"], "named.png");
    assert!((1.9..=2.0).contains(&pts), "{taken}");
    assert_eq!(png_size(&dir.join("named.png")), (160, 120));
    player.say(&json!({ "cmd": "rotate", "degrees": 90 }));
    for name in ["", "-2"] {
        player.say(&json!({ "cmd": "snapshot" }));
        let taken = player.wait_for("snapshot");
        let expected = format!("kinora-0-00-{pts:06.3}{name}.png");
        assert_eq!(taken["file"], expected);
        assert_eq!(png_size(&dir.join(expected)), (120, 160));
    }
    for (line, reason) in [
        (json!({ "cmd": "chapter", "index": 9 }), "control.argument"),
        (
            json!({ "cmd": "rotate", "degrees": 45 }),
            "control.argument",
        ),
        (json!({ "cmd": "repeat", "from": 1 }), "control.argument"),
        (
            json!({ "cmd": "repeat", "from": 2, "to": 1 }),
            "command.repeat_out_of_range",
        ),
        (
            json!({ "cmd": "snapshot", "file": "no/such/folder.png" }),
            "control.snapshot",
        ),
    ] {
        player.say(&line);
        assert_eq!(
            player.wait_for("command_refused")["reason"],
            reason,
            "{line}"
        );
    }
    player.say(&json!({ "cmd": "repeat", "from": 2.5, "to": "0:02.8" }));
    player.say(&json!({ "cmd": "start" }));
    for _ in 0..2 {
        assert_eq!(player.wait_for("repeat_start")["from"], 2.5);
    }
    player.say(&json!({ "cmd": "quit" }));
    player.wait_for("end");
    assert_eq!(player.player.wait().unwrap().code(), Some(0));
}
