//! Live streams over HTTP without a length: how they are told from files, caught up with, and joined again.

use std::sync::{Arc, Mutex};

use kinora_errors::codes;
use kinora_media::Time;

use super::{errors, is_completion, is_error, is_first};
use crate::sim::{Broadcast, NetFault, Sim, mins, ms, secs, sim};
use crate::{Command, Event, InfoCode, PlayerConfig, Refusal, SeekAccuracy, State, replay};

const URL: &str = "http://live.test/app/stream.flv";

/// A stream that has been on the air for a minute.
fn joined(seed: u64, broadcast: Broadcast) -> Sim {
    let mut sim = sim(seed);
    sim.net.broadcast(URL, broadcast);
    sim.run_for(mins(1));
    sim.play(URL);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    sim
}

/// Time for it to be known as live.
const KNOWN: Time = secs(12);

fn delay(sim: &Sim) -> Time {
    let delay = sim.engine().stats().live_delay_ms.expect("it is live");
    ms(i64::try_from(delay).unwrap())
}

fn shown_times(sim: &Sim) -> Vec<Time> {
    sim.shown.iter().map(|shown| shown.1).collect()
}

/// Each picture is shown once, and none is missing.
fn is_seamless(sim: &Sim) {
    holes_are_below(sim, ms(150));
}

/// Each picture is shown once; where some were lost for good, the time between is left out.
fn holes_are_below(sim: &Sim, widest: Time) {
    for pair in shown_times(sim).windows(2) {
        let hole = pair[1] - pair[0];
        assert!(
            hole > Time::ZERO && hole < widest,
            "{} after {}",
            pair[1],
            pair[0]
        );
    }
}

fn infos(sim: &Sim, wanted: InfoCode) -> usize {
    sim.count(|event| matches!(event, Event::Info { code, .. } if *code == wanted))
}

#[test]
fn a_stream_without_length_that_comes_as_it_plays_is_live() {
    let mut sim = joined(1, Broadcast::default());
    assert_eq!(
        sim.engine().stats().live_delay_ms,
        None,
        "nothing tells yet"
    );
    sim.run_for(KNOWN);
    assert!(delay(&sim) < secs(2), "{}", delay(&sim));
    assert_eq!(sim.engine().duration(), None);
    sim.seek(secs(3), SeekAccuracy::KeyFrame);
    let refused = |event: &Event| matches!(event, Event::CommandRefused { refusal, .. } if *refusal == Refusal::Live);
    assert_eq!(sim.count(refused), 1);
    let before = delay(&sim);
    sim.run_for(mins(2));
    is_seamless(&sim);
    assert!((delay(&sim) - before).abs() < ms(200), "{}", delay(&sim));
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.net.asked.len(), 1);
}

#[test]
fn what_a_server_gives_faster_than_it_plays_is_no_live_stream() {
    let mut sim = sim(2);
    let broadcast = Broadcast {
        speed: 3.0,
        until: Some(secs(60)),
        ..Broadcast::default()
    };
    sim.net.broadcast(URL, broadcast);
    sim.play(URL);
    assert!(
        sim.run_until(mins(5), is_completion),
        "{:#?}",
        sim.events.last()
    );
    assert_eq!(sim.rates, [1.0]);
    assert!(
        (sim.position() - secs(180)).abs() < secs(1),
        "{}",
        sim.position()
    );
    holes_are_below(&sim, ms(300));
    assert_eq!(sim.shown.len(), 1_796, "nothing is left out");
}

#[test]
fn it_plays_faster_until_it_is_well_below_the_greatest_delay() {
    for (max_delay, gap) in [(5_000, 500), (2_000, 500), (600, 100)] {
        let config = PlayerConfig {
            max_delay: std::time::Duration::from_millis(max_delay),
            ..PlayerConfig::default()
        };
        let max_delay = ms(i64::try_from(max_delay).unwrap());
        let mut sim = Sim::new(3, config);
        sim.net.broadcast(URL, Broadcast::default());
        sim.play(URL);
        sim.run_for(KNOWN);
        let before = sim.rates.len();
        sim.command(Command::Pause);
        sim.run_for(max_delay + secs(2));
        sim.command(Command::Start);
        while sim.rates.len() < before + 1 {
            assert!(sim.run_steps(1, secs(5)), "{max_delay} {:?}", sim.rates);
        }
        assert!(delay(&sim) > max_delay);
        while sim.rates.len() < before + 2 {
            assert!(sim.run_steps(1, secs(5)), "{max_delay} {:?}", sim.rates);
        }
        assert_eq!(sim.rates[before..], [1.2, 1.0]);
        let off = max_delay - ms(gap) - delay(&sim);
        // It is looked at each half second.
        assert!(
            off >= Time::ZERO && off < ms(150),
            "{max_delay}: {off} below"
        );
        is_seamless(&sim);
    }
}

#[test]
fn what_is_more_than_five_seconds_beyond_is_left_out() {
    let mut sim = joined(4, Broadcast::default());
    sim.run_for(KNOWN);
    sim.command(Command::Pause);
    sim.run_for(secs(20));
    let from = sim.position();
    sim.command(Command::Start);
    sim.run_for(secs(2));
    let gone = sim.position() - from;
    assert!(gone > secs(14), "{gone}");
    assert!(delay(&sim) < secs(7), "{}", delay(&sim));
    sim.run_for(secs(30));
    assert!(delay(&sim) < secs(5), "{}", delay(&sim));
    assert!(errors(&sim).is_empty());
    let times = shown_times(&sim);
    assert!(times.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_connection_that_breaks_is_joined_again_without_a_hole_or_a_repetition() {
    for rebased in [false, true] {
        let broadcast = Broadcast {
            rebased,
            kept: secs(3),
            ..Broadcast::default()
        };
        let mut sim = joined(5, broadcast);
        for broken in 0..4 {
            // Also before it is known what it is.
            sim.run_for(secs(3 + 10 * broken));
            sim.net.fault_once("", NetFault::Resets);
            sim.run_for(secs(5));
        }
        is_seamless(&sim);
        assert!(errors(&sim).is_empty(), "{:#?}", errors(&sim));
        assert_eq!(sim.net.asked.len(), 5);
        assert!(
            sim.net.asked.iter().all(|asked| asked.2 == 0),
            "whole each time"
        );
        assert_eq!(sim.engine().stats().stalls, 0);
        assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 4);
    }
}

#[test]
fn after_an_outage_time_goes_on_from_where_it_stood() {
    for rebased in [false, true] {
        let broadcast = Broadcast {
            rebased,
            ..Broadcast::default()
        };
        let mut sim = joined(6, broadcast);
        sim.run_for(KNOWN);
        let (now, delayed) = (sim.now(), delay(&sim));
        sim.net.fault_once("", NetFault::Resets);
        sim.net.fault(now, now + secs(10), "", NetFault::Refuses);
        sim.run_for(secs(30));
        assert!(errors(&sim).is_empty(), "{:#?}", errors(&sim));
        let stats = sim.engine().stats();
        assert_eq!(stats.stalls, 1);
        // The reset. Within the timeout the tries that follow are silent.
        assert_eq!(infos(&sim, InfoCode::NetworkRetry), 1);
        // What was sent meanwhile is gone: it is as near the edge as before, but for what ends a stall.
        assert!(delay(&sim) < delayed + secs(4), "{} {delayed}", delay(&sim));
        holes_are_below(&sim, ms(300));
    }
}

#[test]
fn a_network_that_stood_still_is_caught_up_with() {
    let mut sim = joined(7, Broadcast::default());
    sim.run_for(KNOWN);
    let now = sim.now();
    sim.net.fault(now, now + secs(10), "", NetFault::Silent);
    sim.run_for(secs(42));
    assert_eq!(sim.net.asked.len(), 1, "the connection is the same");
    assert!(sim.rates.contains(&1.2), "{:?}", sim.rates);
    assert!(delay(&sim) < secs(5), "within 30 s: {}", delay(&sim));
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let mut sim = sim(8);
    let broadcast = Broadcast {
        restarts: Some(secs(90)),
        ..Broadcast::default()
    };
    sim.net.broadcast(URL, broadcast);
    sim.run_for(mins(1));
    sim.play(URL);
    sim.run_for(mins(2));
    holes_are_below(&sim, ms(300));
    assert!(errors(&sim).is_empty());
    assert!(sim.position() > secs(117), "{}", sim.position());
}

#[test]
fn an_answer_that_its_length_or_chunks_end_is_the_end_of_the_broadcast() {
    let mut sim = joined(9, Broadcast::default());
    sim.run_for(KNOWN);
    sim.net.fault_once("", NetFault::Closes);
    assert!(sim.run_until(secs(10), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.net.asked.len(), 1);
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_connection_that_merely_closes_may_be_an_interruption() {
    let broadcast = Broadcast {
        ends_with_connection: true,
        until: Some(mins(2)),
        ..Broadcast::default()
    };
    let mut sim = joined(10, broadcast);
    sim.run_for(KNOWN);
    sim.net.fault_once("", NetFault::Closes);
    sim.run_for(secs(20));
    assert_eq!(sim.net.asked.len(), 2);
    is_seamless(&sim);
    assert!(
        sim.run_until(mins(2), is_completion),
        "{:#?}",
        sim.events.last()
    );
    assert!(
        errors(&sim).is_empty(),
        "that it is gone is the end: {:#?}",
        errors(&sim)
    );
    assert_eq!(sim.net.asked.len(), 3);
}

#[test]
fn a_stream_that_stays_away_is_parked_once_and_reload_joins_it_again() {
    let mut sim = joined(11, Broadcast::default());
    sim.run_for(KNOWN);
    let now = sim.now();
    sim.net.fault_once("", NetFault::Resets);
    sim.net.fault(now, now + mins(3), "", NetFault::Refuses);
    assert!(sim.run_until(mins(2), is_error), "{:#?}", sim.events);
    sim.run_for(mins(3));
    assert_eq!(errors(&sim), [codes::ERROR_LOADING_TIMEOUT]);
    assert_eq!(sim.state(), State::Started);
    let from = sim.position();
    sim.command(Command::Reload);
    sim.run_for(secs(20));
    assert!(
        sim.position() - from > secs(15),
        "{}",
        sim.position() - from
    );
    holes_are_below(&sim, ms(300));
}

#[test]
fn over_hours_a_clock_that_runs_otherwise_costs_neither_delay_nor_pictures() {
    for speed in [1.002, 0.998] {
        let broadcast = Broadcast {
            speed,
            ..Broadcast::default()
        };
        let mut sim = joined(12, broadcast);
        sim.run_for(KNOWN);
        let mut worst = Time::ZERO;
        for _ in 0..120 {
            sim.run_for(mins(1));
            worst = worst.max(delay(&sim));
            sim.events.clear();
        }
        assert!(worst < ms(5_700), "{speed}: {worst}");
        let stats = sim.engine().stats();
        // 14 s are missing in the end where the producer is slower; each wait gathers 3 s.
        assert!(stats.stalls <= 5, "{speed}: {stats:?}");
        assert_eq!(stats.frames_dropped, 0, "{speed}");
        is_seamless(&sim);
    }
}

#[test]
fn a_session_that_joined_a_broadcast_again_replays() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let sink = Box::new(move |line: &serde_json::Value| {
        written.lock().unwrap().push(line.clone());
    });
    let mut sim = Sim::recorded(13, PlayerConfig::default(), sink);
    let broadcast = Broadcast {
        ends_with_connection: true,
        until: Some(secs(40)),
        ..Broadcast::default()
    };
    sim.net.broadcast(URL, broadcast);
    sim.play(URL);
    sim.run_for(secs(14));
    sim.net.fault_once("", NetFault::Closes);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    let replayed = replay(lines.into_iter()).unwrap();
    assert_eq!(replayed.difference, None);
    assert_eq!(replayed.events.len(), sim.events.len());
}
