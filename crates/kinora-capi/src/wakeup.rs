//! Waking the application's event loop: by a call, by a file descriptor, or both.

use std::ffi::c_void;
use std::io::{Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use kinora::{Code, Fault};

/// The application's function, with what it is called with.
#[derive(Clone, Copy)]
pub(crate) struct Callback {
    pub(crate) function: unsafe extern "C" fn(*mut c_void),
    pub(crate) data: *mut c_void,
}

// SAFETY: the header says that it is called on another thread than the one that gave it.
unsafe impl Send for Callback {}

/// What one player wakes.
#[derive(Default)]
pub(crate) struct Wakeup {
    callback: Mutex<Option<Callback>>,
    #[cfg(unix)]
    pair: OnceLock<Pair>,
}

/// Readable at one end while events may wait.
#[cfg(unix)]
struct Pair {
    reading: UnixStream,
    writing: UnixStream,
}

impl Wakeup {
    /// Sets or takes back the callback. It is not running any more when this returns, and never runs again.
    pub(crate) fn set(&self, callback: Option<Callback>) {
        *self.callback() = callback;
    }

    /// Events may wait.
    pub(crate) fn wake(&self) {
        #[cfg(unix)]
        if let Some(pair) = self.pair.get() {
            // Full means that it is readable already.
            let _ = (&pair.writing).write(&[1]);
        }
        if let Some(callback) = *self.callback() {
            // SAFETY: the application's own function and pointer, which it has not taken back.
            unsafe { (callback.function)(callback.data) }
        }
    }

    /// Not readable any more, until something wakes it.
    pub(crate) fn clear(&self) {
        #[cfg(unix)]
        if let Some(pair) = self.pair.get() {
            let mut bytes = [0; 64];
            while matches!((&pair.reading).read(&mut bytes), Ok(len) if len == bytes.len()) {}
        }
    }

    /// Readable again, though nothing new came: the callback has no part in it.
    pub(crate) fn stay_readable(&self) {
        #[cfg(unix)]
        if let Some(pair) = self.pair.get() {
            let _ = (&pair.writing).write(&[1]);
        }
    }

    /// The descriptor, made when it is first asked for.
    #[cfg(unix)]
    pub(crate) fn descriptor(&self) -> Result<i32, Fault> {
        use std::os::fd::AsRawFd as _;

        if self.pair.get().is_none() {
            let made = Pair::new().map_err(|error| {
                let code = Code::from_errno(error.raw_os_error().unwrap_or(0));
                Fault::new(code, "capi.wakeup").cause(&error)
            })?;
            // Another thread's is as good.
            let _ = self.pair.set(made);
        }
        Ok(self.pair.get().map_or(-1, |pair| pair.reading.as_raw_fd()))
    }

    /// This system has none that could be waited for with others.
    #[cfg(not(unix))]
    pub(crate) fn descriptor(&self) -> Result<i32, Fault> {
        // ENOTSUP
        Err(Fault::new(Code::from_errno(95), "capi.wakeup"))
    }

    fn callback(&self) -> MutexGuard<'_, Option<Callback>> {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
impl Pair {
    fn new() -> std::io::Result<Self> {
        let (reading, writing) = UnixStream::pair()?;
        reading.set_nonblocking(true)?;
        writing.set_nonblocking(true)?;
        Ok(Self { reading, writing })
    }
}
