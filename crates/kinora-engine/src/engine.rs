//! The engine's front: takes each input to the part that it is for.

use std::collections::vec_deque::Drain;
use std::sync::Arc;

use kinora_errors::Fault;
use kinora_media::{MediaInfo, Now, Time};

use crate::abr;
use crate::cx::Cx;
use crate::present::Begin;
use crate::programme::Programme;
use crate::recover::{self, PlaybackRecovery};
use crate::refusal::{MAX_AUDIO_DELAY, Refusal, SCAN_SPEEDS, SPEEDS};
use crate::session::{Origin, Outcome, Session, Wishes};
use crate::stats::Tally;
use crate::tape::{Tape, TapeSink};
use crate::{
    Capabilities, Command, Event, Input, InterstitialStatus, Locator, LoopMode, Output,
    PlayerConfig, SeekAccuracy, State, Stats, TrackOption,
};

/// What the engine does at the moment.
enum Phase {
    Idle,
    /// A source is set; a seek may be remembered for it.
    Initialized {
        begin: Begin,
    },
    Playing(Box<Programme>),
    Stopped,
    /// Where playback was when it failed.
    Failed {
        position: Time,
    },
}

/// The player, without any of its hands: tell it what happens, do what it gives out.
///
/// ```
/// use kinora_engine::{Command, Engine, Input, Output, PlayerConfig, Locator};
/// use kinora_errors::Secret;
/// use kinora_media::Now;
///
/// let mut engine = Engine::new(PlayerConfig::default(), 42);
/// let url = Secret::new("https://example.com/film.mp4");
/// let source = Command::SetSource(Locator::Url { url });
/// engine.handle(Now::default(), Input::Command(source)).for_each(drop);
/// let asked = engine
///     .handle(Now::default(), Input::Command(Command::Prepare))
///     .any(|output| matches!(output, Output::Fetch(_)));
/// assert!(asked);
/// ```
pub struct Engine {
    cx: Cx,
    phase: Phase,
    source: Option<Locator>,
    wishes: Wishes,
}

/// What the engine wants done in answer to one input, in order.
#[must_use = "outputs that nobody carries out leave the engine waiting"]
pub struct Outputs<'a> {
    outputs: Drain<'a, Output>,
    deadline: Option<Time>,
}

impl Outputs<'_> {
    /// When, on the clock of `Now::mono`, the engine wants [`Input::Timeout`] if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }
}

impl Iterator for Outputs<'_> {
    type Item = Output;
    fn next(&mut self) -> Option<Output> {
        self.outputs.next()
    }
}

/// The engine does not ask to be woken sooner than after so long.
const PATIENCE: Time = Time::from_micros(200);

impl Engine {
    /// An idle engine. `entropy` should differ from player to player; the same inputs and the
    /// same entropy give the same outputs.
    #[must_use]
    pub fn new(config: PlayerConfig, entropy: u64) -> Self {
        Self::with_tape(config, entropy, Tape::default())
    }

    /// An idle engine that writes down what comes in and what the content means, without the content and without
    /// secrets: [`crate::replay()`] runs the session again.
    #[must_use]
    pub fn recorded(config: PlayerConfig, entropy: u64, sink: TapeSink) -> Self {
        let tape = Tape::recording(sink, &config, entropy);
        Self::with_tape(config, entropy, tape)
    }

    /// The engine of a host that can decode no more than that: variants of other codecs are left aside.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.cx.capabilities = capabilities;
        self
    }

    /// The engine with another rule of adaptation. A recorded session replays on the engine's own rule only.
    #[must_use]
    pub fn with_abr_rule(mut self, rule: Box<dyn abr::Rule>) -> Self {
        self.cx.abr = rule;
        self
    }

    pub(crate) fn with_tape(config: PlayerConfig, entropy: u64, tape: Tape) -> Self {
        Self {
            cx: Cx::new(config.normalised(), entropy, tape),
            phase: Phase::Idle,
            source: None,
            wishes: Wishes {
                looped: LoopMode::Off,
                autoplay: false,
                speed: 1.0,
            },
        }
    }

    /// Takes an input; gives what is to be done about it, and when the engine wants to be woken.
    pub fn handle(&mut self, now: Now, input: Input) -> Outputs<'_> {
        self.cx.now = now;
        self.cx.tape.came_in(now, &input);
        match input {
            Input::Command(command) => {
                let kind = command.kind();
                if let Err(refusal) = self.command(command) {
                    self.cx.event(Event::CommandRefused {
                        command: kind,
                        refusal,
                    });
                }
            }
            Input::FramesAhead { ahead } => self.cx.frames_ahead = ahead.max(Time::ZERO),
            input => match &mut self.phase {
                Phase::Playing(programme) => programme.input(&mut self.cx, input),
                _ => self.orphan(input),
            },
        }
        self.advance();
        self.cx
            .tape
            .reported(self.cx.out.iter().filter_map(|output| match output {
                Output::Event(event) => Some(event),
                _ => None,
            }));
        let deadline = match &self.phase {
            Phase::Playing(programme) => programme.deadline(&self.cx),
            _ => None,
        };
        // What is due now was done; a moment that stays due must not keep the thread busy.
        let deadline = deadline.map(|at| at.max(now.mono + PATIENCE));
        Outputs {
            outputs: self.cx.out.drain(..),
            deadline,
        }
    }

    /// Nobody waits for it: a frame must go back to its pool, an output that failed is reported all the same.
    fn orphan(&mut self, input: Input) {
        match input {
            Input::FrameReady { role, frame, .. } => self.cx.push(Output::Drop { role, frame }),
            Input::OutputFailed { role, fault, fatal } => {
                let has_failed = matches!(self.phase, Phase::Failed { .. });
                match recover::output_failed(role, fatal) {
                    PlaybackRecovery::Fail if !has_failed => self.fail(fault),
                    _ => self.cx.recovered(fault),
                }
            }
            _ => {}
        }
    }

    fn advance(&mut self) {
        if let Phase::Playing(programme) = &mut self.phase
            && let Outcome::Failed(fault) = programme.advance(&mut self.cx, self.wishes)
        {
            self.fail(fault);
        }
    }

    fn fail(&mut self, fault: Fault) {
        let old = self.state();
        let position = self.position(self.cx.now);
        self.leave(Phase::Failed { position });
        self.cx.event(Event::StateChanged {
            old,
            new: State::Error,
        });
        self.cx.event(Event::Error(fault));
    }

    /// Ends the session, if there is one, and changes the phase.
    fn leave(&mut self, next: Phase) {
        if let Phase::Playing(programme) = std::mem::replace(&mut self.phase, next) {
            programme.close(&mut self.cx);
        }
    }

    fn change(&mut self, next: Phase) {
        let old = self.state();
        self.leave(next);
        let new = self.state();
        if old != new {
            self.cx.event(Event::StateChanged { old, new });
        }
    }

    /// The settings say whether the last frame stays after the end.
    fn clear_frame(&mut self) {
        if self.cx.config.clear_frame_when_stop {
            self.cx.push(Output::ClearFrame);
        }
    }

    fn command(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::SetSource(source) => {
                self.source = Some(source);
                self.change(Phase::Initialized {
                    begin: Begin::First,
                });
            }
            Command::AddKey { id, key } => self.cx.keys.ids.add(id, key),
            Command::SetConfig(config) => self.cx.config = config.normalised(),
            Command::Prepare => return self.prepare(),
            Command::Stop => {
                if !matches!(self.phase, Phase::Idle) {
                    self.change(Phase::Stopped);
                    self.clear_frame();
                }
            }
            Command::Reset => {
                self.source = None;
                self.change(Phase::Idle);
                self.clear_frame();
            }
            Command::SetLoop(mode) => self.wishes.looped = mode,
            Command::SetViewport(size) => self.cx.viewport = size,
            Command::SetAudioDelay(delay) => return self.set_audio_delay(delay),
            Command::SetAutoPlay(autoplay) => self.wishes.autoplay = autoplay,
            Command::SetSpeed(speed) => return self.set_speed(speed),
            Command::Seek { target, accuracy } => return self.seek(target, accuracy),
            Command::SetLowMemory(low) => self.cx.set_low_memory(low),
            command => return self.command_for_what_plays(command),
        }
        Ok(())
    }

    fn command_for_what_plays(&mut self, command: Command) -> Result<(), Refusal> {
        let (programme, cx) = self.playing()?;
        match command {
            Command::Start => programme.start(cx),
            Command::Pause => programme.pause(cx),
            Command::NetworkReconnect => programme.reconnect(cx),
            Command::Reload => return programme.reload(cx),
            Command::SelectTrack(choice) => return programme.select(cx, choice),
            Command::AddExternalSubtitle { url } => return programme.add_subtitle(cx, url),
            Command::SelectSubtitle { index, on } => {
                return programme.select_subtitle(cx, index, on);
            }
            Command::SetSubtitleDelay { index, delay } => {
                return programme.delay_subtitle(index, delay);
            }
            Command::SetRepeat(repeat) => return programme.set_repeat(cx, repeat),
            Command::Step => return programme.step(cx),
            Command::SkipInterstitial => return programme.skip_interstitial(cx),
            Command::Refresh(credential) => return programme.refresh(cx, credential),
            // Those for the engine itself were obeyed.
            _ => {}
        }
        Ok(())
    }

    /// What a command is for, or why there is nothing.
    fn playing(&mut self) -> Result<(&mut Programme, &mut Cx), Refusal> {
        match &mut self.phase {
            Phase::Playing(programme) => Ok((programme, &mut self.cx)),
            Phase::Idle => Err(Refusal::NoSource),
            Phase::Initialized { .. } | Phase::Stopped => Err(Refusal::NotPrepared),
            Phase::Failed { .. } => Err(Refusal::Failed),
        }
    }

    fn prepare(&mut self) -> Result<(), Refusal> {
        let begin = match self.phase {
            Phase::Initialized { begin } => begin,
            Phase::Stopped => Begin::First,
            Phase::Idle => return Err(Refusal::NoSource),
            Phase::Playing(_) => return Err(Refusal::AlreadyPrepared),
            Phase::Failed { .. } => return Err(Refusal::Failed),
        };
        let source = self.source.as_ref().ok_or(Refusal::NoSource)?;
        let origin = match Origin::of(source.clone()) {
            Ok(origin) => origin,
            Err(fault) => {
                self.fail(fault);
                return Ok(());
            }
        };
        self.cx.tally = Tally::default();
        if matches!(self.phase, Phase::Stopped) {
            self.change(Phase::Initialized { begin });
        }
        let programme = Programme::open(&mut self.cx, origin, begin, self.wishes);
        self.phase = Phase::Playing(Box::new(programme));
        // The last source may have ended while it caught up with its edge.
        self.cx
            .push(Output::Rate(Wishes::audible(self.wishes.speed)));
        Ok(())
    }

    fn set_speed(&mut self, speed: f64) -> Result<(), Refusal> {
        if !SPEEDS.contains(&speed) && !SCAN_SPEEDS.contains(&speed.abs()) {
            return Err(Refusal::SpeedOutOfRange);
        }
        if let Phase::Playing(programme) = &mut self.phase {
            programme.set_speed(&mut self.cx, speed)?;
        }
        self.wishes.speed = speed;
        Ok(())
    }

    fn set_audio_delay(&mut self, delay: Time) -> Result<(), Refusal> {
        if !(Time::ZERO - MAX_AUDIO_DELAY..=MAX_AUDIO_DELAY).contains(&delay) {
            return Err(Refusal::AudioDelayOutOfRange);
        }
        self.cx.audio_delay = delay;
        if let Phase::Playing(programme) = &mut self.phase {
            programme.follow_audio_delay(&mut self.cx);
        }
        Ok(())
    }

    fn seek(&mut self, target: Time, accuracy: SeekAccuracy) -> Result<(), Refusal> {
        // Before the source is open it is remembered.
        if let Phase::Initialized { begin } = &mut self.phase {
            *begin = match accuracy {
                SeekAccuracy::KeyFrame => Begin::KeyFrame(target),
                SeekAccuracy::Exact => Begin::Exact(target),
            };
            return Ok(());
        }
        let (programme, cx) = self.playing()?;
        if programme.presentation().is_live() {
            return Err(Refusal::Live);
        }
        programme.seek(cx, target, accuracy)
    }

    /// The public state.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.phase {
            Phase::Idle => State::Idle,
            Phase::Initialized { .. } => State::Initialized,
            Phase::Playing(programme) => programme.state(),
            Phase::Stopped => State::Stopped,
            Phase::Failed { .. } => State::Error,
        }
    }

    /// What the user named, while it plays.
    fn session(&self) -> Option<&Session> {
        match &self.phase {
            Phase::Playing(programme) => Some(programme.presentation()),
            _ => None,
        }
    }

    /// Where playback is, or where a seek leads to.
    #[must_use]
    pub fn position(&self, now: Now) -> Time {
        match &self.phase {
            Phase::Playing(programme) => programme.position(now.mono),
            Phase::Failed { position } => *position,
            _ => Time::ZERO,
        }
    }
    /// The date of what plays, ms since 1970 (EXT-X-PROGRAM-DATE-TIME); `None`: its source tells none.
    #[must_use]
    pub fn program_date_ms(&self, now: Now) -> Option<i64> {
        match &self.phase {
            Phase::Playing(programme) => programme.presentation().program_date_ms(now.mono),
            _ => None,
        }
    }
    /// How long the presentation is; `None` when unknown or live.
    #[must_use]
    pub fn duration(&self) -> Option<Time> {
        self.session()?.info()?.duration
    }
    /// Up to where the data is there.
    #[must_use]
    pub fn buffered_position(&self) -> Time {
        self.session()
            .map_or(Time::ZERO, |session| session.buffered(self.cx.mono()))
    }
    /// What is known of the presentation, once prepared.
    #[must_use]
    pub fn media_info(&self) -> Option<Arc<MediaInfo>> {
        self.session()?.info().cloned()
    }
    /// What can be selected, once prepared.
    #[must_use]
    pub fn tracks(&self) -> Option<Arc<[TrackOption]>> {
        self.session()?.options().cloned()
    }
    /// What the network is expected to carry, in bits a second, once something was seen of it.
    #[must_use]
    pub fn bandwidth(&self) -> Option<u64> {
        self.cx.abr.bandwidth()
    }

    /// What plays in the place of the presentation, which stands meanwhile.
    #[must_use]
    pub fn interstitial(&self, now: Now) -> Option<InterstitialStatus> {
        match &self.phase {
            Phase::Playing(programme) => programme.interstitial(now.mono),
            _ => None,
        }
    }

    /// The chapter that plays, by its place among `MediaInfo::chapters`.
    #[must_use]
    pub fn chapter(&self) -> Option<u32> {
        self.session()?.chapter()
    }
    /// Bits a second that arrived in the last second.
    #[must_use]
    pub fn download_speed(&self) -> u64 {
        self.session().map_or(0, |session| session.download_speed())
    }
    /// What was counted since the source was prepared.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let session = self.session();
        let delay = session.and_then(|it| it.live_delay(self.cx.mono()));
        let latency = session.and_then(|it| it.latency(self.cx.now));
        let whole_ms = |time: Option<Time>| u64::try_from(time?.as_millis()).ok();
        Stats {
            held_bytes: session.map_or(0, |it| it.held_bytes() as u64),
            live_delay_ms: whole_ms(delay),
            latency_ms: whole_ms(latency),
            ..self.cx.tally.stats()
        }
    }
}

#[cfg(test)]
mod tests;
