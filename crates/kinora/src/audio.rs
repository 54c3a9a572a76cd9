//! Between decoded sound and the audio sink: cuts, volume, speed; and what time it is by the sink.

use std::collections::VecDeque;

use kinora_engine::{AudioClock, Epoch};
use kinora_media::{AudioFrame, Time};
use kinora_output::{AudioFormat, AudioSink, SinkError};

/// While sound plays the engine hears so often where it is; in between it reckons.
const REPORT_EVERY: Time = Time::from_millis(50);

/// Feeds the sink and turns its count of samples back into media time.
pub(crate) struct AudioLine {
    sink: Box<dyn AudioSink>,
    format: Option<AudioFormat>,
    epoch: Epoch,
    blocks: VecDeque<Block>,
    /// Samples of one channel queued since the last flush.
    queued: u64,
    running: bool,
    next_report: Option<Time>,
    changed: bool,
    gain: Gain,
    speed: f64,
    scratch: Vec<f32>,
}

/// Queued samples and the media time they stand for.
struct Block {
    /// Count at which it begins and ends to sound.
    from: u64,
    to: u64,
    pts: Time,
    duration: Time,
}

#[derive(Clone, Copy)]
struct Gain {
    volume: f32,
    mute: bool,
}

impl Gain {
    fn factor(self) -> f32 {
        if self.mute { 0.0 } else { self.volume }
    }
}

impl AudioLine {
    pub(crate) fn new(sink: Box<dyn AudioSink>) -> Self {
        Self {
            sink,
            format: None,
            epoch: Epoch::default(),
            blocks: VecDeque::new(),
            queued: 0,
            running: false,
            next_report: None,
            changed: false,
            gain: Gain {
                volume: 1.0,
                mute: false,
            },
            speed: 1.0,
            scratch: Vec::new(),
        }
    }

    pub(crate) fn set_volume(&mut self, volume: f32) {
        self.gain.volume = if volume.is_finite() {
            volume.clamp(0.0, 2.0)
        } else {
            1.0
        };
    }
    pub(crate) fn set_mute(&mut self, mute: bool) {
        self.gain.mute = mute;
    }
    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.speed = if speed.is_finite() {
            speed.clamp(0.5, 2.0)
        } else {
            1.0
        };
    }

    /// Queues a frame; what lies before `skip_until` is cut off.
    pub(crate) fn queue(
        &mut self,
        now: Time,
        frame: AudioFrame,
        skip_until: Time,
    ) -> Result<(), SinkError> {
        let Some(frame) = cut(frame, skip_until) else {
            return Ok(());
        };
        let format = AudioFormat {
            sample_rate: frame.sample_rate,
            channels: frame.channels,
        };
        if self.format != Some(format) {
            self.configure(now, format)?;
        }
        let (pts, duration) = (frame.pts, frame.duration());
        self.render(&frame);
        let count = (self.scratch.len() / usize::from(format.channels.max(1))) as u64;
        self.blocks.push_back(Block {
            from: self.queued,
            to: self.queued + count,
            pts,
            duration,
        });
        self.queued += count;
        self.changed = true;
        self.sink.queue(now, &self.scratch)
    }

    /// Another form of sound begins: what is queued of the old one sounds no more.
    fn configure(&mut self, now: Time, format: AudioFormat) -> Result<(), SinkError> {
        self.format = Some(format);
        self.forget();
        self.sink.configure(format)?;
        if self.running {
            self.sink.run(now);
        }
        Ok(())
    }

    /// Applies volume, and speed by linear interpolation (its pitch moves along).
    fn render(&mut self, frame: &AudioFrame) {
        self.scratch.clear();
        let factor = self.gain.factor();
        if self.speed == 1.0 {
            self.scratch
                .extend(frame.samples.iter().map(|sample| sample * factor));
            return;
        }
        let channels = usize::from(frame.channels.max(1));
        let mut at = 0.0_f64;
        let last = frame.len().saturating_sub(1);
        while at < frame.len() as f64 {
            // `at` is within the frame: the casts cut off the fraction only.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let (index, share) = (at as usize, at.fract() as f32);
            let next = (index + 1).min(last);
            for channel in 0..channels {
                let (a, b) = (
                    frame.samples[index * channels + channel],
                    frame.samples[next * channels + channel],
                );
                self.scratch.push((a + (b - a) * share) * factor);
            }
            at += self.speed;
        }
    }

    pub(crate) fn run(&mut self, now: Time) {
        self.running = true;
        self.changed = true;
        self.sink.run(now);
        self.next_report = Some(now + REPORT_EVERY);
    }

    pub(crate) fn hold(&mut self, now: Time) {
        self.running = false;
        self.changed = true;
        self.sink.hold(now);
        self.next_report = None;
    }

    pub(crate) fn flush(&mut self, now: Time, epoch: Epoch) {
        self.epoch = epoch;
        self.sink.flush(now);
        self.forget();
        self.changed = true;
    }

    fn forget(&mut self) {
        self.blocks.clear();
        self.queued = 0;
    }

    /// Something happened since the last report.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn next_report(&self) -> Option<Time> {
        self.next_report
    }

    /// Where the sink is; `None` before any sound was queued.
    pub(crate) fn report(&mut self, now: Time) -> Option<AudioClock> {
        if self.running {
            self.next_report = Some(now + REPORT_EVERY);
        }
        let played = self.sink.played(now);
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(|block| block.to <= played) {
            self.blocks.pop_front();
        }
        let position = self.blocks.front()?.time_at(played);
        let end = self
            .blocks
            .back()
            .map_or(position, |block| block.pts + block.duration);
        Some(AudioClock {
            epoch: self.epoch,
            position,
            queued: (end - position).max(Time::ZERO),
            running: self.running && played < self.queued,
        })
    }

    pub(crate) fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish()
    }
}

impl Block {
    fn time_at(&self, count: u64) -> Time {
        let length = self.to.saturating_sub(self.from).max(1);
        let inside = count.saturating_sub(self.from).min(length);
        self.pts + self.duration.scale(inside as f64 / length as f64)
    }
}

/// The part of a frame from a time on; `None` when nothing is left.
pub(crate) fn cut(mut frame: AudioFrame, skip_until: Time) -> Option<AudioFrame> {
    let early = (skip_until - frame.pts).max(Time::ZERO);
    if early > Time::ZERO {
        let samples = i128::from(early.as_nanos()) * i128::from(frame.sample_rate) / 1_000_000_000;
        let samples = usize::try_from(samples).unwrap_or(usize::MAX);
        if samples >= frame.len() {
            return None;
        }
        frame.samples.drain(..samples * usize::from(frame.channels));
        frame.pts += early;
    }
    (!frame.is_empty()).then_some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_output::NullAudio;

    fn tone(pts_ms: i64, length_ms: usize) -> AudioFrame {
        AudioFrame {
            pts: Time::from_millis(pts_ms),
            sample_rate: 1_000,
            channels: 2,
            samples: vec![0.5; length_ms * 2],
        }
    }

    fn line() -> AudioLine {
        AudioLine::new(Box::new(NullAudio::new()))
    }

    fn ms(ms: i64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn the_position_follows_what_sounds() {
        let mut line = line();
        line.queue(ms(0), tone(5_000, 20), Time::MIN).unwrap();
        line.queue(ms(0), tone(5_020, 20), Time::MIN).unwrap();
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
        line.queue(ms(0), tone(0, 20), ms(30)).unwrap();
        assert!(line.report(ms(0)).is_none(), "nothing of it is left");
        line.queue(ms(0), tone(20, 20), ms(30)).unwrap();
        assert_eq!(line.report(ms(0)).unwrap().position, ms(30));
    }

    #[test]
    fn twice_the_speed_sounds_in_half_the_time() {
        let mut line = line();
        line.set_speed(2.0);
        line.queue(ms(0), tone(0, 100), Time::MIN).unwrap();
        line.run(ms(0));
        assert_eq!(line.report(ms(25)).unwrap().position, ms(50));
    }

    #[test]
    fn after_a_flush_reports_carry_the_new_epoch() {
        let mut line = line();
        line.queue(ms(0), tone(0, 20), Time::MIN).unwrap();
        line.flush(ms(1), Epoch(7));
        assert!(line.report(ms(1)).is_none());
        line.queue(ms(1), tone(900, 20), Time::MIN).unwrap();
        assert_eq!(line.report(ms(1)).unwrap().epoch, Epoch(7));
    }
}
