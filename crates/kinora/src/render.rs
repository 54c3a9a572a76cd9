//! The render thread: takes pictures at their time and hands them to the video sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kinora_errors::{Coded, Fault, codes};
use kinora_media::{Time, VideoFrame};
use kinora_output::VideoSink;

use crate::clock::SystemClock;
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

/// The engine's side of the render thread.
pub(crate) struct Render {
    frames: Option<SyncSender<Due>>,
    tally: Arc<Mutex<Tally>>,
    thread: Option<JoinHandle<Result<(), Fault>>>,
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
        let (frames, mailbox) = sync_channel(WAITING);
        let counts = Arc::clone(&tally);
        let thread = std::thread::Builder::new()
            .name("kinora-render".into())
            .spawn(move || {
                // The sink is the application's: what it does must not end the player unseen.
                let run = AssertUnwindSafe(|| run(sink, clock, &mailbox, &counts, &out));
                catch_unwind(run).unwrap_or_else(|_| {
                    let _ = out.send(Message::OutputFailed(broken()));
                    Err(broken())
                })
            })?;
        Ok(Self {
            frames: Some(frames),
            tally,
            thread: Some(thread),
        })
    }

    /// Shows a picture whose time has come.
    pub(crate) fn show(&self, frame: VideoFrame, at: Time) {
        let Some(frames) = &self.frames else { return };
        if let Err(TrySendError::Full(_)) = frames.try_send(Due { frame, at }) {
            lock(&self.tally).refused += 1;
        }
    }

    /// Waits until the sink has written what it holds.
    pub(crate) fn finish(&mut self) -> Result<(), Fault> {
        self.frames = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(broken()),
        }
    }
}

fn broken() -> Fault {
    Fault::new(codes::ERROR_UNKNOWN, "output.broken").because("the video output panicked")
}

fn run(
    mut sink: Box<dyn VideoSink>,
    clock: SystemClock,
    mailbox: &Receiver<Due>,
    tally: &Mutex<Tally>,
    out: &Sender<Message>,
) -> Result<(), Fault> {
    let mut first_failure: Option<Fault> = None;
    while let Ok(Due { frame, at }) = mailbox.recv() {
        let offset = clock.mono() - at;
        if let Err(error) = sink.present(&frame) {
            // A sink that fails once is told once; the player plays on.
            if first_failure.is_none() {
                let fault = error.fault();
                let _ = out.send(Message::OutputFailed(fault.clone()));
                first_failure = Some(fault);
            }
            continue;
        }
        lock(tally).count(offset);
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
