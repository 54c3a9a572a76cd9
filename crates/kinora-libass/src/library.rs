//! Finding and loading libass.

use std::ffi::{c_char, c_double, c_int, c_longlong, c_void};
use std::path::PathBuf;

use libloading::Library;

/// Why libass can not be used. Kinora's own drawing takes over.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not installed.
    #[error(
        "libass is not installed ({tried}): its package is libass9 on Debian and Ubuntu, libass elsewhere"
    )]
    NotFound {
        /// The files that were looked for.
        tried: String,
    },
    /// The library lacks a function that every version has since 0.15.
    #[error("libass 0.15 or later is needed: {file} has no {symbol}")]
    Incomplete {
        /// The library.
        file: String,
        /// The function.
        symbol: &'static str,
    },
    /// It could not begin.
    #[error("libass could not be started")]
    NotStarted,
}

/// What libass points to without saying what it is.
pub(crate) type Ptr = *mut c_void;

/// `ASS_Image`: a shape of one colour at its place.
#[repr(C)]
pub(crate) struct Image {
    pub(crate) width: c_int,
    pub(crate) height: c_int,
    pub(crate) stride: c_int,
    pub(crate) bitmap: *const u8,
    /// Red, green, blue, transparency, from the highest byte to the lowest.
    pub(crate) color: u32,
    pub(crate) x: c_int,
    pub(crate) y: c_int,
    pub(crate) next: *const Image,
}

/// What libass has to say; the last argument is a `va_list`, which nobody looks at.
pub(crate) type Listener = unsafe extern "C" fn(c_int, *const c_char, Ptr, Ptr);

/// From lines of declarations to a struct of functions that holds its library.
macro_rules! functions {
    ($($name:ident: fn($($arg:ty),*) $(-> $ret:ty)?;)+) => {
        /// The functions of libass that are called. Valid as long as the library, which this holds.
        pub(crate) struct Functions {
            $(pub(crate) $name: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)+
            _library: Library,
        }

        impl Functions {
            fn bind(library: Library, file: &str) -> Result<Self, LoadError> {
                $(
                    let lacks = |_| LoadError::Incomplete { file: file.to_owned(), symbol: stringify!($name) };
                    // SAFETY: the type is the function's declaration in `ass.h`, the same in all versions of this soname;
                    // the pointer is kept no longer than its library.
                    let $name = unsafe {
                        *library
                            .get::<unsafe extern "C" fn($($arg),*) $(-> $ret)?>(concat!(stringify!($name), "\0").as_bytes())
                            .map_err(lacks)?
                    };
                )+
                Ok(Self { $($name,)+ _library: library })
            }
        }
    };
}

functions! {
    ass_library_init: fn() -> Ptr;
    ass_library_done: fn(Ptr);
    ass_set_message_cb: fn(Ptr, Option<Listener>, Ptr);
    ass_set_extract_fonts: fn(Ptr, c_int);
    ass_add_font: fn(Ptr, *const c_char, *const c_char, c_int);
    ass_clear_fonts: fn(Ptr);
    ass_renderer_init: fn(Ptr) -> Ptr;
    ass_renderer_done: fn(Ptr);
    ass_set_frame_size: fn(Ptr, c_int, c_int);
    ass_set_storage_size: fn(Ptr, c_int, c_int);
    ass_set_font_scale: fn(Ptr, c_double);
    ass_set_cache_limits: fn(Ptr, c_int, c_int);
    ass_set_fonts: fn(Ptr, *const c_char, *const c_char, c_int, *const c_char, c_int);
    ass_new_track: fn(Ptr) -> Ptr;
    ass_free_track: fn(Ptr);
    ass_process_codec_private: fn(Ptr, *const c_char, c_int);
    ass_process_chunk: fn(Ptr, *const c_char, c_int, c_longlong, c_longlong);
    ass_flush_events: fn(Ptr);
    ass_render_frame: fn(Ptr, Ptr, c_longlong, *mut c_int) -> *const Image;
}

/// The library's files, by the system's rules or in `KINORA_LIBASS_DIR`.
const FILES: &[&str] = if cfg!(target_os = "macos") {
    &["libass.9.dylib", "libass.dylib"]
} else if cfg!(windows) {
    &["libass-9.dll", "ass.dll"]
} else {
    &["libass.so.9"]
};

impl Functions {
    /// Loads the library.
    pub(crate) fn load() -> Result<Self, LoadError> {
        for name in FILES {
            let file = match std::env::var_os("KINORA_LIBASS_DIR") {
                Some(dir) => PathBuf::from(dir).join(name),
                None => PathBuf::from(name),
            };
            // SAFETY: loading runs the initialisers of the library and of those that it needs (FreeType, FriBidi, HarfBuzz,
            // Fontconfig): they do nothing but set up tables.
            if let Ok(library) = unsafe { Library::new(&file) } {
                return Self::bind(library, &file.display().to_string());
            }
        }
        Err(LoadError::NotFound {
            tried: FILES.join(", "),
        })
    }
}
