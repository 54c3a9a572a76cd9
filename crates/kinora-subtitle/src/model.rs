//! What the formats become.

use std::sync::Arc;

use kinora_media::Time;

use crate::webvtt::TimestampMap;
use crate::{Bitmap, Color, Effects, Format, Layout, Motion};

/// A file of subtitles.
#[derive(Clone, PartialEq, Debug)]
pub struct Document {
    /// How it was written.
    pub format: Format,
    /// The charset it was written in, by its name in the Encoding Standard: `UTF-8`, `gb18030`.
    pub charset: &'static str,
    /// Its title, where it tells one.
    pub title: Option<String>,
    /// Its language, where it tells one.
    pub language: Option<String>,
    /// Its cues, in the order of the file.
    pub cues: Vec<Cue>,
    /// Where its times lie on the clock of an HLS stream (RFC 8216 3.5).
    pub timestamp_map: Option<TimestampMap>,
    /// Cues, blocks and lines that could not be read and were passed over.
    pub damaged: u32,
    /// Of all cues: see [`Cue::weight`].
    weight: usize,
}

impl Document {
    pub(crate) const fn new(format: Format) -> Self {
        Self {
            format,
            charset: "UTF-8",
            title: None,
            language: None,
            cues: Vec::new(),
            timestamp_map: None,
            damaged: 0,
            weight: 0,
        }
    }

    /// Bytes that its cues take, about.
    pub(crate) const fn weight(&self) -> usize {
        self.weight
    }

    pub(crate) fn damage(&mut self) {
        self.damaged = self.damaged.saturating_add(1);
    }

    /// Keeps a cue that is shown at all; others count as damage.
    pub(crate) fn add(&mut self, cue: Cue) {
        if cue.is_shown() {
            self.weight = self.weight.saturating_add(cue.weight());
            self.cues.push(cue);
        } else {
            self.damage();
        }
    }
}

/// Text that is shown for a while, or pictures of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Cue {
    /// Its name in the document.
    pub id: Option<String>,
    /// When it appears.
    pub start: Time,
    /// When it is no longer shown; later than `start`. [`Time::MAX`]: until something replaces it.
    pub end: Time,
    /// Its text. A line ends where a span has `\n`.
    pub spans: Vec<Span>,
    /// Where it stands.
    pub layout: Layout,
    /// Cues of a higher layer lie upon those of lower ones (ASS).
    pub layer: i32,
    /// What it shows in place of text (PGS, VobSub, DVB).
    pub bitmaps: Vec<Bitmap>,
    /// How it fades and where it goes while it is shown; `None`: it stands still.
    pub motion: Option<Box<Motion>>,
    /// As it was written, for whoever draws all that scripts can say (ASS).
    pub script: Option<Arc<ScriptEvent>>,
}

/// An event of a script (ASS, SSA) as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct ScriptEvent {
    /// What holds for all events of the script: its sections `[Script Info]` and `[V4+ Styles]` or `[V4 Styles]`.
    pub head: Arc<str>,
    /// `Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text`.
    pub line: Box<str>,
}

impl ScriptEvent {
    /// It has outlines of shapes (`\p1`), perhaps no text.
    fn draws(&self) -> bool {
        let mut tags = self.line.split("\\p").skip(1);
        tags.any(|behind| behind.starts_with(|digit| matches!(digit, '1'..='9')))
    }
}

impl core::fmt::Debug for ScriptEvent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The head is as long as all events together.
        write!(
            f,
            "{:?} of a script of {} bytes",
            self.line,
            self.head.len()
        )
    }
}

impl Cue {
    /// Its text without styles, lines separated by `\n`, ruby text left out.
    #[must_use]
    pub fn text(&self) -> String {
        let plain = self.spans.iter().filter(|span| span.ruby != Ruby::Text);
        plain.map(|span| span.text.as_str()).collect()
    }

    /// Whether it is there at that time.
    #[must_use]
    pub fn is_active(&self, at: Time) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether it is the same cue, though one of them may know its end where the other did not yet.
    #[must_use]
    pub fn is_same_but_for_its_end(&self, other: &Self) -> bool {
        self.start == other.start
            && self.layer == other.layer
            && self.id == other.id
            && self.layout == other.layout
            && self.spans == other.spans
            && self.bitmaps == other.bitmaps
            && self.motion == other.motion
            && self.script == other.script
    }

    pub(crate) fn is_shown(&self) -> bool {
        let draws = || self.script.as_ref().is_some_and(|it| it.draws());
        self.start < self.end && (!self.spans.is_empty() || !self.bitmaps.is_empty() || draws())
    }

    /// Bytes that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        const CUE: usize = 300;
        const SPAN: usize = 120;
        const TRANSITION: usize = 128;
        let texts = self.spans.iter().map(|span| {
            let changes = span.effects.as_ref().map_or(0, |it| it.transitions.len());
            changes
                .saturating_mul(TRANSITION)
                .saturating_add(span.text.len())
        });
        let pictures = self.bitmaps.iter().map(|bitmap| bitmap.pixels.weight());
        let script = self.script.iter().map(|event| event.line.len());
        let parts = texts.chain(pictures).chain(script);
        parts.fold(CUE, |sum, part| {
            sum.saturating_add(part).saturating_add(SPAN)
        })
    }
}

/// A stretch of text of one style.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Span {
    /// The text, in logical order.
    pub text: String,
    /// How it looks.
    pub style: Arc<Style>,
    /// Who speaks (WebVTT `<v>`).
    pub voice: Option<Arc<str>>,
    /// Its language, BCP 47.
    pub language: Option<Arc<str>>,
    /// Whether it is annotated, or an annotation.
    pub ruby: Ruby,
    /// It is shown, or shown as past, only from then on (WebVTT's timestamps within a cue).
    pub from: Option<Time>,
    /// How it changes while the cue is shown (ASS); `None`: it does not.
    pub effects: Option<Arc<Effects>>,
}

/// The part that text plays in an annotation of its pronunciation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Ruby {
    /// None.
    #[default]
    None,
    /// It is annotated by the next [`Ruby::Text`].
    Base,
    /// It annotates the [`Ruby::Base`] before it.
    Text,
}

/// How text looks. What is `None` is left to the viewer's settings.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Struck through.
    pub strike: bool,
    /// Of the letters.
    pub color: Option<Color>,
    /// Of letters that are still to be sung (ASS).
    pub secondary_color: Option<Color>,
    /// Of the box behind the letters.
    pub background: Option<Color>,
    /// Of the line around the letters.
    pub outline_color: Option<Color>,
    /// Width of that line, a share of the picture's height.
    pub outline: Option<f64>,
    /// Of the shadow.
    pub shadow_color: Option<Color>,
    /// How far the shadow lies below and to the right, a share of the picture's height.
    pub shadow: Option<f64>,
    /// Family of the font.
    pub font: Option<Arc<str>>,
    /// Size of the font.
    pub size: Option<FontSize>,
}

/// The size of a font.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FontSize {
    /// Times the viewer's size.
    Em(f64),
    /// In percent: of the viewer's size.
    Percent(f64),
    /// CSS pixels.
    Px(f64),
    /// A share of the picture's height.
    Share(f64),
}

/// What a packet brings to what is shown.
#[derive(Clone, PartialEq, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one is made a packet, and taken apart at once"
)]
pub enum Update {
    /// One cue more, with its end.
    Add(Cue),
    /// From `at` on these are shown in place of whatever still was without an end.
    Replace {
        /// When.
        at: Time,
        /// What: cues whose end is [`Time::MAX`]; none clears the screen.
        cues: Vec<Cue>,
    },
}
