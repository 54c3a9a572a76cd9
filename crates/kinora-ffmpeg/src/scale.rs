//! Pictures in layouts that Kinora does not show, made into ones that it does by libswscale.

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use kinora_media::{FrameBuffer, PixelFormat, PlaneView};

use crate::library::Ffmpeg;
use crate::raw::Frame;

/// `SWS_BILINEAR`, with the exact rounding that `SWS_ACCURATE_RND` asks for.
const FLAGS: c_int = 2 | 0x4_0000;
/// Rows begin so, and may be written to so far behind their end.
const ALIGN: usize = 64;

/// What a picture becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    pub(crate) format: PixelFormat,
    /// It was red, green and blue: now it is of BT.601, in the limited range.
    pub(crate) was_rgb: bool,
}

impl Target {
    /// For a layout by libavutil's name of it: nothing of the colours is given up, and of the depth what exceeds ten bits.
    pub(crate) fn of(name: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let is_deep =
            has(&["9", "10", "12", "14", "16", "48", "64", "f32", "x2"]) && name != "yuv410p";
        let format = match (is_deep, has(&["420", "410"])) {
            (false, true) => PixelFormat::I420,
            (true, true) => PixelFormat::I420P10,
            (false, false) if has(&["422", "411", "440", "yvyu"]) => PixelFormat::I422,
            (true, false) if has(&["422", "y210", "y212"]) => PixelFormat::I422P10,
            (false, false) => PixelFormat::I444,
            (true, false) => PixelFormat::I444P10,
        };
        Self {
            format,
            was_rgb: has(&["rgb", "bgr", "gbr", "pal8", "mono"]),
        }
    }
}

/// Pictures of one size and layout into another layout.
pub(crate) struct Scaler {
    ffmpeg: Arc<Ffmpeg>,
    context: NonNull<c_void>,
    from: (u32, u32, c_int),
    to: (PixelFormat, c_int),
}

// SAFETY: a context may be used from any thread, one at a time; `&mut self` sees to that.
unsafe impl Send for Scaler {}

impl Scaler {
    /// `None` where libswscale can not do it.
    pub(crate) fn new(
        ffmpeg: &Arc<Ffmpeg>,
        frame: &Frame,
        to: (PixelFormat, c_int),
    ) -> Option<Self> {
        let call = ffmpeg.scale().ok()?;
        let from = (frame.width(), frame.height(), frame.format());
        let (width, height) = (c_int::try_from(from.0).ok()?, c_int::try_from(from.1).ok()?);
        // SAFETY: numbers, and nulls for filters and parameters that are not given; null where it can not be done.
        let context = NonNull::new(unsafe {
            (call.sws_getContext)(
                width,
                height,
                from.2,
                width,
                height,
                to.1,
                FLAGS,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            )
        })?;
        Some(Self {
            ffmpeg: Arc::clone(ffmpeg),
            context,
            from,
            to,
        })
    }

    /// Whether it is for pictures like this one.
    pub(crate) fn takes(&self, frame: &Frame, to: (PixelFormat, c_int)) -> bool {
        self.from == (frame.width(), frame.height(), frame.format()) && self.to == to
    }

    /// The picture in the other layout.
    pub(crate) fn scale(&mut self, frame: &Frame) -> Option<Planes> {
        let call = self.ffmpeg.scale().ok()?;
        let (width, height, _) = self.from;
        let format = self.to.0;
        let mut planes = Planes(Vec::new());
        for plane in 0..format.planes() {
            let (row_len, rows) = format.plane_size(plane, width, height);
            let stride = row_len.checked_next_multiple_of(ALIGN)?;
            let len = stride.checked_mul(rows)?.checked_add(ALIGN)?;
            planes.0.push((vec![0; len], stride));
        }
        let mut data = [ptr::null_mut::<u8>(); 4];
        let mut strides = [0 as c_int; 4];
        for ((data, to), (plane, stride)) in data.iter_mut().zip(&mut strides).zip(&mut planes.0) {
            *data = plane.as_mut_ptr();
            *to = c_int::try_from(*stride).ok()?;
        }
        let (source, source_strides) = frame.planes();
        // SAFETY: the source's planes are those of a picture of the size and layout of the context; the target's have room
        // for as many rows of its layout, with their strides and what may be written behind a row's end.
        let rows = unsafe {
            (call.sws_scale)(
                self.context.as_ptr(),
                source.as_ptr(),
                source_strides.as_ptr(),
                0,
                c_int::try_from(height).ok()?,
                data.as_ptr(),
                strides.as_ptr(),
            )
        };
        (u32::try_from(rows).ok()? == height).then_some(planes)
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        if let Ok(call) = self.ffmpeg.scale() {
            // SAFETY: made by `new`, not used again.
            unsafe { (call.sws_freeContext)(self.context.as_ptr()) };
        }
    }
}

/// The planes of a picture and their strides.
pub(crate) struct Planes(Vec<(Vec<u8>, usize)>);

impl FrameBuffer for Planes {
    fn plane(&self, index: usize) -> PlaneView<'_> {
        let plane = self.0.get(index);
        plane.map_or(
            PlaneView {
                data: &[],
                stride: 0,
            },
            |(data, stride)| PlaneView {
                data,
                stride: *stride,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_keeps_its_colours_and_its_depth() {
        for (name, format, was_rgb) in [
            ("rgb24", PixelFormat::I444, true),
            ("bgra", PixelFormat::I444, true),
            ("pal8", PixelFormat::I444, true),
            ("rgb565le", PixelFormat::I444, true),
            ("gbrp10le", PixelFormat::I444P10, true),
            ("rgb48be", PixelFormat::I444P10, true),
            ("yuv410p", PixelFormat::I420, false),
            ("yuva420p", PixelFormat::I420, false),
            ("yuv411p", PixelFormat::I422, false),
            ("uyvy422", PixelFormat::I422, false),
            ("yuv422p16le", PixelFormat::I422P10, false),
            ("yuva444p10le", PixelFormat::I444P10, false),
            ("yuv420p16le", PixelFormat::I420P10, false),
        ] {
            assert_eq!(Target::of(name), Target { format, was_rgb }, "{name}");
        }
    }
}
