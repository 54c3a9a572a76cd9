//! The window as a person has it: a display, real keys and clicks, and what is seen.
#![cfg(feature = "window")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use kinora_test_support::{ffmpeg, ffmpeg_in};
use serde_json::Value;

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const SCREEN: (u32, u32) = (1_000, 700);
/// Of the film.
const SIZE: (u32, u32) = (640, 360);

/// A display of its own, without a window manager; it ends with the test.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Where no server of displays is installed there is none.
    fn open() -> Option<Self> {
        let (width, height) = SCREEN;
        let server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &format!("{width}x{height}x24"),
            ])
            .args(["-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let has_hands = Command::new("xdotool").arg("version").output().is_ok();
        let (Ok(mut server), true) = (server, has_hands) else {
            kinora_test_support::skip("Xvfb or xdotool is not installed");
            return None;
        };
        let mut number = String::new();
        // It writes its number once it is ready.
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let name = format!(":{}", number.trim());
        Some(Self { server, name })
    }

    fn hand(&self, line: &str) -> String {
        let output = Command::new("xdotool")
            .args(line.split(' '))
            .env("DISPLAY", &self.name)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "xdotool {line}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What is on the screen: three bytes a pixel.
    fn picture(&self) -> Picture {
        let (width, height) = SCREEN;
        let output = ffmpeg(&format!(
            "-f x11grab -draw_mouse 0 -video_size {width}x{height} -i {} -frames:v 1 -f rawvideo -pix_fmt rgb24 -",
            self.name
        ))
        .output()
        .unwrap();
        Picture {
            width,
            data: output.stdout,
        }
    }

    /// Looks until that is to be seen.
    fn until(&self, what: &str, seen: impl Fn(&Picture) -> bool) -> Picture {
        let until = Instant::now() + LIMIT;
        loop {
            let picture = self.picture();
            if seen(&picture) {
                return picture;
            }
            assert!(Instant::now() < until, "never seen: {what}");
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

struct Picture {
    width: u32,
    data: Vec<u8>,
}

impl Picture {
    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y * self.width + x) as usize * 3;
        self.data
            .get(at..at + 3)
            .map_or([0; 3], |it| [it[0], it[1], it[2]])
    }

    /// How many pixels of a part differ from those of another picture.
    fn changed(&self, other: &Self, (x, y): (u32, u32), (width, height): (u32, u32)) -> usize {
        let places = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
        places
            .filter(|(x, y)| distance(self.pixel(*x, *y), other.pixel(*x, *y)) > 8)
            .count()
    }
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u8 {
    let each = one.iter().zip(other).map(|(a, b)| a.abs_diff(b));
    each.max().unwrap()
}

/// The program, which writes its events.
struct Program {
    child: Child,
    events: Receiver<Value>,
}

impl Program {
    fn start(display: &str, arguments: &[&str], film: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["--no-config", "play", "--stats", "json"])
            .args(arguments)
            .arg(film)
            .env("DISPLAY", display)
            .env_remove("WAYLAND_DISPLAY")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let events = events(child.stdout.take().unwrap());
        Self { child, events }
    }

    /// The next event of that name.
    fn wait_for(&mut self, name: &str) -> Value {
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) if event["event"] == name => return event,
                Ok(_) => {}
                Err(_) => panic!("no {name}: {}", self.said()),
            }
        }
    }

    fn said(&mut self) -> String {
        let _ = self.child.kill();
        let mut said = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut said).unwrap();
        }
        said
    }

    fn end(mut self) -> Option<i32> {
        let until = Instant::now() + LIMIT;
        while let Ok(event) = self
            .events
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            drop(event);
        }
        assert!(Instant::now() < until, "it does not end");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn events(stdout: ChildStdout) -> Receiver<Value> {
    let (sender, events) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Ok(event) = serde_json::from_str(&line)
                && sender.send(event).is_err()
            {
                return;
            }
        }
    });
    events
}

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

/// The first picture of a film as FFmpeg shows it.
fn first_picture(film: &Path) -> Picture {
    let output = ffmpeg(&format!(
        "-i {} -frames:v 1 -vf scale=in_color_matrix=bt601:out_range=pc:flags=accurate_rnd+full_chroma_int,format=gbrp,format=rgb24 \
         -f rawvideo -",
        film.display()
    ))
    .output()
    .unwrap();
    Picture {
        width: SIZE.0,
        data: output.stdout,
    }
}

/// Whether the screen shows it at its left upper corner, but for the edges of its colours.
fn shows(screen: &Picture, expected: &Picture) -> bool {
    const AROUND: u32 = 4;
    let mut compared = 0;
    for y in AROUND..SIZE.1 - AROUND {
        for x in AROUND..SIZE.0 - AROUND {
            let here = expected.pixel(x, y);
            let around = [
                (x - AROUND, y),
                (x + AROUND, y),
                (x, y - AROUND),
                (x, y + AROUND),
            ];
            if around
                .iter()
                .all(|(x, y)| distance(expected.pixel(*x, *y), here) < 3)
            {
                compared += 1;
                if distance(screen.pixel(x, y), here) > 3 {
                    return false;
                }
            }
        }
    }
    compared > SIZE.0 * SIZE.1 / 2
}

#[test]
fn a_film_is_seen_in_the_window_as_ffmpeg_shows_it() {
    let Some(display) = Display::open() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let expected = first_picture(&film);
    for output in ["window:software", "window:gpu"] {
        let mut program = Program::start(&display.name, &["--paused", "--vo", output], &film);
        program.wait_for("first_frame");
        display.until(output, |screen| shows(screen, &expected));
        display.hand("search --sync --name film.mp4 windowfocus --sync");
        display.hand("key q");
        assert_eq!(program.end(), Some(0));
    }
}

#[test]
fn keys_clicks_and_the_wheel_do_what_they_say() {
    let Some(display) = Display::open() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let expected = first_picture(&film);
    let mut program = Program::start(&display.name, &["--vo", "window:software"], &film);
    program.wait_for("first_frame");
    let plain = display.until("the film", |screen| shows(screen, &expected));
    display.hand("search --sync --name film.mp4 windowfocus --sync");
    // Away from the pointer's first place, so that the move is seen.
    display.hand("mousemove 300 100");
    let bar = ((0, SIZE.1 - 84), (SIZE.0, 84));
    let with_bar = display.until("controls", |screen| {
        screen.changed(&plain, bar.0, bar.1) > 20_000
    });
    assert!(
        with_bar.changed(&plain, (0, 150), (SIZE.0, 100)) == 0,
        "only the bar lies over it"
    );
    // The button at the left of the bar.
    display.hand(&format!("mousemove 28 {}", SIZE.1 - 28));
    let button = ((16, SIZE.1 - 40), (24, 24));
    let pauses = display.picture();
    display.hand("click 1");
    display.until("it is held", |screen| {
        screen.changed(&pauses, button.0, button.1) > 50
    });
    display.hand("key space");
    display.until("it plays", |screen| {
        screen.changed(&pauses, button.0, button.1) < 20
    });
    // The middle of the seek bar is the middle of the film.
    display.hand(&format!("mousemove {} {} click 1", SIZE.0 / 2, SIZE.1 - 64));
    let seek = program.wait_for("seek_done");
    let at = seek["target"].as_f64().unwrap();
    assert!((9.0..11.0).contains(&at), "{seek}");
    display.hand("key Right");
    let seek = program.wait_for("seek_done");
    assert!(seek["target"].as_f64().unwrap() > at + 5.0, "{seek}");
    // Statistics lie over the picture, and go again.
    let still = display.picture();
    display.hand("key i");
    let page = ((16, 64), (300, 150));
    display.until("statistics", |screen| {
        screen.changed(&still, page.0, page.1) > 10_000
    });
    display.hand("key i");
    display.until("no statistics", |screen| {
        screen.changed(&still, page.0, page.1) == 0
    });
    display.hand("key q");
    assert_eq!(program.end(), Some(0));
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
