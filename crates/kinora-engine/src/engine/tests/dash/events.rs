//! Events of the manifest and of segments.

use std::sync::Arc;

use kinora_media::{Time, TimedEvent};

use super::*;

/// An event message of version 1 (ISO/IEC 23009-1 5.10.3.3) on a clock of milliseconds.
fn emsg(
    (scheme, value, id): (&str, &str, u32),
    start_ms: u64,
    duration_ms: u32,
    data: &[u8],
) -> Vec<u8> {
    let numbers = [
        &1_000_u32.to_be_bytes()[..],
        &start_ms.to_be_bytes(),
        &duration_ms.to_be_bytes(),
        &id.to_be_bytes(),
    ];
    let strings = [scheme.as_bytes(), b"\0", value.as_bytes(), b"\0", data];
    boxed(1, &[numbers.concat(), strings.concat()].concat())
}

/// The same of version 0: from the start of its segment on.
fn relative(scheme: &str, id: u32, delta_ms: u32) -> Vec<u8> {
    let strings = [scheme.as_bytes(), b"\0\0"].concat();
    let numbers = [1_000, delta_ms, 0, id].map(u32::to_be_bytes).concat();
    boxed(0, &[strings, numbers].concat())
}

fn boxed(version: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 12).unwrap();
    let head = [&len.to_be_bytes()[..], b"emsg", &[version, 0, 0, 0]];
    [&head.concat()[..], body].concat()
}

/// The film whose segments begin with these messages.
fn serve_with(sim: &mut Sim, messages: [Vec<u8>; 3]) {
    serve_fmp4(sim);
    let (_, segments) = Film::fmp4();
    for ((number, data), message) in (1..).zip(segments).zip(messages) {
        let with = [message, data.to_vec()].concat();
        sim.net.serve(&at(&format!("{number}.m4s")), with);
    }
}

fn told(sim: &Sim) -> Vec<(Time, Arc<TimedEvent>)> {
    let told = sim.events.iter().filter_map(|(at, event)| match event {
        Event::Timed(event) => Some((*at, Arc::clone(event))),
        _ => None,
    });
    told.collect()
}

fn starts(sim: &Sim) -> Vec<(u64, i64)> {
    let told = told(sim).into_iter();
    told.map(|(_, event)| (event.id.unwrap_or(0), event.start.as_millis()))
        .collect()
}

const FILM: &str = "<Period id='p' duration='PT6S'>EVENTS<AdaptationSet mimeType='video/mp4'>";

fn film(events: &str) -> String {
    let period = FILM.replace("EVENTS", events);
    vod(&format!(
        "{period}{TEMPLATE}{BOTH}</AdaptationSet></Period>"
    ))
}

#[test]
fn an_event_of_the_manifest_comes_with_the_picture_of_its_time() {
    let mut sim = sim(60);
    serve_fmp4(&mut sim);
    let stream = "<EventStream schemeIdUri='urn:test' value='v' timescale='1000'>\
         <Event presentationTime='3500' duration='1000' id='4'>later</Event><Event presentationTime='1000' id='3'>soon</Event></EventStream>";
    sim.net.serve(MPD, film(stream));
    sim.play(MPD);
    played_through(&mut sim, 60);
    assert_eq!(starts(&sim), [(3, 1_000), (4, 3_500)]);
    let (_, last) = told(&sim)[1].clone();
    assert_eq!(
        (last.scheme.as_str(), last.value.as_str()),
        ("urn:test", "v")
    );
    assert_eq!(last.data, b"later"[..]);
    assert_eq!(last.duration, Some(secs(1)));
    let first = sim.when(is_first).unwrap();
    for (at, event) in told(&sim) {
        let due = first + event.start;
        assert!(
            (at - due).abs() < ms(150),
            "{event:?} at {at}, due at {due}"
        );
    }
}

#[test]
fn messages_of_segments_come_once_each_by_their_ids() {
    let mut sim = sim(61);
    let id3 = (TimedEvent::ID3, "", 9);
    let again = emsg(("urn:test", "1", 7), 2_500, 500, b"x");
    serve_with(
        &mut sim,
        [
            again.clone(),
            [again, relative("urn:test", 8, 300)].concat(),
            emsg(id3, 5_000, 0, b"ID3"),
        ],
    );
    sim.net.serve(MPD, film(""));
    sim.play(MPD);
    played_through(&mut sim, 60);
    let mut told = starts(&sim);
    told.sort_unstable();
    assert_eq!((told[0], told[2]), ((7, 2_500), (9, 5_000)), "{told:?}");
    // Its segment's first picture is shown at 2.2 s.
    assert_eq!(told[1], (8, 2_500));
}

#[test]
fn after_a_seek_what_lasts_there_is_told_again_and_what_lies_before_is_not() {
    let mut sim = sim(62);
    let stream = "<EventStream schemeIdUri='urn:test' timescale='1000'><Event presentationTime='500' id='1'/>\
         <Event presentationTime='1000' duration='4000' id='2'/><Event presentationTime='4500' id='3'/></EventStream>";
    serve_fmp4(&mut sim);
    sim.net.serve(MPD, film(stream));
    sim.play(MPD);
    assert!(sim.run_until(
        secs(9),
        |event| matches!(event, Event::Timed(it) if it.id == Some(2))
    ));
    sim.seek(secs(3), SeekAccuracy::Exact);
    played_through_seek(&mut sim);
    let ids: Vec<u64> = starts(&sim).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [1, 2, 2, 3]);
}

fn played_through_seek(sim: &mut Sim) {
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
}

#[test]
fn a_message_that_ends_the_manifest_has_it_asked_for_at_once_and_is_not_told() {
    let mut sim = sim(63);
    let start = time_text(sim.now_unix_ms() - 4_000);
    // All of it is there, and it says of itself that it may go on.
    let text = format!(
        "<MPD type='dynamic' availabilityStartTime='{start}' minimumUpdatePeriod='PT600S' suggestedPresentationDelay='PT4S'>\
         <Period id='p' start='PT0S'><AdaptationSet mimeType='video/mp4'>{}{BOTH}</AdaptationSet></Period></MPD>",
        TEMPLATE.replace("duration='20'", "").replace(
            "/>",
            "><SegmentTimeline><S t='0' d='20' r='2'/></SegmentTimeline></SegmentTemplate>"
        )
    );
    let ends = emsg(
        ("urn:mpeg:dash:event:2012", "1", 5),
        4_000,
        0,
        b"2026-01-01T00:00:00Z",
    );
    serve_with(&mut sim, [ends.clone(), ends, Vec::new()]);
    sim.net.serve(MPD, text);
    sim.play(MPD);
    sim.run_for(secs(5));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(asked_of(&sim, "film.mpd"), 2, "{:?}", sim.net.asked);
    assert!(told(&sim).is_empty());
}

#[test]
fn a_message_that_is_cut_or_huge_is_passed_over() {
    let mut sim = sim(64);
    let mut cut = emsg(("urn:test", "", 1), 0, 0, b"");
    cut.truncate(20);
    cut[..4].copy_from_slice(&20_u32.to_be_bytes());
    let huge = emsg(("urn:test", "", 2), 0, 0, &vec![0; 300 * 1024]);
    serve_with(&mut sim, [cut, huge, Vec::new()]);
    sim.net.serve(MPD, film(""));
    sim.play(MPD);
    played_through(&mut sim, 60);
    assert!(told(&sim).is_empty());
}

#[test]
fn a_session_with_events_runs_the_same_again_and_its_recording_holds_no_message() {
    runs_again(65, |sim| {
        let stream = "<EventStream schemeIdUri='https://events.test/a' timescale='1'><Event presentationTime='2' id='3'>secret words</Event></EventStream>";
        let message = emsg(("urn:test", "1", 7), 1_000, 500, b"secret words");
        serve_with(sim, [message, relative("urn:test", 8, 100), Vec::new()]);
        sim.net.serve(MPD, film(stream));
        sim.play(MPD);
        assert!(sim.run_until(secs(40), is_completion));
        assert_eq!(told(sim).len(), 3);
    });
}
