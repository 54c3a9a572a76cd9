//! The segment that is under way, and giving it up.

use kinora_media::Time;

use super::{Loader, Resource};
use crate::cx::Cx;

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
    pub(in crate::ingest::segmented) asked: Time,
}

impl Loader {
    pub(in crate::ingest::segmented) fn segment_in_flight(&self) -> Option<SegmentInFlight> {
        self.requests.iter().find_map(|request| {
            let Resource::Segment(number) = request.resource else {
                return None;
            };
            let segment = self.plan.as_ref()?.segment(number)?;
            Some(SegmentInFlight {
                number,
                duration: segment.duration,
                end: segment.end(),
                received: request.transfer.received(),
                expected: request.transfer.expected(),
                asked: request.asked,
            })
        })
    }

    /// The segment that the last packet was of.
    pub(in crate::ingest::segmented) fn current_segment(&self) -> Option<u64> {
        self.current_segment
    }

    /// It is not wanted any more, nor what of it is here. `go_on` would ask for it again.
    pub(in crate::ingest::segmented) fn abandon(&mut self, cx: &mut Cx, number: u64) {
        self.cancel_requests(
            cx,
            |request| matches!(request.resource, Resource::Segment(of) if of == number),
        );
        self.readers.retain(|reader| reader.segment.number < number);
        self.next = number;
    }
}
