//! Playlists, in the simulator.

use bytes::{Bytes, BytesMut};
use kinora_errors::codes;
use kinora_media::{CodecId, Time};
use kinora_protect::{ContentKey, Iv, encrypt_segment};

use super::{errors, is_completion, is_error, is_first, is_seek_end};
use crate::sim::{Damage, Film, NetFault, Sim, Weather, mins, ms, secs, sim};
use crate::{Command, Event, PlayerConfig, Role, SeekAccuracy, State, TrackChoice};

pub(super) const LIST: &str = "http://films.test/vod/list.m3u8";

pub(super) fn segment_url(number: usize) -> String {
    format!("http://films.test/vod/{number}.ts")
}

pub(super) fn list(segments: usize, more: &str) -> String {
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

pub(super) fn serve_vod(sim: &mut Sim) {
    sim.net.serve(LIST, list(4, ""));
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        sim.net.serve(&segment_url(number), data);
    }
}

pub(super) fn played_through(sim: &mut Sim, pictures: u64) {
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
        let data = data.unwrap();
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
fn a_wrong_key_is_reported_as_such() {
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
        .serve(LIST, list(4, "#EXT-X-KEY:METHOD=AES-512,URI=\"/key\"\n"));
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
    let others = asked_of(&sim, "middle") + asked_of(&sim, "high");
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
    let now = asked_of(&sim, "middle") + asked_of(&sim, "high");
    assert_eq!(now, others, "it stays chosen");
}

#[test]
fn text_that_is_no_playlist_is_reported() {
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
        let reported = sim.events.len();
        sim.run_for(secs(60));
        assert_eq!(sim.events.len(), reported, "after {steps} steps");
    }
}

/// Fragmented MP4 whose sound has other times than its pictures: `time` of the segment's own.
fn serve_sound_at(sim: &mut Sim, time: impl Fn(u64) -> u64) {
    let (init, segments) = Film::fmp4();
    sim.net
        .serve(LIST, list(3, "#EXT-X-MAP:URI=\"init.mp4\"\n"));
    sim.net.serve("http://films.test/vod/init.mp4", init);
    for (number, data) in segments.into_iter().enumerate() {
        let mut data = data.to_vec();
        let found = data.windows(4).rposition(|bytes| bytes == b"tfdt");
        let at = found.expect("sound comes second") + 8;
        assert_eq!(data[at - 4], 1, "64 bits");
        let old = u64::from_be_bytes(data[at..at + 8].try_into().unwrap());
        data[at..at + 8].copy_from_slice(&time(old).to_be_bytes());
        sim.net.serve(&segment_url(number), data);
    }
}

#[test]
fn sound_far_ahead_does_not_hold_the_pictures() {
    for far in [3_600 * 44_100, 1u64 << 62] {
        let mut sim = sim(31);
        serve_sound_at(&mut sim, |time| time + far);
        sim.play(LIST);
        sim.run_for(secs(8));
        let stats = sim.engine().stats();
        assert_eq!((stats.frames_shown, stats.stalls), (60, 0), "{far}");
        assert_eq!(sim.count(is_completion), 1, "{:#?}", sim.events);
    }
}

/// The segments of the film under other durations than they have.
fn reported(durations: &str, order: &[usize]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:30\n".to_owned();
    for number in order {
        text += &format!("#EXTINF:{durations},\n{number}.ts\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

#[test]
fn durations_far_from_the_truth_neither_lose_pictures_nor_wait() {
    for durations in ["0.5", "1", "4", "6", "20"] {
        let mut sim = vod(32);
        sim.net.serve(LIST, reported(durations, &[0, 1, 2, 3]));
        sim.play(LIST);
        played_through(&mut sim, 80);
        assert_eq!(sim.engine().stats().stalls, 0, "{durations}");
        assert!((sim.now() - secs(8)).abs() < ms(400), "{}", sim.now());
        assert_eq!(sim.position().as_millis() / 100, 80);
        // What was played is where it was: the plan moved with it.
        let duration = sim.engine().duration().expect("it is known");
        assert!(
            (duration - secs(8)).abs() < ms(400),
            "{durations}: {duration}"
        );
    }
}

#[test]
fn a_clock_that_begins_anew_without_a_discontinuity_goes_on_where_the_last_ended() {
    for durations in ["1", "2", "3"] {
        let mut sim = vod(33);
        sim.net
            .serve(LIST, reported(durations, &[0, 1, 2, 3, 0, 1, 3]));
        sim.play(LIST);
        assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
        assert!((sim.now() - secs(14)).abs() < ms(500), "{}", sim.now());
        let stats = sim.engine().stats();
        assert!(stats.frames_shown >= 136, "{durations}: {stats:?}");
    }
}

/// Transport packets of a segment but those of its tables (PID 0, and where FFmpeg puts the map).
fn without_tables(data: &Bytes) -> Bytes {
    let is_table = |packet: &&[u8]| {
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        !matches!(pid, 0 | 0x1000)
    };
    let kept: Vec<&[u8]> = data.chunks(188).filter(is_table).collect();
    kept.concat().into()
}

#[test]
fn segments_without_tables_go_on_with_those_of_the_segment_before() {
    let mut sim = vod(34);
    for (number, data) in Film::ts_segments().iter().enumerate().skip(1) {
        sim.net.serve(&segment_url(number), without_tables(data));
    }
    sim.play(LIST);
    played_through(&mut sim, 80);
    assert_eq!(sim.engine().stats().stalls, 0);
}

#[test]
fn behind_a_hole_nothing_is_shown_before_a_key_picture() {
    let mut sim = vod(35);
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n#EXT-X-GAP\n1.ts\n\
                #EXTINF:2,\n2.ts\n#EXTINF:2,\n3.ts\n#EXT-X-ENDLIST\n";
    sim.net.serve(LIST, text);
    // Its first key picture is missing: the packets of a second.
    let segment = &Film::ts_segments()[2];
    let starts: Vec<usize> = (0..segment.len() / 188)
        .filter(|at| crate::sim::is_key_start(&segment[at * 188..]))
        .collect();
    assert!(starts.len() >= 2, "a key picture each second");
    let cut: Vec<u8> = segment
        .chunks(188)
        .enumerate()
        .filter(|(at, packet)| {
            let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
            !(pid == 0x100 && *at < starts[0] + 2)
        })
        .flat_map(|(_, packet)| packet.to_vec())
        .collect();
    sim.net.serve(&segment_url(2), cut);
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let shown = |from: i64, to: i64| {
        let times = sim.shown.iter().map(|shown| shown.1.as_millis());
        times.filter(|time| (from..to).contains(time)).count()
    };
    assert_eq!((shown(4_000, 5_000), shown(5_000, 6_000)), (0, 10));
    assert!(sim.engine().stats().frames_dropped > 0);
}

/// Two variants of the film, in a playlist of so many segments each; `more` stands with each of them.
fn two_variants(sim: &mut Sim, low: &str, high: &str) {
    let text = format!(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000{low}\nlow/list.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1400000{high}\nhigh/list.m3u8\n"
    );
    sim.net.serve(MASTER, text);
    for name in ["low", "high"] {
        let url = |file: &str| format!("http://films.test/{name}/{file}");
        sim.net.serve(&url("list.m3u8"), list(4, ""));
        for (number, data) in Film::ts_segments().into_iter().enumerate() {
            sim.net.serve(&url(&format!("{number}.ts")), data);
        }
    }
}

const AV1: &str = ",CODECS=\"av01.0.05M.08,mp4a.40.2\",RESOLUTION=640x360";
const AVC: &str = ",CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=640x360";

#[test]
fn a_variant_that_no_decoder_takes_is_left_aside() {
    let mut sim = Sim::decoding(40, &[CodecId::H264, CodecId::Aac]);
    two_variants(&mut sim, AVC, AV1);
    sim.play(MASTER);
    played_through(&mut sim, 80);
    assert_eq!((asked_of(&sim, "low"), asked_of(&sim, "high")), (4, 0));
    // With a decoder for it, it is the one to begin with.
    let mut sim = Sim::decoding(40, &[CodecId::H264, CodecId::Av1, CodecId::Aac]);
    two_variants(&mut sim, AVC, AV1);
    sim.play(MASTER);
    assert!(sim.run_until(secs(2), is_first));
    assert!(asked_of(&sim, "high") > 0);
}

#[test]
fn audio_alone_is_not_chosen_beside_video() {
    let mut sim = sim(41);
    two_variants(&mut sim, ",CODECS=\"mp4a.40.2\"", AVC);
    // Too slow for the video: it stalls rather than shows nothing.
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 20_000,
    };
    sim.play(MASTER);
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    assert_eq!(asked_of(&sim, "low"), 0);
}

#[test]
fn where_a_decoder_fails_another_variant_plays() {
    let mut sim = sim(42);
    two_variants(&mut sim, "", "");
    sim.break_decoder(Role::Video, Damage::Unsupported);
    sim.play(MASTER);
    let switched = |event: &Event| matches!(event, Event::TrackChanged { index: 0 });
    assert!(sim.run_until(secs(5), switched), "{:#?}", sim.events);
    sim.break_decoder(Role::Video, Damage::None);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 80);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
}

#[test]
fn a_source_of_which_no_variant_can_be_decoded_fails_once() {
    let mut sim = sim(43);
    two_variants(&mut sim, "", "");
    sim.break_decoder(Role::Video, Damage::Unsupported);
    sim.break_decoder(Role::Audio, Damage::Unsupported);
    sim.play(MASTER);
    assert!(sim.run_until(secs(20), is_error), "{:#?}", sim.events);
    sim.run_for(secs(20));
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_NO_VALID_STREAM]);
}

#[test]
fn a_packager_that_begins_anew_is_played_on() {
    let mut sim = sim(44);
    let window = |first: usize| {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for number in first..first + 4 {
            text += &format!("#EXT-X-DISCONTINUITY\n#EXTINF:2,\n{}.ts\n", number % 4);
        }
        text
    };
    serve_vod(&mut sim);
    for step in 0..8 {
        let at = if step == 0 { Time::MIN } else { secs(step * 2) };
        let first = 1_422 + usize::try_from(step).unwrap();
        sim.net.serve_from(at, LIST, window(first));
    }
    for step in 8..20 {
        let first = usize::try_from(step - 8).unwrap();
        sim.net.serve_from(secs(step * 2), LIST, window(first));
    }
    sim.play(LIST);
    sim.run_for(secs(36));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.state(), State::Started);
    let late = sim.shown.iter().filter(|shown| shown.0 > secs(20)).count();
    assert!(late > 120, "{late} frames in the last 16 s");
    let mut times = sim.shown.iter().map(|shown| shown.1);
    let mut before = times.next().unwrap();
    for time in times {
        assert!(time > before && time - before < secs(3), "{before} {time}");
        before = time;
    }
}

#[test]
fn a_presentation_begins_where_its_playlist_says() {
    for (start, first, frames) in [
        ("TIME-OFFSET=5", 4_000, 40),
        ("TIME-OFFSET=5,PRECISE=YES", 5_000, 30),
        ("TIME-OFFSET=-2.5", 4_000, 40),
    ] {
        let mut sim = vod(45);
        sim.net
            .serve(LIST, list(4, &format!("#EXT-X-START:{start}\n")));
        sim.play(LIST);
        assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
        let begun = sim
            .shown
            .first()
            .map(|shown| shown.1.as_millis() / 100 * 100);
        assert_eq!(begun, Some(first), "{start}");
        assert_eq!(sim.engine().stats().frames_shown, frames, "{start}");
    }
}

#[test]
fn a_live_stream_is_held_back_as_its_server_wants() {
    let behind = |hold_back: &str, index: Option<i32>| {
        let mut config = PlayerConfig::default();
        config.live_start_index = index.unwrap_or(config.live_start_index);
        let mut sim = Sim::new(46, config);
        serve_vod(&mut sim);
        let text = list(4, hold_back).replace("#EXT-X-ENDLIST\n", "");
        sim.net.serve(LIST, text);
        sim.play(LIST);
        assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
        sim.shown.first().map(|shown| shown.1.as_millis() / 1_000)
    };
    assert_eq!(behind("", None), Some(2), "three target durations");
    let wide = "#EXT-X-SERVER-CONTROL:HOLD-BACK=7.5\n";
    assert_eq!(behind(wide, None), Some(0));
    assert_eq!(
        behind(wide, Some(-1)),
        Some(6),
        "the application knows better"
    );
}

#[test]
fn a_seek_finds_its_picture_however_far_the_durations_have_drifted() {
    // Segments of 2 s that are called 20 s long.
    let mut sim = sim(47);
    serve_vod(&mut sim);
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n".to_owned();
    for number in 0..4 {
        text += &format!("#EXTINF:20,\n{number}.ts\n");
    }
    sim.net.serve(LIST, text + "#EXT-X-ENDLIST\n");
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 8_000,
    };
    sim.play(LIST);
    assert!(sim.run_until(secs(5), is_first));
    sim.seek(ms(6_550), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(20), is_seek_end), "{:#?}", sim.events);
    let shown = sim.shown.last().map(|shown| shown.1.as_millis() / 100);
    assert_eq!(shown, Some(65));
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
}
