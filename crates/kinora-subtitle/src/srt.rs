//! SubRip. It has no standard: this reads what its programs write, and what people did to it since.

use kinora_media::Time;

use crate::ass::Overrides;
use crate::color::{AlphaScale, Color};
use crate::text::{self, Lines, Mark, Spans};
use crate::{Cue, Document, FontSize, Format, Layout, Limits, Span, SubtitleError};

/// Reads a file.
///
/// # Errors
/// When it has more cues than allowed.
pub fn parse(text: &str, limits: &Limits) -> Result<Document, SubtitleError> {
    let mut document = Document::new(Format::Srt);
    let mut block = Block::default();
    let text = text.trim_start_matches('\u{feff}');
    for line in Lines::new(text) {
        let line = line.trim_end_matches('\0');
        if is_timing(line) {
            let id = block.take_counter();
            block.finish(&mut document);
            block.begin(id, timing(line), &mut document);
        } else {
            block.line(line);
        }
        limits.check(&document)?;
    }
    block.finish(&mut document);
    limits.check(&document)?;
    Ok(document)
}

/// The lines from one timing line to the next.
#[derive(Default)]
struct Block<'a> {
    id: Option<&'a str>,
    times: Option<(Time, Time)>,
    lines: Vec<&'a str>,
}

impl<'a> Block<'a> {
    fn begin(&mut self, id: Option<&'a str>, times: Option<(Time, Time)>, document: &mut Document) {
        if times.is_none() {
            document.damage();
        }
        *self = Self {
            id,
            times,
            lines: Vec::new(),
        };
    }

    fn line(&mut self, line: &'a str) {
        let line = line.trim();
        if !(line.is_empty() && self.lines.is_empty()) {
            self.lines.push(line);
        }
    }

    /// The number of the next cue is the last line before its times.
    fn take_counter(&mut self) -> Option<&'a str> {
        let last = self.lines.iter().rposition(|line| !line.is_empty())?;
        let id = *self.lines.get(last)?;
        text::digits(id)?;
        self.lines.truncate(last);
        Some(id)
    }

    /// A number behind an empty line begins a cue; if no times follow, that cue is broken. Other text behind an empty line
    /// still belongs to the cue: people write such.
    fn finish(&mut self, document: &mut Document) {
        let ends = |(at, line): (usize, &&str)| {
            let after_blank = at.checked_sub(1).and_then(|before| self.lines.get(before));
            let begins = text::digits(line).is_some() && after_blank.is_some_and(|l| l.is_empty());
            begins.then_some(at)
        };
        if let Some(end) = self.lines.iter().enumerate().find_map(ends) {
            document.damage();
            self.lines.truncate(end);
        }
        let Some((start, end)) = self.times.take() else {
            if self.lines.iter().any(|line| !line.is_empty()) {
                document.damage();
            }
            self.lines.clear();
            return;
        };
        let (spans, layout) = markup(&core::mem::take(&mut self.lines).join("\n"));
        document.add(Cue {
            id: self.id.take().map(str::to_owned),
            start,
            end,
            spans,
            layout,
            ..Cue::default()
        });
    }
}

/// A line that says when, be it readable or not.
pub(crate) fn is_timing(line: &str) -> bool {
    line.split_once("-->").is_some_and(|(start, _)| {
        let start = start.trim_matches(['\u{feff}', ' ', '\t']);
        start.is_empty() || start.starts_with(|first: char| first.is_ascii_digit() || first == '-')
    })
}

/// `00:00:01,000 --> 00:00:02,500 X1:40 …`: what follows the times is passed over.
fn timing(line: &str) -> Option<(Time, Time)> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim();
    let end = rest.split(" X1:").next().unwrap_or(rest);
    Some((time(start)?, time(end)?))
}

/// Hours may be missing, and thousandths; point and comma are one, blanks do not count.
fn time(text: &str) -> Option<Time> {
    let text: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '\u{feff}')
        .collect();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let (whole, decimals) = text.split_once([',', '.']).unwrap_or((text, ""));
    let mut parts = whole.rsplit(':');
    let seconds = text::digits(parts.next()?)?;
    let minutes = text::digits(parts.next()?)?;
    let hours = parts.next().map_or(Some(0), text::digits)?;
    if parts.next().is_some() {
        return None;
    }
    let time = text::clock(hours, minutes, seconds, decimals)?;
    // What begins before the film begins with it.
    Some(if negative { Time::ZERO } else { time })
}

/// The text of a cue: HTML's `b`, `i`, `u`, `s` and `font`, and ASS's `{\…}`, as players of SubRip take them. Also that of
/// packets (Matroska `S_TEXT/UTF8`).
#[must_use]
pub fn markup(text: &str) -> (Vec<Span>, Layout) {
    let text = &text.replace("\r\n", "\n");
    let mut reader = Markup {
        spans: Spans::default(),
        overrides: Overrides::plain(),
        open: Vec::new(),
        mark: Mark::default(),
        is_behind_block: false,
    };
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['<', '{'])
        && !reader.spans.is_full()
    {
        let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        reader.text(before);
        rest = match reader.tag(tag) {
            Some(after) => after,
            None => {
                let mut letters = tag.chars();
                letters.next();
                reader.text(tag.get(..1).unwrap_or_default());
                letters.as_str()
            }
        };
    }
    reader.text(rest);
    (reader.spans.finish(), reader.overrides.layout())
}

/// Elements within each other; more do not count.
const MAX_DEPTH: usize = 32;

struct Markup<'a> {
    spans: Spans,
    overrides: Overrides<'a>,
    /// The elements that are open, each with the marks that hold again behind it.
    open: Vec<(String, Mark)>,
    mark: Mark,
    /// A block of tags has just been left out.
    is_behind_block: bool,
}

impl<'a> Markup<'a> {
    fn text(&mut self, text: &str) {
        if self.overrides.is_drawing() {
            return;
        }
        // Of the blanks around a block one is left.
        let doubles = self.is_behind_block && self.spans.ends_with_blank();
        let text = text.strip_prefix(' ').filter(|_| doubles).unwrap_or(text);
        self.is_behind_block &= text.is_empty();
        let text = text.replace("\\N", "\n").replace("\\h", "\u{a0}");
        self.spans.push(&text::unescape(&text), &self.mark);
    }

    /// Takes the tag that the text begins with, if it does.
    fn tag(&mut self, text: &'a str) -> Option<&'a str> {
        if let Some(block) = text.strip_prefix("{\\") {
            let end = close(block, b'{', b'}')?;
            let all = text.get(1..)?.get(..end.saturating_add(1))?;
            self.overrides.apply(all, &mut self.mark);
            self.is_behind_block = true;
            return block.get(end.saturating_add(1)..);
        }
        let inner = text.strip_prefix('<')?;
        let end = close(inner, b'<', b'>')?;
        let (tag, after) = (inner.get(..end)?, inner.get(end.saturating_add(1)..)?);
        let closing = tag.strip_prefix('/');
        let tag = closing.unwrap_or(tag).trim().trim_end_matches('/');
        let name = tag.split_whitespace().next()?.to_ascii_lowercase();
        let known = [
            "b", "i", "u", "s", "strong", "em", "font", "span", "br", "c", "v",
        ];
        if !known.contains(&name.as_str()) {
            return None;
        }
        if name == "br" {
            self.text("\n");
        } else if closing.is_some() {
            self.close(&name);
        } else {
            self.begin(name, tag);
        }
        Some(after)
    }

    fn begin(&mut self, name: String, tag: &str) {
        if self.open.len() >= MAX_DEPTH {
            return;
        }
        let before = self.mark.clone();
        self.mark.restyle(|style| match name.as_str() {
            "b" | "strong" => style.bold = true,
            "i" | "em" => style.italic = true,
            "u" => style.underline = true,
            "s" => style.strike = true,
            "font" => {
                if let Some(color) = attribute(tag, "color").and_then(font_color) {
                    style.color = Some(color);
                }
                if let Some(face) = attribute(tag, "face") {
                    style.font = Some(face.into());
                }
                if let Some(size) = attribute(tag, "size").and_then(font_size) {
                    style.size = Some(size);
                }
            }
            _ => {}
        });
        self.open.push((name, before));
    }

    /// What was opened within it ends with it; what was not opened is passed over.
    fn close(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|(open, _)| open == name) {
            let mut closed = self.open.drain(at..);
            if let Some((_, before)) = closed.next() {
                self.mark = before;
            }
        }
    }
}

/// Where a tag ends. One that another begins in is text: so no letter is looked at twice.
fn close(text: &str, begin: u8, end: u8) -> Option<usize> {
    let at = memchr::memchr2(begin, end, text.as_bytes())?;
    (text.as_bytes().get(at) == Some(&end)).then_some(at)
}

/// `#rrggbb`, with or without its `#`, or a name.
fn font_color(text: &str) -> Option<Color> {
    Color::from_css(text, AlphaScale::One)
        .or_else(|| Color::from_css(&format!("#{text}"), AlphaScale::One))
}

/// HTML's sizes are 1 to 7, of which 3 is the usual; larger numbers are points of a picture 288 lines high, as ASS has it.
fn font_size(text: &str) -> Option<FontSize> {
    const STEPS: [f64; 7] = [0.63, 0.82, 1.0, 1.13, 1.5, 2.0, 3.0];
    let size: usize = text.trim().parse().ok()?;
    match size.checked_sub(1).and_then(|step| STEPS.get(step)) {
        Some(step) => Some(FontSize::Em(*step)),
        None => {
            let points: u16 = text.trim().parse().ok()?;
            Some(FontSize::Share(f64::from(points) / 288.0)).filter(|_| points > 0)
        }
    }
}

/// The value of `name="value"`, `name='value'` or `name=value`.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))?;
    let value = tag.get(at.checked_add(name.len())?.checked_add(1)?..)?;
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    match quote {
        Some(quote) => value.get(1..)?.split(quote).next(),
        None => value.split_whitespace().next(),
    }
}

#[cfg(test)]
mod tests;
