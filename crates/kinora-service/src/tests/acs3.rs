//! The signature of the current SDKs, asked for over loopback: what passes, and how everything else is answered.

use kinora_cloud::acs3::{self, SignedParts};
use kinora_cloud::{Credentials, Endpoint, PopRequest, SignatureScheme};

use super::*;
use crate::Policy;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const VOD: &str = "2017-03-21";
/// 2026-01-02T03:04:05Z, when the vectors were signed.
const VECTOR_MS: i64 = 1_767_323_045_000;

/// A request of a current SDK, to be changed before it goes out.
#[derive(Clone)]
struct V3 {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl V3 {
    fn call(service: &Running, key: &Triple, call: PopRequest) -> Self {
        let endpoint = Endpoint::parse(&format!("http://{}", service.address)).unwrap();
        Self::call_at(&endpoint, service.clock.unix_ms(), key, call)
    }
    fn call_at(endpoint: &Endpoint, now_ms: i64, key: &Triple, call: PopRequest) -> Self {
        let who = Credentials {
            access_key_id: key.id.clone(),
            access_key_secret: Secret::new(&*key.secret),
            security_token: key.token.as_deref().map(Secret::new),
        };
        let nonce = format!("v3-{}", NONCE.fetch_add(1, Ordering::Relaxed));
        let call = call.scheme(SignatureScheme::V3);
        let signed = call.sign(endpoint, &who, &nonce, UnixTime::from_millis(now_ms));
        let url = url::Url::parse(signed.url.expose()).unwrap();
        let target = url[url::Position::BeforePath..].to_owned();
        let headers = signed.headers.into_iter();
        Self {
            method: signed.method.as_str(),
            target,
            headers: headers.map(|header| (header.name, header.value)).collect(),
            body: Vec::new(),
        }
    }
    /// A call with a form as its body, its type signed as the SDKs do.
    fn form(service: &Running, key: &Triple, action: &str, body: &[u8]) -> Self {
        let nonce = format!("v3-{}", NONCE.fetch_add(1, Ordering::Relaxed));
        let date = UnixTime::from_millis(service.clock.unix_ms()).to_string();
        let (host, sha256) = (service.address.to_string(), acs3::body_sha256(body));
        let signed = [
            ("host", host.as_str()),
            FORM,
            (acs3::ACTION, action),
            (acs3::VERSION, VOD),
            (acs3::DATE, &date),
            (acs3::NONCE, &nonce),
            (acs3::CONTENT_SHA256, &sha256),
        ];
        let parts = SignedParts {
            method: "POST",
            path: "/",
            query: &[],
            headers: &signed,
            body_sha256: &sha256,
        };
        let authorization = parts.sign(&key.id, &Secret::new(&*key.secret)).to_header();
        let mut headers: Vec<(String, String)> = signed[1..]
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        headers.push(("Authorization".into(), authorization.expose().to_owned()));
        Self {
            method: "POST",
            target: "/".into(),
            headers,
            body: body.to_vec(),
        }
    }
    fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(name, _)| name != header);
        self
    }
    fn with(self, header: &str, value: &str) -> Self {
        let mut changed = self.without(header);
        changed.headers.push((header.into(), value.into()));
        changed
    }
    fn get(&self, header: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(name, _)| name == header);
        found.map_or("", |(_, value)| value)
    }
    async fn send(&self, service: &Running) -> Reply {
        let headers = self.headers.iter();
        let headers: Vec<(&str, &str)> = headers.map(|(name, value)| (&**name, &**value)).collect();
        ask(
            service.address,
            self.method,
            &self.target,
            &headers,
            &self.body,
        )
        .await
    }
}

fn info(id: &VideoId) -> PopRequest {
    PopRequest::new("GetVideoInfo", VOD).param("VideoId", id.as_str())
}

/// Refused in JSON, with all that a client of these reads.
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status, &*reply.code()),
        (status, code),
        "{}",
        reply.text()
    );
    assert!(reply.header("content-type").starts_with("application/json"));
    for field in ["RequestId", "HostId", "Code", "Message", "Recommend"] {
        let text = reply.json()[field].as_str().unwrap_or_default().to_owned();
        assert!(!text.is_empty(), "{field}: {}", reply.text());
    }
    assert_eq!(reply.json()["RequestId"], reply.header("x-request-id"));
}

#[tokio::test]
async fn a_call_of_version_3_is_answered_in_json_by_get_post_and_form() {
    let (_dir, service, key, id) = with_a_video().await;
    for method in [HttpMethod::Get, HttpMethod::Post] {
        let call = V3::call(&service, &key, info(&id).method(method));
        let reply = call.send(&service).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["Video"]["VideoId"], id.as_str());
        refused(&call.send(&service).await, 400, "SignatureNonceUsed");
    }
    let body = format!("VideoId={id}");
    let call = V3::form(&service, &key, "GetVideoInfo", body.as_bytes());
    assert_eq!(call.send(&service).await.status, 200);
    // Some say so of a body that is none.
    let call = V3::call(&service, &key, info(&id).method(HttpMethod::Post));
    let call = call.with("Content-Type", "application/octet-stream");
    assert_eq!(call.send(&service).await.status, 200);
    // Parameters that nobody knows, and the spellings of an empty or odd value, change nothing.
    let call = info(&id)
        .param("Title", "a b*~'()!中+")
        .param("Empty", "")
        .param("On", "True");
    let mut call = V3::call(&service, &key, call);
    let encoded = call.target.clone();
    call.target = encoded
        .replace("%20", "+")
        .replace("%27%28%29%21", "'()!")
        .replace("%2A", "*");
    assert_ne!(call.target, encoded);
    assert_eq!(call.send(&service).await.status, 200);
    service.stop().await;
}

/// The service verifies what the vendor's SDK signed on another machine: it answers for the video, not for the signature.
#[tokio::test]
async fn the_vectors_pass_the_gateway() {
    let (_dir, service, _) = Running::alone(ManualClock::at_ms(VECTOR_MS)).await;
    let key = AccessKey {
        id: "testId".into(),
        secret: Secret::new("testSecret"),
        policy: Policy::all(),
        active: true,
    };
    service.library.put_access_key(&key).await.unwrap();
    let signed = "accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version";
    let authorization = |signature: &str| {
        format!("ACS3-HMAC-SHA256 Credential=testId,SignedHeaders={signed},Signature={signature}")
    };
    let good = "e3655b553a568b2132e297a404262630e5644b9a91123da94ca4848f4ca910d7";
    let call = V3 {
        method: "POST",
        // The address that it was signed for stands in the target, before this service's own in Host.
        target: "http://127.0.0.1:8080/?AuthTimeout=3600&Formats=mp4%2Cm3u8&PlayConfig=%7B%22PreviewTime%22%3A%2220%22%7D&VideoId=5aed81b74ba84920be578cdfe004af4b".into(),
        headers: [
            ("Accept", "application/json"),
            ("User-Agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2"),
            (acs3::ACTION, "GetPlayInfo"),
            (acs3::CONTENT_SHA256, &acs3::body_sha256(b"")),
            ("x-acs-credentials-provider", "static_ak"),
            (acs3::DATE, "2026-01-02T03:04:05Z"),
            (acs3::NONCE, "0123456789abcdef0123456789abcdef"),
            (acs3::VERSION, VOD),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        body: Vec::new(),
    };
    let wrong = call
        .clone()
        .with("Authorization", &authorization(&good.replace('e', "f")));
    refused(&wrong.send(&service).await, 400, "SignatureDoesNotMatch");
    let right = call.with("Authorization", &authorization(good));
    let reply = right.send(&service).await;
    refused(&reply, 400, "InvalidParameter.PlayConfig");
    assert!(
        reply.text().contains("PreviewTime is not offered"),
        "{}",
        reply.text()
    );
    refused(&right.send(&service).await, 400, "SignatureNonceUsed");
    service.stop().await;
}

#[tokio::test]
async fn a_header_that_lacks_is_named_and_one_that_must_be_signed_is_insisted_on() {
    let (_dir, service, key, id) = with_a_video().await;
    let call = || V3::call(&service, &key, info(&id));
    for name in ["Authorization", acs3::ACTION, acs3::VERSION] {
        let reply = call().without(name).send(&service).await;
        refused(&reply, 400, "MissingParameter");
        let message = reply.json()["Message"].as_str().unwrap().to_owned();
        assert!(message.contains(&name.to_lowercase()), "{message}");
    }
    for name in [acs3::DATE, acs3::NONCE, acs3::CONTENT_SHA256] {
        refused(
            &call().without(name).send(&service).await,
            400,
            "IncompleteSignature",
        );
        refused(
            &call().with(name, "").send(&service).await,
            400,
            "MissingParameter",
        );
    }
    for name in [
        "host",
        acs3::ACTION,
        acs3::VERSION,
        acs3::DATE,
        acs3::NONCE,
        acs3::CONTENT_SHA256,
    ] {
        let call = call();
        let unsigned = call.get("Authorization").replace(&format!("{name};"), "");
        let unsigned = unsigned.replace(&format!(";{name},"), ",");
        assert_ne!(unsigned, call.get("Authorization"), "{name}");
        let reply = call.with("Authorization", &unsigned).send(&service).await;
        refused(&reply, 400, "IncompleteSignature");
        assert!(reply.text().contains(name), "{}", reply.text());
    }
    let mut doubled = call();
    doubled
        .headers
        .push((acs3::DATE.into(), doubled.get(acs3::DATE).into()));
    refused(&doubled.send(&service).await, 400, "InvalidParameter");
    service.stop().await;
}

#[tokio::test]
async fn another_signature_time_action_or_version_is_refused_in_its_own_words() {
    let (_dir, service, key, id) = with_a_video().await;
    let call = || V3::call(&service, &key, info(&id));
    for (name, value, status, code) in [
        (
            "Authorization",
            "Bearer abc",
            400,
            "InvalidParameter.SignatureMethod",
        ),
        (
            "Authorization",
            "ACS3-HMAC-SM3 Credential=a",
            400,
            "InvalidParameter.SignatureMethod",
        ),
        (
            "Authorization",
            "ACS3-HMAC-SHA256 Credential=a",
            400,
            "IncompleteSignature",
        ),
        (acs3::ACTION, "GetVideoInf", 404, "InvalidAction.NotFound"),
        (acs3::VERSION, "2000-01-01", 400, "InvalidVersion"),
        // A version that is known, of which nothing is served.
        (acs3::VERSION, "2014-06-18", 404, "InvalidAction.NotFound"),
        (acs3::DATE, "yesterday", 400, "InvalidTimeStamp.Format"),
        (
            acs3::DATE,
            "2017-10-10T12:02:54Z",
            400,
            "InvalidTimeStamp.Expired",
        ),
        (
            acs3::NONCE,
            &"n".repeat(129),
            400,
            "InvalidParameter.x-acs-signature-nonce",
        ),
        (acs3::NONCE, "another", 400, "SignatureDoesNotMatch"),
        (acs3::CONTENT_SHA256, "00", 400, "SignatureDoesNotMatch"),
    ] {
        refused(&call().with(name, value).send(&service).await, status, code);
    }
    service.stop().await;
}

#[tokio::test]
async fn another_key_or_secret_is_refused_and_what_was_signed_is_shown() {
    let (_dir, service, key, id) = with_a_video().await;
    let wrong = Triple {
        secret: "wrong".into(),
        ..key.clone()
    };
    let reply = V3::call(&service, &wrong, info(&id)).send(&service).await;
    refused(&reply, 400, "SignatureDoesNotMatch");
    assert!(
        reply
            .text()
            .contains("string to sign is:ACS3-HMAC-SHA256\\n"),
        "{}",
        reply.text()
    );
    let unknown = Triple {
        id: "KN0".into(),
        ..key.clone()
    };
    let reply = V3::call(&service, &unknown, info(&id)).send(&service).await;
    refused(&reply, 404, "InvalidAccessKeyId.NotFound");
    service.stop().await;
}

#[tokio::test]
async fn the_date_may_be_fifteen_minutes_off_to_either_side() {
    let (_dir, service, key, id) = with_a_video().await;
    let now = service.clock.unix_ms();
    let endpoint = Endpoint::parse(&format!("http://{}", service.address)).unwrap();
    for (shift_ms, passes) in [
        (-900_000, true),
        (899_000, true),
        (-901_000, false),
        (901_000, false),
    ] {
        // Whole seconds are sent: the service's own are as well.
        let at = now.div_euclid(1000) * 1000 + shift_ms;
        service
            .clock
            .advance_ms(now.div_euclid(1000) * 1000 - service.clock.unix_ms());
        let reply = V3::call_at(&endpoint, at, &key, info(&id))
            .send(&service)
            .await;
        match passes {
            true => assert_eq!(reply.status, 200, "{shift_ms}: {}", reply.text()),
            false => refused(&reply, 400, "InvalidTimeStamp.Expired"),
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn what_was_signed_is_all_that_passes() {
    let (_dir, service, key, id) = with_a_video().await;
    let call = || V3::call(&service, &key, info(&id));
    let mut other = call();
    other.target.push_str("&Formats=mp4");
    refused(&other.send(&service).await, 400, "SignatureDoesNotMatch");
    let mut other = call();
    other.method = "POST";
    refused(&other.send(&service).await, 400, "SignatureDoesNotMatch");
    let mut other = call();
    other.target = format!("http://elsewhere.test{}", other.target);
    refused(&other.send(&service).await, 400, "SignatureDoesNotMatch");
    // A body that was not signed; one that was, changed.
    let mut other =
        V3::call(&service, &key, info(&id).method(HttpMethod::Post)).with(FORM.0, FORM.1);
    other.body = b"Formats=mp4".to_vec();
    refused(&other.send(&service).await, 400, "SignatureDoesNotMatch");
    let form = || {
        V3::form(
            &service,
            &key,
            "GetVideoInfo",
            format!("VideoId={id}").as_bytes(),
        )
    };
    let mut other = form();
    other.body.push(b'0');
    refused(&other.send(&service).await, 400, "SignatureDoesNotMatch");
    for (kind, body) in [
        ("application/json", b"{}".to_vec()),
        (FORM.1, b"a=1&a=2".to_vec()),
        (FORM.1, vec![b'a'; 64 * 1024 + 1]),
        (
            FORM.1,
            (0..200)
                .map(|n| format!("p{n}=1&"))
                .collect::<String>()
                .into_bytes(),
        ),
    ] {
        let mut other = form().with(FORM.0, kind);
        other.body = body;
        refused(&other.send(&service).await, 400, "InvalidParameter");
    }
    // None of that has spent its nonce.
    assert_eq!(form().send(&service).await.status, 200);
    let mut other = call();
    other.method = "PUT";
    refused(&other.send(&service).await, 400, "UnsupportedOperation");
    service.stop().await;
}

#[tokio::test]
async fn a_session_signs_so_as_well_and_its_values_belong_together() {
    let (_dir, service, key, id) = with_a_video().await;
    let role = PopRequest::new("AssumeRole", "2015-04-01")
        .param("RoleArn", "acs:ram::1:role/player")
        .param("RoleSessionName", "viewer");
    let reply = V3::call(&service, &key, role).send(&service).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let session = Triple::of(&reply.json()["Credentials"]);
    let call = || V3::call(&service, &session, info(&id));
    assert_eq!(call().send(&service).await.status, 200);
    let naked = call().without(acs3::SECURITY_TOKEN);
    refused(&naked.send(&service).await, 400, "IncompleteSignature");
    let cut = call().with(acs3::SECURITY_TOKEN, "cut");
    refused(
        &cut.send(&service).await,
        400,
        "InvalidSecurityToken.Malformed",
    );
    service.clock.advance_ms(3_600_000);
    refused(
        &call().send(&service).await,
        400,
        "InvalidSecurityToken.Expired",
    );
    service.stop().await;
}

/// A nonce is spent for both signatures, and the older one takes SHA-256 as well.
#[tokio::test]
async fn one_memory_of_nonces_serves_both_signatures() {
    let (_dir, service, key, id) = with_a_video().await;
    let call = V3::call(&service, &key, info(&id));
    assert_eq!(call.send(&service).await.status, 200);
    let older = [
        ("Action", "GetVideoInfo"),
        ("VideoId", id.as_str()),
        ("SignatureNonce", call.get(acs3::NONCE)),
    ];
    assert_eq!(
        service.call(&key, &older).await.code(),
        "SignatureNonceUsed"
    );
    let sha256 = [older[0], older[1], ("SignatureMethod", "HMAC-SHA256")];
    assert_eq!(service.call(&key, &sha256).await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_the_address_that_clients_know_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::now());
    let mut config = config(&dir.path().join("data"), &clock);
    config.public_url = Some("https://media.test/vod".parse().unwrap());
    let (service, key) = Running::start_as(config, clock).await;
    let (key, id) = (key.unwrap(), service.publish().await);
    for (address, status) in [
        ("https://media.test/vod", 200),
        ("https://other.test/vod", 400),
    ] {
        let endpoint = Endpoint::parse(address).unwrap();
        let mut call = V3::call_at(&endpoint, service.clock.unix_ms(), &key, info(&id));
        // The proxy takes its own part of the path off.
        call.target = call.target.replace("/vod", "/");
        assert_eq!(call.send(&service).await.status, status, "{address}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_page_may_send_the_headers_of_a_signature() {
    let (_dir, service, _) = Running::alone(ManualClock::now()).await;
    let asks = [
        ("Origin", "http://page.test"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,x-acs-action",
        ),
    ];
    let reply = ask(service.address, "OPTIONS", "/", &asks, b"").await;
    let allowed = reply.header("access-control-allow-headers");
    assert_eq!(allowed, "authorization,x-acs-action");
    service.stop().await;
}

/// Whoever can not be asked for a format any more is answered in the one that most clients read.
#[tokio::test]
async fn a_request_that_can_not_be_read_is_refused_in_its_client_s_language() {
    let (_dir, service, _) = Running::alone(ManualClock::now()).await;
    for (target, body, json) in [
        ("/?Format=JSON", "a=1&a=2", true),
        ("/?Format=XML", "a=1&a=2", false),
        ("/", "a=1&a=2", true),
        ("/", "Action=GetVideoInfo&Format=XML", false),
        ("/", "Action=GetVideoInfo&Format=None", false),
    ] {
        let reply = ask(service.address, "POST", target, &[FORM], body.as_bytes()).await;
        assert_eq!(reply.status, 400);
        match json {
            true => refused(&reply, 400, "InvalidParameter"),
            // The current SDKs take XML by this very type only.
            false => assert_eq!(
                reply.header("content-type"),
                "text/xml;charset=utf-8",
                "{target} {body}"
            ),
        }
    }
    service.stop().await;
}
