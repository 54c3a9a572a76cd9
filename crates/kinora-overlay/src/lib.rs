//! Cues drawn: what is shown becomes [`Overlay`]s, pictures with opacity that lie over those of the film.
//!
//! [`CueRenderer`] shapes text (letters that join, marks, writing from right to left, from top to bottom), breaks and aligns its
//! lines, finds the places of all cues together, and rasterises each once for as long as it stays. Fonts are those of the system,
//! read when the first text is drawn, not before. [`Sketch`] holds what a player draws of its own, its controls. What becomes of overlays is the business of outputs.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bitmap;
mod canvas;
mod fonts;
mod layers;
mod place;
mod raster;
mod renderer;
mod script;
mod shape;
mod sketch;
#[cfg(any(test, feature = "test-font"))]
pub mod test_font;

pub use canvas::Overlay;
pub use fonts::{Fonts, NoFonts};
pub use layers::{Layer, compose};
pub use renderer::{CueRenderer, SCALES};
pub use script::{NoScriptRenderer, ScriptRenderer, ScriptView};
pub use sketch::{Letters, SetText, Sketch, TextStyle};
