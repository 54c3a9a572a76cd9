//! Many small pictures of a session on one sheet, each with its time.

use std::fs;
use std::path::{Path, PathBuf};

use kinora_media::{Time, VideoFrame};

use super::font;
use super::image::RgbImage;
use crate::{SinkError, VideoSink};

/// How a sheet is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SheetLayout {
    /// Pictures side by side.
    pub columns: u32,
    /// Rows of pictures.
    pub rows: u32,
    /// Width of a picture in pixels.
    pub picture_width: u32,
    /// Media time from one picture to the next, to begin with. It doubles, and every other
    /// picture goes, whenever the sheet is full: so any length fits.
    pub every: Time,
}

impl Default for SheetLayout {
    fn default() -> Self {
        Self {
            columns: 5,
            rows: 4,
            picture_width: 320,
            every: Time::from_millis(250),
        }
    }
}

/// Collects small pictures over the whole session and writes them to one PNG file at its end.
#[derive(Debug)]
pub struct ContactSheet {
    path: PathBuf,
    layout: SheetLayout,
    every: Time,
    pictures: Vec<(Time, RgbImage)>,
}

const GAP: u32 = 4;
/// Height of the times below the pictures, where they hide nothing.
const CAPTION: u32 = 18;
const BACKGROUND: [u8; 3] = [24, 24, 24];

impl ContactSheet {
    /// An empty sheet of the usual layout, and its file.
    ///
    /// # Errors
    /// [`SinkError::File`], now rather than when all is over.
    pub fn create(path: &Path) -> Result<Self, SinkError> {
        Self::with_layout(path, SheetLayout::default())
    }

    /// As [`ContactSheet::create`]. Sizes are brought within what makes sense.
    ///
    /// # Errors
    /// [`SinkError::File`].
    pub fn with_layout(path: &Path, layout: SheetLayout) -> Result<Self, SinkError> {
        fs::File::create(path).map_err(SinkError::file(path))?;
        let layout = SheetLayout {
            columns: layout.columns.clamp(1, 32),
            rows: layout.rows.clamp(1, 64),
            picture_width: layout.picture_width.clamp(64, 1024),
            every: layout.every.max(Time::from_millis(1)),
        };
        Ok(Self {
            path: path.to_owned(),
            every: layout.every,
            layout,
            pictures: Vec::new(),
        })
    }

    fn is_full(&self) -> bool {
        self.pictures.len() >= (self.layout.columns * self.layout.rows) as usize
    }

    fn thin_out(&mut self) {
        let mut index = 0usize;
        self.pictures.retain(|_| {
            index += 1;
            index % 2 == 1
        });
        self.every = self.every + self.every;
    }

    fn is_due(&self, pts: Time) -> bool {
        let rounding = Time::from_millis(1);
        self.pictures
            .last()
            .is_none_or(|(last, _)| (pts - *last).abs() + rounding >= self.every)
    }

    /// The sheet as it stands; `None` while there is no picture.
    #[must_use]
    pub fn draw(&self) -> Option<RgbImage> {
        let cell_width = self.layout.picture_width;
        let picture_height = self
            .pictures
            .iter()
            .map(|(_, picture)| picture.height)
            .max()?;
        let cell_height = picture_height + CAPTION;
        let count = u32::try_from(self.pictures.len()).unwrap_or(u32::MAX);
        let columns = self.layout.columns.min(count);
        let rows = count.div_ceil(columns);
        let mut sheet = RgbImage::filled(
            columns * (cell_width + GAP) + GAP,
            rows * (cell_height + GAP) + GAP,
            BACKGROUND,
        );
        for (index, (pts, picture)) in (0u32..).zip(&self.pictures) {
            let x = GAP + index % columns * (cell_width + GAP);
            let y = GAP + index / columns * (cell_height + GAP);
            sheet.paste(picture, x + (cell_width - picture.width) / 2, y);
            font::write(&mut sheet, x, y + picture_height, 2, &pts.to_string());
        }
        Some(sheet)
    }
}

impl VideoSink for ContactSheet {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        if !self.is_due(frame.pts) {
            return Ok(());
        }
        if self.is_full() {
            self.thin_out();
            if !self.is_due(frame.pts) {
                return Ok(());
            }
        }
        let width = self.layout.picture_width;
        let picture = RgbImage::thumbnail(frame, width, width)?;
        self.pictures.push((frame.pts, picture));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let Some(sheet) = self.draw() else {
            // An empty file is no picture.
            return fs::remove_file(&self.path).map_err(SinkError::file(&self.path));
        };
        fs::write(&self.path, sheet.to_png()?).map_err(SinkError::file(&self.path))
    }
}
