//! Connections: accepted up to a number, each with limits on its times and buffers.

mod activity;
mod connection;
mod connections;
mod housekeeping;
mod request_service;
mod streams;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::routing::any;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tracing::{info, warn};

use crate::context::{AppState, Budget, LimitCounters, Proxies, ServiceLimits};
use crate::error::ServiceError;
use crate::{delivery, gateway};
use activity::CloseMode;
use connections::Connections;
use request_service::RequestService;
use streams::StreamExecutor;

const MAX_HEAD_LEN: u32 = 64 * 1024;
/// What an HTTP/2 client may send of bodies before the service takes them: those of the gateway are short.
const BODY_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// How often an HTTP/2 peer is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Pause after a failed accept, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// What connections have to be dropped in, when the grace is over.
const ABORT_LIMIT: Duration = Duration::from_secs(1);

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServiceError::PortInUse { address, source },
            _ => ServiceError::Listen { address, source },
        })
}

fn routes(state: Arc<AppState>) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::OPTIONS])
        // Not `*`: Authorization is not among what that allows (Fetch, CORS protocol).
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ACCEPT_RANGES,
            header::ETAG,
            HeaderName::from_static("x-tengine-error"),
            request_service::REQUEST_ID,
        ])
        .max_age(Duration::from_secs(3600));
    Router::new()
        .route("/", any(gateway::answer))
        .route("/media/{video}/{file}", any(delivery::answer))
        .layer(cors)
        .with_state(state)
}

fn protocols(
    limits: &Arc<ServiceLimits>,
    budget: &Arc<Budget>,
    counters: &Arc<LimitCounters>,
) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(StreamExecutor {
        limits: limits.clone(),
        budget: budget.clone(),
        counters: counters.clone(),
    });
    // Times are kept by `connection`, for both protocols and for the octets that tell which it is.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_LEN as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .initial_stream_window_size(BODY_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(MAX_HEAD_LEN);
    builder
}

pub(crate) async fn run(
    listener: TcpListener,
    state: Arc<AppState>,
    trusted_proxies: &[IpAddr],
    shutdown: impl Future<Output = ()> + Send,
    grace: Duration,
) {
    let limits = state.limits.clone();
    let counters = Arc::new(LimitCounters::default());
    let proxies = Proxies::new(trusted_proxies);
    let connections = Arc::new(Connections::new(limits.clone(), counters.clone(), proxies));
    info!(
        address = %state.address,
        connections = limits.connections,
        requests = limits.requests,
        bytes_in_flight = limits.bytes_in_flight,
        "listening"
    );
    tokio::select! {
        () = accept(&listener, &state, &connections, &counters) => {}
        () = housekeeping::run(&state, &counters) => {}
        () = shutdown => {}
    }
    drop(listener);
    info!(connections = connections.count(), "stopping");
    connections.close(CloseMode::Graceful, grace).await;
    let left = connections.count();
    if left > 0 {
        warn!(connections = left, "the grace is over: connections are cut");
    }
    connections.close(CloseMode::Immediate, ABORT_LIMIT).await;
    housekeeping::report_now(&state, &counters);
    info!("stopped");
}

/// Lets connections in, for ever.
async fn accept(
    listener: &TcpListener,
    state: &Arc<AppState>,
    connections: &Arc<Connections>,
    counters: &Arc<LimitCounters>,
) {
    let app = routes(state.clone());
    let budget = Arc::new(Budget::new(state.limits.clone(), counters.clone()));
    let builder = protocols(&state.limits, &budget, counters);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // It went before it was let in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                connections.out_of_files().await;
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(slot) = connections.admit(peer.ip()).await else {
            continue;
        };
        let service = RequestService::new(&app, &budget, slot);
        let (limits, counters) = (state.limits.clone(), counters.clone());
        tokio::spawn(connection::serve(
            stream,
            service,
            builder.clone(),
            limits,
            counters,
        ));
    }
}
