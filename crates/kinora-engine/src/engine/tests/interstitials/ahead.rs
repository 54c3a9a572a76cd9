//! What is played in between is read before its time.

use super::*;
use crate::sim::{Weather, mins};

/// A network on which each answer takes nearly a second.
fn far(mut sim: Sim) -> Sim {
    sim.net.weather = Weather {
        latency: ms(900),
        bytes_per_second: 1_000_000,
    };
    sim
}

/// How long no picture followed another, once the first was out; the longest.
fn longest_wait(sim: &Sim) -> Time {
    let pairs = sim.shown.windows(2);
    pairs.map(|pair| pair[1].0 - pair[0].0).max().unwrap()
}

fn asked_at(sim: &Sim, part: &str) -> Time {
    let mut asked = sim.net.asked.iter();
    asked.find(|it| it.1.contains(part)).unwrap().0
}

#[test]
fn a_break_begins_and_ends_without_a_wait() {
    let mut sim = far(vod(21, &range("ad", 5_000, ONE)));
    sim.play(LIST);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    let begins = sim.when(is_start).unwrap();
    assert!(asked_at(&sim, "/ad/0.ts") < begins, "{:?}", sim.net.asked);
    // A picture each tenth of a second, before, in and behind it.
    let expected: Vec<i64> = (0..50).chain(0..40).chain(50..80).collect();
    assert_eq!(shown(&sim), expected);
    assert!(longest_wait(&sim) < ms(250), "{}", longest_wait(&sim));
    assert_eq!(ended(&sim), played(InterstitialEnd::Played));
    // Nothing is asked for twice.
    let ads = sim.net.asked.iter().filter(|it| it.1.contains("/ad/"));
    assert_eq!(ads.count(), 3);
}

#[test]
fn each_asset_of_a_list_follows_the_one_before_without_a_wait() {
    let json = r#"{"ASSETS":[{"URI":"short.m3u8"},{"URI":"list.m3u8","DURATION":4},{"URI":"short.m3u8"}]}"#;
    let more = "X-ASSET-LIST=\"/ad/ads.json\",X-RESUME-OFFSET=0";
    let mut sim = far(vod(22, &range("ad", 6_000, more)));
    sim.net.serve("http://films.test/ad/ads.json", json);
    sim.play(LIST);
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    let expected: Vec<i64> = (0..60)
        .chain(0..20)
        .chain(0..40)
        .chain(0..20)
        .chain(60..80)
        .collect();
    assert_eq!(shown(&sim), expected);
    assert!(longest_wait(&sim) < ms(250), "{}", longest_wait(&sim));
}

#[test]
fn what_follows_the_end_is_read_before_it() {
    let post = range("post", 1_000, &format!("{ONE},CUE=\"POST\""));
    let mut sim = far(vod(23, &post));
    sim.play(LIST);
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    let expected: Vec<i64> = (0..80).chain(0..40).collect();
    assert_eq!(shown(&sim), expected);
    assert!(longest_wait(&sim) < ms(250), "{}", longest_wait(&sim));
}

/// A presentation of 40 s.
fn long(seed: u64, ranges: &str) -> Sim {
    let mut sim = sim(seed);
    serve_assets(&mut sim);
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{DATE}{ranges}");
    for number in 0..20 {
        let data = Film::ts_segments()[number % 4].clone();
        sim.net.serve(&super::super::hls::segment_url(number), data);
        let border = if number > 0 && number % 4 == 0 {
            "#EXT-X-DISCONTINUITY\n"
        } else {
            ""
        };
        text += &format!("{border}#EXTINF:2,\n{number}.ts\n");
    }
    sim.net.serve(LIST, text + "#EXT-X-ENDLIST\n");
    sim
}

#[test]
fn it_is_read_shortly_before_its_time_and_given_up_by_a_seek_elsewhere() {
    let mut sim = long(24, &range("ad", 25_000, ONE));
    sim.net
        .fault(Time::ZERO, secs(17), "/ad/0.ts", NetFault::Silent);
    sim.play(LIST);
    sim.run_for(secs(14));
    let asked = |sim: &Sim| {
        sim.net
            .asked
            .iter()
            .filter(|it| it.1.contains("/ad/"))
            .count()
    };
    assert_eq!(asked(&sim), 0);
    sim.run_for(secs(2));
    assert_eq!(asked(&sim), 2, "{:?}", sim.net.asked);
    sim.seek(secs(1), SeekAccuracy::Exact);
    sim.run_for(secs(2));
    assert_eq!(sim.net.open_requests(), 0);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert_eq!(ended(&sim), played(InterstitialEnd::Played));
    assert_eq!(asked(&sim), 5);
}

#[test]
fn what_fails_ahead_of_its_time_is_told_at_its_time() {
    let mut sim = vod(25, &range("ad", 6_000, ONE));
    sim.net.serve(AD, "<html>");
    sim.play(LIST);
    sim.run_for(secs(5));
    assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 0);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 1);
    assert_eq!(ended(&sim), played(InterstitialEnd::Failed));
    assert_eq!(shown(&sim), (0..80).collect::<Vec<_>>());
    assert!(longest_wait(&sim) < ms(250), "{}", longest_wait(&sim));
}
