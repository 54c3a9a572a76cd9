//! Comments (Vorbis I 5), which Ogg and FLAC share: who made it, what it is called, where its chapters begin.

use kinora_media::{Chapter, Time};

use crate::tags::plain_text;

/// Longer texts are no titles.
const MAX_TITLE: usize = 1024;
/// More chapters than anything has; their numbers have three digits.
const MAX_CHAPTERS: usize = 1_000;

/// What is of use among comments.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Comments {
    pub(crate) title: Option<String>,
    /// In the order of their times.
    pub(crate) chapters: Vec<Chapter>,
}

impl Comments {
    /// Reads a list of comments as far as the bytes at hand reach.
    pub(crate) fn parse(data: &[u8]) -> Self {
        let mut comments = Self::default();
        let mut chapters: Vec<Numbered> = Vec::new();
        for (name, value) in fields(data) {
            if name.eq_ignore_ascii_case(b"TITLE") {
                comments.title = comments.title.or_else(|| text(value));
                continue;
            }
            let Some((number, what)) = chapter_field(name) else {
                continue;
            };
            let known = chapters.iter().position(|it| it.number == number);
            let place = known.unwrap_or(chapters.len());
            if known.is_none() && chapters.len() < MAX_CHAPTERS {
                chapters.push(Numbered::new(number));
            }
            if let Some(chapter) = chapters.get_mut(place) {
                match what {
                    What::Start => chapter.start = time(value),
                    What::Name => chapter.title = text(value),
                }
            }
        }
        comments.chapters = chapters.into_iter().filter_map(Numbered::chapter).collect();
        comments.chapters.sort_by_key(|chapter| chapter.start);
        comments
    }
}

/// A chapter as its fields come.
struct Numbered {
    number: u32,
    start: Option<Time>,
    title: Option<String>,
}

impl Numbered {
    fn new(number: u32) -> Self {
        Self {
            number,
            start: None,
            title: None,
        }
    }

    fn chapter(self) -> Option<Chapter> {
        Some(Chapter {
            start: self.start?,
            title: self.title,
            ..Chapter::default()
        })
    }
}

/// What a field tells of a chapter.
enum What {
    /// `CHAPTER001`
    Start,
    /// `CHAPTER001NAME`
    Name,
}

/// Which chapter a field is of (Xiph, "Chapter extension to Vorbis comments").
fn chapter_field(name: &[u8]) -> Option<(u32, What)> {
    let (prefix, rest) = name.split_at_checked(7)?;
    let (digits, what) = rest.split_at_checked(3)?;
    if !prefix.eq_ignore_ascii_case(b"CHAPTER") || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = core::str::from_utf8(digits).ok()?.parse().ok()?;
    match what {
        b"" => Some((number, What::Start)),
        name if name.eq_ignore_ascii_case(b"NAME") => Some((number, What::Name)),
        _ => None,
    }
}

/// `00:05:30.500`: hours, minutes, seconds, and as many digits of a part of them as there are.
fn time(value: &[u8]) -> Option<Time> {
    let text = core::str::from_utf8(value).ok()?.trim();
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = |text: &str| text.parse::<u32>().ok().map(f64::from);
    let seconds = seconds
        .parse::<f64>()
        .ok()
        .filter(|it| (0.0..60.0).contains(it))?;
    if parts.next().is_some() {
        return None;
    }
    let minutes = whole(minutes).filter(|minutes| *minutes < 60.0)?;
    let total = whole(hours)? * 3_600.0 + minutes * 60.0 + seconds;
    Some(Time::from_secs_f64(total))
}

/// Names and values; the last of them may be cut.
fn fields(data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let head = || {
        let (_vendor, rest) = counted(data)?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        Some((u32::from_le_bytes(*count), rest))
    };
    let (count, mut rest) = head().unwrap_or_default();
    let next = move |_| {
        let (field, after) = counted(rest)?;
        rest = after;
        Some(field)
    };
    (0..count).map_while(next).filter_map(|field| {
        let equals = memchr::memchr(b'=', field)?;
        let (name, value) = field.split_at_checked(equals)?;
        Some((name, value.get(1..)?))
    })
}

/// What its length stands before, cut where the data ends, and what follows.
fn counted(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = data.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    Some(rest.split_at_checked(len).unwrap_or((rest, &[])))
}

fn text(value: &[u8]) -> Option<String> {
    plain_text(value.get(..MAX_TITLE).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(fields: &[&str]) -> Vec<u8> {
        let mut data = Vec::new();
        let mut put = |text: &str| {
            data.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            data.extend(text.as_bytes());
        };
        put("a tool");
        data.extend(u32::try_from(fields.len()).unwrap().to_le_bytes());
        for field in fields {
            data.extend(u32::try_from(field.len()).unwrap().to_le_bytes());
            data.extend(field.as_bytes());
        }
        data
    }

    #[test]
    fn chapters_are_told_by_their_numbers_in_any_order() {
        let data = list(&[
            "ARTIST=TITLE=x",
            "CHAPTER002NAME=夜",
            "chapter002=00:01:02.5",
            "CHAPTER001=00:00:00.000",
            "CHAPTER001Name=Opening",
            "CHAPTER003NAME=without a time",
            "CHAPTER004=01:75:00",
            "CHAPTERxyz=00:00:01",
            "CHAPTER005URL=http://films.test",
            "Title=Late",
        ]);
        let comments = Comments::parse(&data);
        assert_eq!(comments.title.as_deref(), Some("Late"));
        let told: Vec<_> = comments
            .chapters
            .iter()
            .map(|it| (it.start.as_millis(), it.title.as_deref()))
            .collect();
        assert_eq!(told, [(0, Some("Opening")), (62_500, Some("夜"))]);
    }

    #[test]
    fn comments_that_are_cut_or_lie_are_read_as_far_as_they_go() {
        let data = list(&["TITLE=One", "CHAPTER001=00:00:03"]);
        for len in 0..data.len() {
            let comments = Comments::parse(&data[..len]);
            assert!(comments.chapters.is_empty() || len > data.len() - 2);
        }
        let mut lying = data.clone();
        lying[..4].fill(0xff);
        assert_eq!(Comments::parse(&lying), Comments::default());
        let many: Vec<String> = (0..3_000)
            .map(|n| format!("CHAPTER{:03}=00:00:01", n % 1_000))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(Comments::parse(&list(&many)).chapters.len(), MAX_CHAPTERS);
    }
}
