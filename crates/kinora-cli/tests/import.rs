//! Imports that meet a world that does not let them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use kinora_faults::clips;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

mod small_disk;

use small_disk::SmallDisk;

const ENOENT: i32 = 2;
const ENOSPC: i32 = 28;

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
    let data = disk.path();
    let done = kinora(&["import", film.to_str().unwrap(), "--json"], data);
    // Before it stands that the disk could be read by others.
    let reported = String::from_utf8(done.stderr).unwrap();
    let fault: serde_json::Value = serde_json::from_str(reported.lines().last().unwrap()).unwrap();
    assert_eq!(fault["number"], 0x2008_0000 + ENOSPC, "{fault}");
    assert_eq!(done.status.code(), Some(20));
    let videos = kinora(&["account", "videos"], data);
    assert_eq!(String::from_utf8_lossy(&videos.stdout), "");
    assert_eq!(entries(&data.join("media")), Vec::<String>::new());
    assert_eq!(entries(&data.join("staging")), Vec::<String>::new());
}

/// What lies in a directory, but for the mark of the library.
fn entries(dir: &Path) -> Vec<String> {
    let entries = dir.read_dir().into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name != ".library").collect()
}

/// The children of a process, by the system's own list.
fn children(of: u32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{of}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let lists: Vec<String> = lists.collect();
    let ids = lists.iter().flat_map(|list| list.split_whitespace());
    ids.map(|id| id.parse().unwrap()).collect()
}

#[test]
fn ffmpeg_dies_with_an_import_that_is_killed_and_the_next_one_cleans_up() {
    let room = tempfile::tempdir().unwrap();
    let film = room.path().join("film.mp4");
    noise(&film);
    let data = room.path().join("vod");
    let mut import = Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(["import", film.to_str().unwrap(), "--ladder", "--data"])
        .arg(&data)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // FFmpeg works once its file is there: the child has become FFmpeg by then.
    let staging = data.join("staging");
    let working = || {
        let ids = entries(&staging);
        ids.iter()
            .any(|id| !entries(&staging.join(id).join("out")).is_empty())
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !working() {
        assert!(Instant::now() < deadline && import.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let encoders: Vec<OwnedFd> = children(import.id())
        .into_iter()
        .map(|id| pidfd_open(Pid::from_raw(id).unwrap(), PidfdFlags::empty()).unwrap())
        .collect();
    assert_eq!(encoders.len(), 1);
    import.kill().unwrap();
    import.wait().unwrap();
    // The descriptor of a process can be read from when it has ended.
    let mut ended = [PollFd::new(&encoders[0], PollFlags::IN)];
    let ten_s = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    assert_eq!(
        poll(&mut ended, Some(&ten_s)).unwrap(),
        1,
        "FFmpeg lives on"
    );
    assert_eq!(
        entries(&data.join("staging")).len(),
        2,
        "its work and its lock"
    );

    let next = kinora(&["import", room.path().to_str().unwrap()], &data);
    let reported = String::from_utf8_lossy(&next.stderr).into_owned();
    assert!(reported.contains("unfinished import"), "{reported}");
    assert_eq!(entries(&data.join("staging")), Vec::<String>::new());
    let videos = kinora(&["account", "videos"], &data);
    assert_eq!((videos.status.code(), videos.stdout.len()), (Some(0), 0));
}

#[test]
fn reading_commands_make_no_data_directory() {
    let room = tempfile::tempdir().unwrap();
    let typo = room.path().join("typo");
    for command in [
        &["account", "videos"][..],
        &["account", "new-key"],
        &["account", "lost-found"],
    ] {
        let done = kinora(&[command, &["--json"]].concat(), &typo);
        let fault: serde_json::Value = serde_json::from_slice(&done.stderr).unwrap();
        assert_eq!(fault["number"], 0x2008_0000 + ENOENT, "{fault}");
        assert_eq!(done.status.code(), Some(20));
        assert!(!typo.exists());
    }
}

#[test]
fn unknown_media_are_listed_set_aside_and_removed_by_command() {
    let room = tempfile::tempdir().unwrap();
    let song = clips::make(room.path(), "song.mp3", "-f lavfi -i sine=duration=1");
    let data = room.path().join("vod");
    let imported = kinora(&["import", song.to_str().unwrap()], &data);
    assert!(imported.status.success());
    let stray = "5aed81b74ba84920be578cdfe004af4b";
    std::fs::create_dir(data.join("media").join(stray)).unwrap();
    std::fs::write(data.join("media").join(stray).join("fd.mp4"), [7; 1000]).unwrap();

    let reported = |more: &[&str]| {
        let done = kinora(
            &[&["account", "lost-found", "--json"], more].concat(),
            &data,
        );
        assert!(done.status.success());
        let text = String::from_utf8(done.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<serde_json::Value>>()
    };
    let entry = |place| serde_json::json!({ "place": place, "name": stray, "bytes": 1000 });
    assert_eq!(reported(&[]), [entry("media")]);
    assert_eq!(reported(&["--collect"]), [entry("lost+found")]);
    assert_eq!(reported(&[]), [entry("lost+found")]);
    assert!(data.join("lost+found").join(stray).join("fd.mp4").exists());
    assert_eq!(
        reported(&["--remove"]),
        [serde_json::json!({ "removed": 1 })]
    );
    assert_eq!(reported(&[]), Vec::<serde_json::Value>::new());
    assert_eq!(entries(&data.join("lost+found")), Vec::<String>::new());
    assert_eq!(
        entries(&data.join("media")).len(),
        1,
        "the video that is known stays"
    );
}
