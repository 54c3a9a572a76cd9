//! A resource that changes between two tries, on real sockets.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use kinora_media::{ByteRange, Header};
use support::{Probe, Server, patient, pattern};

/// A server whose first connection breaks off after 3,000 of 10,000 bytes; then it has that version.
fn breaks_off(then: &'static str) -> Server {
    Server::start(move |mut peer| {
        while let Some(head) = peer.head() {
            if peer.number == 0 {
                peer.say("HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 10000\r\n\r\n");
                peer.say(&pattern(10_000)[..3_000]);
                return;
            }
            let asked = head
                .lines()
                .find_map(|line| line.strip_prefix("if-range: "));
            let etag = format!("ETag: {then}\r\n");
            if asked == Some(then) {
                let range = format!("{etag}Content-Range: bytes 3000-9999/10000\r\n");
                peer.reply("206 Partial Content", &range, &pattern(10_000)[3_000..]);
            } else {
                peer.reply("200 OK", &etag, &[7; 10_000]);
            }
        }
    })
}

/// What a second try gets that goes on where the first broke off.
fn second_try(server: &Server) -> (Vec<u8>, support::Outcome) {
    let probe = Probe::new(patient());
    let first = probe.get(server.url("/film"));
    assert!(first.result.is_err());
    assert_eq!(first.body.len(), 3_000);
    let version = first.info.unwrap().validator.unwrap();
    assert_eq!(version, "\"one\"");
    let mut request = probe.request(server.url("/film"));
    request.range = ByteRange::from(3_000);
    request.headers = vec![Header {
        name: "If-Range".to_owned(),
        value: version,
    }];
    (first.body, probe.fetch(request))
}

#[test]
fn the_same_version_goes_on_where_it_broke_off() {
    let (mut body, rest) = second_try(&breaks_off("\"one\""));
    assert_eq!(rest.result, Ok(()));
    assert_eq!(rest.first_offset, Some(3_000));
    body.extend(rest.body);
    assert_eq!(body, pattern(10_000));
}

#[test]
fn of_another_version_no_byte_is_delivered() {
    let (_, rest) = second_try(&breaks_off("\"two\""));
    assert_eq!(rest.failed(), (0x2005_0009, "http.range.ignored"));
    assert!(rest.body.is_empty());
}

#[test]
fn only_what_names_the_very_bytes_is_a_version() {
    let version = |headers: &'static str| {
        let server = Server::replying("200 OK", headers, b"x");
        Probe::new(patient())
            .get(server.url("/"))
            .info
            .unwrap()
            .validator
    };
    assert_eq!(version("ETag: \"a\"\r\n").as_deref(), Some("\"a\""));
    assert_eq!(version("ETag: W/\"a\"\r\n"), None, "a weak tag");
    let old = "Tue, 24 Nov 2026 01:00:00 GMT";
    assert_eq!(
        version("Date: Tue, 24 Nov 2026 02:00:00 GMT\r\nLast-Modified: Tue, 24 Nov 2026 01:00:00 GMT\r\n").as_deref(),
        Some(old)
    );
    assert_eq!(
        version(
            "Date: Tue, 24 Nov 2026 01:00:01 GMT\r\nLast-Modified: Tue, 24 Nov 2026 01:00:00 GMT\r\n"
        ),
        None,
        "it may change within the second"
    );
}
