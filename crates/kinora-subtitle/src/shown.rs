//! What is shown together.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use crate::Cue;

/// Cues that are shown together, later ones above, and the fonts that their file brings along. Copies are cheap.
#[derive(Clone, Default)]
pub struct ShownCues {
    cues: Arc<[Arc<Cue>]>,
    fonts: AttachedFonts,
}

/// Font files that a film's own file has beside its tracks (Matroska attachments): TrueType, OpenType, collections.
pub type AttachedFonts = Arc<[Bytes]>;

impl ShownCues {
    /// The same with these fonts.
    #[must_use]
    pub fn with_fonts(self, fonts: AttachedFonts) -> Self {
        Self { fonts, ..self }
    }

    /// The fonts that the file of the cues brings along.
    #[must_use]
    pub const fn fonts(&self) -> &AttachedFonts {
        &self.fonts
    }

    /// Both are copies of one.
    #[must_use]
    pub fn is_copy_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cues, &other.cues) && Arc::ptr_eq(&self.fonts, &other.fonts)
    }
}

impl Deref for ShownCues {
    type Target = [Arc<Cue>];

    fn deref(&self) -> &Self::Target {
        &self.cues
    }
}

impl From<&[Arc<Cue>]> for ShownCues {
    fn from(cues: &[Arc<Cue>]) -> Self {
        Self {
            cues: cues.into(),
            ..Self::default()
        }
    }
}

impl<const N: usize> From<[Arc<Cue>; N]> for ShownCues {
    fn from(cues: [Arc<Cue>; N]) -> Self {
        Self {
            cues: cues.into(),
            ..Self::default()
        }
    }
}

impl From<Vec<Arc<Cue>>> for ShownCues {
    fn from(cues: Vec<Arc<Cue>>) -> Self {
        Self {
            cues: cues.into(),
            ..Self::default()
        }
    }
}

impl fmt::Debug for ShownCues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_list();
        shown.entries(self.iter());
        if !self.fonts.is_empty() {
            shown.entry(&format_args!("{} fonts", self.fonts.len()));
        }
        shown.finish()
    }
}
