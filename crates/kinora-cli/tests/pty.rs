//! A person at a terminal, a real pseudo-terminal: keys, signals, and the terminal that is given back.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::ffi::OsStr;

use kinora_faults::clips;
use rustix::process::Signal;
use support::{Desk, OTHER_SCREEN_LEFT};

#[test]
fn keys_pause_play_on_and_quit_and_the_terminal_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    assert!(desk.is_raw());
    desk.press(" ");
    desk.wait_for("paused");
    // Twice at once: it holds and plays on.
    desk.press("   ");
    desk.wait_for("playing");
    desk.wait_for("\u{2580}");
    desk.press("q");
    assert_eq!(desk.end_of_playing(), Some(0));
}

#[test]
fn ctrl_c_in_raw_mode_ends_as_sigint_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    desk.press("\x03");
    assert_eq!(desk.end_of_playing(), Some(130));
}

#[test]
fn a_signal_gives_the_terminal_back_and_its_number_as_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut desk = Desk::play(&film);
        desk.wait_for("playing");
        assert!(desk.is_raw());
        desk.send(signal);
        assert_eq!(desk.end_of_playing(), Some(status), "{signal:?}");
    }
}

#[test]
fn a_signal_ends_an_import_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let words =
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=20 -c:v libx264 -preset ultrafast";
    let film = clips::make(dir.path(), "film.mp4", words);
    let data = dir.path().join("vod");
    let line = ["import", "--ladder", "--data"].map(OsStr::new);
    let mut desk = Desk::run(&[&line[..], &[data.as_os_str()]].concat(), &film);
    desk.wait_for("importing");
    desk.send(Signal::TERM);
    desk.wait_for("nothing was left");
    assert_eq!(desk.end(), Some(143));
    for rest in ["media", "staging"] {
        let files = data.join(rest).read_dir().unwrap();
        let mut names = files.map(|entry| entry.unwrap().file_name());
        // The mark of the library stays.
        assert!(names.all(|name| name == ".library"), "{rest}");
    }
}

#[test]
fn keys_are_answered_and_the_list_of_them_is_shown_and_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    for (key, answer) in [
        ("m", "muted"),
        ("m", "sound on"),
        ("9", "volume 95 %"),
        ("]", "speed 1.1"),
        ("\x7f", "speed 1"),
        ("n", "one quality only"),
        ("c", "no chapters"),
        ("l", "repeat from 0:0"),
        ("r", "turned by 90"),
        ("\x1b[D", "to 0:00"),
        ("z", "? for help"),
        ("?", "this list"),
    ] {
        desk.press(key);
        desk.wait_for(answer);
    }
    // Every picture is drawn below the list; without it, none.
    desk.wait_for("this list");
    desk.press("?");
    desk.wait_for("\x1b[2J");
    let drawn = desk.wait_for("\x1b[12;1H");
    assert!(!drawn.contains("this list"), "{drawn:?}");
    desk.press("\x1b");
    assert_eq!(desk.end_of_playing(), Some(0));
}

#[test]
fn a_key_that_can_not_be_obeyed_is_answered_on_the_status_line_and_playing_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let words = "-f lavfi -i testsrc2=size=64x64:rate=25:duration=6 -c:v libx264 -preset ultrafast -g 25 \
                 -pix_fmt yuv420p -hls_time 1 -hls_list_size 0 -hls_flags omit_endlist";
    let mut desk = Desk::play(&clips::make(dir.path(), "live.m3u8", words));
    desk.wait_for("playing");
    desk.press("\x1b[C");
    let drawn = desk.wait_for("a live stream plays");
    assert!(!drawn.contains(OTHER_SCREEN_LEFT), "{drawn:?}");
    // Beyond the last step keys stay where they are, and nothing is refused.
    for _ in 0..12 {
        desk.press("]");
    }
    desk.wait_for("speed 2");
    desk.press("]m");
    let drawn = desk.wait_for("muted");
    assert!(!drawn.contains("must be"), "{drawn:?}");
    desk.press("q");
    assert_eq!(desk.end_of_playing(), Some(0));
}

#[test]
fn another_size_of_the_terminal_draws_all_anew_also_while_it_is_paused() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    desk.press(" ");
    desk.wait_for("paused 0:");
    desk.resize(24);
    desk.wait_for("\x1b[2J");
    let line = desk.wait_for("paused 0:");
    assert!(line.contains('\u{2580}'), "the picture is drawn: {line:?}");
    desk.press("q");
    assert_eq!(desk.end_of_playing(), Some(0));
}

#[test]
fn a_terminal_that_can_only_print_gets_no_escape_sequences() {
    let dir = tempfile::tempdir().unwrap();
    let film = clips::film(dir.path());
    let words = ["env", "TERM=dumb", support::KINORA, "--no-config"].map(OsStr::new);
    let mut desk = Desk::start(&[&words[..], &[film.as_os_str()]].concat(), 40);
    let reported = desk.wait_for("(most)");
    assert!(!reported.contains('\x1b'), "{reported:?}");
    assert_eq!(desk.end(), Some(0));
}

#[test]
fn a_server_that_hangs_is_named_while_it_is_waited_for() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/film.mp4", server.local_addr().unwrap());
    for (lang, reported) in [
        ("en", "waiting for 127.0.0.1 ("),
        ("zh", "等待应答 127.0.0.1（"),
    ] {
        let words = [support::KINORA, "--no-config", "--lang", lang, &url].map(OsStr::new);
        let mut desk = Desk::start(&words, 40);
        desk.wait_for(reported);
        desk.press("q");
        desk.wait_for("\r\x1b[K");
        assert_eq!(desk.end(), Some(0));
    }
}
