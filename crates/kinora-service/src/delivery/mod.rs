//! Media over HTTP: every URL is signed (type A), also those within playlists; files are streamed in pieces.
//!
//! A playlist's segments, renditions and key are signed when the playlist is delivered, with the playlist's own
//! time of death. So one signature from the gateway opens the whole rendition, for as long as it says, and no
//! name within it can be guessed or opened without.

mod playlist;
mod range;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use kinora_cloud::UnixTime;
use kinora_cloud::url_auth::{self, Ticket, UrlAuthError};
use kinora_errors::Secret;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::crypto::{hex, random};
use crate::domain::{VideoId, VideoStatus};
use crate::object::{MediaName, Object};
use crate::service::Shared;
use range::{Part, Validators};

/// Octets that are read and sent at once.
const PIECE_LEN: usize = 128 * 1024;
/// A playlist longer than this is none of ours.
const MAX_PLAYLIST_LEN: u64 = 8 * 1024 * 1024;
/// A URL dies at its very timestamp, so that AuthTimeout alone says how long it lives.
const VALIDITY_S: i64 = 0;
const REFUSAL: HeaderName = HeaderName::from_static("x-tengine-error");

/// The path of a media file, as it is signed.
pub(crate) fn media_path(id: &VideoId, file: &str) -> String {
    format!("/media/{id}/{file}")
}

/// An `auth_key` for a path.
pub(crate) fn sign_path(url_key: &Secret, path: &str, until_s: i64) -> String {
    let rand = hex(&random::<8>().unwrap_or_default());
    let ticket = Ticket {
        timestamp: UnixTime(until_s),
        rand: &rand,
        uid: "0",
        preview_s: None,
    };
    url_auth::auth_key(path, &ticket, url_key)
        .expose()
        .to_owned()
}

/// Why a request gets no media.
enum Denied {
    Forbidden(&'static str),
    NotFound,
    Method,
    Failed,
}

impl Denied {
    fn answer(self) -> Response {
        let (status, sentence) = match self {
            Self::Forbidden(sentence) => (StatusCode::FORBIDDEN, sentence),
            Self::NotFound => (StatusCode::NOT_FOUND, "no such media"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "media answers GET and HEAD"),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the media could not be read",
            ),
        };
        let mut response = (status, sentence).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(self, Self::Forbidden(_)) {
            headers.insert(REFUSAL, HeaderValue::from_static(sentence));
        }
        if matches!(self, Self::Method) {
            headers.insert(
                header::ALLOW,
                HeaderValue::from_static("GET, HEAD, OPTIONS"),
            );
        }
        response
    }
}

/// Answers any request for a media file.
pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((video, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match serve(
        &shared,
        &video,
        &file,
        query.as_deref().unwrap_or_default(),
        &parts,
    )
    .await
    {
        Ok(response) => response,
        Err(denied) => denied.answer(),
    }
}

/// The argument, if it is there exactly once: of two, each reader would believe another.
fn argument(query: &str, name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let (_, value) = found.next()?;
    found.next().is_none().then(|| value.into_owned())
}

/// When the URL dies, if it lives. Checked before anything is looked up, so that a stranger learns nothing.
fn authorise(shared: &Shared, path: &str, query: &str) -> Result<i64, Denied> {
    let key = argument(query, "auth_key").ok_or(Denied::Forbidden(
        "denied by req auth: no single url arg auth_key",
    ))?;
    let now = UnixTime::from_millis(shared.core.clock.unix_ms());
    let judged = url_auth::verify(path, &key, None, &shared.url_key, VALIDITY_S, now);
    judged.map(UnixTime::seconds).map_err(|error| {
        Denied::Forbidden(match error {
            UrlAuthError::Malformed => "denied by req auth: malformed auth_key",
            UrlAuthError::Mismatch => "denied by req auth: invalid md5hash value",
            UrlAuthError::Expired => "denied by req auth: expired timestamp",
        })
    })
}

/// A Referer that is no text, or given twice, is judged as one that names no host.
fn referer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::REFERER).iter();
    let first = all.next()?;
    let only = all.next().is_none();
    Some(first.to_str().ok().filter(|_| only).unwrap_or("?"))
}

async fn serve(
    shared: &Shared,
    video: &str,
    file: &str,
    query: &str,
    asked: &Parts,
) -> Result<Response, Denied> {
    let Parts {
        method,
        headers,
        uri,
        ..
    } = asked;
    if method != Method::GET && method != Method::HEAD {
        return Err(Denied::Method);
    }
    let id = VideoId::parse(video).ok_or(Denied::NotFound)?;
    let name = MediaName::parse(file).ok_or(Denied::NotFound)?;
    // The path as it was sent: another spelling of it was never signed.
    let until_s = authorise(shared, uri.path(), query)?;
    let core = &shared.core;
    let rule = core
        .accounts
        .referer_rule()
        .await
        .map_err(|_| Denied::Failed)?;
    if !rule.passes(referer(headers)) {
        return Err(Denied::Forbidden("denied by Referer ACL"));
    }
    let found = core
        .videos
        .video(&id)
        .await
        .map_err(|_| Denied::Failed)?
        .ok_or(Denied::NotFound)?;
    if found.status != VideoStatus::Normal {
        return Err(Denied::Forbidden("denied by video status"));
    }
    let object = core
        .objects
        .open(&id, &name)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Denied::NotFound,
            _ => Denied::Failed,
        })?;
    let head = method == Method::HEAD;
    if name.extension() == "m3u8" {
        return send_playlist(
            shared,
            object,
            &id,
            until_s,
            argument(query, "MtsHlsUriToken").as_deref(),
            head,
        )
        .await;
    }
    send_file(object, &name, headers, head).await
}

async fn send_playlist(
    shared: &Shared,
    object: Object,
    id: &VideoId,
    until_s: i64,
    token: Option<&str>,
    head: bool,
) -> Result<Response, Denied> {
    if object.len > MAX_PLAYLIST_LEN {
        return Err(Denied::Failed);
    }
    let mut text = String::new();
    let mut file = object.file.take(MAX_PLAYLIST_LEN);
    file.read_to_string(&mut text)
        .await
        .map_err(|_| Denied::Failed)?;
    let signed = playlist::sign_uris(&text, token, |name| {
        sign_path(&shared.url_key, &media_path(id, name), until_s)
    });
    let len = signed.len();
    let mut response = Response::new(if head {
        Body::empty()
    } else {
        Body::from(signed)
    });
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/vnd.apple.mpegurl"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn content_type(name: &MediaName) -> &'static str {
    match name.extension() {
        "mp4" => "video/mp4",
        "ts" => "video/mp2t",
        "mp3" => "audio/mpeg",
        "jpg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}

async fn send_file(
    mut object: Object,
    name: &MediaName,
    request: &HeaderMap,
    head: bool,
) -> Result<Response, Denied> {
    let validators = Validators::new(object.len, object.modified);
    let part = range::choose(request, &validators, object.len);
    let (status, start, len) = match part {
        Part::Whole => (StatusCode::OK, 0, object.len),
        Part::Slice { start, len } => (StatusCode::PARTIAL_CONTENT, start, len),
        Part::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Part::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let body = if head || len == 0 {
        Body::empty()
    } else {
        if start > 0 {
            object
                .file
                .seek(std::io::SeekFrom::Start(start))
                .await
                .map_err(|_| Denied::Failed)?;
        }
        Body::from_stream(pieces(object.file, len))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, text(validators.etag));
    headers.insert(header::LAST_MODIFIED, text(validators.last_modified));
    if matches!(part, Part::Unsatisfiable) {
        headers.insert(
            header::CONTENT_RANGE,
            text(format!("bytes */{}", object.len)),
        );
    }
    if matches!(part, Part::Whole | Part::Slice { .. }) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(name)),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    }
    if let Part::Slice { start, len } = part {
        let last = start.saturating_add(len).saturating_sub(1);
        headers.insert(
            header::CONTENT_RANGE,
            text(format!("bytes {start}-{last}/{}", object.len)),
        );
    }
    if name.extension() == "key" {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// A file's next octets, piece by piece; no more is read than the client takes.
fn pieces(
    file: tokio::fs::File,
    len: u64,
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((file, len), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_LEN);
        let mut piece = BytesMut::with_capacity(want);
        let mut limited = (&mut file).take(want as u64);
        if limited.read_buf(&mut piece).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let left = left.saturating_sub(piece.len() as u64);
        Ok(Some((piece.freeze(), (file, left))))
    })
}
