//! Cues as lines of a terminal.

use kinora_subtitle::{Anchor, Cue, LinePosition};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::ShownCues;

/// A cue's text.
pub(super) struct Subtitle {
    lines: Vec<String>,
    /// It stands in the upper half of the picture.
    is_above: bool,
}

/// What is shown, without what would steer the terminal.
pub(super) fn subtitles(cues: &ShownCues) -> Vec<Subtitle> {
    let subtitle = |cue: &Cue| Subtitle {
        lines: cue.text().lines().map(printable).collect(),
        is_above: is_above(cue),
    };
    let texts = cues.iter().map(|cue| subtitle(cue));
    // A script's shapes have no text.
    texts.filter(|text| !text.lines.is_empty()).collect()
}

fn printable(line: &str) -> String {
    let letters = line.chars().filter(|letter| !letter.is_control());
    letters.collect::<String>().trim().to_owned()
}

fn is_above(cue: &Cue) -> bool {
    match cue.layout.line {
        LinePosition::Auto => cue.layout.line_anchor == Anchor::Start,
        LinePosition::Number(line) => (0.0..8.0).contains(&line),
        LinePosition::Fraction(line) => line < 0.5,
    }
}

/// The lines with their rows and columns: centred, from the top down those that stand there, all others from the bottom up; as
/// far as there is room.
pub(super) fn placed(subtitles: &[Subtitle], columns: u16, rows: u16) -> Vec<(u16, u16, String)> {
    let lines = |above: bool| {
        let some = subtitles.iter().filter(move |it| it.is_above == above);
        let lines = some
            .flat_map(|it| &it.lines)
            .flat_map(|line| wrapped(line, columns));
        lines.collect::<Vec<_>>()
    };
    let (above, below) = (lines(true), lines(false));
    // Where there are more than rows, the last ones are seen.
    let first = rows.saturating_sub(u16::try_from(below.len()).unwrap_or(rows));
    let below = below.iter().skip(below.len().saturating_sub(rows.into()));
    let rows_below = (first..rows).zip(below);
    let rows_above = (0..first).zip(&above);
    let column = |line: &str| {
        let width = u16::try_from(line.width()).unwrap_or(columns);
        columns.saturating_sub(width) / 2
    };
    let placed = rows_above.chain(rows_below);
    placed
        .map(|(row, line)| (row, column(line), line.clone()))
        .collect()
}

/// Broken where it is wider than the terminal: at a blank, or anywhere where there is none.
fn wrapped(line: &str, columns: u16) -> Vec<String> {
    let room = usize::from(columns.max(2));
    let (mut lines, mut rest) = (Vec::new(), line);
    while rest.width() > room {
        let mut width = 0;
        let wide = rest.char_indices().find(|(_, letter)| {
            width += letter.width().unwrap_or(0);
            width > room
        });
        let end = wide.map_or(rest.len(), |(at, _)| at);
        let (head, _) = rest.split_at(end);
        let end = head.rfind(' ').filter(|at| *at > 0).unwrap_or(end);
        let (head, tail) = rest.split_at(end);
        lines.push(head.trim_end().to_owned());
        rest = tail.trim_start();
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use kinora_subtitle::{Layout, Span};

    use super::*;

    fn cue(text: &str, line_anchor: Anchor) -> std::sync::Arc<Cue> {
        let span = Span {
            text: text.to_owned(),
            ..Span::default()
        };
        Cue {
            spans: vec![span],
            layout: Layout {
                line_anchor,
                ..Layout::default()
            },
            ..Cue::default()
        }
        .into()
    }

    #[test]
    fn lines_are_centred_above_and_below_and_steer_nothing() {
        let cues = [
            cue("字幕\nend", Anchor::End),
            cue("\x1b[2J\u{9b}1m top", Anchor::Start),
        ];
        let placed = placed(&subtitles(&cues.into()), 20, 6);
        let line = |row, column, text: &str| (row, column, text.to_owned());
        let expected = [
            line(0, 5, "[2J1m top"),
            line(4, 8, "字幕"),
            line(5, 8, "end"),
        ];
        assert_eq!(placed, expected);
    }

    #[test]
    fn long_lines_are_broken_and_too_many_lose_the_first() {
        let cues = [cue("one two three 中文字幕", Anchor::End)];
        let subtitles = subtitles(&cues.into());
        let texts = |columns, rows| {
            let placed = placed(&subtitles, columns, rows);
            placed
                .into_iter()
                .map(|(.., text)| text)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(8, 9), ["one two", "three", "中文字幕"]);
        assert_eq!(texts(5, 9), ["one", "two", "three", "中文", "字幕"]);
        assert_eq!(texts(5, 2), ["中文", "字幕"]);
    }
}
