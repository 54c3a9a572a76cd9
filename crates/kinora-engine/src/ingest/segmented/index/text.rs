//! Renditions of text.

use kinora_errors::Secret;
use kinora_manifest::select::TextCandidate;
use kinora_subtitle::CaptionService;
use serde::{Deserialize, Serialize};

use crate::subtitles::Known;
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

/// What a variant says of the captions within its pictures.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest) enum CaptionGroup {
    #[default]
    Untold,
    /// It has none.
    None,
    /// Those of a group.
    Named(String),
}

/// Captions within the pictures of a variant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::ingest) struct CaptionRendition {
    pub(in crate::ingest) group: String,
    pub(in crate::ingest) name: String,
    pub(in crate::ingest) language: Option<String>,
    /// `CC1`, `SERVICE3`.
    pub(in crate::ingest) instream_id: String,
    pub(in crate::ingest) default: bool,
    pub(in crate::ingest) autoselect: bool,
}

impl CaptionRendition {
    pub(in crate::ingest) fn known(&self) -> Option<Known> {
        Some(Known {
            service: CaptionService::from_instream_id(&self.instream_id)?,
            name: self.name.clone(),
            language: self.language.clone(),
            default: self.default,
            autoselect: self.autoselect,
        })
    }
}
