//! One playback from the first event to the last: prints, reacts, decides when it is over.

use std::time::{Duration, Instant};

use kinora::output::luma_pgm;
use kinora::{CommandKind, Event, Fault, Player, Refusal, State, Time, codes};
use kinora_errors::Lang;
use serde_json::{Map, Value, json};

use super::show::StatusLine;
use crate::args::{PlayArgs, Until};
use crate::credential;
use crate::events;
use crate::json;
use crate::report::{Failure, Style};

/// The longest wait for an event before the clock is looked at again.
const IDLE: Duration = Duration::from_millis(500);

pub(crate) struct Session<'a> {
    player: &'a Player,
    args: &'a PlayArgs,
    style: &'a Style,
    begun: Instant,
    status: StatusLine,
    size: (u32, u32),
    first: Option<(Instant, Duration)>,
    progress: Option<Progress>,
    stalled: Option<Instant>,
    stalls: u64,
    /// Where playing was when it was last looked at: a player that is stopped is nowhere.
    position: Time,
}

struct Progress {
    every: Duration,
    next: Instant,
    last: Option<Time>,
}

/// What an event means for the session.
enum Flow {
    On,
    Over,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        player: &'a Player,
        args: &'a PlayArgs,
        style: &'a Style,
        terminal: bool,
    ) -> Self {
        let begun = Instant::now();
        let every = args
            .progress
            .filter(|seconds| *seconds > 0.0)
            .map(Duration::from_secs_f64);
        Self {
            player,
            args,
            style,
            begun,
            status: StatusLine::new(args.stats.is_none(), terminal),
            size: (0, 0),
            first: None,
            progress: every.map(|every| Progress {
                every,
                next: begun,
                last: None,
            }),
            stalled: None,
            stalls: 0,
            position: Time::ZERO,
        }
    }

    /// Until playing is over; [`summary`](Self::summary) tells how it was, once the outputs are closed.
    pub(crate) fn run(&mut self) -> Result<(), Failure> {
        loop {
            if self.time_is_up() {
                break;
            }
            let Ok(event) = self.player.next_event(self.patience()) else {
                if self.player.is_released() {
                    break;
                }
                self.tick();
                continue;
            };
            if matches!(self.event(event)?, Flow::Over) {
                break;
            }
            self.tick();
        }
        self.status.clear();
        Ok(())
    }

    fn machine(&self) -> bool {
        self.args.stats.is_some() || self.style.json
    }

    /// An event and what the command adds to it.
    fn say(&self, mut told: Map<String, Value>, more: Value) {
        if self.machine() {
            if let Value::Object(more) = more {
                told.extend(more);
            }
            json::line(&told);
        }
    }

    fn time_is_up(&self) -> bool {
        match (self.args.until, &self.first) {
            (Until::Time(seconds), Some((at, _))) => at.elapsed().as_secs_f64() >= seconds,
            _ => false,
        }
    }

    /// Until the next thing that must be done without an event.
    fn patience(&self) -> Duration {
        let end = match (self.args.until, &self.first) {
            (Until::Time(seconds), Some((at, _))) => {
                Duration::from_secs_f64(seconds).saturating_sub(at.elapsed())
            }
            _ => IDLE,
        };
        let progress = self.progress.as_ref().map_or(IDLE, |progress| {
            progress.next.saturating_duration_since(Instant::now())
        });
        end.min(progress).min(IDLE)
    }

    fn tick(&mut self) {
        self.position = match self.player.position() {
            Time::ZERO => self.position,
            position => position,
        };
        let word = match (self.stalled, self.player.state()) {
            (None, State::Started) if self.first.is_some() => self.style.say("playing", "播放中"),
            (None, State::Prepared | State::Paused) => self.style.say("paused ", "已暂停"),
            _ => self.style.say("loading", "缓冲中"),
        };
        self.status.draw(self.player, word);
        let Some(progress) = &mut self.progress else {
            return;
        };
        if self.first.is_none() || Instant::now() < progress.next {
            return;
        }
        progress.next = Instant::now() + progress.every;
        let position = self.player.position();
        if progress.last.replace(position) != Some(position) {
            let shown = self.player.output_stats().shown;
            let told = events::object(&Event::Position(position));
            self.say(
                told,
                json!({ "frames_shown": shown, "height": self.size.1 }),
            );
        }
    }

    fn event(&mut self, event: Event) -> Result<Flow, Failure> {
        let told = events::object(&event);
        match event {
            Event::FirstFrame { .. } => return self.first_frame(told),
            Event::VideoSize { width, height } => self.size = (width, height),
            Event::SeekEnd { .. } | Event::Info { .. } => self.say(told, json!({})),
            Event::LoadingBegin if self.first.is_some() => {
                self.stalled = Some(Instant::now());
                self.stalls += 1;
                self.say(told, json!({}));
            }
            Event::LoadingEnd => {
                if let Some(since) = self.stalled.take() {
                    self.say(told, json!({ "stalled": since.elapsed().as_secs_f64() }));
                }
            }
            Event::TrackChanged { index } => self.track_changed(index, told),
            Event::Timing(_) => self.say(
                told,
                json!({ "ms": self.begun.elapsed().as_secs_f64() * 1e3 }),
            ),
            Event::Recovered(fault) => self.tell_recovered(&fault, told),
            Event::CommandRefused { command, refusal } => self.tell_refused(command, refusal, told),
            Event::CredentialExpired(fault) => {
                self.say(told, json!({}));
                self.refresh(fault)?;
            }
            Event::Completion => return Ok(Flow::Over),
            Event::StateChanged {
                new: State::Stopped,
                ..
            } => return Ok(Flow::Over),
            Event::Error(fault) => return Err(self.failed(fault)),
            _ => {}
        }
        Ok(Flow::On)
    }

    fn first_frame(&mut self, told: Map<String, Value>) -> Result<Flow, Failure> {
        let again = self.first.is_some();
        self.first
            .get_or_insert((Instant::now(), self.begun.elapsed()));
        let (width, height) = self.size;
        self.say(told, json!({ "width": width, "height": height }));
        if !again && let Some(path) = &self.args.dump_frame {
            let frame = self.player.snapshot();
            let pgm = frame
                .map(|frame| luma_pgm(&frame))
                .transpose()
                .map_err(|error| Failure::of(&error))?;
            let pgm = pgm.unwrap_or_default();
            std::fs::write(path, pgm)
                .map_err(|error| Failure::io(&path.display().to_string(), &error))?;
        }
        Ok(if self.args.until == Until::FirstFrame {
            Flow::Over
        } else {
            Flow::On
        })
    }

    fn track_changed(&self, index: u32, told: Map<String, Value>) {
        let tracks = self.player.tracks();
        let track = tracks
            .as_ref()
            .and_then(|tracks| tracks.iter().find(|track| track.index == index));
        if let Some(track) = track {
            self.say(
                told,
                json!({
                    "label": track.label, "height": track.size.map(|size| size.1), "bandwidth": track.bitrate,
                }),
            );
        }
    }

    fn tell_recovered(&mut self, fault: &Fault, told: Map<String, Value>) {
        if self.machine() {
            json::line(&told);
        } else {
            self.status.clear();
            eprintln!(
                "kinora: {} {fault}",
                self.style.say("played on after", "已恢复播放：")
            );
        }
    }

    /// What was typed, or came by `--control`, and can not be done.
    fn tell_refused(&mut self, command: CommandKind, refusal: Refusal, told: Map<String, Value>) {
        let text = refusal.text(self.style.lang);
        if self.machine() {
            self.say(told, json!({ "text": text }));
        } else {
            self.status.clear();
            eprintln!("kinora: {}: {text}", command.name());
        }
    }

    fn refresh(&mut self, fault: Fault) -> Result<(), Failure> {
        match &self.args.vid.refresh_command {
            Some(command) => self.player.refresh(credential::refresh(command)?),
            // Nobody can give a fresh one: the failure stands.
            None => return Err(self.failed(fault)),
        }
        Ok(())
    }

    fn failed(&mut self, fault: Fault) -> Failure {
        self.status.clear();
        self.say(events::object(&Event::Error(fault.clone())), json!({}));
        if fault.code() == codes::ERROR_LOADING_TIMEOUT {
            self.summary();
        }
        Failure::Fault(fault)
    }

    pub(crate) fn summary(&self) {
        let (engine, output) = (self.player.stats(), self.player.output_stats());
        let dropped = engine.frames_dropped + output.refused;
        if self.machine() {
            json::line(&json!({
                "event": "end", "frames_shown": output.shown, "frames_dropped": dropped,
                "av_offset_ms": { "p50": output.offset_p50_ms, "max": output.offset_max_ms },
                "requests": engine.requests, "bytes": engine.bytes, "stalls": self.stalls,
                "first_frame_ms": self.first.map(|(_, after)| after.as_secs_f64() * 1e3),
            }));
            return;
        }
        let first = self.first.map_or_else(
            || self.style.say("none", "无").to_owned(),
            |(_, after)| format!("{:.0} ms", after.as_secs_f64() * 1e3),
        );
        let (position, shown, stalls) = (self.position, output.shown, self.stalls);
        let (p50, max) = (output.offset_p50_ms, output.offset_max_ms);
        eprintln!(
            "{}",
            match self.style.lang {
                Lang::En => format!(
                    "played {position}: first picture {first}, {shown} shown, {dropped} dropped, {stalls} stalls, \
                     A/V offset {p50:.2} ms (median), {max:.2} ms (most)"
                ),
                Lang::Zh => format!(
                    "已播放 {position}：首帧 {first}，显示 {shown} 帧，丢弃 {dropped} 帧，卡顿 {stalls} 次，\
                     音画偏差 {p50:.2} ms（中位）、{max:.2} ms（最大）"
                ),
            }
        );
    }
}
