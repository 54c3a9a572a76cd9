//! Local files: one thread reads for all requests, in turn, as credit allows. Who waits for the bytes anyway may read
//! regular files himself.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use kinora_media::{ByteRange, Chunk, RequestId, ResponseInfo};

use crate::error::RangeFailure;
use crate::net::Ticket;
use crate::pipe::{Pipe, Pipes, There};
use crate::{FetchEvent, NetError};

/// The first piece is small, so that headers are parsed while the rest is read.
const FIRST_PIECE: u64 = 64 * 1024;
const PIECE: u64 = 256 * 1024;

/// One file request under way.
pub(crate) struct Job {
    path: PathBuf,
    range: ByteRange,
    ticket: Ticket,
    since: Instant,
    /// It may be a pipe: the user named it.
    pipes: bool,
    reading: Option<Reading>,
}

enum Reading {
    File(FileReading),
    Pipe(PipeReading),
}

struct FileReading {
    file: File,
    position: u64,
    end: u64,
    piece: u64,
}

struct PipeReading {
    pipe: Arc<Pipe>,
    position: u64,
    end: Option<u64>,
    /// Its head was told.
    begun: bool,
}

enum Step {
    Moved,
    Waits,
    Ended,
}

#[derive(Default)]
struct State {
    incoming: VecDeque<Job>,
    kicked: bool,
    closing: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.wake.notify_one();
    }
}

/// The reading thread's front door; dropping it ends the thread.
pub(crate) struct FileReader(Arc<Shared>);

impl FileReader {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        thread::Builder::new()
            .name("kinora-file".into())
            .spawn(move || serve(&inside))?;
        Ok(Self(shared))
    }
    pub(crate) fn submit(&self, job: Job) {
        self.0.change(|state| state.incoming.push_back(job));
    }
    /// Credit was granted or a request was cancelled.
    pub(crate) fn wake(&self) {
        self.0.change(|state| state.kicked = true);
    }
}

impl Drop for FileReader {
    fn drop(&mut self) {
        self.0.change(|state| state.closing = true);
    }
}

/// Requests for regular files that go on when they are told to, on the thread that tells them.
#[derive(Default)]
pub(crate) struct InlineFiles(Mutex<VecDeque<Job>>);

impl InlineFiles {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn submit(&self, job: Job) {
        self.lock().push_back(job);
    }
    /// Each goes on by a piece. `false`: none could.
    pub(crate) fn go_on(&self) -> bool {
        // Not locked while events are told: who hears them may ask for more.
        let mut jobs = std::mem::take(&mut *self.lock());
        let moved = each_in_turn(&mut jobs, None);
        self.lock().extend(jobs);
        moved
    }
}

/// A step of every request. `false`: all of them wait.
fn each_in_turn(jobs: &mut VecDeque<Job>, mut pipes: Option<&mut Pipes>) -> bool {
    let mut moved = false;
    jobs.retain_mut(|job| {
        let step = job.step(pipes.as_deref_mut());
        moved |= !matches!(step, Step::Waits);
        !matches!(step, Step::Ended)
    });
    moved
}

fn serve(shared: &Arc<Shared>) {
    let mut jobs: VecDeque<Job> = VecDeque::new();
    let woken = Arc::clone(shared);
    let mut pipes = Pipes::new(move || woken.change(|state| state.kicked = true));
    let mut idle = true;
    loop {
        let mut state = shared.lock();
        while idle && !state.kicked && !state.closing && state.incoming.is_empty() {
            state = shared
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closing {
            return;
        }
        state.kicked = false;
        jobs.append(&mut state.incoming);
        drop(state);
        idle = !each_in_turn(&mut jobs, Some(&mut pipes));
    }
}

impl Job {
    /// `pipes`: it may be read from a pipe, too.
    pub(crate) fn new(
        path: PathBuf,
        range: ByteRange,
        ticket: Ticket,
        since: Instant,
        pipes: bool,
    ) -> Self {
        Self {
            path,
            range,
            ticket,
            since,
            pipes,
            reading: None,
        }
    }

    /// Whether it can only be read in order. What can not be looked at is told when it is opened.
    pub(crate) fn is_of_a_pipe(&self) -> bool {
        self.pipes && is_pipe(&self.path).unwrap_or(false)
    }

    pub(crate) fn into_ticket(self) -> Ticket {
        self.ticket
    }

    fn step(&mut self, pipes: Option<&mut Pipes>) -> Step {
        if self.ticket.flow.is_cancelled() {
            self.ticket.forget();
            return Step::Ended;
        }
        match self.advance(pipes) {
            Ok(step) => {
                if matches!(step, Step::Ended) {
                    let id = self.ticket.id;
                    self.ticket.finish(FetchEvent::Done { id });
                }
                step
            }
            Err(error) => {
                let fault = error
                    .into_fault()
                    .at_url(&self.path.to_string_lossy())
                    .with(|context| {
                        context.elapsed_ms = u64::try_from(self.since.elapsed().as_millis()).ok();
                        context.attempts = Some(1);
                        if !self.range.is_whole() {
                            context.bytes = Some((self.range.start, self.range.end));
                        }
                    });
                let id = self.ticket.id;
                self.ticket.finish(FetchEvent::Failed { id, fault });
                Step::Ended
            }
        }
    }

    fn advance(&mut self, pipes: Option<&mut Pipes>) -> Result<Step, NetError> {
        match &mut self.reading {
            Some(Reading::File(reading)) => return reading.advance(&self.ticket),
            Some(Reading::Pipe(reading)) => return reading.advance(&self.ticket, self.range),
            None => {}
        }
        if let Some(pipes) = pipes
            && self.pipes
            && is_pipe(&self.path)?
        {
            let pipe = pipes
                .open(&self.path)
                .map_err(|source| NetError::File { source })?;
            self.reading = Some(Reading::Pipe(PipeReading {
                pipe,
                position: self.range.start,
                end: self.range.end,
                begun: false,
            }));
            return Ok(Step::Moved);
        }
        let (reading, info) = open(&self.path, self.range)?;
        self.ticket.tell(FetchEvent::Head {
            id: self.ticket.id,
            info,
        });
        let step = match reading.position == reading.end {
            true => Step::Ended,
            false => Step::Moved,
        };
        self.reading = Some(Reading::File(reading));
        Ok(step)
    }
}

/// Whether it can be read only in order, and is no directory.
fn is_pipe(path: &PathBuf) -> Result<bool, NetError> {
    let seen = std::fs::metadata(path).map_err(|source| NetError::File { source })?;
    Ok(!(seen.is_dir() || seen.is_file() || is_block_device(&seen)))
}

/// Opens a file and says what is known of it.
fn open(path: &PathBuf, range: ByteRange) -> Result<(FileReading, ResponseInfo), NetError> {
    let failed = |source| NetError::File { source };
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let seen = std::fs::metadata(path).map_err(failed)?;
    if seen.is_dir() {
        return Err(failed(io::Error::from_raw_os_error(21)));
    }
    if !(seen.is_file() || is_block_device(&seen)) {
        return Err(NetError::NotAFile);
    }
    let mut file = File::open(path).map_err(failed)?;
    // A block device has no length of its own in its metadata.
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    if range.start > 0 && range.start >= len {
        return Err(behind_the_end(range, len));
    }
    file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
    let end = range.end.map_or(len, |end| end.min(len)).max(range.start);
    let info = ResponseInfo {
        total_len: Some(len),
        offset: range.start,
        ranges: true,
        ..ResponseInfo::default()
    };
    let reading = FileReading {
        file,
        position: range.start,
        end,
        piece: FIRST_PIECE,
    };
    Ok((reading, info))
}

fn behind_the_end(asked: ByteRange, len: u64) -> NetError {
    NetError::Range {
        kind: RangeFailure::Unsatisfiable,
        status: None,
        asked,
        total: Some(len),
        why: format!("the file has {len} bytes"),
    }
}

#[cfg(unix)]
fn is_block_device(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_block_device(_: &std::fs::Metadata) -> bool {
    false
}

impl FileReading {
    fn advance(&mut self, ticket: &Ticket) -> Result<Step, NetError> {
        let wanted = (self.end - self.position).min(self.piece);
        let taken = ticket.flow.try_take(wanted);
        if taken == 0 {
            return Ok(Step::Waits);
        }
        let data = self.read(taken)?;
        let got = data.len() as u64;
        ticket.flow.give_back(taken - got);
        let offset = self.position;
        self.position += got;
        self.piece = PIECE;
        ticket.tell(FetchEvent::Chunk(chunk(ticket.id, offset, data)));
        Ok(if self.position == self.end {
            Step::Ended
        } else {
            Step::Moved
        })
    }

    /// Up to that many bytes, at least one.
    fn read(&mut self, bytes: u64) -> Result<Bytes, NetError> {
        // `bytes` is at most PIECE.
        let mut buffer = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        let read = (&mut self.file).take(bytes).read_to_end(&mut buffer);
        read.map_err(|source| NetError::File { source })?;
        if buffer.is_empty() {
            return Err(NetError::FileShrank(self.position));
        }
        Ok(Bytes::from(buffer))
    }
}

impl PipeReading {
    fn advance(&mut self, ticket: &Ticket, asked: ByteRange) -> Result<Step, NetError> {
        let there = self.pipe.at(self.position);
        if !self.begun {
            let total_len = match (&there, self.pipe.total_len()) {
                (There::NotYet, _) => return Ok(Step::Waits),
                (_, Some(len)) if self.position > len => return Err(behind_the_end(asked, len)),
                (_, len) => len,
            };
            let info = ResponseInfo {
                total_len,
                offset: self.position,
                ..ResponseInfo::default()
            };
            let id = ticket.id;
            ticket.tell(FetchEvent::Head { id, info });
            self.begun = true;
        }
        match there {
            There::Bytes(bytes) => Ok(self.give(ticket, &bytes)),
            There::NotYet => Ok(Step::Waits),
            There::End => Ok(Step::Ended),
            There::Gone => Err(NetError::PipeGone(self.position)),
            There::Failed(source) => Err(NetError::File { source }),
        }
    }

    fn give(&mut self, ticket: &Ticket, bytes: &Bytes) -> Step {
        let left = self
            .end
            .map_or(u64::MAX, |end| end.saturating_sub(self.position));
        let wanted = (bytes.len() as u64).min(left);
        let taken = ticket.flow.try_take(wanted);
        if taken == 0 && wanted > 0 {
            return Step::Waits;
        }
        let data = bytes.slice(..usize::try_from(taken).unwrap_or(0));
        ticket.tell(FetchEvent::Chunk(chunk(ticket.id, self.position, data)));
        self.position += taken;
        match self.end.is_some_and(|end| self.position >= end) {
            true => Step::Ended,
            false => Step::Moved,
        }
    }
}

fn chunk(id: RequestId, offset: u64, data: Bytes) -> Chunk {
    Chunk { id, offset, data }
}
