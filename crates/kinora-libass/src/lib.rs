//! Scripts (ASS, SSA) drawn by libass, loaded at run time where it is installed; never linked.
//!
//! [`Libass`] is what [`CueRenderer::with_scripts`](kinora_overlay::CueRenderer::with_scripts) takes. It draws all that scripts can say:
//! what is turned, scaled, blurred and cut out, shapes, syllables, and what changes over time.

mod library;
mod raw;
mod renderer;

pub use library::LoadError;
pub use renderer::Libass;
