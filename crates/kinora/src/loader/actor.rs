//! The loader's thread: drives the readers of all that is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kinora_cache::{CacheError, CacheKey, Store};
use kinora_engine::{Capabilities, Input, Locator, PacketReader, Read, RenditionChoice};
use kinora_errors::{Code, Coded as _, Fault, Secret};
use kinora_media::{Packet, Time};
use kinora_net::{CacheNotice, HttpCache, Net, Resolve};

use super::{LoadAmount, LoadEvent, LoadId, LoaderOptions, Message, Wanted};
use crate::clock::SystemClock;
use crate::reader::carry_out;
use crate::source::Source;

/// What came last of a load is waited for so long until it is in the cache.
const MAX_SETTLE: Duration = Duration::from_secs(2);
/// So many packets are read before what else happens is looked at.
const PACKETS_AT_ONCE: usize = 256;

pub(super) struct Actor {
    store: Arc<dyn Store>,
    key: CacheKey,
    options: LoaderOptions,
    resolver: Arc<dyn Resolve>,
    clock: SystemClock,
    messages: Sender<Message>,
    reports: Sender<LoadEvent>,
    /// In the order in which they came.
    waiting: BTreeMap<LoadId, Wanted>,
    loading: BTreeMap<LoadId, Load>,
    paused: BTreeSet<LoadId>,
    /// The player that goes first, by its number.
    player: u64,
    /// It has enough.
    open: bool,
}

/// A source that is being loaded.
struct Load {
    reader: PacketReader,
    net: Net,
    cache: HttpCache,
    /// Why what came can not be kept.
    lost: Arc<Mutex<Option<Fault>>>,
    amount: LoadAmount,
    /// The time of the first packet.
    begin: Option<Time>,
    /// Where it is, if that was said.
    url: Option<Secret>,
}

/// What a step of a load comes to.
enum Progress {
    /// It waits for the network.
    Pending,
    /// There is more to read at once.
    More,
    Loaded,
    Failed(Fault),
}

impl Actor {
    pub(super) fn new(
        store: Arc<dyn Store>,
        key: CacheKey,
        options: LoaderOptions,
        resolver: Arc<dyn Resolve>,
        messages: Sender<Message>,
        reports: Sender<LoadEvent>,
    ) -> Self {
        Self {
            store,
            key,
            options,
            resolver,
            clock: SystemClock::new(),
            messages,
            reports,
            waiting: BTreeMap::new(),
            loading: BTreeMap::new(),
            paused: BTreeSet::new(),
            player: 0,
            open: true,
        }
    }

    pub(super) fn run(mut self, mailbox: &Receiver<Message>) {
        let mut busy = false;
        loop {
            let message = match self.next_wakeup(busy) {
                Some(wait) => mailbox.recv_timeout(wait),
                None => mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.begin_waiting();
            busy = self.step();
        }
    }

    /// How long nothing is to be done, if no message comes; `None`: for good.
    fn next_wakeup(&self, busy: bool) -> Option<Duration> {
        if busy {
            return Some(Duration::ZERO);
        }
        let now = self.clock.mono();
        let running = self.loading.iter().filter(|(id, _)| self.runs(**id));
        let next = running
            .filter_map(|(_, load)| load.reader.deadline())
            .min()?;
        Some((next - now).to_duration())
    }

    fn runs(&self, id: LoadId) -> bool {
        self.open && !self.paused.contains(&id)
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Load(id, wanted) => drop(self.waiting.insert(id, wanted)),
            Message::Cancel(id) => self.cancel(id),
            Message::CancelAll => {
                let all = self.waiting.keys().chain(self.loading.keys());
                let all: Vec<LoadId> = all.copied().collect();
                all.into_iter().for_each(|id| self.cancel(id));
            }
            Message::Pause(id) if self.is_known(id) => drop(self.paused.insert(id)),
            Message::Resume(id) => drop(self.paused.remove(&id)),
            Message::Gate(player, open) if player >= self.player => {
                (self.player, self.open) = (player, open);
            }
            Message::Fetch(id, event) => {
                if let Some(load) = self.loading.get_mut(&id) {
                    load.reader.handle(self.clock.now(), Input::Fetch(event));
                }
            }
            Message::Pause(_) | Message::Gate(..) | Message::Close => {}
        }
    }

    fn is_known(&self, id: LoadId) -> bool {
        self.waiting.contains_key(&id) || self.loading.contains_key(&id)
    }

    fn cancel(&mut self, id: LoadId) {
        let waited = self.waiting.remove(&id).is_some();
        if self.loading.remove(&id).is_some() || waited {
            self.report(LoadEvent::Cancelled { id });
        }
    }

    fn report(&mut self, event: LoadEvent) {
        self.paused.remove(&event.id());
        // Nobody may listen.
        let _ = self.reports.send(event);
    }

    /// Begins with those that there is room for.
    fn begin_waiting(&mut self) {
        while self.open && self.loading.len() < self.options.at_once.max(1) {
            let next = self
                .waiting
                .keys()
                .find(|id| !self.paused.contains(id))
                .copied();
            let Some((id, wanted)) = next.and_then(|id| self.waiting.remove_entry(&id)) else {
                return;
            };
            match self.begin(id, wanted) {
                Ok(load) => drop(self.loading.insert(id, load)),
                Err(fault) => self.report(LoadEvent::Failed { id, fault }),
            }
        }
    }

    fn begin(&self, id: LoadId, wanted: Wanted) -> Result<Load, Fault> {
        let Wanted {
            source,
            amount,
            bandwidth,
        } = wanted;
        let (source, url) = match source {
            Source::Url { url } => (Locator::Url { url: url.clone() }, Some(url)),
            Source::VidAuth(source) => (Locator::VidAuth(source), None),
            Source::VidSts(source) => (Locator::VidSts(source), None),
            Source::BitStream(_) => return Err(not_of_the_web()),
        };
        let lost = Arc::<Mutex<Option<Fault>>>::default();
        let store = Arc::clone(&self.store);
        let cache = HttpCache::watched(store, self.key.clone(), {
            let lost = Arc::clone(&lost);
            move |notice| note(&lost, notice)
        });
        let mut network = self.options.network.clone();
        network.cache = Some(cache.clone());
        let messages = self.messages.clone();
        let net = Net::with_resolver(network, Arc::clone(&self.resolver), move |event| {
            // A loader that is gone needs no answer.
            let _ = messages.send(Message::Fetch(id, event));
        });
        let mut config = self.options.player.clone();
        net.set_timeout(config.network_timeout);
        config.default_bandwidth = bandwidth.or(config.default_bandwidth);
        if let LoadAmount::Duration(amount) = amount {
            config.max_buffer = amount.to_duration();
        }
        let (any, begin) = (Capabilities::default(), RenditionChoice::default());
        let reader = PacketReader::open_source(config, any, source, begin, self.clock.now());
        Ok(Load {
            reader: reader.as_playing_begins(),
            net,
            cache,
            lost,
            amount,
            begin: None,
            url,
        })
    }

    /// Goes on with all that runs. Whether one has more to do at once.
    fn step(&mut self) -> bool {
        let mut busy = false;
        let running = self.loading.keys().copied().filter(|id| self.runs(*id));
        let running: Vec<LoadId> = running.collect();
        for id in running {
            let clock = self.clock;
            let Some(load) = self.loading.get_mut(&id) else {
                continue;
            };
            let event = match load.step(clock) {
                Progress::Pending => continue,
                Progress::More => {
                    busy = true;
                    continue;
                }
                Progress::Loaded => LoadEvent::Completed {
                    id,
                    bytes: load.reader.bytes_read(),
                },
                Progress::Failed(fault) => LoadEvent::Failed { id, fault },
            };
            let lost = self.loading.remove(&id).and_then(Load::end);
            self.report(match (event, lost) {
                (LoadEvent::Completed { .. }, Some(fault)) => LoadEvent::Failed { id, fault },
                (event, _) => event,
            });
            busy = true;
        }
        busy
    }
}

impl Load {
    fn step(&mut self, clock: SystemClock) -> Progress {
        let now = clock.now();
        if self.reader.deadline().is_some_and(|at| at <= clock.mono()) {
            self.reader.handle(now, Input::Timeout);
        }
        for _ in 0..PACKETS_AT_ONCE {
            let read = self.reader.read(now);
            carry_out(&mut self.reader, &self.net);
            match read {
                Ok(Read::Info(_)) => {}
                Ok(Read::Packet(packet)) if !self.is_enough(&packet) => {}
                Ok(Read::Packet(_) | Read::End) => return Progress::Loaded,
                Ok(Read::Pending) if self.has_bytes() => return Progress::Loaded,
                Ok(Read::Pending) => return Progress::Pending,
                Err(fault) => {
                    return Progress::Failed(match (&fault.context().url, &self.url) {
                        (None, Some(url)) => fault.at_url(url.expose()),
                        _ => fault,
                    });
                }
            }
        }
        Progress::More
    }

    fn is_enough(&mut self, packet: &Packet) -> bool {
        let LoadAmount::Duration(amount) = self.amount else {
            return self.has_bytes();
        };
        let begin = *self.begin.get_or_insert(packet.dts);
        packet.dts - begin >= amount
    }

    fn has_bytes(&self) -> bool {
        matches!(self.amount, LoadAmount::Bytes(bytes) if self.reader.bytes_read() >= bytes)
    }

    /// Ends the network; what it brought is in the cache then. Why it is not, otherwise.
    fn end(self) -> Option<Fault> {
        let Self {
            net, cache, lost, ..
        } = self;
        drop(net);
        // What is slower than that is written later.
        let _ = cache.settle(MAX_SETTLE);
        lost.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Notes that something is not kept.
fn note(lost: &Mutex<Option<Fault>>, notice: CacheNotice) {
    let fault = match notice {
        CacheNotice::Off(fault) => fault,
        CacheNotice::NoRoom => CacheError::NoRoom.fault(),
        _ => return,
    };
    *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
}

fn not_of_the_web() -> Fault {
    // EINVAL
    Fault::new(Code::from_errno(22), "source.not_cached").because(
        "bytes that the application reads itself are not cached: there is nothing to load ahead",
    )
}
