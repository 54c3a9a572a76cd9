//! Which sound and which text of a file is played where nobody chose any.

use kinora_media::TrackKind;

use super::recording::Recording;
use super::subtitles::told;
use super::{errors, is_completion};
use crate::sim::{Film, Sim, ms, secs};
use crate::{Command, Event, PlayerConfig, TrackChoice};

const URL: &str = "http://films.test/languages.mkv";
/// Tracks by their place in the file.
const ENGLISH: u32 = 1;
const GERMAN: u32 = 2;

fn languages(audio: Option<&str>, text: Option<&str>) -> PlayerConfig {
    PlayerConfig {
        audio_language: audio.map(str::to_owned),
        subtitle_language: text.map(str::to_owned),
        ..PlayerConfig::default()
    }
}

fn prepared(mut sim: Sim) -> Sim {
    sim.net.serve(URL, Film::mkv_languages());
    sim.play(URL);
    assert!(sim.run_until(secs(2), |event| matches!(event, Event::Prepared(_))));
    sim
}

/// The sound that plays, and every word that is shown.
fn played(config: PlayerConfig) -> (u32, Vec<String>) {
    let mut sim = prepared(Sim::new(1, config));
    let tracks = sim.engine().tracks().unwrap();
    let sound = tracks
        .iter()
        .filter(|it| it.kind == TrackKind::Audio && it.selected);
    let sound: Vec<u32> = sound.map(|it| it.index).collect();
    let told = told(&mut sim);
    // Sound begins with its priming, and all else so much later.
    for ((word, at), due) in told.iter().zip([1_064, 2_564, 8_064, 11_064]) {
        assert!((at - due).abs() <= 2, "{word} at {at}");
    }
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.net.asked.len(), 1, "nothing is asked for twice");
    let words = told
        .into_iter()
        .map(|it| it.0)
        .filter(|it| it.starts_with('+'));
    (sound[0], words.collect())
}

fn words(all: [&str; 2]) -> Vec<String> {
    all.iter().map(|it| format!("+{it}")).collect()
}

#[test]
fn the_default_sound_plays_with_the_signs_in_its_language() {
    assert_eq!(
        played(languages(None, None)),
        (GERMAN, words(["signs", "signs"]))
    );
    // German signs are nothing for who hears English.
    assert_eq!(played(languages(Some("en"), None)), (ENGLISH, Vec::new()));
}

#[test]
fn the_wanted_languages_play_whatever_the_flags_say() {
    let english = played(languages(Some("eng"), Some("eng")));
    assert_eq!(english, (ENGLISH, words(["first", "late"])));
    let german = played(languages(Some("en-GB"), Some("deu")));
    assert_eq!(german, (ENGLISH, words(["erst", "spät"])));
    let french = played(languages(Some("fr"), Some("fr")));
    assert_eq!(french, (GERMAN, words(["signs", "signs"])));
    let none = PlayerConfig {
        disable_subtitles: true,
        ..languages(None, Some("de"))
    };
    assert_eq!(played(none), (GERMAN, Vec::new()));
}

#[test]
fn signs_come_and_go_with_the_language_that_is_heard() {
    let mut sim = prepared(Sim::new(3, languages(Some("en"), None)));
    sim.run_for(ms(300));
    sim.command(Command::SelectTrack(TrackChoice::Index(GERMAN)));
    let is_shown =
        |event: &Event| matches!(event, Event::SubtitleShown { cue, .. } if cue.text() == "signs");
    assert!(sim.run_until(secs(2), is_shown), "{:#?}", sim.events);
    sim.command(Command::SelectTrack(TrackChoice::Index(ENGLISH)));
    assert!(matches!(
        sim.events.last(),
        Some((_, Event::TrackChanged { .. } | Event::SubtitleHidden { .. }))
    ));
    assert!(sim.run_until(secs(30), is_completion));
    assert_eq!(sim.count(is_shown), 1);
}

#[test]
fn a_recorded_session_chooses_the_same_again() {
    let (recording, sink) = Recording::begin();
    let mut sim = prepared(Sim::recorded(2, languages(None, Some("de")), sink));
    assert!(sim.run_until(secs(30), is_completion));
    recording.runs_again(sim.events.len());
}
