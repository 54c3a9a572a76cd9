//! Pictures from files: PNG and JPEG, as thumbnails come.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::RgbImage;
use crate::SinkError;

/// No side of a picture is longer.
const MAX_SIDE: u32 = 1 << 14;
/// No picture has more pixels: a bound on memory.
const MAX_PIXELS: u64 = 1 << 25;

impl RgbImage {
    /// Decodes a PNG or JPEG file. What is transparent is shown on black.
    ///
    /// # Errors
    /// [`SinkError::Picture`], when it is neither, damaged, or larger than 32 million pixels.
    pub fn decode(file: &[u8]) -> Result<Self, SinkError> {
        match file {
            [0x89, b'P', b'N', b'G', ..] => png(file),
            [0xff, 0xd8, 0xff, ..] => jpeg(file),
            _ => Err(SinkError::picture("it is neither PNG nor JPEG")),
        }
    }

    /// A part of it: left, top, width and height in pixels; what does not lie in it is black.
    #[must_use]
    pub fn part(&self, x: u32, y: u32, width: u32, height: u32) -> Self {
        let mut part = Self::filled(width, height, [0; 3]);
        for row in 0..height {
            for column in 0..width {
                let pixel = self.pixel(x.saturating_add(column), y.saturating_add(row));
                part.set(column, row, pixel);
            }
        }
        part
    }
}

fn check_size(width: u32, height: u32) -> Result<(), SinkError> {
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > MAX_SIDE || pixels > MAX_PIXELS {
        return Err(SinkError::picture(format!(
            "{width}x{height} pixels are too many"
        )));
    }
    Ok(())
}

fn png(file: &[u8]) -> Result<RgbImage, SinkError> {
    let limits = Limits {
        bytes: usize::try_from(MAX_PIXELS).unwrap_or(usize::MAX),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(SinkError::picture)?;
    let (width, height) = (reader.info().width, reader.info().height);
    check_size(width, height)?;
    let size = reader.output_buffer_size();
    let size = size.ok_or_else(|| SinkError::picture("it is too large"))?;
    let mut samples = vec![0; size];
    let frame = reader
        .next_frame(&mut samples)
        .map_err(SinkError::picture)?;
    samples.truncate(frame.buffer_size());
    let data = match frame.color_type {
        ColorType::Rgb => samples,
        ColorType::Rgba => (samples.as_chunks::<4>().0.iter())
            .flat_map(|&[r, g, b, alpha]| on_black([r, g, b], alpha))
            .collect(),
        ColorType::Grayscale => samples.iter().flat_map(|level| [*level; 3]).collect(),
        ColorType::GrayscaleAlpha => (samples.as_chunks::<2>().0.iter())
            .flat_map(|&[level, alpha]| on_black([level; 3], alpha))
            .collect(),
        ColorType::Indexed => return Err(SinkError::picture("its palette is missing")),
    };
    Ok(RgbImage {
        width,
        height,
        data,
    })
}

fn on_black(color: [u8; 3], alpha: u8) -> [u8; 3] {
    let share = |level: u8| u16::from(level) * u16::from(alpha) / 255;
    color.map(|level| u8::try_from(share(level)).unwrap_or(u8::MAX))
}

fn jpeg(file: &[u8]) -> Result<RgbImage, SinkError> {
    let most = MAX_SIDE as usize;
    let options = DecoderOptions::default()
        .set_max_width(most)
        .set_max_height(most)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(SinkError::picture)?;
    let info = decoder.info();
    let info = info.ok_or_else(|| SinkError::picture("it has no size"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(width, height)?;
    let data = decoder.decode().map_err(SinkError::picture)?;
    if data.len() != width as usize * height as usize * 3 {
        return Err(SinkError::picture(
            "it has another number of pixels than it says",
        ));
    }
    Ok(RgbImage {
        width,
        height,
        data,
    })
}
