//! Finding and loading libavcodec, and the libraries beside it.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

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
    /// A library of FFmpeg's is not installed beside libavcodec.
    #[error(
        "{library} is not installed ({file}): its package is {library}{major} on Debian and Ubuntu, ffmpeg elsewhere"
    )]
    NotBeside {
        /// The library.
        library: &'static str,
        /// The file that was looked for.
        file: String,
        /// The major version that goes with the libavcodec that was found.
        major: u32,
    },
    /// The structs of libavformat are not where the table says.
    #[error("libavformat {major} does not lie in memory as its headers say")]
    WrongFormatLayout {
        /// Its major version.
        major: u32,
    },
    /// The library's structs are not where the table says.
    #[error("libavcodec {major} does not lie in memory as its headers say")]
    WrongLayout {
        /// Its major version.
        major: u32,
    },
}

/// From lines of declarations to a struct of functions, bound in libraries that it holds.
macro_rules! functions {
    (
        $(#[$doc:meta])*
        $table:ident of $($library:ident)+;
        $($of:ident $name:ident: fn($($arg:ty),*) $(-> $ret:ty)?;)+
    ) => {
        $(#[$doc])*
        #[allow(non_snake_case, reason = "as the library calls them")]
        pub(crate) struct $table {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)+
            _libraries: Vec<Library>,
        }

        impl $table {
            #[allow(non_snake_case, reason = "as the library calls them")]
            fn bind($($library: Library,)+ file: &str) -> Result<Self, LoadError> {
                $(
                    // SAFETY: the type is the function's declaration in FFmpeg's headers, the same in all
                    // majors of `TABLES`; the pointer is kept no longer than its library.
                    let $name = unsafe { *$of.get::<unsafe extern "C" fn($($arg),*) $(-> $ret)?>(
                        concat!(stringify!($name), "\0").as_bytes(),
                    ).map_err(|_| LoadError::Incomplete { file: file.to_owned(), symbol: stringify!($name) })? };
                )+
                Ok(Self { $($name,)+ _libraries: vec![$($library),+] })
            }
        }
    };
}

type Ptr = *mut c_void;

functions! {
    /// The functions of libavcodec and libavutil that we call. Valid as long as the libraries, which this holds.
    Functions of avcodec avutil;
    avcodec avcodec_version: fn() -> c_uint;
    avcodec avcodec_find_decoder_by_name: fn(*const c_char) -> *const c_void;
    avcodec avcodec_find_decoder: fn(c_int) -> *const c_void;
    avcodec avcodec_descriptor_get: fn(c_int) -> *const c_void;
    avcodec avcodec_descriptor_get_by_name: fn(*const c_char) -> *const c_void;
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
    avcodec av_packet_get_side_data: fn(*const c_void, c_int, *mut usize) -> *const u8;
    avcodec av_new_packet: fn(Ptr, c_int) -> c_int;
    avcodec av_packet_new_side_data: fn(Ptr, c_int, usize) -> *mut u8;
    avutil av_frame_alloc: fn() -> Ptr;
    avutil av_frame_free: fn(*mut Ptr);
    avutil av_frame_move_ref: fn(Ptr, Ptr);
    avutil av_free: fn(Ptr);
    avutil av_dict_get: fn(*const c_void, *const c_char, *const c_void, c_int) -> *const c_void;
    avutil av_max_alloc: fn(usize);
    avutil av_mallocz: fn(usize) -> Ptr;
    avutil av_opt_set: fn(Ptr, *const c_char, *const c_char, c_int) -> c_int;
    avutil av_opt_set_int: fn(Ptr, *const c_char, i64, c_int) -> c_int;
    avutil av_get_pix_fmt: fn(*const c_char) -> c_int;
    avutil av_get_pix_fmt_name: fn(c_int) -> *const c_char;
    avutil av_get_sample_fmt: fn(*const c_char) -> c_int;
    avutil av_log_set_level: fn(c_int);
    avutil av_strerror: fn(c_int, *mut c_char, usize) -> c_int;
}

/// What libavformat reads a resource with: the read and seek callbacks of an `AVIOContext`.
pub(crate) type ReadCallback = unsafe extern "C" fn(Ptr, *mut u8, c_int) -> c_int;
pub(crate) type SeekCallback = unsafe extern "C" fn(Ptr, i64, c_int) -> i64;

functions! {
    /// The functions of libavformat that we call. Valid as long as the library, which this holds.
    FormatFunctions of avformat;
    avformat avformat_version: fn() -> c_uint;
    avformat avformat_alloc_context: fn() -> Ptr;
    avformat avformat_free_context: fn(Ptr);
    avformat avformat_new_stream: fn(Ptr, *const c_void) -> Ptr;
    avformat avformat_open_input: fn(*mut Ptr, *const c_char, *const c_void, *mut Ptr) -> c_int;
    avformat avformat_find_stream_info: fn(Ptr, *mut Ptr) -> c_int;
    avformat avformat_close_input: fn(*mut Ptr);
    avformat av_read_frame: fn(Ptr, Ptr) -> c_int;
    avformat av_seek_frame: fn(Ptr, c_int, i64, c_int) -> c_int;
    avformat av_probe_input_buffer2: fn(Ptr, *mut *const c_void, *const c_char, Ptr, c_uint, c_uint) -> c_int;
    avformat avio_alloc_context: fn(*mut u8, c_int, c_int, Ptr, Option<ReadCallback>, *const c_void, Option<SeekCallback>) -> Ptr;
    avformat avio_context_free: fn(*mut Ptr);
}

functions! {
    /// The functions of libswscale that we call. Valid as long as the library, which this holds.
    ScaleFunctions of swscale;
    swscale swscale_version: fn() -> c_uint;
    swscale sws_getContext: fn(c_int, c_int, c_int, c_int, c_int, c_int, c_int, Ptr, Ptr, *const f64) -> Ptr;
    swscale sws_freeContext: fn(Ptr);
    swscale sws_scale: fn(Ptr, *const *const u8, *const c_int, c_int, c_int, *const *mut u8, *const c_int) -> c_int;
}

/// `AV_LOG_QUIET`: what a decoder has to say comes as an error, not on stderr.
const LOG_QUIET: c_int = -8;

/// What a file may have allocated in one piece: a picture of 8K in 16 bits and RGBA is half of it.
const MAX_ALLOC: usize = 512 << 20;

/// A loaded libavcodec and the table of its structs.
pub(crate) struct Ffmpeg {
    pub(crate) call: Functions,
    pub(crate) abi: &'static Abi,
    format: OnceLock<Result<FormatFunctions, LoadError>>,
    scale: OnceLock<Result<ScaleFunctions, LoadError>>,
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
        let loaded = Self {
            call,
            abi,
            format: OnceLock::new(),
            scale: OnceLock::new(),
        };
        if !crate::raw::layout_holds(&loaded) {
            return Err(LoadError::WrongLayout { major: found });
        }
        Ok(loaded)
    }

    /// libavformat, loaded by the first call: some 10 ms.
    ///
    /// # Errors
    /// Why it can not be used.
    pub(crate) fn format(&self) -> Result<&FormatFunctions, &LoadError> {
        self.format.get_or_init(|| self.load_format()).as_ref()
    }

    fn load_format(&self) -> Result<FormatFunctions, LoadError> {
        let major = self.abi.avcodec_major;
        let (library, name) = beside("libavformat", major)?;
        let call = FormatFunctions::bind(library, &name)?;
        // SAFETY: takes nothing, returns a number.
        let version = unsafe { (call.avformat_version)() };
        check_version(&name, version, major)?;
        // SAFETY: sets a number in libavutil.
        unsafe { (self.call.av_max_alloc)(MAX_ALLOC) };
        match crate::demux::layout_holds(self, &call) {
            true => Ok(call),
            false => Err(LoadError::WrongFormatLayout { major }),
        }
    }

    /// libswscale, loaded by the first call.
    ///
    /// # Errors
    /// Why it can not be used.
    pub(crate) fn scale(&self) -> Result<&ScaleFunctions, &LoadError> {
        let load = || {
            let major = self.abi.swscale_major();
            let (library, name) = beside("libswscale", major)?;
            let call = ScaleFunctions::bind(library, &name)?;
            // SAFETY: takes nothing, returns a number.
            let version = unsafe { (call.swscale_version)() };
            check_version(&name, version, major).map(|()| call)
        };
        self.scale.get_or_init(load).as_ref()
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

/// Loads a library that goes with a libavcodec, and what its file is called.
fn beside(library: &'static str, major: u32) -> Result<(Library, String), LoadError> {
    let path = file(library.trim_start_matches("lib"), major);
    let name = path.display().to_string();
    // SAFETY: loading runs the library's initialisers; FFmpeg's do nothing but set up tables.
    match unsafe { Library::new(&path) } {
        Ok(loaded) => Ok((loaded, name)),
        Err(_) => Err(LoadError::NotBeside {
            library,
            file: name,
            major,
        }),
    }
}

fn check_version(file: &str, version: u32, expected: u32) -> Result<(), LoadError> {
    let found = version >> 16;
    match found == expected {
        true => Ok(()),
        false => Err(LoadError::WrongVersion {
            file: file.to_owned(),
            found,
            expected,
        }),
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
