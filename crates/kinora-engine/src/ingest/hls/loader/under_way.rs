//! The segment that is under way, and giving it up.

use kinora_media::Time;

use super::{Loader, Task};
use crate::cx::Cx;

/// A segment whose bytes are coming.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest::hls) struct UnderWay {
    pub(in crate::ingest::hls) number: u64,
    pub(in crate::ingest::hls) duration: Time,
    /// Where it ends on the presentation's timeline.
    pub(in crate::ingest::hls) end: Time,
    pub(in crate::ingest::hls) received: u64,
    /// All its bytes, where the server said how many.
    pub(in crate::ingest::hls) expected: Option<u64>,
    pub(in crate::ingest::hls) asked: Time,
}

impl Loader {
    pub(in crate::ingest::hls) fn under_way(&self) -> Option<UnderWay> {
        self.jobs.iter().find_map(|job| {
            let Task::Segment(number) = job.task else {
                return None;
            };
            let segment = self.plan.as_ref()?.segment(number)?;
            Some(UnderWay {
                number,
                duration: segment.duration,
                end: segment.end(),
                received: job.transfer.received(),
                expected: job.transfer.expected(),
                asked: job.asked,
            })
        })
    }

    /// The segment that the last packet was of.
    pub(in crate::ingest::hls) fn given(&self) -> Option<u64> {
        self.given
    }

    /// It is not wanted any more, nor what of it is here. `go_on` would ask for it again.
    pub(in crate::ingest::hls) fn give_up(&mut self, cx: &mut Cx, number: u64) {
        self.drop_jobs(
            cx,
            |job| matches!(job.task, Task::Segment(of) if of == number),
        );
        self.loads.retain(|load| load.segment.number < number);
        self.next = number;
    }
}
