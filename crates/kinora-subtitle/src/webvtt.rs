//! WebVTT (W3C, <https://www.w3.org/TR/webvtt1/>), as files, as HLS segments (RFC 8216 3.5), as samples of MP4 (ISO/IEC
//! 14496-30) and as blocks of Matroska.

mod css;
mod map;
mod markup;
pub(crate) mod sample;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_media::Time;

use css::Sheet;
pub use map::TimestampMap;

use crate::text::{self, Lines};
use crate::{Cue, Document, Format, Limits, Region, SubtitleError};

/// Whether a text, without its byte order mark, begins as WebVTT must (4.1).
pub(crate) fn has_signature(text: &str) -> bool {
    let behind = text.strip_prefix("WEBVTT");
    behind.is_some_and(|rest| rest.chars().next().is_none_or(char::is_whitespace))
}

/// Reads a file.
///
/// # Errors
/// When it does not begin as WebVTT, or has more cues than allowed.
pub fn parse(text: &str, limits: &Limits) -> Result<Document, SubtitleError> {
    // Empty lines before the signature are not allowed, and met.
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if !has_signature(text) {
        return Err(SubtitleError::NotWebVtt);
    }
    let mut document = Document::new(Format::WebVtt);
    let mut lines = Lines::new(text);
    lines.next();
    let mut context = Context::default();
    // The header reaches to the first empty line; some forget that line, so what has an arrow is a cue already.
    for line in header(&mut lines) {
        if let Some(map) = line.strip_prefix("X-TIMESTAMP-MAP") {
            document.timestamp_map = TimestampMap::parse(map);
        } else if let Some(region) = line.strip_prefix("Region:") {
            context.region(region);
        }
    }
    while let Some(block) = Block::next(&mut lines) {
        block.read(&mut context, &mut document);
        limits.check(&document)?;
    }
    document.damaged = document.damaged.saturating_add(context.damaged);
    Ok(document)
}

fn header<'a>(lines: &mut Lines<'a>) -> Vec<&'a str> {
    let mut header = Vec::new();
    loop {
        let ahead = lines.clone();
        match lines.next() {
            Some(line) if line.contains("-->") => {
                *lines = ahead;
                return header;
            }
            Some(line) if !line.is_empty() => header.push(line),
            _ => return header,
        }
    }
}

/// What the blocks before a cue say of it; and what the header of an MP4 or Matroska track says of all its cues.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    sheet: Sheet,
    regions: BTreeMap<String, Arc<Region>>,
    damaged: u32,
}

/// Regions of one file.
const MAX_REGIONS: usize = 256;

impl Context {
    /// The header that a container keeps: `vttC` (ISO/IEC 14496-30 7.5), Matroska's `CodecPrivate`.
    pub(crate) fn header(text: &str) -> Self {
        let mut context = Self::default();
        let mut lines = Lines::new(text);
        while let Some(block) = Block::next(&mut lines) {
            if block.arrow.is_none() {
                block.definition(&mut context);
            }
        }
        context
    }

    fn region(&mut self, settings: &str) {
        let region = settings::region(settings);
        if region.id.is_empty() || self.regions.len() >= MAX_REGIONS {
            self.damaged = self.damaged.saturating_add(1);
            return;
        }
        self.regions.insert(region.id.clone(), Arc::new(region));
    }

    /// A cue of these settings and this text.
    pub(crate) fn cue(
        &self,
        id: &str,
        (start, end): (Time, Time),
        settings: &str,
        text: &str,
    ) -> Cue {
        Cue {
            id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            start,
            end,
            spans: markup::spans(text, id, start, &self.sheet),
            layout: settings::layout(settings, &self.regions),
            ..Cue::default()
        }
    }
}

/// Lines without an empty one between them (6.1, "collect a WebVTT block").
struct Block<'a> {
    /// Before the arrow.
    head: Vec<&'a str>,
    arrow: Option<&'a str>,
    body: Vec<&'a str>,
}

impl<'a> Block<'a> {
    fn next(lines: &mut Lines<'a>) -> Option<Self> {
        let mut block = Self {
            head: Vec::new(),
            arrow: None,
            body: Vec::new(),
        };
        loop {
            let ahead = lines.clone();
            let line = lines.next();
            let is_empty = block.head.is_empty() && block.arrow.is_none();
            match line {
                None => return (!is_empty).then_some(block),
                Some("") if is_empty => {}
                Some("") => return Some(block),
                Some(line) if line.contains("-->") => {
                    // A second arrow begins the next cue; a comment's or style sheet's arrow begins one too.
                    if block.arrow.is_some() {
                        *lines = ahead;
                        return Some(block);
                    }
                    block.arrow = Some(line);
                }
                Some(line) if block.arrow.is_some() => block.body.push(line),
                Some(line) => block.head.push(line),
            }
        }
    }

    fn read(&self, context: &mut Context, document: &mut Document) {
        let Some(arrow) = self.arrow else {
            return self.definition(context);
        };
        let Some((times, settings)) = timing(arrow) else {
            return document.damage();
        };
        let id = self.head.last().copied().unwrap_or_default().trim();
        let cue = context.cue(id, times, settings, &self.body.join("\n"));
        // A cue without text is allowed, and shows nothing.
        if !self.body.is_empty() || times.0 >= times.1 {
            document.add(cue);
        }
    }

    /// A comment, a style sheet, a region, or a cue without times.
    fn definition(&self, context: &mut Context) {
        let (first, rest) = match self.head.split_first() {
            Some((first, rest)) => (first.trim_end(), rest),
            None => return,
        };
        let word = first.split([' ', '\t']).next().unwrap_or(first);
        match word {
            "NOTE" => {}
            "STYLE" => {
                let refused = context.sheet.add(&rest.join("\n"));
                context.damaged = context.damaged.saturating_add(refused);
            }
            "REGION" => context.region(&rest.join("\n")),
            _ => context.damaged = context.damaged.saturating_add(1),
        }
    }
}

/// `00:01.000 --> 00:02.000 line:0`, with the settings.
fn timing(line: &str) -> Option<((Time, Time), &str)> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim();
    let (end, settings) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some(((time(start.trim())?, time(end)?), settings))
}

/// `[[hh:]mm:]ss[.ttt]`: minutes and thousandths may be missing, which 6.3 does not allow and Media3 does.
fn time(text: &str) -> Option<Time> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "000"));
    if decimals.len() != 3 {
        return None;
    }
    let mut parts = whole.rsplit(':');
    let seconds = text::digits(parts.next()?)?;
    let minutes = parts.next().map_or(Some(0), text::digits)?;
    let hours = parts.next().map_or(Some(0), text::digits)?;
    let rest = parts.next();
    text::digits(decimals)?;
    if rest.is_some() || seconds > 59 || minutes > 59 {
        return None;
    }
    text::clock(hours, minutes, seconds, decimals)
}

#[cfg(test)]
mod tests;
