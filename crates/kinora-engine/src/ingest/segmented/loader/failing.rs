//! What a loader can not give, and how it goes on from there.

use kinora_errors::Fault;
use kinora_media::Time;

use super::{Awaited, Loader, LoaderEvent, Phase};
use crate::cx::Cx;
use crate::ingest::segmented::requests::Requests;
use crate::ingest::segmented::segment_reader::References;
use crate::recover::segments::Failed;

/// So many segments, counted from the end, may be named too early.
const NEWEST: u64 = 8;
/// A segment that is not there is waited for so often, each time twice as long; then it is a gap.
const MAX_WAITS: u32 = 4;

/// Something could not be had or read; the segments before it were given. What is done about it says the owner.
#[derive(Clone, Debug)]
pub(in crate::ingest::segmented) struct Failure {
    pub(in crate::ingest::segmented) failed: Failed,
    pub(in crate::ingest::segmented) fault: Fault,
    /// The segment that is lost.
    pub(in crate::ingest::segmented) number: u64,
    /// Nothing comes behind it.
    pub(in crate::ingest::segmented) last: bool,
}

impl Loader {
    /// What failed, once the segments before it are read.
    pub(super) fn failure(&mut self) -> Option<Failure> {
        let Phase::Failing(failure) = &self.phase else {
            return None;
        };
        let at_hand = self.readers.front().map(|reader| reader.segment.number);
        if at_hand.is_some_and(|number| number < failure.number) {
            return None;
        }
        let failure = failure.clone();
        self.drain();
        Some(failure)
    }

    /// A segment, or all from one on, can not be given; the owner says how it goes on.
    pub(super) fn fail(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        failed: Failed,
        number: u64,
        fault: Fault,
    ) {
        match failed {
            // What comes behind it may be valid.
            Failed::SegmentContent { .. } => {
                self.lost_in_a_row += 1;
                requests.cancel(cx, self.id, |request| request.is_of(number));
                self.forget_parts(cx, requests, number);
                self.readers.retain(|it| it.segment.number != number);
            }
            Failed::SegmentRequest => {
                self.lost_in_a_row += 1;
                self.drop_from(cx, requests, number);
            }
            Failed::PlaylistRequest | Failed::Description => self.drop_from(cx, requests, number),
        }
        let index = self.index.as_ref();
        self.phase = Phase::Failing(Failure {
            failed,
            fault,
            number,
            last: index.is_none_or(|index| index.segment(number + 1).is_none()),
        });
    }

    /// Forgets that segment and those behind it. What was given of it must not come twice.
    pub(super) fn drop_from(&mut self, cx: &mut Cx, requests: &mut Requests, number: u64) {
        let is_of = |of: u64| of >= number;
        requests.cancel(cx, self.id, |it| it.number().is_some_and(is_of));
        self.forget_parts(cx, requests, number);
        self.readers.retain(|reader| !is_of(reader.segment.number));
        self.next = match self.given == Some(number) {
            true => number + 1,
            false => number,
        };
    }

    /// Goes on behind a segment that is lost.
    pub(in crate::ingest::segmented) fn pass_over(&mut self, cx: &mut Cx, number: u64) {
        cx.tally.damage += 1;
        // It is lost: the clock was right.
        if let Some(lost) = self.awaited.take_if(|it| it.number == number) {
            let back = Time::ZERO - lost.corrected;
            self.events.push_back(LoaderEvent::ClockIsFast(back));
        }
        match self.readers.front_mut() {
            Some(next) => next.lose_references(),
            None => self.references = References::Missing,
        }
        self.next = self.next.max(number + 1);
        self.phase = Phase::Running;
    }

    /// Whether a segment is named for the time of day alone, and has not been waited for long.
    pub(in crate::ingest::segmented) fn is_just_due(&self, number: u64) -> bool {
        let Some(index) = &self.index else {
            return false;
        };
        let by_clock = index.live_edge().is_some_and(|edge| edge.by_clock);
        let last = index.segments.last();
        let is_new = last.is_some_and(|last| number + NEWEST >= last.number);
        let waited = self.awaited.filter(|it| it.number == number);
        by_clock && is_new && waited.is_none_or(|it| it.times < MAX_WAITS)
    }

    /// Goes on with a segment once it is there by a clock that is so much earlier; where nothing was read yet, with whatever is
    /// there by that clock.
    pub(in crate::ingest::segmented) fn wait_for(&mut self, cx: &Cx, number: u64) -> Option<Time> {
        let index = self.index.as_ref()?;
        let segment = index.segment(number)?;
        let before = self.awaited.filter(|it| it.number == number);
        let (times, corrected) = before.map_or((0, Time::ZERO), |it| (it.times, it.corrected));
        // It is asked for again a while after it has come to be by the new clock: each time a longer one.
        let asked = cx.mono() - self.segment_asked_at;
        let beyond = index.segments.last()?.end() - segment.end() + asked;
        let pause = segment.duration.scale(0.25 * f64::from(1_u32 << times));
        self.lost_in_a_row = 0;
        self.phase = Phase::Running;
        if self.given.is_none() && self.readers.is_empty() {
            self.index = None;
        }
        let early = beyond + pause;
        self.awaited = Some(Awaited {
            number,
            times: times + 1,
            corrected: corrected + early,
        });
        Some(early)
    }

    /// Nothing more is read from a segment on.
    pub(in crate::ingest::segmented) fn give_up(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        number: u64,
    ) {
        self.drop_from(cx, requests, number);
        self.drain();
    }

    /// It is not wanted any more, nor what of it is here. Nothing is asked for in its place.
    pub(in crate::ingest::segmented) fn abandon(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        number: u64,
    ) {
        self.given = self.given.filter(|given| *given < number);
        self.give_up(cx, requests, number);
    }
}
