//! An application's own source of bytes: what it reads and seeks is media, whatever lies behind it.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::{Bytes, BytesMut};
use kinora_media::ResponseInfo;

use crate::file::behind_the_end;
use crate::{FetchRequest, NetError, ResponseSink, Transport};

/// The first piece is small, so that headers are parsed while the rest is read.
const PIECE: usize = 64 * 1024;
/// So many bytes of a source that can not seek are kept, for who looks at them again.
const MAX_KEPT: u64 = 64 << 20;

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A source of bytes that the application reads for the player: memory, an archive, a blob that only it can decrypt.
///
/// It is read on a thread of its own, one request after the other, so it may wait; a player that gets nothing within its
/// network timeout reports that. An error is final and keeps its errno (EIO where it has none), but for
/// [`TimedOut`](ErrorKind::TimedOut) and [`WouldBlock`](ErrorKind::WouldBlock), after which it is asked again. Clones are
/// the same source; it is dropped with the last of them, on its thread.
#[derive(Clone)]
pub struct BitStreamSource(Arc<Mutex<Stage>>);

/// The source, before the first request and after.
enum Stage {
    Idle(Reader),
    /// Its thread takes requests.
    Running(Sender<Job>),
}

struct Job {
    request: FetchRequest,
    response: ResponseSink,
}

impl BitStreamSource {
    /// A source that can be read from any place. Where `seek` to its end fails its size counts as unknown.
    pub fn seekable(source: impl Read + Seek + Send + 'static) -> Self {
        Self::new(Bytestream::Seekable(Box::new(source)))
    }

    /// A source that can be read once, in order. Its last 64 MiB are kept, so that a short way back can be gone.
    pub fn sequential(source: impl Read + Send + 'static) -> Self {
        Self::new(Bytestream::Sequential {
            source: Box::new(source),
            kept: Kept::default(),
        })
    }

    fn new(source: Bytestream) -> Self {
        let reader = Reader {
            source,
            position: 0,
            spare: BytesMut::new(),
        };
        Self(Arc::new(Mutex::new(Stage::Idle(reader))))
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, job: Job) {
        let mut stage = self.lock();
        if let Stage::Running(jobs) = &*stage {
            // A thread that a panic ended leaves the response without an end, which fails it.
            let _ = jobs.send(job);
            return;
        }
        let (jobs, queue) = channel();
        let Stage::Idle(reader) = std::mem::replace(&mut *stage, Stage::Running(jobs.clone()))
        else {
            return;
        };
        let started = thread::Builder::new()
            .name("kinora-source".into())
            .spawn(move || reader.serve(&queue));
        match started {
            Ok(_) => drop(jobs.send(job)),
            Err(error) => job.fail(NetError::Start(error)),
        }
    }
}

/// A panic of the source ends its thread, and every request that follows fails.
impl UnwindSafe for BitStreamSource {}
impl RefUnwindSafe for BitStreamSource {}

/// What lies behind it is the application's.
impl fmt::Debug for BitStreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BitStreamSource")
    }
}

impl Job {
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
struct Reader {
    source: Bytestream,
    /// Offset of the next byte.
    position: u64,
    /// Room that was not read into yet.
    spare: BytesMut,
}

enum Bytestream {
    Seekable(Box<dyn ReadSeek>),
    Sequential {
        source: Box<dyn Read + Send>,
        kept: Kept,
    },
}

impl Reader {
    /// The source's thread: answers one request after the other until nobody can ask any more.
    fn serve(mut self, queue: &Receiver<Job>) {
        while let Ok(job) = queue.recv() {
            if job.response.is_cancelled() {
                continue;
            }
            match self.answer(&job) {
                Ok(()) => job.response.finish(),
                Err(error) => job.fail(error),
            }
        }
    }

    fn answer(&mut self, job: &Job) -> Result<(), NetError> {
        let Job { request, response } = job;
        let range = request.range;
        let total_len = self.size();
        if let Some(len) = total_len.filter(|len| range.start > 0 && range.start >= *len) {
            return Err(behind_the_end(range, len));
        }
        self.go_to(range.start, response)?;
        if self.position < range.start {
            return Err(behind_the_end(range, self.position));
        }
        response.head(ResponseInfo {
            total_len,
            offset: range.start,
            ranges: matches!(self.source, Bytestream::Seekable(_)),
            ..ResponseInfo::default()
        });
        loop {
            let left = range.end.unwrap_or(u64::MAX).saturating_sub(self.position);
            let wanted = left.min(PIECE as u64);
            let credit = response.blocking_credit(wanted);
            let Some(credit) = credit.filter(|credit| *credit > 0) else {
                return Ok(());
            };
            let offset = self.position;
            let data = self.read(usize::try_from(credit).unwrap_or(PIECE), response)?;
            response.return_credit(credit - data.len() as u64);
            if data.is_empty() {
                return Ok(());
            }
            response.chunk(offset, data);
        }
    }

    /// Bytes of the whole, where the source can tell.
    fn size(&mut self) -> Option<u64> {
        match &mut self.source {
            Bytestream::Seekable(source) => source.seek(SeekFrom::End(0)).ok(),
            Bytestream::Sequential { .. } => None,
        }
    }

    /// Goes to a place, or to the end if that comes before.
    fn go_to(&mut self, offset: u64, response: &ResponseSink) -> Result<(), NetError> {
        match &mut self.source {
            Bytestream::Seekable(source) => {
                source
                    .seek(SeekFrom::Start(offset))
                    .map_err(|source| NetError::BitStreamSeek { offset, source })?;
                self.position = offset;
            }
            Bytestream::Sequential { kept, .. } => {
                if offset < kept.start {
                    return Err(NetError::BitStreamGone(offset));
                }
                self.position = offset.min(kept.end);
                while self.position < offset && !response.is_cancelled() {
                    let ahead = usize::try_from(offset - self.position).unwrap_or(PIECE);
                    if self.read(ahead.min(PIECE), response)?.is_empty() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The next bytes, no more than that; none at the end, or when nobody waits for them any more.
    fn read(&mut self, most: usize, response: &ResponseSink) -> Result<Bytes, NetError> {
        let data = match &mut self.source {
            Bytestream::Seekable(source) => fill(source, &mut self.spare, most, response),
            Bytestream::Sequential { source, kept } => match kept.at(self.position, most) {
                Some(data) => Ok(data),
                None => fill(source, &mut self.spare, most, response)
                    .inspect(|data| kept.push(data.clone())),
            },
        };
        let offset = self.position;
        let data = data.map_err(|source| NetError::BitStreamRead { offset, source })?;
        self.position += data.len() as u64;
        Ok(data)
    }
}

/// One read into what is left of the room.
fn fill(
    source: &mut dyn Read,
    spare: &mut BytesMut,
    most: usize,
    response: &ResponseSink,
) -> io::Result<Bytes> {
    if spare.is_empty() {
        *spare = BytesMut::zeroed(PIECE);
    }
    let room = most.min(spare.len());
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
struct Kept {
    /// Each with its offset.
    pieces: VecDeque<(u64, Bytes)>,
    /// Offset of the first byte that is kept.
    start: u64,
    /// Offset of the next byte that the source gives.
    end: u64,
}

impl Kept {
    fn push(&mut self, piece: Bytes) {
        let offset = self.end;
        self.end += piece.len() as u64;
        self.pieces.push_back((offset, piece));
        while self.end - self.start > MAX_KEPT
            && let Some((_, first)) = self.pieces.pop_front()
        {
            self.start += first.len() as u64;
        }
    }

    /// The bytes from a place on, no more than that; `None` where the source gives the next.
    fn at(&self, offset: u64, most: usize) -> Option<Bytes> {
        let behind = self.pieces.partition_point(|(begin, _)| *begin <= offset);
        let (begin, piece) = self.pieces.get(behind.checked_sub(1)?)?;
        let from = usize::try_from(offset - begin).ok()?;
        let to = piece.len().min(from.saturating_add(most));
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
        let job = Job { request, response };
        match source {
            Some(source) => source.submit(job),
            None => job.fail(NetError::MalformedUrl(
                "it names no source of the application that is open".into(),
            )),
        }
    }
}
