//! Changes of the rendition: every picture of the film is shown once, when it is due.

use kinora_container::{Demuxer as _, ProbingDemuxer, Step};
use kinora_media::{Time, TrackKind};

use super::{errors, is_completion};
use crate::sim::{Film, Ladder, Sim, mins, ms, secs, sim};
use crate::{Command, Event, TrackChoice};

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
pub(super) fn first_pts() -> Time {
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
        let representations = representations.map(|(rung, bits)| {
            let (width, height) = (320 << rung, 180 << rung);
            format!(
                "<Representation id='{rung}' bandwidth='{bits}' width='{width}' height='{height}'/>"
            )
        });
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
    plays_through(&mut sim);
    let changes = sim.count(|event| matches!(event, Event::TrackChanged { .. }));
    assert!((3..=20).contains(&changes), "{changes} changes");
}

/// To its end, with each picture once, in order.
fn plays_through(sim: &mut Sim) {
    assert!(sim.run_until(mins(4), is_completion), "{:#?}", sim.events);
    assert!(errors(sim).is_empty());
    assert_eq!(sim.shown.len(), PICTURES, "{:?}", sim.shown);
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

/// The place in the ladder of what was asked for last.
fn rung(sim: &Sim) -> usize {
    let asked = sim.net.asked.iter().rev();
    let mut media = asked.filter(|it| it.1.ends_with(".ts"));
    let last = media.next().expect("segments were asked for");
    last.1.split('/').nth(4).unwrap().parse().unwrap()
}

/// What the user chooses is played from the next border on that the decoders have not reached.
fn choosing(mut sim: Sim, url: &str) {
    sim.play(url);
    for (seconds, chosen) in [(10, 0), (20, 3), (1, 1), (30, 2)] {
        sim.run_for(secs(seconds));
        let before = sim.events.len();
        sim.command(Command::SelectTrack(TrackChoice::Index(chosen)));
        sim.run_for(secs(4));
        let told: Vec<&Event> = sim.events[before..].iter().map(|it| &it.1).collect();
        let is =
            |event: &&Event| matches!(event, Event::TrackChanged { index } if *index == chosen);
        assert!(told.iter().any(is), "{chosen}: {told:#?}");
        assert_eq!(rung(&sim), usize::try_from(chosen).unwrap());
        // Nothing that was fetched of it is fetched again.
        let bytes = sim.net.asked.len();
        assert!(bytes < 200, "{bytes}");
    }
    plays_through(&mut sim);
}

#[test]
fn a_variant_that_the_user_chooses_goes_on_without_a_gap_or_a_picture_twice() {
    let mut sim = sim(82);
    let url = Ladder::new(&BITRATES, SEGMENTS, 1).serve(&mut sim);
    choosing(sim, url);
}

#[test]
fn a_representation_that_the_user_chooses_goes_on_without_a_gap_or_a_picture_twice() {
    let mut sim = sim(83);
    let url = serve_dash(&mut sim);
    choosing(sim, url);
}

#[test]
fn no_larger_picture_is_fetched_than_can_be_seen() {
    let mut sim = sim(84);
    let url = serve_dash(&mut sim);
    // 640x360 at the second place.
    sim.command(Command::SetViewport(Some((600, 400))));
    sim.play(url);
    sim.run_for(secs(20));
    assert_eq!(rung(&sim), 1);
    assert!(
        sim.net
            .asked
            .iter()
            .all(|it| !it.1.contains("/2/") && !it.1.contains("/3/"))
    );
    sim.command(Command::SetViewport(None));
    sim.run_for(secs(20));
    assert_eq!(rung(&sim), 3);
    sim.command(Command::SetViewport(Some((0, 0))));
    sim.run_for(secs(20));
    assert_eq!(rung(&sim), 0);
    plays_through(&mut sim);
}

#[test]
fn a_choice_that_is_taken_back_before_it_came_shows_no_picture_twice() {
    let mut sim = sim(86);
    let url = Ladder::new(&BITRATES, SEGMENTS, 1).serve(&mut sim);
    sim.play(url);
    sim.run_for(secs(10));
    let playing = u32::try_from(rung(&sim)).unwrap();
    let other = (playing + 1) % 4;
    for chosen in [playing, other, playing, other, playing] {
        sim.command(Command::SelectTrack(TrackChoice::Index(chosen)));
        sim.run_for(ms(5));
    }
    plays_through(&mut sim);
    assert_eq!(rung(&sim), usize::try_from(playing).unwrap());
}
