use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::ImportError;

/// Formats that a file may have. Lists of other files are not among them: they could name any file of the machine.
pub(super) const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,flv,live_flv,avi,asf,ogg,mp3,aac,ac3,eac3,flac,wav,aiff,h264,hevc,ivf,mxf,rm,wv,ape,amr,au,caf,dv,gif,nut,obu,yuv4mpegpipe";
/// Part of util-linux: starts a program that dies with its parent.
const SETPRIV: &str = "/usr/bin/setpriv";
const STALL: Duration = Duration::from_secs(120);
/// Octets of complaints that are kept.
const MAX_WORDS: usize = 4096;

/// One run of FFmpeg in a directory. No text of a user's is an option of it: paths follow `-i file:`.
pub(super) struct Ffmpeg {
    command: Command,
}

impl Ffmpeg {
    pub(super) fn new(dir: &Path) -> Self {
        // Ends with us also when we are killed and can end nothing any more.
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "KILL", "ffmpeg"]);
            command
        } else {
            Command::new("ffmpeg")
        };
        command
            .args([
                "-nostdin",
                "-hide_banner",
                "-v",
                "error",
                "-y",
                "-nostats",
                "-progress",
                "pipe:1",
            ])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self { command }
    }
    pub(super) fn input(&mut self, file: &Path) {
        self.command
            .args([
                "-protocol_whitelist",
                "file,pipe",
                "-format_whitelist",
                FORMATS,
                "-i",
            ])
            .arg(file_url(file));
    }
    pub(super) fn arg(&mut self, arg: impl AsRef<OsStr>) {
        self.command.arg(arg);
    }
    pub(super) fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        self.command.args(args);
    }
    /// Runs it to its end; `progress` hears the media time done, in seconds.
    pub(super) async fn run(mut self, mut progress: impl FnMut(f64)) -> Result<(), ImportError> {
        let mut child = self
            .command
            .spawn()
            .map_err(|error| spawn_error(error, "ffmpeg"))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(ImportError::work("talk to FFmpeg")(
                io::ErrorKind::BrokenPipe.into(),
            ));
        };
        let mut lines = BufReader::new(stdout).lines();
        let listen = async {
            loop {
                match timeout(STALL, lines.next_line()).await {
                    Err(_) => return Err(ImportError::Stalled(STALL.as_secs())),
                    Ok(Ok(Some(line))) => {
                        // Despite its name, out_time_ms is in microseconds, too; out_time_us is the honest one.
                        if let Some(us) = line
                            .strip_prefix("out_time_us=")
                            .and_then(|us| us.parse::<f64>().ok())
                        {
                            progress(us / 1e6);
                        }
                    }
                    Ok(Ok(None)) => return Ok(()),
                    Ok(Err(error)) => return Err(ImportError::work("listen to FFmpeg")(error)),
                }
            }
        };
        // A failure ends the waiting; the child is killed when it is dropped.
        let ((), words) = tokio::try_join!(listen, async { Ok(last_words(stderr).await) })?;
        let status = timeout(STALL, child.wait())
            .await
            .map_err(|_| ImportError::Stalled(STALL.as_secs()))?
            .map_err(ImportError::work("wait for FFmpeg"))?;
        if status.code() == Some(127) {
            return Err(ImportError::NoFfmpeg("ffmpeg"));
        }
        // FFmpeg can report success after a failed write.
        if words.contains("No space left on device") {
            return Err(ImportError::NoSpace);
        }
        if status.success() {
            Ok(())
        } else {
            Err(ImportError::Broken(first_reason(&words)))
        }
    }
}

/// The path as a URL of FFmpeg's `file` protocol: never an option, never another protocol.
pub(super) fn file_url(file: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(file);
    url
}

pub(super) fn spawn_error(error: io::Error, program: &'static str) -> ImportError {
    match error.kind() {
        io::ErrorKind::NotFound => ImportError::NoFfmpeg(program),
        _ => ImportError::work("start FFmpeg")(error),
    }
}

/// Reads all that is said, and keeps the last of it.
pub(super) async fn last_words(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(len @ 1..) = stderr.read(&mut piece).await {
        kept.extend_from_slice(piece.get(..len).unwrap_or_default());
        if kept.len() > MAX_WORDS {
            kept.drain(..kept.len() - MAX_WORDS);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The complaint in one line, without the addresses that FFmpeg puts before it.
pub(super) fn first_reason(words: &str) -> String {
    let reason = words
        .lines()
        .map(|line| match line.split_once("] ") {
            Some((before, rest)) if before.starts_with('[') => rest,
            _ => line,
        })
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("nothing");
    reason
        .chars()
        .filter(|letter| !letter.is_control())
        .take(300)
        .collect()
}
