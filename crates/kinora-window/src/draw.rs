//! The controls drawn: a picture with opacity for each group of them.

use std::sync::Arc;

use kinora_errors::Lang;
use kinora_media::Time;
use kinora_overlay::{Letters, Overlay, SetText, Sketch, TextStyle};
use kinora_subtitle::Color;

use crate::controls::{Controls, Item, Menu, Page, Part};
use crate::status::{Activity, ErrorCard};

mod icons;
mod panels;

const TEXT: Color = Color::WHITE;
const FAINT: Color = Color::WHITE.with_alpha(0xa0);
const PLAYED: Color = Color::rgb(0x4a, 0xa3, 0xff);
/// A part that is repeated, and its ends.
const REPEATED: Color = Color::rgb(0xff, 0xc1, 0x4d);
const LIVE: Color = Color::rgb(0xe5, 0x3e, 0x3e);
const PANEL: Color = Color::rgb(0x14, 0x16, 0x1a).with_alpha(0xe0);
const POINTED: Color = Color::WHITE.with_alpha(0x28);
/// The size of letters, at a scale of one.
const LETTERS: f32 = 14.0;
/// How high the time stands over the seek bar, at a scale of one.
const TOOLTIP: f32 = 36.0;
/// Steps of a turn of the circle.
const DOTS: u8 = 12;

/// All that lies over the picture now.
pub(crate) fn overlays(
    controls: &Controls,
    letters: Option<&mut Letters>,
    now: Time,
) -> Vec<Arc<Overlay>> {
    let mut drawing = Drawing {
        controls,
        letters,
        drawn: Vec::new(),
    };
    if let Some(card) = &controls.status.error {
        drawing.error_card(card);
    } else if let Some(turned) = controls.circle(now) {
        drawing.circle(turned);
    }
    match &controls.page {
        Some(Page::Statistics) => drawing.statistics(),
        Some(Page::Keys(lines)) => drawing.keys(lines),
        None => {}
    }
    let seen = controls.are_seen(now) && controls.status.error.is_none();
    if seen {
        drawing.bar();
        if let Some(menu) = controls.menu {
            drawing.menu(menu);
        }
    }
    match controls.answer(now) {
        Some(answer) => drawing.headline(answer),
        None if seen => drawing.headline(&controls.status.title),
        None => {}
    }
    drawing.drawn.into_iter().map(Arc::new).collect()
}

struct Drawing<'a> {
    controls: &'a Controls,
    /// None while they are being read.
    letters: Option<&'a mut Letters>,
    drawn: Vec<Overlay>,
}

/// A pixel's number.
fn whole(at: f32) -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates"
    )]
    {
        at.max(0.0) as u32
    }
}

impl Drawing<'_> {
    const fn scaled(&self, length: f32) -> f32 {
        length * self.controls.scale
    }

    /// A sketch of a part of the window, as far as it is in it.
    fn sketch(&self, (left, top): (f32, f32), (width, height): (f32, f32)) -> Option<Sketch> {
        let (left, top) = (left.max(0.0).floor(), top.max(0.0).floor());
        let window = self.controls.size;
        let right = whole((left + width).ceil()).min(window.0);
        let bottom = whole((top + height).ceil()).min(window.1);
        let (left, top) = (whole(left), whole(top));
        let size = (right.checked_sub(left)?, bottom.checked_sub(top)?);
        Sketch::new((left, top), size)
    }

    fn keep(&mut self, sketch: Sketch) {
        self.drawn.push(sketch.finish());
    }

    fn set(&mut self, text: &str, size: f32, color: Color, room: f32) -> Option<SetText> {
        let style = TextStyle {
            size: self.scaled(size),
            color,
            bold: false,
            room,
        };
        self.letters
            .as_mut()
            .map(|letters| letters.set(text, &style))
    }

    fn write(&mut self, sketch: &mut Sketch, text: &SetText, at: (f32, f32)) {
        if let Some(letters) = &mut self.letters {
            sketch.text(letters, text, at);
        }
    }

    /// Text in the middle of a part.
    fn label(&mut self, sketch: &mut Sketch, item: &Item, text: &str, color: Color) {
        if let Some(text) = self.set(text, LETTERS, color, f32::INFINITY) {
            let (x, y) = item.middle();
            let at = (x - text.width() / 2.0, y - text.height() / 2.0);
            self.write(sketch, &text, at);
        }
    }

    /// Text at the left of a part, in the middle of its height.
    fn left_label(&mut self, sketch: &mut Sketch, item: &Item, text: &str, color: Color) {
        if let Some(text) = self.set(text, LETTERS, color, f32::INFINITY) {
            let y = item.middle().1 - text.height() / 2.0;
            self.write(sketch, &text, (item.left + self.scaled(8.0), y));
        }
    }

    fn icon(&self, sketch: &mut Sketch, item: &Item, path: &str, color: Color) {
        let (x, y) = item.middle();
        let half = self.scaled(icons::SIDE / 2.0);
        sketch.path(path, (x - half, y - half), self.controls.scale, color);
    }

    fn bar(&mut self) {
        let items = self.controls.items();
        let Some(bar) = items.iter().find(|item| item.part == Part::Bar) else {
            return;
        };
        let top = bar.top - self.scaled(TOOLTIP);
        let size = (bar.width, bar.height + self.scaled(TOOLTIP));
        let Some(mut sketch) = self.sketch((0.0, top), size) else {
            return;
        };
        shade(&mut sketch, bar);
        let pointed = self.controls.pointed();
        for item in &items {
            if pointed == Some(item.part)
                && !matches!(item.part, Part::Bar | Part::Times | Part::Seek)
            {
                let inset = self.scaled(2.0);
                let at = (item.left + inset, item.top + inset);
                let size = (item.width - 2.0 * inset, item.height - 2.0 * inset);
                if !matches!(item.part, Part::Entry(..)) {
                    sketch.rect(at, size, self.scaled(6.0), POINTED);
                }
            }
            self.part(&mut sketch, item);
        }
        self.tooltip(&mut sketch, bar.top);
        self.keep(sketch);
        self.thumbnail(bar.top - self.scaled(TOOLTIP));
    }

    /// The picture of the time that is pointed at, over that time.
    fn thumbnail(&mut self, bottom: f32) {
        let pointed = self.controls.pointed_time();
        let (Some((x, _)), Some(thumbnail)) = (pointed, self.controls.shown_thumbnail()) else {
            return;
        };
        let image = &thumbnail.image;
        #[allow(clippy::cast_precision_loss, reason = "sides of a window")]
        let [width, height, window] =
            [image.width, image.height, self.controls.size.0].map(|side| side as f32);
        let edge = self.scaled(2.0);
        let left = (x - width / 2.0).clamp(edge, (window - width - edge).max(edge));
        let top = bottom - height - edge;
        // A window so low has no room for it.
        if top < edge || width + 2.0 * edge > window {
            return;
        }
        let (left, top) = (left.floor(), top.floor());
        let frame = (
            (left - edge, top - edge),
            (width + 2.0 * edge, height + 2.0 * edge),
        );
        if let Some(mut sketch) = self.sketch(frame.0, frame.1) {
            sketch.rect(frame.0, frame.1, edge, PANEL);
            self.keep(sketch);
        }
        let pixels = image.data.as_chunks::<3>().0.iter();
        self.drawn.push(Overlay {
            x: whole(left),
            y: whole(top),
            width: image.width,
            height: image.height,
            rgba: pixels.flat_map(|&[r, g, b]| [r, g, b, 255]).collect(),
        });
    }

    fn part(&mut self, sketch: &mut Sketch, item: &Item) {
        let status = &self.controls.status;
        match item.part {
            Part::Bar | Part::Entry(..) | Part::Card | Part::CopyReport | Part::CloseCard => {}
            Part::PlayPause => {
                let path = match self.controls.is_paused() {
                    true => icons::PLAY,
                    false => icons::PAUSE,
                };
                self.icon(sketch, item, path, TEXT);
            }
            Part::Seek => self.seek_bar(sketch, item),
            Part::Mute => {
                let silent = status.muted || status.volume == 0.0;
                self.icon(sketch, item, icons::SPEAKER, TEXT);
                let path = if silent { icons::SILENT } else { icons::WAVES };
                self.icon(sketch, item, path, TEXT);
            }
            Part::Volume => self.volume(sketch, item),
            Part::Times => {
                let position = self.controls.shown_position().to_clock();
                let text = match status.duration {
                    Some(duration) => format!("{position} / {}", duration.to_clock()),
                    None => position,
                };
                self.left_label(sketch, item, &text, TEXT);
            }
            Part::Live => self.live(sketch, item),
            Part::Repeat => {
                let color = if status.repeat.is_some() {
                    PLAYED
                } else {
                    TEXT
                };
                self.label(sketch, item, "A-B", color);
            }
            Part::Button(menu) => self.button(sketch, item, menu),
            Part::FullScreen => self.icon(sketch, item, icons::FULL_SCREEN, TEXT),
        }
    }

    fn button(&mut self, sketch: &mut Sketch, item: &Item, menu: Menu) {
        let status = &self.controls.status;
        let is_open = self.controls.menu == Some(menu);
        let color = if is_open { PLAYED } else { TEXT };
        match menu {
            Menu::Speed => {
                let speed = format!("{}×", status.speed);
                self.label(sketch, item, &speed, color);
            }
            Menu::Quality => self.icon(sketch, item, icons::GEAR, color),
            Menu::Audio => self.icon(sketch, item, icons::NOTE, color),
            Menu::Chapters => self.icon(sketch, item, icons::LIST, color),
            Menu::Subtitles => {
                let any = status.subtitles.iter().any(|choice| choice.selected);
                let color = if any { PLAYED } else { color };
                self.icon(sketch, item, icons::CAPTIONS, color);
            }
        }
    }

    fn live(&mut self, sketch: &mut Sketch, item: &Item) {
        // Who is hardly behind is with it.
        let behind = self.controls.status.live_delay.unwrap_or_default();
        let is_live = behind < Time::from_millis(10_000);
        let dot = self.scaled(8.0);
        let at = (item.left + self.scaled(4.0), item.middle().1 - dot / 2.0);
        sketch.rect(
            at,
            (dot, dot),
            dot / 2.0,
            if is_live { LIVE } else { FAINT },
        );
        let text = match (self.controls.lang, is_live) {
            (Lang::En, true) => "LIVE".to_owned(),
            (Lang::Zh, true) => "直播".to_owned(),
            (_, false) => format!("-{}", behind.to_clock()),
        };
        let beside = Item {
            left: item.left + self.scaled(8.0),
            ..*item
        };
        self.left_label(sketch, &beside, &text, TEXT);
    }

    /// A line of a part from one share of its width to another.
    fn line(&self, sketch: &mut Sketch, item: &Item, (from, to): (f64, f64), color: Color) {
        let high = self.scaled(4.0);
        #[allow(clippy::cast_possible_truncation, reason = "shares of one")]
        let [from, to] =
            [from, to].map(|share| item.left + item.width * share.clamp(0.0, 1.0) as f32);
        let at = (from, item.middle().1 - high / 2.0);
        sketch.rect(at, (to - from, high), high / 2.0, color);
    }

    fn knob(&self, sketch: &mut Sketch, item: &Item, share: f64, side: f32) {
        let side = self.scaled(side);
        #[allow(clippy::cast_possible_truncation, reason = "a share of one")]
        let x = item.left + item.width * share.clamp(0.0, 1.0) as f32;
        let at = (x - side / 2.0, item.middle().1 - side / 2.0);
        sketch.rect(at, (side, side), side / 2.0, TEXT);
    }

    fn seek_bar(&self, sketch: &mut Sketch, item: &Item) {
        let status = &self.controls.status;
        let duration = status.duration.unwrap_or_default().as_secs_f64().max(1e-3);
        let share = |time: Time| time.as_secs_f64() / duration;
        self.line(sketch, item, (0.0, 1.0), Color::WHITE.with_alpha(0x40));
        for (from, to) in &status.buffered {
            self.line(sketch, item, (share(*from), share(*to)), FAINT);
        }
        let position = share(self.controls.shown_position());
        self.line(sketch, item, (0.0, position), PLAYED);
        if let Some((from, to)) = status.repeat {
            let to = to.map_or(position, share);
            self.line(sketch, item, (share(from), to), REPEATED);
        }
        for (start, _) in status
            .chapters
            .iter()
            .filter(|(start, _)| *start > Time::ZERO)
        {
            #[allow(clippy::cast_possible_truncation, reason = "a share of one")]
            let x = item.left + item.width * share(*start).clamp(0.0, 1.0) as f32;
            let (wide, high) = (self.scaled(2.0), self.scaled(8.0));
            sketch.rect((x, item.middle().1 - high / 2.0), (wide, high), 0.0, PANEL);
        }
        if let Some((from, to)) = status.repeat {
            self.mark(sketch, item, share(from));
            if let Some(to) = to {
                self.mark(sketch, item, share(to));
            }
        }
        let side = if self.controls.pointed_time().is_some() {
            16.0
        } else {
            12.0
        };
        self.knob(sketch, item, position, side);
    }

    /// An end of the part that is repeated.
    fn mark(&self, sketch: &mut Sketch, item: &Item, share: f64) {
        let (wide, high) = (self.scaled(3.0), self.scaled(16.0));
        #[allow(clippy::cast_possible_truncation, reason = "a share of one")]
        let x = item.left + item.width * share.clamp(0.0, 1.0) as f32 - wide / 2.0;
        let at = (x, item.middle().1 - high / 2.0);
        sketch.rect(at, (wide, high), wide / 2.0, REPEATED);
    }

    fn volume(&self, sketch: &mut Sketch, item: &Item) {
        let status = &self.controls.status;
        let share = f64::from(status.volume / 2.0);
        let inner = Item {
            left: item.left + self.scaled(6.0),
            width: item.width - self.scaled(12.0),
            ..*item
        };
        self.line(sketch, &inner, (0.0, 1.0), Color::WHITE.with_alpha(0x40));
        let color = if status.muted { FAINT } else { TEXT };
        self.line(sketch, &inner, (0.0, share), color);
        self.knob(sketch, &inner, share, 10.0);
    }

    /// The time that is pointed at, over the seek bar, with its chapter.
    fn tooltip(&mut self, sketch: &mut Sketch, bar: f32) {
        let Some((x, time)) = self.controls.pointed_time() else {
            return;
        };
        let chapters = self.controls.status.chapters.iter().rev();
        let chapter = chapters.clone().find(|(start, _)| *start <= time);
        let text = match chapter.map(|(_, title)| title.as_str()) {
            None | Some("") => time.to_clock(),
            Some(title) => format!("{}  {title}", time.to_clock()),
        };
        let Some(text) = self.set(&text, LETTERS, TEXT, f32::INFINITY) else {
            return;
        };
        let (around, high) = (self.scaled(8.0), self.scaled(26.0));
        let wide = text.width() + 2.0 * around;
        #[allow(clippy::cast_precision_loss, reason = "a side of a window")]
        let most = (self.controls.size.0 as f32 - wide).max(0.0);
        let left = (x - wide / 2.0).clamp(0.0, most);
        let top = bar - high - self.scaled(4.0);
        sketch.rect((left, top), (wide, high), self.scaled(6.0), PANEL);
        self.write(
            sketch,
            &text,
            (left + around, top + (high - text.height()) / 2.0),
        );
    }
}

/// Darker towards the window's lower edge, so that controls are read on any picture.
fn shade(sketch: &mut Sketch, bar: &Item) {
    let mut row = 0.0;
    while row < bar.height {
        let share = row / bar.height;
        let alpha = u8::try_from(whole(40.0 + 160.0 * share)).unwrap_or(200);
        let color = Color::BLACK.with_alpha(alpha);
        sketch.rect((bar.left, bar.top + row), (bar.width, 1.0), 0.0, color);
        row += 1.0;
    }
}
