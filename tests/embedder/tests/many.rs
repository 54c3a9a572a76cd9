//! As many players as a wall of videos has, in one process. It is alone in its process: it counts threads and memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

use std::process::Command;

use kinora::{Event, Player};
use kinora_embedder::LIMIT;

const PLAYERS: usize = 200;
/// The engine's, two outputs', two decoders', and one that reads the file; libavcodec has one a core beside, at most.
const THREADS_EACH: usize = 6;
/// What libavcodec, the tests and files in common have.
const THREADS_BESIDE: usize = 24;
/// A player of a small video holds so much, with the frames that wait for their time.
const KIB_EACH: usize = 4 * 1_024;

/// A number of `/proc/self/status`.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

/// Twenty pictures and a tone.
fn clip() -> String {
    let file = format!("{}/many.mp4", env!("CARGO_TARGET_TMPDIR"));
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("testsrc=size=160x90:rate=10:duration=2")
        .args("-f lavfi -i sine=duration=2 -c:v libx264 -preset ultrafast".split(' '))
        .args("-pix_fmt yuv420p -c:a aac -b:a 32k".split(' '))
        .arg(&file)
        .status();
    assert!(done.is_ok_and(|status| status.success()), "make setup");
    file
}

#[test]
fn two_hundred_players_play_to_their_end_with_bounded_threads_and_memory() {
    let clip = clip();
    let threads_before = status("Threads:");
    let kib_before = status("VmRSS:");
    let players: Vec<Player> = (0..PLAYERS)
        .map(|_| Player::builder().autoplay(true).build().unwrap())
        .collect();
    for player in &players {
        player.open(clip.as_str());
    }
    let (mut threads, mut kib) = (0, 0);
    for player in &players {
        loop {
            match player.next_event(LIMIT).expect("an event") {
                Event::Completion => break,
                Event::Error(fault) => panic!("{fault}"),
                _ => {}
            }
            threads = threads.max(status("Threads:"));
            kib = kib.max(status("VmRSS:"));
        }
    }
    let shown: Vec<u64> = players.iter().map(|it| it.stats().frames_shown).collect();
    let dropped: Vec<u64> = players.iter().map(|it| it.stats().frames_dropped).collect();
    for (shown, dropped) in shown.iter().zip(&dropped) {
        assert_eq!(
            shown + dropped,
            20,
            "each picture is shown, or was too late"
        );
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let allowed = threads_before + PLAYERS * (THREADS_EACH + cores) + THREADS_BESIDE;
    assert!(threads <= allowed, "{threads} threads, {allowed} allowed");
    let allowed = kib_before + PLAYERS * KIB_EACH;
    assert!(kib <= allowed, "{kib} KiB, {allowed} KiB allowed");

    drop(players);
    let left = status("Threads:") - threads_before;
    assert!(left <= THREADS_BESIDE, "{left} threads are left");
}
