//! The engine's thread: gives the engine what happened, does what it wants done.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora_engine::{
    ByRole, Command, CommandKind, Engine, Epoch, Event, FrameId, Input, Output, PlayerConfig,
    Refusal, Role, State, TapeSink, VOLUMES,
};
use kinora_errors::{Fault, codes};
use kinora_media::{Orientation, Time};
use kinora_net::{BitStreams, CacheNotice, Net, NetConfig, Resolve};
use kinora_output::{AudioDevice, AudioSink, Needs, ScaleMode, VideoSink};

use crate::audio_output::AudioOutput;
use crate::backends::{Backends, DemuxerChoice};
use crate::cache::{self, PlayerCache};
use crate::clock::SystemClock;
use crate::deadline::Deadline;
use crate::decode::{Work, Worker};
use crate::decoder::AnyFrame;
use crate::events::EventQueue;
use crate::gate::BufferGate;
use crate::memory::MemoryWatch;
use crate::player::View;
use crate::render::{Render, Tally};
use crate::source::Source;

/// What came last is waited for so long until it is in the cache.
const MAX_SETTLE: Duration = Duration::from_secs(1);

/// What the thread is made of.
pub(crate) struct Parts {
    pub(crate) config: PlayerConfig,
    pub(crate) cache: Option<PlayerCache>,
    /// Tells others whether this player has enough.
    pub(crate) gate: Arc<BufferGate>,
    pub(crate) net: NetConfig,
    /// The transport among those of `net` that leads to the application's own source.
    pub(crate) bit_streams: BitStreams,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) backends: Backends,
    pub(crate) demuxers: DemuxerChoice,
    pub(crate) video: Box<dyn VideoSink>,
    /// What the video sink needs.
    pub(crate) needs: Needs,
    pub(crate) audio: Box<dyn AudioSink>,
    pub(crate) messages: Sender<Message>,
    pub(crate) events: EventQueue,
    pub(crate) view: Arc<Mutex<View>>,
    pub(crate) tally: Arc<Mutex<Tally>>,
    pub(crate) record: Option<TapeSink>,
}

/// What reaches the engine's thread.
pub(crate) enum Message {
    /// What to play from now on; nothing.
    Source(Option<Source>),
    Input(Input),
    Frame(Role, Epoch, FrameId, AnyFrame),
    Control(Control),
    /// Sound comes out there from now on.
    AudioDevice(AudioDevice),
    Cache(CacheNotice),
}

/// What the application asks of the outputs; the engine does not see it.
pub(crate) enum Control {
    Volume(f32),
    Mute(bool),
    AudioSink(Box<dyn AudioSink>),
    Orientation(Orientation),
    Scale(ScaleMode),
    ClearScreen,
    /// Nothing is left of what it played before: told when that is so.
    Renew(Sender<()>),
    Release(Release),
}

/// The wish to end.
pub(crate) struct Release {
    /// Sinks that have not ended by then are left to themselves.
    pub(crate) by: Deadline,
    /// Who waits for it, perhaps.
    pub(crate) answer: Sender<Result<(), Fault>>,
}

/// Runs until the player is released. The answer to that is the last thing: all else is gone then.
pub(crate) fn run(parts: Parts, mailbox: &Receiver<Message>) {
    let (events, view) = (parts.events.clone(), Arc::clone(&parts.view));
    let gate = Arc::clone(&parts.gate);
    // What the player calls is the application's in part: what that does must not leave the application waiting for ever.
    let run = AssertUnwindSafe(|| Driver::new(parts).map(|driver| driver.run(mailbox)));
    let ended = catch_unwind(run).unwrap_or_else(|_| Err(panicked()));
    let answer = ended.unwrap_or_else(|fault| {
        let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut view.state, State::Error);
        drop(view);
        let new = State::Error;
        events.push(Event::StateChanged { old, new });
        events.push(Event::Error(fault));
        None
    });
    events.close();
    gate.open();
    #[cfg(feature = "tracing")]
    crate::trace::player_ended();
    if let Some((answer, result)) = answer {
        let _ = answer.send(result);
    }
}

fn panicked() -> Fault {
    Fault::new(codes::ERROR_UNKNOWN, "output.broken")
        .because("a part of the application that the player called panicked")
}

struct Driver {
    engine: Engine,
    world: World,
    gate: Arc<BufferGate>,
    memory: MemoryWatch,
    deadline: Option<Time>,
}

/// Everything outside the engine that it gives orders to.
struct World {
    clock: SystemClock,
    cache: Option<PlayerCache>,
    net: Net,
    bit_streams: BitStreams,
    backends: Backends,
    messages: Sender<Message>,
    events: EventQueue,
    /// Emitted once the view shows what they report.
    pending: Vec<Event>,
    workers: ByRole<Option<Worker>>,
    frames: HashMap<FrameId, AnyFrame>,
    render: Render,
    audio: AudioOutput,
    /// How pictures are turned and mirrored beyond what they say themselves.
    orientation: Orientation,
    view: Arc<Mutex<View>>,
}

/// Who waits for the end, and how it was.
type Ended = (Sender<Result<(), Fault>>, Result<(), Fault>);

impl Driver {
    fn new(parts: Parts) -> Result<Self, Fault> {
        let clock = SystemClock::new();
        let to_engine = parts.messages.clone();
        let net = Net::with_resolver(parts.net, parts.resolver, move |event| {
            let _ = to_engine.send(Message::Input(Input::Fetch(event)));
        });
        net.set_timeout(parts.config.network_timeout);
        let (video, needs, tally) = (parts.video, parts.needs, parts.tally);
        let render =
            Render::spawn(video, needs, clock, parts.messages.clone(), tally).map_err(no_thread)?;
        let audio =
            AudioOutput::spawn(parts.audio, clock, parts.messages.clone()).map_err(no_thread)?;
        let mut view = parts.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.outputs = vec![render.thread(), audio.thread()];
        drop(view);
        let capabilities = parts.backends.capabilities();
        let capabilities = capabilities
            .with_demuxers(parts.demuxers.demuxers())
            .drawing_cues(needs.fonts);
        let world = World {
            clock,
            cache: parts.cache,
            net,
            bit_streams: parts.bit_streams,
            backends: parts.backends,
            messages: parts.messages,
            events: parts.events,
            pending: Vec::new(),
            workers: ByRole::default(),
            frames: HashMap::new(),
            render,
            audio,
            orientation: Orientation::default(),
            view: parts.view,
        };
        let mut driver = Self {
            engine: match parts.record {
                Some(sink) => Engine::recorded(parts.config, entropy(), sink),
                None => Engine::new(parts.config, entropy()),
            }
            .with_capabilities(capabilities),
            world,
            gate: parts.gate,
            memory: MemoryWatch::new(),
            deadline: None,
        };
        if needs.ahead > Time::ZERO {
            let ahead = needs.ahead;
            driver.handle(Input::FramesAhead { ahead });
        }
        Ok(driver)
    }

    fn run(mut self, mailbox: &Receiver<Message>) -> Option<Ended> {
        loop {
            let message = match self.next_wakeup() {
                Some(wait) => mailbox.recv_timeout(wait),
                None => mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Control(Control::Release(Release { by, answer }))) => {
                    self.publish();
                    let result = self.world.release(by);
                    self.settle_cache(by);
                    return Some((answer, result));
                }
                Ok(message) => {
                    let is_last = keeps_no_time(&message);
                    self.take(message);
                    if is_last {
                        self.publish();
                        return None;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.wake(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            self.publish();
        }
    }

    /// Lets what came last be written, after which it is there for others.
    fn settle_cache(self, by: Deadline) {
        let Self { world, .. } = self;
        let cache = world.cache.clone();
        drop(world);
        if let Some(cache) = cache {
            // What is not written by then is fetched again.
            let _ = cache
                .http
                .settle(by.left().unwrap_or(MAX_SETTLE).min(MAX_SETTLE));
        }
    }

    fn next_wakeup(&self) -> Option<Duration> {
        let now = self.world.clock.mono();
        self.deadline.map(|at| (at - now).to_duration())
    }

    fn wake(&mut self) {
        let now = self.world.clock.mono();
        if self.deadline.is_some_and(|at| at <= now) {
            self.handle(Input::Timeout);
        }
    }

    /// The application's own source is let go of once another one took its place.
    fn set_source(&mut self, source: Option<Source>) {
        if let Some(cache) = &self.world.cache {
            cache.source_changed();
        }
        let bit_streams = self.world.bit_streams.clone();
        let is_own = matches!(source, Some(Source::BitStream(_)));
        let command = source.map_or(Command::Reset, |source| {
            Command::SetSource(source.locate(&bit_streams))
        });
        self.handle(Input::Command(command));
        if !is_own {
            bit_streams.unmount();
        }
    }

    fn take(&mut self, message: Message) {
        #[cfg(feature = "tracing")]
        crate::trace::message(&message);
        match message {
            Message::Source(source) => self.set_source(source),
            Message::Input(input) => self.handle(input),
            Message::Frame(role, epoch, id, frame) => {
                let notice = Input::FrameReady {
                    role,
                    epoch,
                    frame: id,
                    pts: frame.pts(),
                    duration: frame.duration(),
                    size: frame.size(),
                };
                self.world.frames.insert(id, frame);
                self.handle(notice);
            }
            Message::Control(Control::Renew(answer)) => {
                self.publish();
                self.world.events.renew();
                self.world.render.forget();
                // Who gave it back may be gone.
                let _ = answer.send(());
            }
            Message::Control(control) => self.world.control(control),
            Message::AudioDevice(device) => self.world.pending.push(Event::AudioDevice {
                system: device.system,
                name: device.name,
                description: device.description,
            }),
            Message::Cache(notice) => self.world.pending.extend(cache::events(notice)),
        }
        // A deadline that passes while messages pour in is kept all the same.
        self.wake();
        if let Some(low) = self.memory.changed(Instant::now()) {
            self.handle(Input::Command(Command::SetLowMemory(low)));
        }
    }

    fn handle(&mut self, input: Input) {
        match &input {
            Input::Command(Command::SetConfig(config)) => {
                self.world.net.set_timeout(config.network_timeout);
            }
            Input::Command(Command::NetworkReconnect) => self.world.net.forget_connections(),
            _ => {}
        }
        let mut outputs = self.engine.handle(self.world.clock.now(), input);
        for output in outputs.by_ref() {
            self.world.apply(output);
        }
        self.deadline = outputs.deadline();
    }

    /// Shows what is so now, and only then reports it.
    fn publish(&mut self) {
        let now = self.world.clock.now();
        let mut view = self.world.view();
        view.state = self.engine.state();
        view.position = self.engine.position(now);
        view.program_date_ms = self.engine.program_date_ms(now);
        view.duration = self.engine.duration();
        view.buffered = self.engine.buffered_position();
        view.download_speed = self.engine.download_speed();
        view.bandwidth = self.engine.bandwidth();
        view.media = self.engine.media_info();
        view.tracks = self.engine.tracks();
        view.chapter = self.engine.chapter();
        view.interstitial = self.engine.interstitial(now);
        view.stats = self.engine.stats();
        drop(view);
        self.gate.update(&self.engine, now);
        for event in self.world.pending.drain(..) {
            self.world.events.push(event);
        }
    }
}

impl World {
    fn apply(&mut self, output: Output) {
        match output {
            Output::Fetch(request) => self.net.fetch(*request),
            Output::Grant { id, bytes } => self.net.grant(id, bytes),
            Output::Cancel(id) => self.net.cancel(id),
            Output::Configure { role, epoch, track } => {
                if let Some(worker) = self.worker(role, epoch) {
                    worker.configure(epoch, track);
                }
            }
            Output::Decode {
                role,
                epoch,
                packet,
                urgent,
                discard_before,
            } => {
                let work = Work {
                    packet,
                    urgent,
                    discard_before,
                };
                if let Some(worker) = self.worker(role, epoch) {
                    worker.decode(epoch, work);
                }
            }
            Output::Drain { role, epoch } => {
                if let Some(worker) = self.worker(role, epoch) {
                    worker.drain(epoch);
                }
            }
            Output::Flush { role, epoch } => self.flush(role, epoch),
            Output::Recall => self.render.flush(),
            Output::Present {
                role,
                frame,
                at,
                skip_until,
            } => self.present(role, frame, at, skip_until),
            Output::Cues(cues) => {
                self.view().cues = cues.clone();
                self.render.set_cues(cues);
            }
            Output::Drop { frame, .. } => drop(self.frames.remove(&frame)),
            Output::RunAudio => self.set_running(true),
            Output::HoldAudio => self.set_running(false),
            Output::DrainAudio => self.audio.drain(),
            Output::Rate(speed) => self.audio.set_speed(speed),
            Output::ClearFrame => self.clear_screen(),
            Output::Close => self.close(),
            Output::Event(event) => {
                if let (Event::Prepared(info), Some(cache)) = (&event, &self.cache) {
                    cache.prepared(info.duration);
                }
                if let Event::VideoSize { width, height } = event {
                    self.view().video_size = Some((width, height));
                }
                self.pending.push(event);
            }
        }
    }

    /// The pipeline's worker; its thread starts with its first use.
    fn worker(&mut self, role: Role, epoch: Epoch) -> Option<&Worker> {
        let pipeline = &mut self.workers[role];
        if pipeline.is_none() {
            match Worker::spawn(role, self.backends.clone(), self.messages.clone()) {
                Ok(worker) => *pipeline = Some(worker),
                Err(error) => {
                    let failed = Input::DecodeFailed {
                        role,
                        epoch,
                        fault: no_thread(error),
                        fatal: true,
                    };
                    let _ = self.messages.send(Message::Input(failed));
                }
            }
        }
        pipeline.as_ref()
    }

    fn flush(&mut self, role: Role, epoch: Epoch) {
        if let Some(worker) = self.worker(role, epoch) {
            worker.flush(epoch);
        }
        match role {
            Role::Video => self.render.flush(),
            Role::Audio => self.audio.flush(epoch),
            Role::Text => {}
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_running(&self, running: bool) {
        match running {
            true => self.audio.run(),
            false => self.audio.hold(),
        }
        self.render.set_paused(!running);
    }

    fn present(&mut self, role: Role, id: FrameId, at: Time, skip_until: Time) {
        match (role, self.frames.remove(&id)) {
            (Role::Video, Some(AnyFrame::Video(frame))) => {
                // At once, before the decoders go on: they have the room of the frame that it takes the place of.
                self.view().shown = Some(frame.clone());
                self.render.show(frame.oriented(self.orientation), at);
            }
            (Role::Audio, Some(AnyFrame::Audio(frame))) => self.audio.queue(frame, skip_until),
            _ => {}
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Volume(volume) if VOLUMES.contains(&volume) => self.audio.set_volume(volume),
            Control::Volume(_) => self.pending.push(Event::CommandRefused {
                command: CommandKind::SetVolume,
                refusal: Refusal::VolumeOutOfRange,
            }),
            Control::Mute(mute) => self.audio.set_mute(mute),
            Control::AudioSink(sink) => self.audio.set_sink(sink),
            Control::Orientation(orientation) => {
                self.orientation = orientation;
                self.show_again();
            }
            Control::Scale(mode) => {
                self.render.set_scale_mode(mode);
                self.show_again();
            }
            Control::ClearScreen => self.clear_screen(),
            Control::Renew(_) | Control::Release(_) => {}
        }
    }

    fn clear_screen(&self) {
        self.view().shown = None;
        self.render.clear();
    }

    /// The picture that is out is to be seen otherwise, also while no other follows.
    fn show_again(&self) {
        let shown = self.view().shown.clone();
        if let Some(frame) = shown {
            let now = self.clock.mono();
            self.render.show(frame.oriented(self.orientation), now);
        }
    }

    /// The session is over: what waits for its time is worthless.
    fn close(&mut self) {
        #[cfg(feature = "tracing")]
        crate::trace::session_closed();
        self.view().video_size = None;
        self.let_go();
        self.render.flush();
        self.audio.discard();
    }

    fn let_go(&mut self) {
        self.workers = ByRole::default();
        self.frames.clear();
        self.set_running(false);
    }

    /// Ends the outputs: both at once, since either may take all of the time.
    fn release(&mut self, by: Deadline) -> Result<(), Fault> {
        self.render.end(by);
        self.let_go();
        self.audio.end();
        let video = self.render.wait(by);
        let audio = self.audio.wait(by);
        video.and(audio)
    }
}

/// The output that keeps the time is gone for good: without it nothing can be played any more, whatever the source.
fn keeps_no_time(message: &Message) -> bool {
    matches!(message, Message::Input(Input::OutputFailed { role, fatal: true, .. }) if role.masters_clock())
}

pub(crate) fn no_thread(error: std::io::Error) -> Fault {
    Fault::new(codes::ERROR_GENERAL_UNKNOWN, "system.no_thread")
        .because("the system starts no more threads for this user")
        .cause(&error)
}

/// A seed that no other player has: nonces of signed requests come from it.
fn entropy() -> u64 {
    let mut bytes = [0; 8];
    // Without the system's generator the clock must do: a nonce has to be new, not secret.
    if getrandom::fill(&mut bytes).is_err() {
        let unix_ms = SystemClock::new().now().unix_ms;
        return unix_ms.unsigned_abs() ^ u64::from(std::process::id()) << 40;
    }
    u64::from_le_bytes(bytes)
}
