//! Local files: one thread reads for all requests, in turn, as credit allows. Who waits for the bytes anyway may read
//! regular files himself.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use kinora_media::{ByteRange, ResponseInfo};

use crate::error::RangeFailure;
use crate::net::started;
use crate::pipe::{Pipe, Pipes, There};
use crate::target::file_path;
use crate::transport::FILE;
use crate::{FetchRequest, Initiator, NetError, ResponseSink, Transport};

/// The first piece is small, so that headers are parsed while the rest is read.
const FIRST_PIECE: u64 = 64 * 1024;
const PIECE: u64 = 256 * 1024;

/// The files of this machine, and what is named like them: pipes, devices, standard input.
#[derive(Default)]
pub(crate) struct Files {
    /// Regular files that are read by [`Files::read_inline`].
    inline: Option<InlineFiles>,
    reader: OnceLock<FileReader>,
    /// Held while the reader is started.
    starting: Mutex<()>,
}

impl Files {
    /// Regular files are read by whoever calls [`read_inline`](Self::read_inline).
    pub(crate) fn inline() -> Self {
        Self {
            inline: Some(InlineFiles::default()),
            ..Self::default()
        }
    }

    /// Reads the next piece of each file that was asked for. `false`: no piece could be read.
    pub(crate) fn read_inline(&self) -> bool {
        self.inline.as_ref().is_some_and(InlineFiles::go_on)
    }

    fn submit(&self, job: Job) {
        if let Some(inline) = self.inline.as_ref().filter(|_| !job.is_of_a_pipe()) {
            return inline.submit(job);
        }
        match started(&self.reader, &self.starting, FileReader::start) {
            Ok(reader) => reader.submit(job),
            Err(error) => job.fail(NetError::Start(error)),
        }
    }
}

impl Transport for Files {
    fn schemes(&self) -> &[&str] {
        &[FILE]
    }

    fn open(&self, request: FetchRequest, response: ResponseSink) {
        match file_path(request.url.expose()) {
            Ok(path) => self.submit(Job::new(path, &request, response)),
            Err(error) => {
                let fault = error.into_fault().at_url(request.url.expose());
                response.fail(fault);
            }
        }
    }
}

/// One file request under way.
struct Job {
    path: PathBuf,
    range: ByteRange,
    since: Instant,
    /// It may be a pipe: the user named it.
    pipes: bool,
    reading: Option<Reading>,
    response: ResponseSink,
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
    /// Its head was emitted.
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

/// Credit was granted, a request was cancelled, or a pipe gave something.
impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.change(|state| state.kicked = true);
    }
}

/// The reading thread's front door; dropping it ends the thread.
struct FileReader(Arc<Shared>);

impl FileReader {
    fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        thread::Builder::new()
            .name("kinora-file".into())
            .spawn(move || serve(&inside))?;
        Ok(Self(shared))
    }
    fn submit(&self, job: Job) {
        self.0.change(|state| state.incoming.push_back(job));
    }
}

impl Drop for FileReader {
    fn drop(&mut self) {
        self.0.change(|state| state.closing = true);
    }
}

/// Requests for regular files that go on when they are told to, on the thread that tells them.
#[derive(Default)]
struct InlineFiles(Mutex<VecDeque<Job>>);

impl InlineFiles {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn submit(&self, job: Job) {
        self.lock().push_back(job);
    }
    /// Each goes on by a piece. `false`: none could.
    fn go_on(&self) -> bool {
        // Not locked while events are emitted: who takes them may ask for more.
        let mut jobs = std::mem::take(&mut *self.lock());
        // Who drives them looks again after each grant: nobody needs to be woken.
        let moved = each_in_turn(&mut jobs, None, Waker::noop());
        self.lock().extend(jobs);
        moved
    }
}

/// A step of every request; `waker` is woken when one that waits can go on. `false`: all of them wait.
fn each_in_turn(jobs: &mut VecDeque<Job>, mut pipes: Option<&mut Pipes>, waker: &Waker) -> bool {
    let context = Context::from_waker(waker);
    let mut moved = false;
    for _ in 0..jobs.len() {
        let Some(job) = jobs.pop_front() else { break };
        let (step, job) = job.step(pipes.as_deref_mut(), &context);
        moved |= !matches!(step, Step::Waits);
        jobs.extend(job);
    }
    moved
}

fn serve(shared: &Arc<Shared>) {
    let mut jobs: VecDeque<Job> = VecDeque::new();
    let waker = Waker::from(Arc::clone(shared));
    let woken = waker.clone();
    let mut pipes = Pipes::new(move || woken.wake_by_ref());
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
        idle = !each_in_turn(&mut jobs, Some(&mut pipes), &waker);
    }
}

impl Job {
    fn new(path: PathBuf, request: &FetchRequest, response: ResponseSink) -> Self {
        Self {
            path,
            range: request.range,
            since: Instant::now(),
            // What a playlist names is a file that it came with.
            pipes: matches!(request.initiator, Initiator::User),
            reading: None,
            response,
        }
    }

    /// Whether it can only be read in order. What can not be looked at is reported when it is opened.
    fn is_of_a_pipe(&self) -> bool {
        self.pipes && is_pipe(&self.path).unwrap_or(false)
    }

    fn fail(self, error: NetError) {
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
        self.response.fail(fault);
    }

    /// Goes on by a piece; gives itself back unless it is over.
    fn step(mut self, pipes: Option<&mut Pipes>, context: &Context<'_>) -> (Step, Option<Self>) {
        if self.response.is_cancelled() {
            return (Step::Ended, None);
        }
        match self.advance(pipes, context) {
            Ok(Step::Ended) => self.response.finish(),
            Ok(step) => return (step, Some(self)),
            Err(error) => self.fail(error),
        }
        (Step::Ended, None)
    }

    fn advance(
        &mut self,
        pipes: Option<&mut Pipes>,
        context: &Context<'_>,
    ) -> Result<Step, NetError> {
        let response = &self.response;
        match &mut self.reading {
            Some(Reading::File(reading)) => return reading.advance(response, context),
            Some(Reading::Pipe(reading)) => return reading.advance(response, self.range, context),
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
        self.response.head(info);
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

pub(crate) fn behind_the_end(asked: ByteRange, len: u64) -> NetError {
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
    fn advance(
        &mut self,
        response: &ResponseSink,
        context: &Context<'_>,
    ) -> Result<Step, NetError> {
        let wanted = (self.end - self.position).min(self.piece);
        let taken = match response.poll_credit(context, wanted) {
            Poll::Ready(Some(taken)) => taken,
            Poll::Ready(None) => return Ok(Step::Moved),
            Poll::Pending => return Ok(Step::Waits),
        };
        let data = self.read(taken)?;
        let got = data.len() as u64;
        response.return_credit(taken - got);
        response.chunk(self.position, data);
        self.position += got;
        self.piece = PIECE;
        Ok(match self.position == self.end {
            true => Step::Ended,
            false => Step::Moved,
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
    fn advance(
        &mut self,
        response: &ResponseSink,
        asked: ByteRange,
        context: &Context<'_>,
    ) -> Result<Step, NetError> {
        let there = self.pipe.at(self.position);
        if !self.begun {
            let total_len = match (&there, self.pipe.total_len()) {
                (There::NotYet, _) => return Ok(self.wait(response, context)),
                (_, Some(len)) if self.position > len => return Err(behind_the_end(asked, len)),
                (_, len) => len,
            };
            response.head(ResponseInfo {
                total_len,
                offset: self.position,
                ..ResponseInfo::default()
            });
            self.begun = true;
        }
        match there {
            There::Bytes(bytes) => Ok(self.give(response, &bytes, context)),
            There::NotYet => Ok(self.wait(response, context)),
            There::End => Ok(Step::Ended),
            There::Gone => Err(NetError::PipeGone(self.position)),
            There::Failed(source) => Err(NetError::File { source }),
        }
    }

    /// The pipe wakes the thread when it gives something; a cancellation does so as well.
    fn wait(&self, response: &ResponseSink, context: &Context<'_>) -> Step {
        match response.poll_cancelled(context) {
            Poll::Ready(()) => Step::Moved,
            Poll::Pending => Step::Waits,
        }
    }

    fn give(&mut self, response: &ResponseSink, bytes: &Bytes, context: &Context<'_>) -> Step {
        let left = self
            .end
            .map_or(u64::MAX, |end| end.saturating_sub(self.position));
        let wanted = (bytes.len() as u64).min(left);
        let taken = match response.poll_credit(context, wanted) {
            Poll::Ready(Some(taken)) => taken,
            Poll::Ready(None) => return Step::Moved,
            Poll::Pending => return Step::Waits,
        };
        let data = bytes.slice(..usize::try_from(taken).unwrap_or(0));
        response.chunk(self.position, data);
        self.position += taken;
        match self.end.is_some_and(|end| self.position >= end) {
            true => Step::Ended,
            false => Step::Moved,
        }
    }
}
