//! Files that libavformat reads, through the SDK: the clips are made by `ffmpeg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora::{
    DecoderChoice, DemuxerChoice, Event, MediaReader, Player, ReadOptions, SeekAccuracy, State,
    Time, VideoReader, replay,
};
use kinora_test_support::ffmpeg_in;

const LIMIT: Duration = Duration::from_secs(30);

/// Two seconds of pictures with B-frames, and a tone.
fn clip(folder: &Path, name: &str, words: &str) -> PathBuf {
    let source = "-f lavfi -i testsrc=s=160x120:r=25:d=2 -f lavfi -i sine=r=44100:d=2";
    ffmpeg_in(folder, &format!("{source} {words} {name}"));
    folder.join(name)
}

fn avi(folder: &Path) -> PathBuf {
    clip(folder, "clip.avi", "-c:v mpeg4 -bf 2 -g 10 -c:a libmp3lame")
}

fn next(player: &Player) -> Event {
    player.next_event(LIMIT).expect("an event in time")
}

#[test]
fn an_avi_plays_to_its_end_and_its_recording_replays_without_libavformat() {
    let folder = tempfile::tempdir().unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let sink = Box::new(move |line: &kinora::JsonValue| written.lock().unwrap().push(line.clone()));
    let player = Player::builder()
        .autoplay(true)
        .record(sink)
        .build()
        .unwrap();
    player.open(avi(folder.path()).display().to_string());
    let (mut first, mut info) = (None, None);
    loop {
        match next(&player) {
            Event::Prepared(told) => info = Some(told),
            Event::FirstFrame { pts } => first = Some(pts),
            Event::Completion => break,
            Event::Error(fault) => panic!("{fault}"),
            _ => {}
        }
    }
    assert_eq!(first, Some(Time::ZERO));
    let info = info.unwrap();
    assert_eq!((info.container, info.seekable), ("avi", true));
    player.release(LIMIT).unwrap();
    let stats = player.stats();
    assert_eq!(player.output_stats().shown + stats.frames_dropped, 50);
    let lines = lines.lock().unwrap().clone();
    assert_eq!(replay(lines.into_iter()).unwrap().difference, None);
}

#[test]
fn an_exact_seek_in_an_avi_shows_the_picture_of_that_time() {
    let folder = tempfile::tempdir().unwrap();
    let player = Player::builder().build().unwrap();
    player.open(avi(folder.path()).display().to_string());
    while player.state() != State::Prepared {
        next(&player);
    }
    for millis in [1_240, 400, 1_800] {
        player.seek(Time::from_millis(millis), SeekAccuracy::Exact);
        let pts = loop {
            match next(&player) {
                Event::SeekEnd { pts, .. } => break pts,
                Event::Error(fault) => panic!("{fault}"),
                _ => {}
            }
        };
        assert_eq!(pts, Time::from_millis(millis));
    }
    player.release(LIMIT).unwrap();
}

#[test]
fn pictures_of_many_containers_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in [
        ("a.avi", "-c:v mpeg4 -bf 2 -g 10 -c:a libmp3lame"),
        ("b.avi", "-c:v libx264 -bf 3 -g 25 -an"),
        ("c.wmv", "-c:v wmv2 -c:a wmav2"),
        ("d.mxf", "-c:v mpeg2video -bf 2 -c:a pcm_s16le -ar 48000"),
        ("e.nut", "-c:v libx264 -bf 2 -c:a aac"),
        ("f.mpg", "-c:v mpeg2video -bf 2 -c:a mp2"),
    ] {
        let file = clip(folder.path(), name, words).display().to_string();
        let mut reader =
            VideoReader::open(&file, ReadOptions::default(), DecoderChoice::Ffmpeg, 2).unwrap();
        let mut times = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            times.push(frame.pts);
        }
        assert_eq!(times.len(), 50, "{name}");
        let even = |pair: &[Time]| {
            (pair[1] - pair[0] - Time::from_millis(40)).abs() < Time::from_millis(2)
        };
        assert!(times.windows(2).all(even), "{name}: {times:?}");
    }
}

#[test]
fn the_choice_of_demuxers_is_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let read = |file: &Path, demuxers| {
        let options = ReadOptions {
            demuxers,
            ..ReadOptions::default()
        };
        let file = file.display().to_string();
        MediaReader::open(&file, options).map(|reader| reader.info().container)
    };
    let (avi, ts) = (
        avi(folder.path()),
        clip(folder.path(), "a.ts", "-c:v mpeg2video -an"),
    );
    let refused = read(&avi, DemuxerChoice::Kinora).unwrap_err();
    assert_eq!(refused.reason(), "container.unknown");
    assert_eq!(read(&avi, DemuxerChoice::Auto).unwrap(), "avi");
    assert_eq!(read(&ts, DemuxerChoice::Ffmpeg).unwrap(), "ts");
}
