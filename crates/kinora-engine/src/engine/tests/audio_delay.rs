//! Sound that is heard later or earlier than its pictures are seen.

use kinora_media::Time;

use super::recording::Recording;
use super::{URL, errors, is_completion, served};
use crate::sim::{Film, Sim, ms, secs};
use crate::{Command, Event, MAX_AUDIO_DELAY, PlayerConfig, Refusal, SeekAccuracy};

const FRAME: Time = Time::from_millis(100);

/// By how much what is heard is behind the pictures that are shown between two moments.
fn delays(sim: &Sim, from: Time, to: Time) -> Vec<Time> {
    let shown = sim.shown.iter().zip(&sim.heard);
    let shown = shown.filter(|((at, _), _)| (from..to).contains(at));
    let delay = |((_, picture), heard): ((_, Time), Option<Time>)| Some(picture - heard?);
    shown
        .filter_map(|(picture, heard)| delay((*picture, *heard)))
        .collect()
}

fn assert_delay(sim: &Sim, from: Time, to: Time, wanted: Time) {
    let delays = delays(sim, from, to);
    assert!(delays.len() > 5, "{} pictures", delays.len());
    for delay in delays {
        assert!(
            (delay - wanted).abs() <= ms(1),
            "{delay} instead of {wanted}"
        );
    }
}

#[test]
fn sound_and_picture_differ_by_just_the_delay() {
    for delay in [
        ms(500),
        ms(-500),
        ms(120),
        ms(-90),
        ms(4_000),
        ms(-4_000),
        Time::ZERO,
    ] {
        let mut sim = served(71);
        sim.command(Command::SetAudioDelay(delay));
        sim.play(URL);
        assert!(sim.run_until(secs(30), is_completion), "{delay}");
        let begins = ms(300) + delay.max(Time::ZERO);
        assert_delay(&sim, begins, secs(11).min(secs(11) + delay), delay);
        assert_eq!(sim.shown.len(), 120, "{delay}: each picture is shown");
        assert!(errors(&sim).is_empty());
        assert_eq!(sim.engine().stats().stalls, 0, "{delay}");
        // The sound is heard to its end.
        let end = secs(12) + delay.max(Time::ZERO);
        assert!((sim.now() - end).abs() < ms(400), "{delay}: {}", sim.now());
    }
}

#[test]
fn while_it_plays_the_sound_goes_on_and_the_pictures_follow_it() {
    let mut sim = served(72);
    sim.play(URL);
    sim.run_for(secs(3));
    for (delay, at) in [(ms(300), 3), (ms(-300), 5), (Time::ZERO, 7)] {
        sim.command(Command::SetAudioDelay(delay));
        sim.run_for(secs(2));
        assert_delay(&sim, secs(at) + ms(800), secs(at + 2), delay);
    }
    assert!(sim.run_until(secs(30), is_completion));
    assert_eq!(sim.count(|event| matches!(event, Event::LoadingBegin)), 0);
    // What is heard never jumps: the film lasts as long as it does.
    assert!((sim.now() - secs(12)).abs() < ms(400), "{}", sim.now());
    let order = sim.shown.windows(2).all(|pair| pair[0].1 < pair[1].1);
    assert!(order, "no picture comes twice");
}

#[test]
fn it_holds_behind_seeks_pauses_and_at_another_speed() {
    let mut sim = served(73);
    sim.command(Command::SetAudioDelay(ms(250)));
    sim.play(URL);
    sim.run_for(secs(1));
    sim.seek(secs(5), SeekAccuracy::Exact);
    sim.run_for(secs(2));
    assert_delay(&sim, ms(1_600), secs(3), ms(250));
    sim.command(Command::Pause);
    sim.run_for(secs(1));
    sim.command(Command::Start);
    sim.run_for(secs(1));
    assert_delay(&sim, ms(4_100), secs(5), ms(250));
    sim.command(Command::SetSpeed(2.0));
    sim.run_for(secs(1));
    assert_delay(&sim, ms(5_100), secs(6), ms(250));
}

#[test]
fn a_delay_that_is_too_long_is_refused_and_the_old_one_stays_for_the_next_source_too() {
    let mut sim = served(74);
    sim.command(Command::SetAudioDelay(ms(200)));
    sim.command(Command::SetAudioDelay(MAX_AUDIO_DELAY + FRAME));
    sim.command(Command::SetAudioDelay(Time::ZERO - MAX_AUDIO_DELAY - FRAME));
    let refused = |event: &Event| matches!(event, Event::CommandRefused { refusal, .. } if *refusal == Refusal::AudioDelayOutOfRange);
    assert_eq!(sim.count(refused), 2);
    sim.play(URL);
    sim.run_for(secs(1));
    sim.play(URL);
    sim.run_for(secs(3));
    assert_delay(&sim, ms(1_600), secs(4), ms(200));
}

#[test]
fn a_session_with_a_delay_runs_the_same_again() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(75, PlayerConfig::default(), sink);
    sim.net.serve(URL, Film::mp4());
    sim.play(URL);
    sim.run_for(secs(2));
    sim.command(Command::SetAudioDelay(ms(-400)));
    sim.run_for(secs(2));
    recording.runs_again(sim.events.len());
}
