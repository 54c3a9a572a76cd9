//! The cache of a player: where it is, what goes there, and what is told of it.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kinora_cache::{CacheKey, DiskStore, Limits, Store};
use kinora_engine::{Event, InfoCode};
use kinora_errors::{Coded as _, Fault};
use kinora_media::Time;
use kinora_net::{CacheNotice, HttpCache};

use crate::driver::Message;

/// What the web gives is kept in a directory, and looked for there first: progressive files, HLS and DASH, whatever stretches
/// of them came. Live streams, keys and what a server wants not to be kept are not.
///
/// Several players and processes may use one directory at a time; limits that differ hold each for who has them.
///
/// ```no_run
/// use kinora::{CacheConfig, CacheKey, Player};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let cache = CacheConfig {
///     max_size: 2_000_000_000,
///     // The CDN signs each URL anew: by what else it says it is the same film.
///     key: CacheKey::IgnoreQuery(vec!["auth_key".into()]),
///     ..CacheConfig::at("/var/tmp/films")
/// };
/// let player = Player::builder().cache(cache).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// Where it is; made if it is not there.
    pub dir: PathBuf,
    /// Bytes in all; what was used longest ago goes first. 20 GB.
    pub max_size: u64,
    /// What was not used for so long is removed. 30 days.
    pub max_age: Duration,
    /// Bytes that stay free on the disk. 0.
    pub min_free: u64,
    /// Media that last longer are not kept, but for what came before that was known.
    pub max_duration: Option<Duration>,
    /// What of a URL names the object.
    pub key: CacheKey,
}

impl CacheConfig {
    /// A cache in a directory, with the documented limits.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        let Limits {
            max_size,
            max_age,
            min_free,
        } = Limits::default();
        Self {
            dir: dir.into(),
            max_size,
            max_age,
            min_free,
            max_duration: None,
            key: CacheKey::default(),
        }
    }

    /// For a network that is used without a player: [`NetConfig::cache`](crate::NetConfig::cache).
    ///
    /// # Errors
    /// When the directory can not be made: `ERROR_GENERAL_` with the errno, `cache.io`.
    pub fn http_cache(&self) -> Result<HttpCache, Fault> {
        Ok(HttpCache::new(self.store()?, self.key.clone()))
    }

    pub(crate) fn store(&self) -> Result<Arc<dyn Store>, Fault> {
        let store = DiskStore::open(&self.dir, self.limits());
        Ok(Arc::new(store.map_err(|error| error.fault())?))
    }

    /// How much is kept, and how long.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_size: self.max_size,
            max_age: self.max_age,
            min_free: self.min_free,
        }
    }
}

static GLOBAL: Mutex<Option<CacheConfig>> = Mutex::new(None);

/// The cache of players that are built from now on without one of their own; `None`: none.
pub fn set_global_cache(cache: Option<CacheConfig>) {
    *GLOBAL.lock().unwrap_or_else(PoisonError::into_inner) = cache;
}

pub(crate) fn global() -> Option<CacheConfig> {
    GLOBAL
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// What was chosen for a player.
pub(crate) enum CacheChoice {
    Directory(CacheConfig),
    /// What is there is used, and nothing added.
    FilledByOthers(Arc<dyn Store>, CacheKey),
}

/// The cache as a player's thread has it.
#[derive(Clone)]
pub(crate) struct PlayerCache {
    pub(crate) http: HttpCache,
    max_duration: Option<Time>,
    /// What comes is added to it.
    keeps: bool,
}

impl PlayerCache {
    /// Opens what was chosen, or the global one. One that can not be opened is told, and there is none.
    pub(crate) fn open(choice: Option<CacheChoice>, messages: &Sender<Message>) -> Option<Self> {
        let choice = choice.or_else(|| global().map(CacheChoice::Directory))?;
        let (mut max_duration, mut keeps) = (None, true);
        let (store, key) = match choice {
            CacheChoice::FilledByOthers(store, key) => {
                keeps = false;
                (store, key)
            }
            CacheChoice::Directory(config) => match config.store() {
                Ok(store) => {
                    max_duration = config.max_duration.map(Time::from);
                    (store, config.key)
                }
                Err(fault) => {
                    // The thread that reads it starts next.
                    let _ = messages.send(Message::Cache(CacheNotice::Off(fault)));
                    return None;
                }
            },
        };
        let messages = messages.clone();
        let http = HttpCache::watched(store, key, move |notice| {
            // A player that is gone hears nothing.
            let _ = messages.send(Message::Cache(notice));
        });
        http.allow_writing(keeps);
        Some(Self {
            http,
            max_duration,
            keeps,
        })
    }

    /// Another source: nothing is known of it yet.
    pub(crate) fn source_changed(&self) {
        self.http.reset_loaded();
        self.http.allow_writing(self.keeps);
    }

    pub(crate) fn prepared(&self, duration: Option<Time>) {
        let is_too_long = self
            .max_duration
            .is_some_and(|max| duration.is_some_and(|it| it > max));
        self.http.allow_writing(self.keeps && !is_too_long);
    }
}

/// What a notice is to the application.
pub(crate) fn events(notice: CacheNotice) -> Vec<Event> {
    let info = |code, text: String| Event::Info { code, text };
    match notice {
        CacheNotice::Hit { bytes } => vec![Event::LocalCacheHit { bytes }],
        CacheNotice::Complete => {
            let text = "all of a resource is in the local cache".to_owned();
            vec![info(InfoCode::CacheSuccess, text)]
        }
        CacheNotice::Recovered(fault) => vec![Event::Recovered(fault.mark_recovered())],
        CacheNotice::Off(fault) => {
            let text = format!("nothing more goes to the local cache: {fault}");
            vec![
                info(InfoCode::CacheError, text),
                Event::Recovered(fault.mark_recovered()),
            ]
        }
        _ => Vec::new(),
    }
}
