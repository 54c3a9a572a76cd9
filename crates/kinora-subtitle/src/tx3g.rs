//! 3GPP timed text (3GPP TS 26.245), the `tx3g` of MP4.

use std::collections::BTreeMap;
use std::sync::Arc;

use encoding_rs::{UTF_8, UTF_16BE};
use kinora_media::{BitReader, OutOfBits, Time};

use crate::text::{Mark, Spans};
use crate::webvtt::sample::boxes;
use crate::{Align, Anchor, Color, Cue, FontSize, Layout, LinePosition, Span, Style};

/// The sample description (5.16): what holds for text without modifiers.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleDescription {
    layout: Layout,
    style: Arc<Style>,
    fonts: BTreeMap<u16, Arc<str>>,
    /// Width and height of the track: what boxes and sizes are counted in.
    canvas: Option<(f64, f64)>,
}

impl SampleDescription {
    /// `entry` is the sample entry behind its first eight bytes. What is missing in it is as plain text has it.
    pub(crate) fn new(entry: &[u8], canvas: Option<(f64, f64)>) -> Self {
        let mut description = Self {
            layout: Layout::bottom(),
            canvas,
            ..Self::default()
        };
        let read = description.read(entry);
        if read.is_err() {
            description.layout = Layout::bottom();
        }
        description
    }

    fn read(&mut self, entry: &[u8]) -> Result<(), OutOfBits> {
        let mut bits = BitReader::new(entry);
        bits.skip(32)?;
        let [horizontal, vertical] = [bits.read(8)?, bits.read(8)?];
        let background = color(&mut bits)?;
        let text_box = text_box(&mut bits)?;
        self.layout = self.place(text_box, horizontal, vertical);
        // FontTableBox: count, then id, length, name.
        let fonts = boxes(entry.get(30..).unwrap_or_default()).find(|(kind, _)| *kind == b"ftab");
        if let Some((_, table)) = fonts {
            // A table that is cut off has the fonts before the cut.
            let _ = self.read_fonts(table);
        }
        let style = StyleRecord::read(&mut bits)?;
        let mut plain = self.style_of(&style);
        plain.background = Some(background).filter(|color| color.alpha > 0);
        self.style = Arc::new(plain);
        Ok(())
    }

    fn read_fonts(&mut self, table: &[u8]) -> Result<(), OutOfBits> {
        let mut bits = BitReader::new(table);
        for _ in 0..bits.read(16)? {
            let (id, length) = (short(&mut bits)?, bits.read(8)?);
            let mut name = Vec::new();
            for _ in 0..length {
                name.push(byte(&mut bits)?);
            }
            let name = String::from_utf8_lossy(&name);
            self.fonts.insert(id, name.as_ref().into());
        }
        Ok(())
    }

    fn place(
        &self,
        [top, left, bottom, right]: [i16; 4],
        horizontal: u32,
        vertical: u32,
    ) -> Layout {
        let mut layout = Layout {
            line_anchor: match vertical {
                0 => Anchor::Start,
                1 => Anchor::Middle,
                _ => Anchor::End,
            },
            align: match horizontal {
                0 => Align::Left,
                1 => Align::Center,
                _ => Align::Right,
            },
            ..Layout::default()
        };
        let Some((width, height)) = self.canvas.filter(|_| bottom > top && right > left) else {
            return layout;
        };
        let [top, left, bottom, right] = [top, left, bottom, right].map(f64::from);
        let between = |from: f64, to: f64, at: f64| from + (to - from) * at;
        let share = |anchor| match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        };
        // The whole picture is what is meant where nothing is said.
        if bottom - top < height || right - left < width {
            let line = between(top, bottom, share(layout.line_anchor)) / height;
            layout.line = LinePosition::Fraction(line);
            layout.position = Some(between(left, right, share(layout.x_anchor())) / width);
            layout.size = Some((right - left) / width);
        }
        layout
    }

    fn style_of(&self, record: &StyleRecord) -> Style {
        let size = self.canvas.filter(|_| record.size > 0);
        Style {
            bold: record.face & 1 != 0,
            italic: record.face & 2 != 0,
            underline: record.face & 4 != 0,
            color: Some(record.color),
            font: self.fonts.get(&record.font).cloned(),
            size: size.map(|(_, height)| FontSize::Share(f64::from(record.size) / height)),
            ..Style::default()
        }
    }

    /// The cue of a sample (5.17); `None`: nothing is shown while it lasts.
    pub(crate) fn cue(&self, sample: &[u8], (start, end): (Time, Time)) -> Option<Cue> {
        let (length, rest) = sample.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (text, modifiers) = rest.split_at_checked(length)?;
        let text = match text {
            [0xfe, 0xff, text @ ..] => UTF_16BE.decode_without_bom_handling(text).0,
            text => UTF_8.decode_with_bom_removal(text).0,
        };
        let mut layout = self.layout.clone();
        let mut styles = Vec::new();
        for (kind, body) in boxes(modifiers) {
            let mut bits = BitReader::new(body);
            match kind {
                b"styl" => styles = records(&mut bits),
                b"tbox" => layout = text_box(&mut bits).map_or(layout, |area| self.move_to(area)),
                _ => {}
            }
        }
        let spans = self.spans(&text, &styles);
        (!spans.is_empty()).then_some(Cue {
            id: None,
            start,
            end,
            spans,
            layout,
            ..Cue::default()
        })
    }

    /// The same alignment in another box.
    fn move_to(&self, text_box: [i16; 4]) -> Layout {
        let horizontal = match self.layout.align {
            Align::Left => 0,
            Align::Center => 1,
            _ => 2,
        };
        let vertical = match self.layout.line_anchor {
            Anchor::Start => 0,
            Anchor::Middle => 1,
            Anchor::End => 2,
        };
        self.place(text_box, horizontal, vertical)
    }

    /// Records have the characters from the first to before the last (5.17.1.1), in order and without overlap.
    fn spans(&self, text: &str, records: &[StyleRecord]) -> Vec<Span> {
        let mut spans = Spans::default();
        let mut letters = text.replace('\r', "\n");
        let mut at = 0_usize;
        for record in records {
            let before = take(&mut letters, record.start.saturating_sub(at));
            spans.push(&before, &self.mark(None));
            let within = record.end.saturating_sub(record.start.max(at));
            let styled = take(&mut letters, within);
            spans.push(&styled, &self.mark(Some(record)));
            at = at.max(record.end);
        }
        spans.push(&letters, &self.mark(None));
        spans.finish()
    }

    fn mark(&self, record: Option<&StyleRecord>) -> Mark {
        let style = record.map(|record| {
            let mut style = self.style_of(record);
            style.background = self.style.background;
            Arc::new(style)
        });
        Mark {
            style: style.unwrap_or_else(|| Arc::clone(&self.style)),
            ..Mark::default()
        }
    }
}

/// So many characters off the front.
fn take(text: &mut String, count: usize) -> String {
    let end = text
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| at);
    text.drain(..end).collect()
}

/// A StyleRecord (5.15).
#[derive(Clone, Copy, Debug)]
struct StyleRecord {
    start: usize,
    end: usize,
    font: u16,
    face: u8,
    size: u8,
    color: Color,
}

impl StyleRecord {
    fn read(bits: &mut BitReader<'_>) -> Result<Self, OutOfBits> {
        Ok(Self {
            start: usize::from(short(bits)?),
            end: usize::from(short(bits)?),
            font: short(bits)?,
            face: byte(bits)?,
            size: byte(bits)?,
            color: color(bits)?,
        })
    }
}

/// Records of one sample.
const MAX_RECORDS: u32 = 1_000;

fn records(bits: &mut BitReader<'_>) -> Vec<StyleRecord> {
    let count = bits.read(16).unwrap_or(0).min(MAX_RECORDS);
    let records = (0..count).map_while(|_| StyleRecord::read(bits).ok());
    records.collect()
}

fn color(bits: &mut BitReader<'_>) -> Result<Color, OutOfBits> {
    let [red, green, blue, alpha] = bits.read(32)?.to_be_bytes();
    Ok(Color {
        red,
        green,
        blue,
        alpha,
    })
}

/// Top, left, bottom, right.
fn text_box(bits: &mut BitReader<'_>) -> Result<[i16; 4], OutOfBits> {
    let mut next = || short(bits).map(u16::cast_signed);
    Ok([next()?, next()?, next()?, next()?])
}

fn short(bits: &mut BitReader<'_>) -> Result<u16, OutOfBits> {
    let [.., high, low] = bits.read(16)?.to_be_bytes();
    Ok(u16::from_be_bytes([high, low]))
}

fn byte(bits: &mut BitReader<'_>) -> Result<u8, OutOfBits> {
    let [.., low] = bits.read(8)?.to_be_bytes();
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Vec<u8> {
        let mut entry = vec![0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0x80];
        // The lower fifth of 200 by 100.
        entry.extend([0, 80, 0, 0, 0, 100, 0, 200]);
        entry.extend([0, 0, 0, 0, 0, 7, 1, 10, 255, 255, 255, 255]);
        entry.extend([0, 0, 0, 18, b'f', b't', b'a', b'b', 0, 1, 0, 7, 5]);
        entry.extend(b"Serif");
        entry
    }

    fn times() -> (Time, Time) {
        (Time::from_millis(1), Time::from_millis(2))
    }

    fn sample(text: &[u8], boxes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&length[..], text, boxes].concat()
    }

    #[test]
    fn a_sample_is_a_cue_with_its_description_s_style_and_box() {
        let description = SampleDescription::new(&entry(), Some((200.0, 100.0)));
        let cue = description.cue(&sample(b"hello", &[]), times()).unwrap();
        assert_eq!(cue.text(), "hello");
        let style = &cue.spans[0].style;
        assert!(style.bold && !style.italic);
        assert_eq!(style.size, Some(FontSize::Share(0.1)));
        assert_eq!(style.font.as_deref(), Some("Serif"));
        assert_eq!(style.background, Some(Color::BLACK.with_alpha(0x80)));
        assert_eq!(
            (cue.layout.line, cue.layout.line_anchor),
            (LinePosition::Fraction(1.0), Anchor::End)
        );
        assert_eq!((cue.layout.x(), cue.layout.align), (0.5, Align::Center));
    }

    #[test]
    fn modifiers_style_stretches_of_characters_and_move_the_box() {
        let description = SampleDescription::new(&entry(), Some((200.0, 100.0)));
        let mut boxes = vec![0, 0, 0, 22, b's', b't', b'y', b'l', 0, 1];
        boxes.extend([0, 1, 0, 3, 0, 7, 2, 20, 255, 0, 0, 255]);
        boxes.extend([
            0, 0, 0, 16, b't', b'b', b'o', b'x', 0, 0, 0, 0, 0, 20, 0, 200,
        ]);
        let cue = description
            .cue(&sample("äöüß".as_bytes(), &boxes), times())
            .unwrap();
        let texts: Vec<_> = cue.spans.iter().map(|span| span.text.as_str()).collect();
        assert_eq!(texts, ["ä", "öü", "ß"]);
        assert!(cue.spans[1].style.italic);
        assert_eq!(cue.spans[1].style.color, Some(Color::rgb(255, 0, 0)));
        assert_eq!(cue.layout.line, LinePosition::Fraction(0.2));
    }

    #[test]
    fn nothing_utf_16_and_damage() {
        let description = SampleDescription::new(&[], None);
        assert_eq!(description.cue(&sample(b"", &[]), times()), None);
        assert_eq!(description.cue(&[1], times()), None);
        let utf16 = sample(&[0xfe, 0xff, 0x4f, 0x60, 0, b'!'], &[]);
        assert_eq!(description.cue(&utf16, times()).unwrap().text(), "你!");
        assert_eq!(
            description.cue(&[0, 99, b'x'], times()).unwrap().text(),
            "x"
        );
    }
}
