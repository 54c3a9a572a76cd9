//! One web request: it follows redirects until another head, then reads the body.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::header::{COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use kinora_media::is_public_address;
use tokio::time::timeout;
use url::{Origin, Url};

use crate::cookies::CookieJar;
use crate::error::RedirectFailure;
use crate::failed_addresses::FailedAddresses;
use crate::guard::{AddressSpace, KnownHosts};
use crate::message::{self, ResponseHead};
use crate::phase::{self, Phase};
use crate::pool::{Connection, Destination, Generation, Pool, Sender};
use crate::proxy::{Proxy, ProxyFailure};
use crate::target::web_url;
use crate::tls::Tls;
use crate::{
    FetchRequest, Initiator, Method, NetConfig, NetError, Resolve, ResponseSink, Timeouts, body,
};

/// Bodies of redirects up to this size are drained to keep their connection.
const MAX_DRAINED_BODY: u64 = 16 * 1024;
/// How long draining may delay what follows, for the sake of the connection.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

/// Everything that web requests share.
pub(crate) struct Client {
    pub(crate) config: NetConfig,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) tls: Tls,
    pub(crate) hosts: KnownHosts,
    pub(crate) failed: FailedAddresses,
    cookies: CookieJar,
    pool: Pool,
    /// The user's timeout where the configuration sets none, in milliseconds.
    timeout_ms: AtomicU64,
}

/// No limit was named.
const UNSET: u64 = u64::MAX;

/// A request and the redirects that it followed.
pub(crate) struct RedirectChain {
    pub(crate) url: Url,
    pub(crate) address_space: AddressSpace,
    visited: Vec<Url>,
    method: Method,
    /// Credentials may go to this origin only.
    trusted_origin: Origin,
    attempts: u32,
}

impl RedirectChain {
    pub(crate) fn new(url: Url, request: &FetchRequest) -> Self {
        Self {
            trusted_origin: trusted_origin(&url, &request.initiator),
            url,
            address_space: AddressSpace::Any,
            visited: Vec::new(),
            method: request.method.clone(),
            attempts: 0,
        }
    }
}

impl Client {
    pub(crate) fn new(config: NetConfig, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            config,
            resolver,
            tls: Tls::default(),
            hosts: KnownHosts::default(),
            failed: FailedAddresses::default(),
            cookies: CookieJar::default(),
            pool: Pool::default(),
            timeout_ms: AtomicU64::new(UNSET),
        }
    }

    pub(crate) fn set_timeout(&self, silence: Duration) {
        let ms = u64::try_from(silence.as_millis()).unwrap_or(UNSET - 1);
        self.timeout_ms.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn forget_connections(&self) {
        self.pool.clear();
    }

    /// The network that a connection which is made now belongs to.
    pub(crate) fn generation(&self) -> Generation {
        self.pool.generation()
    }

    /// The limits of what begins now.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let ms = self.timeout_ms.load(Ordering::Relaxed);
        let silence = (ms != UNSET).then(|| Duration::from_millis(ms));
        self.config.timeouts(silence)
    }

    /// The whole life of a request; its end is reported unless it is cancelled.
    pub(crate) async fn run(
        self: Arc<Self>,
        url: Url,
        request: FetchRequest,
        response: ResponseSink,
    ) {
        let since = Instant::now();
        let mut chain = RedirectChain::new(url, &request);
        let exchange = self.follow_redirects(&mut chain, &request, &response);
        #[cfg(feature = "tracing")]
        let exchange = crate::trace::in_request_span(request.id, exchange);
        let outcome = tokio::select! {
            biased;
            () = response.cancelled() => return,
            outcome = phase::observe(&self.config.watch, request.id, exchange) => outcome,
        };
        let Err(error) = outcome else {
            return response.finish();
        };
        let fault = error
            .into_fault()
            .at_url(chain.url.as_str())
            .with(|context| {
                context.elapsed_ms = u64::try_from(since.elapsed().as_millis()).ok();
                context.attempts = Some(chain.attempts.max(1));
                if !request.range.is_whole() {
                    context.bytes = Some((request.range.start, request.range.end));
                }
            });
        response.fail(fault);
    }

    async fn follow_redirects(
        &self,
        chain: &mut RedirectChain,
        request: &FetchRequest,
        sink: &ResponseSink,
    ) -> Result<(), NetError> {
        chain.address_space = self.address_space_of(&request.initiator).await;
        loop {
            chain.address_space.check_host(&chain.url)?;
            let destination = destination_of(&chain.url);
            let (response, connection) = self.send(chain, &destination, request).await?;
            self.check_proxy_status(&destination, &response)?;
            self.store_cookies(&chain.url, response.headers());
            let Some(next) = redirect_of(&response, &chain.url)? else {
                return self
                    .deliver(chain, response, &destination, connection, request, sink)
                    .await;
            };
            let public = connection.peer_public;
            let status = response.status().as_u16();
            self.drain(&destination, response.into_body(), connection)
                .await;
            self.follow_redirect(chain, next, status, public)?;
        }
    }

    /// The addresses that a request may connect to, by who named its URL.
    async fn address_space_of(&self, initiator: &Initiator) -> AddressSpace {
        let Initiator::Remote { found, .. } = initiator else {
            return AddressSpace::Any;
        };
        let Ok(url) = web_url(found.expose()) else {
            return AddressSpace::Any;
        };
        let destination = destination_of(&url);
        if let Some(public) = self.hosts.is_public(&destination.host) {
            return AddressSpace::from_peer(public);
        }
        if let Ok(Some(proxy)) = self.config.proxy.proxy_for(&destination)
            && proxy.resolves_names()
        {
            // What is found out here is not what the proxy finds, and would leak the name to others.
            return AddressSpace::from_peer(AddressSpace::Public.check_host(&url).is_ok());
        }
        // Not reached by us yet. A name that is not known counts as public, the stricter case.
        let public = match self.addresses(&destination.host).await {
            Ok(addresses) => addresses.into_iter().any(is_public_address),
            Err(_) => true,
        };
        AddressSpace::from_peer(public)
    }

    /// Sends the request; once more on a fresh connection where an idle one had died.
    async fn send(
        &self,
        chain: &mut RedirectChain,
        destination: &Destination,
        request: &FetchRequest,
    ) -> Result<(Response<Incoming>, Connection), NetError> {
        if let Some(mut connection) = self.pool.take(destination, chain.address_space) {
            match self.send_on(chain, &mut connection, request).await {
                Ok(response) => return Ok((response, connection)),
                // A POST may have been carried out before the connection died.
                Err(error) if error.may_be_stale() && !matches!(chain.method, Method::Post(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = self.connect(destination, chain.address_space).await?;
        let response = self.send_on(chain, &mut connection, request).await?;
        if let Some(shared) = connection.clone_multiplexed() {
            self.pool.put(destination, shared);
        }
        Ok((response, connection))
    }

    async fn send_on(
        &self,
        chain: &mut RedirectChain,
        connection: &mut Connection,
        request: &FetchRequest,
    ) -> Result<Response<Incoming>, NetError> {
        chain.attempts += 1;
        #[cfg(feature = "tracing")]
        crate::trace::connected(
            &destination_of(&chain.url),
            &connection.sender,
            connection.reused,
        );
        let message = self.message(chain, request)?;
        let limit = self.timeouts().first_byte;
        let host = chain.url.host_str().unwrap_or_default();
        phase::enter(Phase::FirstByte, host);
        let reply = timeout(limit, transmit(&mut connection.sender, message, &chain.url)).await;
        let reply = match reply {
            Ok(reply) => reply.map_err(|error| message::failure(host, error)),
            Err(_) => Err(NetError::FirstByteTimeout),
        };
        self.judge(connection.peer, reply)
    }

    /// Notes how a server's address did: who fails gives way to the other addresses of its name.
    pub(crate) fn judge<T>(
        &self,
        peer: Option<IpAddr>,
        outcome: Result<T, NetError>,
    ) -> Result<T, NetError> {
        match (&outcome, peer) {
            (Ok(_), Some(peer)) => self.failed.forgive(peer),
            (Err(error), Some(peer)) if error.is_of_peer() => {
                self.failed.note(peer, Instant::now());
            }
            _ => {}
        }
        outcome
    }

    /// The request message for the URL that the chain is at.
    pub(crate) fn message(
        &self,
        chain: &RedirectChain,
        request: &FetchRequest,
    ) -> Result<hyper::Request<Full<Bytes>>, NetError> {
        let trusted = chain.url.origin() == chain.trusted_origin;
        let mut message =
            message::build_request(&self.config, request, &chain.url, &chain.method, trusted)?;
        self.add_cookies(&chain.url, message.headers_mut());
        if let Some(proxy) = self.absolute_form_proxy(&destination_of(&chain.url))? {
            message::to_absolute_form(&mut message, &chain.url, proxy)?;
        }
        Ok(message)
    }

    pub(crate) fn store_cookies(&self, url: &Url, headers: &HeaderMap) {
        if !self.config.keep_cookies {
            return;
        }
        for line in headers.get_all(SET_COOKIE) {
            if let Ok(line) = std::str::from_utf8(line.as_bytes()) {
                self.cookies.store(url, line, SystemTime::now());
            }
        }
    }

    fn add_cookies(&self, url: &Url, headers: &mut HeaderMap) {
        let own = headers.get(COOKIE).and_then(|value| value.to_str().ok());
        let cookies = self.cookies.header(url, own, SystemTime::now());
        let value = cookies.and_then(|all| HeaderValue::from_str(all.expose()).ok());
        if let Some(mut value) = value {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }

    /// The proxy that gets a plain request in absolute form (RFC 9112 3.2.2).
    fn absolute_form_proxy(&self, destination: &Destination) -> Result<Option<&Proxy>, NetError> {
        let proxy = self.config.proxy.proxy_for(destination)?;
        Ok(proxy.filter(|proxy| !destination.tls && proxy.takes_absolute_form()))
    }

    /// Fails where the proxy answered instead of the server.
    pub(crate) fn check_proxy_status(
        &self,
        destination: &Destination,
        response: &Response<Incoming>,
    ) -> Result<(), NetError> {
        match self.absolute_form_proxy(destination)? {
            // RFC 9110 15.5.8: of a proxy only.
            Some(proxy) if response.status().as_u16() == 407 => {
                Err(proxy.failed(ProxyFailure::Auth))
            }
            _ => Ok(()),
        }
    }

    /// Goes on to the URL that a redirect names, if that is allowed.
    pub(crate) fn follow_redirect(
        &self,
        chain: &mut RedirectChain,
        next: Url,
        status: u16,
        public: bool,
    ) -> Result<(), NetError> {
        let refuse = |kind| Err(NetError::Redirect { kind, status });
        if chain.url.scheme() == "https" && next.scheme() == "http" {
            return refuse(RedirectFailure::Downgrade);
        }
        if !matches!(next.scheme(), "http" | "https") {
            return Err(match next.scheme() {
                "file" => NetError::ForbiddenFile,
                scheme => NetError::UnsupportedScheme(scheme.to_owned()),
            });
        }
        #[cfg(feature = "tracing")]
        crate::trace::redirected(status, &next);
        let previous = std::mem::replace(&mut chain.url, next);
        if previous == chain.url || chain.visited.contains(&chain.url) {
            return refuse(RedirectFailure::Loop);
        }
        let cross_origin = previous.origin() != chain.url.origin();
        chain.visited.push(previous);
        if chain.visited.len() > usize::try_from(self.config.redirect_limit).unwrap_or(usize::MAX) {
            return refuse(RedirectFailure::TooMany);
        }
        // RFC 9110 15.4: all but 307 and 308 turn a POST into a GET.
        if !matches!(status, 307 | 308) && matches!(chain.method, Method::Post(_)) {
            chain.method = Method::Get;
        }
        if cross_origin && matches!(chain.method, Method::Post(_)) {
            return refuse(RedirectFailure::CrossOriginBody);
        }
        if cross_origin {
            // Never trusted again, also when a later redirect leads back.
            chain.trusted_origin = Origin::new_opaque();
        }
        chain.address_space = chain.address_space.min(AddressSpace::from_peer(public));
        Ok(())
    }

    async fn deliver(
        &self,
        chain: &RedirectChain,
        response: Response<Incoming>,
        destination: &Destination,
        connection: Connection,
        request: &FetchRequest,
        sink: &ResponseSink,
    ) -> Result<(), NetError> {
        let (parts, incoming) = response.into_parts();
        let head = match ResponseHead::read(&parts, request, &chain.url) {
            Ok(head) => head,
            Err(error) => {
                self.drain(destination, incoming, connection).await;
                return Err(error);
            }
        };
        phase::leave();
        let ResponseHead {
            info,
            length,
            stop_at_length,
            decoder,
        } = head;
        #[cfg(feature = "tracing")]
        crate::trace::response_head(&info);
        let offset = info.offset;
        sink.head(info);
        let reader = body::BodyReader {
            sink,
            offset,
            length,
            stop_at_length,
            is_coded: !decoder.is_identity(),
            stall: self.timeouts().stall,
        };
        let complete = self.judge(connection.peer, reader.run(incoming, decoder).await)?;
        if complete {
            self.return_to_pool(destination, connection).await;
        }
        Ok(())
    }

    /// Drains a small body so that its connection can be reused.
    async fn drain(&self, destination: &Destination, incoming: Incoming, connection: Connection) {
        let small = incoming
            .size_hint()
            .upper()
            .is_some_and(|n| n <= MAX_DRAINED_BODY);
        if small && matches!(timeout(DRAIN_TIMEOUT, incoming.collect()).await, Ok(Ok(_))) {
            self.return_to_pool(destination, connection).await;
        }
    }

    async fn return_to_pool(&self, destination: &Destination, mut connection: Connection) {
        if let Sender::Http1(sender) = &mut connection.sender
            && matches!(timeout(DRAIN_TIMEOUT, sender.ready()).await, Ok(Ok(())))
        {
            self.pool.put(destination, connection);
        }
    }
}

pub(crate) async fn transmit(
    sender: &mut Sender,
    mut message: hyper::Request<Full<Bytes>>,
    url: &Url,
) -> hyper::Result<Response<Incoming>> {
    match sender {
        Sender::Http1(sender) => sender.send_request(message).await,
        Sender::Http2(sender) => {
            message::for_http2(&mut message, url);
            sender.ready().await?;
            sender.send_request(message).await
        }
    }
}

/// Credentials are meant for the origin of what the user named, whoever names other URLs on the way.
fn trusted_origin(url: &Url, initiator: &Initiator) -> Origin {
    match initiator {
        Initiator::User => url.origin(),
        Initiator::Remote { source, .. } => {
            Url::parse(source.expose()).map_or_else(|_| Origin::new_opaque(), |url| url.origin())
        }
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.trim_matches(['[', ']']).to_owned()
}

pub(crate) fn destination_of(url: &Url) -> Destination {
    Destination {
        tls: url.scheme() == "https",
        host: host_of(url),
        port: url.port_or_known_default().unwrap_or(80),
    }
}

/// The URL that a response redirects to, if it does.
pub(crate) fn redirect_of(
    response: &Response<Incoming>,
    base: &Url,
) -> Result<Option<Url>, NetError> {
    let status = response.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let next = location.and_then(|location| base.join(location).ok());
    let Some(mut next) = next else {
        let kind = RedirectFailure::NoLocation;
        return Err(NetError::Redirect { kind, status });
    };
    next.set_fragment(None);
    Ok(Some(next))
}
