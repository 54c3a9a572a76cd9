//! Reading without playing.

use std::ffi::c_char;

use kinora::{
    AudioFrame, AudioReader, DecoderChoice, Fault, MediaReader, NetConfig, ReadOptions, Time,
    VideoFrame, VideoReader, json,
};

use crate::{border, settings, text};

/// # Safety
/// Null, or ends with a zero.
unsafe fn options(network: *const c_char) -> Result<ReadOptions, Fault> {
    if network.is_null() {
        return Ok(NetConfig::default().into());
    }
    // SAFETY: the caller's promise.
    Ok(settings::network(unsafe { border::text(network) }?)?.into())
}

/// What a source holds, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_probe(
    url: *const c_char,
    network: *const c_char,
    info: *mut *mut c_char,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let (url, options) = unsafe { (border::text(url)?, options(network)?) };
        let reader = MediaReader::open(url, options)?;
        // SAFETY: by the header.
        unsafe {
            border::put(
                info,
                text::give(json::media_info(reader.info()).to_string()),
            )
        }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// Opens the pictures of a source.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_video_reader_open(
    url: *const c_char,
    network: *const c_char,
    threads: u32,
    reader: *mut *mut VideoReader,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let (url, options) = unsafe { (border::text(url)?, options(network)?) };
        let threads = usize::try_from(threads).unwrap_or(1).clamp(1, MAX_THREADS);
        let opened = VideoReader::open(url, options, DecoderChoice::Auto, threads)?;
        // SAFETY: by the header.
        unsafe { border::put(reader, border::give(opened)) }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

const MAX_THREADS: usize = 64;

/// Goes to a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_video_reader_seek(
    reader: *mut VideoReader,
    time: i64,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let reader = unsafe { border::handle_mut(reader) }?;
        reader.seek(Time::from_micros(time))
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// The next picture; null at the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_video_reader_next(
    reader: *mut VideoReader,
    frame: *mut *mut VideoFrame,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let next = unsafe { border::handle_mut(reader) }?.next_frame()?;
        // SAFETY: by the header.
        unsafe { border::put(frame, next.map_or(std::ptr::null_mut(), border::give)) }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// Closes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_video_reader_free(reader: *mut VideoReader) {
    // SAFETY: by the header.
    unsafe { border::free(reader) }
}

/// Opens the sound of a source.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_open(
    url: *const c_char,
    network: *const c_char,
    reader: *mut *mut AudioReader,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let (url, options) = unsafe { (border::text(url)?, options(network)?) };
        let opened = AudioReader::open(url, options, DecoderChoice::Auto)?;
        // SAFETY: by the header.
        unsafe { border::put(reader, border::give(opened)) }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// Goes to a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_seek(
    reader: *mut AudioReader,
    time: i64,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let reader = unsafe { border::handle_mut(reader) }?;
        reader.seek(Time::from_micros(time))
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// The next samples; null at the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_next(
    reader: *mut AudioReader,
    samples: *mut *mut AudioFrame,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let next = unsafe { border::handle_mut(reader) }?.next_frame()?;
        // SAFETY: by the header.
        unsafe { border::put(samples, next.map_or(std::ptr::null_mut(), border::give)) }
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// Closes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_free(reader: *mut AudioReader) {
    // SAFETY: by the header.
    unsafe { border::free(reader) }
}
