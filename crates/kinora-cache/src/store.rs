use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use crate::{CacheError, EntryId, Meta};

/// Keeps entries.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// What is kept of a resource; it counts as used now.
    ///
    /// # Errors
    /// When it can not be read.
    fn open(&self, id: EntryId) -> Result<Option<Box<dyn Entry>>, CacheError>;

    /// An entry without bytes, in place of the one that was there. Who holds that one reads on in it.
    ///
    /// # Errors
    /// When it can not be made, or the store has no room for what it is of.
    fn create(&self, id: EntryId, meta: &Meta) -> Result<Box<dyn Entry>, CacheError>;

    /// Forgets an entry, if it is there.
    ///
    /// # Errors
    /// When it can not be removed.
    fn remove(&self, id: EntryId) -> Result<(), CacheError>;

    /// Removes what is too old, and then what was used longest ago until the limits are kept. How many bytes that freed.
    ///
    /// # Errors
    /// When the entries can not be looked at or removed; [`CacheError::NoRoom`] when less is free on the disk than is to stay
    /// free, though everything was removed.
    fn evict(&self, now: SystemTime) -> Result<u64, CacheError>;
}

/// What is kept of one resource.
pub trait Entry: Send {
    /// What is known of it.
    fn meta(&self) -> &Meta;

    /// Takes in what others added meanwhile.
    ///
    /// # Errors
    /// When it can not be read.
    fn refresh(&mut self) -> Result<(), CacheError>;

    /// One past the last byte that is there without a gap from an offset on; the offset itself where it is not there.
    /// Whether they are still what was written is known once they are read.
    fn covered_until(&self, offset: u64) -> u64;

    /// The first byte at or after an offset that is there.
    fn next_from(&self, offset: u64) -> Option<u64>;

    /// How many of its bytes are there.
    fn cached_len(&self) -> u64;

    /// The bytes from an offset on to the end of the stretch that they came in, checked.
    ///
    /// # Errors
    /// [`CacheError::Damaged`] when they are not what was written; they are not there any more then, but for others that
    /// have not noticed yet. [`CacheError::NoRoom`] for bytes that are not there at all.
    fn read(&mut self, offset: u64) -> Result<Bytes, CacheError>;

    /// Adds a stretch, in pieces that follow each other.
    ///
    /// # Errors
    /// When it can not be written; then nothing of it is there.
    fn append(&mut self, offset: u64, pieces: &[Bytes]) -> Result<(), CacheError>;

    /// Changes what is known of it.
    ///
    /// # Errors
    /// When that can not be written.
    fn set_meta(&mut self, meta: Meta) -> Result<(), CacheError>;
}
