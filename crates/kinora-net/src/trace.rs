//! What requests do, as `tracing` events (feature `tracing`): for those who look for a fault. Every URL is masked, no header and no
//! byte of a body is shown, and nothing is emitted for each piece of a body.

use std::net::IpAddr;

use kinora_errors::mask_url;
use kinora_media::{RequestId, ResponseInfo};
use rustls::ClientConnection;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, debug, debug_span, warn};
use url::Url;

use crate::pool::{Destination, Sender};
use crate::{FetchEvent, FetchRequest};

/// What happens inside `work` carries the request's id.
pub(crate) fn in_request_span<F: Future>(id: RequestId, work: F) -> Instrumented<F> {
    work.instrument(debug_span!("request", id = id.0))
}

pub(crate) fn request_started(request: &FetchRequest) {
    debug!(
        request = request.id.0,
        method = ?request.method,
        url = %mask_url(request.url.expose()),
        range = %request.range,
        "request started"
    );
}

/// The end of a request that was not cancelled.
pub(crate) fn request_ended(event: &FetchEvent) {
    match event {
        FetchEvent::Done { id } => debug!(request = id.0, "request done"),
        FetchEvent::Failed { id, fault } => warn!(
            request = id.0,
            %fault,
            causes = %fault.causes_text(),
            url = fault.context().url.as_deref(),
            "request failed"
        ),
        _ => {}
    }
}

pub(crate) fn request_cancelled(id: RequestId) {
    debug!(request = id.0, "request cancelled");
}

pub(crate) fn response_head(info: &ResponseInfo) {
    debug!(
        status = info.status,
        total_len = info.total_len,
        content_type = info.content_type.as_deref(),
        "response head received"
    );
}

pub(crate) fn redirected(status: u16, to: &Url) {
    debug!(status, to = %mask_url(to.as_str()), "redirected");
}

pub(crate) fn resolved(host: &str, addresses: &[IpAddr]) {
    debug!(host, ?addresses, "name resolved");
}

/// A request got its connection, new or reused.
pub(crate) fn connected(destination: &Destination, sender: &Sender, reused: bool) {
    let version = match sender {
        Sender::Http1(_) => "HTTP/1.1",
        Sender::Http2(_) => "HTTP/2",
    };
    let Destination { tls, host, port } = destination;
    debug!(host, port, tls, version, reused, "connection taken");
}

pub(crate) fn tls_established(host: &str, session: &ClientConnection) {
    debug!(
        host,
        version = ?session.protocol_version(),
        cipher_suite = ?session.negotiated_cipher_suite().map(|suite| suite.suite()),
        "TLS handshake done"
    );
}
