//! Whether a started presentation moves: it waits for data, runs, runs dry, ends.

use kinora_errors::{Fault, codes};
use kinora_media::Time;

use crate::cx::Cx;
use crate::line::Line;
use crate::present::{Begin, earliest};
use crate::session::{Session, Stage, Wishes};
use crate::{Event, InfoCode, LoopMode, Output, State};

/// Why it waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// It begins.
    Start,
    /// It was sought.
    Seek,
    /// It ran dry.
    Stall,
}

/// What a started presentation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Motion {
    /// The clock runs.
    Running,
    /// Data is waited for. `percent`: what was told, once the wait was told at all.
    Waiting {
        since: Time,
        why: Why,
        percent: Option<u8>,
    },
}

/// A wait for a start or a seek is told when it takes longer.
const TOLD_AFTER: Time = Time::from_millis(450);

/// How fast a live stream catches up.
const CATCH_UP_RATE: f64 = 1.2;
/// So much more than the greatest delay is not caught up with but left out.
const MOST_BACKLOG: Time = Time::from_millis(5_000);
/// No live stream is expected to be closer to its edge.
const LEAST_DELAY: Time = Time::from_millis(150);

/// So much below the greatest delay the catching up ends.
fn catch_up_gap(most: Time) -> Time {
    Time::from_millis(match most.as_millis() {
        1_000.. => 500,
        200.. => 100,
        _ => 50,
    })
}

impl Motion {
    pub(crate) fn waiting(since: Time, why: Why) -> Self {
        Self::Waiting {
            since,
            why,
            percent: None,
        }
    }

    /// It is given up: a wait that was told is told to end.
    pub(crate) fn leave(self, cx: &mut Cx) {
        if let Self::Waiting {
            percent: Some(_), ..
        } = self
        {
            cx.event(Event::LoadingEnd);
        }
    }
}

impl Session {
    pub(crate) fn is_moving(&self) -> bool {
        self.stage == Stage::Started(Motion::Running)
    }

    /// Changes between waiting and running where that is due. `true`: it did, look again.
    pub(crate) fn turn(&mut self, cx: &mut Cx, wishes: Wishes) -> bool {
        match self.stage {
            Stage::Started(Motion::Running) => {
                if self.ended && self.doom.is_none() && self.is_played_out(cx) {
                    return self.complete(cx, wishes);
                }
                if !self.is_starved(cx) {
                    return false;
                }
                cx.tally.stalls += 1;
                self.clock.hold(cx.mono());
                self.run_sink(cx, false);
                cx.event(Event::LoadingBegin);
                self.stage = Stage::Started(Motion::Waiting {
                    since: cx.mono(),
                    why: Why::Stall,
                    percent: Some(0),
                });
                true
            }
            Stage::Started(Motion::Waiting {
                since,
                why,
                percent,
            }) => self.wait(cx, since, why, percent),
            _ => false,
        }
    }

    fn wait(&mut self, cx: &mut Cx, since: Time, why: Why, percent: Option<u8>) -> bool {
        let position = self.clock.position(cx.mono());
        let ahead = self.lines.ahead(position);
        let enough = Time::from(match why {
            Why::Start | Why::Seek => cx.config.start_buffer,
            Why::Stall => cx.config.high_buffer,
        });
        let all = self.ended
            || self.doom.is_some()
            || self.lines.is_full(position, cx.config.max_buffer.into());
        let ready =
            self.present.start.is_some() && !self.present.awaits_picture(&self.lines, position);
        if ready && (ahead >= enough || all) {
            self.stage = Stage::Started(Motion::Running);
            if percent.is_some() {
                cx.event(Event::LoadingProgress(100));
                cx.event(Event::LoadingEnd);
            }
            self.clock.run(cx.mono());
            self.run_sink(cx, true);
            self.next_report.get_or_insert(cx.mono());
            return true;
        }
        let told = match percent {
            None if cx.mono() - since < TOLD_AFTER => None,
            None => {
                cx.event(Event::LoadingBegin);
                Some(0)
            }
            Some(told) => Some(self.tell_progress(cx, told, ahead)),
        };
        self.stage = Stage::Started(Motion::Waiting {
            since,
            why,
            percent: told,
        });
        false
    }

    fn tell_progress(&self, cx: &mut Cx, told: u8, ahead: Time) -> u8 {
        let high = Time::from(cx.config.high_buffer).as_millis().max(1);
        let percent = u8::try_from((ahead.as_millis() * 100 / high).clamp(0, 99)).unwrap_or(99);
        if percent < told.saturating_add(5) {
            return told;
        }
        cx.event(Event::LoadingProgress(percent));
        percent
    }

    /// Something is due and nothing is there, nor on its way through a decoder.
    fn is_starved(&self, cx: &Cx) -> bool {
        if self.ended || self.doom.is_some() {
            return false;
        }
        let position = self.clock.position(cx.mono());
        let starved = |line: &Line| {
            line.is_on()
                && line.is_empty()
                && self.goes_until(line).is_some_and(|tail| position >= tail)
                && !self.lines.has_gap(line.slot, position)
        };
        starved(&self.lines.video) || starved(&self.lines.audio)
    }

    /// Where what was handed out of a line ends; where the stretch begins, if that is nothing.
    fn goes_until(&self, line: &Line) -> Option<Time> {
        line.tail.or(self.present.start)
    }

    pub(crate) fn motion_deadline(&self) -> Option<Time> {
        match self.stage {
            Stage::Started(Motion::Running) => {
                let tail = |line: &Line| {
                    self.goes_until(line)
                        .filter(|_| line.frames.is_empty())
                        .and_then(|tail| self.clock.when(tail))
                };
                earliest([
                    tail(&self.lines.video),
                    tail(&self.lines.audio),
                    self.end_deadline(),
                ])
            }
            Stage::Started(Motion::Waiting {
                since,
                percent: None,
                ..
            }) => Some(since + TOLD_AFTER),
            _ => None,
        }
    }

    fn end_deadline(&self) -> Option<Time> {
        if !self.lines.is_over() {
            return None;
        }
        self.clock.when(self.lines.end()?)
    }

    fn complete(&mut self, cx: &mut Cx, wishes: Wishes) -> bool {
        if self.lines.end().is_none() && self.seeking.is_none() && !self.first_frame {
            self.doom = Some(nothing_shown(
                cx.tally.corrupt,
                self.lines.video.decoded.is_failing(),
            ));
            return false;
        }
        if let Some(target) = self.seeking.take() {
            cx.event(Event::SeekEnd {
                target,
                pts: target,
            });
        }
        if wishes.looped == LoopMode::On && self.first_frame {
            self.restart(cx);
            cx.event(Event::LoopingStart);
            cx.info(InfoCode::LoopingStart, "from the start again");
            return true;
        }
        self.clock.hold(cx.mono());
        self.run_sink(cx, false);
        self.stage = Stage::Completed;
        self.next_report = None;
        cx.event(Event::Position(self.position(cx.mono())));
        cx.event(Event::StateChanged {
            old: State::Started,
            new: State::Completion,
        });
        cx.event(Event::Completion);
        false
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
        let most = Time::from(cx.config.max_delay).max(hold_back);
        let position = self.clock.position(cx.mono());
        let behind = self.lines.ahead(position);
        if behind > most + MOST_BACKLOG && self.is_moving() {
            return self.leave_out(cx, position, position + behind - most);
        }
        let catches_up = match self.catches_up {
            true => behind >= most - catch_up_gap(most),
            false => behind > most.max(LEAST_DELAY),
        };
        if catches_up != self.catches_up {
            self.catches_up = catches_up;
            let rate = if catches_up { CATCH_UP_RATE } else { 1.0 };
            self.clock.set_rate(rate, cx.mono());
            cx.push(Output::Rate(rate));
        }
    }

    /// Goes on with the last key frame that is there before a time.
    fn leave_out(&mut self, cx: &mut Cx, position: Time, until: Time) {
        let line = match self.lines.video.is_on() {
            true => &self.lines.video,
            false => &self.lines.audio,
        };
        // Behind it there is none yet: a later look finds one.
        let key = line.queue.key_before(until).filter(|key| *key > position);
        if let Some(key) = key {
            self.go_to(cx, Begin::KeyFrame(key));
        }
    }

    /// Tells position, buffer and speed when it is time for it.
    pub(crate) fn report(&mut self, cx: &mut Cx, wishes: Wishes) {
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
