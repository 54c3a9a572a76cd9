//! The version, and the table of errors.

use std::ffi::{CStr, c_char};

use kinora::{Code, Lang, explain};

use crate::{border, text};

/// Of the interface: the first number changes where a program must change, the second where something was added.
const API_VERSION: u32 = 2;
const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// The version of the interface.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_api_version() -> u32 {
    API_VERSION
}

/// The version of the library.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The name of a number.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_code_name(code: u32) -> *mut c_char {
    border::answered(std::ptr::null_mut(), || {
        text::give(Code::from_number(code).name())
    })
}

/// What a number, a name or words mean, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_explain(query: *const c_char) -> *mut c_char {
    border::answered(std::ptr::null_mut(), || {
        // SAFETY: by the header.
        match unsafe { border::text(query) } {
            Ok(query) => text::give(explain::json(&explain::look_up(query)).to_string()),
            Err(_) => std::ptr::null_mut(),
        }
    })
}

/// A language of reports.
pub(crate) fn lang(name: *const c_char) -> Lang {
    // SAFETY: by the header.
    match unsafe { border::text(name) } {
        Ok(name) if name.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}
