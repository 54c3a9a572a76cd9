//! The POP gateway: signed requests in, of signature version 1.0 and of ACS3-HMAC-SHA256; JSON or XML out. The order of its checks is fixed: form, time, key,
//! token, signature, nonce, account, permission, then the action.

mod actions;
mod call;
mod caller;
mod categories;
mod incoming;
mod media;
mod playback;
mod sts;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{self, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kinora_cloud::{UnixTime, mps, sts as sts_api, vod, xml};
use kinora_errors::Coded as _;
use serde_json::{Value, json};
use tracing::Span;

use crate::context::{
    AppState, ClientOrigin, Reason, RequestInfo, loggable_action, loggable_key_id,
};
use crate::domain::{
    AccountState, Action, ApiError, ApiErrorCode, Caller, ConditionContext, SignedRequest,
};
use crate::error::{Causes, ServiceError};
use actions::Target;
use call::Call;
use incoming::{Incoming, Shape, asked_authority};

const JSON: &str = "application/json; charset=utf-8";
// To the letter: with any other spelling the current SDKs would read it as JSON.
const XML: &str = "text/xml;charset=utf-8";
const ACS_RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

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

/// Answers any request to the gateway.
pub(crate) async fn answer(
    State(state): State<Arc<AppState>>,
    Extension(info): Extension<RequestInfo>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let host = host_of(&state, &parts);
    let (shape, name, answer) = match Incoming::read(&state, &info, &parts, body).await {
        Ok(incoming) => {
            let name = incoming.action().unwrap_or("Unknown").to_owned();
            Span::current().record("action", loggable_action(&name));
            let limit = state.limits.answer;
            let acted = tokio::time::timeout(limit, act(&state, &info, &incoming, &host)).await;
            let answer = acted.unwrap_or_else(|_| Err(too_busy()));
            (incoming.shape(), name, answer)
        }
        Err(refusal) => {
            let shape = Shape::of_head(&parts.method, &parts.uri, &parts.headers);
            (shape, String::new(), Err(refusal))
        }
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
pub(crate) fn busy<B>(request: &http::Request<B>, request_id: &str) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    let shape = Shape::of_head(request.method(), uri, headers);
    let host = asked_authority(uri, headers)
        .filter(|host| is_plain_host(host))
        .unwrap_or_default();
    let mut response = refused(&too_busy(), shape, host, request_id);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    // The current SDKs know this one, in milliseconds.
    headers.insert(ACS_RETRY_AFTER, HeaderValue::from_static("1000"));
    response
}

fn refused(refusal: &ApiError, shape: Shape, host: &str, request_id: &str) -> Response {
    let (status, _) = refusal.why.row();
    let body = json!({
        "RequestId": request_id,
        "HostId": host,
        "Code": refusal.code(),
        "Message": refusal.sentence(),
        "Recommend": refusal.recommendation(),
    });
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

/// The authority that clients see: the one that is theirs by the operator, or the one that this client named.
fn host_of(state: &AppState, parts: &Parts) -> String {
    if let Some(url) = &state.public_url {
        return url.authority().to_owned();
    }
    asked_authority(&parts.uri, &parts.headers)
        .filter(|host| is_plain_host(host))
        .map_or_else(|| state.address.to_string(), str::to_owned)
}

/// Whether nothing in it can break a URL.
fn is_plain_host(host: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(fits)
}

async fn act(
    state: &AppState,
    info: &RequestInfo,
    incoming: &Incoming,
    host: &str,
) -> Result<Value, ApiError> {
    incoming.check_format()?;
    let action = find_action(incoming)?;
    let params = &incoming.params;
    let now_ms = state.core.clock.unix_ms();
    let signed = incoming.signed(now_ms)?;
    Span::current().record("key", loggable_key_id(&signed.key_id));
    let caller = authenticate(state, &signed, now_ms).await?;
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
    let scheme = state.public_url.as_ref().map_or("http", url::Url::scheme);
    let prefix = state
        .public_url
        .as_ref()
        .map_or("", |url| url.path().trim_end_matches('/'));
    let call = Call {
        state,
        action,
        params,
        context: conditions(state, info, &caller, now_ms),
        caller,
        key_id: &signed.key_id,
        base_url: format!("{scheme}://{host}{prefix}"),
        now_ms,
    };
    if let Target::One(resource) = actions::target(action, &state.region, params) {
        call.must_be_allowed(&resource)?;
    }
    actions::run(&call).await
}

fn find_action(incoming: &Incoming) -> Result<Action, ApiError> {
    let (action, version) = (incoming.action()?, incoming.version()?);
    if ![vod::VERSION, sts_api::VERSION, mps::VERSION].contains(&version) {
        return Err(ApiErrorCode::InvalidVersion.because(format!(
            "The specified parameter Version is not valid: only {} (VOD), {} (STS) and {} (MPS) are known.",
            vod::VERSION,
            sts_api::VERSION,
            mps::VERSION
        )));
    }
    Action::find(version, action).ok_or_else(|| {
        ApiErrorCode::ActionNotFound.because(format!(
            "Specified api is not found: version {version} has no such Action here. Check both spellings."
        ))
    })
}

/// What conditions of policies are about.
fn conditions(
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    now_ms: i64,
) -> ConditionContext {
    let public_url = state.public_url.as_ref();
    let source_ip = match info.origin {
        ClientOrigin::Forwarded(address) => Some(address),
        // Behind a proxy that the operator does not name as trusted, all connections are the proxy's.
        ClientOrigin::Peer(address) => public_url.is_none().then_some(address),
        ClientOrigin::Proxy(_) => None,
    };
    ConditionContext {
        source_ip,
        secure_transport: public_url.is_some_and(|url| url.scheme() == "https"),
        now: UnixTime::from_millis(now_ms),
        principal: caller.lineage.principal().arn(),
    }
}

/// Finds the secret for the key, verifies the signature, and only then spends the nonce.
async fn authenticate(
    state: &AppState,
    signed: &SignedRequest<'_>,
    now_ms: i64,
) -> Result<Caller, ApiError> {
    let core = &state.core;
    let (secret, caller) = caller::find(core, signed, now_ms).await?;
    signed.verify(&secret)?;
    let until_ms = signed.nonce_until_ms(now_ms, caller.expires_ms);
    if !state
        .nonces
        .remember(&signed.key_id, signed.nonce, until_ms, now_ms)
        .await?
    {
        return Err(ApiErrorCode::NonceUsed
            .because("The SignatureNonce was used before. Sign every request with a new one."));
    }
    Ok(caller)
}
