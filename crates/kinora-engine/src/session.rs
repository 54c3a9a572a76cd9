//! One presentation from `prepare` to `stop`: its ingest, its pipelines, its clock and its stage.

mod access;
mod chapters;
mod choose;
mod decoding;
mod interludes;
mod playback;
mod reading;
mod repeat;
mod scan;
mod seek;
mod showing;
mod step;
mod supply;
mod text;

use std::sync::Arc;

use kinora_cloud::VidSource;
use kinora_errors::{Fault, Secret, codes};
use kinora_fetch::FetchEvent;
use kinora_media::{MediaInfo, Time, TrackId};

use self::access::Access;
use self::chapters::CurrentChapter;
pub(crate) use self::interludes::Postlude;
use self::playback::{BufferingReason, Playback};
use self::showing::Awaited;
use self::step::Steps;
use self::supply::Supply;
use crate::clock::Clock;
use crate::cx::Cx;
use crate::decrypt::DecryptStage;
use crate::ingest::Ingest;
use crate::interstitials::ScheduledInterstitial;
use crate::pipeline::ReadyFrame;
use crate::pipelines::Pipelines;
use crate::present::{Begin, Present, earliest};
use crate::resolve::Resolve;
use crate::stats::Meter;
use crate::subtitles::Subtitles;
use crate::timed_events::TimedEvents;
use crate::{
    Epoch, Event, InfoCode, Initiator, Input, Locator, LoopMode, Output, Refusal, Repeat, Role,
    SPEEDS, State, TrackOption,
};
use kinora_fetch::{Reload, RetryContext};

/// How far the presentation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Headers are on their way. `play`: start when they are there.
    Opening { play: bool },
    /// The first frame may show; nothing moves.
    Prepared,
    /// Meant to play.
    Started(Playback),
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

impl Wishes {
    /// The speed of what is heard: others are not for sound.
    pub(crate) fn audible(speed: f64) -> f64 {
        match SPEEDS.contains(&speed) {
            true => speed,
            false => 1.0,
        }
    }
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
    /// Where it is, and who says so.
    Url(Secret, Initiator),
    /// Which video it is; a service knows where.
    Vid(Box<VidSource>),
}

impl Origin {
    /// # Errors
    /// Where nothing is named.
    pub(crate) fn of(source: Locator) -> Result<Self, Fault> {
        Ok(match source {
            Locator::Url { url } if url.is_empty() => return Err(nothing_named()),
            Locator::Url { url } => Self::Url(url, Initiator::User),
            Locator::VidAuth(source) => Self::Vid(Box::new(VidSource::Auth(*source))),
            Locator::VidSts(source) => Self::Vid(Box::new(VidSource::Sts(*source))),
        })
    }
}

/// What the headers of the source say.
struct Media {
    info: Arc<MediaInfo>,
    /// What can be chosen.
    options: Arc<[TrackOption]>,
}

/// One presentation.
pub(crate) struct Session {
    /// Finds the URL of a video id.
    resolve: Option<Resolve>,
    access: Access,
    ingest: Ingest,
    /// Between the ingest and the pipelines.
    decrypt: DecryptStage,
    supply: Supply,
    /// Known once the headers are read.
    media: Option<Media>,
    /// Tracks that were asked for, one of a kind.
    preferred: Vec<TrackId>,
    pipelines: Pipelines,
    clock: Clock,
    stage: Stage,
    present: Present,
    awaited: Awaited,
    subtitles: Subtitles,
    timed: TimedEvents,
    chapter: CurrentChapter,
    /// The part that is played again and again.
    repeat: Option<Repeat>,
    /// What the playlist wants to be played in between, as it said last; taken by who plays it.
    interstitials: Option<Vec<ScheduledInterstitial>>,
    postlude: Postlude,
    steps: Steps,
    /// The size that was reported last.
    video_size: Option<(u32, u32)>,
    /// When the position is reported next.
    next_report: Option<Time>,
    meter: Meter,
}

impl Session {
    pub(crate) fn open(cx: &mut Cx, origin: Origin, begin: Begin, wishes: Wishes) -> Self {
        let mut clock = Clock::new();
        clock.set_rate(Wishes::audible(wishes.speed), cx.mono());
        if let Some(target) = begin.target() {
            clock.set(target, cx.mono());
        }
        let seek = begin.target();
        let mut session = Self {
            resolve: None,
            access: Access::Granted,
            ingest: Ingest::Unknown,
            decrypt: DecryptStage::default(),
            supply: Supply::Opening { seek_to: seek },
            media: None,
            preferred: Vec::new(),
            pipelines: Pipelines::new(cx.next_epoch()),
            clock,
            stage: Stage::Opening {
                play: wishes.autoplay,
            },
            present: Present::new(begin),
            awaited: Awaited::FirstFrame { seek },
            subtitles: Subtitles::default(),
            timed: TimedEvents::default(),
            chapter: CurrentChapter::default(),
            repeat: None,
            interstitials: None,
            postlude: Postlude::None,
            steps: Steps::default(),
            video_size: None,
            next_report: None,
            meter: Meter::default(),
        };
        session.follow_audio_delay(cx);
        session.begin_with(cx, begin);
        match origin {
            Origin::Url(url, named_by) => session.ingest = Ingest::open(cx, url, named_by),
            Origin::Vid(source) => {
                session.resolve = Some(Resolve::new(*source));
                session.ask_service(cx);
            }
        }
        session
    }

    pub(crate) fn state(&self) -> State {
        match self.stage {
            Stage::Opening { .. } => State::Initialized,
            Stage::Prepared => State::Prepared,
            Stage::Started(_) => State::Started,
            Stage::Paused => State::Paused,
            Stage::Completed => State::Completion,
        }
    }

    /// What the headers say, once they are read.
    pub(crate) fn info(&self) -> Option<&Arc<MediaInfo>> {
        self.media.as_ref().map(|media| &media.info)
    }
    /// What can be chosen, once the headers are read.
    pub(crate) fn options(&self) -> Option<&Arc<[TrackOption]>> {
        self.media.as_ref().map(|media| &media.options)
    }
    /// New segments may come.
    pub(crate) fn is_live(&self) -> bool {
        self.ingest.is_live()
    }
    /// Bits a second that arrived in the last second.
    pub(crate) fn download_speed(&self) -> u64 {
        self.meter.speed()
    }

    fn terms(&self) -> RetryContext {
        RetryContext {
            prepared: self.media.is_some(),
            refreshable: self.resolve.is_some() || self.media.is_some(),
            live: self.ingest.is_live(),
            elsewhere: None,
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
                    FetchEvent::TraceId { id, trace_id } if self.ingest.awaits(*id) => {
                        cx.info(InfoCode::TraceId, trace_id.as_str());
                    }
                    _ => {}
                }
                match self.subtitles.is_for(event.id()) {
                    true => self.subtitles.on_fetch(cx, event),
                    false => self.ingest.on_fetch(cx, event, terms),
                }
            }
            Input::Timeout => {
                self.subtitles.on_time(cx);
                self.ingest.on_time(cx, terms);
            }
            other => self.input_of_pipeline(cx, other),
        }
    }

    /// Takes what decoders and outputs say.
    fn input_of_pipeline(&mut self, cx: &mut Cx, input: Input) {
        let pipelines = &self.pipelines;
        let is_current = |role: Role, epoch: Epoch| epoch == pipelines[role].epoch;
        match input {
            Input::Configured {
                role,
                epoch,
                decoder,
                fell_back,
            } if is_current(role, epoch) => self.configured(cx, role, &decoder, fell_back),
            Input::PacketTaken { role, epoch } if is_current(role, epoch) => {
                self.pipelines[role].taken();
            }
            Input::FrameReady {
                role,
                epoch,
                frame,
                pts,
                duration,
                size,
            } => {
                let pipeline = &mut self.pipelines[role];
                if epoch != pipeline.epoch || !pipeline.is_on() {
                    cx.push(Output::Drop { role, frame });
                    return;
                }
                pipeline.gave(ReadyFrame {
                    id: frame,
                    pts,
                    duration,
                    size,
                });
            }
            Input::Drained { role, epoch } if is_current(role, epoch) => {
                self.pipelines[role].drained();
            }
            Input::DecodeFailed {
                role,
                epoch,
                fault,
                fatal,
            } if is_current(role, epoch) => self.decode_failed(cx, role, fault, fatal),
            Input::AudioClock(report) if is_current(Role::Audio, report.epoch) => {
                self.audio_is_at(cx, report);
            }
            Input::OutputFailed { role, fault, fatal } => {
                self.output_failed(cx, role, fault, fatal)
            }
            _ => {}
        }
    }

    /// Goes as far as can be gone now.
    pub(crate) fn advance(&mut self, cx: &mut Cx, wishes: Wishes) -> Outcome {
        if let Some(refusal) = self.access.patience_is_over(cx.mono()) {
            self.supply.fail(refusal);
        }
        if let Some(fault) = self.decrypt.overdue(cx) {
            self.supply.fail(fault);
        }
        self.follow_speed(cx, wishes);
        loop {
            self.pull(cx, wishes);
            if let Stage::Opening { .. } = self.stage {
                break;
            }
            self.read_text(cx);
            self.repeat_if_due(cx);
            self.limit_run_up(cx);
            self.feed(cx);
            self.show(cx);
            if !self.update_playback(cx, wishes) {
                break;
            }
        }
        self.show_subtitles(cx);
        self.note_chapter(cx);
        self.report(cx, wishes);
        match self.due_fatal(cx) {
            Some(fault) => Outcome::Failed(self.placed(cx, fault)),
            None => Outcome::Continues,
        }
    }

    /// The fault that ends the session now, since what came before it has played.
    fn due_fatal(&self, cx: &Cx) -> Option<Fault> {
        let fault = self.supply.pending_fatal()?;
        let plays_on = match self.stage {
            Stage::Opening { .. } | Stage::Completed => false,
            _ => self.pipelines.is_any_on() && !self.is_played_out(cx),
        };
        (!plays_on).then(|| fault.clone())
    }

    /// Everything that came has been presented.
    fn is_played_out(&self, cx: &Cx) -> bool {
        let position = self.clock.position(cx.mono());
        let end = self.pipelines.end(position);
        self.pipelines.is_over() && end.is_none_or(|end| position >= end)
    }

    fn placed(&self, cx: &Cx, fault: Fault) -> Fault {
        let position = self.clock.position(cx.mono()).as_millis();
        let prepared = self.media.is_some();
        fault.with(|context| {
            if prepared {
                context.position_ms = context.position_ms.or(Some(position));
            }
        })
    }

    /// Plays, or plays on.
    pub(crate) fn start(&mut self, cx: &mut Cx) {
        let old = self.state();
        match self.stage {
            Stage::Opening { .. } => {
                self.stage = Stage::Opening { play: true };
                return;
            }
            Stage::Started(_) => return,
            Stage::Completed => self.restart(cx),
            Stage::Prepared | Stage::Paused => self.go_on_from_step(cx),
        }
        self.stage = Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Start));
        cx.event(Event::StateChanged {
            old,
            new: State::Started,
        });
    }

    /// Holds.
    pub(crate) fn pause(&mut self, cx: &mut Cx) {
        match self.stage {
            Stage::Started(playback) => {
                if let Playback::Scanning(scan) = playback {
                    self.end_scan(cx, scan);
                }
                playback.leave(cx);
                self.hold_clock(cx);
                self.stage = Stage::Paused;
                cx.event(Event::StateChanged {
                    old: State::Started,
                    new: State::Paused,
                });
            }
            Stage::Opening { .. } => self.stage = Stage::Opening { play: false },
            _ => {}
        }
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) -> Result<(), Refusal> {
        match self.ingest.reload(cx, Reload::Waiting) {
            true => Ok(()),
            false => Err(Refusal::NothingParked),
        }
    }

    /// Connections are lost: everything that is under way is asked for again.
    pub(crate) fn reconnect(&mut self, cx: &mut Cx) {
        if self.resolve.as_ref().is_some_and(Resolve::is_asking) {
            // A nonce is good for one call only.
            self.ask_service(cx);
        }
        self.subtitles.reconnect(cx);
        self.ingest.reload(cx, Reload::All);
    }

    /// Plays at that speed from now on; one of searching waits for its moment ([`follow_speed`](Self::follow_speed)).
    pub(crate) fn set_speed(&mut self, cx: &mut Cx, speed: f64) {
        let speed = Wishes::audible(speed);
        self.clock.set_rate(speed, cx.mono());
        cx.push(Output::Rate(speed));
    }

    /// Lets everything go but the outputs, which may serve another session.
    pub(crate) fn leave(mut self, cx: &mut Cx) {
        self.ingest.close(cx);
        if let Some(call) = &mut self.resolve {
            call.cancel(cx);
        }
        if let Stage::Started(playback) = self.stage {
            playback.leave(cx);
        }
        self.hold_clock(cx);
        self.subtitles.close(cx);
        for pipeline in self.pipelines.iter_mut() {
            pipeline.drop_frames(cx);
        }
    }

    /// The next moment at which something must be done though nothing comes in.
    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        earliest([
            self.ingest.deadline(cx),
            self.resolve.as_ref().and_then(|call| call.deadline(cx)),
            self.present.deadline(cx, &self.pipelines, &self.clock),
            self.playback_deadline(cx),
            self.subtitles.deadline(cx),
            self.cue_deadline(cx),
            self.chapter_deadline(cx),
            self.repeat_deadline(),
            self.next_report,
            self.meter.deadline(),
            self.decrypt.deadline(),
            self.access.deadline(),
        ])
    }
}

/// A source that ended too early.
pub(crate) fn nothing_in_it() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.truncated")
        .because("the source ended before its headers")
}

fn nothing_named() -> Fault {
    Fault::new(codes::ERROR_DATASOURCE_EMPTYURL, "url.empty").because("the source URL is empty")
}
