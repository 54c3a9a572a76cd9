//! How much is decoded before the picture that an exact seek shows.

use std::time::Duration;

use kinora_media::Time;

use super::exact::{LIST, shown_at, vod, vod_by};
use super::{URL, is_first, served};
use crate::sim::{Film, Sim, ms, secs};
use crate::{Command, Event, PlayerConfig, Role, SeekAccuracy, TrackChoice};

/// Pictures that wait for their time, decoded.
const AHEAD: u64 = 8;

fn limited(seed: u64, max_ms: u64) -> Sim {
    let config = PlayerConfig {
        max_accurate_seek_delta: Duration::from_millis(max_ms),
        ..PlayerConfig::default()
    };
    Sim::new(seed, config)
}

/// Pictures that are decoded for a seek, with those that follow the one that is shown.
fn decoded_for(sim: &mut Sim, target: Time, shown: Time) -> u64 {
    sim.run_for(secs(1));
    let before = sim.decoded(Role::Video);
    assert_eq!(shown_at(sim, target), shown, "for {target}");
    sim.run_for(secs(1));
    sim.decoded(Role::Video) - before
}

#[test]
fn a_seek_onward_decodes_on() {
    let mut sim = served(1);
    sim.open(URL);
    assert!(sim.run_until(secs(2), is_first));
    assert!(decoded_for(&mut sim, ms(2_050), ms(2_000)) > AHEAD);
    // What waits is shown, and as much decoded as was passed over.
    assert_eq!(decoded_for(&mut sim, ms(2_450), ms(2_400)), 4);
    assert!(decoded_for(&mut sim, ms(2_950), ms(2_900)) <= 5);
    // A key frame is nearer; behind it lies what was decoded last. From the key frame before that one it would be ten more.
    assert!(decoded_for(&mut sim, ms(5_150), ms(5_100)) < 2 * AHEAD);
    assert!(decoded_for(&mut sim, ms(5_050), ms(5_000)) < 2 * AHEAD);
}

#[test]
fn seeks_that_follow_each_other_faster_than_they_end_come_to_the_last_one() {
    for onward in [true, false] {
        let mut sim = served(2);
        sim.open(URL);
        assert!(sim.run_until(secs(2), is_first));
        let shown = sim.shown.len();
        let times = (0..18).map(|n| ms(7_000 + 50 * n));
        let times: Vec<Time> = match onward {
            true => times.collect(),
            false => times.rev().collect(),
        };
        for time in &times {
            sim.seek(*time, SeekAccuracy::Exact);
            sim.run_for(ms(3));
        }
        sim.run_for(secs(1));
        let last = times.last().unwrap().as_millis() / 100 * 100;
        assert_eq!(sim.shown.last().map(|it| it.1), Some(ms(last)));
        let shown: Vec<Time> = sim.shown[shown..].iter().map(|it| it.1).collect();
        let is_in_order = |two: &[Time]| (two[0] <= two[1]) == onward || two[0] == two[1];
        assert!(shown.windows(2).all(is_in_order), "{shown:?}");
        let answers = |event: &Event| matches!(event, Event::SeekEnd { target, .. } if target == times.last().unwrap());
        assert_eq!(sim.count(answers), 1);
    }
}

#[test]
fn a_seek_onward_while_it_plays_goes_on_with_sound_and_pictures() {
    let mut sim = served(3);
    sim.play(URL);
    sim.run_for(ms(3_050));
    let target = sim.position() + ms(250);
    let from = sim.shown.len();
    sim.seek(target, SeekAccuracy::Exact);
    sim.run_for(secs(2));
    assert!(
        (sim.position() - target - secs(2)).abs() < ms(80),
        "{}",
        sim.position()
    );
    let shown: Vec<i64> = sim.shown[from..]
        .iter()
        .map(|it| it.1.as_millis())
        .collect();
    let first = target.as_millis() / 100 * 100;
    let expected: Vec<i64> = (0..).map(|n| first + n * 100).take(shown.len()).collect();
    assert_eq!(shown, expected);
    assert!(shown.len() >= 19, "{shown:?}");
    assert_eq!(sim.stalled(), Time::ZERO);
    assert_eq!(sim.engine().stats().frames_dropped, 0);
}

#[test]
fn of_a_segment_with_several_key_frames_only_the_last_is_decoded_from() {
    let mut sim = vod("2");
    sim.open(LIST);
    assert!(sim.run_until(secs(2), is_first));
    let begins = sim.shown[0].1;
    sim.run_for(secs(1));
    let before = sim.decoded(Role::Video);
    // Its segment begins at 6 s and has a key frame at 7 s.
    let shown = shown_at(&mut sim, begins + ms(7_250));
    assert!((shown - begins - ms(7_200)).abs() < ms(1), "{shown}");
    sim.run_for(secs(1));
    let decoded = sim.decoded(Role::Video) - before;
    assert!((8..=10).contains(&decoded), "from 7 s to 8 s: {decoded}");
}

#[test]
fn a_key_frame_that_is_too_far_before_the_target_is_shown_instead_of_it() {
    let mut file = limited(4, 300);
    file.net.serve(URL, Film::mp4());
    file.open(URL);
    let mut playlist = vod_by(limited(5, 300), "2");
    playlist.open(LIST);
    for mut sim in [file, playlist] {
        assert!(sim.run_until(secs(2), is_first));
        let begins = sim.shown[0].1;
        for (target, shown) in [
            (6_250, 6_200),
            (7_250, 7_200),
            (6_575, 6_000),
            (7_899, 7_000),
        ] {
            let found = shown_at(&mut sim, begins + ms(target)) - begins;
            assert!((found - ms(shown)).abs() < ms(1), "{target}: {found}");
            let position = sim.position() - begins;
            let expected = if target - shown < 300 { target } else { shown };
            assert!(
                (position - ms(expected)).abs() < ms(1),
                "{target}: {position}"
            );
        }
    }
}

#[test]
fn a_start_that_is_too_far_from_its_key_frame_begins_with_it() {
    let mut sim = limited(6, 300);
    sim.net.serve(URL, Film::mp4());
    sim.command(Command::SetSource(crate::Locator::Url {
        url: kinora_errors::Secret::new(URL),
    }));
    sim.seek(ms(4_800), SeekAccuracy::Exact);
    sim.command(Command::SetAutoPlay(true));
    sim.command(Command::Prepare);
    sim.run_for(secs(2));
    assert_eq!(sim.shown.first().map(|it| it.1), Some(secs(4)));
    let sound = sim.ready.iter().find(|(role, _)| *role == Role::Audio);
    assert!(sound.is_some_and(|(_, pts)| *pts < ms(4_100)), "{sound:?}");
}

#[test]
fn what_nobody_sought_is_exact_however_far_its_key_frame_is() {
    let mut sim = limited(7, 0);
    sim.net.serve(URL, Film::mkv_languages());
    sim.play(URL);
    sim.run_for(ms(3_700));
    let (from, position) = (sim.shown.len(), sim.position());
    sim.command(Command::SelectTrack(TrackChoice::Index(1)));
    sim.run_for(secs(2));
    let first = sim.shown[from].1;
    assert!(
        first + ms(100) > position && first <= position,
        "{first} at {position}"
    );
}
