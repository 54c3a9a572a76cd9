//! Texts that are given out.

use std::ffi::{CString, c_char};

use crate::border;

/// A text for C, to be freed by [`kinora_text_free`]. A zero within, which C could not tell from the end, is left out.
pub(crate) fn give(text: impl Into<Vec<u8>>) -> *mut c_char {
    c_string(text).into_raw()
}

/// The same, kept here.
pub(crate) fn c_string(text: impl Into<Vec<u8>>) -> CString {
    let mut bytes = text.into();
    bytes.retain(|byte| *byte != 0);
    CString::new(bytes).unwrap_or_default()
}

/// Frees a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_text_free(text: *mut c_char) {
    if !text.is_null() {
        border::answered((), || {
            // SAFETY: by the header it was given by `give`, and is not used any more.
            drop(unsafe { CString::from_raw(text) });
        });
    }
}
