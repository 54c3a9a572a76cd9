//! A list of sources and one player: what comes next and what came before is loaded ahead.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinora_cache::{CacheKey, MemoryStore};
use kinora_cloud::Credentials;
use kinora_errors::{Code, Coded, Fault, Secret};
use kinora_media::Time;

use crate::deadline::Deadline;
use crate::loader::{LoadAmount, LoadId, LoaderOptions, MediaLoader};
use crate::{LoadEvent, NoEvent, Player, PlayerBuilder, Source};

/// How much a [`ListPlayer`] loads ahead.
#[derive(Clone, Debug)]
pub struct ListOptions {
    /// So many sources on each side of the one that plays are loaded ahead. 2.
    pub preload_count: usize,
    /// So much of each. 5 s.
    pub preload: Time,
    /// Bytes of memory for what is loaded ahead, 20 MB at least; what was used longest ago gives way. 100 MB. A player with a
    /// [cache](PlayerBuilder::cache) of its own has it there instead.
    pub max_preload_memory: u64,
}

/// Less memory would not hold the beginning of one source.
const MIN_PRELOAD_MEMORY: u64 = 20_000_000;
/// So many wait for an application that does not ask what was loaded.
const MAX_WAITING: usize = 64;
/// A list has no more sources.
const MAX_ITEMS: usize = 100_000;

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            preload_count: 2,
            preload: Time::from_millis(5_000),
            max_preload_memory: 100_000_000,
        }
    }
}

/// A list can not do what is asked of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// No source of the list has that id.
    #[error("no source of the list has this id")]
    UnknownUid,
    /// Another source of the list has that id.
    #[error("another source of the list has this id")]
    DuplicateUid,
    /// The source that plays is the last, or the first, one.
    #[error("the list has no source in this direction")]
    AtTheEnd,
    /// Credentials are for a video by its id.
    #[error("the source with this id is no video that is asked for by an STS credential")]
    NoVid,
    /// The list has as many sources as it may.
    #[error("the list is full")]
    Full,
}

/// EINVAL: nothing is wrong but what was asked.
impl Coded for ListError {
    fn code(&self) -> Code {
        Code::from_errno(22)
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::UnknownUid => "list.unknown_uid",
            Self::DuplicateUid => "list.duplicate_uid",
            Self::AtTheEnd => "list.at_the_end",
            Self::NoVid => "list.no_vid",
            Self::Full => "list.full",
        }
    }
}

/// Plays one source of a list at a time, each named by an id of the application's own. What a person will most likely want next
/// is loaded ahead, in the order of its distance, while the player itself has enough: its first picture does not wait for the
/// network then.
///
/// An error of one source ends that one alone: the next one is moved to as from any other. Videos by their id are
/// played, but not loaded ahead.
///
/// ```no_run
/// use kinora::{Event, ListOptions, ListPlayer, Player};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let list = ListPlayer::new(Player::builder().autoplay(true), ListOptions::default())?;
/// for number in 0..10 {
///     list.add(format!("clip-{number}"), format!("https://example.com/{number}.mp4"))?;
/// }
/// list.move_to("clip-0")?;
/// for event in list.player().events() {
///     if matches!(event, Event::Completion | Event::Error(_)) && list.move_to_next().is_err() {
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct ListPlayer {
    player: Player,
    loader: MediaLoader,
    options: ListOptions,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    items: Vec<Item>,
    /// The id of the one that plays.
    current: Option<String>,
    /// What nobody asked for yet.
    preloaded: VecDeque<Preloaded>,
}

struct Item {
    uid: String,
    source: Source,
    ahead: Ahead,
}

/// Whether it is loaded ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ahead {
    No,
    Asked(LoadId),
    /// It is, or can not be.
    Over,
}

/// What became of a source that was to be loaded ahead.
#[derive(Clone, Debug)]
pub struct Preloaded {
    /// Which.
    pub uid: String,
    /// The bytes that were read of it; why it could not be loaded. It is played all the same when it is moved to.
    pub result: Result<u64, Fault>,
}

impl ListPlayer {
    /// A list for a player that is put together so.
    ///
    /// # Errors
    /// As for [`PlayerBuilder::build`].
    pub fn new(builder: PlayerBuilder, options: ListOptions) -> Result<Self, Fault> {
        let memory = options.max_preload_memory.max(MIN_PRELOAD_MEMORY);
        let (builder, store, key) = match builder.cache_config() {
            Some(cache) => {
                let (store, key) = (cache.store()?, cache.key.clone());
                (builder, store, key)
            }
            None => {
                let store = Arc::new(MemoryStore::new(memory));
                (
                    builder.read_from(store.clone(), CacheKey::Url),
                    store as _,
                    CacheKey::Url,
                )
            }
        };
        let loads = LoaderOptions {
            network: builder.net_config().clone(),
            player: builder.player_config().clone(),
            at_once: 1,
        };
        let loader = MediaLoader::into_store(store, key, loads, builder.name_resolver())?;
        let player = builder.build()?;
        loader.give_way_to(&player);
        let list = Mutex::default();
        Ok(Self {
            player,
            loader,
            options,
            list,
        })
    }

    /// The player, for all that is no matter of the list. Its events are those of the source that plays.
    #[must_use]
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// Adds a source at the end.
    ///
    /// # Errors
    /// [`ListError::DuplicateUid`], [`ListError::Full`].
    pub fn add(&self, uid: impl Into<String>, source: impl Into<Source>) -> Result<(), ListError> {
        let (uid, source) = (uid.into(), source.into());
        let mut list = self.lock();
        if list.place_of(&uid).is_some() {
            return Err(ListError::DuplicateUid);
        }
        if list.items.len() >= MAX_ITEMS {
            return Err(ListError::Full);
        }
        list.items.push(Item {
            uid,
            source,
            ahead: Ahead::No,
        });
        self.load_ahead(&mut list);
        Ok(())
    }

    /// Takes a source out. The one that plays plays on, and has no neighbours any more.
    ///
    /// # Errors
    /// [`ListError::UnknownUid`].
    pub fn remove(&self, uid: &str) -> Result<(), ListError> {
        let mut list = self.lock();
        let place = list.place_of(uid).ok_or(ListError::UnknownUid)?;
        let removed = list.items.remove(place);
        self.let_go(removed.ahead);
        self.load_ahead(&mut list);
        Ok(())
    }

    /// Takes all sources out, and stops.
    pub fn clear(&self) {
        let mut list = self.lock();
        *list = List::default();
        self.loader.cancel_all();
        self.player.reset();
    }

    /// How many sources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// There are no sources.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of the source that plays.
    #[must_use]
    pub fn current_uid(&self) -> Option<String> {
        self.lock().current.clone()
    }

    /// Waits for the next source that is loaded ahead, or can not be.
    ///
    /// # Errors
    /// [`NoEvent::NotYet`] when none was within the limit.
    pub fn next_preloaded(&self, limit: Duration) -> Result<Preloaded, NoEvent> {
        let until = Deadline::after(limit);
        loop {
            if let Some(preloaded) = self.lock().preloaded.pop_front() {
                return Ok(preloaded);
            }
            let event = self
                .loader
                .next_event(until.left().unwrap_or(Duration::MAX))?;
            self.lock().loaded(event);
        }
    }

    /// Plays a source: prepares it, and starts it where the player does so by itself.
    ///
    /// # Errors
    /// [`ListError::UnknownUid`].
    pub fn move_to(&self, uid: &str) -> Result<(), ListError> {
        let mut list = self.lock();
        let place = list.place_of(uid).ok_or(ListError::UnknownUid)?;
        self.play(&mut list, place);
        Ok(())
    }

    /// The same, of a video by its id, with a fresh STS credential.
    ///
    /// ```no_run
    /// # use kinora::{Credentials, ListError, ListPlayer};
    /// # fn play(list: &ListPlayer, fresh: impl Fn() -> Credentials) -> Result<(), ListError> {
    /// list.move_to_with("clip-7", fresh())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ListError::UnknownUid`]; [`ListError::NoVid`] where the source is none.
    pub fn move_to_with(&self, uid: &str, credentials: Credentials) -> Result<(), ListError> {
        let mut list = self.lock();
        let place = list.place_of(uid).ok_or(ListError::UnknownUid)?;
        let item = list.items.get_mut(place).ok_or(ListError::UnknownUid)?;
        let Source::VidSts(video) = &mut item.source else {
            return Err(ListError::NoVid);
        };
        video.access_key_id = credentials.access_key_id;
        video.access_key_secret = credentials.access_key_secret;
        video.security_token = credentials
            .security_token
            .unwrap_or_else(|| Secret::new(""));
        self.play(&mut list, place);
        Ok(())
    }

    /// Plays the source behind the one that plays.
    ///
    /// # Errors
    /// [`ListError::AtTheEnd`], also where none plays.
    pub fn move_to_next(&self) -> Result<(), ListError> {
        self.move_by(|place| place.checked_add(1))
    }

    /// Plays the source before the one that plays.
    ///
    /// # Errors
    /// As for [`move_to_next`](Self::move_to_next).
    pub fn move_to_previous(&self) -> Result<(), ListError> {
        self.move_by(|place| place.checked_sub(1))
    }

    fn move_by(&self, step: impl Fn(usize) -> Option<usize>) -> Result<(), ListError> {
        let mut list = self.lock();
        let next = list.current_place().and_then(step);
        let place = next.filter(|place| *place < list.items.len());
        self.play(&mut list, place.ok_or(ListError::AtTheEnd)?);
        Ok(())
    }

    fn play(&self, list: &mut List, place: usize) {
        let Some(item) = list.items.get(place) else {
            return;
        };
        self.player.open(item.source.clone());
        list.current = Some(item.uid.clone());
        self.load_ahead(list);
    }

    /// Loads what lies near the source that plays, and no more what lies far from it.
    fn load_ahead(&self, list: &mut List) {
        let wanted = match list.current_place() {
            Some(current) => neighbours(current, list.items.len(), self.options.preload_count),
            None => Vec::new(),
        };
        while let Some(event) = self.loader.try_event() {
            list.loaded(event);
        }
        let bandwidth = self.player.bandwidth();
        for (place, item) in list.items.iter_mut().enumerate() {
            if !wanted.contains(&place) {
                self.let_go(item.ahead);
                item.ahead = Ahead::No;
            }
        }
        for place in wanted {
            let Some(item) = list
                .items
                .get_mut(place)
                .filter(|item| item.ahead == Ahead::No)
            else {
                continue;
            };
            if !matches!(item.source, Source::BitStream(_)) {
                let amount = LoadAmount::Duration(self.options.preload);
                let source = item.source.clone();
                item.ahead = Ahead::Asked(self.loader.load_as(source, amount, bandwidth));
            }
        }
    }

    fn let_go(&self, ahead: Ahead) {
        if let Ahead::Asked(id) = ahead {
            // One that is loaded stays where it is until others need the room.
            self.loader.cancel(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn place_of(&self, uid: &str) -> Option<usize> {
        self.items.iter().position(|item| item.uid == uid)
    }

    fn current_place(&self) -> Option<usize> {
        self.place_of(self.current.as_deref()?)
    }

    /// Notes what became of a source.
    fn loaded(&mut self, event: LoadEvent) {
        let asked = Ahead::Asked(event.id());
        let Some(item) = self.items.iter_mut().find(|item| item.ahead == asked) else {
            // It is no neighbour any more.
            return;
        };
        item.ahead = Ahead::Over;
        let uid = item.uid.clone();
        let result = match event {
            LoadEvent::Completed { bytes, .. } => Ok(bytes),
            LoadEvent::Failed { fault, .. } => Err(fault),
            LoadEvent::Cancelled { .. } => return,
        };
        if self.preloaded.len() >= MAX_WAITING {
            self.preloaded.pop_front();
        }
        self.preloaded.push_back(Preloaded { uid, result });
    }
}

/// The places near one of a list, up to so many on each side, the nearest first and what comes before what was.
fn neighbours(current: usize, len: usize, count: usize) -> Vec<usize> {
    let near = (1..=count.min(len)).flat_map(|far| {
        let next = current.checked_add(far).filter(|place| *place < len);
        [next, current.checked_sub(far)]
    });
    near.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_loaded_first_and_the_next_before_the_last() {
        assert_eq!(neighbours(5, 10, 2), [6, 4, 7, 3]);
        assert_eq!(neighbours(0, 10, 2), [1, 2]);
        assert_eq!(neighbours(9, 10, 2), [8, 7]);
        assert!(neighbours(0, 1, 2).is_empty() && neighbours(3, 10, 0).is_empty());
        assert_eq!(neighbours(1, 3, usize::MAX), [2, 0]);
    }
}
