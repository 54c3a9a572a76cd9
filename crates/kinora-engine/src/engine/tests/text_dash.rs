//! Text of DASH presentations, in the simulator.

use kinora_media::{Time, TrackKind};

use super::subtitles::told;
use super::{errors, is_first};
use crate::sim::{Film, NetFault, Sim, mins, secs};
use crate::{Event, FIRST_CAPTIONS, PlayerConfig};

const MPD: &str = "http://films.test/text/film.mpd";

fn at(name: &str) -> String {
    format!("http://films.test/text/{name}")
}

const PICTURES: &str = "<AdaptationSet mimeType='video/mp4'>\
    <SegmentTemplate timescale='10' duration='20' initialization='init.mp4' media='$Number$.m4s'/>\
    <Representation id='v' bandwidth='100000' codecs='avc1.64000a,mp4a.40.2' width='32' height='32'/></AdaptationSet>";

fn text(mime: &str, language: &str, role: &str, inside: &str) -> String {
    format!(
        "<AdaptationSet contentType='text' mimeType='{mime}' lang='{language}'>\
         <Role schemeIdUri='urn:mpeg:dash:role:2011' value='{role}'/>\
         <Representation id='t{language}' bandwidth='10'>{inside}</Representation></AdaptationSet>"
    )
}

/// Two periods of 6 s: their text is a WebVTT file, then a TTML file whose times count from 100 s on; a second language is
/// segments of WebVTT, in the first period alone.
fn served(sim: &mut Sim) {
    let (init, segments) = Film::fmp4();
    sim.net.serve(&at("init.mp4"), init);
    for (number, data) in segments.into_iter().enumerate() {
        sim.net.serve(&at(&format!("{}.m4s", number + 1)), data);
    }
    let first = text("text/vtt", "en", "main", "<BaseURL>en1.vtt</BaseURL>");
    let pieces = "<SegmentTemplate timescale='1' duration='2' media='de$Number$.vtt'/>";
    let german = text("text/vtt", "de", "subtitle", pieces);
    let base =
        "<BaseURL>en2.ttml</BaseURL><SegmentBase timescale='10' presentationTimeOffset='1000'/>";
    let second = text("application/ttml+xml", "en", "main", base);
    sim.net.serve(
        MPD,
        format!(
            "<MPD type='static'><Period duration='PT6S'>{PICTURES}{first}{german}</Period>\
             <Period duration='PT6S'>{PICTURES}{second}</Period></MPD>"
        ),
    );
    let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\none\n\n00:05.000 --> 00:07.000\nedge\n";
    sim.net.serve(&at("en1.vtt"), vtt);
    let ttml = "<tt xmlns='http://www.w3.org/ns/ttml'><body><div>\
        <p begin='101s' end='102.5s'>two</p><p begin='20s' end='90s'>before</p></div></body></tt>";
    sim.net.serve(&at("en2.ttml"), ttml);
    for number in 1..=3 {
        let begin = 2 * (number - 1);
        let vtt = format!(
            "WEBVTT\n\n00:0{begin}.500 --> 00:0{}.500\nde{number}\n",
            begin + 1
        );
        sim.net.serve(&at(&format!("de{number}.vtt")), vtt);
    }
}

fn played(config: PlayerConfig, fault: Option<(&str, NetFault)>) -> (Sim, Vec<(String, i64)>) {
    let mut sim = Sim::new(1, config);
    served(&mut sim);
    if let Some((part, fault)) = fault {
        sim.net.fault(Time::ZERO, mins(5), part, fault);
    }
    sim.play(MPD);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
    let told = told(&mut sim);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.stalled(), Time::ZERO);
    (sim, told)
}

fn on_time(told: &[(String, i64)], expected: &[(&str, i64)]) {
    let words: Vec<&str> = told.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(words, expected.iter().map(|it| it.0).collect::<Vec<_>>());
    for ((word, at), (_, due)) in told.iter().zip(expected) {
        assert!((at - due).abs() <= 60, "{word} at {at}, due at {due}");
    }
}

const SECOND: [(&str, i64); 2] = [("+two", 7_000), ("-two", 8_500)];

#[test]
fn files_of_text_are_placed_by_their_periods_and_end_with_them() {
    let (sim, told) = played(PlayerConfig::default(), None);
    let first = [
        ("+one", 1_000),
        ("-one", 2_000),
        ("+edge", 5_000),
        ("-edge", 6_000),
    ];
    on_time(&told, &[&first[..], &SECOND].concat());
    let tracks = sim.engine().tracks().unwrap();
    let text = tracks.iter().filter(|it| it.kind == TrackKind::Subtitle);
    let labels: Vec<(&str, bool)> = text.map(|it| (it.label.as_str(), it.selected)).collect();
    assert_eq!(labels, [("en", true), ("de", false)]);
}

#[test]
fn segments_of_text_play_in_the_period_that_has_them_and_no_other_language_in_the_next() {
    let config = PlayerConfig {
        subtitle_language: Some("ger".to_owned()),
        ..PlayerConfig::default()
    };
    let (_, told) = played(config, None);
    let all = [
        ("+de1", 500),
        ("-de1", 1_500),
        ("+de2", 2_500),
        ("-de2", 3_500),
        ("+de3", 4_500),
        ("-de3", 5_500),
    ];
    on_time(&told, &all);
}

#[test]
fn a_file_of_text_that_is_missing_is_passed_over() {
    let (sim, told) = played(
        PlayerConfig::default(),
        Some(("en1.vtt", NetFault::Status(404))),
    );
    on_time(&told, &SECOND);
    assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 1);
}

#[test]
fn a_manifest_names_the_captions_within_its_pictures() {
    let mut sim = Sim::new(2, PlayerConfig::default());
    served(&mut sim);
    let accessibility = "<Accessibility schemeIdUri='urn:scte:dash:cc:cea-608:2015' value='CC1=eng;CC3=swe'/>\
        <Accessibility schemeIdUri='urn:scte:dash:cc:cea-708:2015' value='1=lang:fra;2=lang:deu,er:1'/>";
    let pictures = PICTURES.replace("<Segment", &format!("{accessibility}<Segment"));
    let mpd = format!("<MPD type='static'><Period duration='PT6S'>{pictures}</Period></MPD>");
    sim.net.serve(MPD, mpd);
    sim.play(MPD);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
    let tracks = sim.engine().tracks().unwrap();
    let captions = tracks.iter().filter(|it| it.index >= FIRST_CAPTIONS);
    let labels: Vec<&str> = captions.map(|it| it.label.as_str()).collect();
    assert_eq!(
        labels,
        ["CC1 (eng)", "CC3 (swe)", "SERVICE1 (fra)", "SERVICE2 (deu)"]
    );
}
