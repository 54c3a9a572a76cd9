//! Styles and places of elements (W3C TTML2 10).

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_xml::events::BytesStart;

use super::anonymous;
use crate::color::{AlphaScale, Color, to_byte};
use crate::text::unescape;
use crate::{Align, Anchor, FontSize, Layout, Region, Ruby, Style, Vertical};

/// Attributes by their local names.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    values: BTreeMap<String, String>,
}

/// Attributes of one element, and styles that it refers to.
const MAX_ATTRIBUTES: usize = 64;

impl Attributes {
    pub(super) fn of(start: &BytesStart<'_>) -> Self {
        let mut attributes = start.attributes();
        let all = attributes.with_checks(false).flatten();
        let all = all.filter(|attribute| !attribute.key.as_ref().starts_with("xmlns"));
        let all = all.take(MAX_ATTRIBUTES).map(|attribute| {
            let name = attribute.key.local_name().into_inner().to_owned();
            (name, unescape(&attribute.value).into_owned())
        });
        Self {
            values: all.collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The styles that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = &str> {
        let list = self.get("style").unwrap_or_default();
        list.split_ascii_whitespace().take(MAX_ATTRIBUTES)
    }

    /// Takes over what another one says about style.
    pub(super) fn lay_over(&mut self, other: &Self) {
        for (name, value) in &other.values {
            if PROPERTIES.contains(&name.as_str()) {
                self.values.insert(name.clone(), value.clone());
            }
        }
    }
}

/// What styles may say here.
const PROPERTIES: &[&str] = &[
    "color",
    "backgroundColor",
    "fontFamily",
    "fontSize",
    "fontStyle",
    "fontWeight",
    "textDecoration",
    "textAlign",
    "textOutline",
    "opacity",
    "visibility",
    "display",
    "displayAlign",
    "origin",
    "extent",
    "position",
    "writingMode",
    "ruby",
];

/// What lengths are measured in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Canvas {
    /// Columns and rows of cells (`cellResolution`).
    cells: (f64, f64),
    /// The root's pixels, where it tells them (`extent`).
    pixels: Option<(f64, f64)>,
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            cells: (32.0, 15.0),
            pixels: None,
        }
    }
}

impl Canvas {
    pub(super) fn of(root: &Attributes) -> Self {
        let pair = |name, unit: &str| {
            let mut numbers = root.get(name)?.split_ascii_whitespace().map(|text| {
                let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
                (number.is_finite() && number > 0.0).then_some(number)
            });
            Some((numbers.next()??, numbers.next()??))
        };
        Self {
            cells: pair("cellResolution", "").unwrap_or((32.0, 15.0)),
            pixels: pair("extent", "px"),
        }
    }

    /// A length along the width or the height, as a share of it.
    fn share(&self, text: &str, is_height: bool) -> Option<f64> {
        let along = |(x, y): (f64, f64)| if is_height { y } else { x };
        let (number, unit) = length(text)?;
        Some(match unit {
            "%" | "rw" | "rh" => number / 100.0,
            "c" => number / along(self.cells),
            "px" => number / along(self.pixels?),
            _ => return None,
        })
    }

    fn pair(&self, text: &str) -> Option<(f64, f64)> {
        let (x, y) = text.trim().split_once([' ', '\t'])?;
        Some((self.share(x, false)?, self.share(y.trim(), true)?))
    }
}

fn length(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|letter: char| letter.is_ascii_alphabetic() || letter == '%')?;
    let (number, unit) = text.split_at_checked(end)?;
    let number: f64 = number.parse().ok()?;
    number.is_finite().then_some((number, unit))
}

/// How an element looks and where it stands, with all that it inherits.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Look {
    pub(super) style: Arc<Style>,
    pub(super) align: Option<Align>,
    pub(super) hidden: bool,
    pub(super) ruby: Ruby,
    vertical: Option<Vertical>,
    region: Option<Arc<Region>>,
}

impl Look {
    /// That of a region, before its attributes.
    pub(super) fn region(id: &str) -> Self {
        Self {
            region: Some(Arc::new(Region {
                id: id.to_owned(),
                ..anonymous()
            })),
            ..Self::default()
        }
    }

    /// This region's look where an element says nothing of its own.
    pub(super) fn under(mut self, inherited: &Self) -> Self {
        if *inherited.style != Style::default() {
            let (below, above) = (&self.style, &inherited.style);
            self.style = Arc::new(Style {
                bold: below.bold || above.bold,
                italic: below.italic || above.italic,
                underline: below.underline || above.underline,
                strike: below.strike || above.strike,
                color: above.color.or(below.color),
                background: above.background.or(below.background),
                outline_color: above.outline_color.or(below.outline_color),
                outline: above.outline.or(below.outline),
                font: above.font.clone().or_else(|| below.font.clone()),
                size: above.size.or(below.size),
                ..Style::default()
            });
        }
        self.align = inherited.align.or(self.align);
        self.hidden |= inherited.hidden;
        self.ruby = inherited.ruby;
        self
    }

    /// An element that says itself where it stands has a region of its own (TTML1: inline regions).
    pub(super) fn forget_place(&mut self, attributes: &Attributes) {
        if attributes.get("origin").is_some() || attributes.get("extent").is_some() {
            self.region = Some(Arc::new(anonymous()));
        }
    }

    pub(super) fn layout(&self) -> Layout {
        let align = self.align.unwrap_or(match self.region {
            // TTML's own default; without a region players centre.
            Some(_) => Align::Start,
            None => Align::Center,
        });
        let at = self.region.as_ref().map(|region| region.display_align);
        Layout {
            line_anchor: at.unwrap_or(Anchor::End),
            // The lines have the whole width of their region.
            position: Some(match align {
                Align::Start | Align::Left => 0.0,
                Align::Center => 0.5,
                Align::End | Align::Right => 1.0,
            }),
            align,
            vertical: self.vertical,
            region: self.region.clone(),
            ..Layout::default()
        }
    }

    pub(super) fn apply(&mut self, attributes: &Attributes, canvas: &Canvas) {
        for (name, value) in &attributes.values {
            self.place(name, value, canvas);
        }
        let mut style = (*self.style).clone();
        for (name, value) in &attributes.values {
            restyle(&mut style, name, value.trim(), canvas);
        }
        if style == *self.style {
            return;
        }
        // The background of a region is its own; of all else it is the letters'.
        self.style = Arc::new(style);
    }

    fn place(&mut self, name: &str, value: &str, canvas: &Canvas) {
        match (name, value) {
            ("textAlign", _) => {
                self.align = match value {
                    "left" => Some(Align::Left),
                    "center" => Some(Align::Center),
                    "right" => Some(Align::Right),
                    "start" => Some(Align::Start),
                    "end" => Some(Align::End),
                    _ => self.align,
                }
            }
            ("visibility", _) => self.hidden = value == "hidden",
            ("display", "none") => self.hidden = true,
            ("ruby", "base" | "baseContainer" | "container") => self.ruby = Ruby::Base,
            ("ruby", "text" | "textContainer") => self.ruby = Ruby::Text,
            ("ruby", "none") => self.ruby = Ruby::None,
            // Fallback for players without ruby: brackets.
            ("ruby", "delimiter") => self.hidden = true,
            ("writingMode", "tbrl" | "tb") => self.vertical = Some(Vertical::RightToLeft),
            ("writingMode", "tblr") => self.vertical = Some(Vertical::LeftToRight),
            ("origin" | "extent" | "displayAlign", _) => self.place_region(name, value, canvas),
            _ => {}
        }
    }

    fn place_region(&mut self, name: &str, value: &str, canvas: &Canvas) {
        let Some(region) = self.region.as_mut().map(Arc::make_mut) else {
            return;
        };
        match name {
            "origin" => {
                region.viewport_anchor = canvas.pair(value).unwrap_or(region.viewport_anchor)
            }
            "extent" => {
                if let Some((width, height)) = canvas.pair(value) {
                    (region.width, region.height) = (width, Some(height));
                }
            }
            _ => {
                region.display_align = match value {
                    "before" => Anchor::Start,
                    "center" => Anchor::Middle,
                    "after" => Anchor::End,
                    _ => region.display_align,
                }
            }
        }
    }
}

fn restyle(style: &mut Style, name: &str, value: &str, canvas: &Canvas) {
    let color = |text| Color::from_css(text, AlphaScale::Byte);
    match name {
        "color" => style.color = color(value).or(style.color),
        "backgroundColor" => style.background = color(value).or(style.background),
        "fontFamily" => {
            let family = value.split(',').next().unwrap_or(value);
            style.font = Some(family.trim().trim_matches(['"', '\'']).into());
        }
        "fontSize" => style.size = font_size(value, style.size, canvas).or(style.size),
        "fontStyle" => style.italic = matches!(value, "italic" | "oblique"),
        "fontWeight" => style.bold = value == "bold",
        "textDecoration" => {
            for word in value.split_ascii_whitespace() {
                match word {
                    "underline" => style.underline = true,
                    "noUnderline" => style.underline = false,
                    "lineThrough" => style.strike = true,
                    "noLineThrough" => style.strike = false,
                    "none" => (style.underline, style.strike) = (false, false),
                    _ => {}
                }
            }
        }
        "textOutline" => {
            let mut parts = value.split_ascii_whitespace();
            let first = parts.next().unwrap_or_default();
            let width = match color(first) {
                Some(color) => {
                    style.outline_color = Some(color);
                    parts.next().unwrap_or_default()
                }
                None => first,
            };
            style.outline = canvas.share(width, true).or(style.outline);
        }
        "opacity" => {
            if let Ok(opacity) = value.parse::<f64>() {
                let color = style.color.unwrap_or(Color::WHITE);
                let alpha = f64::from(color.alpha) * opacity.clamp(0.0, 1.0);
                style.color = Some(color.with_alpha(to_byte(alpha)));
            }
        }
        _ => {}
    }
}

/// Of two sizes the second is the height. Percent and em are those of what is inherited.
fn font_size(value: &str, inherited: Option<FontSize>, canvas: &Canvas) -> Option<FontSize> {
    let (number, unit) = length(value.split_ascii_whitespace().next_back()?)?;
    if number <= 0.0 {
        return None;
    }
    let times = |factor: f64| match inherited {
        None => FontSize::Percent(factor * 100.0),
        Some(FontSize::Em(size)) => FontSize::Em(size * factor),
        Some(FontSize::Percent(size)) => FontSize::Percent(size * factor),
        Some(FontSize::Px(size)) => FontSize::Px(size * factor),
        Some(FontSize::Share(size)) => FontSize::Share(size * factor),
    };
    match unit {
        "%" => Some(times(number / 100.0)),
        "em" => Some(times(number)),
        "px" if canvas.pixels.is_none() => Some(FontSize::Px(number)),
        "rh" => Some(FontSize::Share(number / 100.0)),
        _ => canvas
            .share(value.split_ascii_whitespace().next_back()?, true)
            .map(FontSize::Share),
    }
}
