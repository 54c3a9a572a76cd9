//! Finding and loading libavcodec.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::PathBuf;

use libloading::Library;

use crate::abi::{Abi, TABLES};

/// Why libavcodec can not be used. The Rust decoders take over.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// None of the versions we know is installed.
    #[error("libavcodec is not installed, or none of the versions that Kinora knows ({tried})")]
    NotFound {
        /// The files that were looked for.
        tried: String,
    },
    /// A library lacks a function that every version has.
    #[error("{file} has no {symbol}")]
    Incomplete {
        /// The library.
        file: String,
        /// The function.
        symbol: &'static str,
    },
    /// The library is not the version that its name says.
    #[error("{file} says that it is version {found}, not {expected}")]
    WrongVersion {
        /// The library.
        file: String,
        /// The major version that was loaded.
        found: u32,
        /// The major version of its name.
        expected: u32,
    },
    /// The library's structs are not where the table says.
    #[error("libavcodec {major} does not lie in memory as its headers say")]
    WrongLayout {
        /// Its major version.
        major: u32,
    },
}

macro_rules! functions {
    ($($lib:ident $name:ident: fn($($arg:ty),*) $(-> $ret:ty)?;)+) => {
        /// The functions that we call. Valid as long as the libraries, which this holds.
        pub(crate) struct Functions {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)+
            _avcodec: Library,
            _avutil: Library,
        }

        impl Functions {
            fn bind(avcodec: Library, avutil: Library, file: &str) -> Result<Self, LoadError> {
                $(
                    // SAFETY: the type is the function's declaration in FFmpeg's headers, the same in all
                    // majors of `TABLES`; the pointer is kept no longer than its library.
                    let $name = unsafe { *functions!(@of $lib avcodec avutil).get::<unsafe extern "C" fn($($arg),*) $(-> $ret)?>(
                        concat!(stringify!($name), "\0").as_bytes(),
                    ).map_err(|_| LoadError::Incomplete { file: file.to_owned(), symbol: stringify!($name) })? };
                )+
                Ok(Self { $($name,)+ _avcodec: avcodec, _avutil: avutil })
            }
        }
    };
    (@of avcodec $avcodec:ident $avutil:ident) => { $avcodec };
    (@of avutil $avcodec:ident $avutil:ident) => { $avutil };
}

type Ptr = *mut c_void;

functions! {
    avcodec avcodec_version: fn() -> c_uint;
    avcodec avcodec_find_decoder_by_name: fn(*const c_char) -> *const c_void;
    avcodec avcodec_alloc_context3: fn(*const c_void) -> Ptr;
    avcodec avcodec_free_context: fn(*mut Ptr);
    avcodec avcodec_open2: fn(Ptr, *const c_void, *mut Ptr) -> c_int;
    avcodec avcodec_parameters_alloc: fn() -> Ptr;
    avcodec avcodec_parameters_free: fn(*mut Ptr);
    avcodec avcodec_parameters_from_context: fn(Ptr, *const c_void) -> c_int;
    avcodec avcodec_parameters_to_context: fn(Ptr, *const c_void) -> c_int;
    avcodec avcodec_send_packet: fn(Ptr, *const c_void) -> c_int;
    avcodec avcodec_receive_frame: fn(Ptr, Ptr) -> c_int;
    avcodec avcodec_flush_buffers: fn(Ptr);
    avcodec av_packet_alloc: fn() -> Ptr;
    avcodec av_packet_free: fn(*mut Ptr);
    avcodec av_packet_unref: fn(Ptr);
    avcodec av_new_packet: fn(Ptr, c_int) -> c_int;
    avutil av_frame_alloc: fn() -> Ptr;
    avutil av_frame_free: fn(*mut Ptr);
    avutil av_frame_move_ref: fn(Ptr, Ptr);
    avutil av_mallocz: fn(usize) -> Ptr;
    avutil av_opt_set: fn(Ptr, *const c_char, *const c_char, c_int) -> c_int;
    avutil av_opt_set_int: fn(Ptr, *const c_char, i64, c_int) -> c_int;
    avutil av_get_pix_fmt: fn(*const c_char) -> c_int;
    avutil av_get_sample_fmt: fn(*const c_char) -> c_int;
    avutil av_log_set_level: fn(c_int);
    avutil av_strerror: fn(c_int, *mut c_char, usize) -> c_int;
}

/// `AV_LOG_QUIET`: what a decoder has to say comes as an error, not on stderr.
const LOG_QUIET: c_int = -8;

/// A loaded libavcodec and the table of its structs.
pub(crate) struct Ffmpeg {
    pub(crate) call: Functions,
    pub(crate) abi: &'static Abi,
}

impl Ffmpeg {
    /// Loads the newest version that we know and find.
    pub(crate) fn load() -> Result<Self, LoadError> {
        let mut tried = Vec::new();
        for abi in TABLES {
            let (avcodec, avutil) = (
                file("avcodec", abi.avcodec_major),
                file("avutil", abi.avutil_major),
            );
            // SAFETY: loading runs the library's initialisers; FFmpeg's do nothing but set up tables.
            let loaded = unsafe { (Library::new(&avutil), Library::new(&avcodec)) };
            if let (Ok(util), Ok(codec)) = loaded {
                return Self::bind(codec, util, abi, &avcodec.display().to_string());
            }
            tried.push(avcodec.display().to_string());
        }
        Err(LoadError::NotFound {
            tried: tried.join(", "),
        })
    }

    fn bind(
        avcodec: Library,
        avutil: Library,
        abi: &'static Abi,
        file: &str,
    ) -> Result<Self, LoadError> {
        let call = Functions::bind(avcodec, avutil, file)?;
        // SAFETY: takes nothing, returns a number.
        let found = unsafe { (call.avcodec_version)() } >> 16;
        if found != abi.avcodec_major {
            return Err(LoadError::WrongVersion {
                file: file.to_owned(),
                found,
                expected: abi.avcodec_major,
            });
        }
        // SAFETY: sets a number in the library.
        unsafe { (call.av_log_set_level)(LOG_QUIET) };
        let loaded = Self { call, abi };
        if !crate::raw::layout_holds(&loaded) {
            return Err(LoadError::WrongLayout { major: found });
        }
        Ok(loaded)
    }

    /// libavutil's words for an error number.
    pub(crate) fn error_text(&self, error: c_int) -> String {
        let mut text: [c_char; 128] = [0; 128];
        // SAFETY: writes at most so many bytes, zero-terminated.
        unsafe { (self.call.av_strerror)(error, text.as_mut_ptr(), text.len()) };
        // SAFETY: `text` ends with a zero: it was filled with them, and the library writes one.
        unsafe { CStr::from_ptr(text.as_ptr()) }
            .to_string_lossy()
            .into_owned()
    }
}

/// Where a library is looked for: by the system's rules, or in `KINORA_FFMPEG_DIR`.
fn file(name: &str, major: u32) -> PathBuf {
    let name = if cfg!(target_os = "macos") {
        format!("lib{name}.{major}.dylib")
    } else if cfg!(windows) {
        format!("{name}-{major}.dll")
    } else {
        format!("lib{name}.so.{major}")
    };
    match std::env::var_os("KINORA_FFMPEG_DIR") {
        Some(dir) => PathBuf::from(dir).join(name),
        None => PathBuf::from(name),
    }
}
