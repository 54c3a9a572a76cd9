//! One web request: from hop to hop until a head that is no redirect, then its body.

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
use crate::guard::{KnownHosts, Reach};
use crate::phase::{self, Phase};
use crate::pool::{Connection, Place, Pool, Sender};
use crate::proxy::{Proxy, ProxyFailure};
use crate::response::{self, Opening};
use crate::target::web_url;
use crate::tls::Tls;
use crate::{
    FetchRequest, Initiator, Method, NetConfig, NetError, Resolve, ResponseSink, Timeouts, body,
};

/// Bodies of redirects up to this size are read away to keep their connection.
const SMALL_BODY: u64 = 16 * 1024;
/// How long the tail of an exchange may hold up what follows, for the sake of its connection.
const TIDY_UP: Duration = Duration::from_millis(100);

/// Everything that web requests share.
pub(crate) struct Client {
    pub(crate) config: NetConfig,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) tls: Tls,
    pub(crate) hosts: KnownHosts,
    cookies: CookieJar,
    pool: Pool,
    /// What the user allows where the configuration sets no limit, in milliseconds.
    silence_ms: AtomicU64,
}

/// No limit was named.
const UNSET: u64 = u64::MAX;

/// A request on its way through redirects.
pub(crate) struct Trip {
    pub(crate) url: Url,
    pub(crate) reach: Reach,
    visited: Vec<Url>,
    method: Method,
    /// Credentials may go to this origin only.
    trusted: Origin,
    attempts: u32,
}

impl Trip {
    pub(crate) fn new(url: Url, request: &FetchRequest) -> Self {
        Self {
            trusted: trusted_origin(&url, &request.initiator),
            url,
            reach: Reach::AnyWeb,
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
            cookies: CookieJar::default(),
            pool: Pool::default(),
            silence_ms: AtomicU64::new(UNSET),
        }
    }

    pub(crate) fn set_timeout(&self, silence: Duration) {
        let ms = u64::try_from(silence.as_millis()).unwrap_or(UNSET - 1);
        self.silence_ms.store(ms, Ordering::Relaxed);
    }

    /// The limits of what begins now.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let ms = self.silence_ms.load(Ordering::Relaxed);
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
        let mut trip = Trip::new(url, &request);
        let journey = self.travel(&mut trip, &request, &response);
        #[cfg(feature = "tracing")]
        let journey = crate::trace::within(request.id, journey);
        let outcome = tokio::select! {
            biased;
            () = response.cancelled() => return,
            outcome = phase::of_request(&self.config.watch, request.id, journey) => outcome,
        };
        let Err(error) = outcome else {
            return response.finish();
        };
        let fault = error
            .into_fault()
            .at_url(trip.url.as_str())
            .with(|context| {
                context.elapsed_ms = u64::try_from(since.elapsed().as_millis()).ok();
                context.attempts = Some(trip.attempts.max(1));
                if !request.range.is_whole() {
                    context.bytes = Some((request.range.start, request.range.end));
                }
            });
        response.fail(fault);
    }

    async fn travel(
        &self,
        trip: &mut Trip,
        request: &FetchRequest,
        sink: &ResponseSink,
    ) -> Result<(), NetError> {
        trip.reach = self.reach_of(&request.initiator).await;
        loop {
            trip.reach.check_host(&trip.url)?;
            let place = place_of(&trip.url);
            let (response, connection) = self.ask(trip, &place, request).await?;
            self.of_proxy(&place, &response)?;
            self.keep_cookies(&trip.url, response.headers());
            let Some(next) = redirect_of(&response, &trip.url)? else {
                return self
                    .deliver(trip, response, &place, connection, request, sink)
                    .await;
            };
            let public = connection.peer_public;
            let status = response.status().as_u16();
            self.discard(&place, response.into_body(), connection).await;
            self.turn(trip, next, status, public)?;
        }
    }

    /// What the request may reach by who named its URL.
    async fn reach_of(&self, initiator: &Initiator) -> Reach {
        let Initiator::Remote { found, .. } = initiator else {
            return Reach::AnyWeb;
        };
        let Ok(url) = web_url(found.expose()) else {
            return Reach::AnyWeb;
        };
        let place = place_of(&url);
        if let Some(public) = self.hosts.is_public(&place.host) {
            return Reach::from_peer(public);
        }
        if let Ok(Some(proxy)) = self.config.proxy.on_the_way_to(&place)
            && proxy.resolves_names()
        {
            // What is found out here is not what the proxy finds, and would tell the name to others.
            return Reach::from_peer(Reach::PublicWeb.check_host(&url).is_ok());
        }
        // Not reached by us yet. A name that is not known counts as public, the stricter case.
        let public = match self.addresses(&place.host).await {
            Ok(addresses) => addresses.into_iter().any(is_public_address),
            Err(_) => true,
        };
        Reach::from_peer(public)
    }

    /// Asks once; once more on a fresh connection where an idle one had died.
    async fn ask(
        &self,
        trip: &mut Trip,
        place: &Place,
        request: &FetchRequest,
    ) -> Result<(Response<Incoming>, Connection), NetError> {
        if let Some(mut connection) = self.pool.take(place, trip.reach) {
            match self.send(trip, &mut connection, request).await {
                Ok(response) => return Ok((response, connection)),
                // A POST may have been carried out before the connection died.
                Err(error) if error.may_be_stale() && matches!(trip.method, Method::Get) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = self.connect(place, trip.reach).await?;
        let response = self.send(trip, &mut connection, request).await?;
        if let Some(shared) = connection.share() {
            self.pool.put(place, shared);
        }
        Ok((response, connection))
    }

    async fn send(
        &self,
        trip: &mut Trip,
        connection: &mut Connection,
        request: &FetchRequest,
    ) -> Result<Response<Incoming>, NetError> {
        trip.attempts += 1;
        #[cfg(feature = "tracing")]
        crate::trace::connected(&place_of(&trip.url), &connection.sender, connection.reused);
        let message = self.message(trip, request)?;
        let limit = self.timeouts().first_byte;
        let host = trip.url.host_str().unwrap_or_default();
        phase::enter(Phase::FirstByte, host);
        let reply = timeout(limit, transmit(&mut connection.sender, message, &trip.url)).await;
        reply
            .map_err(|_| NetError::FirstByteTimeout)?
            .map_err(|error| response::failure(host, error))
    }

    /// The request as it is sent at this stop.
    pub(crate) fn message(
        &self,
        trip: &Trip,
        request: &FetchRequest,
    ) -> Result<hyper::Request<Full<Bytes>>, NetError> {
        let trusted = trip.url.origin() == trip.trusted;
        let mut message =
            response::question(&self.config, request, &trip.url, &trip.method, trusted)?;
        self.put_cookies(&trip.url, message.headers_mut());
        if let Some(proxy) = self.whole_url_proxy(&place_of(&trip.url))? {
            response::through_proxy(&mut message, &trip.url, proxy)?;
        }
        Ok(message)
    }

    pub(crate) fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            if let Ok(line) = std::str::from_utf8(line.as_bytes()) {
                self.cookies.store(url, line, SystemTime::now());
            }
        }
    }

    fn put_cookies(&self, url: &Url, headers: &mut HeaderMap) {
        let own = headers.get(COOKIE).and_then(|value| value.to_str().ok());
        let cookies = self.cookies.header(url, own, SystemTime::now());
        let value = cookies.and_then(|all| HeaderValue::from_str(all.expose()).ok());
        if let Some(mut value) = value {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }

    /// The proxy that a plain request goes to as a whole.
    fn whole_url_proxy(&self, place: &Place) -> Result<Option<&Proxy>, NetError> {
        let proxy = self.config.proxy.on_the_way_to(place)?;
        Ok(proxy.filter(|proxy| !place.tls && proxy.takes_whole_urls()))
    }

    /// Fails where the proxy answered in the server's place.
    pub(crate) fn of_proxy(
        &self,
        place: &Place,
        response: &Response<Incoming>,
    ) -> Result<(), NetError> {
        match self.whole_url_proxy(place)? {
            // RFC 9110 15.5.8: of a proxy only.
            Some(proxy) if response.status().as_u16() == 407 => {
                Err(proxy.failed(ProxyFailure::Auth))
            }
            _ => Ok(()),
        }
    }

    /// Goes on to where a redirect points, if that may be.
    pub(crate) fn turn(
        &self,
        trip: &mut Trip,
        next: Url,
        status: u16,
        public: bool,
    ) -> Result<(), NetError> {
        let refuse = |kind| Err(NetError::Redirect { kind, status });
        if trip.url.scheme() == "https" && next.scheme() == "http" {
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
        let before = std::mem::replace(&mut trip.url, next);
        if before == trip.url || trip.visited.contains(&trip.url) {
            return refuse(RedirectFailure::Loop);
        }
        let elsewhere = before.origin() != trip.url.origin();
        trip.visited.push(before);
        if trip.visited.len() > usize::try_from(self.config.redirect_limit).unwrap_or(usize::MAX) {
            return refuse(RedirectFailure::TooMany);
        }
        // RFC 9110 15.4: all but 307 and 308 turn a POST into a GET.
        if !matches!(status, 307 | 308) {
            trip.method = Method::Get;
        }
        if elsewhere && matches!(trip.method, Method::Post(_)) {
            return refuse(RedirectFailure::BodyElsewhere);
        }
        if elsewhere {
            // Never trusted again, also when a later hop leads back.
            trip.trusted = Origin::new_opaque();
        }
        trip.reach = trip.reach.min(Reach::from_peer(public));
        Ok(())
    }

    async fn deliver(
        &self,
        trip: &Trip,
        response: Response<Incoming>,
        place: &Place,
        connection: Connection,
        request: &FetchRequest,
        sink: &ResponseSink,
    ) -> Result<(), NetError> {
        let (head, incoming) = response.into_parts();
        let opening = match Opening::read(&head, request, &trip.url) {
            Ok(opening) => opening,
            Err(error) => {
                self.discard(place, incoming, connection).await;
                return Err(error);
            }
        };
        phase::leave();
        let Opening {
            info,
            length,
            cut,
            decoder,
        } = opening;
        #[cfg(feature = "tracing")]
        crate::trace::answered(&info);
        let offset = info.offset;
        sink.head(info);
        let pump = body::Pump {
            sink,
            offset,
            length,
            cut,
            is_coded: !decoder.is_identity(),
            stall: self.timeouts().stall,
        };
        let whole = pump.run(incoming, decoder).await?;
        if whole {
            self.keep(place, connection).await;
        }
        Ok(())
    }

    /// Reads a small body away so that its connection can serve again.
    async fn discard(&self, place: &Place, incoming: Incoming, connection: Connection) {
        let small = incoming
            .size_hint()
            .upper()
            .is_some_and(|n| n <= SMALL_BODY);
        if small && matches!(timeout(TIDY_UP, incoming.collect()).await, Ok(Ok(_))) {
            self.keep(place, connection).await;
        }
    }

    async fn keep(&self, place: &Place, mut connection: Connection) {
        if let Sender::One(sender) = &mut connection.sender
            && matches!(timeout(TIDY_UP, sender.ready()).await, Ok(Ok(())))
        {
            self.pool.put(place, connection);
        }
    }
}

pub(crate) async fn transmit(
    sender: &mut Sender,
    mut message: hyper::Request<Full<Bytes>>,
    url: &Url,
) -> hyper::Result<Response<Incoming>> {
    match sender {
        Sender::One(sender) => sender.send_request(message).await,
        Sender::Two(sender) => {
            response::for_http2(&mut message, url);
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

pub(crate) fn place_of(url: &Url) -> Place {
    Place {
        tls: url.scheme() == "https",
        host: host_of(url),
        port: url.port_or_known_default().unwrap_or(80),
    }
}

/// Where a response points on to, if it does.
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
