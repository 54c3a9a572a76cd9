use kinora_media::Time;
use kinora_subtitle::{
    Align, Anchor, Bitmap, FontSize, Layout, LinePosition, Ruby, Span, Style, Vertical,
};

use super::*;
use crate::test_font;

/// The picture: letters are 25 pixels high, of which the boxes take 17.5; 15 wide, those of Han 25.
const SIZE: (u32, u32) = (1_000, 500);

/// Draws at a time at which nothing changes.
trait Still {
    fn still(&mut self, cues: &[Arc<Cue>], size: (u32, u32)) -> Vec<Overlay>;
}

impl Still for CueRenderer {
    fn still(&mut self, cues: &[Arc<Cue>], size: (u32, u32)) -> Vec<Overlay> {
        self.render(&cues.into(), size, Time::ZERO);
        self.overlays().to_vec()
    }
}

fn renderer() -> CueRenderer {
    CueRenderer::new(Fonts::Files(vec![test_font::boxes().into()]))
}

fn plain() -> Style {
    // Without an outline that blurs where letters end.
    Style {
        outline: Some(0.0),
        ..Style::default()
    }
}

fn styled(text: &str, style: Style, layout: Layout) -> Arc<Cue> {
    let span = Span {
        text: text.to_owned(),
        style: Arc::new(style),
        ..Span::default()
    };
    Arc::new(Cue {
        start: Time::ZERO,
        end: Time::MAX,
        spans: vec![span],
        layout,
        ..Cue::default()
    })
}

fn cue(text: &str, layout: Layout) -> Arc<Cue> {
    styled(text, plain(), layout)
}

/// Left, top, right and bottom of the pixels that are nearer to that colour than to any that differs by half.
fn extent_of(overlay: &Overlay, color: [u8; 4]) -> Option<[u32; 4]> {
    let is_near = |pixel: &[u8; 4]| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 128);
    let pixels = overlay.rgba.as_chunks::<4>().0.iter().enumerate();
    let places = pixels
        .filter(|(_, pixel)| is_near(pixel))
        .map(|(place, _)| {
            let place = u32::try_from(place).unwrap();
            (
                overlay.x + place % overlay.width,
                overlay.y + place / overlay.width,
            )
        });
    places.fold(None, |extent, (x, y)| {
        let [left, top, right, bottom] = extent.unwrap_or([x, y, x + 1, y + 1]);
        Some([left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)])
    })
}

const WHITE: [u8; 4] = [255; 4];

fn white(overlay: &Overlay) -> [u32; 4] {
    extent_of(overlay, WHITE).expect("letters")
}

fn one(cue: Arc<Cue>) -> [u32; 4] {
    let drawn = renderer().still(&[cue], SIZE);
    let [overlay] = &drawn[..] else {
        panic!("{drawn:?}")
    };
    white(overlay)
}

#[test]
fn plain_text_stands_centred_at_the_bottom() {
    let [left, top, right, bottom] = one(cue("AB", Layout::bottom()));
    assert_eq!((left, right), (485, 515));
    assert!((17..=18).contains(&(bottom - top)), "{top} {bottom}");
    assert!(bottom > 450 && bottom < 480, "{bottom}");
}

#[test]
fn text_follows_the_picture_s_size_and_the_viewer_s_factor() {
    let cues = [cue("AB", Layout::bottom())];
    let width = |mut renderer: CueRenderer, size| {
        let [left, _, right, _] = white(&renderer.still(&cues, size)[0]);
        right - left
    };
    assert_eq!(width(renderer(), (2_000, 1_000)), 60);
    assert_eq!(width(renderer().with_scale(2.0), SIZE), 60);
    assert_eq!(width(renderer().with_scale(f32::NAN), SIZE), 30);
    assert_eq!(width(renderer().with_scale(1e9), SIZE), 120);
    // On an upright picture the width tells.
    assert_eq!(width(renderer(), (500, 1_000)), 30);
}

#[test]
fn long_lines_are_broken_and_later_cues_stand_above() {
    let long = cue(&"word ".repeat(20), Layout::bottom());
    let [left, top, right, bottom] = one(Arc::clone(&long));
    assert!(left >= 50 && right <= 950 && bottom - top > 40);
    let mut renderer = renderer();
    let drawn = renderer.still(&[long, cue("AB", Layout::bottom())], SIZE);
    let [below, above] = [&drawn[0], &drawn[1]].map(white);
    assert_eq!(below, [left, top, right, bottom]);
    assert!(above[3] <= below[1], "{above:?} {below:?}");
}

#[test]
fn a_script_s_places_are_obeyed() {
    let layout = |position, line, anchor| Layout {
        position: Some(position),
        position_anchor: Some(anchor),
        line: LinePosition::Fraction(line),
        line_anchor: anchor,
        align: match anchor {
            Anchor::Start => Align::Left,
            Anchor::Middle => Align::Center,
            Anchor::End => Align::Right,
        },
        margins: Some([0.02, 0.02, 0.02]),
        ..Layout::default()
    };
    let style = || Style {
        size: Some(FontSize::Share(0.1)),
        ..plain()
    };
    let place = |layout| one(styled("AB", style(), layout));
    let [left, top, ..] = place(layout(0.25, 0.5, Anchor::Start));
    assert_eq!(left, 250);
    assert!((250..270).contains(&top), "{top}");
    let [left, _, right, _] = place(layout(0.5, 0.5, Anchor::Middle));
    assert!((left + right).abs_diff(1_000) <= 1, "{left} {right}");
    let [.., right, bottom] = place(layout(0.75, 0.5, Anchor::End));
    assert_eq!(right, 750);
    assert!((235..=250).contains(&bottom), "{bottom}");
    // Margins alone: at the edge that the anchor names.
    let top = Layout {
        line_anchor: Anchor::Start,
        margins: Some([0.1, 0.3, 0.2]),
        ..Layout::default()
    };
    let [left, top, right, _] = place(top);
    assert!(
        (left + right).abs_diff(800) <= 2 && (100..120).contains(&top),
        "{left} {right} {top}"
    );
}

#[test]
fn lines_are_counted_from_above_and_from_below() {
    let line = |number| Layout {
        line: LinePosition::Number(number),
        ..Layout::default()
    };
    let [_, first, ..] = one(cue("A", line(0.0)));
    let [_, second, ..] = one(cue("A", line(1.0)));
    assert!((second - first).abs_diff(31) <= 1 && first < 31);
    let [.., last] = one(cue("A", line(-1.0)));
    assert!(last > 500 - 31, "{last}");
    let [_, top, .., bottom] = one(cue("A\nA\nA", line(-1.0)));
    assert!(
        bottom <= 500 && bottom - top > 60,
        "it is pushed up until it fits"
    );
}

#[test]
fn text_from_right_to_left_begins_on_the_right() {
    let start = |align| Layout {
        align,
        position: Some(0.5),
        size: Some(1.0),
        position_anchor: Some(Anchor::Middle),
        ..Layout::bottom()
    };
    assert_eq!(one(cue("\u{5d0}\u{5d1}", start(Align::Start)))[2], 1_000);
    assert_eq!(one(cue("\u{5d0}\u{5d1}", start(Align::End)))[0], 0);
    assert_eq!(one(cue("AB", start(Align::Start)))[0], 0);
}

#[test]
fn lines_from_top_to_bottom_follow_each_other_to_the_left_or_right() {
    let layout = |vertical, line| Layout {
        vertical: Some(vertical),
        line: LinePosition::Number(line),
        align: Align::Start,
        position: Some(0.0),
        ..Layout::default()
    };
    let text = "\u{4e00}\u{4e01}\n\u{4e02}";
    let [left, top, right, bottom] = one(cue(text, layout(Vertical::RightToLeft, 0.0)));
    assert!(right > 965 && left < 965 && left > 930, "{left} {right}");
    assert!(
        top < 10 && (40..=50).contains(&(bottom - top)),
        "{top} {bottom}"
    );
    let [left, _, right, _] = one(cue(text, layout(Vertical::LeftToRight, 0.0)));
    assert!(left < 35 && right > 35 && right < 70, "{left} {right}");
    // Letters of the alphabet are turned with the line.
    let [left, top, right, bottom] = one(cue("AAAA", layout(Vertical::RightToLeft, 0.0)));
    assert_eq!(
        (bottom - top, right - left > 16 && right - left < 19),
        (60, true)
    );
}

#[test]
fn a_region_gathers_its_cues_and_has_a_ground_of_its_own() {
    let region = Arc::new(Region {
        id: "r".to_owned(),
        width: 0.5,
        height: Some(0.2),
        anchor: (0.0, 0.0),
        viewport_anchor: (0.25, 0.1),
        display_align: Anchor::Start,
        background: Some(Color::rgb(0, 0, 255)),
        ..Region::default()
    });
    let within = || Layout {
        region: Some(Arc::clone(&region)),
        ..Layout::bottom()
    };
    let drawn = renderer().still(&[cue("A", within()), cue("B", within())], SIZE);
    let [ground, first, second] = &drawn[..] else {
        panic!("{drawn:?}")
    };
    assert_eq!(
        (ground.x, ground.y, ground.width, ground.height),
        (250, 50, 500, 100)
    );
    let ([left, top, right, bottom], [_, next, ..]) = (white(first), white(second));
    assert!(
        top >= 50 && bottom <= next && next < 150,
        "{top} {bottom} {next}"
    );
    assert!((left + right).abs_diff(1_000) <= 1);
}

#[test]
fn letters_have_outline_shadow_box_and_lines() {
    let style = Style {
        outline: Some(0.01),
        outline_color: Some(Color::rgb(255, 0, 0)),
        shadow: Some(0.02),
        shadow_color: Some(Color::rgb(0, 255, 0)),
        ..Style::default()
    };
    let drawn = renderer().still(&[styled("A", style, Layout::bottom())], SIZE);
    let letters = white(&drawn[0]);
    let red = extent_of(&drawn[0], [255, 0, 0, 255]).unwrap();
    let green = extent_of(&drawn[0], [0, 255, 0, 255]).unwrap();
    assert!((4..=5).contains(&(letters[0] - red[0])) && (4..=5).contains(&(red[2] - letters[2])));
    assert!((9..=10).contains(&(green[2] - red[2])) && (9..=10).contains(&(green[3] - red[3])));
    let boxed = Style {
        background: Some(Color::rgb(0, 0, 255)),
        underline: true,
        strike: true,
        ..Style::default()
    };
    let drawn = renderer().still(&[styled("A", boxed, Layout::bottom())], SIZE);
    let (letters, ground) = (
        white(&drawn[0]),
        extent_of(&drawn[0], [0, 0, 255, 255]).unwrap(),
    );
    assert!(ground[0] < letters[0] && ground[2] > letters[2] && ground[1] < letters[1]);
    assert!(
        (17..=24).contains(&(letters[3] - letters[1])),
        "a line below"
    );
    assert!(
        extent_of(&drawn[0], [0, 0, 0, 255]).is_none(),
        "a box needs no outline"
    );
}

#[test]
fn annotations_stand_above_what_they_annotate() {
    let span = |text: &str, ruby, color| Span {
        text: text.to_owned(),
        ruby,
        style: Arc::new(Style {
            color: Some(color),
            ..plain()
        }),
        ..Span::default()
    };
    let red = Color::rgb(255, 0, 0);
    let cue = Arc::new(Cue {
        end: Time::MAX,
        spans: vec![
            span("\u{4e00}\u{4e01}", Ruby::Base, Color::WHITE),
            span("\u{3041}\u{3042}", Ruby::Text, red),
        ],
        layout: Layout::bottom(),
        ..Cue::default()
    });
    let drawn = renderer().still(&[cue], SIZE);
    let base = white(&drawn[0]);
    let above = extent_of(&drawn[0], [255, 0, 0, 255]).expect("an annotation");
    assert!(
        above[3] <= base[1] && (above[0] + above[2]).abs_diff(base[0] + base[2]) <= 2,
        "{above:?} {base:?}"
    );
}

#[test]
fn what_stays_is_drawn_once() {
    let mut renderer = renderer();
    let (first, second) = (cue("A", Layout::bottom()), cue("B", Layout::bottom()));
    let before = renderer.still(std::slice::from_ref(&first), SIZE);
    let kept = renderer.drawn[0]
        .overlay
        .as_ref()
        .unwrap()
        .1
        .as_ref()
        .unwrap()
        .rgba
        .as_ptr();
    let both = renderer.still(&[Arc::clone(&first), second], SIZE);
    assert_eq!(both[0], before[0]);
    let now = renderer.drawn[0]
        .overlay
        .as_ref()
        .unwrap()
        .1
        .as_ref()
        .unwrap()
        .rgba
        .as_ptr();
    assert_eq!(kept, now);
    renderer.still(&[], SIZE);
    renderer.still(&[first], SIZE);
    assert_eq!(renderer.drawn.len(), 1);
}

#[test]
fn without_fonts_pictures_are_drawn_and_text_is_left_out() {
    let bitmap = Bitmap {
        canvas: SIZE,
        x: 10,
        y: 20,
        width: 2,
        height: 2,
        palette: [Color::WHITE].into(),
        pixels: vec![0; 4].into(),
    };
    let picture = Arc::new(Cue {
        end: Time::MAX,
        bitmaps: vec![bitmap],
        ..Cue::default()
    });
    let mut renderer = CueRenderer::new(Fonts::Files(Vec::new()));
    assert_eq!(renderer.still(&[Arc::clone(&picture)], SIZE).len(), 1);
    assert_eq!(renderer.lacks_fonts(), None);
    let drawn = renderer.still(&[picture, cue("A", Layout::bottom())], SIZE);
    assert_eq!((drawn.len(), renderer.lacks_fonts()), (1, Some(NoFonts)));
}

#[test]
fn whatever_a_file_says_nothing_is_drawn_beyond_the_picture() {
    let numbers = [
        0.0,
        -1.0,
        0.5,
        1e300,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let text = "\u{301}".repeat(9_000);
    let mut renderer = renderer();
    for number in numbers {
        let style = Style {
            size: Some(FontSize::Share(number)),
            outline: Some(number),
            shadow: Some(number),
            background: Some(Color::BLACK.with_alpha(9)),
            ..Style::default()
        };
        let region = Region {
            width: number,
            height: Some(number),
            anchor: (number, number),
            viewport_anchor: (number, number),
            background: Some(Color::BLACK),
            ..Region::default()
        };
        for vertical in [None, Some(Vertical::LeftToRight)] {
            for region in [None, Some(Arc::new(region.clone()))] {
                for line in [
                    LinePosition::Fraction(number),
                    LinePosition::Number(number),
                    LinePosition::Auto,
                ] {
                    let layout = Layout {
                        line,
                        position: Some(number),
                        size: Some(number),
                        vertical,
                        region: region.clone(),
                        margins: vertical.is_none().then_some([number; 3]),
                        ..Layout::default()
                    };
                    let cues = [
                        styled("A b", style.clone(), layout.clone()),
                        styled(&text[..64], style.clone(), layout),
                    ];
                    for overlay in renderer.still(&cues, (160, 90)) {
                        assert!(
                            overlay.x + overlay.width <= 160 && overlay.y + overlay.height <= 90,
                            "{overlay:?}"
                        );
                    }
                }
            }
        }
    }
    // More text than any screen has room for.
    renderer.still(
        &[
            cue(&text, Layout::bottom()),
            cue(&"A".repeat(100_000), Layout::bottom()),
        ],
        SIZE,
    );
}

fn event(text: &str) -> Arc<Cue> {
    let script = format!(
        "[Script Info]\nPlayResX: 1000\nPlayResY: 500\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, \
         SecondaryColour, Outline, Alignment\nStyle: Default,Boxes,50,&H00FFFFFF,&H000000FF,0,7\n[Events]\n\
         Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{text}\n"
    );
    let document = kinora_subtitle::parse(script.as_bytes(), &kinora_subtitle::Options::default());
    Arc::new(document.unwrap().cues.remove(0))
}

/// What is white, and what is red, so many milliseconds after the event's start.
fn at(renderer: &mut CueRenderer, event: &Arc<Cue>, millis: i64) -> [Option<[u32; 4]>; 2] {
    let shown = ShownCues::from(vec![Arc::clone(event)]);
    renderer.render(&shown, SIZE, Time::from_millis(1_000 + millis));
    let overlays = renderer.overlays();
    let extent = |color| {
        overlays
            .iter()
            .find_map(|overlay| extent_of(overlay, color))
    };
    [extent(WHITE), extent([255, 0, 0, 255])]
}

#[test]
fn syllables_are_coloured_as_they_are_sung() {
    let sung = event("{\\pos(100,100)\\k50}A{\\k50}B");
    let mut renderer = renderer();
    let [white, red] = at(&mut renderer, &sung, 0).map(Option::unwrap);
    assert_eq!(
        white[2], red[0],
        "the first one is sung, the second to come"
    );
    let [white, red] = at(&mut renderer, &sung, 600);
    assert_eq!(red, None);
    let [left, _, right, _] = white.unwrap();
    assert!(left == 100 && right > 140, "{left} {right}");
}

#[test]
fn what_moves_is_drawn_where_it_is_and_what_stays_is_not_drawn_again() {
    let moving = event("{\\move(100,100,300,100,0,1000)}A");
    let mut renderer = renderer();
    let mut left = |millis| at(&mut renderer, &moving, millis)[0].unwrap()[0];
    assert_eq!([left(0), left(500), left(1_500)], [100, 200, 300]);
    let shown = ShownCues::from(vec![moving]);
    assert!(!renderer.render(&shown, SIZE, Time::from_millis(2_900)));
    assert!(renderer.render(&shown, SIZE, Time::from_millis(1_100)));
    assert!(renderer.render(&ShownCues::default(), SIZE, Time::from_millis(1_100)));
    assert!(renderer.overlays().is_empty());
}

#[test]
fn what_fades_is_there_by_degrees() {
    let fading = event("{\\pos(100,100)\\fad(1000,0)}A");
    let mut renderer = renderer();
    let mut alpha = |millis| {
        at(&mut renderer, &fading, millis);
        let pixels = renderer
            .overlays()
            .iter()
            .flat_map(|it| it.rgba.as_chunks::<4>().0);
        pixels.map(|pixel| pixel[3]).max().unwrap_or(0)
    };
    assert_eq!(alpha(0), 0);
    assert!((120..=135).contains(&alpha(500)));
    assert_eq!(alpha(1_500), 255);
}

#[test]
fn a_clip_cuts_off_what_lies_beyond_it() {
    let whole = at(&mut renderer(), &event("{\\pos(100,100)}ABC"), 0)[0].unwrap();
    let cut = event("{\\pos(100,100)\\clip(0,0,120,500)}ABC");
    let [left, top, right, bottom] = at(&mut renderer(), &cut, 0)[0].unwrap();
    assert_eq!(
        [left, top, right, bottom],
        [whole[0], whole[1], 120, whole[3]]
    );
    let nothing = event("{\\pos(100,100)\\clip(0,0,50,500)}ABC");
    assert_eq!(at(&mut renderer(), &nothing, 0), [None, None]);
}

#[test]
fn fonts_of_the_film_s_file_are_drawn_with_and_forgotten_with_it() {
    let cue = cue("AB", Layout::bottom());
    let font = kinora_subtitle::AttachedFonts::from([test_font::boxes().into()]);
    let mut renderer = CueRenderer::new(Fonts::Files(Vec::new()));
    let bare = ShownCues::from(vec![cue]);
    let with_font = bare.clone().with_fonts(font);
    renderer.render(&bare, SIZE, Time::ZERO);
    assert_eq!(renderer.lacks_fonts(), Some(NoFonts));
    assert!(renderer.render(&with_font, SIZE, Time::ZERO));
    assert_eq!(renderer.lacks_fonts(), None);
    assert_eq!(white(&renderer.overlays()[0])[0], 485);
    assert!(renderer.render(&bare, SIZE, Time::ZERO));
    assert_eq!(renderer.lacks_fonts(), Some(NoFonts));
}

/// Draws one pixel for each event, while it works.
struct Scripts {
    works: bool,
    asked: Arc<std::sync::atomic::AtomicUsize>,
}

impl ScriptRenderer for Scripts {
    fn render(
        &mut self,
        events: &[Arc<Cue>],
        _view: &ScriptView<'_>,
    ) -> Result<Option<Vec<Overlay>>, crate::NoScriptRenderer> {
        self.asked
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if !self.works {
            return Err(crate::NoScriptRenderer("none".to_owned()));
        }
        let pixel = |_: &Arc<Cue>| Overlay {
            x: 0,
            y: 0,
            width: 1,
            height: 1,
            rgba: vec![255; 4],
        };
        Ok(Some(events.iter().map(pixel).collect()))
    }
}

#[test]
fn scripts_are_drawn_by_their_own_renderer_and_by_this_one_where_it_fails() {
    let cues = [event("{\\pos(100,100)}A"), cue("AB", Layout::bottom())];
    for works in [true, false] {
        let asked = Arc::default();
        let scripts = Scripts {
            works,
            asked: Arc::clone(&asked),
        };
        let mut renderer = renderer().with_scripts(Box::new(scripts));
        let widths = |renderer: &CueRenderer| {
            let overlays = renderer.overlays().iter();
            overlays.map(|it| it.width).collect::<Vec<_>>()
        };
        renderer.render(&cues[..].into(), SIZE, Time::from_millis(1_500));
        let [script, plain] = widths(&renderer)[..] else {
            panic!("{:?}", renderer.overlays())
        };
        assert_eq!(script == 1, works);
        assert!(plain > 30);
        renderer.render(&cues[1..].into(), SIZE, Time::from_millis(1_500));
        assert_eq!(widths(&renderer), [plain]);
        let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(asked, if works { 2 } else { 1 });
    }
}
