//! The network, a server or the machine itself is away for a while, or for good.

use bytes::Bytes;
use kinora_errors::codes;
use kinora_media::Time;

use super::hls::{LIST, encrypted, list, serve_live};
use super::{URL, errors, is_completion, is_error, is_first};
use crate::sim::{Broadcast, Film, NetFault, Sim, mins, secs, sim};
use crate::{Command, Event, InfoCode, PlayerConfig, State};

fn infos(sim: &Sim, wanted: InfoCode) -> usize {
    sim.count(|event| matches!(event, Event::Info { code, .. } if *code == wanted))
}

/// A film whose network is so slow that something is always on its way.
fn slow(seed: u64, config: PlayerConfig) -> Sim {
    let mut sim = Sim::new(seed, config);
    sim.net.serve(URL, Film::mp4());
    sim.net.weather.bytes_per_second = 4_000;
    sim.play(URL);
    sim.run_for(secs(3));
    sim
}

#[test]
fn an_outage_of_less_than_all_retries_is_borne_in_silence() {
    for fault in [NetFault::Refuses, NetFault::Silent] {
        let mut sim = slow(1, PlayerConfig::default());
        let now = sim.now();
        sim.net.fault_once("", NetFault::Resets);
        sim.net.fault(now, now + secs(35), "", fault);
        assert!(
            sim.run_until(mins(3), is_completion),
            "{fault:?} {:#?}",
            sim.events
        );
        assert!(errors(&sim).is_empty(), "{fault:?}");
        assert_eq!(
            sim.count(|event| matches!(event, Event::Recovered(_))),
            1,
            "{fault:?}"
        );
        assert_eq!(sim.shown.len(), 120, "{fault:?}");
    }
}

#[test]
fn one_error_comes_when_each_retry_has_lasted_a_timeout_and_reload_goes_on_at_the_same_byte() {
    let config = PlayerConfig {
        network_timeout: std::time::Duration::from_secs(4),
        network_retry_count: 3,
        ..PlayerConfig::default()
    };
    for fault in [NetFault::Refuses, NetFault::Silent] {
        let mut sim = slow(2, config.clone());
        let now = sim.now();
        sim.net.fault_once("", NetFault::Resets);
        sim.net.fault(now, now + mins(5), "", fault);
        assert!(
            sim.run_until(mins(2), is_error),
            "{fault:?} {:#?}",
            sim.events
        );
        let waited = sim.now() - now;
        // Four windows of 4 s, the first with the try that failed.
        assert!((secs(15)..secs(22)).contains(&waited), "{fault:?} {waited}");
        sim.run_for(mins(5));
        assert_eq!(
            errors(&sim),
            [codes::ERROR_LOADING_TIMEOUT],
            "{fault:?} once"
        );
        assert_eq!(sim.state(), State::Started, "{fault:?} the state stays");
        let asked = sim.net.asked.len();
        sim.command(Command::Reload);
        assert!(
            sim.run_until(mins(1), is_completion),
            "{fault:?} {:#?}",
            sim.events
        );
        assert!(
            sim.net.asked[asked].2 > 0,
            "{fault:?} from where it broke off"
        );
        assert_eq!(sim.shown.len(), 120, "{fault:?}");
    }
}

#[test]
fn without_retries_the_source_is_parked_with_one_notice_and_no_error() {
    let config = PlayerConfig {
        network_retry_count: 0,
        ..PlayerConfig::default()
    };
    let mut sim = slow(3, config);
    let now = sim.now();
    sim.net.fault(now, now + secs(30), "", NetFault::Refuses);
    sim.net.fault_once("", NetFault::Truncates(1));
    sim.run_for(secs(40));
    assert_eq!(
        (infos(&sim, InfoCode::NetworkRetry), errors(&sim).len()),
        (1, 0)
    );
    assert_eq!(infos(&sim, InfoCode::NetworkRetrySuccess), 0);
    sim.command(Command::Reload);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert_eq!(infos(&sim, InfoCode::NetworkRetrySuccess), 1);
}

#[test]
fn a_key_that_can_not_be_had_or_is_none_is_told_by_its_number() {
    for (fault, code) in [
        (NetFault::Status(503), codes::ERROR_NETWORK_HTTP_5XX),
        (NetFault::Status(403), codes::ERROR_NETWORK_HTTP_403),
        (NetFault::Refuses, codes::ERROR_NETWORK_COULD_NOT_CONNECT),
    ] {
        let mut sim = sim(4);
        let url = encrypted(&mut sim, [7; 16]);
        sim.net.fault(Time::ZERO, mins(5), "key", fault);
        sim.play(url);
        assert!(
            sim.run_until(mins(2), is_error),
            "{fault:?} {:#?}",
            sim.events
        );
        sim.run_for(mins(1));
        assert_eq!(errors(&sim), [code], "{fault:?}");
    }
    let mut sim = sim(5);
    let url = encrypted(&mut sim, [7; 16]);
    sim.net
        .serve("http://films.test/key", Bytes::from_static(&[7; 15]));
    sim.play(url);
    assert!(sim.run_until(secs(10), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_OPENSTREAM]);
    let asked = sim.net.asked.iter().filter(|it| it.1.ends_with("key"));
    assert_eq!(asked.count(), 1, "it is not asked for again");
}

#[test]
fn a_live_playlist_that_stands_still_is_told_once_and_reload_looks_again() {
    let mut sim = sim(6);
    serve_live(&mut sim, 10);
    // It goes on where it stood, after two minutes.
    for step in 0..20_usize {
        let first = 10 + step;
        let mut text = list(0, "").replace("#EXT-X-ENDLIST\n", "");
        text += &format!("#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for number in first..first + 4 {
            text += &format!("#EXT-X-DISCONTINUITY\n#EXTINF:2,\n{}.ts\n", number % 4);
        }
        let at = mins(2) + secs(2 * i64::try_from(step).unwrap());
        sim.net.serve_from(at, LIST, text);
    }
    sim.play(LIST);
    assert!(sim.run_until(mins(2), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_LOADING_TIMEOUT]);
    sim.run_for(mins(2) + secs(10) - sim.now());
    assert_eq!(errors(&sim).len(), 1, "once");
    let from = sim.position();
    sim.command(Command::Reload);
    sim.run_for(secs(20));
    assert!(
        sim.position() - from > secs(12),
        "{}",
        sim.position() - from
    );
    assert_eq!(errors(&sim).len(), 1);
}

#[test]
fn a_live_stream_of_which_no_segment_can_be_had_ends_with_its_number() {
    let mut sim = sim(9);
    serve_live(&mut sim, 100);
    sim.net
        .fault(Time::ZERO, mins(9), ".ts", NetFault::Status(404));
    sim.play(LIST);
    assert!(sim.run_until(mins(2), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_NETWORK_HTTP_404]);
}

#[test]
fn a_machine_that_stood_still_for_a_minute_is_back_at_the_edge() {
    let flv = "http://live.test/app/stream.flv";
    for url in [LIST, flv] {
        let mut sim = sim(7);
        serve_live(&mut sim, 100);
        sim.net.broadcast(flv, Broadcast::default());
        sim.play(url);
        sim.run_for(secs(30));
        sim.freeze(mins(1));
        let (shown, from) = (sim.shown.len(), sim.now());
        sim.run_for(secs(5));
        let burst = sim.shown.len() - shown;
        assert!(burst < 75, "{url}: {burst} pictures in 5 s");
        sim.run_for(secs(25));
        assert!(errors(&sim).is_empty(), "{url}: {:#?}", errors(&sim));
        let delay = sim.engine().stats().live_delay_ms.expect("live");
        assert!(delay < 11_000, "{url}: {delay}");
        let late = sim.shown.iter().filter(|shown| shown.0 > from + secs(15));
        assert!(late.count() > 120, "{url}");
    }
}

#[test]
fn a_live_playlist_whose_server_runs_otherwise_than_ours_is_followed_for_an_hour() {
    for speed in [1.003, 0.997] {
        let mut sim = sim(8);
        let segments = Film::ts_segments();
        sim.net.generate("http://live.test/", move |now, url| {
            let made = now.max(Time::ZERO).scale(speed).as_millis() / 2_000;
            let made = usize::try_from(made).unwrap_or(0);
            if url.ends_with(".m3u8") {
                let mut text = format!(
                    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{made}\n\
                     #EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
                    made / 4
                );
                for number in made..made + 6 {
                    if number % 4 == 0 && number > made {
                        text += "#EXT-X-DISCONTINUITY\n";
                    }
                    text += &format!("#EXTINF:2,\n{number}.ts\n");
                }
                return Some(text.into());
            }
            let number: usize = url.rsplit(['/', '.']).nth(1)?.parse().ok()?;
            let is_there = (made..made + 6).contains(&number);
            segments.get(number % 4).filter(|_| is_there).cloned()
        });
        sim.play("http://live.test/list.m3u8");
        assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
        let mut worst = 0;
        for _ in 0..60 {
            sim.run_for(mins(1));
            worst = sim.engine().stats().live_delay_ms.expect("live").max(worst);
            assert!(errors(&sim).is_empty(), "{:#?}", errors(&sim));
            sim.events.clear();
        }
        assert!(worst < 8_500, "{speed}: {worst}");
        let stats = sim.engine().stats();
        // 11 s are missing in the end where the producer is slower.
        assert!(stats.stalls <= 4, "{speed}: {stats:?}");
        let expected = 3_600.0 * speed * 10.0;
        let shown = sim.shown.len() as f64;
        assert!(
            (shown - expected).abs() < 120.0,
            "{speed}: {shown} of {expected}"
        );
    }
}
