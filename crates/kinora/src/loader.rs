//! Loading ahead: what a player will need first goes to the cache before it is asked for.

mod actor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kinora_cache::{CacheKey, Store};
use kinora_engine::PlayerConfig;
use kinora_errors::{Fault, codes};
use kinora_media::Time;
use kinora_net::{NetConfig, Resolve, SystemResolver};

use self::actor::Actor;
use crate::Player;
use crate::cache::CacheConfig;
use crate::deadline::Deadline;
use crate::events::NoEvent;
use crate::source::Source;

/// Names what is loaded by a [`MediaLoader`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LoadId(u64);

/// How much of a source is loaded: what comes first, its playlists and index included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadAmount {
    /// So much of its time.
    Duration(Time),
    /// About so many bytes.
    Bytes(u64),
}

/// What became of what was to be loaded. Each load ends with one of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoadEvent {
    /// It is in the cache.
    Completed {
        /// Which.
        id: LoadId,
        /// Bytes that were read, from the network or what was cached before.
        bytes: u64,
    },
    /// It was cancelled. What had come stays in the cache.
    Cancelled {
        /// Which.
        id: LoadId,
    },
    /// It failed.
    Failed {
        /// Which.
        id: LoadId,
        /// How.
        fault: Fault,
    },
}

impl LoadEvent {
    /// What it tells of.
    #[must_use]
    pub const fn id(&self) -> LoadId {
        match self {
            Self::Completed { id, .. } | Self::Cancelled { id } | Self::Failed { id, .. } => *id,
        }
    }
}

/// How a [`MediaLoader`] works.
#[derive(Clone, Debug)]
pub struct LoaderOptions {
    /// How requests are made.
    pub network: NetConfig,
    /// Limits and retries, and which rendition a player would begin with.
    pub player: PlayerConfig,
    /// So many are loaded at a time; the others wait in the order in which they came.
    pub at_once: usize,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self {
            network: NetConfig::default(),
            player: PlayerConfig::default(),
            at_once: 2,
        }
    }
}

/// Fills a cache ahead of playing: a player with the same cache shows its first picture from there.
///
/// Of a playlist it reads what a player would begin with: the playlists, the init section, the first segments of the rendition
/// that it would choose. Of a file the index, wherever it lies, and what comes first.
///
/// ```no_run
/// use kinora::{CacheConfig, LoadAmount, LoaderOptions, MediaLoader, Time};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let loader = MediaLoader::new(&CacheConfig::at("/var/tmp/films"), LoaderOptions::default())?;
/// let next = loader.load("https://example.com/next.m3u8", LoadAmount::Duration(Time::from_millis(5_000)));
/// while let Ok(event) = loader.next_event(std::time::Duration::from_secs(60)) {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct MediaLoader {
    messages: Sender<Message>,
    events: Mutex<Receiver<LoadEvent>>,
    loads: AtomicU64,
    /// Players that it gave way to.
    players: AtomicU64,
}

/// What is to be loaded.
struct Wanted {
    source: Source,
    amount: LoadAmount,
    /// What the network is expected to carry.
    bandwidth: Option<u64>,
}

/// What reaches the loader's thread.
enum Message {
    Load(LoadId, Wanted),
    Cancel(LoadId),
    CancelAll,
    Pause(LoadId),
    Resume(LoadId),
    /// The player of that number has enough, or not: the last one goes first.
    Gate(u64, bool),
    Fetch(LoadId, kinora_net::FetchEvent),
    Close,
}

impl MediaLoader {
    /// Loads into the cache of a directory.
    ///
    /// # Errors
    /// When the directory can not be made, or the system gives no thread.
    pub fn new(cache: &CacheConfig, options: LoaderOptions) -> Result<Self, Fault> {
        let resolver = Arc::new(SystemResolver);
        Self::into_store(cache.store()?, cache.key.clone(), options, resolver)
    }

    pub(crate) fn into_store(
        store: Arc<dyn Store>,
        key: CacheKey,
        options: LoaderOptions,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, Fault> {
        let (messages, mailbox) = channel();
        let (reports, events) = channel();
        let actor = Actor::new(store, key, options, resolver, messages.clone(), reports);
        let named = std::thread::Builder::new().name("kinora-loader".into());
        named.spawn(move || actor.run(&mailbox)).map_err(|error| {
            Fault::new(codes::ERROR_GENERAL_UNKNOWN, "system.no_thread").cause(&error)
        })?;
        Ok(Self {
            messages,
            events: Mutex::new(events),
            loads: AtomicU64::new(0),
            players: AtomicU64::new(0),
        })
    }

    /// Loads a URL, or a video by its id; one [`LoadEvent`] follows. What the service gives for an id is signed anew each time:
    /// a player finds what was loaded where the cache is told so ([`CacheKey::IgnoreQuery`]).
    pub fn load(&self, source: impl Into<Source>, amount: LoadAmount) -> LoadId {
        self.load_as(source.into(), amount, None)
    }
    /// The same for a player that expects the network to carry so many bits a second.
    pub(crate) fn load_as(
        &self,
        source: Source,
        amount: LoadAmount,
        bandwidth: Option<u64>,
    ) -> LoadId {
        let id = LoadId(self.loads.fetch_add(1, Ordering::Relaxed));
        let wanted = Wanted {
            source,
            amount,
            bandwidth,
        };
        self.send(Message::Load(id, wanted));
        id
    }
    /// Loads no more of it.
    pub fn cancel(&self, id: LoadId) {
        self.send(Message::Cancel(id));
    }
    /// Loads nothing more.
    pub fn cancel_all(&self) {
        self.send(Message::CancelAll);
    }
    /// Holds it until [`resume`](Self::resume). It keeps its place.
    pub fn pause(&self, id: LoadId) {
        self.send(Message::Pause(id));
    }
    /// Goes on with it.
    pub fn resume(&self, id: LoadId) {
        self.send(Message::Resume(id));
    }

    /// Loads only while a player has at least 5 s buffered, or nothing to play: what is watched goes first. Another player
    /// takes its place.
    pub fn give_way_to(&self, player: &Player) {
        let messages = self.messages.clone();
        let number = self.players.fetch_add(1, Ordering::Relaxed);
        player.gate.watch(move |has_enough| {
            let message = Message::Gate(number, has_enough);
            messages.send(message).is_ok()
        });
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// [`NoEvent::NotYet`] when none came within the limit, [`NoEvent::Released`] when the loader's thread ended.
    pub fn next_event(&self, limit: Duration) -> Result<LoadEvent, NoEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        Deadline::after(limit)
            .receive(&events)
            .map_err(|none| match none {
                RecvTimeoutError::Timeout => NoEvent::NotYet,
                RecvTimeoutError::Disconnected => NoEvent::Released,
            })
    }

    /// The next event, if one is there and nobody waits for it.
    pub(crate) fn try_event(&self) -> Option<LoadEvent> {
        self.events.try_lock().ok()?.try_recv().ok()
    }

    fn send(&self, message: Message) {
        // Its thread ends only with it.
        let _ = self.messages.send(message);
    }
}

impl Drop for MediaLoader {
    fn drop(&mut self) {
        self.send(Message::Close);
    }
}
