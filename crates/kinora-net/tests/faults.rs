//! Real faults on loopback, each with its number, reason and retry class.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io;
use std::net::{IpAddr, TcpListener};

use kinora_errors::{Retry, Secret};
use kinora_media::{ByteRange, Header};
use kinora_net::{Initiator, NetConfig, Resolve, Resolving};
use support::{BlackHole, Probe, SHORT, Server, patient, pattern};

const UNKNOWN: u32 = 0x2005_0000;
const UNSUPPORTED: u32 = 0x2005_0001;
const RESOLVE: u32 = 0x2005_0002;
const TIMEOUT: u32 = 0x2005_0003;
const CONNECT: u32 = 0x2005_0004;
const RANGE: u32 = 0x2005_0009;
const EIO: u32 = 0x2008_0005;

#[test]
fn a_closed_port_refuses_at_once() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let outcome = Probe::new(patient()).get(format!("http://{port}/a?token=canary"));
    assert_eq!(outcome.failed(), (CONNECT, "tcp.refused"));
    let fault = outcome.fault();
    assert_eq!(fault.retry(), Retry::Backoff);
    let context = fault.context();
    assert_eq!(context.url, Some(format!("http://{port}/a?token=***")));
    assert!(context.elapsed_ms.is_some_and(|ms| ms < 5000));
    assert_eq!(context.attempts, Some(1));
    assert!(!format!("{fault:?} {fault}").contains("canary"));
}

#[test]
fn a_black_hole_times_out_while_connecting() {
    let hole = BlackHole::at("127.0.0.1:0");
    let config = NetConfig {
        connect_timeout: Some(SHORT),
        ..patient()
    };
    let outcome = Probe::new(config).get(format!("http://{}/", hole.address));
    assert_eq!(outcome.failed(), (TIMEOUT, "tcp.timeout"));
    assert_eq!(outcome.fault().retry(), Retry::Backoff);
}

#[test]
fn a_muted_socket_times_out_for_its_first_byte() {
    let server = Server::start(|mut peer| peer.mute());
    let outcome = Probe::new(NetConfig {
        first_byte_timeout: Some(SHORT),
        ..patient()
    })
    .get(server.url("/"));
    assert_eq!(outcome.failed(), (TIMEOUT, "http.first_byte_timeout"));
    assert!(
        outcome
            .fault()
            .context()
            .elapsed_ms
            .is_some_and(|ms| ms >= 300)
    );
}

#[test]
fn a_server_that_answers_late_is_waited_for_as_long_as_the_user_allows() {
    let server = Server::start(|mut peer| {
        if peer.head().is_some() {
            // The lateness is the fault.
            std::thread::sleep(SHORT * 2);
            peer.reply("200 OK", "", b"late");
        }
    });
    let probe = Probe::new(NetConfig::default());
    probe.net.set_timeout(SHORT);
    let outcome = probe.get(server.url("/"));
    assert_eq!(outcome.failed(), (TIMEOUT, "http.first_byte_timeout"));
    probe.net.set_timeout(SHORT * 20);
    assert_eq!(probe.get(server.url("/")).body, b"late");
}

#[test]
fn a_body_that_stops_has_stalled_and_what_came_was_delivered() {
    let server = Server::start(|mut peer| {
        peer.head();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        peer.mute();
    });
    let outcome = Probe::new(NetConfig {
        stall_timeout: Some(SHORT),
        ..patient()
    })
    .get(server.url("/"));
    assert_eq!(outcome.failed(), (TIMEOUT, "net.stalled"));
    assert_eq!(outcome.body, b"0123456789");
}

#[test]
fn time_without_credit_is_no_stall() {
    let server = Server::replying("200 OK", "", b"0123456789");
    let probe = Probe::new(NetConfig {
        stall_timeout: Some(SHORT),
        ..patient()
    });
    let mut request = probe.request(server.url("/"));
    request.credit = 4;
    let id = request.id;
    probe.net.fetch(request);
    let silence = probe.events.iter().take(2).count();
    assert_eq!(silence, 2, "the head and four bytes");
    let nothing = probe.events.recv_timeout(SHORT * 2);
    assert!(nothing.is_err(), "no fault came while the credit was spent");
    probe.net.grant(id, 100);
    // The head came before: feed the rest by hand.
    let rest: Vec<_> = probe.events.iter().take(2).collect();
    assert!(matches!(&rest[0], kinora_net::FetchEvent::Chunk(chunk) if chunk.data == "456789"));
    assert!(matches!(&rest[1], kinora_net::FetchEvent::Done { .. }));
}

#[test]
fn a_body_shorter_than_announced_is_truncated() {
    for (framing, sent) in [
        ("Content-Length: 100", "0123456789"),
        ("Transfer-Encoding: chunked", "64\r\n0123456789"),
        ("Transfer-Encoding: chunked", "a\r\n0123456789\r\n"),
    ] {
        let server = Server::start(move |mut peer| {
            peer.head();
            peer.say(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{sent}"));
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.failed(), (UNKNOWN, "http.truncated"), "{framing}");
        assert_eq!(outcome.body, b"0123456789");
        assert_eq!(outcome.fault().retry(), Retry::Backoff);
    }
}

#[test]
fn a_connection_closed_before_the_head_gave_no_reply() {
    for said in ["", "HTTP/1.1 200 O"] {
        let server = Server::start(move |mut peer| {
            peer.head();
            peer.say(said);
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.failed(), (UNKNOWN, "http.no_reply"), "{said:?}");
    }
}

/// Bytes left unread when a socket is closed make it reset the connection.
#[test]
fn a_reset_connection_has_the_number_of_broken_io() {
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"] {
        let server = Server::start(move |mut peer| {
            let mut first = [0];
            peer.stream.read_exact(&mut first).unwrap();
            peer.say(said);
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.failed(), (EIO, "tcp.reset"), "{said:?}");
        assert_eq!(outcome.fault().retry(), Retry::Now);
    }
}

#[test]
fn what_is_not_http_is_malformed() {
    let bomb = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(2_000_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(5000));
    for said in ["SSH-2.0-OpenSSH\r\n\r\n".to_owned(), bomb, many] {
        let server = Server::start(move |mut peer| {
            peer.head();
            peer.say(&said);
            peer.mute();
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.failed(), (UNKNOWN, "http.malformed"));
    }
    let server = Server::start(|mut peer| {
        peer.head();
        peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
        peer.mute();
    });
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.failed(), (UNKNOWN, "http.malformed"));
}

#[test]
fn statuses_have_their_numbers() {
    for (status, code, reason, retry) in [
        ("400 Bad Request", 0x2005_000a, "http.400", Retry::Never),
        (
            "401 Unauthorized",
            0x2005_0007,
            "http.401",
            Retry::AfterRefresh,
        ),
        (
            "403 Forbidden",
            0x2005_0005,
            "http.403",
            Retry::AfterRefresh,
        ),
        ("404 Not Found", 0x2005_0006, "http.404", Retry::Never),
        (
            "408 Request Timeout",
            0x2005_0007,
            "http.408",
            Retry::Backoff,
        ),
        ("410 Gone", 0x2005_0007, "http.410", Retry::AfterRefresh),
        ("418 Teapot", 0x2005_0007, "http.4xx", Retry::Never),
        (
            "429 Too Many Requests",
            0x2005_0007,
            "http.429",
            Retry::Backoff,
        ),
        (
            "500 Internal Server Error",
            0x2005_0008,
            "http.500",
            Retry::Backoff,
        ),
        (
            "503 Service Unavailable",
            0x2005_0008,
            "http.503",
            Retry::Backoff,
        ),
        ("599 Whatever", 0x2005_0008, "http.5xx", Retry::Backoff),
        ("304 Not Modified", UNKNOWN, "http.status", Retry::Never),
    ] {
        let server = Server::replying(status, "Retry-After: 7\r\n", b"no");
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.failed(), (code, reason));
        assert_eq!(outcome.fault().retry(), retry, "{status}");
        let number = status.split(' ').next().unwrap().parse().ok();
        assert_eq!(outcome.fault().context().http_status, number);
        assert_eq!(outcome.fault().context().retry_after_ms, Some(7000));
        assert!(outcome.body.is_empty());
    }
}

#[test]
fn a_date_says_when_to_come_back() {
    let server = Server::replying(
        "503 Busy",
        "Date: Tue, 24 Nov 2026 01:00:00 GMT\r\nRetry-After: Tue, 24 Nov 2026 01:01:30 GMT\r\n",
        b"",
    );
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.fault().context().retry_after_ms, Some(90_000));
}

#[test]
fn a_range_that_is_not_honoured_is_refused() {
    let asked = ByteRange::of(10, 5);
    for (status, headers, reason) in [
        ("200 OK", "", "http.range.ignored"),
        ("206 Partial Content", "", "http.range.mismatch"),
        (
            "206 Partial Content",
            "Content-Range: bytes 0-4/20\r\n",
            "http.range.mismatch",
        ),
        (
            "206 Partial Content",
            "Content-Range: bytes 10-19/20\r\n",
            "http.range.mismatch",
        ),
        (
            "206 Partial Content",
            "Content-Range: bytes 10-14/12\r\n",
            "http.range.mismatch",
        ),
        (
            "206 Partial Content",
            "Content-Range: bytes 14-10/20\r\n",
            "http.range.mismatch",
        ),
        (
            "206 Partial Content",
            "Content-Range: lines 10-14/20\r\n",
            "http.range.mismatch",
        ),
        (
            "416 Range Not Satisfiable",
            "Content-Range: bytes */3\r\n",
            "http.range.unsatisfiable",
        ),
    ] {
        let server = Server::replying(status, headers, b"01234");
        let probe = Probe::new(patient());
        let mut request = probe.request(server.url("/"));
        request.range = asked;
        let outcome = probe.fetch(request);
        assert_eq!(outcome.failed(), (RANGE, reason), "{status} {headers}");
        assert_eq!(outcome.fault().context().bytes, Some((10, Some(15))));
        assert!(outcome.body.is_empty());
    }
}

#[test]
fn a_range_that_comes_short_is_truncated() {
    let server = Server::start(|mut peer| {
        peer.head();
        peer.say("HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Range: bytes 10-14/20\r\n\r\nabc");
    });
    let probe = Probe::new(patient());
    let mut request = probe.request(server.url("/"));
    request.range = ByteRange::of(10, 5);
    assert_eq!(probe.fetch(request).failed(), (UNKNOWN, "http.truncated"));
}

#[test]
fn a_coded_body_is_not_taken_for_the_resource() {
    let server = Server::replying("200 OK", "Content-Encoding: gzip\r\n", b"\x1f\x8b");
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.failed(), (UNKNOWN, "http.content_encoding"));
}

/// Answers as a name server would.
enum Names {
    Silent,
    Missing,
    Broken,
    At(IpAddr),
}

impl Resolve for Names {
    fn resolve(&self, _: &str) -> Resolving {
        match self {
            Self::Silent => Box::pin(std::future::pending()),
            Self::Missing => Box::pin(async { Err(io::ErrorKind::NotFound.into()) }),
            Self::Broken => Box::pin(async { Err(io::Error::other("server failure")) }),
            Self::At(ip) => {
                let ip = *ip;
                Box::pin(async move { Ok(vec![ip]) })
            }
        }
    }
}

#[test]
fn names_that_do_not_resolve_say_how() {
    for (names, reason, retry) in [
        (Names::Silent, "dns.timeout", Retry::Backoff),
        (Names::Missing, "dns.nxdomain", Retry::Backoff),
        (Names::Broken, "dns.failed", Retry::Backoff),
    ] {
        let outcome = Probe::resolving(
            NetConfig {
                dns_timeout: Some(SHORT),
                ..patient()
            },
            names,
        )
        .get("http://video.example/a.mp4");
        assert_eq!(outcome.failed(), (RESOLVE, reason));
        assert_eq!(outcome.fault().retry(), retry);
    }
    let config = NetConfig {
        ip_family: kinora_net::IpFamily::V6,
        dns_timeout: Some(SHORT),
        ..patient()
    };
    let names = Names::At("192.0.2.1".parse().unwrap());
    let outcome = Probe::resolving(config, names).get("http://video.example/");
    assert_eq!(outcome.failed(), (RESOLVE, "dns.no_address"));
}

/// RFC 6761 6.4: this name never resolves, by whatever answer.
#[test]
fn the_systems_resolver_knows_no_invalid_name() {
    let outcome = Probe::new(patient()).get("http://x.invalid/");
    assert_eq!(outcome.fault().code().number(), RESOLVE);
    assert!(outcome.fault().reason().starts_with("dns."));
}

#[test]
fn what_no_request_can_be_made_of_fails_before_the_network() {
    let probe = Probe::new(patient());
    assert_eq!(probe.get("").failed(), (0x2003_0005, "url.empty"));
    assert_eq!(
        probe.get("gopher://x/").failed(),
        (UNSUPPORTED, "url.scheme")
    );
    assert_eq!(
        probe.get("http://[::1/").failed(),
        (UNKNOWN, "url.malformed")
    );
    assert_eq!(
        probe.get("http://h/\r\nA: b").failed(),
        (UNKNOWN, "url.malformed")
    );
    let server = Server::replying("200 OK", "", b"");
    for (name, value) in [
        ("A", "b\r\nC: d"),
        ("A", "b\0"),
        ("A B", "c"),
        ("", "c"),
        ("Host", "c"),
        ("Content-Length", "1"),
    ] {
        let mut request = probe.request(server.url("/"));
        request.headers = vec![Header {
            name: name.into(),
            value: value.into(),
        }];
        assert_eq!(
            probe.fetch(request).failed(),
            (UNKNOWN, "request.header"),
            "{name}: {value:?}"
        );
    }
    assert!(server.requests().is_empty());
}

#[test]
fn files_fail_with_the_number_of_their_system_error() {
    let probe = Probe::new(patient());
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let outcome = probe.get(at("missing.mp4"));
    assert_eq!(outcome.failed(), (0x2008_0002, "file.not_found"));
    assert_eq!(outcome.fault().context().url, Some(at("missing.mp4")));
    let outcome = probe.get(dir.path().to_str().unwrap());
    assert_eq!(outcome.failed(), (0x2008_0015, "file.directory"));
    assert!(outcome.fault().causes()[0].0.contains("directory"));
    std::fs::write(at("file"), pattern(10)).unwrap();
    assert_eq!(probe.get(at("file/inside")).failed().0, 0x2008_0014);
    assert_eq!(probe.get(at(&"n".repeat(300))).failed().0, 0x2008_0024);
    let mut request = probe.request(at("file"));
    request.range = ByteRange::from(10);
    assert_eq!(
        probe.fetch(request).failed(),
        (RANGE, "http.range.unsatisfiable")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_playlist_names_is_no_pipe_and_no_device() {
    let probe = Probe::new(patient());
    let mut request = probe.request("/dev/zero");
    request.initiator = Initiator::found_at(Secret::new("/home/me/list.m3u8"));
    assert_eq!(
        probe.fetch(request).failed(),
        (0x2008_001d, "file.not_regular")
    );
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pattern(100_000)).unwrap();
    let probe = Probe::new(patient());
    let mut request = probe.request(file.path().to_str().unwrap());
    request.credit = 1000;
    let id = request.id;
    probe.net.fetch(request);
    assert_eq!(
        probe.events.iter().take(2).count(),
        2,
        "the head and the first bytes"
    );
    file.as_file().set_len(500).unwrap();
    probe.net.grant(id, u64::MAX);
    match probe.events.recv_timeout(support::PATIENCE).unwrap() {
        kinora_net::FetchEvent::Failed { fault, .. } => {
            assert_eq!(
                (fault.code().number(), fault.reason()),
                (EIO, "file.truncated")
            );
        }
        _ => panic!("the rest of a file that is gone was delivered"),
    }
}
