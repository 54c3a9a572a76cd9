//! What lies over the picture for itself: a menu, pages, the error card, the circle of loading.

use super::{
    Activity, Color, Controls, DOTS, Drawing, ErrorCard, FAINT, Item, LETTERS, Lang, Menu, PANEL,
    PLAYED, POINTED, Part, SetText, TEXT,
};
use crate::controls::CARD_AROUND;

/// The number of an error, and a button that is pointed at.
const NUMBER: Color = Color::rgb(0xff, 0x8a, 0x80);
const POINTED_BUTTON: Color = Color::WHITE.with_alpha(0x50);

/// Lengths at a scale of one.
const AROUND: f32 = 16.0;
const GAP: f32 = 6.0;
const DOT: f32 = 7.0;
const RING: f32 = 26.0;

impl Controls {
    const fn say<'a>(&self, english: &'a str, chinese: &'a str) -> &'a str {
        match self.lang {
            Lang::En => english,
            Lang::Zh => chinese,
        }
    }
}

impl Drawing<'_> {
    fn window(&self) -> (f32, f32) {
        #[allow(clippy::cast_precision_loss, reason = "sides of a window")]
        let size = (self.controls.size.0 as f32, self.controls.size.1 as f32);
        size
    }

    /// The rows of a menu, on a panel of its own.
    pub(super) fn menu(&mut self, menu: Menu) {
        let items = self.controls.items();
        let rows: Vec<&Item> = items
            .iter()
            .filter(|item| matches!(item.part, Part::Entry(..)))
            .collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return;
        };
        let around = self.scaled(GAP);
        let at = (first.left - around, first.top - around);
        let size = (
            first.width + 2.0 * around,
            last.top + last.height - first.top + 2.0 * around,
        );
        let Some(mut sketch) = self.sketch(at, size) else {
            return;
        };
        sketch.rect(at, size, self.scaled(8.0), PANEL);
        let entries = self.controls.entries(menu);
        let pointed = self.controls.pointed();
        for item in rows {
            let Part::Entry(_, row) = item.part else {
                continue;
            };
            let Some(entry) = entries.get(row) else {
                continue;
            };
            if pointed == Some(item.part) {
                let radius = self.scaled(4.0);
                sketch.rect(
                    (item.left, item.top),
                    (item.width, item.height),
                    radius,
                    POINTED,
                );
            }
            if entry.selected {
                let side = self.scaled(6.0);
                let at = (item.left + self.scaled(8.0), item.middle().1 - side / 2.0);
                sketch.rect(at, (side, side), side / 2.0, PLAYED);
            }
            let beside = Item {
                left: item.left + self.scaled(14.0),
                ..*item
            };
            let color = if entry.selected { PLAYED } else { TEXT };
            self.left_label(&mut sketch, &beside, &entry.label, color);
        }
        self.keep(sketch);
    }

    /// A line at the left upper corner.
    pub(super) fn headline(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let (width, _) = self.window();
        let around = self.scaled(AROUND);
        let Some(text) = self.set(text, LETTERS + 2.0, TEXT, width - 4.0 * around) else {
            return;
        };
        self.panel((around, around), &[(text, 0.0)], None);
    }

    /// Texts one below the other on a panel, each so far from its left edge; in columns where `column` says where the second begins.
    fn panel(&mut self, at: (f32, f32), texts: &[(SetText, f32)], least: Option<f32>) {
        let (around, gap) = (self.scaled(AROUND * 0.75), self.scaled(GAP));
        let widest = texts
            .iter()
            .map(|(text, left)| text.width() + left)
            .fold(least.unwrap_or(0.0), f32::max);
        let high: f32 = texts
            .iter()
            .filter(|(_, left)| *left == 0.0)
            .map(|(text, _)| text.height() + gap)
            .sum();
        let size = (widest + 2.0 * around, high - gap + 2.0 * around);
        let Some(mut sketch) = self.sketch(at, size) else {
            return;
        };
        sketch.rect(at, size, self.scaled(8.0), PANEL);
        let (mut y, mut row) = (at.1 + around, 0.0);
        for (text, left) in texts {
            if *left == 0.0 {
                y += row;
                row = text.height() + gap;
            }
            self.write(&mut sketch, text, (at.0 + around + left, y));
        }
        self.keep(sketch);
    }

    /// Rows of a name and a value.
    pub(super) fn statistics(&mut self) {
        let heading = self
            .controls
            .say("Statistics   (i: close)", "统计信息   （i：关闭）");
        let mut texts: Vec<_> = self
            .set(heading, LETTERS, PLAYED, f32::INFINITY)
            .map(|text| (text, 0.0))
            .into_iter()
            .collect();
        let column = self.scaled(150.0);
        for (name, value) in &self.controls.status.facts {
            let name = self.set(name, LETTERS, FAINT, f32::INFINITY);
            texts.extend(name.map(|text| (text, 0.0)));
            let value = self.set(value, LETTERS, TEXT, f32::INFINITY);
            texts.extend(value.map(|text| (text, column)));
        }
        self.page(&texts);
    }

    pub(super) fn keys(&mut self, lines: &[String]) {
        let mut texts = Vec::new();
        let column = self.scaled(64.0);
        for line in lines {
            // The keys, and behind spaces what they do.
            let line = line.trim();
            let (keys, does) = line.split_once("  ").unwrap_or((line, ""));
            let keys = self.set(keys, LETTERS, PLAYED, f32::INFINITY);
            texts.extend(keys.map(|text| (text, 0.0)));
            let does = self.set(does.trim(), LETTERS, TEXT, f32::INFINITY);
            texts.extend(does.map(|text| (text, column)));
        }
        self.page(&texts);
    }

    fn page(&mut self, texts: &[(SetText, f32)]) {
        if !texts.is_empty() {
            let at = (self.scaled(AROUND), self.scaled(AROUND * 4.0));
            self.panel(at, texts, None);
        }
    }

    /// Number, what happened, what can be done, above the card's buttons.
    pub(super) fn error_card(&mut self, card: &ErrorCard) {
        let items = self.controls.items();
        let Some(place) = items.iter().find(|item| item.part == Part::Card) else {
            return;
        };
        let (around, gap) = (self.scaled(CARD_AROUND), self.scaled(GAP));
        let room = place.width - 2.0 * around;
        let lines = [
            (card.number.as_str(), LETTERS, NUMBER),
            (card.what.as_str(), LETTERS + 4.0, TEXT),
            (card.remedy.as_str(), LETTERS, TEXT),
        ];
        let texts = lines.map(|(text, size, color)| self.set(text, size, color, room));
        let texts: Vec<SetText> = texts.into_iter().flatten().collect();
        let high: f32 = texts.iter().map(|text| text.height() + gap).sum();
        let buttons: Vec<&Item> = items
            .iter()
            .filter(|item| matches!(item.part, Part::CopyReport | Part::CloseCard))
            .collect();
        let (Some(first), bottom) = (buttons.first(), place.top + place.height) else {
            return;
        };
        let top = (first.top - around / 2.0 - high - around).max(0.0);
        let (at, size) = ((place.left, top), (place.width, bottom - top));
        let Some(mut sketch) = self.sketch(at, size) else {
            return;
        };
        sketch.rect(at, size, self.scaled(8.0), PANEL);
        let mut y = top + around;
        for text in &texts {
            self.write(&mut sketch, text, (place.left + around, y));
            y += text.height() + gap;
        }
        let pointed = self.controls.pointed();
        for item in buttons {
            let text = match item.part {
                Part::CopyReport => self.controls.say("Copy report  (c)", "复制报告（c）"),
                _ => self.controls.say("Close  (q)", "关闭（q）"),
            };
            let color = match pointed == Some(item.part) {
                true => POINTED_BUTTON,
                false => POINTED,
            };
            let (at, size) = ((item.left, item.top), (item.width, item.height));
            sketch.rect(at, size, self.scaled(6.0), color);
            self.label(&mut sketch, item, text, TEXT);
        }
        self.keep(sketch);
    }

    /// Dots in a ring, of which the brightest goes round; below it what is waited for.
    pub(super) fn circle(&mut self, turned: i64) {
        let (width, height) = self.window();
        let (x, y) = (width / 2.0, height / 2.0);
        let reach = self.scaled(RING + DOT);
        if let Some(mut sketch) = self.sketch((x - reach, y - reach), (reach * 2.0, reach * 2.0)) {
            for dot in 0..DOTS {
                let behind = (turned - i64::from(dot)).rem_euclid(i64::from(DOTS));
                let alpha = u8::try_from(255 - behind * 18).unwrap_or(0x30);
                let angle = f32::from(dot) / f32::from(DOTS) * std::f32::consts::TAU;
                let (radius, side) = (self.scaled(RING), self.scaled(DOT));
                let at = (
                    x + radius * angle.sin() - side / 2.0,
                    y - radius * angle.cos() - side / 2.0,
                );
                sketch.rect(at, (side, side), side / 2.0, Color::WHITE.with_alpha(alpha));
            }
            self.keep(sketch);
        }
        let Activity::Loading(Some(what)) = &self.controls.status.activity else {
            return;
        };
        if let Some(text) = self.set(what, LETTERS, TEXT, width) {
            let at = (
                x - text.width() / 2.0 - self.scaled(AROUND),
                y + reach + self.scaled(GAP),
            );
            self.panel((at.0.max(0.0), at.1), &[(text, 0.0)], None);
        }
    }
}
