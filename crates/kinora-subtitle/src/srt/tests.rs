use super::*;
use crate::{Anchor, LinePosition};

fn read(text: &str) -> Document {
    parse(text, &Limits::default()).unwrap()
}

fn millis(document: &Document) -> Vec<(i64, i64, String)> {
    let cues = document.cues.iter();
    cues.map(|cue| (cue.start.as_millis(), cue.end.as_millis(), cue.text()))
        .collect()
}

fn cue(start: i64, end: i64, text: &str) -> (i64, i64, String) {
    (start, end, text.to_owned())
}

#[test]
fn cues_have_times_numbers_and_lines() {
    let document = read(
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nOne\r\nTwo\r\n\r\n2\r\n00:00:03.000-->00:00:04.000 X1:10 X2:20 Y1:1 Y2:2\r\nThree",
    );
    assert_eq!(
        millis(&document),
        [cue(1000, 2500, "One\nTwo"), cue(3000, 4000, "Three")]
    );
    assert_eq!(document.cues[1].id.as_deref(), Some("2"));
    assert_eq!(document.damaged, 0);
}

#[test]
fn numbers_and_empty_lines_may_be_missing() {
    let document = read(
        "00:01,000 --> 00:02,000\nOne\n7\n00:00:03 --> 00:00:04\nTwo\n00:00:05,5 --> 00:00:06,25\nThree",
    );
    assert_eq!(
        millis(&document),
        [
            cue(1000, 2000, "One"),
            cue(3000, 4000, "Two"),
            cue(5500, 6250, "Three")
        ]
    );
}

#[test]
fn an_empty_line_within_a_cue_is_kept_and_a_cue_without_times_is_not() {
    let document = read(
        "1\n00:00:01,000 --> 00:00:02,000\nOne\n\nstill one\n\n2\nno times\n\n3\n00:00:03,000 --> 00:00:04,000\nThree\n",
    );
    assert_eq!(
        millis(&document),
        [
            cue(1000, 2000, "One\n\nstill one"),
            cue(3000, 4000, "Three")
        ]
    );
    assert_eq!(document.damaged, 1);
}

#[test]
fn unreadable_times_and_cues_that_end_before_they_begin_are_damage() {
    let document = read(
        "1\n00:00:0x,000 --> 00:00:02,000\nbad\n\n2\n00:00:03,000 --> 00:00:02,000\nbackwards\n\n3\n00:00:04,000 -->\nhalf\n\n4\n-00:00:01,000 --> 00:00:05,000\ngood\n",
    );
    assert_eq!(millis(&document), [cue(0, 5000, "good")]);
    // Text without times counts with its times.
    assert!(document.damaged >= 3);
}

#[test]
fn arrows_in_text_are_text() {
    let document = read("1\n00:00:01,000 --> 00:00:02,000\nfrom a --> to b\n");
    assert_eq!(millis(&document), [cue(1000, 2000, "from a --> to b")]);
}

#[test]
fn html_and_ass_tags_become_styles() {
    let (spans, layout) = markup(
        "{\\an8}<i>a<b>b</i>c <font color=\"#ff0000\" face='Arial' size=5>d</font> 1 < 2 &amp; <3>{ \\an2}",
    );
    let styles: Vec<_> = spans
        .iter()
        .map(|span| (span.text.as_str(), span.style.italic, span.style.bold))
        .collect();
    assert_eq!(
        styles,
        [
            ("a", true, false),
            ("b", true, true),
            ("c ", false, false),
            ("d", false, false),
            (" 1 < 2 & <3>{ \\an2}", false, false)
        ]
    );
    assert_eq!(spans[3].style.color, Some(Color::rgb(255, 0, 0)));
    assert_eq!(spans[3].style.font.as_deref(), Some("Arial"));
    assert_eq!(spans[3].style.size, Some(FontSize::Em(1.5)));
    assert_eq!(layout.line_anchor, Anchor::Start);
    assert_eq!(layout.line, LinePosition::Auto);
}

#[test]
fn more_cues_than_allowed_are_refused() {
    let text = "00:00:01,000 --> 00:00:02,000\nx\n\n".repeat(3);
    let limits = Limits {
        cues: 2,
        ..Limits::default()
    };
    assert_eq!(parse(&text, &limits), Err(SubtitleError::TooMany("cues")));
}
