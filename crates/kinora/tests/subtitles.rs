//! Cues and the frames on which they lie, from files as `ffmpeg` makes them to the sink.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora::output::{Needs, ShownCues, SinkError, VideoSink};
use kinora::subtitle::Bitmap;
use kinora::{Event, FIRST_EXTERNAL_SUBTITLE, Player, TrackKind, VideoFrame};

const LIMIT: Duration = Duration::from_secs(20);

/// Notes each frame's time in milliseconds with what lies on it.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<(i64, ShownCues)>>>, Option<ShownCues>);

/// The same of a sink that draws cues.
struct Drawing(Noted);

impl VideoSink for Drawing {
    fn needs(&self) -> Needs {
        Needs::drawing_cues()
    }
    fn set_cues(&mut self, cues: &ShownCues) {
        self.0.set_cues(cues);
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.0.present(frame)
    }
}

impl VideoSink for Noted {
    fn set_cues(&mut self, cues: &ShownCues) {
        self.1 = Some(ShownCues::clone(cues));
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let cues = self.1.clone().unwrap_or_default();
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
    played_to(noted.clone(), file, external);
    std::mem::take(&mut *noted.0.lock().unwrap())
}

fn played_to(sink: impl VideoSink + 'static, file: &Path, external: Option<&Path>) {
    let player = Player::builder().video_sink(sink).build().unwrap();
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
        let color = bitmap.color(&bitmap.pixels.unpacked(), x, y);
        let least = [color.red, color.green, color.blue, color.alpha];
        assert!(least.iter().all(|level| *level > 240), "{name}: {color:?}");
        assert!(
            bitmap.width <= 24 && bitmap.height <= 16,
            "{name}: {bitmap:?}"
        );
        assert_eq!(
            bitmap
                .color(&bitmap.pixels.unpacked(), bitmap.width, 0)
                .alpha,
            0,
            "{name}"
        );
    }
}

/// Every kind of file that can lie beside a film shows its cue from 0.4 s to 1.2 s, on the frames of that time and on no other.
#[test]
fn cues_of_every_format_lie_on_the_frames_of_their_interval() {
    let dir = tempfile::tempdir().unwrap();
    let film = clip(dir.path());
    let texts = [
        ("a.srt", "1\n00:00:00,400 --> 00:00:01,200\nHi\n"),
        ("a.vtt", "WEBVTT\n\n00:00.400 --> 00:01.200\nHi\n"),
        (
            "a.ass",
            "[Script Info]\n[Events]\nDialogue: 0,0:00:00.40,0:00:01.20,Default,,0,0,0,,Hi\n",
        ),
        (
            "a.ttml",
            "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div><p begin=\"0.4s\" end=\"1.2s\">Hi</p></div></body></tt>",
        ),
        ("a.sub", "{1}{1}25\n{10}{30}Hi\n"),
    ];
    for (name, text) in texts {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        assert_on_time(name, &played(&film, Some(&file)), 400, 1_200);
        // And as a track within.
        for container in ["mkv", "mp4"]
            .iter()
            .filter(|_| name != "a.ttml" && name != "a.sub")
        {
            let within = dir.path().join(format!("{name}.{container}"));
            let (film, file) = (film.display().to_string(), file.display().to_string());
            let codec = if *container == "mp4" {
                "mov_text"
            } else {
                "copy"
            };
            let arguments = [
                "-i", &film, "-i", &file, "-map", "0:v", "-map", "1:s", "-c:v", "copy", "-c:s",
                codec,
            ];
            ffmpeg(&arguments, &within);
            assert_on_time(
                &within.display().to_string(),
                &played(&within, None),
                400,
                1_200,
            );
        }
    }
    assert_on_time("a.sup", &played(&film, Some(&sup(dir.path()))), 0, 1_000);
}

#[track_caller]
fn assert_on_time(name: &str, frames: &[(i64, ShownCues)], from: i64, to: i64) {
    assert!(frames.len() > 40, "{name}: {} frames", frames.len());
    for (at, cues) in frames {
        let is_shown = !cues.is_empty();
        assert_eq!(is_shown, (from..to).contains(at), "{name}: {at} ms");
    }
}

#[test]
fn fonts_of_a_matroska_file_come_with_its_script_to_a_sink_that_draws() {
    let dir = tempfile::tempdir().unwrap();
    let film = clip(dir.path()).display().to_string();
    let (script, font) = (dir.path().join("a.ass"), dir.path().join("a.ttf"));
    let text = "[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.80,Default,,0,0,0,,Hi\n";
    std::fs::write(&script, text).unwrap();
    // Nobody here looks into it: it need not be one.
    let letters: Vec<u8> = (0..100_000_u32).map(|n| n.to_be_bytes()[2]).collect();
    std::fs::write(&font, &letters).unwrap();
    let (script, font) = (script.display().to_string(), font.display().to_string());
    let file = dir.path().join("a.mkv");
    let arguments = [
        "-i",
        &film,
        "-i",
        &script,
        "-c",
        "copy",
        "-attach",
        &font,
        "-metadata:s:t",
        "mimetype=application/x-truetype-font",
    ];
    ffmpeg(&arguments, &file);
    let noted = Noted::default();
    played_to(Drawing(noted.clone()), &file, None);
    let frames = std::mem::take(&mut *noted.0.lock().unwrap());
    let (_, last) = frames.iter().rfind(|(_, cues)| !cues.is_empty()).unwrap();
    let [only] = &last.fonts()[..] else {
        panic!("{last:?}")
    };
    assert_eq!(only[..], letters);
    // Who draws nothing is sent nothing.
    let plain = played(&file, None);
    assert!(plain.iter().any(|(_, cues)| !cues.is_empty()));
    assert!(plain.iter().all(|(_, cues)| cues.fonts().is_empty()));
}

#[test]
fn an_index_of_vobsub_brings_its_pictures_from_the_file_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let film = clip(dir.path());
    let (index, stream) = vobsub(dir.path());
    for file in [&index, &stream] {
        let frames = played(&film, Some(file));
        assert_on_time(&file.display().to_string(), &frames, 400, 1_424);
    }
}

/// A picture of 4x2 pixels from 0.4 s on, for 1.024 s.
fn vobsub(dir: &Path) -> (PathBuf, PathBuf) {
    let (index, stream) = (dir.join("film.idx"), dir.join("film.sub"));
    let text = "# VobSub index file, v7 (do not modify this line!)\nsize: 720x480\n\
        palette: 000000, ffffff, ff0000, 00ff00\nid: en, index: 0\n\
        timestamp: 00:00:00:400, filepos: 000000000\n";
    std::fs::write(&index, text).unwrap();
    // Its length and where its commands begin; its lines: to their end of colour 1.
    let mut picture = vec![0, 0, 0, 6, 0, 1];
    // Commands at once: it is shown, its colours, its place and its lines; where the next ones are is told below.
    picture.extend([0, 0, 0, 0]);
    let commands = [
        1, 3, 0x32, 0x10, 4, 0xff, 0xff, 5, 1, 0, 0x13, 2, 0, 0x21, 6, 0, 4, 0, 4, 0xff,
    ];
    picture.extend(commands);
    let last = u16::try_from(picture.len()).unwrap();
    picture[8..10].copy_from_slice(&last.to_be_bytes());
    // After 90 units of 1024 / 90000 s it goes; no other commands follow.
    picture.extend([0, 90]);
    picture.extend(last.to_be_bytes());
    picture.extend([2, 0xff]);
    let length = u16::try_from(picture.len()).unwrap();
    picture[..2].copy_from_slice(&length.to_be_bytes());
    let packet = u16::try_from(picture.len() + 4).unwrap();
    let bytes = [
        &[0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8][..],
        &[0, 0, 1, 0xbd],
        &packet.to_be_bytes(),
        &[0x81, 0, 0, 0x20],
        &picture,
    ];
    std::fs::write(&stream, bytes.concat()).unwrap();
    (index, stream)
}
