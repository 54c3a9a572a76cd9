use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kinora_media::Freshness;
use serde::{Deserialize, Serialize};

use crate::key::label_of;

/// What is known of a resource beside its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Meta {
    /// How long it is.
    pub total_len: u64,
    /// Names its version, as `If-Range` takes it. Without one nothing is put together that did not come in one response.
    pub validator: Option<String>,
    /// Its media type.
    pub content_type: Option<String>,
    /// The server gives parts of it.
    pub ranges: bool,
    /// How long it may be used again without asking.
    pub freshness: Freshness,
    /// It is a playlist or manifest.
    pub is_playlist: bool,
    /// When the server was asked last, in seconds since 1970.
    pub asked_at: u64,
    /// What may be shown of its URL.
    pub label: String,
}

impl Meta {
    /// The same of a resource at a URL, asked for at a time.
    #[must_use]
    pub fn at(mut self, url: &str, now: SystemTime) -> Self {
        self.label = label_of(url);
        self.asked(now)
    }

    /// The server was asked again and holds the same.
    #[must_use]
    pub fn asked(mut self, now: SystemTime) -> Self {
        self.asked_at = unix_seconds(now);
        self
    }

    /// Whether it may be used without asking the server, where that is `usually` so for what the server says nothing of. A
    /// clock that was set back proves nothing.
    #[must_use]
    pub fn is_fresh(&self, now: SystemTime, usually: Duration) -> bool {
        let limit = match self.freshness {
            Freshness::NoStore => return false,
            Freshness::Unsaid => usually.as_secs(),
            Freshness::For { seconds, .. } => seconds,
        };
        let now = unix_seconds(now);
        let until = self.asked_at.saturating_add(limit);
        (self.asked_at..until).contains(&now)
    }

    /// It may be used though it is not fresh, where the server can not be reached.
    #[must_use]
    pub fn is_usable_offline(&self) -> bool {
        match self.freshness {
            Freshness::NoStore => false,
            Freshness::Unsaid => true,
            Freshness::For { stale_if_error, .. } => stale_if_error,
        }
    }

    /// Whether these are of the same version of the resource, by a validator that proves it (RFC 9111 3.4).
    #[must_use]
    pub fn is_version_of(&self, other: &Self) -> bool {
        self.validator.is_some()
            && self.validator == other.validator
            && self.total_len == other.total_len
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn meta(freshness: Freshness) -> Meta {
        let meta = Meta {
            freshness,
            ..Meta::default()
        };
        meta.asked(at(1_000))
    }

    #[test]
    fn what_a_server_says_of_freshness_is_obeyed() {
        let hour = Duration::from_secs(3_600);
        let unsaid = meta(Freshness::Unsaid);
        assert!(unsaid.is_fresh(at(1_000), hour) && unsaid.is_fresh(at(4_599), hour));
        assert!(!unsaid.is_fresh(at(4_600), hour) && unsaid.is_usable_offline());
        let said = meta(Freshness::For {
            seconds: 10,
            stale_if_error: false,
        });
        assert!(said.is_fresh(at(1_009), hour) && !said.is_fresh(at(1_010), hour));
        assert!(!said.is_usable_offline());
        assert!(!meta(Freshness::NoStore).is_fresh(at(1_000), hour));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_fresh() {
        assert!(!meta(Freshness::Unsaid).is_fresh(at(999), Duration::from_secs(60)));
    }

    #[test]
    fn versions_are_the_same_by_a_validator_alone() {
        let tagged = |tag: Option<&str>, total_len| Meta {
            validator: tag.map(str::to_owned),
            total_len,
            ..Meta::default()
        };
        assert!(tagged(Some("a"), 5).is_version_of(&tagged(Some("a"), 5)));
        assert!(!tagged(Some("a"), 5).is_version_of(&tagged(Some("a"), 6)));
        assert!(!tagged(Some("a"), 5).is_version_of(&tagged(Some("b"), 5)));
        assert!(!tagged(None, 5).is_version_of(&tagged(None, 5)));
    }
}
