//! A proxy as it is written: `host:port`, or a URL.

use std::fmt;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinora_errors::Secret;
use thiserror::Error;
use url::{ParseError, Url};

/// The protocol of a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ProxyProtocol {
    /// HTTP: CONNECT for `https:`, the absolute form for `http:` (RFC 9110 9.3.6, RFC 9112 3.2.2).
    Http,
    /// SOCKS 5 with addresses (RFC 1928).
    Socks5,
    /// SOCKS 5 with names, which the proxy resolves.
    Socks5Hostname,
}

/// A proxy: its protocol, host, port and credential. The credential is never printed.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub(super) protocol: ProxyProtocol,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(super) credential: Option<Credential>,
}

/// A user's name and password.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) user: Secret,
    pub(super) password: Secret,
}

/// Why a text names no proxy that can be used. Holds nothing of a credential in it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ProxyError {
    /// Another protocol.
    #[error("a proxy with the scheme `{0}` is not supported: use http, socks5 or socks5h")]
    Scheme(String),
    /// Nothing before the port.
    #[error("the proxy has no host: write it as host:port")]
    NoHost,
    /// No port, or one that there is not.
    #[error("the port of the proxy is no number from 1 to 65535")]
    Port,
    /// RFC 1929 2 has one byte for each length.
    #[error("the user name and the password of a SOCKS proxy have 1 to 255 bytes each")]
    Credential,
    /// Anything else.
    #[error("this names no proxy: write it as host:port, or as a URL with http, socks5 or socks5h")]
    Malformed,
}

impl Proxy {
    /// Reads `host:port` (HTTP), `http://…`, `socks5://…` (names are resolved here) or `socks5h://…` (by the proxy), each
    /// with `user:password@` before the host where the proxy asks for it. An empty text and `none` name no proxy.
    /// Without a port it is 80 for HTTP and 1080 for SOCKS.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Option<Self>, ProxyError> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("none") {
            return Ok(None);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyProtocol::Http,
            "socks5" => ProxyProtocol::Socks5,
            "socks5h" => ProxyProtocol::Socks5Hostname,
            other if is_scheme(other) => return Err(ProxyError::Scheme(other.to_owned())),
            _ => return Err(ProxyError::Malformed),
        };
        // One parser for all: the rules for hosts are those of http.
        let url = Url::from_str(&format!("http://{rest}")).map_err(|error| match error {
            ParseError::EmptyHost => ProxyError::NoHost,
            ParseError::InvalidPort => ProxyError::Port,
            _ => ProxyError::Malformed,
        })?;
        // `h:` and `http://h:80` lose their port in the parser.
        let written = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let port = match url.port() {
            Some(0) => return Err(ProxyError::Port),
            Some(port) => port,
            None if written.ends_with(":80") || protocol == ProxyProtocol::Http => 80,
            None => 1080,
        };
        let host = url.host_str().ok_or(ProxyError::NoHost)?;
        Ok(Some(Self {
            protocol,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            credential: credential(&url, protocol)?,
        }))
    }

    /// Names are sent to it as they are; it looks them up.
    pub(crate) fn resolves_names(&self) -> bool {
        self.protocol != ProxyProtocol::Socks5
    }

    /// Value of `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<Secret> {
        let Credential { user, password } = self.credential.as_ref()?;
        Some(basic_of(
            user.expose().as_bytes(),
            password.expose().as_bytes(),
        ))
    }

    /// Plain requests go to it in absolute form, without a tunnel.
    pub(crate) fn takes_absolute_form(&self) -> bool {
        self.protocol == ProxyProtocol::Http
    }
}

/// Its host and port, without the credential.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::connect::authority(&self.host, self.port))
    }
}

/// RFC 3986 3.1, and no longer than any that there is.
fn is_scheme(text: &str) -> bool {
    text.len() <= 16
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn credential(url: &Url, protocol: ProxyProtocol) -> Result<Option<Credential>, ProxyError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| {
        let text = percent_encoding::percent_decode_str(text).decode_utf8();
        text.map(|text| Secret::new(text.into_owned()))
            .map_err(|_| ProxyError::Malformed)
    };
    let user = decoded(url.username())?;
    let password = decoded(url.password().unwrap_or_default())?;
    let fits = |part: &Secret| (1..=255).contains(&part.expose().len());
    if protocol != ProxyProtocol::Http && !(fits(&user) && fits(&password)) {
        return Err(ProxyError::Credential);
    }
    Ok(Some(Credential { user, password }))
}

/// The user-info of a URL as a Basic credential (RFC 7617).
pub(crate) fn basic(url: &Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let user = decoded(url.username());
    Some(basic_of(
        &user,
        &decoded(url.password().unwrap_or_default()),
    ))
}

fn basic_of(user: &[u8], password: &[u8]) -> Secret {
    let pair = [user, b":", password].concat();
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (ProxyProtocol, String, u16) {
        let proxy = Proxy::parse(text).unwrap().unwrap();
        (proxy.protocol, proxy.host, proxy.port)
    }

    #[test]
    fn a_proxy_is_read_in_every_writing() {
        let http = |host: &str, port| (ProxyProtocol::Http, host.to_owned(), port);
        assert_eq!(read("proxy.example:3128"), http("proxy.example", 3128));
        assert_eq!(read("127.0.0.1:8080/"), http("127.0.0.1", 8080));
        assert_eq!(read("user:pw@h:1"), http("h", 1));
        assert_eq!(read("HTTP://h"), http("h", 80));
        assert_eq!(read("http://[::1]:3128"), http("::1", 3128));
        assert_eq!(
            read("socks5://h"),
            (ProxyProtocol::Socks5, "h".into(), 1080)
        );
        assert_eq!(
            read("socks5://h:80"),
            (ProxyProtocol::Socks5, "h".into(), 80)
        );
        assert_eq!(
            read("socks5h://u:p@h:9"),
            (ProxyProtocol::Socks5Hostname, "h".into(), 9)
        );
        for none in ["", " ", "none", "None"] {
            assert!(Proxy::parse(none).unwrap().is_none());
        }
    }

    #[test]
    fn an_invalid_proxy_is_refused_with_what_is_wrong() {
        let wrong = |text: &str| Proxy::parse(text).unwrap_err();
        assert_eq!(wrong("socks4://h:1"), ProxyError::Scheme("socks4".into()));
        assert_eq!(wrong("https://h:1"), ProxyError::Scheme("https".into()));
        assert_eq!(wrong("http://:8080"), ProxyError::NoHost);
        assert_eq!(wrong("h:99999"), ProxyError::Port);
        assert_eq!(wrong("h:0"), ProxyError::Port);
        assert_eq!(wrong("h:port"), ProxyError::Port);
        assert_eq!(wrong("a b:1"), ProxyError::Malformed);
        assert_eq!(wrong("s3cret pass://h"), ProxyError::Malformed);
        assert_eq!(wrong("socks5://user@h:1"), ProxyError::Credential);
        let long = format!("socks5://u:{}@h", "p".repeat(256));
        assert_eq!(wrong(&long), ProxyError::Credential);
    }

    #[test]
    fn a_credential_is_decoded_and_never_printed() {
        let proxy = Proxy::parse("http://me%40home:c%3Anary@h:1")
            .unwrap()
            .unwrap();
        assert_eq!(
            proxy.authorization().unwrap().expose(),
            "Basic bWVAaG9tZTpjOm5hcnk="
        );
        let printed = format!("{proxy} {proxy:?}");
        assert!(
            !printed.contains("nary") && !printed.contains("home"),
            "{printed}"
        );
    }
}
