use std::cmp::Ordering;

use kinora_media::{DisplayHints, Time};

/// What belongs to a picture beside its samples, and waits with it for its turn in output order; ordered by time.
#[derive(Clone, Copy, Default)]
pub(crate) struct PictureInfo {
    pub(crate) pts: Time,
    pub(crate) duration: Time,
    pub(crate) hints: DisplayHints,
}

impl PartialEq for PictureInfo {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PictureInfo {}

impl Ord for PictureInfo {
    fn cmp(&self, other: &Self) -> Ordering {
        self.pts.cmp(&other.pts)
    }
}

impl PartialOrd for PictureInfo {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
