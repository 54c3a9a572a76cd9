//! Outputs to real files: a format that changes on the way, a full disk.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora::output::{Needs, SinkError, Timing, VideoSink, WavFile};
use kinora::{Code, Event, Fault, Player, Time, VideoFrame};
use kinora_test_support::ffmpeg_in;

const LIMIT: Duration = Duration::from_secs(30);

/// A second of a tone of 440 Hz in so many channels, as ADTS.
fn tone(dir: &Path, channels: u16) -> Vec<u8> {
    let file = dir.join(format!("{channels}.aac"));
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("sine=frequency=440:sample_rate=44100:duration=1")
        .args(["-ac", &channels.to_string(), "-c:a", "aac"])
        .arg(&file)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ffmpeg is needed: make setup"
    );
    std::fs::read(file).unwrap()
}

/// One second in mono, then one in stereo.
fn mono_then_stereo(dir: &Path) -> PathBuf {
    let file = dir.join("change.aac");
    std::fs::write(&file, [tone(dir, 1), tone(dir, 2)].concat()).unwrap();
    file
}

/// Plays to the end; gives what was recovered from, and what the release says.
fn play(file: &Path, sink: WavFile) -> (Vec<Fault>, Result<(), Fault>) {
    let player = Player::builder().audio_sink(sink).autoplay(true).build();
    let player = player.unwrap();
    player.open(file.display().to_string());
    let mut recovered = Vec::new();
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Recovered(fault)) => recovered.push(fault),
            Ok(Event::Completion) => break,
            Ok(Event::Error(fault)) => panic!("{fault}"),
            Ok(_) => {}
            Err(_) => panic!("it does not end"),
        }
    }
    (recovered, player.release(LIMIT))
}

#[test]
fn audio_that_changes_its_channels_is_heard_whole_in_a_file_of_one_format() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("x.wav");
    let film = mono_then_stereo(dir.path());
    let (recovered, released) = play(&film, WavFile::create(&wav).unwrap());
    let reasons: Vec<_> = recovered.iter().map(Fault::reason).collect();
    assert_eq!(reasons, ["sink.format_changed"]);
    released.unwrap();
    let bytes = std::fs::read(&wav).unwrap();
    let samples: Vec<i16> = bytes[44..]
        .chunks_exact(2)
        .map(|it| i16::from_le_bytes([it[0], it[1]]))
        .collect();
    assert_eq!(bytes[22], 1, "mono, as it began");
    let seconds = samples.len() as f64 / 44_100.0;
    // Each coder adds its delay at the begin and fills its last frame.
    assert!((1.95..2.2).contains(&seconds), "{seconds} s");
    for half in samples.chunks(samples.len() / 2).take(2) {
        let rises = half.windows(2).filter(|it| it[0] < 0 && it[1] >= 0).count();
        let hz = rises as f64 / (half.len() as f64 / 44_100.0);
        assert!((410.0..450.0).contains(&hz), "{hz} Hz");
    }
}

#[test]
fn a_full_disk_under_the_audio_output_is_reported_and_playback_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let film = mono_then_stereo(dir.path());
    let full = WavFile::create(Path::new("/dev/full")).unwrap();
    let (recovered, released) = play(&film, full);
    let is_full = |fault: &Fault| fault.reason() == "sink.disk_full";
    let full: Vec<_> = recovered.iter().filter(|it| is_full(it)).collect();
    assert_eq!(full.len(), 1, "{recovered:?}");
    assert_eq!(full[0].code(), Code::from_errno(28));
    assert!(is_full(&released.unwrap_err()));
}

/// Notes when it gets each frame, and for when.
struct Screen {
    needs: Needs,
    given: Arc<Mutex<Vec<Timing>>>,
}

impl VideoSink for Screen {
    fn needs(&self) -> Needs {
        self.needs
    }
    fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        unreachable!("a player says when")
    }
    fn present_at(&mut self, _: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        self.given.lock().unwrap().push(timing);
        Ok(())
    }
}

/// Plays a second of video to such a screen; gives how long before it is due each frame but the first came.
fn leads(file: &Path, needs: Needs) -> Vec<Time> {
    let given = Arc::default();
    let screen = Screen {
        needs,
        given: Arc::clone(&given),
    };
    let player = Player::builder().video_sink(screen).autoplay(true).build();
    let player = player.unwrap();
    player.open(file.display().to_string());
    while !matches!(player.next_event(LIMIT).unwrap(), Event::Completion) {}
    player.release(LIMIT).unwrap();
    let given = given.lock().unwrap();
    given.iter().skip(1).map(|it| it.due - it.now).collect()
}

#[test]
fn frames_come_ahead_of_time_where_the_screen_wants_them_so_and_else_when_they_are_due() {
    let dir = tempfile::tempdir().unwrap();
    let words =
        "-f lavfi -i testsrc=size=96x54:rate=50:duration=1 -c:v libx264 -pix_fmt yuv420p film.mp4";
    ffmpeg_in(dir.path(), words);
    let film = dir.path().join("film.mp4");
    let when_due = leads(&film, Needs::default());
    assert!(!when_due.is_empty());
    assert!(
        when_due.iter().all(|lead| *lead <= Time::ZERO),
        "{when_due:?}"
    );
    let ahead = leads(&film, Needs::frames_ahead(Time::from_millis(60)));
    let most = ahead.iter().max().copied().unwrap();
    assert!(
        most > Time::ZERO && most <= Time::from_millis(60),
        "{ahead:?}"
    );
}
