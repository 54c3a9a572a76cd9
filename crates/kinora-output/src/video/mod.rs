//! Sinks of pictures.

mod color;
mod image;
mod png_file;
mod raw;

pub use image::RgbImage;
pub use png_file::{PngDir, snapshot_png};
pub use raw::{RawVideo, luma_pgm};
