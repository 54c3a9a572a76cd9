//! Subtitles of a source and beside it, as a terminal meets them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kinora_faults::clips;

fn kinora<T: AsRef<OsStr>>(line: &[T]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(["--no-config"]).stdin(Stdio::null());
    command.env("LC_ALL", "C").args(line).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A film of one second with subtitles in two languages.
fn playlist(dir: &Path) -> PathBuf {
    let film = clips::film(dir);
    let name = film.file_name().unwrap().to_string_lossy().into_owned();
    let media = |file: &str| {
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{file}\n#EXT-X-ENDLIST\n")
    };
    let write = |name: &str, text: String| std::fs::write(dir.join(name), text).unwrap();
    write("film.m3u8", media(&name));
    let mut main = "#EXTM3U\n".to_owned();
    for (language, flags) in [("en", ",DEFAULT=YES,AUTOSELECT=YES"), ("de", "")] {
        main += &format!(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"{language}\",LANGUAGE=\"{language}\",URI=\"{language}.m3u8\"{flags}\n"
        );
        write(
            &format!("{language}.m3u8"),
            media(&format!("{language}.vtt")),
        );
        let cue = format!("WEBVTT\n\n00:00.200 --> 00:00.600\nwords {language}\n");
        write(&format!("{language}.vtt"), cue);
    }
    main += "#EXT-X-STREAM-INF:BANDWIDTH=100000,SUBTITLES=\"t\"\nfilm.m3u8\n";
    write("main.m3u8", main);
    dir.join("main.m3u8")
}

#[test]
fn subtitles_of_a_playlist_are_shown_by_default_or_by_language_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let main = playlist(dir.path());
    let told = |more: &[&str]| {
        let mut line = vec![
            OsStr::new("--headless"),
            OsStr::new("--stats"),
            OsStr::new("json"),
        ];
        line.push(main.as_os_str());
        line.extend(more.iter().map(OsStr::new));
        let output = kinora(&line);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let all = told(&[]);
    assert!(
        all.contains("\"words en\"") && !all.contains("\"words de\""),
        "{all}"
    );
    assert!(
        all.contains("\"tracks_ready\"") && all.contains("\"subtitle_hidden\""),
        "{all}"
    );
    let german = told(&["--subtitle-language", "deu"]);
    assert!(
        german.contains("\"words de\"") && !german.contains("\"words en\""),
        "{german}"
    );
    let none = told(&["--no-subtitles"]);
    assert!(!none.contains("subtitle_shown"), "{none}");
}

#[test]
fn a_language_that_is_none_is_a_wrong_use() {
    for wrong in ["", "e", "en us", "abcdefghi"] {
        let output = kinora(&["film.mp4", "--subtitle-language", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    let both = kinora(&["film.mp4", "--subtitle-language", "en", "--no-subtitles"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn subtitles_that_can_not_be_shown_are_told_though_the_first_picture_is_all_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let bad = dir.path().join("bad.srt");
    std::fs::write(&bad, "no subtitles at all").unwrap();
    let line = [
        film.as_os_str(),
        OsStr::new("--headless"),
        OsStr::new("--until"),
        OsStr::new("first-frame"),
        OsStr::new("--subtitle"),
        bad.as_os_str(),
    ];
    let output = kinora(&line);
    let reported = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{reported}");
    assert!(reported.contains("no subtitles:"), "{reported}");
}
