//! The group `playback`, as far as the network goes: a real server behind a proxy that fails on command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kinora::{
    Event, Fault, InfoCode, NetConfig, PlayerBuilder, PlayerConfig, SeekAccuracy, State, Time,
};
use kinora_faults::clips;
use kinora_faults::dns::{Answer, NameServer};
use kinora_faults::files::FileServer;
use kinora_faults::proxy::{Act, Exchange, Proxy};
use kinora_faults::registry::expect;
use kinora_faults::tls::{Certificate, TlsServer};
use kinora_faults::watch::{Watch, brisk};
use socket2::{Domain, Socket, Type};

/// A film behind a proxy.
struct Line {
    proxy: Proxy,
    url: String,
    _server: FileServer,
    _dir: tempfile::TempDir,
}

impl Line {
    fn of(film: impl FnOnce(&std::path::Path) -> std::path::PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        film(dir.path());
        let server = FileServer::start(dir.path());
        let proxy = Proxy::before(server.address());
        let name = std::fs::read_dir(dir.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .file_name();
        let url = proxy.url(&format!("/{}", name.display()));
        Self {
            proxy,
            url,
            _server: server,
            _dir: dir,
        }
    }
    fn short() -> Self {
        Self::of(clips::film)
    }
    fn fault(&self) -> Fault {
        let mut watch = watch();
        watch.player.open(&self.url);
        watch.fault()
    }
    fn plays(&self) {
        let mut watch = watch();
        watch.player.open(&self.url);
        watch.completes();
    }
    /// `act` the first time, then nothing.
    fn once(&self, act: Act) {
        self.proxy.script(move |exchange| match exchange.number {
            0 => act.clone(),
            _ => Act::Pass,
        });
    }
    /// Plays through, and reports that `name` was mended on the way.
    fn recovers(&self, name: &str) -> Fault {
        let mut watch = watch();
        watch.player.open(&self.url);
        watch.completes();
        watch.recovered_from(name).clone()
    }
}

fn watch() -> Watch {
    with(|builder| builder)
}

fn with(more: impl FnOnce(PlayerBuilder) -> PlayerBuilder) -> Watch {
    Watch::new(|builder| more(builder.config(brisk()).network(quick())))
}

/// Limits as `kinora play --timeout 600` sets them.
fn quick() -> NetConfig {
    let limit = Duration::from_millis(500);
    NetConfig {
        dns_timeout: Some(limit),
        connect_timeout: Some(limit),
        tls_timeout: Some(limit),
        first_byte_timeout: Some(limit),
        stall_timeout: Some(limit),
        ..NetConfig::default()
    }
}

/// A status that stays ends it; one that passes is mended.
fn passing_status(name: &str, status: &'static str) {
    let line = Line::short();
    line.proxy.script(move |_| Act::status(status));
    expect(name, &line.fault());
    assert_eq!(line.proxy.seen().len(), 3, "the first try and two more");
    line.once(Act::status(status));
    expect(name, &line.recovers(name));
}

/// A status that asking again does not change.
fn final_status(name: &str, status: &'static str) {
    let line = Line::short();
    line.proxy.script(move |_| Act::status(status));
    expect(name, &line.fault());
    assert_eq!(line.proxy.seen().len(), 1, "it is not asked again");
    line.proxy.mend();
    line.plays();
}

#[test]
fn a_server_error_that_passes_is_waited_out() {
    passing_status("ERROR_NETWORK_HTTP_5XX", "503 Service Unavailable");
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_asked_later() {
    passing_status("ERROR_NETWORK_HTTP_4XX", "429 Too Many Requests");
    for (status, reason) in [("401 Unauthorized", "http.401"), ("410 Gone", "http.410")] {
        let line = Line::short();
        line.proxy.script(move |_| Act::status(status));
        let mut watch = watch();
        watch.player.open(&line.url);
        let fault = watch.fault();
        assert_eq!(
            (fault.code().name().as_str(), fault.reason()),
            ("ERROR_NETWORK_HTTP_4XX", reason)
        );
    }
}

#[test]
fn what_is_not_there_is_not_asked_for_again() {
    final_status("ERROR_NETWORK_HTTP_404", "404 Not Found");
}

#[test]
fn a_request_that_the_server_calls_wrong_is_not_repeated() {
    final_status("ERROR_NETWORK_HTTP_400", "400 Bad Request");
}

#[test]
fn a_closed_port_fails_at_once_and_plays_once_it_is_open() {
    let mut line = Line::short();
    line.proxy.close();
    expect("ERROR_NETWORK_COULD_NOT_CONNECT", &line.fault());
    // Opened between the first try and the next.
    let mut watch = watch();
    watch.player.open(&line.url);
    watch.until(|event| {
        matches!(
            event,
            Event::Info {
                code: InfoCode::NetworkRetry,
                ..
            }
        )
        .then_some(())
    });
    line.proxy.open();
    watch.completes();
    expect(
        "ERROR_NETWORK_COULD_NOT_CONNECT",
        watch.recovered_from("ERROR_NETWORK_COULD_NOT_CONNECT"),
    );
}

/// A port whose queue of connections is full: the system drops what knocks, as a black hole does.
struct BlackHole {
    _socket: Socket,
    _waiting: Vec<Socket>,
    url: String,
}

impl BlackHole {
    fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap();
        let waiting = (0..4)
            .map(|_| {
                let knocking = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                knocking.set_nonblocking(true).unwrap();
                let _ = knocking.connect(&address);
                knocking
            })
            .collect();
        let url = format!("http://{}/film.mp4", address.as_socket().unwrap());
        Self {
            _socket: socket,
            _waiting: waiting,
            url,
        }
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up_in_time_and_waited_for_when_it_does() {
    let hole = BlackHole::new();
    let mut watch = watch();
    watch.player.open(&hole.url);
    expect("ERROR_NETWORK_CONNECT_TIMEOUT", &watch.fault());
    let line = Line::short();
    line.once(Act::Mute);
    assert_eq!(
        line.recovers("ERROR_NETWORK_CONNECT_TIMEOUT").reason(),
        "http.first_byte_timeout"
    );
}

#[test]
fn a_server_that_answers_later_than_is_usual_is_waited_for_where_the_player_allows_it() {
    let line = Line::short();
    line.proxy.script(|exchange| {
        if exchange.number == 0 {
            // Longer than requests wait for their first byte where nothing is said of it: the lateness is the fault.
            std::thread::sleep(Duration::from_millis(10_500));
        }
        Act::Pass
    });
    let patient = PlayerConfig {
        network_timeout: Duration::from_secs(20),
        ..PlayerConfig::default()
    };
    let mut watch = Watch::new(|builder| builder.config(patient));
    watch.player.open(&line.url);
    watch.completes();
    assert!(watch.recovered.is_empty(), "{:?}", watch.recovered);
}

#[test]
fn a_name_that_does_not_exist_plays_once_it_does() {
    let line = Line::short();
    let (_, port) = line
        .url
        .trim_start_matches("http://")
        .split_once('/')
        .map(|(host, _)| host.split_once(':').unwrap())
        .unwrap();
    let url = format!("http://film.test:{port}/film.mp4");
    for (answer, reason) in [
        (Answer::ServFail, "dns.failed"),
        (Answer::Silence, "dns.timeout"),
    ] {
        let mut watch = with(|builder| builder.resolver(NameServer::start(answer)));
        watch.player.open(&url);
        assert_eq!(watch.fault().reason(), reason);
    }
    let server = NameServer::start(Answer::NxDomain);
    let mut watch = with(|builder| builder.resolver(server.clone()));
    watch.player.open(&url);
    expect("ERROR_NETWORK_RESOLVE", &watch.fault());
    let mut watch = with(|builder| builder.resolver(server.clone()));
    watch.player.open(&url);
    watch.until(|event| {
        matches!(
            event,
            Event::Info {
                code: InfoCode::NetworkRetry,
                ..
            }
        )
        .then_some(())
    });
    server.set(Answer::Address(Ipv4Addr::LOCALHOST));
    watch.completes();
    expect(
        "ERROR_NETWORK_RESOLVE",
        watch.recovered_from("ERROR_NETWORK_RESOLVE"),
    );
    // RFC 6761 6.4: no resolver knows it.
    let mut watch = with(|builder| builder);
    watch.player.open("http://film.invalid/film.mp4");
    assert_eq!(watch.fault().code().name(), "ERROR_NETWORK_RESOLVE");
}

#[test]
fn a_certificate_that_nobody_trusts_is_refused_until_it_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    clips::film(dir.path());
    let files = FileServer::start(dir.path());
    for (certificate, reason) in [
        (Certificate::Own, "tls.unknown_ca"),
        (Certificate::Expired, "tls.expired"),
        (Certificate::OtherName, "tls.wrong_host"),
    ] {
        let server = TlsServer::before(files.address(), certificate);
        let trusting = |trusts: bool| {
            with(|builder| {
                let extra_ca_pem = if trusts { server.ca_pem() } else { Vec::new() };
                builder.network(NetConfig {
                    extra_ca_pem,
                    ..quick()
                })
            })
        };
        let url = server.url("/film.mp4");
        let mut watch = trusting(certificate != Certificate::Own);
        watch.player.open(&url);
        let fault = watch.fault();
        assert_eq!(fault.reason(), reason);
        if certificate == Certificate::Own {
            expect("ERROR_NETWORK_UNKNOWN", &fault);
            let mut watch = trusting(true);
            watch.player.open(&url);
            watch.completes();
        }
    }
    let mut watch = watch();
    watch.player.open("http://[::1");
    let fault = watch.fault();
    assert_eq!(
        (fault.code().name().as_str(), fault.reason()),
        ("ERROR_NETWORK_UNKNOWN", "url.malformed")
    );
}

#[test]
fn an_answer_that_is_cut_off_is_continued() {
    let line = Line::short();
    line.once(Act::Truncate(20_000));
    assert_eq!(
        line.recovers("ERROR_NETWORK_UNKNOWN").reason(),
        "http.truncated"
    );
}

#[test]
fn a_server_that_promises_more_than_it_has_is_seen_through() {
    let line = Line::short();
    line.once(Act::LieLength(4_000));
    let fault = line.recovers("ERROR_NETWORK_HTTP_RANGE");
    assert_eq!(fault.reason(), "http.range.unsatisfiable");
}

#[test]
fn a_connection_that_is_reset_goes_on_at_the_same_byte() {
    let line = Line::short();
    line.once(Act::ResetAfter(30_000));
    expect("ERROR_GENERAL_EIO", &line.recovers("ERROR_GENERAL_EIO"));
    let starts: Vec<u64> = line
        .proxy
        .seen()
        .iter()
        .map(Exchange::range_start)
        .collect();
    assert!(
        starts[1] > 0,
        "the second request goes on where the first was cut: {starts:?}"
    );
}

/// Cuts the line at a byte of the file, whatever range is asked for.
fn cut_at(byte: u64) -> impl Fn(&Exchange) -> Act + Send + Sync {
    move |exchange| match byte.checked_sub(exchange.range_start()) {
        Some(left) if left > 0 => Act::Stall(left),
        _ => Act::Mute,
    }
}

#[test]
fn a_line_that_is_cut_parks_the_source_and_reload_goes_on_from_the_same_place() {
    let line = Line::of(clips::long_film);
    line.proxy.script(cut_at(250_000));
    let mut watch = watch();
    watch.player.open(&line.url);
    watch.first_frame();
    let fault = watch.fault();
    expect("ERROR_LOADING_TIMEOUT", &fault);
    assert_ne!(watch.player.state(), State::Error, "the state is kept");
    let (position, buffered) = (watch.player.position(), watch.player.buffered_position());
    assert!(
        position > Time::from_millis(300),
        "what had come was played: {position}"
    );
    line.proxy.mend();
    watch.player.reload();
    watch.completes();
    assert!(watch.player.buffered_position() > buffered);
    let first = line.proxy.seen()[0].range_start();
    assert!(
        first > 0,
        "nothing that was there is loaded again: from {first}"
    );
    watch.recovered_from("ERROR_NETWORK_CONNECT_TIMEOUT");
}

#[test]
fn a_server_without_ranges_can_be_sought_in_all_the_same() {
    let line = Line::of(clips::long_film);
    line.proxy.script(|exchange| match exchange.number {
        // The first answer falls silent early: what follows must be asked for by a range.
        0 => Act::Stall(150_000),
        _ => Act::IgnoreRange,
    });
    let mut watch = watch();
    watch.player.open(&line.url);
    watch.first_frame();
    watch
        .player
        .seek(Time::from_millis(2_000), SeekAccuracy::Exact);
    watch.completes();
    expect(
        "ERROR_NETWORK_HTTP_RANGE",
        watch.recovered_from("ERROR_NETWORK_HTTP_RANGE"),
    );
}

#[test]
fn a_server_that_sends_another_range_than_asked_for_is_not_believed() {
    let line = Line::of(clips::long_film);
    line.proxy.script(|exchange| match exchange.range_start() {
        0 => Act::Truncate(150_000),
        _ => Act::Answer(
            "206 Partial Content",
            "Content-Range: bytes 5-9/600000\r\n",
            b"12345".to_vec(),
        ),
    });
    let mut watch = watch();
    watch.player.open(&line.url);
    let fault = watch.fault();
    assert!(
        fault.code().name() == "ERROR_NETWORK_HTTP_RANGE"
            || fault.code().name() == "ERROR_LOADING_TIMEOUT",
        "{fault}"
    );
}

#[test]
fn a_playlist_that_breaks_the_rules_can_not_be_opened() {
    let line = Line::short();
    let broken =
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:URI=\"k\"\n#EXTINF:4,\nfilm.mp4\n".to_vec();
    line.proxy.script(move |_| {
        Act::Answer(
            "200 OK",
            "Content-Type: application/vnd.apple.mpegurl\r\n",
            broken.clone(),
        )
    });
    expect("ERROR_DEMUXER_OPENURL", &line.fault());
    line.proxy.mend();
    line.plays();
}

#[test]
fn an_unsupported_protocol_is_reported() {
    expect(
        "ERROR_NETWORK_UNSUPPORTED",
        &Watch::of("gopher://example.com/film").fault(),
    );
}

#[test]
fn a_player_under_any_storm_of_faults_ends_in_the_end_or_in_a_number() {
    let line = Line::short();
    for seed in 0..12 {
        line.proxy
            .script(move |exchange| Act::of_seed(seed << 8 | exchange.number as u64));
        let mut watch = watch();
        watch.player.open(&line.url);
        if let kinora_faults::watch::Outcome::Error(fault) = watch.outcome() {
            assert!(fault.code().row().is_some(), "seed {seed}: {fault}");
        }
    }
}

#[test]
fn a_flipped_byte_does_not_end_the_film() {
    let line = Line::short();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    line.proxy.script(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Act::Flip(30_000)
    });
    line.plays();
    assert!(tries.load(Ordering::Relaxed) >= 1);
}
