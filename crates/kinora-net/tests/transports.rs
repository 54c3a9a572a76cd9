//! What schemes lead to: an application's transport, and its own source of bytes.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use kinora_errors::Secret;
use kinora_media::{ByteRange, RequestId, ResponseInfo};
use kinora_net::{
    BitStreamSource, BitStreams, FetchEvent, FetchRequest, Initiator, NetConfig, ResponseSink,
    Transport,
};
use support::{PATIENCE, Probe, patient, pattern};

/// Hands what is asked of it to the test.
struct Handed(Sender<(FetchRequest, ResponseSink)>);

impl Transport for Handed {
    fn schemes(&self) -> &[&str] {
        &["demo"]
    }
    fn open(&self, request: FetchRequest, response: ResponseSink) {
        self.0.send((request, response)).unwrap();
    }
}

fn handed() -> (Probe, Receiver<(FetchRequest, ResponseSink)>) {
    let (sender, asked) = channel();
    let mut config = patient();
    config.transports.add(Handed(sender));
    (Probe::new(config), asked)
}

fn from(probe: &Probe, url: &str, origin: &str) -> (u32, &'static str) {
    let mut request = probe.request(url);
    request.initiator = Initiator::found_at(Secret::new(origin));
    probe.fetch(request).failed()
}

#[test]
fn a_transport_delivers_what_was_granted_and_no_more() {
    let (probe, asked) = handed();
    let mut request = probe.request("DEMO://anything");
    (request.credit, request.id) = (10, RequestId(7));
    probe.net.fetch(request);
    let (_, response) = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(response.id(), RequestId(7));
    let sends = thread::spawn(move || {
        response.head(ResponseInfo::default());
        assert!(response.blocking_send(0, pattern(25).into()));
        response.finish();
    });
    let next = || probe.events.recv_timeout(PATIENCE).unwrap();
    let chunk = || match next() {
        FetchEvent::Chunk(chunk) => (chunk.offset, chunk.data.len()),
        other => panic!("{other:?}"),
    };
    assert!(matches!(next(), FetchEvent::Head { .. }));
    assert_eq!(chunk(), (0, 10));
    assert!(probe.events.try_recv().is_err(), "no credit is left");
    probe.net.grant(RequestId(7), 4);
    assert_eq!(chunk(), (10, 4));
    probe.net.grant(RequestId(7), 100);
    assert_eq!(chunk(), (14, 11));
    assert!(matches!(next(), FetchEvent::Done { .. }));
    sends.join().unwrap();
}

#[test]
fn a_transport_tells_what_its_server_calls_the_session() {
    let (probe, asked) = handed();
    probe.net.fetch(probe.request("demo:a"));
    let (_, response) = asked.recv_timeout(PATIENCE).unwrap();
    response.trace_id("7f2c-0001");
    match probe.events.recv_timeout(PATIENCE).unwrap() {
        FetchEvent::TraceId { id, trace_id } => {
            assert_eq!((id, trace_id.as_str()), (response.id(), "7f2c-0001"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transport_that_waits_for_credit_ends_with_its_request() {
    for ends_all in [false, true] {
        let (probe, asked) = handed();
        let mut request = probe.request("demo:a");
        request.credit = 0;
        let id = request.id;
        probe.net.fetch(request);
        let (_, response) = asked.recv_timeout(PATIENCE).unwrap();
        let waits = thread::spawn(move || response.blocking_send(0, pattern(1).into()));
        match ends_all {
            true => drop(probe),
            false => probe.net.cancel(id),
        }
        assert!(!waits.join().unwrap(), "nobody waits for it any more");
    }
}

#[test]
fn a_response_that_is_let_go_of_fails() {
    let (probe, asked) = handed();
    let request = probe.request("demo:a");
    let id = request.id;
    probe.net.fetch(request);
    drop(asked.recv_timeout(PATIENCE).unwrap());
    let failed = probe.outcome(id).failed();
    assert_eq!(failed, (0x2FFF_FFFF, "transport.abandoned"));
}

#[test]
fn a_playlist_opens_what_its_own_transport_brings_and_the_web() {
    let (probe, asked) = handed();
    let remote = "https://example.com/a.m3u8";
    assert_eq!(
        from(&probe, "demo:secret", remote),
        (0x2005_0001, "guard.scheme")
    );
    assert_eq!(
        from(&probe, "/etc/hostname", "demo://a.m3u8"),
        (0x2005_0001, "guard.file")
    );
    let mut request = probe.request("demo://b");
    request.initiator = Initiator::found_at(Secret::new("demo://a.m3u8"));
    probe.net.fetch(request);
    assert!(asked.recv_timeout(PATIENCE).is_ok());
}

#[test]
fn only_local_playlists_open_files() {
    let probe = Probe::new(patient());
    for local in ["/videos/a.m3u8", "file:///videos/a.m3u8"] {
        assert_eq!(from(&probe, "no/such/file", local).1, "file.not_found");
    }
    for remote in [
        "http://127.0.0.1/a.m3u8",
        "https://example.com/a.m3u8",
        "gopher://x/",
        "",
    ] {
        assert_eq!(from(&probe, "no/such/file", remote).1, "guard.file");
    }
}

#[test]
fn an_unsupported_scheme_is_distinguished_from_a_file_of_that_name() {
    let probe = Probe::new(patient());
    for url in ["gopher://x/y", "ab:c.mp4"] {
        assert_eq!(
            probe.get(url).failed(),
            (0x2005_0001, "url.scheme"),
            "{url}"
        );
    }
    assert_eq!(probe.get("  ").failed(), (0x2003_0005, "url.empty"));
}

/// A network with one source of the application, and its URL.
fn mounted(source: BitStreamSource) -> (Probe, String) {
    let bit_streams = BitStreams::default();
    let url = bit_streams.mount(source);
    let mut config: NetConfig = patient();
    config.transports.add(bit_streams);
    (Probe::new(config), url)
}

fn part(probe: &Probe, url: &str, range: ByteRange) -> FetchRequest {
    let mut request = probe.request(url);
    request.range = range;
    request
}

#[test]
fn a_source_is_read_from_any_place() {
    let bytes = pattern(300_000);
    let (probe, url) = mounted(BitStreamSource::seekable(Cursor::new(bytes.clone())));
    let whole = probe.get(&url);
    assert_eq!(whole.body, bytes);
    let info = whole.info.unwrap();
    assert_eq!((info.total_len, info.ranges), (Some(300_000), true));
    let middle = probe.fetch(part(&probe, &url, ByteRange::of(1_000, 500)));
    assert_eq!(middle.body, bytes[1_000..1_500]);
    let behind = probe.fetch(part(&probe, &url, ByteRange::from(300_000)));
    assert_eq!(behind.failed().1, "http.range.unsatisfiable");
}

/// Gives its bytes in small pieces, and knows nothing else.
struct Dribble(Cursor<Vec<u8>>);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(777);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn a_source_that_can_not_seek_is_read_once_and_looked_at_again() {
    let bytes = pattern(200_000);
    let dribble = Dribble(Cursor::new(bytes.clone()));
    let (probe, url) = mounted(BitStreamSource::sequential(dribble));
    let ahead = probe.fetch(part(&probe, &url, ByteRange::of(150_000, 10)));
    assert_eq!(ahead.body, bytes[150_000..150_010]);
    let whole = probe.get(&url);
    assert_eq!(whole.body, bytes);
    let info = whole.info.unwrap();
    assert_eq!((info.total_len, info.ranges), (None, false));
    let behind = probe.fetch(part(&probe, &url, ByteRange::from(200_001)));
    assert_eq!(behind.failed().1, "http.range.unsatisfiable");
}

#[test]
fn what_was_let_go_of_is_gone() {
    let len = 70 << 20;
    let (probe, url) = mounted(BitStreamSource::sequential(io::repeat(1).take(len)));
    let end = probe.fetch(part(&probe, &url, ByteRange::from(len - 10)));
    assert_eq!(end.body.len(), 10);
    let again = probe.fetch(part(&probe, &url, ByteRange::default()));
    assert_eq!(again.failed(), (0x2008_001d, "bit_stream.gone"));
}

/// Fails as it is told to.
struct Failing {
    read: fn() -> io::Result<usize>,
    seek: fn() -> io::Result<u64>,
}

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        (self.read)()
    }
}
impl Seek for Failing {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        (self.seek)()
    }
}

#[test]
fn a_source_that_fails_gives_its_number_and_its_words() {
    let cases: [(Failing, u32, &str, &str); 6] = [
        (
            Failing {
                read: || Err(io::Error::other("block 7 can not be decrypted")),
                seek: || Ok(0),
            },
            0x2008_0005,
            "bit_stream.read",
            "block 7",
        ),
        (
            Failing {
                read: || Err(io::Error::from_raw_os_error(13)),
                seek: || Ok(0),
            },
            0x2008_000d,
            "bit_stream.read",
            "denied",
        ),
        (
            Failing {
                read: || Err(io::ErrorKind::NotFound.into()),
                seek: || Ok(0),
            },
            0x2008_0002,
            "bit_stream.read",
            "not found",
        ),
        (
            Failing {
                read: || Ok(0),
                seek: || Err(io::Error::other("a tape has no reverse")),
            },
            0x2008_0005,
            "bit_stream.seek",
            "reverse",
        ),
        (
            Failing {
                read: || Ok(usize::MAX),
                seek: || Ok(0),
            },
            0x2008_0005,
            "bit_stream.read",
            "more bytes than there was room for",
        ),
        (
            Failing {
                read: || panic!("a callback that panics"),
                seek: || Ok(u64::MAX),
            },
            0x2FFF_FFFF,
            "transport.abandoned",
            "panicked",
        ),
    ];
    for (source, number, reason, words) in cases {
        let (probe, url) = mounted(BitStreamSource::seekable(source));
        let outcome = probe.get(&url);
        assert_eq!(outcome.failed(), (number, reason));
        let causes = outcome.fault().causes_text();
        assert!(causes.contains(words), "{causes}");
        // Who asks again is answered again.
        assert!(probe.get(&url).result.is_err());
    }
}

/// Gives a byte for each that the test lets it give.
struct Gated(Receiver<()>);

impl Read for Gated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(()) = self.0.recv() else { return Ok(0) };
        buffer[0] = 1;
        Ok(1)
    }
}

#[test]
fn a_source_that_hangs_holds_nobody_up_and_goes_on_when_it_is_asked_again() {
    let (open, gate) = channel();
    let (probe, url) = mounted(BitStreamSource::sequential(Gated(gate)));
    let request = probe.request(&url);
    let id = request.id;
    probe.net.fetch(request);
    probe.net.cancel(id);
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(probe.get(file.path().to_str().unwrap()).result.is_ok());
    let request = probe.request(&url);
    let second = request.id;
    probe.net.fetch(request);
    open.send(()).unwrap();
    open.send(()).unwrap();
    drop(open);
    // What the first request had been waiting for is kept for the second.
    assert_eq!(probe.outcome(second).body, [1, 1]);
    let unknown = probe.get("bitstream:99").failed();
    assert_eq!(unknown, (0x2005_0000, "url.malformed"));
}

#[test]
fn a_network_that_ends_waits_for_no_source() {
    let (_open, gate) = channel();
    let (probe, url) = mounted(BitStreamSource::sequential(Gated(gate)));
    probe.net.fetch(probe.request(&url));
    drop(probe);
}
