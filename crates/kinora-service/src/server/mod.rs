//! Connections: accepted up to a number, each with limits on its times and buffers.

mod client;
mod connections;
mod front;
mod housekeeping;
mod limits;
mod pulse;
mod record;
mod streams;
mod tally;
mod wire;

pub(crate) use client::{Held, Origin};
pub(crate) use front::Visit;
pub(crate) use limits::open_files;
pub use limits::{Limits, raise_open_files};
pub(crate) use record::{Reason, action as told_action, key_id as told_key_id};

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
use tower_http::cors::{Any, CorsLayer};
use tracing::{info, warn};

use crate::error::ServiceError;
use crate::service::Shared;
use crate::{delivery, gateway};
use client::{Budget, Proxies};
use connections::Connections;
use front::Front;
use pulse::Order;
use streams::StreamExecutor;
use tally::Tally;

const MAX_HEAD_LEN: u32 = 64 * 1024;
/// What an HTTP/2 client may send of bodies before the service takes them: those of the gateway are short.
const BODY_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// How often an HTTP/2 peer is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Pause after a failed accept, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// What connections have to be dropped in, when the grace is over.
const DROPPING: Duration = Duration::from_secs(1);

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServiceError::PortInUse { address, source },
            _ => ServiceError::Listen { address, source },
        })
}

fn routes(shared: Arc<Shared>) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::OPTIONS])
        .allow_headers(Any)
        .expose_headers([
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ACCEPT_RANGES,
            header::ETAG,
            HeaderName::from_static("x-tengine-error"),
            front::REQUEST_ID,
        ])
        .max_age(Duration::from_secs(3600));
    Router::new()
        .route("/", any(gateway::answer))
        .route("/media/{video}/{file}", any(delivery::answer))
        .layer(cors)
        .with_state(shared)
}

fn protocols(
    limits: &Arc<Limits>,
    budget: &Arc<Budget>,
    tally: &Arc<Tally>,
) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(StreamExecutor {
        limits: limits.clone(),
        budget: budget.clone(),
        tally: tally.clone(),
    });
    // Times are kept by `wire`, for both protocols and for the octets that tell which it is.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_LEN as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .initial_stream_window_size(BODY_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(MAX_HEAD_LEN);
    builder
}

pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    trusted_proxies: &[IpAddr],
    shutdown: impl Future<Output = ()> + Send,
    grace: Duration,
) {
    let limits = shared.limits.clone();
    let tally = Arc::new(Tally::default());
    let proxies = Proxies::new(trusted_proxies);
    let connections = Arc::new(Connections::new(limits.clone(), tally.clone(), proxies));
    info!(
        address = %shared.address,
        connections = limits.connections,
        requests = limits.requests,
        bytes_in_flight = limits.bytes_in_flight,
        "listening"
    );
    tokio::select! {
        () = accept(&listener, &shared, &connections, &tally) => {}
        () = housekeeping::run(&shared, &tally) => {}
        () = shutdown => {}
    }
    drop(listener);
    info!(connections = connections.count(), "stopping");
    connections.end(Order::Finish, grace).await;
    let left = connections.count();
    if left > 0 {
        warn!(connections = left, "the grace is over: connections are cut");
    }
    connections.end(Order::Leave, DROPPING).await;
    housekeeping::tell_now(&shared, &tally);
    info!("stopped");
}

/// Lets connections in, for ever.
async fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    connections: &Arc<Connections>,
    tally: &Arc<Tally>,
) {
    let app = routes(shared.clone());
    let budget = Arc::new(Budget::new(shared.limits.clone(), tally.clone()));
    let builder = protocols(&shared.limits, &budget, tally);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // It went before it was let in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                connections.want_of_files().await;
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(seat) = connections.admit(peer.ip()).await else {
            continue;
        };
        let front = Front::new(&app, &budget, seat);
        let (limits, tally) = (shared.limits.clone(), tally.clone());
        tokio::spawn(wire::serve(stream, front, builder.clone(), limits, tally));
    }
}
