//! A tunnel through an HTTP proxy (RFC 9110 9.3.6).

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{Proxy, ProxyFailure, read};

/// Most bytes of a proxy's answer to CONNECT.
const HEAD_LIMIT: usize = 16 * 1024;

/// Asks for a tunnel to `authority`.
pub(super) async fn open(
    proxy: &Proxy,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    authority: &str,
) -> Result<(), ProxyFailure> {
    let authorization = proxy.authorization().map_or_else(String::new, |value| {
        format!("Proxy-Authorization: {}\r\n", value.expose())
    });
    let request =
        format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.map_err(|_| ProxyFailure::Closed)?;
    match status(stream).await? {
        200..=299 => Ok(()),
        407 => Err(ProxyFailure::Auth),
        status => Err(ProxyFailure::Refused(status)),
    }
}

async fn status(stream: &mut (impl AsyncRead + Unpin)) -> Result<u16, ProxyFailure> {
    const NO_HTTP: ProxyFailure = ProxyFailure::Protocol("HTTP");
    let mut head = Vec::with_capacity(256);
    // Byte by byte: what follows the head belongs to the tunnel.
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read::<1>(stream).await?);
        let begins_well = head
            .iter()
            .zip(b"HTTP/1.")
            .all(|(byte, known)| byte == known);
        if head.len() > HEAD_LIMIT || !begins_well {
            return Err(NO_HTTP);
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or(NO_HTTP)
}
