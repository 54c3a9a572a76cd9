//! Real proxies on loopback, sound and broken in every way: what they are asked, and how their failures are told.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use kinora_errors::{Lang, ReportStyle, Retry, Secret};
use kinora_net::{Initiator, NetConfig, NoProxy, Proxy, ProxyConfig, Resolve, Resolving};
use support::tls::{Authority, tls_server, trusting};
use support::{Probe, SHORT, Server, patient};

const CONNECT: u32 = 0x2005_0004;
const TIMEOUT: u32 = 0x2005_0003;

type Log = Arc<Mutex<Vec<String>>>;

/// Serves every connection by a script of its own; what the script writes down is kept.
fn serving(script: impl Fn(TcpStream, &Log) + Send + Sync + 'static) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (log, script) = (Log::default(), Arc::new(script));
    let kept = Arc::clone(&log);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (script, log) = (Arc::clone(&script), Arc::clone(&kept));
            thread::spawn(move || script(stream, &log));
        }
    });
    (address, log)
}

fn head(client: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Until the client goes.
fn wait(mut client: TcpStream) {
    let _ = std::io::copy(&mut client, &mut std::io::sink());
}

/// An HTTP proxy that gives every request this answer, and leads tunnels to loopback where it is 200.
fn http_proxy(answer: &'static str) -> (SocketAddr, Log) {
    serving(move |mut client, log| {
        let head = head(&mut client);
        log.lock().unwrap().push(head.clone());
        let _ = client.write_all(answer.as_bytes());
        if let Some(target) = head.strip_prefix("CONNECT ")
            && answer.starts_with("HTTP/1.1 200")
        {
            let port = target
                .split(' ')
                .next()
                .and_then(|target| target.rsplit_once(':'));
            lead(client, port.unwrap().1.parse().unwrap());
        }
    })
}

fn lead(client: TcpStream, port: u16) {
    let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut to, mut from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let (mut to, mut from) = (client, server);
    let _ = std::io::copy(&mut from, &mut to);
}

fn some<const N: usize>(client: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    let _ = client.read_exact(&mut bytes);
    bytes
}

fn counted(client: &mut TcpStream) -> String {
    let [length] = some(client);
    let mut text = vec![0; usize::from(length)];
    client.read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// A SOCKS 5 proxy that gives this reply; it wants `user:password` where one is named, and leads on to loopback.
fn socks_proxy(reply: u8, wanted: Option<&'static str>) -> (SocketAddr, Log) {
    serving(move |mut client, log| {
        let [5, count] = some(&mut client) else {
            return;
        };
        let mut methods = vec![0; usize::from(count)];
        client.read_exact(&mut methods).unwrap();
        let method = if wanted.is_some() { 2 } else { 0 };
        if !methods.contains(&method) {
            let _ = client.write_all(&[5, 0xff]);
            return wait(client);
        }
        client.write_all(&[5, method]).unwrap();
        if let Some(wanted) = wanted {
            assert_eq!(some(&mut client), [1]);
            let said = format!("{}:{}", counted(&mut client), counted(&mut client));
            let refused = u8::from(said != wanted);
            client.write_all(&[1, refused]).unwrap();
            if refused == 1 {
                return wait(client);
            }
        }
        let [5, 1, 0, kind] = some(&mut client) else {
            panic!("no request")
        };
        let host = match kind {
            1 => IpAddr::from(some::<4>(&mut client)).to_string(),
            4 => IpAddr::from(some::<16>(&mut client)).to_string(),
            _ => format!("the name {}", counted(&mut client)),
        };
        let port = u16::from_be_bytes(some(&mut client));
        log.lock().unwrap().push(format!("{host} {port}"));
        // It names where it connects from by a name: any kind of address may come.
        client.write_all(&[5, reply, 0, 3, 1, b'x', 0, 0]).unwrap();
        match reply {
            0 => lead(client, port),
            _ => wait(client),
        }
    })
}

fn via(proxy: &str, config: NetConfig) -> NetConfig {
    NetConfig {
        proxy: ProxyConfig::all(Proxy::parse(proxy).unwrap()),
        ..config
    }
}

fn through(address: SocketAddr, config: NetConfig) -> NetConfig {
    via(&format!("http://user:canary@{address}"), config)
}

fn hasty() -> NetConfig {
    NetConfig {
        connect_timeout: Some(SHORT),
        first_byte_timeout: Some(SHORT),
        ..patient()
    }
}

/// Names are the proxy's matter.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, host: &str) -> Resolving {
        panic!("{host} was looked up");
    }
}

/// Every name has this address.
struct Always(Ipv4Addr);

impl Resolve for Always {
    fn resolve(&self, _: &str) -> Resolving {
        let ip = IpAddr::V4(self.0);
        Box::pin(async move { Ok(vec![ip]) })
    }
}

#[test]
fn plain_requests_go_whole_to_the_proxy() {
    let (address, log) = http_proxy("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
    let probe = Probe::resolving(through(address, patient()), NoNames);
    assert_eq!(probe.get("http://video.example/a?b").body, b"proxy");
    let head = log.lock().unwrap().remove(0);
    assert!(
        head.starts_with("GET http://video.example/a?b HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("proxy-authorization: Basic dXNlcjpjYW5hcnk=\r\n"));
}

#[test]
fn secure_requests_are_tunnelled() {
    let authority = Authority::new();
    let server = tls_server(authority.server("video.example", |_| {}));
    let (address, log) = http_proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    let probe = Probe::resolving(through(address, trusting(authority.pem())), NoNames);
    let outcome = probe.get(format!("https://video.example:{}/", server.address.port()));
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.body, b"secure");
    let asked = log.lock().unwrap().remove(0);
    assert!(asked.starts_with("CONNECT video.example:"), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic dXNlcjpjYW5hcnk=\r\n"));
    assert!(
        !server.requests()[0].contains("canary"),
        "the proxy's password went further"
    );
}

#[test]
fn a_socks_proxy_resolves_the_names_that_it_is_sent() {
    let server = Server::replying("200 OK", "", b"behind");
    let (address, log) = socks_proxy(0, Some("me:pass word"));
    let config = via(&format!("socks5h://me:pass%20word@{address}"), patient());
    let probe = Probe::resolving(config, NoNames);
    let port = server.address.port();
    assert_eq!(
        probe.get(format!("http://video.example:{port}/")).body,
        b"behind"
    );
    assert_eq!(
        *log.lock().unwrap(),
        [format!("the name video.example {port}")]
    );
    assert!(
        server.requests()[0].starts_with("GET / HTTP/1.1\r\n"),
        "the server is asked as without a proxy"
    );
}

#[test]
fn a_socks_proxy_for_addresses_is_sent_what_this_machine_resolves() {
    let authority = Authority::new();
    let server = tls_server(authority.server("video.example", |_| {}));
    let (address, log) = socks_proxy(0, None);
    let config = via(&format!("socks5://{address}"), trusting(authority.pem()));
    let probe = Probe::resolving(config, Always(Ipv4Addr::new(93, 184, 216, 34)));
    let port = server.address.port();
    let outcome = probe.get(format!("https://video.example:{port}/"));
    assert_eq!(outcome.body, b"secure");
    assert_eq!(*log.lock().unwrap(), [format!("93.184.216.34 {port}")]);
}

#[test]
fn every_reply_of_a_socks_proxy_has_a_reason_of_its_own() {
    for (reply, reason, retry) in [
        (1, "socks.failure", Retry::Backoff),
        (2, "socks.not_allowed", Retry::AfterUser),
        (3, "socks.network_unreachable", Retry::Backoff),
        (4, "socks.host_unreachable", Retry::Backoff),
        (5, "socks.refused", Retry::Backoff),
        (6, "socks.ttl_expired", Retry::Backoff),
        (7, "socks.command", Retry::AfterUser),
        (8, "socks.address_type", Retry::AfterUser),
        (99, "socks.reply", Retry::Backoff),
    ] {
        let (address, _) = socks_proxy(reply, None);
        let probe = Probe::new(via(&format!("socks5h://{address}"), patient()));
        let outcome = probe.get("http://video.example/");
        assert_eq!(outcome.failed(), (CONNECT, reason), "{reply}");
        assert_eq!(outcome.fault().retry(), retry, "{reason}");
    }
}

#[test]
fn a_proxy_that_wants_another_password_says_so_and_nothing_tells_it() {
    const NO: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let (http, _) = http_proxy(NO);
    let (socks, _) = socks_proxy(0, Some("me:right"));
    for (proxy, url) in [
        (format!("http://me:canary@{http}"), "https://video.example/"),
        (format!("http://me:canary@{http}"), "http://video.example/"),
        (
            format!("socks5h://me:canary@{socks}"),
            "http://video.example/",
        ),
        (format!("socks5h://{socks}"), "http://video.example/"),
    ] {
        let outcome = Probe::new(via(&proxy, patient())).get(url);
        assert_eq!(outcome.failed(), (CONNECT, "proxy.auth"), "{proxy}");
        let fault = outcome.fault();
        assert_eq!(fault.retry(), Retry::AfterUser);
        let reported = format!("{fault:?}{}", fault.report(Lang::En, ReportStyle::Plain));
        assert!(!reported.contains("canary"), "{reported}");
        let place = http.to_string();
        assert!(
            reported.contains(&place) || reported.contains(&socks.to_string()),
            "{reported}"
        );
    }
}

#[test]
fn a_proxy_that_refuses_a_tunnel_is_told_by_its_status() {
    for (answer, retry) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Retry::AfterUser),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", Retry::Backoff),
    ] {
        let (address, _) = http_proxy(answer);
        let outcome = Probe::new(through(address, patient())).get("https://video.example/");
        assert_eq!(outcome.failed(), (CONNECT, "proxy.refused"));
        assert_eq!(outcome.fault().retry(), retry, "{answer}");
    }
}

#[test]
fn a_proxy_that_can_not_be_reached_is_told_apart_from_the_server() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for scheme in ["http", "socks5", "socks5h"] {
        let config = via(&format!("{scheme}://{closed}"), patient());
        let outcome = Probe::new(config).get("https://video.example/");
        assert_eq!(outcome.failed(), (CONNECT, "proxy.unreachable"));
        let causes: Vec<_> = outcome
            .fault()
            .causes()
            .iter()
            .map(|cause| &cause.0)
            .collect();
        assert!(causes[0].contains(&closed.to_string()), "{causes:?}");
        assert!(causes[1].contains("refused"), "{causes:?}");
    }
    let outcome = Probe::new(via("http://nobody.invalid:1", patient())).get("http://a.example/");
    assert_eq!(outcome.failed(), (0x2005_0002, "proxy.unreachable"));
}

#[test]
fn a_silent_proxy_is_given_up_within_its_limit_at_every_step() {
    // It answers so many bytes of this and then keeps still.
    for (scheme, answer) in [
        ("http", &b""[..]),
        ("http", b"HTTP/1.1 200 OK\r\nX: "),
        ("socks5h", b""),
        ("socks5h", b"\x05"),
        ("socks5h", b"\x05\x00"),
        ("socks5h", b"\x05\x00\x05\x00\x00\x01\x7f"),
    ] {
        let (address, _) = serving(move |mut client, _| {
            let _ = client.write_all(answer);
            wait(client);
        });
        let probe = Probe::new(via(&format!("{scheme}://{address}"), hasty()));
        let outcome = probe.get("https://video.example/");
        assert_eq!(
            outcome.failed(),
            (TIMEOUT, "proxy.timeout"),
            "{scheme} {answer:?}"
        );
        assert_eq!(outcome.fault().retry(), Retry::Backoff);
    }
    let (address, _) = serving(|client, _| wait(client));
    let probe = Probe::new(via(&format!("http://{address}"), hasty()));
    let outcome = probe.get("http://video.example/");
    assert_eq!(outcome.failed(), (TIMEOUT, "http.first_byte_timeout"));
}

#[test]
fn behind_an_open_way_each_phase_has_its_own_limit() {
    let mute = Server::start(|mut peer| peer.mute());
    let port = mute.address.port();
    let (http, _) = http_proxy("HTTP/1.1 200 OK\r\n\r\n");
    let (socks, _) = socks_proxy(0, None);
    for proxy in [format!("http://{http}"), format!("socks5h://{socks}")] {
        let config = NetConfig {
            tls_timeout: Some(SHORT),
            ..patient()
        };
        let outcome = Probe::new(via(&proxy, config)).get(format!("https://a.example:{port}/"));
        assert_eq!(outcome.failed(), (0x2005_0000, "tls.timeout"), "{proxy}");
    }
    let config = NetConfig {
        first_byte_timeout: Some(SHORT),
        ..patient()
    };
    let probe = Probe::new(via(&format!("socks5h://{socks}"), config));
    let outcome = probe.get(format!("http://a.example:{port}/"));
    assert_eq!(outcome.failed(), (TIMEOUT, "http.first_byte_timeout"));
}

#[test]
fn a_proxy_that_closes_within_its_answer_is_told_as_such() {
    for (scheme, answer) in [
        ("http", &b""[..]),
        ("http", b"HTTP/1.1 200 OK\r\n"),
        ("socks5h", b""),
        ("socks5h", b"\x05\x00\x05\x00"),
        ("socks5h", b"\x05\x00\x05\x00\x00\x01\x7f"),
    ] {
        let (address, _) = serving(move |mut client, _| {
            // The question is read, lest the close be a reset that overtakes the answer.
            let _ = client.read(&mut [0; 512]);
            let _ = client.write_all(answer);
            let _ = client.shutdown(std::net::Shutdown::Write);
            wait(client);
        });
        let probe = Probe::new(via(&format!("{scheme}://{address}"), patient()));
        let outcome = probe.get("https://video.example/");
        assert_eq!(
            outcome.failed(),
            (CONNECT, "proxy.closed"),
            "{scheme} {answer:?}"
        );
    }
}

#[test]
fn what_is_no_proxy_of_that_kind_is_found_out_at_its_first_words() {
    for (scheme, answer) in [
        ("http", &b"SSH-2.0-OpenSSH_9.6\r\n"[..]),
        ("http", b"HTTP/1.1 fine\r\n\r\n"),
        ("socks5h", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks5h", b"\x05\x07"),
        ("socks5h", b"\x05\x00\x04\x00\x00\x01"),
        ("socks5h", b"\x05\x00\x05\x00\x00\x09"),
    ] {
        let (address, _) = serving(move |mut client, _| {
            let _ = client.write_all(answer);
            wait(client);
        });
        let probe = Probe::new(via(&format!("{scheme}://{address}"), patient()));
        let outcome = probe.get("https://video.example/");
        assert_eq!(
            outcome.failed(),
            (CONNECT, "proxy.protocol"),
            "{scheme} {answer:?}"
        );
    }
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000));
    let (address, _) = serving(move |mut client, _| {
        let _ = client.write_all(endless.as_bytes());
        wait(client);
    });
    let probe = Probe::new(via(&format!("http://{address}"), patient()));
    let outcome = probe.get("https://video.example/");
    assert_eq!(outcome.failed(), (CONNECT, "proxy.protocol"));
}

#[test]
fn a_redirect_to_an_exempt_host_leaves_the_proxy_out() {
    let server = Server::replying("200 OK", "", b"direct");
    let there = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://nas.lan:{}/\r\nContent-Length: 0\r\n\r\n",
        server.address.port()
    );
    let (address, log) = http_proxy(there.leak());
    let config = NetConfig {
        proxy: ProxyConfig::all(Proxy::parse(&address.to_string()).unwrap())
            .except(NoProxy::parse(".lan")),
        ..patient()
    };
    // The proxy's word is a public server's: it leads to no private address, not even to an exempt one.
    let probe = Probe::resolving(config.clone(), Always(Ipv4Addr::LOCALHOST));
    let outcome = probe.get("http://video.example/");
    assert_eq!(outcome.failed(), (CONNECT, "guard.private_address"));
    assert_eq!(log.lock().unwrap().len(), 1);
    // The user's word leads there without the proxy.
    let direct = probe.get(format!("http://nas.lan:{}/", server.address.port()));
    assert_eq!(direct.body, b"direct");
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[test]
fn what_a_proxy_brings_counts_as_public_and_leads_to_no_private_address() {
    const THERE: &str =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n";
    let (address, log) = http_proxy(THERE);
    let outcome = Probe::new(through(address, patient())).get("http://video.example/");
    assert_eq!(outcome.failed(), (CONNECT, "guard.private_address"));
    assert_eq!(log.lock().unwrap().len(), 1);
}

/// What a playlist of `origin` may fetch.
fn named_by(origin: &str, url: &str, probe: &Probe) -> support::Outcome {
    let mut request = probe.request(url);
    request.initiator = Initiator::found_at(Secret::new(origin));
    probe.fetch(request)
}

#[test]
fn a_playlist_behind_a_proxy_reaches_no_private_address_whatever_its_name_resolves_to_here() {
    let (http, http_log) = http_proxy("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (socks, socks_log) = socks_proxy(0, None);
    for proxy in [format!("http://{http}"), format!("socks5h://{socks}")] {
        // The attacker's own name server says that the playlist is private; the proxy is told otherwise.
        let probe = Probe::resolving(via(&proxy, patient()), NoNames);
        for private in [
            "http://127.0.0.1/",
            "https://[::1]/",
            "http://localhost/",
            "http://10.1/",
        ] {
            let outcome = named_by("http://evil.example/a.m3u8", private, &probe);
            assert_eq!(
                outcome.failed(),
                (CONNECT, "guard.private_address"),
                "{proxy}"
            );
        }
    }
    assert_eq!(
        http_log.lock().unwrap().len() + socks_log.lock().unwrap().len(),
        0
    );
    // A private server's playlist may name its neighbours, also through a proxy.
    let probe = Probe::resolving(via(&format!("http://{http}"), patient()), NoNames);
    let outcome = named_by("http://10.0.0.1/a.m3u8", "http://10.0.0.2/b.ts", &probe);
    assert_eq!(outcome.result, Ok(()));
}

#[test]
fn a_name_that_is_resolved_here_for_a_proxy_is_guarded_by_what_it_resolves_to() {
    let (address, log) = socks_proxy(0, None);
    let config = via(&format!("socks5://{address}"), patient());
    let probe = Probe::resolving(config, Always(Ipv4Addr::new(192, 168, 0, 1)));
    let outcome = named_by(
        "http://93.184.216.34/a.m3u8",
        "http://rebound.example/",
        &probe,
    );
    assert_eq!(outcome.failed(), (CONNECT, "guard.private_address"));
    assert_eq!(log.lock().unwrap().len(), 0);
}

#[test]
fn an_unusable_proxy_of_the_environment_fails_what_needs_it() {
    let proxy = ProxyConfig::from_env(|name| (name == "all_proxy").then(|| "ftp://h".into()));
    let probe = Probe::new(NetConfig { proxy, ..patient() });
    assert_eq!(
        probe.get("http://video.example/").failed(),
        (0x2005_0000, "proxy.url")
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(probe.get(path).result, Ok(()), "a file needs no proxy");
}

#[test]
fn a_survey_goes_through_the_proxy_and_tells_it() {
    let server = Server::replying("200 OK", "", b"behind");
    let (address, _) = socks_proxy(0, None);
    let config = via(&format!("socks5h://{address}"), patient());
    let probe = Probe::resolving(config, NoNames);
    let hops = probe
        .net
        .survey(&format!("http://video.example:{}/", server.address.port()));
    let hop = &hops.unwrap()[0];
    assert_eq!(hop.proxy.as_deref(), Some(address.to_string().as_str()));
    assert_eq!(hop.answer.as_ref().unwrap().status, 200);

    let (address, _) = socks_proxy(5, None);
    let probe = Probe::new(via(&format!("socks5h://{address}"), patient()));
    let hops = probe.net.survey("http://video.example/").unwrap();
    let failed = hops[0].failed.as_ref().unwrap();
    assert_eq!(failed.reason(), "socks.refused");
}

#[test]
fn a_survey_follows_no_redirect_that_the_player_would_refuse() {
    const THERE: &str =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
    let (address, _) = http_proxy(THERE);
    let probe = Probe::new(through(address, patient()));
    let hops = probe.net.survey("http://video.example/").unwrap();
    assert_eq!(hops.len(), 2);
    let failed = hops[1].failed.as_ref().unwrap();
    assert_eq!(failed.reason(), "guard.private_address");
    assert!(hops[1].dials.is_empty());
}
