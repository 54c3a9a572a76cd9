//! Videos by their id, and credentials that run out.

use kinora_cloud::VidSts;
use kinora_errors::{Secret, codes};
use kinora_media::Time;

use super::{errors, is_completion, is_error, is_first};
use crate::sim::{Film, NetFault, Sim, mins, ms, secs, sim};
use crate::{Command, Credential, Event, Locator, State};

const API: &str = "http://api.test/";
const FILM: &str = "http://cdn.test/film.mp4";
const RENEWED: &str = "http://cdn.test/renewed.mp4";

fn reply(urls: &[(&str, &str)]) -> String {
    let entry = |(definition, url): &(&str, &str)| {
        format!(
            r#"{{"PlayURL":"{url}","Format":"mp4","Definition":"{definition}","Status":"Normal","Bitrate":"100"}}"#
        )
    };
    let entries: Vec<String> = urls.iter().map(entry).collect();
    format!(
        r#"{{"RequestId":"r-1","VideoBase":{{"VideoId":"v","Status":"Normal"}},"PlayInfoList":{{"PlayInfo":[{}]}}}}"#,
        entries.join(",")
    )
}

const EXPIRED: &str =
    r#"{"RequestId":"r-2","Code":"InvalidSecurityToken.Expired","Message":"expired"}"#;

pub(super) fn opened(sim: &mut Sim) {
    let source = VidSts {
        vid: "v".into(),
        access_key_id: "STS.a".into(),
        access_key_secret: Secret::new("s"),
        security_token: Secret::new("t"),
        endpoint: Some("http://api.test".into()),
        ..VidSts::default()
    };
    sim.command(Command::SetAutoPlay(true));
    sim.command(Command::SetSource(Locator::VidSts(Box::new(source))));
    sim.command(Command::Prepare);
}

pub(super) fn fresh() -> Command {
    Command::Refresh(Credential::Sts {
        access_key_id: "STS.b".into(),
        access_key_secret: Secret::new("s2"),
        security_token: Secret::new("t2"),
    })
}

fn is_expired(event: &Event) -> bool {
    matches!(event, Event::CredentialExpired(_))
}

#[test]
fn a_video_id_plays_by_the_url_that_the_service_gives() {
    let mut sim = sim(1);
    sim.net.serve(API, reply(&[("FD", FILM)]));
    sim.net.serve(FILM, Film::mp4());
    opened(&mut sim);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
    assert!(sim.run_until(secs(20), is_completion));
    assert_eq!(sim.net.asked.len(), 2);
}

#[test]
fn each_try_of_a_call_is_signed_anew() {
    let mut sim = sim(2);
    sim.net.serve(API, reply(&[("FD", FILM)]));
    sim.net.serve(FILM, Film::mp4());
    sim.net
        .fault(Time::ZERO, ms(250), "api", NetFault::Status(503));
    opened(&mut sim);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let calls: Vec<&str> = sim
        .net
        .asked
        .iter()
        .map(|asked| asked.1.as_str())
        .filter(|url| url.starts_with(API))
        .collect();
    assert!(calls.len() >= 2);
    assert!(calls.is_sorted_by(|a, b| a != b), "no nonce is used twice");
}

const MISTIMED: &str =
    r#"{"RequestId":"r-3","Code":"InvalidTimeStamp.Expired","Message":"expired"}"#;
const TWO_HOURS_MS: i64 = 7_200_000;

fn signed_at(sim: &Sim) -> Vec<String> {
    let calls = sim.net.asked.iter().map(|asked| asked.1.as_str());
    calls
        .filter_map(|url| url.split("Timestamp=").nth(1)?.split('&').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_call_that_was_signed_at_a_wrong_time_is_signed_again_by_the_servers_clock() {
    let mut sim = sim(21);
    sim.net.serve(API, MISTIMED);
    sim.net.serve_from(ms(30), API, reply(&[("FD", FILM)]));
    sim.net.serve(FILM, Film::mp4());
    sim.net.date_ms = Some(sim.now_unix_ms() + TWO_HOURS_MS);
    opened(&mut sim);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let times = signed_at(&sim);
    assert_eq!(times.len(), 2, "{times:?}");
    assert_ne!(
        times[0].get(..13),
        times[1].get(..13),
        "another hour: {times:?}"
    );
}

#[test]
fn a_call_that_is_refused_at_the_servers_own_time_says_how_far_the_clocks_are_apart() {
    let mut sim = sim(22);
    sim.net.serve(API, MISTIMED);
    sim.net.date_ms = Some(sim.now_unix_ms() + TWO_HOURS_MS);
    opened(&mut sim);
    assert!(sim.run_until(secs(5), is_error), "{:#?}", sim.events);
    assert_eq!(signed_at(&sim).len(), 2);
    let reported = sim.events.iter().find_map(|(_, event)| match event {
        Event::Error(fault) => Some(format!("{:?}", fault.causes())),
        _ => None,
    });
    let reported = reported.unwrap();
    assert!(reported.contains("s behind the server's"), "{reported}");
}

#[test]
fn an_unreachable_service_is_reported_as_such() {
    let mut sim = sim(3);
    sim.net.fault(Time::ZERO, mins(5), "api", NetFault::Refuses);
    opened(&mut sim);
    assert!(sim.run_until(secs(5), is_error));
    assert_eq!(errors(&sim), [codes::ERROR_REQUEST_FAIL]);
}

#[test]
fn a_token_that_expired_is_asked_for_anew_at_the_start() {
    let mut sim = sim(4);
    sim.net.serve(API, EXPIRED);
    sim.net.serve_from(secs(1), API, reply(&[("FD", FILM)]));
    sim.net.serve(FILM, Film::mp4());
    opened(&mut sim);
    assert!(sim.run_until(secs(1), is_expired), "{:#?}", sim.events);
    sim.run_for(secs(2));
    sim.command(fresh());
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.count(is_expired), 1);
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_token_that_nobody_renews_ends_in_its_error() {
    let mut sim = sim(5);
    sim.net.serve(API, EXPIRED);
    opened(&mut sim);
    assert!(sim.run_until(secs(11), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_SERVER_POP_TOKEN_EXPIRED]);
}

fn expires_while_it_plays(seed: u64) -> Sim {
    let mut sim = sim(seed);
    sim.net.weather.bytes_per_second = 4_000;
    serve_expiring(&mut sim);
    opened(&mut sim);
    assert!(sim.run_until(secs(8), is_expired), "{:#?}", sim.events);
    sim
}

/// A video whose link is refused from the fourth second on; a fresh credential brings another.
pub(super) fn serve_expiring(sim: &mut Sim) {
    sim.net.serve(API, reply(&[("FD", FILM)]));
    sim.net.serve_from(secs(4), API, reply(&[("FD", RENEWED)]));
    sim.net.serve(FILM, Film::mp4());
    sim.net.serve(RENEWED, Film::mp4());
    // The connection breaks, and the link is not good any more.
    sim.net
        .fault(secs(4), mins(9), "film.mp4", NetFault::Resets);
    sim.net
        .fault(secs(4), mins(9), "film.mp4", NetFault::Status(403));
}

#[test]
fn a_link_that_expires_is_renewed_and_goes_on_at_the_same_byte() {
    let mut sim = expires_while_it_plays(6);
    let stalls = sim.engine().stats().stalls;
    sim.command(fresh());
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.count(is_expired), 1);
    let stats = sim.engine().stats();
    assert_eq!((stats.frames_shown, stats.stalls), (120, stalls));
    let Some((_, url, from)) = sim.net.asked.last() else {
        panic!("nothing was asked")
    };
    assert_eq!(url, RENEWED);
    assert!(*from > 0, "it goes on where it broke off");
    let mended = |event: &Event| matches!(event, Event::Recovered(fault) if fault.code() == codes::ERROR_NETWORK_HTTP_403);
    assert_eq!(sim.count(mended), 1);
}

#[test]
fn a_link_that_nobody_renews_plays_out_what_is_there() {
    let mut sim = expires_while_it_plays(7);
    assert!(sim.run_until(secs(30), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_NETWORK_HTTP_403]);
    assert_eq!(sim.state(), State::Error);
    assert!(sim.position() > secs(1), "{}", sim.position());
}

#[test]
fn another_definition_plays_from_the_same_place() {
    let mut sim = sim(8);
    sim.net.serve(API, reply(&[("FD", FILM), ("HD", RENEWED)]));
    sim.net.serve(FILM, Film::mp4());
    sim.net.serve(RENEWED, Film::mp4_index_behind());
    opened(&mut sim);
    sim.run_for(secs(4));
    let Some(tracks) = sim.engine().tracks() else {
        panic!("no definitions")
    };
    assert_eq!(
        tracks
            .iter()
            .map(|track| (track.label.as_str(), track.selected))
            .collect::<Vec<_>>(),
        [("FD", true), ("HD", false)]
    );
    let position = sim.position();
    sim.command(Command::SelectTrack(crate::TrackChoice::Index(1)));
    sim.run_for(secs(3));
    assert!(
        (sim.position() - position - secs(3)).abs() < ms(400),
        "{position} then {}",
        sim.position()
    );
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
}
