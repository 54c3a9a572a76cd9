//! Between decoded audio and its sink: cuts, volume, speed, formats; and what time it is by the sink.

use std::collections::VecDeque;

use kinora_engine::{AudioClock, Epoch};
use kinora_errors::{Coded, Fault};
use kinora_media::{AudioFrame, Time};
use kinora_output::{AudioConverter, AudioFormat, AudioSink, SinkError};

/// While audio plays the engine hears so often where it is; in between it reckons.
const REPORT_EVERY: Time = Time::from_millis(50);
/// A sink that has nearly played what it has is looked at again after so long.
const MIN_WAIT: Time = Time::from_millis(1);

/// A sink that refuses a format is offered these, after the one that it took last.
const COMMON: [AudioFormat; 2] = [
    AudioFormat {
        sample_rate: 48_000,
        channels: 2,
    },
    AudioFormat {
        sample_rate: 44_100,
        channels: 2,
    },
];

/// Feeds the sink and turns its count of samples back into media time.
pub(crate) struct AudioRenderer {
    sink: Box<dyn AudioSink>,
    form: Form,
    /// What the sink took last.
    accepted: Option<AudioFormat>,
    /// Frames of another format: they come once the sink has played what it has.
    behind: VecDeque<AudioFrame>,
    /// When the sink should have played it.
    change_at: Option<Time>,
    epoch: Epoch,
    /// What the sink holds, and the last that was heard.
    blocks: VecDeque<Block>,
    /// Samples of one channel queued since the last flush.
    queued: u64,
    running: bool,
    next_report: Option<Time>,
    changed: bool,
    gain: Gain,
    speed: f64,
    /// No audio follows what is queued, as far as is known.
    is_over: bool,
    converter: Option<AudioConverter>,
    scratch: Vec<f32>,
    /// A sink that fails once is reported once; the player plays on.
    first_failure: Option<Fault>,
}

/// What the sink makes of the format that frames come in.
#[derive(Clone, Copy)]
enum Form {
    /// It was not asked yet.
    Unknown,
    /// It takes them as samples of a format.
    Taken { from: AudioFormat, to: AudioFormat },
    /// It takes them in no way.
    Refused { from: AudioFormat },
}

/// Audio that was given to the sink, as it was decoded: it is given anew when it is to be heard otherwise.
struct Block {
    /// Count at which it begins and ends.
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

/// What a step brought: a fault that was mended, to be reported; or one that was not.
type Step = Result<Option<Fault>, SinkError>;

impl AudioRenderer {
    pub(crate) fn new(sink: Box<dyn AudioSink>) -> Self {
        Self {
            sink,
            form: Form::Unknown,
            accepted: None,
            behind: VecDeque::new(),
            change_at: None,
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
            converter: None,
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
        self.newly_failed(renewed.map(|()| None))
    }
    /// Faster or slower from now on; what the sink holds included.
    pub(crate) fn set_speed(&mut self, now: Time, speed: f64) -> Option<Fault> {
        let before = std::mem::replace(&mut self.speed, speed);
        let renewed = match before == speed {
            true => Ok(()),
            false => self.renew(now),
        };
        self.newly_failed(renewed.map(|()| None))
    }

    /// What was mended, or a failure, if it is the first one.
    fn newly_failed(&mut self, step: Step) -> Option<Fault> {
        let fault = match step {
            Ok(mended) => return mended,
            Err(error) => error.fault(),
        };
        let is_first = self.first_failure.is_none();
        let first = self.first_failure.get_or_insert(fault);
        is_first.then(|| first.clone())
    }

    /// Queues a frame; what lies before `skip_until` is cut off. Gives what is to be reported: the sink's first failure, or a
    /// refusal of the format that was got over.
    pub(crate) fn queue(
        &mut self,
        now: Time,
        frame: AudioFrame,
        skip_until: Time,
    ) -> Option<Fault> {
        self.is_over = false;
        let queued = match cut(frame, skip_until) {
            Some(frame) => self.put(now, frame),
            None => Ok(None),
        };
        self.newly_failed(queued)
    }

    fn put(&mut self, now: Time, frame: AudioFrame) -> Step {
        let format = format_of(&frame);
        if !self.behind.is_empty() {
            self.behind.push_back(frame);
            return Ok(None);
        }
        match self.form {
            Form::Taken { from, .. } if from == format => self.feed(now, frame).map(|()| None),
            Form::Refused { from } if from == format => Ok(None),
            Form::Taken { .. } if self.sink.played(now) < self.queued => {
                // What is queued is heard first: a device that waits for a whole buffer plays what it has.
                self.sink.drain(now);
                self.behind.push_back(frame);
                self.change_at = self.drained_at(now);
                Ok(None)
            }
            _ => self.begin(now, frame),
        }
    }

    /// Another format begins. A sink that refuses it gets the samples in another one, or none.
    fn begin(&mut self, now: Time, frame: AudioFrame) -> Step {
        let from = format_of(&frame);
        self.forget();
        let refusal = self.sink.configure(from).err();
        let to = match refusal {
            None => Some(from),
            Some(_) => self.offer_others(from),
        };
        let Some(to) = to else {
            self.form = Form::Refused { from };
            return refusal.map_or(Ok(None), Err);
        };
        self.form = Form::Taken { from, to };
        self.accepted = Some(to);
        if self.running {
            self.sink.run(now);
        }
        self.feed(now, frame)?;
        Ok(refusal.map(|error| error.fault()))
    }

    fn offer_others(&mut self, refused: AudioFormat) -> Option<AudioFormat> {
        let others = self.accepted.into_iter().chain(COMMON);
        let mut others = others.filter(|other| *other != refused);
        others.find(|other| self.sink.configure(*other).is_ok())
    }

    /// Gives the sink a frame of the format that it was made ready for.
    fn feed(&mut self, now: Time, frame: AudioFrame) -> Result<(), SinkError> {
        let Form::Taken { from, to } = self.form else {
            return Ok(());
        };
        let speed = self.speed;
        let converter = self
            .converter
            .get_or_insert_with(|| AudioConverter::new(from, to, speed));
        self.scratch.clear();
        converter.convert(&frame.samples, self.gain.factor(), &mut self.scratch);
        let count = (self.scratch.len() / usize::from(to.channels.max(1))) as u64;
        self.blocks.push_back(Block {
            from: self.queued,
            to: self.queued + count,
            frame,
        });
        self.queued += count;
        self.changed = true;
        self.sink.queue(now, &self.scratch)
    }

    /// Goes on with another format where the sink has played what it has. Gives what is to be reported.
    pub(crate) fn advance(&mut self, now: Time) -> Option<Fault> {
        if self.behind.is_empty() {
            self.change_at = None;
            return None;
        }
        if self.sink.played(now) < self.queued {
            self.change_at = self.drained_at(now);
            return None;
        }
        self.change_at = None;
        let mut step = Ok(None);
        for frame in std::mem::take(&mut self.behind) {
            let put = self.put(now, frame);
            step = match (step, put) {
                (Ok(None), put) => put,
                (step, Ok(_)) => step,
                (_, failed) => failed,
            };
        }
        if self.is_over && self.behind.is_empty() {
            self.sink.drain(now);
        }
        self.newly_failed(step)
    }

    /// When the sink will have played what it has.
    fn drained_at(&mut self, now: Time) -> Option<Time> {
        let Form::Taken { to, .. } = self.form else {
            return None;
        };
        let left = self.queued.saturating_sub(self.sink.played(now));
        let left = Time::from_millis(1_000).scale(left as f64 / f64::from(to.sample_rate.max(1)));
        self.running.then(|| now + left.max(MIN_WAIT))
    }

    /// What the sink holds is given anew, from what is heard at this moment on: it need not be played to its end before
    /// another speed or volume is heard.
    fn renew(&mut self, now: Time) -> Result<(), SinkError> {
        let played = self.sink.played(now);
        if played >= self.queued {
            self.converter = None;
            return Ok(());
        }
        let held = std::mem::take(&mut self.blocks);
        self.sink.flush(now);
        self.forget();
        self.changed = true;
        let mut result = Ok(());
        for block in held.into_iter().filter(|block| block.to > played) {
            let heard_from = block.time_at(played);
            if let Some(rest) = cut(block.frame, heard_from) {
                result = result.and(self.feed(now, rest));
            }
        }
        if self.is_over || !self.behind.is_empty() {
            self.sink.drain(now);
        }
        result
    }

    pub(crate) fn run(&mut self, now: Time) {
        self.running = true;
        self.changed = true;
        self.sink.run(now);
        self.next_report = Some(now + REPORT_EVERY);
        self.change_at = (!self.behind.is_empty()).then_some(now);
    }

    pub(crate) fn hold(&mut self, now: Time) {
        self.running = false;
        self.changed = true;
        self.sink.hold(now);
        self.next_report = None;
        self.change_at = None;
    }

    pub(crate) fn flush(&mut self, now: Time, epoch: Epoch) {
        self.epoch = epoch;
        self.is_over = false;
        if !matches!(self.form, Form::Unknown) {
            self.sink.flush(now);
        }
        self.behind.clear();
        self.change_at = None;
        self.forget();
        self.changed = true;
    }

    /// No audio follows, as far as is known.
    pub(crate) fn drain(&mut self, now: Time) {
        self.is_over = true;
        if self.behind.is_empty() {
            self.sink.drain(now);
        }
    }

    fn forget(&mut self) {
        self.blocks.clear();
        self.queued = 0;
        self.converter = None;
    }

    /// Something happened since the last report.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// When [`advance`](Self::advance) and [`report`](Self::report) are wanted though nothing comes.
    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        let moments = [self.next_report, self.change_at];
        moments.into_iter().flatten().min()
    }

    /// Whether a report is due.
    pub(crate) fn is_report_due(&self, now: Time) -> bool {
        self.next_report.is_some_and(|at| at <= now)
    }

    /// Where the sink is; `None` before any audio was queued.
    pub(crate) fn report(&mut self, now: Time) -> Option<AudioClock> {
        if self.running {
            self.next_report = Some(now + REPORT_EVERY);
        }
        let played = self.sink.played(now);
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(|block| block.to <= played) {
            self.blocks.pop_front();
        }
        let position = self.blocks.front()?.time_at(played);
        let last = self.behind.back();
        let last = last.or_else(|| self.blocks.back().map(|block| &block.frame));
        let end = last.map_or(position, |frame| frame.pts + frame.duration());
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

fn format_of(frame: &AudioFrame) -> AudioFormat {
    AudioFormat {
        sample_rate: frame.sample_rate,
        channels: frame.channels,
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
