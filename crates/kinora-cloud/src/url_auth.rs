//! Signed play URLs, type A: `?auth_key=ts-rand-uid-md5("URI-ts-rand-uid-key")`.

use kinora_errors::Secret;
use md5::{Digest, Md5};

use crate::{SecretUrl, UnixTime, sign};

/// What is signed beside the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UrlClaims<'a> {
    /// The URL is valid from here on, for as long as the domain says.
    pub timestamp: UnixTime,
    /// Makes URLs differ; no dash in it.
    pub rand: &'a str,
    /// The viewer, `0` for anyone; no dash in it.
    pub uid: &'a str,
    /// Only the first seconds may be seen.
    pub preview_s: Option<u64>,
}

/// Why a URL is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrlAuthError {
    /// No `auth_key` of this form.
    #[error("the link's auth_key has not the form ts-rand-uid-hash")]
    Malformed,
    /// The hash is of another path, time, viewer or key.
    #[error("the link's auth_key does not fit its path")]
    Mismatch,
    /// It has expired.
    #[error("the link has expired")]
    Expired,
}

/// The value of `auth_key` for a path, which begins with a slash and is as it stands in the URL.
#[must_use]
pub fn auth_key(path: &str, claims: &UrlClaims<'_>, key: &Secret) -> Secret {
    let UrlClaims {
        timestamp,
        rand,
        uid,
        preview_s,
    } = *claims;
    let timestamp = timestamp.seconds().to_string();
    let hash = hash(path, &timestamp, rand, uid, key, preview_s);
    Secret::new(format!("{timestamp}-{rand}-{uid}-{hash}"))
}

/// The whole URL: `base` is scheme and host, `path` begins with a slash; neither has a query.
#[must_use]
pub fn link(base: &str, path: &str, claims: &UrlClaims<'_>, key: &Secret) -> SecretUrl {
    let value = auth_key(path, claims, key);
    let end = claims
        .preview_s
        .map(|seconds| format!("&end={seconds}"))
        .unwrap_or_default();
    SecretUrl::new(format!(
        "{}{path}?auth_key={}{end}",
        base.trim_end_matches('/'),
        value.expose()
    ))
}

/// Verifies an `auth_key`; returns when it expires. `preview_s` is the URL's `end`; URLs are valid `validity_s` seconds
/// beyond their timestamp.
///
/// # Errors
/// When the key is malformed, of something else, or expired. The hash is compared first, in constant time.
pub fn verify(
    path: &str,
    auth_key: &str,
    preview_s: Option<u64>,
    key: &Secret,
    validity_s: i64,
    now: UnixTime,
) -> Result<UnixTime, UrlAuthError> {
    let mut parts = auth_key.split('-');
    let all = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    );
    let (Some(timestamp), Some(rand), Some(uid), Some(given), None) = all else {
        return Err(UrlAuthError::Malformed);
    };
    let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let since: i64 = timestamp.parse().map_err(|_| UrlAuthError::Malformed)?;
    if !is_number {
        return Err(UrlAuthError::Malformed);
    }
    if !sign::same(&hash(path, timestamp, rand, uid, key, preview_s), given) {
        return Err(UrlAuthError::Mismatch);
    }
    let until = UnixTime(since).after(validity_s);
    if until <= now {
        return Err(UrlAuthError::Expired);
    }
    Ok(until)
}

fn hash(
    path: &str,
    timestamp: &str,
    rand: &str,
    uid: &str,
    key: &Secret,
    preview_s: Option<u64>,
) -> String {
    let mut text = format!("{path}-{timestamp}-{rand}-{uid}-{}", key.expose());
    if let Some(seconds) = preview_s {
        text.push('-');
        text.push_str(&seconds.to_string());
    }
    let digest = Md5::digest(text.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(32), |mut out, byte| {
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/video/standard/1K.html";
    const TICKET: UrlClaims<'_> = UrlClaims {
        timestamp: UnixTime(1_444_435_200),
        rand: "0",
        uid: "0",
        preview_s: None,
    };

    fn key() -> Secret {
        Secret::new("aliyuncdnexp1234")
    }

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        let made = auth_key(PATH, &TICKET, &key());
        assert_eq!(
            made.expose(),
            "1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f"
        );
        let judged = |now| verify(PATH, made.expose(), None, &key(), 60, UnixTime(now));
        assert_eq!(judged(1_444_435_259), Ok(UnixTime(1_444_435_260)));
        assert_eq!(judged(1_444_435_260), Err(UrlAuthError::Expired));
        let link = link("http://h/", PATH, &TICKET, &key());
        assert_eq!(
            link.expose(),
            format!("http://h{PATH}?auth_key={}", made.expose())
        );
        assert!(!link.to_string().contains("80cd"));
    }

    #[test]
    fn a_changed_path_time_viewer_key_or_preview_is_refused() {
        let made = auth_key(PATH, &TICKET, &key());
        let made = made.expose();
        let judged = |path: &str, auth: &str, preview, key: &Secret| {
            verify(path, auth, preview, key, 60, UnixTime(0))
        };
        assert_eq!(
            judged("/other", made, None, &key()),
            Err(UrlAuthError::Mismatch)
        );
        assert_eq!(
            judged(
                PATH,
                &made.replace("1444435200", "1444435201"),
                None,
                &key()
            ),
            Err(UrlAuthError::Mismatch)
        );
        assert_eq!(
            judged(PATH, &made.replace("-0-0-", "-0-1-"), None, &key()),
            Err(UrlAuthError::Mismatch)
        );
        assert_eq!(
            judged(PATH, made, None, &Secret::new("k")),
            Err(UrlAuthError::Mismatch)
        );
        assert_eq!(
            judged(PATH, made, Some(300), &key()),
            Err(UrlAuthError::Mismatch)
        );
        for bad in [
            "",
            "1-2-3",
            "x-0-0-80",
            "1-2-3-4-5",
            "+1-0-0-80",
            "99999999999999999999-0-0-80",
        ] {
            assert_eq!(
                judged(PATH, bad, None, &key()),
                Err(UrlAuthError::Malformed),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_preview_signs_its_length() {
        let claims = UrlClaims {
            preview_s: Some(300),
            ..TICKET
        };
        let link = link("https://h", PATH, &claims, &key());
        let (_, query) = link.expose().split_once("auth_key=").unwrap();
        let (auth, end) = query.split_once("&end=").unwrap();
        assert_eq!(end, "300");
        let judged = |preview| verify(PATH, auth, preview, &key(), 60, UnixTime(0));
        assert!(judged(Some(300)).is_ok());
        assert_eq!(judged(Some(301)), Err(UrlAuthError::Mismatch));
        assert_eq!(judged(None), Err(UrlAuthError::Mismatch));
    }

    // The class of trusted-server #410 and of every signed link: one changed byte is another link.
    #[test]
    fn any_changed_byte_of_a_link_or_its_path_is_refused() {
        let made = auth_key(PATH, &TICKET, &key());
        let now = UnixTime(1_444_435_201);
        let judged = |path: &str, value: &str| verify(path, value, None, &key(), 60, now);
        assert!(judged(PATH, made.expose()).is_ok());
        let mut tried = 0;
        for (text, is_path) in [(PATH, true), (made.expose(), false)] {
            for at in 0..text.len() {
                for new in ['0', '1', 'f', 'F', '-', '%', '/', '\0', ' ', '+'] {
                    let changed: String = text
                        .chars()
                        .enumerate()
                        .map(|(index, old)| if index == at { new } else { old })
                        .collect();
                    if changed == text {
                        continue;
                    }
                    let outcome = match is_path {
                        true => judged(&changed, made.expose()),
                        false => judged(PATH, &changed),
                    };
                    assert!(outcome.is_err(), "{changed}");
                    tried += 1;
                }
                let cut = text.get(..at).unwrap();
                assert!(judged(PATH, cut).is_err() || is_path);
            }
        }
        assert!(tried >= 500, "{tried}");
    }
}
