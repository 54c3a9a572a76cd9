//! Children that do not end by themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora_errors::Coded as _;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::child::{self, ChildLimits};
use super::limits::ImportBudget;
use super::probe::probe;
use super::{Ffmpeg, ImportError, ImportLimits};

/// A pipe that nobody writes to: whoever opens it waits.
fn pipe(dir: &Path) -> PathBuf {
    let path = dir.join("pipe.mp4");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    path
}

fn impatient() -> ImportBudget {
    ImportBudget::begin(ImportLimits {
        stall: Duration::from_millis(300),
        ..ImportLimits::default()
    })
}

#[tokio::test]
async fn a_stuck_ffmpeg_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let budget = impatient();
    let mut ffmpeg = Ffmpeg::new(dir.path(), &budget);
    ffmpeg.input(&pipe(dir.path()));
    ffmpeg.args(["-f", "null", "-"]);
    let refused = ffmpeg.run(|_| {}).await.unwrap_err();
    assert_eq!(refused.reason(), "import.stalled", "{refused:?}");
}

#[tokio::test]
async fn a_stuck_ffprobe_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let refused = probe(&pipe(dir.path()), false, &impatient()).await;
    assert!(
        matches!(refused, Err(ImportError::Stalled(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_child_that_is_dropped_is_gone_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = child::command("cat");
    command.arg(pipe(dir.path()));
    let limits = ChildLimits::of(&ImportLimits::default());
    let started = child::start(command, "cat", limits).await.unwrap();
    let process = PathBuf::from(format!("/proc/{}", started.guard.id()));
    assert!(process.exists());
    drop(started);
    assert!(!process.exists());
}

#[tokio::test]
async fn a_child_outlives_the_thread_that_asked_for_it() {
    // The runtime may end the thread that an import ran on; its FFmpeg must not die of that.
    let dir = tempfile::tempdir().unwrap();
    let path = pipe(dir.path());
    let asked = std::thread::spawn({
        let (path, handle) = (path.clone(), tokio::runtime::Handle::current());
        move || {
            let mut command = child::command("cat");
            command.arg(path);
            let limits = ChildLimits::of(&ImportLimits::default());
            handle.block_on(child::start(command, "cat", limits))
        }
    });
    let mut started = tokio::task::spawn_blocking(|| asked.join().unwrap().unwrap())
        .await
        .unwrap();
    // It reads the pipe to its end, which comes now.
    tokio::task::spawn_blocking(|| std::fs::write(path, b"x"))
        .await
        .unwrap()
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), started.guard.ended());
    assert!(ended.await.unwrap().unwrap().success());
}
