//! The POP gateway: signed requests in, JSON or XML out. The order of its checks is fixed: form, time, key,
//! token, signature, nonce, account, permission, then the action.

mod actions;

pub(crate) use actions::{Mint, mint_play_auth};

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kinora_cloud::{Method as Signed, sts, vod, xml};
use serde_json::{Value, json};

use crate::crypto::{hex, random};
use crate::domain::{AccountState, Caller, Params, Refusal, Session, SignedRequest, Why};
use crate::error::ServiceError;
use crate::service::Shared;

const MAX_BODY_LEN: usize = 64 * 1024;
const BODY_LIMIT: Duration = Duration::from_secs(15);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const JSON: &str = "application/json; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";
/// Key ids of temporary credentials begin with it.
const SESSION_PREFIX: &str = "STS.";

/// A request as the actions see it: checked, and with the address that the client used.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) params: &'a Params,
    pub(crate) caller: Caller,
    pub(crate) key_id: &'a str,
    pub(crate) base_url: String,
    pub(crate) now_ms: i64,
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        if let ServiceError::DiskFull(_) = error {
            return Why::ServiceUnavailable.because("The disk of the service is full. Try again later; the operator must free some space on it.");
        }
        Why::InternalError.because("The service could not read or write its data. Try again later; the operator finds the cause on the machine.")
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Json,
    Xml,
}

/// Answers any request to the gateway.
pub(crate) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let request_id = request_id();
    let host = host_of(&shared, request.headers().get(header::HOST));
    let (shape, name, answer) = match read_params(request).await {
        Ok((method, params)) => {
            let shape = match params.get("Format") {
                Some(format) if format.eq_ignore_ascii_case("JSON") => Shape::Json,
                _ => Shape::Xml,
            };
            let name = params.get("Action").unwrap_or("Unknown").to_owned();
            let acted =
                tokio::time::timeout(ANSWER_LIMIT, act(&shared, method, &params, &host)).await;
            let answer = acted.unwrap_or_else(|_| {
                Err(Why::ServiceUnavailable
                    .because("The service is too busy to answer in time. Try again later."))
            });
            (shape, name, answer)
        }
        Err(refusal) => (Shape::Xml, String::new(), Err(refusal)),
    };
    match answer {
        Ok(mut body) => {
            if let Value::Object(members) = &mut body {
                members.insert("RequestId".to_owned(), Value::String(request_id));
            }
            match shape {
                Shape::Json => render(StatusCode::OK, JSON, body.to_string()),
                Shape::Xml => render(StatusCode::OK, XML, xml::response(&name, &body)),
            }
        }
        Err(refusal) => {
            let (status, _) = refusal.why.row();
            let body = json!({"RequestId": request_id, "HostId": host, "Code": refusal.code(), "Message": refusal.message});
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            match shape {
                Shape::Json => render(status, JSON, body.to_string()),
                Shape::Xml => render(status, XML, xml::error(&body)),
            }
        }
    }
}

fn render(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = (status, Body::from(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Answers hold credentials and short-lived URLs.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A random UUID (RFC 9562 5.4) in capitals, as the service's clients know it.
fn request_id() -> String {
    let mut bytes = random::<16>().unwrap_or_default();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes).to_uppercase();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

/// The authority that clients see. A Host header is taken only if nothing in it can break a URL.
fn host_of(shared: &Shared, header: Option<&HeaderValue>) -> String {
    if let Some(url) = &shared.public_url {
        return url.authority().to_owned();
    }
    header
        .and_then(|host| host.to_str().ok())
        .filter(|host| !host.is_empty() && host.len() <= 255)
        .filter(|host| {
            host.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
            })
        })
        .map_or_else(|| shared.address.to_string(), str::to_owned)
}

async fn read_params(request: Request) -> Result<(Signed, Params), Refusal> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return Ok((Signed::Get, Params::parse(query, b"")?));
    }
    if parts.method != Method::POST {
        return Err(Why::UnsupportedOperation.because("The gateway answers GET and POST."));
    }
    let body = tokio::time::timeout(BODY_LIMIT, to_bytes(body, MAX_BODY_LEN))
        .await
        .map_err(|_| Why::InvalidParameter.because("The body did not arrive in time."))?
        .map_err(|_| {
            Why::InvalidParameter.because(format!(
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
        return Err(Why::InvalidParameter
            .because("The body of a POST must be application/x-www-form-urlencoded."));
    }
    Ok((Signed::Post, Params::parse(query, &body)?))
}

async fn act(
    shared: &Shared,
    method: Signed,
    params: &Params,
    host: &str,
) -> Result<Value, Refusal> {
    if let Some(format) = params.get("Format")
        && !["JSON", "XML"]
            .iter()
            .any(|known| format.eq_ignore_ascii_case(known))
    {
        return Err(Refusal::invalid("Format", "only JSON and XML are known."));
    }
    let action = params.required("Action")?;
    let version = params.required("Version")?;
    if ![vod::VERSION, sts::VERSION].contains(&version) {
        return Err(Refusal::invalid(
            "Version",
            format!(
                "only {} (VOD) and {} (STS) are known.",
                vod::VERSION,
                sts::VERSION
            ),
        ));
    }
    let Some(action) = actions::Action::find(version, action) else {
        return Err(Why::UnsupportedOperation.because(format!(
            "Version {version} has no such Action here. Check both spellings."
        )));
    };
    let now_ms = shared.core.clock.unix_ms();
    let signed = SignedRequest::read(params, now_ms)?;
    let caller = authenticate(shared, method, &signed, now_ms).await?;
    match shared.core.accounts.account_state().await? {
        AccountState::Active => {}
        AccountState::NotOpened => {
            return Err(Why::OperationDenied.because("The account has not opened the VOD service."));
        }
        AccountState::Suspended => {
            return Err(
                Why::Suspended.because("The account is suspended. The operator can lift it.")
            );
        }
    }
    if !caller.policy.allows(action.permission()) {
        return Err(Why::ForbiddenRam.because(format!(
            "This credential has no permission for {}. Grant it in the role's or key's policy.",
            action.permission()
        )));
    }
    let scheme = shared.public_url.as_ref().map_or("http", url::Url::scheme);
    let prefix = shared
        .public_url
        .as_ref()
        .map_or("", |url| url.path().trim_end_matches('/'));
    let call = Call {
        shared,
        params,
        caller,
        key_id: signed.key_id,
        base_url: format!("{scheme}://{host}{prefix}"),
        now_ms,
    };
    action.run(&call).await
}

/// Finds the secret for the key, verifies the signature, and only then spends the nonce.
async fn authenticate(
    shared: &Shared,
    method: Signed,
    signed: &SignedRequest<'_>,
    now_ms: i64,
) -> Result<Caller, Refusal> {
    let core = &shared.core;
    let not_found = || {
        Why::KeyNotFound.because("There is no such AccessKeyId. Check its spelling; a key that begins with STS. needs its SecurityToken.")
    };
    let (secret, caller) = if signed.key_id.starts_with(SESSION_PREFIX) {
        let token = signed.token.ok_or_else(not_found)?;
        let session = Session::open(&core.master, token, signed.key_id, now_ms)?;
        let caller = Caller {
            policy: session.policy,
            video: session.video,
            needs_auth_info: session.needs_auth_info,
            expires_ms: Some(session.expires_ms),
        };
        (Session::secret(&core.master, signed.key_id), caller)
    } else {
        let key = core
            .accounts
            .access_key(signed.key_id)
            .await?
            .ok_or_else(not_found)?;
        if !key.active {
            return Err(Why::KeyInactive.because("The AccessKeyId is switched off."));
        }
        if let Some(token) = signed.token {
            // A permanent key has no token: a token beside it is broken, or another key's.
            Session::open(&core.master, token, signed.key_id, now_ms)?;
        }
        let caller = Caller {
            policy: key.policy,
            video: None,
            needs_auth_info: false,
            expires_ms: None,
        };
        (key.secret, caller)
    };
    signed.verify(method, &secret)?;
    let until_ms = signed.nonce_until_ms(now_ms, caller.expires_ms);
    if !shared
        .nonces
        .remember(signed.key_id, signed.nonce, until_ms, now_ms)
        .await?
    {
        return Err(Why::NonceUsed
            .because("The SignatureNonce was used before. Sign every request with a new one."));
    }
    Ok(caller)
}
