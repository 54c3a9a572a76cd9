//! What can be read only once: pipes, process substitutions, standard input, character devices.
//!
//! A thread of its own reads on as far as somebody wants, since a pipe blocks. The last bytes are kept, so that
//! headers are looked for at other places and short ways back are gone as in a file.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;

/// So many bytes of what was read are kept.
const KEPT: u64 = 64 << 20;
/// The most that is read at once; a pipe of Linux holds as much.
const PIECE: usize = 64 * 1024;
/// The reader goes on so far ahead of what was asked for.
const AHEAD: u64 = 256 * 1024;

/// What a pipe has at a place.
pub(crate) enum There {
    /// Bytes from the place on.
    Bytes(Bytes),
    /// They have not come yet.
    NotYet,
    /// The pipe ended there or before.
    End,
    /// They came and were let go.
    Gone,
    /// The pipe could not be opened or read.
    Failed(io::Error),
}

/// One pipe, read once for all requests.
pub(crate) struct Pipe {
    window: Mutex<Window>,
    wanted: Condvar,
}

#[derive(Default)]
struct Window {
    pieces: VecDeque<Bytes>,
    /// Offset of the first byte that is kept.
    start: u64,
    /// Offset of the next byte that comes.
    end: u64,
    /// The reader goes on up to there.
    goal: u64,
    over: Option<Result<(), (io::ErrorKind, Option<i32>)>>,
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
            window: Mutex::default(),
            wanted: Condvar::new(),
        });
        let (inside, place) = (Arc::clone(&pipe), path.to_owned());
        let wake = Arc::clone(&self.wake);
        thread::Builder::new()
            .name("kinora-pipe".into())
            .spawn(move || inside.read(&place, &*wake))?;
        self.open.insert(path.to_owned(), Arc::clone(&pipe));
        Ok(pipe)
    }
}

impl Drop for Pipes {
    /// Readers end with their next byte; one that waits for it holds nobody up.
    fn drop(&mut self) {
        for pipe in self.open.values() {
            pipe.lock().closed = true;
            pipe.wanted.notify_all();
        }
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is at a place; where nothing is yet, it is read on.
    pub(crate) fn at(&self, offset: u64) -> There {
        let mut window = self.lock();
        if offset < window.start {
            return There::Gone;
        }
        if let Some(bytes) = window.bytes_at(offset) {
            return There::Bytes(bytes);
        }
        match window.over {
            None => {}
            Some(Ok(())) => return There::End,
            Some(Err((kind, errno))) => {
                return There::Failed(errno.map_or(kind.into(), io::Error::from_raw_os_error));
            }
        }
        window.goal = window.goal.max(offset.saturating_add(AHEAD));
        drop(window);
        self.wanted.notify_all();
        There::NotYet
    }

    /// How much it gave in all, once that is known.
    pub(crate) fn total_len(&self) -> Option<u64> {
        let window = self.lock();
        matches!(window.over, Some(Ok(()))).then_some(window.end)
    }

    /// The reader's thread.
    fn read(&self, path: &Path, wake: &dyn Fn()) {
        let outcome = open(path).and_then(|mut source| {
            let mut buffer = vec![0; PIECE];
            while self.is_wanted() {
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
        self.lock().over = Some(outcome.map_err(|error| (error.kind(), error.raw_os_error())));
        wake();
    }

    /// Waits until more is wanted; `false` when nothing will be.
    fn is_wanted(&self) -> bool {
        let mut window = self.lock();
        while !window.closed && window.end >= window.goal {
            window = self
                .wanted
                .wait(window)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !window.closed
    }
}

impl Window {
    fn push(&mut self, piece: Bytes) {
        self.end += piece.len() as u64;
        self.pieces.push_back(piece);
        while self.end - self.start > KEPT
            && let Some(first) = self.pieces.pop_front()
        {
            self.start += first.len() as u64;
        }
    }

    fn bytes_at(&self, offset: u64) -> Option<Bytes> {
        // What is asked for has mostly just come.
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
