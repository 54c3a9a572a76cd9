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

use super::activity::Activity;
use super::connections::{ActiveRequest, ConnectionSlot};
use crate::context::{
    AccessLogEntry, Budget, ClientId, Permit, Reason, RequestInfo, loggable_method, loggable_path,
};
use crate::crypto::{hex, random};
use crate::gateway;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The service as one connection sees it.
#[derive(Clone)]
pub(super) struct RequestService {
    app: TowerToHyperService<Router>,
    budget: Arc<Budget>,
    slot: Arc<ConnectionSlot>,
}

impl RequestService {
    pub(super) fn new(app: &Router, budget: &Arc<Budget>, slot: ConnectionSlot) -> Self {
        Self {
            app: TowerToHyperService::new(app.clone()),
            budget: budget.clone(),
            slot: Arc::new(slot),
        }
    }
    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.slot.activity
    }
}

impl Service<Request<Incoming>> for RequestService {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let http2 = request.version() == Version::HTTP_2;
        let active = ActiveRequest::begin(&self.slot, http2);
        let origin = self
            .slot
            .proxies()
            .origin(self.slot.peer, request.headers());
        let info = RequestInfo {
            request_id: request_id(),
            origin,
            share: self.budget.share(ClientId::from(origin.address())),
            http2,
        };
        let request_id = info.request_id.clone();
        let (method, path) = (
            loggable_method(request.method()),
            loggable_path(request.uri()),
        );
        let span = error_span!(parent: None, "request", request_id, client = %origin.address(), method, path, action = Empty, key = Empty);
        let log_entry = AccessLogEntry::new(span.clone());
        let permit = info.share.request();
        request.extensions_mut().insert(info);
        let app = self.app.clone();
        let answer = async move {
            let response = match permit.is_some() {
                true => app.call(request).await?,
                false => gateway::busy(&request, &request_id),
            };
            Ok(finish(
                response,
                &request_id,
                log_entry,
                http2,
                (active, permit),
            ))
        };
        answer.instrument(span).boxed()
    }
}

fn finish(
    response: Response<Body>,
    request_id: &str,
    mut log_entry: AccessLogEntry,
    http2: bool,
    held: (ActiveRequest, Option<Permit>),
) -> Response<TrackedBody> {
    let (mut parts, body) = response.into_parts();
    log_entry.status = Some(parts.status.as_u16());
    log_entry.reason = parts.extensions.remove::<Reason>();
    let length = parts.headers.get(header::CONTENT_LENGTH);
    log_entry.length = length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .or(body.size_hint().exact());
    if let Ok(value) = HeaderValue::from_str(request_id) {
        parts.headers.insert(REQUEST_ID, value);
    }
    let body = TrackedBody {
        body,
        in_flight: http2.then(Arc::default),
        log_entry,
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
pub(super) struct TrackedBody {
    body: Body,
    in_flight: Option<Arc<InFlight>>,
    log_entry: AccessLogEntry,
    _held: (ActiveRequest, Option<Permit>),
}

/// Pieces that were handed over and not yet written.
#[derive(Default)]
struct InFlight {
    pieces: AtomicUsize,
    waker: AtomicWaker,
}

struct InFlightPiece {
    bytes: Bytes,
    in_flight: Arc<InFlight>,
}

impl AsRef<[u8]> for InFlightPiece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for InFlightPiece {
    fn drop(&mut self) {
        self.in_flight.pieces.fetch_sub(1, Ordering::AcqRel);
        self.in_flight.waker.wake();
    }
}

impl InFlight {
    fn is_empty(&self) -> bool {
        self.pieces.load(Ordering::Acquire) == 0
    }
    fn take(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        self.pieces.fetch_add(1, Ordering::AcqRel);
        Bytes::from_owner(InFlightPiece {
            bytes,
            in_flight: self.clone(),
        })
    }
    fn poll_empty(&self, context: &Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        match self.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let _entered = this.log_entry.span.enter();
        let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(context)) else {
            if let Some(in_flight) = &this.in_flight {
                ready!(in_flight.poll_empty(context));
            }
            return Poll::Ready(None);
        };
        let frame = frame.map(|frame| {
            frame.map_data(|bytes| {
                let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                this.log_entry.sent = this.log_entry.sent.saturating_add(len);
                match &this.in_flight {
                    Some(in_flight) => in_flight.take(bytes),
                    None => bytes,
                }
            })
        });
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        let over = self
            .in_flight
            .as_ref()
            .is_none_or(|in_flight| in_flight.is_empty());
        self.body.is_end_stream() && over
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
