//! Adaptation to networks of all kinds: how long it stalls, and what quality it shows.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use kinora_media::Time;

use super::{errors, is_completion};
use crate::sim::{Dice, Film, Sim, mins, ms, secs, sim};
use crate::{Command, Event, TrackChoice};

const MASTER: &str = "http://films.test/ladder/master.m3u8";
const LADDER: [u64; 4] = [300_000, 1_000_000, 3_000_000, 6_000_000];
const SEGMENTS: usize = 60;

/// The film's segments at a bitrate: null packets (ISO/IEC 13818-1 2.4.3.3) fill them up evenly.
fn padded(bitrate: u64) -> Vec<Bytes> {
    let null = {
        let mut packet = [0xFF_u8; 188];
        packet[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        packet
    };
    let fill = |segment: &Bytes| {
        let own = segment.len() / 188;
        let all = usize::try_from(bitrate * 2 / 8 / 188).unwrap();
        let mut out = Vec::with_capacity(all * 188);
        for (number, packet) in segment.chunks(188).enumerate() {
            out.extend_from_slice(packet);
            while out.len() / 188 < (number + 1) * all / own {
                out.extend_from_slice(&null);
            }
        }
        Bytes::from(out)
    };
    Film::ts_segments().iter().map(fill).collect()
}

fn rungs() -> &'static [Vec<Bytes>] {
    static RUNGS: OnceLock<Vec<Vec<Bytes>>> = OnceLock::new();
    RUNGS.get_or_init(|| LADDER.iter().map(|bitrate| padded(*bitrate)).collect())
}

/// Two minutes in four qualities.
fn ladder(seed: u64) -> Sim {
    let mut sim = sim(seed);
    let mut master = "#EXTM3U\n".to_owned();
    for (rung, bitrate) in LADDER.iter().enumerate() {
        master += &format!("#EXT-X-STREAM-INF:BANDWIDTH={bitrate}\n{rung}/list.m3u8\n");
        let mut media = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
        for number in 0..SEGMENTS {
            if number % 4 == 0 {
                media += "#EXT-X-DISCONTINUITY\n";
            }
            media += &format!("#EXTINF:2,\n{number}.ts\n");
            let data = rungs()[rung][number % 4].clone();
            let url = format!("http://films.test/ladder/{rung}/{number}.ts");
            sim.net.serve(&url, data);
        }
        let url = format!("http://films.test/ladder/{rung}/list.m3u8");
        sim.net.serve(&url, media + "#EXT-X-ENDLIST\n");
    }
    sim.net.serve(MASTER, master);
    sim
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
    let mut sim = ladder(seed);
    sim.net.forecast = trace.iter().map(|(at, bits)| (*at, bits / 8)).collect();
    sim.play(MASTER);
    if lowest {
        sim.run_for(ms(200));
        sim.command(Command::SelectTrack(TrackChoice::Index(0)));
    }
    assert!(sim.run_until(mins(20), is_completion), "{seed} {trace:?}");
    assert!(errors(&sim).is_empty());
    let first = sim.when(super::is_first).unwrap();
    let (mut stalled, mut since) = (Time::ZERO, None);
    for (at, event) in sim.events.iter().filter(|(at, _)| *at > first + secs(1)) {
        match event {
            Event::LoadingBegin => since = Some(*at),
            Event::LoadingEnd => stalled += since.take().map_or(Time::ZERO, |since| *at - since),
            _ => {}
        }
    }
    // What came last of a segment is what was shown.
    let mut shown = BTreeMap::new();
    for (_, url, _) in sim
        .net
        .asked
        .iter()
        .filter(|asked| asked.1.ends_with(".ts"))
    {
        let mut parts = url.rsplit(['/', '.']).skip(1);
        let number: usize = parts.next().unwrap().parse().unwrap();
        let rung: usize = parts.next().unwrap().parse().unwrap();
        shown.insert(number, LADDER[rung]);
    }
    Played {
        stalled,
        bitrate: shown.values().sum::<u64>() / shown.len() as u64,
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
    ((bits / 120.0) as u64).min(LADDER[3])
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
        assert!(adapted.bitrate >= LADDER[0], "{seed}: {adapted:?}");
    }
    let share = share / count as f64;
    let reported = format!(
        "{share:.2} of the oracle's bitrate, {stalled} s of stalls, at worst {worst}, the lowest {least}"
    );
    assert!(share > 0.5, "{reported}");
    assert!(stalled <= least + secs(20), "{reported}");
    assert!(worst <= secs(4), "{reported}");
}
