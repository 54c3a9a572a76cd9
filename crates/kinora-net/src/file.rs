//! Local files: one thread reads for all requests, in turn, as credit allows.

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
use crate::{NetError, NetEvent};

/// The first piece is small, so that headers are parsed while the rest is read.
const FIRST_PIECE: u64 = 64 * 1024;
const PIECE: u64 = 256 * 1024;

/// One file request under way.
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    pub(crate) range: ByteRange,
    pub(crate) ticket: Ticket,
    pub(crate) since: Instant,
    reading: Option<Reading>,
}

struct Reading {
    file: File,
    position: u64,
    end: u64,
    piece: u64,
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
    pub(crate) fn submit(&self, path: PathBuf, range: ByteRange, ticket: Ticket, since: Instant) {
        let job = Job {
            path,
            range,
            ticket,
            since,
            reading: None,
        };
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

fn serve(shared: &Shared) {
    let mut jobs: VecDeque<Job> = VecDeque::new();
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
        idle = true;
        jobs.retain_mut(|job| {
            let step = job.step();
            idle &= !matches!(step, Step::Moved);
            !matches!(step, Step::Ended)
        });
    }
}

impl Job {
    fn step(&mut self) -> Step {
        if self.ticket.flow.is_cancelled() {
            self.ticket.forget();
            return Step::Ended;
        }
        match self.advance() {
            Ok(step) => {
                if matches!(step, Step::Ended) {
                    let id = self.ticket.id;
                    self.ticket.finish(NetEvent::Done { id });
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
                self.ticket.finish(NetEvent::Failed { id, fault });
                Step::Ended
            }
        }
    }

    fn advance(&mut self) -> Result<Step, NetError> {
        match &mut self.reading {
            Some(reading) => reading.advance(&self.ticket),
            None => {
                let (reading, info) = open(&self.path, self.range)?;
                self.ticket.tell(NetEvent::Head {
                    id: self.ticket.id,
                    info,
                });
                let step = if reading.position == reading.end {
                    Step::Ended
                } else {
                    Step::Moved
                };
                self.reading = Some(reading);
                Ok(step)
            }
        }
    }
}

/// Opens a file and says what is known of it.
fn open(path: &PathBuf, range: ByteRange) -> Result<(Reading, ResponseInfo), NetError> {
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
        return Err(NetError::Range {
            kind: RangeFailure::Unsatisfiable,
            status: None,
            asked: range,
            total: Some(len),
            why: format!("the file has {len} bytes"),
        });
    }
    file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
    let end = range.end.map_or(len, |end| end.min(len)).max(range.start);
    let info = ResponseInfo {
        total_len: Some(len),
        offset: range.start,
        ranges: true,
        ..ResponseInfo::default()
    };
    let reading = Reading {
        file,
        position: range.start,
        end,
        piece: FIRST_PIECE,
    };
    Ok((reading, info))
}

#[cfg(unix)]
fn is_block_device(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_block_device(_: &std::fs::Metadata) -> bool {
    false
}

impl Reading {
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
        ticket.tell(NetEvent::Chunk(chunk(ticket.id, offset, data)));
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

fn chunk(id: RequestId, offset: u64, data: Bytes) -> Chunk {
    Chunk { id, offset, data }
}
