//! Renderers of whole scripts, which other libraries are.

use std::sync::Arc;

use kinora_media::Time;
use kinora_subtitle::{AttachedFonts, Cue};
use thiserror::Error;

use crate::{Fonts, Overlay};

/// Draws events of scripts as they were written ([`Cue::script`]).
pub trait ScriptRenderer: Send {
    /// Draws these events, all of which have a script. `None`: what was drawn last is still right.
    ///
    /// # Errors
    /// When it can not be used; it is not asked again.
    fn render(
        &mut self,
        events: &[Arc<Cue>],
        view: &ScriptView<'_>,
    ) -> Result<Option<Vec<Overlay>>, NoScriptRenderer>;
}

/// Whom scripts are drawn for.
#[derive(Clone, Copy, Debug)]
pub struct ScriptView<'a> {
    /// Width and height of the picture as it is seen.
    pub size: (u32, u32),
    /// The viewer's factor of all sizes of text.
    pub scale: f32,
    /// Where letters come from.
    pub fonts: &'a Fonts,
    /// The fonts that the film's file brings along.
    pub attached: &'a AttachedFonts,
    /// The time that is shown.
    pub at: Time,
}

/// Scripts can not be drawn by a renderer of their own.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0}")]
pub struct NoScriptRenderer(pub String);
