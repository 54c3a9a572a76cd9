use super::*;
use crate::{Align, Anchor, Color, FontSize, Ruby};

const HEAD: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xml:lang="en" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:cellResolution="40 20" ttp:frameRate="25">
<head><metadata><ttm:title xmlns:ttm="x">A film</ttm:title></metadata>
<styling><style xml:id="base" tts:color="yellow" tts:fontSize="2c"/><style xml:id="loud" style="base" tts:fontWeight="bold"/></styling>
<layout><region xml:id="top" tts:origin="10% 5%" tts:extent="80% 20%" tts:displayAlign="after"><style tts:textAlign="center"/></region></layout></head>"##;

fn read(body: &str) -> Document {
    parse(
        &format!("{HEAD}<body>{body}</body></tt>"),
        &Limits::default(),
    )
    .unwrap()
}

fn told(document: &Document) -> Vec<(i64, i64, String)> {
    let cues = document.cues.iter();
    cues.map(|cue| (cue.start.as_millis(), cue.end.as_millis(), cue.text()))
        .collect()
}

#[test]
fn paragraphs_are_cues_with_styles_and_regions() {
    let document = read(
        r##"<div region="top"><p xml:id="one" begin="1s" end="00:00:02:05" style="loud">Hello <span tts:color="#ff000080" tts:fontStyle="italic">red</span><br/>  bye &amp; &#233;</p></div>"##,
    );
    assert_eq!(
        told(&document),
        [(1000, 2200, "Hello red\nbye & é".to_owned())]
    );
    assert_eq!(document.title.as_deref(), Some("A film"));
    assert_eq!(document.language.as_deref(), Some("en"));
    let cue = &document.cues[0];
    assert_eq!(cue.id.as_deref(), Some("one"));
    let style = &cue.spans[0].style;
    assert!(style.bold);
    assert_eq!(
        (style.color, style.size),
        (Some(Color::rgb(255, 255, 0)), Some(FontSize::Share(0.1)))
    );
    let red = &cue.spans[1].style;
    assert!(red.bold && red.italic);
    assert_eq!(red.color, Some(Color::rgb(255, 0, 0).with_alpha(128)));
    let region = cue.layout.region.as_ref().unwrap();
    assert_eq!(
        (region.viewport_anchor, region.width, region.height),
        ((0.1, 0.05), 0.8, Some(0.2))
    );
    assert_eq!(
        (cue.layout.line_anchor, cue.layout.align),
        (Anchor::End, Align::Center)
    );
}

#[test]
fn times_count_from_the_parent_and_end_with_it() {
    let document = read(
        r#"<div begin="10s" end="20s"><p begin="1s" dur="2s">a</p><p begin="8s" end="15s">b</p></div><div timeContainer="seq"><p dur="1s">c</p><p dur="2s">d</p></div>"#,
    );
    assert_eq!(
        told(&document),
        [
            (11_000, 13_000, "a".to_owned()),
            (18_000, 20_000, "b".to_owned()),
            (0, 1_000, "c".to_owned()),
            (1_000, 3_000, "d".to_owned())
        ]
    );
}

#[test]
fn spans_with_times_cut_their_paragraph() {
    let document = read(
        r#"<p begin="1s" end="4s"><span begin="0s" end="2s">one</span><br/><span begin="1s">two</span></p>"#,
    );
    assert_eq!(
        told(&document),
        [
            (1_000, 2_000, "one".to_owned()),
            (2_000, 3_000, "one\ntwo".to_owned()),
            (3_000, 4_000, "two".to_owned())
        ]
    );
}

#[test]
fn white_space_is_collapsed_unless_it_is_to_be_kept() {
    let document = read(
        "<p end=\"1s\">\n  a\n  <span> b</span> \n</p><p end=\"1s\" xml:space=\"preserve\">a  b\nc</p>",
    );
    assert_eq!(document.cues[0].text(), "a b");
    assert_eq!(document.cues[1].text(), "a  b\nc");
}

#[test]
fn what_is_hidden_metadata_or_ruby_is_told_apart() {
    let document = read(
        r#"<p end="1s"><metadata>no</metadata>x<span tts:visibility="hidden">no</span><span tts:ruby="container"><span tts:ruby="base">漢</span><span tts:ruby="text">かん</span></span></p><p end="1s" tts:display="none">no</p>"#,
    );
    assert_eq!(document.cues.len(), 1);
    let spans = &document.cues[0].spans;
    assert_eq!(document.cues[0].text(), "x漢");
    assert_eq!((spans[1].ruby, spans[2].ruby), (Ruby::Base, Ruby::Text));
}

#[test]
fn broken_xml_costs_what_follows() {
    let text = format!("{HEAD}<body><p end=\"1s\">good</p><p end=\"2s\" <broken");
    let document = parse(&text, &Limits::default()).unwrap();
    assert_eq!((document.cues.len(), document.damaged), (1, 1));
    for bad in ["<html><p>x</p></html>", "<tt <", "no xml at all", ""] {
        assert_eq!(
            parse(bad, &Limits::default()),
            Err(SubtitleError::NotTtml),
            "{bad}"
        );
    }
    assert!(is_ttml(
        "<?xml version='1.0'?><!-- x --><tt:tt xmlns:tt='x'>"
    ));
    assert!(!is_ttml("<html>"));
}

#[test]
fn entities_are_never_expanded() {
    let text = "<!DOCTYPE tt [<!ENTITY a \"&b;&b;\"><!ENTITY b \"&a;\">]><tt><body><p end=\"1s\">x&a;y</p></body></tt>";
    let document = parse(text, &Limits::default()).unwrap();
    assert_eq!(document.cues[0].text(), "xy");
}

#[test]
fn deep_nesting_is_passed_over() {
    let text = format!(
        "<tt><body>{}<p end=\"1s\">deep</p>{}<p end=\"1s\">flat</p></body></tt>",
        "<div>".repeat(1_000),
        "</div>".repeat(1_000)
    );
    let document = parse(&text, &Limits::default()).unwrap();
    assert_eq!(told(&document), [(0, 1_000, "flat".to_owned())]);
}
