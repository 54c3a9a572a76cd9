//! The latency that a manifest wants.

use super::*;

const LATENCY: &str =
    "<ServiceDescription id='0'><Latency target='2500' referenceId='1'/></ServiceDescription>";

/// A live film whose segments can be had 1.8 s before they are whole.
fn serve_early(sim: &mut Sim, services: &str) {
    let early = LIVE.replace(
        "duration='2'",
        "duration='2' availabilityTimeOffset='1.8' availabilityTimeComplete='false'",
    );
    let start = time_text(sim.now_unix_ms() - 60_000);
    let text = format!(
        "<MPD type='dynamic' availabilityStartTime='{start}' suggestedPresentationDelay='PT2.5S'>{services}<Period id='p' start='PT0S'>\
         <AdaptationSet mimeType='video/mp2t' contentType='video'>{early}</AdaptationSet></Period></MPD>"
    );
    sim.net.serve(MPD, text);
    for number in 0..100 {
        let data = Film::ts_segments()[number % 4].clone();
        let there = ms(i64::try_from(number).unwrap() * 2_000 + 200 - 60_000);
        sim.net
            .serve_from(there, &at(&format!("{number}.ts")), data);
    }
}

fn latency(sim: &Sim) -> kinora_media::Time {
    secs(60) + sim.now() - sim.position()
}

#[test]
fn a_stream_that_names_its_latency_is_played_with_it_from_the_first_picture_on() {
    let mut sim = sim(70);
    serve_early(&mut sim, LATENCY);
    sim.play(MPD);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    sim.run_for(secs(2));
    let begun = latency(&sim);
    assert!(ms(2_300) < begun && begun < ms(3_100), "{begun}");
    sim.run_for(secs(30));
    let later = latency(&sim);
    assert!((later - begun).abs() < ms(100), "{begun} {later}");
    assert_eq!(sim.stalled(), secs(0), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
}

#[test]
fn segments_that_are_there_early_do_not_draw_playback_to_the_edge() {
    let mut sim = sim(71);
    serve_early(&mut sim, "");
    sim.play(MPD);
    sim.run_for(secs(10));
    // It begins with a whole segment.
    let behind = latency(&sim);
    assert!(ms(2_300) < behind && behind < ms(4_900), "{behind}");
    assert_eq!(sim.stalled(), secs(0), "{:#?}", sim.events);
}
