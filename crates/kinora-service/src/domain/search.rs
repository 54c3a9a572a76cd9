//! The words by which SearchMedia finds: `Field = 'value'`, `Field in ('a','b')`, `Field = [from,to)`, joined by `and`; within
//! parentheses by `or`.

use kinora_cloud::UnixTime;

use super::{ApiError, Video};

/// More conditions, and more values of one, are no search of ours.
const MAX_CONDITIONS: usize = 32;
const MAX_VALUES: usize = 100;
const NAME: &str = "Match";

/// Which videos are wanted: each group must hold, by one of its conditions. Without groups all are.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Search(Vec<Vec<Condition>>);

#[derive(Clone, PartialEq, Debug)]
enum Condition {
    /// The text of a field is one of these.
    Is(TextField, Vec<String>),
    /// The text of a field has one of these in it, capitals and small letters being the same.
    Has(TextField, Vec<String>),
    /// A number lies between.
    Within(NumberField, Bound, Bound),
}

/// An end of a range, and whether it is part of it.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Bound {
    value: f64,
    included: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TextField {
    VideoId,
    CateId,
    Status,
    Title,
    Tags,
    Description,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NumberField {
    Size,
    Duration,
    CreationTime,
    ModificationTime,
}

enum Field {
    Text(TextField),
    Number(NumberField),
}

impl Field {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "VideoId" => Self::Text(TextField::VideoId),
            "CateId" => Self::Text(TextField::CateId),
            "Status" => Self::Text(TextField::Status),
            "Title" => Self::Text(TextField::Title),
            "Tags" => Self::Text(TextField::Tags),
            "Description" => Self::Text(TextField::Description),
            "Size" => Self::Number(NumberField::Size),
            "Duration" => Self::Number(NumberField::Duration),
            "CreationTime" => Self::Number(NumberField::CreationTime),
            "ModificationTime" => Self::Number(NumberField::ModificationTime),
            _ => return None,
        })
    }
}

impl Search {
    /// Reads the parameter `Match`.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut words = Words(text);
        let mut groups = vec![words.group()?];
        while !words.is_empty() {
            words.expect("and")?;
            groups.push(words.group()?);
            if groups.iter().map(Vec::len).sum::<usize>() > MAX_CONDITIONS {
                return Err(refuse(&format!(
                    "more than {MAX_CONDITIONS} conditions were given."
                )));
            }
        }
        Ok(Self(groups))
    }
    pub(crate) fn finds(&self, video: &Video) -> bool {
        let mut groups = self.0.iter();
        groups.all(|group| group.iter().any(|condition| condition.holds(video)))
    }
}

impl Condition {
    fn holds(&self, video: &Video) -> bool {
        match self {
            Self::Is(field, values) => values.contains(&field.of(video)),
            Self::Has(field, values) => {
                let text = field.of(video).to_lowercase();
                values.iter().any(|value| text.contains(value))
            }
            Self::Within(field, low, high) => field.of(video).is_some_and(|number| {
                let above = number > low.value || low.included && number == low.value;
                let below = number < high.value || high.included && number == high.value;
                above && below
            }),
        }
    }
}

impl TextField {
    fn of(self, video: &Video) -> String {
        let details = &video.details;
        match self {
            Self::VideoId => video.id.to_string(),
            Self::CateId => details
                .category_id
                .map_or_else(String::new, |id| id.to_string()),
            Self::Status => video.status.as_str().to_owned(),
            Self::Title => video.title.clone(),
            Self::Tags => details.tags.clone(),
            Self::Description => details.description.clone(),
        }
    }
    /// Whether a part of it is enough.
    const fn is_fuzzy(self) -> bool {
        matches!(self, Self::Title | Self::Tags | Self::Description)
    }
}

impl NumberField {
    // Sizes and times stay far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    fn of(self, video: &Video) -> Option<f64> {
        let seconds = |ms: i64| UnixTime::from_millis(ms).seconds() as f64;
        match self {
            Self::Size => Some(video.size as f64),
            Self::Duration => Some(video.duration_s),
            Self::CreationTime => Some(seconds(video.created_ms)),
            Self::ModificationTime => video.details.modified_ms.map(seconds),
        }
    }
    #[allow(clippy::cast_precision_loss)]
    fn parse(self, text: &str) -> Option<f64> {
        match self {
            Self::Size | Self::Duration => {
                text.parse().ok().filter(|number: &f64| number.is_finite())
            }
            Self::CreationTime | Self::ModificationTime => {
                UnixTime::parse(text).map(|time| time.seconds() as f64)
            }
        }
    }
}

fn refuse(why: &str) -> ApiError {
    ApiError::invalid(NAME, why)
}

/// What is left to read.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn is_empty(&self) -> bool {
        self.0.trim_start().is_empty()
    }
    fn takes(&mut self, sign: char) -> bool {
        let rest = self.0.trim_start().strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
    /// A run of letters, digits and what numbers have.
    fn word(&mut self) -> &'a str {
        let text = self.0.trim_start();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-.:_".contains(letter);
        let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.0 = rest;
        word
    }
    fn expect(&mut self, word: &str) -> Result<(), ApiError> {
        match self.word().eq_ignore_ascii_case(word) {
            true => Ok(()),
            false => Err(refuse(
                "conditions are joined by `and`; by `or` within parentheses only.",
            )),
        }
    }
    fn group(&mut self) -> Result<Vec<Condition>, ApiError> {
        if !self.takes('(') {
            return Ok(vec![self.condition()?]);
        }
        let mut group = vec![self.condition()?];
        while !self.takes(')') {
            self.expect("or")?;
            group.push(self.condition()?);
            if group.len() > MAX_CONDITIONS {
                return Err(refuse(&format!(
                    "more than {MAX_CONDITIONS} conditions were given."
                )));
            }
        }
        Ok(group)
    }
    fn condition(&mut self) -> Result<Condition, ApiError> {
        let field = Field::parse(self.word()).ok_or_else(|| {
            refuse("a condition begins with VideoId, CateId, Status, Title, Tags, Description, Size, Duration, CreationTime or ModificationTime.")
        })?;
        match field {
            Field::Number(field) => self.range(field),
            Field::Text(field) => {
                let values = match self.takes('=') {
                    true => vec![self.value()?],
                    false => self.list()?,
                };
                Ok(match field.is_fuzzy() {
                    true => {
                        let lower = values.iter().map(|value| value.to_lowercase());
                        Condition::Has(field, lower.collect())
                    }
                    false => Condition::Is(field, values),
                })
            }
        }
    }
    fn list(&mut self) -> Result<Vec<String>, ApiError> {
        if !self.word().eq_ignore_ascii_case("in") || !self.takes('(') {
            return Err(refuse(
                "behind a field comes `= 'value'` or `in ('a','b')`.",
            ));
        }
        let mut values = vec![self.value()?];
        while !self.takes(')') {
            if !self.takes(',') || values.len() >= MAX_VALUES {
                return Err(refuse(&format!(
                    "a list holds at most {MAX_VALUES} values with commas between, and ends with a parenthesis."
                )));
            }
            values.push(self.value()?);
        }
        Ok(values)
    }
    fn range(&mut self, field: NumberField) -> Result<Condition, ApiError> {
        let form = || {
            refuse(
                "a number or time is asked for as `= [from,to]`; a round bracket leaves its end out.",
            )
        };
        if !self.takes('=') {
            return Err(form());
        }
        let low = match (self.takes('['), self.takes('(')) {
            (true, false) => true,
            (false, true) => false,
            _ => return Err(form()),
        };
        let low = Bound {
            value: field.parse(&self.value()?).ok_or_else(form)?,
            included: low,
        };
        if !self.takes(',') {
            return Err(form());
        }
        let value = field.parse(&self.value()?).ok_or_else(form)?;
        let included = match (self.takes(']'), self.takes(')')) {
            (true, false) => true,
            (false, true) => false,
            _ => return Err(form()),
        };
        Ok(Condition::Within(field, low, Bound { value, included }))
    }
    /// A text in quotes, or a word.
    fn value(&mut self) -> Result<String, ApiError> {
        for quote in ['\'', '"'] {
            if self.takes(quote) {
                let (value, rest) = self.0.split_once(quote).ok_or_else(|| {
                    refuse("a text that begins with a quotation mark must end with one.")
                })?;
                self.0 = rest;
                return Ok(value.to_owned());
            }
        }
        match self.word() {
            "" => Err(refuse(
                "a value is missing. Put texts into single quotation marks.",
            )),
            word => Ok(word.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{VideoDetails, VideoId, VideoStatus};

    fn video() -> Video {
        Video {
            id: VideoId::parse("5aed81b74ba84920be578cdfe004af4b").unwrap(),
            title: "The Sea, by night".into(),
            status: VideoStatus::Normal,
            duration_s: 60.5,
            size: 1000,
            cover: None,
            created_ms: 1_767_323_045_500,
            details: VideoDetails {
                tags: "water,dark".into(),
                category_id: Some(7),
                ..VideoDetails::default()
            },
        }
    }

    #[test]
    fn conditions_find_by_every_field() {
        for found in [
            "Title = 'sea'",
            "Title in ('moon','NIGHT')",
            "Tags='dark' and Status in ('Normal','Blocked')",
            "VideoId = '5aed81b74ba84920be578cdfe004af4b'",
            "CateId = 7 and Size = [1000,1000]",
            "Duration = (60,61) and (Title = 'moon' or CateId=7)",
            "CreationTime = [2026-01-02T03:04:05Z,2026-01-02T03:04:06Z)",
            "CreationTime=['2026-01-02T03:04:05Z','2026-01-02T03:04:05Z']",
            "Title = \"Sea, by\"",
        ] {
            assert!(Search::parse(found).unwrap().finds(&video()), "{found}");
        }
        for other in [
            "Title = 'moon'",
            "Tags = 'dark' and Status = 'Blocked'",
            "VideoId in ('5aed')",
            "CateId = '77'",
            "Size = (1000,2000]",
            "Size = [1,1000)",
            "ModificationTime = [1970-01-01T00:00:00Z,2100-01-01T00:00:00Z]",
            "(Title = 'moon' or CateId=8)",
        ] {
            assert!(!Search::parse(other).unwrap().finds(&video()), "{other}");
        }
        assert!(Search::default().finds(&video()));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let many = vec!["CateId=1"; 33].join(" and ");
        let many_or = format!("({})", vec!["CateId=1"; 33].join(" or "));
        let values = format!("VideoId in ({})", vec!["'a'"; 101].join(","));
        for bad in [
            "",
            " ",
            "Title",
            "Title =",
            "Title = 'a",
            "Name = 'a'",
            "Title in 'a'",
            "Title in ('a'",
            "Title in ('a' 'b')",
            "Size = 5",
            "Size = [5]",
            "Size = [a,b]",
            "Size = [1,NaN]",
            "Size = [1,2",
            "CreationTime = [1,2]",
            "Title = 'a' or Title = 'b'",
            "(Title = 'a' and Title = 'b')",
            "(Title = 'a'",
            "((Title = 'a'))",
            "Title = 'a' and",
            "Title = 'a' Title = 'b'",
            "Title = (1,2)",
            "Size = [(1,2]",
            &many,
            &many_or,
            &values,
        ] {
            let refused = Search::parse(bad).unwrap_err();
            assert_eq!(refused.code(), "InvalidParameter.Match", "{bad}");
        }
    }
}
