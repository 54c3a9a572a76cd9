//! Sound in several encodings of one language: which is heard depends on the pictures that the network carries.

use super::*;
use crate::Role;
use crate::engine::tests::seamless::first_pts;
use crate::sim::Weather;

/// Half a minute and a little more, in two qualities of pictures and two of sound in each of two languages.
fn serve(sim: &mut Sim) {
    let ticks = first_pts().as_nanos() * 9 / 100_000;
    let template = |run: usize, media: &str| {
        format!(
            "<SegmentTemplate timescale='90000' duration='180000' startNumber='{}' presentationTimeOffset='{ticks}' media='{media}'/>",
            run * 4
        )
    };
    let sound = |run: usize, language: &str| {
        let media = template(run, "$RepresentationID$$Number$.ts");
        format!(
            "<AdaptationSet mimeType='audio/mp2t' contentType='audio' lang='{language}'>{media}\
             <Representation id='{language}-low' bandwidth='32000'/><Representation id='{language}-high' bandwidth='128000'/></AdaptationSet>"
        )
    };
    let periods: String = (0..RUNS)
        .map(|run| {
            let media = template(run, "$RepresentationID$$Number$.ts");
            let (english, german) = (sound(run, "en"), sound(run, "de"));
            format!(
                "<Period id='{run}' duration='PT8S'><AdaptationSet mimeType='video/mp2t' contentType='video'>{media}\
                 <Representation id='low' bandwidth='60000'/><Representation id='high' bandwidth='800000'/></AdaptationSet>{english}{german}</Period>"
            )
        })
        .collect();
    sim.net.serve(MPD, vod(&periods));
    for number in 0..RUNS * 4 {
        let pictures = Film::picture_segments()[number % 4].clone();
        let heard = Film::sound_segments()[number % 4].clone();
        for name in ["low", "high"] {
            sim.net
                .serve(&at(&format!("{name}{number}.ts")), pictures.clone());
            for language in ["en", "de"] {
                sim.net
                    .serve(&at(&format!("{language}-{name}{number}.ts")), heard.clone());
            }
        }
    }
}

const RUNS: usize = 6;

fn sound_goes_on(sim: &Sim) {
    let heard = sim.ready.iter().filter(|it| it.0 == Role::Audio);
    let times: Vec<_> = heard.map(|it| it.1).collect();
    assert!(times.len() > 600, "{}", times.len());
    for pair in times.windows(2) {
        let step = pair[1] - pair[0];
        // Blocks of 64 ms: a change costs one at most, also at the border of two periods.
        assert!(
            ms(0) < step && step <= ms(130),
            "{} is followed by {}",
            pair[0],
            pair[1]
        );
    }
}

#[test]
fn sound_is_changed_with_the_pictures_and_goes_on() {
    let mut sim = sim(95);
    serve(&mut sim);
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 1_000_000,
    };
    let bits = [(0, 4_000_000), (12, 200_000), (30, 8_000_000)];
    sim.net.forecast = bits.iter().map(|(at, it)| (secs(*at), it / 8)).collect();
    let config = crate::PlayerConfig {
        max_buffer: std::time::Duration::from_secs(8),
        ..crate::PlayerConfig::default()
    };
    sim.command(crate::Command::SetConfig(config));
    sim.play(MPD);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(
        asked_of(&sim, "/en-low") >= 3 && asked_of(&sim, "/en-high") >= 3,
        "{:#?}",
        sim.net.asked
    );
    assert_eq!(asked_of(&sim, "/de-"), 0);
    sound_goes_on(&sim);
    assert_eq!(sim.stalled(), secs(0));
    // One of each language to choose from, whatever its encodings.
    let tracks = sim.engine().tracks().unwrap();
    let sound = tracks
        .iter()
        .filter(|it| it.kind == kinora_media::TrackKind::Audio);
    let labels: Vec<&str> = sound.map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["en", "de"]);
}

#[test]
fn another_language_stays_chosen_when_the_encoding_changes() {
    let mut sim = sim(96);
    serve(&mut sim);
    sim.play(MPD);
    assert!(sim.run_until(secs(2), is_first));
    let german = sim
        .engine()
        .tracks()
        .unwrap()
        .iter()
        .find(|it| it.label == "de")
        .unwrap()
        .index;
    sim.command(crate::Command::SelectTrack(TrackChoice::Index(german)));
    sim.run_for(secs(1));
    let before = asked_of(&sim, "/en-");
    sim.command(crate::Command::SelectTrack(TrackChoice::Index(0)));
    sim.run_for(secs(3));
    assert!(asked_of(&sim, "/de-low") >= 1, "{:#?}", sim.net.asked);
    sim.command(crate::Command::SelectTrack(TrackChoice::Index(1)));
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert_eq!(asked_of(&sim, "/en-"), before);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
}
