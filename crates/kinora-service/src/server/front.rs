//! What every request passes on its way in and out: its id, its share of the limits, its line in the log.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response, Version, header};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tracing::field::Empty;
use tracing::{Instrument as _, error_span};

use super::client::{Budget, Client, Held, Origin, Share};
use super::connections::{AtWork, Seat};
use super::pulse::Pulse;
use super::record::{self, Reason, Record};
use crate::crypto::{hex, random};
use crate::gateway;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the parts that answer know of a request beside its text.
#[derive(Clone)]
pub(crate) struct Visit {
    /// The request's id: in the answer and in the log.
    pub(crate) request_id: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What its client may take.
    pub(crate) share: Arc<Share>,
    pub(crate) http2: bool,
}

/// The service as one connection sees it.
#[derive(Clone)]
pub(super) struct Front {
    app: TowerToHyperService<Router>,
    budget: Arc<Budget>,
    seat: Arc<Seat>,
}

impl Front {
    pub(super) fn new(app: &Router, budget: &Arc<Budget>, seat: Seat) -> Self {
        Self {
            app: TowerToHyperService::new(app.clone()),
            budget: budget.clone(),
            seat: Arc::new(seat),
        }
    }
    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
    pub(super) fn pulse(&self) -> &Arc<Pulse> {
        &self.seat.pulse
    }
}

impl Service<Request<Incoming>> for Front {
    type Response = Response<Watched>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let http2 = request.version() == Version::HTTP_2;
        let at_work = AtWork::begin(&self.seat, http2);
        let origin = self
            .seat
            .proxies()
            .origin(self.seat.peer, request.headers());
        let visit = Visit {
            request_id: request_id(),
            origin,
            share: self.budget.share(Client::from(origin.address())),
            http2,
        };
        let request_id = visit.request_id.clone();
        let (method, path) = (
            record::method(request.method()),
            record::path(request.uri()),
        );
        let span = error_span!(parent: None, "request", request_id, client = %origin.address(), method, path, action = Empty, key = Empty);
        let record = Record::new(span.clone());
        let place = visit.share.request();
        request.extensions_mut().insert(visit);
        let app = self.app.clone();
        let answer = async move {
            let response = match place.is_some() {
                true => app.call(request).await?,
                false => gateway::busy(&request_id),
            };
            Ok(finish(
                response,
                &request_id,
                record,
                http2,
                (at_work, place),
            ))
        };
        answer.instrument(span).boxed()
    }
}

fn finish(
    response: Response<Body>,
    request_id: &str,
    mut record: Record,
    http2: bool,
    held: (AtWork, Option<Held>),
) -> Response<Watched> {
    let (mut parts, body) = response.into_parts();
    record.status = Some(parts.status.as_u16());
    record.reason = parts.extensions.remove::<Reason>();
    let length = parts.headers.get(header::CONTENT_LENGTH);
    record.length = length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .or(body.size_hint().exact());
    if let Ok(value) = HeaderValue::from_str(request_id) {
        parts.headers.insert(REQUEST_ID, value);
    }
    let body = Watched {
        body,
        flight: http2.then(Arc::default),
        record,
        _held: held,
    };
    Response::from_parts(parts, body)
}

/// A random UUID (RFC 9562 5.4) in capitals, as the service's clients know it.
fn request_id() -> String {
    let mut bytes = random::<16>().unwrap_or_default();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes).to_uppercase();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

/// A body that holds what its request holds until it has gone out. On HTTP/1.1 the socket tells whether it goes; of an
/// HTTP/2 stream the end is kept back until its last octet was taken, so that the stream's task lives as long as
/// there is something to watch.
pub(super) struct Watched {
    body: Body,
    flight: Option<Arc<Flight>>,
    record: Record,
    _held: (AtWork, Option<Held>),
}

/// Pieces that were handed over and not yet written.
#[derive(Default)]
struct Flight {
    pieces: AtomicUsize,
    waker: AtomicWaker,
}

struct Piece {
    bytes: Bytes,
    flight: Arc<Flight>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.flight.pieces.fetch_sub(1, Ordering::AcqRel);
        self.flight.waker.wake();
    }
}

impl Flight {
    fn is_over(&self) -> bool {
        self.pieces.load(Ordering::Acquire) == 0
    }
    fn take(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        self.pieces.fetch_add(1, Ordering::AcqRel);
        Bytes::from_owner(Piece {
            bytes,
            flight: self.clone(),
        })
    }
    fn poll_over(&self, context: &Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        match self.is_over() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let _entered = this.record.span.enter();
        let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(context)) else {
            if let Some(flight) = &this.flight {
                ready!(flight.poll_over(context));
            }
            return Poll::Ready(None);
        };
        let frame = frame.map(|frame| {
            frame.map_data(|bytes| {
                let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                this.record.sent = this.record.sent.saturating_add(len);
                match &this.flight {
                    Some(flight) => flight.take(bytes),
                    None => bytes,
                }
            })
        });
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        let over = self.flight.as_ref().is_none_or(|flight| flight.is_over());
        self.body.is_end_stream() && over
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
