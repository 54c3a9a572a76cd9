//! Adaptation to networks of all kinds: how long it stalls, and what quality it shows.

use std::sync::OnceLock;

use kinora_media::Time;

use super::{errors, is_completion};
use crate::sim::{Dice, Ladder, mins, ms, secs, sim};
use crate::{Command, TrackChoice};

const BITRATES: [u64; 4] = [300_000, 1_000_000, 3_000_000, 6_000_000];

/// Two minutes in four qualities.
fn ladder() -> &'static Ladder {
    static LADDER: OnceLock<Ladder> = OnceLock::new();
    LADDER.get_or_init(|| Ladder::new(&BITRATES, 60, 1))
}

/// How a network was used.
#[derive(Debug)]
struct Played {
    stalled: Time,
    /// Mean of what was shown, bits a second.
    bitrate: u64,
    frames: u64,
}

/// Bits a second from a time on.
type Trace = Vec<(Time, u64)>;

fn play(seed: u64, trace: &Trace, lowest: bool) -> Played {
    let mut sim = sim(seed);
    let url = ladder().serve(&mut sim);
    sim.net.forecast = trace.iter().map(|(at, bits)| (*at, bits / 8)).collect();
    sim.play(url);
    if lowest {
        sim.run_for(ms(200));
        sim.command(Command::SelectTrack(TrackChoice::Index(0)));
    }
    assert!(sim.run_until(mins(20), is_completion), "{seed} {trace:?}");
    assert!(errors(&sim).is_empty());
    let shown = ladder().played(&sim);
    let bits: u64 = shown.iter().map(|rung| BITRATES[*rung]).sum();
    Played {
        stalled: sim.stalled(),
        bitrate: bits / shown.len() as u64,
        frames: sim.engine().stats().frames_shown,
    }
}

/// What one who knew the whole trace could show at best: all that comes, at most the highest rung.
fn oracle(trace: &Trace) -> u64 {
    let ends = trace.iter().skip(1).map(|(at, _)| *at).chain([secs(120)]);
    let bits: f64 = trace
        .iter()
        .zip(ends)
        .map(|((from, bits), to)| (to - *from).max(Time::ZERO).as_secs_f64() * *bits as f64)
        .sum();
    ((bits / 120.0) as u64).min(BITRATES[3])
}

fn steps(dice: &mut Dice) -> Trace {
    let every = 5 + dice.below(20);
    let at = |n: u64| secs(i64::try_from(n * every).unwrap());
    (0..=120 / every)
        .map(|n| (at(n), 600_000 + dice.below(9_000_000)))
        .collect()
}

fn noise(dice: &mut Dice) -> Trace {
    let middle = 800_000 + dice.below(6_000_000);
    (0..240)
        .map(|n| (ms(n * 500), middle / 4 + dice.below(middle * 3 / 2)))
        .collect()
}

#[test]
fn a_drop_from_ten_to_one_megabit_costs_no_stall() {
    for at in [6, 8, 10, 13, 17, 20, 25, 33, 41, 60] {
        let trace = vec![(Time::ZERO, 10_000_000), (secs(at), 1_000_000)];
        let played = play(1, &trace, false);
        assert_eq!(played.stalled, Time::ZERO, "at {at} s: {played:?}");
        assert!(played.frames >= 1_190, "at {at} s: {played:?}");
    }
}

#[test]
fn over_many_networks_it_stalls_hardly_more_than_the_lowest_and_shows_far_more() {
    let (mut share, mut stalled, mut least, mut worst) = (0.0, Time::ZERO, Time::ZERO, Time::ZERO);
    let count = 60;
    for seed in 0..count {
        let mut dice = Dice::new(seed);
        let trace = if seed % 2 == 0 {
            steps(&mut dice)
        } else {
            noise(&mut dice)
        };
        let adapted = play(seed, &trace, false);
        let lowest = play(seed, &trace, true);
        let best = oracle(&trace);
        share += adapted.bitrate as f64 / best as f64;
        stalled += adapted.stalled;
        least += lowest.stalled;
        worst = worst.max(adapted.stalled);
        assert!(adapted.bitrate >= BITRATES[0], "{seed}: {adapted:?}");
    }
    let share = share / count as f64;
    let reported = format!(
        "{share:.2} of the oracle's bitrate, {stalled} s of stalls, at worst {worst}, the lowest {least}"
    );
    assert!(share > 0.5, "{reported}");
    assert!(stalled <= least + secs(20), "{reported}");
    assert!(worst <= secs(4), "{reported}");
}

/// The place in the ladder of each segment that was asked for, in order.
fn asked(latency: Time, bits: u64) -> Vec<usize> {
    let mut sim = sim(3);
    let url = ladder().serve(&mut sim);
    sim.net.weather.latency = latency;
    sim.net.weather.bytes_per_second = bits / 8;
    sim.play(url);
    assert!(sim.run_until(mins(10), is_completion));
    let segments = sim
        .net
        .asked
        .iter()
        .filter(|asked| asked.1.ends_with(".ts"));
    let rung = |url: &str| url.rsplit('/').nth(1).unwrap().parse().unwrap();
    segments.map(|asked| rung(&asked.1)).collect()
}

#[test]
fn a_segment_that_waits_for_room_in_the_buffer_is_not_abandoned() {
    let asked = asked(ms(20), 20_000_000);
    assert_eq!(asked.len(), 60, "each segment once: {asked:?}");
    assert!(asked[10..].iter().all(|rung| *rung == 3), "{asked:?}");
}

#[test]
fn a_late_first_byte_does_not_make_a_segment_slow() {
    let asked = asked(ms(800), 20_000_000);
    assert_eq!(asked.len(), 60, "each segment once: {asked:?}");
    assert!(asked[30..].iter().all(|rung| *rung == 3), "{asked:?}");
}
