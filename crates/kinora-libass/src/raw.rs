//! The calls into libass, each with why it is sound.

use std::ffi::{CString, c_char, c_int};
use std::ptr;
use std::rc::Rc;

use kinora_overlay::Layer;
use kinora_subtitle::Color;

use crate::library::{Functions, Image, LoadError, Ptr};

/// Glyphs and megabytes of bitmaps that are kept.
const MAX_GLYPHS: c_int = 4_096;
const MAX_BITMAPS_MB: c_int = 64;
/// Shapes of one frame; more are left out.
const MAX_IMAGES: usize = 8_192;

/// `ASS_FONTPROVIDER_NONE` and `ASS_FONTPROVIDER_AUTODETECT`.
const NO_PROVIDER: c_int = 0;
const ANY_PROVIDER: c_int = 1;

/// A library, its fonts and its renderer.
pub(crate) struct Session {
    call: Rc<Functions>,
    library: Ptr,
    renderer: Ptr,
}

/// A script's head and the events that were given to it.
pub(crate) struct Track {
    call: Rc<Functions>,
    raw: Ptr,
}

/// What libass says comes as pictures, or not at all: not on stderr.
unsafe extern "C" fn silent(_: c_int, _: *const c_char, _: Ptr, _: Ptr) {}

impl Session {
    pub(crate) fn start(call: Functions) -> Result<Self, LoadError> {
        // SAFETY: takes nothing; null when there is no memory.
        let library = unsafe { (call.ass_library_init)() };
        if library.is_null() {
            return Err(LoadError::NotStarted);
        }
        // SAFETY: `library` is one; the listener takes what libass gives and looks at nothing.
        unsafe { (call.ass_set_message_cb)(library, Some(silent), ptr::null_mut()) };
        // SAFETY: `library` is one. Fonts within scripts are not looked for.
        unsafe { (call.ass_set_extract_fonts)(library, 0) };
        // SAFETY: `library` is one; null when there is no memory.
        let renderer = unsafe { (call.ass_renderer_init)(library) };
        let session = Self {
            call: Rc::new(call),
            library,
            renderer,
        };
        if renderer.is_null() {
            return Err(LoadError::NotStarted);
        }
        // SAFETY: `renderer` is one.
        unsafe { (session.call.ass_set_cache_limits)(renderer, MAX_GLYPHS, MAX_BITMAPS_MB) };
        Ok(session)
    }

    /// Draws for a picture of that size.
    pub(crate) fn set_size(&self, (width, height): (u32, u32)) {
        let [width, height] = [width, height].map(|side| c_int::try_from(side).unwrap_or(0));
        // SAFETY: `renderer` is one.
        unsafe { (self.call.ass_set_frame_size)(self.renderer, width, height) };
        // SAFETY: the same.
        unsafe { (self.call.ass_set_storage_size)(self.renderer, width, height) };
    }

    pub(crate) fn set_font_scale(&self, scale: f32) {
        // SAFETY: `renderer` is one.
        unsafe { (self.call.ass_set_font_scale)(self.renderer, scale.into()) };
    }

    /// Draws with these fonts, and with those of the system where `system` says so.
    pub(crate) fn set_fonts<'a>(&self, fonts: impl Iterator<Item = &'a [u8]>, system: bool) {
        // SAFETY: `library` is one; the renderer is told of other fonts below, before it draws again.
        unsafe { (self.call.ass_clear_fonts)(self.library) };
        for font in fonts {
            let Ok(length) = c_int::try_from(font.len()) else {
                continue;
            };
            // SAFETY: the name is a C string, and so many bytes lie at the pointer; both are copied.
            unsafe {
                (self.call.ass_add_font)(
                    self.library,
                    c"attached".as_ptr(),
                    font.as_ptr().cast(),
                    length,
                );
            }
        }
        let provider = if system { ANY_PROVIDER } else { NO_PROVIDER };
        // SAFETY: `renderer` is one; no default file, a default family that is a C string, the system's own configuration.
        unsafe {
            (self.call.ass_set_fonts)(
                self.renderer,
                ptr::null(),
                c"sans-serif".as_ptr(),
                provider,
                ptr::null(),
                1,
            );
        }
    }

    /// A script of which the head is known. `None`: there is no memory, or it is longer than any.
    pub(crate) fn track(&self, head: &str) -> Option<Track> {
        // SAFETY: `library` is one; null when there is no memory.
        let raw = unsafe { (self.call.ass_new_track)(self.library) };
        let track = (!raw.is_null()).then(|| Track {
            call: Rc::clone(&self.call),
            raw,
        })?;
        let head = text(head);
        let length = c_int::try_from(head.as_bytes().len()).ok()?;
        // SAFETY: `raw` is a track; so many bytes lie at the pointer, and a zero behind them; they are copied.
        unsafe { (self.call.ass_process_codec_private)(raw, head.as_ptr(), length) };
        Some(track)
    }

    /// Draws what a track shows at a time, in milliseconds, and gives it to `take`. `true`: it is not what was drawn last.
    pub(crate) fn draw<T>(
        &self,
        track: &Track,
        at_ms: i64,
        take: impl FnOnce(bool, &[Layer<'_>]) -> T,
    ) -> T {
        let mut change: c_int = 0;
        // SAFETY: renderer and track are of one library; the number is written to. The images are valid until the next call.
        let first = unsafe {
            (self.call.ass_render_frame)(self.renderer, track.raw, at_ms, &raw mut change)
        };
        let mut layers = Vec::new();
        let mut next = first;
        while !next.is_null() && layers.len() < MAX_IMAGES {
            // SAFETY: `next` is an image of the list that libass made, alive until the renderer draws again.
            let image = unsafe { &*next };
            layers.extend(layer(image));
            next = image.next;
        }
        take(change != 0, &layers)
    }
}

/// An image as a layer. `None`: it is empty.
fn layer(image: &Image) -> Option<Layer<'_>> {
    let [width, height, stride] =
        [image.width, image.height, image.stride].map(|side| usize::try_from(side).unwrap_or(0));
    if width == 0 || height == 0 || stride < width || image.bitmap.is_null() {
        return None;
    }
    let length = stride * (height - 1) + width;
    // SAFETY: `ass.h`: so many rows of so many bytes lie there, the last one perhaps without what fills it up; they live as long
    // as the image.
    let coverage = unsafe { std::slice::from_raw_parts(image.bitmap, length) };
    let [red, green, blue, transparency] = image.color.to_be_bytes();
    Some(Layer {
        x: image.x,
        y: image.y,
        width,
        stride,
        coverage,
        color: Color::rgb(red, green, blue).with_alpha(!transparency),
    })
}

impl Track {
    /// Gives it an event: its fields as a Matroska packet has them; times in milliseconds.
    pub(crate) fn add(&self, fields: &str, start_ms: i64, length_ms: i64) {
        let fields = text(fields);
        let Ok(length) = c_int::try_from(fields.as_bytes().len()) else {
            return;
        };
        // SAFETY: `raw` is a track; so many bytes lie at the pointer, and a zero behind them; they are copied.
        unsafe {
            (self.call.ass_process_chunk)(self.raw, fields.as_ptr(), length, start_ms, length_ms);
        }
    }

    /// Forgets all events.
    pub(crate) fn clear(&self) {
        // SAFETY: `raw` is a track.
        unsafe { (self.call.ass_flush_events)(self.raw) };
    }
}

/// For C: up to the first zero.
fn text(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

impl Drop for Track {
    fn drop(&mut self) {
        // SAFETY: `raw` is a track that nobody else frees; its functions are still loaded.
        unsafe { (self.call.ass_free_track)(self.raw) };
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.renderer.is_null() {
            // SAFETY: `renderer` is one that nobody else ends.
            unsafe { (self.call.ass_renderer_done)(self.renderer) };
        }
        // SAFETY: `library` is one that nobody else ends; nothing of it is used any more but tracks, which free what is theirs.
        unsafe { (self.call.ass_library_done)(self.library) };
    }
}
