//! What the text formats share: lines, references to characters, and the spans that styled text becomes.

use std::borrow::Cow;
use std::sync::Arc;

use kinora_media::Time;

use crate::{Effects, Ruby, Span, Style};

/// Spans of one cue; what comes after them is left out.
const MAX_SPANS: usize = 2_000;
/// Bytes of text of one cue; what comes after them is left out.
const MAX_TEXT: usize = 64 << 10;

/// Lines that end with LF, CR, or both.
#[derive(Clone)]
pub(crate) struct Lines<'a> {
    rest: Option<&'a str>,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }

    /// All that was not read yet.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest.unwrap_or_default()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let Some(end) = memchr::memchr2(b'\n', b'\r', text.as_bytes()) else {
            self.rest = None;
            return Some(text).filter(|text| !text.is_empty());
        };
        let (line, rest) = text.split_at_checked(end)?;
        let ending = if rest.starts_with("\r\n") { 2 } else { 1 };
        self.rest = rest.get(ending..);
        Some(line)
    }
}

/// A number of digits only, none of them a sign; too large a number is the largest.
pub(crate) fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(i64::MAX))
}

/// So many nanoseconds as decimals of a second say: `5` is half of one.
fn nanos(decimals: &str) -> Option<i64> {
    let mut nanos = 0_i64;
    let mut unit = 1_000_000_000_i64;
    for byte in decimals.bytes() {
        unit /= 10;
        let digit = i64::from(char::from(byte).to_digit(10)?);
        nanos = nanos.saturating_add(digit.saturating_mul(unit));
    }
    Some(nanos)
}

/// So many hours, minutes and seconds, and decimals of a second.
pub(crate) fn clock(hours: i64, minutes: i64, seconds: i64, decimals: &str) -> Option<Time> {
    let minutes = hours.saturating_mul(60).saturating_add(minutes);
    let seconds = minutes.saturating_mul(60).saturating_add(seconds);
    let whole = seconds.saturating_mul(1_000_000_000);
    Some(Time::from_nanos(whole.saturating_add(nanos(decimals)?)))
}

/// Replaces references to characters (`&amp;`, `&#x20;`): the names are those that captions use.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let read = reference(behind);
        match read {
            Some((letter, after)) => {
                out.push(letter);
                rest = after;
            }
            None => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The longest name of a reference.
const MAX_REFERENCE: usize = 10;

fn reference(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(MAX_REFERENCE).position(|b| b == b';')?;
    let name = text.get(..end)?;
    let after = text.get(end.saturating_add(1)..)?;
    Some((character(name)?, after))
}

/// The character of a reference: `amp`, `#38`, `#x26`.
pub(crate) fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().filter(|code| *code > 0).and_then(char::from_u32);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        "hellip" => '\u{2026}',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "copy" => '\u{a9}',
        "ensp" => '\u{2002}',
        "emsp" => '\u{2003}',
        "thinsp" => '\u{2009}',
        "shy" => '\u{ad}',
        _ => return None,
    })
}

/// How the text that follows is marked.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) style: Arc<Style>,
    pub(crate) voice: Option<Arc<str>>,
    pub(crate) language: Option<Arc<str>>,
    pub(crate) ruby: Ruby,
    pub(crate) from: Option<Time>,
    pub(crate) effects: Option<Arc<Effects>>,
}

impl Mark {
    /// The same with another style; styles that are equal stay one.
    pub(crate) fn restyle(&mut self, change: impl FnOnce(&mut Style)) {
        let mut style = (*self.style).clone();
        change(&mut style);
        if style != *self.style {
            self.style = Arc::new(style);
        }
    }

    fn is_of(&self, span: &Span) -> bool {
        (Arc::ptr_eq(&self.style, &span.style) || self.style == span.style)
            && self.voice == span.voice
            && self.language == span.language
            && self.ruby == span.ruby
            && self.from == span.from
            && self.effects == span.effects
    }
}

/// Gathers the spans of a cue: text of one mark in one span, blanks at the ends of lines and of the whole taken away.
#[derive(Default)]
pub(crate) struct Spans {
    spans: Vec<Span>,
    length: usize,
    is_full: bool,
}

impl Spans {
    pub(crate) fn push(&mut self, text: &str, mark: &Mark) {
        if text.is_empty() || self.is_full {
            return;
        }
        self.length = self.length.saturating_add(text.len());
        if self.length > MAX_TEXT {
            self.is_full = true;
            return;
        }
        let has_room = self.spans.len() < MAX_SPANS;
        match self.spans.last_mut() {
            Some(last) if mark.is_of(last) => last.text.push_str(text),
            _ if !has_room => self.is_full = true,
            _ => self.spans.push(Span {
                text: text.to_owned(),
                style: Arc::clone(&mark.style),
                voice: mark.voice.clone(),
                language: mark.language.clone(),
                ruby: mark.ruby,
                from: mark.from,
                effects: mark.effects.clone(),
            }),
        }
    }

    /// Nothing more is taken.
    pub(crate) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether a blank comes last.
    pub(crate) fn ends_with_blank(&self) -> bool {
        let last = self.spans.last();
        last.is_some_and(|last| last.text.ends_with(is_blank))
    }

    /// All that was gathered, without the white space around it. Nothing but white space is nothing.
    pub(crate) fn finish(mut self) -> Vec<Span> {
        while let Some(last) = self.spans.last_mut() {
            last.text
                .truncate(last.text.trim_end_matches(is_blank).len());
            if !last.text.is_empty() {
                break;
            }
            self.spans.pop();
        }
        let empty = |span: &Span| span.text.trim_start_matches(is_blank).is_empty();
        let blank = self.spans.iter().take_while(|span| empty(span)).count();
        self.spans.drain(..blank);
        if let Some(first) = self.spans.first_mut() {
            first.text = first.text.trim_start_matches(is_blank).to_owned();
        }
        // Most cues are one span, for which a vector keeps room for four.
        self.spans.shrink_to_fit();
        self.spans
    }
}

/// White space that is no-break stays: it was put there on purpose.
pub(crate) fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_three_ways() {
        let lines: Vec<_> = Lines::new("a\r\nb\n\nc\rd").collect();
        assert_eq!(lines, ["a", "b", "", "c", "d"]);
        assert_eq!(Lines::new("a\n").count(), 1);
        assert_eq!(Lines::new("").count(), 0);
    }

    #[test]
    fn references_are_replaced_and_others_left() {
        assert_eq!(unescape("a &lt;b&gt; &amp;c"), "a <b> &c");
        assert_eq!(unescape("&#65;&#x42;&nbsp;"), "AB\u{a0}");
        assert_eq!(unescape("R&D &unknown; &#0; &"), "R&D &unknown; &#0; &");
        assert_eq!(unescape("&äöü;&"), "&äöü;&");
    }

    #[test]
    fn spans_lose_the_white_space_around_them() {
        let mut spans = Spans::default();
        let mut bold = Mark::default();
        bold.restyle(|style| style.bold = true);
        spans.push(" \n", &bold);
        spans.push(" a ", &Mark::default());
        spans.push("b", &Mark::default());
        spans.push("\n ", &bold);
        let spans = spans.finish();
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].text, "a b");
    }

    #[test]
    fn a_cue_has_its_bounds() {
        let mut spans = Spans::default();
        for at in 0..MAX_SPANS as i64 + 5 {
            let mark = Mark {
                from: Some(Time::from_millis(at)),
                ..Mark::default()
            };
            spans.push("x", &mark);
        }
        spans.push(&"x".repeat(MAX_TEXT), &Mark::default());
        assert_eq!(spans.finish().len(), MAX_SPANS);
    }
}
