//! Clocks that differ: what is to be there by ours is not there yet.

use kinora_media::Time;

use super::*;
use crate::sim::chunked::Chunked;

/// A live film of which nothing is made for so long, from a moment on: it comes later from then on than its manifest says.
fn late(seed: u64, from: kinora_media::Time, late: Time, clock: &str) -> Sim {
    let mut sim = sim(seed);
    // What was late before it began is one that began later.
    let (began, late) = match from == Time::MIN {
        true => (late, None),
        false => (Time::ZERO, Some((from, late))),
    };
    let origin = Chunked {
        late,
        ..Chunked::new(&[100_000])
    };
    let start = time_text(sim.now_unix_ms() - 60_000 - began.as_millis());
    let text = origin.mpd(&start, "suggestedPresentationDelay='PT6S'", clock);
    sim.net.serve(
        MPD,
        text.replace("init.mp4", "http://chunks.test/init.mp4")
            .replace("$Rep", "http://chunks.test/$Rep"),
    );
    sim.net.serve_origin(origin);
    sim
}

/// It plays on, and leaves nothing out.
fn plays(sim: &mut Sim, made_late: Time) {
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
    for pair in sim.shown.windows(2) {
        assert_eq!(pair[1].1 - pair[0].1, ms(100), "behind {}", pair[0].1);
    }
    let behind = secs(60) + sim.now() - made_late - sim.position();
    assert!(secs(0) < behind && behind < secs(14), "{behind}");
    // It is not asked for again and again.
    let refused = sim
        .net
        .asked
        .iter()
        .filter(|it| it.1.ends_with(".m4s"))
        .count();
    assert!(refused < 80, "{refused}");
}

#[test]
fn a_clock_that_is_fast_is_found_out_at_the_first_segment() {
    for seconds in [5, 12, 40] {
        let mut sim = late(50, Time::MIN, secs(seconds), "");
        sim.play(MPD);
        assert!(
            sim.run_until(secs(15), is_first),
            "{seconds}: {:#?}",
            sim.events
        );
        sim.run_for(mins(1));
        plays(&mut sim, secs(0));
        let last = sim.shown.last().unwrap().0;
        assert!(sim.now() - last < secs(1), "{seconds}: stands since {last}");
    }
}

#[test]
fn an_encoder_that_falls_behind_is_waited_for() {
    let mut sim = late(51, secs(20), secs(6), "");
    sim.play(MPD);
    sim.run_for(mins(2));
    plays(&mut sim, secs(6));
}

#[test]
fn a_segment_that_the_server_has_lost_is_passed_over_in_the_end() {
    let mut sim = late(52, mins(9), secs(1), "");
    sim.net
        .fault(secs(0), mins(9), "/40.m4s", NetFault::Status(404));
    sim.play(MPD);
    sim.run_for(mins(2));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    let jumps = sim
        .shown
        .windows(2)
        .filter(|it| it[1].1 - it[0].1 > ms(100));
    assert_eq!(jumps.count(), 1);
    assert!(sim.now() - sim.shown.last().unwrap().0 < secs(1));
}
