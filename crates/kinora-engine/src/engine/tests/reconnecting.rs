//! Another network, little memory, and what is told of a session for its operator.

use kinora_media::Time;

use super::hls::{LIST, serve_live, serve_vod};
use super::pushed::packets;
use super::{URL, credentials, errors, is_completion, is_first, served};
use crate::sim::{Broadcast, Film, NetFault, Packets, Sim, mins, ms, secs, sim};
use crate::{Command, Event, InfoCode, PlayerConfig};

fn infos(sim: &Sim, wanted: InfoCode) -> usize {
    sim.count(|event| matches!(event, Event::Info { code, .. } if *code == wanted))
}

fn text_of(sim: &Sim, wanted: InfoCode) -> Option<String> {
    sim.events.iter().find_map(|(_, event)| match event {
        Event::Info { code, text } if *code == wanted => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn on_another_network_what_is_under_way_is_asked_for_again_from_the_same_byte() {
    let mut sim = served(1);
    sim.net.weather.bytes_per_second = 4_000;
    sim.play(URL);
    sim.run_for(secs(3));
    sim.net.strand();
    sim.run_for(secs(3));
    let asked = sim.net.asked.len();
    sim.command(Command::NetworkReconnect);
    assert_eq!(sim.net.asked.len(), asked + 1);
    assert!(sim.net.asked[asked].2 > 0, "where it was");
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.shown.len(), 120);
    assert!(errors(&sim).is_empty());
    assert_eq!(
        infos(&sim, InfoCode::NetworkRetry),
        0,
        "it is no failure: no try is spent"
    );
}

#[test]
fn segments_broadcasts_packets_and_calls_are_asked_for_again_too() {
    let flv = "http://live.test/app/stream.flv";
    let rtmp = "rtmp://live.test/app/stream";
    for url in [LIST, flv, rtmp] {
        let mut sim = sim(2);
        serve_live(&mut sim, 100);
        sim.net.broadcast(flv, Broadcast::default());
        sim.net.serve_packets(rtmp, packets(Film::mp4(), true));
        sim.play(url);
        sim.run_for(secs(4));
        // A live playlist is asked for every two seconds: something is under way then.
        while sim.net.open_requests() == 0 {
            sim.run_for(ms(10));
        }
        sim.net.strand();
        sim.run_for(ms(500));
        let asked = sim.net.asked.len();
        sim.command(Command::NetworkReconnect);
        sim.run_for(ms(100));
        assert!(sim.net.asked.len() > asked, "{url}");
        let shown = sim.shown.len();
        sim.run_for(secs(5));
        // Packets without a container begin anew: those that were shown come again before others do.
        assert!(sim.shown.len() > shown + 15, "{url}: {:#?}", sim.events);
        assert!(errors(&sim).is_empty(), "{url}");
        let times: Vec<Time> = sim.shown.iter().map(|shown| shown.1).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{url}");
    }
    let mut sim = sim(3);
    credentials::serve_expiring(&mut sim);
    credentials::opened(&mut sim);
    sim.net.strand();
    sim.run_for(ms(50));
    let before = sim.net.asked.clone();
    sim.command(Command::NetworkReconnect);
    let again = sim.net.asked.last().unwrap();
    assert_eq!(sim.net.asked.len(), before.len() + 1);
    assert_ne!(again.1, before[0].1, "signed anew");
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
}

#[test]
fn another_network_while_nothing_is_under_way_changes_nothing() {
    let mut sim = sim(4);
    serve_vod(&mut sim);
    sim.play(LIST);
    sim.run_for(secs(5));
    assert_eq!(sim.net.open_requests(), 0, "all of it is there");
    let asked = sim.net.asked.len();
    sim.command(Command::NetworkReconnect);
    assert_eq!(sim.net.asked.len(), asked);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
}

#[test]
fn a_parked_source_goes_on_with_another_network() {
    let config = PlayerConfig {
        network_retry_count: 0,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(5, config);
    sim.net.serve(URL, Film::mp4());
    sim.net.weather.bytes_per_second = 4_000;
    sim.net.fault(secs(2), secs(30), "", NetFault::Silent);
    sim.play(URL);
    sim.run_for(secs(40));
    assert_eq!(infos(&sim, InfoCode::NetworkRetry), 1);
    sim.command(Command::NetworkReconnect);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert_eq!(infos(&sim, InfoCode::NetworkRetrySuccess), 1);
}

#[test]
fn each_retry_that_is_spent_is_told_once_and_then_that_the_network_is_back() {
    let config = PlayerConfig {
        network_timeout: std::time::Duration::from_secs(4),
        network_retry_count: 3,
        ..PlayerConfig::default()
    };
    // Away for less than one timeout, and for more than two of them.
    for (away, told) in [(secs(3), 0), (secs(10), 2)] {
        for fault in [NetFault::Refuses, NetFault::Silent] {
            let mut sim = Sim::new(6, config.clone());
            sim.net.serve(URL, Film::mp4());
            sim.net.weather.bytes_per_second = 4_000;
            sim.play(URL);
            sim.run_for(secs(3));
            let now = sim.now();
            sim.net.fault_once("", NetFault::Truncates(1));
            sim.net.fault(now, now + away, "", fault);
            assert!(sim.run_until(mins(3), is_completion), "{:#?}", sim.events);
            let texts: Vec<_> = sim
                .events
                .iter()
                .filter_map(|(_, event)| match event {
                    Event::Info { code, text } if *code == InfoCode::NetworkRetry => Some(text),
                    _ => None,
                })
                .collect();
            // What is refused at once is asked again sooner: fewer tries are spent than timeouts pass.
            let spent = told.min(1)..=told;
            assert!(spent.contains(&texts.len()), "{fault:?} {away}: {texts:?}");
            for (number, text) in texts.iter().enumerate() {
                let begin = format!("try {} of 3: ", number + 1);
                assert!(text.starts_with(&begin), "{fault:?} {away}: {text}");
            }
            let back = infos(&sim, InfoCode::NetworkRetrySuccess);
            assert_eq!(back, texts.len().min(1), "{fault:?} {away}");
            let recovered = sim.count(|event| matches!(event, Event::Recovered(_)));
            assert_eq!(recovered, 1, "{fault:?} {away}");
        }
    }
}

#[test]
fn little_memory_is_told_once_and_less_is_held_until_there_is_more() {
    let mut sim = sim(7);
    let url = super::memory::film(&mut sim, 62_500);
    sim.play(url);
    sim.run_for(secs(60));
    let before = sim.engine().stats().held_bytes;
    assert!(before > 20_000_000, "50 s of it: {before}");
    for _ in 0..2 {
        sim.command(Command::SetLowMemory(true));
    }
    sim.run_for(secs(55));
    let low = sim.engine().stats().held_bytes;
    assert!(low < 6_000_000, "3 s, and a segment: {low}");
    assert_eq!(infos(&sim, InfoCode::LowMemory), 1);
    let stalls = sim.engine().stats().stalls;
    sim.command(Command::SetLowMemory(false));
    sim.run_for(secs(60));
    let after = sim.engine().stats();
    assert!(after.held_bytes > 20_000_000, "{after:?}");
    assert_eq!((stalls, after.stalls), (0, 0));
    sim.command(Command::SetLowMemory(true));
    assert_eq!(infos(&sim, InfoCode::LowMemory), 2);
}

#[test]
fn how_long_the_start_took_is_told_with_the_first_picture_of_each_source() {
    let mut sim = served(8);
    sim.run_for(secs(5));
    for _ in 0..2 {
        sim.events.clear();
        let from = sim.now();
        sim.play(URL);
        assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
        let took = (sim.now() - from).as_secs_f64() * 1e3;
        let text = text_of(&sim, InfoCode::StartupInfo).expect("told");
        let steps: serde_json::Value = serde_json::from_str(&text).unwrap();
        let of = |name: &str| steps[name].as_f64().unwrap_or(f64::NAN);
        assert!((of("first_frame") - took).abs() < 1.0, "{text} {took}");
        assert!(of("connect") >= 20.0, "the latency: {text}");
        assert!(of("connect") <= of("headers") && of("headers") <= of("first_decoded"));
        assert_eq!(infos(&sim, InfoCode::StartupInfo), 1);
    }
}

#[test]
fn what_a_server_calls_the_session_is_told_for_the_source_that_plays() {
    let url = "artc://live.test/app/stream";
    let mut sim = sim(9);
    let stream = Packets {
        trace_id: Some("7f2c-0001".to_owned()),
        ..packets(Film::mp4(), true)
    };
    sim.net.serve_packets(url, stream);
    sim.play(url);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
    sim.run_for(secs(1));
    assert_eq!(
        text_of(&sim, InfoCode::TraceId).as_deref(),
        Some("7f2c-0001")
    );
    sim.command(Command::NetworkReconnect);
    sim.run_for(secs(1));
    assert_eq!(infos(&sim, InfoCode::TraceId), 2, "another session");
}
