//! The way through an HTTP proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinora_errors::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use crate::NetError;

/// Most bytes of a proxy's answer to CONNECT.
const HEAD_LIMIT: usize = 16 * 1024;

/// A proxy's address and what it wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Value of `Proxy-Authorization`.
    pub(crate) authorization: Option<Secret>,
}

impl Proxy {
    pub(crate) fn parse(url: &Secret) -> Result<Self, NetError> {
        let url = Url::parse(url.expose()).map_err(|_| NetError::BadProxy)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let (Some(host), "http") = (host, url.scheme()) else {
            return Err(NetError::BadProxy);
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(80),
            authorization: basic(&url),
        })
    }

    /// Asks for a tunnel to `authority` (RFC 9110 9.3.6).
    pub(crate) async fn tunnel(
        &self,
        stream: &mut TcpStream,
        authority: &str,
    ) -> Result<(), NetError> {
        let authorization = self
            .authorization
            .as_ref()
            .map_or_else(String::new, |value| {
                format!("Proxy-Authorization: {}\r\n", value.expose())
            });
        let request =
            format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .map_err(NetError::Reset)?;
        let mut head = Vec::with_capacity(256);
        // Byte by byte: what follows the head belongs to the tunnel.
        while !head.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await.map_err(|_| NetError::NoReply)?;
            head.push(byte);
            if head.len() > HEAD_LIMIT {
                return Err(NetError::Malformed("the proxy's head is too long".into()));
            }
        }
        let status = std::str::from_utf8(&head)
            .ok()
            .and_then(|text| text.strip_prefix("HTTP/1."))
            .and_then(|text| text.split(' ').nth(1))
            .and_then(|status| status.parse::<u16>().ok())
            .ok_or_else(|| NetError::Malformed("the proxy's answer has no status".into()))?;
        match status {
            200..=299 => Ok(()),
            _ => Err(NetError::ProxyRefused(status)),
        }
    }
}

/// The user-info of a URL as a Basic credential (RFC 7617).
pub(crate) fn basic(url: &Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_encoding::percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_encoding::percent_decode_str(
        url.password().unwrap_or_default(),
    ));
    Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
}
