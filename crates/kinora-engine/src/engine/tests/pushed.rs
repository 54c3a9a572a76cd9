//! Packets that a transport delivers, without a container.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kinora_container::Demuxer as _;
use kinora_container::ProbingDemuxer;
use kinora_container::Step;
use kinora_errors::codes;
use kinora_media::{Packet, Time};

use super::{errors, is_completion, is_error, is_first, is_seek_end};
use crate::sim::{Film, NetFault, Packets, Sim, mins, ms, secs, sim};
use crate::{Command, Event, PlayerConfig, Refusal, SeekAccuracy, State, replay};

const URL: &str = "rtmp://live.test/app/stream";

/// The film comes a little faster than it plays.
const BYTES_PER_SECOND: u64 = 150_000;

/// A film as a transport would deliver it.
pub(super) fn packets(film: Bytes, live: bool) -> Packets {
    let mut demuxer = ProbingDemuxer::new();
    demuxer.push(0, film);
    demuxer.finish();
    let (mut info, mut packets) = (Arc::default(), Vec::new());
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(found) => info = found,
            // Large enough that they take a while, and more than one window.
            Step::Packet(packet) => packets.push(Packet {
                data: distinct(packets.len()),
                ..packet
            }),
            Step::End => break,
            step => panic!("{step:?}"),
        }
    }
    Packets {
        info,
        packets,
        live,
        trace_id: None,
    }
}

/// The bytes of a packet; none has those of another.
fn distinct(number: usize) -> Bytes {
    number.to_be_bytes().repeat(512).into()
}

fn pushed(seed: u64, live: bool) -> Sim {
    let mut sim = sim(seed);
    sim.net.serve_packets(URL, packets(Film::mp4(), live));
    sim.net.weather.bytes_per_second = BYTES_PER_SECOND;
    sim
}

/// A broadcast that has been going on for an hour.
fn broadcast(seed: u64) -> Sim {
    let mut sim = sim(seed);
    let mut stream = packets(Film::mp4(), true);
    for packet in &mut stream.packets {
        packet.pts += mins(60);
        packet.dts += mins(60);
    }
    sim.net.serve_packets(URL, stream);
    sim.net.weather.bytes_per_second = BYTES_PER_SECOND;
    sim
}

#[test]
fn packets_play_from_their_first_to_their_last() {
    let mut sim = pushed(1, false);
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert_eq!(
        (stats.frames_shown, stats.frames_dropped, stats.requests),
        (120, 0, 1)
    );
    assert_eq!(sim.shown.last().unwrap().1, ms(11_900));
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_broadcast_is_live_whatever_its_clock_shows() {
    let mut sim = broadcast(2);
    sim.play(URL);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
    let first = sim.shown[0].1;
    assert!(first < secs(1), "its clock begins at zero here: {first}");
    sim.seek(secs(3), SeekAccuracy::KeyFrame);
    let refused = sim.count(
        |event| matches!(event, Event::CommandRefused { refusal, .. } if *refusal == Refusal::Live),
    );
    assert_eq!(refused, 1);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(
        sim.engine().duration(),
        sim.engine().media_info().unwrap().duration
    );
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_broadcast_that_was_interrupted_goes_on_with_a_key_frame_where_it_ended() {
    let mut sim = broadcast(3);
    sim.play(URL);
    assert!(sim.run_until(secs(2), is_first));
    sim.run_for(secs(2));
    let now = sim.now();
    sim.net.fault(now, now + ms(30), "", NetFault::Resets);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.net.asked.len(), 2);
    assert!(errors(&sim).is_empty());
    let recovered = sim.count(|event| matches!(event, Event::Recovered(_)));
    assert_eq!(recovered, 1);
    let times: Vec<Time> = sim.shown.iter().map(|(_, pts)| *pts).collect();
    assert!(times.is_sorted(), "{times:?}");
    let widest = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(widest < Some(ms(400)), "no hole, no leap: {times:?}");
}

#[test]
fn whichever_packet_breaks_off_none_is_lost_and_none_shown_twice() {
    for after in [0, 1, 2, 50, 200] {
        let mut sim = pushed(4, false);
        sim.net
            .fault(Time::ZERO, ms(400), "", NetFault::Truncates(after));
        sim.play(URL);
        assert!(
            sim.run_until(secs(30), is_completion),
            "{after}: {:#?}",
            sim.events
        );
        let times: Vec<Time> = sim.shown.iter().map(|(_, pts)| *pts).collect();
        assert_eq!(times.len(), 120, "{after}");
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{after}");
    }
}

#[test]
fn a_seek_in_packets_begins_anew_and_passes_over_what_is_before() {
    let mut sim = pushed(5, false);
    sim.play(URL);
    assert!(sim.run_until(secs(2), is_first));
    sim.seek(ms(9_500), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(10), is_seek_end), "{:#?}", sim.events);
    assert_eq!(sim.shown.last().unwrap().1, ms(9_500));
    sim.seek(ms(1_200), SeekAccuracy::KeyFrame);
    assert!(sim.run_until(secs(10), is_seek_end), "{:#?}", sim.events);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
}

#[test]
fn silence_is_reported_when_the_tries_are_spent_and_reload_goes_on() {
    let mut sim = pushed(6, false);
    sim.net.fault(ms(100), mins(3), "", NetFault::Silent);
    sim.play(URL);
    assert!(sim.run_until(mins(4), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_LOADING_TIMEOUT]);
    sim.run_for(mins(3));
    sim.command(Command::Reload);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.shown.len(), 120);
}

#[test]
fn no_more_comes_than_there_is_room_for() {
    let config = PlayerConfig {
        max_buffer: std::time::Duration::from_secs(2),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(7, config);
    sim.net.serve_packets(URL, packets(Film::mp4(), false));
    sim.net.weather.bytes_per_second = 100_000_000;
    sim.open(URL);
    sim.run_for(secs(20));
    assert_eq!(sim.state(), State::Prepared);
    let bytes = sim.engine().stats().bytes;
    let all: usize = packets(Film::mp4(), false)
        .packets
        .iter()
        .map(|packet| packet.data.len())
        .sum();
    assert!(bytes < all as u64, "{bytes} of {all} came unasked");
    sim.command(Command::Start);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
}

#[test]
fn a_session_of_packets_replays() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let sink = Box::new(move |line: &serde_json::Value| {
        written.lock().unwrap().push(line.clone());
    });
    let mut sim = Sim::recorded(8, PlayerConfig::default(), sink);
    sim.net.serve_packets(URL, packets(Film::mp4(), false));
    sim.net.fault(ms(100), ms(110), "", NetFault::Resets);
    sim.play(URL);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    let replayed = replay(lines.into_iter()).unwrap();
    assert_eq!(replayed.difference, None);
    assert_eq!(replayed.events.len(), sim.events.len());
}
