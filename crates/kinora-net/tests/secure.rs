//! TLS with certificates that are right and wrong in every way; HTTP/2.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::convert::Infallible;
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kinora_errors::Retry;
use kinora_net::{NetConfig, Resolve, Resolving};
use rcgen::date_time_ymd;
use rustls::ServerConfig;
use support::tls::{Authority, tls_server, trusting};
use support::{Probe, SHORT, Server, patient};

const UNKNOWN: u32 = 0x2005_0000;

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
        tls_timeout: Some(SHORT),
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
            kinora_net::FetchEvent::Done { .. } => done += 1,
            kinora_net::FetchEvent::Failed { fault, .. } => panic!("{fault}"),
            _ => {}
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
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
