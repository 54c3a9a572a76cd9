//! The presentations of the corpus tell the cues that their player's dumps hold, in the simulator: nothing waits for a clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;

use kinora_conformance::corpus;
use kinora_engine::sim::{Sim, secs};
use kinora_engine::{Command, CueId, Event, PlayerConfig};
use kinora_media::TrackKind;
use serde_json::Value;

/// A picture lasts no longer, and cues come with pictures.
const PICTURE: i64 = 50;

/// What is shown from a time on, in milliseconds: lines in their order.
type Shown = Vec<(i64, Vec<String>)>;

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = lines.collect();
    all.sort();
    all
}

/// What the dump says. Of several states at one time the last is meant.
fn expected(presentation: &Value) -> Shown {
    let mut shown = Shown::new();
    for state in presentation["subtitles"].as_array().unwrap() {
        let at = state["pts_us"].as_i64().unwrap() / 1_000;
        let cues = state["cues"].as_array().unwrap().iter();
        let text = |cue: &Value| cue["text"].as_str().unwrap_or_default().to_owned();
        let texts: Vec<String> = cues.map(text).collect();
        let lines = texts
            .iter()
            .flat_map(|text| text.lines().map(str::to_owned));
        shown.retain(|(known, _)| *known != at);
        shown.push((at, sorted(lines)));
    }
    shown
}

fn played(folder: &Path, entry: &str) -> Shown {
    let mut sim = Sim::new(1, PlayerConfig::default());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let data = std::fs::read(&path).unwrap();
        sim.net.serve(&format!("http://corpus.test/{name}"), data);
    }
    sim.play(&format!("http://corpus.test/{entry}"));
    let is_prepared = |event: &Event| matches!(event, Event::Prepared(_));
    assert!(sim.run_until(secs(5), is_prepared), "{:#?}", sim.events);
    let tracks = sim.engine().tracks().unwrap();
    let mut text = tracks.iter().filter(|it| it.kind == TrackKind::Subtitle);
    let index = text.next().expect("there are subtitles").index;
    sim.command(Command::SelectSubtitle { index, on: true });
    let (mut there, mut shown, mut seen) = (Vec::<(CueId, String)>::new(), Shown::new(), 0);
    loop {
        let is_it = |event: &Event| {
            matches!(
                event,
                Event::SubtitleShown { .. }
                    | Event::SubtitleHidden { .. }
                    | Event::Completion
                    | Event::Error(_)
            )
        };
        assert!(sim.run_until(secs(60), is_it), "{:#?}", sim.events);
        let mut over = false;
        for (_, event) in &sim.events[seen..] {
            match event {
                Event::SubtitleShown { id, cue, .. } => there.push((*id, cue.text())),
                Event::SubtitleHidden { id, .. } => there.retain(|it| it.0 != *id),
                Event::Completion => over = true,
                Event::Error(fault) | Event::Recovered(fault) => panic!("{fault}"),
                _ => {}
            }
        }
        seen = sim.events.len();
        if over {
            return shown;
        }
        let lines = there
            .iter()
            .flat_map(|(_, text)| text.lines().map(str::to_owned));
        shown.push((sim.position().as_millis(), sorted(lines)));
    }
}

fn at(shown: &Shown, time: i64) -> &[String] {
    let last = shown.iter().rev().find(|(from, _)| *from <= time);
    last.map_or(&[], |(_, lines)| lines)
}

#[test]
fn the_presentations_of_the_corpus_tell_their_cues_on_time() {
    let Some(root) = kinora_test_support::corpus() else {
        return;
    };
    let mut count = 0;
    for file in std::fs::read_dir(root.join("expected_streams")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let presentation = corpus::json(&path).unwrap();
        let expected = expected(&presentation);
        if expected.is_empty() {
            continue;
        }
        let folder = root.join(presentation["dir"].as_str().unwrap());
        for entry in presentation["entries"].as_array().unwrap() {
            let entry = entry.as_str().unwrap();
            let shown = played(&folder, entry);
            count += 1;
            for (place, (from, lines)) in expected.iter().enumerate() {
                let until = expected
                    .get(place + 1)
                    .map_or(from + 2 * PICTURE, |it| it.0);
                let middle = (from + until) / 2;
                let probes = [from + PICTURE, middle, until - PICTURE];
                for time in probes
                    .into_iter()
                    .filter(|it| (*from + PICTURE.min((until - from) / 2)..=until).contains(it))
                {
                    assert_eq!(at(&shown, time), lines, "{entry} at {time}: {shown:?}");
                }
            }
        }
    }
    assert!(count >= 5, "{count}");
}
