//! Parts that are repeated, pictures one by one, chapters.

use kinora_media::Time;

use super::recording::Recording;
use super::{URL, is_completion, served};
use crate::sim::{Film, Sim, ms, secs};
use crate::{Command, CommandKind, Event, PlayerConfig, Refusal, Repeat, SeekAccuracy, State};

fn repeat(sim: &mut Sim, from: Time, to: Time) {
    sim.command(Command::SetRepeat(Some(Repeat { from, to })));
}

fn is_repeat(event: &Event) -> bool {
    matches!(event, Event::RepeatStart { .. })
}

fn refusals(sim: &Sim) -> Vec<(CommandKind, Refusal)> {
    let refusal = |(_, event): &(Time, Event)| match event {
        Event::CommandRefused { command, refusal } => Some((*command, *refusal)),
        _ => None,
    };
    sim.events.iter().filter_map(refusal).collect()
}

fn pictures(sim: &Sim) -> Vec<i64> {
    let pictures = sim.shown.iter().map(|(_, pts)| pts.as_millis());
    pictures.collect()
}

#[test]
fn a_part_is_repeated_from_the_buffer_and_nothing_is_asked_again() {
    let mut sim = served(61);
    sim.play(URL);
    sim.run_for(secs(1));
    repeat(&mut sim, ms(8_050), ms(9_500));
    sim.run_for(ms(6_500));
    let (asked, bytes) = (sim.net.asked.len(), sim.engine().stats().bytes);
    sim.run_for(secs(30));
    let times = sim.count(is_repeat);
    assert!((18..=21).contains(&times), "{times}");
    assert_eq!(
        sim.net.asked.len(),
        asked,
        "what is there is asked for again"
    );
    assert_eq!(sim.engine().stats().bytes, bytes);
    let shown = pictures(&sim);
    assert_eq!(shown.iter().max(), Some(&9_400), "the end is not played");
    // From the picture that is on screen at the very start.
    assert!(
        shown
            .windows(2)
            .filter(|pair| pair[0] == 9_400)
            .all(|pair| pair[1] == 8_000)
    );
    sim.command(Command::SetRepeat(None));
    assert!(sim.run_until(secs(6), is_completion));
    assert_eq!(sim.engine().stats().stalls, 0);
}

#[test]
fn a_part_that_ends_beyond_the_source_is_repeated_at_its_end() {
    let mut sim = served(62);
    sim.play(URL);
    sim.run_for(ms(500));
    repeat(&mut sim, ms(11_000), secs(60));
    sim.seek(ms(10_500), SeekAccuracy::Exact);
    sim.run_for(secs(5));
    assert!(sim.count(is_repeat) >= 3, "{:#?}", sim.events);
    assert_eq!(sim.count(is_completion), 0);
}

#[test]
fn playback_beyond_the_part_goes_back_to_it_and_a_pause_holds_it() {
    let mut sim = served(63);
    sim.play(URL);
    sim.run_for(secs(4));
    sim.command(Command::Pause);
    repeat(&mut sim, secs(1), secs(2));
    sim.run_for(secs(3));
    assert_eq!(sim.count(is_repeat), 0);
    sim.command(Command::Start);
    sim.run_for(ms(500));
    assert_eq!(sim.count(is_repeat), 1);
    assert!((secs(1)..secs(2)).contains(&sim.position()));
}

#[test]
fn a_part_that_can_not_be_played_is_refused() {
    let mut sim = served(64);
    repeat(&mut sim, secs(1), secs(2));
    sim.play(URL);
    sim.run_for(secs(1));
    for (from, to) in [
        (2_000, 2_050),
        (3_000, 1_000),
        (-1_000, 1_000),
        (12_500, 20_000),
    ] {
        repeat(&mut sim, ms(from), ms(to));
    }
    let out_of_range = (CommandKind::SetRepeat, Refusal::RepeatOutOfRange);
    let mut expected = vec![(CommandKind::SetRepeat, Refusal::NoSource)];
    expected.extend([out_of_range; 4]);
    assert_eq!(refusals(&sim), expected);
    assert!(sim.run_until(secs(15), is_completion), "it plays on");
}

#[test]
fn each_step_shows_the_next_picture_and_a_start_goes_on_from_it() {
    let mut sim = served(65);
    sim.play(URL);
    sim.run_for(ms(2_050));
    sim.command(Command::Step);
    sim.run_for(ms(500));
    assert_eq!(sim.state(), State::Paused);
    let first = *pictures(&sim).last().unwrap();
    for step in 1..=20 {
        sim.command(Command::Step);
        sim.run_for(ms(100));
        assert_eq!(pictures(&sim).last(), Some(&(first + step * 100)));
        assert_eq!(sim.position(), ms(first + step * 100));
    }
    let held = sim.position();
    sim.command(Command::Start);
    sim.run_for(secs(1));
    assert!(
        (sim.position() - held - secs(1)).abs() < ms(60),
        "{}",
        sim.position()
    );
    assert!(sim.run_until(secs(20), is_completion));
    let stats = sim.engine().stats();
    assert_eq!((stats.frames_dropped, stats.stalls), (0, 0));
    assert!(stats.av_offset_max_us <= 1_000, "{stats:?}");
    assert_eq!(sim.net.asked.len(), 1);
}

#[test]
fn many_steps_at_once_end_at_the_last_picture() {
    let mut sim = served(66);
    sim.open(URL);
    sim.run_for(secs(1));
    sim.seek(ms(11_000), SeekAccuracy::Exact);
    sim.run_for(secs(1));
    for _ in 0..200 {
        sim.command(Command::Step);
    }
    sim.run_for(secs(1));
    assert_eq!(pictures(&sim).last(), Some(&11_900));
    assert_eq!(sim.state(), State::Prepared);
    sim.command(Command::Start);
    assert!(sim.run_until(secs(2), is_completion), "{:#?}", sim.events);
}

#[test]
fn where_there_are_no_pictures_there_is_no_next_one() {
    let config = PlayerConfig {
        disable_video: true,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(67, config);
    sim.net.serve(URL, Film::mp4());
    sim.play(URL);
    sim.run_for(secs(2));
    sim.command(Command::Step);
    assert_eq!(refusals(&sim), [(CommandKind::Step, Refusal::NoPictures)]);
    assert_eq!(sim.state(), State::Started, "it plays on");
    assert!(sim.shown.is_empty(), "no picture is decoded");
    assert!(sim.run_until(secs(15), is_completion));
}

#[test]
fn a_session_with_repeats_and_steps_runs_the_same_again() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(68, PlayerConfig::default(), sink);
    sim.net.serve(URL, Film::mp4());
    sim.play(URL);
    sim.run_for(secs(1));
    repeat(&mut sim, ms(500), ms(1_500));
    sim.run_for(secs(3));
    sim.command(Command::SetRepeat(None));
    for _ in 0..3 {
        sim.command(Command::Step);
        sim.run_for(ms(200));
    }
    sim.command(Command::Start);
    sim.run_for(secs(1));
    recording.runs_again(sim.events.len());
}
