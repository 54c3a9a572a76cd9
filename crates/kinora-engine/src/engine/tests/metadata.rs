//! What playlists tell beside their segments, in the simulator.

use kinora_media::Time;

use super::hls::{LIST, encrypted, serve_vod};
use super::{errors, is_completion};
use crate::sim::{NetFault, Sim, ms, secs, sim};
use crate::{Asset, DateRange, Event, Resumption};

/// 2026-01-01T00:00:00Z in ms since 1970.
const DAY_MS: i64 = 1_767_225_600_000;

/// Four segments: the clock of the day jumps by an hour between the second and the third.
fn dated(more: &str) -> String {
    format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n{more}#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T01:00:00Z\n#EXTINF:2,\n2.ts\n#EXTINF:2,\n3.ts\n"
    )
}

fn ranges(sim: &Sim) -> Vec<&DateRange> {
    let events = sim.events.iter();
    events
        .filter_map(|(_, event)| match event {
            Event::DateRange(range) => Some(&**range),
            _ => None,
        })
        .collect()
}

#[test]
fn date_ranges_lie_on_the_timeline_whatever_the_dates_do() {
    let mut sim = sim(1);
    serve_vod(&mut sim);
    let more = "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:03Z\",DURATION=0.5,X-COM-EXAMPLE=\"x\"\n\
        #EXT-X-DATERANGE:ID=\"b\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T01:00:01Z\",X-ASSET-URI=\"ad.m3u8\",X-RESUME-OFFSET=0\n\
        #EXT-X-DATERANGE:ID=\"c\",START-DATE=\"nonsense\"\n";
    sim.net.serve(LIST, dated(more) + "#EXT-X-ENDLIST\n");
    sim.play(LIST);
    sim.run_for(ms(5_600));
    // Half a second after the start of the third segment, whose dates are those of an hour later.
    let position = sim.position();
    let date = sim.program_date_ms().expect("the playlist tells dates");
    assert_eq!(date, DAY_MS + 3_600_000 + (position - secs(4)).as_millis());
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let told = ranges(&sim);
    let [a, b] = told[..] else { panic!("{told:?}") };
    assert_eq!(
        (a.id.as_str(), a.start, a.end),
        ("a", secs(3), Some(ms(3_500)))
    );
    assert_eq!(a.attributes[0].0, "X-COM-EXAMPLE");
    assert_eq!((b.id.as_str(), b.start, b.end), ("b", secs(5), None));
    let interstitial = b.interstitial.as_ref().expect("it is one");
    assert_eq!(interstitial.resumption, Resumption::After(Time::ZERO));
    let Asset::Playlist(url) = &interstitial.asset else {
        panic!("{interstitial:?}")
    };
    assert_eq!(url.expose(), "http://films.test/vod/ad.m3u8");
}

#[test]
fn of_a_live_stream_each_date_range_is_told_once_and_again_when_it_changes() {
    let mut sim = sim(2);
    serve_vod(&mut sim);
    let range = |more: &str| {
        dated(&format!(
            "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:01Z\"{more}\n"
        ))
    };
    sim.net.serve(LIST, range(""));
    sim.net
        .serve_from(secs(4), LIST, range(",END-DATE=\"2026-01-01T00:00:03Z\""));
    sim.play(LIST);
    sim.run_for(secs(12));
    let ends: Vec<_> = ranges(&sim).iter().map(|range| range.end).collect();
    assert_eq!(ends, [None, Some(secs(3))]);
}

/// A multivariant playlist around the list of encrypted segments.
fn session(sim: &mut Sim, more: &str) -> &'static str {
    let list = encrypted(sim, [7; 16]);
    let main = "http://films.test/main.m3u8";
    let text = format!("#EXTM3U\n{more}#EXT-X-STREAM-INF:BANDWIDTH=1\n{list}\n");
    sim.net.serve(main, text);
    main
}

const SESSION_KEY: &str = "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"/key\"\n";

#[test]
fn a_key_of_the_session_is_fetched_with_the_first_playlist_and_once() {
    let mut sim = sim(3);
    let url = session(&mut sim, SESSION_KEY);
    sim.play(url);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let asked = |part: &str| {
        let of = sim.net.asked.iter().filter(|it| it.1.ends_with(part));
        of.map(|it| it.0).collect::<Vec<_>>()
    };
    let (keys, lists) = (asked("/key"), asked("list.m3u8"));
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0], lists[0]);
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_key_of_the_session_that_is_refused_is_asked_for_again_with_the_segment() {
    let mut sim = sim(4);
    let url = session(&mut sim, SESSION_KEY);
    sim.net
        .fault(Time::ZERO, ms(50), "/key", NetFault::Status(404));
    sim.play(url);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
}

#[test]
fn values_for_the_application_are_told_once() {
    let mut sim = sim(5);
    let more = "#EXT-X-SESSION-DATA:DATA-ID=\"com.example.title\",VALUE=\"A film\",LANGUAGE=\"en\"\n\
        #EXT-X-SESSION-DATA:DATA-ID=\"com.example.more\",URI=\"more.json\"\n#EXT-X-SESSION-DATA:DATA-ID=\"com.example.none\"\n";
    let url = session(&mut sim, more);
    sim.play(url);
    sim.run_for(secs(2));
    let told = sim.events.iter().filter_map(|(_, event)| match event {
        Event::SessionData(data) => Some(data.clone()),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let [data] = &told[..] else {
        panic!("{told:?}")
    };
    let [title, more] = &data[..] else {
        panic!("{data:?}")
    };
    assert_eq!(title.value.as_deref(), Some("A film"));
    let place = more.url.as_ref().map(|url| url.expose());
    assert_eq!(place, Some("http://films.test/more.json"));
}
