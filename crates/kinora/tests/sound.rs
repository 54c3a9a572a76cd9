//! Sound at a real device: a PulseAudio server of the test's own with a null sink, whose monitor is recorded. A film of beeps at
//! whole seconds tells by ear what time it is; pictures tell by eye.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use kinora::output::{DeviceAudio, SinkError, Timing, VideoSink};
use kinora::{Event, Player, SeekAccuracy, Time, VideoFrame};
use kinora_test_support::ffmpeg_in;
use kinora_test_support::sound::{Recording, SoundServer};

const LIMIT: Duration = Duration::from_secs(30);
/// How far sound may be off the picture.
const SYNC: Duration = Duration::from_millis(20);

/// Tells when pictures were shown.
struct Shown(Sender<(Instant, Time)>);

impl VideoSink for Shown {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        // Nobody looks any more at the end.
        let _ = self.0.send((Instant::now(), frame.pts));
        Ok(())
    }
    fn present_at(&mut self, frame: &VideoFrame, timing: Timing) -> Result<(), SinkError> {
        let late = (timing.now - timing.due).max(Time::ZERO).to_duration();
        let _ = self.0.send((Instant::now() - late, frame.pts));
        Ok(())
    }
}

/// Twelve seconds; each begins with 100 ms of a tone.
fn film(dir: &Path) -> String {
    ffmpeg_in(
        dir,
        "-f lavfi -i testsrc=size=160x120:rate=25:duration=12 \
         -f lavfi -i aevalsrc=0.6*sin(2*PI*880*t)*lt(mod(t\\,1)\\,0.1):s=48000:d=12 \
         -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a pcm_s16le film.mov",
    );
    dir.join("film.mov").display().to_string()
}

struct Stage {
    server: SoundServer,
    /// Its devices; the first is the default.
    first: String,
    second: String,
    player: Player,
    pictures: Receiver<(Instant, Time)>,
    seen: Vec<(Instant, Time)>,
    events: Vec<Event>,
    _dir: tempfile::TempDir,
}

impl Stage {
    fn set() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let server = SoundServer::start(dir.path())?;
        let first = server.plug_in("first");
        let second = server.plug_in("second");
        let film = film(dir.path());
        let (shows, pictures) = channel();
        let player = Player::builder()
            .video_sink(Shown(shows))
            .audio_sink(DeviceAudio::pulse(Some(&server.socket()), None))
            .autoplay(true)
            .build()
            .unwrap();
        player.open(film);
        Some(Self {
            server,
            first,
            second,
            player,
            pictures,
            seen: Vec::new(),
            events: Vec::new(),
            _dir: dir,
        })
    }

    /// Waits for a picture of a time or later.
    fn until(&mut self, pts: i64) {
        let pts = Time::from_millis(pts);
        loop {
            let picture = self.pictures.recv_timeout(LIMIT).expect("pictures go on");
            self.seen.push(picture);
            if picture.1 >= pts {
                break;
            }
        }
        while let Ok(event) = self.player.try_next_event() {
            assert!(!matches!(event, Event::Error(_)), "{event:?}");
            self.events.push(event);
        }
    }

    fn seek(&mut self, to: i64) {
        let to = Time::from_millis(to);
        self.player.seek(to, SeekAccuracy::Exact);
        // Pictures of before are none of after; the one on screen at that time began a little before it.
        let begins = to - Time::from_millis(40);
        while self
            .pictures
            .recv_timeout(LIMIT)
            .expect("the seek's picture")
            .1
            < begins
        {}
    }

    /// Every picture of a whole second, from one on, has its beep.
    fn assert_in_time(&self, beeps: &[Instant], from: usize, allowed: Duration) {
        let seconds = self.seen[from..]
            .iter()
            .filter(|(_, pts)| pts.as_millis() % 1_000 == 0);
        let mut count = 0;
        for (at, pts) in seconds {
            let off = beeps
                .iter()
                .map(|beep| beep.max(at).duration_since(*beep.min(at)));
            let off = off.min().unwrap_or(LIMIT);
            assert!(off <= allowed, "the beep of {pts} is {off:?} off");
            count += 1;
        }
        assert!(count > 0, "no second was seen");
    }
}

#[test]
fn sound_is_in_time_with_the_picture_over_a_pause_a_seek_and_another_speed() {
    let Some(mut stage) = Stage::set() else {
        return;
    };
    let recording = Recording::start(&stage.server, "first");
    stage.until(2_200);
    stage.player.pause();
    wait_for_pause(&stage.player);
    stage.player.start();
    stage.until(3_300);
    let before_seek = stage.seen.len();
    stage.seek(6_500);
    stage.until(7_400);
    let before_speed = stage.seen.len();
    stage.player.set_speed(1.5);
    stage.until(9_300);
    stage.player.set_speed(1.0);
    stage.until(11_300);
    let beeps = recording.beeps();
    assert!(beeps.len() >= 7, "{}", beeps.len());
    // The recorder may begin after the first beep.
    stage.assert_in_time(&beeps, 13, SYNC);
    stage.assert_in_time(&beeps, before_seek, SYNC);
    stage.assert_in_time(&beeps, before_speed, SYNC);
}

fn wait_for_pause(player: &Player) {
    loop {
        let event = player.next_event(LIMIT).expect("the pause");
        if matches!(
            event,
            Event::StateChanged {
                new: kinora::State::Paused,
                ..
            }
        ) {
            return;
        }
    }
}

fn is_at(event: &Event, device: &str) -> bool {
    matches!(event, Event::AudioDevice { name, .. } if name == device)
}

/// It was taken away, and no other one is there.
fn is_lost(event: &Event) -> bool {
    let reasons = ["sink.device_lost", "sink.no_device"];
    matches!(event, Event::Recovered(fault) if reasons.contains(&fault.reason()))
}

#[test]
fn a_device_that_is_pulled_out_leaves_the_clock_running_and_sound_goes_on_at_the_next() {
    let Some(mut stage) = Stage::set() else {
        return;
    };
    let recording = Recording::start(&stage.server, "second");
    stage.until(1_500);
    assert!(
        stage.events.iter().any(|event| is_at(event, "first")),
        "{:?}",
        stage.events
    );
    stage.server.pull_out(&stage.first);
    let moved = stage.seen.len();
    stage.until(4_300);
    assert!(
        stage.events.iter().any(|event| is_at(event, "second")),
        "{:?}",
        stage.events
    );
    stage.assert_in_time(&recording.beeps(), moved + 20, SYNC);
    drop(recording);
    // The last one goes too.
    stage.server.pull_out(&stage.second);
    let (silent_at, silent) = (Instant::now(), stage.seen.last().unwrap().1);
    stage.until(6_300);
    let film = (stage.seen.last().unwrap().1 - silent).as_secs_f64();
    let pace = film / silent_at.elapsed().as_secs_f64();
    assert!((pace - 1.0).abs() < 0.2, "the clock ran at {pace}");
    assert!(stage.events.iter().any(is_lost), "{:?}", stage.events);
    let _ = stage.server.plug_in("third");
    let recording = Recording::start(&stage.server, "third");
    stage.until(8_500);
    assert!(
        stage.events.iter().any(|event| is_at(event, "third")),
        "{:?}",
        stage.events
    );
    let back = stage.seen.len();
    stage.until(11_300);
    stage.assert_in_time(&recording.beeps(), back, SYNC);
}

#[test]
fn a_sound_server_that_dies_leaves_the_clock_running_and_sound_comes_back_with_it() {
    let Some(mut stage) = Stage::set() else {
        return;
    };
    stage.until(2_300);
    stage.server.kill();
    let (silent_at, silent) = (Instant::now(), stage.seen.last().unwrap().1);
    stage.until(5_300);
    let film = (stage.seen.last().unwrap().1 - silent).as_secs_f64();
    let pace = film / silent_at.elapsed().as_secs_f64();
    assert!((pace - 1.0).abs() < 0.2, "the clock ran at {pace}");
    assert!(stage.events.iter().any(is_lost), "{:?}", stage.events);
    stage.server.start_again();
    let _ = stage.server.plug_in("first");
    let recording = Recording::start(&stage.server, "first");
    stage.until(8_500);
    let back = stage.seen.len();
    stage.until(11_300);
    stage.assert_in_time(&recording.beeps(), back, SYNC);
}
