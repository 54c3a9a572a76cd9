//! Interstitials, angles and searching, as a terminal meets them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};

use kinora_faults::clips;
use serde_json::Value;

const DATED: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
    #EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00.500Z\",X-ASSET-URI=\"ad.m3u8\",X-RESUME-OFFSET=0\n";

/// A film of one second, with something to be played in its midst, whose pictures may be had from two sides.
fn playlists(dir: &Path) {
    let film = clips::film(dir);
    let name = film.file_name().unwrap().to_string_lossy();
    let media = |more: &str| {
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{more}#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n")
    };
    let main = "#EXTM3U\n#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"Stage\",DEFAULT=YES,URI=\"film.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"Hall\",URI=\"hall.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=100000,VIDEO=\"v\"\nfilm.m3u8\n";
    for (name, text) in [
        ("film.m3u8", media(DATED)),
        ("hall.m3u8", media("")),
        ("ad.m3u8", media("")),
        ("main.m3u8", main.to_owned()),
    ] {
        std::fs::write(dir.join(name), text).unwrap();
    }
}

/// The events that the program reports, and its exit status.
fn played(dir: &Path, more: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(["--no-config", "play", "--headless", "--stats", "json"]);
    command
        .args(more)
        .arg(dir.join("main.m3u8"))
        .stdin(Stdio::null());
    let output = command.env("LC_ALL", "C").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{told} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    told.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["event"] == name)
        .collect()
}

#[test]
fn what_is_played_in_between_is_told_and_can_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    playlists(dir.path());
    let events = played(dir.path(), &[]);
    let [start] = named(&events, "interstitial_start")[..] else {
        panic!("{events:?}")
    };
    assert_eq!((&start["id"], &start["assets"]), (&"ad".into(), &1.into()));
    let [end] = named(&events, "interstitial_end")[..] else {
        panic!("{events:?}")
    };
    assert_eq!(end["how"], "played");
    let events = played(dir.path(), &["--no-interstitials"]);
    assert!(
        named(&events, "interstitial_start").is_empty(),
        "{events:?}"
    );
}

#[test]
fn an_angle_is_chosen_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    playlists(dir.path());
    let selected = |events: &[Value]| {
        let tracks = named(events, "tracks_ready")[0]["tracks"]
            .as_array()
            .unwrap();
        let chosen = tracks
            .iter()
            .filter(|track| track["selected"] == true && track["bandwidth"].is_null());
        chosen
            .map(|track| track["label"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(selected(&played(dir.path(), &[])), ["Stage"]);
    let events = played(dir.path(), &["--angle", "Hall"]);
    assert_eq!(selected(&events), ["Hall"]);
    assert!(
        named(&events, "interstitial_start").is_empty(),
        "its playlist wants none"
    );
}

#[test]
fn a_search_is_asked_for_by_the_speed() {
    let dir = tempfile::tempdir().unwrap();
    playlists(dir.path());
    let events = played(dir.path(), &["--speed", "8", "--no-interstitials"]);
    let end = named(&events, "end")[0];
    let shown = end["frames_shown"].as_u64().unwrap();
    assert!((1..5).contains(&shown), "{end}");
}
