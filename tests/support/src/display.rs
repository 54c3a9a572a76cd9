//! A display of a test's own, with a hand at its mouse and keyboard and an eye on its screen: Xvfb, xdotool, FFmpeg.
#![allow(clippy::unwrap_used, reason = "as in tests, whose part this is")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{ffmpeg, skip};

/// Whatever is waited for takes no longer on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// An X server without a window manager: windows lie at its left upper corner.
pub struct Display {
    server: Child,
    name: String,
    size: (u32, u32),
}

/// What is on the screen: red, green and blue, rows from the top.
pub struct Shot {
    size: (u32, u32),
    data: Vec<u8>,
}

impl Display {
    /// `None`: what it takes is not here, which is said.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    #[must_use]
    pub fn start(size: (u32, u32)) -> Option<Self> {
        for (program, package) in [("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("xclip", "xclip")] {
            if Command::new(program).arg("-help").output().is_err() {
                skip(&format!("there is no {program} (apt: {package})"));
                return None;
            }
        }
        let screen = format!("{}x{}x24", size.0, size.1);
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &screen,
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says its number when it can be used.
        let mut number = String::new();
        let told = BufReader::new(server.stdout.take().unwrap()).read_line(&mut number);
        assert!(told.is_ok_and(|len| len > 1), "Xvfb does not start");
        Some(Self {
            server,
            name: format!(":{}", number.trim()),
            size,
        })
    }

    /// Its name, for `DISPLAY`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A program that runs on it.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("DISPLAY", &self.name)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null());
        command
    }

    /// Moves, presses and types, as xdotool is told: `mousemove 10 20 click 1`. Gives what it said.
    ///
    /// # Panics
    /// When it can not be done.
    #[track_caller]
    pub fn hand(&self, does: &str) -> String {
        let mut xdotool = self.program("xdotool");
        let done = xdotool.args(does.split_whitespace()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "xdotool {does}: {said}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Waits for the window whose title holds that, gives it the keyboard, and its id.
    ///
    /// # Panics
    /// When there is none within a limit.
    #[track_caller]
    pub fn focus(&self, title: &str) -> String {
        let since = Instant::now();
        loop {
            let mut search = self.program("xdotool");
            search.args(["search", "--onlyvisible", "--name", title]);
            let found = String::from_utf8(search.output().unwrap().stdout).unwrap();
            if let Some(window) = found.lines().last() {
                self.hand(&format!("windowfocus --sync {window}"));
                return window.to_owned();
            }
            assert!(since.elapsed() < LIMIT, "no window {title:?}");
        }
    }

    /// What is on the screen.
    ///
    /// # Panics
    /// When that can not be had.
    #[must_use]
    pub fn shot(&self) -> Shot {
        let (width, height) = self.size;
        let grab = format!(
            "-f x11grab -draw_mouse 0 -video_size {width}x{height} -i {} -frames:v 1 -pix_fmt rgb24 -f rawvideo -",
            self.name
        );
        let grabbed = ffmpeg(&grab).output().unwrap();
        let said = String::from_utf8_lossy(&grabbed.stderr);
        assert!(grabbed.status.success(), "{said}");
        Shot {
            size: self.size,
            data: grabbed.stdout,
        }
    }

    /// Waits until the screen looks so, and gives it.
    ///
    /// # Panics
    /// When it does not within a limit.
    #[track_caller]
    pub fn until(&self, what: &str, mut looks: impl FnMut(&Shot) -> bool) -> Shot {
        let since = Instant::now();
        loop {
            let shot = self.shot();
            if looks(&shot) {
                return shot;
            }
            assert!(since.elapsed() < LIMIT, "never seen: {what}");
        }
    }

    /// What was copied: the content of the clipboard.
    ///
    /// # Panics
    /// When nothing was.
    #[must_use]
    pub fn copied(&self) -> String {
        let mut xclip = self.program("xclip");
        let copied = xclip.args(["-o", "-selection", "clipboard"]).output();
        String::from_utf8(copied.unwrap().stdout).unwrap()
    }

    /// Copies a text, which others can paste from then on.
    ///
    /// # Panics
    /// When it can not be done.
    pub fn copy(&self, text: &str) {
        use std::io::Write as _;
        let mut xclip = self.program("xclip");
        // Its child, which holds the text, must not hold a pipe of the test's.
        xclip
            .args(["-i", "-selection", "clipboard"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut running = xclip.spawn().unwrap();
        let mut pipe = running.stdin.take().unwrap();
        pipe.write_all(text.as_bytes()).unwrap();
        drop(pipe);
        assert!(running.wait().unwrap().success());
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Shot {
    /// The colour there; black beyond the screen.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.size.0 as usize + x as usize) * 3;
        match self.data.get(at..at + 3) {
            Some(&[red, green, blue]) if x < self.size.0 => [red, green, blue],
            _ => [0; 3],
        }
    }

    /// The colours of a part, row by row.
    #[must_use]
    pub fn part(&self, (left, top): (u32, u32), (width, height): (u32, u32)) -> Vec<[u8; 3]> {
        let rows = top..top + height;
        rows.flat_map(|y| (left..left + width).map(move |x| (x, y)))
            .map(|(x, y)| self.pixel(x, y))
            .collect()
    }
}
