use core::fmt;

use serde::{Serialize, Serializer};

/// A key, token, signature or password: usable, never printable.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value from being printed.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
    /// The value itself, for the one place that must use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// No value at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// A URL fit to be shown: user-info and the values of its query become `***`, and so does all of a `data:` URL.
#[must_use]
pub fn mask_url(url: &str) -> String {
    // RFC 2397: the URL is what it leads to.
    let scheme = url.get(..5).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("data:") {
        return "data:***".to_owned();
    }
    let (rest, fragment) = url
        .split_once('#')
        .map_or((url, ""), |(rest, _)| (rest, "#***"));
    let (base, query) = rest
        .split_once('?')
        .map_or((rest, None), |(base, query)| (base, Some(query)));
    let base = match base.split_once("://") {
        Some((scheme, after)) => {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            let mark = if host.len() < authority.len() {
                "***@"
            } else {
                ""
            };
            format!("{scheme}://{mark}{host}{path}")
        }
        None => base.to_owned(),
    };
    let Some(query) = query else {
        return base + fragment;
    };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| {
            pair.split_once('=')
                .map_or_else(|| "***".to_owned(), |(name, _)| format!("{name}=***"))
        })
        .collect();
    format!("{base}?{}{fragment}", masked.join("&"))
}

/// A sentence in which every URL is masked: the words of other libraries may hold one.
pub(crate) fn mask_urls(sentence: &str) -> String {
    if !sentence.contains("://") {
        return sentence.to_owned();
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '`');
    sentence
        .split_inclusive(ends)
        .map(|piece| {
            let (word, end) = match piece.char_indices().next_back() {
                Some((at, last)) if ends(last) => piece.split_at(at),
                _ => (piece, ""),
            };
            if word.contains("://") {
                mask_url(word) + end
            } else {
                piece.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "S3cr3tCanary";

    #[test]
    fn a_secret_has_no_printable_form() {
        let secret = Secret::new(CANARY);
        let printed = format!(
            "{secret} {secret:?} {}",
            serde_json::to_string(&secret).unwrap()
        );
        assert!(!printed.contains(CANARY), "{printed}");
        assert_eq!(secret.expose(), CANARY);
    }

    #[test]
    fn a_shown_url_keeps_its_names_and_loses_its_values() {
        let url = format!("https://user:{CANARY}@host:8080/a/b.mp4?auth_key={CANARY}&x=1#{CANARY}");
        assert_eq!(
            mask_url(&url),
            "https://***@host:8080/a/b.mp4?auth_key=***&x=***#***"
        );
    }

    #[test]
    fn a_url_that_is_what_it_leads_to_loses_all() {
        for url in ["data:;base64,S3cr3tCanary", "DATA:,S3cr3tCanary#x"] {
            assert_eq!(mask_url(url), "data:***");
        }
    }

    #[test]
    fn urls_inside_the_words_of_others_are_masked() {
        let said = format!("error for url (http://h/p?Signature={CANARY}): refused");
        let masked = mask_urls(&said);
        assert!(
            !masked.contains(CANARY) && masked.ends_with("): refused"),
            "{masked}"
        );
    }
}
