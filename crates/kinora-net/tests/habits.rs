//! What servers do beside the letter of HTTP, or by its seldom used letters: each plays.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use kinora_media::ByteRange;
use kinora_net::{NetConfig, Purpose};
use support::{Probe, Server, patient, pattern};

const UNKNOWN: u32 = 0x2005_0000;
const LIST: &[u8] = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n";

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// What Brotli makes of the playlist, and of 64 MiB of zeros.
const BROTLI_LIST: &str =
    "Cx+AI0VYVE0zVQojRVhULVgtVEFSR0VURFVSQVRJT046MgojRVhUSU5GOjIsCjAudHMKI0VYVC1YLUVORExJU1QKAw==";
const BROTLI_ZEROS: &str = "y///P/gnAOKxQCD3/o///3/wTwDEYRGA7v0f////4J8AiMMCAN37P/7//8E/ARCHBQC693/8//+DfwIgDgsAdO//+P//B/8E\
                            QBwWAOje//H//w/+CYA4LADQvf/j//8f/BMAcVgAoHv/Nw==";

fn brotli(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// Answers everything with this body in this coding.
fn coded(coding: &str, body: Vec<u8>) -> Server {
    let headers = format!("Content-Encoding: {coding}\r\nETag: \"v\"\r\nAccept-Ranges: bytes\r\n");
    Server::start(move |mut peer| {
        while peer.head().is_some() {
            peer.reply("200 OK", &headers, &body);
        }
    })
}

#[test]
fn a_body_that_was_compressed_unasked_is_read_as_what_it_is() {
    let long = pattern(300_000);
    for plain in [LIST, &long, b""] {
        for (coding, body) in [
            ("gzip", gzip(plain)),
            ("X-GZIP", [gzip(plain), gzip(b"")].concat()),
            ("deflate", zlib(plain)),
            ("deflate", deflate(plain)),
            ("identity, gzip", gzip(plain)),
            ("deflate, gzip", gzip(&zlib(plain))),
        ] {
            let outcome = Probe::new(patient()).get(coded(coding, body).url("/"));
            assert_eq!(outcome.result, Ok(()), "{coding}");
            assert!(outcome.body == plain, "{coding}");
            let info = outcome.info.unwrap();
            assert_eq!(
                (info.total_len, info.ranges, info.validator),
                (None, false, None),
                "what the head says is of the compressed form"
            );
        }
    }
}

#[test]
fn playlists_alone_are_asked_for_compressed_and_read_as_they_come() {
    let probe = Probe::new(patient());
    let server = coded("br", brotli(BROTLI_LIST));
    for (path, purpose, compressed) in [
        ("/live", Purpose::Playlist, true),
        ("/main.m3u8?sign=1", Purpose::Media, true),
        ("/manifest.MPD", Purpose::Media, true),
        ("/film.mp4", Purpose::Media, false),
        ("/0.ts", Purpose::Segment(0), false),
        ("/key.m3u8", Purpose::Key, false),
    ] {
        let mut request = probe.request(server.url(path));
        request.purpose = purpose;
        let outcome = probe.fetch(request);
        assert_eq!(outcome.result, Ok(()), "{path}");
        assert!(outcome.body == LIST, "{path}");
        let heads = server.log.lock().unwrap();
        let accepted = match compressed {
            true => "accept-encoding: br, gzip\r\n",
            false => "accept-encoding: identity\r\n",
        };
        let head = heads.last().unwrap().to_ascii_lowercase();
        assert!(head.contains(accepted), "{path}: {head}");
    }
    // The index of a file is a part of it.
    let plain = Server::start(|mut peer| {
        while peer.head().is_some() {
            let range = "Content-Range: bytes 2-6/20\r\n";
            peer.reply("206 Partial Content", range, b"01234");
        }
    });
    let mut request = probe.request(plain.url("/film.mpd"));
    (request.purpose, request.range) = (Purpose::Playlist, ByteRange::of(2, 7));
    assert_eq!(probe.fetch(request).body, b"01234");
    let head = plain.log.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
}

#[test]
fn a_compressed_body_serves_a_range_from_its_start_and_no_other() {
    let server = coded("gzip", gzip(LIST));
    let probe = Probe::new(patient());
    let mut request = probe.request(server.url("/"));
    request.range = ByteRange::of(0, 7);
    assert_eq!(probe.fetch(request).body, b"#EXTM3U");
    let mut request = probe.request(server.url("/"));
    request.range = ByteRange::of(0, 10_000);
    assert_eq!(probe.fetch(request).body, LIST);
    let mut request = probe.request(server.url("/"));
    request.range = ByteRange::from(3);
    let refused = probe.fetch(request);
    assert_eq!(refused.fault().reason(), "http.range.ignored");
}

#[test]
fn a_body_that_unpacks_to_far_more_than_it_is_ends_early() {
    let zeros = vec![0; 64 << 20];
    for (coding, body) in [
        ("gzip", gzip(&zeros)),
        ("gzip, gzip", gzip(&gzip(&zeros))),
        ("br", brotli(BROTLI_ZEROS)),
        ("br, gzip", gzip(&brotli(BROTLI_ZEROS))),
    ] {
        let outcome = Probe::new(patient()).get(coded(coding, body).url("/"));
        assert_eq!(outcome.failed(), (UNKNOWN, "http.content_encoding"));
        assert!(outcome.body.len() < 16 << 20, "{}", outcome.body.len());
    }
}

#[test]
fn unknown_and_damaged_content_codings_are_refused() {
    let mut torn = gzip(&pattern(5_000));
    torn.truncate(torn.len() - 5);
    let mut flipped = gzip(&pattern(5_000));
    let last = flipped.len() - 6;
    flipped[last] ^= 0xFF;
    for (coding, body) in [
        ("br", gzip(LIST)),
        ("br", brotli(BROTLI_LIST)[..40].to_vec()),
        ("zstd", gzip(LIST)),
        ("gzip, gzip, gzip", gzip(&gzip(&gzip(LIST)))),
        ("gzip", LIST.to_vec()),
        ("gzip", torn),
        ("gzip", flipped),
        ("deflate", vec![0x78]),
    ] {
        let outcome = Probe::new(patient()).get(coded(coding, body).url("/"));
        assert_eq!(
            outcome.failed(),
            (UNKNOWN, "http.content_encoding"),
            "{coding}"
        );
    }
}

#[test]
fn an_answer_may_bring_less_than_was_asked_for() {
    let server = Server::start(|mut peer| {
        while peer.head().is_some() {
            let range = "Content-Range: bytes 0-4/20\r\n";
            peer.reply("206 Partial Content", range, b"01234");
        }
    });
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.body, b"01234");
    assert_eq!(outcome.info.unwrap().total_len, Some(20));
}

fn cookies(request: &str) -> Option<&str> {
    request
        .lines()
        .find_map(|line| line.strip_prefix("cookie: "))
}

#[test]
fn a_cookie_that_a_playlist_sets_goes_with_its_segments_and_nowhere_else() {
    let other = Server::replying("200 OK", "", b"");
    let elsewhere = other.url("/live/0.ts").replace("127.0.0.1", "localhost");
    let server = Server::start(move |mut peer| {
        while let Some(head) = peer.head() {
            let set = "Set-Cookie: session=s3cret; Path=/live; HttpOnly\r\n";
            match head.split(' ').nth(1).unwrap() {
                "/live/list.m3u8" => peer.reply("200 OK", set, b"#EXTM3U"),
                "/live/away" => {
                    peer.reply("302 Found", &format!("Location: {elsewhere}\r\n"), b"");
                }
                _ if cookies(&head).is_none() => peer.reply("403 Forbidden", "", b""),
                _ => peer.reply("200 OK", "", b"segment"),
            }
        }
    });
    let probe = Probe::new(patient());
    assert_eq!(
        probe
            .get(server.url("/live/0.ts"))
            .fault()
            .context()
            .http_status,
        Some(403)
    );
    assert_eq!(probe.get(server.url("/live/list.m3u8")).result, Ok(()));
    assert_eq!(probe.get(server.url("/live/0.ts")).body, b"segment");
    assert_eq!(
        probe
            .get(server.url("/vod/0.ts"))
            .fault()
            .context()
            .http_status,
        Some(403)
    );
    assert_eq!(probe.get(server.url("/live/away")).result, Ok(()));
    let sent: Vec<_> = server.requests();
    assert_eq!(cookies(&sent[2]), Some("session=s3cret"));
    let away = other.requests();
    assert_eq!(cookies(&away[0]), None, "another host");
    // Another player knows nothing of it.
    let stranger = Probe::new(patient()).get(server.url("/live/0.ts"));
    assert_eq!(stranger.fault().context().http_status, Some(403));
}

#[test]
fn no_cookie_is_kept_where_none_is_wanted() {
    let config = NetConfig {
        keep_cookies: false,
        ..patient()
    };
    let server = Server::replying("200 OK", "Set-Cookie: session=s3cret\r\n", b"");
    let probe = Probe::new(config);
    for _ in 0..2 {
        assert_eq!(probe.get(server.url("/")).result, Ok(()));
    }
    assert!(server.requests().iter().all(|head| cookies(head).is_none()));
}

#[test]
fn a_cookie_of_a_redirect_is_kept_too() {
    let server = Server::start(|mut peer| {
        while let Some(head) = peer.head() {
            let welcome = "Location: /film\r\nSet-Cookie: seen=1\r\n";
            match cookies(&head) {
                None => peer.reply("302 Found", welcome, b""),
                Some(_) => peer.reply("200 OK", "", b"film"),
            }
        }
    });
    let outcome = Probe::new(patient()).get(server.url("/start"));
    assert_eq!(outcome.body, b"film");
}

#[test]
fn heads_that_were_written_by_hand_are_read() {
    let many: String = (0..150).map(|n| format!("X-Line-{n}: {n}\r\n")).collect();
    for lines in [
        many.as_str(),
        "X Name: with a blank\r\n",
        "X-Name : with a blank behind\r\n",
        "X-Folded: one\r\n two\r\n",
        "no colon at all\r\n",
    ] {
        let lines = lines.to_owned();
        let reported = lines.clone();
        let server = Server::start(move |mut peer| {
            while peer.head().is_some() {
                peer.reply(
                    "200 OK",
                    &format!("Content-Type: video/mp4\r\n{lines}"),
                    b"ok",
                );
            }
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.result, Ok(()), "{reported}");
        assert_eq!(outcome.body, b"ok");
        let media_type = outcome.info.unwrap().content_type;
        assert_eq!(media_type.as_deref(), Some("video/mp4"));
    }
}

#[test]
fn a_head_without_end_is_given_up() {
    let server = Server::start(|mut peer| {
        peer.head();
        peer.say("HTTP/1.1 200 OK\r\n");
        for number in 0..100_000 {
            peer.say(format!("X-Line-{number}: {number}\r\n"));
        }
        peer.mute();
    });
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.failed(), (UNKNOWN, "http.malformed"));
}

#[test]
fn a_radio_server_speaks_icy() {
    for (said, body) in [
        ("ICY 200 OK\r\nicy-name: x\r\n\r\nsound", "sound"),
        ("HTTP/1.0 200 OK\r\n\r\nICY 200 OK", "ICY 200 OK"),
    ] {
        let server = Server::start(move |mut peer| {
            peer.head();
            peer.say(said);
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert_eq!(outcome.result, Ok(()), "{said}");
        assert_eq!(outcome.body, body.as_bytes());
    }
    for half in ["", "I", "ICY"] {
        let server = Server::start(move |mut peer| {
            peer.head();
            peer.say(half);
        });
        let outcome = Probe::new(patient()).get(server.url("/"));
        assert!(outcome.result.is_err(), "{half}");
    }
}

#[test]
fn nineteen_redirects_are_followed() {
    let server = Server::start(|mut peer| {
        while let Some(head) = peer.head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            match path.len() {
                20.. => peer.reply("200 OK", "", b"there"),
                _ => peer.reply("302 Found", &format!("Location: {path}x\r\n"), b""),
            }
        }
    });
    let outcome = Probe::new(patient()).get(server.url("/"));
    assert_eq!(outcome.body, b"there");
}
