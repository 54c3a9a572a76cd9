//! From a host's name to a connection that takes requests, each phase with its own limit.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kinora_media::is_public_address;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::guard::AddressSpace;
use crate::http::Client;
use crate::icy::IcyAsHttp;
use crate::phase::{self, Phase};
use crate::pool::{Connection, Destination, Sender};
use crate::{NetError, resolve, tls};

/// RFC 8305 5: how long one address is tried alone before the next joins in.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Bytes that a connection reads beyond what was granted.
const MAX_READ_AHEAD: usize = 64 * 1024;
/// Lines of a head; its bytes are bounded as well.
const MAX_HEADERS: usize = 1_000;

impl Client {
    /// A new connection to a destination, through the proxy where there is one.
    pub(crate) async fn connect(
        &self,
        destination: &Destination,
        address_space: AddressSpace,
    ) -> Result<Connection, NetError> {
        let generation = self.generation();
        // Certificates are read while the connection is set up.
        let ((stream, peer_public), tls) = tokio::try_join!(
            self.connect_tcp(destination, address_space),
            self.tls_for(destination)
        )?;
        let direct = self.config.proxy.proxy_for(destination)?.is_none();
        let peer = stream.peer_addr().ok().filter(|_| direct);
        let peer = peer.map(|peer| peer.ip());
        let sender = match tls {
            Some(tls) => {
                let shaken = self.handshake_tls(destination, stream, tls).await;
                self.judge(peer, shaken)?
            }
            None => handshake_http1(stream).await?,
        };
        Ok(Connection {
            sender,
            peer,
            peer_public,
            reused: false,
            generation,
        })
    }

    /// A TCP connection to a destination, and whether a public server is at its other end.
    async fn connect_tcp(
        &self,
        destination: &Destination,
        address_space: AddressSpace,
    ) -> Result<(TcpStream, bool), NetError> {
        if let Some(proxy) = self.config.proxy.proxy_for(destination)? {
            return self
                .connect_through(proxy, destination, address_space)
                .await;
        }
        let stream = self
            .resolve_and_dial(&destination.host, destination.port, address_space)
            .await?;
        let public = stream
            .peer_addr()
            .is_ok_and(|peer| is_public_address(peer.ip()));
        self.hosts.record(&destination.host, public);
        Ok((stream, public))
    }

    async fn tls_for(
        &self,
        destination: &Destination,
    ) -> Result<Option<Arc<ClientConfig>>, NetError> {
        if !destination.tls {
            return Ok(None);
        }
        self.tls.config(&self.config.extra_ca_pem).await.map(Some)
    }

    pub(crate) async fn resolve_and_dial(
        &self,
        host: &str,
        port: u16,
        address_space: AddressSpace,
    ) -> Result<TcpStream, NetError> {
        let mut addresses = self.addresses(host).await?;
        address_space.retain_allowed(host, &mut addresses)?;
        let mut addresses = interleave(addresses);
        self.failed.put_last(&mut addresses, Instant::now());
        let addresses: Vec<SocketAddr> = addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect();
        let peer = authority(host, port);
        phase::enter(Phase::Connecting, host);
        timeout(self.timeouts().connect, happy_eyeballs(&addresses, &peer))
            .await
            .map_err(|_| NetError::ConnectTimeout(peer.clone()))?
    }

    /// The addresses of a host: itself where it is one.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NetError> {
        let family = self.config.ip_family;
        if let Ok(ip) = host.parse::<IpAddr>() {
            let mut literal = vec![ip];
            resolve::keep_family(&mut literal, family);
            if literal.is_empty() {
                return Err(NetError::DnsNoAddress(host.to_owned()));
            }
            return Ok(literal);
        }
        phase::enter(Phase::Resolving, host);
        resolve::lookup(&self.resolver, host, self.timeouts().dns, family).await
    }

    async fn handshake_tls(
        &self,
        destination: &Destination,
        stream: TcpStream,
        tls: Arc<ClientConfig>,
    ) -> Result<Sender, NetError> {
        let name = ServerName::try_from(destination.host.clone())
            .map_err(|error| NetError::MalformedUrl(error.to_string()))?;
        phase::enter(Phase::TlsHandshake, &destination.host);
        let handshake = TlsConnector::from(tls).connect(name, stream);
        let stream = timeout(self.timeouts().tls, handshake)
            .await
            .map_err(|_| NetError::TlsTimeout(destination.host.clone()))?
            .map_err(|error| tls::failure(&destination.host, error))?;
        #[cfg(feature = "tracing")]
        crate::trace::tls_established(&destination.host, stream.get_ref().1);
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            return handshake_http2(stream).await;
        }
        handshake_http1(stream).await
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        return format!("[{host}]:{port}");
    }
    format!("{host}:{port}")
}

/// One family after the other in turn, beginning with the resolver's first (RFC 8305 4).
fn interleave(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|ip| ip.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = (first.next(), second.next());
        if pair == (None, None) {
            return mixed;
        }
        mixed.extend(pair.0);
        mixed.extend(pair.1);
    }
}

/// Happy Eyeballs (RFC 8305 5): tries addresses one after the other, each with a head start; the first that answers wins.
async fn happy_eyeballs(addresses: &[SocketAddr], peer: &str) -> Result<TcpStream, NetError> {
    let mut left = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut first_error = None;
    loop {
        if let Some(address) = left.next() {
            attempts.push(TcpStream::connect(*address));
        }
        let next = tokio::select! {
            done = attempts.next() => done,
            () = tokio::time::sleep(ATTEMPT_DELAY), if left.len() > 0 => continue,
        };
        match next {
            Some(Ok(stream)) => {
                // Requests are small and urgent.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Some(Err(error)) => {
                first_error.get_or_insert(error);
            }
            None => {
                let error = first_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
                return Err(connect_error(peer, error));
            }
        }
    }
}

pub(crate) fn connect_error(peer: &str, source: io::Error) -> NetError {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => NetError::Refused(peer.to_owned()),
        io::ErrorKind::TimedOut => NetError::ConnectTimeout(peer.to_owned()),
        io::ErrorKind::ConnectionReset => NetError::Reset(source),
        _ => NetError::Unreachable {
            peer: peer.to_owned(),
            source,
        },
    }
}

pub(crate) async fn handshake_http1<S>(stream: S) -> Result<Sender, NetError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_READ_AHEAD)
        .max_headers(MAX_HEADERS)
        // Servers write their heads by hand: what is no field is left out (RFC 9112 5.1 and 5.2).
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .handshake::<_, Full<Bytes>>(TokioIo::new(IcyAsHttp::new(stream)))
        .await
        .map_err(|error| NetError::Malformed(error.into()))?;
    // Errors of the connection are reported to the request that uses it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(Sender::Http1(sender))
}

pub(crate) async fn handshake_http2<S>(stream: S) -> Result<Sender, NetError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| NetError::Malformed(error.into()))?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(Sender::Http2(sender))
}
