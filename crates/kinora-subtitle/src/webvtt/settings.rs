//! The settings of cues and regions (W3C WebVTT 6.4, 6.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Align, Anchor, Layout, LinePosition, Region, Vertical};

/// Where a cue with these settings stands. What cannot be read is as if it were not there.
pub(super) fn layout(settings: &str, regions: &BTreeMap<String, Arc<Region>>) -> Layout {
    let mut layout = Layout::default();
    for setting in settings.split_ascii_whitespace() {
        if let Some((name, value)) = setting.split_once(':') {
            set(&mut layout, name, value, regions);
        }
    }
    // A cue that says where it stands is in no region (6.4, the end of the algorithm).
    let is_placed = layout.vertical.is_some() || layout.line != LinePosition::Auto;
    if is_placed || layout.size.is_some_and(|size| size < 1.0) {
        layout.region = None;
    }
    if layout.line == LinePosition::Auto {
        layout.line_anchor = Anchor::End;
    }
    layout
}

fn set(layout: &mut Layout, name: &str, value: &str, regions: &BTreeMap<String, Arc<Region>>) {
    let (first, second) = value.split_once(',').unwrap_or((value, ""));
    match name {
        "region" => layout.region = regions.get(value).cloned(),
        "vertical" => {
            layout.vertical = match value {
                "rl" => Some(Vertical::RightToLeft),
                "lr" => Some(Vertical::LeftToRight),
                _ => layout.vertical,
            }
        }
        "line" => {
            if let Some(line) = line(first) {
                layout.line = line;
                layout.line_anchor = anchor(second).unwrap_or_default();
            }
        }
        "position" => {
            if let Some(position) = percentage(first) {
                layout.position = Some(position);
                layout.position_anchor = anchor(second);
            }
        }
        "size" => layout.size = percentage(value).or(layout.size),
        // Older drafts say `middle`.
        "align" => {
            layout.align = match value {
                "start" => Align::Start,
                "center" | "middle" => Align::Center,
                "end" => Align::End,
                "left" => Align::Left,
                "right" => Align::Right,
                _ => layout.align,
            }
        }
        _ => {}
    }
}

fn line(text: &str) -> Option<LinePosition> {
    if text.ends_with('%') {
        return percentage(text).map(LinePosition::Fraction);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit());
    let number: f64 = text.parse().ok().filter(|_| is_number)?;
    Some(LinePosition::Number(number))
}

/// `start`, `center`, `end`; of positions `line-left`, `center`, `line-right`; older drafts said `middle`.
fn anchor(text: &str) -> Option<Anchor> {
    match text {
        "start" | "line-left" => Some(Anchor::Start),
        "center" | "middle" => Some(Anchor::Middle),
        "end" | "line-right" => Some(Anchor::End),
        _ => None,
    }
}

/// `45.5%` as a share; it may not be more than all (6.4, "parse a percentage string").
fn percentage(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    let starts = number.starts_with(|first: char| first.is_ascii_digit());
    let percent: f64 = number.parse().ok().filter(|_| starts)?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// A region, by its settings; older drafts wrote `=` for the colon, and them on one line of the header.
pub(super) fn region(settings: &str) -> Region {
    let mut region = Region::default();
    for setting in settings.split_ascii_whitespace() {
        let Some((name, value)) = setting.split_once([':', '=']) else {
            continue;
        };
        match name {
            "id" => value.clone_into(&mut region.id),
            "width" => region.width = percentage(value).unwrap_or(region.width),
            "lines" => region.lines = value.parse().unwrap_or(region.lines),
            "regionanchor" => region.anchor = point(value).unwrap_or(region.anchor),
            "viewportanchor" => {
                region.viewport_anchor = point(value).unwrap_or(region.viewport_anchor);
            }
            "scroll" => region.scroll = value == "up",
            _ => {}
        }
    }
    region
}

fn point(text: &str) -> Option<(f64, f64)> {
    let (x, y) = text.split_once(',')?;
    Some((percentage(x)?, percentage(y)?))
}
