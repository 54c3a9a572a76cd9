//! A connection through a SOCKS 5 proxy (RFC 1928; RFC 1929 for its user name and password).

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::address::Credential;
use super::{ProxyFailure, SocksReply, read};

const VERSION: u8 = 5;
const NO_SOCKS: ProxyFailure = ProxyFailure::Protocol("SOCKS 5");

/// What a SOCKS proxy is asked to connect to.
#[derive(Clone, Copy)]
pub(crate) enum SocksTarget<'a> {
    Address(IpAddr),
    /// The proxy looks it up.
    Name(&'a str),
}

/// Asks for a connection to a port of the target.
pub(super) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    credential: Option<&Credential>,
    target: SocksTarget<'_>,
    port: u16,
) -> Result<(), ProxyFailure> {
    negotiate_method(stream, credential).await?;
    // Version, CONNECT, reserved (RFC 1928 4).
    let mut request = vec![VERSION, 1, 0];
    match target {
        SocksTarget::Address(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        SocksTarget::Address(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        SocksTarget::Name(name) => {
            request.push(3);
            push_with_length(&mut request, name)?;
        }
    }
    request.extend(port.to_be_bytes());
    send(stream, &request).await?;
    let [version, reply, _, kind] = read(stream).await?;
    match (version, reply) {
        (VERSION, 0) => {}
        (VERSION, reply) => return Err(ProxyFailure::Socks(SocksReply::of(reply))),
        _ => return Err(NO_SOCKS),
    }
    // The address that the proxy connects from is of no use, but lies before what the server sends.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1>(stream).await?[0]),
        _ => return Err(NO_SOCKS),
    };
    for _ in 0..length + 2 {
        read::<1>(stream).await?;
    }
    Ok(())
}

/// Negotiates the authentication method (RFC 1928 3) and authenticates (RFC 1929).
async fn negotiate_method(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    credential: Option<&Credential>,
) -> Result<(), ProxyFailure> {
    const NO_AUTHENTICATION: u8 = 0;
    const USERNAME_PASSWORD: u8 = 2;
    const NO_ACCEPTABLE_METHODS: u8 = 0xff;
    let greeting: &[u8] = match credential {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USERNAME_PASSWORD],
    };
    send(stream, greeting).await?;
    let [version, method] = read(stream).await?;
    match (version, method, credential) {
        (VERSION, NO_AUTHENTICATION, _) => Ok(()),
        (VERSION, USERNAME_PASSWORD, Some(credential)) => {
            let mut request = vec![1];
            push_with_length(&mut request, credential.user.expose())?;
            push_with_length(&mut request, credential.password.expose())?;
            send(stream, &request).await?;
            match read(stream).await? {
                [_, 0] => Ok(()),
                [_, _] => Err(ProxyFailure::Auth),
            }
        }
        (VERSION, NO_ACCEPTABLE_METHODS, _) => Err(ProxyFailure::Auth),
        _ => Err(NO_SOCKS),
    }
}

/// Appends a text with its length in one byte before it.
fn push_with_length(request: &mut Vec<u8>, text: &str) -> Result<(), ProxyFailure> {
    let length = u8::try_from(text.len());
    request.push(length.map_err(|_| ProxyFailure::Socks(SocksReply::AddressType))?);
    request.extend(text.as_bytes());
    Ok(())
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), ProxyFailure> {
    let sent = stream.write_all(bytes).await;
    sent.map_err(|_| ProxyFailure::Closed)
}
