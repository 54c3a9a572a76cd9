//! The way to a resource, looked at step by step: for diagnosis, not for playing.

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

use crate::connect::{authority, speak_http1, speak_http2};
use crate::guard::Reach;
use crate::http::{Client, Trip, place_of, redirect_of, transmit};
use crate::pool::{Place, Sender};
use crate::response::{self, Opening};
use crate::{FetchRequest, NetError, tls};

/// So much of a resource is read.
pub(crate) const SAMPLE_LEN: u64 = 64 * 1024;
/// No more addresses of a name are tried.
const MAX_ADDRESSES: usize = 8;

/// One stop on the way: the place that was asked, or why it could not be.
#[derive(Debug)]
pub struct Hop {
    /// What was asked for; may hold secrets.
    pub url: Secret,
    /// The proxy on the way, as `host:port`.
    pub proxy: Option<String>,
    /// The place's addresses; of the proxy where there is one.
    pub addresses: Vec<IpAddr>,
    /// How long they took to be found.
    pub lookup: Duration,
    /// The connections that were tried.
    pub dials: Vec<Dial>,
    /// What was agreed on with a place behind `https:`.
    pub handshake: Option<Handshake>,
    /// What it answered.
    pub answer: Option<Answer>,
    /// Why the way ends here.
    pub failed: Option<Fault>,
}

/// A connection that was tried.
#[derive(Debug)]
pub struct Dial {
    /// To where.
    pub address: SocketAddr,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub failed: Option<Fault>,
}

/// TLS, as far as it came.
#[derive(Debug)]
pub struct Handshake {
    /// `TLSv1_3` and the like, once agreed on.
    pub protocol: Option<String>,
    /// `h2`, `http/1.1`, where one was agreed on.
    pub alpn: Option<String>,
    /// The server's certificate (DER), also one that was refused.
    pub certificate: Option<Vec<u8>>,
    /// How long it took.
    pub took: Duration,
}

/// What a place said.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub version: String,
    /// Its header fields; values may be secrets and are not printed.
    pub headers: Vec<Header>,
    /// How long the first byte took, from the question on.
    pub first_byte: Duration,
    /// The first 64 KiB of the body.
    pub sample: Bytes,
    /// What the resource says of itself, where it was given.
    pub info: ResponseInfo,
}

impl Answer {
    /// A header field's value, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name == name);
        found.map(|header| header.value.as_str())
    }
}

impl Hop {
    fn at(url: &Url) -> Self {
        Self {
            url: Secret::new(url.as_str()),
            proxy: None,
            addresses: Vec::new(),
            lookup: Duration::ZERO,
            dials: Vec::new(),
            handshake: None,
            answer: None,
            failed: None,
        }
    }
}

impl Client {
    /// Goes the way of a request for the resource's first bytes, as a web page at another place would ask for it.
    pub(crate) async fn survey(&self, url: Url) -> Vec<Hop> {
        let mut request = FetchRequest::get(RequestId(0), url.as_str());
        request.range = ByteRange::of(0, SAMPLE_LEN);
        // A server that knows CORS answers to an Origin only (Fetch 3.2).
        request.headers = vec![Header {
            name: "origin".into(),
            value: "https://player.invalid".into(),
        }];
        let mut trip = Trip::new(url, &request);
        let mut hops = Vec::new();
        loop {
            let mut hop = Hop::at(&trip.url);
            let onward = self.stop(&trip, &request, &mut hop).await;
            let turned = onward.and_then(|next| match next {
                Some((next, status, public)) => {
                    self.turn(&mut trip, next, status, public).map(|()| true)
                }
                None => Ok(false),
            });
            let goes_on = turned.unwrap_or_else(|error| {
                hop.failed = Some(error.into_fault().at_url(hop.url.expose()));
                false
            });
            hops.push(hop);
            if !goes_on {
                return hops;
            }
        }
    }

    /// Asks one place and fills in what is learned, up to where it fails. Gives where it points on to.
    async fn stop(
        &self,
        trip: &Trip,
        request: &FetchRequest,
        hop: &mut Hop,
    ) -> Result<Option<(Url, u16, bool)>, NetError> {
        trip.reach.check_host(&trip.url)?;
        let place = place_of(&trip.url);
        let (stream, public) = match self.config.proxy.on_the_way_to(&place)? {
            None => {
                let stream = self
                    .arrive(&place.host, place.port, trip.reach, hop)
                    .await?;
                let public = stream
                    .peer_addr()
                    .is_ok_and(|peer| is_public_address(peer.ip()));
                (stream, public)
            }
            Some(proxy) => {
                hop.proxy = Some(proxy.to_string());
                let reached = self
                    .arrive(&proxy.host, proxy.port, Reach::AnyWeb, hop)
                    .await;
                let mut stream = reached.map_err(|error| proxy.unreachable(error))?;
                let public = self.pass(proxy, &place, trip.reach, &mut stream).await?;
                (stream, public)
            }
        };
        let sender = self.greet(&place, stream, hop).await?;
        let response = self.question(trip, request, sender, hop).await?;
        self.of_proxy(&place, &response)?;
        self.keep_cookies(&trip.url, response.headers());
        let next = redirect_of(&response, &trip.url)?;
        let status = response.status().as_u16();
        let (head, body) = response.into_parts();
        if let Some(answer) = &mut hop.answer {
            answer.sample = self.sample(body).await;
        }
        if let Some(next) = next {
            return Ok(Some((next, status, public)));
        }
        let opening = Opening::read(&head, request, &trip.url)?;
        if let Some(answer) = &mut hop.answer {
            answer.info = opening.info;
        }
        Ok(None)
    }

    /// A connection to a host, and what was learned on the way.
    async fn arrive(
        &self,
        host: &str,
        port: u16,
        reach: Reach,
        hop: &mut Hop,
    ) -> Result<TcpStream, NetError> {
        let since = Instant::now();
        let found = self.addresses(host).await;
        hop.lookup = since.elapsed();
        let mut addresses = found?;
        reach.admit(host, &mut addresses)?;
        hop.addresses = addresses;
        self.dial_each(host, port, hop).await
    }

    /// Tries every address by itself; the first that answered serves.
    async fn dial_each(&self, host: &str, port: u16, hop: &mut Hop) -> Result<TcpStream, NetError> {
        let peer = authority(host, port);
        let (mut reached, mut failed) = (None, None);
        for ip in hop.addresses.iter().take(MAX_ADDRESSES) {
            let address = SocketAddr::new(*ip, port);
            let since = Instant::now();
            let tried = timeout(self.timeouts().connect, TcpStream::connect(address)).await;
            let outcome = match tried {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(crate::connect::dial_error(&peer, error)),
                Err(_) => Err(NetError::ConnectTimeout(peer.clone())),
            };
            let mut dial = Dial {
                address,
                took: since.elapsed(),
                failed: None,
            };
            match outcome {
                Ok(stream) => {
                    reached.get_or_insert(stream);
                }
                Err(error) => dial.failed = Some(failed.insert(error).fault()),
            }
            hop.dials.push(dial);
        }
        match (reached, failed) {
            (Some(stream), _) => Ok(stream),
            (None, Some(error)) => Err(error),
            (None, None) => Err(NetError::DnsNoAddress(host.to_owned())),
        }
    }

    async fn greet(
        &self,
        place: &Place,
        stream: TcpStream,
        hop: &mut Hop,
    ) -> Result<Sender, NetError> {
        let _ = stream.set_nodelay(true);
        if !place.tls {
            return speak_http1(stream).await;
        }
        let shown = Arc::new(Mutex::new(None));
        let config = tls::showing(&self.config.extra_ca_pem, Arc::clone(&shown)).await?;
        let name = ServerName::try_from(place.host.clone())
            .map_err(|error| NetError::MalformedUrl(error.to_string()))?;
        let since = Instant::now();
        let handshake = TlsConnector::from(config).connect(name, stream);
        let outcome = timeout(self.timeouts().tls, handshake)
            .await
            .map_err(|_| NetError::TlsTimeout(place.host.clone()))
            .and_then(|done| done.map_err(|error| tls::failure(&place.host, error)));
        let agreed = outcome.as_ref().ok().map(|stream| stream.get_ref().1);
        let alpn = agreed.and_then(|session| session.alpn_protocol());
        let alpn = alpn.map(|name| String::from_utf8_lossy(name).into_owned());
        let version = agreed.and_then(|session| session.protocol_version());
        let is_h2 = alpn.as_deref() == Some("h2");
        hop.handshake = Some(Handshake {
            protocol: version.map(|version| format!("{version:?}")),
            alpn,
            certificate: shown.lock().unwrap_or_else(PoisonError::into_inner).take(),
            took: since.elapsed(),
        });
        match is_h2 {
            true => speak_http2(outcome?).await,
            false => speak_http1(outcome?).await,
        }
    }

    async fn question(
        &self,
        trip: &Trip,
        request: &FetchRequest,
        mut sender: Sender,
        hop: &mut Hop,
    ) -> Result<Response<Incoming>, NetError> {
        let message = self.message(trip, request)?;
        let host = &trip.url[Position::BeforeHost..Position::AfterHost];
        let since = Instant::now();
        let limit = self.timeouts().first_byte;
        let reply = timeout(limit, transmit(&mut sender, message, &trip.url)).await;
        let response = reply
            .map_err(|_| NetError::FirstByteTimeout)?
            .map_err(|error| response::failure(host, error))?;
        let field =
            |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
                name: name.as_str().to_owned(),
                value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
        hop.answer = Some(Answer {
            status: response.status().as_u16(),
            version: format!("{:?}", response.version()),
            headers: response.headers().iter().map(field).collect(),
            first_byte: since.elapsed(),
            sample: Bytes::new(),
            info: ResponseInfo::default(),
        });
        Ok(response)
    }

    /// The body's beginning; what a server that knows no ranges sends beyond it is left.
    async fn sample(&self, mut body: Incoming) -> Bytes {
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
