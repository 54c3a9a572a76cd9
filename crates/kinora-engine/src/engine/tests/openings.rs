//! What a source turns out to be, and sources that hold nothing.

use kinora_errors::codes;
use kinora_media::Time;

use super::hls::{LIST, list, played_through, serve_vod};
use super::{URL, errors, is_completion, is_error};
use crate::sim::{Film, NetFault, Sim, mins, ms, secs, sim};
use crate::{Command, Event, State};

const STREAM: &str = "http://films.test/film.ts";

#[test]
fn a_playlist_behind_a_piece_of_blanks_is_one() {
    let mut sim = sim(101);
    serve_vod(&mut sim);
    // More than comes at once.
    sim.net.serve(LIST, "\n".repeat(10_000) + &list(4, ""));
    sim.play(LIST);
    played_through(&mut sim, 80);
}

#[test]
fn blanks_without_end_are_nothing() {
    let mut sim = sim(102);
    sim.net.serve(URL, " ".repeat(400_000));
    sim.play(URL);
    assert!(sim.run_until(secs(5), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_OPENSTREAM]);
}

/// A movie box that describes tracks, and no sample of them.
fn without_samples(seed: u64) -> Sim {
    let mut sim = sim(seed);
    let (init, _) = Film::fmp4();
    sim.net.serve(URL, init);
    sim
}

#[test]
fn tracks_without_samples_end_with_an_error() {
    let mut sim = without_samples(103);
    sim.play(URL);
    assert!(sim.run_until(secs(2), is_error), "{:#?}", sim.events);
    assert_eq!(
        (errors(&sim), sim.state()),
        (vec![codes::ERROR_DEMUXER_OPENSTREAM], State::Error)
    );
    assert_eq!(sim.count(is_completion), 0);
}

#[test]
fn tracks_without_samples_end_with_an_error_wherever_they_begin_and_when_they_are_started() {
    let mut sim = without_samples(104);
    sim.open(URL);
    sim.run_for(secs(1));
    sim.command(Command::Start);
    sim.run_for(secs(2));
    assert_eq!((errors(&sim).len(), sim.state()), (1, State::Error));
    let mut sim = without_samples(105);
    sim.command(Command::SetAutoPlay(true));
    sim.open(URL);
    sim.seek(Time::from_millis(3_000), crate::SeekAccuracy::Exact);
    let ends = |event: &Event| is_error(event) || is_completion(event);
    assert!(sim.run_until(secs(2), ends), "{:#?}", sim.events);
}

/// The film as a transport stream, with so many null packets (ISO/IEC 13818-1 2.4.1) behind each of its own.
fn padded(nulls: usize) -> Vec<u8> {
    let mut null = [0xff; 188];
    null[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    let padding = null.repeat(nulls);
    Film::ts()
        .chunks(188)
        .flat_map(|packet| [packet, &padding].concat())
        .collect()
}

#[test]
fn a_transport_stream_ends_as_it_should_whenever_its_duration_is_looked_for() {
    for nulls in [0, 9] {
        let whole = padded(nulls);
        let len = whole.len();
        for cut in [len, len - 1, len - 100, len - 188 * 5, len / 2, len / 4] {
            for bytes_per_second in [len as u64 / 6, 10_000_000] {
                let mut sim = sim(106);
                sim.net.serve(STREAM, whole[..cut].to_vec());
                sim.net.weather.bytes_per_second = bytes_per_second;
                sim.play(STREAM);
                let ended = sim.run_until(secs(40), is_completion);
                assert!(ended, "{nulls} {cut} {bytes_per_second}: {:#?}", sim.events);
                assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
                let duration = sim.engine().duration().unwrap();
                let played = sim.position();
                assert!((duration - played).abs() < ms(200), "{duration} {played}");
            }
        }
    }
}

#[test]
fn a_transport_stream_whose_ranges_are_refused_plays_without_its_duration() {
    let mut sim = sim(107);
    sim.net.serve(STREAM, padded(9));
    sim.net
        .fault(Time::ZERO, mins(5), "", NetFault::IgnoresRanges);
    sim.play(STREAM);
    assert!(sim.run_until(secs(40), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 80);
}

/// A film of half an hour on a slow link.
fn long_film(seed: u64) -> (Sim, u64) {
    let film = Film::mp4_repeated(150);
    let index = film.windows(4).position(|kind| kind == b"mdat").unwrap();
    let mut sim = sim(seed);
    sim.net.serve(URL, film);
    sim.net.weather.latency = ms(50);
    sim.net.weather.bytes_per_second = 1_000_000;
    (sim, index as u64)
}

#[test]
fn the_first_picture_of_a_long_film_does_not_wait_for_its_index() {
    let (mut sim, index) = long_film(108);
    assert!(index > 600_000, "{index}");
    sim.play(URL);
    let shown = |event: &Event| matches!(event, Event::FirstFrame { .. });
    assert!(sim.run_until(secs(2), shown), "{:#?}", sim.events);
    let read = sim.engine().stats().bytes;
    assert!(read < index / 2, "{read} bytes of {index}");
    assert!(sim.now() < ms(500), "{}", sim.now());
    assert_eq!(sim.engine().duration(), Some(ms(1_815_000)));
}

#[test]
fn a_long_film_is_entered_in_its_middle_without_the_rest_of_its_index() {
    let (mut sim, index) = long_film(109);
    sim.open(URL);
    sim.seek(ms(1_234_560), crate::SeekAccuracy::Exact);
    sim.command(Command::Prepare);
    sim.command(Command::Start);
    let shown = |event: &Event| matches!(event, Event::FirstFrame { .. });
    assert!(sim.run_until(secs(2), shown), "{:#?}", sim.events);
    let read = sim.engine().stats().bytes;
    assert!(read < index / 2, "{read} bytes of {index}");
    assert!(sim.now() < ms(750), "{}", sim.now());
    let (_, picture) = sim.shown[0];
    assert!((picture - ms(1_234_560)).abs() < ms(100), "{picture}");
    // All of the rest comes as it is needed.
    assert!(
        sim.run_until(mins(10), is_completion),
        "{:#?}",
        sim.events.last()
    );
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.stalled(), Time::ZERO);
}
