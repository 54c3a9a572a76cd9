use std::sync::{Mutex, MutexGuard};

use super::*;

const FORMAT: AudioFormat = AudioFormat {
    sample_rate: 1_000,
    channels: 1,
};

/// What was done to a device, whose place the test sets.
#[derive(Default)]
struct Desk {
    samples: Vec<f32>,
    next: usize,
    heard: i64,
    fixed: u64,
    running: bool,
    is_broken: bool,
    opened: usize,
}

#[derive(Clone, Default)]
struct Script(Arc<Mutex<Desk>>);

impl Script {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap()
    }

    fn at(&self, heard: i64, fixed: u64) {
        let mut desk = self.desk();
        (desk.heard, desk.fixed) = (heard, fixed);
    }

    fn act<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> Result<T, DeviceFailure> {
        let mut desk = self.desk();
        match desk.is_broken {
            true => Err(DeviceFailure::Lost("it was pulled out".into())),
            false => Ok(act(&mut desk)),
        }
    }
}

impl Device for Script {
    fn configure(&mut self, _: AudioFormat) -> Result<(), DeviceFailure> {
        self.act(|desk| {
            desk.samples.clear();
            (desk.next, desk.heard, desk.fixed, desk.running) = (0, 0, 0, false);
        })
    }
    fn name(&mut self) -> Result<AudioDevice, DeviceFailure> {
        self.act(|desk| AudioDevice {
            system: "script",
            name: desk.opened.to_string(),
            description: String::new(),
            is_default: true,
        })
    }
    fn write(&mut self, samples: &[f32]) -> Result<(), DeviceFailure> {
        self.act(|desk| {
            let next = desk.next;
            desk.samples.truncate(next);
            desk.samples.extend(samples);
            desk.next = desk.samples.len();
        })
    }
    fn rewind(&mut self, to: u64) -> Result<(), DeviceFailure> {
        self.act(|desk| desk.next = desk.next.min(to as usize))
    }
    fn place(&mut self) -> Result<Place, DeviceFailure> {
        self.act(|desk| Place {
            heard: desk.heard.min(desk.next as i64),
            fixed: desk.fixed,
        })
    }
    fn start(&mut self) -> Result<(), DeviceFailure> {
        self.act(|desk| desk.running = true)
    }
    fn stop(&mut self) -> Result<(), DeviceFailure> {
        self.act(|desk| desk.running = false)
    }
    fn finish(&mut self) -> Result<(), DeviceFailure> {
        self.act(|_| ())
    }
    fn has_moved(&mut self) -> Result<bool, DeviceFailure> {
        self.act(|_| false)
    }
}

fn opener(script: &Script) -> Opener {
    let script = script.clone();
    Arc::new(move || {
        script.act(|desk| desk.opened += 1)?;
        Ok(Box::new(script.clone()))
    })
}

/// A sink at a device that holds 500 samples and plays.
fn playing() -> (DeviceAudio, Script) {
    let script = Script::default();
    let mut sink = DeviceAudio::open(opener(&script), false);
    sink.configure(FORMAT).unwrap();
    sink.queue(ms(0), &[0.5; 500]).unwrap();
    assert!(script.desk().samples.is_empty(), "it is held");
    sink.run(ms(0));
    assert!(script.desk().running);
    (sink, script)
}

fn ms(ms: i64) -> Time {
    Time::from_millis(ms)
}

#[test]
fn what_is_heard_counts_and_what_is_on_its_way_is_told() {
    let (mut sink, script) = playing();
    script.at(-40, 15);
    assert_eq!((sink.played(ms(0)), sink.delay(ms(0))), (0, ms(40)));
    script.at(60, 115);
    assert_eq!(
        (sink.played(ms(100)), sink.delay(ms(100))),
        (60, Time::ZERO)
    );
    script.at(9_999, 9_999);
    assert_eq!(sink.played(ms(900)), 500, "no more than there is");
}

#[test]
fn a_pause_falls_to_silence_and_goes_on_where_it_was() {
    let (mut sink, script) = playing();
    script.at(100, 150);
    sink.hold(ms(140));
    let tail = script.desk().samples[150..].to_vec();
    assert_eq!(tail.len(), 10, "a slope, and nothing behind it");
    assert!(tail.windows(2).all(|it| it[1] < it[0]) && tail[9] == 0.0);
    assert!(script.desk().running, "the slope is still to be heard");
    script.at(160, 160);
    assert_eq!(sink.played(ms(300)), 100, "where it was held");
    assert!(!script.desk().running);
    sink.run(ms(1_000));
    let again = script.desk().samples[160..].to_vec();
    assert_eq!(again.len(), 400, "from there to the end");
    assert!(again[0] < 0.1 && again[10] == 0.5);
    script.at(170, 220);
    assert_eq!(sink.played(ms(1_010)), 110);
}

#[test]
fn a_jump_falls_to_silence_and_what_comes_rises_from_it() {
    let (mut sink, script) = playing();
    script.at(100, 150);
    sink.flush(ms(140));
    assert_eq!(sink.played(ms(140)), 0);
    sink.queue(ms(140), &[0.25; 100]).unwrap();
    let samples = script.desk().samples.clone();
    assert_eq!(samples.len(), 260);
    assert_eq!(samples[159], 0.0);
    assert!(samples[160] < 0.05 && samples[170] == 0.25);
    assert_eq!(
        sink.delay(ms(140)),
        ms(60),
        "until the first of it is heard"
    );
    script.at(170, 220);
    assert_eq!(sink.played(ms(210)), 10);
}

#[test]
fn what_can_still_be_changed_is_taken_back() {
    let (mut sink, script) = playing();
    script.at(100, 150);
    assert_eq!(sink.take_back(ms(140)), Some(150));
    sink.queue(ms(140), &[0.1; 20]).unwrap();
    assert_eq!(
        script.desk().samples[140..],
        [[0.5; 10].as_slice(), &[0.1; 20]].concat()
    );
    script.at(165, 170);
    assert_eq!(sink.played(ms(205)), 165);
}

/// Asks until the device is there that is opened beside, as the second one.
fn until_back(sink: &mut DeviceAudio, now: Time) {
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_secs(30) {
        sink.played(now);
        match sink.news() {
            Some(SinkNews::Device(device)) if device.name == "2" => return,
            _ => std::thread::yield_now(),
        }
    }
    panic!("no device came");
}

#[test]
fn a_device_that_goes_away_takes_no_time_with_it_and_another_goes_on() {
    let (mut sink, script) = playing();
    assert!(matches!(sink.news(), Some(SinkNews::Device(_))));
    script.at(100, 150);
    assert_eq!(sink.played(ms(140)), 100);
    script.desk().is_broken = true;
    assert_eq!(sink.played(ms(150)), 100, "it is found out");
    let Some(SinkNews::Lost(error)) = sink.news() else {
        panic!("nothing was told");
    };
    assert!(matches!(error, SinkError::DeviceLost(_)));
    assert_eq!(sink.played(ms(200)), 150, "time goes on");
    script.desk().is_broken = false;
    until_back(&mut sink, ms(1_300));
    assert_eq!(sink.played(ms(1_300)), 500, "all was over by then");
    sink.queue(ms(1_300), &[0.5; 100]).unwrap();
    assert!(script.desk().running);
    assert_eq!(script.desk().samples.len(), 100);
}

#[test]
fn a_device_that_comes_back_plays_what_is_left() {
    let (mut sink, script) = playing();
    script.at(100, 150);
    sink.played(ms(140));
    script.desk().is_broken = true;
    sink.played(ms(150));
    script.desk().is_broken = false;
    until_back(&mut sink, ms(200));
    let samples = script.desk().samples.clone();
    assert_eq!(samples.len(), 350, "from 150 on, where the clock is");
    assert!(samples[0] < 0.1 && samples[20] == 0.5);
}

#[test]
fn without_any_device_auto_keeps_time_and_says_so_and_others_complain() {
    let none: Opener = Arc::new(|| Err(DeviceFailure::NoSystem("none".into())));
    let mut sink = DeviceAudio::open(Arc::clone(&none), true);
    sink.configure(FORMAT).unwrap();
    let Some(SinkNews::Device(device)) = sink.news() else {
        panic!("nothing was told");
    };
    assert_eq!(device.system, "null");
    sink.queue(ms(0), &[0.5; 500]).unwrap();
    sink.run(ms(0));
    assert_eq!(sink.played(ms(100)), 100);
    let mut sink = DeviceAudio::open(none, false);
    sink.configure(FORMAT).unwrap();
    assert!(matches!(
        sink.news(),
        Some(SinkNews::Lost(SinkError::NoSoundSystem(_)))
    ));
}
