//! Between decoded audio and its sink: cuts, volume, speed, formats; and what time it is by the sink.

use std::collections::VecDeque;

use kinora_audio::{Crossfade, Processor, Settings};
use kinora_engine::{AudioClock, Epoch};
use kinora_errors::{Coded, Fault};
use kinora_media::{AudioFrame, Time};
use kinora_output::{AudioFormat, AudioSink, SinkError, SinkNews};

/// While audio plays the engine hears so often where it is; in between it reckons.
const REPORT_EVERY: Time = Time::from_millis(50);
/// A sink that has nearly played what it has is looked at again after so long.
const MIN_WAIT: Time = Time::from_millis(1);
/// A sink that is held is looked at once more after so long.
const AFTER_HOLD: Time = Time::from_millis(150);
/// Another speed or volume is gone over to in so long: at once to the ear, without a click.
const SEAM_MS: u32 = 5;

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
///
/// Counts are samples of one channel in the sink's format since it was configured or flushed last; they go on where the sink
/// itself had to be flushed for what it holds to be given anew.
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
    /// What was given, as far as it is not known to be over: the first is the last that was heard.
    blocks: VecDeque<Block>,
    /// What the sink counts from.
    origin: u64,
    /// Count of the samples that were queued.
    queued: u64,
    /// What the sink holds: its last samples.
    held: VecDeque<f32>,
    running: bool,
    next_report: Option<Time>,
    changed: bool,
    gain: Gain,
    speed: f64,
    /// No audio follows what is queued, as far as is known.
    is_over: bool,
    line: Option<Line>,
    /// The way over from what the sink held to what takes its place.
    seam: Option<Crossfade>,
    scratch: Vec<f32>,
    /// A sink that fails once is reported once; the player plays on.
    first_failure: Option<Fault>,
}

/// What frames go through, from the count on at which it began.
struct Line {
    processor: Processor,
    began_at: u64,
    /// Samples of one channel that went in.
    taken: u64,
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
    from: f64,
    to: f64,
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
            origin: 0,
            queued: 0,
            held: VecDeque::new(),
            running: false,
            next_report: None,
            changed: false,
            gain: Gain {
                volume: 1.0,
                mute: false,
            },
            speed: 1.0,
            is_over: false,
            line: None,
            seam: None,
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

    /// Another sink goes on where this one is. Gives what this one could not write.
    pub(crate) fn set_sink(&mut self, now: Time, sink: Box<dyn AudioSink>) -> Option<Fault> {
        let played = self.played(now);
        let mut rest = self.split(played);
        rest.extend(std::mem::take(&mut self.behind));
        let mut old = std::mem::replace(&mut self.sink, sink);
        old.hold(now);
        let ended = old.finish().map(|()| None);
        let ended = self.newly_failed(ended);
        (self.form, self.accepted, self.first_failure) = (Form::Unknown, None, None);
        self.change_at = None;
        self.forget();
        self.changed = true;
        let mut step = Ok(None);
        for frame in rest {
            step = first(step, self.put(now, frame));
        }
        if self.is_over {
            step = first(step, self.end(now).map(|()| None));
        }
        ended.or(self.newly_failed(step))
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
            Form::Taken { .. } => {
                let ended = self.end(now);
                if self.played(now) >= self.queued {
                    return first(ended.map(|()| None), self.begin(now, frame));
                }
                // What is queued is heard first.
                self.behind.push_back(frame);
                self.change_at = self.drained_at(now);
                ended.map(|()| None)
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
        let (began_at, volume) = (self.queued, self.gain.factor());
        let speed = self.speed;
        let line = self.line.get_or_insert_with(|| Line {
            processor: Processor::new(from, to, Settings { speed, volume }),
            began_at,
            taken: 0,
        });
        let from = line.count();
        line.taken += frame.len() as u64;
        let to = line.count();
        self.scratch.clear();
        line.processor.push(&frame.samples, &mut self.scratch);
        self.blocks.push_back(Block { from, to, frame });
        self.changed = true;
        self.emit(now)
    }

    /// What was made goes to the sink.
    fn emit(&mut self, now: Time) -> Result<(), SinkError> {
        if let Some(seam) = &mut self.seam {
            seam.apply(&mut self.scratch);
            self.seam = self.seam.take().filter(|seam| !seam.is_over());
        }
        if self.scratch.is_empty() {
            return Ok(());
        }
        self.held.extend(&self.scratch);
        self.queued += (self.scratch.len() / self.width()) as u64;
        self.sink.queue(now, &self.scratch)
    }

    /// The sink gets what filters hold back of what was given, and hears that nothing follows.
    fn end(&mut self, now: Time) -> Result<(), SinkError> {
        let mut ended = Ok(());
        if let Some(mut line) = self.line.take() {
            self.scratch.clear();
            line.processor.finish(&mut self.scratch);
            ended = self.emit(now);
        }
        self.sink.drain(now);
        ended
    }

    /// Goes on with another format where the sink has played what it has. Gives what is to be reported.
    pub(crate) fn advance(&mut self, now: Time) -> Option<Fault> {
        if self.behind.is_empty() {
            self.change_at = None;
            return None;
        }
        if self.played(now) < self.queued {
            self.change_at = self.drained_at(now);
            return None;
        }
        self.change_at = None;
        let mut step = Ok(None);
        for frame in std::mem::take(&mut self.behind) {
            step = first(step, self.put(now, frame));
        }
        if self.is_over && self.behind.is_empty() {
            step = first(step, self.end(now).map(|()| None));
        }
        self.newly_failed(step)
    }

    /// When the sink will have played what it has.
    fn drained_at(&mut self, now: Time) -> Option<Time> {
        let Form::Taken { to, .. } = self.form else {
            return None;
        };
        let left = self.queued.saturating_sub(self.played(now));
        let left = Time::from_millis(1_000).scale(left as f64 / f64::from(to.rate()));
        self.running.then(|| now + left.max(MIN_WAIT))
    }

    /// What the sink holds is given anew, from where it can still be changed: it need not be played to its end before another
    /// speed or volume is heard.
    fn renew(&mut self, now: Time) -> Result<(), SinkError> {
        let Form::Taken { to, .. } = self.form else {
            return Ok(());
        };
        let kept = match self.sink.take_back(now) {
            Some(kept) => (self.origin + kept).min(self.queued),
            None => {
                let played = self.played(now);
                self.sink.flush(now);
                self.origin = played;
                played
            }
        };
        let rest = self.split(kept);
        self.seam = Some(Crossfade::new(
            self.held_from(kept),
            to.width(),
            to.frames_in(SEAM_MS),
        ));
        self.line = None;
        self.changed = true;
        let mut result = Ok(());
        for frame in rest {
            result = result.and(self.feed(now, frame));
        }
        if self.is_over || !self.behind.is_empty() {
            result = result.and(self.end(now));
        }
        result
    }

    /// Takes back the frames that lie behind a count, the one that it falls into cut there.
    fn split(&mut self, count: u64) -> Vec<AudioFrame> {
        let at = count as f64;
        let heard = self.blocks.partition_point(|block| block.to <= at);
        let mut behind = self.blocks.split_off(heard).into_iter();
        let mut rest = Vec::with_capacity(behind.len());
        if let Some(block) = behind.next() {
            let (heard, left) = block.split_at(at);
            self.blocks.extend(heard);
            rest.extend(left);
        }
        rest.extend(behind.map(|block| block.frame));
        rest
    }

    /// What the sink held behind a count, which it holds no more.
    fn held_from(&mut self, count: u64) -> Vec<f32> {
        let gone = usize::try_from(self.queued.saturating_sub(count)).unwrap_or(usize::MAX);
        let gone = gone.saturating_mul(self.width()).min(self.held.len());
        self.queued = count;
        self.held.drain(self.held.len() - gone..).collect()
    }

    /// Samples of a channel that were played, in our count.
    fn played(&mut self, now: Time) -> u64 {
        self.origin + self.sink.played(now)
    }

    fn width(&self) -> usize {
        match self.form {
            Form::Taken { to, .. } => to.width(),
            Form::Unknown | Form::Refused { .. } => 1,
        }
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
        // One more, by which a device that faded out learns that it may rest.
        self.next_report = Some(now + AFTER_HOLD);
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
    pub(crate) fn drain(&mut self, now: Time) -> Option<Fault> {
        self.is_over = true;
        if !self.behind.is_empty() {
            return None;
        }
        let ended = self.end(now);
        self.newly_failed(ended.map(|()| None))
    }

    fn forget(&mut self) {
        self.blocks.clear();
        self.held.clear();
        (self.origin, self.queued) = (0, 0);
        (self.line, self.seam) = (None, None);
    }

    /// What the sink has to tell of its device.
    pub(crate) fn news(&mut self) -> Option<SinkNews> {
        self.sink.news()
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
        self.next_report = self.running.then(|| now + REPORT_EVERY);
        let played = self.played(now);
        let at = played as f64;
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(|block| block.to <= at) {
            self.blocks.pop_front();
        }
        let held = usize::try_from(self.queued.saturating_sub(played)).unwrap_or(usize::MAX);
        let held = held.saturating_mul(self.width()).min(self.held.len());
        self.held.drain(..self.held.len() - held);
        let position = self.blocks.front()?.time_at(at);
        let last = self.behind.back();
        let last = last.or_else(|| self.blocks.back().map(|block| &block.frame));
        let end = last.map_or(position, |frame| frame.pts + frame.duration());
        Some(AudioClock {
            epoch: self.epoch,
            at: now,
            // What is not heard yet, though it is played, is on its way to the ear.
            position: position - self.sink.delay(now).scale(self.speed),
            queued: (end - position).max(Time::ZERO),
            running: self.running && played < self.queued,
        })
    }

    pub(crate) fn finish(&mut self) -> Result<(), Fault> {
        let finished = self.sink.finish().map_err(|error| error.fault());
        self.first_failure.take().map_or(finished, Err)
    }
}

impl Line {
    /// The count that belongs to what went in.
    fn count(&self) -> f64 {
        self.began_at as f64 + self.taken as f64 / self.processor.input_per_output()
    }
}

impl Block {
    /// How many of the frame's samples of a channel lie before a count.
    fn samples_before(&self, count: f64) -> f64 {
        let share = (count - self.from) / (self.to - self.from).max(f64::MIN_POSITIVE);
        self.frame.len() as f64 * share.clamp(0.0, 1.0)
    }

    fn time_at(&self, count: f64) -> Time {
        let samples = self.samples_before(count);
        let rate = f64::from(self.frame.sample_rate.max(1));
        self.frame.pts + Time::from_millis(1_000).scale(samples / rate)
    }

    /// What lies before a count, and the frame of what lies behind it.
    fn split_at(mut self, count: f64) -> (Option<Self>, Option<AudioFrame>) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let samples = self.samples_before(count).round() as usize;
        let pts = self.time_at(count);
        let width = usize::from(self.frame.channels.max(1));
        let rest = AudioFrame {
            pts,
            samples: self.frame.samples.split_off(samples * width),
            ..self.frame
        };
        self.to = count;
        let heard = (!self.frame.is_empty()).then_some(self);
        (heard, (!rest.is_empty()).then_some(rest))
    }
}

/// The first step that brought something.
fn first(before: Step, then: Step) -> Step {
    match (before, then) {
        (Ok(None), then) => then,
        (before, Ok(_)) => before,
        (_, failed) => failed,
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
