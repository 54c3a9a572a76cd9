//! Style sheets of WebVTT (8.2): `::cue` with a simple selector, and the properties that concern text.

use std::borrow::Cow;
use std::sync::Arc;

use crate::color::{AlphaScale, Color};
use crate::{FontSize, Style};

/// A node of a cue's text as selectors see it; the default one is the cue itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Node<'a> {
    /// `b`, `c`, `v` …
    pub(super) name: &'a str,
    pub(super) classes: Vec<&'a str>,
    /// Voice or language.
    pub(super) annotation: &'a str,
}

/// The rules of a file, in order of their weight.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    selector: Selector,
    declarations: Arc<[Declaration]>,
}

/// `#id`, `name`, `.class`, `[voice="…"]`: all that are there have to fit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Selector {
    id: Option<String>,
    name: Option<String>,
    classes: Vec<String>,
    annotation: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
enum Declaration {
    Color(Color),
    Background(Color),
    Size(FontSize),
    Font(Arc<str>),
    Bold(bool),
    Italic(bool),
    Decoration { underline: bool, strike: bool },
}

/// Rules of one file: each is tried on each node.
const MAX_RULES: usize = 128;
/// Declarations of one rule, classes of one selector.
const MAX_PARTS: usize = 32;

impl Sheet {
    /// Adds the rules of a style sheet; gives back how many were refused.
    pub(super) fn add(&mut self, css: &str) -> u32 {
        let css = without_comments(css);
        let mut refused = 0_u32;
        for rule in css.split('}') {
            let Some((selectors, body)) = rule.split_once('{') else {
                continue;
            };
            let declarations: Arc<[Declaration]> = body
                .split(';')
                .filter_map(declaration)
                .take(MAX_PARTS)
                .collect();
            for selector in selectors.split(',') {
                match Selector::parse(selector.trim()) {
                    Some(selector) if self.rules.len() < MAX_RULES => self.rules.push(Rule {
                        selector,
                        declarations: Arc::clone(&declarations),
                    }),
                    _ => refused = refused.saturating_add(1),
                }
            }
        }
        // Of rules of the same weight the later one counts: the order among them stays.
        self.rules.sort_by_key(|rule| rule.selector.weight());
        refused
    }

    /// Lays the rules that fit the node over a style.
    pub(super) fn apply(&self, node: &Node<'_>, id: &str, style: &mut Style) {
        for rule in self
            .rules
            .iter()
            .filter(|rule| rule.selector.fits(node, id))
        {
            rule.declarations.iter().for_each(|one| one.apply(style));
        }
    }
}

fn without_comments(css: &str) -> Cow<'_, str> {
    if !css.contains("/*") {
        return Cow::Borrowed(css);
    }
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

impl Selector {
    /// `::cue`, `::cue(b)`, `::cue(.loud)`, `::cue(#one)`, `::cue(v[voice="Ann"])`. Others, those of regions and of nodes
    /// within nodes among them, are not obeyed.
    fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("::cue")?;
        if inner.is_empty() {
            return Some(Self::default());
        }
        let inner = inner.strip_prefix('(')?.strip_suffix(')')?.trim();
        let mut selector = Self::default();
        let (simple, attribute) = match inner.split_once('[') {
            Some((simple, attribute)) => (simple, Some(attribute.strip_suffix(']')?)),
            None => (inner, None),
        };
        if let Some(attribute) = attribute {
            let (name, value) = attribute.split_once('=')?;
            if !matches!(name.trim(), "voice" | "lang") {
                return None;
            }
            selector.annotation = Some(value.trim().trim_matches(['"', '\'']).to_owned());
        }
        let mut rest = simple;
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, letter)| matches!(letter, '.' | '#'));
            let (part, after) = rest.split_at_checked(end.map_or(rest.len(), |(at, _)| at))?;
            selector.part(part)?;
            rest = after;
        }
        Some(selector)
    }

    fn part(&mut self, part: &str) -> Option<()> {
        let name = part.trim_start_matches(['.', '#']).replace('\\', "");
        let is_full = self.classes.len() >= MAX_PARTS;
        if name.is_empty() || is_full || name.contains([' ', '>', '+', '~', ':', '*']) {
            return None;
        }
        match part.chars().next()? {
            '.' => self.classes.push(name),
            '#' => self.id = Some(name),
            _ => self.name = Some(name),
        }
        Some(())
    }

    /// Ids, then classes, then names (CSS Selectors 4 17).
    fn weight(&self) -> (usize, usize, usize) {
        let classes = usize::from(self.annotation.is_some()).saturating_add(self.classes.len());
        let count = |part: &Option<String>| usize::from(part.is_some());
        (count(&self.id), classes, count(&self.name))
    }

    fn fits(&self, node: &Node<'_>, id: &str) -> bool {
        let is_cue = node.name.is_empty();
        let is_general =
            self.name.is_none() && self.classes.is_empty() && self.annotation.is_none();
        // A bare `::cue` and an id speak of the cue; its nodes inherit from it.
        if is_general != is_cue {
            return false;
        }
        self.id.as_ref().is_none_or(|own| own == id)
            && self.name.as_ref().is_none_or(|name| name == node.name)
            && self
                .classes
                .iter()
                .all(|one| node.classes.contains(&one.as_str()))
            && self
                .annotation
                .as_ref()
                .is_none_or(|one| one == node.annotation)
    }
}

fn declaration(text: &str) -> Option<Declaration> {
    let (name, value) = text.split_once(':')?;
    let value = value.trim().trim_end_matches("!important").trim_end();
    let color = || Color::from_css(value, AlphaScale::One);
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "color" => Declaration::Color(color()?),
        "background-color" | "background" => Declaration::Background(color()?),
        "font-size" => Declaration::Size(size(value)?),
        "font-family" => {
            let family = value.split(',').next().unwrap_or(value);
            Declaration::Font(family.trim().trim_matches(['"', '\'']).into())
        }
        "font-weight" => {
            let weight = value.parse().unwrap_or(0_u32);
            Declaration::Bold(matches!(value, "bold" | "bolder") || weight >= 600)
        }
        "font-style" => {
            Declaration::Italic(value.starts_with("italic") || value.starts_with("oblique"))
        }
        "text-decoration" | "text-decoration-line" => Declaration::Decoration {
            underline: value.contains("underline"),
            strike: value.contains("line-through"),
        },
        _ => return None,
    })
}

fn size(value: &str) -> Option<FontSize> {
    let lower = value.to_ascii_lowercase();
    let number = |unit| {
        let number: Option<f64> = lower.strip_suffix(unit)?.trim().parse().ok();
        number.filter(|number| number.is_finite() && *number > 0.0)
    };
    number("%")
        .map(FontSize::Percent)
        .or_else(|| number("em").map(FontSize::Em))
        .or_else(|| number("px").map(FontSize::Px))
}

impl Declaration {
    fn apply(&self, style: &mut Style) {
        match self {
            Self::Color(color) => style.color = Some(*color),
            Self::Background(color) => style.background = Some(*color),
            Self::Size(size) => style.size = Some(*size),
            Self::Font(font) => style.font = Some(Arc::clone(font)),
            Self::Bold(bold) => style.bold = *bold,
            Self::Italic(italic) => style.italic = *italic,
            Self::Decoration { underline, strike } => {
                (style.underline, style.strike) = (*underline, *strike);
            }
        }
    }
}
