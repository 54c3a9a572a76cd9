//! Playlists whose numbers are wrong, in the simulator: they play.

use kinora_media::Time;

use super::errors;
use super::hls::{LIST, list, played_through, serve_vod};
use crate::State;
use crate::sim::{Sim, secs, sim};

/// A live stream of which each version is changed on its way.
fn changed(seed: u64, change: impl Fn(i64, String) -> String) -> Sim {
    let mut sim = sim(seed);
    serve_vod(&mut sim);
    for from in 0..30 {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{from}\n");
        text += &format!("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", (from - 1).max(0) / 4);
        for number in from..from + 4 {
            if number > 0 && number % 4 == 0 {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            text += &format!("#EXTINF:2,\n{}.ts\n", number % 4);
        }
        let at = if from == 0 { Time::MIN } else { secs(from * 2) };
        sim.net.serve_from(at, LIST, change(from, text));
    }
    sim.play(LIST);
    sim.run_for(secs(50));
    sim
}

fn assert_plays_on(sim: &Sim, what: &str) {
    assert!(errors(sim).is_empty(), "{what}: {:#?}", sim.events);
    assert_eq!(sim.state(), State::Started, "{what}");
    assert!(sim.position() > secs(40), "{what}: {}", sim.position());
    assert!(sim.engine().stats().frames_shown > 440, "{what}");
}

#[test]
fn a_live_stream_with_wrong_numbers_plays_on() {
    let dated = |from: i64, text: String| {
        let date = [
            "nonsense",
            "2026-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2026-02-30T99:00:00Z",
        ];
        let line = format!(
            "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF",
            date[from.unsigned_abs() as usize % 4]
        );
        text.replacen("#EXTINF", &line, 1)
    };
    assert_plays_on(&changed(1, dated), "dates");
    let target = |_, text: String| text.replace("TARGETDURATION:2", "TARGETDURATION:0");
    assert_plays_on(&changed(2, target), "no target duration");
    // An older copy of a cache, now and then.
    let stale = |from: i64, text: String| match from % 5 {
        3 => text.replace(
            &format!("SEQUENCE:{from}\n"),
            &format!("SEQUENCE:{}\n", from - 1),
        ),
        _ => text,
    };
    let sim = changed(3, stale);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.state(), State::Started);
}

#[test]
fn a_bandwidth_that_is_no_number_or_far_too_high_does_not_keep_a_variant_from_playing() {
    for bandwidth in ["0", "999999999999", "-5", "x", ""] {
        let mut sim = sim(4);
        serve_vod(&mut sim);
        let main = "http://films.test/main.m3u8";
        let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}\n{LIST}\n");
        sim.net.serve(main, text);
        sim.play(main);
        played_through(&mut sim, 80);
    }
}

#[test]
fn a_media_sequence_near_the_end_of_its_numbers_plays() {
    for sequence in [u64::MAX - 10, u64::MAX / 2] {
        let mut sim = sim(5);
        serve_vod(&mut sim);
        sim.net.serve(
            LIST,
            list(4, &format!("#EXT-X-MEDIA-SEQUENCE:{sequence}\n")),
        );
        sim.play(LIST);
        played_through(&mut sim, 80);
    }
}

#[test]
fn a_live_stream_whose_target_duration_is_an_hour_is_loaded_in_time() {
    let sim = changed(6, |_, text| {
        text.replace("TARGETDURATION:2", "TARGETDURATION:3600")
    });
    assert!(errors(&sim).is_empty());
    assert!(sim.position() > secs(30), "{}", sim.position());
}
