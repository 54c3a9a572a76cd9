//! DASH, in the simulator.

mod chunked;
mod clocks;
mod drift;
mod events;
mod latency;
mod places;
mod prefer_audio;
mod sound;
mod steering;
mod text;
mod updates;

use bytes::Bytes;
use kinora_errors::codes;

use super::recording::Recording;
use super::{errors, is_completion, is_first, is_seek_end};
use crate::sim::{Film, NetFault, Sim, mins, ms, secs, sim};
use crate::{Event, PlayerConfig, SeekAccuracy, State, TrackChoice};

const MPD: &str = "http://films.test/vod/film.mpd";

fn at(name: &str) -> String {
    format!("http://films.test/vod/{name}")
}

/// The segments of a film with pictures and sound, three of 2 s.
fn serve_fmp4(sim: &mut Sim) {
    let (init, segments) = Film::fmp4();
    sim.net.serve(&at("init.mp4"), init);
    for (number, data) in segments.into_iter().enumerate() {
        sim.net.serve(&at(&format!("{}.m4s", number + 1)), data);
    }
}

const TEMPLATE: &str = "<SegmentTemplate timescale='10' duration='20' initialization='init.mp4' media='$Number$.m4s'/>";
const BOTH: &str = "<Representation id='v' bandwidth='100000' codecs='avc1.64000a,mp4a.40.2' width='32' height='32'/>";

fn vod(periods: &str) -> String {
    format!("<?xml version='1.0'?>\n<!-- a film -->\n<MPD type='static'>{periods}</MPD>")
}

fn period(attributes: &str, inside: &str) -> String {
    format!(
        "<Period {attributes}><AdaptationSet mimeType='video/mp4'>{inside}</AdaptationSet></Period>"
    )
}

fn played_through(sim: &mut Sim, pictures: u64) {
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    let shown = (stats.frames_shown, stats.frames_dropped);
    assert_eq!(shown, (pictures, 0), "{stats:?}");
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
}

/// What was recorded of a session runs the same again.
fn runs_again(seed: u64, session: impl FnOnce(&mut Sim)) {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(seed, PlayerConfig::default(), sink);
    session(&mut sim);
    let reported = sim.events.len();
    drop(sim);
    let secret = |line: &String| line.contains("secret words");
    assert!(!recording.lines().iter().any(secret));
    recording.runs_again(reported);
}

#[test]
fn a_template_by_number_plays_with_one_request_for_each_segment() {
    let mut sim = sim(1);
    serve_fmp4(&mut sim);
    sim.net.serve(
        MPD,
        vod(&period("duration='PT6S'", &format!("{TEMPLATE}{BOTH}"))),
    );
    sim.play(MPD);
    assert!(sim.run_until(secs(2), is_first));
    assert_eq!(sim.engine().duration(), Some(secs(6)));
    played_through(&mut sim, 60);
    assert_eq!(sim.net.asked.len(), 5, "{:?}", sim.net.asked);
}

#[test]
fn a_list_of_segments_by_a_timeline_plays() {
    let mut sim = sim(2);
    serve_fmp4(&mut sim);
    let list = "<SegmentList timescale='1000'><Initialization sourceURL='init.mp4'/><SegmentTimeline><S t='0' d='2000' r='2'/></SegmentTimeline>\
         <SegmentURL media='1.m4s'/><SegmentURL media='2.m4s'/><SegmentURL media='3.m4s'/></SegmentList>";
    sim.net.serve(
        MPD,
        vod(&period("duration='PT6S'", &format!("{list}{BOTH}"))),
    );
    sim.play(MPD);
    played_through(&mut sim, 60);
}

/// One file with a segment index between its init section and its segments; the index's range.
fn indexed_file() -> (Bytes, std::ops::Range<usize>) {
    let (init, segments) = Film::fmp4();
    let mut sidx = b"\0\0\0\0sidx\0\0\0\0\0\0\0\x01\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\x03".to_vec();
    for data in &segments {
        sidx.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        sidx.extend(20_u32.to_be_bytes());
        sidx.extend(0x9000_0000_u32.to_be_bytes());
    }
    let len = u32::try_from(sidx.len()).unwrap();
    sidx[..4].copy_from_slice(&len.to_be_bytes());
    let range = init.len()..init.len() + sidx.len();
    let file = [&init[..], &sidx, &segments.concat()].concat();
    (file.into(), range)
}

fn serve_indexed(sim: &mut Sim) -> String {
    let (file, index) = indexed_file();
    sim.net.serve(&at("all.mp4"), file);
    format!(
        "<Representation id='v' codecs='avc1.64000a'><BaseURL>all.mp4</BaseURL><SegmentBase indexRange='{}-{}'><Initialization range='0-{}'/></SegmentBase></Representation>",
        index.start,
        index.end - 1,
        index.start - 1
    )
}

#[test]
fn a_file_with_a_segment_index_plays_segment_by_segment() {
    let mut sim = sim(3);
    let it = serve_indexed(&mut sim);
    sim.net.serve(MPD, vod(&period("duration='PT6S'", &it)));
    sim.play(MPD);
    played_through(&mut sim, 60);
    // The manifest, the index, the init section and three segments.
    assert_eq!(sim.net.asked.len(), 6, "{:?}", sim.net.asked);
    sim.seek(secs(5), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(2), is_seek_end), "{:#?}", sim.events);
    assert!((sim.position() - secs(5)).abs() < ms(200));
}

#[test]
fn periods_join_and_what_lies_outside_them_is_not_shown() {
    let mut sim = sim(4);
    serve_fmp4(&mut sim);
    let film = format!("{TEMPLATE}{BOTH}");
    // 1 s of the first segment; then from 1 s of the media on.
    let later = film.replace(
        "timescale='10'",
        "timescale='10' presentationTimeOffset='10'",
    );
    let first = period("id='a' duration='PT1S'", &film);
    let second = period("id='b' duration='PT5S'", &later.replace("duration='20'", "").replace(
        "media='$Number$.m4s'/>",
        "media='$Number$.m4s'><SegmentTimeline><S t='0' d='20' r='2'/></SegmentTimeline></SegmentTemplate>",
    ));
    sim.net.serve(MPD, vod(&(first + &second)));
    sim.play(MPD);
    assert!(sim.run_until(secs(2), is_first));
    assert_eq!(sim.engine().duration(), Some(secs(6)));
    played_through(&mut sim, 60);
    assert!((sim.now() - secs(6)).abs() < ms(500), "{}", sim.now());
}

/// Pictures in two qualities and sound beside them, as transport streams.
fn serve_ladder(sim: &mut Sim) {
    let sets = "<Period duration='PT8S'><AdaptationSet mimeType='video/mp2t' contentType='video'>\
         <SegmentTemplate duration='2' startNumber='0' media='$RepresentationID$$Number$.ts'/>\
         <Representation id='low' bandwidth='40000' width='32' height='32'/><Representation id='high' bandwidth='200000' width='64' height='64'/></AdaptationSet>\
         <AdaptationSet mimeType='audio/mp2t' contentType='audio' lang='en'><SegmentTemplate duration='2' startNumber='0' media='a$Number$.ts'/>\
         <Representation id='a' bandwidth='32000'/></AdaptationSet>\
         <AdaptationSet mimeType='video/mp2t' contentType='video'><EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>\
         <SegmentTemplate duration='2' media='trick$Number$.ts'/><Representation id='t' bandwidth='1000'/></AdaptationSet></Period>";
    sim.net.serve(MPD, vod(sets));
    for (number, data) in Film::picture_segments().into_iter().enumerate() {
        sim.net.serve(&at(&format!("low{number}.ts")), data.clone());
        sim.net.serve(&at(&format!("high{number}.ts")), data);
    }
    for (number, data) in Film::sound_segments().into_iter().enumerate() {
        sim.net.serve(&at(&format!("a{number}.ts")), data);
    }
}

fn asked_of(sim: &Sim, name: &str) -> usize {
    sim.net
        .asked
        .iter()
        .filter(|asked| asked.1.contains(name))
        .count()
}

#[test]
fn pictures_and_sound_of_their_own_sets_play_together() {
    let mut sim = sim(5);
    serve_ladder(&mut sim);
    sim.play(MPD);
    played_through(&mut sim, 80);
    assert_eq!((asked_of(&sim, "/a"), asked_of(&sim, "film.mpd")), (4, 1));
    assert_eq!(asked_of(&sim, "trick"), 0);
}

#[test]
fn without_pictures_only_the_set_of_sound_is_fetched() {
    let config = crate::PlayerConfig {
        disable_video: true,
        ..crate::PlayerConfig::default()
    };
    let mut sim = Sim::new(5, config);
    serve_ladder(&mut sim);
    sim.play(MPD);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(asked_of(&sim, "/a"), 4);
    assert_eq!((asked_of(&sim, "/low"), asked_of(&sim, "/high")), (0, 0));
}

#[test]
fn a_representation_that_is_missing_gives_way_to_another() {
    let mut sim = sim(6);
    serve_ladder(&mut sim);
    sim.net
        .fault(secs(0), mins(9), "/high", NetFault::Status(404));
    sim.play(MPD);
    sim.command(crate::Command::SelectTrack(TrackChoice::Auto));
    played_through(&mut sim, 80);
    assert!(asked_of(&sim, "/low") >= 1);
}

/// A live film: what has been made of it by the simulator's time is there. `attributes` of the MPD.
fn serve_live(sim: &mut Sim, attributes: &str, inside: &str) {
    let epoch = sim.now_unix_ms();
    let start = time_text(epoch - 60_000);
    let text = format!(
        "<MPD type='dynamic' availabilityStartTime='{start}' {attributes}><Period id='p' start='PT0S'>\
         <AdaptationSet mimeType='video/mp2t' contentType='video'>{inside}</AdaptationSet></Period></MPD>"
    );
    sim.net.serve(MPD, text);
    for number in 0..100 {
        let data = Film::ts_segments()[number % 4].clone();
        let made = ms((i64::try_from(number).unwrap() + 1) * 2_000 - 60_000);
        sim.net.serve_from(made, &at(&format!("{number}.ts")), data);
    }
}

/// A time of day as MPDs write it.
fn time_text(unix_ms: i64) -> String {
    let (days, ms) = (
        unix_ms.div_euclid(86_400_000),
        unix_ms.rem_euclid(86_400_000),
    );
    // Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        ms % 1_000
    )
}

const LIVE: &str = "<SegmentTemplate duration='2' startNumber='0' media='$Number$.ts'/><Representation id='v' bandwidth='100000'/>";

fn followed(sim: &mut Sim) {
    sim.play(MPD);
    sim.run_for(secs(40));
    assert_eq!(sim.state(), State::Started, "{:#?}", sim.events);
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.engine().duration(), None);
    assert!(
        sim.engine().stats().frames_shown > 330,
        "{:?}",
        sim.engine().stats()
    );
    // 60 s when it began, 40 s since.
    let behind = secs(100) - sim.position();
    assert!(secs(4) < behind && behind < secs(12), "{behind}");
}

#[test]
fn a_live_stream_by_number_is_followed_by_the_clock_with_one_manifest() {
    let mut sim = sim(7);
    serve_live(&mut sim, "timeShiftBufferDepth='PT20S'", LIVE);
    followed(&mut sim);
    assert_eq!(asked_of(&sim, "film.mpd"), 1);
    assert_eq!(
        sim.count(|event| matches!(event, Event::Recovered(_))),
        0,
        "{:#?}",
        sim.events
    );
}

#[test]
fn a_manifest_that_changes_is_asked_for_as_often_as_it_says() {
    let mut sim = sim(8);
    serve_live(&mut sim, "minimumUpdatePeriod='PT5S'", LIVE);
    // One that is missing for a while is asked for again.
    sim.net
        .fault(secs(10), secs(14), "film.mpd", NetFault::Status(404));
    followed(&mut sim);
    let asked = asked_of(&sim, "film.mpd");
    assert!((8..=14).contains(&asked), "{asked}");
}

#[test]
fn the_manifests_clock_counts_more_than_ours() {
    let mut sim = sim(9);
    // Our clock is 30 s late: what it takes for the edge is old.
    let now = time_text(sim.now_unix_ms() + 30_000);
    let utc = format!("<UTCTiming schemeIdUri='urn:mpeg:dash:utc:direct:2014' value='{now}'/>");
    serve_live(&mut sim, "", LIVE);
    let start = time_text(sim.now_unix_ms() - 60_000);
    let text = format!(
        "<MPD type='dynamic' availabilityStartTime='{start}'>{utc}<Period id='p' start='PT30S'>\
         <AdaptationSet mimeType='video/mp2t' contentType='video'>{LIVE}</AdaptationSet></Period></MPD>"
    );
    sim.net.serve(MPD, text);
    sim.play(MPD);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let asked = sim
        .net
        .asked
        .iter()
        .filter(|it| it.1.ends_with(".ts"))
        .map(|it| it.1.clone());
    let first = asked.into_iter().next().unwrap();
    // 60 s of it are made: of the 30 segments the one that begins 6 s before the end.
    assert_eq!(first, at("27.ts"), "{:?}", sim.net.asked);
}

#[test]
fn a_remote_manifest_reaches_no_file_and_a_broken_one_says_why() {
    for (text, code) in [
        (
            vod(&period(
                "duration='PT6S'",
                "<Representation id='v'><BaseURL>file:///etc/passwd</BaseURL></Representation>",
            )),
            codes::ERROR_NETWORK_UNSUPPORTED,
        ),
        (vod("<Period/>"), codes::ERROR_DEMUXER_OPENURL),
        ("<MPD><Period>".to_owned(), codes::ERROR_DEMUXER_OPENURL),
        (
            "<MPD>".to_owned() + "<!DOCTYPE x><Period/></MPD>",
            codes::ERROR_DEMUXER_OPENURL,
        ),
    ] {
        let mut sim = sim(10);
        sim.net.serve(MPD, text.clone());
        sim.play(MPD);
        sim.run_for(secs(5));
        assert_eq!(errors(&sim), [code], "{text}");
    }
}

/// A folder of a stream, served from `http://films.test/vod/`.
#[allow(clippy::disallowed_methods)]
fn serve_folder(sim: &mut Sim, folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        sim.net.serve(&at(&name), std::fs::read(&path).unwrap());
    }
}

// What other players' test streams hold; skipped without the corpus.
#[test]
fn the_streams_of_the_corpus_play_to_their_end() {
    let Some(corpus) = kinora_test_support::corpus() else {
        return;
    };
    // And the pictures that are shown.
    for (name, manifest, pictures) in [
        ("emsg", "sample.mpd", 0),
        ("multi-period-with-multiple-gop", "sample.mpd", 84),
        ("multi-track", "sample.mpd", 30),
        ("ttml-in-mp4", "sample.mpd", 30),
        ("webvtt-in-mp4-multiple-segments", "manifest.mpd", 125),
    ] {
        let folder = corpus.join("streams/dash").join(name);
        if !folder.is_dir() {
            continue;
        }
        let mut sim = sim(11);
        serve_folder(&mut sim, &folder);
        sim.play(&at(manifest));
        assert!(
            sim.run_until(secs(30), is_completion),
            "{name}: {:#?}",
            sim.events
        );
        assert!(errors(&sim).is_empty(), "{name}: {:#?}", sim.events);
        let stats = sim.engine().stats();
        assert_eq!(stats.frames_shown, pictures, "{name}: {stats:?}");
    }
}
