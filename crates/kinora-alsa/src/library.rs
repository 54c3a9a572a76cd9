//! Loading libasound.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::sync::OnceLock;

use libloading::Library;

use crate::AlsaError;

const FILE: &str = "libasound.so.2";

type Pcm = *mut c_void;
/// `snd_local_error_handler_t`; its last argument, a `va_list`, goes by a pointer on the machines that we build for, and is not
/// looked at.
type ErrorHandler =
    unsafe extern "C" fn(*const c_char, c_int, *const c_char, c_int, *const c_char, *mut c_void);

/// From lines of declarations to a struct of functions, bound in the library that it holds.
macro_rules! functions {
    ($($name:ident: fn($($arg:ty),*) $(-> $ret:ty)?;)+) => {
        /// The functions of libasound that we call. Valid as long as the library, which this holds.
        pub(crate) struct Functions {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)+
            _library: Library,
        }

        fn bind(library: Library) -> Result<Functions, AlsaError> {
            $(
                // SAFETY: the type is the function's declaration in ALSA's headers, the same in all versions of `FILE`; the
                // pointer is kept no longer than its library.
                let $name = unsafe { *library.get::<unsafe extern "C" fn($($arg),*) $(-> $ret)?>(
                    concat!(stringify!($name), "\0").as_bytes(),
                ).map_err(|_| AlsaError::Incomplete(stringify!($name)))? };
            )+
            Ok(Functions { $($name,)+ _library: library })
        }
    };
}

functions! {
    snd_pcm_open: fn(*mut Pcm, *const c_char, c_int, c_int) -> c_int;
    snd_pcm_close: fn(Pcm) -> c_int;
    snd_pcm_set_params: fn(Pcm, c_int, c_int, c_uint, c_uint, c_int, c_uint) -> c_int;
    snd_pcm_writei: fn(Pcm, *const c_void, c_ulong) -> c_long;
    snd_pcm_delay: fn(Pcm, *mut c_long) -> c_int;
    snd_pcm_state: fn(Pcm) -> c_int;
    snd_pcm_start: fn(Pcm) -> c_int;
    snd_pcm_drop: fn(Pcm) -> c_int;
    snd_pcm_prepare: fn(Pcm) -> c_int;
    snd_pcm_recover: fn(Pcm, c_int, c_int) -> c_int;
    snd_strerror: fn(c_int) -> *const c_char;
    snd_lib_error_set_local: fn(Option<ErrorHandler>) -> Option<ErrorHandler>;
    snd_device_name_hint: fn(c_int, *const c_char, *mut *mut *mut c_void) -> c_int;
    snd_device_name_get_hint: fn(*const c_void, *const c_char) -> *mut c_char;
    snd_device_name_free_hint: fn(*mut *mut c_void) -> c_int;
}

/// Loaded once in a process.
pub(crate) fn library() -> Result<&'static Functions, AlsaError> {
    static LOADED: OnceLock<Functions> = OnceLock::new();
    if let Some(functions) = LOADED.get() {
        return Ok(functions);
    }
    // SAFETY: libasound runs no code of its own when it is loaded.
    let library = unsafe { Library::new(FILE) }.map_err(|_| AlsaError::NotInstalled)?;
    let functions = bind(library)?;
    Ok(LOADED.get_or_init(|| functions))
}

/// What this thread does wrong is told by what calls return, not printed.
pub(crate) fn keep_quiet(functions: &Functions) {
    // SAFETY: the handler may be called at any time, and does nothing.
    unsafe {
        (functions.snd_lib_error_set_local)(Some(quiet));
    }
}

unsafe extern "C" fn quiet(
    _: *const c_char,
    _: c_int,
    _: *const c_char,
    _: c_int,
    _: *const c_char,
    _: *mut c_void,
) {
}

unsafe extern "C" {
    /// Of the C library that Rust's standard library is linked with.
    fn free(memory: *mut c_void);
}

/// A word of a hint.
///
/// # Safety
/// `hint` is one of a list that was not freed yet.
pub(crate) unsafe fn hint(functions: &Functions, hint: *mut c_void, word: &CStr) -> Option<String> {
    // SAFETY: both pointers are valid; the text that is given belongs to us, ends with a zero, and was made by `malloc`.
    unsafe {
        let text = (functions.snd_device_name_get_hint)(hint, word.as_ptr());
        if text.is_null() {
            return None;
        }
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        free(text.cast());
        Some(copy)
    }
}
