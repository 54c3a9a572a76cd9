//! HTTP messages: the request as it is sent, and what the head of its response means.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Request, Uri, Version};
use kinora_media::{ByteRange, Header, ResponseInfo};
use url::{Position, Url};

use crate::coding::{self, ContentDecoder};
use crate::error::RangeFailure;
use crate::proxy::{Proxy, basic};
use crate::{FetchRequest, Method, NetConfig, NetError, Purpose, freshness, tls};

/// The request message for one URL of a redirect chain. Credentials go along only where its origin is `trusted`.
pub(crate) fn build_request(
    config: &NetConfig,
    request: &FetchRequest,
    url: &Url,
    method: &Method,
    trusted: bool,
) -> Result<Request<Full<Bytes>>, NetError> {
    let (http_method, body) = match method {
        Method::Get => (hyper::Method::GET, Bytes::new()),
        Method::Head => (hyper::Method::HEAD, Bytes::new()),
        Method::Post(body) => (hyper::Method::POST, body.clone()),
    };
    let mut message = Request::new(Full::new(body));
    *message.method_mut() = http_method;
    *message.uri_mut() = uri(&url[Position::BeforePath..Position::AfterQuery])?;
    let headers = message.headers_mut();
    insert(
        headers,
        "host",
        &url[Position::BeforeHost..Position::AfterPort],
    )?;
    insert(headers, "user-agent", &config.user_agent)?;
    insert(headers, "accept", "*/*")?;
    insert(headers, "accept-encoding", accepted_codings(request, url))?;
    if let Some(referer) = &config.referer {
        insert(headers, "referer", referer)?;
    }
    if !request.range.is_whole() {
        insert(headers, "range", &request.range.to_string())?;
    }
    if let Some(credential) = basic(url) {
        insert(headers, "authorization", credential.expose())?;
    }
    for Header { name, value } in config.headers.iter().chain(&request.headers) {
        if is_framing_header(name) {
            return Err(NetError::BadHeader(name.clone()));
        }
        if trusted || !is_credential_header(name) {
            insert(headers, name, value)?;
        }
    }
    Ok(message)
}

/// Byte ranges and lengths mean what they say only without a coding: none but a playlist is asked for in one, and whole.
fn accepted_codings(request: &FetchRequest, url: &Url) -> &'static str {
    let named_so = || {
        let path = url.path().to_ascii_lowercase();
        [".m3u8", ".m3u", ".mpd"]
            .iter()
            .any(|it| path.ends_with(it))
    };
    let is_playlist = match request.purpose {
        Purpose::Playlist => true,
        // What is opened first may be one, or lead to one.
        Purpose::Media => named_so(),
        _ => false,
    };
    match is_playlist && request.range.is_whole() {
        true => coding::ACCEPTED,
        false => "identity",
    }
}

fn uri(text: &str) -> Result<Uri, NetError> {
    text.parse()
        .map_err(|error: hyper::http::uri::InvalidUri| NetError::MalformedUrl(error.to_string()))
}

/// Refuses CR, LF and NUL with everything else that is no field value (RFC 9110 5.5).
fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), NetError> {
    let bad = || NetError::BadHeader(name.escape_default().to_string());
    let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let mut content = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
    content.set_sensitive(is_credential_header(name));
    headers.insert(field, content);
    Ok(())
}

fn is_framing_header(name: &str) -> bool {
    const FRAMING: [&str; 8] = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "te",
        "range",
        "accept-encoding",
    ];
    FRAMING.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Headers that carry a credential, by the words in their names.
fn is_credential_header(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "auth",
        "cookie",
        "token",
        "key",
        "secret",
        "session",
        "signature",
        "credential",
    ];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The absolute form of the request target, which a proxy gets (RFC 9112 3.2.2).
pub(crate) fn to_absolute_form(
    message: &mut Request<Full<Bytes>>,
    url: &Url,
    proxy: &Proxy,
) -> Result<(), NetError> {
    let target = format!(
        "{}://{}",
        url.scheme(),
        &url[Position::BeforeHost..Position::AfterQuery]
    );
    *message.uri_mut() = uri(&target)?;
    if let Some(credential) = proxy.authorization() {
        insert(
            message.headers_mut(),
            "proxy-authorization",
            credential.expose(),
        )?;
    }
    Ok(())
}

/// RFC 9113 8.3.1: the authority stands in the target, not in Host.
pub(crate) fn for_http2(message: &mut Request<Full<Bytes>>, url: &Url) {
    let target = format!(
        "{}://{}",
        url.scheme(),
        &url[Position::BeforeHost..Position::AfterQuery]
    );
    if let Ok(target) = target.parse() {
        *message.uri_mut() = target;
        message.headers_mut().remove(header::HOST);
        *message.version_mut() = Version::HTTP_2;
    }
}

/// What a failed exchange means.
pub(crate) fn failure(host: &str, error: hyper::Error) -> NetError {
    if let Some(cause) = io_cause(&error) {
        if tls::rustls_error(cause).is_some() {
            return tls::failure(host, io::Error::new(cause.kind(), error));
        }
        match cause.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted => {
                return NetError::Reset(io::Error::new(cause.kind(), error));
            }
            io::ErrorKind::UnexpectedEof => return NetError::NoReply,
            _ => {}
        }
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return NetError::NoReply;
    }
    NetError::Malformed(error.into())
}

/// The error of the socket below an error of HTTP.
pub(crate) fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        next = error.source();
    }
    None
}

/// What the head of a response says of the body that follows.
pub(crate) struct ResponseHead {
    pub(crate) info: ResponseInfo,
    /// Bytes that must come; unknown where the connection's end ends the body.
    pub(crate) length: Option<u64>,
    /// More will come than was requested: stop at `length`.
    pub(crate) stop_at_length: bool,
    /// Decodes content codings that were not requested.
    pub(crate) decoder: ContentDecoder,
}

impl ResponseHead {
    pub(crate) fn read(head: &Parts, request: &FetchRequest, url: &Url) -> Result<Self, NetError> {
        let status = head.status.as_u16();
        let headers = &head.headers;
        let is_api_error = status >= 400 && request.purpose == Purpose::Api;
        if !(head.status.is_success() || is_api_error) {
            return Err(status_error(status, headers, request.range));
        }
        let is_head = matches!(request.method, Method::Head);
        let coded = Some(codings(headers)).filter(|_| !is_head);
        let decoder = ContentDecoder::of(&coded.unwrap_or_default())?;
        let is_coded = !decoder.is_identity();
        if is_coded && !is_api_error && (status == 206 || request.range.start > 0) {
            let why = "a part of it would be one of its compressed form";
            return Err(range_failure(
                RangeFailure::Ignored,
                request.range,
                why.to_owned(),
            ));
        }
        let announced: Option<u64> =
            text(headers, header::CONTENT_LENGTH).and_then(|n| n.trim().parse().ok());
        let mut info = info(head, url, announced, is_coded);
        // RFC 9110 9.3.2: the head tells of the body of a GET, and none follows.
        if is_api_error || is_head {
            return Ok(Self {
                info,
                length: announced.filter(|_| !is_head),
                stop_at_length: false,
                decoder,
            });
        }
        if status == 206 {
            let length = check_content_range(headers, request.range, &mut info)?;
            return Ok(Self {
                info,
                length: Some(length),
                stop_at_length: false,
                decoder,
            });
        }
        if request.range.start > 0 {
            return Err(range_failure(
                RangeFailure::Ignored,
                request.range,
                format!("it answered {status} with the whole resource"),
            ));
        }
        // The whole resource for a range from its start: usable, cut at the range's end.
        let wanted = request.range.end;
        let plain_len = info.total_len;
        let stop_at_length = wanted.is_some_and(|end| plain_len.is_none_or(|n| n > end));
        let length = if stop_at_length { wanted } else { announced };
        Ok(Self {
            info,
            length,
            stop_at_length,
            decoder,
        })
    }
}

/// What the head says of the resource, by the length that it announces.
fn info(head: &Parts, url: &Url, announced: Option<u64>, is_coded: bool) -> ResponseInfo {
    let headers = &head.headers;
    let in_bytes = |units: &str| units.trim().eq_ignore_ascii_case("bytes");
    ResponseInfo {
        status: Some(head.status.as_u16()),
        total_len: announced.filter(|_| !is_coded),
        offset: 0,
        ranges: !is_coded && text(headers, header::ACCEPT_RANGES).is_some_and(in_bytes),
        content_type: media_type(headers),
        final_url: Some(url.as_str().to_owned()),
        server_date_ms: date(headers, header::DATE).and_then(unix_ms),
        validator: validator(headers).filter(|_| !is_coded),
        freshness: freshness::of(headers),
        from_cache: false,
        ends_with_connection: ends_with_connection(head, announced),
    }
}

fn range_failure(kind: RangeFailure, asked: ByteRange, why: String) -> NetError {
    let status = Some(match kind {
        RangeFailure::Ignored => 200,
        RangeFailure::Mismatch => 206,
        RangeFailure::Unsatisfiable => 416,
    });
    NetError::Range {
        kind,
        status,
        asked,
        total: None,
        why,
    }
}

fn status_error(status: u16, headers: &HeaderMap, asked: ByteRange) -> NetError {
    if status == 416 {
        let total = text(headers, header::CONTENT_RANGE).and_then(|v| v.strip_prefix("bytes */"));
        let total = total.and_then(|n| n.trim().parse::<u64>().ok());
        return NetError::Range {
            kind: RangeFailure::Unsatisfiable,
            status: Some(status),
            asked,
            total,
            why: match total {
                Some(total) => format!("it answered 416, the resource has {total} bytes"),
                None => "it answered 416".to_owned(),
            },
        };
    }
    NetError::Status {
        status,
        retry_after: retry_after(headers),
    }
}

/// RFC 9110 10.2.3: seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let now = date(headers, header::DATE).unwrap_or_else(SystemTime::now);
    Some(at.duration_since(now).unwrap_or_default())
}

/// Checks Content-Range (RFC 9110 14.4) against the requested range; returns the number of bytes that must come.
fn check_content_range(
    headers: &HeaderMap,
    asked: ByteRange,
    info: &mut ResponseInfo,
) -> Result<u64, NetError> {
    let mismatch = |why: &str| range_failure(RangeFailure::Mismatch, asked, why.to_owned());
    let value = text(headers, header::CONTENT_RANGE)
        .ok_or_else(|| mismatch("it answered 206 without saying which bytes come"))?;
    let (first, last, total) =
        content_range(value).ok_or_else(|| mismatch("its Content-Range can not be read"))?;
    let unlike = || mismatch(&format!("it sends bytes {first}-{last}"));
    let past = last.checked_add(1).ok_or_else(unlike)?;
    if first != asked.start || asked.end.is_some_and(|end| past > end) {
        return Err(unlike());
    }
    // Less than asked is right (RFC 9110 15.3.7): the caller requests what follows.
    let wanted_end = match (asked.end, total) {
        (Some(end), Some(total)) => Some(end.min(total)),
        (None, total) => total,
        (Some(_), None) => None,
    };
    if wanted_end.is_some_and(|end| past > end) {
        return Err(unlike());
    }
    info.offset = first;
    info.total_len = total;
    info.ranges = true;
    Ok(past - first)
}

fn content_range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (first <= last && total.is_none_or(|total| last < total)).then_some((first, last, total))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// All of `Content-Encoding`, in one line (RFC 9110 5.3).
fn codings(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, header::CONTENT_TYPE)?;
    let media_type = value.split(';').next().unwrap_or_default().trim();
    (!media_type.is_empty()).then(|| media_type.to_ascii_lowercase())
}

/// RFC 9110 13.1.5: a weak tag proves nothing about bytes, nor does a date within the last minute's changes.
fn validator(headers: &HeaderMap) -> Option<String> {
    const MAX_TAG_LEN: usize = 256;
    let tag = text(headers, header::ETAG).filter(|tag| tag.starts_with('"'));
    if let Some(tag) = tag {
        return (tag.len() <= MAX_TAG_LEN).then(|| tag.to_owned());
    }
    let changed = date(headers, header::LAST_MODIFIED)?;
    let age = date(headers, header::DATE)?.duration_since(changed).ok()?;
    let settled = age >= Duration::from_secs(60);
    text(headers, header::LAST_MODIFIED)
        .filter(|_| settled)
        .map(str::to_owned)
}

/// RFC 9112 6.3: neither a length nor chunks tell where the body ends.
fn ends_with_connection(head: &Parts, announced: Option<u64>) -> bool {
    let framed = announced.is_some() || head.headers.contains_key(header::TRANSFER_ENCODING);
    head.version <= Version::HTTP_11 && !framed
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, name)?).ok()
}

fn unix_ms(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}
