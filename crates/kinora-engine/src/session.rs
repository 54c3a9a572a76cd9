//! One presentation from `prepare` to `stop`: its ingest, its lines, its clock and its stage.

use std::sync::Arc;

use kinora_cloud::VidSource;
use kinora_errors::{Fault, Secret, codes};
use kinora_media::{MediaInfo, Time, TrackId};

use crate::clock::Clock;
use crate::cx::Cx;
use crate::ingest::{Ingest, Notice, Sought};
use crate::line::{Health, Lines, Waiting};
use crate::motion::{Motion, Why};
use crate::present::{Begin, Present, earliest};
use crate::resolve::{Resolve, Resolved};
use crate::select::{self, Selection};
use crate::stats::Meter;
use crate::transfer::Terms;
use crate::{
    AudioClock, Credential, Epoch, Event, InfoCode, Input, LoopMode, Output, SeekAccuracy, Slot,
    State, TimingMark, TrackOption, recover,
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

/// After so many packets that can not be decoded a line is given up.
const MOST_CORRUPT: u32 = 1_000;

/// A fresh credential is waited for so long.
const LONGEST_REFRESH: Time = Time::from_millis(10_000);

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
        let (mut ingest, mut resolve, mut doom) = (Ingest::Unknown, None, None);
        let mut expiry = None;
        match origin {
            Origin::Url(url) => ingest = Ingest::open(cx, url),
            Origin::Vid(source) => {
                let mut call = Resolve::new(*source);
                match call.ask(cx) {
                    Err(fault) if recover::is_expired(&fault) => expiry = Some(expired(cx, fault)),
                    Err(fault) => doom = Some(fault),
                    Ok(()) => {}
                }
                resolve = Some(call);
            }
        }
        Self {
            epoch: cx.next_epoch(),
            ingest,
            resolve,
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
            doom,
            expiry,
            replaced: None,
            sink_runs: false,
            next_report: None,
            meter: Meter::default(),
            catches_up: false,
        }
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
            && let Some(input) = self.input_for_call(cx, &input, terms)
        {
            return self.resolved(cx, input);
        }
        match input {
            Input::Head { id, info } => self.ingest.on_head(cx, id, info, terms),
            Input::Chunk(chunk) => {
                self.meter.add(cx.mono(), chunk.data.len());
                self.ingest.on_chunk(cx, chunk, terms);
            }
            Input::Done { id } => self.ingest.on_done(cx, id, terms),
            Input::Failed { id, fault } => self.ingest.on_failed(cx, id, fault, terms),
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
                line.frames.push_back(Waiting {
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

    /// Gives an answer of the video service to the call that waits for it.
    fn input_for_call(&mut self, cx: &mut Cx, input: &Input, terms: Terms) -> Option<Resolved> {
        let call = self.resolve.as_mut()?;
        match input {
            Input::Head { id, info } if call.owns(*id) => {
                let info = info.clone();
                Some(call.route(cx, |cx, transfer| transfer.on_head(cx, info, terms)))
            }
            Input::Chunk(chunk) if call.owns(chunk.id) => {
                let chunk = chunk.clone();
                Some(call.route(cx, |cx, transfer| transfer.on_chunk(cx, chunk)))
            }
            Input::Done { id } if call.owns(*id) => {
                Some(call.route(cx, |cx, transfer| transfer.on_done(cx)))
            }
            Input::Failed { id, fault } if call.owns(*id) => {
                let fault = fault.clone();
                Some(call.route(cx, |cx, transfer| {
                    transfer.on_failed(cx, fault, Terms::default())
                }))
            }
            Input::Timeout => match call.on_time(cx, Terms::default()) {
                Resolved::Pending => None,
                resolved => Some(resolved),
            },
            _ => None,
        }
    }

    fn resolved(&mut self, cx: &mut Cx, resolved: Resolved) {
        match resolved {
            Resolved::Pending => {}
            Resolved::Url(url) => {
                if let Some(fault) = self.replaced.take() {
                    cx.recovered(fault);
                }
                match self.ingest {
                    Ingest::Unknown => self.ingest = Ingest::open(cx, url),
                    _ => self.ingest.renew(cx, url),
                }
            }
            Resolved::Failed(fault) if recover::is_expired(&fault) => {
                self.expiry = Some(expired(cx, fault))
            }
            Resolved::Failed(fault) => self.doom = Some(fault),
        }
    }

    fn configured(&mut self, cx: &mut Cx, slot: Slot, decoder: &str, fell_back: Option<Fault>) {
        cx.mark(TimingMark::DecoderOpen);
        if let Some(fault) = fell_back {
            let line = match slot {
                Slot::Video => "pictures",
                Slot::Audio => "sound",
            };
            cx.info(
                InfoCode::SwitchToSoftwareDecoder,
                format!("{decoder} decodes the {line}"),
            );
            cx.recovered(fault);
        }
    }

    fn sound_is_at(&mut self, cx: &mut Cx, report: AudioClock) {
        if report.running && self.sink_runs {
            self.clock.correct(report.position, cx.mono());
        }
    }

    fn decode_failed(&mut self, cx: &mut Cx, slot: Slot, fault: Fault, fatal: bool) {
        cx.tally.corrupt += u64::from(!fatal);
        let line = self.lines.line(slot);
        line.corrupt += 1;
        if !line.is_on() || !fatal && line.corrupt <= MOST_CORRUPT {
            return;
        }
        self.line_died(cx, slot, fault);
    }

    /// The other line plays on; without one there is nothing to play.
    fn line_died(&mut self, cx: &mut Cx, slot: Slot, fault: Fault) {
        let unsupported = [
            codes::ERROR_CODEC_VIDEO_NOT_SUPPORT,
            codes::ERROR_CODEC_AUDIO_NOT_SUPPORT,
        ]
        .contains(&fault.code());
        let epoch = self.epoch;
        let line = self.lines.line(slot);
        line.flush(cx, epoch);
        line.queue.clear();
        line.health = Health::Dead;
        let code = match (slot, unsupported) {
            (Slot::Audio, true) => InfoCode::AudioCodecNotSupport,
            (Slot::Audio, false) => InfoCode::AudioDecoderDeviceError,
            (Slot::Video, true) => InfoCode::VideoCodecNotSupport,
            (Slot::Video, false) => InfoCode::VideoDecoderDeviceError,
        };
        cx.info(code, fault.to_string());
        if self.lines.video.is_on() || self.lines.audio.is_on() {
            cx.recovered(fault);
            return;
        }
        self.doom = Some(if unsupported {
            no_valid_stream(&fault)
        } else {
            fault
        });
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
                Notice::Expired(fault) => {
                    // Several requests may be refused at once; the application is asked once.
                    if self.expiry.is_none() {
                        self.expiry = Some(expired(cx, fault));
                    }
                }
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
            self.doom = Some(if info.tracks.iter().any(|track| track.encrypted) {
                locked()
            } else {
                no_tracks()
            });
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
        if !wishes.autoplay {
            cx.event(Event::Prepared(info));
        }
        if play {
            self.start(cx);
        }
        if wishes.autoplay {
            cx.event(Event::AutoPlayStart);
            cx.info(InfoCode::AutoPlayStart, "started by itself");
        }
    }

    /// Definitions of the service, or renditions of the playlist.
    pub(crate) fn choices(&self) -> Option<Arc<[TrackOption]>> {
        let definitions = self.resolve.as_ref().and_then(Resolve::options);
        definitions.or_else(|| self.ingest.options())
    }

    pub(crate) fn follow(&mut self, cx: &mut Cx, selection: &Selection) {
        let epoch = self.epoch;
        for (line, track) in self
            .lines
            .each()
            .into_iter()
            .zip([&selection.video, &selection.audio])
        {
            let Some(track) = track else { continue };
            line.follow(Arc::clone(track));
            // The decoder opens while the first packets are on their way.
            if line.is_on() && line.queue.is_drained() {
                line.configure(cx, epoch, track);
            }
        }
    }

    fn feed(&mut self, cx: &mut Cx) {
        let (epoch, ended) = (self.epoch, self.ended || self.doom.is_some());
        let mut took_key = false;
        if self.is_moving() {
            // A decoder that is behind catches up by what no other picture needs.
            self.lines.video.unseen_until = self.clock.position(cx.mono());
        }
        for line in self.lines.each() {
            let before = line.queue.read_packets();
            line.feed(cx, epoch, ended);
            took_key |= line.queue.read_packets() > before;
        }
        // Cheap enough once in a while; each time would walk the queue for each packet.
        if took_key
            && (self.lines.video.queue.read_packets() > 256
                || self.lines.audio.queue.read_packets() > 512)
        {
            let position = self.clock.position(cx.mono());
            self.lines
                .trim(position - Time::from(cx.config.max_backward_buffer));
        }
    }

    fn show(&mut self, cx: &mut Cx) {
        let was_waiting = self.seeking.is_some() || !self.first_frame;
        if let Some(frame) = self
            .present
            .first_picture(cx, &mut self.lines, &mut self.clock)
        {
            self.pictured(cx, frame);
            self.first_out(cx, frame.pts);
        }
        self.present.settle(&self.lines, &mut self.clock, cx.mono());
        if self.is_moving()
            && let Some(frame) = self.present.pictures(cx, &mut self.lines, &self.clock)
        {
            self.pictured(cx, frame);
        }
        self.present.sound(cx, &mut self.lines, &self.clock);
        let position = self.clock.position(cx.mono());
        let limit = self.present.limit(&self.lines, position);
        self.clock.set_limit(limit, cx.mono());
        if was_waiting
            && let Some(start) = self.present.start
            && !self.present.awaits_picture(&self.lines, position)
            && (self.lines.audio.presented > 0 || self.lines.is_over())
            && self.lines.video.presented == 0
        {
            // No picture will come for this: the sound answers.
            self.first_out(cx, start);
        }
    }

    fn pictured(&mut self, cx: &mut Cx, frame: Waiting) {
        if let Some((width, height)) = frame.size
            && self.size != frame.size
        {
            self.size = frame.size;
            cx.event(Event::VideoSize { width, height });
        }
    }

    fn first_out(&mut self, cx: &mut Cx, pts: Time) {
        if !self.first_frame && (self.lines.video.presented > 0 || self.lines.audio.presented > 0) {
            self.first_frame = true;
            cx.event(Event::FirstFrame { pts });
        }
        if let Some(target) = self.seeking.take() {
            cx.event(Event::SeekEnd { target, pts });
        }
    }

    pub(crate) fn run_sink(&mut self, cx: &mut Cx, run: bool) {
        if self.sink_runs != run {
            self.sink_runs = run;
            cx.push(if run {
                Output::RunAudio
            } else {
                Output::HoldAudio
            });
        }
    }

    pub(crate) fn position(&self, mono: Time) -> Time {
        // Sound that begins before the first picture has negative times.
        let position = self.seeking.unwrap_or_else(|| self.clock.position(mono));
        position.max(Time::ZERO)
    }

    pub(crate) fn buffered(&self, mono: Time) -> Time {
        let position = self.position(mono);
        let end = self
            .lines
            .video
            .queue
            .end()
            .max(self.lines.audio.queue.end());
        match end {
            Some(end) if self.ended => end.max(position),
            _ => position + self.lines.ahead(position),
        }
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

    /// Goes to a time. An earlier seek that has not ended is forgotten: only the newest one ends.
    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time, accuracy: SeekAccuracy) {
        if self.ingest.is_live() {
            return;
        }
        let duration = self.info.as_ref().and_then(|info| info.duration);
        let target = target.max(Time::ZERO).min(duration.unwrap_or(Time::MAX));
        let begin = match accuracy {
            SeekAccuracy::KeyFrame => Begin::KeyFrame(target),
            SeekAccuracy::Exact => Begin::Exact(target),
        };
        self.seeking = Some(target);
        if let Stage::Preparing { .. } = self.stage {
            self.present = Present::new(begin);
            self.seek_on_headers = Some(target);
            self.clock.set(target, cx.mono());
            return;
        }
        self.go_to(cx, begin);
        if self.stage == Stage::Completed {
            self.stage = Stage::Started(Motion::waiting(cx.mono(), Why::Seek));
            cx.event(Event::StateChanged {
                old: State::Completion,
                new: State::Started,
            });
        }
    }

    /// From the beginning again.
    pub(crate) fn restart(&mut self, cx: &mut Cx) {
        self.go_to(cx, Begin::First);
    }

    pub(crate) fn go_to(&mut self, cx: &mut Cx, begin: Begin) {
        self.go_by(cx, begin, |session, cx, target| {
            if !session.rewind(target) {
                for line in session.lines.each() {
                    line.queue.clear();
                }
                session.seek_in_ingest(cx, target);
            }
        });
    }

    /// Goes to a time; `find` sees to it that its packets come.
    pub(crate) fn go_by(
        &mut self,
        cx: &mut Cx,
        begin: Begin,
        find: impl FnOnce(&mut Self, &mut Cx, Time),
    ) {
        let target = begin.target().unwrap_or(Time::ZERO);
        self.epoch = cx.next_epoch();
        let epoch = self.epoch;
        self.clock.hold(cx.mono());
        self.run_sink(cx, false);
        for line in self.lines.each() {
            line.flush(cx, epoch);
        }
        find(self, cx, target);
        if let Begin::Exact(target) = begin {
            self.lines.video.unseen_until = target;
        }
        self.present = Present::new(begin);
        self.clock.set(target, cx.mono());
        if let Stage::Started(motion) = self.stage {
            motion.leave(cx);
            self.stage = Stage::Started(Motion::waiting(cx.mono(), Why::Seek));
        }
    }

    /// Tries to serve a seek from the packets that are there.
    fn rewind(&mut self, target: Time) -> bool {
        let Lines { video, audio, .. } = &mut self.lines;
        let from = match video.is_on() {
            true => match video.queue.key_before(target) {
                Some(key) => key,
                None => return false,
            },
            false => target,
        };
        if audio.is_on() && !audio.queue.covers(from) {
            return false;
        }
        video.queue.rewind_to_key(target);
        audio.queue.rewind_to(from);
        true
    }

    fn seek_in_ingest(&mut self, cx: &mut Cx, target: Time) {
        self.ended = false;
        self.doom = None;
        if self.ingest.seek(cx, target) == Sought::FromStart {
            for line in self.lines.each() {
                line.gate = Some(target);
            }
        }
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) {
        self.ingest.reload(cx);
    }

    pub(crate) fn refresh(&mut self, cx: &mut Cx, credential: Credential) {
        if let Credential::Url(url) = credential {
            if self.expiry.take().is_some() {
                self.ingest.renew(cx, url);
            }
            return;
        }
        let Some(call) = &mut self.resolve else {
            return;
        };
        if !call.refresh(credential) {
            return;
        }
        let Some((fault, _)) = self.expiry.take() else {
            return;
        };
        // Of media that was refused, its own transfer tells when it comes again.
        self.replaced = recover::is_expired(&fault).then_some(fault);
        match call.ask(cx) {
            Err(fault) if recover::is_expired(&fault) => self.expiry = Some(expired(cx, fault)),
            Err(fault) => self.doom = Some(fault),
            Ok(()) => {}
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

/// Asks for a fresh credential; gives until when it is waited for.
fn expired(cx: &mut Cx, fault: Fault) -> (Fault, Time) {
    let until = cx.mono() + Time::from(cx.config.network_timeout).min(LONGEST_REFRESH);
    cx.event(Event::CredentialExpired(fault.clone()));
    (fault, until)
}

fn no_valid_stream(cause: &Fault) -> Fault {
    let mut fault = Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "decoder.none")
        .because("no track of the source can be decoded here");
    for link in cause.causes() {
        fault = fault.because(link.0.clone());
    }
    fault
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

fn nothing_in_it() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.truncated")
        .because("the source ended before its headers")
}
