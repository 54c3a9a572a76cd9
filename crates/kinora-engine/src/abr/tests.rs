use kinora_media::Time;

use super::{Download, Estimator, Predictive, Rule, Situation};

const LADDER: [u64; 4] = [300_000, 1_000_000, 3_000_000, 6_000_000];

fn second_of(bits: u64) -> Download {
    Download {
        bytes: bits / 8,
        latency: Some(Time::from_millis(20)),
        transfer: Time::from_millis(1_000),
    }
}

fn measured(bits: u64) -> Predictive {
    let mut rule = Predictive::default();
    for _ in 0..5 {
        rule.downloaded(&second_of(bits));
    }
    rule
}

fn situation(current: usize, buffered_secs: i64) -> Situation<'static> {
    Situation {
        bitrates: &LADDER,
        current,
        buffered: Time::from_millis(buffered_secs * 1_000),
        max_buffer: Time::from_millis(50_000),
        segment: Time::from_millis(4_000),
    }
}

#[test]
fn nothing_changes_before_something_was_measured() {
    assert_eq!(Predictive::default().choose(&situation(1, 50)), 1);
}

#[test]
fn it_goes_down_on_a_low_buffer_and_lives_of_a_high_one() {
    assert!(measured(1_500_000).choose(&situation(2, 4)) < 2);
    assert_eq!(measured(1_500_000).choose(&situation(2, 40)), 2);
}

#[test]
fn it_goes_up_where_the_network_carries_it() {
    assert_eq!(measured(50_000_000).choose(&situation(0, 8)), 3);
    assert_eq!(measured(4_000_000).choose(&situation(1, 20)), 2);
}

#[test]
fn small_segments_say_enough_to_rise_among_low_rates() {
    // Audio: four seconds of 32 kbit/s are 16 kB, which come in one piece.
    let mut rule = Predictive::default();
    for _ in 0..3 {
        rule.downloaded(&Download {
            bytes: 16_000,
            latency: Some(Time::from_millis(30)),
            transfer: Time::ZERO,
        });
    }
    let low = Situation {
        bitrates: &[32_000, 64_000, 128_000],
        ..situation(0, 8)
    };
    assert_eq!(rule.choose(&low), 2);
}

#[test]
fn latency_counts_for_each_segment() {
    let mut far = Predictive::default();
    for _ in 0..5 {
        far.downloaded(&Download {
            latency: Some(Time::from_millis(3_000)),
            ..second_of(8_000_000)
        });
    }
    assert_eq!(
        far.choose(&situation(0, 5)),
        0,
        "3 s of waiting leave one second of four for the bytes"
    );
}

#[test]
fn the_estimate_falls_at_once_and_rises_slowly() {
    let mut estimator = Estimator::default();
    for _ in 0..10 {
        estimator.add(&second_of(4_000_000));
    }
    let after = |bits: u64| {
        let mut estimator = estimator.clone();
        for _ in 0..4 {
            estimator.add(&second_of(bits));
        }
        estimator.throughput().unwrap() / 4_000_000.0
    };
    let (down, up) = (after(1_000_000), after(16_000_000));
    assert!(down < 0.65, "half of the way down: {down}");
    assert!(up < 2.5, "half of the way up: {up}");
}

#[test]
fn a_quality_is_held_while_the_buffer_carries_it() {
    let rule = &mut measured(2_700_000);
    assert_eq!(rule.choose(&situation(2, 30)), 2);
    assert_eq!(
        rule.choose(&situation(1, 8)),
        1,
        "it does not rise to what drains the buffer"
    );
}
