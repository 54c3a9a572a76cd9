//! Owned pointers to libavcodec's structs, and their fields by the table.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use kinora_media::Palette;

use crate::abi::Abi;
use crate::library::Ffmpeg;

/// `AV_NOPTS_VALUE`: the pts of a packet or frame that has none.
pub(crate) const NO_PTS: i64 = i64::MIN;
/// `AV_INPUT_BUFFER_PADDING_SIZE`: zeros that must follow a decoder's input.
const PADDING: usize = 64;
/// `AV_OPT_SEARCH_CHILDREN`: options of the codec as well as of the context.
const SEARCH_CHILDREN: c_int = 1;
/// `AV_PKT_DATA_PALETTE`: colours `0xAARRGGBB` in the machine's order, as many as a [`Palette`] has.
pub(crate) const PALETTE: c_int = 0;
/// `AV_PKT_FLAG_KEY`.
const FLAG_KEY: c_int = 1;

/// Reads a field.
///
/// # Safety
/// `base` points to a live struct that has a `T` at that offset.
pub(crate) unsafe fn get<T: Copy>(base: NonNull<c_void>, offset: usize) -> T {
    // SAFETY: by the caller's promise; FFmpeg's structs are aligned for their fields.
    unsafe { base.as_ptr().byte_add(offset).cast::<T>().read() }
}

/// Writes a field.
///
/// # Safety
/// As for [`get`], and nothing else uses the struct.
pub(crate) unsafe fn set<T>(base: NonNull<c_void>, offset: usize, value: T) {
    // SAFETY: by the caller's promise.
    unsafe { base.as_ptr().byte_add(offset).cast::<T>().write(value) }
}

/// A text of the library; what is no UTF-8 in it is replaced.
///
/// # Safety
/// Null, or a zero-terminated text that lives as long as the call.
pub(crate) unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by the caller's promise.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// Whether fresh structs look as the table says: a pts of "none" where the pts lies, zeros elsewhere.
pub(crate) fn layout_holds(ffmpeg: &Ffmpeg) -> bool {
    let abi = ffmpeg.abi;
    // SAFETY: allocates a struct or gives null.
    let (packet, frame) = unsafe {
        (
            (ffmpeg.call.av_packet_alloc)(),
            (ffmpeg.call.av_frame_alloc)(),
        )
    };
    let (Some(packet), Some(frame)) = (NonNull::new(packet), NonNull::new(frame)) else {
        return false;
    };
    // SAFETY: both are live; the offsets lie within structs of that major, whose number was checked.
    let holds = unsafe {
        get::<i64>(packet, abi.packet_pts) == NO_PTS
            && get::<i64>(packet, abi.packet_dts) == NO_PTS
            && get::<usize>(packet, abi.packet_data) == 0
            && get::<c_int>(packet, abi.packet_size) == 0
            && get::<i64>(frame, abi.frame_pts) == NO_PTS
            && get::<c_int>(frame, abi.frame_format) == -1
            && get::<c_int>(frame, abi.frame_width) == 0
            && get::<c_int>(frame, abi.frame_color_primaries) == 2
            && get::<c_int>(frame, abi.frame_color_transfer) == 2
            && get::<c_int>(frame, abi.frame_color_matrix) == 2
    };
    // SAFETY: both were allocated above and are not used again.
    unsafe {
        (ffmpeg.call.av_packet_free)(&mut packet.as_ptr());
        (ffmpeg.call.av_frame_free)(&mut frame.as_ptr());
    }
    holds
}

/// An open decoder.
pub(crate) struct Context {
    ffmpeg: Arc<Ffmpeg>,
    context: NonNull<c_void>,
    packet: NonNull<c_void>,
    scratch: Frame,
}

// SAFETY: libavcodec's contexts may be used from any thread, one at a time; `&mut self` sees to that.
unsafe impl Send for Context {}

/// How the threads of a decoder share the work.
#[derive(Clone, Copy)]
pub(crate) enum Threads {
    /// Each takes a frame: fast, but as many frames late.
    Frames(usize),
    /// Each takes a slice of the same frame: no delay.
    Slices(usize),
}

/// What a decoder is told of its stream; zero for what is not known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Told<'a> {
    pub(crate) config: &'a [u8],
    /// So many pictures may come before one that is shown earlier, where the stream does not tell libavcodec, which would
    /// find out by losing some.
    pub(crate) reordering: u32,
    pub(crate) tag: u32,
    pub(crate) bits: u32,
    pub(crate) size: (u32, u32),
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    pub(crate) block_align: u32,
}

impl Told<'_> {
    fn numbers(&self, abi: &Abi) -> [(usize, u32); 7] {
        [
            (abi.parameters_video_delay, self.reordering),
            (abi.parameters_bits_per_coded_sample, self.bits),
            (abi.parameters_width, self.size.0),
            (abi.parameters_height, self.size.1),
            (abi.parameters_sample_rate, self.sample_rate),
            (abi.parameters_channels, self.channels),
            (abi.parameters_block_align, self.block_align),
        ]
    }
}

/// Which decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DecoderName {
    /// The one of that name.
    Decoder(&'static str),
    /// The best one of the codec that libavcodec calls so.
    Codec(&'static str),
}

impl DecoderName {
    /// The decoder, a static of the library, where this build has it.
    pub(crate) fn find(self, ffmpeg: &Ffmpeg) -> Option<NonNull<c_void>> {
        let (Self::Decoder(name) | Self::Codec(name)) = self;
        let name = CString::new(name).ok()?;
        let call = &ffmpeg.call;
        // SAFETY: a zero-terminated name; descriptors and decoders are statics of the library, or null where there is none.
        let decoder = unsafe {
            match self {
                Self::Decoder(_) => (call.avcodec_find_decoder_by_name)(name.as_ptr()),
                Self::Codec(_) => {
                    let descriptor = (call.avcodec_descriptor_get_by_name)(name.as_ptr());
                    let descriptor = NonNull::new(descriptor.cast_mut())?;
                    (call.avcodec_find_decoder)(get(descriptor, ffmpeg.abi.descriptor_id))
                }
            }
        };
        NonNull::new(decoder.cast_mut())
    }

    /// What it is called.
    pub(crate) const fn text(self) -> &'static str {
        let (Self::Decoder(name) | Self::Codec(name)) = self;
        name
    }
}

/// A call's outcome that is no success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Status(pub(crate) c_int);

impl Status {
    /// `AVERROR(EAGAIN)`: the other side's turn.
    pub(crate) const AGAIN: Self = Self(-11);
    /// `AVERROR_EOF`.
    pub(crate) const END: Self = Self(-0x2046_4f45);
    /// `AVERROR_EXIT`: what a callback says to have a call given up.
    pub(crate) const EXIT: Self = Self(-0x5449_5845);
    /// `AVERROR(ENOMEM)`.
    pub(crate) const NO_MEMORY: Self = Self(-12);
}

pub(crate) fn check(status: c_int) -> Result<(), Status> {
    if status < 0 {
        Err(Status(status))
    } else {
        Ok(())
    }
}

impl Context {
    /// Opens a decoder.
    pub(crate) fn open(
        ffmpeg: Arc<Ffmpeg>,
        name: DecoderName,
        told: &Told<'_>,
        threads: Threads,
    ) -> Result<Self, Status> {
        let codec = name.find(&ffmpeg).ok_or(Status::END)?.as_ptr().cast_const();
        let call = &ffmpeg.call;
        // SAFETY: `codec` is a static of the library; null on lack of memory.
        let (context, packet) = unsafe {
            (
                (call.avcodec_alloc_context3)(codec),
                (call.av_packet_alloc)(),
            )
        };
        let scratch = Frame::new(&ffmpeg)?;
        let (Some(context), Some(packet)) = (NonNull::new(context), NonNull::new(packet)) else {
            return Err(Status::NO_MEMORY);
        };
        let open = Self {
            ffmpeg,
            context,
            packet,
            scratch,
        };
        open.set_parameters(told)?;
        open.set_threads(threads);
        open.option_text("flags2", "+skip_manual");
        // SAFETY: the context was made for this codec and is not open yet; no options.
        check(unsafe {
            (open.ffmpeg.call.avcodec_open2)(context.as_ptr(), codec, std::ptr::null_mut())
        })?;
        Ok(open)
    }

    /// Hands over what the decoder is told by way of AVCodecParameters, which lie alike in every version of a major, as the
    /// context does not.
    fn set_parameters(&self, told: &Told<'_>) -> Result<(), Status> {
        if *told == Told::default() {
            return Ok(());
        }
        let (call, abi) = (&self.ffmpeg.call, self.ffmpeg.abi);
        let size = c_int::try_from(told.config.len()).map_err(|_| Status::NO_MEMORY)?;
        // SAFETY: allocates a struct or gives null.
        let parameters =
            NonNull::new(unsafe { (call.avcodec_parameters_alloc)() }).ok_or(Status::NO_MEMORY)?;
        // SAFETY: both structs are live; extradata is allocated by the library's allocator with its padding, as
        // the parameters' owner frees it; the copy stays within that allocation; each field has the type by the headers.
        let copied = unsafe {
            let extradata = (call.av_mallocz)(told.config.len() + PADDING);
            if extradata.is_null() {
                Err(Status::NO_MEMORY)
            } else {
                let from = check((call.avcodec_parameters_from_context)(
                    parameters.as_ptr(),
                    self.context.as_ptr(),
                ));
                std::ptr::copy_nonoverlapping(
                    told.config.as_ptr(),
                    extradata.cast(),
                    told.config.len(),
                );
                set(parameters, abi.parameters_extradata, extradata);
                set(parameters, abi.parameters_extradata_size, size);
                set(parameters, abi.parameters_codec_tag, told.tag);
                for (offset, value) in told.numbers(abi) {
                    // Zero is what a fresh context says: nothing is known.
                    if let Some(value) = c_int::try_from(value).ok().filter(|value| *value > 0) {
                        set(parameters, offset, value);
                    }
                }
                from.and_then(|()| {
                    check((call.avcodec_parameters_to_context)(
                        self.context.as_ptr(),
                        parameters.as_ptr(),
                    ))
                })
            }
        };
        // SAFETY: allocated above, not used again; frees the extradata with it.
        unsafe { (call.avcodec_parameters_free)(&mut parameters.as_ptr()) };
        copied
    }

    fn set_threads(&self, threads: Threads) {
        let (kind, count) = match threads {
            Threads::Frames(count) => ("frame", count),
            Threads::Slices(count) => ("slice", count),
        };
        self.option_int("threads", i64::try_from(count).unwrap_or(1).max(1));
        self.option_text("thread_type", kind);
    }

    /// Leaves out pictures that no other refers to, in the packets that follow (`AVDISCARD_NONREF`). Threads take it over with
    /// each packet.
    pub(crate) fn leave_out_unreferenced(&mut self, leaves_out: bool) {
        self.option_text("skip_frame", if leaves_out { "noref" } else { "default" });
    }

    /// Sets a number before the decoder is opened; a decoder that does not know it does without.
    fn option_int(&self, name: &str, value: i64) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: the context begins with its AVClass, as av_opt requires; the name is zero-terminated.
            unsafe {
                (self.ffmpeg.call.av_opt_set_int)(
                    self.context.as_ptr(),
                    name.as_ptr(),
                    value,
                    SEARCH_CHILDREN,
                )
            };
        }
    }

    fn option_text(&self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) {
            // SAFETY: as for `option_int`; both texts are zero-terminated and copied by the library.
            unsafe {
                (self.ffmpeg.call.av_opt_set)(
                    self.context.as_ptr(),
                    name.as_ptr(),
                    value.as_ptr(),
                    SEARCH_CHILDREN,
                )
            };
        }
    }

    /// Puts what the numbers of pixels stand for beside the packet that is about to be sent.
    fn set_palette(&mut self, palette: &Palette) {
        let bytes = size_of_val(palette.colors());
        // SAFETY: the packet is live; gives so many writable bytes, or null.
        let place = unsafe {
            (self.ffmpeg.call.av_packet_new_side_data)(self.packet.as_ptr(), PALETTE, bytes)
        };
        if !place.is_null() {
            // SAFETY: see above; colours are plain numbers.
            unsafe {
                std::ptr::copy_nonoverlapping(palette.colors().as_ptr().cast(), place, bytes);
            }
        }
    }

    /// Gives one packet. Its bytes are copied once: the decoder wants zeros behind them.
    pub(crate) fn send(
        &mut self,
        data: &[u8],
        (pts, dts): (i64, i64),
        key: bool,
        palette: Option<&Palette>,
    ) -> Result<(), Status> {
        let abi = self.ffmpeg.abi;
        let call = &self.ffmpeg.call;
        let size = c_int::try_from(data.len()).map_err(|_| Status::NO_MEMORY)?;
        // SAFETY: the packet is live and blank; av_new_packet gives it `size` writable bytes and zeros behind.
        check(unsafe { (call.av_new_packet)(self.packet.as_ptr(), size) })?;
        if let Some(palette) = palette {
            self.set_palette(palette);
        }
        let call = &self.ffmpeg.call;
        // SAFETY: see above; the decoder takes a reference of its own, so the packet is blanked after it.
        unsafe {
            let target: *mut u8 = get(self.packet, abi.packet_data);
            std::ptr::copy_nonoverlapping(data.as_ptr(), target, data.len());
            set(self.packet, abi.packet_pts, pts);
            set(self.packet, abi.packet_dts, dts);
            set(
                self.packet,
                abi.packet_flags,
                if key { FLAG_KEY } else { 0 },
            );
            let status = (call.avcodec_send_packet)(self.context.as_ptr(), self.packet.as_ptr());
            (call.av_packet_unref)(self.packet.as_ptr());
            check(status)
        }
    }

    /// No packet follows.
    pub(crate) fn drain(&mut self) {
        // SAFETY: a null packet begins the draining; doing it twice is answered with AVERROR_EOF.
        unsafe { (self.ffmpeg.call.avcodec_send_packet)(self.context.as_ptr(), std::ptr::null()) };
    }

    /// Takes a frame out.
    pub(crate) fn receive(&mut self) -> Result<Frame, Status> {
        let call = &self.ffmpeg.call;
        // SAFETY: both are live; the library blanks the frame first.
        check(unsafe {
            (call.avcodec_receive_frame)(self.context.as_ptr(), self.scratch.frame.as_ptr())
        })?;
        let frame = Frame::new(&self.ffmpeg)?;
        // SAFETY: moves the references from one live frame to a blank one.
        unsafe { (call.av_frame_move_ref)(frame.frame.as_ptr(), self.scratch.frame.as_ptr()) };
        Ok(frame)
    }

    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { (self.ffmpeg.call.avcodec_flush_buffers)(self.context.as_ptr()) };
    }

    pub(crate) fn error_text(&self, status: Status) -> String {
        self.ffmpeg.error_text(status.0)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: both were allocated by `open` and are not used again.
        unsafe {
            (self.ffmpeg.call.av_packet_free)(&mut self.packet.as_ptr());
            (self.ffmpeg.call.avcodec_free_context)(&mut self.context.as_ptr());
        }
    }
}

/// A decoded frame; its samples belong to the library's pool and go back when it is dropped.
pub(crate) struct Frame {
    ffmpeg: Arc<Ffmpeg>,
    frame: NonNull<c_void>,
}

// SAFETY: a frame is only read after it was received; its buffers are counted with atomics.
unsafe impl Send for Frame {}
// SAFETY: shared references only read.
unsafe impl Sync for Frame {}

impl Frame {
    fn new(ffmpeg: &Arc<Ffmpeg>) -> Result<Self, Status> {
        // SAFETY: allocates a struct or gives null.
        let frame =
            NonNull::new(unsafe { (ffmpeg.call.av_frame_alloc)() }).ok_or(Status::NO_MEMORY)?;
        Ok(Self {
            ffmpeg: Arc::clone(ffmpeg),
            frame,
        })
    }

    fn int(&self, offset: usize) -> c_int {
        // SAFETY: the frame is live and the table says that an int lies there.
        unsafe { get(self.frame, offset) }
    }

    pub(crate) fn ffmpeg(&self) -> &Arc<Ffmpeg> {
        &self.ffmpeg
    }
    pub(crate) fn width(&self) -> u32 {
        u32::try_from(self.int(self.ffmpeg.abi.frame_width)).unwrap_or(0)
    }
    pub(crate) fn height(&self) -> u32 {
        u32::try_from(self.int(self.ffmpeg.abi.frame_height)).unwrap_or(0)
    }
    pub(crate) fn format(&self) -> c_int {
        self.int(self.ffmpeg.abi.frame_format)
    }
    pub(crate) fn samples(&self) -> usize {
        usize::try_from(self.int(self.ffmpeg.abi.frame_samples)).unwrap_or(0)
    }
    pub(crate) fn sample_rate(&self) -> u32 {
        u32::try_from(self.int(self.ffmpeg.abi.frame_sample_rate)).unwrap_or(0)
    }
    pub(crate) fn channels(&self) -> u16 {
        u16::try_from(self.int(self.ffmpeg.abi.frame_channels)).unwrap_or(0)
    }
    /// Range, primaries, transfer and matrix, as libavutil numbers them.
    pub(crate) fn color(&self) -> [c_int; 4] {
        let abi = self.ffmpeg.abi;
        [
            abi.frame_color_range,
            abi.frame_color_primaries,
            abi.frame_color_transfer,
            abi.frame_color_matrix,
        ]
        .map(|offset| self.int(offset))
    }
    /// Width to height of a pixel.
    pub(crate) fn pixel_aspect(&self) -> (c_int, c_int) {
        let offset = self.ffmpeg.abi.frame_pixel_aspect;
        (self.int(offset), self.int(offset + size_of::<c_int>()))
    }
    pub(crate) fn pts(&self) -> Option<i64> {
        // SAFETY: the frame is live and the table says that a 64-bit number lies there.
        let pts: i64 = unsafe { get(self.frame, self.ffmpeg.abi.frame_pts) };
        (pts != NO_PTS).then_some(pts)
    }

    /// Bytes from one row to the next; negative for pictures stored upside down.
    pub(crate) fn stride(&self, plane: usize) -> c_int {
        if plane >= 8 {
            return 0;
        }
        self.int(self.ffmpeg.abi.frame_linesize + plane * size_of::<c_int>())
    }

    /// A video plane of so many rows of so many bytes, `None` when the frame does not have it.
    pub(crate) fn plane(&self, plane: usize, row_len: usize, rows: usize) -> Option<&[u8]> {
        let stride = usize::try_from(self.stride(plane)).ok()?;
        let len = stride
            .checked_mul(rows.checked_sub(1)?)?
            .checked_add(row_len)?;
        // SAFETY: `data` holds eight pointers; the number was checked by `stride`.
        let data: *const u8 = unsafe {
            get(
                self.frame,
                self.ffmpeg.abi.frame_data + plane * size_of::<*const u8>(),
            )
        };
        if data.is_null() || row_len > stride {
            return None;
        }
        // SAFETY: the library allocated `rows` rows of `stride` bytes there (of the last one at least the visible
        // part), nobody writes to them while this frame holds a reference.
        Some(unsafe { std::slice::from_raw_parts(data, len) })
    }

    /// Pointers to the first four planes and their strides, as libswscale takes them.
    pub(crate) fn planes(&self) -> ([*const u8; 4], [c_int; 4]) {
        let abi = self.ffmpeg.abi;
        // SAFETY: the frame is live and begins with eight of each.
        unsafe {
            (
                get(self.frame, abi.frame_data),
                get(self.frame, abi.frame_linesize),
            )
        }
    }

    /// The samples of a channel's plane (or of all channels, interleaved), `len` bytes of them.
    pub(crate) fn audio_plane(&self, plane: usize, len: usize) -> Option<&[u8]> {
        if plane >= usize::from(self.channels()) {
            return None;
        }
        // SAFETY: `extended_data` points to as many pointers as there are planes: one for each channel, or one.
        let data = unsafe {
            let planes: *const *const u8 = get(self.frame, self.ffmpeg.abi.frame_extended_data);
            if planes.is_null() {
                return None;
            }
            planes.add(plane).read()
        };
        if data.is_null() {
            return None;
        }
        // SAFETY: the library allocated nb_samples samples of the frame's format there, which is what callers ask for.
        Some(unsafe { std::slice::from_raw_parts(data, len) })
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, not used again.
        unsafe { (self.ffmpeg.call.av_frame_free)(&mut self.frame.as_ptr()) };
    }
}
