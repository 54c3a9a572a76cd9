//! A terminal as a person has it: a pseudo-terminal, its keyboard and its screen.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic
)]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

pub const KINORA: &str = env!("CARGO_BIN_EXE_kinora");
/// Longer than anything here takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);
/// It must not become the controlling terminal of the tests, nor stay open in what they start.
const FLAGS: OpenptFlags = OpenptFlags::RDWR
    .union(OpenptFlags::NOCTTY)
    .union(OpenptFlags::CLOEXEC);
/// What begins and ends the terminal's other screen.
pub const OTHER_SCREEN: &str = "\x1b[?1049h";
pub const OTHER_SCREEN_LEFT: &str = "\x1b[?1049l";

/// A terminal in which the program runs, seen from the person's side.
pub struct Desk {
    keyboard: Option<File>,
    screen: Receiver<Vec<u8>>,
    /// What is on the screen since the last thing that was waited for.
    unread: Vec<u8>,
    before: Termios,
    program: Child,
    closed: Arc<AtomicBool>,
}

impl Desk {
    pub fn play(film: &Path) -> Self {
        let line = ["play", "--loop", "--vo", "terminal", "--decoder", "rust"];
        Self::run(&line.map(OsStr::new), film)
    }

    pub fn run(line: &[&OsStr], film: &Path) -> Self {
        let mut words = vec![OsStr::new(KINORA), OsStr::new("--no-config")];
        words.extend(line);
        words.push(film.as_os_str());
        Self::start(&words, 40)
    }

    /// A program in a session of its own, whose terminal this is, so many columns wide.
    pub fn start(words: &[&OsStr], columns: u16) -> Self {
        let keyboard = File::from(openpt(FLAGS).unwrap());
        unlockpt(&keyboard).unwrap();
        resize(&keyboard, columns);
        // The modes of a terminal are seen from both of its ends.
        let before = tcgetattr(&keyboard).unwrap();
        let terminal = ioctl_tiocgptpeer(&keyboard, FLAGS).unwrap();
        let program = Command::new("setsid")
            .arg("--ctty")
            .args(words)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C")
            .env("PS1", "ready> ")
            .env_remove("NO_COLOR")
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal)
            .spawn()
            .unwrap();
        let closed = Arc::new(AtomicBool::new(false));
        let screen = watch(keyboard.try_clone().unwrap(), Arc::clone(&closed));
        Self {
            keyboard: Some(keyboard),
            screen,
            unread: Vec::new(),
            before,
            program,
            closed,
        }
    }

    fn keyboard(&self) -> &File {
        self.keyboard.as_ref().unwrap()
    }

    /// Waits for a text, and gives what was on the screen up to it.
    pub fn wait_for(&mut self, text: &str) -> String {
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
        String::from_utf8_lossy(&self.unread.drain(..end).collect::<Vec<_>>()).into_owned()
    }

    fn look(&mut self, until: Instant) -> Result<(), RecvTimeoutError> {
        let left = until.saturating_duration_since(Instant::now());
        self.unread.extend(self.screen.recv_timeout(left)?);
        Ok(())
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard().write_all(keys.as_bytes()).unwrap();
    }

    pub fn resize(&self, columns: u16) {
        resize(self.keyboard(), columns);
    }

    /// The window is closed.
    pub fn hang_up(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.keyboard = None;
    }

    pub fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program), signal).unwrap();
    }

    pub fn is_raw(&self) -> bool {
        let now = tcgetattr(self.keyboard()).unwrap();
        !now.local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end of the program, within the limit.
    pub fn status(&mut self) -> ExitStatus {
        ended(&mut self.program)
    }

    /// Waits for the end, sees that the terminal is as it was, and gives the exit status.
    pub fn end(mut self) -> Option<i32> {
        // The screen ends when the program has closed its terminal.
        let until = Instant::now() + LIMIT;
        let ended = loop {
            if let Err(error) = self.look(until) {
                break error;
            }
        };
        assert_eq!(ended, RecvTimeoutError::Disconnected, "{}", self.tail());
        let after = tcgetattr(self.keyboard()).unwrap();
        assert_eq!(modes(&after), modes(&self.before));
        self.program.wait().unwrap().code()
    }

    /// The end of playing, which gives the first screen back before that.
    pub fn end_of_playing(mut self) -> Option<i32> {
        self.wait_for(OTHER_SCREEN_LEFT);
        self.end()
    }

    pub fn tail(&self) -> String {
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

fn resize(terminal: &File, columns: u16) {
    let size = Winsize {
        ws_row: 12,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

fn modes(of: &Termios) -> [u32; 4] {
    [
        of.input_modes.bits(),
        of.output_modes.bits(),
        of.control_modes.bits(),
        of.local_modes.bits(),
    ]
}

/// What the terminal shows, until nobody has it open any more, or the window is closed.
fn watch(mut terminal: File, closed: Arc<AtomicBool>) -> Receiver<Vec<u8>> {
    let (reported, screen) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = terminal.read(&mut bytes) {
            if closed.load(Ordering::Acquire) || reported.send(bytes[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    screen
}

/// Waits for the end of a program, within the limit.
pub fn ended(program: &mut Child) -> ExitStatus {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = program.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "it does not end");
        std::thread::yield_now();
    }
}
