//! What is particular to text: nothing waits for it, and it waits for nothing that is over.

use kinora_media::Time;

use super::{Loader, Phase};
use crate::cx::Cx;
use crate::ingest::segmented::index::{Segment, SegmentIndex};
use crate::ingest::segmented::requests::Requests;

impl Loader {
    /// Where the last packet's segment ends.
    pub(in crate::ingest::segmented) fn given_until(&self) -> Option<Time> {
        let index = self.index.as_ref()?;
        index.segment(self.given?).map(Segment::end)
    }

    /// The segment that is read next.
    pub(in crate::ingest::segmented) fn at_hand(&self) -> Option<&Segment> {
        let reader = self.readers.front().map(|reader| &reader.segment);
        reader.or_else(|| self.index.as_ref()?.segment(self.next))
    }

    /// What was added to the times of the segment at hand.
    pub(in crate::ingest::segmented) fn offset(&self) -> Option<Time> {
        self.readers.front()?.offset()
    }

    /// Gives up what is asked for, and goes on with the segment behind the one at hand, or with the one that holds a time if
    /// that is later.
    pub(in crate::ingest::segmented) fn skip(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        time: Time,
    ) {
        let Some(number) = self.at_hand().map(|segment| segment.number) else {
            return;
        };
        requests.cancel(cx, self.id, |request| !request.is_playlist());
        self.readers.clear();
        self.lost_joint();
        let holds = self.index.as_ref().and_then(|index| index.at(time));
        let holds = holds.map_or(0, |segment| segment.number);
        self.next = (number + 1).max(holds);
        self.phase = Phase::Running;
    }

    /// Goes on without its playlist's next version until that is due. `false`: there is none before it.
    pub(in crate::ingest::segmented) fn outlasts_playlist(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
    ) -> bool {
        requests.cancel(cx, self.id, |request| request.is_playlist());
        let live = self.index.as_ref().is_some_and(SegmentIndex::is_live);
        if live {
            self.reload_later(cx);
        }
        self.index.is_some()
    }
}
