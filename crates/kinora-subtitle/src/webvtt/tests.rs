use super::*;
use crate::{Align, Anchor, Color, FontSize, LinePosition, Ruby, Vertical};

fn read(text: &str) -> Document {
    parse(text, &Limits::default()).unwrap()
}

fn one(settings: &str, text: &str) -> Cue {
    let document = read(&format!(
        "WEBVTT\n\n00:01.000 --> 00:02.000 {settings}\n{text}\n"
    ));
    assert_eq!(document.damaged, 0);
    document.cues.into_iter().next().unwrap()
}

#[test]
fn the_signature_is_needed() {
    assert_eq!(
        parse("WEBVTTX\n", &Limits::default()),
        Err(SubtitleError::NotWebVtt)
    );
    assert_eq!(parse("", &Limits::default()), Err(SubtitleError::NotWebVtt));
    for good in [
        "WEBVTT",
        "\u{feff}WEBVTT - title\n",
        "WEBVTT\tx",
        "WEBVTT\r\n\r\n",
    ] {
        assert_eq!(read(good).cues, []);
    }
}

#[test]
fn blocks_are_cues_comments_styles_and_regions() {
    let document = read(
        "WEBVTT\n\nNOTE\na --> comment ends where an arrow is\n\nSTYLE\n::cue(.a){color:red}\n\nREGION\nid:r\nwidth:40%\nlines:2\nregionanchor:0%,100%\nviewportanchor:10%,90%\nscroll:up\n\nname\n00:01.000 --> 00:02.000 region:r\n<c.a>x</c>\n00:03.000 --> 00:04.000\nno blank before\n\nlost text\n",
    );
    let [first, second] = &document.cues[..] else {
        panic!("{:?}", document.cues)
    };
    assert_eq!(first.id.as_deref(), Some("name"));
    assert_eq!(first.spans[0].style.color, Some(Color::rgb(255, 0, 0)));
    let region = first.layout.region.as_ref().unwrap();
    assert_eq!((region.width, region.lines, region.scroll), (0.4, 2, true));
    assert_eq!(region.viewport_anchor, (0.1, 0.9));
    assert_eq!(second.text(), "no blank before");
    // The comment's arrow, and the lost text.
    assert_eq!(document.damaged, 2);
}

#[test]
fn settings_say_where_a_cue_stands() {
    let layout = one(
        "line:10%,end position:25%,line-right size:50% align:left vertical:rl",
        "x",
    )
    .layout;
    assert_eq!(
        (layout.line, layout.line_anchor),
        (LinePosition::Fraction(0.1), Anchor::End)
    );
    assert_eq!((layout.x(), layout.x_anchor()), (0.25, Anchor::End));
    assert_eq!((layout.size, layout.align), (Some(0.5), Align::Left));
    assert_eq!(layout.vertical, Some(Vertical::RightToLeft));
    let layout = one("line:-1 size:120% position:x% align:nowhere line:5.x", "x").layout;
    assert_eq!(
        (layout.line, layout.line_anchor),
        (LinePosition::Number(-1.0), Anchor::Start)
    );
    assert_eq!(
        (layout.size, layout.x(), layout.x_anchor()),
        (None, 0.5, Anchor::Middle)
    );
    assert_eq!(one("", "x").layout.line_anchor, Anchor::End);
}

#[test]
fn text_has_nodes_voices_languages_ruby_and_times() {
    let cue = one(
        "",
        "<v.loud Ann>a<b>b</i></b></v> <lang zh>你<ruby>好<rt>hǎo</rt></ruby></lang> <00:01.500>c &amp; <x>d <u>e",
    );
    assert_eq!(cue.text(), "ab 你好 c & d e");
    let span = |text: &str| cue.spans.iter().find(|span| span.text == text).unwrap();
    assert_eq!(span("a").voice.as_deref(), Some("Ann"));
    assert!(span("b").style.bold && !span("a").style.bold);
    assert_eq!(span("你").language.as_deref(), Some("zh"));
    assert_eq!(
        (span("好").ruby, span("hǎo").ruby),
        (Ruby::Base, Ruby::Text)
    );
    assert_eq!(span("c & d ").from, Some(Time::from_millis(1500)));
    assert!(span("e").style.underline);
}

#[test]
fn style_sheets_weigh_ids_classes_and_names() {
    let document = read(
        "WEBVTT\n\nSTYLE\n/* } */ ::cue { color: white; font-size: 80% }\n::cue(b) { color: #00f; font-family: \"Noto Sans\", serif }\n::cue(b.x), ::cue(v[voice=\"Ann\"]) { color: lime; font-style: italic; text-decoration: underline }\n::cue(#two) { background-color: rgba(0,0,0,.5) }\n::cue(b > i) { color: red }\nvideo::cue { color: red }\n\n1\n00:01.000 --> 00:02.000\n<b>one</b> <b.x>two</b> <v Ann>three</v> four\n\ntwo\n00:01.000 --> 00:02.000\nfive\n",
    );
    let cue = &document.cues[0];
    let colors: Vec<_> = cue
        .spans
        .iter()
        .filter(|s| s.text != " ")
        .map(|s| s.style.color.unwrap())
        .collect();
    let (blue, lime) = (Color::rgb(0, 0, 255), Color::rgb(0, 255, 0));
    assert_eq!(colors, [blue, lime, lime, Color::WHITE]);
    assert_eq!(cue.spans[0].style.font.as_deref(), Some("Noto Sans"));
    assert_eq!(cue.spans[0].style.size, Some(FontSize::Percent(80.0)));
    assert!(cue.spans[2].style.italic && cue.spans[2].style.underline);
    let background = document.cues[1].spans[0].style.background;
    assert_eq!(background, Some(Color::BLACK.with_alpha(128)));
    assert_eq!(cue.spans[0].style.background, None);
    // Two selectors that are not obeyed.
    assert_eq!(document.damaged, 2);
}

#[test]
fn a_segment_s_times_lie_on_the_clock_of_its_stream() {
    let mut document = read(
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:10.000\n\n00:12.000 --> 00:13.000\n<00:12.500>x\n",
    );
    // 900,000 ticks are 10 s; the timeline begins at 5 s of the clock.
    document.place(450_000, Time::ZERO);
    let cue = &document.cues[0];
    assert_eq!((cue.start.as_millis(), cue.end.as_millis()), (7_000, 8_000));
    assert_eq!(cue.spans[0].from, Some(Time::from_millis(7_500)));
    // After 26.5 hours the clock wraps; the segment's place on the timeline tells how often.
    let map = TimestampMap {
        local: Time::ZERO,
        mpegts: 10,
    };
    let near = wrap();
    assert!((map.place(Time::ZERO, 0, near) - near).abs() < Time::from_millis(1_000));
    assert_eq!(TimestampMap::parse("=LOCAL:x,MPEGTS:1"), None);
    assert_eq!(TimestampMap::parse("=LOCAL:00:00.000"), None);
}

/// How long 2^33 ticks of 90 kHz are.
fn wrap() -> Time {
    kinora_media::Timebase::MPEG.to_time(1 << 33)
}

#[test]
fn bad_times_cost_their_cue_only() {
    let document = read(
        "WEBVTT\n\n00:61.000 --> 01:00.000\na\n\n00:01.00 --> 00:02.000\nb\n\n00:05.000 --> 00:04.000\nc\n\n00:06.000-->00:07.000\nd\n\n00:08.000 --> 00:09.000\n\n",
    );
    assert_eq!(document.cues.len(), 1);
    assert_eq!(document.cues[0].text(), "d");
    assert_eq!(document.damaged, 3);
}

#[test]
fn samples_of_mp4_hold_cues_in_boxes() {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, body].concat()
    };
    let context = Context::header("WEBVTT\n\nSTYLE\n::cue{color:red}\n");
    let times = (Time::from_millis(1), Time::from_millis(2));
    let cue = [
        boxed(b"iden", b"one"),
        boxed(b"sttg", b"line:0"),
        boxed(b"payl", b"<b>x</b>"),
    ]
    .concat();
    let two = [
        boxed(b"vttc", &cue),
        boxed(b"vtta", b"note"),
        boxed(b"vttc", &boxed(b"payl", b"y")),
    ]
    .concat();
    let cues = context.sample(&two, times);
    assert_eq!(cues.len(), 2);
    assert_eq!(cues[0].id.as_deref(), Some("one"));
    assert_eq!(cues[0].layout.line, LinePosition::Number(0.0));
    assert_eq!(cues[0].spans[0].style.color, Some(Color::rgb(255, 0, 0)));
    assert_eq!(cues[1].text(), "y");
    assert_eq!(context.sample(&boxed(b"vtte", b""), times), []);
    assert_eq!(context.sample(&two[..two.len() - 1], times).len(), 1);
    let cue = context.block("id\nalign:left\nhello\nyou", true, times);
    assert_eq!(
        (cue.text().as_str(), cue.layout.align),
        ("hello\nyou", Align::Left)
    );
}
