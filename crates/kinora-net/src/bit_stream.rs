//! An application's own source of bytes: reads and seeks are its callbacks.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::{Bytes, BytesMut};
use kinora_media::ResponseInfo;

use crate::file::range_past_end;
use crate::{FetchRequest, NetError, ResponseSink, Transport};

/// The first piece is small, so that headers are parsed while the rest is read.
const READ_LEN: usize = 64 * 1024;
/// Bytes of a source that can not seek that are kept for seeks back.
const MAX_BACK_BUFFER: u64 = 64 << 20;

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A source of bytes that the application reads for the player: memory, an archive, a blob that only it can decrypt.
///
/// It is read on a thread of its own, one request after the other, so it may wait; a player that gets nothing within its
/// network timeout reports that. An error is final and keeps its errno (EIO where it has none), but for
/// [`TimedOut`](ErrorKind::TimedOut) and [`WouldBlock`](ErrorKind::WouldBlock), after which the request is retried. Clones are
/// the same source; it is dropped with the last of them, on its thread.
#[derive(Clone)]
pub struct BitStreamSource(Arc<Mutex<SourceState>>);

/// The source, before the first request and after.
enum SourceState {
    Idle(SourceReader),
    /// Its thread takes requests.
    Running(Sender<SourceRequest>),
}

struct SourceRequest {
    request: FetchRequest,
    response: ResponseSink,
}

impl BitStreamSource {
    /// A source that can be read from any offset. Where `seek` to its end fails its size counts as unknown.
    pub fn seekable(source: impl Read + Seek + Send + 'static) -> Self {
        Self::new(ByteSource::Seekable(Box::new(source)))
    }

    /// A source that can be read once, in order. Its last 64 MiB are kept as a back buffer, so that a demuxer can seek back a little.
    pub fn sequential(source: impl Read + Send + 'static) -> Self {
        Self::new(ByteSource::Sequential {
            source: Box::new(source),
            back_buffer: BackBuffer::default(),
        })
    }

    fn new(source: ByteSource) -> Self {
        let reader = SourceReader {
            source,
            position: 0,
            spare: BytesMut::new(),
        };
        Self(Arc::new(Mutex::new(SourceState::Idle(reader))))
    }

    fn lock(&self) -> MutexGuard<'_, SourceState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, pending: SourceRequest) {
        let mut state = self.lock();
        if let SourceState::Running(requests) = &*state {
            // A thread that a panic ended leaves the response without an end, which fails it.
            let _ = requests.send(pending);
            return;
        }
        let (requests, queue) = channel();
        let SourceState::Idle(reader) =
            std::mem::replace(&mut *state, SourceState::Running(requests.clone()))
        else {
            return;
        };
        let started = thread::Builder::new()
            .name("kinora-source".into())
            .spawn(move || reader.read_loop(&queue));
        match started {
            Ok(_) => drop(requests.send(pending)),
            Err(error) => pending.fail(NetError::Start(error)),
        }
    }
}

/// A panic of the source ends its thread, and every request that follows fails.
impl UnwindSafe for BitStreamSource {}
impl RefUnwindSafe for BitStreamSource {}

/// What it reads is the application's.
impl fmt::Debug for BitStreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BitStreamSource")
    }
}

impl SourceRequest {
    fn fail(self, error: NetError) {
        let range = self.request.range;
        let fault = error.into_fault().at_url(self.request.url.expose());
        self.response.fail(fault.with(|context| {
            if !range.is_whole() {
                context.bytes = context.bytes.or(Some((range.start, range.end)));
            }
        }));
    }
}

/// The bytes and where they are read.
struct SourceReader {
    source: ByteSource,
    /// Offset of the next byte.
    position: u64,
    /// Room that was not read into yet.
    spare: BytesMut,
}

enum ByteSource {
    Seekable(Box<dyn ReadSeek>),
    Sequential {
        source: Box<dyn Read + Send>,
        back_buffer: BackBuffer,
    },
}

impl SourceReader {
    /// The source's thread: answers one request after the other until the last clone of the source is dropped.
    fn read_loop(mut self, queue: &Receiver<SourceRequest>) {
        while let Ok(pending) = queue.recv() {
            if pending.response.is_cancelled() {
                continue;
            }
            match self.respond(&pending) {
                Ok(()) => pending.response.finish(),
                Err(error) => pending.fail(error),
            }
        }
    }

    fn respond(&mut self, pending: &SourceRequest) -> Result<(), NetError> {
        let SourceRequest { request, response } = pending;
        let range = request.range;
        let total_len = self.total_len();
        if let Some(len) = total_len.filter(|len| range.start > 0 && range.start >= *len) {
            return Err(range_past_end(range, len));
        }
        self.seek_to(range.start, response)?;
        if self.position < range.start {
            return Err(range_past_end(range, self.position));
        }
        response.head(ResponseInfo {
            total_len,
            offset: range.start,
            ranges: matches!(self.source, ByteSource::Seekable(_)),
            ..ResponseInfo::default()
        });
        loop {
            let left = range.end.unwrap_or(u64::MAX).saturating_sub(self.position);
            let wanted = left.min(READ_LEN as u64);
            let credit = response.blocking_credit(wanted);
            let Some(credit) = credit.filter(|credit| *credit > 0) else {
                return Ok(());
            };
            let offset = self.position;
            let data = self.read(usize::try_from(credit).unwrap_or(READ_LEN), response)?;
            response.return_credit(credit - data.len() as u64);
            if data.is_empty() {
                return Ok(());
            }
            response.chunk(offset, data);
        }
    }

    /// Bytes of the whole, where the source can tell.
    fn total_len(&mut self) -> Option<u64> {
        match &mut self.source {
            ByteSource::Seekable(source) => source.seek(SeekFrom::End(0)).ok(),
            ByteSource::Sequential { .. } => None,
        }
    }

    /// Seeks to an offset, or to the end if that comes before.
    fn seek_to(&mut self, offset: u64, response: &ResponseSink) -> Result<(), NetError> {
        match &mut self.source {
            ByteSource::Seekable(source) => {
                source
                    .seek(SeekFrom::Start(offset))
                    .map_err(|source| NetError::BitStreamSeek { offset, source })?;
                self.position = offset;
            }
            ByteSource::Sequential { back_buffer, .. } => {
                if offset < back_buffer.start {
                    return Err(NetError::BitStreamGone(offset));
                }
                self.position = offset.min(back_buffer.end);
                while self.position < offset && !response.is_cancelled() {
                    let ahead = usize::try_from(offset - self.position).unwrap_or(READ_LEN);
                    if self.read(ahead.min(READ_LEN), response)?.is_empty() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The next bytes, no more than that; none at the end, or when nobody waits for them any more.
    fn read(&mut self, max_len: usize, response: &ResponseSink) -> Result<Bytes, NetError> {
        let data = match &mut self.source {
            ByteSource::Seekable(source) => read_some(source, &mut self.spare, max_len, response),
            ByteSource::Sequential {
                source,
                back_buffer,
            } => match back_buffer.at(self.position, max_len) {
                Some(data) => Ok(data),
                None => read_some(source, &mut self.spare, max_len, response)
                    .inspect(|data| back_buffer.push(data.clone())),
            },
        };
        let offset = self.position;
        let data = data.map_err(|source| NetError::BitStreamRead { offset, source })?;
        self.position += data.len() as u64;
        Ok(data)
    }
}

/// One read into what is left of the room.
fn read_some(
    source: &mut dyn Read,
    spare: &mut BytesMut,
    max_len: usize,
    response: &ResponseSink,
) -> io::Result<Bytes> {
    if spare.is_empty() {
        *spare = BytesMut::zeroed(READ_LEN);
    }
    let room = max_len.min(spare.len());
    while !response.is_cancelled() {
        let Some(buffer) = spare.get_mut(..room) else {
            break;
        };
        match source.read(buffer) {
            Ok(count) if count <= room => return Ok(spare.split_to(count).freeze()),
            Ok(_) => {
                let why = "the source says that it read more bytes than there was room for";
                return Err(io::Error::new(ErrorKind::InvalidData, why));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Bytes::new())
}

/// The last bytes of what was read.
#[derive(Default)]
struct BackBuffer {
    /// Each with its offset.
    pieces: VecDeque<(u64, Bytes)>,
    /// Offset of the first byte that is kept.
    start: u64,
    /// Offset of the next byte that the source gives.
    end: u64,
}

impl BackBuffer {
    fn push(&mut self, piece: Bytes) {
        let offset = self.end;
        self.end += piece.len() as u64;
        self.pieces.push_back((offset, piece));
        while self.end - self.start > MAX_BACK_BUFFER
            && let Some((_, first)) = self.pieces.pop_front()
        {
            self.start += first.len() as u64;
        }
    }

    /// The bytes from an offset on, no more than that; `None` where the source gives the next.
    fn at(&self, offset: u64, max_len: usize) -> Option<Bytes> {
        let behind = self.pieces.partition_point(|(begin, _)| *begin <= offset);
        let (begin, piece) = self.pieces.get(behind.checked_sub(1)?)?;
        let from = usize::try_from(offset - begin).ok()?;
        let to = piece.len().min(from.saturating_add(max_len));
        (from < to).then(|| piece.slice(from..to))
    }
}

/// The scheme of the URL that a mounted source has.
const SCHEME: &str = "bitstream";

/// The application's source behind a URL, for one player or reader: another takes its place.
#[derive(Clone, Default)]
pub struct BitStreams(Arc<Mutex<Mounted>>);

#[derive(Default)]
struct Mounted {
    source: Option<BitStreamSource>,
    number: u64,
}

impl BitStreams {
    fn lock(&self) -> MutexGuard<'_, Mounted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a source a URL, which no earlier one had.
    pub fn mount(&self, source: BitStreamSource) -> String {
        let mut mounted = self.lock();
        mounted.number += 1;
        mounted.source = Some(source);
        url_of(mounted.number)
    }

    /// Lets go of the source that is mounted.
    pub fn unmount(&self) {
        self.lock().source = None;
    }

    fn source_at(&self, url: &str) -> Option<BitStreamSource> {
        let mounted = self.lock();
        let source = mounted.source.as_ref();
        source.filter(|_| url == url_of(mounted.number)).cloned()
    }
}

fn url_of(number: u64) -> String {
    format!("{SCHEME}:{number}")
}

impl Transport for BitStreams {
    fn schemes(&self) -> &[&str] {
        &[SCHEME]
    }

    fn open(&self, request: FetchRequest, response: ResponseSink) {
        let source = self.source_at(request.url.expose());
        let pending = SourceRequest { request, response };
        match source {
            Some(source) => source.submit(pending),
            None => pending.fail(NetError::MalformedUrl(
                "it names no source of the application that is open".into(),
            )),
        }
    }
}
