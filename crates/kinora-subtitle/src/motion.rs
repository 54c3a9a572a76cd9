//! What changes while a cue is shown (ASS: `\fad`, `\move`, `\t`, `\k`): how it looks is a function of the time.

use std::sync::Arc;

use kinora_media::Time;

use crate::{Color, Cue, FontSize, LinePosition, Span, Style};

/// How a cue fades, and where it goes. Times count from its start.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Motion {
    /// How it appears and goes.
    pub fade: Option<Fade>,
    /// Its way over the picture.
    pub path: Option<Path>,
}

/// Three degrees of opacity, and when one turns into the next.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fade {
    /// At first, between, and at last: from 0, invisible, to 1.
    pub levels: [f64; 3],
    /// From the first time to the second the first level becomes the second one, from the third to the fourth that becomes the
    /// third.
    pub times: [Time; 4],
}

/// A straight way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Path {
    /// Where the cue stands at first: shares of the picture's width and height, as in [`Layout`](crate::Layout).
    pub from: (f64, f64),
    /// Where it comes to stand.
    pub to: (f64, f64),
    /// When it sets out.
    pub start: Time,
    /// When it arrives.
    pub end: Time,
}

/// How a stretch of text changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Effects {
    /// It is a syllable of a song.
    pub karaoke: Option<Karaoke>,
    /// Its style turns into others, one after the other.
    pub transitions: Vec<Transition>,
}

/// When a syllable is sung.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Karaoke {
    /// From the start of the cue.
    pub start: Time,
    /// From the start of the cue.
    pub end: Time,
    /// What is seen of it.
    pub kind: KaraokeKind,
}

/// What is seen of a syllable's time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KaraokeKind {
    /// Its letters change from [`Style::secondary_color`] to their colour at once.
    Fill,
    /// They do so one after the other.
    Sweep,
    /// The line around them appears.
    Outline,
}

/// A style that turns into another.
#[derive(Clone, PartialEq, Debug)]
pub struct Transition {
    /// When it begins, from the start of the cue.
    pub start: Time,
    /// When it is over.
    pub end: Time,
    /// The power of the share of its time that it has got to: 1 is even, above begins slowly.
    pub acceleration: f64,
    /// The style that it begins with.
    pub from: Arc<Style>,
    /// What it becomes. What is the same in both is left alone.
    pub to: Arc<Style>,
}

/// The share of the time from `start` to `end` that is over.
#[allow(clippy::arithmetic_side_effects)] // Time saturates
fn progress(at: Time, start: Time, end: Time) -> f64 {
    if at <= start {
        return 0.0;
    }
    if at >= end {
        return 1.0;
    }
    (at - start).as_secs_f64() / (end - start).as_secs_f64()
}

fn between(from: f64, to: f64, share: f64) -> f64 {
    from + (to - from) * share
}

impl Fade {
    fn level(&self, at: Time) -> f64 {
        let [first, middle, last] = self.levels;
        let [begins, is_there, goes, is_gone] = self.times;
        match at < goes {
            true => between(first, middle, progress(at, begins, is_there)),
            false => between(middle, last, progress(at, goes, is_gone)),
        }
    }
}

impl Cue {
    /// It does not look the same all the time that it is shown.
    #[must_use]
    pub fn is_animated(&self) -> bool {
        self.motion.is_some() || self.spans.iter().any(|span| span.effects.is_some())
    }

    /// How it looks at a time, as a cue that stands still; `None`: as it is.
    #[must_use]
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub fn still(&self, at: Time) -> Option<Self> {
        if !self.is_animated() {
            return None;
        }
        let at = at - self.start;
        let mut still = self.clone();
        let motion = still.motion.take().unwrap_or_default();
        if let Some(Path {
            from,
            to,
            start,
            end,
        }) = motion.path
        {
            let share = progress(at, start, end);
            still.layout.position = Some(between(from.0, to.0, share));
            still.layout.line = LinePosition::Fraction(between(from.1, to.1, share));
        }
        let opacity = motion.fade.map_or(1.0, |fade| fade.level(at));
        let spans = std::mem::take(&mut still.spans);
        still.spans = spans
            .into_iter()
            .flat_map(|span| span.still(at, opacity))
            .collect();
        Some(still)
    }
}

impl Span {
    /// How it looks so long after its cue's start: in two parts while it is sung.
    fn still(mut self, at: Time, opacity: f64) -> impl Iterator<Item = Self> {
        let effects = self.effects.take();
        if let Some(effects) = &effects {
            for transition in &effects.transitions {
                self.restyle(|style| transition.apply(style, at));
            }
        }
        let rest = effects
            .and_then(|effects| effects.karaoke)
            .and_then(|karaoke| self.sing(karaoke, at));
        [Some(self), rest]
            .into_iter()
            .flatten()
            .map(move |mut span| {
                if opacity < 1.0 {
                    span.restyle(|style| style.fade(opacity));
                }
                span
            })
    }

    fn restyle(&mut self, change: impl FnOnce(&mut Style)) {
        change(Arc::make_mut(&mut self.style));
    }

    /// Gives the syllable the look of its time; what of it is still to be sung is cut off and given back.
    fn sing(&mut self, karaoke: Karaoke, at: Time) -> Option<Self> {
        let unsung = |style: &mut Style| {
            style.color = Some(style.secondary_color.unwrap_or(UNSUNG));
        };
        match karaoke.kind {
            _ if at >= karaoke.end => None,
            KaraokeKind::Fill if at >= karaoke.start => None,
            KaraokeKind::Outline if at >= karaoke.start => None,
            KaraokeKind::Outline => {
                self.restyle(|style| style.outline = Some(0.0));
                None
            }
            KaraokeKind::Fill => {
                self.restyle(unsung);
                None
            }
            KaraokeKind::Sweep => {
                let share = progress(at, karaoke.start, karaoke.end);
                let end = self.letters_of(share);
                let mut rest = self.clone();
                rest.text = self.text.split_off(end);
                rest.restyle(unsung);
                Some(rest)
            }
        }
    }

    /// Where the letters end that are a share of all.
    fn letters_of(&self, share: f64) -> usize {
        let count = self.text.chars().count();
        let ends = self.text.char_indices().map(|(at, _)| at);
        #[allow(clippy::cast_precision_loss, reason = "letters of a line")]
        let is_sung = |number: usize| (number as f64) < share * count as f64;
        let mut unsung = ends.enumerate().skip_while(|(number, _)| is_sung(*number));
        unsung.next().map_or(self.text.len(), |(_, at)| at)
    }
}

/// The colour before letters are sung where a script tells none: the one of its format's own default style.
const UNSUNG: Color = Color::rgb(255, 255, 0);

impl Transition {
    fn apply(&self, style: &mut Style, at: Time) {
        let share = progress(at, self.start, self.end).powf(self.acceleration);
        let (from, to) = (&self.from, &self.to);
        let color = |old: &mut Option<Color>, from: Option<Color>, to: Option<Color>| {
            if from != to {
                let [old_one, to] = [*old, to].map(|color| color.unwrap_or(Color::WHITE));
                *old = Some(old_one.towards(to, share));
            }
        };
        color(&mut style.color, from.color, to.color);
        color(
            &mut style.secondary_color,
            from.secondary_color,
            to.secondary_color,
        );
        color(
            &mut style.outline_color,
            from.outline_color,
            to.outline_color,
        );
        color(&mut style.shadow_color, from.shadow_color, to.shadow_color);
        let number = |old: &mut Option<f64>, from: Option<f64>, to: Option<f64>| {
            if from != to {
                let [old_one, to] = [*old, to].map(Option::unwrap_or_default);
                *old = Some(between(old_one, to, share));
            }
        };
        number(&mut style.outline, from.outline, to.outline);
        number(&mut style.shadow, from.shadow, to.shadow);
        if from.size != to.size
            && let (Some(FontSize::Share(old)), Some(FontSize::Share(to))) = (style.size, to.size)
        {
            style.size = Some(FontSize::Share(between(old, to, share)));
        }
    }
}

impl Style {
    /// Every part of it less opaque.
    fn fade(&mut self, opacity: f64) {
        let faded = |color: Option<Color>, default: Color| {
            let color = color.unwrap_or(default);
            Some(color.towards(color.with_alpha(0), 1.0 - opacity))
        };
        self.color = faded(self.color, Color::WHITE);
        self.outline_color = faded(self.outline_color, Color::BLACK);
        self.shadow_color = faded(self.shadow_color, Color::BLACK.with_alpha(0x80));
        if self.background.is_some() {
            self.background = faded(self.background, Color::BLACK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    fn span(effects: Effects) -> Span {
        Span {
            text: "abcd".to_owned(),
            style: Arc::new(Style {
                color: Some(Color::WHITE),
                secondary_color: Some(Color::BLACK),
                ..Style::default()
            }),
            effects: Some(Arc::new(effects)),
            ..Span::default()
        }
    }

    fn cue(span: Span) -> Cue {
        Cue {
            start: ms(1_000),
            end: ms(3_000),
            spans: vec![span],
            ..Cue::default()
        }
    }

    fn colors(cue: &Cue, at: i64) -> Vec<(String, Color)> {
        let still = cue.still(ms(at)).unwrap();
        assert!(!still.is_animated());
        let color = |span: &Span| (span.text.clone(), span.style.color.unwrap());
        let all = still.spans.iter().map(color);
        all.filter(|(text, _)| !text.is_empty()).collect()
    }

    #[test]
    fn what_does_not_change_is_left_alone() {
        assert_eq!(cue(Span::default()).still(ms(0)), None);
    }

    #[test]
    fn syllables_are_filled_at_their_time() {
        let sung = |kind| {
            let (start, end) = (ms(500), ms(1_500));
            let karaoke = Some(Karaoke { start, end, kind });
            cue(span(Effects {
                karaoke,
                ..Effects::default()
            }))
        };
        let [black, white] = [Color::BLACK, Color::WHITE];
        let all = |color| vec![("abcd".to_owned(), color)];
        let fill = sung(KaraokeKind::Fill);
        assert_eq!(colors(&fill, 1_499), all(black));
        assert_eq!(colors(&fill, 1_500), all(white));
        let sweep = sung(KaraokeKind::Sweep);
        assert_eq!(colors(&sweep, 1_500), all(black));
        let half = vec![("ab".to_owned(), white), ("cd".to_owned(), black)];
        assert_eq!(colors(&sweep, 2_000), half);
        assert_eq!(colors(&sweep, 2_500), all(white));
        let outline = sung(KaraokeKind::Outline);
        let width = |at| outline.still(ms(at)).unwrap().spans[0].style.outline;
        assert_eq!((width(1_499), width(1_500)), (Some(0.0), None));
    }

    #[test]
    fn styles_turn_into_others_and_leave_alone_what_is_the_same() {
        let from = Arc::new(Style {
            color: Some(Color::WHITE),
            ..Style::default()
        });
        let to = Arc::new(Style {
            color: Some(Color::rgb(255, 55, 255)),
            outline: Some(0.1),
            ..Style::default()
        });
        let transition = Transition {
            start: ms(0),
            end: ms(1_000),
            acceleration: 1.0,
            from,
            to,
        };
        let slow = Transition {
            acceleration: 2.0,
            ..transition.clone()
        };
        let style = |transition: &Transition, at| {
            let transitions = vec![transition.clone()];
            let cue = cue(span(Effects {
                transitions,
                ..Effects::default()
            }));
            cue.still(ms(at)).unwrap().spans[0].style.clone()
        };
        let half = style(&transition, 1_500);
        assert_eq!(half.color, Some(Color::rgb(255, 155, 255)));
        assert_eq!(half.outline, Some(0.05));
        assert_eq!(half.secondary_color, Some(Color::BLACK));
        assert_eq!(style(&slow, 1_500).color, Some(Color::rgb(255, 205, 255)));
        assert_eq!(style(&transition, 9_000).outline, Some(0.1));
    }

    #[test]
    fn cues_fade_and_move() {
        let mut moving = cue(Span {
            text: "x".to_owned(),
            ..Span::default()
        });
        let fade = Fade {
            levels: [0.0, 1.0, 0.0],
            times: [0, 200, 1_800, 2_000].map(ms),
        };
        let path = Path {
            from: (0.0, 1.0),
            to: (1.0, 0.0),
            start: ms(0),
            end: ms(2_000),
        };
        moving.motion = Some(Box::new(Motion {
            fade: Some(fade),
            path: Some(path),
        }));
        let alpha = |at| {
            let still = moving.still(ms(at)).unwrap();
            still.spans[0].style.color.map(|color| color.alpha)
        };
        let alphas = [1_000, 1_100, 1_200, 2_800, 2_900, 3_000].map(alpha);
        let expected = [Some(0), Some(128), None, None, Some(127), Some(0)];
        let is_near = |(one, other): (&Option<u8>, &Option<u8>)| match (one, other) {
            (Some(one), Some(other)) => one.abs_diff(*other) <= 1,
            (one, other) => one == other,
        };
        assert!(alphas.iter().zip(&expected).all(is_near), "{alphas:?}");
        let layout = moving.still(ms(1_500)).unwrap().layout;
        assert_eq!(
            (layout.position, layout.line),
            (Some(0.25), LinePosition::Fraction(0.75))
        );
    }
}
