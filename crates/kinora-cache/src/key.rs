//! Which URLs name one object.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use url::Url;

/// Names an entry: a hash of what its URL names. It says nothing of the URL, so that no secret of one lies readable in the
/// name of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryId([u8; Self::LEN]);

impl EntryId {
    const LEN: usize = 20;

    /// The id of a key. `kind` keeps keys of several rules apart.
    fn of(kind: &str, key: &str) -> Self {
        let mut hash = Sha256::new();
        for part in ["kinora cache", kind, key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut id = [0; Self::LEN];
        for (to, from) in id.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(id)
    }

    /// The id that a text of [`Display`](fmt::Display) shows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut id = [0; Self::LEN];
        if text.len() != 2 * Self::LEN
            || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        {
            return None;
        }
        for (index, to) in id.iter_mut().enumerate() {
            *to = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What of a URL names the object: URLs of the same key share what is kept. The fragment never counts.
#[derive(Clone, Default)]
pub enum CacheKey {
    /// All of it, the query included.
    #[default]
    Url,
    /// All of it but these parameters of the query: those that sign it, or say when it expires.
    ///
    /// Two objects that differ only in such a parameter would be taken for one.
    IgnoreQuery(Vec<String>),
    /// What the application makes of it; `None`: nothing of it is kept.
    By(Arc<KeyRule>),
}

/// Makes the key of a URL.
type KeyRule = dyn Fn(&str) -> Option<String> + Send + Sync;

impl CacheKey {
    /// A rule of the application's own.
    pub fn by(rule: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::By(Arc::new(rule))
    }

    /// The entry that a URL names; `None` where nothing of it is to be kept.
    ///
    /// ```
    /// use kinora_cache::CacheKey;
    ///
    /// let signed = CacheKey::IgnoreQuery(vec!["auth_key".into()]);
    /// let (one, two) = ("https://a.example/f.mp4?v=1&auth_key=x", "https://a.example/f.mp4?v=1&auth_key=y#t=3");
    /// assert_eq!(signed.id_of(one), signed.id_of(two));
    /// assert_ne!(CacheKey::Url.id_of(one), CacheKey::Url.id_of(two));
    /// ```
    #[must_use]
    pub fn id_of(&self, url: &str) -> Option<EntryId> {
        if let Self::By(rule) = self {
            return Some(EntryId::of("application", &rule(url)?));
        }
        let mut url = Url::parse(url).ok()?;
        url.set_fragment(None);
        if let Self::IgnoreQuery(names) = self {
            ignore(&mut url, names);
        }
        Some(EntryId::of("url", url.as_str()))
    }
}

/// Takes parameters out of a query; what is left stays as it is written.
fn ignore(url: &mut Url, names: &[String]) {
    let Some(query) = url.query() else { return };
    let is_kept = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !names.iter().any(|ignored| ignored == name)
    };
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    let kept = (!kept.is_empty()).then(|| kept.join("&"));
    url.set_query(kept.as_deref());
}

/// A rule of the application can not be shown.
impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("Url"),
            Self::IgnoreQuery(names) => f.debug_tuple("IgnoreQuery").field(names).finish(),
            Self::By(_) => f.write_str("By"),
        }
    }
}

/// What may be shown of a URL whoever reads along: no query, no fragment, no user. Parts of the path that are no words are
/// masked too, since some servers put signatures there.
#[must_use]
pub(crate) fn label_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else {
        return String::new();
    };
    let mut label = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        // A String takes all that is written.
        let _ = write!(label, ":{port}");
    }
    for part in url.path_segments().into_iter().flatten() {
        label.push('/');
        label.push_str(if is_opaque(part) { "***" } else { part });
    }
    label
}

/// Long, and of digits and letters mixed, as tokens are.
fn is_opaque(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    let digits = stem.bytes().filter(u8::is_ascii_digit).count();
    stem.len() >= 20 && digits >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(rule: &CacheKey, url: &str) -> EntryId {
        rule.id_of(url).unwrap()
    }

    #[test]
    fn one_url_in_its_spellings_is_one_object_and_another_query_another() {
        let all = &CacheKey::Url;
        let film = id(all, "https://a.example/f.mp4?sig=1");
        for same in [
            "https://a.example/f.mp4?sig=1#t=9",
            "HTTPS://A.example:443/x/../f.mp4?sig=1",
        ] {
            assert_eq!(id(all, same), film, "{same}");
        }
        for other in [
            "https://a.example/f.mp4?sig=2",
            "https://a.example/f.mp4",
            "http://a.example/f.mp4?sig=1",
            "https://b.example/f.mp4?sig=1",
            "https://u:p@a.example/f.mp4?sig=1",
        ] {
            assert_ne!(id(all, other), film, "{other}");
        }
        assert_eq!(all.id_of("film.mp4"), None);
    }

    #[test]
    fn only_the_parameters_that_were_named_are_ignored() {
        let rule = &CacheKey::IgnoreQuery(vec!["sig".into(), "exp".into()]);
        let film = id(rule, "https://a.example/f.mp4?v=1&sig=x&exp=5");
        assert_eq!(id(rule, "https://a.example/f.mp4?exp=6&v=1&sig"), film);
        for other in ["?v=2&sig=x&exp=5", "?v=1&sig2=x", "?sig=x", ""] {
            assert_ne!(
                id(rule, &format!("https://a.example/f.mp4{other}")),
                film,
                "{other}"
            );
        }
        let bare = id(rule, "https://a.example/f.mp4");
        assert_eq!(id(rule, "https://a.example/f.mp4?sig=1"), bare);
        assert_eq!(
            id(&CacheKey::Url, "https://a.example/f.mp4"),
            bare,
            "the rule is about queries alone"
        );
    }

    #[test]
    fn keys_of_an_application_share_nothing_with_urls() {
        let url = "https://a.example/f.mp4";
        let own = CacheKey::by(|url| (!url.contains("private")).then(|| url.to_owned()));
        assert_ne!(own.id_of(url), CacheKey::Url.id_of(url));
        assert_eq!(own.id_of("https://a.example/private.mp4"), None);
    }

    #[test]
    fn an_id_is_read_back_from_its_text_and_from_no_other() {
        let film = id(&CacheKey::Url, "https://a.example/f.mp4");
        assert_eq!(EntryId::parse(&film.to_string()), Some(film));
        for wrong in ["", "00", &"g".repeat(40), &"0".repeat(39), &"é".repeat(20)] {
            assert_eq!(EntryId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn labels_hold_no_secret_of_the_url() {
        let label = label_of(
            "https://user:pw@a.example:81/film/1700000000-0-0-4e5b6a7c8d9e/master.m3u8?token=abc#x",
        );
        assert_eq!(label, "https://a.example:81/film/***/master.m3u8");
        assert_eq!(label_of("nothing"), "");
    }
}
