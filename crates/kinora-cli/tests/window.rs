//! What becomes of `play` where the environment names a display that can not be opened.
#![cfg(feature = "window")]
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kinora_test_support::ffmpeg_in;

/// Of the film.
const SIZE: (u32, u32) = (640, 360);

/// Twenty seconds of colour bars, in a folder of the test's.
fn film(dir: &Path) -> PathBuf {
    let (width, height) = SIZE;
    ffmpeg_in(
        dir,
        &format!(
            "-f lavfi -i smptebars=size={width}x{height}:rate=25:duration=20 -vf scale=out_color_matrix=bt601 \
             -c:v libx264 -preset ultrafast -qp 1 -pix_fmt yuv420p -g 25 film.mp4"
        ),
    );
    dir.join("film.mp4")
}

#[test]
fn without_a_display_it_plays_elsewhere_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let play = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["--no-config", "play", "--until", "first-frame"])
            .args(arguments)
            .arg(&film)
            .env("DISPLAY", ":4711")
            .env_remove("WAYLAND_DISPLAY")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let by_itself = play(&[]);
    let said = String::from_utf8_lossy(&by_itself.stderr).into_owned();
    assert!(by_itself.status.success(), "{said}");
    assert!(said.contains("no window, playing without"), "{said}");
    assert!(said.contains("first picture"), "{said}");
    let asked = play(&["--vo", "window"]);
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(
        !asked.status.success() && said.contains("window.no_display"),
        "{said}"
    );
    let headless = play(&["--headless"]);
    let said = String::from_utf8_lossy(&headless.stderr).into_owned();
    assert!(!said.contains("no window"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_window_for_which_too_few_files_may_be_open_has_a_code_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let film = dir.path().join("film.mp4");
    std::fs::write(&film, b"none is read").unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 7; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_kinora"))
        .args(["--no-config", "play", "--vo", "window"])
        .arg(&film)
        .env("DISPLAY", ":4711")
        .env_remove("WAYLAND_DISPLAY")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let played = command.output().unwrap();
    let said = String::from_utf8_lossy(&played.stderr);
    assert!(!said.contains("panicked"), "{said}");
    assert!(
        said.contains("ERROR_GENERAL_EMFILE  (window.no_files)"),
        "{said}"
    );
    // That of its group: the machine.
    assert_eq!(played.status.code(), Some(20), "{said}");
}
