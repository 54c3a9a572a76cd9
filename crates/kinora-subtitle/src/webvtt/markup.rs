//! The text of a cue (W3C WebVTT 6.5, the cue text tokenizer and its parsing rules).

use std::sync::Arc;

use kinora_media::Time;

use super::css::{Node, Sheet};
use crate::text::{self, Mark, Spans};
use crate::{Color, Ruby, Span, Style};

/// Nodes within each other; more do not count.
const MAX_DEPTH: usize = 32;
/// Classes of a node; more do not count.
const MAX_CLASSES: usize = 16;

/// The spans of a cue's text. `id` is the cue's, for style sheets; `start` its beginning, before which no part of it is.
pub(super) fn spans(text: &str, id: &str, start: Time, sheet: &Sheet) -> Vec<Span> {
    let mut reader = Reader {
        spans: Spans::default(),
        open: Vec::new(),
        mark: Mark::default(),
        id,
        start,
        sheet,
    };
    let root = Node::default();
    reader.mark.restyle(|style| sheet.apply(&root, id, style));
    // Blanks around a line are not shown (CSS `white-space: pre-line`).
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            reader.spans.push("\n", &reader.mark);
        }
        reader.line(line.trim());
    }
    reader.spans.finish()
}

struct Reader<'a> {
    spans: Spans,
    /// The nodes that are open, each with the marks that hold again behind it.
    open: Vec<(&'a str, Mark)>,
    mark: Mark,
    id: &'a str,
    start: Time,
    sheet: &'a Sheet,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        let mut rest = line;
        while let Some((before, behind)) = rest.split_once('<')
            && !self.spans.is_full()
        {
            self.spans.push(&text::unescape(before), &self.mark);
            let (tag, after) = behind.split_once('>').unwrap_or((behind, ""));
            self.tag(tag);
            rest = after;
        }
        self.spans.push(&text::unescape(rest), &self.mark);
    }

    fn tag(&mut self, tag: &'a str) {
        if let Some(name) = tag.strip_prefix('/') {
            return self.close(name.trim());
        }
        if tag.starts_with(|first: char| first.is_ascii_digit()) {
            if let Some(from) = super::time(tag).filter(|from| *from > self.start) {
                self.mark.from = Some(from);
            }
            return;
        }
        let (name, annotation) = tag.split_once([' ', '\t']).unwrap_or((tag, ""));
        let mut words = name.split('.');
        let node = Node {
            name: words.next().unwrap_or_default(),
            classes: words
                .filter(|class| !class.is_empty())
                .take(MAX_CLASSES)
                .collect(),
            annotation: annotation.trim(),
        };
        self.begin(&node);
    }

    fn begin(&mut self, node: &Node<'a>) {
        let known = ["b", "i", "u", "c", "v", "lang", "ruby", "rt"];
        // `rt` counts within `ruby` only.
        let is_lost = node.name == "rt" && self.mark.ruby == Ruby::None;
        if !known.contains(&node.name) || is_lost || self.open.len() >= MAX_DEPTH {
            return;
        }
        let before = self.mark.clone();
        let annotation = || Some(text::unescape(node.annotation)).filter(|text| !text.is_empty());
        match node.name {
            "v" => self.mark.voice = annotation().map(|text| Arc::from(&*text)),
            "lang" => self.mark.language = annotation().map(|text| Arc::from(&*text)),
            "ruby" => self.mark.ruby = Ruby::Base,
            "rt" => self.mark.ruby = Ruby::Text,
            _ => {}
        }
        self.mark.restyle(|style| {
            plain(node, style);
            self.sheet.apply(node, self.id, style);
        });
        self.open.push((node.name, before));
    }

    /// Only what was opened last can be closed; `ruby` closes its `rt` too (6.5).
    fn close(&mut self, name: &str) {
        let from = self.mark.from;
        if name == "ruby" && self.open.last().is_some_and(|(open, _)| *open == "rt") {
            self.pop();
        }
        if self.open.last().is_some_and(|(open, _)| *open == name) {
            self.pop();
        }
        // A time holds for all that follows, whatever ends.
        self.mark.from = from;
    }

    fn pop(&mut self) {
        if let Some((_, before)) = self.open.pop() {
            self.mark = before;
        }
    }
}

/// What nodes look like without a style sheet (7.2.1; the default classes of colours: 5).
fn plain(node: &Node<'_>, style: &mut Style) {
    match node.name {
        "b" => style.bold = true,
        "i" => style.italic = true,
        "u" => style.underline = true,
        _ => {}
    }
    for class in &node.classes {
        match class.strip_prefix("bg_") {
            Some(name) => style.background = class_color(name).or(style.background),
            None => style.color = class_color(class).or(style.color),
        }
    }
}

fn class_color(class: &str) -> Option<Color> {
    Some(match class {
        "white" => Color::WHITE,
        "lime" => Color::rgb(0, 255, 0),
        "cyan" => Color::rgb(0, 255, 255),
        "red" => Color::rgb(255, 0, 0),
        "yellow" => Color::rgb(255, 255, 0),
        "magenta" => Color::rgb(255, 0, 255),
        "blue" => Color::rgb(0, 0, 255),
        "black" => Color::BLACK,
        _ => return None,
    })
}
