//! Pictures as PNG files.

use std::fs;
use std::path::{Path, PathBuf};

use kinora_media::VideoFrame;
use png::{BitDepth, ColorType, Compression, Encoder};

use super::RgbImage;
use crate::{SinkError, VideoSink};

/// A picture as a person should see it, as the bytes of a PNG file.
///
/// # Errors
/// [`SinkError::BadFrame`], [`SinkError::Png`].
pub fn snapshot_png(frame: &VideoFrame) -> Result<Vec<u8>, SinkError> {
    RgbImage::upright(frame)?.to_png()
}

impl RgbImage {
    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// [`SinkError::Png`].
    pub fn to_png(&self) -> Result<Vec<u8>, SinkError> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header().map_err(SinkError::png)?;
        writer
            .write_image_data(&self.data)
            .map_err(SinkError::png)?;
        writer.finish().map_err(SinkError::png)?;
        Ok(file)
    }
}

/// One file a picture: `frame-000123-t004.600.png`, the count from 0 and the time in seconds.
#[derive(Debug)]
pub struct PngDir {
    dir: PathBuf,
    presented: u64,
}

impl PngDir {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// [`SinkError::File`].
    pub fn create(dir: &Path) -> Result<Self, SinkError> {
        fs::create_dir_all(dir).map_err(SinkError::file(dir))?;
        Ok(Self {
            dir: dir.to_owned(),
            presented: 0,
        })
    }
}

impl VideoSink for PngDir {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let seconds = frame.pts.as_secs_f64();
        let name = format!("frame-{:06}-t{seconds:07.3}.png", self.presented);
        let path = self.dir.join(name);
        self.presented += 1;
        fs::write(&path, snapshot_png(frame)?).map_err(SinkError::file(&path))
    }
}
