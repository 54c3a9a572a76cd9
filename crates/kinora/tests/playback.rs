//! The SDK with real threads, real decoders and real faults; the clips are made by `ffmpeg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kinora::{
    Code, DecoderChoice, Event, Fault, Player, Secret, SeekAccuracy, Source, Time, VideoReader,
    codes,
};

const LIMIT: Duration = Duration::from_secs(20);

/// One second of pictures with B-frames, and a tone.
fn clip(dir: &Path) -> PathBuf {
    let file = dir.join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=320x180:rate=25:duration=1",
        ])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=duration=1",
            "-c:v",
            "libx264",
            "-bf",
            "2",
            "-g",
            "10",
        ])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
        .arg(&file)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ffmpeg is needed: make setup"
    );
    file
}

/// Plays until it is over; gives all events, or the fault that ended it.
fn play(player: &Player) -> Result<Vec<Event>, Fault> {
    let mut events = Vec::new();
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => return Err(fault),
            Ok(Event::Completion) => return Ok(events),
            Ok(event) => events.push(event),
            Err(_) => panic!("no event within {LIMIT:?} after {events:?}"),
        }
    }
}

/// Plays a file to its end; gives the player and the time of the first picture.
fn played(file: &Path, decoders: DecoderChoice) -> (Player, Option<Time>) {
    let builder = Player::builder().decoders(decoders).autoplay(true);
    let player = builder.build().unwrap();
    player.open(file.display().to_string());
    let first = play(&player).unwrap().iter().find_map(|event| match event {
        Event::FirstFrame { pts } => Some(*pts),
        _ => None,
    });
    (player, first)
}

fn fault_of(url: &str) -> Fault {
    let player = Player::builder().autoplay(true).build().unwrap();
    player.open(url);
    play(&player).unwrap_err()
}

#[test]
fn a_file_plays_to_its_end_with_every_frame_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = clip(dir.path());
    for decoders in [DecoderChoice::Rust, DecoderChoice::Ffmpeg] {
        let (player, first) = played(&file, decoders);
        assert_eq!(first, Some(Time::ZERO), "{decoders:?}");
        player.release(LIMIT).unwrap();
        let stats = player.stats();
        assert_eq!(
            player.output_stats().shown + stats.frames_dropped,
            25,
            "{decoders:?}"
        );
    }
}

#[test]
fn a_duration_known_only_at_the_end_is_found_without_losing_a_packet() {
    let dir = tempfile::tempdir().unwrap();
    let clip = clip(dir.path());
    let file = copied(&clip, "clip.ts", &[]);
    let packets = |looks: bool| {
        let url = file.display().to_string();
        let mut reader = kinora::MediaReader::open(&url, kinora::NetConfig::default()).unwrap();
        let duration = looks.then(|| reader.find_duration().unwrap());
        let next = || reader.next_packet().unwrap().map(|it| (it.pts, it.data));
        (std::iter::from_fn(next).collect::<Vec<_>>(), duration)
    };
    let (as_they_come, _) = packets(false);
    let (after_a_look, duration) = packets(true);
    assert!(as_they_come == after_a_look);
    let off = duration.unwrap().unwrap() - Time::from_millis(1_000);
    assert!(off.abs() < Time::from_millis(60), "{duration:?}");
}

/// The packets of a clip in another file, as it is read with these options.
fn copied(clip: &Path, name: &str, options: &[&str]) -> PathBuf {
    let file = clip.with_file_name(name);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(options)
        .arg("-i")
        .arg(clip)
        .args(["-c", "copy"])
        .arg(&file)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    file
}

#[test]
fn what_an_edit_list_cuts_off_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    // A key frame is at 0.4 s, the first picture that is wanted at 0.52 s: the edit list cuts off what is between.
    let file = copied(&clip(dir.path()), "trimmed.mp4", &["-ss", "0.52"]);
    for decoders in [DecoderChoice::Rust, DecoderChoice::Ffmpeg] {
        let (player, first) = played(&file, decoders);
        assert_eq!(first, Some(Time::ZERO), "{decoders:?}");
        let stats = player.stats();
        assert_eq!(
            stats.frames_shown + stats.frames_dropped,
            12,
            "{decoders:?}"
        );

        let net = kinora::NetConfig::default();
        let url = file.display().to_string();
        let mut reader = VideoReader::open(&url, &net, decoders, 2).unwrap();
        let times = std::iter::from_fn(|| reader.next_frame().unwrap().map(|it| it.pts));
        assert_eq!(times.count(), 12, "{decoders:?}");
    }
}

#[test]
fn an_exact_seek_shows_the_requested_frame() {
    let dir = tempfile::tempdir().unwrap();
    let player = Player::builder().build().unwrap();
    let url = Secret::new(clip(dir.path()).display().to_string());
    player.set_source(Source::Url { url });
    player.seek(Time::from_millis(520), SeekAccuracy::Exact);
    player.prepare();
    let shown = loop {
        match player.next_event(LIMIT) {
            Ok(Event::FirstFrame { pts }) => break pts,
            Ok(Event::Error(fault)) => panic!("{fault}"),
            Ok(_) => {}
            Err(_) => panic!("no picture"),
        }
    };
    assert_eq!(shown, Time::from_millis(520));
}

#[test]
fn both_families_of_decoders_give_the_same_frames() {
    let dir = tempfile::tempdir().unwrap();
    let file = clip(dir.path()).display().to_string();
    let open = |choice| VideoReader::open(&file, kinora::NetConfig::default(), choice, 1).unwrap();
    let (mut rust, mut ffmpeg) = (open(DecoderChoice::Rust), open(DecoderChoice::Ffmpeg));
    for number in 0..25 {
        let (a, b) = (
            rust.next_frame().unwrap().unwrap(),
            ffmpeg.next_frame().unwrap().unwrap(),
        );
        assert_eq!(
            (a.pts, a.width, a.height, a.format),
            (b.pts, b.width, b.height, b.format)
        );
        for plane in 0..3 {
            assert!(
                a.rows(plane).eq(b.rows(plane)),
                "plane {plane} of picture {number}"
            );
        }
    }
    assert!(rust.next_frame().unwrap().is_none() && ffmpeg.next_frame().unwrap().is_none());
}

#[test]
fn what_can_not_be_opened_is_reported_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.mp4");
    std::fs::write(&text, "no media at all").unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let cases: [(String, Code); 5] = [
        (String::new(), codes::ERROR_DATASOURCE_EMPTYURL),
        (
            dir.path().join("absent.mp4").display().to_string(),
            codes::ERROR_GENERAL_ENOENT,
        ),
        (text.display().to_string(), codes::ERROR_DEMUXER_OPENSTREAM),
        (
            "gopher://example.com/film".into(),
            codes::ERROR_NETWORK_UNSUPPORTED,
        ),
        (
            format!("http://127.0.0.1:{port}/film.mp4"),
            codes::ERROR_NETWORK_COULD_NOT_CONNECT,
        ),
    ];
    for (url, code) in cases {
        assert_eq!(fault_of(&url).code(), code, "{url}");
    }
}
