//! Playlists, in the simulator.

use bytes::{Bytes, BytesMut};
use kinora_errors::codes;
use kinora_media::Time;
use kinora_protect::{ContentKey, Iv, encrypt_segment};

use super::{errors, is_completion, is_error, is_first, is_seek_end};
use crate::sim::{Film, NetFault, Sim, Weather, mins, ms, secs, sim};
use crate::{Command, Event, SeekAccuracy, State, TrackChoice};

const LIST: &str = "http://films.test/vod/list.m3u8";

fn segment_url(number: usize) -> String {
    format!("http://films.test/vod/{number}.ts")
}

fn list(segments: usize, more: &str) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{more}");
    for number in 0..segments {
        text += &format!("#EXTINF:2,\n{number}.ts\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

fn vod(seed: u64) -> Sim {
    let mut sim = sim(seed);
    serve_vod(&mut sim);
    sim
}

fn serve_vod(sim: &mut Sim) {
    sim.net.serve(LIST, list(4, ""));
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        sim.net.serve(&segment_url(number), data);
    }
}

fn played_through(sim: &mut Sim, pictures: u64) {
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert_eq!(
        (stats.frames_shown, stats.frames_dropped),
        (pictures, 0),
        "{stats:?}"
    );
    assert!(errors(sim).is_empty());
}

#[test]
fn segments_of_a_transport_stream_play_as_one() {
    let mut sim = vod(1);
    sim.play(LIST);
    assert!(sim.run_until(secs(2), is_first));
    assert!(sim.now() < ms(80), "two trips: {}", sim.now());
    assert_eq!(sim.engine().duration(), Some(secs(8)));
    played_through(&mut sim, 80);
    assert_eq!(sim.engine().stats().stalls, 0);
    assert!((sim.now() - secs(8)).abs() < ms(400), "{}", sim.now());
    assert_eq!(sim.net.asked.len(), 5);
}

#[test]
fn segments_of_fragmented_mp4_play_as_one() {
    let mut sim = sim(2);
    let (init, segments) = Film::fmp4();
    sim.net
        .serve(LIST, list(3, "#EXT-X-MAP:URI=\"init.mp4\"\n"));
    sim.net.serve("http://films.test/vod/init.mp4", init);
    for (number, data) in segments.into_iter().enumerate() {
        sim.net.serve(&segment_url(number), data);
    }
    sim.play(LIST);
    played_through(&mut sim, 60);
    assert_eq!(sim.net.asked.len(), 5, "the init section is asked for once");
}

#[test]
fn byte_ranges_of_one_file_are_segments_too() {
    let mut sim = sim(3);
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    let mut at = 0;
    for data in Film::ts_segments() {
        text += &format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{}@{at}\nall.ts\n", data.len());
        at += data.len();
    }
    sim.net.serve(LIST, text + "#EXT-X-ENDLIST\n");
    sim.net.serve("http://films.test/vod/all.ts", Film::ts());
    sim.play(LIST);
    played_through(&mut sim, 80);
}

/// Encrypted segments, and this key for them; by the playlist's URL.
pub(super) fn encrypted(sim: &mut Sim, key: [u8; 16]) -> &'static str {
    let keyed = "#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n";
    sim.net.serve(LIST, list(4, keyed));
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        let iv = Iv::from_sequence(number as u64 + 5);
        let data = encrypt_segment(&ContentKey::new([7; 16]), iv, BytesMut::from(data.as_ref()));
        sim.net.serve(&segment_url(number), data);
    }
    sim.net
        .serve("http://films.test/key", Bytes::copy_from_slice(&key));
    LIST
}

#[test]
fn encrypted_segments_play_with_one_request_for_the_key() {
    let mut sim = sim(4);
    encrypted(&mut sim, [7; 16]);
    sim.play(LIST);
    assert!(sim.run_until(secs(2), is_first));
    assert!(
        sim.now() < ms(80),
        "key and segment are asked for together: {}",
        sim.now()
    );
    played_through(&mut sim, 80);
    assert_eq!(sim.net.asked.len(), 6);
}

#[test]
fn a_wrong_key_is_told_as_such() {
    let mut sim = sim(5);
    encrypted(&mut sim, [8; 16]);
    sim.play(LIST);
    assert!(sim.run_until(secs(5), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_OPENSTREAM]);
    assert_eq!(sim.state(), State::Error);
}

#[test]
fn a_scheme_that_is_not_public_is_refused() {
    let mut sim = vod(6);
    sim.net
        .serve(LIST, list(4, "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\"\n"));
    sim.play(LIST);
    sim.run_for(secs(3));
    assert_eq!(errors(&sim), [codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED]);
}

#[test]
fn an_exact_seek_finds_its_segment() {
    let mut sim = vod(7);
    // Slow enough that the target is not in the buffer.
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 8_000,
    };
    sim.play(LIST);
    assert!(sim.run_until(secs(5), is_first));
    sim.seek(ms(6_550), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(5), is_seek_end), "{:#?}", sim.events);
    assert_eq!(
        sim.shown.last().map(|shown| shown.1.as_millis() / 100),
        Some(65)
    );
    assert!(
        !sim.net.asked.iter().any(|asked| asked.1.contains("/2.ts")),
        "{:?}",
        sim.net.asked
    );
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
}

#[test]
fn a_discontinuity_does_not_disturb_the_clock() {
    let mut sim = sim(8);
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for n in [0, 1, 0, 1] {
        text += &format!("#EXT-X-DISCONTINUITY\n#EXTINF:2,\n{n}.ts\n");
    }
    sim.net.serve(LIST, text + "#EXT-X-ENDLIST\n");
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        sim.net.serve(&segment_url(number), data);
    }
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!((sim.now() - secs(8)).abs() < ms(500), "{}", sim.now());
    assert!(
        sim.engine().stats().frames_shown >= 76,
        "{:?}",
        sim.engine().stats()
    );
}

#[test]
fn a_presentation_whose_segments_are_refused_ends_with_its_error() {
    let mut sim = vod(9);
    sim.net
        .fault(Time::ZERO, mins(5), "/2.ts", NetFault::Status(451));
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_NETWORK_HTTP_4XX]);
    assert_eq!(sim.count(is_completion), 0);
    assert!(
        sim.position() >= ms(3_800),
        "what is there plays first: {}",
        sim.position()
    );
}

#[test]
fn a_segment_that_the_server_has_lost_is_a_gap() {
    for (lost, begins) in [("/0.ts", 60), ("/2.ts", 60), ("/3.ts", 60)] {
        let mut sim = vod(9);
        sim.net
            .fault(Time::ZERO, mins(5), lost, NetFault::Status(404));
        sim.play(LIST);
        assert!(
            sim.run_until(secs(20), is_completion),
            "{lost} {:#?}",
            sim.events
        );
        assert_eq!(sim.engine().stats().frames_shown, begins, "{lost}");
        let gaps = sim.count(|event| {
            matches!(event, Event::Recovered(fault) if fault.context().http_status == Some(404))
        });
        assert_eq!(gaps, 1, "{lost}: it is reported");
    }
}

#[test]
fn a_presentation_of_which_nothing_is_left_fails() {
    let mut sim = vod(9);
    sim.net
        .fault(Time::ZERO, mins(5), ".ts", NetFault::Status(404));
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_NETWORK_HTTP_404]);
}

/// A stream whose playlist grows by a segment each two seconds, for two minutes.
fn live(seed: u64) -> Sim {
    let mut sim = sim(seed);
    serve_live(&mut sim, 60);
    sim
}

/// A stream whose playlist grows by a segment each two seconds, so many times; by its URL.
pub(super) fn serve_live(sim: &mut Sim, windows: i64) -> &'static str {
    serve_vod(sim);
    let window = |from: usize| {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{from}\n");
        for number in from..from + 4 {
            if number > 0 && number % 4 == 0 {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            text += &format!("#EXTINF:2,\n{}.ts\n", number % 4);
        }
        // RFC 8216 6.2.2: the count of those that fell out.
        text.replacen(
            "#EXTINF",
            &format!(
                "#EXT-X-DISCONTINUITY-SEQUENCE:{}\n#EXTINF",
                from.saturating_sub(1) / 4
            ),
            1,
        )
    };
    for from in 0..windows {
        let at = if from == 0 { Time::MIN } else { secs(from * 2) };
        sim.net
            .serve_from(at, LIST, window(usize::try_from(from).unwrap_or(0)));
    }
    LIST
}

/// The stream is over: its last playlist says so.
pub(super) fn end_live(sim: &mut Sim, windows: i64) {
    let first = usize::try_from(windows).unwrap_or(0);
    let ended = format!("#EXT-X-MEDIA-SEQUENCE:{first}\n");
    sim.net.serve_from(secs(windows * 2), LIST, list(4, &ended));
}

#[test]
fn a_live_playlist_is_asked_for_where_it_was_named_not_where_it_came_from() {
    let mut sim = sim(31);
    let asked = serve_live(&mut sim, 20);
    let front = "http://front.test/channel.m3u8";
    sim.net.redirect(front, asked);
    // Only by way of the front it is open.
    sim.net
        .fault(Time::ZERO, mins(5), asked, NetFault::Status(403));
    sim.play(front);
    sim.run_for(secs(30));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(sim.position() > secs(20), "{}", sim.position());
    let fronts = sim.net.asked.iter().filter(|it| it.1 == front).count();
    assert!(fronts >= 10, "{fronts}");
    assert!(sim.net.asked.iter().all(|it| it.1 != asked));
}

#[test]
fn a_live_playlist_that_is_missing_for_a_while_is_asked_for_again() {
    // Longer forbidden, it is the credential that is old.
    for (status, until) in [(403, ms(6_400)), (404, secs(10))] {
        let mut sim = sim(32);
        let url = serve_live(&mut sim, 20);
        sim.net.fault(secs(6), until, url, NetFault::Status(status));
        sim.play(url);
        sim.run_for(secs(30));
        assert!(errors(&sim).is_empty(), "{status} {:#?}", sim.events);
        assert!(sim.position() > secs(15), "{status} {}", sim.position());
    }
}

#[test]
fn a_live_stream_is_followed_near_its_edge() {
    let mut sim = live(10);
    sim.play(LIST);
    sim.run_for(secs(100));
    assert_eq!(sim.state(), State::Started);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.engine().duration(), None);
    let position = sim.position();
    assert!((position - secs(97)).abs() < secs(6), "{position}");
    assert!(
        sim.engine().stats().frames_shown > 900,
        "{:?}",
        sim.engine().stats()
    );
    let lists = sim.net.asked.iter().filter(|asked| asked.1 == LIST).count();
    assert!((40..=110).contains(&lists), "{lists}");
}

#[test]
fn a_live_stream_that_ended_seeks_no_further_back_than_it_reaches() {
    let mut sim = sim(16);
    serve_live(&mut sim, 10);
    end_live(&mut sim, 10);
    sim.play(LIST);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    sim.seek(secs(1), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(2), is_seek_end), "{:#?}", sim.events);
    assert!((sim.position() - secs(20)).abs() < ms(500));
    // The four segments that are left.
    assert!(sim.run_until(secs(9), is_completion), "{:#?}", sim.events);
}

#[test]
fn a_live_stream_that_fell_behind_catches_up() {
    let mut sim = live(15);
    sim.play(LIST);
    sim.run_for(secs(10));
    sim.command(Command::Pause);
    sim.run_for(secs(4));
    sim.command(Command::Start);
    let (at, from) = (sim.now(), sim.position());
    sim.run_for(secs(20));
    let faster = (sim.position() - from) - (sim.now() - at);
    assert!(faster > secs(2), "{faster}");
    sim.run_for(secs(60));
    let behind = sim.engine().buffered_position() - sim.position();
    assert!(behind < secs(8), "{behind}");
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_live_stream_that_is_far_behind_leaves_out_what_was_missed() {
    let mut sim = live(15);
    sim.play(LIST);
    sim.run_for(secs(10));
    sim.command(Command::Pause);
    sim.run_for(secs(20));
    let from = sim.position();
    sim.command(Command::Start);
    sim.run_for(secs(2));
    assert!(sim.position() - from > secs(10), "{}", sim.position());
    let behind = sim.engine().buffered_position() - sim.position();
    assert!(behind < secs(11), "{behind}");
    sim.run_for(secs(20));
    assert!(errors(&sim).is_empty());
}

const MASTER: &str = "http://films.test/master.m3u8";

fn ladder(seed: u64) -> Sim {
    let mut sim = sim(seed);
    serve_ladder(&mut sim);
    sim
}

/// A minute in three qualities; by its URL.
pub(super) fn serve_ladder(sim: &mut Sim) -> &'static str {
    let mut text = "#EXTM3U\n".to_owned();
    for (name, bandwidth) in [("low", 40_000), ("middle", 400_000), ("high", 4_000_000)] {
        text += &format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION=64x48\n{name}/list.m3u8\n"
        );
        let mut media = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
        for number in 0..30 {
            if number % 4 == 0 {
                media += "#EXT-X-DISCONTINUITY\n";
            }
            media += &format!("#EXTINF:2,\n{number}.ts\n");
            let data = &Film::ts_segments()[number % 4];
            sim.net.serve(
                &format!("http://films.test/{name}/{number}.ts"),
                data.clone(),
            );
        }
        sim.net.serve(
            &format!("http://films.test/{name}/list.m3u8"),
            media + "#EXT-X-ENDLIST\n",
        );
    }
    sim.net.serve(MASTER, text);
    MASTER
}

fn asked_of(sim: &Sim, name: &str) -> usize {
    let part = format!("/{name}/");
    sim.net
        .asked
        .iter()
        .filter(|asked| asked.1.contains(&part) && asked.1.ends_with(".ts"))
        .count()
}

#[test]
fn a_missing_rendition_gives_way_to_another() {
    let mut sim = ladder(11);
    sim.net
        .fault(Time::ZERO, mins(5), "/middle/", NetFault::Status(404));
    sim.play(MASTER);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert_eq!(asked_of(&sim, "middle"), 0);
    assert!(asked_of(&sim, "low") + asked_of(&sim, "high") >= 30);
    assert!(sim.count(|event| matches!(event, Event::Recovered(_))) >= 1);
}

#[test]
fn a_rendition_whose_playlist_is_refused_too_gives_way_where_it_would_have_begun() {
    let mut sim = ladder(13);
    sim.net
        .fault(secs(2), mins(5), "/middle/", NetFault::Status(404));
    sim.net
        .fault(Time::ZERO, mins(5), "/low/", NetFault::Status(404));
    sim.play(MASTER);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 600, "each picture once");
}

#[test]
fn a_seek_tries_again_what_was_refused_in_every_quality() {
    let mut sim = ladder(14);
    sim.net.fault(secs(2), secs(30), "", NetFault::Status(404));
    sim.play(MASTER);
    sim.run_for(secs(6));
    sim.command(Command::Pause);
    sim.run_for(secs(30));
    sim.seek(secs(57), SeekAccuracy::KeyFrame);
    sim.command(Command::Start);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
}

#[test]
fn a_rendition_that_is_chosen_plays_from_here() {
    let mut sim = ladder(12);
    sim.play(MASTER);
    sim.run_for(secs(5));
    let position = sim.position();
    sim.command(Command::SelectTrack(TrackChoice::Index(0)));
    sim.run_for(secs(5));
    assert_eq!(
        sim.count(|event| matches!(event, Event::TrackChanged { index: 0 })),
        1,
        "{:#?}",
        sim.events
    );
    assert!(
        (sim.position() - position - secs(5)).abs() < ms(600),
        "{}",
        sim.position()
    );
    assert!(asked_of(&sim, "low") > 0);
    assert!(sim.run_until(mins(2), is_completion));
    assert_eq!(asked_of(&sim, "high"), 0, "it stays chosen");
}

#[test]
fn text_that_is_no_playlist_is_told() {
    let mut sim = sim(13);
    sim.net.serve(LIST, "#EXTM3U\n#EXTINF:abc,\n0.ts\n");
    sim.play(LIST);
    sim.run_for(secs(2));
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_OPENURL]);
}

#[test]
fn stop_ends_everything_at_any_step() {
    for steps in (0..150).chain((150..1_500).step_by(31)) {
        let mut sim = ladder(14);
        sim.play(MASTER);
        sim.run_steps(steps, secs(30));
        sim.command(Command::Stop);
        assert_eq!(sim.net.open_requests(), 0, "after {steps} steps");
        let told = sim.events.len();
        sim.run_for(secs(60));
        assert_eq!(sim.events.len(), told, "after {steps} steps");
    }
}
