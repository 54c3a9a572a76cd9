//! Redirects: followed within limits; credentials stay where they were meant; no way to private places.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::net::IpAddr;

use kinora_errors::{Retry, Secret};
use kinora_media::Header;
use kinora_net::{FetchRequest, Initiator, Method, NetConfig, Resolve, Resolving};
use support::{Probe, Server, patient};

const UNKNOWN: u32 = 0x2005_0000;

/// A server that sends `/` to a place and answers everything else with the path.
fn sending_to(place: impl Into<String>, status: &'static str) -> Server {
    let place = place.into();
    Server::start(move |mut peer| {
        while let Some(head) = peer.head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            if path == "/" {
                peer.reply(status, &format!("Location: {place}\r\n"), b"moved");
            } else {
                peer.reply("200 OK", "", path.as_bytes());
            }
        }
    })
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.into(),
    }
}

#[test]
fn a_redirect_is_followed_and_the_last_place_is_told() {
    for status in ["301 A", "302 A", "303 A", "307 A", "308 A"] {
        let server = sending_to("next?a=b#fragment", status);
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.body, b"/next?a=b");
        assert_eq!(
            outcome.info.unwrap().final_url,
            Some(server.url("/next?a=b"))
        );
    }
}

#[test]
fn a_post_becomes_a_get_unless_the_status_forbids_it() {
    for (status, verb) in [
        ("302 A", "GET"),
        ("303 A", "GET"),
        ("307 A", "POST"),
        ("308 A", "POST"),
    ] {
        let server = Server::start(move |mut peer| {
            let mut first = true;
            while let Some(head) = peer.head() {
                let mut body = [0; 2];
                if head.starts_with("POST") {
                    peer.stream.read_exact(&mut body).unwrap();
                }
                let target = if first { "Location: /b\r\n" } else { "" };
                peer.reply(if first { status } else { "200 OK" }, target, b"");
                first = false;
            }
        });
        let probe = Probe::new(patient());
        let mut request = probe.request(server.url("/a"));
        request.method = Method::Post("hi".into());
        assert_eq!(probe.fetch(request).result, Ok(()));
        assert!(
            server.requests()[1].starts_with(&format!("{verb} /b ")),
            "{status}"
        );
    }
}

#[test]
fn circles_and_endless_chains_end() {
    let circle = Server::replying("302 Found", "Location: /a\r\n", b"");
    let outcome = Probe::new(patient()).get(circle.url("/a"));
    assert_eq!(outcome.failed(), (UNKNOWN, "http.redirect_loop"));
    assert_eq!(outcome.fault().context().http_status, Some(302));
    assert_eq!(outcome.fault().retry(), Retry::Never);

    let endless = Server::start(|mut peer| {
        while let Some(head) = peer.head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            peer.reply("302 Found", &format!("Location: {path}x\r\n"), b"");
        }
    });
    let outcome = Probe::new(patient()).get(endless.url("/"));
    assert_eq!(outcome.failed(), (UNKNOWN, "http.redirect_limit"));
    assert_eq!(endless.requests().len(), 21);
    assert_eq!(outcome.fault().context().attempts, Some(21));
}

#[test]
fn a_redirect_to_nowhere_is_told() {
    for location in ["", "Location: http://\r\n"] {
        let server = Server::replying("302 Found", location, b"");
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.failed(), (UNKNOWN, "http.redirect_location"));
    }
    let file = sending_to("file:///etc/hostname", "302 Found");
    let outcome = Probe::new(patient()).get(file.url("/"));
    assert_eq!(outcome.failed(), (0x2005_0001, "guard.file"));
    let other = sending_to("gopher://x/", "302 Found");
    let outcome = Probe::new(patient()).get(other.url("/"));
    assert_eq!(outcome.failed(), (0x2005_0001, "url.scheme"));
}

fn with_secrets(probe: &Probe, url: String) -> FetchRequest {
    let mut request = probe.request(url);
    request.headers = vec![
        header("Authorization", "Bearer canary"),
        header("Cookie", "sid=canary"),
        header("X-Api-Key", "canary"),
        header("X-Harmless", "kept"),
    ];
    request
}

#[test]
fn credentials_stay_with_their_host_port_and_scheme() {
    let target = Server::replying("200 OK", "", b"end");
    let first = sending_to(target.url("/there"), "302 Found");
    let probe = Probe::new(NetConfig {
        headers: vec![header("X-Auth-Token", "canary")],
        ..patient()
    });
    let url = format!("http://user:canary@{}/", first.address);
    assert_eq!(probe.fetch(with_secrets(&probe, url)).body, b"end");
    let sent = first.requests().remove(0);
    // RFC 7617: "user:canary" in base64.
    assert!(sent.contains("authorization: Bearer canary\r\n"), "{sent}");
    assert!(sent.contains("x-auth-token: canary\r\n") && sent.contains("cookie: sid=canary\r\n"));
    let leaked = target.requests().remove(0);
    assert!(
        !leaked.contains("canary") && !leaked.contains("dXNlcjpjYW5hcnk"),
        "{leaked}"
    );
    assert!(leaked.contains("x-harmless: kept\r\n"));
}

#[test]
fn user_info_of_a_url_becomes_a_credential_for_its_host_only() {
    let target = Server::replying("200 OK", "", b"end");
    let first = sending_to(target.url("/there"), "302 Found");
    let probe = Probe::new(patient());
    assert_eq!(
        probe
            .get(format!("http://user:canary@{}/", first.address))
            .body,
        b"end"
    );
    assert!(first.requests()[0].contains("authorization: Basic dXNlcjpjYW5hcnk=\r\n"));
    assert!(!target.requests()[0].contains("authorization"));
    let refused = Server::replying("403 Forbidden", "", b"");
    let outcome = probe.get(format!("http://user:canary@{}/?k=canary", refused.address));
    assert!(!format!("{:?}", outcome.fault()).contains("canary"));
}

#[test]
fn credentials_do_not_come_back_after_a_detour() {
    let home = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let known = std::sync::Arc::clone(&home);
    let detour = Server::start(move |mut peer| {
        peer.head();
        let back = format!("Location: {}\r\n", known.get().unwrap());
        peer.reply("302 Found", &back, b"");
    });
    let first = sending_to(detour.url("/detour"), "302 Found");
    home.set(first.url("/back")).unwrap();
    let probe = Probe::new(patient());
    assert_eq!(
        probe.fetch(with_secrets(&probe, first.url("/"))).body,
        b"/back"
    );
    assert!(
        !first.requests()[1].contains("canary"),
        "{}",
        first.requests()[1]
    );
}

#[test]
fn a_post_does_not_follow_to_another_server() {
    let target = Server::replying("200 OK", "", b"");
    let first = sending_to(target.url("/there"), "307 Temporary Redirect");
    let probe = Probe::new(patient());
    let mut request = probe.request(first.url("/"));
    request.method = Method::Post("".into());
    assert_eq!(
        probe.fetch(request).failed(),
        (UNKNOWN, "http.redirect_body")
    );
    assert!(target.requests().is_empty());
}

#[test]
fn segments_on_another_host_get_no_credentials_of_the_playlists_host() {
    let segments = Server::replying("200 OK", "", b"segment");
    let probe = Probe::new(patient());
    let mut request = with_secrets(&probe, segments.url("/1.ts"));
    request.initiator = Initiator::found_at(Secret::new("http://127.0.0.1:1/list.m3u8"));
    assert_eq!(probe.fetch(request).body, b"segment");
    assert!(!segments.requests()[0].contains("canary"));
    let mut request = with_secrets(&probe, segments.url("/2.ts"));
    request.initiator = Initiator::found_at(Secret::new(segments.url("/list.m3u8")));
    assert_eq!(probe.fetch(request).body, b"segment");
    assert!(segments.requests()[1].contains("Bearer canary"));
}

#[test]
fn credentials_go_to_the_origin_that_the_user_named_wherever_playlists_lead() {
    let home = Server::replying("200 OK", "", b"home");
    let elsewhere = Server::replying("200 OK", "", b"elsewhere");
    let probe = Probe::new(NetConfig {
        headers: vec![header("Authorization", "Bearer canary")],
        ..patient()
    });
    let (main, variant) = (home.url("/main.m3u8"), elsewhere.url("/list.m3u8"));
    let main = Secret::new(main);
    let in_main = Initiator::User.within(&main, &main);
    let in_variant = in_main.within(&Secret::new(&*variant), &Secret::new(&*variant));
    // The same after a redirect of what the user named.
    let moved = Initiator::User.within(&main, &Secret::new(&*variant));
    for (server, initiator, trusted) in [
        (&elsewhere, &in_main, false),
        (&elsewhere, &in_variant, false),
        (&elsewhere, &moved, false),
        (&home, &in_variant, true),
        (&home, &moved, true),
    ] {
        let mut request = with_secrets(&probe, server.url("/1.ts"));
        request.initiator = initiator.clone();
        assert!(!probe.fetch(request).body.is_empty());
        let sent = server.requests().pop().unwrap();
        assert_eq!(sent.contains("canary"), trusted, "{initiator:?}\n{sent}");
        assert!(sent.contains("x-harmless: kept\r\n"));
    }
}

/// Every name leads to this machine.
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

fn from(probe: &Probe, origin: &str, url: String) -> FetchRequest {
    let mut request = probe.request(url);
    request.initiator = Initiator::found_at(Secret::new(origin));
    request
}

#[test]
fn a_public_playlist_reaches_no_private_address() {
    let server = Server::replying("200 OK", "", b"secret");
    let port = server.address.port();
    let probe = Probe::resolving(patient(), Loopback);
    let public = "http://93.184.216.34/list.m3u8";
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "[::ffff:127.0.0.1]",
        "rebound.example",
    ] {
        let outcome = probe.fetch(from(&probe, public, format!("http://{host}:{port}/")));
        assert_eq!(
            outcome.failed(),
            (0x2005_0004, "guard.private_address"),
            "{host}"
        );
        assert_eq!(outcome.fault().retry(), Retry::Never);
    }
    assert!(server.requests().is_empty());
    // The same from a playlist on a private address, and by the user's own word.
    let private = from(&probe, "http://127.0.0.1:1/list.m3u8", server.url("/"));
    assert_eq!(probe.fetch(private).body, b"secret");
    assert_eq!(probe.get(server.url("/")).body, b"secret");
    // An idle connection that was opened for the user serves no public playlist either.
    let outcome = probe.fetch(from(&probe, public, format!("http://127.0.0.1:{port}/")));
    assert_eq!(outcome.failed().1, "guard.private_address");
}

#[test]
fn a_remote_playlist_opens_no_file() {
    let probe = Probe::new(patient());
    for origin in [
        "http://127.0.0.1/list.m3u8",
        "https://example.com/list.m3u8",
    ] {
        for file in [
            "file:///etc/hostname",
            "/etc/hostname",
            "relative.ts",
            "FILE:/etc/hostname",
        ] {
            let outcome = probe.fetch(from(&probe, origin, file.to_owned()));
            assert_eq!(
                outcome.failed(),
                (0x2005_0001, "guard.file"),
                "{origin} {file}"
            );
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let segment = dir.path().join("1.ts");
    std::fs::write(&segment, b"local").unwrap();
    let outcome = probe.fetch(from(
        &probe,
        "/videos/list.m3u8",
        segment.to_str().unwrap().to_owned(),
    ));
    assert_eq!(outcome.body, b"local");
}
