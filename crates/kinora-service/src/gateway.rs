//! The POP gateway: signed requests in, JSON or XML out. The order of its checks is fixed: form, time, key,
//! token, signature, nonce, account, permission, then the action.

mod actions;
mod assume_role;
mod caller;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use kinora_cloud::{HttpMethod as Signed, UnixTime, sts, vod, xml};
use kinora_errors::Coded as _;
use serde_json::{Value, json};
use tracing::Span;

use crate::context::{
    AppState, ClientOrigin, Permit, Reason, RequestInfo, loggable_action, loggable_key_id,
};
use crate::domain::{
    AccessRequest, AccountState, ApiError, ApiErrorCode, Caller, ConditionContext, Params,
    SignedParams,
};
use crate::error::{Causes, ServiceError};

const MAX_BODY_LEN: usize = 64 * 1024;
const JSON: &str = "application/json; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";

/// A request as the actions see it: checked, and with the address that the client used.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a AppState,
    pub(crate) params: &'a Params,
    pub(crate) caller: Caller,
    pub(crate) key_id: &'a str,
    pub(crate) base_url: String,
    pub(crate) now_ms: i64,
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        // A full disk is logged where it is met, once.
        if let ServiceError::DiskFull(_) = error {
            return ApiErrorCode::ServiceUnavailable.because("The disk of the service is full. Try again later; the operator must free some space on it.");
        }
        tracing::error!(reason = error.reason(), cause = %Causes(&error), "internal error");
        ApiErrorCode::InternalError.because("The service could not read or write its data. Try again later; the operator finds the cause on the machine.")
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Json,
    Xml,
}

/// Answers any request to the gateway.
pub(crate) async fn answer(
    State(state): State<Arc<AppState>>,
    Extension(info): Extension<RequestInfo>,
    request: Request,
) -> Response {
    let host = host_of(&state, request.uri(), request.headers());
    let (shape, name, answer) = match read_params(&state, &info, request).await {
        Ok((method, params, _room)) => {
            let shape = match params.get("Format") {
                Some(format) if format.eq_ignore_ascii_case("JSON") => Shape::Json,
                _ => Shape::Xml,
            };
            let name = params.get("Action").unwrap_or("Unknown").to_owned();
            Span::current().record("action", loggable_action(&name));
            let limit = state.limits.answer;
            let acted =
                tokio::time::timeout(limit, act(&state, &info, method, &params, &host)).await;
            (shape, name, acted.unwrap_or_else(|_| Err(too_busy())))
        }
        Err(refusal) => (Shape::Xml, String::new(), Err(refusal)),
    };
    match answer {
        Ok(mut body) => {
            if let Value::Object(members) = &mut body {
                members.insert("RequestId".to_owned(), Value::String(info.request_id));
            }
            match shape {
                Shape::Json => render(StatusCode::OK, JSON, body.to_string()),
                Shape::Xml => render(StatusCode::OK, XML, xml::response(&name, &body)),
            }
        }
        Err(refusal) => refused(&refusal, shape, &host, &info.request_id),
    }
}

fn too_busy() -> ApiError {
    ApiErrorCode::ServiceUnavailable
        .because("The service is too busy to answer in time. Try again later.")
}

/// The answer to a request for which there is no room, whatever it asks.
pub(crate) fn busy(request_id: &str) -> Response {
    let mut response = refused(&too_busy(), Shape::Xml, "", request_id);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn refused(refusal: &ApiError, shape: Shape, host: &str, request_id: &str) -> Response {
    let (status, _) = refusal.why.row();
    let body = json!({"RequestId": request_id, "HostId": host, "Code": refusal.code(), "Message": refusal.sentence()});
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match shape {
        Shape::Json => render(status, JSON, body.to_string()),
        Shape::Xml => render(status, XML, xml::error(&body)),
    };
    response.extensions_mut().insert(Reason {
        code: refusal.code(),
        sentence: refusal.message.clone(),
    });
    response
}

fn render(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = (status, Body::from(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Answers hold credentials and short-lived URLs.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The authority that clients see. That of the request's target counts before Host (RFC 9113 8.3.1, RFC 9112
/// 3.2.2); either is taken only if nothing in it can break a URL.
fn host_of(state: &AppState, target: &Uri, headers: &HeaderMap) -> String {
    if let Some(url) = &state.public_url {
        return url.authority().to_owned();
    }
    let host = || {
        headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
    };
    target
        .authority()
        .map(Authority::as_str)
        .or_else(host)
        .filter(|host| !host.is_empty() && host.len() <= 255)
        .filter(|host| {
            host.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
            })
        })
        .map_or_else(|| state.address.to_string(), str::to_owned)
}

/// The parameters, and the room in memory that they take.
async fn read_params(
    state: &AppState,
    info: &RequestInfo,
    request: Request,
) -> Result<(Signed, Params, Option<Permit>), ApiError> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return Ok((Signed::Get, Params::parse(query, b"")?, None));
    }
    if parts.method != Method::POST {
        return Err(ApiErrorCode::UnsupportedOperation.because("The gateway answers GET and POST."));
    }
    let limit = state.limits.body;
    let room = room_for_body(info, &parts.headers, limit).await?;
    let body = tokio::time::timeout(limit, to_bytes(body, MAX_BODY_LEN))
        .await
        .map_err(|_| ApiErrorCode::InvalidParameter.because("The body did not arrive in time."))?
        .map_err(|_| {
            ApiErrorCode::InvalidParameter.because(format!(
                "The body could not be read, or is longer than {MAX_BODY_LEN} octets."
            ))
        })?;
    let form = parts
        .headers
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
    Ok((Signed::Post, Params::parse(query, &body)?, Some(room)))
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

async fn act(
    state: &AppState,
    info: &RequestInfo,
    method: Signed,
    params: &Params,
    host: &str,
) -> Result<Value, ApiError> {
    if let Some(format) = params.get("Format")
        && !["JSON", "XML"]
            .iter()
            .any(|known| format.eq_ignore_ascii_case(known))
    {
        return Err(ApiError::invalid("Format", "only JSON and XML are known."));
    }
    let action = params.required("Action")?;
    let version = params.required("Version")?;
    if ![vod::VERSION, sts::VERSION].contains(&version) {
        return Err(ApiError::invalid(
            "Version",
            format!(
                "only {} (VOD) and {} (STS) are known.",
                vod::VERSION,
                sts::VERSION
            ),
        ));
    }
    let Some(action) = actions::Action::find(version, action) else {
        return Err(ApiErrorCode::UnsupportedOperation.because(format!(
            "Version {version} has no such Action here. Check both spellings."
        )));
    };
    let now_ms = state.core.clock.unix_ms();
    let signed = SignedParams::read(params, now_ms)?;
    Span::current().record("key", loggable_key_id(signed.key_id));
    let caller = authenticate(state, method, &signed, now_ms).await?;
    match state.core.accounts.account_state().await? {
        AccountState::Active => {}
        AccountState::NotOpened => {
            return Err(ApiErrorCode::OperationDenied
                .because("The account has not opened the VOD service."));
        }
        AccountState::Suspended => {
            return Err(ApiErrorCode::Suspended
                .because("The account is suspended. The operator can lift it."));
        }
    }
    permit(state, info, &caller, action, params, now_ms)?;
    let scheme = state.public_url.as_ref().map_or("http", url::Url::scheme);
    let prefix = state
        .public_url
        .as_ref()
        .map_or("", |url| url.path().trim_end_matches('/'));
    let call = Call {
        state,
        params,
        caller,
        key_id: signed.key_id,
        base_url: format!("{scheme}://{host}{prefix}"),
        now_ms,
    };
    action.run(&call).await
}

/// Whether all that the caller's credential comes from allow the action on what it names.
fn permit(
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    action: actions::Action,
    params: &Params,
    now_ms: i64,
) -> Result<(), ApiError> {
    let public_url = state.public_url.as_ref();
    let source_ip = match info.origin {
        ClientOrigin::Forwarded(address) => Some(address),
        // Behind a proxy that the operator does not name as trusted, all connections are the proxy's.
        ClientOrigin::Peer(address) => public_url.is_none().then_some(address),
        ClientOrigin::Proxy(_) => None,
    };
    let context = ConditionContext {
        source_ip,
        secure_transport: public_url.is_some_and(|url| url.scheme() == "https"),
        now: UnixTime::from_millis(now_ms),
        principal: caller.lineage.principal().arn(),
    };
    let resource = action.resource(&state.region, params);
    let ask = AccessRequest {
        action: action.permission(),
        resource: &resource,
        context: &context,
    };
    if caller.may(ask) {
        return Ok(());
    }
    let refusal = ApiErrorCode::ForbiddenRam.because(format!(
        "This credential may not do {}. Every policy that it comes from must allow it: those of the key, the roles and the sessions.",
        action.permission()
    ));
    Err(refusal.echoing(" It was asked to do it on ", &resource.to_string()))
}

/// Finds the secret for the key, verifies the signature, and only then spends the nonce.
async fn authenticate(
    state: &AppState,
    method: Signed,
    signed: &SignedParams<'_>,
    now_ms: i64,
) -> Result<Caller, ApiError> {
    let core = &state.core;
    let (secret, caller) = caller::find(core, signed, now_ms).await?;
    signed.verify(method, &secret)?;
    let until_ms = signed.nonce_until_ms(now_ms, caller.expires_ms);
    if !state
        .nonces
        .remember(signed.key_id, signed.nonce, until_ms, now_ms)
        .await?
    {
        return Err(ApiErrorCode::NonceUsed
            .because("The SignatureNonce was used before. Sign every request with a new one."));
    }
    Ok(caller)
}
