//! Text as glyphs: shaped, broken into lines and aligned, in the coordinates of the text itself.
//!
//! `u` runs along the lines, `v` across them, from the first to the last; what runs from top to bottom is turned when it is
//! drawn. All lengths are pixels of the picture.

use cosmic_text::{
    Align as TextAlign, Attrs, Buffer, CacheKey, CacheKeyFlags, Feature, FeatureTag, FontFeatures,
    LayoutRun, Metrics, Shaping, Style as Slant, Weight, Wrap,
};
use kinora_subtitle::{Align, Color, Cue, FontSize, Ruby, Span, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::canvas::Area;
use crate::fonts::{self, Typesetter};

/// Bytes of text of one cue that are drawn: more than any screen has room for.
const MAX_TEXT: usize = 4_096;
/// The distance from line to line, in sizes of the font.
const LINE_HEIGHT: f32 = 1.25;
/// The same of lines that carry annotations.
const LINE_HEIGHT_WITH_RUBY: f32 = 1.9;
/// How large an annotation is beside what it annotates.
const RUBY_SCALE: f32 = 0.5;
/// Width of the line around letters where nobody says how wide it is, in sizes of the font.
const OUTLINE: f32 = 0.05;
/// How far the box behind letters reaches beyond them, in sizes of the font.
const PADDING: f32 = 0.15;
/// Heights of letters from the baseline up, in sizes of the font: where annotations stand.
const ASCENT: f32 = 0.85;
/// The smallest size of a font.
const MIN_SIZE: f32 = 4.0;
/// A picture so high shows CSS pixels as they are.
const CSS_HEIGHT: f32 = 480.0;

/// How text is set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Setting {
    /// The viewer's size of the font.
    pub(crate) size: f32,
    /// The viewer's factor of all sizes, those that a file tells included.
    pub(crate) scale: f32,
    /// Height of the picture.
    pub(crate) height: f32,
    /// Room along a line.
    pub(crate) room: f32,
    /// It runs from top to bottom.
    pub(crate) is_vertical: bool,
    /// Sizes are those of a line, as in ASS, where they tell the height from the highest to the lowest letter.
    pub(crate) by_line: bool,
}

/// How letters look.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Look {
    pub(crate) fill: Color,
    /// Colour and width of the line around them.
    pub(crate) outline: Option<(Color, f32)>,
    /// Colour of the shadow and how far it lies below and to the right.
    pub(crate) shadow: Option<(Color, f32)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Glyph {
    /// Font, size and number.
    pub(crate) key: CacheKey,
    pub(crate) size: f32,
    /// Where it begins on the baseline.
    pub(crate) u: f32,
    pub(crate) v: f32,
    pub(crate) advance: f32,
    /// The middle of its line.
    pub(crate) middle: f32,
    /// In text from top to bottom it is not turned with the line.
    pub(crate) is_upright: bool,
    /// The number of its look.
    pub(crate) look: usize,
}

/// A filled part: a box behind letters, a line below or through them.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) area: Area,
    pub(crate) color: Color,
}

/// A cue's text, ready to be drawn.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) looks: Vec<Look>,
    pub(crate) glyphs: Vec<Glyph>,
    /// Behind the letters.
    pub(crate) boxes: Vec<Bar>,
    /// Lines below letters, and through them.
    pub(crate) bars: Vec<Bar>,
    /// From the first line to the last.
    pub(crate) depth: f32,
    /// From line to line.
    pub(crate) line: f32,
    /// The letters' part of the room.
    pub(crate) extent: (f32, f32),
    /// It runs from right to left.
    pub(crate) is_rtl: bool,
}

/// Shapes the text of a cue.
pub(crate) fn shape(cue: &Cue, setting: &Setting, setter: &mut Typesetter) -> Block {
    let mut block = Block::default();
    let spans = drawn(&cue.spans);
    let has_ruby = spans.iter().any(|(span, _)| span.ruby == Ruby::Text);
    let high = match has_ruby {
        true => LINE_HEIGHT_WITH_RUBY,
        false if setting.by_line => 1.0 / BY_LINE,
        false => LINE_HEIGHT,
    };
    let sizes: Vec<f32> = spans
        .iter()
        .map(|(span, _)| setting.size_of(&span.style))
        .collect();
    block.looks = spans
        .iter()
        .zip(&sizes)
        .map(|((span, _), size)| setting.look(&span.style, *size))
        .collect();
    let largest = sizes.iter().copied().fold(MIN_SIZE, f32::max);
    block.line = largest * high;
    let texts = spans
        .iter()
        .enumerate()
        .filter(|(_, (span, _))| span.ruby != Ruby::Text);
    let texts: Vec<Text<'_>> = texts
        .map(|(index, (span, text))| Text {
            text,
            style: &span.style,
            size: sizes.get(index).copied().unwrap_or(largest),
            index,
        })
        .collect();
    let align = match cue.layout.align {
        Align::Start => None,
        Align::Center => Some(TextAlign::Center),
        Align::End => Some(TextAlign::End),
        Align::Left => Some(TextAlign::Left),
        Align::Right => Some(TextAlign::Right),
    };
    let buffer = lay_out(&texts, (high, setting), align, setter);
    block.extent = (setting.room, 0.0);
    for (number, run) in buffer.layout_runs().enumerate() {
        block.take(&run, &texts, setting);
        block.is_rtl = run.rtl && (number == 0 || block.is_rtl);
    }
    block.extent.0 = block.extent.0.min(block.extent.1);
    annotate(&mut block, &spans, &sizes, setting, setter);
    block
}

/// The spans that are drawn, cut where there is more text than screens have room for.
fn drawn(spans: &[Span]) -> Vec<(&Span, &str)> {
    let mut room = MAX_TEXT;
    let mut all = Vec::new();
    for span in spans {
        let text = span.text.as_str();
        let end = text.floor_char_boundary(room);
        all.extend(text.get(..end).map(|text| (span, text)));
        room -= end;
        if end < text.len() {
            break;
        }
    }
    all
}

/// ASS: the size of the font that a line of one is high.
const BY_LINE: f32 = 0.85;

impl Setting {
    /// The size of the font, in pixels.
    fn size_of(&self, style: &Style) -> f32 {
        #[allow(clippy::cast_possible_truncation, reason = "sizes of letters")]
        let size = match style.size {
            None => self.size,
            Some(FontSize::Em(factor)) => self.size * factor as f32,
            Some(FontSize::Percent(percent)) => self.size * percent as f32 / 100.0,
            Some(FontSize::Px(pixels)) => pixels as f32 * self.height / CSS_HEIGHT * self.scale,
            Some(FontSize::Share(share)) if self.by_line => {
                share as f32 * self.height * BY_LINE * self.scale
            }
            Some(FontSize::Share(share)) => share as f32 * self.height * self.scale,
        };
        // Not above the picture, whatever a file says; NaN is the least.
        size.max(MIN_SIZE).min(self.height.max(MIN_SIZE))
    }

    fn look(&self, style: &Style, size: f32) -> Look {
        #[allow(clippy::cast_possible_truncation, reason = "a share of a picture")]
        let pixels = |share: f64| (share as f32 * self.height).clamp(0.0, self.height / 4.0);
        let width = match style.outline {
            Some(share) => pixels(share),
            // A box tells letters from the picture as well.
            None if style.background.is_some_and(|color| color.alpha > 0) => 0.0,
            None => size * OUTLINE,
        };
        let color = style.outline_color.unwrap_or(Color::BLACK);
        let depth = style.shadow.map_or(0.0, pixels);
        let shadow = style.shadow_color.unwrap_or(Color::BLACK.with_alpha(0x80));
        Look {
            fill: style.color.unwrap_or(Color::WHITE),
            outline: (width > 0.0 && color.alpha > 0).then_some((color, width)),
            shadow: (depth > 0.0 && shadow.alpha > 0).then_some((shadow, depth)),
        }
    }
}

/// Text of one look.
struct Text<'a> {
    text: &'a str,
    style: &'a Style,
    size: f32,
    index: usize,
}

fn lay_out(
    texts: &[Text<'_>],
    (high, setting): (f32, &Setting),
    align: Option<TextAlign>,
    setter: &mut Typesetter,
) -> Buffer {
    let mut buffer = Buffer::new_empty(Metrics::new(
        setting.size.max(MIN_SIZE),
        setting.size.max(MIN_SIZE) * high,
    ));
    buffer.set_wrap(Wrap::WordOrGlyph);
    buffer.set_size(Some(setting.room), None);
    let attrs = |text: &Text<'_>| attributes(text, high, setting);
    let base = Attrs::new().family(fonts::family(None));
    let spans: Vec<_> = texts
        .iter()
        .map(|text| {
            (
                text.text,
                attrs(text).family(fonts::family(text.style.font.as_deref())),
            )
        })
        .collect();
    buffer.set_rich_text(spans, &base, Shaping::Advanced, align);
    buffer.shape_until_scroll(&mut setter.fonts, false);
    buffer
}

fn attributes<'a>(text: &Text<'_>, high: f32, setting: &Setting) -> Attrs<'a> {
    let mut features = FontFeatures::new();
    if setting.is_vertical {
        // Brackets and full stops have other forms in lines from top to bottom.
        let tag = FeatureTag::new(b"vert");
        features.features.push(Feature { tag, value: 1 });
    }
    let style = text.style;
    Attrs::new()
        .metadata(text.index)
        .metrics(Metrics::new(text.size, text.size * high))
        .weight(if style.bold {
            Weight::BOLD
        } else {
            Weight::NORMAL
        })
        .style(if style.italic {
            Slant::Italic
        } else {
            Slant::Normal
        })
        .cache_key_flags(CacheKeyFlags::DISABLE_HINTING)
        .font_features(features)
}

impl Block {
    /// Takes a line.
    fn take(&mut self, run: &LayoutRun<'_>, texts: &[Text<'_>], setting: &Setting) {
        let (top, bottom) = (run.line_top, run.line_top + run.line_height);
        self.depth = self.depth.max(bottom);
        for glyph in run.glyphs {
            let (key, _, _) = CacheKey::new(
                glyph.font_id,
                glyph.glyph_id,
                glyph.font_size,
                (0.0, 0.0),
                glyph.font_weight,
                glyph.cache_key_flags,
            );
            let letters = run.text.get(glyph.start..glyph.end).unwrap_or_default();
            self.extent.0 = self.extent.0.min(glyph.x);
            self.extent.1 = self.extent.1.max(glyph.x + glyph.w);
            self.glyphs.push(Glyph {
                key,
                size: glyph.font_size,
                u: glyph.x + glyph.font_size * glyph.x_offset,
                v: run.line_y - glyph.font_size * glyph.y_offset,
                advance: glyph.w,
                middle: f32::midpoint(top, bottom),
                is_upright: setting.is_vertical && is_upright(letters),
                look: glyph.metadata,
            });
        }
        self.decorate(run, texts);
    }

    /// The boxes behind the letters of a line, and the lines below and through them.
    fn decorate(&mut self, run: &LayoutRun<'_>, texts: &[Text<'_>]) {
        let (top, bottom) = (run.line_top, run.line_top + run.line_height);
        let style = |index: usize| {
            texts
                .iter()
                .find(|text| text.index == index)
                .map(|text| text.style)
        };
        // Letters of one span that stand side by side share a box and a line below them.
        for group in run
            .glyphs
            .chunk_by(|one, next| one.metadata == next.metadata)
        {
            let Some((first, style)) = group
                .first()
                .and_then(|first| Some((first, style(first.metadata)?)))
            else {
                continue;
            };
            let left = group.iter().map(|glyph| glyph.x).fold(f32::MAX, f32::min);
            let right = group
                .iter()
                .map(|glyph| glyph.x + glyph.w)
                .fold(f32::MIN, f32::max);
            if let Some(color) = style.background.filter(|color| color.alpha > 0) {
                self.back(
                    Bar {
                        area: Area {
                            left,
                            top,
                            right,
                            bottom,
                        },
                        color,
                    },
                    first.font_size * PADDING,
                );
            }
            let thick = (first.font_size / 16.0).max(1.0);
            let mut line = |v: f32| {
                let area = Area::new(left, v - thick / 2.0, right - left, thick);
                let color = style.color.unwrap_or(Color::WHITE);
                self.bars.push(Bar { area, color });
            };
            if style.underline {
                line(run.line_y + first.font_size * 0.12);
            }
            if style.strike {
                line(run.line_y - first.font_size * 0.28);
            }
        }
    }

    /// A box behind letters: of one colour with the one before it on its line, where they meet.
    fn back(&mut self, bar: Bar, padding: f32) {
        let Area { left, right, .. } = bar.area;
        if let Some(last) = self.boxes.last_mut() {
            let meets =
                last.area.top == bar.area.top && (last.area.right - padding - left).abs() < 1.0;
            if meets && last.color == bar.color {
                last.area.right = right + padding;
                return;
            }
            if meets {
                last.area.right = left;
                self.boxes.push(Bar {
                    area: Area {
                        right: right + padding,
                        ..bar.area
                    },
                    ..bar
                });
                return;
            }
        }
        let area = Area {
            left: left - padding,
            right: right + padding,
            ..bar.area
        };
        self.boxes.push(Bar { area, ..bar });
    }
}

/// Letters that stand upright in lines from top to bottom: those that are as wide as high (Unicode UAX 50, about).
fn is_upright(letters: &str) -> bool {
    letters.width() >= 2
}

/// Sets each annotation above what it annotates.
fn annotate(
    block: &mut Block,
    spans: &[(&Span, &str)],
    sizes: &[f32],
    setting: &Setting,
    setter: &mut Typesetter,
) {
    let pairs = spans.windows(2).enumerate();
    for (index, pair) in pairs {
        let [(base, _), (ruby, text)] = pair else {
            continue;
        };
        if base.ruby != Ruby::Base || ruby.ruby != Ruby::Text {
            continue;
        }
        let size = sizes.get(index).copied().unwrap_or(setting.size);
        let of_base = |glyph: &&Glyph| glyph.look == index;
        let Some(first) = block.glyphs.iter().find(of_base).cloned() else {
            continue;
        };
        let on_line = block
            .glyphs
            .iter()
            .filter(of_base)
            .filter(|glyph| glyph.middle == first.middle);
        let (left, right) = on_line.fold((f32::MAX, f32::MIN), |(left, right), glyph| {
            (left.min(glyph.u), right.max(glyph.u + glyph.advance))
        });
        let small = Text {
            text: text.trim(),
            style: &ruby.style,
            size: (size * RUBY_SCALE).max(MIN_SIZE),
            index: index + 1,
        };
        let one_line = Setting {
            room: f32::MAX,
            ..*setting
        };
        let buffer = lay_out(&[small], (1.0, &one_line), Some(TextAlign::Left), setter);
        let Some(run) = buffer.layout_runs().next() else {
            continue;
        };
        let mut above = Block::default();
        above.take(&run, &[], setting);
        let (shift, baseline) = (
            f32::midpoint(left, right) - run.line_w / 2.0,
            first.v - size * ASCENT - size * 0.08,
        );
        let line = baseline - run.line_y;
        block
            .glyphs
            .extend(above.glyphs.into_iter().map(|glyph| Glyph {
                u: glyph.u + shift,
                v: glyph.v + line,
                middle: glyph.middle + line,
                ..glyph
            }));
    }
}
