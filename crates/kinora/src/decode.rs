//! The decode workers: one thread a pipeline, fed packets, giving frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use kinora_codec::{DecodeError, DecoderOptions};
use kinora_engine::{DecoderRecovery, Epoch, FrameId, Input, Role, decoder_error};
use kinora_errors::{Coded, Fault};
use kinora_media::{Packet, Time, TrackInfo};

use crate::backends::Backends;
use crate::decoder::{AnyDecoder, AnyFrame};
use crate::driver::Message;

/// Up to so many pixels one core decodes many times faster than they are shown, seeks included.
const ONE_THREAD_PIXELS: u64 = 640 * 360;

enum Job {
    Configure(Epoch, Arc<TrackInfo>),
    Packet(Epoch, Packet, bool),
    Drain(Epoch),
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
            backends,
            out,
            newest: Arc::clone(&epoch),
            open: None,
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
        self.send(Job::Configure(epoch, track));
    }
    pub(crate) fn decode(&self, epoch: Epoch, packet: Packet, urgent: bool) {
        self.send(Job::Packet(epoch, packet, urgent));
    }
    pub(crate) fn drain(&self, epoch: Epoch) {
        self.send(Job::Drain(epoch));
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

struct Open {
    track: Arc<TrackInfo>,
    decoder: AnyDecoder,
    backend_failed: bool,
    /// The time of a frame that was given before its turn, and will come again.
    given: Option<Time>,
}

struct DecodeLoop {
    role: Role,
    backends: Backends,
    out: Sender<Message>,
    newest: Arc<AtomicU64>,
    open: Option<Open>,
}

impl DecodeLoop {
    fn run(mut self, mailbox: &Receiver<Job>) {
        while let Ok(job) = mailbox.recv() {
            match job {
                Job::Configure(epoch, track) => self.configure(epoch, track),
                Job::Packet(epoch, packet, urgent) => self.decode(epoch, &packet, urgent),
                Job::Drain(epoch) => self.drain(epoch),
                Job::Flush => self.flush(),
            }
        }
    }

    fn is_stale(&self, epoch: Epoch) -> bool {
        epoch.0 < self.newest.load(Ordering::Acquire)
    }

    fn configure(&mut self, epoch: Epoch, track: Arc<TrackInfo>) {
        if self.is_stale(epoch) {
            return;
        }
        self.finish(epoch);
        self.reopen(epoch, track, None);
    }

    fn reopen(
        &mut self,
        epoch: Epoch,
        track: Arc<TrackInfo>,
        avoid: Option<(&'static str, Fault)>,
    ) {
        let (avoid, because) =
            avoid.map_or((None, None), |(name, fault)| (Some(name), Some(fault)));
        match self.backends.open(&track, options(&track), avoid) {
            Ok(opened) => {
                let decoder = opened.decoder.name().to_owned();
                let fell_back = because.or(opened.fell_back);
                self.open = Some(Open {
                    track,
                    decoder: opened.decoder,
                    backend_failed: avoid.is_some(),
                    given: None,
                });
                self.emit(Input::Configured {
                    role: self.role,
                    epoch,
                    decoder,
                    fell_back,
                });
            }
            Err(fault) => {
                self.open = None;
                self.emit(Input::DecodeFailed {
                    role: self.role,
                    epoch,
                    fault: because.unwrap_or(fault),
                    fatal: true,
                });
            }
        }
    }

    fn decode(&mut self, epoch: Epoch, packet: &Packet, urgent: bool) {
        if self.is_stale(epoch) {
            return;
        }
        let done = match urgent {
            true => self.push_urgent(epoch, packet),
            false => self.push(epoch, packet).map(drop),
        };
        if let Err(error) = done {
            self.failed(epoch, &error);
        }
        self.emit(Input::PacketTaken {
            role: self.role,
            epoch,
        });
    }

    /// A decoder that holds the frame back, since others may be shown before it, is made to give it, and begins with the
    /// same packet again: a frame decoded twice is seen sooner than one that waits for three more.
    fn push_urgent(&mut self, epoch: Epoch, packet: &Packet) -> Result<(), DecodeError> {
        if self.push(epoch, packet)? {
            return Ok(());
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.decoder.drain();
        // What fails here fails again below, and is reported then.
        let frame = open.decoder.receive().unwrap_or_default();
        open.decoder.flush();
        if let Some(frame) = frame {
            open.given = Some(frame.pts());
            self.give(epoch, frame);
        }
        self.push(epoch, packet).map(drop)
    }

    /// Decodes a packet; whether a frame came of it.
    fn push(&mut self, epoch: Epoch, packet: &Packet) -> Result<bool, DecodeError> {
        let mut gave = false;
        loop {
            let Some(open) = &mut self.open else {
                return Ok(false);
            };
            match open.decoder.send(packet) {
                Ok(()) => break,
                Err(DecodeError::Full) => {
                    gave = self.receive_one(epoch)?;
                    if !gave {
                        // Full and yet nothing to give: it would be asked for ever.
                        return Err(DecodeError::Broken {
                            codec: self
                                .open
                                .as_ref()
                                .map_or(kinora_media::CodecId::UnknownVideo, |o| o.track.codec),
                            what: "it takes no packet and gives no frame".into(),
                        });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        while self.receive_one(epoch)? {
            gave = true;
        }
        Ok(gave)
    }

    /// Passes one frame on; `false` when there is none now.
    fn receive_one(&mut self, epoch: Epoch) -> Result<bool, DecodeError> {
        let Some(open) = &mut self.open else {
            return Ok(false);
        };
        let Some(frame) = open.decoder.receive()? else {
            return Ok(false);
        };
        let again = open.given.take_if(|given| *given == frame.pts());
        if again.is_none() {
            self.give(epoch, frame);
        }
        Ok(true)
    }

    fn give(&self, epoch: Epoch, frame: AnyFrame) {
        if !self.is_stale(epoch) {
            let _ = self
                .out
                .send(Message::Frame(self.role, epoch, next_frame_id(), frame));
        }
    }

    fn drain(&mut self, epoch: Epoch) {
        if self.is_stale(epoch) {
            return;
        }
        self.finish(epoch);
        self.emit(Input::Drained {
            role: self.role,
            epoch,
        });
    }

    /// Gives what the decoder holds back, and makes it ready for a new start.
    fn finish(&mut self, epoch: Epoch) {
        let Some(open) = &mut self.open else { return };
        open.decoder.drain();
        loop {
            match self.receive_one(epoch) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.failed(epoch, &error);
                    break;
                }
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        if let Some(open) = &mut self.open {
            open.given = None;
            open.decoder.flush();
        }
    }

    fn failed(&mut self, epoch: Epoch, error: &DecodeError) {
        let broken = matches!(
            error,
            DecodeError::Broken { .. } | DecodeError::Unsupported { .. }
        );
        // A decoder that is gone already was given up.
        let replaced = self.open.as_ref().is_none_or(|open| open.backend_failed);
        match decoder_error(broken, replaced) {
            DecoderRecovery::PassOver => {}
            DecoderRecovery::GiveUp => self.open = None,
            DecoderRecovery::OtherBackend => {
                if let Some(open) = self.open.take() {
                    let backend = open.decoder.backend();
                    return self.reopen(epoch, open.track, Some((backend, error.fault())));
                }
            }
        }
        self.emit(Input::DecodeFailed {
            role: self.role,
            epoch,
            fault: error.fault(),
            fatal: broken,
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
