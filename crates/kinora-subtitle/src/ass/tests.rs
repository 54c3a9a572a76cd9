use super::*;
use crate::{Align, Anchor, Color, FontSize, LinePosition};

const HEADER: &str = "[Script Info]\nTitle: A film\nPlayResX: 200\nPlayResY: 100\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Alignment, MarginL, MarginR, MarginV\nStyle: Default,Serif,10,&H0000FFFF,&H80000000,&H00112233,0,1,2,2,20,10,5\nStyle: Sign,Sans,20,&H000000FF,&H00000000,&H0,-1,3,0,8,0,0,0\n\n[Events]\n";
const FORMAT: &str =
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";

fn read(events: &str) -> Document {
    parse(&format!("{HEADER}{FORMAT}{events}"), &Limits::default()).unwrap()
}

fn one(text: &str) -> Cue {
    let document = read(&format!(
        "Dialogue: 3,0:00:01.00,0:00:02.50,Default,,0,0,0,,{text}\n"
    ));
    assert_eq!(document.damaged, 0);
    document.cues.into_iter().next().unwrap()
}

#[test]
fn an_event_has_times_layer_style_and_place() {
    let cue = one("Hello, {\\i1}world{\\i0}!\\Nbye");
    assert_eq!(cue.text(), "Hello, world!\nbye");
    assert_eq!(
        (cue.start.as_millis(), cue.end.as_millis(), cue.layer),
        (1000, 2500, 3)
    );
    let style = &cue.spans[0].style;
    assert_eq!(style.color, Some(Color::rgb(255, 255, 0)));
    assert_eq!(style.outline_color, Some(Color::BLACK.with_alpha(127)));
    assert_eq!(style.shadow_color, Some(Color::rgb(0x33, 0x22, 0x11)));
    assert_eq!(style.font.as_deref(), Some("Serif"));
    assert_eq!(style.size, Some(FontSize::Share(0.1)));
    assert_eq!(style.outline, Some(0.02));
    assert!(!style.italic && cue.spans[1].style.italic && !cue.spans[2].style.italic);
    let layout = &cue.layout;
    assert_eq!(
        (layout.line, layout.line_anchor),
        (LinePosition::Auto, Anchor::End)
    );
    assert_eq!(
        (layout.x(), layout.x_anchor(), layout.align),
        (0.5, Anchor::Middle, Align::Center)
    );
    assert_eq!(layout.margins, Some([0.1, 0.05, 0.05]));
}

#[test]
fn overrides_change_place_and_style() {
    let cue = one(
        "{\\an7\\an3\\pos(50,25)\\c&H0000FF&\\alpha&H80&\\fs20\\fnMono\\b700\\t(0,100,\\fs80\\c&HFFFFFF&)}x{\\r}y{\\rSign}z",
    );
    let layout = &cue.layout;
    assert_eq!(
        (layout.position, layout.line),
        (Some(0.25), LinePosition::Fraction(0.25))
    );
    assert_eq!(
        (layout.line_anchor, layout.x_anchor()),
        (Anchor::Start, Anchor::Start)
    );
    let [x, y, z] = &cue.spans[..] else {
        panic!("{:?}", cue.spans)
    };
    assert_eq!(x.style.color, Some(Color::rgb(255, 0, 0).with_alpha(127)));
    assert_eq!(x.style.size, Some(FontSize::Share(0.2)));
    assert_eq!(x.style.font.as_deref(), Some("Mono"));
    assert!(x.style.bold && !y.style.bold && z.style.bold);
    assert_eq!(y.style.font.as_deref(), Some("Serif"));
    assert_eq!(z.style.background, Some(Color::BLACK));
}

#[test]
fn drawings_comments_and_hard_blanks() {
    assert_eq!(
        one("{\\p1}m 0 0 l 1 1{\\p0}text{a comment}\\hend").text(),
        "text\u{a0}end"
    );
    assert_eq!(one("open { brace").text(), "open { brace");
    assert_eq!(one("{\\unknown\\}x").text(), "x");
    assert_eq!(one("{\\pos(}x").layout.position, None);
}

#[test]
fn ssa_has_its_own_alignment_and_marked_in_place_of_a_layer() {
    let text = "[Script Info]\n[V4 Styles]\nFormat: Name, Alignment, BackColour\nStyle: *Default,6,255\n[Events]\nFormat: Marked, Start, End, Style, Text\nDialogue: Marked=0,0:00:01.00,0:00:02.00,*Default,Top\n";
    let document = parse(text, &Limits::default()).unwrap();
    let cue = &document.cues[0];
    assert_eq!((cue.layer, cue.layout.line_anchor), (0, Anchor::Start));
    assert_eq!(cue.layout.x_anchor(), Anchor::Middle);
    assert_eq!(
        cue.spans[0].style.outline_color,
        Some(Color::rgb(255, 0, 0))
    );
}

#[test]
fn bad_events_are_damage_and_comments_are_not() {
    let document = read(
        "Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,no\nDialogue: 0,bad,0:00:02.00,Default,,0,0,0,,no\nDialogue: 0,0:00:02.00,0:00:02.00,Default,,0,0,0,,no\nDialogue: few,fields\nDialogue: 0,0:00:02.00,0:00:03:50,Nameless,,0,0,0,,yes\n",
    );
    assert_eq!(document.cues.len(), 1);
    assert_eq!(document.cues[0].text(), "yes");
    assert_eq!(document.cues[0].end.as_millis(), 3500);
    assert_eq!(document.damaged, 3);
    assert_eq!(document.title.as_deref(), Some("A film"));
}

#[test]
fn events_of_packets_have_matroska_s_fields() {
    let script = Script::header(HEADER);
    let (start, end) = (Time::from_millis(5), Time::from_millis(9));
    let cue = script
        .packet("7,1,Sign,,0,0,0,,Hi, there", start, end)
        .unwrap();
    assert_eq!((cue.text().as_str(), cue.layer), ("Hi, there", 1));
    assert!(cue.spans[0].style.bold);
    assert_eq!(script.packet("7,1", start, end), None);
}
