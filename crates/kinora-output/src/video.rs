//! Sinks of pictures.

mod background;
pub(crate) mod color;
mod font;
pub(crate) mod image;
mod orient;
mod png_file;
mod raw;
mod sheet;
mod still;
mod terminal;
mod terminal_text;
pub(crate) mod tone;

pub use background::BackgroundVideo;
pub use color::{Conversion, signal_rows};
pub(crate) use image::fit;
pub use image::{RgbImage, display_size};
pub use orient::upright_planes;
pub use png_file::{PngDir, snapshot_png};
pub(crate) use raw::create;
pub use raw::{YuvFile, luma_pgm};
pub use sheet::{ContactSheet, SheetLayout};
pub use terminal::{Colors, Terminal, restore_terminal};
pub use tone::DynamicRange;
