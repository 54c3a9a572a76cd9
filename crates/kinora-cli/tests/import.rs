//! Imports that meet a world that does not let them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::Path;
use std::process::{Command, Output};

const ENOSPC: i32 = 28;

/// A file system of so many MiB, for as long as it is held; `None` where only root may have one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(dir.path())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn kinora(args: &[&str], data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(args)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

fn noise(path: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=1280x720:rate=25:duration=10,noise=alls=40:allf=t")
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn a_full_disk_ends_an_import_and_nothing_of_it_stays() {
    let Some(disk) = SmallDisk::new(3) else {
        return kinora_test_support::skip("only root may mount a small disk");
    };
    let room = tempfile::tempdir().unwrap();
    let film = room.path().join("film.mp4");
    noise(&film);
    let data = disk.0.path();
    let done = kinora(&["import", film.to_str().unwrap(), "--json"], data);
    let fault: serde_json::Value = serde_json::from_slice(&done.stderr).unwrap();
    assert_eq!(fault["number"], 0x2008_0000 + ENOSPC, "{fault}");
    assert_eq!(done.status.code(), Some(20));
    let videos = kinora(&["account", "videos"], data);
    assert_eq!(String::from_utf8_lossy(&videos.stdout), "");
    let media = data.join("media");
    assert!(!media.exists() || media.read_dir().unwrap().next().is_none());
}
