//! What is played in between, in the simulator: a presentation of four segments, assets of one or two.

mod ahead;

use kinora_media::Time;

use super::hls::{LIST, list, serve_vod};
use super::{errors, is_completion};
use crate::sim::{Film, NetFault, Sim, ms, secs, sim};
use crate::{
    Command, Event, InterstitialEnd, LoopMode, PlayerConfig, Refusal, SeekAccuracy, State,
};

const AD: &str = "http://films.test/ad/list.m3u8";

/// Puts assets onto the network: `list.m3u8` of two segments, 4 s, `short.m3u8` of one.
fn serve_assets(sim: &mut Sim) {
    sim.net.serve(AD, list(2, ""));
    sim.net
        .serve("http://films.test/ad/short.m3u8", list(1, ""));
    for (number, data) in Film::ts_segments().into_iter().take(2).enumerate() {
        sim.net
            .serve(&format!("http://films.test/ad/{number}.ts"), data);
    }
}

/// A date range of the class, so many ms behind the start.
fn range(id: &str, at_ms: i64, more: &str) -> String {
    let (seconds, millis) = (at_ms / 1_000, at_ms % 1_000);
    format!(
        "#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:{seconds:02}.{millis:03}Z\",{more}\n"
    )
}

const DATE: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n";
const ONE: &str = "X-ASSET-URI=\"/ad/list.m3u8\",X-RESUME-OFFSET=0";

/// A presentation of 8 s with these date ranges.
fn vod(seed: u64, ranges: &str) -> Sim {
    with(seed, PlayerConfig::default(), ranges)
}

fn with(seed: u64, config: PlayerConfig, ranges: &str) -> Sim {
    let mut sim = Sim::new(seed, config);
    serve_vod(&mut sim);
    serve_assets(&mut sim);
    sim.net.serve(LIST, list(4, &format!("{DATE}{ranges}")));
    sim
}

fn is_start(event: &Event) -> bool {
    matches!(event, Event::InterstitialStart(_))
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::InterstitialEnd { .. })
}

/// The assets that ended: ids, places, how.
fn ended(sim: &Sim) -> Vec<(String, u32, InterstitialEnd)> {
    let events = sim.events.iter();
    let ended = events.filter_map(|(_, event)| match event {
        Event::InterstitialEnd { id, asset, end } => Some((id.to_string(), *asset, *end)),
        _ => None,
    });
    ended.collect()
}

/// The times of the pictures that were shown, in tenths of a second.
fn shown(sim: &Sim) -> Vec<i64> {
    sim.shown
        .iter()
        .map(|(_, pts)| pts.as_millis() / 100)
        .collect()
}

fn played(end: InterstitialEnd) -> Vec<(String, u32, InterstitialEnd)> {
    vec![("ad".to_owned(), 0, end)]
}

#[test]
fn an_interstitial_is_played_at_its_time_and_the_presentation_goes_on_where_it_was_left() {
    let mut sim = vod(1, &range("ad", 3_000, ONE));
    sim.play(LIST);
    assert!(sim.run_until(secs(10), is_start), "{:#?}", sim.events);
    assert!((sim.now() - secs(3)).abs() < ms(300), "{}", sim.now());
    sim.run_for(secs(2));
    let status = sim.interstitial().expect("it plays");
    assert_eq!(
        (&*status.asset.id, status.asset.asset, status.asset.assets),
        ("ad", 0, 1)
    );
    assert_eq!(status.duration, Some(secs(4)));
    assert!(status.position > secs(1), "{status:?}");
    assert!(
        (sim.position() - secs(3)).abs() < ms(100),
        "it stands: {}",
        sim.position()
    );
    assert_eq!(sim.state(), State::Started);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(ended(&sim), played(InterstitialEnd::Played));
    // 3 s of the film, 4 s of the asset, the other 5 s of the film: each picture once.
    let expected: Vec<i64> = (0..30).chain(0..40).chain(30..80).collect();
    assert_eq!(shown(&sim), expected);
    assert!((sim.now() - secs(12)).abs() < secs(1), "{}", sim.now());
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.count(|event| matches!(event, Event::Prepared(_))), 1);
    assert_eq!(sim.count(is_completion), 1);
}

#[test]
fn without_an_offset_it_takes_the_place_of_what_is_as_long() {
    let ad = range("ad", 2_000, "X-ASSET-URI=\"/ad/short.m3u8\"");
    let mut sim = vod(2, &ad);
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let pictures = shown(&sim);
    assert_eq!(pictures[..40], (0..20).chain(0..20).collect::<Vec<_>>()[..]);
    assert_eq!(pictures.last(), Some(&79));
    let after: Vec<i64> = (40..80).collect();
    assert!(pictures.ends_with(&after), "{pictures:?}");
}

#[test]
fn the_assets_of_a_list_are_played_in_turn_and_one_that_fails_is_passed_over() {
    let json = r#"{"ASSETS":[{"URI":"short.m3u8","DURATION":2},{"URI":"gone.m3u8","DURATION":9},{"URI":"list.m3u8","DURATION":4}]}"#;
    let mut sim = vod(
        3,
        &range(
            "ad",
            2_000,
            "X-ASSET-LIST=\"/ad/ads.json\",X-RESUME-OFFSET=0",
        ),
    );
    sim.net.serve("http://films.test/ad/ads.json", json);
    sim.play(LIST);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    let told: Vec<_> = ended(&sim)
        .into_iter()
        .map(|(_, asset, end)| (asset, end))
        .collect();
    let (played, failed) = (InterstitialEnd::Played, InterstitialEnd::Failed);
    assert_eq!(told, [(0, played), (1, failed), (2, played)]);
    assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 1);
    assert!(errors(&sim).is_empty());
    let expected: Vec<i64> = (0..20).chain(0..20).chain(0..40).chain(20..80).collect();
    assert_eq!(shown(&sim), expected);
    // Who chooses assets is told of one presentation.
    let asked = sim.net.asked.iter().map(|(_, url, _)| url.as_str());
    let ids: Vec<_> = asked
        .filter_map(|url| url.split_once("_HLS_primary_id="))
        .collect();
    assert_eq!(
        ids.len(),
        1,
        "a list is asked for by it, and what it names as it says: {ids:?}"
    );
}

#[test]
fn a_list_that_is_none_is_told_and_costs_nothing() {
    for (name, body) in [("none", &b"<html>"[..]), ("large", &[b' '; 300 << 10])] {
        let mut sim = vod(4, &range("ad", 2_000, "X-ASSET-LIST=\"/ad/ads.json\""));
        sim.net.serve(
            "http://films.test/ad/ads.json",
            bytes::Bytes::copy_from_slice(body),
        );
        sim.play(LIST);
        assert!(
            sim.run_until(secs(20), is_completion),
            "{name}: {:#?}",
            sim.events
        );
        assert_eq!(
            sim.count(|event| matches!(event, Event::Recovered(_))),
            1,
            "{name}"
        );
        assert_eq!(shown(&sim), (0..80).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn an_asset_that_does_not_come_is_waited_for_so_long() {
    let mut sim = vod(5, &range("ad", 2_000, ONE));
    sim.net
        .fault(Time::ZERO, secs(600), "/ad/", NetFault::Silent);
    sim.play(LIST);
    assert!(sim.run_until(secs(30), is_end), "{:#?}", sim.events);
    assert!(sim.now() < secs(13), "{}", sim.now());
    assert_eq!(ended(&sim), played(InterstitialEnd::Failed));
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(shown(&sim), (0..80).collect::<Vec<_>>());
}

#[test]
fn a_limit_cuts_it_off() {
    let mut sim = vod(
        6,
        &range("ad", 2_000, &format!("{ONE},X-PLAYOUT-LIMIT=1.5")),
    );
    sim.play(LIST);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert_eq!(ended(&sim), played(InterstitialEnd::Limit));
    let between = shown(&sim).len() - 80;
    assert!((15..=16).contains(&between), "{between}");
}

#[test]
fn cues_play_before_and_after_the_presentation() {
    let pre = range("pre", 5_000, &format!("{ONE},CUE=\"PRE,ONCE\""));
    let post = range("post", 1_000, &format!("{ONE},CUE=\"POST\""));
    let mut sim = vod(7, &format!("{pre}{post}"));
    sim.play(LIST);
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    let expected: Vec<i64> = (0..40).chain(0..80).chain(0..40).collect();
    assert_eq!(shown(&sim), expected);
    let ids: Vec<_> = ended(&sim).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["pre", "post"]);
    assert_eq!(sim.state(), State::Completion);
    assert_eq!(sim.count(is_completion), 1);
}

#[test]
fn in_a_loop_one_that_is_played_but_once_does_not_come_again() {
    let once = range("once", 2_000, &format!("{ONE},CUE=\"ONCE\""));
    let each = range("each", 4_000, ONE);
    let mut sim = vod(8, &format!("{once}{each}"));
    sim.command(Command::SetLoop(LoopMode::On));
    sim.play(LIST);
    sim.run_for(secs(26));
    let ids: Vec<_> = ended(&sim).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["once", "each", "each"]);
}

#[test]
fn coming_by_again_plays_it_again() {
    let mut sim = vod(9, &range("ad", 2_000, ONE));
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_end), "{:#?}", sim.events);
    sim.run_for(secs(1));
    sim.seek(secs(1), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.count(is_end), 2);
}

#[test]
fn what_may_not_be_skipped_or_passed_over_is_played() {
    let ad = range("ad", 3_000, &format!("{ONE},X-RESTRICT=\"SKIP,JUMP\""));
    let mut sim = vod(10, &ad);
    sim.play(LIST);
    sim.run_for(secs(1));
    sim.seek(secs(6), SeekAccuracy::Exact);
    sim.run_for(ms(500));
    assert!(
        sim.interstitial().is_some(),
        "it comes first: {:#?}",
        sim.events
    );
    for command in [
        Command::SkipInterstitial,
        Command::SetSpeed(2.0),
        Command::Seek {
            target: secs(7),
            accuracy: SeekAccuracy::Exact,
        },
    ] {
        sim.command(command);
    }
    let restricted = |event: &Event| {
        matches!(
            event,
            Event::CommandRefused {
                refusal: Refusal::Restricted,
                ..
            }
        )
    };
    assert_eq!(sim.count(restricted), 3);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(ended(&sim), played(InterstitialEnd::Played));
    let pictures = shown(&sim);
    assert!(
        pictures.ends_with(&(60..80).collect::<Vec<_>>()),
        "{pictures:?}"
    );
}

#[test]
fn what_may_be_skipped_is_skipped_and_others_are_left_by_a_seek() {
    let mut sim = vod(
        11,
        &format!("{}{}", range("a", 2_000, ONE), range("b", 4_000, ONE)),
    );
    sim.command(Command::SkipInterstitial);
    sim.play(LIST);
    assert!(sim.run_until(secs(10), is_start), "{:#?}", sim.events);
    sim.run_for(secs(1));
    sim.command(Command::SelectTrack(crate::TrackChoice::Auto));
    sim.command(Command::SkipInterstitial);
    assert!(sim.run_until(secs(10), is_start), "{:#?}", sim.events);
    sim.run_for(secs(1));
    sim.seek(secs(6), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let ends: Vec<_> = ended(&sim)
        .into_iter()
        .map(|(id, _, end)| (id, end))
        .collect();
    let skipped = InterstitialEnd::Skipped;
    assert_eq!(ends, [("a".to_owned(), skipped), ("b".to_owned(), skipped)]);
    let refused: Vec<_> = sim
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::CommandRefused { refusal, .. } => Some(*refusal),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [Refusal::NoSource, Refusal::Interstitial]);
}

#[test]
fn what_plays_in_between_is_held_and_plays_on() {
    let mut sim = vod(12, &range("ad", 2_000, ONE));
    sim.play(LIST);
    assert!(sim.run_until(secs(10), is_start), "{:#?}", sim.events);
    sim.run_for(secs(1));
    sim.command(Command::Pause);
    sim.run_for(secs(30));
    assert_eq!(sim.state(), State::Paused);
    let shown_then = sim.shown.len();
    sim.command(Command::Start);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!(sim.shown.len() > shown_then + 80);
    assert_eq!(ended(&sim), played(InterstitialEnd::Played));
}

#[test]
fn borders_of_segments_are_where_it_snaps_to() {
    let more = "X-ASSET-URI=\"/ad/short.m3u8\",X-RESUME-OFFSET=1.5,X-SNAP=\"OUT,IN\"";
    let mut sim = vod(13, &range("ad", 2_700, more));
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    // It begins at 2 s, and what follows at 4 s: 2 s and 3.5 s by the dates, at borders.
    let expected: Vec<i64> = (0..20).chain(0..20).chain(40..80).collect();
    assert_eq!(shown(&sim), expected);
}

#[test]
fn they_can_be_turned_off() {
    let config = PlayerConfig {
        disable_interstitials: true,
        ..PlayerConfig::default()
    };
    let mut sim = with(14, config, &range("ad", 2_000, ONE));
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.count(is_start), 0);
    assert_eq!(
        sim.count(|event| matches!(event, Event::DateRange(_))),
        1,
        "it is told all the same"
    );
    assert_eq!(shown(&sim), (0..80).collect::<Vec<_>>());
}

#[test]
fn a_live_stream_goes_on_at_its_edge() {
    let mut sim = sim(15);
    serve_assets(&mut sim);
    for (number, data) in (0..40).zip(Film::ts_segments().into_iter().cycle()) {
        sim.net.serve(&super::hls::segment_url(number), data);
    }
    for at in 0..40_usize {
        let first = at.saturating_sub(6);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{first}\n"
        );
        text += &range("ad", 16_000, "X-ASSET-URI=\"/ad/list.m3u8\"");
        for number in first..at.max(3) {
            let seconds = number * 2;
            text += &format!(
                "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{:02}:{:02}Z\n#EXTINF:2,\n{number}.ts\n",
                seconds / 60,
                seconds % 60
            );
        }
        let at = secs(2 * i64::try_from(at).unwrap());
        sim.net.serve_from(at, LIST, text);
    }
    sim.run_for(secs(14));
    sim.play(LIST);
    assert!(sim.run_until(secs(30), is_end), "{:#?}", sim.events);
    sim.run_for(secs(5));
    assert_eq!(ended(&sim), played(InterstitialEnd::Played));
    let delay = sim.engine().stats().live_delay_ms;
    assert!(delay.is_some_and(|delay| delay < 9_000), "{delay:?}");
    assert!(sim.position() > secs(0), "{}", sim.position());
    assert_eq!(sim.state(), State::Started);
    assert!(errors(&sim).is_empty());
    assert!(sim.stalled() < secs(1), "{}", sim.stalled());
}

#[test]
fn a_recording_of_it_runs_the_same_again() {
    use std::sync::{Arc, Mutex};
    let lines: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
    let sink = Arc::clone(&lines);
    let tape = Box::new(move |line: &serde_json::Value| sink.lock().unwrap().push(line.clone()));
    let mut sim = Sim::recorded(16, PlayerConfig::default(), tape);
    serve_vod(&mut sim);
    serve_assets(&mut sim);
    let more = "X-ASSET-LIST=\"/ad/ads.json?token=hush\",X-RESUME-OFFSET=0";
    sim.net.serve(
        "http://films.test/ad/ads.json",
        r#"{"ASSETS":[{"URI":"short.m3u8"}]}"#,
    );
    sim.net.serve(
        LIST,
        list(4, &format!("{DATE}{}", range("secret id", 2_000, more))),
    );
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let lines = lines.lock().unwrap().clone();
    let text = serde_json::to_string(&lines).unwrap();
    assert!(
        !text.contains("hush") && !text.contains("secret id"),
        "{text}"
    );
    let replay = crate::replay(lines.into_iter()).unwrap();
    assert_eq!(replay.difference, None);
    assert_eq!(sim.count(is_end), 1);
}
