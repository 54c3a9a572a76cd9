//! Signed addresses of media (type A URL signing).

use kinora_cloud::UnixTime;
use kinora_cloud::url_auth::{self, UrlClaims};
use kinora_errors::Secret;

use super::VideoId;
use crate::crypto::{hex, random};

/// The path of a media file, as it is signed.
pub(crate) fn media_path(id: &VideoId, file: &str) -> String {
    format!("/media/{id}/{file}")
}

/// The `auth_key` of a path: valid until that time.
pub(crate) fn sign_path(url_key: &Secret, path: &str, until_s: i64) -> String {
    // It only keeps two URLs apart: without the system's generator they are alike, and as hard to forge.
    let rand = hex(&random::<8>().unwrap_or_default());
    let claims = UrlClaims {
        timestamp: UnixTime(until_s),
        rand: &rand,
        uid: "0",
        preview_s: None,
    };
    url_auth::auth_key(path, &claims, url_key)
        .expose()
        .to_owned()
}
