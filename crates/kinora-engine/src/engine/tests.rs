mod angles;
mod apart;
mod audio_delay;
mod bandwidth;
mod borders;
mod captions;
mod chaos;
mod credentials;
mod dash;
mod decoding;
mod exact;
mod foreign;
mod hls;
mod initiators;
mod interstitials;
mod languages;
mod lies;
mod live;
mod low_latency;
mod memory;
mod metadata;
mod openings;
mod outages;
mod outputs;
mod protection;
mod pushed;
mod reconnecting;
mod recording;
mod refusals;
mod repeating;
mod run_up;
mod scanning;
mod seamless;
mod sei;
mod sound;
mod steering;
mod subtitles;
mod text_dash;
mod text_renditions;

use kinora_errors::codes;
use kinora_media::Time;

use crate::sim::{Film, NetFault, Sim, Weather, mins, ms, secs, sim};
use crate::{Command, Event, InfoCode, LoopMode, PlayerConfig, SeekAccuracy, State, TimingMark};

const URL: &str = "http://films.test/film.mp4";

fn served(seed: u64) -> Sim {
    let mut sim = sim(seed);
    sim.net.serve(URL, Film::mp4());
    sim
}

fn is_completion(event: &Event) -> bool {
    matches!(event, Event::Completion)
}
fn is_seek_end(event: &Event) -> bool {
    matches!(event, Event::SeekEnd { .. })
}
fn is_first(event: &Event) -> bool {
    matches!(event, Event::FirstFrame { .. })
}
fn is_error(event: &Event) -> bool {
    matches!(event, Event::Error(_))
}

fn errors(sim: &Sim) -> Vec<kinora_errors::Code> {
    let code = |event: &Event| match event {
        Event::Error(fault) => Some(fault.code()),
        _ => None,
    };
    sim.events
        .iter()
        .filter_map(|(_, event)| code(event))
        .collect()
}

#[test]
fn a_network_that_breaks_off_again_and_again_plays_on_as_long_as_something_comes() {
    let mut sim = served(41);
    sim.net
        .fault(Time::ZERO, mins(5), "", NetFault::Truncates(4_000));
    sim.play(URL);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert!(sim.net.asked.len() >= 6, "{:?}", sim.net.asked);
}

#[test]
fn an_answer_that_brings_less_than_was_asked_for_is_followed_by_the_rest() {
    for url in [URL, "http://films.test/behind.mp4"] {
        let mut sim = served(42);
        sim.net
            .serve("http://films.test/behind.mp4", Film::mp4_index_behind());
        sim.net
            .fault(Time::ZERO, mins(5), "", NetFault::Short(5_000));
        sim.play(url);
        assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
        let reported = sim.count(|event| {
            matches!(
                event,
                Event::Info {
                    code: InfoCode::NetworkRetry,
                    ..
                }
            )
        });
        assert_eq!(reported, 0, "nothing failed");
        assert_eq!(sim.engine().stats().frames_dropped, 0);
    }
}

#[test]
fn a_film_plays_from_its_first_picture_to_its_end() {
    let mut sim = served(1);
    sim.play(URL);
    assert!(sim.run_until(secs(1), is_first), "{:?}", sim.events);
    assert!(sim.now() < ms(60), "one trip and one decode: {}", sim.now());
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.state(), State::Completion);
    assert!((sim.now() - secs(12)).abs() < ms(400), "{}", sim.now());
    let stats = sim.engine().stats();
    assert_eq!(
        (
            stats.frames_shown,
            stats.frames_dropped,
            stats.stalls,
            stats.requests
        ),
        (120, 0, 0, 1)
    );
    assert!(stats.av_offset_max_us <= 1_000, "{stats:?}");
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_film_whose_index_is_behind_plays_too() {
    let mut sim = sim(2);
    sim.net.serve(URL, Film::mp4_index_behind());
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 120);
}

#[test]
fn a_transport_stream_plays_too() {
    let mut sim = sim(2);
    sim.net.serve(URL, Film::ts());
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 80);
}

#[test]
fn the_first_picture_shows_before_start_and_nothing_moves() {
    let mut sim = served(3);
    sim.open(URL);
    sim.run_for(secs(5));
    assert_eq!(
        (sim.state(), sim.shown.len(), sim.position()),
        (State::Prepared, 1, Time::ZERO)
    );
    assert_eq!(sim.count(|event| matches!(event, Event::Prepared(_))), 1);
    sim.command(Command::Start);
    sim.run_for(secs(2));
    assert!(
        (sim.position() - secs(2)).abs() < ms(60),
        "{}",
        sim.position()
    );
}

#[test]
fn a_pause_holds_and_a_start_goes_on_from_there() {
    let mut sim = served(4);
    sim.play(URL);
    sim.run_for(secs(3));
    sim.command(Command::Pause);
    let held = sim.position();
    sim.run_for(secs(30));
    assert_eq!((sim.state(), sim.position()), (State::Paused, held));
    sim.command(Command::Start);
    sim.run_for(secs(1));
    assert!((sim.position() - held - secs(1)).abs() < ms(60));
    assert!(sim.run_until(secs(20), is_completion));
}

#[test]
fn an_exact_seek_shows_the_very_picture() {
    let mut sim = served(5);
    sim.play(URL);
    sim.run_for(secs(2));
    sim.seek(ms(7_350), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(2), is_seek_end), "{:#?}", sim.events);
    let Some((_, shown)) = sim.shown.last().copied() else {
        panic!("no picture")
    };
    assert_eq!(shown, ms(7_300), "the one that is on screen then");
    sim.run_for(secs(1));
    assert!(
        (sim.position() - ms(8_350)).abs() < ms(80),
        "{}",
        sim.position()
    );
    assert!(sim.run_until(secs(20), is_completion));
}

#[test]
fn a_seek_is_served_from_the_buffer_where_it_can_be() {
    let mut sim = served(6);
    sim.play(URL);
    sim.run_for(secs(2));
    let asked = sim.net.asked.len();
    sim.seek(ms(9_900), SeekAccuracy::KeyFrame);
    assert!(sim.run_until(secs(1), is_seek_end));
    assert_eq!(sim.shown.last().map(|shown| shown.1), Some(ms(9_000)));
    assert_eq!(sim.net.asked.len(), asked, "nothing is asked again");
}

#[test]
fn while_paused_a_seek_shows_its_picture() {
    let mut sim = served(7);
    sim.open(URL);
    sim.run_for(secs(1));
    sim.seek(ms(5_000), SeekAccuracy::Exact);
    sim.run_for(secs(1));
    assert_eq!(sim.shown.last().map(|shown| shown.1), Some(ms(5_000)));
    assert_eq!((sim.state(), sim.position()), (State::Prepared, ms(5_000)));
}

#[test]
fn a_seek_before_prepare_is_remembered() {
    let mut sim = served(8);
    sim.command(Command::SetSource(crate::Locator::Url {
        url: kinora_errors::Secret::new(URL),
    }));
    sim.seek(ms(6_500), SeekAccuracy::Exact);
    sim.command(Command::Prepare);
    assert!(sim.run_until(secs(2), is_seek_end), "{:#?}", sim.events);
    assert_eq!(sim.shown, [(sim.now(), ms(6_500))]);
}

#[test]
fn of_a_storm_of_seeks_the_newest_ends() {
    let mut sim = served(9);
    sim.play(URL);
    sim.run_for(secs(1));
    for n in 0..50 {
        sim.seek(ms(11_000 - n * 200), SeekAccuracy::Exact);
        sim.run_for(ms(3));
    }
    sim.run_for(secs(1));
    let ends: Vec<Time> = sim
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::SeekEnd { target, .. } => Some(*target),
            _ => None,
        })
        .collect();
    assert_eq!(ends.last(), Some(&ms(1_200)), "{ends:?}");
    assert!(
        ends.is_sorted_by(|a, b| a > b),
        "each at most once: {ends:?}"
    );
}

#[test]
fn a_slow_network_stalls_and_resumes() {
    let mut sim = served(10);
    sim.play(URL);
    sim.net.weather = Weather {
        latency: ms(50),
        bytes_per_second: 1_200,
    };
    assert!(sim.run_until(mins(2), is_completion), "{:#?}", sim.events);
    let begins = sim.count(|event| matches!(event, Event::LoadingBegin));
    let ends = sim.count(|event| matches!(event, Event::LoadingEnd));
    assert!(begins > 0);
    assert_eq!(begins, ends);
    assert_eq!(sim.engine().stats().frames_shown, 120);
}

#[test]
fn a_silent_server_parks_the_source_and_reload_resumes_at_the_same_place() {
    let mut sim = served(11);
    sim.net.weather.bytes_per_second = 4_000;
    sim.play(URL);
    sim.net.fault(secs(2), secs(100), "film", NetFault::Silent);
    assert!(sim.run_until(secs(90), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_LOADING_TIMEOUT]);
    assert_eq!(
        sim.count(|event| matches!(
            event,
            Event::Info {
                code: InfoCode::NetworkRetry,
                ..
            }
        )),
        2
    );
    let stalled = sim.when(|event| matches!(event, Event::LoadingBegin));
    assert!(stalled.is_some());
    sim.run_for(secs(101) - sim.now());
    assert_eq!(sim.state(), State::Started);
    let position = sim.position();
    sim.command(Command::Reload);
    assert!(
        sim.run_until(secs(3), |event| matches!(event, Event::LoadingEnd)),
        "{:#?}",
        sim.events
    );
    assert!((sim.position() - position).abs() < ms(20));
    assert_eq!(sim.count(|event| matches!(event, Event::Recovered(_))), 1);
    assert!(sim.run_until(secs(60), is_completion));
    assert_eq!(errors(&sim).len(), 1);
}

#[test]
fn a_refused_connection_is_reported_soon() {
    let mut sim = served(12);
    sim.net.fault(Time::ZERO, mins(5), "", NetFault::Refuses);
    sim.play(URL);
    assert!(sim.run_until(secs(3), is_error));
    assert!(sim.now() < secs(1), "{}", sim.now());
    assert_eq!(errors(&sim), [codes::ERROR_NETWORK_COULD_NOT_CONNECT]);
    assert_eq!(sim.state(), State::Error);
    assert_eq!(sim.net.asked.len(), 3);
}

#[test]
fn a_missing_file_is_not_asked_for_twice() {
    let mut sim = sim(13);
    sim.play(URL);
    sim.run_for(secs(5));
    assert_eq!(
        (errors(&sim), sim.net.asked.len()),
        (vec![codes::ERROR_NETWORK_HTTP_404], 1)
    );
}

#[test]
fn broken_transfers_resume_at_the_last_byte() {
    let mut sim = served(14);
    sim.net
        .fault(Time::ZERO, mins(5), "", NetFault::Truncates(12_000));
    sim.play(URL);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    let starts: Vec<u64> = sim.net.asked.iter().map(|asked| asked.2).collect();
    assert_eq!(starts, [0, 12_288]);
    assert_eq!(sim.engine().stats().bytes, 24_209);
    assert_eq!(sim.engine().stats().frames_shown, 120);
}

fn is_replaced(event: &Event) -> bool {
    matches!(event, Event::Error(fault) if fault.reason() == "http.resource_changed")
}
/// Of the same length, and no film.
fn other_version(film: &[u8]) -> Vec<u8> {
    film.iter().map(|byte| byte ^ 0x55).collect()
}

#[test]
fn a_film_that_was_replaced_between_two_tries_is_never_put_together() {
    for ignores in [false, true] {
        let mut sim = served(22);
        sim.net.weather.bytes_per_second = 4_000;
        // Of the same length, so that only its version tells.
        sim.net
            .serve_from(secs(2), URL, other_version(&Film::mp4()));
        sim.net.fault(secs(2), ms(3_100), "film", NetFault::Resets);
        if ignores {
            sim.net
                .fault(secs(2), mins(5), "film", NetFault::IgnoresRanges);
        }
        sim.play(URL);
        assert!(sim.run_until(secs(30), is_error), "{:#?}", sim.events);
        assert_eq!(sim.count(is_replaced), 1, "{:#?}", sim.events);
        assert!(sim.position() > secs(1), "what came before plays");
    }
}

/// Its media data has an end that nothing names, so long that the index behind is asked for by a range of its own.
fn with_a_long_way_to_its_index() -> Vec<u8> {
    const UNUSED: usize = 300_000;
    let film = Film::mp4_index_behind();
    let of = |name: &[u8]| film.windows(4).rposition(|four| four == name).unwrap() - 4;
    let (data, index) = (of(b"mdat"), of(b"moov"));
    let mut long = film[..index].to_vec();
    long.resize(index + UNUSED, 0);
    let size = u32::try_from(long.len() - data).unwrap();
    long[data..data + 4].copy_from_slice(&size.to_be_bytes());
    long.extend(&film[index..]);
    long
}

#[test]
fn a_film_that_was_replaced_between_its_index_and_its_pictures_is_never_put_together() {
    for ignores in [false, true] {
        let mut sim = sim(23);
        sim.net.weather.bytes_per_second = 4_000;
        let film = with_a_long_way_to_its_index();
        let other = other_version(&film);
        sim.net.serve(URL, film);
        sim.play(URL);
        let knows_where = |event: &Event| matches!(event, Event::Timing(TimingMark::Headers));
        assert!(sim.run_until(secs(60), knows_where), "{:#?}", sim.events);
        sim.net.serve_from(sim.now(), URL, other);
        if ignores {
            sim.net
                .fault(sim.now(), mins(5), "film", NetFault::IgnoresRanges);
        }
        assert!(sim.run_until(secs(120), is_error), "{:#?}", sim.events);
        assert_eq!(sim.count(is_replaced), 1, "{:#?}", sim.events);
        assert_eq!(sim.count(is_completion), 0, "{:#?}", sim.events);
    }
}

#[test]
fn a_duration_that_only_the_end_of_the_file_gives_is_found_while_it_plays() {
    // Whole in the buffer, and more than fits it.
    for max_buffer in [50, 3] {
        let config = PlayerConfig {
            max_buffer: secs(max_buffer).to_duration(),
            ..PlayerConfig::default()
        };
        let mut sim = Sim::new(25, config);
        sim.net.serve(URL, Film::ts());
        sim.play(URL);
        assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
        assert_eq!(sim.net.asked.len(), 1, "nothing before the first picture");
        sim.run_for(secs(1));
        let duration = sim.engine().duration().unwrap();
        assert!((duration - secs(8)).abs() < ms(200), "{duration}");
        assert!(sim.run_until(secs(12), is_completion), "{:#?}", sim.events);
        let stats = sim.engine().stats();
        assert_eq!((stats.frames_shown, stats.stalls), (80, 0), "{stats:?}");
    }
}

#[test]
fn a_seek_while_the_decoders_open_does_not_lose_them() {
    let mut sim = served(24);
    sim.play(URL);
    let is_prepared = |event: &Event| matches!(event, Event::TracksReady(_));
    assert!(sim.run_until(secs(1), is_prepared));
    sim.seek(secs(5), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(1), is_seek_end), "{:#?}", sim.events);
    assert!(sim.run_until(secs(9), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 70);
}

#[test]
fn a_loop_begins_again_without_asking_again() {
    let mut sim = served(15);
    sim.command(Command::SetLoop(LoopMode::On));
    sim.play(URL);
    sim.run_for(secs(60));
    let loops = sim.count(|event| matches!(event, Event::LoopingStart));
    assert!((4..=5).contains(&loops), "{loops}");
    assert_eq!(sim.state(), State::Started);
    assert!(sim.net.asked.len() <= 1 + loops, "{:?}", sim.net.asked);
}

#[test]
fn after_the_end_start_plays_it_again() {
    let mut sim = served(16);
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion));
    sim.command(Command::Start);
    assert!(sim.run_until(secs(20), is_completion));
    assert_eq!(sim.engine().stats().frames_shown, 240);
}

#[test]
fn stop_ends_everything_at_any_step() {
    for steps in (0..400).chain((400..3_000).step_by(37)) {
        let mut sim = served(17);
        sim.play(URL);
        sim.run_steps(steps, secs(30));
        sim.command(Command::Stop);
        assert_eq!(sim.state(), State::Stopped);
        assert_eq!(sim.net.open_requests(), 0, "after {steps} steps");
        let reported = sim.events.len();
        sim.run_for(secs(60));
        assert_eq!(
            sim.events.len(),
            reported,
            "after {steps} steps something was reported after the stop"
        );
    }
}

#[test]
fn twice_the_speed_takes_half_the_time() {
    let mut sim = served(18);
    sim.command(Command::SetSpeed(2.0));
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion));
    assert!((sim.now() - secs(6)).abs() < ms(300), "{}", sim.now());
}

#[test]
fn an_empty_url_is_reported_at_once() {
    let mut sim = sim(19);
    sim.play("");
    assert_eq!(errors(&sim), [codes::ERROR_DATASOURCE_EMPTYURL]);
}

#[test]
fn text_is_no_film() {
    let mut sim = sim(20);
    sim.net.serve(
        URL,
        "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals",
    );
    sim.play(URL);
    sim.run_for(secs(5));
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_OPENSTREAM]);
}

#[test]
fn with_no_retries_the_source_is_parked_at_once() {
    let config = PlayerConfig {
        network_retry_count: 0,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(21, config);
    sim.net.serve(URL, Film::mp4());
    sim.net.weather.bytes_per_second = 4_000;
    sim.net.fault(secs(2), secs(40), "film", NetFault::Silent);
    sim.play(URL);
    sim.run_for(secs(50));
    assert!(errors(&sim).is_empty());
    assert_eq!(
        sim.count(|event| matches!(
            event,
            Event::Info {
                code: InfoCode::NetworkRetry,
                ..
            }
        )),
        1
    );
    sim.command(Command::Reload);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert_eq!(
        sim.count(|event| matches!(
            event,
            Event::Info {
                code: InfoCode::NetworkRetrySuccess,
                ..
            }
        )),
        1
    );
}

#[test]
fn loading_begins_within_half_a_second_of_the_last_picture_when_a_server_falls_silent() {
    let mut sim = served(23);
    sim.net.weather.bytes_per_second = 4_000;
    sim.play(URL);
    sim.net.fault(secs(2), secs(100), "film", NetFault::Silent);
    let begins = |event: &Event| matches!(event, Event::LoadingBegin);
    assert!(sim.run_until(secs(30), begins), "{:#?}", sim.events);
    let last = sim.shown.last().map_or(Time::ZERO, |shown| shown.0);
    assert!(sim.now() - last < ms(500), "{} after {last}", sim.now());
    assert_eq!(sim.state(), State::Started);
}

#[test]
fn after_an_error_another_source_can_be_prepared() {
    let mut sim = served(24);
    sim.play("http://films.test/missing.mp4");
    assert!(sim.run_until(secs(3), is_error));
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(errors(&sim).len(), 1);
}
