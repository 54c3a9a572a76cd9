//! Clients: where they come from, and what each may use.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::counters::{LimitCounters, LimitHit};
use super::limits::ServiceLimits;

/// What the limits count as one client: an IPv4 address, or the network that an IPv6 host chooses its addresses from (RFC 4291 2.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ClientId {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl From<IpAddr> for ClientId {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// Where a request comes from, and whose word that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClientOrigin {
    /// The other side of the connection.
    Peer(IpAddr),
    /// What a trusted proxy says.
    Forwarded(IpAddr),
    /// A trusted proxy that names no client.
    Proxy(IpAddr),
}

impl ClientOrigin {
    /// The address that the limits and the log go by.
    pub(crate) fn address(self) -> IpAddr {
        match self {
            Self::Peer(address) | Self::Forwarded(address) | Self::Proxy(address) => address,
        }
    }
}

/// The proxies whose word about their clients is taken.
pub(crate) struct Proxies(Vec<IpAddr>);

impl Proxies {
    pub(crate) fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
    /// The address that a request comes from: of what trusted proxies add to `X-Forwarded-For`, each at its end, the last
    /// that is none of theirs. What stands before it is the client's own invention.
    pub(crate) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> ClientOrigin {
        if !self.trusts(peer) {
            return ClientOrigin::Peer(peer);
        }
        let mut origin = peer;
        let values = headers.get_all("x-forwarded-for").iter().rev();
        let hops = values.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        for hop in hops {
            if !self.trusts(origin) {
                break;
            }
            let Some(address) = read_address(hop.trim()) else {
                break;
            };
            origin = address.to_canonical();
        }
        match self.trusts(origin) {
            true => ClientOrigin::Proxy(origin),
            false => ClientOrigin::Forwarded(origin),
        }
    }
}

/// An address as proxies write it: bare, in brackets, with a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']').parse();
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.or_else(|_| with_port()).ok()
}

/// With fewer octets left than this, answers have to wait.
const SCARCE: usize = 16 * 1024;

/// What all clients take together, and each for itself.
pub(crate) struct Budget {
    limits: Arc<ServiceLimits>,
    counters: Arc<LimitCounters>,
    bytes: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    shares: Mutex<HashMap<ClientId, Weak<Share>>>,
}

impl Budget {
    pub(crate) fn new(limits: Arc<ServiceLimits>, counters: Arc<LimitCounters>) -> Self {
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self {
            bytes: semaphore(limits.bytes_in_flight),
            requests: semaphore(limits.requests),
            shares: Mutex::default(),
            limits,
            counters,
        }
    }
    /// Whether newcomers find nothing: what others leave lying is then not left to them for long.
    pub(crate) fn is_used_up(&self) -> bool {
        self.requests.available_permits() == 0 || self.bytes.available_permits() < SCARCE
    }
    /// The client's share; there is one as long as anybody holds it.
    pub(crate) fn share(self: &Arc<Self>, client: ClientId) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&client).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Share {
            client,
            bytes: Arc::new(Semaphore::new(
                self.limits
                    .bytes_in_flight_per_client
                    .min(Semaphore::MAX_PERMITS),
            )),
            requests: Arc::new(Semaphore::new(
                self.limits.requests_per_client.min(Semaphore::MAX_PERMITS),
            )),
            budget: self.clone(),
        });
        shares.insert(client, Arc::downgrade(&share));
        share
    }
}

/// What one client may take.
pub(crate) struct Share {
    client: ClientId,
    bytes: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    budget: Arc<Budget>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let shares = &self.budget.shares;
        let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have been made since the last holder of this one let go.
        if shares
            .get(&self.client)
            .is_some_and(|share| share.strong_count() == 0)
        {
            shares.remove(&self.client);
        }
    }
}

/// A part of a budget, given back when dropped.
pub(crate) struct Permit {
    len: usize,
    _of_client: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Permit {
    /// How many octets may be kept under it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Share {
    /// Room for one more request, if there is.
    pub(crate) fn request(&self) -> Option<Permit> {
        let of_client = self.requests.clone().try_acquire_owned();
        let Ok(of_client) = of_client else {
            self.budget.counters.count(LimitHit::ClientRequests);
            return None;
        };
        let Ok(of_all) = self.budget.requests.clone().try_acquire_owned() else {
            self.budget.counters.count(LimitHit::Requests);
            return None;
        };
        Some(Permit {
            len: 1,
            _of_client: of_client,
            _of_all: of_all,
        })
    }

    /// Room for `most` octets; where that cannot be had at once, for `least` as soon as others give theirs back. A client's
    /// whole share is enough for anything. Waits without a limit of its own.
    pub(crate) async fn room(&self, most: usize, least: usize) -> Option<Permit> {
        let whole = self.budget.limits.bytes_in_flight_per_client;
        let whole = whole.min(self.budget.limits.bytes_in_flight);
        let count = |len: usize| u32::try_from(len.min(whole)).unwrap_or(u32::MAX);
        let all = &self.budget.bytes;
        let of_client = self.bytes.clone().try_acquire_many_owned(count(most));
        if let Ok(of_client) = of_client
            && let Ok(of_all) = all.clone().try_acquire_many_owned(count(most))
        {
            return Some(Permit {
                len: most,
                _of_client: of_client,
                _of_all: of_all,
            });
        }
        self.budget.counters.count(LimitHit::Bytes);
        // The client's own first: who waits for all the others holds nothing that they wait for.
        let of_client = self
            .bytes
            .clone()
            .acquire_many_owned(count(least))
            .await
            .ok()?;
        let of_all = all.clone().acquire_many_owned(count(least)).await.ok()?;
        Some(Permit {
            len: least,
            _of_client: of_client,
            _of_all: of_all,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let name = axum::http::HeaderName::from_static("x-forwarded-for");
        let lines = lines
            .iter()
            .map(|line| (name.clone(), line.parse().unwrap()));
        lines.collect()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_adds_itself() {
        type Of = fn(IpAddr) -> ClientOrigin;
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = Proxies::new(&[address("127.0.0.1"), address("10.0.0.1")]);
        let (peer_s, forwarded, proxy_s): (Of, Of, Of) = (
            ClientOrigin::Peer,
            ClientOrigin::Forwarded,
            ClientOrigin::Proxy,
        );
        for (peer, values, whose, origin) in [
            ("192.0.2.1", &["198.51.100.7"][..], peer_s, "192.0.2.1"),
            ("127.0.0.1", &[], proxy_s, "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.7"], forwarded, "198.51.100.7"),
            (
                "::ffff:127.0.0.1",
                &["198.51.100.7"],
                forwarded,
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                &["1.1.1.1, 198.51.100.7"],
                forwarded,
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                &["1.1.1.1", "198.51.100.7, 10.0.0.1"],
                forwarded,
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                &["[2001:db8::1]:443"],
                forwarded,
                "2001:db8::1",
            ),
            ("127.0.0.1", &["198.51.100.7:80"], forwarded, "198.51.100.7"),
            (
                "127.0.0.1",
                &["198.51.100.7, unknown"],
                proxy_s,
                "127.0.0.1",
            ),
        ] {
            assert_eq!(
                proxies.origin(address(peer), &headers(values)),
                whose(address(origin)),
                "{peer} {values:?}"
            );
        }
    }

    #[test]
    fn the_addresses_that_one_host_can_choose_are_one_client() {
        let client = |text: &str| ClientId::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    }

    #[tokio::test]
    async fn one_client_does_not_take_the_share_of_another_and_gives_back_what_it_held() {
        let limits = Arc::new(ServiceLimits {
            bytes_in_flight: 300,
            bytes_in_flight_per_client: 200,
            requests: 3,
            requests_per_client: 2,
            ..ServiceLimits::default()
        });
        let budget = Arc::new(Budget::new(limits, Arc::default()));
        let share = |text: &str| budget.share(ClientId::from(text.parse::<IpAddr>().unwrap()));
        let (greedy, modest) = (share("192.0.2.1"), share("192.0.2.2"));
        let held = greedy.room(150, 10).await.unwrap();
        assert_eq!(held.len(), 150);
        // No 150 are left: it gets the least, up to its share, and then waits.
        let more: Vec<Permit> = [greedy.room(150, 50).await.unwrap()].into();
        assert_eq!(more[0].len(), 50);
        let mut waits = Box::pin(greedy.room(150, 50));
        assert!((&mut waits).now_or_never().is_none());
        assert_eq!(modest.room(100, 100).await.unwrap().len(), 100);
        drop(held);
        assert_eq!(waits.await.unwrap().len(), 50);

        let requests = [greedy.request(), greedy.request()];
        assert!(requests.iter().all(Option::is_some) && greedy.request().is_none());
        assert!(modest.request().is_some());
        drop((requests, greedy, modest, more));
        assert!(budget.shares.lock().unwrap().is_empty());
    }
}
