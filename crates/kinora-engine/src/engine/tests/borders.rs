//! Segments that go on with each other, in the simulator.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::Value;

use super::hls::{LIST, is_key_start, list, played_through, segment_url};
use super::is_completion;
use crate::sim::{Film, Sim, secs, sim};
use crate::{PlayerConfig, replay};

/// Segments of the film, but for the first of which each begins so many transport packets behind its first key frame.
fn cut_late(packets: usize) -> Vec<Bytes> {
    let segments = Film::ts_segments();
    let whole = Film::ts();
    let mut cuts = vec![0];
    let mut begin = 0;
    for segment in &segments[..3] {
        begin += segment.len();
        let key = whole[begin..].chunks(188).position(is_key_start).unwrap();
        cuts.push(begin + (key + packets) * 188);
    }
    cuts.push(whole.len());
    cuts.windows(2)
        .map(|cut| whole.slice(cut[0]..cut[1]))
        .collect()
}

fn serve(sim: &mut Sim, segments: Vec<Bytes>) {
    sim.net.serve(LIST, list(segments.len(), ""));
    for (number, data) in segments.into_iter().enumerate() {
        sim.net.serve(&segment_url(number), data);
    }
}

#[test]
fn a_picture_that_a_border_cuts_is_whole() {
    for packets in [1, 2, 3] {
        let mut sim = sim(81);
        serve(&mut sim, cut_late(packets));
        sim.play(LIST);
        played_through(&mut sim, 80);
        assert_eq!(sim.engine().stats().corrupt_packets, 0);
    }
}

#[test]
fn behind_a_hole_at_a_border_nothing_is_shown_before_a_key_picture() {
    let mut sim = sim(82);
    let mut segments = cut_late(1);
    // The key picture at 4 s has two packets: the second one is missing, and what comes in its place does not fit.
    let third = &segments[2];
    let is_next = |packet: &[u8], start: u8| packet[1..3] == [start | 0x01, 0x00];
    assert!(
        is_next(third, 0x00) && is_next(&third[188..], 0x40),
        "the end of a picture, and another"
    );
    let mut misfit = [&third[..4], &[0xff; 184]].concat();
    misfit[3] = 0x10 | (third[3] + 5) & 0x0f;
    segments[2] = [&misfit, &third[188..]].concat().into();
    serve(&mut sim, segments);
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let shown = |from: i64, to: i64| {
        let times = sim.shown.iter().map(|shown| shown.1.as_millis());
        times.filter(|time| (from..to).contains(time)).count()
    };
    assert_eq!(
        (
            shown(3_000, 4_000),
            shown(4_000, 5_000),
            shown(5_000, 6_000)
        ),
        (10, 0, 10)
    );
}

/// What a session of fragmented MP4 writes down.
fn recorded_fmp4() -> Vec<Value> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let sink = Box::new(move |line: &Value| into.lock().unwrap().push(line.clone()));
    let mut sim = Sim::recorded(83, PlayerConfig::default(), sink);
    let (init, segments) = Film::fmp4();
    serve(&mut sim, segments.to_vec());
    sim.net
        .serve(LIST, list(3, "#EXT-X-MAP:URI=\"init.mp4\"\n"));
    sim.net.serve("http://films.test/vod/init.mp4", init);
    sim.play(LIST);
    played_through(&mut sim, 60);
    drop(sim);
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    lines
}

#[test]
fn an_init_section_is_read_once() {
    let lines = recorded_fmp4();
    let is_info = |line: &&Value| line["fact"][1]["ok"]["i"].is_object();
    assert_eq!(lines.iter().filter(is_info).count(), 1);
    assert_eq!(replay(lines.into_iter()).unwrap().difference, None);
}
