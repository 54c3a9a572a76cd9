//! Sound by ALSA: libasound, loaded at run time where it is installed; never linked.
//!
//! All unsafe code for it lives here. [`Pcm`] is a device that is open; nothing here waits.
#![cfg(target_os = "linux")]

mod library;

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::ptr::{self, NonNull};

use library::{Functions, library};

/// `SND_PCM_STREAM_PLAYBACK`, `SND_PCM_NONBLOCK`, `SND_PCM_FORMAT_FLOAT_LE`, `SND_PCM_ACCESS_RW_INTERLEAVED`,
/// `SND_PCM_STATE_PREPARED` of `alsa/pcm.h`.
const PLAYBACK: c_int = 0;
const NONBLOCK: c_int = 1;
const FLOAT_LE: c_int = 14;
const INTERLEAVED: c_int = 3;
const PREPARED: c_int = 2;
const EAGAIN: c_long = -11;

/// Why a device does not play.
#[derive(Debug, thiserror::Error)]
pub enum AlsaError {
    /// The library is not installed.
    #[error(
        "ALSA's library is not installed (libasound.so.2; its package is libasound2 on Debian and Ubuntu, alsa-lib elsewhere)"
    )]
    NotInstalled,
    /// The library lacks a function that every version has.
    #[error("libasound.so.2 has no {0}")]
    Incomplete(&'static str),
    /// It has no such device, or another program has it.
    #[error("ALSA can not open `{name}`: {why}")]
    Open {
        /// The device.
        name: String,
        /// What the library says.
        why: String,
    },
    /// The device does not play that.
    #[error("the device does not play so many channels at that rate: {0}")]
    Format(String),
    /// The device is gone, or fails.
    #[error("the device does not play any more: {0}")]
    Lost(String),
}

/// A device by which sound comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hint {
    /// As [`Pcm::open`] takes it.
    pub name: String,
    /// What people call it.
    pub description: String,
}

/// A device that is open. It belongs to one thread at a time.
pub struct Pcm {
    functions: &'static Functions,
    handle: NonNull<c_void>,
    name: String,
    width: usize,
}

// SAFETY: libasound may be called for a handle from any thread, one at a time (its documentation, "Thread-safety"), which `&mut`
// sees to.
unsafe impl Send for Pcm {}

impl Pcm {
    /// Opens a device by its name. It takes no samples yet.
    ///
    /// # Errors
    /// [`AlsaError::NotInstalled`], [`AlsaError::Incomplete`], [`AlsaError::Open`].
    pub fn open(name: &str) -> Result<Self, AlsaError> {
        let functions = library()?;
        let failed = |why: String| AlsaError::Open {
            name: name.to_owned(),
            why,
        };
        let text = CString::new(name).map_err(|_| failed("it has no such name".into()))?;
        library::keep_quiet(functions);
        let mut handle = ptr::null_mut();
        // SAFETY: the pointers are valid for the call; the handle is written only where it succeeds.
        let opened =
            unsafe { (functions.snd_pcm_open)(&raw mut handle, text.as_ptr(), PLAYBACK, NONBLOCK) };
        match NonNull::new(handle) {
            Some(handle) if opened >= 0 => Ok(Self {
                functions,
                handle,
                name: name.to_owned(),
                width: 1,
            }),
            _ => Err(failed(words(functions, opened.into()))),
        }
    }

    /// As it was opened.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes ready for interleaved 32-bit float samples. It holds about so much of them.
    ///
    /// # Errors
    /// [`AlsaError::Format`].
    pub fn configure(
        &mut self,
        rate: u32,
        channels: u16,
        latency_us: u32,
    ) -> Result<(), AlsaError> {
        const RESAMPLE: c_int = 1;
        self.width = usize::from(channels.max(1));
        // SAFETY: the handle is open; a device that runs is stopped first, as new parameters ask for.
        let set = unsafe {
            (self.functions.snd_pcm_drop)(self.handle.as_ptr());
            (self.functions.snd_pcm_set_params)(
                self.handle.as_ptr(),
                FLOAT_LE,
                INTERLEAVED,
                c_uint::from(channels),
                rate,
                RESAMPLE,
                latency_us,
            )
        };
        match set {
            0.. => Ok(()),
            error => Err(AlsaError::Format(words(self.functions, error.into()))),
        }
    }

    /// Gives it samples; tells how many of each channel it had room for. One that ran dry is made ready again.
    ///
    /// # Errors
    /// [`AlsaError::Lost`].
    pub fn write(&mut self, samples: &[f32]) -> Result<usize, AlsaError> {
        let count = c_ulong::try_from(samples.len() / self.width).unwrap_or(0);
        for _ in 0..2 {
            // SAFETY: `samples` holds `count` samples of each of the channels that the device was configured for.
            let written = unsafe {
                (self.functions.snd_pcm_writei)(
                    self.handle.as_ptr(),
                    samples.as_ptr().cast(),
                    count,
                )
            };
            match written {
                EAGAIN => return Ok(0),
                0.. => return Ok(usize::try_from(written).unwrap_or(0)),
                error => self.recover(error)?,
            }
        }
        Ok(0)
    }

    /// Samples of a channel that it holds and that are not heard yet; none where it ran dry.
    ///
    /// # Errors
    /// [`AlsaError::Lost`].
    pub fn delay(&mut self) -> Result<i64, AlsaError> {
        let mut delay: c_long = 0;
        // SAFETY: the handle is open; the count is valid for the call.
        let known = unsafe { (self.functions.snd_pcm_delay)(self.handle.as_ptr(), &raw mut delay) };
        match known {
            #[allow(clippy::useless_conversion, reason = "a long has 32 bits elsewhere")]
            0.. => Ok(i64::from(delay)),
            error => self.recover(error.into()).map(|()| 0),
        }
    }

    /// Plays what it holds, where it does not.
    ///
    /// # Errors
    /// [`AlsaError::Lost`].
    pub fn start(&mut self) -> Result<(), AlsaError> {
        // SAFETY: the handle is open.
        let started = unsafe {
            match (self.functions.snd_pcm_state)(self.handle.as_ptr()) {
                PREPARED => (self.functions.snd_pcm_start)(self.handle.as_ptr()),
                _ => 0,
            }
        };
        match started {
            0.. => Ok(()),
            error => self.recover(error.into()),
        }
    }

    /// Stops at once, and forgets what it holds.
    ///
    /// # Errors
    /// [`AlsaError::Lost`].
    pub fn stop(&mut self) -> Result<(), AlsaError> {
        // SAFETY: the handle is open.
        let ready = unsafe {
            (self.functions.snd_pcm_drop)(self.handle.as_ptr());
            (self.functions.snd_pcm_prepare)(self.handle.as_ptr())
        };
        match ready {
            0.. => Ok(()),
            error => Err(AlsaError::Lost(words(self.functions, error.into()))),
        }
    }

    /// Makes it ready again after it ran dry or slept. Other errors mean that it is gone.
    fn recover(&mut self, error: c_long) -> Result<(), AlsaError> {
        const SILENT: c_int = 1;
        let code = c_int::try_from(error).unwrap_or(c_int::MIN);
        // SAFETY: the handle is open.
        let ready = unsafe { (self.functions.snd_pcm_recover)(self.handle.as_ptr(), code, SILENT) };
        match ready {
            0.. => Ok(()),
            error => Err(AlsaError::Lost(words(self.functions, error.into()))),
        }
    }
}

impl Drop for Pcm {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody uses it any more.
        unsafe {
            (self.functions.snd_pcm_close)(self.handle.as_ptr());
        }
    }
}

/// The devices that ALSA names.
///
/// # Errors
/// [`AlsaError::NotInstalled`], [`AlsaError::Incomplete`].
pub fn devices() -> Result<Vec<Hint>, AlsaError> {
    let functions = library()?;
    library::keep_quiet(functions);
    let mut hints: *mut *mut c_void = ptr::null_mut();
    // SAFETY: the name is a C string; the list is written only where it succeeds.
    let listed = unsafe { (functions.snd_device_name_hint)(-1, c"pcm".as_ptr(), &raw mut hints) };
    if listed < 0 || hints.is_null() {
        return Ok(Vec::new());
    }
    let mut devices = Vec::new();
    let mut at = hints;
    // SAFETY: the list ends with a null pointer, and is freed once, after its last use.
    unsafe {
        while !(*at).is_null() {
            let input = library::hint(functions, *at, c"IOID").is_some_and(|way| way == "Input");
            if let Some(name) = library::hint(functions, *at, c"NAME").filter(|_| !input) {
                let description = library::hint(functions, *at, c"DESC");
                let description = description.map(|text| text.replace('\n', ", "));
                devices.push(Hint {
                    description: description.unwrap_or_else(|| name.clone()),
                    name,
                });
            }
            at = at.add(1);
        }
        (functions.snd_device_name_free_hint)(hints);
    }
    Ok(devices)
}

/// What the library says of an error.
fn words(functions: &Functions, error: c_long) -> String {
    let code = c_int::try_from(error).unwrap_or(c_int::MIN);
    // SAFETY: it gives a text that is valid as long as the library, for every number.
    let text: *const c_char = unsafe { (functions.snd_strerror)(code) };
    match text.is_null() {
        true => format!("error {error}"),
        // SAFETY: it is not null, and ends with a zero.
        false => unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    }
}
