//! The pool of idle connections.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};

use crate::guard::AddressSpace;

/// Servers close idle connections after a minute or more; ours go sooner.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const MAX_IDLE_PER_DESTINATION: usize = 6;
const MAX_DESTINATIONS: usize = 64;

/// What a connection is keyed by: scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Destination {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Sends requests on a connection, in the version of HTTP that it speaks.
pub(crate) enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed() || !sender.is_ready(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

/// A connection and what is known of its other end.
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    pub(crate) peer_public: bool,
    pub(crate) reused: bool,
}

impl Connection {
    /// Another sender on the same connection: HTTP/2 multiplexes requests (RFC 9113 5).
    pub(crate) fn clone_multiplexed(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                peer_public: self.peer_public,
                reused: true,
            }),
        }
    }
}

/// Idle connections by destination.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<Destination, Vec<(Connection, Instant)>>>);

impl Pool {
    fn lock(&self) -> MutexGuard<'_, HashMap<Destination, Vec<(Connection, Instant)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection that a request restricted to that address space may use.
    pub(crate) fn take(
        &self,
        destination: &Destination,
        address_space: AddressSpace,
    ) -> Option<Connection> {
        let mut destinations = self.lock();
        let idle = destinations.get_mut(destination)?;
        idle.retain(|(connection, since)| {
            !connection.sender.is_closed() && since.elapsed() < IDLE_TIMEOUT
        });
        let usable = |found: &(Connection, Instant)| {
            address_space != AddressSpace::Public || found.0.peer_public
        };
        let at = idle.iter().rposition(usable)?;
        if let Some((connection, since)) = idle.get_mut(at)
            && let Some(shared) = connection.clone_multiplexed()
        {
            *since = Instant::now();
            return Some(shared);
        }
        let (connection, _) = idle.remove(at);
        Some(connection)
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, destination: &Destination, mut connection: Connection) {
        connection.reused = true;
        let mut destinations = self.lock();
        destinations.retain(|_, idle| {
            idle.retain(|(connection, since)| {
                !connection.sender.is_closed() && since.elapsed() < IDLE_TIMEOUT
            });
            !idle.is_empty()
        });
        if destinations.len() >= MAX_DESTINATIONS && !destinations.contains_key(destination) {
            return;
        }
        let idle = destinations.entry(destination.clone()).or_default();
        let shared = matches!(connection.sender, Sender::Http2(_));
        if shared
            && idle.iter().any(|(known, _)| {
                matches!(known.sender, Sender::Http2(_))
                    && known.peer_public == connection.peer_public
            })
        {
            return;
        }
        if idle.len() < MAX_IDLE_PER_DESTINATION {
            idle.push((connection, Instant::now()));
        }
    }
}
