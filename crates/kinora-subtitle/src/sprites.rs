//! Thumbnails by WebVTT: each cue names a picture, or a part of one by a media fragment (`sheet.jpg#xywh=0,0,160,90`; W3C
//! Media Fragments URI 4.2.2).

use kinora_media::Time;

use crate::{Cue, Limits, SubtitleError, webvtt};

/// The thumbnails of a film.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sprites(Vec<Sprite>);

/// A thumbnail: where its pixels lie, and for how long it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Sprite {
    /// The first time that it stands for.
    pub from: Time,
    /// Where the time ends that it stands for.
    pub to: Time,
    /// The file of the picture, as the cue names it: relative to the file of the cues.
    pub url: String,
    /// The part of the picture; `None`: all of it.
    pub part: Option<Part>,
}

/// A part of a picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Part {
    /// Left, top, width and height in pixels.
    Pixels(u32, u32, u32, u32),
    /// The same in hundredths of the picture's size.
    Percent(f64, f64, f64, f64),
}

impl Sprites {
    /// Reads a WebVTT file of thumbnails. A cue that names no picture is left out.
    ///
    /// # Errors
    /// When it is no WebVTT, or larger than the limits allow.
    pub fn parse(data: &[u8], limits: &Limits) -> Result<Self, SubtitleError> {
        if data.len() > limits.bytes {
            let limit = limits.bytes;
            return Err(SubtitleError::TooLong { limit });
        }
        // WebVTT is UTF-8 (W3C WebVTT 4.1).
        let text = String::from_utf8_lossy(data);
        let document = webvtt::parse(&text, limits)?;
        let mut sprites: Vec<Sprite> = document.cues.iter().filter_map(sprite).collect();
        sprites.sort_by_key(|sprite| sprite.from);
        Ok(Self(sprites))
    }

    /// The thumbnail of a time, or the nearest before it; before all of them the first.
    #[must_use]
    pub fn at(&self, time: Time) -> Option<&Sprite> {
        let after = self.0.partition_point(|sprite| sprite.from <= time);
        self.0.get(after.saturating_sub(1))
    }

    /// All of them, in the order of their times.
    pub fn iter(&self) -> impl Iterator<Item = &Sprite> {
        self.0.iter()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn sprite(cue: &Cue) -> Option<Sprite> {
    let text = cue.text();
    let named = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let (url, fragment) = named.split_once('#').unwrap_or((named, ""));
    let part = fragment
        .split('&')
        .find_map(|pair| pair.strip_prefix("xywh="))
        .map(part);
    Some(Sprite {
        from: cue.start,
        to: cue.end,
        url: url.to_owned(),
        part: match part {
            None => None,
            // A part that can not be read is not the whole.
            Some(part) => Some(part?),
        },
    })
    .filter(|sprite| !sprite.url.is_empty() && sprite.from < sprite.to)
}

/// `160,0,160,90`, `pixel:160,0,160,90` or `percent:25,0,25,25`.
fn part(text: &str) -> Option<Part> {
    fn four<T: core::str::FromStr>(text: &str) -> Option<[T; 4]> {
        let numbers = text.split(',').map(|number| number.trim().parse().ok());
        let numbers: Option<Vec<T>> = numbers.take(5).collect();
        numbers?.try_into().ok()
    }
    if let Some(text) = text.strip_prefix("percent:") {
        let [x, y, width, height] = four::<f64>(text)?;
        let all = [x, y, width, height];
        let fits = all.iter().all(|it| (0.0..=100.0).contains(it));
        return fits.then_some(Part::Percent(x, y, width, height));
    }
    let [x, y, width, height] = four(text.strip_prefix("pixel:").unwrap_or(text))?;
    Some(Part::Pixels(x, y, width, height))
}

impl Part {
    /// Left, top, width and height in pixels within a picture of that size; `None` where nothing of it lies there.
    #[must_use]
    pub fn within(self, (width, height): (u32, u32)) -> Option<(u32, u32, u32, u32)> {
        let (x, y, w, h) = match self {
            Self::Pixels(x, y, w, h) => (x, y, w, h),
            Self::Percent(x, y, w, h) => (
                share(width, x),
                share(height, y),
                share(width, w),
                share(height, h),
            ),
        };
        let (w, h) = (
            w.min(width.saturating_sub(x)),
            h.min(height.saturating_sub(y)),
        );
        (w > 0 && h > 0).then_some((x, y, w, h))
    }
}

fn share(side: u32, percent: f64) -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates"
    )]
    {
        (f64::from(side) * percent / 100.0).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<Sprite> {
        let sprites = Sprites::parse(text.as_bytes(), &Limits::default());
        sprites.unwrap().0
    }

    #[test]
    fn cues_name_parts_of_pictures() {
        let sprites = parse(
            "WEBVTT\n\n00:05.000 --> 00:10.000\nsheets/1.jpg?a=1&amp;b=2#xywh=160,0,160,90\n\n\
             1\n00:00.000 --> 00:05.000\nsheets/1.jpg#xywh=pixel:0,0,160,90\n\n\
             00:10.000 --> 00:15.000\n\nlost\n\n00:15.000 --> 00:20.000\n2.png#t=1&xywh=percent:25,50,25,50\n\n\
             00:20.000 --> 00:25.000\nwhole.png\n\n00:25.000 --> 00:30.000\n3.png#xywh=1,2,3\n",
        );
        let told: Vec<_> = sprites
            .iter()
            .map(|it| (it.from.as_millis(), it.url.as_str(), it.part))
            .collect();
        assert_eq!(
            told,
            [
                (0, "sheets/1.jpg", Some(Part::Pixels(0, 0, 160, 90))),
                (
                    5_000,
                    "sheets/1.jpg?a=1&b=2",
                    Some(Part::Pixels(160, 0, 160, 90))
                ),
                (15_000, "2.png", Some(Part::Percent(25.0, 50.0, 25.0, 50.0))),
                (20_000, "whole.png", None),
            ]
        );
    }

    #[test]
    fn a_time_has_the_thumbnail_that_stands_for_it() {
        let text = "WEBVTT\n\n00:01.000 --> 00:02.000\na\n\n00:02.000 --> 00:03.000\nb\n";
        let sprites = Sprites::parse(text.as_bytes(), &Limits::default()).unwrap();
        let at = |ms| sprites.at(Time::from_millis(ms)).map(|it| it.url.as_str());
        assert_eq!(
            [at(0), at(1_999), at(2_000), at(9_000)],
            [Some("a"), Some("a"), Some("b"), Some("b")]
        );
        assert_eq!(Sprites::default().at(Time::ZERO), None);
    }

    #[test]
    fn a_part_is_what_lies_within_the_picture() {
        assert_eq!(
            Part::Pixels(100, 0, 160, 90).within((200, 50)),
            Some((100, 0, 100, 50))
        );
        assert_eq!(Part::Pixels(200, 0, 1, 1).within((200, 50)), None);
        assert_eq!(
            Part::Percent(25.0, 50.0, 25.0, 50.0).within((400, 200)),
            Some((100, 100, 100, 100))
        );
        assert_eq!(
            Part::Pixels(u32::MAX, u32::MAX, u32::MAX, u32::MAX).within((9, 9)),
            None
        );
    }

    #[test]
    fn what_is_no_webvtt_or_too_long_is_refused() {
        let limits = Limits {
            bytes: 100,
            ..Limits::default()
        };
        assert_eq!(
            Sprites::parse(b"no", &limits),
            Err(SubtitleError::NotWebVtt)
        );
        assert_eq!(
            Sprites::parse(&[b' '; 101], &limits),
            Err(SubtitleError::TooLong { limit: 100 })
        );
    }
}
