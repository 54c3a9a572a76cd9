use super::testing::{index, segment};
use super::*;

const fn ms(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn starts(index: &SegmentIndex) -> Vec<i64> {
    let segments = index.segments.iter();
    segments.map(|it| it.start.as_millis()).collect()
}

/// So many segments from a number on, each called 2 s long.
fn named(from: u64, count: u64) -> SegmentIndex {
    let segments = (0..count).map(|at| {
        let start = ms(i64::try_from(at).unwrap() * 2_000);
        segment(from + at, start, ms(2_000))
    });
    index(segments.collect())
}

#[test]
fn what_was_read_moves_what_follows_it() {
    let mut index = named(0, 4);
    index.settle(0, ms(0), ms(1_900));
    // Less is how tracks end.
    assert_eq!(starts(&index), [0, 2_000, 4_000, 6_000]);
    index.settle(1, ms(1_900), ms(3_700));
    assert_eq!(starts(&index), [0, 1_900, 3_700, 5_700]);
    assert_eq!(index.duration(), Some(ms(7_700)));
}

#[test]
fn another_rendition_is_placed_as_the_one_that_was_read() {
    let mut read = named(0, 4);
    // The first two last 1.5 s each.
    read.settle(0, ms(0), ms(1_500));
    read.settle(1, ms(1_500), ms(3_000));
    let mut same = named(0, 4);
    same.align_to(&read);
    assert_eq!(starts(&same), [0, 1_500, 3_000, 5_000]);
    assert_eq!(same.duration(), Some(ms(7_000)));
    // Cut elsewhere: one segment for two of the other, beginning with the second one.
    let mut other = index(vec![
        segment(0, ms(0), ms(4_000)),
        segment(1, ms(4_000), ms(4_000)),
    ]);
    other.align_to(&read);
    assert_eq!(starts(&other), [0, 3_000]);
    let lengths: Vec<_> = other.segments.iter().map(|it| it.duration).collect();
    assert_eq!(lengths, [ms(3_000), ms(4_000)]);
}

#[test]
fn what_drifted_stays_so_in_the_next_version() {
    let mut older = named(10, 4);
    older.settle(10, ms(0), ms(1_500));
    let mut newer = named(12, 4);
    newer.continue_from(&older);
    assert_eq!(starts(&newer), [3_500, 5_500, 7_500, 9_500]);
    let mut missed = named(20, 2);
    missed.continue_from(&older);
    assert_eq!(starts(&missed), [7_500, 9_500]);
}

#[test]
fn after_a_restart_time_goes_on_and_clocks_do_not() {
    let older = named(1_422, 4);
    let mut newer = named(0, 4);
    newer.start = Some(StartPoint {
        number: 1,
        part: 0,
        discard_before: None,
    });
    newer.restart_from(&older, ms(7_000));
    assert_eq!(starts(&newer), [5_000, 7_000, 9_000, 11_000]);
    let of = |index: &SegmentIndex| index.segments.first().map(|it| it.discontinuity);
    assert_ne!(of(&older), of(&newer));
    let mut next = named(2, 4);
    next.continue_from(&newer);
    assert_eq!(of(&next), of(&newer), "it is the same stream");
}
