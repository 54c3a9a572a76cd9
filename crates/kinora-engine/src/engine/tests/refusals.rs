//! Commands that can not be obeyed are reported, and change nothing.

use std::time::Duration;

use kinora_errors::{Coded, Lang, Secret};

use super::recording::Recording;
use super::{URL, credentials, errors, hls, is_completion, served};
use crate::sim::{NetFault, Sim, ms, secs, sim};
use crate::{
    Command, CommandKind, Credential, Event, PlayerConfig, Refusal, SeekAccuracy, State,
    TrackChoice,
};

/// What a command was refused for, if it was.
fn refused(sim: &mut Sim, command: Command) -> Option<Refusal> {
    let kind = command.kind();
    let before = sim.events.len();
    let (state, position) = (sim.state(), sim.position());
    sim.command(command);
    let refusal = sim.events[before..]
        .iter()
        .find_map(|(_, event)| match event {
            Event::CommandRefused { command, refusal } => {
                assert_eq!(*command, kind);
                Some(*refusal)
            }
            _ => None,
        });
    if refusal.is_some() {
        assert_eq!((sim.state(), sim.position()), (state, position));
    }
    refusal
}

fn seek() -> Command {
    Command::Seek {
        target: secs(1),
        accuracy: SeekAccuracy::Exact,
    }
}

fn track(index: u32) -> Command {
    Command::SelectTrack(TrackChoice::Index(index))
}

fn url() -> Command {
    Command::Refresh(Credential::Url(Secret::new(URL)))
}

/// Commands that need an open source.
fn for_an_open_source() -> [Command; 6] {
    [
        Command::Start,
        Command::Pause,
        Command::Reload,
        seek(),
        track(0),
        url(),
    ]
}

#[test]
fn without_a_source_there_is_nothing_to_command() {
    let mut sim = sim(1);
    for command in for_an_open_source().into_iter().chain([Command::Prepare]) {
        let name = command.kind().name();
        let refusal = refused(&mut sim, command);
        assert_eq!(refusal, Some(Refusal::NoSource), "{name}");
    }
    for command in [Command::Stop, Command::Reset] {
        assert_eq!(refused(&mut sim, command), None, "it is so already");
    }
}

#[test]
fn what_is_asked_of_a_stopped_or_failed_player_is_answered() {
    let mut sim = served(2);
    sim.play(URL);
    sim.run_for(secs(1));
    assert_eq!(
        refused(&mut sim, Command::Prepare),
        Some(Refusal::AlreadyPrepared)
    );
    assert_eq!(refused(&mut sim, Command::Start), None, "it plays");
    sim.command(Command::Stop);
    for command in for_an_open_source() {
        let name = command.kind().name();
        let refusal = refused(&mut sim, command);
        assert_eq!(refusal, Some(Refusal::NotPrepared), "{name}");
    }

    sim.net.fault(ms(0), secs(99), "", NetFault::Status(404));
    sim.command(Command::Prepare);
    sim.run_for(secs(1));
    assert_eq!(sim.state(), State::Error);
    for command in for_an_open_source().into_iter().chain([Command::Prepare]) {
        let name = command.kind().name();
        let refusal = refused(&mut sim, command);
        assert_eq!(refusal, Some(Refusal::Failed), "{name}");
    }
}

#[test]
fn a_seek_before_the_source_is_open_is_remembered_and_not_refused() {
    let mut sim = served(3);
    sim.command(Command::SetSource(crate::Locator::Url {
        url: Secret::new(URL),
    }));
    assert_eq!(refused(&mut sim, seek()), None);
    sim.command(Command::Prepare);
    sim.run_for(secs(1));
    assert_eq!(sim.position(), secs(1));
}

#[test]
fn a_live_stream_is_not_sought_in() {
    let mut sim = sim(4);
    let list = hls::serve_live(&mut sim, 20);
    sim.play(list);
    sim.run_for(secs(10));
    assert_eq!(refused(&mut sim, seek()), Some(Refusal::Live));
    sim.run_for(secs(2));
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_speed_that_is_none_is_refused_and_the_old_one_stays() {
    let mut sim = served(5);
    sim.play(URL);
    sim.run_for(secs(1));
    assert_eq!(refused(&mut sim, Command::SetSpeed(1.5)), None);
    for speed in [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.49, 2.01] {
        assert_eq!(
            refused(&mut sim, Command::SetSpeed(speed)),
            Some(Refusal::SpeedOutOfRange),
            "{speed}"
        );
    }
    let before = sim.position();
    sim.run_for(secs(2));
    assert!((sim.position() - before - secs(3)).abs() < ms(60));
}

#[test]
fn a_track_that_is_not_there_or_not_to_be_played_is_refused() {
    let mut sim = Sim::new(
        6,
        PlayerConfig {
            disable_audio: true,
            ..PlayerConfig::default()
        },
    );
    sim.net.serve(URL, crate::sim::Film::mp4());
    sim.play(URL);
    assert_eq!(refused(&mut sim, track(0)), Some(Refusal::NotPrepared));
    sim.run_for(secs(1));
    assert_eq!(refused(&mut sim, track(999)), Some(Refusal::NoSuchTrack));
    assert_eq!(refused(&mut sim, track(1)), Some(Refusal::NotPlayable));
    assert_eq!(
        refused(&mut sim, Command::SelectTrack(TrackChoice::Auto)),
        Some(Refusal::NothingAutomatic)
    );
    let changed = |event: &Event| matches!(event, Event::TrackChanged { .. });
    assert_eq!(sim.count(changed), 0);
    assert_eq!(refused(&mut sim, track(0)), None);
}

#[test]
fn nothing_is_reloaded_or_refreshed_that_does_not_wait_for_it() {
    let mut sim = served(7);
    sim.play(URL);
    sim.run_for(secs(1));
    assert_eq!(
        refused(&mut sim, Command::Reload),
        Some(Refusal::NothingParked)
    );
    assert_eq!(refused(&mut sim, url()), Some(Refusal::NothingExpired));
    assert_eq!(
        refused(&mut sim, credentials::fresh()),
        Some(Refusal::OtherCredential),
        "a URL is no video id"
    );
    assert!(sim.run_until(secs(20), is_completion));
}

#[test]
fn what_waits_for_its_next_try_is_reloaded_at_once() {
    let mut sim = served(8);
    sim.net.fault(ms(0), secs(3), "", NetFault::Refuses);
    sim.play(URL);
    sim.run_for(ms(300));
    let asked = sim.net.asked.len();
    assert_eq!(refused(&mut sim, Command::Reload), None);
    assert_eq!(sim.net.asked.len(), asked + 1);
}

#[test]
fn prepared_is_reported_with_autoplay_too_and_before_the_start() {
    let mut sim = served(9);
    sim.play(URL);
    sim.run_for(secs(1));
    let prepared = sim.when(|event| matches!(event, Event::Prepared(_)));
    let order: Vec<_> = sim
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Prepared(_) => Some("prepared"),
            Event::StateChanged {
                new: State::Started,
                ..
            } => Some("started"),
            Event::AutoPlayStart => Some("autoplay"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["prepared", "started", "autoplay"]);
    assert!(prepared.is_some());
}

#[test]
fn a_pause_before_the_headers_keeps_autoplay_from_starting() {
    let mut sim = served(10);
    sim.play(URL);
    sim.command(Command::Pause);
    sim.run_for(secs(1));
    assert_eq!(sim.state(), State::Prepared);
    assert_eq!(sim.count(|event| matches!(event, Event::AutoPlayStart)), 0);
}

#[test]
fn settings_that_are_sent_count_from_then_on() {
    let mut sim = served(11);
    sim.play(URL);
    sim.run_for(secs(2));
    let positions = |sim: &Sim| sim.count(|event| matches!(event, Event::Position(_)));
    let before = positions(&sim);
    sim.command(Command::SetConfig(PlayerConfig {
        position_interval: Duration::from_millis(100),
        ..PlayerConfig::default()
    }));
    sim.run_for(secs(2));
    let reported = positions(&sim) - before;
    assert!((17..=21).contains(&reported), "{reported}");
}

#[test]
fn a_source_after_one_that_caught_up_plays_at_the_users_speed() {
    let mut sim = served(12);
    sim.play(URL);
    let rates = |sim: &Sim| sim.rates.clone();
    assert_eq!(rates(&sim), [1.0]);
    sim.command(Command::SetSpeed(2.0));
    sim.play(URL);
    assert_eq!(rates(&sim), [1.0, 2.0, 2.0]);
}

#[test]
fn a_session_with_refused_commands_runs_the_same_again() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(13, PlayerConfig::default(), sink);
    sim.net.serve(URL, crate::sim::Film::mp4());
    sim.command(Command::Start);
    sim.play(URL);
    sim.run_for(secs(1));
    for command in [
        Command::SetSpeed(f64::NAN),
        Command::SetSpeed(f64::INFINITY),
        Command::SetSpeed(3.0),
        track(999),
    ] {
        assert!(refused(&mut sim, command).is_some());
    }
    sim.run_for(secs(1));
    recording.runs_again(sim.events.len());
}

#[test]
fn each_refusal_has_a_reason_of_its_own_and_says_what_to_do() {
    let all = [
        Refusal::NoInterstitial,
        Refusal::Interstitial,
        Refusal::Restricted,
        Refusal::NoSource,
        Refusal::AudioDelayOutOfRange,
        Refusal::NotPrepared,
        Refusal::AlreadyPrepared,
        Refusal::Failed,
        Refusal::Live,
        Refusal::NoSuchTrack,
        Refusal::NotPlayable,
        Refusal::NothingAutomatic,
        Refusal::NoSuchSubtitle,
        Refusal::SubtitleFailed,
        Refusal::TooManySubtitles,
        Refusal::SpeedOutOfRange,
        Refusal::VolumeOutOfRange,
        Refusal::NothingParked,
        Refusal::NothingExpired,
        Refusal::OtherCredential,
        Refusal::RepeatOutOfRange,
        Refusal::NoPictures,
    ];
    let mut reasons: Vec<_> = all.iter().map(Coded::reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all.len());
    for refusal in all {
        assert_eq!(refusal.fault().code().name(), "ERROR_GENERAL_EINVAL");
        assert_eq!(refusal.to_string(), refusal.text(Lang::En));
        assert!(!refusal.text(Lang::Zh).is_ascii());
    }
    assert_eq!(CommandKind::SetSpeed.name(), "set_speed");
}
