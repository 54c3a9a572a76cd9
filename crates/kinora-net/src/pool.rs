//! Connections that wait for their next request.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};

use crate::guard::Reach;

/// Servers close idle connections after a minute or more; ours go sooner.
const IDLE: Duration = Duration::from_secs(50);
const MAX_IDLE_OF_ONE: usize = 6;
const MAX_PLACES: usize = 64;

/// Where a connection leads.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// The two ways of asking.
pub(crate) enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed() || !sender.is_ready(),
            Self::Two(sender) => sender.is_closed(),
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
    /// HTTP/2 carries many requests at once.
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::One(_) => None,
            Sender::Two(sender) => Some(Self {
                sender: Sender::Two(sender.clone()),
                peer_public: self.peer_public,
                reused: true,
            }),
        }
    }
}

/// Idle connections by place.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<Place, Vec<(Connection, Instant)>>>);

impl Pool {
    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Vec<(Connection, Instant)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that lies ready there and may be used by a request of that reach.
    pub(crate) fn take(&self, place: &Place, reach: Reach) -> Option<Connection> {
        let mut places = self.lock();
        let idle = places.get_mut(place)?;
        idle.retain(|(connection, since)| !connection.sender.is_closed() && since.elapsed() < IDLE);
        let fits = |found: &(Connection, Instant)| reach != Reach::PublicWeb || found.0.peer_public;
        let at = idle.iter().rposition(fits)?;
        if let Some((connection, since)) = idle.get_mut(at)
            && let Some(shared) = connection.share()
        {
            *since = Instant::now();
            return Some(shared);
        }
        let (connection, _) = idle.remove(at);
        Some(connection)
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, place: &Place, mut connection: Connection) {
        connection.reused = true;
        let mut places = self.lock();
        places.retain(|_, idle| {
            idle.retain(|(connection, since)| {
                !connection.sender.is_closed() && since.elapsed() < IDLE
            });
            !idle.is_empty()
        });
        if places.len() >= MAX_PLACES && !places.contains_key(place) {
            return;
        }
        let idle = places.entry(place.clone()).or_default();
        let shared = matches!(connection.sender, Sender::Two(_));
        if shared
            && idle.iter().any(|(known, _)| {
                matches!(known.sender, Sender::Two(_))
                    && known.peer_public == connection.peer_public
            })
        {
            return;
        }
        if idle.len() < MAX_IDLE_OF_ONE {
            idle.push((connection, Instant::now()));
        }
    }
}
