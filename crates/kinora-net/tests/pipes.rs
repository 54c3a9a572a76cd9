//! Pipes as sources, and what a request waits for.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use kinora_errors::Secret;
use kinora_media::{ByteRange, RequestId};
use kinora_net::{FetchRequest, Initiator, NetConfig, Phase, PhaseWatch};
use support::{BlackHole, PATIENCE, Probe, SHORT, Server, patient, pattern};

/// A named pipe into which the bytes are written once somebody reads it.
fn fifo(dir: &Path, bytes: Vec<u8>) -> PathBuf {
    let path = dir.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let place = path.clone();
    thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(place).unwrap();
        // The reader may have had enough.
        let _ = pipe.write_all(&bytes);
    });
    path
}

fn from(probe: &Probe, path: &Path, start: u64) -> FetchRequest {
    let mut request = probe.request(path.to_str().unwrap());
    request.range = ByteRange::from(start);
    request
}

#[test]
fn a_pipe_holds_nobody_up_who_reads_files_inline() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = pattern(300_000);
    let probe = Probe::inline(patient());
    let path = fifo(dir.path(), bytes.clone());
    let request = from(&probe, &path, 0);
    let id = request.id;
    probe.net.fetch(request);
    assert!(!probe.net.read_inline());
    assert_eq!(probe.outcome(id).body, bytes);
}

#[test]
fn a_pipe_is_read_whole_and_what_came_can_be_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = pattern(1_000_000);
    let path = fifo(dir.path(), bytes.clone());
    let probe = Probe::new(patient());
    let whole = probe.fetch(from(&probe, &path, 0));
    assert!(whole.result.is_ok());
    assert_eq!(whole.body, bytes);
    let tail = probe.fetch(from(&probe, &path, 999_000));
    assert_eq!(tail.body, bytes[999_000..]);
    assert_eq!(tail.info.unwrap().total_len, Some(1_000_000));
    let mut middle = from(&probe, &path, 500);
    middle.range.end = Some(700);
    assert_eq!(probe.fetch(middle).body, bytes[500..700]);
    assert_eq!(
        probe.fetch(from(&probe, &path, 1_000_001)).failed().1,
        "http.range.unsatisfiable"
    );
}

#[test]
fn a_place_further_on_is_read_up_to() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = pattern(3_000_000);
    let path = fifo(dir.path(), bytes.clone());
    let probe = Probe::new(patient());
    let ahead = probe.fetch(from(&probe, &path, 2_900_000));
    assert_eq!(ahead.body, bytes[2_900_000..]);
    let back = probe.fetch(from(&probe, &path, 0));
    assert_eq!(back.body, bytes);
}

#[test]
fn what_a_pipe_gave_long_ago_is_gone_and_memory_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let len = 80 << 20;
    let path = fifo(dir.path(), pattern(len));
    let probe = Probe::new(patient());
    let end = probe.fetch(from(&probe, &path, len as u64 - 10));
    assert_eq!(end.body.len(), 10);
    let failed = probe.fetch(from(&probe, &path, 0));
    assert_eq!(failed.failed(), (0x2008_001d, "file.pipe_gone"));
}

#[test]
fn a_pipe_without_a_writer_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let probe = Probe::new(patient());
    let silent = from(&probe, &path, 0);
    let id = silent.id;
    probe.net.fetch(silent);
    // Files are still read beside it, and the end waits for nothing.
    let file = dir.path().join("file");
    std::fs::write(&file, pattern(10)).unwrap();
    assert_eq!(probe.get(file.to_str().unwrap()).body, pattern(10));
    probe.net.cancel(id);
    drop(probe);
}

#[test]
fn a_local_playlist_names_no_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let path = fifo(dir.path(), pattern(10));
    let probe = Probe::new(patient());
    let mut request = from(&probe, &path, 0);
    request.initiator = Initiator::found_at(Secret::new("list.m3u8"));
    assert_eq!(probe.fetch(request).failed().1, "file.not_regular");
}

type Waits = mpsc::Receiver<(RequestId, Option<(Phase, String)>)>;

fn observed(config: NetConfig) -> (NetConfig, Waits) {
    let (sender, waits) = mpsc::channel();
    let watch = PhaseWatch::new(move |id, waiting| {
        let _ = sender.send((id, waiting.map(|it| (it.phase, it.host))));
    });
    (NetConfig { watch, ..config }, waits)
}

#[test]
fn a_request_tells_what_it_waits_for_and_that_it_waits_no_more() {
    let server = Server::replying("200 OK", "", b"hello");
    let (config, waits) = observed(patient());
    let probe = Probe::new(config);
    let url = server.url("/a").replace("127.0.0.1", "localhost");
    assert_eq!(probe.get(url).body, b"hello");
    drop(probe);
    let reported: Vec<_> = waits.iter().map(|(_, waiting)| waiting).collect();
    let local = |phase| Some((phase, "localhost".to_owned()));
    assert_eq!(
        reported[..4],
        [
            local(Phase::Resolving),
            local(Phase::Connecting),
            local(Phase::FirstByte),
            None
        ]
    );
    assert_eq!(reported.last(), Some(&None));
}

#[test]
fn a_server_that_hangs_is_named_with_its_phase_until_the_end() {
    let hole = BlackHole::at("127.0.0.1:0");
    let config = NetConfig {
        connect_timeout: Some(SHORT),
        ..patient()
    };
    let (config, waits) = observed(config);
    let probe = Probe::new(config);
    let outcome = probe.get(format!("http://{}/", hole.address));
    assert_eq!(outcome.failed().1, "tcp.timeout");
    let next = || waits.recv_timeout(PATIENCE).unwrap().1;
    assert_eq!(next(), Some((Phase::Connecting, "127.0.0.1".to_owned())));
    assert_eq!(next(), None);
    let mute = Server::start(|mut peer| {
        peer.head();
        peer.mute();
    });
    let request = probe.request(mute.url("/"));
    let id = request.id;
    probe.net.fetch(request);
    assert_eq!(next(), Some((Phase::Connecting, "127.0.0.1".to_owned())));
    assert_eq!(next(), Some((Phase::FirstByte, "127.0.0.1".to_owned())));
    probe.net.cancel(id);
    assert_eq!(next(), None);
}
