//! The connections that are open: who may come in, and who gives way.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::client::{Client, Proxies};
use super::limits::Limits;
use super::pulse::{Order, Pulse, Ticks, millis};
use super::tally::{Hit, Tally};

/// How long a newcomer waits for the place of one that gives way, which is a matter of microseconds.
const LEAVING: Duration = Duration::from_secs(1);

/// Connections by the turn in which they fell idle.
type Idle = BTreeMap<u64, u64>;

/// All open connections.
pub(super) struct Connections {
    limits: Arc<Limits>,
    tally: Arc<Tally>,
    proxies: Proxies,
    ticks: Ticks,
    register: Mutex<Register>,
    /// Rings when one has left.
    left: Notify,
}

#[derive(Default)]
struct Register {
    open: HashMap<u64, Entry>,
    idle: Idle,
    clients: HashMap<Client, Places>,
    /// Numbers connections and turns alike.
    next: u64,
}

struct Entry {
    pulse: Arc<Pulse>,
    idle_turn: Option<u64>,
    /// It was told to leave and will have done so soon.
    leaves: bool,
}

/// What one client has open.
#[derive(Default)]
struct Places {
    open: usize,
    idle: Idle,
}

impl Register {
    fn turn(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
    fn insert(&mut self, pulse: &Arc<Pulse>) -> u64 {
        let id = self.turn();
        if let Some(client) = pulse.client {
            self.clients.entry(client).or_default().open += 1;
        }
        let entry = Entry {
            pulse: pulse.clone(),
            idle_turn: None,
            leaves: false,
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
        if entry.leaves {
            return;
        }
        entry.idle_turn = Some(turn);
        self.idle.insert(turn, id);
        let places = entry
            .pulse
            .client
            .and_then(|client| self.clients.get_mut(&client));
        if let Some(places) = places {
            places.idle.insert(turn, id);
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
        let places = entry
            .pulse
            .client
            .and_then(|client| self.clients.get_mut(&client));
        if let Some(places) = places {
            places.idle.remove(&turn);
        }
    }
    fn remove(&mut self, id: u64) {
        self.set_busy(id);
        let Some(client) = self.open.remove(&id).and_then(|entry| entry.pulse.client) else {
            return;
        };
        if let Some(places) = self.clients.get_mut(&client) {
            places.open -= 1;
            if places.open == 0 {
                self.clients.remove(&client);
            }
        }
    }
    /// The one that is idle longest, of this client or of all; where all are at work, the one whose answer has
    /// lain untaken longest, from that moment at the latest.
    fn choose(&mut self, among: Option<Client>, stuck_by: u64) -> Option<Arc<Pulse>> {
        let idle = match among {
            Some(client) => self.clients.get(&client).map(|places| &places.idle),
            None => Some(&self.idle),
        };
        let id = idle
            .and_then(|idle| idle.first_key_value())
            .map(|(_, id)| *id);
        let id = id.or_else(|| self.stuck(among, stuck_by))?;
        self.set_busy(id);
        let entry = self.open.get_mut(&id)?;
        entry.leaves = true;
        entry.pulse.give(Order::Leave);
        Some(entry.pulse.clone())
    }
    fn stuck(&self, among: Option<Client>, by: u64) -> Option<u64> {
        let stuck = self.open.iter().filter_map(|(id, entry)| {
            let of_them = among.is_none() || entry.pulse.client == among;
            let since = entry.pulse.stuck_since().filter(|since| *since <= by)?;
            (of_them && !entry.leaves).then_some((since, *id))
        });
        stuck.min().map(|(_, id)| id)
    }
}

/// Why a newcomer finds no place.
enum Full {
    /// This one leaves and makes room.
    Leaving(Arc<Pulse>),
    Refused,
}

impl Connections {
    pub(super) fn new(limits: Arc<Limits>, tally: Arc<Tally>, proxies: Proxies) -> Self {
        Self {
            limits,
            tally,
            proxies,
            ticks: Ticks::start(),
            register: Mutex::default(),
            left: Notify::new(),
        }
    }
    fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }
    pub(super) fn count(&self) -> usize {
        self.register().open.len()
    }

    /// A place for a connection from that address, another's where there is no free one.
    pub(super) async fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let client = (!self.proxies.trusts(peer)).then(|| Client::from(peer));
        let admitted = async {
            loop {
                match self.enter(peer, client) {
                    Ok(seat) => return Some(seat),
                    Err(Full::Leaving(other)) => other.gone.notified().await,
                    Err(Full::Refused) => return None,
                }
            }
        };
        let admitted = tokio::time::timeout(LEAVING, admitted).await;
        admitted.ok().flatten()
    }

    fn enter(self: &Arc<Self>, peer: IpAddr, client: Option<Client>) -> Result<Seat, Full> {
        let mut register = self.register();
        let of_client = client.and_then(|client| register.clients.get(&client));
        let among =
            if of_client.is_some_and(|places| places.open >= self.limits.connections_per_client) {
                self.tally.count(Hit::ClientConnections);
                client
            } else if register.open.len() >= self.limits.connections {
                self.tally.count(Hit::Connections);
                None
            } else {
                let pulse = Arc::new(Pulse::new(self.ticks.clone(), client));
                let id = register.insert(&pulse);
                return Ok(Seat {
                    id,
                    peer,
                    pulse,
                    connections: self.clone(),
                });
            };
        Err(self.make_room(&mut register, among))
    }

    fn make_room(&self, register: &mut Register, among: Option<Client>) -> Full {
        let patience = millis(self.limits.short_stall());
        let stuck_by = self.ticks.now().saturating_sub(patience);
        let chosen = register.choose(among, stuck_by);
        chosen.map_or(Full::Refused, Full::Leaving)
    }

    /// The system has no file for a newcomer: one that is idle gives its own back.
    pub(super) async fn want_of_files(&self) {
        self.tally.count(Hit::OpenFiles);
        let room = self.make_room(&mut self.register(), None);
        if let Full::Leaving(other) = room {
            let _ = tokio::time::timeout(LEAVING, other.gone.notified()).await;
        }
    }

    /// Tells all, and waits until they have done so.
    pub(super) async fn end(&self, order: Order, within: Duration) {
        for entry in self.register().open.values() {
            entry.pulse.give(order);
        }
        let empty = async {
            loop {
                let left = self.left.notified();
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
pub(super) struct Seat {
    id: u64,
    pub(super) peer: IpAddr,
    pub(super) pulse: Arc<Pulse>,
    connections: Arc<Connections>,
}

impl Seat {
    pub(super) fn proxies(&self) -> &Proxies {
        self.connections.proxies()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.register().remove(self.id);
        self.pulse.gone.notify_one();
        self.connections.left.notify_one();
    }
}

/// A request that is being answered: as long as there is one, its connection is not idle.
pub(super) struct AtWork {
    id: u64,
    pulse: Arc<Pulse>,
    connections: Arc<Connections>,
}

impl AtWork {
    pub(super) fn begin(seat: &Seat, http2: bool) -> Self {
        let mut register = seat.connections.register();
        if seat.pulse.begin(http2) {
            register.set_busy(seat.id);
        }
        Self {
            id: seat.id,
            pulse: seat.pulse.clone(),
            connections: seat.connections.clone(),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut register = self.connections.register();
        if self.pulse.end() {
            register.set_idle(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn connections(all: usize, of_one: usize) -> Arc<Connections> {
        let limits = Limits {
            connections: all,
            connections_per_client: of_one,
            ..Limits::default()
        };
        let proxies = Proxies::new(&[IpAddr::from([127, 0, 0, 1])]);
        let mut connections = Connections::new(Arc::new(limits), Arc::default(), proxies);
        connections.ticks = Ticks::manual();
        Arc::new(connections)
    }

    fn leaves(seat: &Seat) -> bool {
        seat.connections.register().open[&seat.id].leaves
    }

    /// Lets one in as a server does, where those that are told to leave do so.
    async fn admit(connections: &Arc<Connections>, last: u8, seats: &mut Vec<Seat>) -> bool {
        let newcomer = {
            let mut coming = Box::pin(connections.admit(IpAddr::from([192, 0, 2, last])));
            match (&mut coming).now_or_never() {
                Some(seat) => seat,
                None => {
                    seats.retain(|seat| !leaves(seat));
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
        let first = AtWork::begin(&seats[0], false);
        let second = AtWork::begin(&seats[1], false);
        drop(second);
        // Of 2 and 3 the latter is idle longer.
        assert!(admit(&connections, 4, &mut seats).await);
        let peers = |seats: &[Seat]| {
            seats
                .iter()
                .map(|seat| seat.peer.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(peers(&seats), ["192.0.2.1", "192.0.2.2", "192.0.2.4"]);

        // All at work: none gives way, unless its answer lies untaken.
        let work: Vec<AtWork> = seats.iter().map(|seat| AtWork::begin(seat, true)).collect();
        assert!(!admit(&connections, 5, &mut seats).await);
        seats[1].pulse.stuck();
        connections.ticks.advance(Duration::from_secs(14));
        assert!(!admit(&connections, 5, &mut seats).await);
        connections.ticks.advance(Duration::from_secs(2));
        assert!(admit(&connections, 5, &mut seats).await);
        assert_eq!(peers(&seats), ["192.0.2.1", "192.0.2.4", "192.0.2.5"]);
        drop((first, work, seats));
        let register = connections.register();
        assert!(
            register.open.is_empty() && register.idle.is_empty() && register.clients.is_empty()
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
            let seat = connections.admit(IpAddr::from([127, 0, 0, 1])).await;
            seats.extend(seat);
        }
        assert_eq!(connections.count(), 10);
    }
}
