//! Content steering (ETSI TS 103 998): by the same server as HLS, among service locations.

use super::*;

const SERVER: &str = "http://steer.test/dash";

/// Two service locations that have the same, on hosts of their own, and who steers among them. `attributes` of his element.
fn steered(seed: u64, attributes: &str, says: &str) -> Sim {
    let mut sim = sim(seed);
    let segments = 16;
    for host in ["a", "b", "c"] {
        for number in 0..segments {
            let data = Film::ts_segments()[number % 4].clone();
            sim.net
                .serve(&format!("http://{host}.test/{number}.ts"), data);
        }
    }
    let periods: String = (0..segments / 4)
        .map(|run| {
            let template = format!(
                "<SegmentTemplate duration='2' startNumber='{}' media='$Number$.ts'/>",
                run * 4
            );
            let inside = format!("{template}<Representation id='v' bandwidth='100000'/>");
            let set = format!(
                "<AdaptationSet mimeType='video/mp2t' contentType='video'>{inside}</AdaptationSet>"
            );
            format!("<Period id='{run}' duration='PT8S'>{set}</Period>")
        })
        .collect();
    sim.net.serve(
        MPD,
        format!(
            "<MPD type='static'><BaseURL serviceLocation='A'>http://a.test/</BaseURL><BaseURL serviceLocation='B'>http://b.test/</BaseURL>\
             <ContentSteering {attributes}>{SERVER}</ContentSteering>{periods}</MPD>"
        ),
    );
    sim.net.serve(SERVER, says.to_owned());
    sim
}

fn through(sim: &mut Sim) {
    sim.play(MPD);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert_eq!((stats.stalls, stats.frames_dropped), (0, 0), "{stats:?}");
    assert!(stats.frames_shown >= 316, "{stats:?}");
}

const DEFAULT: &str = "defaultServiceLocation='A'";

#[test]
fn the_service_location_that_is_preferred_is_played_from_the_next_segment_on() {
    let says = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["B","A"]}"#;
    let mut sim = steered(80, DEFAULT, says);
    through(&mut sim);
    let (a, b) = (asked_of(&sim, "a.test"), asked_of(&sim, "b.test"));
    assert!((1..=3).contains(&a) && b >= 13, "{a} {b}");
    let asked = sim.net.asked.iter().find(|it| it.1.starts_with(SERVER));
    let expected = format!("{SERVER}?_DASH_pathway=A");
    assert_eq!(asked.map(|it| it.1.as_str()), Some(expected.as_str()));
}

#[test]
fn who_is_to_be_asked_before_the_start_is_waited_for_a_while() {
    let says = r#"{"VERSION":1,"TTL":300,"SERVICE-LOCATION-PRIORITY":["B"]}"#;
    let before = "defaultServiceLocation='A' queryBeforeStart='true'";
    let mut sim = steered(81, before, says);
    through(&mut sim);
    assert_eq!(
        (asked_of(&sim, "a.test"), asked_of(&sim, "b.test")),
        (0, 16)
    );
    let mut sim = steered(82, before, says);
    sim.net
        .fault(secs(0), mins(9), "steer.test", NetFault::Silent);
    through(&mut sim);
    let first = sim.when(is_first).unwrap();
    assert!(secs(2) < first && first < secs(3), "{first}");
    assert_eq!(
        (asked_of(&sim, "a.test"), asked_of(&sim, "b.test")),
        (16, 0)
    );
}

#[test]
fn a_service_location_that_is_cloned_is_played_from_its_host_and_left_when_it_fails() {
    let says = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["C","B","A"],
        "PATHWAY-CLONES":[{"BASE-ID":"A","ID":"C","URI-REPLACEMENT":{"HOST":"c.test"}}]}"#;
    let mut sim = steered(83, DEFAULT, says);
    sim.net
        .fault(secs(0), mins(9), "c.test/9.ts", NetFault::Status(404));
    through(&mut sim);
    let (b, c) = (asked_of(&sim, "b.test"), asked_of(&sim, "c.test"));
    assert!(c >= 6 && b >= 5, "{b} {c}");
}

#[test]
fn the_server_is_asked_again_and_told_where_playback_is_now() {
    let says = r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["B"]}"#;
    let mut sim = steered(84, DEFAULT, says);
    through(&mut sim);
    let asked = sim.net.asked.iter().filter(|it| it.1.starts_with(SERVER));
    let asked: Vec<&str> = asked.map(|it| it.1.as_str()).collect();
    assert!((3..=4).contains(&asked.len()), "{asked:?}");
    assert!(
        asked[1].starts_with("http://steer.test/dash?_DASH_pathway=B&_DASH_throughput="),
        "{asked:?}"
    );
    assert_eq!(asked[2].matches("_DASH").count(), 2, "{asked:?}");
}

#[test]
fn a_session_that_is_steered_runs_the_same_again() {
    let says = r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["B"]}"#;
    runs_again(85, |sim| {
        let mut other = steered(
            85,
            "defaultServiceLocation='A' queryBeforeStart='true'",
            says,
        );
        std::mem::swap(&mut sim.net, &mut other.net);
        sim.play(MPD);
        assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    });
}
