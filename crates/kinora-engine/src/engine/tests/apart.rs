//! Tracks of which one lies far ahead of the other.

use kinora_media::{Time, TrackKind};

use super::pushed::packets;
use super::{errors, is_completion, is_first};
use crate::sim::{Film, Sim, mins, ms, secs, sim};

const URL: &str = "rtmp://live.test/app/stream";

/// A film of 12 s of which all packets of a kind from a time on come so much later by their times.
fn with_jump(seed: u64, kind: TrackKind, from: Time, by: Time) -> Sim {
    let mut stream = packets(Film::mp4(), false);
    let track = stream.info.first(kind).unwrap().id;
    for packet in &mut stream.packets {
        if packet.track == track && packet.dts >= from {
            packet.pts += by;
            packet.dts += by;
        }
    }
    let mut sim = sim(seed);
    sim.net.serve_packets(URL, stream);
    sim
}

fn played_to_the_end(sim: &mut Sim) {
    sim.play(URL);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert!(errors(sim).is_empty());
    assert!((sim.now() - secs(12)).abs() < ms(900), "{}", sim.now());
    assert_eq!(sim.engine().stats().stalls, 0, "{:#?}", sim.events);
}

#[test]
fn video_that_leaps_far_ahead_does_not_hold_the_audio() {
    for (by, from) in [
        (mins(60), secs(4)),
        (mins(60 * 24), secs(4)),
        (mins(60), Time::MIN),
    ] {
        let mut sim = with_jump(71, TrackKind::Video, from, by);
        played_to_the_end(&mut sim);
        // By their times of decoding, behind which reordered pictures lie.
        let shown = if from == secs(4) { 42 } else { 1 };
        let stats = sim.engine().stats();
        assert_eq!(
            (stats.frames_shown, stats.frames_dropped),
            (shown, 120 - shown)
        );
    }
}

#[test]
fn audio_that_leaps_far_ahead_does_not_hold_the_video() {
    for (by, from) in [
        (mins(60), secs(4)),
        (mins(60 * 24), secs(4)),
        (mins(60), Time::MIN),
    ] {
        let mut sim = with_jump(72, TrackKind::Audio, from, by);
        played_to_the_end(&mut sim);
        assert_eq!(sim.engine().stats().frames_shown, 120);
    }
}

#[test]
fn a_track_that_pauses_is_waited_for() {
    // A picture that stands for 20 s, whose audio goes on for 12.
    let mut sim = with_jump(73, TrackKind::Video, secs(11), secs(20));
    sim.play(URL);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert!((sim.now() - secs(32)).abs() < ms(900), "{}", sim.now());
    let stats = sim.engine().stats();
    assert_eq!((stats.frames_shown, stats.frames_dropped), (120, 0));
}
