//! A person at a terminal, a real pseudo-terminal: keys, signals, and the terminal that is given back.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use kinora_faults::clips;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// It must not become the controlling terminal of the tests.
const FLAGS: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY);
/// What ends the terminal's other screen.
const OTHER_SCREEN_LEFT: &str = "\x1b[?1049l";

/// A terminal in which the program runs, seen from the person's side.
struct Desk {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// What is on the screen since the last thing that was waited for.
    unread: Vec<u8>,
    before: Termios,
    program: Child,
}

impl Desk {
    fn play(film: &Path) -> Self {
        let line = ["play", "--loop", "--vo", "terminal", "--decoder", "rust"];
        Self::run(&line.map(OsStr::new), film)
    }

    fn run(line: &[&OsStr], film: &Path) -> Self {
        let keyboard = File::from(openpt(FLAGS).unwrap());
        unlockpt(&keyboard).unwrap();
        let size = Winsize {
            ws_row: 12,
            ws_col: 40,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&keyboard, size).unwrap();
        // The modes of a terminal are seen from both of its ends.
        let before = tcgetattr(&keyboard).unwrap();
        let terminal = ioctl_tiocgptpeer(&keyboard, FLAGS).unwrap();
        let program = program(line, film, &terminal);
        let screen = watch(keyboard.try_clone().unwrap());
        Self {
            keyboard,
            screen,
            unread: Vec::new(),
            before,
            program,
        }
    }

    fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + LIMIT;
        let end = loop {
            let mut places = self.unread.windows(text.len());
            if let Some(place) = places.position(|place| place == text.as_bytes()) {
                break place + text.len();
            }
            if let Err(error) = self.look(until) {
                panic!("no {text:?}: {error}: {}", self.tail());
            }
        };
        self.unread.drain(..end);
    }

    fn look(&mut self, until: Instant) -> Result<(), RecvTimeoutError> {
        let left = until.saturating_duration_since(Instant::now());
        self.unread.extend(self.screen.recv_timeout(left)?);
        Ok(())
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program), signal).unwrap();
    }

    fn modes(&self) -> [u32; 4] {
        modes(&tcgetattr(&self.keyboard).unwrap())
    }

    fn is_raw(&self) -> bool {
        let now = tcgetattr(&self.keyboard).unwrap();
        !now.local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end, sees that the terminal is as it was, and gives the exit status.
    fn end(mut self) -> Option<i32> {
        // The screen ends when the program has closed its terminal.
        let until = Instant::now() + LIMIT;
        let ended = loop {
            if let Err(error) = self.look(until) {
                break error;
            }
        };
        assert_eq!(ended, RecvTimeoutError::Disconnected, "{}", self.tail());
        assert_eq!(self.modes(), modes(&self.before));
        self.program.wait().unwrap().code()
    }

    /// The end of playing, which gives the first screen back before that.
    fn end_of_playing(mut self) -> Option<i32> {
        self.wait_for(OTHER_SCREEN_LEFT);
        self.end()
    }

    fn tail(&self) -> String {
        let from = self.unread.len().saturating_sub(500);
        format!("{:?}", String::from_utf8_lossy(&self.unread[from..]))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn modes(of: &Termios) -> [u32; 4] {
    [
        of.input_modes.bits(),
        of.output_modes.bits(),
        of.control_modes.bits(),
        of.local_modes.bits(),
    ]
}

fn program(line: &[&OsStr], film: &Path, terminal: &OwnedFd) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(line)
        .arg(film)
        .env("TERM", "xterm-256color")
        .env("LC_ALL", "C")
        .stdin(terminal.try_clone().unwrap())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal.try_clone().unwrap())
        .spawn()
        .unwrap()
}

/// What the terminal shows, until nobody has it open any more.
fn watch(mut terminal: File) -> Receiver<Vec<u8>> {
    let (told, screen) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = terminal.read(&mut bytes) {
            if told.send(bytes[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    screen
}

#[test]
fn keys_pause_play_on_and_quit_and_the_terminal_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::play(&clips::film(dir.path()));
    desk.wait_for("playing");
    assert!(desk.is_raw());
    desk.press(" ");
    desk.wait_for("paused");
    desk.press(" ");
    desk.wait_for("playing");
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
    desk.wait_for("nothing was left behind");
    assert_eq!(desk.end(), Some(143));
    for rest in ["media", "staging"] {
        let files = data.join(rest).read_dir().unwrap();
        let mut names = files.map(|entry| entry.unwrap().file_name());
        // The mark of the library stays.
        assert!(names.all(|name| name == ".library"), "{rest}");
    }
}
