//! Media over HTTP: every URL is signed (type A), also those within playlists; files are streamed in pieces.
//!
//! A playlist's segments, renditions and key are signed when the playlist is delivered, with the playlist's own
//! time of death. So one signature from the gateway opens the whole rendition, for as long as it says, and no
//! name within it can be guessed or opened without.

mod playlist;
mod range;

use std::error::Error;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use kinora_cloud::UnixTime;
use kinora_cloud::url_auth::{self, Ticket, UrlAuthError};
use kinora_errors::Secret;
use tokio::io::AsyncReadExt as _;

use crate::crypto::{hex, random};
use crate::domain::{VideoId, VideoStatus};
use crate::error::Causes;
use crate::object::{MediaName, Object};
use crate::server::{Held, Reason, Visit};
use crate::service::Shared;
use range::{Part, Validators};

/// Octets that are read and sent at once. Each of the many streams of an HTTP/2 connection keeps one piece waiting.
const PIECE_LEN: usize = 128 * 1024;
const HTTP2_PIECE_LEN: usize = 32 * 1024;
/// So many where memory is short.
const LEAST_PIECE_LEN: usize = 16 * 1024;
/// A playlist longer than this is none of ours: at four seconds a segment it would play for three days.
const MAX_PLAYLIST_LEN: u64 = 2 * 1024 * 1024;
/// How much longer a playlist grows when its URIs are signed, its text beside it.
const SIGNED_GROWTH: usize = 4;
/// A viewer's token that is longer was not given to anybody by the gateway.
const MAX_TOKEN_LEN: usize = 512;
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
    Busy,
}

impl Denied {
    /// What failed in the service itself is told to its operator, not to the client.
    fn failed<E: Error + 'static>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| {
            tracing::error!(doing, cause = %Causes(&error), "internal error");
            Self::Failed
        }
    }
    fn answer(self) -> Response {
        let (status, code, sentence) = match self {
            Self::Forbidden(sentence) => (StatusCode::FORBIDDEN, "media.denied", sentence),
            Self::NotFound => (StatusCode::NOT_FOUND, "media.not_found", "no such media"),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "media.method",
                "media answers GET and HEAD",
            ),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "media.failed",
                "the media could not be read",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "media.busy",
                "the service is too busy: try again later",
            ),
        };
        let mut response = (status, sentence).into_response();
        response.extensions_mut().insert(Reason {
            code: code.to_owned(),
            sentence: sentence.to_owned(),
        });
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
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match serve(
        &shared,
        &visit,
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
    shared: &Arc<Shared>,
    visit: &Visit,
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
        .map_err(Denied::failed("read the referer rule"))?;
    if !rule.passes(referer(headers)) {
        return Err(Denied::Forbidden("denied by Referer ACL"));
    }
    let found = core
        .videos
        .video(&id)
        .await
        .map_err(Denied::failed("read the video's record"))?
        .ok_or(Denied::NotFound)?;
    if found.status != VideoStatus::Normal {
        return Err(Denied::Forbidden("denied by video status"));
    }
    let object = core
        .objects
        .open(&id, &name)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Denied::NotFound,
            _ => Denied::failed("open the media file")(error),
        })?;
    let head = method == Method::HEAD;
    if name.extension() == "m3u8" {
        let token = argument(query, "MtsHlsUriToken").filter(|token| token.len() <= MAX_TOKEN_LEN);
        let signed = sign_playlist(shared, visit, object, &id, until_s, token.as_deref()).await?;
        return Ok(send_playlist(signed, head));
    }
    send_file(shared, visit, object, &name, headers, head).await
}

/// Octets in memory, and the room that they take of their client's share until they have gone out.
struct Kept {
    octets: Vec<u8>,
    _room: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

/// Room in memory, as soon as the client or others have taken what they asked for.
async fn room(shared: &Shared, visit: &Visit, most: usize, least: usize) -> Option<Held> {
    let room = visit.share.room(most, least);
    let room = tokio::time::timeout(shared.limits.write_stall, room).await;
    room.ok().flatten()
}

async fn sign_playlist(
    shared: &Shared,
    visit: &Visit,
    object: Object,
    id: &VideoId,
    until_s: i64,
    token: Option<&str>,
) -> Result<Bytes, Denied> {
    let len = usize::try_from(object.len.min(MAX_PLAYLIST_LEN)).unwrap_or(usize::MAX);
    let len = len.saturating_mul(SIGNED_GROWTH);
    let room = room(shared, visit, len, len).await.ok_or(Denied::Busy)?;
    let mut text = String::new();
    let mut file = object.file.take(MAX_PLAYLIST_LEN.saturating_add(1));
    file.read_to_string(&mut text)
        .await
        .map_err(Denied::failed("read the playlist"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_PLAYLIST_LEN {
        let long = io::Error::other("it is longer than any playlist of this service");
        return Err(Denied::failed("read the playlist")(long));
    }
    let signed = playlist::sign_uris(&text, token, |name| {
        sign_path(&shared.url_key, &media_path(id, name), until_s)
    });
    Ok(Bytes::from_owner(Kept {
        octets: signed.into_bytes(),
        _room: room,
    }))
}

fn send_playlist(signed: Bytes, head: bool) -> Response {
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
    response
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
    shared: &Arc<Shared>,
    visit: &Visit,
    object: Object,
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
        let file = Arc::new(object.file.into_std().await);
        let rest = Rest { file, start, len };
        Body::from_stream(pieces(shared.clone(), visit.clone(), rest))
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

/// What of a file is still to be sent.
struct Rest {
    file: Arc<std::fs::File>,
    start: u64,
    len: u64,
}

/// A file's next octets, piece by piece; no more is read than the client takes and has room for.
fn pieces(shared: Arc<Shared>, visit: Visit, rest: Rest) -> impl Stream<Item = io::Result<Bytes>> {
    let piece_len = if visit.http2 {
        HTTP2_PIECE_LEN
    } else {
        PIECE_LEN
    };
    stream::try_unfold(
        (shared, visit, rest),
        move |(shared, visit, rest)| async move {
            if rest.len == 0 {
                return Ok(None);
            }
            let most = usize::try_from(rest.len).map_or(piece_len, |len| len.min(piece_len));
            let room = room(&shared, &visit, most, most.min(LEAST_PIECE_LEN)).await;
            let room = room.ok_or(io::ErrorKind::TimedOut)?;
            let (file, start) = (rest.file.clone(), rest.start);
            let read = tokio::task::spawn_blocking(move || read_piece(&file, start, room)).await;
            let piece = read.map_err(io::Error::other).flatten();
            let piece = piece.inspect_err(|error| {
                tracing::error!(cause = %Causes(error), "the media could not be read to its end");
            })?;
            let sent = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            let rest = Rest {
                start: rest.start.saturating_add(sent),
                len: rest.len.saturating_sub(sent),
                ..rest
            };
            Ok(Some((piece, (shared, visit, rest))))
        },
    )
}

fn read_piece(file: &std::fs::File, start: u64, room: Held) -> io::Result<Bytes> {
    let mut octets = vec![0; room.len()];
    let read = loop {
        match file.read_at(&mut octets, start) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    octets.truncate(read);
    Ok(Bytes::from_owner(Kept {
        octets,
        _room: room,
    }))
}
