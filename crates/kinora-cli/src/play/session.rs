//! One playback from the first event to the last: prints, reacts, decides when it is over.

use std::time::{Duration, Instant};

use kinora::output::luma_pgm;
use kinora::{
    CommandKind, CueId, Event, FIRST_EXTERNAL_SUBTITLE, Fault, NoEvent, OutputStats, Player,
    Refusal, State, Time, codes,
};
use kinora_errors::{Code, Lang};
use serde_json::{Map, Value, json};

use super::memory;
use super::navigation::PendingNavigation;
use super::refresh::Refresh;
use super::remote::RepeatMarks;
use super::screen::Screen;
use super::status_line::{self, StatusLine};
use super::waits::Waits;
use super::window::{PlayWindow, Shown};
use crate::args::{PlayArgs, Until};
use crate::json;
use crate::out;
use crate::report::{Failure, Style};

/// The longest wait for an event before the clock is looked at again.
const IDLE: Duration = Duration::from_millis(500);
/// The line that says how far playing is, is drawn so often at the most.
const DRAWN_EVERY: Duration = Duration::from_millis(200);
/// The shortest wait for a position.
const SOON: Duration = Duration::from_millis(2);
/// EPIPE: what an output fails with whose reader has gone.
const BROKEN_PIPE: Code = Code::from_errno(32);

/// Who reads an output has enough and has gone, as `head` does.
pub(super) fn reader_has_gone(fault: &Fault) -> bool {
    fault.code() == BROKEN_PIPE
}

/// What all playbacks of a list share.
pub(crate) struct PlaybackContext<'a> {
    pub(crate) player: &'a Player,
    pub(crate) args: &'a PlayArgs,
    pub(crate) style: &'a Style,
    pub(crate) screen: &'a Screen,
    pub(crate) navigation: &'a PendingNavigation,
    pub(crate) waits: &'a Waits,
    /// The part that is repeated.
    pub(crate) repeat: &'a RepeatMarks,
    /// Where the pictures are, when that is a window.
    pub(crate) window: Option<&'a PlayWindow>,
}

pub(crate) struct Session<'a> {
    context: &'a PlaybackContext<'a>,
    /// What plays.
    title: String,
    begun: Instant,
    drawn: Option<Instant>,
    size: (u32, u32),
    first: Option<(Instant, Duration)>,
    progress: Option<Progress>,
    stalled: Option<Instant>,
    /// Percent of what ends the wait for data.
    buffered: u8,
    stalls: u64,
    refresh: Option<Refresh>,
    /// Cues that are shown.
    cues: Vec<(CueId, String)>,
    start: Option<Time>,
    /// Files of subtitles of which it is not known yet whether they can be shown.
    awaited_subtitles: usize,
    /// It is over once that is known.
    ends: bool,
    /// Where playing was when it was last looked at: a player that is stopped is nowhere.
    position: Time,
    /// What the outputs had counted before.
    before: OutputStats,
}

struct Progress {
    every: Duration,
    next: Instant,
    last: Option<Time>,
}

/// What an event means for the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

/// Nothing follows from it but that it is told.
fn is_only_told(event: &Event) -> bool {
    matches!(
        event,
        Event::SeekEnd { .. }
            | Event::Info { .. }
            | Event::LocalCacheHit { .. }
            | Event::RepeatStart { .. }
            | Event::Sei { .. }
            | Event::TracksReady(_)
            | Event::Timed(_)
            | Event::SessionData(_)
            | Event::DateRange(_)
            | Event::InterstitialStart(_)
            | Event::InterstitialEnd { .. }
    )
}

impl<'a> Session<'a> {
    /// It begins at `start`, with so many files of subtitles.
    pub(crate) fn new(
        context: &'a PlaybackContext<'a>,
        title: &str,
        start: Option<Time>,
        subtitles: usize,
    ) -> Self {
        let begun = Instant::now();
        let every = context.args.progress.filter(|every| !every.is_zero());
        Self {
            context,
            title: title.to_owned(),
            begun,
            drawn: None,
            size: (0, 0),
            first: None,
            progress: every.map(|every| Progress {
                every,
                next: begun,
                last: None,
            }),
            stalled: None,
            buffered: 0,
            stalls: 0,
            refresh: None,
            cues: Vec::new(),
            start,
            awaited_subtitles: subtitles,
            ends: false,
            position: Time::ZERO,
            before: context.player.output_stats(),
        }
    }

    /// Until playing is over; [`summary`](Self::summary) says how it went, once the outputs are closed.
    pub(crate) fn run(&mut self) -> Result<(), Failure> {
        let done = self.events();
        self.refresh = None;
        self.context.screen.leave();
        done
    }

    fn events(&mut self) -> Result<(), Failure> {
        self.await_source()?;
        while !self.context.navigation.is_pending() && !self.time_is_up() {
            let Ok(event) = self.context.player.next_event(self.patience()) else {
                if self.context.player.is_released() {
                    break;
                }
                self.tick()?;
                continue;
            };
            let flow = self.event(event)?;
            self.tick()?;
            if flow == Flow::Over {
                break;
            }
            if self.begins_beyond_the_end() {
                self.position = Time::ZERO;
                break;
            }
        }
        Ok(())
    }

    /// Events before the source is set are of the previous one, or of the player itself: that its cache does not work, that
    /// it could not begin.
    fn await_source(&self) -> Result<(), Failure> {
        let mut failed = None;
        loop {
            let event = match self.player().next_event(IDLE) {
                Ok(event) => event,
                Err(NoEvent::NotYet) => return Ok(()),
                Err(NoEvent::Released) => {
                    return failed.map_or(Ok(()), |fault| Err(self.failed(fault)));
                }
            };
            let reported = kinora::json::event(&event);
            match event {
                Event::StateChanged {
                    new: State::Initialized,
                    ..
                } => return Ok(()),
                Event::Recovered(fault) => self.emit_recovered(&fault, reported),
                Event::Info { .. } => self.say(reported, json!({})),
                Event::Error(fault) => failed = Some(fault),
                _ => {}
            }
        }
    }

    fn player(&self) -> &'a Player {
        self.context.player
    }

    /// Nothing can be shown from there on.
    fn begins_beyond_the_end(&self) -> bool {
        let (Some(start), Some(duration)) = (self.start, self.player().duration()) else {
            return false;
        };
        if self.first.is_some() || start <= duration || duration == Time::ZERO {
            return false;
        }
        let reported = json!({
            "event": "start_beyond_end", "start": start.as_secs_f64(), "duration": duration.as_secs_f64(),
        });
        self.say(Map::new(), reported);
        if !self.machine() {
            let (start, end) = (start.to_clock(), duration.to_clock());
            self.context.screen.emit(&match self.context.style.lang {
                Lang::En => {
                    format!("kinora: --start {start} is beyond the end at {end}: nothing is played")
                }
                Lang::Zh => format!("kinora：--start {start} 超过了结尾 {end}：没有可播放的内容"),
            });
        }
        true
    }

    fn machine(&self) -> bool {
        self.context.args.stats.is_some() || self.context.style.json
    }

    /// An event and what the command adds to it.
    fn say(&self, mut reported: Map<String, Value>, more: Value) {
        if self.machine() {
            if let Value::Object(more) = more {
                reported.extend(more);
            }
            json::line(&reported);
        }
    }

    fn time_is_up(&self) -> bool {
        match self.context.args.until {
            Until::Time(end) => self.first.is_some() && self.player().position() >= end,
            _ => false,
        }
    }

    /// Until the next thing that must be done without an event.
    fn patience(&self) -> Duration {
        let end = match self.context.args.until {
            Until::Time(end) if self.first.is_some() => {
                // At twice the speed it is there in half the time.
                let speed = self.player().speed().abs().max(2.0);
                let left = (end - self.player().position()).as_secs_f64() / speed;
                Duration::try_from_secs_f64(left)
                    .unwrap_or_default()
                    .max(SOON)
            }
            _ => IDLE,
        };
        if self.refresh.is_some() {
            return SOON * 10;
        }
        let progress = self.progress.as_ref().map_or(IDLE, |progress| {
            progress.next.saturating_duration_since(Instant::now())
        });
        let least = match self.context.window {
            Some(_) => DRAWN_EVERY,
            None => IDLE,
        };
        end.min(progress).min(least)
    }

    fn tick(&mut self) -> Result<(), Failure> {
        self.position = match self.player().position() {
            Time::ZERO => self.position,
            position => position,
        };
        self.refreshed()?;
        self.draw();
        self.emit_position();
        Ok(())
    }

    fn draw(&mut self) {
        if self
            .drawn
            .is_some_and(|drawn| drawn.elapsed() < DRAWN_EVERY)
        {
            return;
        }
        self.drawn = Some(Instant::now());
        let context = self.context;
        // Pictures on the terminal carry them themselves.
        let cues = match context.screen.shows_pictures() {
            true => &[],
            false => self.cues.as_slice(),
        };
        let line = StatusLine {
            begun: self.first.is_some(),
            buffered: self.stalled.map(|_| self.buffered),
            refreshes: self.refresh.is_some(),
            caption: cues.iter().map(|(_, text)| text.as_str()).collect(),
        };
        status_line::draw(
            context.screen,
            context.player,
            context.waits,
            line,
            context.style,
        );
        if let Some(window) = context.window {
            let waits = self.first.is_none() || self.stalled.is_some();
            let shown = Shown {
                title: &self.title,
                loading: waits.then(|| context.waits.longest(context.style.lang)),
                frames: (self.shown(), self.dropped()),
                repeat: context.repeat.ends(),
                style: context.style,
            };
            window.show(context.player, shown);
        }
    }

    fn emit_position(&mut self) {
        let position = self.player().position();
        let Some(progress) = &mut self.progress else {
            return;
        };
        if self.first.is_none() || Instant::now() < progress.next {
            return;
        }
        progress.next = Instant::now() + progress.every;
        if progress.last.replace(position) != Some(position) {
            let shown = self.shown();
            let reported = kinora::json::event(&Event::Position(position));
            let stats = self.player().stats();
            self.say(
                reported,
                json!({
                    "frames_shown": shown, "height": self.size.1,
                    "download_bps": self.player().download_speed(), "live_delay_ms": stats.live_delay_ms, "latency_ms": stats.latency_ms,
                    "held_bytes": stats.held_bytes, "rss_bytes": memory::resident(),
                }),
            );
        }
    }

    /// Pictures of this source that were shown.
    fn shown(&self) -> u64 {
        let shown = self.player().output_stats().shown;
        shown.saturating_sub(self.before.shown)
    }

    /// Pictures of this source that were not shown.
    fn dropped(&self) -> u64 {
        let refused = self.player().output_stats().refused;
        self.player().stats().frames_dropped + refused.saturating_sub(self.before.refused)
    }

    fn event(&mut self, event: Event) -> Result<Flow, Failure> {
        let reported = kinora::json::event(&event);
        match event {
            Event::FirstFrame { .. } => return self.first_frame(reported),
            Event::VideoSize { width, height } => self.size = (width, height),
            ref event if is_only_told(event) => self.say(reported, json!({})),
            Event::LoadingBegin if self.first.is_some() => self.stall_began(reported),
            Event::LoadingProgress(percent) => self.buffered = percent,
            Event::LoadingEnd => self.stall_ended(reported),
            Event::ChapterChanged { index } => self.chapter_changed(index, reported),
            Event::TrackChanged { index } => self.track_changed(index, reported),
            Event::Timing(_) => self.say(
                reported,
                json!({ "ms": self.begun.elapsed().as_secs_f64() * 1e3 }),
            ),
            Event::AudioDevice {
                system,
                description,
                ..
            } => {
                self.sound_moved(system, &description, reported);
            }
            // Who reads it has enough, as of any other tool's output.
            Event::Recovered(fault) if reader_has_gone(&fault) => return Ok(Flow::Over),
            Event::Recovered(fault) => self.emit_recovered(&fault, reported),
            Event::CommandRefused { command, refusal } => {
                self.emit_refused(command, refusal, reported);
                if command == CommandKind::AddExternalSubtitle {
                    return Ok(self.subtitles_known());
                }
            }
            Event::SubtitleAdded { .. } => {
                self.say(reported, json!({}));
                return Ok(self.subtitles_known());
            }
            Event::SubtitleFailed { track, fault } => {
                self.emit_no_subtitles(&fault, reported);
                if track >= FIRST_EXTERNAL_SUBTITLE {
                    return Ok(self.subtitles_known());
                }
            }
            Event::SubtitleShown { id, cue, .. } => {
                self.cues.push((id, status_line::caption(&cue.text())));
                self.cues_changed(reported);
            }
            Event::SubtitleHidden { id, .. } => {
                self.cues.retain(|(shown, _)| *shown != id);
                self.cues_changed(reported);
            }
            Event::CredentialExpired(fault) => {
                self.say(reported, json!({}));
                self.refresh(fault)?;
            }
            Event::Completion => return Ok(self.over()),
            Event::StateChanged {
                new: State::Stopped,
                ..
            } => return Ok(Flow::Over),
            Event::Error(fault) => return Err(self.failed(fault)),
            _ => {}
        }
        Ok(Flow::On)
    }

    fn sound_moved(&self, system: &str, description: &str, reported: Map<String, Value>) {
        self.say(reported, json!({}));
        let style = self.context.style;
        let text = match system {
            "null" => style.say("no sound device", "没有声音设备").to_owned(),
            _ => format!("{} {description}", style.say("sound:", "声音：")),
        };
        self.context.screen.answer(&text);
    }

    fn stall_began(&mut self, reported: Map<String, Value>) {
        self.stalled = Some(Instant::now());
        self.buffered = 0;
        self.stalls += 1;
        self.say(reported, json!({}));
    }

    fn stall_ended(&mut self, reported: Map<String, Value>) {
        if let Some(since) = self.stalled.take() {
            let more = json!({ "stalled": since.elapsed().as_secs_f64() });
            self.say(reported, more);
        }
    }

    fn cues_changed(&mut self, reported: Map<String, Value>) {
        self.say(reported, json!({}));
        self.drawn = None;
    }

    fn first_frame(&mut self, reported: Map<String, Value>) -> Result<Flow, Failure> {
        let again = self.first.is_some();
        self.first
            .get_or_insert((Instant::now(), self.begun.elapsed()));
        let (width, height) = self.size;
        self.say(reported, json!({ "width": width, "height": height }));
        if !again && let Some(path) = &self.context.args.dump_frame {
            let frame = self.player().snapshot();
            let pgm = frame
                .map(|frame| luma_pgm(&frame))
                .transpose()
                .map_err(|error| Failure::of(&error))?;
            let pgm = pgm.unwrap_or_default();
            std::fs::write(path, pgm)
                .map_err(|error| Failure::io(&path.display().to_string(), &error))?;
        }
        if self.context.args.until != Until::FirstFrame {
            return Ok(Flow::On);
        }
        let flow = self.over();
        if flow == Flow::On {
            self.player().pause();
        }
        Ok(flow)
    }

    /// All that was wanted was shown. What is wrong with the subtitles is to be told all the same: their requests have limits.
    fn over(&mut self) -> Flow {
        self.ends = true;
        match self.awaited_subtitles {
            0 => Flow::Over,
            _ => Flow::On,
        }
    }

    /// Of one file more it is known whether it can be shown.
    fn subtitles_known(&mut self) -> Flow {
        self.awaited_subtitles = self.awaited_subtitles.saturating_sub(1);
        match self.ends {
            true => self.over(),
            false => Flow::On,
        }
    }

    fn chapter_changed(&self, index: Option<u32>, reported: Map<String, Value>) {
        let place = index.and_then(|index| usize::try_from(index).ok());
        let chapters = self.player().chapters();
        let chapter = place.and_then(|place| chapters.get(place));
        let (title, start) = match chapter {
            Some(chapter) => (chapter.title.as_deref(), Some(chapter.start.as_secs_f64())),
            None => (None, None),
        };
        self.say(reported, json!({ "title": title, "start": start }));
    }

    fn track_changed(&self, index: u32, reported: Map<String, Value>) {
        let tracks = self.player().tracks();
        let track = tracks
            .as_ref()
            .and_then(|tracks| tracks.iter().find(|track| track.index == index));
        if let Some(track) = track {
            self.say(
                reported,
                json!({
                    "label": track.label, "height": track.size.map(|size| size.1), "bandwidth": track.bitrate,
                }),
            );
        }
    }

    fn emit_recovered(&self, fault: &Fault, reported: Map<String, Value>) {
        if self.machine() {
            json::line(&reported);
            return;
        }
        let after = self.context.style.say("played on after", "已恢复播放：");
        self.context
            .screen
            .emit(&format!("kinora: {after} {fault}"));
    }

    fn emit_no_subtitles(&self, fault: &Fault, reported: Map<String, Value>) {
        if self.machine() {
            json::line(&reported);
            return;
        }
        let what = self.context.style.say("no subtitles:", "没有字幕：");
        self.context.screen.emit(&format!("kinora: {what} {fault}"));
    }

    /// What was typed, or came by `--control`, and can not be done.
    fn emit_refused(&self, command: CommandKind, refusal: Refusal, reported: Map<String, Value>) {
        let text = refusal.text(self.context.style.lang);
        if self.machine() {
            self.say(reported, json!({ "text": text }));
            return;
        }
        // Who pressed the key reads the status line; a program's commands are answered by lines that stay.
        let by_key = self.context.args.control.is_none();
        if !(by_key && self.context.screen.answer(text)) {
            let name = command.name();
            self.context.screen.emit(&format!("kinora: {name}: {text}"));
        }
    }

    fn refresh(&mut self, fault: Fault) -> Result<(), Failure> {
        match &self.context.args.vid.refresh_command {
            Some(command) => self.refresh = Some(Refresh::start(command)?),
            // Nobody can give a fresh one: the failure stands.
            None => return Err(self.failed(fault)),
        }
        Ok(())
    }

    /// Takes the fresh credential, once it is there.
    fn refreshed(&mut self) -> Result<(), Failure> {
        if let Some(fresh) = self.refresh.as_mut().and_then(Refresh::poll) {
            self.refresh = None;
            self.player().refresh(fresh?);
        }
        Ok(())
    }

    fn failed(&self, fault: Fault) -> Failure {
        self.say(kinora::json::event(&Event::Error(fault.clone())), json!({}));
        if fault.code() == codes::ERROR_LOADING_TIMEOUT {
            self.context.screen.leave();
            self.summary();
        }
        Failure::Fault(fault)
    }

    /// So long after its beginning its first picture was on the screen, of the first of the files that are played in a window.
    fn first_seen(&self) -> Option<Duration> {
        let seen = self.context.window.and_then(PlayWindow::first_seen)?;
        seen.checked_duration_since(self.begun)
    }

    pub(crate) fn summary(&self) {
        let (engine, output) = (self.player().stats(), self.player().output_stats());
        let (shown, dropped) = (self.shown(), self.dropped());
        if self.machine() {
            json::line(&json!({
                "event": "end", "frames_shown": shown, "frames_dropped": dropped,
                "av_offset_ms": { "p50": output.offset_p50_ms, "max": output.offset_max_ms },
                "requests": engine.requests, "bytes": engine.bytes, "stalls": self.stalls,
                "first_frame_ms": self.first.map(|(_, after)| after.as_secs_f64() * 1e3),
                "first_seen_ms": self.first_seen().map(|after| after.as_secs_f64() * 1e3),
            }));
            return;
        }
        let first = self.first.map_or_else(
            || self.context.style.say("none", "无").to_owned(),
            |(_, after)| format!("{:.0} ms", after.as_secs_f64() * 1e3),
        );
        let (position, stalls) = (self.position, self.stalls);
        let (p50, max) = (output.offset_p50_ms, output.offset_max_ms);
        out::reported(&match self.context.style.lang {
            Lang::En => format!(
                "played {position}: first picture {first}, {shown} shown, {dropped} dropped, {stalls} stalls, \
                 A/V offset {p50:.2} ms (median), {max:.2} ms (most)"
            ),
            Lang::Zh => format!(
                "已播放 {position}：首帧 {first}，显示 {shown} 帧，丢弃 {dropped} 帧，卡顿 {stalls} 次，\
                 音画偏差 {p50:.2} ms（中位）、{max:.2} ms（最大）"
            ),
        });
    }
}
