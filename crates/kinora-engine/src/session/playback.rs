//! The state of a started presentation: it buffers, runs, stalls, ends.

use kinora_errors::{Fault, codes};
use kinora_media::{Now, Time};

use super::scan::Scan;
use super::{Session, Stage, Wishes};
use crate::cx::Cx;
use crate::pipeline::TrackPipeline;
use crate::present::{Begin, earliest};
use crate::{Event, InfoCode, LoopMode, Output, State};

/// Why data is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BufferingReason {
    /// It begins.
    Start,
    /// It was sought.
    Seek,
    /// It ran dry.
    Stall,
}

/// What a started presentation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Playback {
    /// The clock runs.
    Running,
    /// Data is waited for. `reported`: the percentage that was reported, once the wait was reported at all.
    Buffering {
        since: Time,
        reason: BufferingReason,
        reported: Option<u8>,
    },
    /// Key pictures are shown, one after the other.
    Scanning(Scan),
}

/// A wait for a start or a seek is reported when it takes longer.
const REPORTED_AFTER: Time = Time::from_millis(450);

/// How fast a live stream catches up.
const CATCH_UP_RATE: f64 = 1.2;
/// So much more than the greatest delay is not caught up with but left out.
const MAX_BACKLOG: Time = Time::from_millis(5_000);
/// A stream of low latency may fall so far behind what its server wants: no more than the least that is caught up with.
const LOW_LATENCY_SLACK: Time = Time::from_millis(1_000);
/// No live stream is expected to be closer to its edge.
const MIN_DELAY: Time = Time::from_millis(150);

/// How fast a stream is played that is so far behind, where its author says nothing of that.
fn catch_up_rate(behind: Time, max_delay: Time, is_faster: bool) -> f64 {
    let late = match is_faster {
        true => behind >= max_delay - catch_up_gap(max_delay),
        false => behind > max_delay.max(MIN_DELAY),
    };
    if late { CATCH_UP_RATE } else { 1.0 }
}

/// So much below the greatest delay the catching up ends.
fn catch_up_gap(max_delay: Time) -> Time {
    Time::from_millis(match max_delay.as_millis() {
        1_000.. => 500,
        200.. => 100,
        _ => 50,
    })
}

impl Playback {
    pub(super) fn buffering(since: Time, reason: BufferingReason) -> Self {
        Self::Buffering {
            since,
            reason,
            reported: None,
        }
    }

    /// It is given up: a wait that was reported ends.
    pub(super) fn leave(self, cx: &mut Cx) {
        if let Self::Buffering {
            reported: Some(_), ..
        } = self
        {
            cx.event(Event::LoadingEnd);
        }
    }
}

impl Session {
    pub(super) fn is_running(&self) -> bool {
        self.stage == Stage::Started(Playback::Running)
    }

    /// Changes between buffering and running where that is due. `true`: it did, look again.
    pub(super) fn update_playback(&mut self, cx: &mut Cx, wishes: Wishes) -> bool {
        match self.stage {
            Stage::Started(Playback::Running) => {
                if self.supply.is_ended() && self.is_played_out(cx) {
                    return self.complete(cx, wishes);
                }
                if !self.is_starved(cx) {
                    return false;
                }
                cx.tally.stalls += 1;
                self.hold_clock(cx);
                cx.event(Event::LoadingBegin);
                self.stage = Stage::Started(Playback::Buffering {
                    since: cx.mono(),
                    reason: BufferingReason::Stall,
                    reported: Some(0),
                });
                true
            }
            Stage::Started(Playback::Buffering {
                since,
                reason,
                reported,
            }) => self.buffer(cx, since, reason, reported),
            Stage::Started(Playback::Scanning(scan)) => self.scan_on(cx, scan, wishes),
            _ => false,
        }
    }

    fn buffer(
        &mut self,
        cx: &mut Cx,
        since: Time,
        reason: BufferingReason,
        reported: Option<u8>,
    ) -> bool {
        let position = self.clock.position(cx.mono());
        let ahead = self.pipelines.ahead(position);
        let enough = Time::from(match reason {
            BufferingReason::Start | BufferingReason::Seek => cx.config.start_buffer,
            BufferingReason::Stall => cx.config.high_buffer,
        });
        // Nearer to its edge than that a live stream is to be played.
        let enough = enough.min(
            self.ingest
                .live_hold_back()
                .filter(|it| *it > Time::ZERO)
                .unwrap_or(enough),
        );
        let all = self.supply.is_over() || self.pipelines.is_full(position, cx.max_buffer());
        let ready =
            self.present.start.is_some() && !self.present.awaits_video(&self.pipelines, position);
        if ready && (ahead >= enough || all) {
            self.stage = Stage::Started(Playback::Running);
            if reported.is_some() {
                cx.event(Event::LoadingProgress(100));
                cx.event(Event::LoadingEnd);
            }
            self.run_clock(cx);
            self.next_report.get_or_insert(cx.mono());
            return true;
        }
        let reported = match reported {
            None if cx.mono() - since < REPORTED_AFTER => None,
            None => {
                cx.event(Event::LoadingBegin);
                Some(0)
            }
            Some(before) => Some(report_progress(cx, before, ahead)),
        };
        self.stage = Stage::Started(Playback::Buffering {
            since,
            reason,
            reported,
        });
        false
    }

    /// Something is due and nothing is there, nor on its way through a decoder.
    fn is_starved(&self, cx: &Cx) -> bool {
        if self.supply.is_over() {
            return false;
        }
        let position = self.clock.position(cx.mono());
        self.pipelines.awaited().any(|pipeline| {
            pipeline.is_empty()
                && self
                    .goes_until(pipeline)
                    .is_some_and(|tail| position >= tail)
                && !self.pipelines.has_gap(pipeline.role, position)
        })
    }

    /// Where what was handed out of a pipeline ends; where the stretch begins, if that is nothing.
    fn goes_until(&self, pipeline: &TrackPipeline) -> Option<Time> {
        pipeline.tail.or(self.present.start)
    }

    pub(super) fn playback_deadline(&self, cx: &Cx) -> Option<Time> {
        match self.stage {
            Stage::Started(Playback::Running) => {
                let awaited = self.pipelines.awaited();
                let empty = awaited.filter(|pipeline| pipeline.frames.is_empty());
                let tails = empty.map(|it| self.clock.when(self.goes_until(it)?));
                earliest(tails.chain([self.end_deadline(cx)]))
            }
            Stage::Started(Playback::Buffering {
                since,
                reported: None,
                ..
            }) => Some(since + REPORTED_AFTER),
            Stage::Started(Playback::Scanning(scan)) => Some(scan.deadline()),
            _ => None,
        }
    }

    fn end_deadline(&self, cx: &Cx) -> Option<Time> {
        if !self.pipelines.is_over() {
            return None;
        }
        let position = self.clock.position(cx.mono());
        self.clock.when(self.pipelines.end(position)?)
    }

    fn complete(&mut self, cx: &mut Cx, wishes: Wishes) -> bool {
        let is_shown = !self.awaited.is_first_frame();
        let target = self.awaited.answer_seek();
        let position = self.clock.position(cx.mono());
        if self.pipelines.end(position).is_none() && target.is_none() && !is_shown {
            self.supply.fail(nothing_shown(
                cx.tally.corrupt,
                self.pipelines.video.decoded.is_failing(),
            ));
            return false;
        }
        if let Some(target) = target {
            cx.event(Event::SeekEnd {
                target,
                pts: target,
            });
        }
        if is_shown && self.repeats_at_the_end(cx) {
            return true;
        }
        if is_shown && self.awaits_postlude(cx) {
            return false;
        }
        self.finish(cx, is_shown, wishes)
    }

    /// Begins again, where that is wished, or is over. `true`: look again.
    pub(super) fn finish(&mut self, cx: &mut Cx, is_shown: bool, wishes: Wishes) -> bool {
        if wishes.looped == LoopMode::On && is_shown {
            self.restart(cx);
            cx.event(Event::LoopingStart);
            cx.info(InfoCode::LoopingStart, "from the start again");
            return true;
        }
        self.hold_clock(cx);
        let old = self.state();
        self.stage = Stage::Completed;
        self.next_report = None;
        cx.event(Event::Position(self.position(cx.mono())));
        cx.event(Event::StateChanged {
            old,
            new: State::Completion,
        });
        cx.event(Event::Completion);
        false
    }

    /// How far what plays of a live stream is behind what came last of it.
    pub(crate) fn live_delay(&self, mono: Time) -> Option<Time> {
        self.ingest.live_hold_back()?;
        Some(self.pipelines.ahead(self.clock.position(mono)))
    }

    /// How long ago what plays of a live stream happened, where that is told.
    pub(crate) fn latency(&self, now: Now) -> Option<Time> {
        self.ingest.latency_at(now, self.position(now.mono))
    }

    /// Bytes of media that are held, coded.
    pub(crate) fn held_bytes(&self) -> usize {
        self.pipelines.bytes() + self.ingest.held_bytes()
    }

    /// A live stream that is too far behind plays faster until it is not.
    fn catch_up(&mut self, cx: &mut Cx, wishes: Wishes) {
        let Some(hold_back) = self.ingest.live_hold_back() else {
            return;
        };
        if wishes.speed != 1.0 || cx.config.max_delay.is_zero() {
            return;
        }
        // Closer to the edge than the playlist allows there is nothing to play (RFC 8216 6.3.3).
        let max_delay = match self.ingest.is_low_latency() {
            true => Time::from(cx.config.max_delay).min(hold_back + LOW_LATENCY_SLACK),
            false => Time::from(cx.config.max_delay),
        };
        let max_delay = max_delay.max(hold_back);
        let position = self.clock.position(cx.mono());
        let behind = self.pipelines.ahead(position);
        if behind > max_delay + MAX_BACKLOG && self.is_running() {
            return self.leave_out(cx, position, position + behind - max_delay);
        }
        let now = self.clock.rate();
        let goal = self.ingest.latency_goal();
        let rate = match goal.zip(self.latency(cx.now)) {
            Some((goal, latency)) => goal.rate(latency, behind, now, cx.config.max_delay.into()),
            None => catch_up_rate(behind, max_delay, now > 1.0),
        };
        if rate != now {
            self.set_speed(cx, rate);
        }
    }

    /// Goes on with the last key frame that is there before a time.
    fn leave_out(&mut self, cx: &mut Cx, position: Time, until: Time) {
        let pipeline = match self.pipelines.video.is_on() {
            true => &self.pipelines.video,
            false => &self.pipelines.audio,
        };
        // Behind it there is none yet: a later look finds one.
        let key = pipeline
            .queue
            .key_before(until)
            .filter(|key| *key > position);
        if let Some(key) = key {
            self.go_to(cx, Begin::KeyFrame(key));
        }
    }

    /// The clock runs, and with it the output that masters it.
    pub(super) fn run_clock(&mut self, cx: &mut Cx) {
        if !self.clock.is_running() {
            self.clock.run(cx.mono());
            cx.push(Output::RunAudio);
        }
    }

    /// The clock stands, and with it the output that masters it.
    pub(super) fn hold_clock(&mut self, cx: &mut Cx) {
        if self.clock.is_running() {
            self.clock.hold(cx.mono());
            cx.push(Output::HoldAudio);
        }
    }

    /// Reports position, buffer and download speed when it is time for it.
    pub(super) fn report(&mut self, cx: &mut Cx, wishes: Wishes) {
        if let Some(speed) = self.meter.close(cx.mono()) {
            cx.event(Event::DownloadSpeed(speed));
        }
        if self.next_report.is_none_or(|at| at > cx.mono()) {
            return;
        }
        self.catch_up(cx, wishes);
        cx.event(Event::Position(self.position(cx.mono())));
        cx.event(Event::BufferedPosition(self.buffered(cx.mono())));
        let interval = Time::from(cx.config.position_interval).max(Time::from_millis(10));
        self.next_report = matches!(self.stage, Stage::Started(_)).then(|| cx.mono() + interval);
    }
}

/// Reports how much of what ends the wait is there, where that has grown.
fn report_progress(cx: &mut Cx, before: u8, ahead: Time) -> u8 {
    let high = Time::from(cx.config.high_buffer).as_millis().max(1);
    let percent = u8::try_from((ahead.as_millis() * 100 / high).clamp(0, 99)).unwrap_or(99);
    if percent < before.saturating_add(5) {
        return before;
    }
    cx.event(Event::LoadingProgress(percent));
    percent
}

fn nothing_shown(corrupt: u64, video: bool) -> Fault {
    if corrupt == 0 {
        return Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.no_packets")
            .because("the source holds no packets");
    }
    let code = if video {
        codes::ERROR_DECODE_VIDEO
    } else {
        codes::ERROR_DECODE_AUDIO
    };
    Fault::new(code, "decoder.nothing_decoded")
        .because(format!("none of {corrupt} packets could be decoded"))
}
