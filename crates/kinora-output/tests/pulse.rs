//! A sink at a device of PulseAudio: what its monitor hears.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use kinora_media::Time;
use kinora_output::*;
use kinora_test_support::sound::{RATE, Recording, SoundServer};

const LIMIT: Duration = Duration::from_secs(30);
const FORMAT: AudioFormat = AudioFormat {
    sample_rate: RATE as u32,
    channels: 2,
};

/// Feeds a sink in real time.
struct Playing {
    sink: DeviceAudio,
    zero: Instant,
    queued: usize,
    volume: f32,
}

fn wave(at: usize) -> f32 {
    (at as f32 * std::f32::consts::TAU * 440.0 / RATE as f32).sin() * 0.5
}

fn tone(samples: std::ops::Range<usize>) -> Vec<f32> {
    samples.flat_map(|at| [wave(at); 2]).collect()
}

impl Playing {
    fn start(server: &SoundServer) -> Self {
        let mut sink = DeviceAudio::pulse(Some(&server.socket()), None);
        sink.configure(FORMAT).unwrap();
        let Some(SinkNews::Device(device)) = sink.news() else {
            panic!("no device was told");
        };
        assert_eq!((device.system, device.name.as_str()), ("pulse", "desk"));
        Self {
            sink,
            zero: Instant::now(),
            queued: 0,
            volume: 1.0,
        }
    }

    fn now(&self) -> Time {
        Time::from(self.zero.elapsed())
    }

    /// Queues the tone as far as a third of a second ahead, until so many samples of a channel were heard.
    fn until(&mut self, count: usize) {
        let since = Instant::now();
        loop {
            let now = self.now();
            let played = self.sink.played(now) as usize;
            let until = played + RATE / 3;
            if until > self.queued {
                let mut samples = tone(self.queued..until);
                samples.iter_mut().for_each(|it| *it *= self.volume);
                self.sink.queue(now, &samples).unwrap();
                self.queued = until;
            }
            if played >= count {
                return;
            }
            assert!(since.elapsed() < LIMIT, "{played} of {count} were heard");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// Where sound begins and ends, with how long it lasts at least so: in samples of the recording.
fn sounds(samples: &[f32]) -> Vec<std::ops::Range<usize>> {
    let mut sounds: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in samples.iter().enumerate().filter(|(_, it)| it.abs() > 1e-4) {
        match sounds.last_mut() {
            Some(last) if at < last.end + RATE / 100 => last.end = at + 1,
            _ => sounds.push(at..at + 1),
        }
    }
    sounds
}

/// Steps from one sample to the next that the tone itself does not make.
fn clicks(samples: &[f32]) -> Vec<(usize, [f32; 2])> {
    let pairs = samples
        .windows(2)
        .map(|pair| [pair[0], pair[1]])
        .enumerate();
    pairs.filter(|(_, [a, b])| (a - b).abs() > 0.035).collect()
}

#[test]
fn the_device_plays_in_the_time_that_it_tells_and_pauses_jumps_and_changes_do_not_click() {
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = SoundServer::start(dir.path()) else {
        return;
    };
    let _desk = server.plug_in("desk");
    let recording = Recording::start(&server, "desk");
    let mut playing = Playing::start(&server);
    playing.until(0);
    let now = playing.now();
    playing.sink.run(now);
    // It tells when the first sample is heard.
    playing.until(RATE / 5);
    let (at, now) = (Instant::now(), playing.now());
    let played = playing.sink.played(now);
    let told = at - Duration::from_secs_f64(played as f64 / RATE as f64);
    playing.until(RATE / 2);
    // Half as loud, from where that can still be changed.
    let now = playing.now();
    let kept = playing.sink.take_back(now).unwrap() as usize;
    assert!(kept < playing.queued - RATE / 10, "it takes back most");
    let softer = tone(kept..playing.queued).into_iter().enumerate();
    let softer: Vec<f32> = softer
        .map(|(at, it)| it * (1.0 - at as f32 / 960.0).max(0.5))
        .collect();
    playing.sink.queue(now, &softer).unwrap();
    playing.volume = 0.5;
    playing.until(RATE);
    let now = playing.now();
    playing.sink.hold(now);
    let held = playing.sink.played(now);
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(400) {
        let now = playing.now();
        assert_eq!(playing.sink.played(now), held, "it stands");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let now = playing.now();
    playing.sink.run(now);
    playing.until(RATE * 3 / 2);
    let now = playing.now();
    playing.sink.flush(now);
    playing.queued = 0;
    playing.until(RATE / 2);
    let now = playing.now();
    playing.sink.hold(now);
    playing.sink.finish().unwrap();
    assert!(playing.sink.news().is_none(), "nothing was lost on the way");
    let (samples, when) = recording.timeline();
    let sounds = sounds(&samples);
    let begin = when(sounds[0].start);
    let off = begin.max(told).duration_since(begin.min(told));
    assert!(off < Duration::from_millis(20), "it is heard {off:?} off");
    // Where sound begins the server renders anew what the monitor had heard as silence: that part of the slope is not heard there.
    let begins = |at: usize| sounds.iter().any(|sound| sound.start == at + 1);
    let mut clicks = clicks(&samples);
    clicks.retain(|(at, _)| !begins(*at));
    assert!(clicks.is_empty(), "clicks at {clicks:?} in {sounds:?}");
    // The pause is silence; where it went on, what was heard last is heard again for no longer than a device holds.
    let pause = sounds
        .iter()
        .zip(&sounds[1..])
        .map(|(a, b)| b.start - a.end)
        .max();
    assert!(pause.is_some_and(|it| it > RATE / 4), "{sounds:?}");
}
