//! Changes of the rendition: every picture of the film is shown once, when it is due.

use kinora_container::{Demuxer as _, ProbingDemuxer, Step};
use kinora_media::{Time, TrackKind};

use super::{errors, is_completion};
use crate::Event;
use crate::sim::{Film, Ladder, Sim, mins, ms, secs, sim};

/// Two minutes in four qualities, ten pictures a second.
const BITRATES: [u64; 4] = [300_000, 1_000_000, 3_000_000, 6_000_000];
const SEGMENTS: usize = 60;
const PICTURES: usize = 1_200;

/// A network that carries the best, then next to nothing, then all again.
fn changing(sim: &mut Sim) {
    let bits = [(0, 10_000_000), (25, 600_000), (60, 12_000_000)];
    sim.net.forecast = bits.iter().map(|(at, it)| (secs(*at), it / 8)).collect();
}

/// When the first picture of the films is shown by their own clock.
fn first_pts() -> Time {
    let mut demuxer = ProbingDemuxer::for_segments();
    demuxer.push(0, Film::ts_segments()[0].clone());
    demuxer.finish();
    let mut video = None;
    let mut times = Vec::new();
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(info) => video = info.first(TrackKind::Video).map(|it| it.id),
            Step::Packet(packet) if Some(packet.track) == video => times.push(packet.pts),
            Step::End => return times.into_iter().min().unwrap(),
            _ => {}
        }
    }
}

/// The same files as a DASH presentation: a period for each run of the film, whose clock begins anew.
fn serve_dash(sim: &mut Sim) -> &'static str {
    Ladder::new(&BITRATES, SEGMENTS, 1).serve(sim);
    let ticks = first_pts().as_nanos() * 9 / 100_000;
    let template = |start: usize| {
        format!(
            "timescale='90000' duration='180000' startNumber='{start}' presentationTimeOffset='{ticks}' media='$RepresentationID$/$Number$.ts'"
        )
    };
    let mut periods = String::new();
    for run in 0..SEGMENTS / 4 {
        let representations = BITRATES.iter().enumerate();
        let representations = representations
            .map(|(rung, bits)| format!("<Representation id='{rung}' bandwidth='{bits}'/>"));
        periods += &format!(
            "<Period id='{run}' duration='PT8S'><AdaptationSet mimeType='video/mp2t' contentType='video'><SegmentTemplate {}/>{}</AdaptationSet></Period>",
            template(run * 4),
            representations.collect::<String>()
        );
    }
    let url = "http://films.test/ladder/main.mpd";
    sim.net
        .serve(url, format!("<MPD type='static'>{periods}</MPD>"));
    url
}

fn shows_every_picture_once(mut sim: Sim, url: &str) {
    changing(&mut sim);
    sim.play(url);
    assert!(sim.run_until(mins(4), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    let changes = sim.count(|event| matches!(event, Event::TrackChanged { .. }));
    assert!((3..=20).contains(&changes), "{changes} changes");
    assert_eq!(sim.shown.len(), PICTURES);
    assert_eq!(sim.engine().stats().frames_dropped, 0);
    for pair in sim.shown.windows(2) {
        let (before, after) = (pair[0].1, pair[1].1);
        let step = after - before;
        assert!(
            (step - ms(100)).abs() <= ms(2),
            "{before} is followed by {after}"
        );
    }
    assert_eq!(sim.stalled(), Time::ZERO);
}

#[test]
fn hls_changes_its_variant_without_a_gap_or_a_picture_twice() {
    let mut sim = sim(80);
    let url = Ladder::new(&BITRATES, SEGMENTS, 1).serve(&mut sim);
    shows_every_picture_once(sim, url);
}

#[test]
fn dash_changes_its_representation_without_a_gap_or_a_picture_twice() {
    let mut sim = sim(81);
    let url = serve_dash(&mut sim);
    shows_every_picture_once(sim, url);
}
