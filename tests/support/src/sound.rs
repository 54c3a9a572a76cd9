//! A sound server of a test's own, and what is heard of it: PulseAudio with null sinks, whose monitors are recorded.
#![allow(clippy::unwrap_used, reason = "as in tests, whose part this is")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::skip;

/// Samples a second of its devices, which have one channel.
pub const RATE: usize = 48_000;

/// Whatever a server does takes no longer.
const LIMIT: Duration = Duration::from_secs(30);

/// A PulseAudio server with its socket in a folder, without devices at first.
pub struct SoundServer {
    child: Child,
    dir: PathBuf,
}

impl SoundServer {
    /// `None`: there is no PulseAudio here, which is said.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    #[must_use]
    pub fn start(dir: &Path) -> Option<Self> {
        for program in ["pulseaudio", "pactl", "parec"] {
            if Command::new(program).arg("--version").output().is_err() {
                skip(&format!(
                    "there is no {program} (apt: pulseaudio, pulseaudio-utils)"
                ));
                return None;
            }
        }
        let server = Self {
            child: Self::spawn(dir),
            dir: dir.to_owned(),
        };
        server.until_it_answers();
        Some(server)
    }

    fn spawn(dir: &Path) -> Child {
        let socket = socket(dir);
        let native = format!(
            "module-native-protocol-unix auth-anonymous=1 socket={}",
            socket.display()
        );
        Command::new("pulseaudio")
            .args([
                "-n",
                "--daemonize=no",
                "--use-pid-file=no",
                "--exit-idle-time=-1",
                "--realtime=no",
            ])
            .args(["-L", &native])
            .envs([
                ("HOME", dir),
                ("XDG_RUNTIME_DIR", dir),
                ("PULSE_RUNTIME_PATH", dir),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn until_it_answers(&self) {
        let since = Instant::now();
        while !self.control(&["info"]) {
            assert!(since.elapsed() < LIMIT, "the sound server does not answer");
            std::thread::yield_now();
        }
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let done = self.client("pactl").args(arguments).output().unwrap();
        done.status.success()
    }

    fn client(&self, program: &str) -> Command {
        let mut client = Command::new(program);
        client.env(
            "PULSE_SERVER",
            format!("unix:{}", socket(&self.dir).display()),
        );
        client
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.dir)
    }

    /// Adds a device; gives what [`pull_out`](Self::pull_out) takes.
    ///
    /// # Panics
    /// When the server refuses.
    #[track_caller]
    pub fn plug_in(&self, name: &str) -> String {
        let module = [
            "load-module",
            "module-null-sink",
            &format!("sink_name={name}"),
        ];
        let more = [&format!("rate={RATE}"), "channels=1"];
        let done = self
            .client("pactl")
            .args(module)
            .args(more)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Removes a device.
    ///
    /// # Panics
    /// When the server refuses.
    #[track_caller]
    pub fn pull_out(&self, module: &str) {
        assert!(self.control(&["unload-module", module]));
    }

    /// Ends it without a word.
    ///
    /// # Panics
    /// When it had ended.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it anew, without devices.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let _ = std::fs::remove_file(socket(&self.dir));
        self.child = Self::spawn(&self.dir);
        self.until_it_answers();
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("native")
}

/// Samples, and when they came.
type Heard = (Instant, Vec<f32>);

/// What a device's monitor hears, each piece with the moment at which it ended.
pub struct Recording {
    child: Child,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Recording {
    /// Begins, and waits until something is heard, be it silence.
    ///
    /// # Panics
    /// When nothing is.
    #[track_caller]
    #[must_use]
    pub fn start(server: &SoundServer, device: &str) -> Self {
        let mut child = server
            .client("parec")
            .args([
                "--raw",
                "--format=float32le",
                "--channels=1",
                "--latency-msec=5",
            ])
            .args([
                format!("--rate={RATE}"),
                format!("--device={device}.monitor"),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut piece = [0; 960];
            while out.read_exact(&mut piece).is_ok() {
                let samples = piece
                    .chunks_exact(4)
                    .map(|it| f32::from_le_bytes(it.try_into().unwrap()));
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((Instant::now(), samples.collect()));
            }
        });
        let recording = Self { child, heard };
        // It hears silence as soon as it hears anything.
        let since = Instant::now();
        while recording
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
        {
            assert!(since.elapsed() < LIMIT, "nothing is recorded");
            std::thread::yield_now();
        }
        recording
    }

    /// All samples, and when each was heard: late pieces are taken to have been on time, since none comes early.
    ///
    /// # Panics
    /// When nothing was heard.
    pub fn timeline(&self) -> (Vec<f32>, impl Fn(usize) -> Instant + use<>) {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut samples = Vec::new();
        let mut begin: Option<Instant> = None;
        for (ended, piece) in heard.iter() {
            samples.extend(piece);
            let this = *ended - Duration::from_secs_f64(samples.len() as f64 / RATE as f64);
            begin = Some(begin.map_or(this, |begin| begin.min(this)));
        }
        let begin = begin.unwrap();
        (samples, move |at| {
            begin + Duration::from_secs_f64(at as f64 / RATE as f64)
        })
    }

    /// When beeps begin: where it is loud after 200 ms of silence.
    pub fn beeps(&self) -> Vec<Instant> {
        let (samples, when) = self.timeline();
        let mut silent = 0;
        let mut beeps = Vec::new();
        for (at, sample) in samples.iter().enumerate() {
            if sample.abs() < 0.1 {
                silent += 1;
                continue;
            }
            if silent > RATE / 5 {
                beeps.push(when(at));
            }
            silent = 0;
        }
        beeps
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
