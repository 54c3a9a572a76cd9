//! Events.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use kinora::{Event, Fault, json};

use crate::{border, text};

/// An event, with what was asked of it.
pub struct GivenEvent {
    event: Event,
    name: CString,
    json: OnceLock<CString>,
}

impl GivenEvent {
    pub(crate) fn new(event: Event) -> Self {
        Self {
            name: text::c_string(event.name()),
            json: OnceLock::new(),
            event,
        }
    }
}

/// The header's number of an event.
const fn kind(event: &Event) -> i32 {
    match event {
        Event::StateChanged { .. } => 1,
        Event::Prepared(_) => 2,
        Event::AutoPlayStart => 3,
        Event::TracksReady(_) => 4,
        Event::TrackChanged { .. } => 5,
        Event::VideoSize { .. } => 6,
        Event::FirstFrame { .. } => 7,
        Event::Completion => 8,
        Event::LoopingStart => 9,
        Event::LoadingBegin => 10,
        Event::LoadingProgress(_) => 11,
        Event::LoadingEnd => 12,
        Event::SeekEnd { .. } => 13,
        Event::Position(_) => 14,
        Event::BufferedPosition(_) => 15,
        Event::DownloadSpeed(_) => 16,
        Event::Info { .. } => 17,
        Event::CommandRefused { .. } => 18,
        Event::SubtitleAdded { .. } => 19,
        Event::SubtitleFailed { .. } => 20,
        Event::SubtitleShown { .. } => 21,
        Event::SubtitleHidden { .. } => 22,
        Event::KeyRequired(_) => 23,
        Event::CredentialExpired(_) => 24,
        Event::Recovered(_) => 25,
        Event::Error(_) => 26,
        // Told by their names: one that a program's header does not know yet is no trouble for it.
        _ => 0,
    }
}

/// What it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_event_kind(event: *const GivenEvent) -> i32 {
    border::answered(0, || {
        // SAFETY: by the header.
        unsafe { border::handle(event) }.map_or(0, |given| kind(&given.event))
    })
}

/// Its name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_event_name(event: *const GivenEvent) -> *const c_char {
    border::answered(std::ptr::null(), || {
        // SAFETY: by the header.
        unsafe { border::handle(event) }.map_or(std::ptr::null(), |given| given.name.as_ptr())
    })
}

/// Its name and fields, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_event_json(event: *const GivenEvent) -> *const c_char {
    border::answered(std::ptr::null(), || {
        // SAFETY: by the header.
        let Ok(given) = (unsafe { border::handle(event) }) else {
            return std::ptr::null();
        };
        let made = || {
            let object = serde_json::Value::Object(json::event(&given.event));
            text::c_string(object.to_string())
        };
        given.json.get_or_init(made).as_ptr()
    })
}

/// What failed, in events that tell of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_event_fault(event: *const GivenEvent) -> *const Fault {
    border::answered(std::ptr::null(), || {
        // SAFETY: by the header.
        match unsafe { border::handle(event) } {
            Ok(given) => given
                .event
                .fault()
                .map_or(std::ptr::null(), std::ptr::from_ref),
            Err(_) => std::ptr::null(),
        }
    })
}

/// Frees an event, and what was lent of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_event_free(event: *mut GivenEvent) {
    // SAFETY: by the header.
    unsafe { border::free(event) }
}
