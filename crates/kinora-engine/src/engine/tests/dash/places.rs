//! Several places that have the same: one that fails is left.

use super::*;

/// A film whose segments are to be had at `a.test` and at `b.test`.
fn serve_twice(sim: &mut Sim, bases: &str) {
    let (init, segments) = Film::fmp4();
    for host in ["a", "b"] {
        let at = |name: &str| format!("http://{host}.test/vod/{name}");
        sim.net.serve(&at("init.mp4"), init.clone());
        for (number, data) in (1..).zip(segments.clone()) {
            sim.net.serve(&at(&format!("{number}.m4s")), data);
        }
    }
    sim.net.serve(
        MPD,
        format!(
            "<MPD type='static' xmlns:dvb='urn:dvb'>{bases}{}</MPD>",
            period("duration='PT6S'", &format!("{TEMPLATE}{BOTH}"))
        ),
    );
}

const TWO: &str = "<BaseURL serviceLocation='a'>http://a.test/vod/</BaseURL><BaseURL serviceLocation='b'>http://b.test/vod/</BaseURL>";

fn recovered(sim: &Sim) -> usize {
    sim.count(|event| matches!(event, Event::Recovered(_)))
}

#[test]
fn the_first_of_several_bases_is_taken_while_it_answers() {
    let mut sim = sim(30);
    serve_twice(&mut sim, TWO);
    sim.play(MPD);
    played_through(&mut sim, 60);
    assert_eq!((asked_of(&sim, "a.test"), asked_of(&sim, "b.test")), (4, 0));
}

#[test]
fn a_place_that_refuses_connections_is_left_after_one_more_try_for_all_that_follows() {
    let mut sim = sim(31);
    serve_twice(&mut sim, TWO);
    sim.net.fault(secs(0), mins(9), "a.test", NetFault::Refuses);
    sim.play(MPD);
    played_through(&mut sim, 60);
    // The init section and the first segment, which are asked for together, twice at most.
    assert!(asked_of(&sim, "a.test") <= 4, "{:?}", sim.net.asked);
    assert_eq!(asked_of(&sim, "b.test"), 4, "{:?}", sim.net.asked);
    assert!((1..=4).contains(&recovered(&sim)), "{:#?}", sim.events);
}

#[test]
fn a_segment_that_breaks_off_goes_on_at_the_other_place_at_the_same_byte() {
    let mut sim = sim(32);
    serve_twice(&mut sim, TWO);
    sim.net.fault(
        secs(0),
        mins(9),
        "a.test/vod/1.m4s",
        NetFault::Truncates(4_096),
    );
    sim.net
        .fault(ms(100), mins(9), "a.test/vod/1.m4s", NetFault::Status(503));
    sim.play(MPD);
    played_through(&mut sim, 60);
    let mut asked = sim.net.asked.iter();
    let moved = asked.find(|it| it.1.contains("b.test/vod/1.m4s"));
    let (_, _, first_byte) = moved.unwrap();
    let whole = Film::fmp4().1[0].len() as u64;
    assert!(0 < *first_byte && *first_byte < whole, "{first_byte}");
    assert_eq!(asked_of(&sim, "a.test/vod/3.m4s"), 0, "it is left");
}

#[test]
fn places_that_all_fail_end_in_the_fault_of_the_last_one() {
    let mut sim = sim(33);
    serve_twice(&mut sim, TWO);
    sim.net
        .fault(secs(0), mins(9), ".test/vod/1.m4s", NetFault::Status(403));
    sim.play(MPD);
    sim.run_for(mins(1));
    assert_eq!(errors(&sim), [codes::ERROR_NETWORK_HTTP_403]);
    // None is asked for ever.
    assert!(sim.net.asked.len() < 20, "{:?}", sim.net.asked);
}

#[test]
fn bases_of_inner_levels_stand_below_those_of_outer_ones() {
    let mut sim = sim(34);
    serve_twice(&mut sim, "");
    let inner = "<BaseURL>vod/</BaseURL>";
    let outer = "<BaseURL>http://a.test/</BaseURL><BaseURL>http://b.test/</BaseURL>";
    sim.net.serve(
        MPD,
        format!(
            "<MPD type='static'>{outer}{}</MPD>",
            period("duration='PT6S'", &format!("{inner}{TEMPLATE}{BOTH}"))
        ),
    );
    sim.net
        .fault(ms(100), mins(9), "a.test", NetFault::Status(500));
    sim.net.weather.bytes_per_second = 20_000;
    sim.play(MPD);
    played_through(&mut sim, 60);
    assert!(asked_of(&sim, "b.test/vod/") >= 1, "{:?}", sim.net.asked);
}

#[test]
fn a_file_with_an_index_is_read_on_at_another_place_without_its_index_again() {
    let mut sim = sim(35);
    let (file, index) = indexed_file();
    for host in ["a", "b"] {
        let url = format!("http://{host}.test/all.mp4");
        sim.net.serve(&url, file.clone());
    }
    let it = format!(
        "<Representation id='v' codecs='avc1.64000a'><BaseURL>http://a.test/all.mp4</BaseURL><BaseURL>http://b.test/all.mp4</BaseURL>\
         <SegmentBase indexRange='{}-{}'><Initialization range='0-{}'/></SegmentBase></Representation>",
        index.start,
        index.end - 1,
        index.start - 1
    );
    sim.net.serve(MPD, vod(&period("duration='PT6S'", &it)));
    sim.net
        .fault(ms(200), mins(9), "a.test", NetFault::Status(404));
    sim.net.weather.bytes_per_second = 60_000;
    sim.play(MPD);
    played_through(&mut sim, 60);
    let of_b = sim.net.asked.iter().filter(|it| it.1.contains("b.test"));
    let starts: Vec<u64> = of_b.map(|it| it.2).collect();
    assert!(
        !starts.is_empty() && !starts.contains(&(index.start as u64)),
        "{starts:?}"
    );
}

#[test]
fn a_place_of_less_priority_waits_and_those_of_one_share_players_by_weight() {
    let weighed = "<BaseURL dvb:priority='2'>http://c.test/</BaseURL>\
         <BaseURL dvb:priority='1' dvb:weight='30'>http://a.test/vod/</BaseURL><BaseURL dvb:priority='1' dvb:weight='10'>http://b.test/vod/</BaseURL>";
    let mut of_a = 0;
    for seed in 0..40 {
        let mut sim = sim(seed);
        serve_twice(&mut sim, weighed);
        sim.play(MPD);
        assert!(sim.run_until(secs(5), is_first));
        assert_eq!(asked_of(&sim, "c.test"), 0);
        let (a, b) = (asked_of(&sim, "a.test"), asked_of(&sim, "b.test"));
        assert!(a == 0 || b == 0, "one player keeps to one place");
        of_a += usize::from(a > 0);
    }
    assert!(
        (20..=38).contains(&of_a),
        "{of_a} of 40 by weights of 30 to 10"
    );
}

#[test]
fn a_session_that_left_a_place_runs_the_same_again() {
    runs_again(36, |sim| {
        serve_twice(sim, TWO);
        sim.net
            .fault(secs(0), mins(9), "a.test/vod/2", NetFault::Refuses);
        sim.play(MPD);
        assert!(sim.run_until(secs(40), is_completion));
        assert!(asked_of(sim, "b.test") >= 1);
    });
}
