//! Interstitials (RFC 8216bis appendix D): what is played in the place of the presentation for a while. When, says the
//! [`Schedule`]; the assets are played by an [`Interlude`], each in a session of its own. Who plays both is the `programme`.

mod asset_list;
mod interlude;
mod preload;
mod schedule;

use std::sync::Arc;

use kinora_fetch::Initiator;
use kinora_media::Time;

use crate::metadata::Interstitial;

pub(crate) use self::interlude::{Interlude, Left, Resume};
pub(crate) use self::preload::{LEAD, Preload};
pub(crate) use self::schedule::Schedule;

/// An interstitial and its place on the timeline of the presentation.
#[derive(Clone, Debug)]
pub(crate) struct ScheduledInterstitial {
    /// The same for all versions of its date range; rises in the order in which they were named.
    pub(crate) key: u64,
    /// The id of its date range.
    pub(crate) id: Arc<str>,
    /// Where it begins, at the border of a segment where it says so.
    pub(crate) start: Time,
    pub(crate) interstitial: Interstitial,
    /// Who names its assets.
    pub(crate) named_by: Initiator,
}
