//! TLS with certificates that are right and wrong in every way; HTTP/2; proxies.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kinora_errors::{Retry, Secret};
use kinora_net::{NetConfig, Resolve, Resolving};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::{Probe, SHORT, Server, patient};

const UNKNOWN: u32 = 0x2005_0000;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::named("the user's authority")
    }
    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }
    /// A server's settings with a certificate for that name, changed to taste.
    fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// Answers over TLS; nothing is logged unless application data came.
fn tls_server(config: Arc<ServerConfig>) -> Server {
    Server::wrapped(
        move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(rustls::StreamOwned::new(connection, stream)))
        },
        |mut peer| {
            while peer.head().is_some() {
                peer.reply("200 OK", "", b"secure");
            }
        },
    )
}

fn trusting(pem: Vec<u8>) -> NetConfig {
    NetConfig {
        extra_ca_pem: pem,
        ..patient()
    }
}

fn secure_url(server: &Server) -> String {
    format!("https://localhost:{}/", server.address.port())
}

#[test]
fn a_certificate_of_the_users_own_authority_is_trusted() {
    let authority = Authority::new();
    let server = tls_server(authority.server("localhost", |_| {}));
    let probe = Probe::new(trusting(authority.pem()));
    for _ in 0..2 {
        let outcome = probe.get(secure_url(&server));
        assert_eq!(outcome.result, Ok(()));
        assert_eq!(outcome.body, b"secure");
    }
}

#[test]
fn a_wrong_certificate_is_refused_before_anything_is_sent() {
    let authority = Authority::new();
    let expired = authority.server("localhost", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let early = authority.server("localhost", |params| {
        params.not_before = date_time_ymd(2120, 1, 1);
        params.not_after = date_time_ymd(2121, 1, 1);
    });
    let elsewhere = authority.server("other.example", |_| {});
    let stranger = Authority::named("a stranger").server("localhost", |_| {});
    for (config, reason) in [
        (expired, "tls.expired"),
        (early, "tls.not_yet_valid"),
        (elsewhere, "tls.wrong_host"),
        (stranger, "tls.unknown_ca"),
    ] {
        let server = tls_server(config);
        let outcome = Probe::new(trusting(authority.pem())).get(secure_url(&server));
        assert_eq!(outcome.failed(), (UNKNOWN, reason));
        // No retry by the player, but one by the user once the certificate is renewed.
        assert_eq!(outcome.fault().retry(), Retry::AfterUser);
        assert!(server.requests().is_empty());
    }
}

#[test]
fn a_port_that_speaks_no_tls_fails_in_the_handshake() {
    let plain = Server::start(|mut peer| {
        let mut byte = [0];
        let _ = peer.stream.read(&mut byte);
        peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.mute();
    });
    let outcome = Probe::new(patient()).get(secure_url(&plain));
    assert_eq!(outcome.failed(), (UNKNOWN, "tls.handshake"));
}

#[test]
fn a_handshake_that_is_never_answered_times_out() {
    let muted = Server::start(|mut peer| peer.mute());
    let outcome = Probe::new(NetConfig {
        tls_timeout: SHORT,
        ..patient()
    })
    .get(secure_url(&muted));
    assert_eq!(outcome.failed(), (UNKNOWN, "tls.timeout"));
    assert_eq!(outcome.fault().retry(), Retry::Backoff);
}

#[test]
fn certificates_that_are_none_are_refused() {
    let server = tls_server(Authority::new().server("localhost", |_| {}));
    for pem in [
        &b"no certificate"[..],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let outcome = Probe::new(trusting(pem.to_vec())).get(secure_url(&server));
        assert_eq!(outcome.failed(), (UNKNOWN, "tls.ca_file"));
    }
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let plain = Server::replying("200 OK", "", b"plain");
    let authority = Authority::new();
    let config = authority.server("localhost", |_| {});
    let place = plain.url("/");
    let server = Server::wrapped(
        move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(rustls::StreamOwned::new(connection, stream)))
        },
        move |mut peer| {
            peer.head();
            peer.reply("302 Found", &format!("Location: {place}\r\n"), b"");
        },
    );
    let outcome = Probe::new(trusting(authority.pem())).get(secure_url(&server));
    assert_eq!(outcome.failed(), (UNKNOWN, "http.redirect_downgrade"));
    assert!(plain.requests().is_empty());
}

/// An HTTP/2 server on TLS that counts its connections and answers with the path.
fn http2_server(config: &Arc<ServerConfig>) -> (SocketAddr, Arc<AtomicUsize>) {
    let mut config = ServerConfig::clone(config);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await.unwrap();
                    let answer = |request: hyper::Request<hyper::body::Incoming>| async move {
                        assert!(request.headers().get("host").is_none());
                        let path = request.uri().path().to_owned();
                        let body = path.repeat(20_000);
                        Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from(body))))
                    };
                    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service_fn(answer))
                        .await;
                });
            }
        });
    });
    (address, connections)
}

#[test]
fn http2_carries_many_requests_on_one_connection() {
    let authority = Authority::new();
    let (address, connections) = http2_server(&authority.server("localhost", |_| {}));
    let probe = Probe::new(trusting(authority.pem()));
    let url = |path: &str| format!("https://localhost:{}{path}", address.port());
    assert_eq!(probe.get(url("/first")).body.len(), 6 * 20_000);
    let ids: Vec<_> = (0..8)
        .map(|index| {
            let request = probe.request(url(&format!("/{index}")));
            let id = request.id;
            probe.net.fetch(request);
            id
        })
        .collect();
    let mut done = 0;
    while done < ids.len() {
        match probe.events.recv_timeout(support::PATIENCE).unwrap() {
            kinora_net::NetEvent::Done { .. } => done += 1,
            kinora_net::NetEvent::Failed { fault, .. } => panic!("{fault}"),
            _ => {}
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// A proxy that logs heads and carries tunnels.
fn proxy(answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&log);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut client = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            heads.lock().unwrap().push(head.clone());
            client.write_all(answer.as_bytes()).unwrap();
            let Some(target) = head.strip_prefix("CONNECT ") else {
                continue;
            };
            if answer.starts_with("HTTP/1.1 200") {
                let port = target.split([':', ' ']).nth(1).unwrap();
                tunnel(
                    client,
                    TcpStream::connect(format!("127.0.0.1:{port}")).unwrap(),
                );
            }
        }
    });
    (address, log)
}

fn tunnel(client: TcpStream, server: TcpStream) {
    let (mut to, mut from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let (mut to, mut from) = (client, server);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
}

fn through(address: SocketAddr, config: NetConfig) -> NetConfig {
    let url = format!("http://user:canary@{address}");
    NetConfig {
        proxy: Some(Secret::new(url)),
        ..config
    }
}

/// Names are the proxy's matter.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, host: &str) -> Resolving {
        panic!("{host} was looked up");
    }
}

#[test]
fn plain_requests_go_whole_to_the_proxy() {
    let (address, log) = proxy("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
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
    let (address, log) = proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    let probe = Probe::resolving(through(address, trusting(authority.pem())), NoNames);
    let outcome = probe.get(format!("https://video.example:{}/", server.address.port()));
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.body, b"secure");
    assert!(log.lock().unwrap()[0].starts_with("CONNECT video.example:"));
    assert!(
        !server.requests()[0].contains("canary"),
        "the proxy's password went further"
    );
}

#[test]
fn what_a_proxy_brings_counts_as_public_and_leads_to_no_private_address() {
    let (address, log) =
        proxy("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n");
    let outcome = Probe::new(through(address, patient())).get("http://video.example/");
    assert_eq!(outcome.failed(), (0x2005_0004, "guard.private_address"));
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[test]
fn a_proxy_that_refuses_is_told() {
    for (answer, reason) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "proxy.auth",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy.refused"),
    ] {
        let (address, _) = proxy(answer);
        let outcome = Probe::new(through(address, patient())).get("https://video.example/");
        assert_eq!(outcome.failed(), (0x2005_0004, reason));
        assert!(!format!("{:?}", outcome.fault()).contains("canary"));
    }
    let config = NetConfig {
        proxy: Some(Secret::new("socks5://x:1")),
        ..patient()
    };
    assert_eq!(
        Probe::new(config).get("http://video.example/").failed(),
        (UNKNOWN, "proxy.url")
    );
}

/// One address that refuses, then one that answers.
struct TwoAddresses;

impl Resolve for TwoAddresses {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(async {
            Ok(vec![
                IpAddr::from([127, 0, 0, 9]),
                IpAddr::from([127, 0, 0, 1]),
            ])
        })
    }
}

#[test]
fn the_next_address_is_tried_when_one_refuses() {
    let server = Server::replying("200 OK", "", b"second");
    let url = format!("http://two.example:{}/", server.address.port());
    assert_eq!(
        Probe::resolving(patient(), TwoAddresses).get(url).body,
        b"second"
    );
}
