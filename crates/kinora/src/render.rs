//! The render thread: takes pictures at their time and hands them to the video sink.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use kinora_errors::{Coded, Fault, codes};
use kinora_media::{Time, VideoFrame};
use kinora_output::{Presenter, VideoSink};

use crate::clock::SystemClock;
use crate::deadline::Deadline;
use crate::driver::Message;
use crate::player::OutputStats;

/// So many pictures may wait for a sink; what a slower one can not take is dropped and counted.
const WAITING: usize = 3;

/// The newest so many offsets are kept for the median.
const OFFSETS: usize = 4_096;

struct Due {
    frame: VideoFrame,
    at: Time,
}

/// What the render thread is to do next.
enum Job {
    Show(Due),
    Flush,
    End,
}

/// Pictures on their way to the sink.
#[derive(Default)]
struct Mailbox {
    orders: Mutex<Orders>,
    changed: Condvar,
}

#[derive(Default)]
struct Orders {
    due: VecDeque<Due>,
    /// The sink has not heard of a jump yet.
    flush: bool,
    /// No picture follows; those that wait are shown until then.
    end: Option<Deadline>,
}

/// The engine's side of the render thread.
pub(crate) struct Render {
    mailbox: Arc<Mailbox>,
    tally: Arc<Mutex<Tally>>,
    thread: JoinHandle<()>,
    ended: Receiver<Result<(), Fault>>,
}

/// What the render thread counts, read by the player.
#[derive(Default)]
pub(crate) struct Tally {
    shown: u64,
    refused: u64,
    max_ms: f64,
    recent: Vec<f32>,
}

impl Render {
    pub(crate) fn spawn(
        sink: Box<dyn VideoSink>,
        clock: SystemClock,
        out: Sender<Message>,
        tally: Arc<Mutex<Tally>>,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let (answer, ended) = channel();
        let (jobs, counts) = (Arc::clone(&mailbox), Arc::clone(&tally));
        let thread = std::thread::Builder::new()
            .name("kinora-render".into())
            .spawn(move || {
                // The sink is the application's: what it does must not end the player unseen.
                let run = AssertUnwindSafe(|| run(sink, clock, &jobs, &counts, &out));
                let result = catch_unwind(run).unwrap_or_else(|_| {
                    let _ = out.send(Message::OutputFailed(broken()));
                    Err(broken())
                });
                let _ = answer.send(result);
            })?;
        Ok(Self {
            mailbox,
            tally,
            thread,
            ended,
        })
    }

    pub(crate) fn thread(&self) -> ThreadId {
        self.thread.thread().id()
    }

    /// Shows a picture whose time has come.
    pub(crate) fn show(&self, frame: VideoFrame, at: Time) {
        let mut orders = self.mailbox.lock();
        if orders.due.len() < WAITING {
            orders.due.push_back(Due { frame, at });
            self.mailbox.changed.notify_one();
        } else {
            drop(orders);
            lock(&self.tally).refused += 1;
        }
    }

    /// Pictures that wait are worthless.
    pub(crate) fn flush(&self) {
        let mut orders = self.mailbox.lock();
        orders.due.clear();
        orders.flush = true;
        self.mailbox.changed.notify_one();
    }

    /// No picture follows. Those that wait have half of the time; the sink's end has the rest.
    pub(crate) fn end(&self, by: Deadline) {
        self.mailbox.lock().end = Some(by.halfway());
        self.mailbox.changed.notify_one();
    }

    /// Waits for the sink's end. A sink that does not come to one is left to its thread.
    pub(crate) fn wait(&self, by: Deadline) -> Result<(), Fault> {
        match by.receive(&self.ended) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(not_ended("the video output")),
            Err(RecvTimeoutError::Disconnected) => Err(broken()),
        }
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
            if orders.end.is_some_and(Deadline::is_over) {
                return Job::End;
            }
            if let Some(due) = orders.due.pop_front() {
                return Job::Show(due);
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

fn broken() -> Fault {
    Fault::new(codes::ERROR_UNKNOWN, "output.broken").because("the video output panicked")
}

/// ETIMEDOUT: the output is left to itself.
pub(crate) fn not_ended(which: &str) -> Fault {
    Fault::new(kinora_errors::Code::from_errno(110), "output.not_ended")
        .because(format!("{which} did not end in the time that it was given"))
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
    loop {
        match mailbox.next() {
            Job::End => break,
            Job::Flush => sink.flush(),
            Job::Show(Due { frame, at }) => {
                let offset = clock.mono() - at;
                match sink.present(&frame) {
                    Ok(true) => lock(tally).count(offset),
                    Ok(false) => {}
                    // A sink that fails once is told once; the player plays on.
                    Err(_) if first_failure.is_some() => {}
                    Err(error) => {
                        let fault = error.fault();
                        let _ = out.send(Message::OutputFailed(fault.clone()));
                        first_failure = Some(fault);
                    }
                }
            }
        }
    }
    let finished = sink.finish().map_err(|error| error.fault());
    first_failure.map_or(finished, Err)
}

impl Tally {
    pub(crate) fn stats(&self) -> OutputStats {
        let mut sorted = self.recent.clone();
        sorted.sort_by(f32::total_cmp);
        OutputStats {
            shown: self.shown,
            refused: self.refused,
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
    }
}

pub(crate) fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
