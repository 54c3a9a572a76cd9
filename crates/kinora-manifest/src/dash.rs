//! DASH manifests (ISO/IEC 23009-1): read by [`Document`], followed while they change by [`LiveState`].
//!
//! [`Mpd`] is what one version says, inheritance and implied times resolved; [`Representation::segments`] says which
//! segments that makes, [`Mpd::window`] which of them are there at a time of day. What a manifest says of itself counts
//! only as far as it can be used: unknown essential properties, dependent representations and remote elements (xlink) are
//! left out and told in [`Mpd::ignored`].

mod adaptation_set;
mod addressing;
mod base_url;
mod descriptors;
mod error;
mod live;
mod model;
mod mpd;
mod patch;
mod reading;
mod segments;
mod template;
mod thumbnails;
mod timeline;
mod update;
mod url_query;
mod values;
mod xml;

use url::Url;

pub use addressing::{Addressing, Durations, SegmentUrl, Segments, UrlRange};
pub use base_url::{Base, BaseUrls};
pub use error::{DashError, DashErrorKind};
pub use live::{Clock, utc_time};
pub use model::{
    AdaptationSet, ContentComponent, ContentProtection, ContentSteering, ContentType, Descriptor,
    Event, EventStream, Ignored, Location, Mpd, PatchLocation, Period, PresentationType, Purpose,
    ROLE, Representation, Resource, ServiceDescription, UtcScheme, UtcTiming,
};
pub use segments::{Segment, Window};
pub use timeline::Timeline;
pub use update::{LiveState, Update};
pub use url_query::UrlQuery;

use xml::Element;

/// What a manifest may hold at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Elements and attributes, together.
    pub elements: usize,
    /// Elements within elements.
    pub depth: usize,
    /// Representations of all periods.
    pub representations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            elements: 200_000,
            depth: 32,
            representations: 20_000,
        }
    }
}

/// The text of a manifest, to which patches can be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    root: Element,
    limits: Limits,
}

impl Document {
    /// Reads the text, of an MPD or of a patch.
    ///
    /// # Errors
    /// When it is not well-formed, declares a document type or exceeds the limits; with the line.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, DashError> {
        Ok(Self {
            root: xml::parse(bytes, limits)?,
            limits: *limits,
        })
    }

    /// It is a patch to a manifest, not a manifest (5.15).
    #[must_use]
    pub fn is_patch(&self) -> bool {
        &*self.root.name == "Patch"
    }

    /// What it says. `url`: where it was found, after redirects; its URLs are relative to that.
    ///
    /// # Errors
    /// When it is no MPD, or has nothing to play.
    pub fn mpd(&self, url: &Url) -> Result<Mpd, DashError> {
        mpd::read(&self.root, url, &self.limits)
    }

    /// The next version, by a patch to this one.
    ///
    /// # Errors
    /// When the patch is none, is for another version, or names what is not there.
    pub fn patched(&self, patch: &Self) -> Result<Self, DashError> {
        Ok(Self {
            root: patch::apply(&self.root, &patch.root, &self.limits)?,
            limits: self.limits,
        })
    }
}

/// Reads an MPD found at `url`.
///
/// # Errors
/// When it can not be read, or has nothing to play.
pub fn parse(bytes: &[u8], url: &Url, limits: &Limits) -> Result<Mpd, DashError> {
    Document::parse(bytes, limits)?.mpd(url)
}

#[cfg(test)]
mod tests;
