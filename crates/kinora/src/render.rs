//! The render thread: takes video frames at their time and hands them to the video sink.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use kinora_engine::{Input, Role};
use kinora_errors::{Coded, Fault};
use kinora_media::{Time, VideoFrame};
use kinora_output::{Needs, Presenter, ScaleMode, Timing, VideoSink};
use kinora_subtitle::ShownCues;

use crate::clock::SystemClock;
use crate::deadline::Deadline;
use crate::driver::Message;
use crate::output_thread::OutputThread;
use crate::player::OutputStats;

/// So many frames may wait for a sink; what a slower one can not take is dropped and counted.
const MAX_WAITING: usize = 3;
/// The same for one that takes frames ahead of time: more of them are given at once.
const MAX_WAITING_AHEAD: usize = 12;

/// The newest so many offsets are kept for the median.
const OFFSETS: usize = 4_096;

const SECOND: Duration = Duration::from_secs(1);
/// No more pictures of a second are counted.
const MAX_MOMENTS: usize = 1_000;

struct Due {
    frame: VideoFrame,
    at: Time,
    /// What lies on it.
    cues: ShownCues,
}

/// What the render thread is to do next.
enum Job {
    Show(Due),
    Cues(ShownCues),
    Flush,
    Clear,
    Scale(ScaleMode),
    Paused(bool),
    End,
}

/// Frames on their way to the sink.
#[derive(Default)]
struct Mailbox {
    orders: Mutex<Orders>,
    changed: Condvar,
}

#[derive(Default)]
struct Orders {
    due: VecDeque<Due>,
    /// What lies on the frames that follow.
    cues: ShownCues,
    /// The sink does not know of it yet.
    cues_changed: bool,
    /// The sink does not know of a jump yet.
    flush: bool,
    /// Nor that nothing is to be seen any more.
    clear: bool,
    /// Nor how pictures lie in its area.
    scale: Option<ScaleMode>,
    /// Nor whether playback is held.
    paused: Option<bool>,
    /// No frame follows; those that wait are shown until then.
    end: Option<Deadline>,
}

/// The engine's side of the render thread.
pub(crate) struct Render {
    mailbox: Arc<Mailbox>,
    max_waiting: usize,
    tally: Arc<Mutex<Tally>>,
    thread: OutputThread,
}

/// What the render thread counts, read by the player.
#[derive(Default)]
pub(crate) struct Tally {
    shown: u64,
    refused: u64,
    max_ms: f64,
    recent: Vec<f32>,
    /// When those were shown that may lie within the last second.
    moments: VecDeque<Instant>,
}

impl Render {
    /// `needs`: what the sink needs.
    pub(crate) fn spawn(
        sink: Box<dyn VideoSink>,
        needs: Needs,
        clock: SystemClock,
        out: Sender<Message>,
        tally: Arc<Mutex<Tally>>,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let (orders, counts, messages) = (Arc::clone(&mailbox), Arc::clone(&tally), out.clone());
        let run = move || run(sink, clock, &orders, &counts, &messages);
        Ok(Self {
            mailbox,
            max_waiting: match needs.ahead > Time::ZERO {
                true => MAX_WAITING_AHEAD,
                false => MAX_WAITING,
            },
            tally,
            thread: OutputThread::spawn(Role::Video, out, run)?,
        })
    }

    pub(crate) fn thread(&self) -> ThreadId {
        self.thread.id()
    }

    /// Shows a frame whose time has come, or will soon.
    pub(crate) fn show(&self, frame: VideoFrame, at: Time) {
        let mut orders = self.mailbox.lock();
        if orders.due.len() < self.max_waiting {
            let cues = ShownCues::clone(&orders.cues);
            orders.due.push_back(Due { frame, at, cues });
            self.mailbox.changed.notify_one();
        } else {
            drop(orders);
            lock(&self.tally).refused += 1;
        }
    }

    /// Frames that wait are worthless.
    pub(crate) fn flush(&self) {
        let mut orders = self.mailbox.lock();
        orders.due.clear();
        orders.flush = true;
        self.mailbox.changed.notify_one();
    }

    /// Nothing is to be seen any more.
    pub(crate) fn clear(&self) {
        let mut orders = self.mailbox.lock();
        orders.due.clear();
        orders.clear = true;
        self.mailbox.changed.notify_one();
    }

    /// What was counted is no matter of who has the player next.
    pub(crate) fn forget(&self) {
        *lock(&self.tally) = Tally::default();
    }

    /// How pictures lie in the sink's area.
    pub(crate) fn set_scale_mode(&self, mode: ScaleMode) {
        self.mailbox.lock().scale = Some(mode);
        self.mailbox.changed.notify_one();
    }

    /// These lie on the frames that follow, and on the one that is shown.
    pub(crate) fn set_cues(&self, cues: ShownCues) {
        let mut orders = self.mailbox.lock();
        orders.cues = cues;
        orders.cues_changed = true;
        self.mailbox.changed.notify_one();
    }

    /// Playback is held, or goes on.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.mailbox.lock().paused = Some(paused);
        self.mailbox.changed.notify_one();
    }

    /// No frame follows. Those that wait have half of the time; the sink's end has the rest.
    pub(crate) fn end(&self, by: Deadline) {
        self.mailbox.lock().end = Some(by.halfway());
        self.mailbox.changed.notify_one();
    }

    /// Waits for the sink's end. A sink that does not come to one is left to its thread.
    pub(crate) fn wait(&self, by: Deadline) -> Result<(), Fault> {
        self.thread.wait(by)
    }
}

/// Without a player nothing is shown any more.
impl Drop for Render {
    fn drop(&mut self) {
        let mut orders = self.mailbox.lock();
        orders.end.get_or_insert(Deadline::after(Duration::ZERO));
        self.mailbox.changed.notify_one();
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Job {
        let mut orders = self.lock();
        loop {
            if std::mem::take(&mut orders.flush) {
                return Job::Flush;
            }
            if std::mem::take(&mut orders.clear) {
                return Job::Clear;
            }
            if let Some(mode) = orders.scale.take() {
                return Job::Scale(mode);
            }
            if let Some(paused) = orders.paused.take() {
                return Job::Paused(paused);
            }
            if orders.end.is_some_and(Deadline::is_over) {
                return Job::End;
            }
            if let Some(due) = orders.due.pop_front() {
                return Job::Show(due);
            }
            if std::mem::take(&mut orders.cues_changed) {
                return Job::Cues(ShownCues::clone(&orders.cues));
            }
            if orders.end.is_some() {
                return Job::End;
            }
            orders = self
                .changed
                .wait(orders)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn run(
    sink: Box<dyn VideoSink>,
    clock: SystemClock,
    mailbox: &Mailbox,
    tally: &Mutex<Tally>,
    out: &Sender<Message>,
) -> Result<(), Fault> {
    let mut sink = Presenter::new(sink);
    let mut first_failure: Option<Fault> = None;
    let mut cues = ShownCues::default();
    loop {
        match mailbox.next() {
            Job::End => break,
            Job::Flush => sink.flush(),
            Job::Clear => sink.clear(),
            Job::Scale(mode) => sink.set_scale_mode(mode),
            Job::Paused(paused) => sink.set_paused(paused),
            Job::Cues(shown) => set_cues(&mut sink, &mut cues, shown),
            Job::Show(Due {
                frame,
                at,
                cues: shown,
            }) => {
                set_cues(&mut sink, &mut cues, shown);
                let now = clock.mono();
                let timing = Timing { now, due: at };
                // What is given ahead is shown by the sink at its time.
                let offset = (now - at).max(Time::ZERO);
                match sink.present_at(&frame, timing) {
                    Ok(true) => lock(tally).count(offset),
                    Ok(false) => {}
                    Err(error) if error.is_notice() => {
                        lock(tally).count(offset);
                        report(out, error.fault());
                    }
                    // A sink that fails once is reported once; the player plays on.
                    Err(_) if first_failure.is_some() => {}
                    Err(error) => {
                        let fault = error.fault();
                        report(out, fault.clone());
                        first_failure = Some(fault);
                    }
                }
            }
        }
    }
    let finished = sink.finish().map_err(|error| error.fault());
    first_failure.map_or(finished, Err)
}

/// What failed is told; the player plays on.
fn report(out: &Sender<Message>, fault: Fault) {
    let (role, fatal) = (Role::Video, false);
    let _ = out.send(Message::Input(Input::OutputFailed { role, fault, fatal }));
}

/// Tells the sink what lies on the frames that follow, where that is new.
fn set_cues(sink: &mut Presenter<Box<dyn VideoSink>>, known: &mut ShownCues, shown: ShownCues) {
    if !known.is_copy_of(&shown) {
        sink.set_cues(&shown);
        *known = shown;
    }
}

impl Tally {
    pub(crate) fn stats(&self) -> OutputStats {
        let mut sorted = self.recent.clone();
        sorted.sort_by(f32::total_cmp);
        OutputStats {
            shown: self.shown,
            refused: self.refused,
            shown_per_second: u32::try_from(self.within_a_second(Instant::now()))
                .unwrap_or(u32::MAX),
            offset_p50_ms: sorted.get(sorted.len() / 2).copied().map_or(0.0, f64::from),
            offset_max_ms: self.max_ms,
        }
    }

    fn count(&mut self, offset: Time) {
        let ms = offset.as_secs_f64() * 1_000.0;
        self.max_ms = self.max_ms.max(ms.abs());
        #[allow(clippy::cast_possible_truncation)]
        let ms = ms as f32;
        if self.recent.len() < OFFSETS {
            self.recent.push(ms);
        } else {
            let at = usize::try_from(self.shown).unwrap_or(0) % OFFSETS;
            self.recent[at] = ms;
        }
        self.shown += 1;
        let now = Instant::now();
        let old = self.moments.len() - self.within_a_second(now);
        self.moments.drain(..old);
        if self.moments.len() < MAX_MOMENTS {
            self.moments.push_back(now);
        }
    }

    fn within_a_second(&self, now: Instant) -> usize {
        let is_old = |at: &Instant| now.saturating_duration_since(*at) >= SECOND;
        self.moments.len() - self.moments.partition_point(is_old)
    }
}

pub(crate) fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
