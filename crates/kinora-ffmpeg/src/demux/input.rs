//! An open `AVFormatContext` and what it reads from.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::exchange::{Exchange, Read};
use crate::library::{Ffmpeg, FormatFunctions};
use crate::raw::{NO_PTS, Status, check, get, set, text};

/// Bytes that libavformat asks for at once.
const BUFFER: usize = 32 * 1024;
/// Bytes within which a format must show itself.
const PROBE: u32 = 256 * 1024;
/// `AVPROBE_SCORE_RETRY`: FFmpeg's own programs look at more bytes where no format is surer than that. Random bytes are taken
/// for something with such scores.
const UNSURE: c_int = 25;

/// Limits of what a file may cost before its first packet, and of what it may name.
const OPTIONS: &[(&str, &str)] = &[
    // No protocol has an empty name: nothing can be opened beside what is pushed.
    ("protocol_whitelist", ","),
    ("probesize", "1048576"),
    ("analyzeduration", "2000000"),
    ("max_streams", "128"),
    // An index that is longer is thinned out, and with it the key frames are lost.
    ("indexmem", "16777216"),
];

/// Formats that are lists of other resources, or are read from several.
const REFUSED: &[&str] = &[
    "concat",
    "dash",
    "ffmetadata",
    "hls",
    "image2",
    "imf",
    "rtp",
    "rtsp",
    "sap",
    "sdp",
    "vobsub",
    "webm_dash_manifest",
];

/// `AVFMT_NOFILE`: a device, or a format that opens what it reads itself.
const NO_FILE: c_int = 1;
/// `AVSEEK_SIZE` and `AVSEEK_FORCE`.
const WHENCE_SIZE: c_int = 0x1_0000;
const WHENCE_FORCE: c_int = 0x2_0000;
/// `AVSEEK_FLAG_BACKWARD`: a key frame at or before the time.
const BACKWARD: c_int = 1;
/// `AVERROR(ENOSYS)`, `AVERROR(EPERM)`.
const NO_SUCH_CALL: c_int = -38;
const NOT_PERMITTED: c_int = -1;

/// What libavformat reads: where it is in the resource.
struct Source {
    exchange: Arc<Exchange>,
    at: u64,
}

/// The two pointers of an `AVIOInterruptCB`.
type Interrupt = unsafe extern "C" fn(*mut c_void) -> c_int;
/// `AVFormatContext.io_open`.
type IoOpen = unsafe extern "C" fn(
    *mut c_void,
    *mut *mut c_void,
    *const c_char,
    c_int,
    *mut *mut c_void,
) -> c_int;

/// # Safety
/// `opaque` is the `Source` of an [`Io`], which libavformat uses from one thread at a time; `into` has room for `len` bytes.
unsafe extern "C" fn read(opaque: *mut c_void, into: *mut u8, len: c_int) -> c_int {
    let Ok(len) = usize::try_from(len) else {
        return NO_SUCH_CALL;
    };
    // SAFETY: by the promise above.
    let (source, into) = unsafe {
        (
            &mut *opaque.cast::<Source>(),
            std::slice::from_raw_parts_mut(into, len),
        )
    };
    match source.exchange.read(source.at, into) {
        Read::Bytes(count) => {
            source.at = source.at.saturating_add(count as u64);
            c_int::try_from(count).unwrap_or(c_int::MAX)
        }
        Read::End => Status::END.0,
        Read::Interrupted => Status::EXIT.0,
    }
}

/// # Safety
/// As for [`read`].
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: by the promise above.
    let source = unsafe { &mut *opaque.cast::<Source>() };
    let len = source
        .exchange
        .len()
        .and_then(|len| i64::try_from(len).ok());
    let place = match (whence & !WHENCE_FORCE, len) {
        (WHENCE_SIZE, len) => return len.unwrap_or(NO_SUCH_CALL.into()),
        (0, _) => Some(offset),
        (1, _) => i64::try_from(source.at)
            .ok()
            .and_then(|at| at.checked_add(offset)),
        (2, Some(len)) => len.checked_add(offset),
        _ => None,
    };
    match place.and_then(|place| Some((place, u64::try_from(place).ok()?))) {
        Some((place, at)) => {
            source.at = at;
            place
        }
        None => NO_SUCH_CALL.into(),
    }
}

/// # Safety
/// As for [`read`]; the `Source` is only looked at.
unsafe extern "C" fn interrupt(opaque: *mut c_void) -> c_int {
    // SAFETY: by the promise above; libavformat asks between its reads, on the thread of them.
    let source = unsafe { &*opaque.cast::<Source>() };
    source.exchange.is_interrupted().into()
}

/// A file does not open others: neither what a playlist names nor the parts that a format may have beside it.
unsafe extern "C" fn refuse(
    _: *mut c_void,
    _: *mut *mut c_void,
    _: *const c_char,
    _: c_int,
    _: *mut *mut c_void,
) -> c_int {
    NOT_PERMITTED
}

/// Why a file can not be opened.
pub(super) enum OpenError {
    /// No format of libavformat begins so.
    Unknown,
    /// What libavformat said.
    Failed { format: String, status: Status },
}

/// An `AVIOContext` that reads by way of an [`Exchange`].
struct Io {
    ffmpeg: Arc<Ffmpeg>,
    context: NonNull<c_void>,
    source: NonNull<Source>,
}

impl Io {
    fn new(
        ffmpeg: &Arc<Ffmpeg>,
        call: &FormatFunctions,
        exchange: &Arc<Exchange>,
    ) -> Result<Self, Status> {
        // SAFETY: allocates bytes or gives null.
        let buffer = NonNull::new(unsafe { (ffmpeg.call.av_mallocz)(BUFFER) });
        let buffer = buffer.ok_or(Status::NO_MEMORY)?;
        let exchange = Arc::clone(exchange);
        let source = NonNull::from(Box::leak(Box::new(Source { exchange, at: 0 })));
        let len = c_int::try_from(BUFFER).unwrap_or(c_int::MAX);
        // SAFETY: the buffer is the library's and as long as told; the callbacks take the source that lives as long as the
        // context; not writable.
        let context = NonNull::new(unsafe {
            (call.avio_alloc_context)(
                buffer.as_ptr().cast(),
                len,
                0,
                source.as_ptr().cast(),
                Some(read),
                ptr::null(),
                Some(seek),
            )
        });
        let Some(context) = context else {
            // SAFETY: both were allocated above, and nothing has them.
            unsafe {
                (ffmpeg.call.av_free)(buffer.as_ptr());
                drop(Box::from_raw(source.as_ptr()));
            }
            return Err(Status::NO_MEMORY);
        };
        Ok(Self {
            ffmpeg: Arc::clone(ffmpeg),
            context,
            source,
        })
    }

    /// Forgets that a read failed: it was called off.
    fn clear(&mut self) {
        let abi = self.ffmpeg.abi;
        // SAFETY: the context is live, and no call is under way.
        unsafe {
            set::<c_int>(self.context, abi.io_end_reached, 0);
            set::<c_int>(self.context, abi.io_error, 0);
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        let Ok(call) = self.ffmpeg.format() else {
            return;
        };
        // SAFETY: whatever used the context is closed; its buffer, which libavformat may have replaced, is its own to free;
        // the source came from a box.
        unsafe {
            (self.ffmpeg.call.av_free)(get(self.context, self.ffmpeg.abi.io_buffer));
            (call.avio_context_free)(&mut self.context.as_ptr());
            drop(Box::from_raw(self.source.as_ptr()));
        }
    }
}

/// An open file.
pub(super) struct Input {
    ffmpeg: Arc<Ffmpeg>,
    context: NonNull<c_void>,
    /// Dropped behind the context, which uses it.
    io: Io,
}

impl Input {
    /// Finds out what the bytes are, reads the headers and looks at the first packets.
    pub(super) fn open(ffmpeg: &Arc<Ffmpeg>, exchange: &Arc<Exchange>) -> Result<Self, OpenError> {
        let failed = |format: &str, status| OpenError::Failed {
            format: format.to_owned(),
            status,
        };
        // The loader has looked already.
        let call = ffmpeg.format().map_err(|_| OpenError::Unknown)?;
        let io = Io::new(ffmpeg, call, exchange).map_err(|status| failed("", status))?;
        let format = probe(ffmpeg, call, &io)?;
        let name = name_of(ffmpeg, format);
        // SAFETY: allocates a struct or gives null.
        let context = NonNull::new(unsafe { (call.avformat_alloc_context)() });
        let context = context.ok_or_else(|| failed(&name, Status::NO_MEMORY))?;
        prepare(ffmpeg, context, &io);
        let mut opened = context.as_ptr();
        // SAFETY: the context is live, fresh and has its IO; the format is a static of the library; no options. On failure
        // the library frees the context, not the IO, which is ours.
        let status = unsafe {
            (call.avformat_open_input)(&mut opened, c"".as_ptr(), format.as_ptr(), ptr::null_mut())
        };
        check(status).map_err(|status| failed(&name, status))?;
        // SAFETY: the context is open. What it does not find out is found in the packets.
        unsafe { (call.avformat_find_stream_info)(context.as_ptr(), ptr::null_mut()) };
        Ok(Self {
            ffmpeg: Arc::clone(ffmpeg),
            context,
            io,
        })
    }

    pub(super) fn ffmpeg(&self) -> &Arc<Ffmpeg> {
        &self.ffmpeg
    }

    /// The `AVFormatContext`, which is open.
    pub(super) fn context(&self) -> NonNull<c_void> {
        self.context
    }

    /// The short name of the format: `avi`. Where it has several the first.
    pub(super) fn name(&self) -> String {
        // SAFETY: the context is open: it has a format.
        let format: *const c_void = unsafe { get(self.context, self.ffmpeg.abi.format_input) };
        NonNull::new(format.cast_mut())
            .map_or_else(String::new, |format| name_of(&self.ffmpeg, format))
    }

    /// The next packet of any stream, blank before.
    pub(super) fn read(&mut self, packet: NonNull<c_void>) -> Result<(), Status> {
        let Ok(call) = self.ffmpeg.format() else {
            return Err(Status::END);
        };
        // SAFETY: both are live, the context is open.
        check(unsafe { (call.av_read_frame)(self.context.as_ptr(), packet.as_ptr()) })
    }

    /// Goes to a key frame at or before a time of a stream.
    pub(super) fn seek(&mut self, stream: c_int, time: i64) -> Result<(), Status> {
        self.io.clear();
        let Ok(call) = self.ffmpeg.format() else {
            return Err(Status::END);
        };
        // SAFETY: the context is open; the library checks the stream's number.
        check(unsafe { (call.av_seek_frame)(self.context.as_ptr(), stream, time, BACKWARD) })
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Ok(call) = self.ffmpeg.format() {
            // SAFETY: the context was opened and is not used again; its IO is freed behind it.
            unsafe { (call.avformat_close_input)(&mut self.context.as_ptr()) };
        }
    }
}

/// The format of the bytes, where one is sure enough and reads nothing but them.
fn probe(ffmpeg: &Ffmpeg, call: &FormatFunctions, io: &Io) -> Result<NonNull<c_void>, OpenError> {
    let mut format: *const c_void = ptr::null();
    // SAFETY: the IO is live; an empty name, which no format goes by; no context to log for.
    let score = unsafe {
        (call.av_probe_input_buffer2)(
            io.context.as_ptr(),
            &mut format,
            c"".as_ptr(),
            ptr::null_mut(),
            0,
            PROBE,
        )
    };
    let format = NonNull::new(format.cast_mut()).filter(|_| score > UNSURE);
    let format = format.ok_or(OpenError::Unknown)?;
    // SAFETY: a static of the library, which has an int there.
    let flags: c_int = unsafe { get(format, ffmpeg.abi.input_flags) };
    let name = name_of(ffmpeg, format);
    match flags & NO_FILE != 0 || REFUSED.contains(&name.as_str()) {
        true => Err(OpenError::Unknown),
        false => Ok(format),
    }
}

/// Sets limits, what is read, and that nothing else is opened.
fn prepare(ffmpeg: &Ffmpeg, context: NonNull<c_void>, io: &Io) {
    let abi = ffmpeg.abi;
    for (name, value) in OPTIONS {
        if let (Ok(name), Ok(value)) = (CString::new(*name), CString::new(*value)) {
            // SAFETY: the context begins with its AVClass; both texts end with a zero and are copied. An option that a
            // version does not know is refused with a number.
            unsafe { (ffmpeg.call.av_opt_set)(context.as_ptr(), name.as_ptr(), value.as_ptr(), 0) };
        }
    }
    // SAFETY: the context is fresh: nothing else uses it; each field has the type by the headers.
    unsafe {
        set(context, abi.format_io, io.context.as_ptr());
        set::<Interrupt>(context, abi.format_interrupt, interrupt);
        set(
            context,
            abi.format_interrupt + size_of::<usize>(),
            io.source.as_ptr().cast::<c_void>(),
        );
        set::<IoOpen>(context, abi.format_io_open, refuse);
    }
}

/// The short name of an `AVInputFormat`.
fn name_of(ffmpeg: &Ffmpeg, format: NonNull<c_void>) -> String {
    // SAFETY: a static of the library with a zero-terminated name.
    let names = unsafe { text(get(format, ffmpeg.abi.input_name)) };
    names.split(',').next().unwrap_or_default().to_owned()
}

/// Whether fresh structs look as the table says.
pub(crate) fn layout_holds(ffmpeg: &Ffmpeg, call: &FormatFunctions) -> bool {
    let abi = ffmpeg.abi;
    // SAFETY: allocates a struct or gives null.
    let Some(context) = NonNull::new(unsafe { (call.avformat_alloc_context)() }) else {
        return false;
    };
    // SAFETY: the context is live and the offsets lie within structs of that major, whose number was checked; the new
    // stream, where there is one, belongs to it and has parameters.
    let holds = unsafe {
        let is_fresh = get::<usize>(context, abi.format_io) == 0
            && get::<usize>(context, abi.format_input) == 0
            && get::<u32>(context, abi.format_stream_count) == 0
            && get::<u32>(context, abi.format_chapter_count) == 0
            && get::<usize>(context, abi.format_io_open) != 0;
        let stream = NonNull::new((call.avformat_new_stream)(context.as_ptr(), ptr::null()));
        is_fresh
            && stream.is_some_and(|stream| {
                get::<u32>(context, abi.format_stream_count) == 1
                    && get::<*const *mut c_void>(context, abi.format_streams).read()
                        == stream.as_ptr()
                    && get::<i64>(stream, abi.stream_start_time) == NO_PTS
                    && get::<c_int>(stream, abi.stream_disposition) == 0
                    && get::<usize>(stream, abi.stream_metadata) == 0
                    && get::<usize>(stream, abi.stream_parameters) != 0
            })
    };
    // SAFETY: allocated above, not used again.
    unsafe { (call.avformat_free_context)(context.as_ptr()) };
    holds
}
