//! The examples do what they say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../examples/async_events.rs"]
mod async_events;
#[path = "../examples/custom_sink.rs"]
mod custom_sink;
#[path = "../examples/pull_frames.rs"]
mod pull_frames;

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use kinora::{Time, codes};
use kinora_test_support::ffmpeg_in;

/// Two seconds, black and then white, with a tone.
fn clip(dir: &Path) -> String {
    ffmpeg_in(
        dir,
        "-f lavfi -i color=black:size=64x48:rate=10:duration=1 -f lavfi -i color=white:size=64x48:rate=10:duration=1 \
         -f lavfi -i sine=sample_rate=48000:duration=2 -filter_complex [0][1]concat=n=2[v] -map [v] -map 2:a \
         -c:v libx264 -pix_fmt yuv420p -c:a aac clip.mp4",
    );
    dir.join("clip.mp4").display().to_string()
}

/// What is written can be looked at later.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_custom_sink_is_pushed_each_picture_with_its_planes() {
    let dir = tempfile::tempdir().unwrap();
    let page = Page::default();
    custom_sink::measure(&clip(dir.path()), page.clone()).unwrap();
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    let bright: Vec<u64> = text
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(bright.len() > 10, "{text}");
    assert!(bright[0] < 20 && bright[bright.len() - 1] > 230, "{text}");
}

#[test]
fn pictures_and_sound_of_a_second_are_pulled() {
    let dir = tempfile::tempdir().unwrap();
    let mut page = Vec::new();
    pull_frames::pull(&clip(dir.path()), Time::from_millis(500), &mut page).unwrap();
    let text = String::from_utf8(page).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 11, "{text}");
    assert!(lines[0].ends_with("64x48 [3072, 768, 768]"), "{text}");
    let samples: u64 = lines[10].split(' ').next().unwrap().parse().unwrap();
    assert!(samples.abs_diff(48_000) < 1_024, "{text}");
}

#[test]
fn events_are_awaited_to_the_end_or_to_the_error() {
    let dir = tempfile::tempdir().unwrap();
    let clip = clip(dir.path());
    let shown = async_events::block_on(async_events::play(&clip)).unwrap();
    assert!((1..=20).contains(&shown), "{shown}");
    let nowhere = dir.path().join("nowhere.mp4").display().to_string();
    let fault = async_events::block_on(async_events::play(&nowhere)).unwrap_err();
    assert_eq!(fault.code(), codes::ERROR_GENERAL_ENOENT);
}
