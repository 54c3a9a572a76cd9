//! Sound before pictures on a network that can not carry both, live.

use kinora_media::Time;

use super::*;
use crate::Role;
use crate::sim::Weather;

/// A live film of which a minute is made, its sound in segments of its own; pictures are so many bytes a segment of 2 s.
fn serve(sim: &mut Sim, bytes: usize) {
    let start = time_text(sim.now_unix_ms() - 60_000);
    let set = |kind: &str, name: &str| {
        format!(
            "<AdaptationSet mimeType='{kind}/mp2t' contentType='{kind}'>\
             <SegmentTemplate duration='2' startNumber='0' media='{name}$Number$.ts'/><Representation id='{name}' bandwidth='32000'/></AdaptationSet>"
        )
    };
    let sets = set("video", "v") + &set("audio", "a");
    sim.net.serve(
        MPD,
        format!("<MPD type='dynamic' availabilityStartTime='{start}'><Period id='p' start='PT0S'>{sets}</Period></MPD>"),
    );
    // A null packet (ISO/IEC 13818-1 2.4.3.3).
    let null = [&[0x47, 0x1f, 0xff, 0x10][..], &[0xff; 184]].concat();
    for number in 0..100 {
        let made = ms((i64::try_from(number).unwrap() + 1) * 2_000 - 60_000);
        let sound = Film::sound_segments()[number % 4].clone();
        let pictures = Film::picture_segments()[number % 4].clone();
        let filling = null.repeat(bytes.saturating_sub(pictures.len()) / null.len());
        let pictures = [&pictures[..], &filling].concat();
        sim.net
            .serve_from(made, &at(&format!("a{number}.ts")), sound);
        sim.net
            .serve_from(made, &at(&format!("v{number}.ts")), pictures);
    }
}

fn watched(seed: u64, prefer_audio: bool) -> Sim {
    let config = PlayerConfig {
        prefer_audio,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(seed, config);
    // 40 kB/s for twice as much; before that enough for the start.
    serve(&mut sim, 160_000);
    sim.net.is_shared = true;
    sim.net.weather = Weather {
        latency: ms(40),
        bytes_per_second: 1_000_000,
    };
    sim.net.forecast = vec![(secs(5), 40_000)];
    sim.play(MPD);
    sim.run_for(mins(1));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    sim
}

#[test]
fn sound_plays_on_where_the_network_does_not_carry_the_pictures() {
    let sim = watched(71, true);
    assert_eq!(sim.engine().stats().stalls, 0, "{:#?}", sim.events);
    let heard = sim.ready.iter().filter(|it| it.0 == Role::Audio).count();
    // Blocks of 128 ms.
    assert!(heard > 440, "{heard}");
    let shown = |from: i64, to: i64| {
        let times = sim.shown.iter().map(|it| it.0);
        times
            .filter(|at| secs(from) <= *at && *at < secs(to))
            .count()
    };
    // Some pictures are shown all the time, none of them far behind the sound.
    for from in (10..50).step_by(10) {
        assert!(
            shown(from, from + 10) >= 10,
            "{from}: {}",
            shown(from, from + 10)
        );
    }
    let began = sim.shown[0].0 - sim.shown[0].1;
    let late = |(at, pts): &(Time, Time)| *at - *pts - began;
    let late: Vec<Time> = sim.shown.iter().map(late).collect();
    assert!(late.iter().all(|it| *it < secs(4)), "{late:?}");
}

/// A session in which nothing comes of the pictures for 20 s from the first byte on.
fn without_pictures(seed: u64, prefer_audio: bool) -> Sim {
    let mut sim = Sim::new(
        seed,
        PlayerConfig {
            prefer_audio,
            ..PlayerConfig::default()
        },
    );
    serve(&mut sim, 0);
    let pictures = "http://films.test/vod/v";
    sim.net.fault(secs(0), secs(20), pictures, NetFault::Silent);
    sim.play(MPD);
    sim
}

#[test]
fn sound_begins_where_pictures_are_silent_from_the_first_byte() {
    let mut sim = without_pictures(74, true);
    let is_heard = |event: &Event| matches!(event, Event::Prepared(_));
    assert!(sim.run_until(secs(4), is_heard), "{:#?}", sim.events);
    sim.run_for(secs(10));
    assert!(sim.position() > secs(58), "{}", sim.position());
    assert!(sim.shown.is_empty());
    sim.run_for(secs(46));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().stalls, 0, "{:#?}", sim.events);
    // They are seen when they are there, with the sound.
    let shown = sim.shown.iter().filter(|it| it.0 > secs(40)).count();
    assert!(shown > 100, "{shown} of {}", sim.shown.len());
}

#[test]
fn without_the_setting_pictures_that_are_silent_are_waited_for() {
    let mut sim = without_pictures(74, false);
    sim.run_for(secs(10));
    assert_eq!(sim.count(|event| matches!(event, Event::Prepared(_))), 0);
}

#[test]
fn without_the_setting_both_wait() {
    let sim = watched(71, false);
    assert!(sim.engine().stats().stalls > 2);
}

#[test]
fn a_session_that_prefers_sound_runs_the_same_again() {
    runs_again(75, |sim| {
        sim.command(crate::Command::SetConfig(PlayerConfig {
            prefer_audio: true,
            ..PlayerConfig::default()
        }));
        serve(sim, 0);
        let pictures = "http://films.test/vod/v";
        sim.net.fault(secs(0), secs(10), pictures, NetFault::Silent);
        sim.play(MPD);
        sim.run_for(secs(30));
    });
    runs_again(73, |sim| {
        sim.command(crate::Command::SetConfig(PlayerConfig {
            prefer_audio: true,
            ..PlayerConfig::default()
        }));
        serve(sim, 160_000);
        sim.net.is_shared = true;
        sim.net.forecast = vec![(secs(5), 40_000)];
        sim.play(MPD);
        sim.run_for(secs(30));
    });
}
