//! The controls as a model: what a person does and what a player says go in, wishes come out. It draws nothing and reads no clock.

use kinora_errors::Lang;
use kinora_media::Time;

use crate::status::{Action, Activity, Choice, Key, Status, Thumbnail};

mod finger;
mod layout;
mod preview;

pub(crate) use finger::Finger;
use finger::{Held, Tap};
pub(crate) use layout::{CARD_AROUND, Item, Part};

/// Controls are seen for so long after the pointer moved.
const SEEN: Time = Time::from_millis(2_500);
/// So long a line that answers a person is seen.
const ANSWER: Time = Time::from_millis(2_000);
/// Two presses within it are one double press.
const DOUBLE: Time = Time::from_millis(400);
/// Loading that is shorter is not worth a circle.
const SHORT_WAIT: Time = Time::from_millis(300);
/// The circle turns on so often.
const TURNS: Time = Time::from_millis(80);
/// A notch of the wheel, as a factor of loudness.
const NOTCH: f32 = 0.05;
const SPEEDS: [f64; 7] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// What a person does, and what else changes what is seen.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Input {
    /// Of the window, in pixels, and how many of those a length of one is.
    Resized((u32, u32), f32),
    Pointer(f32, f32),
    PointerLeft,
    Press,
    Release,
    Finger(Finger),
    /// Notches, upwards.
    Wheel(f32),
    Key(Key),
    Status(Box<Status>),
    Thumbnail(Thumbnail),
    Answer(String),
    Page(Page),
    /// What is drawn with has changed.
    Redraw,
}

/// What follows from it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Effect {
    Want(Action),
    FullScreen,
    /// The text is to be what others paste.
    Copy(String),
    /// What others copied is to be played.
    Paste,
}

/// A page over the picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Page {
    Statistics,
    Keys(Vec<String>),
}

/// A list of choices above its button.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Menu {
    Speed,
    Quality,
    Audio,
    Subtitles,
    Chapters,
}

/// A row of a menu.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) selected: bool,
    action: Action,
}

/// What is held between press and release.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Drag {
    /// The place that will be gone to.
    Seek(Time),
    Volume,
}

pub(crate) struct Controls {
    pub(crate) lang: Lang,
    pub(crate) status: Status,
    pub(crate) size: (u32, u32),
    pub(crate) scale: f32,
    pub(crate) pointer: Option<(f32, f32)>,
    pub(crate) menu: Option<Menu>,
    pub(crate) page: Option<Page>,
    drag: Option<Drag>,
    /// The pointer moved then, last.
    moved: Option<Time>,
    answer: Option<(String, Time)>,
    /// Since when it loads.
    loads: Option<Time>,
    pressed: Option<Time>,
    /// A finger that is on the screen, and where one was before.
    held: Option<Held>,
    tapped: Option<Tap>,
    /// The newest thumbnail, of its size on the screen, and the time of which one was asked for last.
    thumbnail: Option<Thumbnail>,
    asked: Option<Time>,
    /// What is seen is not what was drawn.
    dirty: bool,
    /// What changes by itself, as it was drawn last.
    drawn: Option<(bool, bool, Option<i64>)>,
}

impl Controls {
    pub(crate) fn new(lang: Lang) -> Self {
        Self {
            lang,
            status: Status {
                activity: Activity::Loading(None),
                volume: 1.0,
                speed: 1.0,
                ..Status::default()
            },
            size: (1, 1),
            scale: 1.0,
            pointer: None,
            menu: None,
            page: None,
            drag: None,
            moved: None,
            answer: None,
            loads: Some(Time::ZERO),
            pressed: None,
            held: None,
            tapped: None,
            thumbnail: None,
            asked: None,
            dirty: true,
            drawn: None,
        }
    }

    pub(crate) fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        let was_dirty = std::mem::replace(&mut self.dirty, true);
        match input {
            Input::Resized(size, scale) => {
                self.size = size;
                self.scale = scale;
            }
            Input::Pointer(x, y) => return self.moved_to(now, (x, y)),
            Input::PointerLeft => {
                self.pointer = None;
                // A menu that is open waits for the pointer to come back.
                if self.menu.is_none() && self.drag.is_none() {
                    self.moved = None;
                }
            }
            Input::Press => return self.press(now),
            Input::Release => return self.release(),
            Input::Finger(finger) => return self.touched(now, finger),
            Input::Wheel(notches) => {
                self.moved = Some(now);
                return vec![self.volume(self.status.volume + notches * NOTCH)];
            }
            Input::Key(Key::Escape) if self.closes() => {}
            Input::Key(Key::Char('c') | Key::Ctrl('c')) if self.status.error.is_some() => {
                return self.copy_report();
            }
            Input::Key(Key::Ctrl('v')) => return vec![Effect::Paste],
            Input::Key(key) => return vec![Effect::Want(Action::Key(key))],
            Input::Status(status) => {
                self.loads = match status.activity {
                    Activity::Loading(_) => self.loads.or(Some(now)),
                    Activity::Playing | Activity::Paused => None,
                };
                let is_seen = self.shows_status(now) || status.error.is_some();
                self.dirty = was_dirty || is_seen && *status != self.status;
                if status.title != self.status.title {
                    self.forget_thumbnail();
                }
                self.status = *status;
            }
            Input::Thumbnail(thumbnail) => self.take_thumbnail(thumbnail),
            Input::Answer(text) => self.answer = Some((text, now + ANSWER)),
            Input::Page(page) => {
                let same = matches!(
                    (&self.page, &page),
                    (Some(Page::Statistics), Page::Statistics)
                        | (Some(Page::Keys(_)), Page::Keys(_))
                );
                self.page = (!same).then_some(page);
            }
            Input::Redraw => {}
        }
        Vec::new()
    }

    /// What a player says is to be seen.
    fn shows_status(&self, now: Time) -> bool {
        self.are_seen(now)
            || self.page.is_some()
            || self.status.error.is_some()
            || self.circle(now).is_some()
    }

    /// Takes away what lies over the picture; `false`: nothing does.
    fn closes(&mut self) -> bool {
        self.menu.take().is_some() || self.page.take().is_some()
    }

    fn moved_to(&mut self, now: Time, at: (f32, f32)) -> Vec<Effect> {
        self.pointer = Some(at);
        self.moved = Some(now);
        match self.drag {
            Some(Drag::Seek(_)) => self.drag = self.seek_place(at.0).map(Drag::Seek),
            Some(Drag::Volume) => return self.volume_at(at.0).into_iter().collect(),
            None => {}
        }
        self.ask_thumbnail().into_iter().collect()
    }

    fn press(&mut self, now: Time) -> Vec<Effect> {
        let Some(at) = self.pointer else {
            return Vec::new();
        };
        let visible = self.are_seen(now);
        self.moved = Some(now);
        if let Some(effects) = self.press_part(at, visible) {
            self.pressed = None;
            return effects;
        }
        let last = self.pressed.replace(now);
        if last.is_none_or(|last| now - last >= DOUBLE) {
            return Vec::new();
        }
        self.pressed = None;
        vec![Effect::FullScreen]
    }

    /// `None`: the bare picture is there, and no menu is open, which a press beside it closes.
    fn press_part(&mut self, at: (f32, f32), visible: bool) -> Option<Vec<Effect>> {
        let visible = visible || self.status.error.is_some();
        let part = self.part_at(at).filter(|_| visible);
        let menu = self.menu.take();
        match part {
            Some(part) => Some(self.use_part(part, at.0, menu)),
            None => menu.map(|_| Vec::new()),
        }
    }

    /// The report of the error that is shown.
    fn copy_report(&self) -> Vec<Effect> {
        let error = self.status.error.as_ref();
        let copy = error.map(|error| Effect::Copy(error.report.clone()));
        copy.into_iter().collect()
    }

    fn use_part(&mut self, part: Part, x: f32, open: Option<Menu>) -> Vec<Effect> {
        let want = |action| vec![Effect::Want(action)];
        match part {
            Part::PlayPause => want(Action::PauseOrPlay),
            Part::Seek => {
                self.drag = self.seek_place(x).map(Drag::Seek);
                Vec::new()
            }
            Part::Mute => want(Action::Mute),
            Part::Volume => {
                self.drag = Some(Drag::Volume);
                self.volume_at(x).into_iter().collect()
            }
            Part::Live => want(Action::SeekToLive),
            Part::Repeat => want(Action::MarkRepeat),
            Part::FullScreen => vec![Effect::FullScreen],
            Part::CopyReport => self.copy_report(),
            Part::CloseCard => want(Action::Quit),
            Part::Button(menu) => {
                self.menu = (open != Some(menu)).then_some(menu);
                Vec::new()
            }
            Part::Entry(menu, row) => {
                let entry = self.entries(menu).into_iter().nth(row);
                entry.map_or(Vec::new(), |entry| want(entry.action))
            }
            Part::Times | Part::Bar | Part::Card => Vec::new(),
        }
    }

    fn release(&mut self) -> Vec<Effect> {
        match self.drag.take() {
            Some(Drag::Seek(to)) => {
                // Until the player says where it is, it is there.
                self.status.position = to;
                vec![Effect::Want(Action::Seek(to))]
            }
            Some(Drag::Volume) | None => Vec::new(),
        }
    }

    fn volume(&mut self, volume: f32) -> Effect {
        // In hundredths, lest steps add up to odd ones.
        let volume = (volume.clamp(0.0, 2.0) * 100.0).round() / 100.0;
        self.status.volume = volume;
        Effect::Want(Action::Volume(volume))
    }

    /// Where on a part of the window a place is, of 0 to 1.
    fn share(&self, part: Part, x: f32) -> Option<f64> {
        let item = self.items().into_iter().find(|item| item.part == part)?;
        let share = (x - item.left) / item.width.max(1.0);
        Some(f64::from(share.clamp(0.0, 1.0)))
    }

    fn seek_place(&self, x: f32) -> Option<Time> {
        let (share, duration) = (self.share(Part::Seek, x)?, self.status.duration?);
        Some(duration.scale(share))
    }

    /// Loudness goes up to twice the natural one, which is in the middle.
    fn volume_at(&mut self, x: f32) -> Option<Effect> {
        let share = self.share(Part::Volume, x)?;
        #[allow(clippy::cast_possible_truncation, reason = "a share of two")]
        let volume = share as f32 * 2.0;
        Some(self.volume(volume))
    }

    /// The topmost part there.
    pub(crate) fn part_at(&self, (x, y): (f32, f32)) -> Option<Part> {
        let mut items = self.items().into_iter().rev();
        items.find(|item| item.holds(x, y)).map(|item| item.part)
    }

    /// Where the pointer would go to on the seek bar.
    pub(crate) fn pointed_time(&self) -> Option<(f32, Time)> {
        let at = self.pointer?;
        let dragged = matches!(self.drag, Some(Drag::Seek(_)));
        if !dragged && self.part_at(at) != Some(Part::Seek) {
            return None;
        }
        Some((at.0, self.seek_place(at.0)?))
    }

    /// Where it plays, or will once the seek bar is let go.
    pub(crate) const fn shown_position(&self) -> Time {
        match self.drag {
            Some(Drag::Seek(to)) => to,
            _ => self.status.position,
        }
    }

    /// The rows of a menu.
    pub(crate) fn entries(&self, menu: Menu) -> Vec<Entry> {
        let status = &self.status;
        let tracks = |choices: &[Choice]| {
            let entry = |choice: &Choice| Entry {
                label: choice.label.clone(),
                selected: choice.selected,
                action: Action::Track(choice.index),
            };
            choices.iter().map(entry).collect::<Vec<_>>()
        };
        match menu {
            Menu::Speed => SPEEDS
                .iter()
                .map(|speed| Entry {
                    label: format!("{speed}×"),
                    selected: (status.speed - speed).abs() < 0.001,
                    action: Action::Speed(*speed),
                })
                .collect(),
            Menu::Quality => tracks(&status.videos),
            Menu::Audio => tracks(&status.audios),
            Menu::Subtitles => status
                .subtitles
                .iter()
                .map(|choice| Entry {
                    label: choice.label.clone(),
                    selected: choice.selected,
                    action: Action::Subtitle(choice.index, !choice.selected),
                })
                .collect(),
            Menu::Chapters => self.chapters(),
        }
    }

    fn chapters(&self) -> Vec<Entry> {
        let chapters = &self.status.chapters;
        let here = |at: usize| {
            let starts = |at: usize| {
                chapters
                    .get(at)
                    .is_some_and(|it| it.0 <= self.status.position)
            };
            starts(at) && !starts(at + 1)
        };
        let entry = |(at, (start, title)): (usize, &(Time, String))| Entry {
            label: match title.is_empty() {
                true => start.to_clock(),
                false => format!("{}  {title}", start.to_clock()),
            },
            selected: here(at),
            action: Action::Seek(*start),
        };
        chapters.iter().enumerate().map(entry).collect()
    }

    /// The controls are over the picture.
    pub(crate) fn are_seen(&self, now: Time) -> bool {
        let moved = self.moved.is_some_and(|moved| now - moved < SEEN);
        moved || self.menu.is_some() || self.drag.is_some()
    }

    /// So many rows of pixels at the lower edge they cover.
    pub(crate) fn covered(&self, now: Time) -> u32 {
        let bar = self.items().into_iter().find(|it| it.part == Part::Bar);
        let seen = bar.filter(|_| self.are_seen(now));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a side of a window"
        )]
        seen.map_or(0, |bar| bar.height.ceil() as u32)
    }

    /// The pointer is where nobody looks.
    pub(crate) fn hides_pointer(&self, now: Time) -> bool {
        !self.are_seen(now) && self.status.error.is_none()
    }

    /// The circle of loading is to be seen, and how far it has turned, in steps.
    pub(crate) fn circle(&self, now: Time) -> Option<i64> {
        let since = now - self.loads?;
        let waits = since >= SHORT_WAIT && self.status.error.is_none();
        waits.then(|| since.as_nanos() / TURNS.as_nanos().max(1))
    }

    pub(crate) fn answer(&self, now: Time) -> Option<&str> {
        let answer = self.answer.as_ref().filter(|(_, until)| now < *until);
        answer.map(|(text, _)| text.as_str())
    }

    /// What is seen is not what was drawn: it will be now.
    pub(crate) fn changed(&mut self, now: Time) -> bool {
        let by_itself = (
            self.are_seen(now),
            self.answer(now).is_some(),
            self.circle(now),
        );
        let changed = self.drawn.replace(by_itself) != Some(by_itself);
        std::mem::take(&mut self.dirty) || changed
    }

    /// Text is to be drawn.
    pub(crate) fn needs_letters(&self, now: Time) -> bool {
        self.are_seen(now)
            || self.answer(now).is_some()
            || self.page.is_some()
            || self.status.error.is_some()
            || matches!(self.status.activity, Activity::Loading(Some(_)))
    }

    /// When something will change by itself.
    pub(crate) fn next_change(&self, now: Time) -> Option<Time> {
        let hides = self.moved.map(|moved| moved + SEEN);
        let answered = self.answer.as_ref().map(|(_, until)| *until);
        let turns = self
            .loads
            .filter(|_| self.status.error.is_none())
            .map(|since| {
                let steps = self.circle(now).map_or(0, |steps| steps + 1);
                since + Time::from_nanos(steps * TURNS.as_nanos()).max(SHORT_WAIT)
            });
        let later = [hides, answered, turns].into_iter().flatten();
        later.filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests;
