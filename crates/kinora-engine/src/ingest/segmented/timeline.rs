//! How the clocks of the media relate to the presentation's timeline.

use std::collections::{BTreeMap, VecDeque};

use kinora_container::ClockKind;
use kinora_container::ts::TsDemuxer;
use kinora_media::Time;

use super::index::{Discontinuity, Segment};

/// A jump so large is no drift of the named durations: the clock was set anew.
const MAX_DRIFT: Time = Time::from_millis(10_000);
/// Durations may be whole seconds, cut off (RFC 8216 4.3.2.1): each segment adds no more than that to the drift.
const MAX_DRIFT_OF_A_SEGMENT: Time = Time::from_millis(1_000);
/// A segment that follows another one on its clock begins where that one ended, give or take so much: tracks end
/// at different times, and pictures may stand.
const SEAM: Time = Time::from_millis(1_000);
/// Durations may be rounded to whole seconds.
const ROUNDING: Time = Time::from_millis(600);
/// Clocks of one discontinuity that are remembered.
const MAX_CLOCKS: usize = 4;
/// Discontinuities that are remembered.
const MAX_DISCONTINUITIES: usize = 64;

/// The segment that was read before.
#[derive(Clone, Copy, Debug)]
pub(super) struct PreviousSegment {
    pub(super) number: u64,
    pub(super) discontinuity: Discontinuity,
    pub(super) offset: Time,
    pub(super) start: Time,
    pub(super) end: Time,
    /// Where it ends by the manifest.
    pub(super) nominal_end: Time,
}

impl PreviousSegment {
    /// Whether a segment that begins then follows this one on the same clock: at its end, or where the manifest
    /// says that it ends.
    fn goes_on(&self, start: Time) -> bool {
        (start - self.end).abs() <= SEAM
            || start > self.end && (start - self.nominal_end).abs() <= ROUNDING
    }
}

/// What is added to the times of one clock, and the segment that was placed by it last.
#[derive(Clone, Copy, Debug)]
struct ClockOffset {
    offset: Time,
    number: u64,
}

impl ClockOffset {
    /// What rounded durations may have come to between the two segments.
    fn max_drift(self, segment: &Segment) -> Time {
        let between = i64::try_from(self.number.abs_diff(segment.number)).unwrap_or(i64::MAX);
        let each = MAX_DRIFT_OF_A_SEGMENT.as_nanos();
        MAX_DRIFT.max(Time::from_nanos(each.saturating_mul(between)))
    }
}

/// What is added to times of the media to place them on the presentation's timeline, by discontinuity; all renditions
/// of a presentation share it. Within one discontinuity there should be one clock (RFC 8216 4.3.2.3); the newest comes
/// first where there are more.
#[derive(Debug, Default)]
pub(super) struct TimestampOffsets {
    known: BTreeMap<Discontinuity, VecDeque<ClockOffset>>,
}

impl TimestampOffsets {
    /// Nothing was placed so far.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What is added to the times of a segment whose first one is `first`. `previous`: the segment before it, if that was
    /// read.
    pub(super) fn place(
        &mut self,
        segment: &Segment,
        first: Time,
        clock: ClockKind,
        previous: Option<PreviousSegment>,
    ) -> Time {
        let previous = previous.filter(|previous| previous.number + 1 == segment.number);
        let fresh = previous.map_or(segment.start, |previous| previous.end) - first;
        if clock == ClockKind::OwnStart {
            return fresh;
        }
        let known = self.known.entry(segment.discontinuity).or_default();
        if let Some(offset) = told(segment, first, clock) {
            *known = VecDeque::from([ClockOffset {
                offset,
                number: segment.number,
            }]);
            return offset;
        }
        let previous = previous.filter(|it| it.discontinuity == segment.discontinuity);
        let own = previous.map(|previous| ClockOffset {
            offset: previous.offset,
            number: previous.number,
        });
        let near = |clock_offset: ClockOffset| match clock {
            ClockKind::Wrapping => ClockOffset {
                offset: unwrap(clock_offset.offset, fresh),
                ..clock_offset
            },
            _ => clock_offset,
        };
        let best = own
            .into_iter()
            .chain(known.iter().copied())
            .map(near)
            .min_by_key(|it| (it.offset - fresh).abs());
        let goes_on = |it: &ClockOffset| match previous {
            Some(previous) => previous.goes_on(first + it.offset),
            // After a seek only the named durations tell where it lies.
            None => (it.offset - fresh).abs() < it.max_drift(segment),
        };
        let offset = best.filter(goes_on).map_or(fresh, |it| it.offset);
        known.retain(|known| known.offset != offset);
        known.push_front(ClockOffset {
            offset,
            number: segment.number,
        });
        known.truncate(MAX_CLOCKS);
        if self.known.len() > MAX_DISCONTINUITIES {
            self.known.pop_first();
        }
        offset
    }

    /// What is added to the times of text beside a segment of the same discontinuity, if anything of that was placed; else of
    /// the one before it: renditions of text are often cut and counted carelessly. `fresh`: what it should be by the manifest.
    pub(super) fn beside(&self, segment: &Segment, fresh: Time) -> Option<Time> {
        let before = || self.known.range(..segment.discontinuity).next_back();
        let first = || self.known.first_key_value();
        let clocks = self.known.get(&segment.discontinuity);
        let clocks = clocks.or_else(|| before().or_else(first).map(|(_, clocks)| clocks))?;
        let near = clocks.iter().map(|clock| unwrap(clock.offset, fresh));
        near.min_by_key(|offset| (*offset - fresh).abs())
    }

    /// What is added to the times of packets of text, the first of which is `first`. They follow the clock of the pictures and
    /// do not say where it is: text pauses.
    pub(super) fn place_text(&self, segment: &Segment, first: Time, clock: ClockKind) -> Time {
        let fresh = segment.start - first;
        if clock == ClockKind::OwnStart {
            return fresh;
        }
        let told = segment.period.map(|period| period.offset);
        told.or_else(|| self.beside(segment, fresh))
            .unwrap_or(fresh)
    }
}

/// The offset that the manifest tells, unless it is far from where the manifest itself says that the segment lies. Clocks of
/// transport streams often begin at more than a second and the manifest does not say so: what it tells of them must be near.
fn told(segment: &Segment, first: Time, clock: ClockKind) -> Option<Time> {
    let told = segment.period?.offset;
    let (offset, most) = match clock {
        ClockKind::Wrapping => (unwrap(told, segment.start - first), SEAM),
        _ => (told, MAX_DRIFT),
    };
    let away = (first + offset - segment.start).abs();
    (away < most).then_some(offset)
}

/// The same offset modulo the 33-bit clock, as near to the other as can be.
fn unwrap(offset: Time, near: Time) -> Time {
    let period = TsDemuxer::CLOCK_PERIOD;
    if near - offset > period.scale(0.5) {
        offset + period
    } else if offset - near > period.scale(0.5) {
        offset - period
    } else {
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::segmented::index::PeriodClock;
    use crate::ingest::segmented::index::testing::segment;

    const fn secs(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    /// Places a segment that begins at `start` by the manifest and at `first` by its own clock, after a seek.
    fn sought(offsets: &mut TimestampOffsets, number: u64, start: Time, first: Time) -> Time {
        let segment = segment(number, start, secs(2));
        first + offsets.place(&segment, first, ClockKind::Shared, None)
    }

    #[test]
    fn drift_that_rounded_durations_explain_does_not_move_what_is_sought() {
        let mut offsets = TimestampOffsets::default();
        assert_eq!(sought(&mut offsets, 0, secs(0), secs(100)), secs(0));
        // Two hundred segments of 1.9 s that are called 2 s long.
        assert_eq!(sought(&mut offsets, 200, secs(400), secs(480)), secs(380));
        // And back again.
        assert_eq!(sought(&mut offsets, 5, secs(10), secs(109)), secs(9));
    }

    #[test]
    fn a_clock_that_was_set_anew_is_recognised_after_a_seek() {
        let mut offsets = TimestampOffsets::default();
        sought(&mut offsets, 0, secs(0), secs(100));
        // Twenty seconds in forty that are twelve segments: no rounding does that.
        assert_eq!(sought(&mut offsets, 12, secs(40), secs(120)), secs(40));
        assert_eq!(sought(&mut offsets, 13, secs(42), secs(122)), secs(42));
        // The clock before is remembered.
        assert_eq!(sought(&mut offsets, 1, secs(2), secs(102)), secs(2));
    }

    #[test]
    fn segments_that_follow_one_another_are_joined_whatever_their_durations_say() {
        let mut offsets = TimestampOffsets::default();
        let first = segment(0, secs(0), secs(20));
        let offset = offsets.place(&first, secs(7), ClockKind::Shared, None);
        let previous = PreviousSegment {
            number: 0,
            discontinuity: first.discontinuity,
            offset,
            start: secs(0),
            end: secs(2),
            nominal_end: secs(20),
        };
        let second = segment(1, secs(20), secs(20));
        let mut join =
            |first| first + offsets.place(&second, first, ClockKind::Shared, Some(previous));
        assert_eq!(join(secs(9)), secs(2));
        assert_eq!(join(secs(5_000)), secs(2), "its clock was set anew");
        assert_eq!(join(Time::from_millis(27_100)), Time::from_millis(20_100));
    }

    #[test]
    fn a_transport_stream_lies_where_its_period_says_whoever_comes_first() {
        let period = |number, start| Segment {
            period: Some(PeriodClock {
                offset: start - secs(5),
                start,
                end: None,
            }),
            ..segment(number, start, secs(2))
        };
        // Sound begins 64 ms before the pictures do: what that is late by would add up from period to period.
        let early = Time::from_millis(5_000 - 64);
        let mut offsets = TimestampOffsets::default();
        let previous = PreviousSegment {
            number: 3,
            discontinuity: period(3, secs(6)).discontinuity,
            offset: Time::ZERO,
            start: secs(6),
            end: secs(8),
            nominal_end: secs(8),
        };
        let offset = offsets.place(
            &period(4, secs(8)),
            early,
            ClockKind::Wrapping,
            Some(previous),
        );
        assert_eq!(offset, secs(3));
        // Where the manifest leaves out that the clock begins later, sound goes on where it was.
        let late = Time::from_millis(6_400);
        let offset = offsets.place(
            &period(4, secs(8)),
            late,
            ClockKind::Wrapping,
            Some(previous),
        );
        assert_eq!(late + offset, secs(8));
    }

    #[test]
    fn a_transport_stream_clock_that_wrapped_goes_on() {
        let mut offsets = TimestampOffsets::default();
        let period = TsDemuxer::CLOCK_PERIOD;
        let place = |offsets: &mut TimestampOffsets, number, start, first: Time| {
            let segment = segment(number, start, secs(2));
            first + offsets.place(&segment, first, ClockKind::Wrapping, None)
        };
        assert_eq!(place(&mut offsets, 0, secs(0), period - secs(1)), secs(0));
        assert_eq!(place(&mut offsets, 1, secs(2), secs(1)), secs(2));
    }
}
