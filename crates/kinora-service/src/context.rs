//! What is known and counted while requests are answered: the state that all share, what belongs to one request, the
//! limits of clients and the access log.

mod access_log;
mod client;
mod counters;
mod limits;

use std::net::SocketAddr;
use std::sync::Arc;

use kinora_errors::Secret;

use crate::data_dir::Core;
use crate::store::Nonces;

pub(crate) use access_log::{
    AccessLogEntry, Reason, loggable_action, loggable_key_id, loggable_method, loggable_path,
};
pub(crate) use client::{Budget, ClientId, ClientOrigin, Permit, Proxies, Share};
pub(crate) use counters::{LimitCounters, LimitHit};
pub(crate) use limits::open_files;
pub use limits::{ServiceLimits, raise_open_files};

/// What requests are answered with.
pub(crate) struct AppState {
    pub(crate) core: Arc<Core>,
    pub(crate) nonces: Nonces,
    pub(crate) address: SocketAddr,
    pub(crate) public_url: Option<url::Url>,
    pub(crate) region: String,
    /// The key of type A URL signing.
    pub(crate) url_key: Secret,
    pub(crate) limits: Arc<ServiceLimits>,
}

/// What the parts that answer know of a request beside its text.
#[derive(Clone)]
pub(crate) struct RequestInfo {
    /// The request's id: in the answer and in the log.
    pub(crate) request_id: String,
    /// Where it comes from.
    pub(crate) origin: ClientOrigin,
    /// What its client may take.
    pub(crate) share: Arc<Share>,
    pub(crate) http2: bool,
}
