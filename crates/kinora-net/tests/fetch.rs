//! Fetches that go well: files, whole bodies, ranges, credit, keep-alive, cancellation.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kinora_media::{ByteRange, Header, RequestId};
use kinora_net::{
    FetchEvent, FetchRequest, IpFamily, Method, NetConfig, Purpose, Resolve, Resolving,
};
use support::{BlackHole, PATIENCE, Probe, Server, patient, pattern, range_server};

#[test]
fn a_file_comes_whole_and_in_ranges() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a b.bin");
    let bytes = pattern(700_001);
    std::fs::write(&path, &bytes).unwrap();
    let probe = Probe::new(patient());
    let whole = probe.get(path.to_str().unwrap());
    assert_eq!(whole.result, Ok(()));
    assert_eq!(whole.body, bytes);
    let info = whole.info.unwrap();
    assert_eq!(
        (info.status, info.total_len, info.ranges),
        (None, Some(700_001), true)
    );

    let url = format!("file://{}", path.to_str().unwrap().replace(' ', "%20"));
    let mut request = probe.request(url);
    request.range = ByteRange::of(600_000, 1_000_000);
    let part = probe.fetch(request);
    assert_eq!(part.first_offset, Some(600_000));
    assert_eq!(part.body, &bytes[600_000..]);
}

#[test]
fn an_empty_file_has_a_head_and_an_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let probe = Probe::new(patient());
    let outcome = probe.get(file.path().to_str().unwrap());
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.info.unwrap().total_len, Some(0));
}

/// Never more bytes than granted; the rest follows the grant.
fn delivers_only_what_is_granted(url: &str, total: usize) {
    let probe = Probe::new(patient());
    let mut request = probe.request(url);
    request.credit = 1000;
    let id = request.id;
    probe.net.fetch(request);
    let (mut granted, mut got) = (1000u64, 0u64);
    loop {
        match probe.events.recv_timeout(PATIENCE).unwrap() {
            FetchEvent::Chunk(chunk) => {
                assert_eq!(chunk.offset, got);
                got += chunk.data.len() as u64;
                assert!(got <= granted, "{got} of {granted}");
                if got == granted {
                    granted += 777;
                    probe.net.grant(id, 777);
                }
            }
            FetchEvent::Done { .. } => break,
            FetchEvent::Head { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, total as u64);
}

#[test]
fn credit_bounds_what_a_file_delivers() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pattern(20_000)).unwrap();
    delivers_only_what_is_granted(file.path().to_str().unwrap(), 20_000);
}

#[test]
fn an_inline_file_is_read_by_who_waits_for_it_and_as_far_as_its_credit_goes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = pattern(700_001);
    std::fs::write(file.path(), &bytes).unwrap();
    let probe = Probe::inline(patient());
    let mut request = probe.request(file.path().to_str().unwrap());
    request.credit = 300_000;
    let id = request.id;
    probe.net.fetch(request);
    assert!(probe.events.try_recv().is_err(), "nobody else reads it");

    let (mut reported, mut body, mut ended) = (false, Vec::new(), false);
    let mut read_on = || {
        while probe.net.read_inline() {
            let before = body.len();
            // All of a turn is told before it ends.
            for event in probe.events.try_iter() {
                match event {
                    FetchEvent::Head { .. } => reported = true,
                    FetchEvent::Chunk(chunk) => body.extend_from_slice(&chunk.data),
                    FetchEvent::Done { .. } => ended = true,
                    other => panic!("{other:?}"),
                }
            }
            assert!(body.len() - before <= 256 * 1024, "one piece at a time");
        }
        (reported, body.len(), ended)
    };
    assert_eq!(read_on(), (true, 300_000, false));
    probe.net.grant(id, 1 << 20);
    assert_eq!(read_on(), (true, 700_001, true));
    assert!(body == bytes);
}

#[test]
fn an_inline_file_that_is_cancelled_or_absent_ends() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pattern(20_000)).unwrap();
    let probe = Probe::inline(patient());
    let request = probe.request(file.path().to_str().unwrap());
    let id = request.id;
    probe.net.fetch(request);
    probe.net.cancel(id);
    while probe.net.read_inline() {}
    assert!(probe.events.try_recv().is_err());

    let absent = file.path().with_extension("absent");
    probe.net.fetch(probe.request(absent.to_str().unwrap()));
    while probe.net.read_inline() {}
    let Ok(FetchEvent::Failed { fault, .. }) = probe.events.try_recv() else {
        panic!("it is not there")
    };
    assert_eq!(fault.reason(), "file.not_found");

    // Who waits for a whole answer needs nobody to read it for him.
    let request = FetchRequest::get(RequestId(0), file.path().to_str().unwrap());
    let reply = probe.net.get(request, 1 << 20, PATIENCE).unwrap();
    assert_eq!(reply.body.len(), 20_000);
}

#[test]
fn credit_bounds_what_a_server_delivers() {
    let server = range_server(pattern(20_000));
    delivers_only_what_is_granted(&server.url("/"), 20_000);
}

#[test]
fn a_response_reports_length_type_date_and_final_url() {
    let server = Server::replying(
        "200 OK",
        "Content-Type: Application/VND.apple.mpegurl; charset=utf-8\r\nDate: Tue, 24 Nov 2026 01:00:00 GMT\r\n",
        b"#EXTM3U",
    );
    let outcome = Probe::new(patient()).get(server.url("/a.m3u8?t=1"));
    assert_eq!(outcome.body, b"#EXTM3U");
    let info = outcome.info.unwrap();
    assert_eq!(info.status, Some(200));
    assert_eq!(info.total_len, Some(7));
    assert_eq!(
        info.content_type.as_deref(),
        Some("application/vnd.apple.mpegurl")
    );
    assert_eq!(info.server_date_ms, Some(1_795_482_000_000));
    assert_eq!(info.final_url, Some(server.url("/a.m3u8?t=1")));
    assert!(!info.ranges);
}

#[test]
fn a_range_is_asked_for_and_checked() {
    let bytes = pattern(10_000);
    let server = range_server(bytes.clone());
    let probe = Probe::new(patient());
    for range in [
        ByteRange::of(5000, 10),
        ByteRange::from(9990),
        ByteRange::of(0, 4),
        ByteRange::of(9000, 5000),
    ] {
        let mut request = probe.request(server.url("/"));
        request.range = range;
        let outcome = probe.fetch(request);
        assert_eq!(outcome.result, Ok(()), "{range}");
        let end = range.end.map_or(10_000, |end| end.min(10_000) as usize);
        assert_eq!(outcome.body, &bytes[range.start as usize..end], "{range}");
        let info = outcome.info.unwrap();
        assert_eq!(
            (info.total_len, info.ranges, info.offset),
            (Some(10_000), true, range.start)
        );
    }
}

#[test]
fn the_whole_resource_serves_a_range_from_its_start() {
    let server = Server::replying("200 OK", "", b"0123456789");
    let probe = Probe::new(patient());
    let mut request = probe.request(server.url("/"));
    request.range = ByteRange::of(0, 4);
    assert_eq!(probe.fetch(request).body, b"0123");
}

#[test]
fn requests_one_after_the_other_share_a_connection() {
    let server = Server::start(|mut peer| {
        let number = peer.number.to_string();
        while peer.head().is_some() {
            peer.reply("200 OK", "", number.as_bytes());
        }
    });
    let probe = Probe::new(patient());
    for _ in 0..5 {
        assert_eq!(probe.get(server.url("/")).body, b"0");
    }
}

#[test]
fn a_connection_that_died_idle_is_replaced_without_a_word() {
    // The first connection answers once and closes without having said so.
    let server = Server::start(|mut peer| {
        while peer.head().is_some() {
            peer.reply("200 OK", "", b"ok");
            if peer.number == 0 {
                return;
            }
        }
    });
    let probe = Probe::new(patient());
    assert_eq!(probe.get(server.url("/")).body, b"ok");
    assert_eq!(probe.get(server.url("/")).result, Ok(()));
    assert_eq!(probe.get(server.url("/")).result, Ok(()));
}

#[test]
fn a_chunked_body_is_put_together() {
    let server = Server::start(|mut peer| {
        peer.head();
        peer.say(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        );
        peer.mute();
    });
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.body, b"abcde");
    assert_eq!(outcome.info.unwrap().total_len, None);
}

#[test]
fn headers_agent_and_referer_are_sent() {
    let server = Server::replying("200 OK", "", b"");
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    let probe = Probe::new(NetConfig {
        headers: vec![header("X-Config", "1")],
        referer: Some("https://ref.example/".into()),
        user_agent: "agent/1".into(),
        ..patient()
    });
    let mut request = probe.request(server.url("/p?q"));
    request.headers = vec![header("X-Request", "2")];
    assert_eq!(probe.fetch(request).result, Ok(()));
    let head = server.requests().remove(0);
    assert!(head.starts_with("GET /p?q HTTP/1.1\r\n"), "{head}");
    for line in [
        "x-config: 1",
        "x-request: 2",
        "referer: https://ref.example/",
        "user-agent: agent/1",
        "accept-encoding: identity",
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line} in {head}");
    }
    assert!(head.contains(&format!("host: {}\r\n", server.address)));
}

#[test]
fn a_post_sends_its_body() {
    let server = Server::start(|mut peer| {
        let head = peer.head().unwrap();
        assert!(head.starts_with("POST /"));
        let mut body = [0; 5];
        peer.stream.read_exact(&mut body).unwrap();
        peer.reply("200 OK", "", &body);
    });
    let probe = Probe::new(patient());
    let mut request = probe.request(server.url("/"));
    request.method = Method::Post("hello".into());
    assert_eq!(probe.fetch(request).body, b"hello");
}

#[test]
fn a_head_ends_with_its_head_and_leaves_its_connection() {
    let server = Server::start(|mut peer| {
        while let Some(head) = peer.head() {
            assert!(head.starts_with("HEAD /"), "{head}");
            let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT";
            let coded = "Content-Encoding: gzip";
            peer.say(format!(
                "HTTP/1.1 200 OK\r\n{date}\r\n{coded}\r\nContent-Length: 1000\r\n\r\n"
            ));
        }
    });
    let probe = Probe::new(patient());
    for _ in 0..2 {
        let mut request = probe.request(server.url("/"));
        (request.method, request.purpose) = (Method::Head, Purpose::Date);
        let outcome = probe.fetch(request);
        assert_eq!(outcome.result, Ok(()));
        assert_eq!(outcome.body, b"");
        let told = outcome.info.unwrap().server_date_ms;
        assert_eq!(told, Some(784_111_777_000));
    }
}

#[test]
fn the_body_of_an_error_is_kept_for_those_who_ask() {
    let server = Server::replying("403 Forbidden", "", b"{\"Code\":\"Forbidden\"}");
    let probe = Probe::new(patient());
    let mut request = probe.request(server.url("/"));
    request.purpose = Purpose::Api;
    let outcome = probe.fetch(request);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.info.unwrap().status, Some(403));
    assert_eq!(outcome.body, b"{\"Code\":\"Forbidden\"}");
}

#[test]
fn a_cancelled_fetch_lets_its_connection_go() {
    let (gone, heard) = std::sync::mpsc::channel();
    let gone = std::sync::Mutex::new(gone);
    let server = Server::start(move |mut peer| {
        peer.head();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst");
        peer.mute();
        gone.lock().unwrap().send(()).unwrap();
    });
    let probe = Probe::new(patient());
    probe.net.fetch(probe.request(server.url("/")));
    while !matches!(
        probe.events.recv_timeout(PATIENCE).unwrap(),
        FetchEvent::Chunk(_)
    ) {}
    probe.net.cancel(RequestId(1));
    heard.recv_timeout(PATIENCE).unwrap();
    drop(probe.net);
    assert!(
        probe.events.recv_timeout(PATIENCE).is_err(),
        "an event came after the end"
    );
}

#[test]
fn dropping_the_network_does_not_wait_for_a_silent_server() {
    let server = Server::start(|mut peer| peer.mute());
    let probe = Probe::new(patient());
    let started = std::time::Instant::now();
    probe.net.fetch(probe.request(server.url("/")));
    drop(probe.net);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_small_answer_can_be_waited_for() {
    let server = Server::replying("200 OK", "", b"0123456789");
    let probe = Probe::new(patient());
    let reply = probe
        .net
        .get(probe.request(server.url("/")), 10, PATIENCE)
        .unwrap();
    assert_eq!(reply.body, "0123456789");
    let fault = probe
        .net
        .get(probe.request(server.url("/")), 9, PATIENCE)
        .unwrap_err();
    assert_eq!(fault.reason(), "net.too_large");
    let silent = Server::start(|mut peer| peer.mute());
    let fault = probe
        .net
        .get(probe.request(silent.url("/")), 9, Duration::from_millis(50));
    assert_eq!(fault.unwrap_err().reason(), "net.total_timeout");
}

/// The first address is a black hole, the second answers.
struct HoleFirst;

impl Resolve for HoleFirst {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(async {
            Ok(vec![
                IpAddr::from([127, 0, 0, 2]),
                IpAddr::from([127, 0, 0, 1]),
            ])
        })
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_dead_address_holds_nobody_up() {
    let server = Server::replying("200 OK", "", b"alive");
    let port = server.address.port();
    let _hole = BlackHole::at(&format!("127.0.0.2:{port}"));
    let started = std::time::Instant::now();
    let outcome = Probe::resolving(patient(), HoleFirst).get(format!("http://two.example:{port}/"));
    assert_eq!(outcome.body, b"alive");
    assert!(
        started.elapsed() < PATIENCE / 2,
        "the next address joined in"
    );
}

#[test]
fn a_limit_beyond_all_clocks_is_none() {
    let server = Server::replying("200 OK", "", b"here");
    let never = Some(Duration::MAX);
    let probe = Probe::new(NetConfig {
        dns_timeout: never,
        connect_timeout: never,
        tls_timeout: never,
        first_byte_timeout: never,
        stall_timeout: never,
        ..NetConfig::default()
    });
    assert_eq!(probe.get(server.url("/")).body, b"here");
    probe.net.set_timeout(Duration::MAX);
    let request = probe.request(server.url("/"));
    let response = probe.net.get(request, 100, Duration::MAX).unwrap();
    assert_eq!(response.body.as_ref(), b"here");
}

/// Accepts at an address and does as it is told with each connection.
fn accepts_at(address: &str, answers: impl Fn(std::net::TcpStream) + Send + 'static) {
    let listener = std::net::TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        listener.incoming().flatten().for_each(answers);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_accepts_and_does_not_answer_gives_way_to_the_next_one() {
    // It closes at once; it keeps silent; it promises more than it gives.
    let habits: [fn(std::net::TcpStream); 3] = [
        |stream| drop(stream),
        |mut stream| drop(stream.read_to_end(&mut Vec::new())),
        |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nde");
        },
    ];
    for habit in habits {
        let server = Server::replying("200 OK", "", b"alive");
        let port = server.address.port();
        accepts_at(&format!("127.0.0.2:{port}"), habit);
        let config = NetConfig {
            first_byte_timeout: Some(support::SHORT),
            ..patient()
        };
        let probe = Probe::resolving(config, HoleFirst);
        let url = format!("http://two.example:{port}/");
        let first = probe.get(url.clone());
        assert_ne!(first.body, b"alive", "connecting won the race");
        first.fault();
        for _ in 0..2 {
            assert_eq!(probe.get(url.clone()).body, b"alive");
        }
    }
}

#[test]
fn on_another_network_no_connection_of_the_old_one_is_used() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let (arrived, arrives) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel();
    let released = std::sync::Mutex::new(released);
    let server = Server::start(move |mut peer| {
        count.fetch_add(1, Ordering::SeqCst);
        while let Some(head) = peer.head() {
            if head.contains("/held") {
                arrived.send(()).unwrap();
                released.lock().unwrap().recv().unwrap();
            }
            peer.reply("200 OK", "", b"here");
        }
    });
    let probe = Probe::new(patient());
    for _ in 0..2 {
        assert_eq!(probe.get(server.url("/")).body, b"here");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    probe.net.forget_connections();
    assert_eq!(probe.get(server.url("/")).body, b"here");
    assert_eq!(connections.load(Ordering::SeqCst), 2);

    // One that is in use meanwhile does not come back either.
    let request = probe.request(server.url("/held"));
    let id = request.id;
    probe.net.fetch(request);
    arrives.recv_timeout(PATIENCE).unwrap();
    probe.net.forget_connections();
    release.send(()).unwrap();
    assert_eq!(probe.outcome(id).body, b"here");
    assert_eq!(probe.get(server.url("/")).body, b"here");
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

/// A server that moves: each lookup finds the next of its addresses, in the end the last.
struct Moving {
    addresses: Vec<IpAddr>,
    lookups: Arc<AtomicUsize>,
}

impl Resolve for Moving {
    fn resolve(&self, _: &str) -> Resolving {
        let lookup = self.lookups.fetch_add(1, Ordering::SeqCst);
        let found = self.addresses[lookup.min(self.addresses.len() - 1)];
        Box::pin(async move { Ok(vec![found]) })
    }
}

#[test]
fn a_name_is_looked_up_anew_for_each_connection() {
    let server = Server::replying("200 OK", "", b"moved");
    let url = format!("http://moving.example:{}/", server.address.port());
    let lookups = Arc::new(AtomicUsize::new(0));
    let resolver = Moving {
        // Nobody listens at the first.
        addresses: vec![IpAddr::from([127, 0, 0, 9]), IpAddr::from([127, 0, 0, 1])],
        lookups: Arc::clone(&lookups),
    };
    let probe = Probe::resolving(patient(), resolver);
    assert_eq!(probe.get(url.clone()).failed().1, "tcp.refused");
    assert_eq!(probe.get(url).body, b"moved");
    assert_eq!(lookups.load(Ordering::SeqCst), 2);
}

/// The name of this machine, as a network with both families has it.
struct BothFamilies;

impl Resolve for BothFamilies {
    fn resolve(&self, _: &str) -> Resolving {
        let addresses = [
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            IpAddr::from([127, 0, 0, 1]),
        ];
        Box::pin(async move { Ok(addresses.to_vec()) })
    }
}

#[test]
fn only_addresses_of_the_wanted_family_are_tried() {
    let server = Server::replying("200 OK", "", b"four");
    let url = format!("http://both.example:{}/", server.address.port());
    let of = |ip_family| {
        let config = NetConfig {
            ip_family,
            ..patient()
        };
        Probe::resolving(config, BothFamilies).get(url.clone())
    };
    assert_eq!(of(IpFamily::V4).body, b"four");
    assert_eq!(of(IpFamily::Any).body, b"four", "the one that listens");
    let six = of(IpFamily::V6);
    // Nobody listens at ::1, which a machine without IPv6 can not even reach.
    assert!(six.failed().1.starts_with("tcp."), "{:?}", six.failed());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn many_fetches_at_once_all_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    std::fs::write(&path, pattern(100_000)).unwrap();
    let server = range_server(pattern(100_000));
    let probe = Probe::new(patient());
    let mut open = std::collections::BTreeSet::new();
    for index in 0..200u64 {
        let url = if index % 2 == 0 {
            path.to_str().unwrap().to_owned()
        } else {
            server.url("/")
        };
        let mut request = probe.request(url);
        request.range = ByteRange::from(index * 400);
        request.credit = 10_000;
        open.insert(request.id);
        probe.net.fetch(request);
    }
    for id in (1..=200).step_by(7).map(RequestId) {
        probe.net.cancel(id);
        open.remove(&id);
    }
    while !open.is_empty() {
        match probe.events.recv_timeout(PATIENCE).unwrap() {
            FetchEvent::Chunk(chunk) => probe.net.grant(chunk.id, chunk.data.len() as u64),
            FetchEvent::Done { id } => drop(open.remove(&id)),
            FetchEvent::Head { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
