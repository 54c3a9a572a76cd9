//! Sound by ALSA: the library is the machine's, its devices are of the test's own configuration, which writes what it plays to a
//! file.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kinora_test_support::{ffmpeg_in, skip};
use serde_json::Value;

fn kinora(line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.arg("--no-config").stdin(Stdio::null());
    command.env("LC_ALL", "C").args(line);
    command
}

/// A device that takes all at once and keeps it; `None`: there is no ALSA here, which is said.
fn configuration(dir: &Path) -> Option<PathBuf> {
    let places = ["/usr/lib", "/lib"].map(Path::new);
    let folders = places
        .iter()
        .flat_map(|place| std::fs::read_dir(place).into_iter().flatten());
    let mut folders = folders
        .flatten()
        .map(|folder| folder.path())
        .chain(places.iter().map(|it| it.to_path_buf()));
    if !folders.any(|folder| folder.join("libasound.so.2").exists()) {
        skip("there is no libasound.so.2 (apt: libasound2)");
        return None;
    }
    let path = dir.join("asound.conf");
    let file = dir.join("heard.raw").display().to_string();
    std::fs::write(
        &path,
        format!(
            "pcm.nowhere {{ type null }}\n\
             pcm.default {{ type file slave.pcm nowhere file \"{file}\" format raw hint.description \"A file\" }}\n"
        ),
    )
    .unwrap();
    Some(path)
}

#[test]
fn a_device_of_alsa_hears_the_tone_whole() {
    let dir = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(dir.path()) else {
        return;
    };
    ffmpeg_in(
        dir.path(),
        "-f lavfi -i sine=440:duration=2:sample_rate=48000 -ac 1 tone.wav",
    );
    let film = dir.path().join("tone.wav").display().to_string();
    let played = kinora(&[
        "play", &film, "--ao", "alsa", "--vo", "null", "--stats", "json",
    ])
    .env("ALSA_CONFIG_PATH", &configuration)
    .output()
    .unwrap();
    let out = String::from_utf8_lossy(&played.stdout);
    assert!(
        played.status.success(),
        "{out}{}",
        String::from_utf8_lossy(&played.stderr)
    );
    let events: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let device = events
        .iter()
        .find(|event| event["event"] == "audio_device")
        .unwrap();
    assert_eq!(
        (&device["system"], &device["name"]),
        (&"alsa".into(), &"default".into())
    );
    let heard = std::fs::read(dir.path().join("heard.raw")).unwrap();
    let samples: Vec<f32> = heard
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes(it.try_into().unwrap()))
        .collect();
    assert_eq!(samples.len(), 2 * 48_000, "all of it, and nothing twice");
    let inside = &samples[4_800..];
    let rises = inside
        .windows(2)
        .filter(|it| it[0] < 0.0 && it[1] >= 0.0)
        .count();
    let hz = rises as f64 * 48_000.0 / inside.len() as f64;
    assert!((hz - 440.0).abs() < 1.0, "{hz}");
    let step = samples
        .windows(2)
        .map(|it| (it[1] - it[0]).abs())
        .fold(0.0, f32::max);
    assert!(step < 0.01, "{step}: a seam");
}

#[test]
fn a_device_that_is_not_there_is_told_and_time_goes_on_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(dir.path()) else {
        return;
    };
    ffmpeg_in(dir.path(), "-f lavfi -i sine=440:duration=1 tone.wav");
    let film = dir.path().join("tone.wav").display().to_string();
    let played = kinora(&[
        "play",
        &film,
        "--ao",
        "alsa:nothing",
        "--vo",
        "null",
        "--stats",
        "json",
    ])
    .env("ALSA_CONFIG_PATH", &configuration)
    .output()
    .unwrap();
    assert!(played.status.success());
    let out = String::from_utf8_lossy(&played.stdout);
    assert!(
        out.contains("sink.no_device") && out.contains(r#""event":"end""#),
        "{out}"
    );
    let err = String::from_utf8_lossy(&played.stderr);
    assert!(
        !err.contains("ALSA lib"),
        "the library prints nothing by itself: {err}"
    );
}

#[test]
fn devices_are_listed_as_they_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(dir.path()) else {
        return;
    };
    let listed = kinora(&["devices", "--json"])
        .env("ALSA_CONFIG_PATH", &configuration)
        .env("PULSE_SERVER", dir.path().join("nothing"))
        .env_remove("PULSE_RUNTIME_PATH")
        .env_remove("XDG_RUNTIME_DIR")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&listed.stdout);
    assert!(listed.status.success(), "{out}");
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(first["output"], "alsa:default");
    assert_eq!(
        (&first["description"], &first["default"]),
        (&"A file".into(), &true.into())
    );
}
