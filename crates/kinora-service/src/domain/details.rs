//! What people say of a video, beside its title.

use super::title::MAX_TITLE_LEN;
use super::{ApiError, ApiErrorCode, clean_title, printable};

/// Letters that a description has at most.
const MAX_DESCRIPTION_LEN: usize = 1024;
const MAX_TAGS: usize = 16;
/// Letters of a tag.
const MAX_TAG_LEN: usize = 32;
/// Octets of the address of a picture, and of an application's own data.
const MAX_URL_LEN: usize = 1024;
const MAX_USER_DATA_LEN: usize = 1024;

/// What is known of a video for its audience and its owners. What is empty was never said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VideoDetails {
    /// What it is about.
    pub description: String,
    /// Words that it is found by, with commas between.
    pub tags: String,
    /// A picture for it, where it is not to be its own.
    pub cover_url: String,
    /// JSON of an application's own.
    pub user_data: String,
    /// The shelf that it lies on.
    pub category_id: Option<i64>,
    /// When any of that was changed last, milliseconds since 1970 UTC.
    pub modified_ms: Option<i64>,
}

/// What is to be said anew of a video; what is absent stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct VideoChange {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) cover_url: Option<String>,
    pub(crate) user_data: Option<String>,
    pub(crate) category_id: Option<i64>,
}

impl VideoChange {
    /// Reads what is given under the names of the API.
    pub(crate) fn read<'a>(
        given: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            title: given("Title").map(title).transpose()?,
            description: given("Description").map(description).transpose()?,
            tags: given("Tags").map(tags).transpose()?,
            cover_url: given("CoverURL").map(cover_url).transpose()?,
            user_data: given("UserData").map(user_data).transpose()?,
            category_id: given("CateId").map(category_id).transpose()?,
        })
    }
}

fn must_be_within(name: &str, text: &str, letters: usize) -> Result<(), ApiError> {
    match text.chars().nth(letters) {
        None => Ok(()),
        Some(_) => Err(ApiErrorCode::LengthExceededMax.because(format!(
            "The {name} length has exceeded {letters} characters."
        ))),
    }
}

fn title(text: &str) -> Result<String, ApiError> {
    must_be_within("Title", text, MAX_TITLE_LEN)?;
    let title = clean_title(text);
    match title.is_empty() {
        false => Ok(title),
        true => Err(ApiError::invalid(
            "Title",
            "it must hold something that can be seen.",
        )),
    }
}

/// As a title is, but of many lines.
fn description(text: &str) -> Result<String, ApiError> {
    must_be_within("Description", text, MAX_DESCRIPTION_LEN)?;
    let lines = text.lines().map(|line| printable(line).collect::<String>());
    Ok(lines.collect::<Vec<_>>().join("\n").trim().to_owned())
}

fn tags(text: &str) -> Result<String, ApiError> {
    let tags: Vec<String> = text
        .split(',')
        .map(|tag| printable(tag).collect::<String>().trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect();
    if tags.len() > MAX_TAGS {
        return Err(ApiErrorCode::TagsExceededMax
            .because(format!("The specified Tags count has exceeded {MAX_TAGS}.")));
    }
    for tag in &tags {
        must_be_within("Tags", tag, MAX_TAG_LEN)?;
    }
    Ok(tags.join(","))
}

fn cover_url(text: &str) -> Result<String, ApiError> {
    let is_web = url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    });
    match is_web && text.len() <= MAX_URL_LEN {
        true => Ok(text.to_owned()),
        false => Err(ApiError::invalid(
            "CoverURL",
            format!(
                "it must be an http or https URL without user and password, of at most {MAX_URL_LEN} octets."
            ),
        )),
    }
}

fn user_data(text: &str) -> Result<String, ApiError> {
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    match object.is_ok() && text.len() <= MAX_USER_DATA_LEN {
        true => Ok(text.to_owned()),
        false => Err(ApiError::invalid(
            "UserData",
            format!("it must be a JSON object of at most {MAX_USER_DATA_LEN} octets."),
        )),
    }
}

fn category_id(text: &str) -> Result<i64, ApiError> {
    super::Category::parse_id("CateId", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &str) -> Result<VideoChange, ApiError> {
        VideoChange::read(|wanted| (wanted == name).then_some(value))
    }

    #[test]
    fn what_is_absent_is_not_changed_and_what_is_hidden_is_left_out() {
        assert_eq!(read("Other", "x"), Ok(VideoChange::default()));
        let change = read("Title", " a\u{202e}b ").unwrap();
        assert_eq!(change.title.as_deref(), Some("ab"));
        let change = read("Description", "one\u{7}\r\ntwo\n").unwrap();
        assert_eq!(change.description.as_deref(), Some("one\ntwo"));
        let change = read("Tags", "a, b ,,c").unwrap();
        assert_eq!(change.tags.as_deref(), Some("a,b,c"));
        assert_eq!(read("CateId", "7").unwrap().category_id, Some(7));
    }

    #[test]
    fn what_is_too_long_or_of_another_form_is_refused() {
        let tags = |count| vec!["t"; count].join(",");
        assert!(read("Tags", &tags(16)).is_ok());
        for (name, value, code) in [
            ("Title", "x".repeat(129), "LengthExceededMax"),
            ("Title", "\u{200b}".to_owned(), "InvalidParameter.Title"),
            ("Description", "x".repeat(1025), "LengthExceededMax"),
            ("Tags", tags(17), "TagsExceededMax"),
            ("Tags", "x".repeat(33), "LengthExceededMax"),
            (
                "CoverURL",
                "javascript:alert(1)".to_owned(),
                "InvalidParameter.CoverURL",
            ),
            (
                "CoverURL",
                "https://u:p@h/".to_owned(),
                "InvalidParameter.CoverURL",
            ),
            (
                "CoverURL",
                format!("https://h/{}", "x".repeat(1024)),
                "InvalidParameter.CoverURL",
            ),
            ("UserData", "[]".to_owned(), "InvalidParameter.UserData"),
            (
                "UserData",
                format!("{{\"a\":\"{}\"}}", "x".repeat(1024)),
                "InvalidParameter.UserData",
            ),
            ("CateId", "+1".to_owned(), "InvalidParameter.CateId"),
            ("CateId", "-2".to_owned(), "InvalidParameter.CateId"),
        ] {
            assert_eq!(
                read(name, &value).unwrap_err().code(),
                code,
                "{name} {value}"
            );
        }
    }
}
