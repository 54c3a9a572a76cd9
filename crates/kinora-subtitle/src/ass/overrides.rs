//! What stands in braces within an event's text.

use std::sync::Arc;

use kinora_media::Time;

use super::style::{self, CANVAS, StyleRow, Styles};
use crate::text::Mark;
use crate::{
    Align, Anchor, Color, Effects, Fade, FontSize, Karaoke, KaraokeKind, Layout, LinePosition,
    Motion, Path, Style, Transition,
};

/// Transitions of one stretch of text; more are left out.
const MAX_TRANSITIONS: usize = 64;

/// The names of the tags; of two that begin alike, the longer one comes first.
const TAGS: &[&str] = &[
    "alpha", "iclip", "xbord", "ybord", "xshad", "yshad", "clip", "move", "fade", "fscx", "fscy",
    "bord", "shad", "blur", "pos", "org", "fad", "fsp", "fsc", "frx", "fry", "frz", "fax", "fay",
    "pbo", "fr", "fn", "fs", "fe", "be", "an", "1c", "2c", "3c", "4c", "1a", "2a", "3a", "4a",
    "kf", "ko", "kt", "a", "b", "c", "i", "k", "K", "p", "q", "r", "s", "t", "u",
];

/// The state of an event while its text is read: where it stands, and what its style is without overrides.
pub(crate) struct Overrides<'a> {
    styles: Option<&'a Styles>,
    row: StyleRow,
    canvas: (f64, f64),
    /// The first `\an` counts.
    alignment: Option<u8>,
    /// The last `\pos` or end of a `\move` counts.
    position: Option<(f64, f64)>,
    margins: Option<[f64; 3]>,
    is_drawing: bool,
    /// How long the event is shown.
    duration: Time,
    motion: Motion,
    clip: Option<[f64; 4]>,
    /// When the next syllable is sung, from the event's start.
    next_syllable: Time,
}

impl<'a> Overrides<'a> {
    /// Of an event of that style and length; margins of its own count where it has them.
    pub(super) fn new(
        styles: &'a Styles,
        style: &str,
        canvas: (f64, f64),
        margins: [Option<f64>; 3],
        duration: Time,
    ) -> Self {
        let row = styles.get(style).cloned().unwrap_or_default();
        let [left, right, vertical] = row.margins;
        let [own_left, own_right, own_vertical] = margins;
        Self {
            styles: Some(styles),
            canvas,
            margins: Some([
                own_left.unwrap_or(left) / canvas.0,
                own_right.unwrap_or(right) / canvas.0,
                own_vertical.unwrap_or(vertical) / canvas.1,
            ]),
            row,
            duration,
            ..Self::plain()
        }
    }

    /// Of text that merely borrows the tags (SubRip).
    pub(crate) fn plain() -> Self {
        Self {
            styles: None,
            row: StyleRow::default(),
            canvas: CANVAS,
            alignment: None,
            position: None,
            margins: None,
            is_drawing: false,
            duration: Time::ZERO,
            motion: Motion::default(),
            clip: None,
            next_syllable: Time::ZERO,
        }
    }

    /// The style without overrides.
    pub(super) fn base(&self) -> Arc<Style> {
        Arc::clone(&self.row.style)
    }

    /// What follows is no text but the outline of a shape (`\p1`).
    pub(crate) const fn is_drawing(&self) -> bool {
        self.is_drawing
    }

    /// Where the event stands.
    pub(crate) fn layout(&self) -> Layout {
        let alignment = self.alignment.or(self.row.alignment).unwrap_or(2);
        let (position_anchor, align) = match alignment % 3 {
            1 => (Anchor::Start, Align::Left),
            2 => (Anchor::Middle, Align::Center),
            _ => (Anchor::End, Align::Right),
        };
        Layout {
            line: self.position.map_or(LinePosition::Auto, |(_, y)| {
                LinePosition::Fraction(y / self.canvas.1)
            }),
            line_anchor: match alignment {
                1..=3 => Anchor::End,
                4..=6 => Anchor::Middle,
                _ => Anchor::Start,
            },
            position: self.position.map(|(x, _)| x / self.canvas.0),
            position_anchor: Some(position_anchor),
            align,
            margins: self.margins,
            clip: self.clip.map(Box::new),
            ..Layout::default()
        }
    }

    /// How it fades and where it goes.
    pub(super) fn motion(&self) -> Option<Motion> {
        Some(self.motion).filter(|motion| *motion != Motion::default())
    }

    /// Takes all tags of a block; what is no tag in it is a comment.
    pub(crate) fn apply(&mut self, block: &str, mark: &mut Mark) {
        for (name, argument) in Tags(block) {
            self.tag(name, argument, mark);
        }
    }

    fn tag(&mut self, name: &str, argument: &str, mark: &mut Mark) {
        match name {
            "pos" => self.place(argument, 0),
            "move" => {
                self.place(argument, 2);
                self.motion.path = self.path(argument);
            }
            "fad" | "fade" => self.motion.fade = self.fade(argument).or(self.motion.fade),
            "clip" => self.clip = self.rectangle(argument).or(self.clip),
            "t" => self.transition(argument, mark),
            "k" | "K" | "kf" | "ko" | "kt" => self.syllable(name, argument, mark),
            "an" => {
                let alignment = argument.parse().ok();
                let alignment = alignment.filter(|number| (1..=9).contains(number));
                self.alignment = self.alignment.or(alignment);
            }
            "a" => {
                let alignment = argument.parse().ok().and_then(style::from_ssa);
                self.alignment = self.alignment.or(alignment);
            }
            "p" => self.is_drawing = argument.parse().is_ok_and(|scale: u32| scale > 0),
            "r" => {
                let named = self.styles.filter(|_| !argument.is_empty());
                let row = named.and_then(|styles| styles.get(argument));
                mark.style = row.map_or_else(|| self.base(), |row| Arc::clone(&row.style));
                affect(mark, |effects| effects.transitions.clear());
            }
            _ => mark.restyle(|style| self.style(name, argument, style)),
        }
    }

    /// Tags of the style; one without argument means what the event's style says.
    fn style(&self, name: &str, argument: &str, style: &mut Style) {
        let base = &self.row.style;
        let flag = |of_base: bool| match argument {
            "" => of_base,
            number => style::is_weight(number),
        };
        let share = |of_base: Option<f64>| match argument.parse::<f64>() {
            Ok(size) if size.is_finite() && size >= 0.0 => Some(size / self.canvas.1),
            _ => of_base,
        };
        match name {
            "b" => style.bold = flag(base.bold),
            "i" => style.italic = flag(base.italic),
            "u" => style.underline = flag(base.underline),
            "s" => style.strike = flag(base.strike),
            "c" | "1c" => style.color = tint(argument, style.color, base.color),
            "2c" => {
                style.secondary_color = tint(argument, style.secondary_color, base.secondary_color);
            }
            "3c" => {
                style.outline_color = tint(argument, style.outline_color, base.outline_color);
            }
            "4c" => style.shadow_color = tint(argument, style.shadow_color, base.shadow_color),
            "alpha" => {
                style.color = fade(argument, style.color);
                style.secondary_color = fade(argument, style.secondary_color);
                style.outline_color = fade(argument, style.outline_color);
                style.shadow_color = fade(argument, style.shadow_color);
            }
            "1a" => style.color = fade(argument, style.color),
            "2a" => style.secondary_color = fade(argument, style.secondary_color),
            "3a" => style.outline_color = fade(argument, style.outline_color),
            "4a" => style.shadow_color = fade(argument, style.shadow_color),
            "bord" => style.outline = share(base.outline),
            "shad" => style.shadow = share(base.shadow),
            "fs" => match share(None).filter(|size| *size > 0.0) {
                Some(size) => style.size = Some(FontSize::Share(size)),
                None => style.size = base.size,
            },
            "fn" => {
                let named = Some(argument).filter(|name| !name.is_empty() && *name != "0");
                style.font = named.map(style::font).or_else(|| base.font.clone());
            }
            _ => {}
        }
    }

    /// The two numbers of the list from that place on.
    fn place(&mut self, list: &str, skip: usize) {
        let mut numbers = list.split(',').skip(skip).map(|text| text.trim().parse());
        if let (Some(Ok(x)), Some(Ok(y))) = (numbers.next(), numbers.next())
            && f64::is_finite(x)
            && f64::is_finite(y)
        {
            self.position = Some((x, y));
            self.motion.path = None;
        }
    }

    /// `x1,y1,x2,y2`, and times in milliseconds where it does not take all the time.
    fn path(&self, list: &str) -> Option<Path> {
        let numbers = numbers(list);
        let [x1, y1, x2, y2, times @ ..] = numbers.as_deref()? else {
            return None;
        };
        let share = |x: f64, y: f64| (x / self.canvas.0, y / self.canvas.1);
        let (start, end) = match times {
            [start, end, ..] if start.max(*end) > 0.0 => (start.min(*end), start.max(*end)),
            _ => (0.0, f64::INFINITY),
        };
        Some(Path {
            from: share(*x1, *y1),
            to: share(*x2, *y2),
            start: millis(start),
            end: millis(end).min(self.duration),
        })
    }

    /// `\fad(in,out)`, or three transparencies and four times. All times are milliseconds.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn fade(&self, list: &str) -> Option<Fade> {
        let opacity = |alpha: f64| (1.0 - alpha / 255.0).clamp(0.0, 1.0);
        match numbers(list)?.as_slice() {
            [within, out] => Some(Fade {
                levels: [0.0, 1.0, 0.0],
                times: [
                    Time::ZERO,
                    millis(*within),
                    self.duration - millis(*out),
                    self.duration,
                ],
            }),
            [a, b, c, t1, t2, t3, t4] => Some(Fade {
                levels: [*a, *b, *c].map(opacity),
                times: [*t1, *t2, *t3, *t4].map(millis),
            }),
            _ => None,
        }
    }

    /// `x1,y1,x2,y2`; shapes are not obeyed.
    fn rectangle(&self, list: &str) -> Option<[f64; 4]> {
        match numbers(list)?.as_slice() {
            [x1, y1, x2, y2] => Some([
                x1.min(*x2) / self.canvas.0,
                y1.min(*y2) / self.canvas.1,
                x1.max(*x2) / self.canvas.0,
                y1.max(*y2) / self.canvas.1,
            ]),
            _ => None,
        }
    }

    /// `\t([start,end,][acceleration,]tags)`.
    fn transition(&self, list: &str, mark: &mut Mark) {
        let Some(at) = list.find('\\').filter(|_| self.styles.is_some()) else {
            return;
        };
        let (when, tags) = list.split_at_checked(at).unwrap_or(("", list));
        let when = numbers(when.trim_end().trim_end_matches(',')).unwrap_or_default();
        let (start, end, acceleration) = match when.as_slice() {
            [start, end] => (*start, *end, 1.0),
            [start, end, acceleration] => (*start, *end, *acceleration),
            [acceleration] => (0.0, f64::INFINITY, *acceleration),
            _ => (0.0, f64::INFINITY, 1.0),
        };
        let mut to = (*mark.style).clone();
        for (name, argument) in Tags(tags) {
            self.style(name, argument, &mut to);
        }
        let end = match end > 0.0 {
            true => millis(end).min(self.duration),
            false => self.duration,
        };
        let transition = Transition {
            start: millis(start),
            end,
            acceleration: acceleration.max(0.0),
            from: Arc::clone(&mark.style),
            to: Arc::new(to),
        };
        affect(mark, |effects| {
            if effects.transitions.len() < MAX_TRANSITIONS {
                effects.transitions.push(transition);
            }
        });
    }

    /// A syllable of so many hundredths of a second follows; `\kt`: it begins then.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn syllable(&mut self, name: &str, argument: &str, mark: &mut Mark) {
        let Some(length) = argument.parse().ok().filter(|it: &f64| it.is_finite()) else {
            return;
        };
        let length = millis(length * 10.0).max(Time::ZERO);
        if name == "kt" {
            self.next_syllable = length;
            return;
        }
        let start = self.next_syllable;
        self.next_syllable = start + length;
        let karaoke = Karaoke {
            start,
            end: self.next_syllable,
            kind: match name {
                "k" => KaraokeKind::Fill,
                "ko" => KaraokeKind::Outline,
                _ => KaraokeKind::Sweep,
            },
        };
        if self.styles.is_some() {
            affect(mark, |effects| effects.karaoke = Some(karaoke));
        }
    }
}

/// Changes the effects of the text that follows.
fn affect(mark: &mut Mark, change: impl FnOnce(&mut Effects)) {
    let mut effects = mark.effects.as_deref().cloned().unwrap_or_default();
    change(&mut effects);
    mark.effects = (effects != Effects::default()).then(|| Arc::new(effects));
}

/// Numbers with commas between them; `None`: something else.
fn numbers(list: &str) -> Option<Vec<f64>> {
    /// More than any tag takes.
    const MAX: usize = 8;
    let numbers = list.split(',').take(MAX).map(|text| {
        let number: Option<f64> = text.trim().parse().ok();
        number.filter(|number| number.is_finite())
    });
    numbers.collect()
}

fn millis(number: f64) -> Time {
    Time::from_secs_f64(number / 1_000.0)
}

/// The tags of a block with what they are given.
struct Tags<'a>(&'a str);

impl<'a> Iterator for Tags<'a> {
    type Item = (&'static str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((_, tag)) = self.0.split_once('\\') {
            let tag = tag.trim_start();
            let name = TAGS.iter().find(|name| tag.starts_with(**name));
            let behind = name.and_then(|name| tag.strip_prefix(name));
            let (Some(name), Some(behind)) = (name, behind) else {
                self.0 = tag;
                continue;
            };
            let (argument, after) = argument(behind);
            self.0 = after;
            return Some((name, argument));
        }
        None
    }
}

/// What a tag is given, without its parentheses, and what follows. Tags within parentheses (`\t(…)`) are part of it.
fn argument(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let split = |at: usize| text.split_at_checked(at).unwrap_or((text, ""));
    let Some(list) = text.strip_prefix('(') else {
        let (argument, after) = split(text.find('\\').unwrap_or(text.len()));
        return (argument.trim(), after);
    };
    let mut depth = 1_usize;
    for (at, letter) in list.char_indices() {
        match letter {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let (argument, after) = list.split_at_checked(at).unwrap_or((list, ""));
            return (argument.trim(), after);
        }
    }
    (list.trim(), "")
}

/// Another colour of the same opacity.
fn tint(argument: &str, old: Option<Color>, base: Option<Color>) -> Option<Color> {
    let alpha = old.or(base).map_or(255, |color| color.alpha);
    match style::color(argument) {
        Some(color) => Some(color.with_alpha(alpha)),
        None => base,
    }
}

/// The same colour of another opacity.
fn fade(argument: &str, old: Option<Color>) -> Option<Color> {
    let Some([.., transparency]) = style::number(argument).map(u32::to_be_bytes) else {
        return old;
    };
    Some(old.unwrap_or(Color::WHITE).with_alpha(!transparency))
}
