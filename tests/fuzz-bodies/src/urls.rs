//! URLs: shown without their secrets, taken as endpoints, judged as signed links.

use kinora_cloud::{Endpoint, UnixTime, url_auth};
use kinora_errors::{Secret, mask_url};
use kinora_manifest::policy::may_fetch;
use url::Url;

use crate::Work;

/// A secret that no URL holds by chance.
const CANARY: &str = "kanarienvogel";

pub(crate) fn urls(data: &[u8]) -> Work {
    let text = String::from_utf8_lossy(data);
    let shown = mask_url(&text);
    canary(&text);
    if let Ok(endpoint) = Endpoint::parse(&text) {
        let url = endpoint.as_str();
        assert!(url.starts_with("http://") || url.starts_with("https://"));
        assert!(!url.contains(['?', '#']), "an endpoint has no query");
        let user = Url::parse(url).map(|url| url.username().len());
        assert_eq!(user, Ok(0), "an endpoint names no user");
    }
    let _ = Endpoint::of_region("vod", &text);
    let key = Secret::new("aliyuncdnexp1234");
    let judged = url_auth::verify("/a.mp4", &text, None, &key, 1_800, UnixTime(1_700_000_000));
    assert!(judged.is_err(), "nobody guesses a signature");
    if let (Ok(origin), Ok(target)) = (Url::parse("https://cdn.example.com/a"), Url::parse(&text))
        && may_fetch(&origin, &target).is_ok()
    {
        assert!(matches!(target.scheme(), "http" | "https"));
    }
    Work {
        steps: 1,
        bytes: data.len() as u64,
        out: shown.len() as u64,
    }
}

/// Secrets where secrets may stand, around whatever text.
fn canary(text: &str) {
    let path: String = text
        .chars()
        .take(256)
        .filter(|c| !matches!(c, '?' | '#'))
        .collect();
    let user: String = path.chars().filter(|c| *c != '/').collect();
    // Fuzzers learn the word; dropping letters may also put it together.
    if user.contains(CANARY) || path.contains(CANARY) {
        return;
    }
    for url in [
        format!("https://h/{path}?auth_key={CANARY}"),
        format!("https://h/{path}?a=1&{CANARY}"),
        format!("https://{user}:{CANARY}@h/a"),
        format!("https://{CANARY}@h/a?{path}"),
        format!("https://h/{path}#{CANARY}"),
    ] {
        let shown = mask_url(&url);
        assert!(!shown.contains(CANARY), "{shown} shows a secret");
    }
}
