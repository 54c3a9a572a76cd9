//! Reading without playing.

use std::ffi::c_char;

use kinora::{
    AudioFrame, AudioReader, DecoderChoice, Fault, MediaReader, NetConfig, ReadOptions, Time,
    VideoFrame, VideoReader, json, settings,
};

use crate::{border, text};

/// # Safety
/// Null, or ends with a zero.
unsafe fn options(network: *const c_char) -> Result<ReadOptions, Fault> {
    if network.is_null() {
        return Ok(NetConfig::default().into());
    }
    // SAFETY: the caller's promise.
    Ok(settings::network(unsafe { border::text(network) }?)?.into())
}

/// Opens a source; `open` is given its URL and how it is read.
///
/// # Safety
/// As for [`border::text`], [`options`], [`border::put`] and [`border::guarded`].
unsafe fn opened<R>(
    (url, network): (*const c_char, *const c_char),
    reader: *mut *mut R,
    fault: *mut *mut Fault,
    open: impl FnOnce(&str, ReadOptions) -> Result<R, Fault>,
) -> u32 {
    let work = || {
        // SAFETY: the caller's promise.
        let (url, options) = unsafe { (border::text(url)?, options(network)?) };
        // SAFETY: the caller's promise.
        unsafe { border::put_made(reader, || open(url, options)) }
    };
    // SAFETY: the caller's promise.
    unsafe { border::guarded(fault, work) }
}

/// Has a reader do something.
///
/// # Safety
/// As for [`border::handle_mut`] and [`border::guarded`].
unsafe fn with<R>(
    reader: *mut R,
    fault: *mut *mut Fault,
    work: impl FnOnce(&mut R) -> Result<(), Fault>,
) -> u32 {
    // SAFETY: the caller's promise.
    let work = || work(unsafe { border::handle_mut(reader) }?);
    // SAFETY: the caller's promise.
    unsafe { border::guarded(fault, work) }
}

/// Gives what was read, null for nothing.
///
/// # Safety
/// As for [`border::put`].
unsafe fn give<T>(place: *mut *mut T, read: Option<T>) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        match read {
            Some(read) => border::put_made(place, || Ok(read)),
            None => border::put(place, std::ptr::null_mut()),
        }
    }
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
    // SAFETY: by the header.
    unsafe {
        opened((url, network), reader, fault, |url, options| {
            let threads = usize::try_from(threads).unwrap_or(1).clamp(1, MAX_THREADS);
            VideoReader::open(url, options, DecoderChoice::Auto, threads)
        })
    }
}

const MAX_THREADS: usize = 64;

/// Goes to a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_video_reader_seek(
    reader: *mut VideoReader,
    time: i64,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe { with(reader, fault, |reader| reader.seek(Time::from_micros(time))) }
}

/// The next picture; null at the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_video_reader_next(
    reader: *mut VideoReader,
    frame: *mut *mut VideoFrame,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe { with(reader, fault, |reader| give(frame, reader.next_frame()?)) }
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
    // SAFETY: by the header.
    unsafe {
        opened((url, network), reader, fault, |url, options| {
            AudioReader::open(url, options, DecoderChoice::Auto)
        })
    }
}

/// Goes to a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_seek(
    reader: *mut AudioReader,
    time: i64,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe { with(reader, fault, |reader| reader.seek(Time::from_micros(time))) }
}

/// The next samples; null at the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_next(
    reader: *mut AudioReader,
    samples: *mut *mut AudioFrame,
    fault: *mut *mut Fault,
) -> u32 {
    // SAFETY: by the header.
    unsafe { with(reader, fault, |reader| give(samples, reader.next_frame()?)) }
}

/// Closes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_audio_reader_free(reader: *mut AudioReader) {
    // SAFETY: by the header.
    unsafe { border::free(reader) }
}
