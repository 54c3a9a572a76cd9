//! Content steering (RFC 8216bis 7), in the simulator.

use kinora_media::Time;

use super::hls::list;
use super::{errors, is_completion};
use crate::sim::{Film, NetFault, Sim, mins, secs, sim};

const MAIN: &str = "http://films.test/main.m3u8";
const SERVER: &str = "http://steer.test/manifest";
const SEGMENTS: usize = 16;

/// Two pathways with two variants each, on hosts of their own, and who steers among them.
fn steered(seed: u64, manifest: &str) -> Sim {
    let mut sim = sim(seed);
    let mut main =
        format!("#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"{SERVER}\",PATHWAY-ID=\"A\"\n");
    for pathway in ["A", "B"] {
        let host = format!("http://{}.test", pathway.to_lowercase());
        serve(&mut sim, &host);
        for (name, bandwidth) in [("low", 40_000), ("high", 400_000)] {
            main += &format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},PATHWAY-ID=\"{pathway}\"\n{host}/{name}/list.m3u8\n"
            );
        }
    }
    sim.net.serve(MAIN, main);
    sim.net.serve(SERVER, manifest.to_owned());
    sim.play(MAIN);
    sim
}

fn serve(sim: &mut Sim, host: &str) {
    for name in ["low", "high"] {
        let text = list(SEGMENTS, "").replace("\n4.ts", "\n#EXT-X-DISCONTINUITY\n4.ts");
        let text = (2..4).fold(text, |text, loops| {
            let first = loops * 4;
            text.replace(
                &format!("\n{first}.ts"),
                &format!("\n#EXT-X-DISCONTINUITY\n{first}.ts"),
            )
        });
        sim.net.serve(&format!("{host}/{name}/list.m3u8"), text);
        for number in 0..SEGMENTS {
            let data = Film::ts_segments()[number % 4].clone();
            sim.net.serve(&format!("{host}/{name}/{number}.ts"), data);
        }
    }
}

fn segments_of(sim: &Sim, host: &str) -> Vec<Time> {
    let asked = sim.net.asked.iter();
    let of = asked.filter(|it| it.1.contains(host) && it.1.ends_with(".ts"));
    of.map(|it| it.0).collect()
}

fn played_through(sim: &mut Sim) {
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert_eq!((stats.stalls, stats.frames_dropped), (0, 0), "{stats:?}");
    assert!(stats.frames_shown >= 316, "{stats:?}");
}

#[test]
fn the_pathway_that_is_preferred_is_played_from_the_next_segment_on() {
    let mut sim = steered(1, r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["B","A"]}"#);
    played_through(&mut sim);
    let (a, b) = (segments_of(&sim, "a.test"), segments_of(&sim, "b.test"));
    assert!(
        a.len() <= 2 && b.len() >= SEGMENTS - 2,
        "{} {}",
        a.len(),
        b.len()
    );
    let asked = sim.net.asked.iter().find(|it| it.1.starts_with(SERVER));
    assert_eq!(
        asked.map(|it| it.1.as_str()),
        Some("http://steer.test/manifest?_HLS_pathway=A")
    );
}

#[test]
fn a_pathway_that_fails_is_left_for_the_next_one_in_the_same_quality() {
    let mut sim = steered(2, r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["A","B"]}"#);
    sim.net
        .fault(secs(0), mins(5), "a.test/high/3.ts", NetFault::Status(451));
    sim.net
        .fault(secs(0), mins(5), "a.test/low/3.ts", NetFault::Status(451));
    played_through(&mut sim);
    let (a, b) = (segments_of(&sim, "a.test"), segments_of(&sim, "b.test"));
    assert!(
        a.len() <= 4 && b.len() >= SEGMENTS - 4,
        "{} {}",
        a.len(),
        b.len()
    );
}

#[test]
fn a_pathway_that_is_cloned_is_played_from_its_host() {
    let manifest = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["C"],"PATHWAY-CLONES":[{"BASE-ID":"A","ID":"C","URI-REPLACEMENT":{"HOST":"c.test"}}]}"#;
    let mut sim = steered(3, manifest);
    serve(&mut sim, "http://c.test");
    played_through(&mut sim);
    assert!(segments_of(&sim, "c.test").len() >= SEGMENTS - 2);
}

#[test]
fn the_server_is_asked_again_when_it_says_and_nobody_waits_for_it() {
    let asked = |sim: &Sim| {
        let asked = sim
            .net
            .asked
            .iter()
            .filter(|it| it.1.contains("steer.test"));
        asked.map(|it| it.1.clone()).collect::<Vec<_>>()
    };
    let mut sim = steered(
        4,
        r#"{"VERSION":1,"TTL":10,"RELOAD-URI":"next","PATHWAY-PRIORITY":["A"]}"#,
    );
    sim.net.serve(
        "http://steer.test/next",
        r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["B"]}"#,
    );
    played_through(&mut sim);
    let times = asked(&sim);
    assert!((3..=4).contains(&times.len()), "{times:?}");
    assert!(times[1].starts_with("http://steer.test/next?"), "{times:?}");
    for answer in ["no JSON", ""] {
        let mut sim = steered(5, answer);
        played_through(&mut sim);
        assert_eq!(asked(&sim).len(), 1, "{answer}");
    }
    let mut sim = steered(6, "");
    sim.net
        .fault(Time::ZERO, mins(9), "steer.test", NetFault::Status(410));
    played_through(&mut sim);
    assert_eq!(asked(&sim).len(), 1);
}
