//! Local files: one thread reads for all requests, in turn, as credit allows. A caller that waits for the bytes anyway may
//! read regular files on its own thread.

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
use crate::net::get_or_start;
use crate::pipe::{Pipe, PipeRead, Pipes};
use crate::target::file_path;
use crate::transport::FILE;
use crate::{FetchRequest, Initiator, NetError, ResponseSink, Transport};

/// The first piece is small, so that headers are parsed while the rest is read.
const FIRST_READ_LEN: u64 = 64 * 1024;
const READ_LEN: u64 = 256 * 1024;

/// The files of this machine, and what is named like them: pipes, devices, standard input.
#[derive(Default)]
pub(crate) struct FileTransport {
    /// Regular files that are read by [`Files::read_inline`].
    inline: Option<InlineFiles>,
    reader: OnceLock<FileThread>,
    /// Held while the reader is started.
    starting: Mutex<()>,
}

impl FileTransport {
    /// Regular files are read by whoever calls [`read_inline`](Self::read_inline).
    pub(crate) fn inline() -> Self {
        Self {
            inline: Some(InlineFiles::default()),
            ..Self::default()
        }
    }

    /// Reads the next piece of each requested file. `false`: no piece could be read.
    pub(crate) fn read_inline(&self) -> bool {
        self.inline.as_ref().is_some_and(InlineFiles::poll)
    }

    fn submit(&self, request: FileRequest) {
        if let Some(inline) = self.inline.as_ref().filter(|_| !request.reads_a_pipe()) {
            return inline.submit(request);
        }
        match get_or_start(&self.reader, &self.starting, FileThread::start) {
            Ok(reader) => reader.submit(request),
            Err(error) => request.fail(NetError::Start(error)),
        }
    }
}

impl Transport for FileTransport {
    fn schemes(&self) -> &[&str] {
        &[FILE]
    }

    fn open(&self, request: FetchRequest, response: ResponseSink) {
        match file_path(request.url.expose()) {
            Ok(path) => self.submit(FileRequest::new(path, &request, response)),
            Err(error) => {
                let fault = error.into_fault().at_url(request.url.expose());
                response.fail(fault);
            }
        }
    }
}

/// One file request in progress.
struct FileRequest {
    path: PathBuf,
    range: ByteRange,
    since: Instant,
    /// The user named it, so it may be a pipe.
    may_be_pipe: bool,
    source: Option<Source>,
    response: ResponseSink,
}

enum Source {
    File(RegularFile),
    Pipe(PipeCursor),
}

struct RegularFile {
    file: File,
    pieces: Pieces,
    position: u64,
    end: u64,
    read_len: u64,
}

struct PipeCursor {
    pipe: Arc<Pipe>,
    position: u64,
    end: Option<u64>,
    /// Its head was delivered.
    head_sent: bool,
}

enum Progress {
    Advanced,
    Pending,
    Done,
}

#[derive(Default)]
struct InboxState {
    incoming: VecDeque<FileRequest>,
    woken: bool,
    closing: bool,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<InboxState>,
    wake: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn change(&self, change: impl FnOnce(&mut InboxState)) {
        change(&mut self.lock());
        self.wake.notify_one();
    }
}

/// Credit was granted, a request was cancelled, or a pipe gave something.
impl Wake for Inbox {
    fn wake(self: Arc<Self>) {
        self.change(|state| state.woken = true);
    }
}

/// The thread that reads files; dropping it ends the thread.
struct FileThread(Arc<Inbox>);

impl FileThread {
    fn start() -> io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let inside = Arc::clone(&inbox);
        thread::Builder::new()
            .name("kinora-file".into())
            .spawn(move || read_loop(&inside))?;
        Ok(Self(inbox))
    }
    fn submit(&self, request: FileRequest) {
        self.0.change(|state| state.incoming.push_back(request));
    }
}

impl Drop for FileThread {
    fn drop(&mut self) {
        self.0.change(|state| state.closing = true);
    }
}

/// Requests for regular files, read by whoever polls them.
#[derive(Default)]
struct InlineFiles(Mutex<VecDeque<FileRequest>>);

impl InlineFiles {
    fn lock(&self) -> MutexGuard<'_, VecDeque<FileRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn submit(&self, request: FileRequest) {
        self.lock().push_back(request);
    }
    /// Reads the next piece of each. `false`: none could.
    fn poll(&self) -> bool {
        // Not locked while events are emitted: who takes them may open another request.
        let mut requests = std::mem::take(&mut *self.lock());
        // The caller polls again after each grant: nobody needs to be woken.
        let advanced = poll_each(&mut requests, None, Waker::noop());
        self.lock().extend(requests);
        advanced
    }
}

/// Polls every request once; `waker` is woken when a pending one can go on. `false`: all of them are pending.
fn poll_each(
    requests: &mut VecDeque<FileRequest>,
    mut pipes: Option<&mut Pipes>,
    waker: &Waker,
) -> bool {
    let context = Context::from_waker(waker);
    let mut advanced = false;
    for _ in 0..requests.len() {
        let Some(request) = requests.pop_front() else {
            break;
        };
        let (progress, request) = request.poll(pipes.as_deref_mut(), &context);
        advanced |= !matches!(progress, Progress::Pending);
        requests.extend(request);
    }
    advanced
}

fn read_loop(inbox: &Arc<Inbox>) {
    let mut requests: VecDeque<FileRequest> = VecDeque::new();
    let waker = Waker::from(Arc::clone(inbox));
    let woken = waker.clone();
    let mut pipes = Pipes::new(move || woken.wake_by_ref());
    let mut idle = true;
    loop {
        let mut state = inbox.lock();
        while idle && !state.woken && !state.closing && state.incoming.is_empty() {
            state = inbox
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closing {
            return;
        }
        state.woken = false;
        requests.append(&mut state.incoming);
        drop(state);
        idle = !poll_each(&mut requests, Some(&mut pipes), &waker);
    }
}

impl FileRequest {
    fn new(path: PathBuf, request: &FetchRequest, response: ResponseSink) -> Self {
        Self {
            path,
            range: request.range,
            since: Instant::now(),
            // What a playlist names is a file that it came with.
            may_be_pipe: matches!(request.initiator, Initiator::User),
            source: None,
            response,
        }
    }

    /// Whether it can only be read in order. What can not be looked at is reported when it is opened.
    fn reads_a_pipe(&self) -> bool {
        self.may_be_pipe && is_pipe(&self.path).unwrap_or(false)
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

    /// Reads the next piece; returns itself unless it is done.
    fn poll(
        mut self,
        pipes: Option<&mut Pipes>,
        context: &Context<'_>,
    ) -> (Progress, Option<Self>) {
        if self.response.is_cancelled() {
            return (Progress::Done, None);
        }
        match self.advance(pipes, context) {
            Ok(Progress::Done) => self.response.finish(),
            Ok(progress) => return (progress, Some(self)),
            Err(error) => self.fail(error),
        }
        (Progress::Done, None)
    }

    fn advance(
        &mut self,
        pipes: Option<&mut Pipes>,
        context: &Context<'_>,
    ) -> Result<Progress, NetError> {
        let response = &self.response;
        match &mut self.source {
            Some(Source::File(source)) => return source.advance(response, context),
            Some(Source::Pipe(source)) => return source.advance(response, self.range, context),
            None => {}
        }
        if let Some(pipes) = pipes
            && self.may_be_pipe
            && is_pipe(&self.path)?
        {
            let pipe = pipes
                .open(&self.path)
                .map_err(|source| NetError::File { source })?;
            self.source = Some(Source::Pipe(PipeCursor {
                pipe,
                position: self.range.start,
                end: self.range.end,
                head_sent: false,
            }));
            return Ok(Progress::Advanced);
        }
        let (source, info) = open(&self.path, self.range)?;
        self.response.head(info);
        let progress = match source.position == source.end {
            true => Progress::Done,
            false => Progress::Advanced,
        };
        self.source = Some(Source::File(source));
        Ok(progress)
    }
}

/// Whether it can be read only in order, and is no directory.
fn is_pipe(path: &PathBuf) -> Result<bool, NetError> {
    let seen = std::fs::metadata(path).map_err(|source| NetError::File { source })?;
    Ok(!(seen.is_dir() || seen.is_file() || is_block_device(&seen)))
}

/// Opens a file and says what is known of it.
fn open(path: &PathBuf, range: ByteRange) -> Result<(RegularFile, ResponseInfo), NetError> {
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
        return Err(range_past_end(range, len));
    }
    file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
    let end = range.end.map_or(len, |end| end.min(len)).max(range.start);
    let info = ResponseInfo {
        total_len: Some(len),
        offset: range.start,
        ranges: true,
        ..ResponseInfo::default()
    };
    let source = RegularFile {
        file,
        pieces: Pieces::default(),
        position: range.start,
        end,
        read_len: FIRST_READ_LEN,
    };
    Ok((source, info))
}

pub(crate) fn range_past_end(asked: ByteRange, len: u64) -> NetError {
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

impl RegularFile {
    fn advance(
        &mut self,
        response: &ResponseSink,
        context: &Context<'_>,
    ) -> Result<Progress, NetError> {
        let wanted = (self.end - self.position).min(self.read_len);
        let taken = match response.poll_credit(context, wanted) {
            Poll::Ready(Some(taken)) => taken,
            Poll::Ready(None) => return Ok(Progress::Advanced),
            Poll::Pending => return Ok(Progress::Pending),
        };
        let data = self.read(taken)?;
        let got = data.len() as u64;
        response.return_credit(taken - got);
        response.chunk(self.position, data);
        self.position += got;
        self.read_len = READ_LEN;
        Ok(match self.position == self.end {
            true => Progress::Done,
            false => Progress::Advanced,
        })
    }

    /// Up to that many bytes, at least one.
    fn read(&mut self, bytes: u64) -> Result<Bytes, NetError> {
        // `bytes` is at most READ_LEN.
        let mut buffer = self.pieces.room(usize::try_from(bytes).unwrap_or(0));
        let read = (&mut self.file).take(bytes).read_to_end(&mut buffer);
        read.map_err(|source| NetError::File { source })?;
        if buffer.is_empty() {
            return Err(NetError::FileShrank(self.position));
        }
        let piece = Bytes::from(buffer);
        self.pieces.keep(&piece);
        Ok(piece)
    }
}

/// So many pieces are kept: as many as may be under way to a reader that reads as fast as it can.
const MAX_PIECES: usize = 4;

/// The pieces that were read last. The memory of one that nobody else holds any more is read into again: new memory costs as
/// much as the bytes.
#[derive(Default)]
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// Memory for a piece, with nothing in it.
    fn room(&mut self, len: usize) -> Vec<u8> {
        let free = self.0.iter().position(Bytes::is_unique);
        let free = free.and_then(|at| self.0.remove(at)?.try_into_mut().ok());
        let mut room = free.map_or_else(Vec::new, |mut free| {
            free.clear();
            free.into()
        });
        room.reserve_exact(len);
        room
    }

    /// Whole pieces only: what is shorter begins or ends a file.
    fn keep(&mut self, piece: &Bytes) {
        if piece.len() as u64 != READ_LEN {
            return;
        }
        if self.0.len() >= MAX_PIECES {
            self.0.pop_front();
        }
        self.0.push_back(piece.clone());
    }
}

impl PipeCursor {
    fn advance(
        &mut self,
        response: &ResponseSink,
        asked: ByteRange,
        context: &Context<'_>,
    ) -> Result<Progress, NetError> {
        let read = self.pipe.read_at(self.position);
        if !self.head_sent {
            let total_len = match (&read, self.pipe.total_len()) {
                (PipeRead::Pending, _) => return Ok(self.wait(response, context)),
                (_, Some(len)) if self.position > len => return Err(range_past_end(asked, len)),
                (_, len) => len,
            };
            response.head(ResponseInfo {
                total_len,
                offset: self.position,
                ..ResponseInfo::default()
            });
            self.head_sent = true;
        }
        match read {
            PipeRead::Bytes(bytes) => Ok(self.deliver(response, &bytes, context)),
            PipeRead::Pending => Ok(self.wait(response, context)),
            PipeRead::End => Ok(Progress::Done),
            PipeRead::Discarded => Err(NetError::PipeGone(self.position)),
            PipeRead::Failed(source) => Err(NetError::File { source }),
        }
    }

    /// The pipe wakes the thread when it gives something; a cancellation does so as well.
    fn wait(&self, response: &ResponseSink, context: &Context<'_>) -> Progress {
        match response.poll_cancelled(context) {
            Poll::Ready(()) => Progress::Advanced,
            Poll::Pending => Progress::Pending,
        }
    }

    fn deliver(
        &mut self,
        response: &ResponseSink,
        bytes: &Bytes,
        context: &Context<'_>,
    ) -> Progress {
        let left = self
            .end
            .map_or(u64::MAX, |end| end.saturating_sub(self.position));
        let wanted = (bytes.len() as u64).min(left);
        let taken = match response.poll_credit(context, wanted) {
            Poll::Ready(Some(taken)) => taken,
            Poll::Ready(None) => return Progress::Advanced,
            Poll::Pending => return Progress::Pending,
        };
        let data = bytes.slice(..usize::try_from(taken).unwrap_or(0));
        response.chunk(self.position, data);
        self.position += taken;
        match self.end.is_some_and(|end| self.position >= end) {
            true => Progress::Done,
            false => Progress::Advanced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Reads a file of many pieces and holds the last of them; gives the memory that was read into.
    fn places(held: usize) -> usize {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film.ts");
        let piece = usize::try_from(READ_LEN).unwrap();
        let bytes: Vec<u8> = (0..20).flat_map(|n| vec![n; piece]).collect();
        std::fs::write(&path, bytes).unwrap();
        let (mut file, _) = open(&path, ByteRange::default()).unwrap();
        let mut last = VecDeque::new();
        let mut places = BTreeSet::new();
        for number in 0..20_u8 {
            let read = file.read(READ_LEN).unwrap();
            places.insert(read.as_ptr() as usize);
            last.push_back((number, read));
            if last.len() > held {
                last.pop_front();
            }
            let is_whole = |(of, read): &(u8, Bytes)| {
                read.len() == piece && read.iter().all(|byte| byte == of)
            };
            assert!(last.iter().all(is_whole), "what is held stays as it was");
        }
        places.len()
    }

    #[test]
    fn the_memory_of_pieces_that_nobody_holds_is_read_into_again() {
        assert_eq!(places(0), 1);
        assert_eq!(places(2), 3);
        assert!(places(20) == 20, "all are held");
    }
}
