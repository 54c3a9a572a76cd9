//! What time it is, by a clock of the network.

use kinora_media::Time;

use super::*;

/// A live film of which 60 s are made, while our clock is 30 s late; the manifest names that clock. What was asked for first.
fn first_asked(sim: &mut Sim, clock: &str) -> String {
    serve_live(sim, "", LIVE);
    sim.net.serve(MPD, behind(sim, clock));
    sim.play(MPD);
    assert!(sim.run_until(secs(6), is_first), "{:#?}", sim.events);
    let mut asked = sim.net.asked.iter();
    asked.find(|it| it.1.ends_with(".ts")).unwrap().1.clone()
}

fn behind(sim: &Sim, clock: &str) -> String {
    let start = time_text(sim.now_unix_ms() - 30_000);
    format!(
        "<MPD type='dynamic' availabilityStartTime='{start}'>{clock}<Period id='p' start='PT0S'>\
         <AdaptationSet mimeType='video/mp2t' contentType='video'>{LIVE}</AdaptationSet></Period></MPD>"
    )
}

const ISO: &str =
    "<UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-iso:2014' value='http://time.test/now'/>";
const CLOCK: &str = "http://time.test/now";

fn real_time(sim: &Sim) -> String {
    time_text(sim.now_unix_ms() + 30_000)
}

#[test]
fn a_clock_of_the_network_is_asked_before_the_first_segment() {
    for scheme in ["http-iso", "http-xsdate"] {
        let mut sim = sim(40);
        let told = real_time(&sim);
        sim.net.serve(CLOCK, told);
        let clock = ISO.replace("http-iso", scheme);
        // Of the 30 segments that are made the one that begins 6 s before the end.
        assert_eq!(first_asked(&mut sim, &clock), at("27.ts"));
        assert_eq!(asked_of(&sim, "time.test"), 1);
    }
}

#[test]
fn the_date_of_an_answer_to_head_tells_the_time() {
    let mut sim = sim(41);
    sim.net.serve(CLOCK, "");
    sim.net.date_ms = Some(sim.now_unix_ms() + 30_000);
    let clock = ISO.replace("http-iso", "http-head");
    assert_eq!(first_asked(&mut sim, &clock), at("27.ts"));
    assert_eq!(asked_of(&sim, "time.test"), 1);
}

#[test]
fn a_clock_that_fails_gives_way_to_the_next() {
    let mut sim = sim(42);
    let told = real_time(&sim);
    sim.net.serve("http://time.test/then", told);
    sim.net
        .serve("http://time.test/nonsense", "half past seven");
    let clock = ISO.replace(
        CLOCK,
        "http://time.test/gone http://time.test/nonsense http://time.test/then",
    );
    assert_eq!(first_asked(&mut sim, &clock), at("27.ts"));
}

#[test]
fn a_clock_that_keeps_silent_is_not_waited_for_long() {
    let mut sim = sim(43);
    sim.net
        .fault(secs(0), mins(9), "time.test", NetFault::Silent);
    // By ours, which is late: 32 s are made by then.
    assert_eq!(first_asked(&mut sim, ISO), at("13.ts"));
    let first = sim.when(is_first).unwrap();
    assert!(secs(2) < first && first < secs(4), "{first}");
    assert_eq!(asked_of(&sim, "time.test"), 1);
}

#[test]
fn a_clock_that_floods_is_cut_off() {
    let mut sim = sim(44);
    sim.net.serve(CLOCK, vec![b'9'; 1 << 20]);
    assert_eq!(first_asked(&mut sim, ISO), at("12.ts"));
}

#[test]
fn the_clock_of_a_manifest_may_be_no_file() {
    let mut sim = sim(45);
    let clock = ISO.replace(CLOCK, "file:///etc/hostname");
    assert_eq!(first_asked(&mut sim, &clock), at("12.ts"));
    assert_eq!(asked_of(&sim, "hostname"), 0);
}

#[test]
fn what_a_clock_told_counts_more_than_the_dates_of_later_manifests() {
    let mut sim = sim(46);
    let told = real_time(&sim);
    sim.net.serve(CLOCK, told);
    let text = behind(&sim, ISO).replace("<MPD ", "<MPD minimumUpdatePeriod='PT5S' ");
    serve_live(&mut sim, "", LIVE);
    sim.net.serve(MPD, text);
    // The server of the manifest goes wrong by an hour.
    sim.net.date_ms = Some(sim.now_unix_ms() - 3_600_000);
    sim.play(MPD);
    sim.run_for(secs(30));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(asked_of(&sim, "film.mpd") >= 4);
    assert_eq!(asked_of(&sim, "time.test"), 1);
    let behind = secs(90) - sim.position();
    assert!(secs(4) < behind && behind < secs(12), "{behind}");
}

#[test]
fn a_session_that_asked_a_clock_runs_the_same_again() {
    for served in [true, false] {
        runs_again(47, |sim| {
            if served {
                let told = real_time(sim);
                sim.net.serve(CLOCK, told);
            }
            first_asked(sim, ISO);
            sim.run_for(secs(10));
        });
    }
}

/// The number of the newest segment that was asked for.
fn newest(sim: &Sim) -> u64 {
    let asked = sim.net.asked.iter().rev();
    let mut names = asked.filter_map(|it| it.1.strip_suffix(".ts")?.rsplit('/').next());
    names.next().unwrap().parse().unwrap()
}

#[test]
fn a_clock_that_told_nothing_is_asked_again_and_believed_then() {
    let mut sim = sim(48);
    let start = sim.now_unix_ms();
    // For the first 25 s it is not there; then it tells what time it is, a second apart.
    sim.net.generate(CLOCK, move |now, _| {
        (now > secs(25)).then(|| time_text(start + 30_000 + now.as_millis()).into())
    });
    // By ours, which is late, 15 segments are made.
    assert_eq!(first_asked(&mut sim, ISO), at("12.ts"));
    sim.run_for(secs(24) - sim.now());
    assert_eq!(asked_of(&sim, "time.test"), 1);
    assert!(newest(&sim) < 30, "{}", newest(&sim));
    sim.run_for(secs(36));
    // Asked again after half a minute, and then no more; by now 60 are made.
    assert_eq!(asked_of(&sim, "time.test"), 2);
    assert!((58..=60).contains(&newest(&sim)), "{}", newest(&sim));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
}

#[test]
fn clocks_that_are_due_together_with_the_manifest_are_asked_once_each() {
    let mut sim = sim(49);
    let clocks = ISO.replace(CLOCK, "http://time.test/gone http://time.test/busy");
    sim.net
        .fault(secs(0), mins(9), "time.test/busy", NetFault::Status(503));
    let text = behind(&sim, &clocks).replace("<MPD ", "<MPD minimumUpdatePeriod='PT10S' ");
    serve_live(&mut sim, "", LIVE);
    sim.net.serve(MPD, text);
    sim.play(MPD);
    sim.run_for(secs(45));
    for clock in ["time.test/gone", "time.test/busy"] {
        let asked = sim.net.asked.iter().filter(|it| it.1.ends_with(clock));
        let times: Vec<Time> = asked.map(|it| it.0).collect();
        assert_eq!(times.len(), 5, "{clock}: {times:?}");
        let apart = |pair: &[Time]| pair[1] - pair[0] > secs(9);
        assert!(times.windows(2).all(apart), "{clock}: {times:?}");
    }
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
}

#[test]
fn a_clock_is_asked_again_where_segments_are_not_there_by_it() {
    let mut sim = sim(50);
    let start = sim.now_unix_ms();
    // The first answer is of a server that is fast by five seconds.
    sim.net.generate(CLOCK, move |now, _| {
        let wrong = if now < secs(1) { 5_000 } else { 0 };
        Some(time_text(start + 30_000 + wrong + now.as_millis()).into())
    });
    let inside = LIVE.replace(
        "<SegmentTemplate ",
        "<SegmentTemplate availabilityTimeOffset='6' ",
    );
    serve_live(&mut sim, "", LIVE);
    let text = behind(&sim, ISO).replace(LIVE, &inside);
    sim.net.serve(MPD, text);
    sim.play(MPD);
    sim.run_for(mins(1));
    let asked = asked_of(&sim, "time.test");
    assert!((2..=7).contains(&asked), "{asked}");
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
}
