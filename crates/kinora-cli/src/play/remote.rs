//! What a person or a program asks of the player, by keys or by commands, and what they are answered.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora::{
    Chapter, MAX_AUDIO_DELAY, Mirror, Orientation, Player, Repeat, Rotation, SCAN_SPEEDS, SPEEDS,
    SeekAccuracy, State, Time, TrackChoice, TrackKind, TrackOption, VOLUMES,
};

use super::bindings::Bindings;
use super::navigation::{Navigation, PendingNavigation};
use super::screen::Screen;
use super::snapshot::{self, CueDrawing};
use super::status_line::caption;
use crate::report::Style;
use crate::source;

/// Every command to a player, by key or by line.
#[derive(Clone)]
pub(crate) struct Remote {
    player: Arc<Player>,
    screen: Screen,
    navigation: PendingNavigation,
    style: Style,
    asked: Arc<Mutex<Asked>>,
    repeat: RepeatMarks,
    drawing: CueDrawing,
    bindings: Arc<Bindings>,
}

/// How far a person is with marking a part that is to be repeated.
#[derive(Clone, Copy, Default)]
enum Marks {
    #[default]
    None,
    From(Time),
    Repeats(Repeat),
}

/// The part that is repeated or being marked, shared with what shows it.
#[derive(Clone, Default)]
pub(crate) struct RepeatMarks(Arc<Mutex<Marks>>);

impl RepeatMarks {
    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it begins, and where it ends once that is marked.
    pub(crate) fn ends(&self) -> Option<(Time, Option<Time>)> {
        match *self.lock() {
            Marks::None => None,
            Marks::From(from) => Some((from, None)),
            Marks::Repeats(Repeat { from, to }) => Some((from, Some(to))),
        }
    }
}

/// Whether it is to play, and when that was asked for.
type Asked = Option<(bool, Instant)>;

/// Within so long what was asked for last counts, since the player may not show it yet.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// So soon after the start of a chapter the one before is meant.
const AT_ITS_START: Time = Time::from_millis(2_000);

impl Remote {
    pub(crate) fn new(
        player: &Arc<Player>,
        screen: &Screen,
        navigation: &PendingNavigation,
        style: &Style,
        drawing: CueDrawing,
        bindings: Bindings,
    ) -> Self {
        Self {
            drawing,
            bindings: Arc::new(bindings),
            player: Arc::clone(player),
            screen: screen.clone(),
            navigation: navigation.clone(),
            style: *style,
            asked: Arc::default(),
            repeat: RepeatMarks::default(),
        }
    }

    pub(crate) fn player(&self) -> &Player {
        &self.player
    }
    pub(crate) fn style(&self) -> &Style {
        &self.style
    }
    /// What keys do.
    pub(crate) fn bindings(&self) -> &Bindings {
        &self.bindings
    }
    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// The part that is repeated or being marked.
    pub(crate) fn repeat(&self) -> &RepeatMarks {
        &self.repeat
    }

    fn show_message(&self, english: &str, chinese: &str) {
        self.screen.answer(self.style.say(english, chinese));
    }

    /// Leaves the file that plays.
    pub(crate) fn navigate(&self, to: Navigation) {
        match to {
            Navigation::Next => self.show_message("next", "下一个"),
            Navigation::Previous => self.show_message("previous", "上一个"),
            Navigation::Quit => self.show_message("quit", "退出"),
        }
        self.leave(|navigation| navigation.request(to));
    }

    fn leave(&self, request: impl FnOnce(&PendingNavigation)) {
        *self.repeat.lock() = Marks::None;
        request(&self.navigation);
        self.player.stop();
    }

    /// Plays these in place of what plays; `false`: none of them is a link, or a file that is there.
    pub(crate) fn open(&self, given: Vec<OsString>) -> bool {
        let mut sources = given;
        sources.retain(|given| source::is_there(given));
        match (sources.first(), sources.len()) {
            (None, _) => {
                self.show_message("neither a file nor a link", "既不是文件，也不是链接");
                return false;
            }
            (Some(one), 1) => {
                let title = source::shown(one);
                self.show_message(&format!("open {title}"), &format!("打开 {title}"));
            }
            (_, count) => {
                self.show_message(
                    &format!("open {count} files"),
                    &format!("打开 {count} 个文件"),
                );
            }
        }
        self.leave(|navigation| navigation.open(sources));
        true
    }

    pub(crate) fn pause_or_play(&self) {
        let now = self.player.state() == State::Started;
        let plays = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let last = asked.filter(|(_, when)| when.elapsed() < UNDER_WAY);
            let plays = !last.map_or(now, |(plays, _)| plays);
            *asked = Some((plays, Instant::now()));
            plays
        };
        if plays {
            self.player.start();
            self.show_message("playing", "播放中");
        } else {
            self.player.pause();
            self.show_message("paused", "已暂停");
        }
    }

    pub(crate) fn seek(&self, target: Time, accuracy: SeekAccuracy) {
        let at = target.to_clock();
        self.show_message(&format!("to {at}"), &format!("跳到 {at}"));
        self.player.seek(target, accuracy);
    }

    /// So many seconds on, or back.
    pub(crate) fn seek_by(&self, seconds: i64) {
        let target = self.player.position() + Time::from_millis(seconds * 1_000);
        self.seek(target.max(Time::ZERO), SeekAccuracy::KeyFrame);
    }

    pub(crate) fn set_mute(&self, mute: bool) {
        match mute {
            true => self.show_message("muted", "已静音"),
            false => self.show_message("sound on", "声音已开"),
        }
        self.player.set_mute(mute);
    }

    /// What is beyond the range the player refuses.
    pub(crate) fn set_volume(&self, volume: f32) {
        if VOLUMES.contains(&volume) {
            let percent = f64::from(volume) * 100.0;
            self.show_message(
                &format!("volume {percent:.0} %"),
                &format!("音量 {percent:.0}%"),
            );
        }
        self.player.set_volume(volume);
    }

    /// So much louder; the ends of the range are as far as it goes.
    pub(crate) fn louder(&self, step: f32) {
        // In hundredths, lest steps add up to odd ones.
        let volume = ((self.player.volume() + step) * 100.0).round() / 100.0;
        self.set_volume(volume.clamp(*VOLUMES.start(), *VOLUMES.end()));
    }

    /// What is beyond the range the player refuses.
    pub(crate) fn set_audio_delay(&self, delay: Time) {
        if delay.abs() <= MAX_AUDIO_DELAY {
            let ms = delay.as_millis();
            self.show_message(&format!("sound {ms:+} ms"), &format!("声音 {ms:+} 毫秒"));
        }
        self.player.set_audio_delay(delay);
    }

    /// So much later; the ends of the range are as far as it goes.
    pub(crate) fn delay_audio(&self, step: Time) {
        let delay = self.player.audio_delay() + step;
        self.set_audio_delay(delay.clamp(Time::ZERO - MAX_AUDIO_DELAY, MAX_AUDIO_DELAY));
    }

    /// What is beyond the range the player refuses.
    pub(crate) fn set_speed(&self, speed: f64) {
        if SPEEDS.contains(&speed) || SCAN_SPEEDS.contains(&speed.abs()) {
            self.show_message(&format!("speed {speed}"), &format!("倍速 {speed}"));
        }
        self.player.set_speed(speed);
    }

    /// So much faster; the ends of the range are as far as it goes.
    pub(crate) fn faster(&self, step: f64) {
        let speed = ((self.player.speed() + step) * 100.0).round() / 100.0;
        self.set_speed(speed.clamp(*SPEEDS.start(), *SPEEDS.end()));
    }

    /// The next of the qualities that can be chosen.
    pub(crate) fn next_quality(&self) {
        let tracks = self.of_kind(TrackKind::Video);
        let videos: Vec<_> = tracks.iter().collect();
        // Pictures from other sides are no qualities: they have no rate of their own.
        let rated: Vec<_> = videos
            .iter()
            .copied()
            .filter(|it| it.bitrate.is_some())
            .collect();
        let videos = if rated.is_empty() { videos } else { rated };
        let now = videos.iter().position(|track| track.selected).unwrap_or(0);
        match videos.get((now + 1) % videos.len().max(1)) {
            Some(next) if videos.len() > 1 => {
                let label = &next.label;
                self.show_message(&format!("quality {label}"), &format!("清晰度 {label}"));
                self.player.select_track(TrackChoice::Index(next.index));
            }
            _ => self.show_message("one quality only", "只有一种清晰度"),
        }
    }

    /// The next of the sounds that can be chosen.
    pub(crate) fn next_audio(&self) {
        let audios = self.of_kind(TrackKind::Audio);
        let now = audios.iter().position(|track| track.selected).unwrap_or(0);
        match audios.get((now + 1) % audios.len().max(1)) {
            Some(next) if audios.len() > 1 => {
                let label = &next.label;
                self.show_message(&format!("sound {label}"), &format!("声音 {label}"));
                self.player.select_track(TrackChoice::Index(next.index));
            }
            _ => self.show_message("one sound only", "只有一种声音"),
        }
    }

    /// The next of the subtitles; none after the last.
    pub(crate) fn next_subtitle(&self) {
        let texts = self.of_kind(TrackKind::Subtitle);
        let now = texts.iter().position(|track| track.selected);
        for shown in texts.iter().filter(|track| track.selected) {
            self.player.select_subtitle(shown.index, false);
        }
        match texts.get(now.map_or(0, |now| now + 1)) {
            Some(next) => {
                let label = &next.label;
                self.show_message(&format!("subtitles {label}"), &format!("字幕 {label}"));
                self.player.select_subtitle(next.index, true);
            }
            None => self.show_message("no subtitles", "无字幕"),
        }
    }

    fn of_kind(&self, kind: TrackKind) -> Vec<TrackOption> {
        let tracks = self.player.tracks().unwrap_or_default();
        let of_kind = tracks.iter().filter(|track| track.kind == kind);
        of_kind.cloned().collect()
    }

    /// Shows the next picture and holds there.
    pub(crate) fn step(&self) {
        self.show_message("next picture", "下一帧");
        self.player.step();
    }

    /// Ends the interstitial that plays.
    pub(crate) fn skip_interstitial(&self) {
        self.show_message("skip", "跳过");
        self.player.skip_interstitial();
    }

    /// Looks for a place by key pictures, forward or back, faster with each time: the other way is the usual speed first.
    pub(crate) fn search(&self, forward: bool) {
        let sign = if forward { 1.0 } else { -1.0 };
        let now = self.player.speed() * sign;
        let next = match () {
            () if now < 0.0 => 1.0,
            () if now < *SCAN_SPEEDS.start() => SCAN_SPEEDS.start() * sign,
            () => (now * 2.0).min(*SCAN_SPEEDS.end()) * sign,
        };
        self.set_speed(next);
    }

    /// A quarter turn more.
    pub(crate) fn turn(&self) {
        let turned = Orientation::from(self.player.rotation()).then(Rotation::Cw90.into());
        self.set_rotation(turned.rotation);
    }

    pub(crate) fn set_rotation(&self, rotation: Rotation) {
        let degrees = rotation.degrees();
        self.show_message(
            &format!("turned by {degrees}°"),
            &format!("旋转 {degrees}°"),
        );
        self.player.set_rotation(rotation);
    }

    pub(crate) fn set_mirror(&self, mirror: Mirror) {
        match mirror {
            Mirror::None => self.show_message("not mirrored", "不镜像"),
            Mirror::Horizontal => self.show_message("left and right mirrored", "左右镜像"),
            Mirror::Vertical => self.show_message("top and bottom mirrored", "上下镜像"),
        }
        self.player.set_mirror(mirror);
    }

    /// How subtitles are drawn.
    pub(crate) fn drawing(&self) -> CueDrawing {
        self.drawing
    }

    /// Writes the picture that is out to a file in the working directory, named by its time; with subtitles where they are asked
    /// for.
    pub(crate) fn snapshot(&self, subtitles: Option<CueDrawing>) {
        match snapshot::take(&self.player, None, subtitles) {
            Ok(taken) => {
                let file = taken.file.display();
                self.show_message(&file.to_string(), &file.to_string());
            }
            Err(words) => {
                self.screen.answer(words.in_language(self.style.lang));
            }
        }
    }

    /// Marks where a part begins, then where it ends, and it is repeated; then forgets it.
    pub(crate) fn mark_repeat(&self) {
        let position = self.player.position();
        let at = position.to_clock();
        let marked = *self.repeat.lock();
        match marked {
            Marks::None => {
                self.show_message(&format!("repeat from {at}"), &format!("重复起点 {at}"));
                *self.repeat.lock() = Marks::From(position);
            }
            Marks::From(from) if position > from => {
                self.show_message(&format!("repeat until {at}"), &format!("重复终点 {at}"));
                let repeat = Repeat { from, to: position };
                *self.repeat.lock() = Marks::Repeats(repeat);
                self.player.set_repeat(Some(repeat));
            }
            Marks::From(_) | Marks::Repeats(_) => self.set_repeat(None),
        }
    }

    pub(crate) fn set_repeat(&self, repeat: Option<Repeat>) {
        match repeat {
            Some(Repeat { from, to }) => {
                let (from, to) = (from.to_clock(), to.to_clock());
                self.show_message(&format!("repeat {from}–{to}"), &format!("重复 {from}–{to}"));
            }
            None => self.show_message("no part is repeated", "不再重复片段"),
        }
        *self.repeat.lock() = repeat.map_or(Marks::None, Marks::Repeats);
        self.player.set_repeat(repeat);
    }

    pub(crate) fn next_chapter(&self) {
        let position = self.player.position();
        let chapters = self.player.chapters();
        let later = chapters
            .iter()
            .enumerate()
            .filter(|(_, it)| it.start > position);
        match later.min_by_key(|(_, it)| it.start) {
            Some((index, chapter)) => self.go_to_chapter(index, chapter),
            None if chapters.is_empty() => self.show_message("no chapters", "没有章节"),
            None => self.show_message("no chapter follows", "已是最后一章"),
        }
    }

    /// To the start of the chapter that plays, or, at its start, of the one before.
    pub(crate) fn previous_chapter(&self) {
        let position = self.player.position() - AT_ITS_START;
        let chapters = self.player.chapters();
        let earlier = chapters
            .iter()
            .enumerate()
            .filter(|(_, it)| it.start < position);
        match earlier
            .max_by_key(|(_, it)| it.start)
            .or_else(|| chapters.iter().enumerate().next())
        {
            Some((index, chapter)) => self.go_to_chapter(index, chapter),
            None => self.show_message("no chapters", "没有章节"),
        }
    }

    /// `false`: there is none of that place.
    pub(crate) fn chapter(&self, index: usize) -> bool {
        let chapters = self.player.chapters();
        let chapter = chapters.get(index);
        if let Some(chapter) = chapter {
            self.go_to_chapter(index, chapter);
        }
        chapter.is_some()
    }

    fn go_to_chapter(&self, index: usize, chapter: &Chapter) {
        let (number, at) = (index + 1, chapter.start.to_clock());
        let title = chapter.title.as_deref().map(caption).unwrap_or_default();
        let named = format!("{number} {title}");
        self.show_message(
            &format!("chapter {} {at}", named.trim_end()),
            &format!("第 {} 章 {at}", named.trim_end()),
        );
        self.player.seek(chapter.start, SeekAccuracy::Exact);
    }

    pub(crate) fn unknown_key(&self) {
        self.show_message("? for help", "按 ? 查看按键");
    }
}
