//! Where the controls lie, in pixels of the window.

use super::{Controls, Menu};
use crate::status::Activity;

/// A part that can be pointed at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// What lies below all others.
    Bar,
    PlayPause,
    Seek,
    Mute,
    Volume,
    /// Position and duration.
    Times,
    /// It is a broadcast; pressed, it goes to where that is.
    Live,
    Repeat,
    Button(Menu),
    FullScreen,
    Entry(Menu, usize),
    /// The error card, and its buttons.
    Card,
    CopyReport,
    CloseCard,
}

/// A part and its place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Item {
    pub(crate) part: Part,
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Item {
    pub(crate) fn holds(&self, x: f32, y: f32) -> bool {
        let inside = |at: f32, first: f32, length: f32| at >= first && at < first + length;
        inside(x, self.left, self.width) && inside(y, self.top, self.height)
    }

    pub(crate) const fn middle(&self) -> (f32, f32) {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

/// Lengths at a scale of one.
const BAR: f32 = 84.0;
const MARGIN: f32 = 16.0;
const SEEK_HEIGHT: f32 = 24.0;
const BUTTON: f32 = 40.0;
const TIMES: f32 = 130.0;
const VOLUME: f32 = 80.0;
const ROW: f32 = 32.0;
const MENU_WIDTH: f32 = 240.0;
/// The error card: its width, what is around its text, how far below the window's middle it ends, and its buttons.
const CARD: f32 = 592.0;
pub(crate) const CARD_AROUND: f32 = 16.0;
const CARD_BELOW: f32 = 120.0;
const CARD_BUTTON: (f32, f32) = (140.0, 36.0);

/// A window so small has no room for all controls.
const NARROW: f32 = 560.0;
const TINY: f32 = 320.0;

impl Controls {
    /// The size of a window in lengths, whatever its pixels are.
    fn lengths(&self) -> (f32, f32) {
        #[allow(clippy::cast_precision_loss, reason = "sides of windows")]
        let [width, height] = [self.size.0 as f32, self.size.1 as f32];
        (width / self.scale, height / self.scale)
    }

    /// The controls with their places, later ones above.
    pub(crate) fn items(&self) -> Vec<Item> {
        let (width, height) = self.lengths();
        let top = height - BAR;
        let place = |part, (left, top): (f32, f32), (width, height): (f32, f32)| Item {
            part,
            left: left * self.scale,
            top: top * self.scale,
            width: width * self.scale,
            height: height * self.scale,
        };
        if self.status.error.is_some() {
            let card = card((width, height)).into_iter();
            return card.map(|(part, at, size)| place(part, at, size)).collect();
        }
        let mut items = vec![place(Part::Bar, (0.0, top), (width, BAR))];
        if self.status.duration.is_some() {
            let size = (width - 2.0 * MARGIN, SEEK_HEIGHT);
            items.push(place(Part::Seek, (MARGIN, top + 8.0), size));
        }
        let row = top + 36.0;
        let mut left = MARGIN - 8.0;
        let mut add = |part, wide: f32| {
            items.push(place(part, (left, row), (wide, BUTTON)));
            left += wide;
        };
        add(Part::PlayPause, BUTTON);
        add(Part::Mute, BUTTON);
        if width >= NARROW {
            add(Part::Volume, VOLUME);
        }
        if width >= TINY {
            add(Part::Times, TIMES);
        }
        if self.status.live_delay.is_some() {
            add(Part::Live, BUTTON * 1.8);
        }
        let mut right = width - MARGIN + 8.0;
        for part in self.right_side(width) {
            right -= BUTTON;
            if right < left {
                break;
            }
            items.push(place(part, (right, row), (BUTTON, BUTTON)));
        }
        if let Some(menu) = self.menu {
            items.extend(
                self.rows(menu, (width, top)).map(|(row, at)| {
                    place(Part::Entry(menu, row), at, (MENU_WIDTH.min(width), ROW))
                }),
            );
        }
        items
    }

    /// The buttons on the right, from there on; only those that do something.
    fn right_side(&self, width: f32) -> impl Iterator<Item = Part> {
        let status = &self.status;
        let all = [
            (Part::FullScreen, true),
            (Part::Button(Menu::Quality), status.videos.len() > 1),
            (Part::Button(Menu::Audio), status.audios.len() > 1),
            (Part::Button(Menu::Subtitles), !status.subtitles.is_empty()),
            (Part::Button(Menu::Chapters), !status.chapters.is_empty()),
            (Part::Button(Menu::Speed), width >= TINY),
            (Part::Repeat, width >= NARROW && status.duration.is_some()),
        ];
        all.into_iter()
            .filter(|(_, wanted)| *wanted)
            .map(|(part, _)| part)
    }

    /// The rows of a menu that have room above the bar, from its left upper corner: around the chosen one where there are too many.
    fn rows(
        &self,
        menu: Menu,
        (width, top): (f32, f32),
    ) -> impl Iterator<Item = (usize, (f32, f32))> {
        let entries = self.entries(menu);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let room = ((top - MARGIN) / ROW).max(1.0) as usize;
        let chosen = entries.iter().position(|entry| entry.selected).unwrap_or(0);
        let count = entries.len().min(room);
        let first = chosen
            .saturating_sub(count / 2)
            .min(entries.len().saturating_sub(count));
        let left = (width - MARGIN - MENU_WIDTH).max(0.0);
        (0..count).map(move |at| {
            #[allow(clippy::cast_precision_loss, reason = "rows of a menu")]
            let above = (count - at) as f32 * ROW;
            (first + at, (left, top - 8.0 - above))
        })
    }

    /// The part that is pointed at.
    pub(crate) fn pointed(&self) -> Option<Part> {
        self.pointer.and_then(|at| self.part_at(at))
    }

    /// It is held, or will be.
    pub(crate) fn is_paused(&self) -> bool {
        self.status.activity == Activity::Paused
    }
}

/// A part, its left upper corner and its size, in lengths.
type Laid = (Part, (f32, f32), (f32, f32));

/// The error card's width and lower end, wherever its text begins, and its buttons, the last one at the right.
fn card((width, height): (f32, f32)) -> [Laid; 3] {
    let wide = CARD.min(width - 8.0).max(1.0);
    let left = (width - wide) / 2.0;
    let bottom = (height / 2.0 + CARD_BELOW).min(height - 4.0);
    let inner = wide - 2.0 * CARD_AROUND;
    let button = (
        CARD_BUTTON.0.min((inner - 8.0) / 2.0).max(1.0),
        CARD_BUTTON.1.min(bottom),
    );
    let top = bottom - CARD_AROUND.min(height / 16.0) - button.1;
    let first = left + CARD_AROUND;
    [
        (Part::Card, (left, 0.0), (wide, bottom)),
        (Part::CopyReport, (first, top), button),
        (Part::CloseCard, (first + inner - button.0, top), button),
    ]
}
