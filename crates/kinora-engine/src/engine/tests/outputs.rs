//! Outputs that fail, and what is left on them.

use std::sync::{Arc, Mutex};

use kinora_media::Time;

use super::{URL, errors, is_completion, served};
use crate::sim::{Film, Sim, ms, secs, sim};
use crate::{Command, Event, PlayerConfig, Role, State, replay};

fn recovered(sim: &Sim) -> usize {
    sim.count(|event| matches!(event, Event::Recovered(_)))
}

#[test]
fn an_output_that_fails_is_reported_and_playback_goes_on() {
    let mut sim = served(61);
    sim.play(URL);
    sim.run_for(secs(2));
    sim.fail_output(Role::Audio, false);
    sim.fail_output(Role::Video, true);
    assert_eq!(recovered(&sim), 2);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
}

#[test]
fn without_the_output_that_keeps_the_time_playback_fails_at_once() {
    let mut sim = served(62);
    sim.play(URL);
    sim.run_for(secs(2));
    sim.fail_output(Role::Audio, true);
    assert_eq!((sim.state(), errors(&sim).len()), (State::Error, 1));
    sim.command(Command::Reset);
    sim.fail_output(Role::Audio, true);
    assert_eq!((sim.state(), errors(&sim).len()), (State::Error, 2));
    sim.fail_output(Role::Audio, true);
    assert_eq!(recovered(&sim), 1, "it failed already");
}

#[test]
fn a_session_whose_output_failed_runs_the_same_again() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let sink = Box::new(move |line: &serde_json::Value| into.lock().unwrap().push(line.clone()));
    let mut sim = Sim::recorded(63, PlayerConfig::default(), sink);
    sim.net.serve(URL, Film::mp4());
    sim.play(URL);
    sim.run_for(secs(2));
    sim.fail_output(Role::Video, false);
    sim.fail_output(Role::Audio, true);
    drop(sim);
    let lines = lines.lock().unwrap().clone();
    let again = replay(lines.into_iter()).unwrap();
    assert_eq!(again.difference, None);
    let is_error = |event: &Event| matches!(event, Event::Error(_));
    assert!(again.events.iter().any(|(_, event)| is_error(event)));
}

#[test]
fn the_last_frame_goes_with_a_stop_where_the_settings_say_so() {
    for (clear_frame_when_stop, cleared) in [(false, 0), (true, 1)] {
        let mut sim = sim(64);
        sim.net.serve(URL, Film::mp4());
        sim.command(Command::SetConfig(PlayerConfig {
            clear_frame_when_stop,
            ..PlayerConfig::default()
        }));
        sim.play(URL);
        sim.run_for(secs(2));
        assert_eq!(sim.cleared, 0);
        sim.command(Command::Stop);
        assert_eq!(sim.cleared, cleared);
    }
}

/// When each picture is shown of the film that plays for a while.
fn shown(ahead: i64) -> Vec<(Time, Time)> {
    let mut sim = served(64);
    sim.want_frames_ahead(ms(ahead));
    sim.play(URL);
    sim.run_for(secs(4));
    sim.command(Command::Pause);
    let held = sim.shown.len();
    sim.run_for(secs(1));
    assert_eq!(sim.shown.len(), held, "nothing is given while it is held");
    sim.command(Command::Start);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_late, 0);
    sim.shown
}

#[test]
fn an_output_that_wants_frames_ahead_gets_each_so_much_earlier() {
    let (when_due, ahead) = (shown(0), shown(40));
    let times = |shown: &[(Time, Time)]| -> Vec<Time> { shown.iter().map(|it| it.1).collect() };
    assert_eq!(times(&ahead), times(&when_due));
    // The first one is waited for.
    let pairs = when_due.iter().zip(&ahead).skip(1);
    let leads: Vec<Time> = pairs.map(|(due, given)| due.0 - given.0).collect();
    let is_right = |lead: &&Time| (**lead - ms(40)).abs() < ms(15);
    let right = leads.iter().filter(is_right).count();
    assert!(right * 10 > leads.len() * 9, "{leads:?}");
}
