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

/// A sink that keeps what sounded, with 900 ms queued of which each sample tells its own time in seconds.
fn ramp() -> (AudioRenderer, Kept) {
    let kept = Kept::default();
    let mut line = AudioRenderer::new(Box::new(PacedAudio::with_writer(kept.clone())));
    for frame in 0..45 {
        let first = frame * 20;
        let samples = (first..first + 20)
            .flat_map(|at| [at as f32 / 1_000.0; 2])
            .collect();
        let sound = AudioFrame {
            samples,
            ..tone(first, 20)
        };
        line.queue(ms(0), sound, Time::MIN);
    }
    line.run(ms(0));
    (line, kept)
}

#[test]
fn another_speed_is_heard_at_once_and_the_position_stays_exact() {
    for speed in [2.0, 0.5, 1.25] {
        let (mut line, kept) = ramp();
        let before = line.report(ms(333)).unwrap().position;
        line.set_speed(ms(333), speed);
        let after = line.report(ms(333)).unwrap();
        assert_eq!(before, ms(333));
        assert!((after.position - before).abs() <= ms(1), "{after:?}");
        assert!((after.queued - ms(567)).abs() <= ms(2), "{after:?}");
        let later = line.report(ms(433)).unwrap().position;
        let expected = ms(333) + ms(100).scale(speed);
        assert!((later - expected).abs() <= ms(1), "{later} at {speed}");
        // Of the 100 ms that sounded since, every sample moves on by the new step, and the first goes on where the last ended.
        let heard = kept.samples();
        assert_eq!(heard.len(), 433);
        for (at, pair) in heard.windows(2).enumerate() {
            let step = f64::from(pair[1] - pair[0]) * 1_000.0;
            let wanted = if at < 332 { 1.0 } else { speed };
            // Within a frame by its step; between frames it is rounded to whole samples.
            assert!((step - wanted).abs() <= 1.01, "{step} at {at}");
        }
        let covered = f64::from(heard[432] - heard[333]) * 1_000.0;
        assert!(
            (covered - 99.0 * speed).abs() <= 2.0,
            "{covered} at {speed}"
        );
    }
}

#[test]
fn silence_is_heard_at_once_and_the_position_stays_exact() {
    let (mut line, kept) = ramp();
    line.report(ms(400));
    line.set_mute(ms(400), true);
    assert_eq!(line.report(ms(450)).unwrap().position, ms(450));
    let heard = kept.samples();
    assert!(heard[399] > 0.0);
    assert!(heard[400..450].iter().all(|sample| *sample == 0.0));
    line.set_mute(ms(450), false);
    line.set_volume(ms(450), 2.0);
    line.report(ms(500));
    assert!((kept.samples()[499] - 2.0 * 0.499).abs() < 1e-3);
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
    let refusal = line.advance(ms(100)).unwrap();
    assert_eq!(refusal.reason(), "sink.application");
    assert_eq!(line.report(ms(150)).unwrap().position, ms(150));
    line.report(ms(200));
    assert_eq!(*played.lock().unwrap(), [(format(1_000, 2), 200)]);
    assert!(line.finish().is_ok(), "it was got over");
}
