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

pub use background::BackgroundVideo;
pub use image::RgbImage;
pub(crate) use image::fit;
pub use orient::upright_planes;
pub use png_file::{PngDir, snapshot_png};
pub(crate) use raw::create;
pub use raw::{YuvFile, luma_pgm};
pub use sheet::{ContactSheet, SheetLayout};
pub use terminal::{Colors, Terminal, restore_terminal};
