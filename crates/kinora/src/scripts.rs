//! Who draws scripts (ASS): libass where it can be loaded, Kinora's own drawing otherwise.

use kinora_libass::Libass;
use kinora_output::CueRenderer;

/// Why libass can not be used.
pub use kinora_libass::LoadError as LibassError;

/// What may draw scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum ScriptChoice {
    /// libass where it can be loaded, which happens when the first event is drawn; else Kinora's own drawing.
    #[default]
    Auto,
    /// Only Kinora's own drawing: styles, places, fades, ways and syllables.
    Kinora,
    /// Only libass.
    Libass,
}

impl ScriptChoice {
    /// What draws all cues, scripts among them by this choice: for [`VideoOutput::open_with`](crate::output::VideoOutput::open_with)
    /// and [`Subtitled`](crate::output::Subtitled).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use kinora::{Player, ScriptChoice, output::VideoOutput};
    ///
    /// let renderer = ScriptChoice::Auto.renderer()?;
    /// let video = "png:frames".parse::<VideoOutput>()?.open_with(renderer)?;
    /// let player = Player::builder().video_sink(video).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When libass alone may draw, and can not be loaded.
    pub fn renderer(self) -> Result<CueRenderer, LibassError> {
        let renderer = CueRenderer::default();
        Ok(match self {
            Self::Auto => renderer.with_scripts(Box::new(Libass::default())),
            Self::Kinora => renderer,
            Self::Libass => renderer.with_scripts(Box::new(Libass::load()?)),
        })
    }
}
