//! A request as it arrives: its parameters, what of it is signed, and how its client reads answers.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};
use bytes::Bytes;
use kinora_cloud::{HttpMethod, acs3};

use super::too_busy;
use crate::context::{AppState, Permit, RequestInfo};
use crate::domain::{ApiError, ApiErrorCode, Params, SignedHead, SignedRequest};

const MAX_BODY_LEN: usize = 64 * 1024;

/// How an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Json,
    Xml,
}

impl Shape {
    /// By what can be seen without the body. Who can not be asked any more gets JSON: all clients but those that ask for XML,
    /// or for nothing, read it, and the current ones nothing else.
    pub(super) fn of_head(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default().as_bytes();
        let find = |wanted: &str| {
            let mut pairs = url::form_urlencoded::parse(query);
            pairs.find(|(name, _)| name == wanted)
        };
        if SignedHead::is_meant(&utf8_headers(headers), find("Signature").is_some()) {
            return Self::Json;
        }
        match find("Format") {
            Some((_, format)) => Self::of_format(Some(&format)),
            None if *method == Method::POST => Self::Json,
            None => Self::Xml,
        }
    }
    /// By the parameter `Format`.
    fn of_format(format: Option<&str>) -> Self {
        match format {
            Some(format) if format.eq_ignore_ascii_case("JSON") => Self::Json,
            _ => Self::Xml,
        }
    }
}

/// A request whose body has arrived.
pub(super) struct Incoming {
    method: HttpMethod,
    pub(super) params: Params,
    /// Of a request of the current SDKs.
    head: Option<SignedHead>,
    /// The room in memory that it takes.
    _room: Option<Permit>,
}

impl Incoming {
    /// Reads the body and all parameters.
    pub(super) async fn read(
        state: &AppState,
        info: &RequestInfo,
        parts: &Parts,
        body: Body,
    ) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let (method, body, room) = match parts.method {
            Method::GET | Method::HEAD => (HttpMethod::Get, Bytes::new(), None),
            Method::POST => {
                let (body, room) = read_body(state, info, &parts.headers, body).await?;
                (HttpMethod::Post, body, Some(room))
            }
            _ => {
                return Err(
                    ApiErrorCode::UnsupportedOperation.because("The gateway answers GET and POST.")
                );
            }
        };
        let params = Params::parse(query, &body)?;
        let headers = utf8_headers(&parts.headers);
        let head = SignedHead::is_meant(&headers, params.get("Signature").is_some())
            .then(|| signed_head(state, parts, headers, &body));
        Ok(Self {
            method,
            params,
            head,
            _room: room,
        })
    }
    pub(super) fn shape(&self) -> Shape {
        match self.head {
            Some(_) => Shape::Json,
            None => Shape::of_format(self.params.get("Format")),
        }
    }
    pub(super) fn action(&self) -> Result<&str, ApiError> {
        match &self.head {
            Some(head) => head.action(),
            None => self.params.required("Action"),
        }
    }
    pub(super) fn version(&self) -> Result<&str, ApiError> {
        match &self.head {
            Some(head) => head.version(),
            None => self.params.required("Version"),
        }
    }
    /// What of it is signed, checked for form and time.
    pub(super) fn signed(&self, now_ms: i64) -> Result<SignedRequest<'_>, ApiError> {
        match &self.head {
            Some(head) => SignedRequest::read_v3(head, now_ms),
            None => SignedRequest::read_v1(self.method, &self.params, now_ms),
        }
    }
    /// The older clients choose how they are answered; the vendor's Python SDK says `None` where its user did not.
    pub(super) fn check_format(&self) -> Result<(), ApiError> {
        let known = ["JSON", "XML", "None"];
        match self.params.get("Format") {
            Some(format)
                if self.head.is_none()
                    && !known.iter().any(|known| format.eq_ignore_ascii_case(known)) =>
            {
                Err(ApiError::invalid("Format", "only JSON and XML are known."))
            }
            _ => Ok(()),
        }
    }
}

fn utf8_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter().filter_map(|(name, value)| {
        let value = std::str::from_utf8(value.as_bytes()).ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    pairs.collect()
}

fn signed_head(
    state: &AppState,
    parts: &Parts,
    mut headers: Vec<(String, String)>,
    body: &[u8],
) -> SignedHead {
    let asked = asked_authority(&parts.uri, &parts.headers).unwrap_or_default();
    // HTTP/2 has `:authority` in its place (RFC 9113 8.3.1).
    if !headers.iter().any(|(name, _)| name == "host") {
        headers.push(("host".to_owned(), asked.to_owned()));
    }
    let mut addresses = vec![(asked.to_owned(), parts.uri.path().to_owned())];
    // A proxy may have put its own words for what the client signed.
    addresses.extend(
        state
            .public_url
            .as_ref()
            .map(|url| (url.authority().to_owned(), url.path().to_owned())),
    );
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    SignedHead {
        method: parts.method.as_str().to_owned(),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        headers,
        addresses,
        body_sha256: acs3::body_sha256(body),
    }
}

/// The authority that the client named. That of the request's target counts before Host (RFC 9113 8.3.1, RFC 9112
/// 3.2.2).
pub(super) fn asked_authority<'a>(target: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = || {
        headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
    };
    target.authority().map(Authority::as_str).or_else(host)
}

/// A form, and room for it. No body is an empty form, whatever its type is said to be.
async fn read_body(
    state: &AppState,
    info: &RequestInfo,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Permit), ApiError> {
    let limit = state.limits.body;
    let room = room_for_body(info, headers, limit).await?;
    let body = tokio::time::timeout(limit, to_bytes(body, MAX_BODY_LEN))
        .await
        .map_err(|_| ApiErrorCode::InvalidParameter.because("The body did not arrive in time."))?
        .map_err(|_| {
            ApiErrorCode::InvalidParameter.because(format!(
                "The body could not be read, or is longer than {MAX_BODY_LEN} octets."
            ))
        })?;
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        });
    if !form && !body.is_empty() {
        return Err(ApiErrorCode::InvalidParameter
            .because("The body of a POST must be application/x-www-form-urlencoded."));
    }
    Ok((body, room))
}

/// Room for a body of the announced length; of one that announces none, for the longest.
async fn room_for_body(
    info: &RequestInfo,
    headers: &HeaderMap,
    limit: Duration,
) -> Result<Permit, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let len = announced.map_or(MAX_BODY_LEN, |len| len.min(MAX_BODY_LEN));
    let room = tokio::time::timeout(limit, info.share.room(len, len)).await;
    room.ok().flatten().ok_or_else(too_busy)
}
