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

/// Live, with pictures of 200 kbit/s and sound of 48 kbit/s.
fn live(seed: u64, prefer_audio: bool) -> Sim {
    let config = crate::PlayerConfig {
        prefer_audio,
        ..crate::PlayerConfig::default()
    };
    let mut sim = Sim::new(seed, config);
    let start = time_text(sim.now_unix_ms() - 60_000);
    let sets = "<AdaptationSet mimeType='video/mp2t' contentType='video'><SegmentTemplate duration='2' startNumber='0' media='v$Number$.ts'/>\
         <Representation id='v' bandwidth='200000'/></AdaptationSet><AdaptationSet mimeType='audio/mp2t' contentType='audio'>\
         <SegmentTemplate duration='2' startNumber='0' media='a$Number$.ts'/><Representation id='a' bandwidth='48000'/></AdaptationSet>";
    sim.net.serve(
        MPD,
        format!("<MPD type='dynamic' availabilityStartTime='{start}'><Period id='p' start='PT0S'>{sets}</Period></MPD>"),
    );
    for number in 0..100 {
        let made = ms((i64::try_from(number).unwrap() + 1) * 2_000 - 60_000);
        let pictures = crate::sim::packager::fattened(&Film::picture_segments()[number % 4], 2_000);
        let heard = Film::sound_segments()[number % 4].clone();
        sim.net
            .serve_from(made, &at(&format!("v{number}.ts")), pictures);
        sim.net
            .serve_from(made, &at(&format!("a{number}.ts")), heard);
    }
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 200_000,
    };
    // Of each resource, less than the pictures need.
    sim.net.forecast = vec![(secs(15), 15_000), (secs(45), 200_000)];
    sim.play(MPD);
    sim
}

#[test]
fn sound_that_is_preferred_goes_on_while_the_pictures_are_too_much_for_the_network() {
    let mut usual = live(97, false);
    usual.run_for(secs(80));
    assert!(usual.stalled() > secs(5), "{}", usual.stalled());
    let mut sim = live(97, true);
    sim.run_for(secs(45));
    assert_eq!(sim.stalled(), secs(0), "{:#?}", sim.events);
    let meanwhile = sim.shown.iter().filter(|it| it.0 > secs(25)).count();
    assert!(meanwhile < 180, "{meanwhile}");
    sim.run_for(secs(35));
    assert_eq!(sim.stalled(), secs(0), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    // The pictures are back.
    let later = sim.shown.iter().filter(|it| it.0 > secs(65)).count();
    assert!(later > 140, "{later}");
}
