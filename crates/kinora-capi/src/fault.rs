//! What failed.

use std::ffi::c_char;

use kinora::{Fault, ReportStyle};

use crate::code::lang;
use crate::{border, text};

/// Its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_fault_code(fault: *const Fault) -> u32 {
    border::answered(border::OK, || {
        // SAFETY: by the header.
        unsafe { border::handle(fault) }.map_or(border::OK, |fault| fault.code().number())
    })
}

/// All of it for a person.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_fault_report(
    fault: *const Fault,
    language: *const c_char,
) -> *mut c_char {
    // SAFETY: by the header.
    unsafe {
        told(fault, |fault| {
            fault.report(lang(language), ReportStyle::Plain)
        })
    }
}

/// All of it for a machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_fault_json(fault: *const Fault) -> *mut c_char {
    // SAFETY: by the header.
    unsafe { told(fault, |fault| serde_json::json!(fault).to_string()) }
}

/// # Safety
/// As for [`border::handle`].
unsafe fn told(fault: *const Fault, tell: impl FnOnce(&Fault) -> String) -> *mut c_char {
    border::answered(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        match unsafe { border::handle(fault) } {
            Ok(fault) => text::give(tell(fault)),
            Err(_) => std::ptr::null_mut(),
        }
    })
}

/// Frees a fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_fault_free(fault: *mut Fault) {
    // SAFETY: by the header.
    unsafe { border::free(fault) }
}
