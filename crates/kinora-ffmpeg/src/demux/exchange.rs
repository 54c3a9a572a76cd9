//! Between whoever drives the demuxer and the thread on which libavformat reads: bytes go one way, packets the other.
//!
//! Only one of them has its turn: a poll waits for the thread until that has something to give or wants bytes. So what comes
//! out depends on the bytes alone, not on which of them is faster.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kinora_container::{DemuxError, SeekTo, Step};
use kinora_media::{ByteRange, MediaInfo, Packet};

use super::cache::Cache;

/// A poll waits no longer than that for the thread.
const TURN: Duration = Duration::from_millis(20);
/// Packets that wait to be taken, and bytes of them.
const MAX_PACKETS: usize = 32;
const MAX_PACKET_BYTES: usize = 4 << 20;

/// What the thread gives.
pub(super) enum Given {
    Info(Arc<MediaInfo>),
    Packet(Packet),
    End,
    Failed(DemuxError),
}

/// The thread is to leave off: there is a seek, or nobody waits for it any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Interrupted;

/// What a read came to.
pub(super) enum Read {
    Bytes(usize),
    End,
    Interrupted,
}

#[derive(Default)]
pub(super) struct Exchange {
    state: Mutex<State>,
    driver: Condvar,
    worker: Condvar,
}

#[derive(Default)]
struct State {
    resource: Resource,
    given: VecDeque<Given>,
    turn: Turn,
    seek: Option<SeekTo>,
    ending: Ending,
    /// The headers were taken, and whether times can be found.
    seekable: Option<bool>,
    damage: u64,
    /// Nobody takes what is given any more.
    dropped: bool,
}

/// Who is to do something.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Turn {
    /// The thread: it reads.
    #[default]
    Worker,
    /// The driver: the byte at that offset is wanted.
    Starving(u64),
    /// The driver: the thread has given all it can.
    Resting,
    /// The thread has ended.
    Gone,
}

/// What all polls say from now on.
#[derive(Default)]
enum Ending {
    #[default]
    None,
    End,
    Failed(DemuxError),
}

/// The bytes of the resource.
#[derive(Default)]
struct Resource {
    cache: Cache,
    /// Where the next byte that is pushed is expected.
    next: u64,
    /// Bytes from there were asked for, and none of them came yet.
    wanted: Option<u64>,
    /// No bytes lie behind.
    end: Option<u64>,
    total_len: Option<u64>,
    /// Up to where the thread has read.
    read: u64,
}

impl Resource {
    fn push(&mut self, offset: u64, mut data: Bytes) {
        let Some(known) = self.next.checked_sub(offset) else {
            return;
        };
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        if known >= data.len() {
            return;
        }
        data.advance(known);
        self.wanted = None;
        let at = self.next;
        self.next = at.saturating_add(data.len() as u64);
        self.cache.insert(at, data);
        self.cache.trim(&(self.read..self.next));
    }

    fn finish(&mut self) {
        self.end = Some(self.end.map_or(self.next, |end| end.min(self.next)));
    }

    fn len(&self) -> Option<u64> {
        self.end.into_iter().chain(self.total_len).min()
    }

    /// Whether a read at that place gives something, if only the end.
    fn answers(&self, at: u64) -> bool {
        self.cache.at(at).is_some() || self.len().is_some_and(|len| at >= len)
    }

    /// Asks for the byte that is missing.
    fn ask(&mut self, at: u64) -> Step {
        if self.next == at && self.wanted.is_none() {
            return Step::NeedMore;
        }
        self.next = at;
        self.wanted = Some(at);
        Step::Want(ByteRange::from(at))
    }
}

impl State {
    fn is_interrupted(&self) -> bool {
        self.dropped || self.seek.is_some()
    }

    fn is_full(&self) -> bool {
        let bytes = self.given.iter().map(|given| match given {
            Given::Packet(packet) => packet.data.len(),
            _ => 0,
        });
        self.given.len() >= MAX_PACKETS || bytes.sum::<usize>() >= MAX_PACKET_BYTES
    }

    /// New bytes, or the end of them: the thread may go on.
    fn feed(&mut self) {
        if let Turn::Starving(at) = self.turn
            && self.resource.answers(at)
        {
            self.turn = Turn::Worker;
        }
    }

    fn take(&mut self) -> Option<Result<Step, DemuxError>> {
        let given = self.given.pop_front()?;
        if self.turn == Turn::Resting {
            // There is room again.
            self.turn = Turn::Worker;
        }
        Some(match given {
            Given::Info(info) => {
                self.seekable = Some(info.seekable);
                Ok(Step::Info(info))
            }
            Given::Packet(packet) => Ok(Step::Packet(packet)),
            Given::End => {
                self.ending = Ending::End;
                Ok(Step::End)
            }
            Given::Failed(error) => {
                self.ending = Ending::Failed(error.clone());
                Err(error)
            }
        })
    }
}

/// The driver's side.
impl Exchange {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.worker.notify_one();
    }

    pub(super) fn push(&self, offset: u64, data: Bytes) {
        self.change(|state| {
            state.resource.push(offset, data);
            state.feed();
        });
    }

    pub(super) fn finish(&self) {
        self.change(|state| {
            state.resource.finish();
            state.feed();
        });
    }

    pub(super) fn set_len(&self, total_len: u64) {
        self.change(|state| {
            state.resource.total_len = Some(total_len);
            state.feed();
        });
    }

    pub(super) fn damage(&self) -> u64 {
        self.lock().damage
    }

    pub(super) fn poll(&self) -> Result<Step, DemuxError> {
        let busy = |state: &mut State| state.given.is_empty() && state.turn == Turn::Worker;
        let waited = self.driver.wait_timeout_while(self.lock(), TURN, busy);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = state.take() {
            self.worker.notify_one();
            return step;
        }
        match (&state.ending, state.turn) {
            (Ending::Failed(error), _) => Err(error.clone()),
            (Ending::End, _) => Ok(Step::End),
            (Ending::None, Turn::Starving(at)) => Ok(state.resource.ask(at)),
            (Ending::None, Turn::Worker | Turn::Resting) => Ok(Step::Pending),
            (Ending::None, Turn::Gone) => Err(broken()),
        }
    }

    pub(super) fn seek(&self, target: SeekTo) -> Result<(), DemuxError> {
        let mut state = self.lock();
        match (&state.ending, state.seekable, state.turn) {
            (Ending::Failed(error), ..) => return Err(error.clone()),
            (_, _, Turn::Gone) => return Err(broken()),
            (_, None, _) => return Err(DemuxError::NotSeekable("its headers are not read yet")),
            (_, Some(false), _) => {
                return Err(DemuxError::NotSeekable("libavformat finds no times in it"));
            }
            (_, Some(true), _) => {}
        }
        // Packets of the old place; what was learnt of the tracks holds.
        state.given.retain(|given| matches!(given, Given::Info(_)));
        state.ending = Ending::None;
        state.seek = Some(target);
        state.turn = Turn::Worker;
        drop(state);
        self.worker.notify_one();
        Ok(())
    }

    /// Nobody waits for anything any more: the thread ends with its next call.
    pub(super) fn hang_up(&self) {
        self.change(|state| state.dropped = true);
    }
}

/// The thread's side.
impl Exchange {
    /// Reads what lies there, as soon as it has come.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> Read {
        let mut state = self.lock();
        loop {
            if state.is_interrupted() {
                return Read::Interrupted;
            }
            if let Some(there) = state.resource.cache.at(at) {
                let count = there.len().min(into.len());
                into.iter_mut()
                    .zip(there)
                    .for_each(|(to, from)| *to = *from);
                state.resource.read = at.saturating_add(count as u64);
                return Read::Bytes(count);
            }
            if state.resource.answers(at) {
                return Read::End;
            }
            state.resource.read = at;
            state.turn = Turn::Starving(at);
            self.driver.notify_one();
            state = self.worker_waits(state);
        }
    }

    /// Bytes of the resource, where known.
    pub(super) fn len(&self) -> Option<u64> {
        self.lock().resource.len()
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.lock().is_interrupted()
    }

    /// Hands something over, as soon as there is room.
    pub(super) fn give(&self, given: Given) -> Result<(), Interrupted> {
        let mut state = self.lock();
        while state.is_full() && !state.is_interrupted() {
            state.turn = Turn::Resting;
            state = self.worker_waits(state);
        }
        if state.is_interrupted() {
            return Err(Interrupted);
        }
        state.turn = Turn::Worker;
        state.given.push_back(given);
        self.driver.notify_one();
        Ok(())
    }

    /// All was given: waits until something is to be done again.
    pub(super) fn rest(&self) {
        let mut state = self.lock();
        while !state.is_interrupted() {
            state.turn = Turn::Resting;
            state = self.worker_waits(state);
        }
    }

    /// Where to go, if it is elsewhere.
    pub(super) fn take_seek(&self) -> Option<SeekTo> {
        self.lock().seek.take()
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.lock().dropped
    }

    pub(super) fn add_damage(&self) {
        self.lock().damage += 1;
    }

    /// The thread ends.
    pub(super) fn leave(&self) {
        self.lock().turn = Turn::Gone;
        self.driver.notify_one();
    }

    fn worker_waits<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.worker.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken() -> DemuxError {
    DemuxError::Library {
        container: "the file".to_owned(),
        what: "its thread has ended".to_owned(),
    }
}
