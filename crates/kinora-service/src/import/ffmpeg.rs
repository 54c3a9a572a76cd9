use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time::{Instant, timeout, timeout_at};

use super::child::{self, ChildLimits, StartedChild};
use super::diagnostics::Diagnostics;
use super::limits::ImportBudget;
use super::{ExceededLimit, ImportError};

/// Formats that a file may have. Lists of other files are not among them: they could name any file of the machine.
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,flv,live_flv,avi,asf,ogg,mp3,aac,ac3,eac3,flac,wav,aiff,h264,hevc,ivf,mxf,rm,wv,ape,amr,au,caf,dv,gif,nut,obu,yuv4mpegpipe";
/// Threads of each coder: their stacks are counted as memory.
const MAX_THREADS: usize = 8;

/// One run of FFmpeg in a directory. No text of a user's is an option of it: paths follow `-i file:`.
pub(super) struct Ffmpeg<'a> {
    command: Command,
    budget: &'a ImportBudget,
}

impl<'a> Ffmpeg<'a> {
    pub(super) fn new(dir: &Path, budget: &'a ImportBudget) -> Self {
        let mut command = child::command("ffmpeg");
        command
            .args(["-nostdin", "-hide_banner", "-v", "error", "-y", "-nostats"])
            .args(["-progress", "pipe:1"])
            .current_dir(dir);
        Self { command, budget }
    }
    pub(super) fn input(&mut self, file: &Path) {
        self.args(["-threads".to_owned(), threads()]);
        self.command.args(input(file, self.budget));
    }
    pub(super) fn arg(&mut self, arg: impl AsRef<OsStr>) {
        self.command.arg(arg);
    }
    pub(super) fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        self.command.args(args);
    }
    /// Runs it to its end; `progress` hears the media time done, in seconds.
    pub(super) async fn run(self, progress: impl FnMut(f64)) -> Result<(), ImportError> {
        let Self { command, budget } = self;
        let begun = Instant::now();
        let limits = ChildLimits::of(&budget.limits);
        let StartedChild {
            mut guard,
            stdout,
            stderr,
        } = child::start(command, "ffmpeg", limits).await?;
        let stall = budget.limits.stall;
        let run = async {
            // A failure ends the waiting; the child is killed when it is dropped.
            let ((), diagnostics) = tokio::try_join!(follow(stdout, budget, progress), async {
                Ok(Diagnostics::read(stderr).await)
            })?;
            let status = timeout(stall, guard.ended())
                .await
                .map_err(|_| ImportError::Stalled(stall))?
                .map_err(ImportError::io("wait for FFmpeg"))?;
            diagnostics.judge(status, begun.elapsed(), "ffmpeg", &budget.limits)
        };
        timeout_at(budget.deadline(), run)
            .await
            .unwrap_or_else(|_| Err(ExceededLimit::Time(budget.limits.time).into()))?;
        budget.check_output()
    }
}

/// Follows the progress that FFmpeg reports about twice a second, to its end. Reports that say the same again are none.
async fn follow(
    stdout: ChildStdout,
    budget: &ImportBudget,
    mut progress: impl FnMut(f64),
) -> Result<(), ImportError> {
    let stall = budget.limits.stall;
    let mut lines = BufReader::new(stdout).lines();
    let (mut moved, mut report, mut last) = (Instant::now(), String::new(), String::new());
    loop {
        let line = match timeout_at(moved + stall, lines.next_line()).await {
            Err(_) => return Err(ImportError::Stalled(stall)),
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(line))) => line,
            Ok(Err(error)) => return Err(ImportError::io("listen to FFmpeg")(error)),
        };
        match line.split_once('=') {
            // Despite its name, out_time_ms is in microseconds, too; out_time_us is the honest one.
            Some(("out_time_us", us)) => {
                if let Ok(us) = us.trim().parse::<f64>() {
                    budget.check_duration(us / 1e6)?;
                    progress(us / 1e6);
                }
                report.push_str(us);
            }
            Some(("frame" | "total_size", value)) => report.push_str(value),
            // The end of a report.
            Some(("progress", _)) => {
                if report != last {
                    moved = Instant::now();
                    std::mem::swap(&mut last, &mut report);
                }
                report.clear();
                budget.check_output()?;
            }
            _ => {}
        }
    }
}

/// The arguments that name a file to FFmpeg and ffprobe, and what it may hold.
pub(super) fn input(file: &Path, budget: &ImportBudget) -> Vec<OsString> {
    let limits = &budget.limits;
    let words = [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        FORMATS,
        "-max_pixels",
        // FFmpeg's own limits end there.
        &limits
            .pixels
            .min(u64::from(i32::MAX.unsigned_abs()))
            .to_string(),
        "-max_streams",
        &limits.streams.min(i32::MAX.unsigned_abs()).to_string(),
        "-i",
    ];
    let mut args: Vec<OsString> = words.iter().map(OsString::from).collect();
    // A URL of the `file` protocol: never an option, never another protocol.
    let mut url = OsString::from("file:");
    url.push(file);
    args.push(url);
    args
}

/// How many threads a coder may have.
pub(super) fn threads() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.min(MAX_THREADS).to_string()
}
