//! `play` in a window, by a person's mouse and keys, on a display of the test's own; and where there is no display.
#![cfg(all(feature = "window", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora_test_support::display::{Display, Shot};
use kinora_test_support::{ffmpeg, ffmpeg_in};
use serde_json::Value;

#[path = "window/xdnd.rs"]
mod xdnd;

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

/// Of the films whose colour tells the time.
const FILM: (u32, u32) = (640, 360);
/// Each of them is seen for ten seconds.
const COLOURS: [[u8; 3]; 4] = [[200, 30, 30], [30, 160, 30], [40, 60, 220], [200, 200, 60]];
/// Where the seek bar is in a window of that size: its left end, its width, its middle.
const SEEK: (u32, u32, u32) = (16, 608, 296);
const PLAY_BUTTON: (u32, u32) = (28, 332);
/// How long an event is waited for on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Forty seconds, a key picture in each.
fn colours(dir: &Path, name: &str) -> PathBuf {
    let (width, height) = FILM;
    let inputs = COLOURS.map(|[red, green, blue]| {
        format!("-f lavfi -i color=c=0x{red:02x}{green:02x}{blue:02x}:size={width}x{height}:rate=25:duration=10 ")
    });
    ffmpeg_in(
        dir,
        &format!(
            "{} -filter_complex [0][1][2][3]concat=n=4 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 {name}",
            inputs.concat()
        ),
    );
    dir.join(name)
}

fn is_near(one: [u8; 3], other: [u8; 3], most: u8) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= most)
}

/// A place on the seek bar of a film of forty seconds.
fn at_second(second: u32) -> u32 {
    SEEK.0 + SEEK.1 * second / 40
}

/// The machine belongs to one window at a time: pictures keep to their time then.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A person before a window in which a film plays.
struct Seat {
    _alone: MutexGuard<'static, ()>,
    display: Display,
    program: Child,
    events: Receiver<Value>,
}

impl Seat {
    /// `None`: there is no display here, which is said.
    fn before(arguments: &[&str], sources: &[&Path]) -> Option<Self> {
        let alone = alone();
        let display = Display::start((960, 540))?;
        let mut program = display
            .program(env!("CARGO_BIN_EXE_kinora"))
            .args(["--no-config", "play", "--ao", "null", "--vo", "window"])
            .args(["--stats", "json"])
            .args(arguments)
            .args(sources)
            .env("LC_ALL", "C")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(program.stdout.take().unwrap());
        let (told, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if told.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut seat = Self {
            _alone: alone,
            display,
            program,
            events,
        };
        seat.event("first_frame", |_| true);
        Some(seat)
    }

    /// Waits for an event of that name that is so.
    #[track_caller]
    fn event(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(event) = self.events.recv_timeout(left) else {
                panic!("no {name}");
            };
            if event["event"] == name && is_it(&event) {
                return event;
            }
        }
    }

    /// Points there, so that the controls are seen, until the screen looks so.
    #[track_caller]
    fn pointing(&self, (x, y): (u32, u32), what: &str, mut looks: impl FnMut(&Shot) -> bool) {
        let wave = || {
            self.display
                .hand(&format!("mousemove {x} {y} mousemove {} {y}", x + 1));
        };
        wave();
        self.display.until(what, |shot| {
            let done = looks(shot);
            if !done {
                wave();
            }
            done
        });
    }

    /// Goes to about that second.
    #[track_caller]
    fn seeks(&mut self, second: f64) {
        self.event("seek_done", |event| {
            (event["target"].as_f64().unwrap() - second).abs() < 0.3
        });
    }

    /// Ends it, and gives what it says of itself.
    fn end(mut self) -> Value {
        self.display.hand("key q");
        let end = self.event("end", |_| true);
        assert!(self.program.wait().unwrap().success());
        end
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_window_opens_by_itself_and_shows_what_ffmpeg_shows() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let _alone = alone();
    let Some(display) = Display::start((960, 540)) else {
        return;
    };
    let mut program = display
        .program(env!("CARGO_BIN_EXE_kinora"))
        .args(["--no-config", "play", "--paused", "--ao", "null"])
        .arg(&film)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (width, height) = SIZE;
    let mut shown = ffmpeg(&format!(
        "-i {} -frames:v 1 -vf scale=in_color_matrix=bt601:flags=accurate_rnd+full_chroma_int,format=gbrp,format=rgb24 -f rawvideo -",
        film.display()
    ));
    let expected = shown.output().unwrap().stdout;
    let expected = expected.as_chunks::<3>().0;
    let at = |x: u32, y: u32| expected[(y * width + x) as usize];
    // At edges there are as many opinions as filters.
    let flat = |x: u32, y: u32| {
        let around = [(x - 4, y), (x + 4, y), (x, y - 4), (x, y + 4)];
        around
            .iter()
            .all(|(x1, y1)| is_near(at(*x1, *y1), at(x, y), 2))
    };
    let places = (4..height - 4)
        .step_by(3)
        .flat_map(|y| (4..width - 4).step_by(3).map(move |x| (x, y)));
    let places: Vec<(u32, u32)> = places.filter(|(x, y)| flat(*x, *y)).collect();
    assert!(places.len() > 10_000, "{}", places.len());
    display.until("the colour bars within two codes", |shot| {
        places
            .iter()
            .all(|(x, y)| is_near(shot.pixel(*x, *y), at(*x, *y), 2))
    });
    display.focus("film");
    display.hand("key q");
    assert!(program.wait().unwrap().success());
}

#[test]
fn keys_and_clicks_pause_play_on_and_seek() {
    let dir = tempfile::tempdir().unwrap();
    let film = colours(dir.path(), "film.mp4");
    let Some(mut seat) = Seat::before(&[], &[&film]) else {
        return;
    };
    seat.display.focus("film");
    // The middle of the button is white while it offers to play, and dark between the bars of a pause.
    let offers_to_play = |shot: &Shot| shot.pixel(PLAY_BUTTON.0, PLAY_BUTTON.1)[0] > 230;
    seat.pointing(PLAY_BUTTON, "a button to pause", |shot| {
        !offers_to_play(shot)
    });
    seat.display.hand("key space");
    seat.pointing(PLAY_BUTTON, "a button to play on", offers_to_play);
    seat.display.hand("click 1");
    seat.pointing(PLAY_BUTTON, "it plays again", |shot| !offers_to_play(shot));
    let (line, half) = (SEEK.2, at_second(20));
    seat.display
        .hand(&format!("mousemove {half} {line} click 1"));
    seat.seeks(20.0);
    let (from, to) = (at_second(10), at_second(30));
    seat.display.hand(&format!(
        "mousemove {from} {line} mousedown 1 mousemove {to} {line} mouseup 1"
    ));
    seat.seeks(30.0);
    seat.display.until("the fourth colour", |shot| {
        is_near(shot.pixel(320, 100), COLOURS[3], 6)
    });
    seat.display.hand("key Down");
    seat.seeks(0.0);
    seat.end();
}

#[test]
fn pictures_keep_to_their_time() {
    let dir = tempfile::tempdir().unwrap();
    // So small that a machine which does other things draws it, too.
    ffmpeg_in(
        dir.path(),
        "-f lavfi -i testsrc=size=160x90:rate=25:duration=5 -c:v libx264 -preset ultrafast -pix_fmt yuv420p film.mp4",
    );
    let film = dir.path().join("film.mp4");
    let Some(mut seat) = Seat::before(&["--until", "time:3"], &[&film]) else {
        return;
    };
    let end = seat.event("end", |_| true);
    // Half of a frame of 25 a second.
    let offset = end["av_offset_ms"]["p50"].as_f64().unwrap();
    assert!(offset.abs() < 20.0, "{end}");
    assert!(end["first_seen_ms"].as_f64().is_some(), "{end}");
}

#[test]
fn the_seek_bar_shows_what_is_buffered_and_repeated_and_the_picture_of_the_time_that_is_pointed_at()
{
    let dir = tempfile::tempdir().unwrap();
    let film = colours(dir.path(), "film.mp4");
    let Some(mut seat) = Seat::before(&["--paused"], &[&film]) else {
        return;
    };
    seat.display.focus("film");
    seat.display.hand("key l");
    seat.display.hand("key Right");
    seat.seeks(10.0);
    seat.display.hand("key l");
    let (x, line) = (at_second(35), SEEK.2);
    // The knob lies on one end of the part, and then on the other one.
    let marks = |shot: &Shot, end| {
        let yellow = [0xff, 0xc1, 0x4d];
        let places = [(at_second(5), line), (at_second(end), line - 6)];
        places
            .iter()
            .all(|(x, y)| is_near(shot.pixel(*x, *y), yellow, 8))
    };
    seat.pointing((x, line), "where the part begins", |shot| marks(shot, 0));
    seat.pointing((x, line), "the picture of second 35", |shot| {
        is_near(shot.pixel(x, 190), COLOURS[3], 8)
    });
    let x = at_second(25);
    seat.pointing((x, line), "the picture of second 25", |shot| {
        is_near(shot.pixel(x, 190), COLOURS[2], 8)
    });
    seat.display.hand("key Left");
    seat.seeks(0.0);
    seat.pointing((x, line), "where the part ends", |shot| marks(shot, 10));
    // Brighter, and less red, than what is not there yet: all of it is.
    seat.pointing((x, line), "what is buffered", |shot| {
        shot.pixel(at_second(39), line)[2] > 130
    });
    seat.end();
}

#[test]
fn files_that_are_dropped_and_links_that_are_pasted_take_the_place_of_what_plays() {
    let dir = tempfile::tempdir().unwrap();
    let film = colours(dir.path(), "film.mp4");
    let films = ["one.mp4", "two ✓.mp4", "three.mp4"].map(|name| dir.path().join(name));
    for copy in &films {
        std::fs::copy(&film, copy).unwrap();
    }
    let Some(mut seat) = Seat::before(&["--paused"], &[&films[0]]) else {
        return;
    };
    let window = seat.display.focus("one").parse().unwrap();
    let link = |film: &Path| {
        format!("file://{}", film.display())
            .replace(' ', "%20")
            .replace('✓', "%E2%9C%93")
    };
    let name = seat.display.name().to_owned();
    xdnd::drop_on(&name, window, &[link(&films[1]), link(&films[2])]);
    for (number, film) in [(1, &films[1]), (2, &films[2])] {
        let file = seat.event("file", |_| true);
        assert_eq!(
            (
                &file["number"],
                &file["of"],
                file["source"].as_str().unwrap()
            ),
            (&number.into(), &2.into(), film.to_str().unwrap())
        );
        seat.event("first_frame", |_| true);
        seat.display
            .focus(if number == 1 { "two" } else { "three" });
        if number == 1 {
            seat.display.hand("key greater");
        }
    }
    seat.display.copy("no such thing");
    seat.display.hand("key ctrl+v");
    seat.display
        .copy(&format!("# a list\n{}\n", link(&films[0])));
    seat.display.hand("key ctrl+v");
    seat.event("first_frame", |_| true);
    seat.display.focus("one");
    seat.end();
}

#[test]
fn the_report_of_an_error_is_copied_and_what_is_dropped_on_it_plays() {
    let dir = tempfile::tempdir().unwrap();
    let film = colours(dir.path(), "film.mp4");
    let _alone = alone();
    let Some(display) = Display::start((960, 540)) else {
        return;
    };
    let mut program = display
        .program(env!("CARGO_BIN_EXE_kinora"))
        .args(["--no-config", "play", "--ao", "null", "missing.mp4"])
        .current_dir(dir.path())
        .env("LC_ALL", "C")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let window = display.focus("Kinora|missing").parse().unwrap();
    let button = |shot: &Shot| shot.pixel(205, 356)[0] > 30;
    display.until("the card with its buttons", button);
    display.hand("mousemove 270 356 click 1");
    let since = Instant::now();
    while !display.copied().contains("missing.mp4") {
        assert!(since.elapsed() < LIMIT, "{:?}", display.copied());
    }
    assert!(
        display.copied().contains("ERROR_"),
        "{:?}",
        display.copied()
    );
    xdnd::drop_on(
        display.name(),
        window,
        &[format!("file://{}", film.display())],
    );
    display.until("the film", |shot| {
        is_near(shot.pixel(320, 100), COLOURS[0], 6)
    });
    display.focus("film");
    display.hand("key q");
    // That there was nothing of the first name stays the program's result.
    assert!(!program.wait().unwrap().success());
}

#[test]
fn a_file_of_keys_says_what_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let film = colours(dir.path(), "film.mp4");
    let keys = dir.path().join("keys.conf");
    std::fs::write(&keys, "# mine\nw quit\nq ignore\nRIGHT seek 20\n").unwrap();
    let named = ["--keys", keys.to_str().unwrap(), "--paused"];
    let Some(mut seat) = Seat::before(&named, &[&film]) else {
        return;
    };
    seat.display.focus("film");
    seat.display.hand("key q key Right");
    seat.seeks(20.0);
    seat.display.hand("key w");
    seat.event("end", |_| true);
    assert!(seat.program.wait().unwrap().success());
}

#[test]
fn a_file_of_keys_that_says_nothing_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys.conf");
    std::fs::write(&keys, "w quit\nq fly away\n").unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(["--no-config", "play", "--headless", "--keys"])
        .arg(&keys)
        .arg("film.mp4")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("keys.conf:2: `fly away`"), "{said}");
}
