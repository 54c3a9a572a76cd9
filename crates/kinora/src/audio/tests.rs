use std::sync::{Arc, Mutex};

use super::*;
use kinora_output::{NullAudio, PacedAudio, SampleWriter};

fn tone(pts_ms: i64, length_ms: usize) -> AudioFrame {
    AudioFrame {
        pts: Time::from_millis(pts_ms),
        sample_rate: 1_000,
        channels: 2,
        samples: vec![0.5; length_ms * 2],
    }
}

fn line() -> AudioRenderer {
    AudioRenderer::new(Box::new(NullAudio::new()))
}

fn ms(ms: i64) -> Time {
    Time::from_millis(ms)
}

#[test]
fn the_position_follows_what_is_played() {
    let mut line = line();
    line.queue(ms(0), tone(5_000, 20), Time::MIN);
    line.queue(ms(0), tone(5_020, 20), Time::MIN);
    line.run(ms(100));
    let report = line.report(ms(125)).unwrap();
    assert_eq!(
        (report.position, report.queued, report.running),
        (ms(5_025), ms(15), true)
    );
    assert!(
        !line.report(ms(200)).unwrap().running,
        "an empty queue does not run"
    );
}

#[test]
fn an_exact_seek_cuts_the_frame_it_falls_into() {
    let mut line = line();
    line.queue(ms(0), tone(0, 20), ms(30));
    assert!(line.report(ms(0)).is_none(), "nothing of it is left");
    line.queue(ms(0), tone(20, 20), ms(30));
    assert_eq!(line.report(ms(0)).unwrap().position, ms(30));
}

#[test]
fn twice_the_speed_plays_in_half_the_time() {
    let mut line = line();
    line.set_speed(ms(0), 2.0);
    line.queue(ms(0), tone(0, 100), Time::MIN);
    line.run(ms(0));
    assert_eq!(line.report(ms(25)).unwrap().position, ms(50));
}

#[test]
fn after_a_flush_reports_carry_the_new_epoch() {
    let mut line = line();
    line.queue(ms(0), tone(0, 20), Time::MIN);
    line.flush(ms(1), Epoch(7));
    assert!(line.report(ms(1)).is_none());
    line.queue(ms(1), tone(900, 20), Time::MIN);
    assert_eq!(line.report(ms(1)).unwrap().epoch, Epoch(7));
}

/// Keeps what has sounded.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<f32>>>);

impl Kept {
    /// The left channel.
    fn samples(&self) -> Vec<f32> {
        self.0.lock().unwrap().iter().step_by(2).copied().collect()
    }
}

impl SampleWriter for Kept {
    const KEEPS: bool = true;
    fn begin(&mut self, _: AudioFormat) -> Result<(), SinkError> {
        Ok(())
    }
    fn write(&mut self, samples: &[f32]) -> Result<(), SinkError> {
        self.0.lock().unwrap().extend(samples);
        Ok(())
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

const RATE: u32 = 48_000;

/// A tone of 440 Hz.
fn wave(at: usize) -> f32 {
    (at as f32 * std::f32::consts::TAU * 440.0 / RATE as f32).sin() * 0.5
}

/// A sink that keeps what sounded, with 900 ms of the tone queued.
fn playing_a_tone() -> (AudioRenderer, Kept) {
    let kept = Kept::default();
    let mut line = AudioRenderer::new(Box::new(PacedAudio::with_writer(kept.clone())));
    for frame in 0..45 {
        let samples = frame * 960..(frame + 1) * 960;
        let sound = AudioFrame {
            pts: ms(20 * frame as i64),
            sample_rate: RATE,
            channels: 2,
            samples: samples.flat_map(|at| [wave(at); 2]).collect(),
        };
        line.queue(ms(0), sound, Time::MIN);
    }
    line.run(ms(0));
    (line, kept)
}

/// How high a tone is, by how often it rises through zero.
fn pitch(samples: &[f32]) -> f64 {
    let rises = samples.windows(2).enumerate();
    let rises = rises.filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0);
    let rises: Vec<f64> = rises
        .map(|(at, pair)| at as f64 + f64::from(pair[0] / (pair[0] - pair[1])))
        .collect();
    let waves = rises.len() as f64 - 1.0;
    waves * f64::from(RATE) / (rises.last().unwrap() - rises.first().unwrap())
}

/// The greatest step from one sample to the next: a click is one that the tone itself does not make.
fn greatest_step(samples: &[f32]) -> f32 {
    let steps = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    steps.fold(0.0, f32::max)
}

#[test]
fn another_speed_is_heard_at_once_without_a_click_at_the_same_pitch_and_the_position_stays_exact() {
    for speed in [2.0, 0.5, 1.25] {
        let (mut line, kept) = playing_a_tone();
        let before = line.report(ms(333)).unwrap().position;
        line.set_speed(ms(333), speed);
        let after = line.report(ms(333)).unwrap();
        assert_eq!(before, ms(333));
        assert!((after.position - before).abs() <= ms(1), "{after:?}");
        assert!((after.queued - ms(567)).abs() <= ms(2), "{after:?}");
        let later = line.report(ms(533)).unwrap().position;
        let expected = ms(333) + ms(200).scale(speed);
        assert!((later - expected).abs() <= ms(1), "{later} at {speed}");
        // Back again, from where it is by then.
        line.set_speed(ms(533), 1.0);
        let last = line.report(ms(583)).unwrap().position;
        assert!((last - expected - ms(50)).abs() <= ms(1), "{last}");
        let heard = kept.samples();
        assert_eq!(heard.len(), 583 * 48);
        let slowed = pitch(&heard[333 * 48..533 * 48]);
        assert!((slowed - 440.0).abs() < 1.0, "{slowed} Hz at {speed}");
        let step = greatest_step(&heard);
        assert!(step < 0.04, "{step} at {speed}");
    }
}

#[test]
fn another_volume_is_heard_at_once_without_a_click_and_the_position_stays_exact() {
    let (mut line, kept) = playing_a_tone();
    line.report(ms(400));
    line.set_mute(ms(400), true);
    assert_eq!(line.report(ms(450)).unwrap().position, ms(450));
    let heard = kept.samples();
    let silent = &heard[405 * 48..];
    assert!(silent.iter().all(|sample| *sample == 0.0));
    line.set_mute(ms(450), false);
    line.set_volume(ms(450), 1.5);
    assert_eq!(line.report(ms(500)).unwrap().position, ms(500));
    let heard = kept.samples();
    for (at, heard) in heard.iter().enumerate().take(495 * 48).skip(460 * 48) {
        assert!((heard - 1.5 * wave(at)).abs() < 1e-4, "{at}");
    }
    assert!(greatest_step(&heard) < 0.05);
}

#[test]
fn what_is_twice_as_loud_stays_below_full_scale() {
    let (mut line, kept) = playing_a_tone();
    line.set_volume(ms(0), 2.0);
    line.report(ms(400));
    let heard = kept.samples();
    let peak = heard.iter().fold(0.0, |peak: f32, it| peak.max(it.abs()));
    assert!((0.9..1.0).contains(&peak), "{peak}");
    assert!(greatest_step(&heard) < 0.06);
}

#[test]
fn what_filters_hold_back_is_heard_at_the_end() {
    let (mut line, kept) = playing_a_tone();
    line.set_speed(ms(0), 1.5);
    line.drain(ms(0));
    let end = line.report(ms(700)).unwrap();
    assert_eq!(end.position, ms(900));
    assert_eq!(kept.samples().len(), 600 * 48);
}

#[test]
fn another_sink_goes_on_where_the_one_before_was() {
    let (mut line, first) = playing_a_tone();
    line.report(ms(300));
    let second = Kept::default();
    let sink = PacedAudio::with_writer(second.clone());
    assert!(line.set_sink(ms(300), Box::new(sink)).is_none());
    assert_eq!(line.report(ms(400)).unwrap().position, ms(400));
    assert_eq!(first.samples().len(), 300 * 48);
    let heard = second.samples();
    assert_eq!(heard.len(), 100 * 48);
    assert!((heard[480] - wave(310 * 48)).abs() < 1e-5);
}

/// Takes back all but the next 40 ms, as a device does.
#[derive(Clone, Default)]
struct Device {
    samples: Arc<Mutex<Vec<f32>>>,
    played: u64,
}

impl AudioSink for Device {
    fn configure(&mut self, _: AudioFormat) -> Result<(), SinkError> {
        Ok(())
    }
    fn queue(&mut self, _: Time, samples: &[f32]) -> Result<(), SinkError> {
        self.samples.lock().unwrap().extend(samples);
        Ok(())
    }
    fn played(&mut self, now: Time) -> u64 {
        let heard = (now - ms(40)).max(Time::ZERO).as_millis() as u64 * 48;
        self.played.max(heard)
    }
    fn run(&mut self, _: Time) {}
    fn hold(&mut self, _: Time) {}
    fn flush(&mut self, _: Time) {
        panic!("what can be taken back is not flushed");
    }
    fn take_back(&mut self, now: Time) -> Option<u64> {
        let kept = now.as_millis() as u64 * 48;
        self.samples.lock().unwrap().truncate(kept as usize * 2);
        Some(kept)
    }
    fn delay(&mut self, now: Time) -> Time {
        (ms(40) - now).max(Time::ZERO)
    }
}

#[test]
fn a_device_plays_what_it_has_in_its_hands_and_the_rest_joins_without_a_seam() {
    let device = Device::default();
    let mut line = AudioRenderer::new(Box::new(device.clone()));
    for frame in 0..20 {
        let sound = AudioFrame {
            pts: ms(20 * frame as i64),
            sample_rate: RATE,
            channels: 2,
            samples: (frame * 960..(frame + 1) * 960)
                .flat_map(|at| [wave(at); 2])
                .collect(),
        };
        line.queue(ms(0), sound, Time::MIN);
    }
    line.run(ms(0));
    assert_eq!(
        line.report(ms(0)).unwrap().position,
        ms(-40),
        "not heard yet"
    );
    line.set_volume(ms(100), 0.5);
    assert_eq!(line.report(ms(100)).unwrap().position, ms(60));
    let samples = device.samples.lock().unwrap();
    let left: Vec<f32> = samples.iter().step_by(2).copied().collect();
    assert_eq!(left.len(), 400 * 48, "nothing is lost");
    assert!((left[4_799] - wave(4_799)).abs() < 1e-6);
    assert!((left[5_200] - wave(5_200) / 2.0).abs() < 1e-6);
    assert!(greatest_step(&left) < 0.04);
}

#[test]
fn a_sink_hears_of_the_end_again_when_the_end_is_given_anew() {
    /// What was asked of a sink that plays nothing by itself.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<&'static str>>>);
    impl AudioSink for Heard {
        fn configure(&mut self, _: AudioFormat) -> Result<(), SinkError> {
            self.0.lock().unwrap().push("configure");
            Ok(())
        }
        fn queue(&mut self, _: Time, _: &[f32]) -> Result<(), SinkError> {
            self.0.lock().unwrap().push("queue");
            Ok(())
        }
        fn played(&mut self, _: Time) -> u64 {
            0
        }
        fn run(&mut self, _: Time) {}
        fn hold(&mut self, _: Time) {}
        fn flush(&mut self, _: Time) {
            self.0.lock().unwrap().push("flush");
        }
        fn drain(&mut self, _: Time) {
            self.0.lock().unwrap().push("drain");
        }
    }
    let heard = Heard::default();
    let mut line = AudioRenderer::new(Box::new(heard.clone()));
    line.flush(ms(0), Epoch(1));
    line.queue(ms(0), tone(0, 20), Time::MIN);
    line.drain(ms(0));
    line.set_speed(ms(1), 2.0);
    line.flush(ms(2), Epoch(2));
    let order = heard.0.lock().unwrap().clone();
    let renewed = ["flush", "queue", "drain"];
    assert_eq!(
        order,
        [
            ["configure", "queue", "drain"].as_slice(),
            &renewed,
            &["flush"]
        ]
        .concat()
    );
}

#[test]
fn a_format_that_the_sink_refuses_is_left_out_and_reported_once() {
    /// Takes 1 kHz only.
    struct Picky(NullAudio);
    impl AudioSink for Picky {
        fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
            match format.sample_rate {
                1_000 => self.0.configure(format),
                rate => Err(SinkError::application(format!("not at {rate} Hz"))),
            }
        }
        fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError> {
            self.0.queue(now, samples)
        }
        fn played(&mut self, now: Time) -> u64 {
            self.0.played(now)
        }
        fn run(&mut self, now: Time) {
            self.0.run(now);
        }
        fn hold(&mut self, now: Time) {
            self.0.hold(now);
        }
        fn flush(&mut self, now: Time) {
            self.0.flush(now);
        }
    }
    let mut line = AudioRenderer::new(Box::new(Picky(NullAudio::new())));
    let other = |pts| AudioFrame {
        sample_rate: 2_000,
        ..tone(pts, 20)
    };
    let fault = line.queue(ms(0), other(0), Time::MIN).unwrap();
    assert_eq!(fault.reason(), "sink.application");
    assert!(line.queue(ms(0), other(20), Time::MIN).is_none());
    assert!(line.report(ms(0)).is_none(), "nothing of it is queued");
    assert!(line.queue(ms(0), tone(40, 20), Time::MIN).is_none());
    assert_eq!(line.report(ms(0)).unwrap().position, ms(40));
    assert_eq!(line.finish().unwrap_err().reason(), "sink.application");
}

/// Formats that were begun, and how many samples of one channel were played of each.
type Played = Arc<Mutex<Vec<(AudioFormat, usize)>>>;

/// Takes any format, or the first one only.
struct Formats {
    played: Played,
    only_first: bool,
}

impl SampleWriter for Formats {
    const KEEPS: bool = true;
    fn begin(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        let mut played = self.played.lock().unwrap();
        match played.first() {
            Some((first, _)) if self.only_first && *first == format => {}
            Some(_) if self.only_first => return Err(SinkError::application("one format only")),
            _ => played.push((format, 0)),
        }
        Ok(())
    }
    fn write(&mut self, samples: &[f32]) -> Result<(), SinkError> {
        let mut played = self.played.lock().unwrap();
        let (format, count) = played.last_mut().unwrap();
        *count += samples.len() / usize::from(format.channels);
        Ok(())
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// 100 ms at 1 kHz in stereo, then 100 ms at 2 kHz in mono, all queued at once.
fn of_two_formats(only_first: bool) -> (AudioRenderer, Played) {
    let played = Played::default();
    let writer = Formats {
        played: Arc::clone(&played),
        only_first,
    };
    let mut line = AudioRenderer::new(Box::new(PacedAudio::with_writer(writer)));
    line.run(ms(0));
    for at in 0..10 {
        let frame = match at {
            0..5 => tone(at * 20, 20),
            _ => AudioFrame {
                sample_rate: 2_000,
                channels: 1,
                samples: vec![0.5; 40],
                ..tone(at * 20, 20)
            },
        };
        assert!(line.queue(ms(0), frame, Time::MIN).is_none());
    }
    (line, played)
}

fn format(sample_rate: u32, channels: u16) -> AudioFormat {
    AudioFormat {
        sample_rate,
        channels,
    }
}

#[test]
fn another_format_begins_once_all_of_the_old_one_was_heard() {
    let (mut line, played) = of_two_formats(false);
    assert!(line.advance(ms(60)).is_none());
    assert_eq!(line.report(ms(60)).unwrap().position, ms(60));
    assert_eq!(line.report(ms(60)).unwrap().queued, ms(140));
    assert_eq!(line.next_wakeup(), Some(ms(100)), "when it was played");
    assert!(line.advance(ms(100)).is_none());
    assert_eq!(line.report(ms(150)).unwrap().position, ms(150));
    line.report(ms(200));
    let expected = [(format(1_000, 2), 100), (format(2_000, 1), 200)];
    assert_eq!(*played.lock().unwrap(), expected);
}

#[test]
fn a_jump_forgets_what_waits_behind_another_format() {
    let (mut line, played) = of_two_formats(false);
    line.flush(ms(50), Epoch(1));
    line.queue(ms(50), tone(900, 20), Time::MIN);
    assert!(line.advance(ms(70)).is_none());
    assert_eq!(line.report(ms(70)).unwrap().position, ms(920));
    assert_eq!(*played.lock().unwrap(), [(format(1_000, 2), 70)]);
}

#[test]
fn a_format_that_the_sink_refuses_is_converted_to_the_one_that_it_took() {
    let (mut line, played) = of_two_formats(true);
    assert!(line.drain(ms(0)).is_none());
    let refusal = line.advance(ms(100)).unwrap();
    assert_eq!(refusal.reason(), "sink.application");
    assert_eq!(line.report(ms(150)).unwrap().position, ms(150));
    line.report(ms(200));
    assert_eq!(*played.lock().unwrap(), [(format(1_000, 2), 200)]);
    assert!(line.finish().is_ok(), "it was got over");
}
