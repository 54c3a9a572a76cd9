//! A request whose every phase is recorded, redirect by redirect: for diagnosis, not for playing.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use kinora_errors::{Coded, Fault, Secret};
use kinora_media::{ByteRange, Header, RequestId, ResponseInfo, is_public_address};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Position, Url};

use crate::connect::{authority, handshake_http1, handshake_http2};
use crate::guard::AddressSpace;
use crate::http::{Client, RedirectChain, destination_of, redirect_of, transmit};
use crate::message::{self, ResponseHead};
use crate::pool::{Destination, Sender};
use crate::{FetchRequest, NetError, tls};

/// Bytes of a resource that are read.
pub(crate) const SAMPLE_LEN: u64 = 64 * 1024;
/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

/// One request of a redirect chain and its response, as far as it came.
#[derive(Debug)]
pub struct Exchange {
    /// The requested URL; may hold secrets.
    pub url: Secret,
    /// The proxy, as `host:port`.
    pub proxy: Option<String>,
    /// The addresses of the server; of the proxy where there is one.
    pub addresses: Vec<IpAddr>,
    /// How long the name lookup took.
    pub lookup_took: Duration,
    /// The connection attempts (RFC 8305), one for each address.
    pub attempts: Vec<ConnectionAttempt>,
    /// The TLS handshake of an `https:` URL.
    pub tls: Option<TlsHandshake>,
    /// The response, once its head came.
    pub response: Option<InspectedResponse>,
    /// Why the chain ends here.
    pub fault: Option<Fault>,
}

/// An attempt to connect to one address.
#[derive(Debug)]
pub struct ConnectionAttempt {
    /// The address.
    pub address: SocketAddr,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub fault: Option<Fault>,
}

/// A TLS handshake, as far as it came.
#[derive(Debug)]
pub struct TlsHandshake {
    /// `TLSv1_3` and the like, once negotiated.
    pub protocol: Option<String>,
    /// `h2`, `http/1.1`, where one was negotiated.
    pub alpn: Option<String>,
    /// The server's certificate (DER), also one that was refused.
    pub certificate: Option<Vec<u8>>,
    /// How long it took.
    pub took: Duration,
}

/// The response of one exchange.
#[derive(Debug)]
pub struct InspectedResponse {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub version: String,
    /// Its header fields; values may be secrets and are not printed.
    pub headers: Vec<Header>,
    /// How long the head took, from the request on.
    pub time_to_first_byte: Duration,
    /// The first 64 KiB of the body.
    pub sample: Bytes,
    /// What the resource says of itself, where it was given.
    pub info: ResponseInfo,
}

impl InspectedResponse {
    /// A header field's value, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name == name);
        found.map(|header| header.value.as_str())
    }
}

impl Exchange {
    fn at(url: &Url) -> Self {
        Self {
            url: Secret::new(url.as_str()),
            proxy: None,
            addresses: Vec::new(),
            lookup_took: Duration::ZERO,
            attempts: Vec::new(),
            tls: None,
            response: None,
            fault: None,
        }
    }
}

impl Client {
    /// Requests the first bytes of a resource as a page of another origin would, and records every exchange.
    pub(crate) async fn inspect(&self, url: Url) -> Vec<Exchange> {
        let mut request = FetchRequest::get(RequestId(0), url.as_str());
        request.range = ByteRange::of(0, SAMPLE_LEN);
        // A server that knows CORS answers to an Origin only (Fetch 3.2).
        request.headers = vec![Header {
            name: "origin".into(),
            value: "https://player.invalid".into(),
        }];
        let mut chain = RedirectChain::new(url, &request);
        let mut exchanges = Vec::new();
        loop {
            let mut exchange = Exchange::at(&chain.url);
            let next = self.inspect_exchange(&chain, &request, &mut exchange).await;
            let redirected = next.and_then(|next| match next {
                Some((next, status, public)) => self
                    .follow_redirect(&mut chain, next, status, public)
                    .map(|()| true),
                None => Ok(false),
            });
            let continues = redirected.unwrap_or_else(|error| {
                exchange.fault = Some(error.into_fault().at_url(exchange.url.expose()));
                false
            });
            exchanges.push(exchange);
            if !continues {
                return exchanges;
            }
        }
    }

    /// Makes one exchange and records its phases, up to the one that fails. Returns the redirect: its URL, its status, whether
    /// the server's address is public.
    async fn inspect_exchange(
        &self,
        chain: &RedirectChain,
        request: &FetchRequest,
        exchange: &mut Exchange,
    ) -> Result<Option<(Url, u16, bool)>, NetError> {
        chain.address_space.check_host(&chain.url)?;
        let destination = destination_of(&chain.url);
        let (stream, public) = match self.config.proxy.proxy_for(&destination)? {
            None => {
                let stream = self
                    .resolve_and_connect(
                        &destination.host,
                        destination.port,
                        chain.address_space,
                        exchange,
                    )
                    .await?;
                let public = stream
                    .peer_addr()
                    .is_ok_and(|peer| is_public_address(peer.ip()));
                (stream, public)
            }
            Some(proxy) => {
                exchange.proxy = Some(proxy.to_string());
                let connected = self
                    .resolve_and_connect(&proxy.host, proxy.port, AddressSpace::Any, exchange)
                    .await;
                let mut stream = connected.map_err(|error| proxy.unreachable(error))?;
                let public = self
                    .negotiate(proxy, &destination, chain.address_space, &mut stream)
                    .await?;
                (stream, public)
            }
        };
        let sender = self.handshake(&destination, stream, exchange).await?;
        let response = self.request(chain, request, sender, exchange).await?;
        self.check_proxy_status(&destination, &response)?;
        self.store_cookies(&chain.url, response.headers());
        let next = redirect_of(&response, &chain.url)?;
        let status = response.status().as_u16();
        let (head, body) = response.into_parts();
        if let Some(response) = &mut exchange.response {
            response.sample = self.read_sample(body).await;
        }
        if let Some(next) = next {
            return Ok(Some((next, status, public)));
        }
        let response_head = ResponseHead::read(&head, request, &chain.url)?;
        if let Some(response) = &mut exchange.response {
            response.info = response_head.info;
        }
        Ok(None)
    }

    /// Resolves a host and connects to it, recording both.
    async fn resolve_and_connect(
        &self,
        host: &str,
        port: u16,
        address_space: AddressSpace,
        exchange: &mut Exchange,
    ) -> Result<TcpStream, NetError> {
        let since = Instant::now();
        let found = self.addresses(host).await;
        exchange.lookup_took = since.elapsed();
        let mut addresses = found?;
        address_space.retain_allowed(host, &mut addresses)?;
        exchange.addresses = addresses;
        self.connect_each(host, port, exchange).await
    }

    /// Tries every address by itself; the first connection is used.
    async fn connect_each(
        &self,
        host: &str,
        port: u16,
        exchange: &mut Exchange,
    ) -> Result<TcpStream, NetError> {
        let peer = authority(host, port);
        let (mut connected, mut failed) = (None, None);
        for ip in exchange.addresses.iter().take(MAX_ADDRESSES) {
            let address = SocketAddr::new(*ip, port);
            let since = Instant::now();
            let tried = timeout(self.timeouts().connect, TcpStream::connect(address)).await;
            let outcome = match tried {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(crate::connect::connect_error(&peer, error)),
                Err(_) => Err(NetError::ConnectTimeout(peer.clone())),
            };
            let mut attempt = ConnectionAttempt {
                address,
                took: since.elapsed(),
                fault: None,
            };
            match outcome {
                Ok(stream) => {
                    connected.get_or_insert(stream);
                }
                Err(error) => attempt.fault = Some(failed.insert(error).fault()),
            }
            exchange.attempts.push(attempt);
        }
        match (connected, failed) {
            (Some(stream), _) => Ok(stream),
            (None, Some(error)) => Err(error),
            (None, None) => Err(NetError::DnsNoAddress(host.to_owned())),
        }
    }

    async fn handshake(
        &self,
        destination: &Destination,
        stream: TcpStream,
        exchange: &mut Exchange,
    ) -> Result<Sender, NetError> {
        let _ = stream.set_nodelay(true);
        if !destination.tls {
            return handshake_http1(stream).await;
        }
        let certificate = Arc::new(Mutex::new(None));
        let config =
            tls::recording_config(&self.config.extra_ca_pem, Arc::clone(&certificate)).await?;
        let name = ServerName::try_from(destination.host.clone())
            .map_err(|error| NetError::MalformedUrl(error.to_string()))?;
        let since = Instant::now();
        let handshake = TlsConnector::from(config).connect(name, stream);
        let outcome = timeout(self.timeouts().tls, handshake)
            .await
            .map_err(|_| NetError::TlsTimeout(destination.host.clone()))
            .and_then(|done| done.map_err(|error| tls::failure(&destination.host, error)));
        let agreed = outcome.as_ref().ok().map(|stream| stream.get_ref().1);
        let alpn = agreed.and_then(|session| session.alpn_protocol());
        let alpn = alpn.map(|name| String::from_utf8_lossy(name).into_owned());
        let version = agreed.and_then(|session| session.protocol_version());
        let is_h2 = alpn.as_deref() == Some("h2");
        exchange.tls = Some(TlsHandshake {
            protocol: version.map(|version| format!("{version:?}")),
            alpn,
            certificate: certificate
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
            took: since.elapsed(),
        });
        match is_h2 {
            true => handshake_http2(outcome?).await,
            false => handshake_http1(outcome?).await,
        }
    }

    async fn request(
        &self,
        chain: &RedirectChain,
        request: &FetchRequest,
        mut sender: Sender,
        exchange: &mut Exchange,
    ) -> Result<Response<Incoming>, NetError> {
        let message = self.message(chain, request)?;
        let host = &chain.url[Position::BeforeHost..Position::AfterHost];
        let since = Instant::now();
        let limit = self.timeouts().first_byte;
        let reply = timeout(limit, transmit(&mut sender, message, &chain.url)).await;
        let response = reply
            .map_err(|_| NetError::FirstByteTimeout)?
            .map_err(|error| message::failure(host, error))?;
        let field =
            |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
                name: name.as_str().to_owned(),
                value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
        exchange.response = Some(InspectedResponse {
            status: response.status().as_u16(),
            version: format!("{:?}", response.version()),
            headers: response.headers().iter().map(field).collect(),
            time_to_first_byte: since.elapsed(),
            sample: Bytes::new(),
            info: ResponseInfo::default(),
        });
        Ok(response)
    }

    /// The start of the body; what a server without range requests sends beyond it is not read.
    async fn read_sample(&self, mut body: Incoming) -> Bytes {
        let mut sample = BytesMut::new();
        let wanted = usize::try_from(SAMPLE_LEN).unwrap_or(usize::MAX);
        while sample.len() < wanted {
            let next = timeout(self.timeouts().stall, body.frame()).await;
            match next {
                Ok(Some(Ok(frame))) => {
                    sample.extend_from_slice(frame.data_ref().map_or(&[], |data| data))
                }
                // What came is looked at; how it ended is found out by playing.
                _ => break,
            }
        }
        sample.truncate(wanted);
        sample.freeze()
    }
}
