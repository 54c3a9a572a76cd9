//! An application's own source, and a transport of its own, with real threads and decoders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "its `main` is for the command line")]
#[path = "../examples/encrypted_blob.rs"]
mod encrypted_blob;

use std::io::{self, Cursor, Read};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use kinora::{
    AudioReader, BitStreamSource, DecoderChoice, Event, Fault, FetchRequest, MediaInfo,
    MediaReader, NetConfig, Packet, Player, PlayerConfig, ReadOptions, ResponseSink, Source, Time,
    Transport, VideoReader, codes,
};

const LIMIT: Duration = Duration::from_secs(20);

/// One second of 25 pictures in H.264 and a tone in AAC, in memory.
fn clip(dir: &Path, name: &str) -> Vec<u8> {
    let file = dir.join(name);
    let video = "testsrc=size=320x180:rate=25:duration=1";
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(["-f", "lavfi", "-i", video])
        .args(["-f", "lavfi", "-i", "sine=duration=1"])
        .args(["-c:v", "libx264", "-bf", "2", "-g", "10"])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
        .arg(&file)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ffmpeg is needed: make setup"
    );
    std::fs::read(file).unwrap()
}

fn player() -> Player {
    Player::builder().autoplay(true).build().unwrap()
}

/// Plays to the end; the pictures that were shown or dropped.
fn played(player: &Player) -> Result<u64, Fault> {
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => return Err(fault),
            Ok(Event::Completion) => break,
            Ok(_) => {}
            Err(_) => panic!("no event within {LIMIT:?}"),
        }
    }
    let stats = player.stats();
    Ok(stats.frames_shown + stats.frames_dropped)
}

#[test]
fn memory_plays_again_and_again_whether_it_can_seek_or_not() {
    let dir = tempfile::tempdir().unwrap();
    // The index of the first lies at its end.
    for name in ["clip.mp4", "clip.ts"] {
        let bytes = clip(dir.path(), name);
        let player = player();
        let sources = [
            BitStreamSource::seekable(Cursor::new(bytes.clone())),
            BitStreamSource::sequential(Cursor::new(bytes)),
        ];
        for source in sources {
            player.open(source);
            assert_eq!(played(&player).unwrap(), 25, "{name}");
            player.stop();
            player.prepare();
            assert_eq!(played(&player).unwrap(), 25, "{name} once more");
        }
        player.release(LIMIT).unwrap();
    }
}

#[test]
fn every_reader_takes_a_bit_stream() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = clip(dir.path(), "clip.mp4");
    let source = || BitStreamSource::seekable(Cursor::new(bytes.clone()));
    let net = NetConfig::default();
    let mut packets = MediaReader::open(source(), &net).unwrap();
    assert_eq!(packets.total_len(), Some(bytes.len() as u64));
    let next = || packets.next_packet().unwrap();
    assert!(std::iter::from_fn(next).count() > 25);
    let mut video = VideoReader::open(source(), &net, DecoderChoice::Rust, 1).unwrap();
    video.seek(Time::from_millis(520)).unwrap();
    let shown = video.next_frame().unwrap().unwrap();
    assert_eq!(shown.pts, Time::from_millis(520));
    let mut audio = AudioReader::open(source(), &net, DecoderChoice::Rust).unwrap();
    assert!(audio.next_frame().unwrap().is_some());
}

#[test]
fn a_reader_says_what_it_can_not_open() {
    let source = Source::VidAuth(Box::default());
    let fault = MediaReader::open(source, ReadOptions::default()).err();
    assert_eq!(fault.unwrap().reason(), "source.unresolved");
}

/// Fails behind so many bytes.
struct Breaks(Cursor<Vec<u8>>, u64);

impl Read for Breaks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.position() >= self.1 {
            true => Err(io::Error::other("the blob is damaged")),
            false => self.0.read(buffer),
        }
    }
}

#[test]
fn a_source_that_fails_ends_playback_with_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = clip(dir.path(), "clip.ts");
    for good in [0, bytes.len() as u64 / 2] {
        let player = player();
        let source = Breaks(Cursor::new(bytes.clone()), good);
        player.open(BitStreamSource::sequential(source));
        let fault = played(&player).unwrap_err();
        assert_eq!(fault.code(), codes::ERROR_GENERAL_EIO);
        assert_eq!(fault.reason(), "bit_stream.read");
        assert!(fault.causes_text().contains("the blob is damaged"));
    }
}

/// Never gives anything until the test ends.
struct Hangs(Receiver<()>);

impl Read for Hangs {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(0)
    }
}

#[test]
fn a_source_that_hangs_is_reported_after_the_network_timeout_and_holds_no_release_up() {
    let (held, hangs) = channel();
    let config = PlayerConfig {
        network_timeout: Duration::from_millis(100),
        network_retry_count: 1,
        ..PlayerConfig::default()
    };
    let builder = Player::builder().autoplay(true).config(config);
    let player = builder.build().unwrap();
    player.open(BitStreamSource::sequential(Hangs(hangs)));
    let fault = played(&player).unwrap_err();
    assert_eq!(fault.code(), codes::ERROR_NETWORK_CONNECT_TIMEOUT);
    assert_eq!(fault.reason(), "net.silent");
    player.release(LIMIT).unwrap();
    drop(held);
}

#[test]
fn a_source_is_let_go_of_when_another_takes_its_place() {
    struct Watched(Cursor<Vec<u8>>, #[allow(dead_code)] Arc<()>);
    impl Read for Watched {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    let (token, player) = (Arc::new(()), player());
    let source = Watched(Cursor::new(vec![0; 10]), Arc::clone(&token));
    player.open(BitStreamSource::sequential(source));
    assert!(played(&player).is_err(), "zeros are no media");
    player.reset();
    player.open("no/such/file.mp4");
    assert_eq!(
        played(&player).unwrap_err().code(),
        codes::ERROR_GENERAL_ENOENT
    );
    player.release(LIMIT).unwrap();
    // Its own thread drops it.
    let end = std::time::Instant::now() + LIMIT;
    while Arc::strong_count(&token) > 1 {
        assert!(std::time::Instant::now() < end, "it is held still");
        thread::yield_now();
    }
}

/// Delivers a film as packets, as a protocol without a container would.
struct Push {
    info: Arc<MediaInfo>,
    packets: Vec<Packet>,
    live: bool,
}

impl Transport for Push {
    fn schemes(&self) -> &[&str] {
        &["push"]
    }
    fn open(&self, _: FetchRequest, response: ResponseSink) {
        let (info, packets, live) = (Arc::clone(&self.info), self.packets.clone(), self.live);
        thread::spawn(move || {
            response.tracks(info, live);
            let mut packets = packets.into_iter();
            if packets.all(|packet| response.blocking_send_packet(packet)) {
                response.finish();
            }
        });
    }
}

fn push(dir: &Path, live: bool) -> Push {
    let source = BitStreamSource::seekable(Cursor::new(clip(dir, "clip.mp4")));
    let mut reader = MediaReader::open(source, NetConfig::default()).unwrap();
    let info = Arc::clone(reader.info());
    let packets = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
    Push {
        info,
        packets,
        live,
    }
}

#[test]
fn packets_that_a_transport_pushes_play_with_every_frame_shown() {
    let dir = tempfile::tempdir().unwrap();
    for live in [false, true] {
        let builder = Player::builder().autoplay(true);
        let player = builder.transport(push(dir.path(), live)).build().unwrap();
        player.open("push://film");
        assert_eq!(played(&player).unwrap(), 25, "live: {live}");
        assert!(player.media_info().unwrap().tracks.len() == 2);
        player.release(LIMIT).unwrap();
    }
}

#[test]
fn packets_that_a_transport_pushes_are_read_as_those_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let push = push(dir.path(), false);
    let expected = push.packets.clone();
    let mut options = ReadOptions::default();
    options.network.transports.add(push);
    let mut reader = MediaReader::open("push://film", options).unwrap();
    let read: Vec<_> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
    assert!(read == expected);
}

#[test]
fn the_example_plays_what_only_it_can_decrypt() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = clip(dir.path(), "clip.mp4");
    let blob = dir.path().join("clip.blob");
    std::fs::write(&blob, encrypted_blob::encrypt(&bytes, 42)).unwrap();
    assert!(MediaReader::open(blob.display().to_string(), NetConfig::default()).is_err());
    encrypted_blob::play(&blob, 42).unwrap();
}
