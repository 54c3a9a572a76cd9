//! What the web gave is kept, and given again without asking: an HTTP cache (RFC 9111) of sparse ranges.
//!
//! It stands before the transport of `http:` and `https:`. A request is answered by what is kept, as far as that reaches;
//! for what is missing the server is asked, under the condition that it still holds the same version. What is kept is read
//! on a thread of the cache and written on another, so that neither the engine nor the network waits for a disk.

mod actor;
mod job;
mod playlist;
mod writer;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kinora_cache::{CacheError, CacheKey, Store};
use kinora_errors::{Coded as _, Fault};

pub(crate) use self::actor::CachingTransport;

/// What a cache tells of itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CacheNotice {
    /// A request is answered by what is kept: so many bytes from its first one on.
    Hit {
        /// How many.
        bytes: u64,
    },
    /// All of a resource is kept now.
    Complete,
    /// There is no room for more of a resource that is being fetched: it is larger than the cache may be.
    NoRoom,
    /// What was kept was damaged: it was dropped, and is fetched again.
    Recovered(Fault),
    /// Nothing more is kept from now on: the disk is full or fails. Playing goes on.
    Off(Fault),
}

/// Where responses are kept, and by which rules, for one network. Clones are the same.
#[derive(Clone)]
pub struct HttpCache(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    key: CacheKey,
    watch: Box<dyn Fn(CacheNotice) + Send + Sync>,
    /// It was not turned off by a failure.
    works: AtomicBool,
    /// It is not held by its owner.
    allowed: AtomicBool,
    /// Bytes that were given from what is kept.
    loaded: AtomicU64,
    threads: Threads,
}

/// How many threads have something to do with it.
#[derive(Default)]
struct Threads {
    alive: Mutex<u64>,
    changed: Condvar,
}

impl HttpCache {
    /// Keeps responses in a store; URLs of the same key share what is kept.
    pub fn new(store: Arc<dyn Store>, key: CacheKey) -> Self {
        Self::watched(store, key, drop)
    }

    /// The same, with someone who is told what happens. It is called on the cache's threads and must not block.
    pub fn watched(
        store: Arc<dyn Store>,
        key: CacheKey,
        watch: impl Fn(CacheNotice) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            store,
            key,
            watch: Box::new(watch),
            works: AtomicBool::new(true),
            allowed: AtomicBool::new(true),
            loaded: AtomicU64::new(0),
            threads: Threads::default(),
        }))
    }

    /// Whether more is kept from now on. What is kept is given in any case.
    pub fn allow_writing(&self, allowed: bool) {
        self.0.allowed.store(allowed, Ordering::Relaxed);
    }

    /// Bytes that were given from what is kept.
    #[must_use]
    pub fn loaded(&self) -> u64 {
        self.0.loaded.load(Ordering::Relaxed)
    }

    /// Counts from zero again.
    pub fn reset_loaded(&self) {
        self.0.loaded.store(0, Ordering::Relaxed);
    }

    /// Waits until all is written that networks with this cache brought. They must have been dropped; `false`: they were
    /// not, or the disk is slower than the limit.
    #[must_use]
    pub fn settle(&self, limit: Duration) -> bool {
        // A limit beyond all clocks is none.
        let until = Instant::now().checked_add(limit);
        let threads = &self.0.threads;
        let mut alive = threads.alive.lock().unwrap_or_else(PoisonError::into_inner);
        while *alive > 0 {
            let left = until.map_or(Duration::MAX, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return false;
            }
            let waited = threads.changed.wait_timeout(alive, left);
            alive = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(alive, _)| alive);
        }
        true
    }

    fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    fn is_writing(&self) -> bool {
        self.0.works.load(Ordering::Relaxed) && self.0.allowed.load(Ordering::Relaxed)
    }

    fn tell(&self, notice: CacheNotice) {
        (self.0.watch)(notice);
    }

    fn count(&self, bytes: u64) {
        self.0.loaded.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Nothing more is kept; told once.
    fn turn_off(&self, error: CacheError) {
        if self.0.works.swap(false, Ordering::Relaxed) {
            self.tell(CacheNotice::Off(error.fault()));
        }
    }

    /// A thread begins.
    fn alive(&self) -> Alive {
        *self
            .0
            .threads
            .alive
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        Alive(self.clone())
    }
}

/// Counts a thread as long as it lives.
struct Alive(HttpCache);

impl Drop for Alive {
    fn drop(&mut self) {
        let threads = &self.0.0.threads;
        *threads.alive.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        threads.changed.notify_all();
    }
}

/// Nothing of it is left half done by a panic of who is told.
impl UnwindSafe for HttpCache {}
impl RefUnwindSafe for HttpCache {}

impl fmt::Debug for HttpCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (store, key) = (&self.0.store, &self.0.key);
        f.debug_struct("HttpCache")
            .field("store", store)
            .field("key", key)
            .finish()
    }
}
