//! One presentation from `prepare` to `stop`: its ingest, its lines, its clock and its stage.

mod access;
mod choose;
mod decoding;
mod motion;
mod seek;
mod showing;

use std::sync::Arc;

use kinora_cloud::VidSource;
use kinora_errors::{Fault, Secret, codes};
use kinora_fetch::FetchEvent;
use kinora_media::{MediaInfo, Time, TrackId};

use self::motion::{Motion, Why};
use crate::clock::Clock;
use crate::cx::Cx;
use crate::ingest::{Ingest, Notice};
use crate::line::{Lines, Waiting};
use crate::present::{Begin, Present, earliest};
use crate::resolve::Resolve;
use crate::select;
use crate::stats::Meter;
use crate::transfer::Terms;
use crate::{
    Epoch, Event, InfoCode, Input, LoopMode, Output, Refusal, State, TrackOption, recover,
};

/// How far the presentation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Headers are on their way. `play`: start when they are there.
    Preparing { play: bool },
    /// The first picture may show; nothing moves.
    Prepared,
    /// Meant to play.
    Started(Motion),
    /// Held.
    Paused,
    /// Played to the end.
    Completed,
}

/// What the application set for every source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    pub(crate) looped: LoopMode,
    pub(crate) autoplay: bool,
    pub(crate) speed: f64,
}

/// How a step of the session ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It goes on.
    Continues,
    /// It failed for good.
    Failed(Fault),
}

/// What a source names.
pub(crate) enum Origin {
    /// Where it is.
    Url(Secret),
    /// Which video it is; a service knows where.
    Vid(Box<VidSource>),
}

/// One presentation.
pub(crate) struct Session {
    pub(crate) epoch: Epoch,
    pub(crate) ingest: Ingest,
    /// Finds the URL of a video id.
    pub(crate) resolve: Option<Resolve>,
    /// To go to once the headers are read.
    pub(crate) seek_on_headers: Option<Time>,
    pub(crate) lines: Lines,
    pub(crate) clock: Clock,
    pub(crate) stage: Stage,
    pub(crate) present: Present,
    /// A seek that was asked for and not yet answered.
    pub(crate) seeking: Option<Time>,
    pub(crate) info: Option<Arc<MediaInfo>>,
    pub(crate) options: Option<Arc<[TrackOption]>>,
    pub(crate) wish: Vec<TrackId>,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) first_frame: bool,
    /// The ingest gave its last packet.
    pub(crate) ended: bool,
    /// Why nothing more will come; told when what is there has played.
    pub(crate) doom: Option<Fault>,
    /// Waits for a fresh credential until then.
    expiry: Option<(Fault, Time)>,
    /// What the service said of the credential before the present one.
    replaced: Option<Fault>,
    pub(crate) sink_runs: bool,
    pub(crate) next_report: Option<Time>,
    pub(crate) meter: Meter,
    /// A live stream is behind: it plays faster.
    pub(crate) catches_up: bool,
}

/// What is read beyond what is needed before the first picture is out, so that playing on does not wait.
const BEYOND_THE_START: Time = Time::from_millis(200);

impl Session {
    pub(crate) fn open(cx: &mut Cx, origin: Origin, begin: Begin, wishes: Wishes) -> Self {
        cx.forget_marks();
        let mut clock = Clock::new();
        clock.set_rate(wishes.speed, cx.mono());
        if let Some(target) = begin.target() {
            clock.set(target, cx.mono());
        }
        let mut session = Self {
            epoch: cx.next_epoch(),
            ingest: Ingest::Unknown,
            resolve: None,
            seek_on_headers: begin.target(),
            lines: Lines::new(),
            clock,
            stage: Stage::Preparing {
                play: wishes.autoplay,
            },
            present: Present::new(begin),
            seeking: begin.target(),
            info: None,
            options: None,
            wish: Vec::new(),
            size: None,
            first_frame: false,
            ended: false,
            doom: None,
            expiry: None,
            replaced: None,
            sink_runs: false,
            next_report: None,
            meter: Meter::default(),
            catches_up: false,
        };
        session.begin_with(begin);
        match origin {
            Origin::Url(url) => session.ingest = Ingest::open(cx, url),
            Origin::Vid(source) => {
                session.resolve = Some(Resolve::new(*source));
                session.ask_service(cx);
            }
        }
        session
    }

    pub(crate) fn state(&self) -> State {
        match self.stage {
            Stage::Preparing { .. } => State::Initialized,
            Stage::Prepared => State::Prepared,
            Stage::Started(_) => State::Started,
            Stage::Paused => State::Paused,
            Stage::Completed => State::Completion,
        }
    }

    fn terms(&self) -> Terms {
        Terms {
            prepared: self.info.is_some(),
            refreshable: self.resolve.is_some() || self.info.is_some(),
            live: self.ingest.is_live(),
        }
    }

    /// Takes what came from outside. Answers to questions of another epoch are given back.
    pub(crate) fn input(&mut self, cx: &mut Cx, input: Input) {
        let terms = self.terms();
        if self.resolve.is_some()
            && let Some(input) = self.input_for_call(cx, &input)
        {
            return self.resolved(cx, input);
        }
        match input {
            Input::Fetch(event) => {
                match &event {
                    FetchEvent::Chunk(chunk) => self.meter.add(cx.mono(), chunk.data.len()),
                    FetchEvent::Packet { packet, .. } => {
                        self.meter.add(cx.mono(), packet.data.len());
                    }
                    _ => {}
                }
                self.ingest.on_fetch(cx, event, terms);
            }
            Input::Configured {
                slot,
                epoch,
                decoder,
                fell_back,
            } if epoch == self.epoch => {
                self.configured(cx, slot, &decoder, fell_back);
            }
            Input::PacketTaken { slot, epoch } if epoch == self.epoch => {
                self.lines.line(slot).taken()
            }
            Input::FrameReady {
                slot,
                epoch,
                frame,
                pts,
                duration,
                size,
            } => {
                let line = self.lines.line(slot);
                if epoch != self.epoch || !line.is_on() {
                    cx.push(Output::Drop { slot, frame });
                    return;
                }
                line.gave(Waiting {
                    id: frame,
                    pts,
                    duration,
                    size,
                });
            }
            Input::Drained { slot, epoch } if epoch == self.epoch => {
                self.lines.line(slot).drained()
            }
            Input::DecodeFailed {
                slot,
                epoch,
                fault,
                fatal,
            } if epoch == self.epoch => {
                self.decode_failed(cx, slot, fault, fatal);
            }
            Input::AudioClock(report) if report.epoch == self.epoch => self.sound_is_at(cx, report),
            Input::Timeout => self.ingest.on_time(cx, terms),
            _ => {}
        }
    }

    /// Goes as far as can be gone now.
    pub(crate) fn advance(&mut self, cx: &mut Cx, wishes: Wishes) -> Outcome {
        if let Some((fault, until)) = &self.expiry
            && *until <= cx.mono()
        {
            self.doom = Some(fault.clone());
            self.expiry = None;
        }
        loop {
            self.pull(cx, wishes);
            if let Stage::Preparing { .. } = self.stage {
                break;
            }
            self.feed(cx);
            self.show(cx);
            if !self.turn(cx, wishes) {
                break;
            }
        }
        self.report(cx, wishes);
        match self.is_doomed(cx) {
            Some(fault) => Outcome::Failed(self.placed(cx, fault)),
            None => Outcome::Continues,
        }
    }

    fn is_doomed(&self, cx: &Cx) -> Option<Fault> {
        let fault = self.doom.clone()?;
        let none_left = !self.lines.video.is_on() && !self.lines.audio.is_on();
        let plays_on = match self.stage {
            Stage::Preparing { .. } | Stage::Completed => false,
            _ => !none_left && !self.is_played_out(cx),
        };
        (!plays_on).then_some(fault)
    }

    /// Everything that came has been shown and has sounded.
    pub(crate) fn is_played_out(&self, cx: &Cx) -> bool {
        let position = self.clock.position(cx.mono());
        self.lines.is_over() && self.lines.end().is_none_or(|end| position >= end)
    }

    fn placed(&self, cx: &Cx, fault: Fault) -> Fault {
        let position = self.clock.position(cx.mono()).as_millis();
        let prepared = self.info.is_some();
        fault.with(|context| {
            if prepared {
                context.position_ms = context.position_ms.or(Some(position));
            }
        })
    }

    /// How far ahead is read. Until the picture that is waited for is out, only what it needs: whatever is read
    /// beyond that delays it.
    fn read_ahead(&self, cx: &Cx) -> Time {
        let most = Time::from(cx.config.max_buffer);
        let waits = !self.first_frame || self.seeking.is_some();
        if !waits || !self.lines.video.is_on() {
            return most;
        }
        if self.lines.video.urgent {
            return most.min(BEYOND_THE_START);
        }
        let needed = match self.lines.is_starving() {
            true => self.lines.ahead(self.clock.position(cx.mono())),
            false => cx.config.start_buffer.into(),
        };
        most.min(needed + BEYOND_THE_START)
    }

    fn pull(&mut self, cx: &mut Cx, wishes: Wishes) {
        loop {
            let position = self.clock.position(cx.mono());
            let most = self.read_ahead(cx);
            let Some(notice) = self.ingest.poll(cx, &mut self.lines, position, most) else {
                return;
            };
            match notice {
                Notice::Info(info) => self.headers_read(cx, info, wishes),
                Notice::Ended => {
                    self.ended = true;
                    cx.info(InfoCode::DemuxerEof, "all packets are read");
                    if self.info.is_none() {
                        self.doom = Some(nothing_in_it());
                    }
                }
                Notice::Failed(fault) => self.doom = Some(fault),
                Notice::Switched(index) => {
                    self.options = self.choices();
                    cx.event(Event::TrackChanged { index });
                }
                Notice::Parked(fault) => self.parked(cx, &fault),
                Notice::Expired(fault) => self.await_credential(cx, fault),
            }
        }
    }

    fn parked(&mut self, cx: &mut Cx, fault: &Fault) {
        if cx.config.network_retry_count == 0 {
            cx.info(
                InfoCode::NetworkRetry,
                format!("waiting for reload: {fault}"),
            );
            return;
        }
        let told = self.placed(cx, recover::parked(fault));
        cx.event(Event::Error(told));
    }

    fn headers_read(&mut self, cx: &mut Cx, info: Arc<MediaInfo>, wishes: Wishes) {
        let selection = select::select(&info, &cx.config, &self.wish);
        self.info = Some(Arc::clone(&info));
        self.follow(cx, &selection);
        if let Some(target) = self.seek_on_headers.take() {
            self.seek_in_ingest(cx, target);
        }
        let Stage::Preparing { play } = self.stage else {
            return;
        };
        if !self.lines.video.is_on() && !self.lines.audio.is_on() {
            self.doom = Some(
                if info.tracks.iter().any(|track| track.protection.is_some()) {
                    locked()
                } else {
                    no_tracks()
                },
            );
            return;
        }
        let tracks = || select::options(&info, &selection);
        self.options = Some(self.choices().unwrap_or_else(tracks));
        self.stage = Stage::Prepared;
        cx.event(Event::StateChanged {
            old: State::Initialized,
            new: State::Prepared,
        });
        if let Some(options) = &self.options {
            cx.event(Event::TracksReady(Arc::clone(options)));
        }
        cx.event(Event::Prepared(info));
        if play {
            self.start(cx);
        }
        if play && wishes.autoplay {
            cx.event(Event::AutoPlayStart);
            cx.info(InfoCode::AutoPlayStart, "started by itself");
        }
    }

    /// Definitions of the service, or renditions of the playlist.
    pub(crate) fn choices(&self) -> Option<Arc<[TrackOption]>> {
        let definitions = self.resolve.as_ref().and_then(Resolve::options);
        definitions.or_else(|| self.ingest.options())
    }

    /// Plays, or plays on.
    pub(crate) fn start(&mut self, cx: &mut Cx) {
        let old = self.state();
        match self.stage {
            Stage::Preparing { .. } => {
                self.stage = Stage::Preparing { play: true };
                return;
            }
            Stage::Started(_) => return,
            Stage::Completed => self.restart(cx),
            Stage::Prepared | Stage::Paused => {}
        }
        self.stage = Stage::Started(Motion::waiting(cx.mono(), Why::Start));
        cx.event(Event::StateChanged {
            old,
            new: State::Started,
        });
    }

    /// Holds.
    pub(crate) fn pause(&mut self, cx: &mut Cx) {
        match self.stage {
            Stage::Started(motion) => {
                motion.leave(cx);
                self.clock.hold(cx.mono());
                self.run_sink(cx, false);
                self.stage = Stage::Paused;
                cx.event(Event::StateChanged {
                    old: State::Started,
                    new: State::Paused,
                });
            }
            Stage::Preparing { .. } => self.stage = Stage::Preparing { play: false },
            _ => {}
        }
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) -> Result<(), Refusal> {
        match self.ingest.reload(cx) {
            true => Ok(()),
            false => Err(Refusal::NothingParked),
        }
    }

    pub(crate) fn set_speed(&mut self, cx: &mut Cx, speed: f64) {
        self.catches_up = false;
        self.clock.set_rate(speed, cx.mono());
        cx.push(Output::Rate(speed));
    }

    /// Lets everything go.
    pub(crate) fn close(mut self, cx: &mut Cx) {
        self.ingest.close(cx);
        if let Some(call) = &mut self.resolve {
            call.cancel(cx);
        }
        if let Stage::Started(motion) = self.stage {
            motion.leave(cx);
        }
        self.run_sink(cx, false);
        for line in self.lines.each() {
            for frame in line.frames.drain(..) {
                cx.push(Output::Drop {
                    slot: line.slot,
                    frame: frame.id,
                });
            }
        }
        cx.push(Output::Close);
    }

    /// The next moment at which something must be done though nothing comes in.
    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        earliest([
            self.ingest.deadline(cx),
            self.resolve.as_ref().and_then(|call| call.deadline(cx)),
            self.present.deadline(&self.lines, &self.clock),
            self.motion_deadline(),
            self.next_report,
            self.meter.deadline(),
            self.expiry.as_ref().map(|(_, until)| *until),
        ])
    }
}

fn locked() -> Fault {
    Fault::new(
        codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED,
        "container.encrypted",
    )
    .because("its tracks are encrypted by a scheme whose keys are not to be had here")
}

fn no_tracks() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "container.no_tracks")
        .because("the source holds no sound or picture that is wanted")
}

pub(crate) fn nothing_in_it() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.truncated")
        .because("the source ended before its headers")
}
