//! The pool of idle connections.

use std::collections::HashMap;
use std::net::IpAddr;
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
    /// The server's address; `None` behind a proxy.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) peer_public: bool,
    pub(crate) reused: bool,
    pub(crate) generation: Generation,
}

/// Counts the networks that the machine was in: connections of an earlier one are dead, though nothing says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Generation(u64);

impl Connection {
    /// Another sender on the same connection: HTTP/2 multiplexes requests (RFC 9113 5).
    pub(crate) fn clone_multiplexed(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                peer: self.peer,
                peer_public: self.peer_public,
                reused: true,
                generation: self.generation,
            }),
        }
    }
}

/// Idle connections by destination.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    generation: Generation,
    destinations: HashMap<Destination, Vec<(Connection, Instant)>>,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn generation(&self) -> Generation {
        self.lock().generation
    }

    /// Forgets all connections; those that are in use do not come back.
    pub(crate) fn clear(&self) {
        let mut idle = self.lock();
        idle.generation.0 += 1;
        idle.destinations.clear();
    }

    /// An idle connection that a request restricted to that address space may use.
    pub(crate) fn take(
        &self,
        destination: &Destination,
        address_space: AddressSpace,
    ) -> Option<Connection> {
        let mut idle = self.lock();
        let idle = idle.destinations.get_mut(destination)?;
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
        let mut idle = self.lock();
        if connection.generation != idle.generation {
            return;
        }
        let destinations = &mut idle.destinations;
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
