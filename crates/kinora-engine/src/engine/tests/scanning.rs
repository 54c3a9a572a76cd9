//! Searching by key pictures, in the simulator: 80 s in segments of 2 s, with an I-frame playlist beside them or without.

use bytes::Bytes;
use kinora_media::Time;

use super::sound::media;
use super::{errors, is_completion, is_first, is_seek_end};
use crate::sim::{Film, NetFault, Sim, is_key_start, ms, secs, sim};
use crate::{Command, Event, LoopMode, Refusal, SeekAccuracy, State};

const MAIN: &str = "http://films.test/main.m3u8";
const SEGMENTS: usize = 40;

/// So many bytes of a segment hold its tables and its first picture, which is a key picture.
fn key_len(segment: &Bytes) -> usize {
    let mut packets = segment.chunks(188).enumerate();
    let key = packets.find(|(_, packet)| is_key_start(packet));
    assert!(key.is_some());
    let is_next = |packet: &[u8]| packet[1] & 0x5f == 0x41 && packet[2] == 0;
    packets
        .find(|(_, packet)| is_next(packet))
        .expect("a second picture")
        .0
        * 188
}

/// `keys`: an I-frame playlist is there.
fn served(seed: u64, keys: bool) -> Sim {
    let mut sim = sim(seed);
    let film = Film::ts_segments();
    sim.net.serve(
        "http://films.test/v/list.m3u8",
        media(SEGMENTS, |number| format!("{number}.ts")),
    );
    let range = |number: usize| {
        format!(
            "#EXT-X-BYTERANGE:{}@0\n{number}.ts",
            key_len(&film[number % 4])
        )
    };
    let i_frames =
        media(SEGMENTS, range).replacen("#EXT-X-DISC", "#EXT-X-I-FRAMES-ONLY\n#EXT-X-DISC", 1);
    sim.net.serve("http://films.test/keys/list.m3u8", i_frames);
    for number in 0..SEGMENTS {
        for place in ["v", "keys"] {
            let url = format!("http://films.test/{place}/{number}.ts");
            sim.net.serve(&url, film[number % 4].clone());
        }
    }
    let named = match keys {
        true => {
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.42c00d\",URI=\"keys/list.m3u8\"\n"
        }
        false => "",
    };
    let main = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000\nv/list.m3u8\n{named}");
    sim.net.serve(MAIN, main);
    sim
}

fn searching(seed: u64, keys: bool, at: i64, speed: f64) -> Sim {
    let mut sim = served(seed, keys);
    sim.play(MAIN);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    if at > 0 {
        sim.seek(secs(at), SeekAccuracy::Exact);
        assert!(sim.run_until(secs(3), is_seek_end), "{:#?}", sim.events);
    }
    sim.run_for(secs(1));
    sim.shown.clear();
    sim.net.asked.clear();
    sim.command(Command::SetSpeed(speed));
    sim
}

fn pictures(sim: &Sim) -> Vec<i64> {
    sim.shown.iter().map(|(_, pts)| pts.as_millis()).collect()
}

fn asked(sim: &Sim, part: &str) -> usize {
    sim.net
        .asked
        .iter()
        .filter(|(_, url, _)| url.contains(part))
        .count()
}

#[test]
fn key_pictures_are_shown_at_many_times_the_speed() {
    let mut sim = searching(1, true, 0, 8.0);
    let before = sim.position();
    sim.run_for(secs(5));
    let passed = sim.position() - before;
    assert!((passed - secs(40)).abs() < ms(200), "{passed}");
    let shown = pictures(&sim);
    assert!(shown.iter().all(|pts| pts % 2_000 == 0), "{shown:?}");
    assert!(shown.is_sorted(), "{shown:?}");
    assert!((18..=21).contains(&shown.len()), "each once: {shown:?}");
    assert_eq!(asked(&sim, "/v/"), 0, "{:?}", sim.net.asked);
    assert!(
        asked(&sim, "/keys/") <= shown.len() + 2,
        "{:?}",
        sim.net.asked
    );
    assert_eq!(sim.state(), State::Started);
    assert!(errors(&sim).is_empty());
}

#[test]
fn it_goes_back_as_it_goes_on() {
    let mut sim = searching(2, true, 60, -16.0);
    let before = sim.position();
    sim.run_for(secs(3));
    let passed = before - sim.position();
    assert!((passed - secs(48)).abs() < ms(500), "{passed}");
    let shown = pictures(&sim);
    assert!(shown.windows(2).all(|pair| pair[0] > pair[1]), "{shown:?}");
    assert!(shown.len() >= 18, "{shown:?}");
}

#[test]
fn playing_goes_on_where_the_search_has_come_to() {
    for keys in [true, false] {
        let mut sim = searching(3, keys, 0, 16.0);
        sim.run_for(secs(3));
        sim.shown.clear();
        let at = sim.position();
        sim.command(Command::SetSpeed(1.0));
        sim.run_for(secs(3));
        let shown = pictures(&sim);
        assert!((shown[0] - at.as_millis()).abs() <= 100, "{at}: {shown:?}");
        let steps = shown.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(
            steps.clone().all(|step| (99..=101).contains(&step)),
            "{shown:?}"
        );
        assert!(sim.position() > at + secs(2), "{}", sim.position());
        assert!(sim.run_until(secs(60), is_completion), "{:#?}", sim.events);
        assert!(errors(&sim).is_empty());
        assert_eq!(sim.count(|event| matches!(event, Event::Prepared(_))), 1);
    }
}

#[test]
fn without_an_i_frame_playlist_the_pictures_that_segments_begin_with_serve() {
    let mut sim = searching(4, false, 0, 8.0);
    sim.run_for(secs(5));
    let shown = pictures(&sim);
    assert!(shown.iter().all(|pts| pts % 2_000 == 0), "{shown:?}");
    assert!((18..=21).contains(&shown.len()), "{shown:?}");
}

#[test]
fn an_i_frame_playlist_that_is_gone_is_told_and_done_without() {
    let mut sim = served(5, true);
    sim.net
        .fault(Time::ZERO, secs(600), "/keys/", NetFault::Status(404));
    sim.play(MAIN);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    sim.command(Command::SetSpeed(8.0));
    sim.run_for(secs(6));
    assert!(sim.shown.len() > 15, "{:?}", sim.shown);
    assert!(sim.count(|event| matches!(event, Event::Recovered(_))) >= 1);
    assert!(errors(&sim).is_empty());
    sim.command(Command::SetSpeed(1.0));
    assert!(sim.run_until(secs(60), is_completion), "{:#?}", sim.events);
}

#[test]
fn who_reaches_the_beginning_is_held_there_and_who_reaches_the_end_is_through() {
    let mut sim = searching(6, true, 10, -8.0);
    sim.run_for(secs(4));
    assert_eq!(sim.state(), State::Paused);
    assert_eq!(sim.position(), Time::ZERO);
    sim.command(Command::SetSpeed(32.0));
    sim.command(Command::Start);
    assert!(sim.run_until(secs(5), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.state(), State::Completion);
}

#[test]
fn in_a_loop_the_end_leads_to_the_beginning() {
    let mut sim = searching(7, true, 0, 32.0);
    sim.command(Command::SetLoop(LoopMode::On));
    sim.run_for(secs(6));
    assert!(sim.count(|event| matches!(event, Event::LoopingStart)) >= 1);
    assert_eq!(sim.state(), State::Started);
}

#[test]
fn a_slow_network_leaves_out_pictures_and_not_the_pace() {
    let mut sim = searching(8, true, 0, 16.0);
    sim.net.weather.latency = ms(700);
    let before = sim.position();
    sim.run_for(secs(4));
    let passed = sim.position() - before;
    assert!((passed - secs(64)).abs() < ms(500), "{passed}");
    let shown = pictures(&sim);
    assert!((3..=8).contains(&shown.len()), "{shown:?}");
}

#[test]
fn a_seek_and_a_pause_are_done_while_it_is_searched() {
    let mut sim = searching(9, true, 0, 4.0);
    sim.run_for(secs(1));
    sim.seek(secs(50), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(3), is_seek_end), "{:#?}", sim.events);
    sim.run_for(secs(2));
    assert!(
        sim.position() > secs(55),
        "it goes on from there: {}",
        sim.position()
    );
    sim.command(Command::Pause);
    let at = sim.position();
    sim.run_for(secs(5));
    assert_eq!((sim.state(), sim.position()), (State::Paused, at));
    sim.command(Command::Start);
    sim.run_for(secs(2));
    assert!(sim.position() > at + secs(6), "{} {at}", sim.position());
}

#[test]
fn a_file_is_searched_too() {
    let mut sim = sim(10);
    sim.net.serve("http://films.test/film.mp4", Film::mp4());
    sim.play("http://films.test/film.mp4");
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    sim.command(Command::SetSpeed(4.0));
    sim.run_for(ms(2_000));
    assert!(
        (sim.position() - secs(8)).abs() < ms(300),
        "{}",
        sim.position()
    );
    assert!(sim.shown.len() >= 6, "{:?}", sim.shown);
    sim.command(Command::SetSpeed(1.0));
    assert!(sim.run_until(secs(10), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
}

#[test]
fn what_is_live_or_no_speed_of_searching_is_refused() {
    let mut sim = sim(11);
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        text += &format!("#EXTINF:2,\n{number}.ts\n");
        sim.net
            .serve(&format!("http://films.test/{number}.ts"), data);
    }
    sim.net.serve("http://films.test/live.m3u8", text);
    sim.play("http://films.test/live.m3u8");
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    for speed in [8.0, -8.0, 3.0, 33.0, -1.0] {
        sim.command(Command::SetSpeed(speed));
    }
    let refused = |wanted: Refusal| {
        sim.count(
            |event| matches!(event, Event::CommandRefused { refusal, .. } if *refusal == wanted),
        )
    };
    assert_eq!(refused(Refusal::Live), 2);
    assert_eq!(refused(Refusal::SpeedOutOfRange), 3);
}
