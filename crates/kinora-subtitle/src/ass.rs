//! Advanced SubStation Alpha (`[V4+ Styles]`) and SubStation Alpha (`[V4 Styles]`), as far as plain rendering uses them.
//!
//! There is no standard; the names are those of the format's own description ("Sub Station Alpha v4.00+ Script Format").

mod overrides;
mod style;

use std::sync::Arc;

use kinora_media::Time;

pub(crate) use overrides::Overrides;
use style::{Styles, Version};

use crate::text::{self, Lines, Mark, Spans};
use crate::{Cue, Document, Format, Limits, ScriptEvent, SubtitleError};

/// Reads a file.
///
/// # Errors
/// When it has more cues than allowed.
pub fn parse(text: &str, limits: &Limits) -> Result<Document, SubtitleError> {
    let mut document = Document::new(Format::Ass);
    let mut script = Script {
        head: head(text),
        ..Script::default()
    };
    for line in Lines::new(text) {
        if let Some(event) = script.line(line) {
            match script.dialogue(event) {
                Some(cue) => document.add(cue),
                None => document.damage(),
            }
            limits.check(&document)?;
        }
    }
    document.damaged = document.damaged.saturating_add(script.damaged);
    document.title = script.title;
    Ok(document)
}

/// The lines of a script that hold for all its events.
fn head(text: &str) -> Arc<str> {
    let mut head = String::new();
    let mut section = Section::Other;
    for line in Lines::new(text) {
        section = Section::of(trimmed(line)).unwrap_or(section);
        if matches!(section, Section::Info | Section::Styles(_)) {
            head.push_str(line);
            head.push('\n');
        }
    }
    head.into()
}

fn trimmed(line: &str) -> &str {
    line.trim_matches(|letter| text::is_blank(letter) || letter == '\u{feff}')
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Section {
    #[default]
    Info,
    Styles(Version),
    Events,
    Other,
}

impl Section {
    /// The section that a line begins; `None`: none.
    fn of(line: &str) -> Option<Self> {
        if !(line.starts_with('[') && line.ends_with(']')) {
            return None;
        }
        Some(match line.to_ascii_lowercase().as_str() {
            "[script info]" => Self::Info,
            "[v4+ styles]" | "[v4++ styles]" => Self::Styles(Version::Ass),
            "[v4 styles]" => Self::Styles(Version::Ssa),
            "[events]" => Self::Events,
            _ => Self::Other,
        })
    }
}

/// What the lines of a script say of all its events. The header of a Matroska track is such a script without events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// As [`ScriptEvent::head`] has it.
    head: Arc<str>,
    section: Section,
    title: Option<String>,
    /// `PlayResX` and `PlayResY`: what positions and sizes are counted in.
    resolution: (Option<f64>, Option<f64>),
    styles: Styles,
    style_fields: Fields,
    event_fields: Fields,
    damaged: u32,
}

/// The events of Matroska's packets have these fields (Matroska codec specification, `S_TEXT/ASS`).
const PACKET_FIELDS: &str =
    "ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text";
const EVENT_FIELDS: &str =
    "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text";

impl Script {
    /// The header that a container keeps of a script.
    pub(crate) fn header(text: &str) -> Self {
        let mut script = Self {
            head: head(text),
            ..Self::default()
        };
        for line in Lines::new(text) {
            script.line(line);
        }
        script.event_fields = Fields::new(PACKET_FIELDS);
        script
    }

    /// Takes a line; gives back the fields of a `Dialogue`.
    fn line<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let line = trimmed(line);
        if let Some(section) = Section::of(line) {
            self.begin(section);
            return None;
        }
        let (key, value) = line.split_once(':')?;
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim_start());
        match (self.section, key.as_str()) {
            (Section::Info, "title") => self.title = Some(value.trim().to_owned()),
            (Section::Info, "playresx") => self.resolution.0 = positive(value),
            (Section::Info, "playresy") => self.resolution.1 = positive(value),
            (Section::Styles(_), "format") => self.style_fields = Fields::new(value),
            (Section::Styles(version), "style") => self.style(value, version),
            (Section::Events, "format") => self.event_fields = Fields::new(value),
            (Section::Events, "dialogue") => return Some(value),
            _ => {}
        }
        None
    }

    fn begin(&mut self, section: Section) {
        self.section = section;
        match self.section {
            Section::Styles(version) => self.style_fields = Fields::new(version.style_fields()),
            Section::Events => self.event_fields = Fields::new(EVENT_FIELDS),
            Section::Info | Section::Other => {}
        }
    }

    fn style(&mut self, value: &str, version: Version) {
        let canvas = self.canvas();
        let row = self.style_fields.row(value);
        let added = row.is_some_and(|row| self.styles.add(&row, version, canvas));
        if !added {
            self.damaged = self.damaged.saturating_add(1);
        }
    }

    /// Width and height that positions are counted in. Of one that is missing, players assume 4 to 3.
    fn canvas(&self) -> (f64, f64) {
        match self.resolution {
            (Some(x), Some(y)) => (x, y),
            (None, Some(1024.0)) => (1280.0, 1024.0),
            (None, Some(y)) => (y * 4.0 / 3.0, y),
            (Some(x), None) => (x, x * 3.0 / 4.0),
            (None, None) => style::CANVAS,
        }
    }

    /// The event of a file's line.
    fn dialogue(&self, value: &str) -> Option<Cue> {
        let row = self.event_fields.row(value)?;
        let (start, end) = (time(row.get("start")?)?, time(row.get("end")?)?);
        Some(self.cue(&row, start, end))
    }

    /// The event of a packet, whose times its container tells.
    pub(crate) fn packet(&self, text: &str, start: Time, end: Time) -> Option<Cue> {
        let row = self.event_fields.row(text.trim_end_matches('\0'))?;
        Some(self.cue(&row, start, end))
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn cue(&self, row: &Row<'_, '_>, start: Time, end: Time) -> Cue {
        let number = |name| row.get(name).and_then(positive);
        let margins = [number("marginl"), number("marginr"), number("marginv")];
        let style = row.get("style").unwrap_or_default();
        let canvas = self.canvas();
        let mut overrides = Overrides::new(&self.styles, style, canvas, margins, end - start);
        let spans = spans(row.get("text").unwrap_or_default(), &mut overrides);
        let layer = row.get("layer").and_then(|text| text.parse().ok());
        let layer = layer.unwrap_or(0);
        Cue {
            id: None,
            start,
            end,
            spans,
            layout: overrides.layout(),
            layer,
            motion: overrides.motion().map(Box::new),
            script: Some(Arc::new(self.event(row, layer))),
            ..Cue::default()
        }
    }

    /// The event as it was written, its fields in the order that Matroska gives them.
    fn event(&self, row: &Row<'_, '_>, layer: i32) -> ScriptEvent {
        let fields = PACKET_FIELDS.split(", ").skip(2).map(|name| {
            let name = name.to_ascii_lowercase();
            row.get(&name).unwrap_or_default()
        });
        let line = fields.fold(layer.to_string(), |mut line, field| {
            line.push(',');
            line.push_str(field);
            line
        });
        ScriptEvent {
            head: Arc::clone(&self.head),
            line: line.into(),
        }
    }
}

/// The names of a table's columns, as a `Format` line has them.
#[derive(Clone, Debug, Default)]
struct Fields {
    names: Vec<String>,
}

/// More columns than any version has.
const MAX_FIELDS: usize = 64;

impl Fields {
    fn new(line: &str) -> Self {
        let names = line.split(',').take(MAX_FIELDS);
        Self {
            names: names.map(|name| name.trim().to_ascii_lowercase()).collect(),
        }
    }

    /// The values of a line; the last one has all that is left, commas and all. `None` when some are missing.
    fn row<'f, 'v>(&'f self, line: &'v str) -> Option<Row<'f, 'v>> {
        let values: Vec<&str> = line.splitn(self.names.len(), ',').collect();
        (values.len() == self.names.len()).then_some(Row {
            names: &self.names,
            values,
        })
    }
}

/// A line of a table.
struct Row<'f, 'v> {
    names: &'f [String],
    values: Vec<&'v str>,
}

impl<'v> Row<'_, 'v> {
    fn get(&self, name: &str) -> Option<&'v str> {
        let at = self.names.iter().position(|known| known == name)?;
        self.values.get(at).map(|value| match name {
            "text" => value,
            _ => value.trim(),
        })
    }
}

/// A number above zero.
fn positive(text: &str) -> Option<f64> {
    at_least_zero(text).filter(|number| *number > 0.0)
}

/// A number that is not below zero.
fn at_least_zero(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// `0:00:01.23`; some write a colon for the point.
fn time(text: &str) -> Option<Time> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, rest) = rest.split_once(':')?;
    let (seconds, decimals) = rest.split_once(['.', ':', ',']).unwrap_or((rest, ""));
    let [hours, minutes, seconds] = [hours, minutes, seconds].map(|part| text::digits(part.trim()));
    text::clock(hours?, minutes?, seconds?, decimals)
}

fn spans(text: &str, overrides: &mut Overrides<'_>) -> Vec<crate::Span> {
    let mut spans = Spans::default();
    let mut mark = Mark {
        style: overrides.base(),
        ..Mark::default()
    };
    let mut rest = text;
    loop {
        // A brace that nothing closes is text.
        let block = rest.split_once('{').and_then(|(before, behind)| {
            let (block, after) = behind.split_once('}')?;
            Some((before, block, after))
        });
        let plain = block.map_or(rest, |(before, ..)| before);
        if !overrides.is_drawing() {
            spans.push(&breaks(plain), &mark);
        }
        let Some((_, block, after)) = block.filter(|_| !spans.is_full()) else {
            return spans.finish();
        };
        overrides.apply(block, &mut mark);
        rest = after;
    }
}

/// `\N` and `\n` end a line (as Media3 and FFmpeg have it; in ASS itself, `\n` does by `WrapStyle` 2 only), `\h` is a blank
/// at which no line ends.
fn breaks(text: &str) -> String {
    text.replace("\\N", "\n")
        .replace("\\n", "\n")
        .replace("\\h", "\u{a0}")
}

#[cfg(test)]
mod tests;
