//! The thread that writes. Nobody waits for it: what it has no time for is not kept.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::SystemTime;

use bytes::Bytes;
use kinora_cache::{CacheError, Entry, EntryId, Meta};
use kinora_errors::Coded as _;

use super::{CacheNotice, HttpCache};

/// A stretch is written once it has so many bytes.
const STRETCH_LEN: u64 = 256 * 1024;
/// More bytes than that do not wait to be written.
const MAX_QUEUED: u64 = 16 << 20;
/// Room is looked for each time that so much was written.
const EVICT_EVERY: u64 = 32 << 20;

/// Names what one response writes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Slot(u64);

/// What is there already is written all the same.
type Rewrites = bool;

enum Write {
    /// A response of a resource begins.
    Begin(Slot, EntryId, Meta, Rewrites),
    /// Its next bytes.
    Data(Slot, u64, Bytes),
    /// It is over.
    End(Slot),
    /// A whole resource.
    Whole(EntryId, Meta, Bytes),
    /// The server holds the same still.
    Renew(EntryId, SystemTime),
    /// The server holds it no more, or it is not to be kept.
    Remove(EntryId),
}

/// Hands over what is to be written. The thread ends with the last of what it was handed.
pub(super) struct Writer {
    cache: HttpCache,
    queue: Option<Sender<Write>>,
    queued: Arc<AtomicU64>,
    slots: u64,
}

impl Writer {
    pub(super) fn new(cache: HttpCache) -> Self {
        Self {
            cache,
            queue: None,
            queued: Arc::default(),
            slots: 0,
        }
    }

    pub(super) fn begin(&mut self, id: EntryId, meta: Meta, rewrites: Rewrites) -> Slot {
        self.slots += 1;
        let slot = Slot(self.slots);
        self.send(Write::Begin(slot, id, meta, rewrites));
        slot
    }

    /// Bytes that follow each other make a stretch.
    pub(super) fn data(&mut self, slot: Slot, offset: u64, data: &Bytes) {
        let len = data.len() as u64;
        if self.queued.load(Ordering::Relaxed).saturating_add(len) <= MAX_QUEUED {
            self.queued.fetch_add(len, Ordering::Relaxed);
            self.send(Write::Data(slot, offset, data.clone()));
        }
    }

    pub(super) fn end(&mut self, slot: Slot) {
        self.send(Write::End(slot));
    }
    pub(super) fn whole(&mut self, id: EntryId, meta: Meta, body: Bytes) {
        self.send(Write::Whole(id, meta, body));
    }
    pub(super) fn renew(&mut self, id: EntryId) {
        self.send(Write::Renew(id, SystemTime::now()));
    }
    pub(super) fn remove(&mut self, id: EntryId) {
        self.send(Write::Remove(id));
    }

    fn send(&mut self, write: Write) {
        if !self.cache.is_writing() {
            return;
        }
        if self.queue.is_none() {
            match self.start() {
                Ok(queue) => self.queue = Some(queue),
                Err(source) => return self.cache.turn_off(no_thread(source)),
            }
        }
        if let Some(queue) = &self.queue {
            // A thread that ended by itself turned the cache off.
            let _ = queue.send(write);
        }
    }

    fn start(&self) -> io::Result<Sender<Write>> {
        let (sender, queue) = channel();
        let thread = WriterThread {
            alive: self.cache.alive(),
            cache: self.cache.clone(),
            queued: Arc::clone(&self.queued),
            open: HashMap::new(),
            since_eviction: EVICT_EVERY,
        };
        let named = thread::Builder::new().name("kinora-cache-w".into());
        named.spawn(move || thread.run(&queue))?;
        Ok(sender)
    }
}

fn no_thread(source: io::Error) -> CacheError {
    let path = std::path::PathBuf::from("kinora-cache-w");
    CacheError::Io {
        doing: "starting the thread",
        path,
        source,
    }
}

struct WriterThread {
    cache: HttpCache,
    queued: Arc<AtomicU64>,
    open: HashMap<Slot, OpenEntry>,
    /// Bytes written since room was looked for.
    since_eviction: u64,
    /// Told when the thread ends.
    alive: super::Alive,
}

/// An entry that a response adds to.
struct OpenEntry {
    entry: Box<dyn Entry>,
    /// Where the stretch begins that is being collected.
    offset: u64,
    pieces: Vec<Bytes>,
    len: u64,
    rewrites: Rewrites,
}

impl WriterThread {
    fn run(mut self, queue: &Receiver<Write>) {
        while let Ok(write) = queue.recv() {
            if self.cache.is_writing()
                && let Err(error) = self.carry_out(write)
            {
                self.open.clear();
                self.cache.turn_off(error);
            }
        }
        drop(self.alive);
    }

    fn carry_out(&mut self, write: Write) -> Result<(), CacheError> {
        match write {
            Write::Begin(slot, id, meta, rewrites) => {
                self.make_room()?;
                if let Some(entry) = self.entry_for(id, &meta)? {
                    self.open.insert(slot, OpenEntry::new(entry, rewrites));
                }
                Ok(())
            }
            Write::Data(slot, offset, data) => {
                let len = data.len() as u64;
                self.queued.fetch_sub(len, Ordering::Relaxed);
                self.add(slot, offset, data)
            }
            Write::End(slot) => match self.open.remove(&slot) {
                Some(open) => self.finish(open),
                None => Ok(()),
            },
            Write::Whole(id, meta, body) => {
                self.make_room()?;
                let Some(mut entry) = self.fits(self.cache.store().create(id, &meta))? else {
                    return Ok(());
                };
                self.wrote(body.len() as u64);
                if self.fits(entry.append(0, &[body]))?.is_some() {
                    self.cache.tell(CacheNotice::Complete);
                }
                Ok(())
            }
            Write::Renew(id, now) => {
                let Some(mut entry) = self.existing(id)? else {
                    return Ok(());
                };
                let meta = entry.meta().clone().asked(now);
                self.fits(entry.set_meta(meta)).map(drop)
            }
            Write::Remove(id) => self.cache.store().remove(id),
        }
    }

    /// The entry that bytes of a version are added to; `None` where the store has no room for it.
    fn entry_for(&self, id: EntryId, meta: &Meta) -> Result<Option<Box<dyn Entry>>, CacheError> {
        if let Some(mut entry) = self.existing(id)?
            && entry.meta().is_version_of(meta)
        {
            if meta.ranges && !entry.meta().ranges {
                self.fits(entry.set_meta(meta.clone()))?;
            }
            return Ok(Some(entry));
        }
        self.fits(self.cache.store().create(id, meta))
    }

    /// What is there of it; what is damaged is not.
    fn existing(&self, id: EntryId) -> Result<Option<Box<dyn Entry>>, CacheError> {
        match self.cache.store().open(id) {
            Err(error @ CacheError::Damaged { .. }) => {
                self.cache.tell(CacheNotice::Recovered(error.fault()));
                Ok(None)
            }
            entry => entry,
        }
    }

    fn add(&mut self, slot: Slot, offset: u64, mut data: Bytes) -> Result<(), CacheError> {
        let mut offset = offset;
        while !data.is_empty() {
            let Some(open) = self.open.get_mut(&slot) else {
                return Ok(());
            };
            if open.next() != offset && open.len > 0 {
                self.flush(slot)?;
                continue;
            }
            if open.len == 0 {
                open.offset = offset;
            }
            let room = STRETCH_LEN.saturating_sub(open.len).min(data.len() as u64);
            // No more than the length of what is there.
            let piece = data.split_to(usize::try_from(room).unwrap_or(0));
            open.len = open.len.saturating_add(room);
            open.pieces.push(piece);
            offset = offset.saturating_add(room);
            if open.len >= STRETCH_LEN {
                self.flush(slot)?;
            }
        }
        Ok(())
    }

    /// Writes what was collected; where there is no room nothing more of this response is kept.
    fn flush(&mut self, slot: Slot) -> Result<(), CacheError> {
        let Some(open) = self.open.get_mut(&slot) else {
            return Ok(());
        };
        let len = open.len;
        let flushed = open.flush();
        if self.fits(flushed)?.is_none() {
            self.open.remove(&slot);
        }
        self.wrote(len);
        self.make_room()
    }

    fn finish(&mut self, mut open: OpenEntry) -> Result<(), CacheError> {
        let len = open.len;
        let flushed = open.flush();
        let written = self.fits(flushed)?;
        self.wrote(len);
        let entry = &open.entry;
        if written.is_some() && entry.covered_until(0) >= entry.meta().total_len {
            self.cache.tell(CacheNotice::Complete);
        }
        Ok(())
    }

    /// Nothing where there is no room.
    fn fits<T>(&self, done: Result<T, CacheError>) -> Result<Option<T>, CacheError> {
        match done {
            Err(CacheError::NoRoom) => {
                self.cache.tell(CacheNotice::NoRoom);
                Ok(None)
            }
            done => done.map(Some),
        }
    }

    fn wrote(&mut self, len: u64) {
        self.since_eviction = self.since_eviction.saturating_add(len);
    }

    fn make_room(&mut self) -> Result<(), CacheError> {
        if self.since_eviction < EVICT_EVERY {
            return Ok(());
        }
        self.since_eviction = 0;
        self.cache.store().evict(SystemTime::now()).map(drop)
    }
}

impl OpenEntry {
    fn new(entry: Box<dyn Entry>, rewrites: Rewrites) -> Self {
        Self {
            entry,
            offset: 0,
            pieces: Vec::new(),
            len: 0,
            rewrites,
        }
    }

    fn next(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }

    fn flush(&mut self) -> Result<(), CacheError> {
        if self.len == 0 {
            return Ok(());
        }
        let (pieces, end) = (std::mem::take(&mut self.pieces), self.next());
        self.len = 0;
        if !self.rewrites && self.entry.covered_until(self.offset) >= end {
            return Ok(());
        }
        self.entry.append(self.offset, &pieces)
    }
}
