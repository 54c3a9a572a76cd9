//! What becomes of packets that can not be decoded, in the simulator.

use kinora_errors::{Code, codes};

use super::{URL, errors, is_completion, served};
use crate::sim::{Damage, Sim, mins, secs};
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
