//! Between decoded sound and the audio sink: cuts, volume, speed; and what time it is by the sink.

use std::collections::VecDeque;

use kinora_engine::{AudioClock, Epoch};
use kinora_errors::{Coded, Fault};
use kinora_media::{AudioFrame, Time};
use kinora_output::{AudioFormat, AudioSink, SinkError};

/// While sound plays the engine hears so often where it is; in between it reckons.
const REPORT_EVERY: Time = Time::from_millis(50);

/// Feeds the sink and turns its count of samples back into media time.
pub(crate) struct AudioLine {
    sink: Box<dyn AudioSink>,
    /// The form that the sink was told last, and whether it takes it.
    format: Option<(AudioFormat, bool)>,
    epoch: Epoch,
    /// What the sink holds, and the last that sounded.
    blocks: VecDeque<Block>,
    /// Samples of one channel queued since the last flush.
    queued: u64,
    running: bool,
    next_report: Option<Time>,
    changed: bool,
    gain: Gain,
    speed: f64,
    /// No sound follows what is queued, as far as is known.
    is_over: bool,
    scratch: Vec<f32>,
    /// A sink that fails once is told once; the player plays on.
    first_failure: Option<Fault>,
}

/// Sound that was given to the sink, as it was decoded: it is given anew when it is to sound otherwise.
struct Block {
    /// Count at which it begins and ends to sound.
    from: u64,
    to: u64,
    frame: AudioFrame,
}

#[derive(Clone, Copy, PartialEq)]
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
            is_over: false,
            scratch: Vec::new(),
            first_failure: None,
        }
    }

    /// Louder or softer from now on; what the sink holds included.
    pub(crate) fn set_volume(&mut self, now: Time, volume: f32) -> Option<Fault> {
        let mute = self.gain.mute;
        self.set_gain(now, Gain { volume, mute })
    }
    pub(crate) fn set_mute(&mut self, now: Time, mute: bool) -> Option<Fault> {
        let volume = self.gain.volume;
        self.set_gain(now, Gain { volume, mute })
    }
    fn set_gain(&mut self, now: Time, gain: Gain) -> Option<Fault> {
        let before = std::mem::replace(&mut self.gain, gain);
        let renewed = match before.factor() == gain.factor() {
            true => Ok(()),
            false => self.renew(now),
        };
        self.first(renewed)
    }
    /// Faster or slower from now on; what the sink holds included.
    pub(crate) fn set_speed(&mut self, now: Time, speed: f64) -> Option<Fault> {
        let before = std::mem::replace(&mut self.speed, speed);
        let renewed = match before == speed {
            true => Ok(()),
            false => self.renew(now),
        };
        self.first(renewed)
    }

    /// A failure, if it is the first one.
    fn first(&mut self, result: Result<(), SinkError>) -> Option<Fault> {
        let fault = result.err()?.fault();
        let is_first = self.first_failure.is_none();
        let first = self.first_failure.get_or_insert(fault);
        is_first.then(|| first.clone())
    }

    /// Queues a frame; what lies before `skip_until` is cut off. Gives the sink's first failure.
    pub(crate) fn queue(
        &mut self,
        now: Time,
        frame: AudioFrame,
        skip_until: Time,
    ) -> Option<Fault> {
        self.is_over = false;
        let queued = match cut(frame, skip_until) {
            Some(frame) => self.put(now, frame),
            None => Ok(()),
        };
        self.first(queued)
    }

    fn put(&mut self, now: Time, frame: AudioFrame) -> Result<(), SinkError> {
        let format = AudioFormat {
            sample_rate: frame.sample_rate,
            channels: frame.channels,
        };
        let takes = match self.format {
            Some((known, takes)) if known == format => takes,
            _ => self.configure(now, format)?,
        };
        if !takes {
            return Ok(());
        }
        self.render(&frame);
        let count = (self.scratch.len() / usize::from(format.channels.max(1))) as u64;
        self.blocks.push_back(Block {
            from: self.queued,
            to: self.queued + count,
            frame,
        });
        self.queued += count;
        self.changed = true;
        self.sink.queue(now, &self.scratch)
    }

    /// Another form of sound begins: what is queued of the old one sounds no more.
    fn configure(&mut self, now: Time, format: AudioFormat) -> Result<bool, SinkError> {
        self.forget();
        let configured = self.sink.configure(format);
        self.format = Some((format, configured.is_ok()));
        configured?;
        if self.running {
            self.sink.run(now);
        }
        Ok(true)
    }

    /// What the sink holds is given anew, from what sounds at this moment on: it need not sound to its end before another
    /// speed or volume is heard.
    fn renew(&mut self, now: Time) -> Result<(), SinkError> {
        let played = self.sink.played(now);
        if played >= self.queued {
            return Ok(());
        }
        let held = std::mem::take(&mut self.blocks);
        self.sink.flush(now);
        self.forget();
        self.changed = true;
        let mut result = Ok(());
        for block in held.into_iter().filter(|block| block.to > played) {
            let sounds_from = block.time_at(played);
            if let Some(rest) = cut(block.frame, sounds_from) {
                result = result.and(self.put(now, rest));
            }
        }
        if self.is_over {
            self.sink.drain(now);
        }
        result
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
        self.is_over = false;
        if self.format.is_some() {
            self.sink.flush(now);
        }
        self.forget();
        self.changed = true;
    }

    /// The session is over: what is queued must not sound in the next one.
    pub(crate) fn discard(&mut self, now: Time) {
        self.flush(now, self.epoch);
    }

    /// No sound follows, as far as is known.
    pub(crate) fn drain(&mut self, now: Time) {
        self.is_over = true;
        self.sink.drain(now);
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
            .map_or(position, |block| block.frame.pts + block.frame.duration());
        Some(AudioClock {
            epoch: self.epoch,
            at: now,
            position,
            queued: (end - position).max(Time::ZERO),
            running: self.running && played < self.queued,
        })
    }

    pub(crate) fn finish(&mut self) -> Result<(), Fault> {
        let finished = self.sink.finish().map_err(|error| error.fault());
        self.first_failure.take().map_or(finished, Err)
    }
}

impl Block {
    fn time_at(&self, count: u64) -> Time {
        let length = self.to.saturating_sub(self.from).max(1);
        let inside = count.saturating_sub(self.from).min(length);
        let share = inside as f64 / length as f64;
        self.frame.pts + self.frame.duration().scale(share)
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
mod tests;
