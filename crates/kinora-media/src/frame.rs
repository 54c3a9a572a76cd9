use core::fmt;
use std::sync::Arc;

use crate::{Mirror, Rotation, Time};

/// How the samples of a picture lie in its planes. Samples of more than 8 bits take two
/// bytes, little endian, value in the low bits, except where it is said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PixelFormat {
    /// One luma plane.
    Gray8,
    /// One luma plane, 10 bit.
    Gray10,
    /// 4:2:0, three planes, 8 bit.
    I420,
    /// 4:2:2, three planes, 8 bit.
    I422,
    /// 4:4:4, three planes, 8 bit.
    I444,
    /// 4:2:0, three planes, 10 bit.
    I420P10,
    /// 4:2:2, three planes, 10 bit.
    I422P10,
    /// 4:4:4, three planes, 10 bit.
    I444P10,
    /// 4:2:0, three planes, 12 bit.
    I420P12,
    /// 4:2:2, three planes, 12 bit.
    I422P12,
    /// 4:4:4, three planes, 12 bit.
    I444P12,
    /// 4:2:0, a luma plane and one of interleaved chroma, 8 bit.
    Nv12,
    /// The same with 10 bit, in the high bits of samples of 16: as decoders of GPUs give it.
    P010,
}

impl PixelFormat {
    /// How many planes.
    #[must_use]
    pub const fn planes(self) -> usize {
        match self {
            Self::Gray8 | Self::Gray10 => 1,
            Self::Nv12 | Self::P010 => 2,
            _ => 3,
        }
    }
    /// The two planes of colour are one, sample by sample.
    #[must_use]
    pub const fn is_interleaved(self) -> bool {
        matches!(self, Self::Nv12 | Self::P010)
    }
    /// Bits a sample. Of [`P010`](Self::P010) all 16, of which the lowest six say nothing: black and white lie there where 16 bits have them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Gray8 | Self::I420 | Self::I422 | Self::I444 | Self::Nv12 => 8,
            Self::Gray10 | Self::I420P10 | Self::I422P10 | Self::I444P10 => 10,
            Self::I420P12 | Self::I422P12 | Self::I444P12 => 12,
            Self::P010 => 16,
        }
    }
    /// Bytes a sample.
    #[must_use]
    pub const fn bytes_per_sample(self) -> usize {
        if self.bits() > 8 { 2 } else { 1 }
    }
    /// How chroma is subsampled, as shifts of width and height.
    #[must_use]
    pub const fn chroma_shift(self) -> (u32, u32) {
        match self {
            Self::I420 | Self::I420P10 | Self::I420P12 | Self::Nv12 | Self::P010 => (1, 1),
            Self::I422 | Self::I422P10 | Self::I422P12 => (1, 0),
            _ => (0, 0),
        }
    }
    /// Bytes in a row and rows of a plane of a picture of that size.
    #[must_use]
    pub const fn plane_size(self, plane: usize, width: u32, height: u32) -> (usize, usize) {
        let sample = self.bytes_per_sample();
        if plane == 0 {
            return (width as usize * sample, height as usize);
        }
        let (sx, sy) = self.chroma_shift();
        let (w, h) = (
            (width + (1 << sx) - 1) >> sx,
            (height + (1 << sy) - 1) >> sy,
        );
        let pair = if self.is_interleaved() { 2 } else { 1 };
        (w as usize * sample * pair, h as usize)
    }
    /// FFmpeg's name of the same layout.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray8 => "gray",
            Self::Gray10 => "gray10le",
            Self::I420 => "yuv420p",
            Self::I422 => "yuv422p",
            Self::I444 => "yuv444p",
            Self::I420P10 => "yuv420p10le",
            Self::I422P10 => "yuv422p10le",
            Self::I444P10 => "yuv444p10le",
            Self::I420P12 => "yuv420p12le",
            Self::I422P12 => "yuv422p12le",
            Self::I444P12 => "yuv444p12le",
            Self::Nv12 => "nv12",
            Self::P010 => "p010le",
        }
    }
}

/// Whether luma runs from 16 to 235 or over the whole range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ColorRange {
    /// 16 to 235, television's way and the default.
    #[default]
    Limited,
    /// 0 to 255.
    Full,
}

/// Colour description by the numbers of ITU-T H.273; 2 is "unspecified".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ColorInfo {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Range of the samples.
    pub range: ColorRange,
}

impl Default for ColorInfo {
    fn default() -> Self {
        Self {
            primaries: 2,
            transfer: 2,
            matrix: 2,
            range: ColorRange::Limited,
        }
    }
}

/// One plane of a picture: rows of `stride` bytes, of which a row's length is visible.
#[derive(Clone, Copy)]
pub struct PlaneView<'a> {
    /// The samples.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// Whoever owns the memory of a decoded picture: a pool's slot, a decoder's frame.
/// Planes are lent, never copied; the memory goes home when the last owner drops it.
pub trait FrameBuffer: Send + Sync {
    /// The plane of that number; empty past the last.
    fn plane(&self, index: usize) -> PlaneView<'_>;
}

/// Planes in plain vectors, for the decoders that hand them over so.
pub struct VecPlanes {
    /// Samples and stride of each plane.
    pub planes: Vec<(Vec<u8>, usize)>,
}

impl FrameBuffer for VecPlanes {
    fn plane(&self, index: usize) -> PlaneView<'_> {
        match self.planes.get(index) {
            Some((data, stride)) => PlaneView {
                data,
                stride: *stride,
            },
            None => PlaneView {
                data: &[],
                stride: 0,
            },
        }
    }
}

/// A decoded picture. Cloning shares the samples.
#[derive(Clone)]
pub struct VideoFrame {
    /// When it is shown.
    pub pts: Time,
    /// How long; zero when unknown.
    pub duration: Time,
    /// Visible width in pixels (cropping applied).
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// How its samples lie.
    pub format: PixelFormat,
    /// Colour description.
    pub color: ColorInfo,
    /// Pixel aspect ratio, where the container or the codec states one.
    pub pixel_aspect: Option<(u32, u32)>,
    /// How it must be turned.
    pub rotation: Rotation,
    /// How it must be mirrored after that.
    pub mirror: Mirror,
    /// The samples.
    pub buffer: Arc<dyn FrameBuffer>,
}

impl VideoFrame {
    /// The visible rows of a plane, top to bottom. A buffer that is too small for the size it
    /// claims ends early.
    pub fn rows(&self, plane: usize) -> impl Iterator<Item = &[u8]> {
        let (row_len, rows) = self.format.plane_size(plane, self.width, self.height);
        let view = self.buffer.plane(plane);
        (0..rows).map_while(move |row| {
            let start = row.checked_mul(view.stride)?;
            view.data.get(start..start.checked_add(row_len)?)
        })
    }
}

impl fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}x{} {} at {:?}",
            self.width,
            self.height,
            self.format.name(),
            self.pts
        )
    }
}

/// Decoded audio: interleaved 32-bit float samples in -1..=1.
#[derive(Clone, PartialEq)]
pub struct AudioFrame {
    /// When its first sample is played.
    pub pts: Time,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels; `samples.len()` is a multiple of it.
    pub channels: u16,
    /// The samples, one of each channel in turn.
    pub samples: Vec<f32>,
}

impl AudioFrame {
    /// Samples of one channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }
    /// No samples at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
    /// How long it plays at normal speed.
    #[must_use]
    pub fn duration(&self) -> Time {
        let rate = i64::from(self.sample_rate.max(1));
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        Time::from_nanos(len.saturating_mul(1_000_000_000) / rate)
    }
}

impl fmt::Debug for AudioFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}x{} Hz, {} samples at {:?}",
            self.channels,
            self.sample_rate,
            self.len(),
            self.pts
        )
    }
}
