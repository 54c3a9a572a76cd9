//! Cues and the frames on which they lie, from files as `ffmpeg` makes them to the sink.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora::output::{ShownCues, SinkError, VideoSink};
use kinora::subtitle::Bitmap;
use kinora::{Event, FIRST_EXTERNAL_SUBTITLE, Player, TrackKind, VideoFrame};

const LIMIT: Duration = Duration::from_secs(20);

/// Notes each frame's time in milliseconds with what lies on it.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<(i64, ShownCues)>>>, Option<ShownCues>);

impl VideoSink for Noted {
    fn set_cues(&mut self, cues: &ShownCues) {
        self.1 = Some(ShownCues::clone(cues));
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let cues = self.1.clone().unwrap_or_else(|| [].into());
        let note = (frame.pts.as_millis(), cues);
        self.0.lock().unwrap().push(note);
        Ok(())
    }
}

fn ffmpeg(arguments: &[&str], file: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .arg(file)
        .status();
    let made = made.is_ok_and(|status| status.success());
    assert!(made, "ffmpeg is needed: make setup");
}

/// Two seconds of pictures.
fn clip(dir: &Path) -> PathBuf {
    let file = dir.join("clip.mp4");
    let source = "testsrc=size=320x180:rate=25:duration=2";
    let coding = ["-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p"];
    ffmpeg(
        &[&["-f", "lavfi", "-i", source][..], &coding].concat(),
        &file,
    );
    file
}

fn segment(kind: u8, pts: u32, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let times = [pts.to_be_bytes(), [0; 4]].concat();
    [b"PG", &times[..], &[kind], &length, body].concat()
}

/// A file of PGS: 16x8 pixels of white at (160, 140) of 320x180, from 0 to 1 s.
fn sup(dir: &Path) -> PathBuf {
    let file = dir.join("clip.sup");
    let composition = |state, count| vec![1, 64, 0, 180, 0x10, 0, state, state, 0, 0, count];
    let shown = [composition(0x80, 1), vec![0, 0, 0, 0, 0, 160, 0, 140]].concat();
    let line = [0, 0x80 | 16, 1, 0, 0];
    let object = [
        &[0, 0, 0, 0xc0, 0, 0, 4 + 40, 0, 16, 0, 8][..],
        &line.repeat(8),
    ]
    .concat();
    let window = [1, 0, 0, 160, 0, 140, 0, 16, 0, 8];
    let bytes = [
        segment(0x16, 0, &shown),
        segment(0x17, 0, &window),
        segment(0x14, 0, &[0, 0, 1, 235, 128, 128, 255]),
        segment(0x15, 0, &object),
        segment(0x80, 0, &[]),
        segment(0x16, 90_000, &composition(0, 0)),
        segment(0x17, 90_000, &window),
        segment(0x80, 90_000, &[]),
    ];
    std::fs::write(&file, bytes.concat()).unwrap();
    file
}

/// Plays a file to its end, with its own subtitles and others beside it.
fn played(file: &Path, external: Option<&Path>) -> Vec<(i64, ShownCues)> {
    let noted = Noted::default();
    let player = Player::builder().video_sink(noted.clone()).build().unwrap();
    player.open(file.display().to_string());
    if let Some(external) = external {
        player.add_external_subtitle(external.display().to_string());
        player.select_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
    }
    let mut awaited = 1 + usize::from(external.is_some());
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Prepared(_) | Event::SubtitleAdded { .. }) => {
                awaited -= 1;
                let tracks = player.tracks().unwrap_or_else(|| [].into());
                let own = tracks
                    .iter()
                    .find(|track| track.kind == TrackKind::Subtitle);
                if let Some(own) = own {
                    player.select_subtitle(own.index, true);
                }
                if awaited == 0 {
                    player.start();
                }
            }
            Ok(Event::Completion) => break,
            Ok(Event::Error(fault)) => panic!("{fault}"),
            Ok(Event::CommandRefused { command, refusal }) => panic!("{command:?}: {refusal:?}"),
            Ok(_) => {}
            Err(_) => panic!("no event within {LIMIT:?}"),
        }
    }
    player.release(LIMIT).unwrap();
    std::mem::take(&mut *noted.0.lock().unwrap())
}

#[test]
fn a_cue_comes_with_the_frames_of_its_interval() {
    let dir = tempfile::tempdir().unwrap();
    let srt = dir.path().join("clip.srt");
    let text = "1\n00:00:00,400 --> 00:00:01,200\n你好\n\n2\n00:00:01,200 --> 00:00:01,600\nend\n";
    std::fs::write(&srt, text).unwrap();
    let frames = played(&clip(dir.path()), Some(&srt));
    assert!(frames.len() > 40, "{}", frames.len());
    for (at, cues) in frames {
        let texts: String = cues.iter().map(|cue| cue.text()).collect();
        let expected = match at {
            400..1_200 => "你好",
            1_200..1_600 => "end",
            _ => "",
        };
        assert_eq!(texts, expected, "{at}");
    }
}

/// The bitmaps that lie on frames before one second, and on those after.
fn bitmaps(file: &Path) -> [Vec<Bitmap>; 2] {
    let frames = played(file, None);
    let on = |at: i64| {
        let cues = frames
            .iter()
            .rfind(|(pts, _)| *pts <= at)
            .map(|(_, cues)| cues);
        let bitmaps = cues.into_iter().flat_map(|cues| cues.iter());
        bitmaps.flat_map(|cue| cue.bitmaps.clone()).collect()
    };
    [on(600), on(1_600)]
}

#[test]
fn bitmap_subtitles_of_discs_and_broadcasts_come_with_their_frames() {
    let dir = tempfile::tempdir().unwrap();
    let (clip, sup) = (clip(dir.path()), sup(dir.path()));
    let [clip, sup] = [&clip, &sup].map(|file| file.to_str().unwrap());
    let inputs = [
        "-i",
        clip,
        "-fix_sub_duration",
        "-i",
        sup,
        "-map",
        "0:v",
        "-map",
        "1:s",
        "-c",
        "copy",
    ];
    for (name, coding) in [
        ("pgs.mkv", "copy"),
        ("pgs.m2ts", "copy"),
        ("vobsub.mkv", "dvdsub"),
        ("vobsub.mp4", "dvdsub"),
        ("dvb.ts", "dvbsub"),
        ("dvb.mkv", "dvbsub"),
    ] {
        let file = dir.path().join(name);
        ffmpeg(&[&inputs[..], &["-c:s", coding]].concat(), &file);
        let [shown, after] = bitmaps(&file);
        assert_eq!(after, [], "{name}");
        let [bitmap] = &shown[..] else {
            panic!("{name}: {shown:?}");
        };
        // Encoders may add a border.
        let (x, y) = (168 - bitmap.x, 144 - bitmap.y);
        let color = bitmap.color(x, y);
        let least = [color.red, color.green, color.blue, color.alpha];
        assert!(least.iter().all(|level| *level > 240), "{name}: {color:?}");
        assert!(
            bitmap.width <= 24 && bitmap.height <= 16,
            "{name}: {bitmap:?}"
        );
        assert_eq!(bitmap.color(bitmap.width, 0).alpha, 0, "{name}");
    }
}
