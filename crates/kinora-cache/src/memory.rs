//! Entries in memory, for as long as the store lives.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::stretches::Stretches;
use crate::{CacheError, Entry, EntryId, Meta, Store};

/// Keeps entries in memory, no more than so many bytes: what was used longest ago goes. Clones are the same store.
#[derive(Clone)]
pub struct MemoryStore {
    shelves: Arc<Mutex<Shelves>>,
    max_size: u64,
}

#[derive(Default)]
struct Shelves {
    kept: HashMap<EntryId, Kept>,
    size: u64,
    /// Counts the uses.
    uses: u64,
    /// Names each entry that ever was.
    generations: u64,
}

struct Kept {
    generation: u64,
    used: u64,
    size: u64,
    meta: Meta,
    /// Where each stretch is among the pieces.
    stretches: Stretches<usize>,
    pieces: Vec<Bytes>,
}

/// An entry of a [`MemoryStore`], if it was not removed meanwhile.
struct MemoryEntry {
    store: MemoryStore,
    id: EntryId,
    generation: u64,
    meta: Meta,
}

impl MemoryStore {
    /// A store for so many bytes.
    #[must_use]
    pub fn new(max_size: u64) -> Self {
        let shelves = Arc::default();
        Self { shelves, max_size }
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn remove(&mut self, id: EntryId) -> u64 {
        let freed = self.kept.remove(&id).map_or(0, |kept| kept.size);
        self.size = self.size.saturating_sub(freed);
        freed
    }

    /// Removes what was used longest ago until so much is left free; never the entry itself.
    fn make_room(&mut self, needed: u64, max_size: u64, id: EntryId) -> bool {
        while self.size.saturating_add(needed) > max_size {
            let others = self.kept.iter().filter(|(other, _)| **other != id);
            let Some(oldest) = others.min_by_key(|(_, kept)| kept.used).map(|(id, _)| *id) else {
                return false;
            };
            self.remove(oldest);
        }
        true
    }
}

impl Store for MemoryStore {
    fn open(&self, id: EntryId) -> Result<Option<Box<dyn Entry>>, CacheError> {
        let mut shelves = self.lock();
        shelves.uses += 1;
        let used = shelves.uses;
        let Some(kept) = shelves.kept.get_mut(&id) else {
            return Ok(None);
        };
        kept.used = used;
        Ok(Some(Box::new(MemoryEntry {
            store: self.clone(),
            id,
            generation: kept.generation,
            meta: kept.meta.clone(),
        })))
    }

    fn create(&self, id: EntryId, meta: &Meta) -> Result<Box<dyn Entry>, CacheError> {
        let mut shelves = self.lock();
        shelves.remove(id);
        shelves.uses += 1;
        shelves.generations += 1;
        let (used, generation) = (shelves.uses, shelves.generations);
        let kept = Kept {
            generation,
            used,
            size: 0,
            meta: meta.clone(),
            stretches: Stretches::default(),
            pieces: Vec::new(),
        };
        shelves.kept.insert(id, kept);
        Ok(Box::new(MemoryEntry {
            store: self.clone(),
            id,
            generation,
            meta: meta.clone(),
        }))
    }

    fn remove(&self, id: EntryId) -> Result<(), CacheError> {
        self.lock().remove(id);
        Ok(())
    }

    /// Its bound is kept at each step: nothing is left to do.
    fn evict(&self, _: SystemTime) -> Result<u64, CacheError> {
        Ok(0)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.lock().size;
        f.debug_struct("MemoryStore")
            .field("size", &size)
            .field("max_size", &self.max_size)
            .finish()
    }
}

impl MemoryEntry {
    /// Looks at the entry; `None` where it was removed or another took its place.
    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let mut shelves = self.store.lock();
        let kept = shelves.kept.get_mut(&self.id)?;
        (kept.generation == self.generation).then(|| look(kept))
    }
}

impl Entry for MemoryEntry {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn refresh(&mut self) -> Result<(), CacheError> {
        if let Some(meta) = self.with(|kept| kept.meta.clone()) {
            self.meta = meta;
        }
        Ok(())
    }

    fn covered_until(&self, offset: u64) -> u64 {
        self.with(|kept| kept.stretches.covered_until(offset))
            .unwrap_or(offset)
    }

    fn next_from(&self, offset: u64) -> Option<u64> {
        self.with(|kept| kept.stretches.next_from(offset)).flatten()
    }

    fn cached_len(&self) -> u64 {
        self.with(|kept| kept.stretches.len()).unwrap_or(0)
    }

    fn read(&mut self, offset: u64) -> Result<Bytes, CacheError> {
        let read = self.with(|kept| {
            let found = kept.stretches.find(offset)?;
            let piece = kept.pieces.get(found.place)?;
            let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(piece.len());
            let (from, to) = (
                within(found.skip),
                within(found.skip.saturating_add(found.len)),
            );
            Some(piece.slice(from..to))
        });
        read.flatten().ok_or(CacheError::NoRoom)
    }

    fn append(&mut self, offset: u64, pieces: &[Bytes]) -> Result<(), CacheError> {
        // Copied: a piece may be a small view into a large buffer, which counts nowhere.
        let mut together = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
        pieces
            .iter()
            .for_each(|piece| together.extend_from_slice(piece));
        let len = together.len() as u64;
        let mut shelves = self.store.lock();
        let is_there = |shelves: &Shelves| {
            shelves
                .kept
                .get(&self.id)
                .is_some_and(|kept| kept.generation == self.generation)
        };
        if !is_there(&shelves) || !shelves.make_room(len, self.store.max_size, self.id) {
            return Err(CacheError::NoRoom);
        }
        if let Some(kept) = shelves.kept.get_mut(&self.id) {
            kept.stretches.insert(offset, len, kept.pieces.len());
            kept.pieces.push(together.freeze());
            kept.size = kept.size.saturating_add(len);
            shelves.size = shelves.size.saturating_add(len);
        }
        Ok(())
    }

    fn set_meta(&mut self, meta: Meta) -> Result<(), CacheError> {
        self.with(|kept| kept.meta = meta.clone());
        self.meta = meta;
        Ok(())
    }
}
