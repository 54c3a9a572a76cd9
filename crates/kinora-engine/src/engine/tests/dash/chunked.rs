//! Low latency: segments that are asked for, and played, while they are made.

use super::*;
use crate::sim::Weather;
use crate::sim::chunked::Chunked;

const SERVICE: &str = "<ServiceDescription id='0'><Latency target='3000' min='2000' max='4000'/><PlaybackRate min='0.9' max='1.1'/></ServiceDescription>";

fn playing(seed: u64, origin: &Chunked, inside: &str) -> Sim {
    let mut sim = sim(seed);
    let start = time_text(sim.now_unix_ms() - 60_000);
    let url = format!("{}film.mpd", Chunked::BASE);
    sim.net.serve(
        &url,
        origin.mpd(&start, "timeShiftBufferDepth='PT30S'", inside),
    );
    sim.net.serve_origin(origin.clone());
    sim.play(&url);
    sim
}

fn latency(sim: &Sim) -> kinora_media::Time {
    ms(i64::try_from(sim.engine().stats().latency_ms.expect("it is told")).unwrap())
}

/// Pictures follow each other as they were made.
fn shows_all(sim: &Sim) {
    for pair in sim.shown.windows(2) {
        let step = pair[1].1 - pair[0].1;
        assert_eq!(step, ms(100), "{} is followed by {}", pair[0].1, pair[1].1);
    }
}

#[test]
fn chunks_play_at_the_latency_that_is_wanted_with_one_request_a_segment() {
    let mut sim = playing(60, &Chunked::new(&[100_000]), SERVICE);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
    assert!(sim.now() < ms(300), "{}", sim.now());
    sim.run_for(mins(2));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.stalled(), secs(0), "{:#?}", sim.events);
    assert!(
        (latency(&sim) - secs(3)).abs() < ms(200),
        "{}",
        latency(&sim)
    );
    let real = secs(60) + sim.now() - sim.position();
    assert!((latency(&sim) - real).abs() < ms(20), "{real}");
    shows_all(&sim);
    let asked = asked_of(&sim, ".m4s");
    assert!((59..=64).contains(&asked), "{asked} for 62 segments");
    assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 0);
}

#[test]
fn what_fell_behind_catches_up_at_the_rate_that_is_allowed() {
    let mut sim = playing(61, &Chunked::new(&[100_000]), SERVICE);
    sim.net.fault(secs(10), secs(16), "", NetFault::Silent);
    sim.run_for(secs(20));
    let behind = latency(&sim);
    assert!(behind > ms(4_000), "{behind}");
    sim.run_for(mins(1));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(
        (latency(&sim) - secs(3)).abs() < ms(300),
        "{}",
        latency(&sim)
    );
    assert!(sim.rates.contains(&1.1), "{:?}", sim.rates);
    assert!(
        sim.rates.iter().all(|rate| (0.9..=1.1).contains(rate)),
        "{:?}",
        sim.rates
    );
    assert_eq!(sim.rates.last(), Some(&1.0));
    shows_all(&sim);
}

#[test]
fn the_time_in_which_a_chunk_is_made_is_not_taken_for_that_of_the_network() {
    // Of the last second which rendition was asked for.
    let rung = |sim: &Sim| {
        let asked = sim.net.asked.iter().rev();
        let mut media = asked.filter(|it| it.1.ends_with(".m4s"));
        media
            .next()
            .unwrap()
            .1
            .split('/')
            .nth(3)
            .unwrap()
            .to_owned()
    };
    let mut sim = playing(62, &Chunked::new(&[200_000, 600_000, 1_500_000]), SERVICE);
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 1_000_000,
    };
    sim.run_for(secs(30));
    assert_eq!(rung(&sim), "2");
    let bandwidth = sim.engine().bandwidth().expect("it is known");
    assert!((4_000_000..12_000_000).contains(&bandwidth), "{bandwidth}");
    sim.net.forecast = vec![(sim.now(), 60_000)];
    sim.run_for(secs(20));
    assert_eq!(rung(&sim), "0");
    let bandwidth = sim.engine().bandwidth().expect("it is known");
    assert!((300_000..1_500_000).contains(&bandwidth), "{bandwidth}");
    sim.net.forecast = vec![(sim.now(), 1_000_000)];
    sim.run_for(mins(1));
    assert_ne!(rung(&sim), "0");
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    shows_all(&sim);
}

#[test]
fn a_session_of_low_latency_runs_the_same_again() {
    runs_again(63, |sim| {
        let origin = Chunked::new(&[100_000, 300_000]);
        let start = time_text(sim.now_unix_ms() - 60_000);
        let url = format!("{}film.mpd", Chunked::BASE);
        sim.net.serve(&url, origin.mpd(&start, "", SERVICE));
        sim.net.serve_origin(Chunked {
            late: Some((secs(8), secs(7))),
            ..origin
        });
        sim.play(&url);
        sim.run_for(secs(30));
    });
}
