//! MicroDVD, `.sub`: lines that count frames. It has no standard; this reads what its programs write.

use kinora_media::Time;

use crate::text::{Lines, Mark, Spans, digits};
use crate::{Color, Cue, Document, Format, Layout, Limits, Span, Style, SubtitleError};

/// Frames a second where the file does not say: those of film on television, as other players assume.
const FRAME_RATE: f64 = 24_000.0 / 1_001.0;
/// A cue without an end is shown that long.
const UNKNOWN_DURATION: f64 = 5.0;

/// Whether a line begins with two numbers of frames.
pub(crate) fn is_event(line: &str) -> bool {
    event(line).is_some()
}

/// The frames of a line and its text.
fn event(line: &str) -> Option<(i64, Option<i64>, &str)> {
    let (start, rest) = line.trim_start().strip_prefix('{')?.split_once('}')?;
    let (end, text) = rest.strip_prefix('{')?.split_once('}')?;
    let end = match end {
        "" => None,
        end => Some(digits(end)?),
    };
    Some((digits(start)?, end, text))
}

/// Reads a file.
///
/// # Errors
/// When it has more cues than allowed.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Document, SubtitleError> {
    let mut document = Document::new(Format::MicroDvd);
    let mut rate = FRAME_RATE;
    let lines = Lines::new(text.trim_start_matches('\u{feff}'));
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let Some((start, end, text)) = event(line) else {
            document.damage();
            continue;
        };
        // The first frame's text is the number of frames a second.
        if document.cues.is_empty()
            && start <= 1
            && let Some(told) = frame_rate(text)
        {
            rate = told;
            continue;
        }
        #[allow(clippy::cast_precision_loss, reason = "frames of a film")]
        let seconds = |frames: i64| frames as f64 / rate;
        let start = seconds(start);
        let end = end.map_or(start + UNKNOWN_DURATION, seconds);
        document.add(Cue {
            start: Time::from_secs_f64(start),
            end: Time::from_secs_f64(end),
            spans: spans(text),
            layout: Layout::bottom(),
            ..Cue::default()
        });
        limits.check(&document)?;
    }
    Ok(document)
}

fn frame_rate(text: &str) -> Option<f64> {
    let rate: f64 = text.trim().replace(',', ".").parse().ok()?;
    (1.0..=1_000.0).contains(&rate).then_some(rate)
}

/// Lines end with a bar. Tags stand before a line: those with a small letter hold for it, those with a capital one for all that
/// follow.
fn spans(text: &str) -> Vec<Span> {
    let mut spans = Spans::default();
    let (mut all, mut own) = (Mark::default(), Mark::default());
    for (number, line) in text.split('|').enumerate() {
        if number > 0 {
            spans.push("\n", &own);
        }
        own = all.clone();
        let mut rest = line;
        while let Some((tag, text)) = tag(rest) {
            let is_for_all = tag.starts_with(|letter: char| letter.is_ascii_uppercase());
            own.restyle(|style| apply(tag, style));
            if is_for_all {
                all.restyle(|style| apply(tag, style));
            }
            rest = text;
        }
        // Some write a slash for italics.
        if let Some(text) = rest.strip_prefix('/') {
            own.restyle(|style| style.italic = true);
            rest = text;
        }
        spans.push(rest, &own);
    }
    spans.finish()
}

/// A tag before a line, `{y:i}`, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (tag, rest) = text.strip_prefix('{')?.split_once('}')?;
    tag.contains(':').then_some((tag, rest))
}

fn apply(tag: &str, style: &mut Style) {
    let Some((name, value)) = tag.split_once(':') else {
        return;
    };
    match name {
        "y" | "Y" => {
            for letter in value.split(',').map(str::trim) {
                match letter {
                    "b" => style.bold = true,
                    "i" => style.italic = true,
                    "u" => style.underline = true,
                    "s" => style.strike = true,
                    _ => {}
                }
            }
        }
        "c" | "C" => {
            let number = value.trim().trim_start_matches('$');
            if let Ok(number) = u32::from_str_radix(number, 16) {
                let [_, blue, green, red] = number.to_be_bytes();
                style.color = Some(Color::rgb(red, green, blue));
            }
        }
        "f" | "F" => style.font = Some(value.trim().into()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, parse as parse_any};

    fn read(text: &str) -> Document {
        parse_any(text.as_bytes(), &Options::default()).unwrap()
    }

    #[test]
    fn frames_become_times_by_the_rate_that_the_file_tells() {
        let document = read("{1}{1}25.000\n{25}{50}One|two\n{100}{}open\n\nno event\n");
        assert_eq!((document.format, document.damaged), (Format::MicroDvd, 1));
        let told: Vec<_> = document
            .cues
            .iter()
            .map(|cue| (cue.start.as_millis(), cue.end.as_millis(), cue.text()))
            .collect();
        assert_eq!(
            told,
            [
                (1_000, 2_000, "One\ntwo".to_owned()),
                (4_000, 9_000, "open".to_owned())
            ]
        );
        let document = read("{24}{48}{y:i}a");
        assert_eq!(document.cues[0].start.as_millis(), 1_001);
    }

    #[test]
    fn tags_hold_for_a_line_or_for_all_that_follow() {
        let cue = &read("{1}{9}{Y:b}{y:i}a|{c:$0000ff}b|/c{x}").cues[0];
        let [a, b, c] = &cue.spans[..] else {
            panic!("{:?}", cue.spans)
        };
        assert!(a.style.bold && a.style.italic && b.style.bold && !b.style.italic);
        assert_eq!(b.style.color, Some(Color::rgb(255, 0, 0)));
        assert!(c.style.italic && c.text.ends_with("c{x}"));
    }
}
