//! Renditions of text.

use kinora_errors::Secret;
use kinora_manifest::select::TextCandidate;
use serde::{Deserialize, Serialize};

use crate::tape;

/// A rendition of subtitles: WebVTT or TTML as it is, or in MP4.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct TextRendition {
    pub(in crate::ingest) group: String,
    pub(in crate::ingest) name: String,
    pub(in crate::ingest) language: Option<String>,
    #[serde(with = "tape::place")]
    pub(in crate::ingest) url: Secret,
    pub(in crate::ingest) default: bool,
    pub(in crate::ingest) autoselect: bool,
    pub(in crate::ingest) forced: bool,
}

impl TextRendition {
    pub(in crate::ingest) fn candidate(&self) -> TextCandidate<'_> {
        TextCandidate {
            name: &self.name,
            language: self.language.as_deref(),
            default: self.default,
            autoselect: self.autoselect,
            forced: self.forced,
        }
    }

    /// What a person calls it.
    pub(in crate::ingest) fn label(&self) -> String {
        super::label(&self.group, &self.name, self.language.as_deref())
    }

    /// Whether it says the same as another, of another group.
    pub(in crate::ingest) fn is_like(&self, other: &Self) -> bool {
        self.name == other.name && self.language == other.language && self.forced == other.forced
    }
}
