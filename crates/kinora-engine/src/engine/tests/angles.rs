//! Pictures from other sides, in the simulator.

use super::hls::list;
use super::{errors, is_completion, is_first};
use crate::sim::{Film, Sim, ms, secs, sim};
use crate::{Command, Event, PlayerConfig, TrackChoice, TrackOption};

const MAIN: &str = "http://films.test/main.m3u8";

/// A variant whose pictures may be had from three sides; `default`: which of them is the playlist's choice.
fn serve(sim: &mut Sim, default: &str) {
    for place in ["own", "left", "right"] {
        sim.net
            .serve(&format!("http://films.test/{place}/list.m3u8"), list(4, ""));
        for (number, data) in Film::ts_segments().into_iter().enumerate() {
            sim.net
                .serve(&format!("http://films.test/{place}/{number}.ts"), data);
        }
    }
    let mut text = "#EXTM3U\n".to_owned();
    for (name, uri) in [
        ("Main", ""),
        ("Left", ",URI=\"left/list.m3u8\""),
        ("Right", ",URI=\"right/list.m3u8\""),
    ] {
        let is_default = if name == default { "YES" } else { "NO" };
        text += &format!(
            "#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"{name}\",DEFAULT={is_default}{uri}\n"
        );
    }
    text += "#EXT-X-STREAM-INF:BANDWIDTH=500000,VIDEO=\"v\"\nown/list.m3u8\n";
    sim.net.serve(MAIN, text);
}

fn tracks(sim: &Sim) -> Vec<TrackOption> {
    sim.engine()
        .tracks()
        .map_or_else(Vec::new, |tracks| tracks.to_vec())
}

/// The segments that were asked for, by the place that they lie in.
fn asked(sim: &Sim, place: &str) -> Vec<String> {
    let part = format!("/{place}/");
    let of = sim
        .net
        .asked
        .iter()
        .filter(|(_, url, _)| url.contains(&part) && url.ends_with(".ts"));
    of.map(|(_, url, _)| url.rsplit('/').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_angle_that_plays_is_the_one_that_was_wanted_or_the_default() {
    for (default, wanted, place) in [
        ("Main", None, "own"),
        ("Left", None, "left"),
        ("none", None, "own"),
        ("Left", Some("Right"), "right"),
        ("Left", Some("No such one"), "left"),
    ] {
        let config = PlayerConfig {
            video_angle: wanted.map(str::to_owned),
            ..PlayerConfig::default()
        };
        let mut sim = Sim::new(1, config);
        serve(&mut sim, default);
        sim.play(MAIN);
        assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
        for other in ["own", "left", "right"] {
            let count = if other == place { 4 } else { 0 };
            assert_eq!(
                asked(&sim, other).len(),
                count,
                "{default} {wanted:?} {other}"
            );
        }
        assert_eq!(sim.shown.len(), 80);
    }
}

#[test]
fn angles_are_listed_behind_what_else_there_is() {
    let mut sim = sim(2);
    serve(&mut sim, "Left");
    sim.play(MAIN);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    let told = tracks(&sim);
    let told: Vec<_> = told
        .iter()
        .map(|it| (it.index, it.label.as_str(), it.selected))
        .collect();
    assert_eq!(
        told,
        [
            (0, "500 kbit/s", true),
            (1, "Main", false),
            (2, "Left", true),
            (3, "Right", false)
        ]
    );
}

#[test]
fn another_angle_goes_on_at_a_border_of_segments_without_a_gap() {
    let mut sim = sim(3);
    serve(&mut sim, "Main");
    sim.play(MAIN);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    sim.run_for(ms(1_500));
    sim.command(Command::SelectTrack(TrackChoice::Index(3)));
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(asked(&sim, "right"), ["2.ts", "3.ts"]);
    let pictures: Vec<_> = sim
        .shown
        .iter()
        .map(|(_, pts)| pts.as_millis() / 100)
        .collect();
    assert_eq!(pictures, (0..80).collect::<Vec<_>>());
    assert_eq!(sim.engine().stats().stalls, 0);
    assert_eq!(sim.stalled(), secs(0));
    assert_eq!(
        sim.count(|event| matches!(event, Event::TrackChanged { index: 3 })),
        1
    );
    assert!(errors(&sim).is_empty());
    let selected: Vec<_> = tracks(&sim)
        .into_iter()
        .filter(|it| it.selected)
        .map(|it| it.label)
        .collect();
    assert_eq!(selected, ["500 kbit/s", "Right"]);
}

#[test]
fn near_the_end_another_angle_is_loaded_anew() {
    let mut sim = sim(4);
    serve(&mut sim, "Main");
    sim.play(MAIN);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    sim.run_for(ms(6_500));
    sim.command(Command::SelectTrack(TrackChoice::Index(2)));
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(asked(&sim, "left"), ["3.ts"]);
    assert!(errors(&sim).is_empty());
}
