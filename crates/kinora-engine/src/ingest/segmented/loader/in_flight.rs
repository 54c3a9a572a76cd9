//! The segment that is under way.

use kinora_media::Time;

use super::Loader;
use crate::ingest::segmented::requests::{Meter, Requests, Resource};

/// A segment whose bytes are coming.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest::segmented) struct SegmentInFlight {
    pub(in crate::ingest::segmented) number: u64,
    pub(in crate::ingest::segmented) duration: Time,
    /// Where it ends on the presentation's timeline.
    pub(in crate::ingest::segmented) end: Time,
    pub(in crate::ingest::segmented) received: u64,
    /// All its bytes, where the server said how many.
    pub(in crate::ingest::segmented) expected: Option<u64>,
    /// How it came so far.
    pub(in crate::ingest::segmented) meter: Meter,
}

impl Loader {
    pub(in crate::ingest::segmented) fn segment_in_flight(
        &self,
        requests: &Requests,
    ) -> Option<SegmentInFlight> {
        requests.of(self.id).find_map(|request| {
            let Resource::Segment(number) = request.resource else {
                return None;
            };
            let segment = self.index.as_ref()?.segment(number)?;
            Some(SegmentInFlight {
                number,
                duration: segment.duration,
                end: segment.end(),
                received: request.transfer.received(),
                expected: request.transfer.expected(),
                meter: request.meter,
            })
        })
    }
}
