//! Pictures and samples, lent without a copy.

use std::ffi::c_char;

use kinora::{AudioFrame, ColorRange, Fault, PixelFormat, VideoFrame, output};
use kinora_errors::Coded as _;

use crate::{border, text};

const MAX_PLANES: usize = 4;

/// A picture, described.
#[repr(C)]
#[allow(missing_docs)] // `kinora_picture` of the header.
pub struct Picture {
    pub size: usize,
    pub width: u32,
    pub height: u32,
    pub format: i32,
    pub plane_count: u32,
    pub pts: i64,
    pub duration: i64,
    pub planes: [*const u8; MAX_PLANES],
    pub strides: [usize; MAX_PLANES],
    pub plane_sizes: [usize; MAX_PLANES],
    pub pixel_aspect_num: u32,
    pub pixel_aspect_den: u32,
    pub rotation: u32,
    pub mirror: u32,
    pub color_primaries: u8,
    pub color_transfer: u8,
    pub color_matrix: u8,
    pub color_full_range: u8,
}

/// The first version's length: none was shorter.
const PICTURE_V1: usize = size_of::<Picture>();

/// The header's number of a format.
fn number(format: PixelFormat) -> i32 {
    match format {
        PixelFormat::Gray8 => 1,
        PixelFormat::Gray10 => 2,
        PixelFormat::I420 => 3,
        PixelFormat::I422 => 4,
        PixelFormat::I444 => 5,
        PixelFormat::I420P10 => 6,
        PixelFormat::I422P10 => 7,
        PixelFormat::I444P10 => 8,
        PixelFormat::I420P12 => 9,
        PixelFormat::I422P12 => 10,
        PixelFormat::I444P12 => 11,
        PixelFormat::Nv12 => 12,
        PixelFormat::P010 => 13,
    }
}

fn describe(frame: &VideoFrame) -> Picture {
    let mut picture = Picture {
        size: PICTURE_V1,
        width: frame.width,
        height: frame.height,
        format: number(frame.format),
        plane_count: 0,
        pts: frame.pts.as_micros(),
        duration: frame.duration.as_micros(),
        planes: [std::ptr::null(); MAX_PLANES],
        strides: [0; MAX_PLANES],
        plane_sizes: [0; MAX_PLANES],
        pixel_aspect_num: frame.pixel_aspect.map_or(1, |it| it.0),
        pixel_aspect_den: frame.pixel_aspect.map_or(1, |it| it.1),
        rotation: frame.rotation.degrees(),
        mirror: frame.mirror as u32,
        color_primaries: frame.color.primaries,
        color_transfer: frame.color.transfer,
        color_matrix: frame.color.matrix,
        color_full_range: u8::from(frame.color.range == ColorRange::Full),
    };
    let fields = picture
        .planes
        .iter_mut()
        .zip(&mut picture.strides)
        .zip(&mut picture.plane_sizes);
    for (index, ((plane, stride), size)) in fields.enumerate().take(frame.format.planes()) {
        let view = frame.buffer.plane(index);
        (*plane, *stride, *size) = (view.data.as_ptr(), view.stride, view.data.len());
        picture.plane_count += 1;
    }
    picture
}

/// Describes a frame.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_frame_describe(
    frame: *const VideoFrame,
    picture: *mut Picture,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let frame = unsafe { border::handle(frame) }?;
        // SAFETY: by the header.
        unsafe { border::fill(picture, describe(frame), PICTURE_V1) }
    };
    // SAFETY: null is no place.
    unsafe { border::guarded(std::ptr::null_mut(), work) }
}

/// The name of its format, as FFmpeg calls it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_frame_format_name(frame: *const VideoFrame) -> *mut c_char {
    border::answered(std::ptr::null_mut(), || {
        // SAFETY: by the header.
        match unsafe { border::handle(frame) } {
            Ok(frame) => text::give(frame.format.name()),
            Err(_) => std::ptr::null_mut(),
        }
    })
}

/// Another owner of the same samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_frame_ref(frame: *const VideoFrame) -> *mut VideoFrame {
    border::answered(std::ptr::null_mut(), || {
        // SAFETY: by the header.
        unsafe { border::handle(frame) }
            .map_or(std::ptr::null_mut(), |frame| border::give(frame.clone()))
    })
}

/// Writes a PNG file, upright.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_frame_write_png(
    frame: *const VideoFrame,
    path: *const c_char,
    fault: *mut *mut Fault,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let (frame, path) = unsafe { (border::handle(frame)?, border::text(path)?) };
        let png = output::snapshot_png(frame).map_err(|error| error.fault())?;
        std::fs::write(path, png).map_err(|source| {
            let path = path.into();
            output::SinkError::File { path, source }.fault()
        })
    };
    // SAFETY: by the header.
    unsafe { border::guarded(fault, work) }
}

/// Frees a frame: its samples, when it was the last owner.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_frame_free(frame: *mut VideoFrame) {
    // SAFETY: by the header.
    unsafe { border::free(frame) }
}

/// Samples, described.
#[repr(C)]
#[allow(missing_docs)] // `kinora_audio` of the header.
pub struct Audio {
    pub size: usize,
    pub pts: i64,
    pub samples: *const f32,
    pub frames: usize,
    pub sample_rate: u32,
    pub channels: u32,
}

const AUDIO_V1: usize = size_of::<Audio>();

/// Describes samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_samples_describe(
    samples: *const AudioFrame,
    audio: *mut Audio,
) -> u32 {
    let work = || {
        // SAFETY: by the header.
        let frame = unsafe { border::handle(samples) }?;
        let described = Audio {
            size: AUDIO_V1,
            pts: frame.pts.as_micros(),
            samples: frame.samples.as_ptr(),
            frames: frame.len(),
            sample_rate: frame.sample_rate,
            channels: frame.channels.into(),
        };
        // SAFETY: by the header.
        unsafe { border::fill(audio, described, AUDIO_V1) }
    };
    // SAFETY: null is no place.
    unsafe { border::guarded(std::ptr::null_mut(), work) }
}

/// Frees samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_samples_free(samples: *mut AudioFrame) {
    // SAFETY: by the header.
    unsafe { border::free(samples) }
}
