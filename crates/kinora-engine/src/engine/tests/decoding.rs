//! What becomes of packets that can not be decoded, in the simulator.

use kinora_errors::{Code, codes};
use kinora_media::Time;

use super::{URL, errors, is_completion, served};
use crate::sim::{Damage, Sim, mins, ms, secs};
use crate::{Command, Event, InfoCode, LoopMode, Role};

fn recovered(sim: &Sim) -> Vec<(Code, String)> {
    let fault = |event: &Event| match event {
        Event::Recovered(fault) => Some((fault.code(), fault.reason().to_owned())),
        _ => None,
    };
    sim.events
        .iter()
        .filter_map(|(_, event)| fault(event))
        .collect()
}

#[test]
fn a_track_that_gives_nothing_is_reported_once_and_the_other_plays_on() {
    for (role, code) in [
        (Role::Audio, codes::ERROR_DECODE_AUDIO),
        (Role::Video, codes::ERROR_DECODE_VIDEO),
    ] {
        let mut sim = served(61);
        sim.break_decoder(role, Damage::Mute);
        sim.play(URL);
        assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
        assert_eq!(recovered(&sim), [(code, "decoder.silent".to_owned())]);
        assert!(errors(&sim).is_empty());
    }
}

#[test]
fn failures_that_are_not_in_a_row_end_no_track() {
    let mut sim = served(62);
    sim.break_decoder(Role::Video, Damage::EveryNth(2));
    sim.command(Command::SetLoop(LoopMode::On));
    sim.play(URL);
    sim.run_for(mins(6));
    let shown = sim.engine().stats().frames_shown;
    sim.run_for(secs(10));
    let stats = sim.engine().stats();
    assert!(stats.corrupt_packets > 1_000, "{stats:?}");
    assert!(stats.frames_shown > shown, "pictures are shown still");
    let gave_up = |event: &Event| {
        matches!(
            event,
            Event::Info {
                code: InfoCode::VideoDecoderDeviceError,
                ..
            }
        )
    };
    assert_eq!(sim.count(gave_up), 0);
    assert!(errors(&sim).is_empty());
}

#[test]
fn pictures_that_a_decoder_has_no_time_for_are_left_out_and_sound_stays_in_time() {
    let mut sim = served(65);
    // Half of what ten pictures a second take.
    sim.slow_decoder(Role::Video, ms(200));
    sim.play(URL);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    let began = sim.shown[0].0;
    // 12 s of film.
    let took = sim.now() - began;
    assert!(took < secs(15), "{took}");
    let late = |(at, pts): &(Time, Time)| *at - began - *pts;
    let latest = sim.shown.iter().map(late).max().unwrap();
    // A second, and the next key frame is one further.
    assert!(latest < secs(3), "{latest}");
    let (shown, dropped) = (sim.shown.len(), sim.engine().stats().frames_dropped);
    assert!(
        shown > 40 && dropped > 20,
        "{shown} shown, {dropped} left out"
    );
    assert_eq!(sim.engine().stats().stalls, 0);
    let told = (codes::ERROR_DECODE_VIDEO, "decoder.slow".to_owned());
    assert_eq!(recovered(&sim), [told]);
    assert!(errors(&sim).is_empty());
}
