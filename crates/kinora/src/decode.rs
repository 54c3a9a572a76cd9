//! The decode workers: one thread a pipeline, fed packets, giving frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use kinora_codec::DecoderOptions;
use kinora_engine::{Epoch, FrameId, Input, Preroll, Role};
use kinora_errors::Fault;
use kinora_media::{Packet, Time, TrackInfo};

use crate::backends::Backends;
use crate::decoder::AnyFrame;
use crate::driver::Message;
use crate::track_decoder::{Decoded, TrackDecoder};

/// Up to so many pixels one core decodes many times faster than they are shown, seeks included.
const ONE_THREAD_PIXELS: u64 = 640 * 360;

/// A packet to decode, as [`Output::Decode`](kinora_engine::Output::Decode) says.
pub(crate) struct Work {
    pub(crate) packet: Packet,
    pub(crate) urgent: bool,
    pub(crate) discard_before: Time,
}

enum Task {
    Configure(Arc<TrackInfo>),
    Decode(Work),
    Drain,
}

enum Job {
    Do(Epoch, Task),
    Flush,
}

/// A pipeline's thread. How much may wait in its mailbox is bounded by the engine, which sends a
/// packet only for one that was taken.
pub(crate) struct Worker {
    jobs: Option<Sender<Job>>,
    epoch: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn spawn(
        role: Role,
        backends: Backends,
        out: Sender<Message>,
    ) -> std::io::Result<Self> {
        let (jobs, mailbox) = channel();
        let epoch = Arc::new(AtomicU64::new(0));
        let worker = DecodeLoop {
            role,
            decoder: TrackDecoder::new(backends, Box::new(options)),
            preroll: Preroll::default(),
            out,
            newest: Arc::clone(&epoch),
        };
        let name = match role {
            Role::Video => "kinora-video",
            Role::Audio => "kinora-audio",
            Role::Text => "kinora-text",
        };
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || worker.run(&mailbox))?;
        Ok(Self {
            jobs: Some(jobs),
            epoch,
            thread: Some(thread),
        })
    }

    pub(crate) fn configure(&self, epoch: Epoch, track: Arc<TrackInfo>) {
        self.send(Job::Do(epoch, Task::Configure(track)));
    }
    pub(crate) fn decode(&self, epoch: Epoch, work: Work) {
        self.send(Job::Do(epoch, Task::Decode(work)));
    }
    pub(crate) fn drain(&self, epoch: Epoch) {
        self.send(Job::Do(epoch, Task::Drain));
    }
    /// Packets of older epochs that still wait are passed over.
    pub(crate) fn flush(&self, epoch: Epoch) {
        self.epoch.store(epoch.0, Ordering::Release);
        self.send(Job::Flush);
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // A worker that is gone has reported its fault; there is nobody to report to again.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.epoch.store(u64::MAX, Ordering::Release);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct DecodeLoop {
    role: Role,
    decoder: TrackDecoder,
    preroll: Preroll<AnyFrame>,
    out: Sender<Message>,
    newest: Arc<AtomicU64>,
}

impl DecodeLoop {
    fn run(mut self, mailbox: &Receiver<Job>) {
        while let Ok(job) = mailbox.recv() {
            match job {
                Job::Flush => {
                    self.decoder.flush();
                    self.preroll.flush();
                }
                Job::Do(epoch, _) if self.is_stale(epoch) => {}
                Job::Do(epoch, Task::Configure(track)) => {
                    self.decoder.configure(track);
                    self.pass_on(epoch);
                }
                Job::Do(epoch, Task::Decode(work)) => self.decode(epoch, &work),
                Job::Do(epoch, Task::Drain) => {
                    self.decoder.drain();
                    self.pass_on(epoch);
                }
            }
        }
    }

    fn is_stale(&self, epoch: Epoch) -> bool {
        epoch.0 < self.newest.load(Ordering::Acquire)
    }

    fn decode(&mut self, epoch: Epoch, work: &Work) {
        self.preroll.discard_before(work.discard_before);
        self.decoder.discard_before(work.discard_before);
        // A frame decoded twice is seen sooner than one that waits for three more.
        if !self.push(epoch, &work.packet)
            && work.urgent
            && let Some(frame) = self.decoder.hurry()
        {
            self.give(epoch, frame);
            self.push(epoch, &work.packet);
        }
        self.emit(Input::PacketTaken {
            role: self.role,
            epoch,
        });
    }

    /// Decodes a packet; whether anything came.
    fn push(&mut self, epoch: Epoch, packet: &Packet) -> bool {
        let mut came = false;
        while !self.decoder.send(packet) {
            came |= self.pass_on(epoch);
        }
        self.pass_on(epoch) || came
    }

    /// Passes on what is there; whether anything is.
    fn pass_on(&mut self, epoch: Epoch) -> bool {
        let (role, mut came) = (self.role, false);
        loop {
            match self.decoder.receive() {
                Decoded::NeedPacket => return came,
                Decoded::Frame(frame) => {
                    let times = (frame.pts(), frame.duration());
                    for frame in self.preroll.pass(role, frame, times) {
                        self.give(epoch, frame);
                    }
                }
                Decoded::Opened {
                    decoder, fell_back, ..
                } => self.emit(Input::Configured {
                    role,
                    epoch,
                    decoder,
                    fell_back,
                }),
                Decoded::Damaged(fault) => self.failed(epoch, fault, false),
                Decoded::GivenUp(fault) => self.failed(epoch, fault, true),
                Decoded::Drained => {
                    if let Some(frame) = self.preroll.drain() {
                        self.give(epoch, frame);
                    }
                    self.emit(Input::Drained { role, epoch });
                }
            }
            came = true;
        }
    }

    fn give(&self, epoch: Epoch, frame: AnyFrame) {
        if !self.is_stale(epoch) {
            let id = next_frame_id();
            let _ = self.out.send(Message::Frame(self.role, epoch, id, frame));
        }
    }

    fn failed(&self, epoch: Epoch, fault: Fault, fatal: bool) {
        self.emit(Input::DecodeFailed {
            role: self.role,
            epoch,
            fault,
            fatal,
        });
    }

    fn emit(&self, input: Input) {
        let _ = self.out.send(Message::Input(input));
    }
}

/// Names are unique in the process, so a frame of another player can never be meant.
fn next_frame_id() -> FrameId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    FrameId(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Frame threads, since exact seeks last as long as decoding does; what they hold back is asked for where it is waited for.
fn options(track: &TrackInfo) -> DecoderOptions {
    let cores = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    let pixels = track
        .video
        .map_or(0, |video| u64::from(video.width) * u64::from(video.height));
    DecoderOptions {
        threads: cores,
        low_delay: pixels <= ONE_THREAD_PIXELS,
    }
}
