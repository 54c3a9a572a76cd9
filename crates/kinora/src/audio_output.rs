//! The audio output's thread: feeds the sink and reports where it is, so that a sink that blocks holds nobody else up.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use kinora_engine::{Epoch, Input, Role};
use kinora_errors::{Code, Coded as _, Fault};
use kinora_media::{AudioFrame, Time};
use kinora_output::{AudioSink, SinkNews};

use crate::audio::AudioRenderer;
use crate::clock::SystemClock;
use crate::deadline::Deadline;
use crate::driver::Message;
use crate::output_thread::OutputThread;

/// So many frames may wait for a sink, and so much of them; the engine gives less than half a second ahead of the clock. Of what
/// a slower sink can not take the oldest is dropped.
const MAX_FRAMES: usize = 128;
const MAX_WAITING: Time = Time::from_millis(1_000);

/// What the thread does next.
enum Step {
    Flush(Epoch),
    Run,
    Hold,
    Speed(f64),
    Volume(f32),
    Mute(bool),
    Sink(Box<dyn AudioSink>),
    Queue(AudioFrame, Time),
    Drain,
    /// Nothing; a moment came that was waited for.
    Wake,
    End,
}

/// What waits for the thread. Of changes that came meanwhile the last one counts.
#[derive(Default)]
struct Orders {
    frames: VecDeque<(AudioFrame, Time)>,
    waiting: Time,
    epoch: Epoch,
    flush: bool,
    run: Option<bool>,
    speed: Option<f64>,
    volume: Option<f32>,
    mute: Option<bool>,
    sink: Option<Box<dyn AudioSink>>,
    drain: bool,
    end: bool,
    /// The sink was too slow, which was reported.
    overflowed: bool,
}

impl Orders {
    /// A jump overtakes all that waits; frames come last.
    fn next(&mut self) -> Option<Step> {
        if self.end {
            return Some(Step::End);
        }
        if std::mem::take(&mut self.flush) {
            return Some(Step::Flush(self.epoch));
        }
        if let Some(sink) = self.sink.take() {
            return Some(Step::Sink(sink));
        }
        if let Some(run) = self.run.take() {
            return Some(if run { Step::Run } else { Step::Hold });
        }
        if let Some(speed) = self.speed.take() {
            return Some(Step::Speed(speed));
        }
        if let Some(volume) = self.volume.take() {
            return Some(Step::Volume(volume));
        }
        if let Some(mute) = self.mute.take() {
            return Some(Step::Mute(mute));
        }
        if let Some((frame, skip_until)) = self.pop() {
            return Some(Step::Queue(frame, skip_until));
        }
        std::mem::take(&mut self.drain).then_some(Step::Drain)
    }

    fn pop(&mut self) -> Option<(AudioFrame, Time)> {
        let next = self.frames.pop_front()?;
        self.waiting -= next.0.duration();
        Some(next)
    }

    /// `true`: the sink is too slow, and that is news.
    fn push(&mut self, frame: AudioFrame, skip_until: Time) -> bool {
        self.drain = false;
        self.waiting += frame.duration();
        self.frames.push_back((frame, skip_until));
        let mut is_late = false;
        while self.frames.len() > 1
            && (self.frames.len() > MAX_FRAMES || self.waiting > MAX_WAITING)
        {
            self.pop();
            is_late = true;
        }
        is_late && !std::mem::replace(&mut self.overflowed, true)
    }
}

#[derive(Default)]
struct Mailbox {
    orders: Mutex<Orders>,
    changed: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put<T>(&self, order: impl FnOnce(&mut Orders) -> T) -> T {
        let done = order(&mut self.lock());
        self.changed.notify_one();
        done
    }

    /// What is there at once; without anything, `None`.
    fn try_next(&self) -> Option<Step> {
        self.lock().next()
    }

    /// Waits for what comes, no longer than until a moment.
    fn next(&self, clock: SystemClock, until: Option<Time>) -> Step {
        let mut orders = self.lock();
        loop {
            if let Some(step) = orders.next() {
                return step;
            }
            let waited = match until {
                None => self.changed.wait(orders),
                Some(until) => {
                    let left = until - clock.mono();
                    if left <= Time::ZERO {
                        return Step::Wake;
                    }
                    let waited = self.changed.wait_timeout(orders, left.to_duration());
                    Ok(waited.unwrap_or_else(PoisonError::into_inner).0)
                }
            };
            orders = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The engine's side of the audio output.
pub(crate) struct AudioOutput {
    mailbox: Arc<Mailbox>,
    thread: OutputThread,
    out: Sender<Message>,
}

impl AudioOutput {
    pub(crate) fn spawn(
        sink: Box<dyn AudioSink>,
        clock: SystemClock,
        out: Sender<Message>,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let (orders, messages) = (Arc::clone(&mailbox), out.clone());
        let run = move || run(sink, clock, &orders, &messages);
        Ok(Self {
            mailbox,
            thread: OutputThread::spawn(Role::Audio, out.clone(), run)?,
            out,
        })
    }

    pub(crate) fn thread(&self) -> ThreadId {
        self.thread.id()
    }

    /// Queues a frame; what lies before `skip_until` is cut off.
    pub(crate) fn queue(&self, frame: AudioFrame, skip_until: Time) {
        if self.mailbox.put(|orders| orders.push(frame, skip_until)) {
            let _ = self.out.send(failed(too_slow()));
        }
    }
    /// Frames that wait are worthless, and those that the sink holds; the next belong to the epoch.
    pub(crate) fn flush(&self, epoch: Epoch) {
        self.mailbox.put(|orders| {
            orders.frames.clear();
            orders.waiting = Time::ZERO;
            (orders.epoch, orders.flush, orders.drain) = (epoch, true, false);
        });
    }
    /// The session is over: what is queued must not be heard in the next one.
    pub(crate) fn discard(&self) {
        let epoch = self.mailbox.lock().epoch;
        self.flush(epoch);
    }
    pub(crate) fn run(&self) {
        self.mailbox.put(|orders| orders.run = Some(true));
    }
    pub(crate) fn hold(&self) {
        self.mailbox.put(|orders| orders.run = Some(false));
    }
    /// No audio follows, as far as is known.
    pub(crate) fn drain(&self) {
        self.mailbox.put(|orders| orders.drain = true);
    }
    pub(crate) fn set_speed(&self, speed: f64) {
        self.mailbox.put(|orders| orders.speed = Some(speed));
    }
    pub(crate) fn set_volume(&self, volume: f32) {
        self.mailbox.put(|orders| orders.volume = Some(volume));
    }
    pub(crate) fn set_mute(&self, mute: bool) {
        self.mailbox.put(|orders| orders.mute = Some(mute));
    }
    /// Another sink goes on where this one is.
    pub(crate) fn set_sink(&self, sink: Box<dyn AudioSink>) {
        self.mailbox.put(|orders| orders.sink = Some(sink));
    }
    /// Nothing follows; the sink writes what it holds back.
    pub(crate) fn end(&self) {
        self.mailbox.put(|orders| orders.end = true);
    }
    /// Waits for the sink's end. A sink that does not come to one is left to its thread.
    pub(crate) fn wait(&self, by: Deadline) -> Result<(), Fault> {
        self.thread.wait(by)
    }
}

/// Without a player nothing is heard any more.
impl Drop for AudioOutput {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(
    sink: Box<dyn AudioSink>,
    clock: SystemClock,
    mailbox: &Mailbox,
    out: &Sender<Message>,
) -> Result<(), Fault> {
    let mut renderer = AudioRenderer::new(sink);
    loop {
        // A report follows what is there to be done, not each piece of it.
        let step = match mailbox.try_next() {
            Some(step) => step,
            None => {
                report(&mut renderer, clock.mono(), out);
                mailbox.next(clock, renderer.next_wakeup())
            }
        };
        let now = clock.mono();
        let fault = match step {
            Step::End => break,
            Step::Flush(epoch) => {
                renderer.flush(now, epoch);
                None
            }
            Step::Run => {
                renderer.run(now);
                None
            }
            Step::Hold => {
                renderer.hold(now);
                None
            }
            Step::Drain => renderer.drain(now),
            Step::Speed(speed) => renderer.set_speed(now, speed),
            Step::Volume(volume) => renderer.set_volume(now, volume),
            Step::Mute(mute) => renderer.set_mute(now, mute),
            Step::Sink(sink) => renderer.set_sink(now, sink),
            Step::Queue(frame, skip_until) => renderer.queue(now, frame, skip_until),
            Step::Wake => None,
        };
        let later = renderer.advance(now);
        for fault in [fault, later].into_iter().flatten() {
            let _ = out.send(failed(fault));
        }
    }
    renderer.hold(clock.mono());
    renderer.finish()
}

fn report(renderer: &mut AudioRenderer, now: Time, out: &Sender<Message>) {
    let is_wanted = renderer.take_changed() || renderer.is_report_due(now);
    if is_wanted && let Some(report) = renderer.report(now) {
        let _ = out.send(Message::Input(Input::AudioClock(report)));
    }
    while let Some(news) = renderer.news() {
        let _ = out.send(match news {
            SinkNews::Device(device) => Message::AudioDevice(device),
            SinkNews::Lost(error) => failed(error.fault()),
        });
    }
}

fn failed(fault: Fault) -> Message {
    let (role, fatal) = (Role::Audio, false);
    Message::Input(Input::OutputFailed { role, fault, fatal })
}

/// ETIMEDOUT: it takes nothing while the clock goes on.
fn too_slow() -> Fault {
    Fault::new(Code::from_errno(110), "output.too_slow")
        .because("the audio output takes no more samples; those that it does not take are left out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at_ms: i64) -> AudioFrame {
        AudioFrame {
            pts: Time::from_millis(at_ms),
            sample_rate: 1_000,
            channels: 1,
            samples: vec![0.0; 20],
        }
    }

    #[test]
    fn a_jump_overtakes_what_waits_and_the_last_wish_counts() {
        let mut orders = Orders::default();
        orders.push(frame(0), Time::MIN);
        orders.run = Some(true);
        orders.run = Some(false);
        orders.flush = true;
        assert!(matches!(orders.next(), Some(Step::Flush(_))));
        assert!(matches!(orders.next(), Some(Step::Hold)));
        assert!(matches!(orders.next(), Some(Step::Queue(..))));
        assert!(orders.next().is_none());
    }

    #[test]
    fn what_a_sink_does_not_take_is_bounded_and_reported_once() {
        let mut orders = Orders::default();
        let news: Vec<i64> = (0..500)
            .filter(|at| orders.push(frame(at * 20), Time::MIN))
            .collect();
        assert_eq!(news, [50], "a second is full");
        assert_eq!(orders.frames.len(), 50);
        assert_eq!(orders.waiting, MAX_WAITING);
        let first = orders.pop().map(|(frame, _)| frame.pts);
        assert_eq!(first, Some(Time::from_millis(9_000)), "the newest are kept");
    }
}
