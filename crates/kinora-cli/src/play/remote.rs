//! What a person or a program asks of the player, by keys or by commands, and what they are answered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kinora::{Player, SPEEDS, SeekAccuracy, State, Time, TrackChoice, TrackKind, VOLUMES};

use super::navigation::{Navigation, PendingNavigation};
use super::screen::Screen;
use super::status_line::clock;
use crate::report::Style;

/// Every command to a player, by key or by line.
#[derive(Clone)]
pub(crate) struct Remote {
    player: Arc<Player>,
    screen: Screen,
    navigation: PendingNavigation,
    style: Style,
    asked: Arc<Mutex<Asked>>,
}

/// Whether it is to play, and when that was asked for.
type Asked = Option<(bool, Instant)>;

/// Within so long what was asked for last counts, since the player may not show it yet.
const UNDER_WAY: Duration = Duration::from_secs(1);

impl Remote {
    pub(crate) fn new(
        player: &Arc<Player>,
        screen: &Screen,
        navigation: &PendingNavigation,
        style: &Style,
    ) -> Self {
        Self {
            player: Arc::clone(player),
            screen: screen.clone(),
            navigation: navigation.clone(),
            style: *style,
            asked: Arc::default(),
        }
    }

    pub(crate) fn player(&self) -> &Player {
        &self.player
    }
    pub(crate) fn style(&self) -> &Style {
        &self.style
    }
    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
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
        self.navigation.request(to);
        self.player.stop();
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
        let at = clock(target);
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
    pub(crate) fn set_speed(&self, speed: f64) {
        if SPEEDS.contains(&speed) {
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
        let tracks = self.player.tracks().unwrap_or_default();
        let videos: Vec<_> = tracks
            .iter()
            .filter(|track| track.kind == TrackKind::Video)
            .collect();
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

    pub(crate) fn unknown_key(&self) {
        self.show_message("? for help", "按 ? 查看按键");
    }
}
