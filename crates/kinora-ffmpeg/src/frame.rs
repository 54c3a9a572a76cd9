//! From libavcodec's frames to ours: planes are lent, sound is made interleaved float.

use std::ffi::{CString, c_int};
use std::sync::Arc;

use kinora_codec::DecodeError;
use kinora_media::{
    AudioFrame, CodecId, ColorInfo, ColorRange, DisplayHints, FrameBuffer, PixelFormat, PlaneView,
    Time, VideoFrame, VideoParams,
};

use crate::library::Ffmpeg;
use crate::raw::{Frame, text};
use crate::scale::{Scaler, Target};

/// The pixel formats we show, by libavutil's names; the `j` ones are of full range.
const PIXEL_FORMATS: &[(&str, PixelFormat)] = &[
    ("yuv420p", PixelFormat::I420),
    ("yuvj420p", PixelFormat::I420),
    ("yuv422p", PixelFormat::I422),
    ("yuvj422p", PixelFormat::I422),
    ("yuv444p", PixelFormat::I444),
    ("yuvj444p", PixelFormat::I444),
    ("nv12", PixelFormat::Nv12),
    ("p010le", PixelFormat::P010),
    ("gray", PixelFormat::Gray8),
    ("gray10le", PixelFormat::Gray10),
    ("yuv420p10le", PixelFormat::I420P10),
    ("yuv422p10le", PixelFormat::I422P10),
    ("yuv444p10le", PixelFormat::I444P10),
    ("yuv420p12le", PixelFormat::I420P12),
    ("yuv422p12le", PixelFormat::I422P12),
    ("yuv444p12le", PixelFormat::I444P12),
];

/// SMPTE 170M, the matrix of BT.601 (ITU-T H.273 8.3), which libswscale makes of red, green and blue.
const BT_601: u8 = 6;

/// How samples of sound lie in memory.
#[derive(Clone, Copy)]
enum Sample {
    U8,
    S16,
    S32,
    Flt,
    Dbl,
}

const SAMPLE_FORMATS: &[(&str, Sample)] = &[
    ("u8", Sample::U8),
    ("s16", Sample::S16),
    ("s32", Sample::S32),
    ("flt", Sample::Flt),
    ("dbl", Sample::Dbl),
];

/// libavutil's numbers of the formats, asked for by name once: the numbers move between versions.
pub(crate) struct Formats {
    pixels: Vec<(c_int, PixelFormat, ColorRange)>,
    /// Number, kind, and whether each channel has a plane of its own.
    samples: Vec<(c_int, Sample, bool)>,
}

impl Formats {
    pub(crate) fn of(ffmpeg: &Ffmpeg) -> Self {
        let pixels = PIXEL_FORMATS.iter().filter_map(|(name, format)| {
            let range = if name.contains('j') {
                ColorRange::Full
            } else {
                ColorRange::Limited
            };
            Some((number(name, ffmpeg.call.av_get_pix_fmt)?, *format, range))
        });
        let samples = SAMPLE_FORMATS.iter().flat_map(|(name, kind)| {
            [(String::from(*name), false), (format!("{name}p"), true)]
                .into_iter()
                .filter_map(|(name, planar)| {
                    Some((number(&name, ffmpeg.call.av_get_sample_fmt)?, *kind, planar))
                })
        });
        Self {
            pixels: pixels.collect(),
            samples: samples.collect(),
        }
    }
}

fn number(
    name: &str,
    ask: unsafe extern "C" fn(*const std::ffi::c_char) -> c_int,
) -> Option<c_int> {
    let name = CString::new(name).ok()?;
    // SAFETY: a zero-terminated name; the answer is a number, negative when unknown.
    let number = unsafe { ask(name.as_ptr()) };
    (number >= 0).then_some(number)
}

/// The memory of a picture stays libavcodec's.
struct Lent {
    frame: Frame,
    format: PixelFormat,
}

impl FrameBuffer for Lent {
    fn plane(&self, index: usize) -> PlaneView<'_> {
        let nothing = PlaneView {
            data: &[],
            stride: 0,
        };
        if index >= self.format.planes() {
            return nothing;
        }
        let (row_len, rows) =
            self.format
                .plane_size(index, self.frame.width(), self.frame.height());
        match (
            self.frame.plane(index, row_len, rows),
            usize::try_from(self.frame.stride(index)),
        ) {
            (Some(data), Ok(stride)) => PlaneView { data, stride },
            _ => nothing,
        }
    }
}

/// A picture's layout, its colours where they are told, and its samples.
type Shown = (PixelFormat, Option<ColorInfo>, Arc<dyn FrameBuffer>);

/// Lends a picture, or makes one that can be shown of it.
pub(crate) fn video(
    frame: Frame,
    formats: &Formats,
    scaler: &mut Option<Scaler>,
    codec: CodecId,
    (pts, duration): (Time, Time),
    params: &VideoParams,
) -> Result<VideoFrame, DecodeError> {
    let number = frame.format();
    let (width, height) = (frame.width(), frame.height());
    let (num, den) = frame.pixel_aspect();
    let pixel_aspect = u32::try_from(num)
        .ok()
        .zip(u32::try_from(den).ok())
        .filter(|(num, den)| *num > 0 && *den > 0);
    let mut known = formats.pixels.iter();
    let known = known.find(|(known, ..)| *known == number);
    let ((format, color, buffer), was_rgb): (Shown, bool) = match known {
        Some(&(_, format, implied)) => {
            let color = color(frame.color(), implied);
            ((format, color, Arc::new(Lent { frame, format })), false)
        }
        None => made(&frame, formats, scaler, codec)?,
    };
    let shown = params.shown(DisplayHints {
        pixel_aspect,
        color,
    });
    Ok(VideoFrame {
        pts,
        duration,
        width,
        height,
        format,
        // What the container says is of the picture that it holds, not of the one that is made of it.
        color: color
            .filter(|_| was_rgb)
            .or(shown.color)
            .unwrap_or_default(),
        pixel_aspect: shown.pixel_aspect,
        rotation: params.rotation,
        mirror: params.mirror,
        buffer,
    })
}

/// A picture of a layout that is not shown as it is, and whether it was red, green and blue.
fn made(
    frame: &Frame,
    formats: &Formats,
    scaler: &mut Option<Scaler>,
    codec: CodecId,
) -> Result<(Shown, bool), DecodeError> {
    let ffmpeg = frame.ffmpeg();
    // SAFETY: takes a number; gives a static of the library or null.
    let name = unsafe { text((ffmpeg.call.av_get_pix_fmt_name)(frame.format())) };
    let unsupported = |why: String| DecodeError::Unsupported {
        codec,
        detail: Some(format!("pictures of {name}: {why}")),
    };
    ffmpeg
        .scale()
        .map_err(|error| unsupported(error.to_string()))?;
    let target = Target::of(&name);
    let mut pixels = formats.pixels.iter();
    let number =
        pixels.find(|(_, format, range)| *format == target.format && *range == ColorRange::Limited);
    let refused = || unsupported("libswscale does not know how".into());
    let to = (target.format, number.ok_or_else(refused)?.0);
    if !scaler
        .as_ref()
        .is_some_and(|scaler| scaler.takes(frame, to))
    {
        *scaler = Scaler::new(ffmpeg, frame, to);
    }
    let planes = scaler.as_mut().and_then(|scaler| scaler.scale(frame));
    let color = match target.was_rgb {
        true => Some(ColorInfo {
            matrix: BT_601,
            range: ColorRange::Limited,
            ..ColorInfo::default()
        }),
        false => color(frame.color(), ColorRange::Limited),
    };
    let planes = Arc::new(planes.ok_or_else(refused)?);
    Ok(((target.format, color, planes), target.was_rgb))
}

/// libavutil numbers primaries, transfer and matrix as ITU-T H.273 does; its range 2 is the full one, 0 is not told.
/// `None` where nothing is.
pub(crate) fn color(reported: [c_int; 4], implied: ColorRange) -> Option<ColorInfo> {
    let [range, primaries, transfer, matrix] = reported;
    let number = |value: c_int| u8::try_from(value).unwrap_or(2);
    let color = ColorInfo {
        primaries: number(primaries),
        transfer: number(transfer),
        matrix: number(matrix),
        range: if range == 2 {
            ColorRange::Full
        } else {
            implied
        },
    };
    (range != 0 || color != ColorInfo::default()).then_some(color)
}

/// Copies sound out as interleaved float.
pub(crate) fn audio(
    frame: &Frame,
    formats: &Formats,
    codec: CodecId,
    pts: Time,
) -> Result<AudioFrame, DecodeError> {
    let number = frame.format();
    let corrupt = |what: String| DecodeError::Corrupt { codec, what };
    let (_, kind, planar) = formats
        .samples
        .iter()
        .find(|(known, ..)| *known == number)
        .ok_or_else(|| corrupt(format!("sample format number {number}")))?;
    let (channels, count) = (usize::from(frame.channels()), frame.samples());
    if channels == 0 || frame.sample_rate() == 0 {
        return Err(corrupt("sound without channels or rate".into()));
    }
    let width = kind.width();
    let mut samples = vec![0.0_f32; channels * count];
    let missing = || corrupt("a channel's samples are missing".into());
    if *planar {
        for channel in 0..channels {
            let plane = frame
                .audio_plane(channel, count * width)
                .ok_or_else(missing)?;
            let target = samples.iter_mut().skip(channel).step_by(channels);
            target
                .zip(plane.chunks_exact(width))
                .for_each(|(out, bytes)| *out = kind.read(bytes));
        }
    } else {
        let plane = frame
            .audio_plane(0, channels * count * width)
            .ok_or_else(missing)?;
        samples
            .iter_mut()
            .zip(plane.chunks_exact(width))
            .for_each(|(out, bytes)| *out = kind.read(bytes));
    }
    Ok(AudioFrame {
        pts,
        sample_rate: frame.sample_rate(),
        channels: frame.channels(),
        samples,
    })
}

impl Sample {
    const fn width(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::S16 => 2,
            Self::S32 | Self::Flt => 4,
            Self::Dbl => 8,
        }
    }

    /// One sample in -1..=1, from exactly as many bytes as it is wide.
    fn read(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::U8, &[a]) => (f32::from(a) - 128.0) / 128.0,
            (Self::S16, &[a, b]) => f32::from(i16::from_ne_bytes([a, b])) / 32_768.0,
            (Self::S32, &[a, b, c, d]) => i32::from_ne_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Self::Flt, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
            // Sound needs no more precision than a float has.
            #[allow(clippy::cast_possible_truncation)]
            (Self::Dbl, &[a, b, c, d, e, f, g, h]) => {
                f64::from_ne_bytes([a, b, c, d, e, f, g, h]) as f32
            }
            _ => 0.0,
        }
    }
}
