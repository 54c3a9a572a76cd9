use core::fmt;

use kinora_errors::Secret;
use kinora_media::Header;
use url::Url;

use crate::error::{CloudError, CloudErrorKind};
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
}

/// A call before it is signed.
#[derive(Clone)]
pub struct PopRequest {
    method: HttpMethod,
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
        let params = vec![
            ("Action", action.to_owned()),
            ("Version", version.to_owned()),
            ("Format", "JSON".to_owned()),
        ];
        Self {
            method: HttpMethod::Get,
            params,
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
    /// Signs. `nonce` must never be used twice; `now` is the time of day.
    #[must_use]
    pub fn sign(
        mut self,
        endpoint: &Endpoint,
        credentials: &Credentials,
        nonce: &str,
        now: UnixTime,
    ) -> SignedRequest {
        let token = credentials.security_token.as_ref().map(Secret::expose);
        self = self
            .param("AccessKeyId", credentials.access_key_id.clone())
            .param("SignatureMethod", "HMAC-SHA1")
            .param("SignatureVersion", "1.0")
            .param("SignatureNonce", nonce)
            .param("Timestamp", now.to_string())
            .option("SecurityToken", token);
        let signature = sign::signature(&credentials.access_key_secret, self.method, &self.params);
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
                headers: vec![Header {
                    name: "Content-Type".to_owned(),
                    value: "application/x-www-form-urlencoded".to_owned(),
                }],
            },
        }
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

    #[test]
    fn nothing_secret_is_printed() {
        let mut who = credentials();
        who.security_token = Some(Secret::new("tok3n"));
        let endpoint = Endpoint::parse("127.0.0.1").unwrap();
        let request = vector().sign(&endpoint, &who, NONCE, UnixTime(0));
        let shown = format!("{request:?} {} {who:?} {:?}", request.url, vector());
        for secret in ["tok3n", "testAccessKeySecret", "Signature=I", NONCE] {
            assert!(!shown.contains(secret), "{shown}");
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
