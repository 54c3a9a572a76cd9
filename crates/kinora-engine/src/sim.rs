//! A whole playback session without the world: a seeded network, clock, decoder and sound sink around
//! the engine. Minutes of playback pass in milliseconds, the same way each time.

#[cfg(test)]
pub(crate) mod chunked;
mod decoder;
mod film;
mod ladder;
mod long_film;
#[cfg(test)]
pub(crate) mod low_latency;
mod net;
#[cfg(test)]
pub(crate) mod packager;
pub mod rules;
mod sink;
mod watch;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kinora_container::Demuxers;
use kinora_errors::Secret;
use kinora_media::{CodecId, Now, RequestId, Time};
use kinora_subtitle::ShownCues;

use crate::{
    ByRole, Capabilities, Command, Engine, Event, FrameId, Input, Locator, Output, PlayerConfig,
    Role, SeekAccuracy, State, TapeSink,
};
pub use decoder::Damage;
use decoder::{Decoder, Work};
pub use film::Film;
#[cfg(test)]
pub(crate) use film::is_key_start;
pub use ladder::Ladder;
pub use net::{Broadcast, Fault as NetFault, Net, Origin, Packets, Reply, Weather};
use sink::Sink;
use watch::Watch;

/// A number of minutes.
#[must_use]
pub const fn mins(minutes: i64) -> Time {
    Time::from_millis(minutes * 60_000)
}
/// A number of seconds.
#[must_use]
pub const fn secs(seconds: i64) -> Time {
    Time::from_millis(seconds * 1_000)
}
/// A number of milliseconds.
#[must_use]
pub const fn ms(millis: i64) -> Time {
    Time::from_millis(millis)
}

/// A pseudo-random sequence.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike.
        Self((seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1)
    }
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }
    /// True so many times of a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    Transfer(RequestId),
    Work(Role),
    Report,
}

struct Planned {
    at: Time,
    order: u64,
    what: Happening,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Planned {}
impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// What happens when.
#[derive(Default)]
pub(crate) struct Agenda {
    plans: BinaryHeap<Reverse<Planned>>,
    orders: u64,
}

impl Agenda {
    fn add(&mut self, at: Time, what: Happening) {
        self.orders += 1;
        let order = self.orders;
        self.plans.push(Reverse(Planned { at, order, what }));
    }
}

/// A simulated player and its world.
pub struct Sim {
    engine: Engine,
    now: Time,
    agenda: Agenda,
    deadline: Option<Time>,
    /// The network.
    pub net: Net,
    decoders: ByRole<Decoder>,
    sink: Sink,
    watch: Watch,
    /// Everything that was reported, and when.
    pub events: Vec<(Time, Event)>,
    /// Pictures that were shown: when, and which.
    pub shown: Vec<(Time, Time)>,
    /// What was heard as each of them was shown: the time of that sound.
    pub heard: Vec<Option<Time>>,
    /// The texts that lay on each of them.
    pub texts: Vec<String>,
    cues: ShownCues,
    /// Frames that the decoders reported, by their times.
    pub ready: Vec<(Role, Time)>,
    /// Speeds that the sink was given.
    pub rates: Vec<f64>,
    /// How often the last frame was to be taken away.
    pub cleared: u32,
    /// Inputs that the engine was given.
    pub steps: u64,
    /// Steps since time passed.
    idle: u64,
}

/// A session of a seed, with the default settings.
#[must_use]
pub fn sim(seed: u64) -> Sim {
    Sim::new(seed, PlayerConfig::default())
}

/// The day on which every simulation begins: 2026-01-01T00:00:00Z.
const EPOCH_MS: i64 = 1_767_225_600_000;

impl Sim {
    /// A session of a seed.
    #[must_use]
    pub fn new(seed: u64, config: PlayerConfig) -> Self {
        Self::around(Engine::new(config, seed), seed)
    }

    /// A session on a host that decodes no other codecs than those that are named.
    #[must_use]
    pub fn decoding(seed: u64, codecs: &'static [CodecId]) -> Self {
        let capabilities = Capabilities::of_decoders(|codec| codecs.contains(&codec));
        let engine = Engine::new(PlayerConfig::default(), seed);
        Self::around(engine.with_capabilities(capabilities), seed)
    }

    /// A session with another rule of adaptation.
    #[must_use]
    pub fn with_abr_rule(seed: u64, rule: Box<dyn crate::abr::Rule>) -> Self {
        let engine = Engine::new(PlayerConfig::default(), seed);
        Self::around(engine.with_abr_rule(rule), seed)
    }

    /// A session of a seed that is written down.
    #[must_use]
    pub fn recorded(seed: u64, config: PlayerConfig, sink: TapeSink) -> Self {
        Self::around(Engine::recorded(config, seed, sink), seed)
    }

    /// A session on a host with these demuxers, which is written down.
    #[must_use]
    pub fn reading_by(seed: u64, demuxers: Demuxers, sink: TapeSink) -> Self {
        let engine = Engine::recorded(PlayerConfig::default(), seed, sink);
        let capabilities = Capabilities::default().with_demuxers(demuxers);
        Self::around(engine.with_capabilities(capabilities), seed)
    }

    fn around(engine: Engine, seed: u64) -> Self {
        Self {
            engine,
            now: Time::ZERO,
            agenda: Agenda::default(),
            deadline: None,
            net: Net::new(seed),
            decoders: ByRole::from_fn(|role| {
                let own = match role {
                    Role::Video => 0,
                    Role::Audio => 1,
                    Role::Text => 2,
                };
                Decoder::new(role, seed.wrapping_add(own))
            }),
            sink: Sink::default(),
            watch: Watch::default(),
            events: Vec::new(),
            shown: Vec::new(),
            heard: Vec::new(),
            texts: Vec::new(),
            cues: ShownCues::default(),
            ready: Vec::new(),
            rates: Vec::new(),
            cleared: 0,
            steps: 0,
            idle: 0,
        }
    }

    /// The simulated moment.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }
    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
    /// Where playback is.
    #[must_use]
    pub fn position(&self) -> Time {
        self.engine.position(self.clock())
    }
    /// What plays in the place of the presentation.
    #[must_use]
    pub fn interstitial(&self) -> Option<crate::InterstitialStatus> {
        self.engine.interstitial(self.clock())
    }
    /// What the player's clock of the day shows, in milliseconds since 1970.
    #[must_use]
    pub fn now_unix_ms(&self) -> i64 {
        self.clock().unix_ms
    }
    /// The date of what plays, ms since 1970.
    #[must_use]
    pub fn program_date_ms(&self) -> Option<i64> {
        self.engine.program_date_ms(self.clock())
    }
    /// The public state.
    #[must_use]
    pub fn state(&self) -> State {
        self.engine.state()
    }

    fn clock(&self) -> Now {
        Now {
            mono: self.now,
            unix_ms: EPOCH_MS + self.now.as_millis(),
        }
    }

    /// Sets a URL and prepares it.
    pub fn open(&mut self, url: &str) {
        self.command(Command::SetSource(Locator::Url {
            url: Secret::new(url),
        }));
        self.command(Command::Prepare);
    }

    /// Sets a URL and plays it as soon as it can be.
    pub fn play(&mut self, url: &str) {
        self.command(Command::SetAutoPlay(true));
        self.open(url);
    }

    /// Asks for a seek.
    pub fn seek(&mut self, target: Time, accuracy: SeekAccuracy) {
        self.command(Command::Seek { target, accuracy });
    }

    /// The application asks for something.
    pub fn command(&mut self, command: Command) {
        self.watch.commanded(&command);
        self.emit(Input::Command(command));
    }

    /// Makes a pipeline's decoder refuse each packet, or each of one in so many.
    pub fn break_decoder(&mut self, role: Role, damage: Damage) {
        self.decoders[role].damage = damage;
    }

    /// Makes a pipeline's decoder take so long for each packet.
    pub fn slow_decoder(&mut self, role: Role, each: Time) {
        self.decoders[role].slowness = each;
    }

    /// Packets that the decoder of a pipeline has taken.
    #[must_use]
    pub fn decoded(&self, role: Role) -> u64 {
        self.decoders[role].packets
    }

    /// The video output wants frames so much before they are due.
    pub fn want_frames_ahead(&mut self, ahead: Time) {
        self.emit(Input::FramesAhead { ahead });
    }

    /// An output fails, for good or once.
    pub fn fail_output(&mut self, role: Role, fatal: bool) {
        let fault = kinora_errors::Fault::new(kinora_errors::codes::ERROR_UNKNOWN, "output.broken");
        self.emit(Input::OutputFailed { role, fault, fatal });
    }

    fn emit(&mut self, input: Input) {
        self.steps += 1;
        self.watch.reported(&input);
        if let Input::FrameReady { role, pts, .. } = input {
            self.ready.push((role, pts));
        }
        let clock = self.clock();
        let mut outputs = self.engine.handle(clock, input);
        let wanted: Vec<Output> = outputs.by_ref().collect();
        self.deadline = outputs.deadline();
        drop(outputs);
        for output in wanted {
            self.watch.wanted(&output, self.now);
            self.carry_out(output);
        }
        self.watch.after(&self.engine, clock);
        if self.sink.take_changed() {
            self.report();
        }
    }

    fn report(&mut self) {
        if let Some(report) = self.sink.report(self.now) {
            self.emit(Input::AudioClock(report));
        }
    }

    fn carry_out(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Fetch(fetch) => self.net.fetch(&mut self.agenda, now, *fetch),
            Output::Grant { id, bytes } => self.net.grant(&mut self.agenda, now, id, bytes),
            Output::Cancel(id) => self.net.cancel(id),
            Output::Configure { role, epoch, track } => {
                self.work(role, |decoder, agenda| {
                    decoder.configure(agenda, now, epoch, &track)
                });
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
                self.work(role, |decoder, agenda| {
                    decoder.decode(agenda, now, epoch, work)
                });
            }
            Output::Drain { role, epoch } => {
                self.work(role, |decoder, agenda| decoder.drain(agenda, now, epoch));
            }
            Output::Flush { role, epoch } => {
                self.decoders[role].flush(epoch);
                if role == Role::Audio {
                    self.sink.flush(now, epoch);
                }
            }
            Output::Present {
                role,
                frame,
                skip_until,
                ..
            } => self.present(role, frame, skip_until),
            // What is presented here is out.
            Output::Recall => {}
            Output::Cues(cues) => self.cues = cues,
            Output::Drop { role, frame } => {
                self.watch.release(role, frame);
            }
            Output::RunAudio => {
                self.sink.run(now);
                self.agenda.add(now + ms(50), Happening::Report);
            }
            Output::HoldAudio => self.sink.hold(now),
            Output::DrainAudio => self.sink.drain(),
            Output::Rate(rate) => {
                self.rates.push(rate);
                self.sink.set_rate(now, rate);
            }
            Output::ClearFrame => self.cleared += 1,
            Output::Close => {
                self.decoders.iter_mut().for_each(Decoder::close);
                self.watch.closed();
            }
            Output::Event(event) => self.events.push((now, event)),
        }
    }

    fn present(&mut self, role: Role, frame: FrameId, skip_until: Time) {
        let now = self.now;
        let (pts, duration) = self.watch.release(role, frame);
        match role {
            Role::Video => {
                self.shown.push((now, pts));
                let heard = self.sink.report(now).filter(|report| report.running);
                self.heard.push(heard.map(|report| report.position));
                self.texts
                    .push(self.cues.iter().map(|cue| cue.text()).collect());
            }
            Role::Audio => self.sink.queue(now, pts, duration, skip_until),
            Role::Text => panic!("no decoder gives text"),
        }
    }

    fn work(&mut self, role: Role, act: impl FnOnce(&mut Decoder, &mut Agenda)) {
        act(&mut self.decoders[role], &mut self.agenda);
    }

    /// The next thing happens, if it does so before a moment.
    fn step(&mut self, until: Time) -> bool {
        let planned = self.agenda.plans.peek().map(|Reverse(plan)| plan.at);
        let due = [planned, self.deadline].into_iter().flatten().min();
        let Some(due) = due.filter(|due| *due <= until) else {
            self.now = until;
            return false;
        };
        self.idle = if due > self.now { 0 } else { self.idle + 1 };
        assert!(
            self.idle < 20_000,
            "time stands still at {}: {:?}",
            self.now,
            self.events.last()
        );
        self.now = self.now.max(due);
        if planned.is_none_or(|planned| planned > due) {
            self.emit(Input::Timeout);
            return true;
        }
        let Some(Reverse(plan)) = self.agenda.plans.pop() else {
            return false;
        };
        match plan.what {
            Happening::Transfer(id) => {
                if let Some(event) = self.net.step(&mut self.agenda, self.now, id) {
                    self.emit(Input::Fetch(event));
                }
            }
            Happening::Work(role) => {
                let now = self.now;
                let inputs = self.decoders[role].step(&mut self.agenda, now);
                for input in inputs {
                    self.emit(input);
                }
            }
            Happening::Report => {
                if self.sink.is_on() {
                    self.agenda.add(self.now + ms(50), Happening::Report);
                    self.report();
                }
            }
        }
        true
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span: Time) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// The machine stands still for a while: time passes and nothing is done.
    pub fn freeze(&mut self, span: Time) {
        self.now += span;
    }

    /// Lets time pass until something was reported. False when it was not within the limit.
    pub fn run_until(&mut self, limit: Time, mut is: impl FnMut(&Event) -> bool) -> bool {
        let until = self.now + limit;
        let mut seen = self.events.len();
        loop {
            while let Some((_, event)) = self.events.get(seen) {
                seen += 1;
                if is(event) {
                    return true;
                }
            }
            if !self.step(until) {
                return false;
            }
        }
    }

    /// Lets so many inputs pass. False when nothing more happens.
    pub fn run_steps(&mut self, steps: u64, limit: Time) -> bool {
        let until = self.now + limit;
        let last = self.steps + steps;
        while self.steps < last {
            if !self.step(until) {
                return false;
            }
        }
        true
    }

    /// How long it stalled after it had begun to play.
    #[must_use]
    pub fn stalled(&self) -> Time {
        let first = self.when(|event| matches!(event, Event::FirstFrame { .. }));
        let Some(first) = first else {
            return Time::ZERO;
        };
        let (mut stalled, mut since) = (Time::ZERO, None);
        for (at, event) in self.events.iter().filter(|(at, _)| *at > first + secs(1)) {
            match event {
                Event::LoadingBegin => since = Some(*at),
                Event::LoadingEnd => {
                    stalled += since.take().map_or(Time::ZERO, |since| *at - since);
                }
                _ => {}
            }
        }
        stalled
    }

    /// How often something was reported.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| is(event)).count()
    }

    /// When something was reported first.
    #[must_use]
    pub fn when(&self, is: impl Fn(&Event) -> bool) -> Option<Time> {
        self.events
            .iter()
            .find(|(_, event)| is(event))
            .map(|(at, _)| *at)
    }
}
