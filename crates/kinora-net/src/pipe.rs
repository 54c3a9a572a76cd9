//! What can be read only once: pipes, process substitutions, standard input, character devices.
//!
//! A thread of its own reads on as far as somebody wants, since a pipe blocks. The last bytes are kept, so that
//! a demuxer that looks for headers elsewhere, or seeks back a little, finds them as in a file.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;

/// Bytes of what was read that are kept.
const MAX_BUFFERED: u64 = 64 << 20;
/// The most that is read at once; a pipe of Linux holds as much.
const READ_LEN: usize = 64 * 1024;
/// How far the thread reads ahead of the last requested offset.
const READ_AHEAD: u64 = 256 * 1024;

/// What a pipe has at an offset.
pub(crate) enum PipeRead {
    /// Bytes from the offset on.
    Bytes(Bytes),
    /// They have not come yet.
    Pending,
    /// The pipe ended there or before.
    End,
    /// They came, and are no longer buffered.
    Discarded,
    /// The pipe could not be opened or read.
    Failed(io::Error),
}

/// One pipe, read once for all requests.
pub(crate) struct Pipe {
    buffered: Mutex<PipeBuffer>,
    demand: Condvar,
}

#[derive(Default)]
struct PipeBuffer {
    pieces: VecDeque<Bytes>,
    /// Offset of the first byte that is kept.
    start: u64,
    /// Offset of the next byte that comes.
    end: u64,
    /// The thread reads up to there.
    read_until: u64,
    finished: Option<Result<(), (io::ErrorKind, Option<i32>)>>,
    closed: bool,
}

/// The pipes that were opened, by their paths: a pipe opened anew would be another one.
pub(crate) struct Pipes {
    open: HashMap<PathBuf, Arc<Pipe>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Pipes {
    /// `wake` is called when something came of one of them.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            open: HashMap::new(),
            wake: Arc::new(wake),
        }
    }

    /// The pipe at a path.
    pub(crate) fn open(&mut self, path: &Path) -> io::Result<Arc<Pipe>> {
        if let Some(pipe) = self.open.get(path) {
            return Ok(Arc::clone(pipe));
        }
        let pipe = Arc::new(Pipe {
            buffered: Mutex::default(),
            demand: Condvar::new(),
        });
        let (inside, owned_path) = (Arc::clone(&pipe), path.to_owned());
        let wake = Arc::clone(&self.wake);
        thread::Builder::new()
            .name("kinora-pipe".into())
            .spawn(move || inside.read(&owned_path, &*wake))?;
        self.open.insert(path.to_owned(), Arc::clone(&pipe));
        Ok(pipe)
    }
}

impl Drop for Pipes {
    /// Readers end with their next byte; one that waits for it holds nobody up.
    fn drop(&mut self) {
        for pipe in self.open.values() {
            pipe.lock().closed = true;
            pipe.demand.notify_all();
        }
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, PipeBuffer> {
        self.buffered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is at an offset; where nothing is yet, the thread reads on.
    pub(crate) fn read_at(&self, offset: u64) -> PipeRead {
        let mut buffered = self.lock();
        if offset < buffered.start {
            return PipeRead::Discarded;
        }
        if let Some(bytes) = buffered.bytes_at(offset) {
            return PipeRead::Bytes(bytes);
        }
        match buffered.finished {
            None => {}
            Some(Ok(())) => return PipeRead::End,
            Some(Err((kind, errno))) => {
                return PipeRead::Failed(errno.map_or(kind.into(), io::Error::from_raw_os_error));
            }
        }
        buffered.read_until = buffered.read_until.max(offset.saturating_add(READ_AHEAD));
        drop(buffered);
        self.demand.notify_all();
        PipeRead::Pending
    }

    /// How much it gave in all, once that is known.
    pub(crate) fn total_len(&self) -> Option<u64> {
        let buffered = self.lock();
        matches!(buffered.finished, Some(Ok(()))).then_some(buffered.end)
    }

    /// The reader's thread.
    fn read(&self, path: &Path, wake: &dyn Fn()) {
        let outcome = open(path).and_then(|mut source| {
            let mut buffer = vec![0; READ_LEN];
            while self.wait_for_demand() {
                let count = match source.read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                };
                let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
                    break;
                };
                self.lock().push(Bytes::copy_from_slice(piece));
                wake();
            }
            Ok(())
        });
        self.lock().finished = Some(outcome.map_err(|error| (error.kind(), error.raw_os_error())));
        wake();
    }

    /// Waits until more is wanted; `false` when nothing will be.
    fn wait_for_demand(&self) -> bool {
        let mut buffered = self.lock();
        while !buffered.closed && buffered.end >= buffered.read_until {
            buffered = self
                .demand
                .wait(buffered)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !buffered.closed
    }
}

impl PipeBuffer {
    fn push(&mut self, piece: Bytes) {
        self.end += piece.len() as u64;
        self.pieces.push_back(piece);
        while self.end - self.start > MAX_BUFFERED
            && let Some(first) = self.pieces.pop_front()
        {
            self.start += first.len() as u64;
        }
    }

    fn bytes_at(&self, offset: u64) -> Option<Bytes> {
        // What is requested has mostly just come.
        let mut begin = self.end;
        for piece in self.pieces.iter().rev() {
            let end = begin;
            begin -= piece.len() as u64;
            if (begin..end).contains(&offset) {
                return Some(piece.slice(usize::try_from(offset - begin).ok()?..));
            }
        }
        None
    }
}

/// Opens a pipe; waits for who writes to it. Standard input is taken as it is, since a socket there has no name that
/// could be opened.
fn open(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    if [Path::new("/dev/stdin"), Path::new("/dev/fd/0")].contains(&path) {
        use std::os::fd::AsFd as _;
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    File::open(path)
}
