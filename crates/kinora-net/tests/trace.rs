//! What requests emit with the feature `tracing`: enough to see what happened, and no secret.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use kinora_media::Header;
use kinora_net::{FetchRequest, NetConfig};
use support::tls::{Authority, tls_server, trusting};
use support::{Probe, Server};
use tracing::Level;

const CANARY: &str = "canary-7Gq2Zw";

/// What was emitted, line by line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Of the whole process: requests are carried out on threads of their own.
    fn collected() -> Self {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        lines
    }
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
    /// Lines of our own that hold all of that.
    fn count(&self, parts: &[&str]) -> usize {
        let text = self.text();
        let own = text.lines().filter(|line| line.contains("kinora_net"));
        own.filter(|line| parts.iter().all(|part| line.contains(part)))
            .count()
    }
}

/// With secrets wherever a request can have them.
fn secretive(request: FetchRequest) -> FetchRequest {
    FetchRequest {
        headers: vec![Header {
            name: "Authorization".into(),
            value: CANARY.into(),
        }],
        ..request
    }
}

#[test]
fn a_request_is_followed_from_its_beginning_to_its_end_without_its_secrets() {
    let lines = Lines::collected();
    let authority = Authority::new();
    let last = tls_server(authority.server("localhost", |_| {}));
    let port = last.address.port();
    let location = format!(
        "Location: https://localhost:{port}/film?token={CANARY}\r\nSet-Cookie: a={CANARY}\r\n"
    );
    let first = Server::start(move |mut peer| {
        while peer.head().is_some() {
            peer.reply("302 Found", &location, b"");
        }
    });
    let probe = Probe::new(NetConfig {
        referer: Some(format!("http://page.example/?{CANARY}")),
        ..trusting(authority.pem())
    });
    let url = format!(
        "http://me:{CANARY}@localhost:{}/?auth_key={CANARY}",
        first.address.port()
    );
    for _ in 0..2 {
        let outcome = probe.fetch(secretive(probe.request(&url)));
        assert_eq!(outcome.result, Ok(()));
    }
    let missing = Server::replying("404 Not Found", "", b"");
    let outcome = probe.get(missing.url(&format!("/?Signature={CANARY}")));
    assert!(outcome.result.is_err());

    let text = lines.text();
    assert!(!text.contains(CANARY), "{text}");
    for (parts, times) in [
        (
            &["request started", "http://***@localhost:", "auth_key=***"][..],
            2,
        ),
        (&["name resolved", "127.0.0.1"], 2),
        (&["redirected", "302", "/film?token=***"], 2),
        (&["TLS handshake done", "TLSv1_3"], 1),
        (&["connection taken", "reused=false"], 3),
        (&["connection taken", "tls=true", "reused=true"], 1),
        (&["response head received", "status=200"], 2),
        (&["request done"], 2),
        (&["request failed", "http.404", "Signature=***"], 1),
    ] {
        assert_eq!(lines.count(parts), times, "{parts:?} in\n{text}");
    }
    // What happens on the way carries the request's id.
    assert_eq!(lines.count(&["request{id=1}", "redirected"]), 1, "{text}");
}
