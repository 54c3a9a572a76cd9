//! What people get on a terminal and machines elsewhere: probe, demux, decode, replay.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use kinora_faults::clips;
use kinora_faults::stage::Stage;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use serde_json::Value;

fn kinora(line: &str, file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(line.split(' ')).arg(file).stdin(Stdio::null());
    command.env("LC_ALL", "C").env("TERM", "dumb");
    command
}

/// What it prints where its stdout is a terminal.
fn on_a_terminal(mut command: Command) -> String {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let mut screen = File::from(openpt(flags).unwrap());
    unlockpt(&screen).unwrap();
    let terminal = ioctl_tiocgptpeer(&screen, flags).unwrap();
    command.stdout(terminal);
    let mut child = command.spawn().unwrap();
    // Only the child may hold the terminal, else its end is never seen.
    drop(command);
    let mut reported = Vec::new();
    let mut some = [0; 4096];
    // Linux ends a terminal that nobody holds any more by EIO.
    while let Ok(count @ 1..) = screen.read(&mut some) {
        reported.extend_from_slice(&some[..count]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(reported).unwrap().replace("\r\n", "\n")
}

fn elsewhere(mut command: Command) -> String {
    let done = command.output().unwrap();
    let failed = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{failed}");
    String::from_utf8(done.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn demux_and_decode_are_for_people_on_a_terminal_and_for_machines_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let reported = on_a_terminal(kinora("demux --lang en", &film));
    assert!(reported.starts_with("mp4: "), "{reported}");
    assert!(
        reported.contains("H.264 / AVC, 320x180") && reported.contains("25 packets"),
        "{reported}"
    );
    let reported = on_a_terminal(kinora("demux --lang zh", &film));
    assert!(
        reported.contains("视频") && reported.contains("25 个数据包"),
        "{reported}"
    );
    let reported = on_a_terminal(kinora("decode --lang en", &film));
    assert!(reported.contains("25 pictures in "), "{reported}");
    let reported = on_a_terminal(kinora("decode --lang zh", &film));
    assert!(reported.contains("25 帧画面"), "{reported}");

    for (line, field) in [("demux", "packets"), ("decode", "frames")] {
        let machine = json(&elsewhere(kinora(line, &film)));
        let forced = json(&on_a_terminal(kinora(&format!("--json {line}"), &film)));
        assert_eq!(machine[field], forced[field]);
        assert!(machine[field].as_u64().unwrap() >= 25);
    }
    // Lines for machines end with one, wherever they go.
    let lines = on_a_terminal(kinora("decode --frame-md5", &film));
    assert_eq!(json(&lines)["frames"], 25);
    let object = json(&elsewhere(kinora("demux", &film)));
    assert_eq!(object["tracks"][0]["packets"], 25);
    assert_eq!(object["tracks"][0]["key_frames"], 1);
}

#[test]
fn a_replay_reports_the_same_to_machines_and_people_by_the_names_that_play_has() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let session = dir.path().join("session.jsonl");
    let line = format!(
        "play --headless --stats json --record {}",
        session.display()
    );
    let played = elsewhere(kinora(&line, &film));
    let names = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| line["event"].as_str().unwrap().to_owned())
            .collect()
    };
    let text = elsewhere(kinora("replay --lang en", &session));
    let machine = elsewhere(kinora("replay --json", &session));
    assert_eq!(text.lines().count(), machine.lines().count());
    let again = names(&machine);
    for (line, name) in text.lines().zip(&again).take(again.len() - 1) {
        assert_eq!(line.split("  ").nth(1), Some(name.as_str()), "{line}");
    }
    // All that play reported happens again, but for its own last word.
    for name in names(&played).iter().filter(|name| *name != "end") {
        assert!(again.contains(name), "{name} in {again:?}");
    }
    assert!(
        again.contains(&"first_frame".to_owned()) && again.contains(&"tracks_ready".to_owned())
    );
    let recording = std::fs::read_to_string(&session).unwrap();
    assert!(
        recording.contains("{\"event\":\"first_frame "),
        "the tape has the same names"
    );
    let size = machine
        .lines()
        .find(|line| line.contains("video_size"))
        .unwrap();
    assert_eq!(json(size)["width"], 320);
    assert_eq!(json(&machine)["same"], true);
}

#[test]
fn a_video_is_probed_by_its_id() {
    let stage = Stage::new();
    let auth = stage.auth();
    let probe = |more: &str| {
        let line = format!("probe {more} --endpoint {}", stage.endpoint());
        let video = format!("vid:{}", stage.video);
        let mut command = kinora(&line, Path::new(&video));
        command.env("KINORA_PLAY_AUTH", auth.play_auth.expose());
        command
    };
    let reported = elsewhere(probe("--json"));
    let found = json(&reported);
    assert_eq!(found["video"]["id"], stage.video.to_string());
    assert_eq!(found["video"]["status"], "Normal");
    assert!(!found["title"].as_str().unwrap().is_empty());
    let offered = found["video"]["offered"].as_array().unwrap();
    let taken: Vec<_> = offered
        .iter()
        .filter(|entry| entry["taken"] == true)
        .collect();
    assert_eq!(taken.len(), 1, "{reported}");
    assert_eq!(found["tracks"][0]["width"], taken[0]["width"]);

    // Another quality is asked for as `play` asks for it.
    let last = offered.last().unwrap()["definition"].as_str().unwrap();
    let other = json(&elsewhere(probe(&format!("--json --quality {last}"))));
    let entries = other["video"]["offered"].as_array().unwrap();
    let taken = entries.iter().find(|entry| entry["taken"] == true).unwrap();
    assert_eq!(taken["definition"], last);

    let table = on_a_terminal(probe("--lang zh"));
    assert!(table.contains(found["title"].as_str().unwrap()), "{table}");
    assert!(table.contains("\n> ") && table.contains("视频"), "{table}");
    assert!(!table.contains("auth_key"), "{table}");

    let without = kinora("probe --lang en", Path::new("vid:1"))
        .output()
        .unwrap();
    assert_eq!(without.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&without.stderr).contains("needs a credential"));
}
