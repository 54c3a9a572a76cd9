use core::fmt;

use kinora_errors::Secret;
use kinora_media::Header;
use url::Url;

use crate::acs3::{self, SignedParts};
use crate::error::{CloudError, CloudErrorKind};
use crate::sign::SignatureMethod;
use crate::{SecretUrl, UnixTime, sign};

/// How parameters travel; part of what is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum HttpMethod {
    /// In the query.
    #[default]
    Get,
    /// As a form in the body.
    Post,
}

impl HttpMethod {
    /// As in the request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// How a call is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SignatureScheme {
    /// Signature version 1.0: the common parameters are parameters as well ([`sign`]).
    V1(SignatureMethod),
    /// `ACS3-HMAC-SHA256`: they are headers ([`acs3`]), and the parameters are in the query whatever the method.
    V3,
}

/// `HMAC-SHA1` of version 1.0, which every service knows.
impl Default for SignatureScheme {
    fn default() -> Self {
        Self::V1(SignatureMethod::HmacSha1)
    }
}

/// Who signs: a key pair, with a token when it is a temporary one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// Names the key.
    pub access_key_id: String,
    /// Signs.
    pub access_key_secret: Secret,
    /// Of an STS session.
    pub security_token: Option<Secret>,
}

/// Where a service answers: scheme, host, port and perhaps a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The region of those who name none.
    pub const DEFAULT_REGION: &'static str = "cn-shanghai";

    /// Reads an http(s) URL such as `http://127.0.0.1:8080`; a bare host means https.
    ///
    /// # Errors
    /// When it is no such URL, or carries a query or user-info.
    pub fn parse(text: &str) -> Result<Self, CloudError> {
        let text = text.trim();
        // The URL parser would take line ends and tabs out without a word: another host than was shown.
        if text.contains(char::is_control) {
            return Err(CloudErrorKind::Endpoint.into());
        }
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("https://{text}"))
        };
        let url = url.map_err(|_| CloudErrorKind::Endpoint)?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https")
            || !url.has_host()
            || !plain
            || url.password().is_some()
        {
            return Err(CloudErrorKind::Endpoint.into());
        }
        Ok(Self(url))
    }

    /// `https://{service}.{region}.aliyuncs.com`.
    ///
    /// # Errors
    /// When the region is none: it becomes part of the host that gets the credential.
    pub fn of_region(service: &str, region: &str) -> Result<Self, CloudError> {
        let region = if region.is_empty() {
            Self::DEFAULT_REGION
        } else {
            region
        };
        let is_label = |text: &str| {
            text.len() <= 63
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !is_label(region) || !is_label(service) {
            return Err(CloudErrorKind::Endpoint.into());
        }
        Self::parse(&format!("https://{service}.{region}.aliyuncs.com"))
    }

    /// The endpoint as a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The value of the header Host: without the port that the scheme has by itself.
    fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// A call before it is signed.
#[derive(Clone)]
pub struct PopRequest {
    action: String,
    version: String,
    method: HttpMethod,
    scheme: SignatureScheme,
    params: Vec<(&'static str, String)>,
}

/// Parameters may be tokens: names only.
impl fmt::Debug for PopRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.params.iter().map(|(name, _)| name);
        f.write_str("PopRequest ")?;
        f.debug_list().entries(names).finish()
    }
}

/// A call that is ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedRequest {
    /// How.
    pub method: HttpMethod,
    /// Where to; with GET it holds the signature and the token.
    pub url: SecretUrl,
    /// The form, with POST.
    pub body: Option<Secret>,
    /// Headers that belong to it.
    pub headers: Vec<Header>,
}

impl PopRequest {
    /// A call of that action in that version of a service; replies in JSON.
    #[must_use]
    pub fn new(action: &str, version: &str) -> Self {
        Self {
            action: action.to_owned(),
            version: version.to_owned(),
            method: HttpMethod::Get,
            scheme: SignatureScheme::default(),
            params: Vec::new(),
        }
    }
    /// Adds a parameter.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }
    /// Adds a parameter that may be absent; an empty one is left out too.
    #[must_use]
    pub fn option(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value.map(Into::into) {
            Some(value) if !value.is_empty() => self.param(name, value),
            _ => self,
        }
    }
    /// Sends the parameters that way; GET otherwise.
    #[must_use]
    pub fn method(mut self, method: HttpMethod) -> Self {
        self.method = method;
        self
    }
    /// Signs that way; by HMAC-SHA1 of version 1.0 otherwise.
    #[must_use]
    pub fn scheme(mut self, scheme: SignatureScheme) -> Self {
        self.scheme = scheme;
        self
    }
    /// Signs. `nonce` must never be used twice; `now` is the time of day.
    ///
    /// ```
    /// use kinora_cloud::{Credentials, Endpoint, PopRequest, SignatureScheme, UnixTime};
    ///
    /// let endpoint = Endpoint::parse("http://127.0.0.1:8080")?;
    /// let key = Credentials {
    ///     access_key_id: "id".into(),
    ///     access_key_secret: kinora_errors::Secret::new("secret"),
    ///     security_token: None,
    /// };
    /// let call = PopRequest::new("GetVideoInfo", "2017-03-21").param("VideoId", "v");
    /// let call = call.scheme(SignatureScheme::V3);
    /// let signed = call.sign(&endpoint, &key, "never used before", UnixTime(1_767_323_045));
    /// assert_eq!(signed.url.expose(), "http://127.0.0.1:8080/?VideoId=v");
    /// assert!(signed.headers.iter().any(|header| header.name == "Authorization"));
    /// # Ok::<(), kinora_cloud::CloudError>(())
    /// ```
    #[must_use]
    pub fn sign(
        self,
        endpoint: &Endpoint,
        credentials: &Credentials,
        nonce: &str,
        now: UnixTime,
    ) -> SignedRequest {
        match self.scheme {
            SignatureScheme::V1(by) => self.sign_v1(by, endpoint, credentials, nonce, now),
            SignatureScheme::V3 => self.sign_v3(endpoint, credentials, nonce, now),
        }
    }

    fn sign_v3(
        self,
        endpoint: &Endpoint,
        credentials: &Credentials,
        nonce: &str,
        now: UnixTime,
    ) -> SignedRequest {
        let (date, host) = (now.to_string(), endpoint.host());
        let body_sha256 = acs3::body_sha256(b"");
        let mut headers = vec![
            (acs3::ACTION, self.action.as_str()),
            (acs3::VERSION, &self.version),
            (acs3::DATE, &date),
            (acs3::NONCE, nonce),
            (acs3::CONTENT_SHA256, &body_sha256),
        ];
        if let Some(token) = &credentials.security_token {
            headers.push((acs3::ACCESS_KEY_ID, &credentials.access_key_id));
            headers.push((acs3::SECURITY_TOKEN, token.expose()));
        }
        let mut sent: Vec<Header> = headers
            .iter()
            .map(|(name, value)| header(name, value))
            .collect();
        // It goes out as well: the transport writes it.
        headers.push(("host", &host));
        let query = self.params.iter().map(|(name, value)| (*name, &**value));
        let query: Vec<(&str, &str)> = query.collect();
        let parts = SignedParts {
            method: self.method.as_str(),
            path: endpoint.0.path(),
            query: &query,
            headers: &headers,
            body_sha256: &body_sha256,
        };
        let secret = &credentials.access_key_secret;
        let authorization = parts.sign(&credentials.access_key_id, secret).to_header();
        sent.push(header("Authorization", authorization.expose()));
        sent.push(header("Accept", "application/json"));
        let base = endpoint.as_str();
        let url = match sign::encoded_pairs(query) {
            query if query.is_empty() => base.to_owned(),
            query => format!("{base}?{query}"),
        };
        SignedRequest {
            method: self.method,
            url: SecretUrl::new(url),
            body: None,
            headers: sent,
        }
    }

    fn sign_v1(
        mut self,
        by: SignatureMethod,
        endpoint: &Endpoint,
        credentials: &Credentials,
        nonce: &str,
        now: UnixTime,
    ) -> SignedRequest {
        let token = credentials.security_token.as_ref().map(Secret::expose);
        let (action, version) = (self.action.clone(), self.version.clone());
        self = self
            .param("Action", action)
            .param("Version", version)
            .param("Format", "JSON")
            .param("AccessKeyId", credentials.access_key_id.clone())
            .param("SignatureMethod", by.as_str())
            .param("SignatureVersion", "1.0")
            .param("SignatureNonce", nonce)
            .param("Timestamp", now.to_string())
            .option("SecurityToken", token);
        let signature = by.signature(&credentials.access_key_secret, self.method, &self.params);
        let mut form = sign::canonical_query(&self.params);
        form.push('&');
        form.push_str(sign::SIGNATURE);
        form.push('=');
        form.push_str(&sign::encode(&signature));
        let base = endpoint.as_str();
        match self.method {
            HttpMethod::Get => SignedRequest {
                method: HttpMethod::Get,
                url: SecretUrl::new(format!("{base}?{form}")),
                body: None,
                headers: Vec::new(),
            },
            HttpMethod::Post => SignedRequest {
                method: HttpMethod::Post,
                url: SecretUrl::new(base),
                body: Some(Secret::new(form)),
                headers: vec![header("Content-Type", "application/x-www-form-urlencoded")],
            },
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "testAccessKeyId".into(),
            access_key_secret: Secret::new("testAccessKeySecret"),
            security_token: None,
        }
    }

    fn vector() -> PopRequest {
        PopRequest::new("GetVideoPlayAuth", "2017-03-21")
            .param("VideoId", "5aed81b74ba84920be578cdfe004af4b")
    }

    const NONCE: &str = "8f8a035d-6496-4268-afd4-67c22837e38d";

    #[test]
    fn the_published_vector_comes_out_of_the_builder() {
        let endpoint = Endpoint::of_region("vod", "").unwrap();
        let request = vector().sign(&endpoint, &credentials(), NONCE, UnixTime(1_507_636_974));
        let url = request.url.expose();
        assert!(
            url.starts_with(
                "https://vod.cn-shanghai.aliyuncs.com/?AccessKeyId=testAccessKeyId&Action="
            ),
            "{url}"
        );
        assert!(
            url.ends_with("&Signature=Ibgh7y8Vp47LBuAsf5Xhi1SvDss%3D"),
            "{url}"
        );
    }

    #[test]
    fn a_posted_form_verifies_and_a_token_is_signed_with_the_rest() {
        let mut who = credentials();
        who.security_token = Some(Secret::new("CAIS+/ token"));
        let endpoint = Endpoint::parse("http://127.0.0.1:8080").unwrap();
        let request = vector()
            .method(HttpMethod::Post)
            .sign(&endpoint, &who, NONCE, UnixTime(0));
        assert_eq!(request.url.expose(), "http://127.0.0.1:8080/");
        let body = request.body.unwrap();
        let mut params: Vec<(String, String)> =
            url::form_urlencoded::parse(body.expose().as_bytes())
                .into_owned()
                .collect();
        let signature = params.pop().unwrap().1;
        assert!(sign::verify(
            &who.access_key_secret,
            HttpMethod::Post,
            &params,
            &signature
        ));
        params.retain(|(name, _)| name != "SecurityToken");
        assert!(!sign::verify(
            &who.access_key_secret,
            HttpMethod::Post,
            &params,
            &signature
        ));
    }

    /// What a call says in its headers; that of Authorization is read.
    fn sent(request: &SignedRequest) -> (Vec<(&str, &str)>, acs3::Authorization) {
        let all = request.headers.iter();
        let (own, rest): (Vec<_>, Vec<_>) =
            all.partition(|header| header.name.starts_with(acs3::HEADER_PREFIX));
        let authorization = rest.iter().find(|header| header.name == "Authorization");
        let read = acs3::Authorization::parse(&authorization.unwrap().value).unwrap();
        let own = own
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_str()));
        (own.collect(), read)
    }

    #[test]
    fn a_call_of_version_3_verifies_by_what_goes_out() {
        let mut who = credentials();
        who.security_token = Some(Secret::new("CAIS+/ token"));
        for (address, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://media.test:443", "media.test"),
            ("http://[::1]:80/vod", "[::1]"),
        ] {
            let endpoint = Endpoint::parse(address).unwrap();
            let call = vector().param("Title", "a b*~").scheme(SignatureScheme::V3);
            let request = call.sign(&endpoint, &who, NONCE, UnixTime(1_507_636_974));
            let url = Url::parse(request.url.expose()).unwrap();
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            assert_eq!(query.len(), 2, "{url}");
            let query: Vec<(&str, &str)> = query
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            let (mut headers, authorization) = sent(&request);
            assert!(headers.contains(&(acs3::DATE, "2017-10-10T12:02:54Z")));
            assert!(headers.contains(&(acs3::SECURITY_TOKEN, "CAIS+/ token")));
            headers.push(("Host", host));
            let parts = SignedParts {
                method: "GET",
                path: url.path(),
                query: &query,
                headers: &headers,
                body_sha256: &acs3::body_sha256(b""),
            };
            assert!(
                parts.verify(&who.access_key_secret, &authorization),
                "{address}"
            );
            assert!(!parts.verify(&Secret::new("other"), &authorization));
        }
    }

    #[test]
    fn without_a_token_nothing_is_said_of_one() {
        let endpoint = Endpoint::parse("127.0.0.1").unwrap();
        let call = PopRequest::new("GetCallerIdentity", "2015-04-01").scheme(SignatureScheme::V3);
        let request = call.sign(&endpoint, &credentials(), NONCE, UnixTime(0));
        assert_eq!(request.url.expose(), "https://127.0.0.1/");
        let (headers, authorization) = sent(&request);
        assert_eq!(headers.len(), 5);
        assert!(!authorization.signs(acs3::SECURITY_TOKEN));
        assert!(authorization.signs("host"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut who = credentials();
        who.security_token = Some(Secret::new("tok3n"));
        let endpoint = Endpoint::parse("127.0.0.1").unwrap();
        for scheme in [SignatureScheme::default(), SignatureScheme::V3] {
            let request = vector()
                .scheme(scheme)
                .sign(&endpoint, &who, NONCE, UnixTime(0));
            let shown = format!("{request:?} {} {who:?} {:?}", request.url, vector());
            for secret in ["tok3n", "testAccessKeySecret", "Signature=I", "ACS3", NONCE] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    #[test]
    fn an_endpoint_that_would_send_the_credential_elsewhere_is_refused() {
        for bad in [
            "",
            "ftp://h",
            "http://u:p@h",
            "http://h/?a",
            "http://",
            "file:///etc",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
        for bad in ["evil.com/", "a.b", "x#", "a b"] {
            assert!(Endpoint::of_region("vod", bad).is_err(), "{bad}");
        }
    }

    // CVE-2022-35252 (curl): control bytes in what becomes a request.
    #[test]
    fn control_characters_reach_no_request() {
        for text in ["http://a\r\nb/", "http://a/\r\nX: y", "a\tb", "http://a/\0"] {
            assert!(Endpoint::parse(text).is_err(), "{text:?}");
        }
        let endpoint = Endpoint::of_region("vod", "").unwrap();
        let request =
            PopRequest::new("GetPlayInfo", "2017-03-21").param("VideoId", "v\r\nHost: h\0");
        let signed = request.sign(&endpoint, &credentials(), NONCE, UnixTime(0));
        assert!(!signed.url.expose().contains(char::is_control));
        assert!(signed.url.expose().contains("v%0D%0AHost%3A%20h%00"));
    }
}
