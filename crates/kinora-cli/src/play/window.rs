//! The window: when there is one, what its controls show, what a person does in it.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora::output::{CueRenderer, VideoSink};
use kinora::{Fault, MediaInfo, Player, SeekAccuracy, State, Time, TrackKind, TrackOption};
use kinora_errors::{Coded as _, ReportStyle};
use kinora_window::{
    Action, Activity, Choice, ErrorCard, Painting, Status, Thumbnail, Window, WindowHandle,
    WindowOptions,
};

use super::keys;
use super::navigation::Navigation;
use super::remote::Remote;
use super::shutdown::Shutdown;
use crate::args::PlayArgs;
use crate::out;
use crate::report::{Failure, Style};
use crate::term::Key;

/// A failure is shown for so long to who does not close it.
const SHOWN_FOR: Duration = Duration::from_secs(60);

/// Plays, in a window where one is asked for or may be had, else without: then it says why.
pub(crate) fn with_window<T: Send>(
    args: &PlayArgs,
    style: &Style,
    play: impl FnOnce(Option<PlayWindow>) -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let Some((painting, insists)) = asked(args) else {
        return play(None);
    };
    let options = WindowOptions {
        title: "Kinora".to_owned(),
        lang: style.lang,
        painting,
        cues: CueRenderer::default().with_scale(args.subtitle_scale),
        full_screen: args.full_screen,
    };
    match Window::open(options) {
        Ok(window) => match window.run(|handle| play(Some(PlayWindow::new(handle)))) {
            Ok(played) => played,
            Err(error) => Err(error.fault().into()),
        },
        Err(error) if insists => Err(error.fault().into()),
        Err(error) => {
            let why = error.fault().causes_text();
            let said = style.say("no window, playing without:", "没有窗口，改用其他输出：");
            out::reported(&format!("kinora: {said} {why}"));
            play(None)
        }
    }
}

/// By what the window's pictures are to be drawn, and whether it was asked for by name.
fn asked(args: &PlayArgs) -> Option<(Painting, bool)> {
    let named = args.vo.split(',').find_map(|name| match name {
        "window" => Some(Painting::Auto),
        "window:gpu" => Some(Painting::Gpu),
        "window:software" => Some(Painting::Software),
        _ => None,
    });
    let by_itself = args.vo == "auto" && !args.headless && args.stats.is_none() && has_display();
    match named {
        Some(painting) => Some((painting, true)),
        None => by_itself.then_some((Painting::Auto, false)),
    }
}

/// The environment names a display.
fn has_display() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || named("WAYLAND_DISPLAY") || named("DISPLAY")
}

/// The window that a player plays in.
#[derive(Clone)]
pub(crate) struct PlayWindow {
    handle: WindowHandle,
    /// A person has seen a failure.
    dismissed: Arc<(Mutex<Seen>, Condvar)>,
    /// No thumbnails are to be had of what plays: they are not asked for again and again.
    no_thumbnails: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Seen {
    #[default]
    NothingToSee,
    NotYet,
    Dismissed,
}

impl PlayWindow {
    fn new(handle: WindowHandle) -> Self {
        Self {
            handle,
            dismissed: Arc::default(),
            no_thumbnails: Arc::default(),
        }
    }

    pub(crate) fn sink(&self) -> Box<dyn VideoSink> {
        Box::new(self.handle.sink())
    }

    /// When the first picture was on the screen.
    pub(crate) fn first_seen(&self) -> Option<Instant> {
        self.handle.first_shown()
    }

    pub(crate) fn answer(&self, text: &str) {
        self.handle.answer(text);
    }

    pub(crate) fn list_keys(&self, lines: Vec<String>) {
        self.handle.list_keys(lines);
    }

    pub(crate) fn toggle_full_screen(&self) {
        self.handle.toggle_full_screen();
    }

    pub(crate) fn toggle_statistics(&self) {
        self.handle.toggle_statistics();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.dismissed
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what a person wants in the window.
    pub(crate) fn listen(&self, remote: &Remote, shutdown: &Shutdown) {
        let (window, remote, shutdown) = (self.clone(), remote.clone(), shutdown.clone());
        self.handle
            .listen(move |action| window.act(action, &remote, &shutdown));
    }

    fn act(&self, action: Action, remote: &Remote, shutdown: &Shutdown) {
        let ends = matches!(action, Action::Quit | Action::Key(_));
        if ends && *self.seen() == Seen::NotYet {
            return self.dismiss();
        }
        let player = remote.player();
        match action {
            Action::Open(given) => self.open(given, remote),
            Action::Thumbnail(time) => self.ask_thumbnail(player, time),
            Action::SeekBy(by) => remote.seek_by(by.as_millis() / 1_000),
            Action::PauseOrPlay => remote.pause_or_play(),
            Action::Seek(to) => remote.seek(to, SeekAccuracy::Exact),
            Action::SeekToLive => {
                remote.seek(player.buffered_position(), SeekAccuracy::KeyFrame);
            }
            Action::Volume(volume) => remote.set_volume(volume),
            Action::Mute => remote.set_mute(!player.is_muted()),
            Action::Speed(speed) => remote.set_speed(speed),
            Action::Track(index) => player.select_track(kinora::TrackChoice::Index(index)),
            Action::Subtitle(index, on) => player.select_subtitle(index, on),
            Action::MarkRepeat => remote.mark_repeat(),
            Action::Key(key) => keys::press(of_window(key), remote, shutdown),
            Action::Quit => remote.navigate(Navigation::Quit),
            _ => {}
        }
    }

    /// A failure that is shown need not be read any longer.
    pub(crate) fn dismiss(&self) {
        self.see(Seen::Dismissed);
    }

    fn see(&self, seen: Seen) {
        *self.seen() = seen;
        self.dismissed.1.notify_all();
    }

    /// What is opened takes the place of a failure that is shown, too.
    fn open(&self, given: Vec<OsString>, remote: &Remote) {
        let opened = remote.open(given);
        if opened && *self.seen() == Seen::NotYet {
            self.see(Seen::NothingToSee);
        }
    }

    fn ask_thumbnail(&self, player: &Player, time: Time) {
        if self.no_thumbnails.load(Ordering::Relaxed) {
            return;
        }
        let (handle, fails) = (self.handle.clone(), Arc::clone(&self.no_thumbnails));
        player.request_thumbnail(time, move |found| match found {
            Ok(Some(found)) => handle.show_thumbnail(Thumbnail {
                image: found.image,
                from: found.from,
                to: found.to,
            }),
            Ok(None) => {}
            Err(_) => fails.store(true, Ordering::Relaxed),
        });
    }

    /// Shows what the player does.
    pub(crate) fn show(&self, player: &Player, shown: Shown<'_>) {
        self.handle.update(status(player, shown));
    }

    /// Shows a failure until a person closes it, for a while.
    pub(crate) fn show_failure(&self, fault: &Fault, style: &Style) {
        let code = fault.code();
        let text = code.text(style.lang);
        {
            let mut seen = self.seen();
            // Who ended playing meanwhile has seen enough.
            if *seen == Seen::Dismissed {
                return;
            }
            *seen = Seen::NotYet;
        }
        self.handle.update(Status {
            error: Some(ErrorCard {
                number: format!("{code:?} {}", code.name()),
                what: text.meaning.to_owned(),
                remedy: text.remedy.to_owned(),
                report: fault.report(style.lang, ReportStyle::Plain),
            }),
            ..Status::default()
        });
        let until = Instant::now() + SHOWN_FOR;
        let mut seen = self.seen();
        while *seen == Seen::NotYet {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.dismissed.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Something else plays.
    pub(crate) fn set_title(&self, title: &str) {
        self.no_thumbnails.store(false, Ordering::Relaxed);
        self.handle.set_title(title);
    }
}

/// The same key, as the terminal names it.
const fn of_window(key: kinora_window::Key) -> Key {
    use kinora_window::Key as Pressed;
    match key {
        Pressed::Char(char) => Key::Char(char),
        Pressed::Ctrl(char) => Key::Ctrl(char),
        Pressed::Enter => Key::Enter,
        Pressed::Backspace => Key::Backspace,
        Pressed::Escape => Key::Escape,
        Pressed::Up => Key::Up,
        Pressed::Down => Key::Down,
        Pressed::Left => Key::Left,
        Pressed::Right => Key::Right,
        Pressed::PageUp => Key::PageUp,
        Pressed::PageDown => Key::PageDown,
        _ => Key::Other,
    }
}

/// What the session knows beside the player.
pub(crate) struct Shown<'a> {
    pub(crate) title: &'a str,
    /// It waits: with a word about what it waits for, where that takes long.
    pub(crate) loading: Option<Option<String>>,
    /// Pictures of this source that were shown, and those that were not.
    pub(crate) frames: (u64, u64),
    /// The part that is repeated; its end is open while a person marks it.
    pub(crate) repeat: Option<(Time, Option<Time>)>,
    pub(crate) style: &'a Style,
}

fn status(player: &Player, shown: Shown<'_>) -> Status {
    let tracks = player.tracks().unwrap_or_default();
    let of_kind = |kind| choices(&tracks, kind);
    let stats = player.stats();
    let position = player.position();
    let live_delay = stats.live_delay_ms.and_then(|ms| i64::try_from(ms).ok());
    let facts = facts(player, &shown);
    Status {
        title: shown.title.to_owned(),
        activity: match (shown.loading, player.state()) {
            (Some(what), _) => Activity::Loading(what),
            (None, State::Started) => Activity::Playing,
            (None, _) => Activity::Paused,
        },
        position,
        duration: player.duration().filter(|duration| *duration > Time::ZERO),
        buffered: vec![(position, player.buffered_position())],
        live_delay: live_delay.map(Time::from_millis),
        volume: player.volume(),
        muted: player.is_muted(),
        speed: player.speed(),
        videos: of_kind(TrackKind::Video),
        audios: of_kind(TrackKind::Audio),
        subtitles: of_kind(TrackKind::Subtitle),
        chapters: player
            .chapters()
            .into_iter()
            .map(|chapter| (chapter.start, chapter.title.unwrap_or_default()))
            .collect(),
        repeat: shown.repeat,
        error: None,
        facts,
    }
}

fn choices(tracks: &[TrackOption], kind: TrackKind) -> Vec<Choice> {
    let choice = |track: &TrackOption| Choice {
        index: track.index,
        label: match (track.label.is_empty(), track.size) {
            (true, Some((_, height))) => format!("{height}p"),
            _ => track.label.clone(),
        },
        selected: track.selected,
    };
    tracks
        .iter()
        .filter(|track| track.kind == kind)
        .map(choice)
        .collect()
}

/// The page of statistics.
fn facts(player: &Player, shown: &Shown<'_>) -> Vec<(String, String)> {
    let style = shown.style;
    let (stats, output) = (player.stats(), player.output_stats());
    let media = player.media_info();
    let named = |kind| media.as_deref().and_then(|media| coding(media, kind));
    let mut facts = Vec::new();
    let mut add = |english: &str, chinese: &str, value: Option<String>| {
        facts.extend(value.map(|value| (style.say(english, chinese).to_owned(), value)));
    };
    add(
        "container",
        "封装",
        media.as_ref().map(|media| media.container.to_owned()),
    );
    add("video", "视频", named(TrackKind::Video));
    add("audio", "音频", named(TrackKind::Audio));
    let ahead = (player.buffered_position() - player.position()).max(Time::ZERO);
    let held = stats.held_bytes / 1_024;
    add(
        "buffer",
        "缓冲",
        Some(format!("{:.1} s, {held} KiB", ahead.as_secs_f64())),
    );
    let (frames, dropped) = shown.frames;
    let frames = match style.lang {
        kinora_errors::Lang::En => format!("{frames} shown, {dropped} dropped"),
        kinora_errors::Lang::Zh => format!("显示 {frames}，丢弃 {dropped}"),
    };
    add("frames", "帧", Some(frames));
    let (median, most) = (output.offset_p50_ms, output.offset_max_ms);
    add(
        "A/V offset",
        "音画偏差",
        Some(format!("{median:.1} ms / {most:.1} ms")),
    );
    let speed = player.download_speed();
    add(
        "network",
        "网络",
        (speed > 0).then(|| format!("{} kbit/s", speed / 1_000)),
    );
    let requests =
        (stats.requests > 0).then(|| format!("{}, {} KiB", stats.requests, stats.bytes / 1_024));
    add("requests", "请求", requests);
    add("stalls", "卡顿", Some(stats.stalls.to_string()));
    let delay = stats.live_delay_ms.map(|ms| format!("{ms} ms"));
    add("behind live", "直播延迟", delay);
    facts
}

/// Codec, size or channels, and bit rate of the first track of a kind.
fn coding(media: &MediaInfo, kind: TrackKind) -> Option<String> {
    let track = media
        .tracks
        .iter()
        .find(|track| track.codec.kind() == kind)?;
    let mut text = track.codec.title().to_owned();
    if let Some(video) = &track.video {
        text += &format!(" {}×{}", video.width, video.height);
    }
    if let Some(audio) = &track.audio {
        text += &format!(" {} Hz × {}", audio.sample_rate, audio.channels);
    }
    if let Some(bitrate) = track.bitrate {
        text += &format!(", {} kbit/s", bitrate / 1_000);
    }
    Some(text)
}
