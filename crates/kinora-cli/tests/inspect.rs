//! `probe`, `demux` and `decode` read playlists as they read files; the clip is made by `ffmpeg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ffmpeg(dir: &Path, words: &str) {
    let made = Command::new("ffmpeg")
        .current_dir(dir)
        .args(["-nostdin", "-v", "error", "-y"])
        .args(words.split_whitespace())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "make setup");
}

/// Two renditions of two seconds.
fn master(dir: &Path) -> String {
    let mut text = "#EXTM3U\n".to_owned();
    for (name, size, bits) in [("low", "96x54", 100_000), ("high", "192x108", 900_000)] {
        ffmpeg(
            dir,
            &format!(
                "-f lavfi -i testsrc=size={size}:rate=25:duration=2 -f lavfi -i sine=duration=2 -c:v libx264 -g 25 \
                 -pix_fmt yuv420p -c:a aac -f hls -hls_time 1 -hls_list_size 0 {name}.m3u8"
            ),
        );
        text += &format!("#EXT-X-STREAM-INF:BANDWIDTH={bits},RESOLUTION={size}\n{name}.m3u8\n");
    }
    let list = dir.join("master.m3u8");
    std::fs::write(&list, text).unwrap();
    list.to_str().unwrap().to_owned()
}

fn kinora(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(args).output().unwrap()
}

/// The last line of what a command that must succeed prints.
fn reported(args: &[&str]) -> Value {
    let done = kinora(args);
    assert!(done.status.success(), "{args:?}: {done:?}");
    let text = String::from_utf8(done.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn the_programs_of_a_transport_stream_are_told_with_their_services() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc=size=96x54:rate=25:duration=1 -f lavfi -i sine=duration=1 -f lavfi -i sine=duration=1 \
         -map 0 -map 1 -map 2 -c:v libx264 -c:a aac -metadata:s:2 language=deu -program program_num=3:title=Fernsehen:st=0:st=1 \
         -program program_num=8:title=Rundfünk:st=2 -metadata:p:1 service_provider=ARD two.ts",
    );
    let file = dir.path().join("two.ts");
    let file = file.to_str().unwrap();
    let probed = reported(&["probe", "--json", file]);
    let programs = probed["programs"].as_array().unwrap();
    let told: Vec<_> = (programs.iter())
        .map(|it| {
            (
                it["number"].as_u64(),
                it["name"].as_str(),
                it["chosen"].as_bool(),
            )
        })
        .collect();
    let expected = [
        (Some(3), Some("Fernsehen"), Some(true)),
        (Some(8), Some("Rundfünk"), Some(false)),
    ];
    assert_eq!(told, expected, "{probed}");
    assert_eq!(programs[1]["provider"], "ARD", "{probed}");
    assert_eq!(programs[1]["streams"][0]["language"], "deu", "{probed}");
    assert_eq!(probed["tracks"].as_array().unwrap().len(), 2, "{probed}");
    let second = reported(&["probe", "--json", "--program", "8", file]);
    assert_eq!(second["tracks"][0]["language"], "deu", "{second}");
    assert_eq!(second["programs"][1]["chosen"], true, "{second}");
}

#[test]
fn a_playlist_is_probed_dumped_and_decoded_in_its_best_rendition_or_the_one_named() {
    let dir = tempfile::tempdir().unwrap();
    let list = master(dir.path());

    let probed = reported(&["probe", "--json", &list]);
    assert_eq!(probed["container"], "hls");
    assert_eq!(probed["renditions"].as_array().unwrap().len(), 2);
    assert_eq!(probed["tracks"][0]["width"], 192, "{probed}");
    let lesser = reported(&["probe", "--json", "--rendition", "0", &list]);
    assert_eq!(lesser["tracks"][0]["width"], 96, "{lesser}");

    let dumped = reported(&["demux", "--json", &list]);
    assert!(dumped["packets"].as_u64().unwrap() > 100, "{dumped}");
    assert_eq!(dumped["damage"], 0);

    let decoded = reported(&["decode", "--json", "--rendition", "0", &list]);
    assert_eq!(
        (&decoded["frames"], &decoded["damaged"]),
        (&50.into(), &0.into())
    );

    let refused = kinora(&["demux", "--json", "--rendition", "9", &list]);
    let fault = String::from_utf8(refused.stderr).unwrap();
    assert!(fault.contains("rendition.unknown"), "{fault}");
    assert_eq!(refused.status.code(), Some(20));
}
