//! The connections that are open: who may come in, and who gives way.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::activity::{Activity, CloseMode, Ticks, millis};
use crate::context::{ClientId, LimitCounters, LimitHit, Proxies, ServiceLimits};

/// How long a new connection waits for the slot of an evicted one, which is a matter of microseconds.
const EVICTION_LIMIT: Duration = Duration::from_secs(1);

/// Connections by the turn in which they fell idle.
type Idle = BTreeMap<u64, u64>;

/// All open connections.
pub(super) struct Connections {
    limits: Arc<ServiceLimits>,
    counters: Arc<LimitCounters>,
    proxies: Proxies,
    ticks: Ticks,
    registry: Mutex<Registry>,
    /// Notified when a connection was closed.
    one_closed: Notify,
}

#[derive(Default)]
struct Registry {
    open: HashMap<u64, OpenConnection>,
    idle: Idle,
    clients: HashMap<ClientId, ClientConnections>,
    /// Numbers connections and turns alike.
    next: u64,
}

struct OpenConnection {
    activity: Arc<Activity>,
    idle_turn: Option<u64>,
    /// It was asked to close, and does so soon.
    evicted: bool,
}

/// What one client has open.
#[derive(Default)]
struct ClientConnections {
    open: usize,
    idle: Idle,
}

impl Registry {
    fn turn(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
    fn insert(&mut self, activity: &Arc<Activity>) -> u64 {
        let id = self.turn();
        if let Some(client) = activity.client {
            self.clients.entry(client).or_default().open += 1;
        }
        let entry = OpenConnection {
            activity: activity.clone(),
            idle_turn: None,
            evicted: false,
        };
        self.open.insert(id, entry);
        self.set_idle(id);
        id
    }
    fn set_idle(&mut self, id: u64) {
        let turn = self.turn();
        let Some(entry) = self.open.get_mut(&id) else {
            return;
        };
        if entry.evicted {
            return;
        }
        entry.idle_turn = Some(turn);
        self.idle.insert(turn, id);
        let of_client = entry
            .activity
            .client
            .and_then(|client| self.clients.get_mut(&client));
        if let Some(of_client) = of_client {
            of_client.idle.insert(turn, id);
        }
    }
    fn set_busy(&mut self, id: u64) {
        let Some(entry) = self.open.get_mut(&id) else {
            return;
        };
        let Some(turn) = entry.idle_turn.take() else {
            return;
        };
        self.idle.remove(&turn);
        let of_client = entry
            .activity
            .client
            .and_then(|client| self.clients.get_mut(&client));
        if let Some(of_client) = of_client {
            of_client.idle.remove(&turn);
        }
    }
    fn remove(&mut self, id: u64) {
        self.set_busy(id);
        let Some(client) = self
            .open
            .remove(&id)
            .and_then(|entry| entry.activity.client)
        else {
            return;
        };
        if let Some(of_client) = self.clients.get_mut(&client) {
            of_client.open -= 1;
            if of_client.open == 0 {
                self.clients.remove(&client);
            }
        }
    }
    /// The one that is idle longest, of this client or of all; where all are at work, the one whose answer has
    /// lain untaken longest, from that moment at the latest.
    fn evict(&mut self, among: Option<ClientId>, stalled_by: u64) -> Option<Arc<Activity>> {
        let idle = match among {
            Some(client) => self.clients.get(&client).map(|of_client| &of_client.idle),
            None => Some(&self.idle),
        };
        let id = idle
            .and_then(|idle| idle.first_key_value())
            .map(|(_, id)| *id);
        let id = id.or_else(|| self.longest_stalled(among, stalled_by))?;
        self.set_busy(id);
        let entry = self.open.get_mut(&id)?;
        entry.evicted = true;
        entry.activity.request_close(CloseMode::Immediate);
        Some(entry.activity.clone())
    }
    fn longest_stalled(&self, among: Option<ClientId>, by: u64) -> Option<u64> {
        let stalled = self.open.iter().filter_map(|(id, entry)| {
            let of_them = among.is_none() || entry.activity.client == among;
            let since = entry
                .activity
                .stalled_since()
                .filter(|since| *since <= by)?;
            (of_them && !entry.evicted).then_some((since, *id))
        });
        stalled.min().map(|(_, id)| id)
    }
}

/// Why a newcomer finds no place.
enum Full {
    /// This one leaves and makes room.
    Evicting(Arc<Activity>),
    Refused,
}

impl Connections {
    pub(super) fn new(
        limits: Arc<ServiceLimits>,
        counters: Arc<LimitCounters>,
        proxies: Proxies,
    ) -> Self {
        Self {
            limits,
            counters,
            proxies,
            ticks: Ticks::start(),
            registry: Mutex::default(),
            one_closed: Notify::new(),
        }
    }
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }
    pub(super) fn count(&self) -> usize {
        self.registry().open.len()
    }

    /// A place for a connection from that address, another's where there is no free one.
    pub(super) async fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionSlot> {
        let client = (!self.proxies.trusts(peer)).then(|| ClientId::from(peer));
        let admitted = async {
            loop {
                match self.enter(peer, client) {
                    Ok(slot) => return Some(slot),
                    Err(Full::Evicting(other)) => other.closed.notified().await,
                    Err(Full::Refused) => return None,
                }
            }
        };
        let admitted = tokio::time::timeout(EVICTION_LIMIT, admitted).await;
        admitted.ok().flatten()
    }

    fn enter(
        self: &Arc<Self>,
        peer: IpAddr,
        client: Option<ClientId>,
    ) -> Result<ConnectionSlot, Full> {
        let mut registry = self.registry();
        let of_client = client.and_then(|client| registry.clients.get(&client));
        let among = if of_client
            .is_some_and(|of_client| of_client.open >= self.limits.connections_per_client)
        {
            self.counters.count(LimitHit::ClientConnections);
            client
        } else if registry.open.len() >= self.limits.connections {
            self.counters.count(LimitHit::Connections);
            None
        } else {
            let activity = Arc::new(Activity::new(self.ticks.clone(), client));
            let id = registry.insert(&activity);
            return Ok(ConnectionSlot {
                id,
                peer,
                activity,
                connections: self.clone(),
            });
        };
        Err(self.make_room(&mut registry, among))
    }

    fn make_room(&self, registry: &mut Registry, among: Option<ClientId>) -> Full {
        let patience = millis(self.limits.short_stall());
        let stalled_by = self.ticks.now().saturating_sub(patience);
        let chosen = registry.evict(among, stalled_by);
        chosen.map_or(Full::Refused, Full::Evicting)
    }

    /// The system has no file for a newcomer: one that is idle gives its own back.
    pub(super) async fn out_of_files(&self) {
        self.counters.count(LimitHit::OpenFiles);
        let room = self.make_room(&mut self.registry(), None);
        if let Full::Evicting(other) = room {
            let _ = tokio::time::timeout(EVICTION_LIMIT, other.closed.notified()).await;
        }
    }

    /// Closes all, and waits until they are closed.
    pub(super) async fn close(&self, mode: CloseMode, within: Duration) {
        for entry in self.registry().open.values() {
            entry.activity.request_close(mode);
        }
        let empty = async {
            loop {
                let left = self.one_closed.notified();
                if self.count() == 0 {
                    return;
                }
                left.await;
            }
        };
        let _ = tokio::time::timeout(within, empty).await;
    }
}

/// A connection's place among the open ones; given back when dropped.
pub(super) struct ConnectionSlot {
    id: u64,
    pub(super) peer: IpAddr,
    pub(super) activity: Arc<Activity>,
    connections: Arc<Connections>,
}

impl ConnectionSlot {
    pub(super) fn proxies(&self) -> &Proxies {
        self.connections.proxies()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.registry().remove(self.id);
        self.activity.closed.notify_one();
        self.connections.one_closed.notify_one();
    }
}

/// A request that is being answered: as long as there is one, its connection is not idle.
pub(super) struct ActiveRequest {
    id: u64,
    activity: Arc<Activity>,
    connections: Arc<Connections>,
}

impl ActiveRequest {
    pub(super) fn begin(slot: &ConnectionSlot, http2: bool) -> Self {
        let mut registry = slot.connections.registry();
        if slot.activity.begin(http2) {
            registry.set_busy(slot.id);
        }
        Self {
            id: slot.id,
            activity: slot.activity.clone(),
            connections: slot.connections.clone(),
        }
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut registry = self.connections.registry();
        if self.activity.end() {
            registry.set_idle(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn connections(all: usize, of_one: usize) -> Arc<Connections> {
        let limits = ServiceLimits {
            connections: all,
            connections_per_client: of_one,
            ..ServiceLimits::default()
        };
        let proxies = Proxies::new(&[IpAddr::from([127, 0, 0, 1])]);
        let mut connections = Connections::new(Arc::new(limits), Arc::default(), proxies);
        connections.ticks = Ticks::manual();
        Arc::new(connections)
    }

    fn leaves(slot: &ConnectionSlot) -> bool {
        slot.connections.registry().open[&slot.id].evicted
    }

    /// Lets one in as a server does, where those that are told to leave do so.
    async fn admit(
        connections: &Arc<Connections>,
        last: u8,
        seats: &mut Vec<ConnectionSlot>,
    ) -> bool {
        let newcomer = {
            let mut coming = Box::pin(connections.admit(IpAddr::from([192, 0, 2, last])));
            match (&mut coming).now_or_never() {
                Some(slot) => slot,
                None => {
                    seats.retain(|slot| !leaves(slot));
                    coming.await
                }
            }
        };
        let came = newcomer.is_some();
        seats.extend(newcomer);
        came
    }

    #[tokio::test]
    async fn who_is_idle_longest_gives_way_and_who_is_at_work_does_not() {
        let connections = connections(3, 3);
        let mut seats = Vec::new();
        for last in [1, 2, 3] {
            assert!(admit(&connections, last, &mut seats).await);
        }
        let first = ActiveRequest::begin(&seats[0], false);
        let second = ActiveRequest::begin(&seats[1], false);
        drop(second);
        // Of 2 and 3 the latter is idle longer.
        assert!(admit(&connections, 4, &mut seats).await);
        let peers = |seats: &[ConnectionSlot]| {
            seats
                .iter()
                .map(|slot| slot.peer.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(peers(&seats), ["192.0.2.1", "192.0.2.2", "192.0.2.4"]);

        // All at work: none gives way, unless its answer lies untaken.
        let work: Vec<ActiveRequest> = seats
            .iter()
            .map(|slot| ActiveRequest::begin(slot, true))
            .collect();
        assert!(!admit(&connections, 5, &mut seats).await);
        seats[1].activity.stalled();
        connections.ticks.advance(Duration::from_secs(14));
        assert!(!admit(&connections, 5, &mut seats).await);
        connections.ticks.advance(Duration::from_secs(2));
        assert!(admit(&connections, 5, &mut seats).await);
        assert_eq!(peers(&seats), ["192.0.2.1", "192.0.2.4", "192.0.2.5"]);
        drop((first, work, seats));
        let registry = connections.registry();
        assert!(
            registry.open.is_empty() && registry.idle.is_empty() && registry.clients.is_empty()
        );
    }

    #[tokio::test]
    async fn a_client_with_many_is_in_its_own_way_only() {
        let connections = connections(10, 2);
        let mut seats = Vec::new();
        assert!(admit(&connections, 9, &mut seats).await);
        for _ in 0..50 {
            assert!(admit(&connections, 1, &mut seats).await);
        }
        assert_eq!(connections.count(), 3);
        assert_eq!(seats[0].peer.to_string(), "192.0.2.9");
        // A trusted proxy speaks for many clients.
        for _ in 0..7 {
            let slot = connections.admit(IpAddr::from([127, 0, 0, 1])).await;
            seats.extend(slot);
        }
        assert_eq!(connections.count(), 10);
    }
}
