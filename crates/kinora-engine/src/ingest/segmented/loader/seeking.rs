//! Other places of a rendition.

use kinora_media::Time;

use super::{Loader, Phase, StartPosition};
use crate::cx::Cx;
use crate::ingest::segmented::requests::Requests;
use crate::ingest::segmented::segment_reader::References;

impl Loader {
    /// Goes to a time; what was under way is not wanted any more.
    pub(in crate::ingest::segmented) fn seek(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        time: Time,
    ) {
        requests.cancel(cx, self.id, |request| request.is_segment());
        self.forget_parts(cx, requests, 0);
        self.readers.clear();
        self.events.clear();
        self.phase = Phase::Running;
        self.start = StartPosition::At(time);
        self.discard_before = None;
        self.given = None;
        self.lost_joint();
        if let Some(segment) = self.index.as_ref().and_then(|index| index.at(time)) {
            self.next = segment.number;
        }
        // A playlist that was refused is asked for once more: the user tries again.
        if self.index.is_none() && !requests.any(self.id, |request| request.is_playlist()) {
            self.ask_playlist(cx, requests);
        }
        self.go_on(cx, requests);
    }

    /// Nothing is read behind the first border of segments after a time; gives that. `None`: there is none, or it reads by parts.
    pub(in crate::ingest::segmented) fn leave_behind(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        time: Time,
    ) -> Option<Time> {
        if self.reads_parts() {
            return None;
        }
        let segments = self.index.as_ref()?.segments.iter();
        let next = segments
            .filter(|segment| segment.start >= time)
            .min_by_key(|it| it.number)?;
        let (number, border) = (next.number, next.start);
        self.drop_from(cx, requests, number);
        self.drain();
        Some(border)
    }

    /// What comes next does not join what was read before.
    pub(super) fn lost_joint(&mut self) {
        self.discontinuity = None;
        self.previous = None;
        self.carried = None;
        self.references = References::Intact;
    }

    /// Begins with the segment before the one that is given. `false`: there is none.
    pub(in crate::ingest::segmented) fn step_back(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
    ) -> bool {
        let number = self.given.and_then(|given| given.checked_sub(1));
        let index = self.index.as_ref();
        let earlier = number.and_then(|number| index?.segment(number));
        let Some(start) = earlier.filter(|it| !it.gap).map(|it| it.start) else {
            return false;
        };
        self.seek(cx, requests, start);
        true
    }

    /// Goes to the segment that holds a time, now that it is known where the one at hand lies. `false`: that is it.
    pub(in crate::ingest::segmented) fn step_on(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        time: Time,
    ) -> bool {
        let at_hand = self.readers.front();
        let (Some(reader), Some(index)) = (at_hand, &mut self.index) else {
            return false;
        };
        let Some(placed) = reader.placed() else {
            return false;
        };
        index.settle(placed.number, placed.start, placed.nominal_end);
        let holds = index.at(time).map(|segment| segment.number);
        if holds.is_none_or(|number| number <= placed.number) {
            return false;
        }
        self.seek(cx, requests, time);
        true
    }
}
