//! What can be named as a source, and what is done with several.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use kinora_faults::clips;

fn kinora() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(["--no-config"]).stdin(Stdio::null());
    command.env("LC_ALL", "C");
    command
}

fn words<T: AsRef<OsStr>>(line: &[T]) -> Output {
    kinora().args(line).output().unwrap()
}

fn reported(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The film of one second was played to its end; a busy machine may drop pictures.
#[track_caller]
fn played(output: &Output) {
    let reported = reported(output);
    assert_eq!(output.status.code(), Some(0), "{reported}");
    assert!(reported.contains("played 0:01.0"), "{reported}");
}

/// A script in which `$0` is the program and `$1` a path.
fn shell(script: &str, path: &Path) -> Output {
    Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_kinora")])
        .arg(path)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

#[test]
fn a_source_without_a_command_is_played_and_a_misspelt_command_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    played(&words(&[film.as_os_str()]));
    let wrong = words(&["plya", "film"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(reported(&wrong).contains("'play'"), "{}", reported(&wrong));
    let missing = words(&["no-such-film.mp4"]);
    assert!(
        reported(&missing).contains("file.not_found"),
        "{}",
        reported(&missing)
    );
}

#[test]
fn standard_input_and_process_substitution_and_named_pipes_are_sources() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    played(
        &kinora()
            .arg("-")
            .stdin(File::open(&film).unwrap())
            .output()
            .unwrap(),
    );
    for script in [
        r#"cat "$1" | "$0" --no-config -"#,
        r#""$0" --no-config <(cat "$1")"#,
        r#"mkfifo "$1.pipe"; cat "$1" > "$1.pipe" & "$0" --no-config play "$1.pipe""#,
    ] {
        played(&shell(script, &film));
    }
}

#[test]
fn a_film_with_its_index_at_the_end_is_played_from_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let back = dir.path().join("back.mp4");
    let copied = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(&film)
        .args(["-c", "copy"])
        .arg(&back)
        .status();
    assert!(copied.unwrap().success());
    played(&shell(r#"cat "$1" | "$0" --no-config -"#, &back));
}

#[test]
fn a_source_that_ends_too_early_or_never_begins_fails() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let empty = shell(r#": | "$0" --no-config -"#, &film);
    assert_eq!(empty.status.code(), Some(20), "{}", reported(&empty));
    let noise = shell(r#""$0" --no-config /dev/zero"#, &film);
    assert_eq!(noise.status.code(), Some(20), "{}", reported(&noise));
    let folder = words(&[dir.path().as_os_str()]);
    assert!(
        reported(&folder).contains("file.directory"),
        "{}",
        reported(&folder)
    );
}

#[test]
fn names_with_odd_letters_and_file_urls_name_files() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let odd = OsString::from_vec(b"odd \xff%20 name".to_vec());
    for name in [
        "a:b.mp4",
        "vid file 100%25.mp4",
        "12:30",
        "what?is#this.mp4",
    ] {
        std::fs::copy(&film, dir.path().join(name)).unwrap();
        played(
            &kinora()
                .args(["play", name])
                .current_dir(dir.path())
                .output()
                .unwrap(),
        );
    }
    std::fs::copy(&film, dir.path().join(&odd)).unwrap();
    played(&kinora().arg(&odd).current_dir(dir.path()).output().unwrap());
    let plain = dir.path().to_str().unwrap();
    for url in [
        format!("file:{plain}/film.mp4"),
        format!("file://{plain}/vid%20file%20100%2525.mp4"),
        format!("file://localhost{plain}/odd%20%FF%2520%20name"),
    ] {
        played(&words(&[&url]));
    }
    for url in [format!("file:{plain}/film.mp4"), format!("{plain}/a:b.mp4")] {
        let probed = words(&["probe", &url]);
        assert_eq!(probed.status.code(), Some(0), "{}", reported(&probed));
    }
}

#[test]
fn several_files_are_played_in_turn_and_the_first_failure_is_the_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let film = film.to_str().unwrap();
    let output = words(&["play", film, "gopher://x/y", "no-such-film", film]);
    let reported = reported(&output);
    // 0x20050001 is of playback.
    assert_eq!(output.status.code(), Some(20), "{reported}");
    let places: Vec<_> = [
        "1/4 ",
        "2/4 gopher",
        "url.scheme",
        "3/4 ",
        "file.not_found",
        "4/4 ",
    ]
    .map(|text| {
        reported
            .find(text)
            .unwrap_or_else(|| panic!("no {text}: {reported}"))
    })
    .into();
    assert!(places.is_sorted(), "{reported}");
    assert_eq!(reported.matches("played 0:01.0").count(), 2, "{reported}");
}

#[test]
fn a_list_reports_to_machines_which_file_plays() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let film = film.to_str().unwrap();
    let line = [
        "play",
        "--headless",
        "--stats",
        "json",
        "--until",
        "first-frame",
        film,
        film,
    ];
    let output = words(&line);
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    for text in [r#""number":1,"of":2"#, r#""number":2,"of":2"#] {
        assert!(lines.contains(text), "{lines}");
    }
    for event in ["first_frame", "end", "file"] {
        let count = lines.matches(&format!(r#""event":"{event}""#)).count();
        assert_eq!(count, 2, "{event}: {lines}");
    }
    assert!(output.stderr.is_empty(), "{}", reported(&output));
}

#[test]
fn times_are_taken_as_people_write_them_and_until_is_a_position() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::long_film(dir.path());
    let film = film.to_str().unwrap();
    let begun = |line: &[&str]| {
        let output = words(&[&["--headless", "--stats", "json", film], line].concat());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{line:?}: {}",
            reported(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    for start in ["0:02", "0:00:02.0", "2"] {
        let lines = begun(&["--start", start, "--until", "first-frame"]);
        assert!(
            lines.contains(r#""event":"first_frame","height":180,"pts":2.0"#),
            "{lines}"
        );
    }
    // Where that is in the film, not so long after it began.
    let output = words(&[
        "--headless",
        film,
        "--start",
        "0:01",
        "--until",
        "time:0:02",
    ]);
    assert!(
        reported(&output).contains("played 0:02."),
        "{}",
        reported(&output)
    );
    for line in [
        ["--start", "1:60"],
        ["--start", "-1"],
        ["--until", "time:x"],
        ["--progress", "1e300"],
        ["--progress", "inf"],
        ["--progress", "nan"],
    ] {
        assert_eq!(
            words(&[&[film][..], &line].concat()).status.code(),
            Some(2),
            "{line:?}"
        );
    }
}

#[test]
fn a_start_beyond_the_end_is_reported_and_the_next_file_plays() {
    let dir = tempfile::tempdir().unwrap();
    let (short, long) = (clips::film(dir.path()), clips::long_film(dir.path()));
    let line = ["--start", "2", "--until", "first-frame"].map(OsStr::new);
    let output = words(&[&[short.as_os_str(), long.as_os_str()], &line[..]].concat());
    let reported = reported(&output);
    assert!(
        reported.contains("--start 0:02 is beyond the end at 0:01"),
        "{reported}"
    );
    assert!(reported.contains("1 shown"), "{reported}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_configuration_gives_defaults_and_its_errors_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let place = dir.path().join("kinora/config.toml");
    std::fs::create_dir(place.parent().unwrap()).unwrap();
    let run = |text: &str, line: &[&str]| {
        std::fs::write(&place, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
        command.arg(&film).args(line).stdin(Stdio::null());
        command
            .env("LC_ALL", "C")
            .env("XDG_CONFIG_HOME", dir.path());
        command.output().unwrap()
    };
    let text = "lang = \"zh\"\n[play]\nuntil = \"first-frame\"\n";
    assert!(reported(&run(text, &[])).contains("显示 1 帧"));
    assert!(reported(&run(text, &["--lang", "en", "--until", "time:0.5"])).contains("played"));
    played(&run(text, &["--no-config"]));
    let other = dir.path().join("other.toml");
    std::fs::write(&other, "[play]\nstart = \"9:00\"").unwrap();
    let output = run(text, &["--config", other.to_str().unwrap()]);
    assert!(
        reported(&output).contains("beyond the end"),
        "{}",
        reported(&output)
    );
    let output = run("\n[play]\nstrat = 1", &[]);
    let expected = "config.toml:3: no option is called `strat`; did you mean `start`?";
    assert!(
        reported(&output).contains(expected),
        "{}",
        reported(&output)
    );
    assert_eq!(output.status.code(), Some(2));
    let output = run("lang = \"zh\"\n[play]\nspeed = 3", &[]);
    assert!(
        reported(&output).contains("config.toml:3"),
        "{}",
        reported(&output)
    );
}

#[test]
fn pipes_are_probed_demuxed_and_decoded_as_files_are() {
    let room = tempfile::tempdir().unwrap();
    let picture =
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -c:v libx264 -pix_fmt yuv420p";
    let front = format!("{picture} -movflags +faststart");
    for (name, words) in [
        ("film.ts", picture),
        ("front.mp4", &front),
        ("behind.mp4", picture),
    ] {
        let film = clips::make(room.path(), name, words);
        for (command, held) in [
            ("probe", "h264"),
            ("demux", "\"packets\":50"),
            ("decode", "\"frames\":50"),
        ] {
            let script = format!("cat \"$1\" | \"$0\" --no-config {command} -");
            let done = shell(&script, &film);
            let text = String::from_utf8(done.stdout).unwrap();
            let stderr = String::from_utf8(done.stderr).unwrap();
            assert!(done.status.success(), "{command}: {stderr}");
            assert!(text.contains(held), "{command}: {text}");
        }
    }
}

#[test]
fn a_broken_manifest_is_told_with_its_place_and_cause() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("broken.mpd");
    for (text, what) in [
        (
            "<?xml version='1.0'?>\n<MPD type='static'>\n<Period>\n</MPD>",
            "MPD line 4: </MPD> stands where </Period> is due",
        ),
        (
            "<!DOCTYPE MPD>\n<MPD><Period duration='PT5S'>",
            "MPD line 2: the element <Period> has no end",
        ),
        (
            "<!DOCTYPE MPD [<!ENTITY a 'x'>]>\n<MPD>&a;</MPD>",
            "MPD line 1: a document type that declares entities is not allowed here",
        ),
    ] {
        std::fs::write(&manifest, text).unwrap();
        let told = reported(&words(&[manifest.as_os_str()]));
        assert!(told.contains(what), "{told}");
        assert!(told.contains("broken.mpd"), "{told}");
        assert!(told.contains("ERROR_DEMUXER_OPENURL"), "{told}");
    }
}
