//! Media over HTTP: every URL is signed (type A), also those within playlists; files are streamed in pieces.
//!
//! A playlist's segments, renditions and key are signed when the playlist is delivered, with the playlist's own
//! expiry. So one signature from the gateway opens the whole rendition, for as long as it says, and no
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
use kinora_cloud::url_auth::{self, UrlAuthError};
use tokio::io::AsyncReadExt as _;

use crate::context::{AppState, Permit, Reason, RequestInfo};
use crate::domain::{VideoId, VideoStatus, media_path, sign_path};
use crate::error::Causes;
use crate::object::{MediaName, Object};
use range::{RangeResult, Validators};

/// Octets that are read and sent at once. Each of the many streams of an HTTP/2 connection keeps one piece waiting.
const PIECE_LEN: usize = 128 * 1024;
const HTTP2_PIECE_LEN: usize = 32 * 1024;
/// So many where memory is short.
const MIN_PIECE_LEN: usize = 16 * 1024;
/// A playlist longer than this is none of ours: at four seconds a segment it would play for three days.
const MAX_PLAYLIST_LEN: u64 = 2 * 1024 * 1024;
/// How much longer a playlist grows when its URIs are signed, its text beside it.
const SIGNED_GROWTH: usize = 4;
/// A viewer's token that is longer was not given to anybody by the gateway.
const MAX_TOKEN_LEN: usize = 512;
/// A URL expires at its very timestamp, so that AuthTimeout alone is its lifetime.
const VALIDITY_S: i64 = 0;
const REFUSAL: HeaderName = HeaderName::from_static("x-tengine-error");

/// Why a request gets no media.
enum MediaError {
    Forbidden(&'static str),
    NotFound,
    Method,
    Failed,
    Busy,
}

impl MediaError {
    /// What failed in the service itself is logged, not sent to the client.
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
    State(state): State<Arc<AppState>>,
    Path((video, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Extension(info): Extension<RequestInfo>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match serve(
        &state,
        &info,
        &video,
        &file,
        query.as_deref().unwrap_or_default(),
        &parts,
    )
    .await
    {
        Ok(response) => response,
        Err(error) => error.answer(),
    }
}

/// The argument, if it is there exactly once: of two, each reader would believe another.
fn argument(query: &str, name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let (_, value) = found.next()?;
    found.next().is_none().then(|| value.into_owned())
}

/// When the URL expires, if it has not. Checked before anything is looked up, so that a stranger learns nothing.
fn authorise(state: &AppState, path: &str, query: &str) -> Result<i64, MediaError> {
    let key = argument(query, "auth_key").ok_or(MediaError::Forbidden(
        "denied by req auth: no single url arg auth_key",
    ))?;
    let now = UnixTime::from_millis(state.core.clock.unix_ms());
    let judged = url_auth::verify(path, &key, None, &state.url_key, VALIDITY_S, now);
    judged.map(UnixTime::seconds).map_err(|error| {
        MediaError::Forbidden(match error {
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
    state: &Arc<AppState>,
    info: &RequestInfo,
    video: &str,
    file: &str,
    query: &str,
    asked: &Parts,
) -> Result<Response, MediaError> {
    let Parts {
        method,
        headers,
        uri,
        ..
    } = asked;
    if method != Method::GET && method != Method::HEAD {
        return Err(MediaError::Method);
    }
    let id = VideoId::parse(video).ok_or(MediaError::NotFound)?;
    let name = MediaName::parse(file).ok_or(MediaError::NotFound)?;
    // The path as it was sent: another spelling of it was never signed.
    let until_s = authorise(state, uri.path(), query)?;
    let core = &state.core;
    let rule = core
        .accounts
        .referer_rule()
        .await
        .map_err(MediaError::failed("read the referer rule"))?;
    if !rule.passes(referer(headers)) {
        return Err(MediaError::Forbidden("denied by Referer ACL"));
    }
    let found = core
        .videos
        .video(&id)
        .await
        .map_err(MediaError::failed("read the video's record"))?
        .ok_or(MediaError::NotFound)?;
    if found.status != VideoStatus::Normal {
        return Err(MediaError::Forbidden("denied by video status"));
    }
    let object = core
        .objects
        .open(&id, &name)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => MediaError::NotFound,
            _ => MediaError::failed("open the media file")(error),
        })?;
    let head = method == Method::HEAD;
    if name.extension() == "m3u8" {
        let token = argument(query, "MtsHlsUriToken").filter(|token| token.len() <= MAX_TOKEN_LEN);
        let signed = sign_playlist(state, info, object, &id, until_s, token.as_deref()).await?;
        return Ok(send_playlist(signed, head));
    }
    send_file(state, info, object, &name, headers, head).await
}

/// Octets in memory, and the room that they take of their client's share until they have gone out.
struct BudgetedBytes {
    octets: Vec<u8>,
    _room: Permit,
}

impl AsRef<[u8]> for BudgetedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

/// Room in memory, as soon as the client or others have taken what they asked for.
async fn room(state: &AppState, info: &RequestInfo, most: usize, least: usize) -> Option<Permit> {
    let room = info.share.room(most, least);
    let room = tokio::time::timeout(state.limits.write_stall, room).await;
    room.ok().flatten()
}

async fn sign_playlist(
    state: &AppState,
    info: &RequestInfo,
    object: Object,
    id: &VideoId,
    until_s: i64,
    token: Option<&str>,
) -> Result<Bytes, MediaError> {
    let len = usize::try_from(object.len.min(MAX_PLAYLIST_LEN)).unwrap_or(usize::MAX);
    let len = len.saturating_mul(SIGNED_GROWTH);
    let room = room(state, info, len, len).await.ok_or(MediaError::Busy)?;
    let mut text = String::new();
    let mut file = object.file.take(MAX_PLAYLIST_LEN.saturating_add(1));
    file.read_to_string(&mut text)
        .await
        .map_err(MediaError::failed("read the playlist"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_PLAYLIST_LEN {
        let long = io::Error::other("it is longer than any playlist of this service");
        return Err(MediaError::failed("read the playlist")(long));
    }
    let signed = playlist::sign_uris(&text, token, |name| {
        sign_path(&state.url_key, &media_path(id, name), until_s)
    });
    Ok(Bytes::from_owner(BudgetedBytes {
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
    state: &Arc<AppState>,
    info: &RequestInfo,
    object: Object,
    name: &MediaName,
    request: &HeaderMap,
    head: bool,
) -> Result<Response, MediaError> {
    let validators = Validators::new(object.len, object.modified);
    let part = range::choose(request, &validators, object.len);
    let (status, start, len) = match part {
        RangeResult::Whole => (StatusCode::OK, 0, object.len),
        RangeResult::Slice { start, len } => (StatusCode::PARTIAL_CONTENT, start, len),
        RangeResult::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        RangeResult::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let body = if head || len == 0 {
        Body::empty()
    } else {
        let file = Arc::new(object.file.into_std().await);
        let rest = Remaining { file, start, len };
        Body::from_stream(pieces(state.clone(), info.clone(), rest))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, text(validators.etag));
    headers.insert(header::LAST_MODIFIED, text(validators.last_modified));
    if matches!(part, RangeResult::Unsatisfiable) {
        headers.insert(
            header::CONTENT_RANGE,
            text(format!("bytes */{}", object.len)),
        );
    }
    if matches!(part, RangeResult::Whole | RangeResult::Slice { .. }) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(name)),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    }
    if let RangeResult::Slice { start, len } = part {
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
struct Remaining {
    file: Arc<std::fs::File>,
    start: u64,
    len: u64,
}

/// A file's next octets, piece by piece; no more is read than the client takes and has room for.
fn pieces(
    state: Arc<AppState>,
    info: RequestInfo,
    rest: Remaining,
) -> impl Stream<Item = io::Result<Bytes>> {
    let piece_len = if info.http2 {
        HTTP2_PIECE_LEN
    } else {
        PIECE_LEN
    };
    stream::try_unfold((state, info, rest), move |(state, info, rest)| async move {
        if rest.len == 0 {
            return Ok(None);
        }
        let most = usize::try_from(rest.len).map_or(piece_len, |len| len.min(piece_len));
        let room = room(&state, &info, most, most.min(MIN_PIECE_LEN)).await;
        let room = room.ok_or(io::ErrorKind::TimedOut)?;
        let (file, start) = (rest.file.clone(), rest.start);
        let read = tokio::task::spawn_blocking(move || read_piece(&file, start, room)).await;
        let piece = read.map_err(io::Error::other).flatten();
        let piece = piece.inspect_err(|error| {
            tracing::error!(cause = %Causes(error), "the media could not be read to its end");
        })?;
        let sent = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let rest = Remaining {
            start: rest.start.saturating_add(sent),
            len: rest.len.saturating_sub(sent),
            ..rest
        };
        Ok(Some((piece, (state, info, rest))))
    })
}

fn read_piece(file: &std::fs::File, start: u64, room: Permit) -> io::Result<Bytes> {
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
    Ok(Bytes::from_owner(BudgetedBytes {
        octets,
        _room: room,
    }))
}
