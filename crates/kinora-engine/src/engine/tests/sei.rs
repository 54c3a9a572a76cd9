//! Messages within the video.

use bytes::Bytes;
use kinora_media::bitstream::UserData;
use kinora_media::{Time, TrackKind};

use super::is_completion;
use super::pushed::packets;
use super::recording::Recording;
use crate::sim::{Film, Sim, secs};
use crate::{Event, PlayerConfig};

const URL: &str = "rtmp://live.test/app/stream";
const SECRET: &str = "what it says";

/// A film each of whose pictures says its time.
fn film(sim: &mut Sim) {
    let mut stream = packets(Film::mp4(), false);
    let video = stream.info.first(TrackKind::Video).unwrap().id;
    for packet in stream.packets.iter_mut().filter(|it| it.track == video) {
        let text = format!("{SECRET} {}", packet.pts.as_millis());
        let payload = [&[9; 16][..], text.as_bytes()].concat();
        let unit = [&[6, 5, payload.len() as u8][..], &payload, &[0x80]].concat();
        let length = (unit.len() as u32).to_be_bytes();
        packet.data = Bytes::from([&length[..], &unit, &packet.data].concat());
    }
    sim.net.serve_packets(URL, stream);
}

fn enabled() -> PlayerConfig {
    PlayerConfig {
        enable_sei: true,
        ..PlayerConfig::default()
    }
}

fn messages(sim: &Sim) -> Vec<(Time, Time, String)> {
    let message = |(at, event): &(Time, Event)| match event {
        Event::Sei { pts, data } => {
            assert!(matches!(data, UserData::Unregistered { uuid, .. } if *uuid == [9; 16]));
            let text = String::from_utf8(data.data().to_vec()).unwrap();
            Some((*at, *pts, text))
        }
        _ => None,
    };
    sim.events.iter().filter_map(message).collect()
}

#[test]
fn messages_come_with_their_pictures_in_the_order_of_presentation() {
    let mut sim = Sim::new(81, enabled());
    film(&mut sim);
    sim.play(URL);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    let messages = messages(&sim);
    assert_eq!(messages.len(), 120);
    assert!(messages.is_sorted_by_key(|(_, pts, _)| *pts));
    for (at, pts, text) in &messages {
        assert_eq!(*text, format!("{SECRET} {}", pts.as_millis()));
        assert!(sim.shown.contains(&(*at, *pts)), "{pts} at {at}");
    }
}

#[test]
fn nobody_is_told_what_nobody_asked_for() {
    let mut sim = Sim::new(82, PlayerConfig::default());
    film(&mut sim);
    sim.play(URL);
    assert!(sim.run_until(secs(30), is_completion));
    assert!(messages(&sim).is_empty());
}

#[test]
fn a_recording_holds_no_message_and_runs_the_same_again() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(83, enabled(), sink);
    film(&mut sim);
    sim.play(URL);
    sim.run_for(secs(3));
    let lines = recording.lines();
    assert!(!lines.iter().any(|line| line.contains(SECRET)));
    let told = lines.iter().filter(|line| line.contains("\"sei ")).count();
    assert!(told > 20, "{told}");
    recording.runs_again(sim.events.len());
}
