//! A service whose disk is full goes on giving out what it has, and lets nothing be replayed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kinora_cloud::{HttpMethod, sign};
use kinora_errors::Secret;
use kinora_faults::clips;
use serde_json::Value;

mod small_disk;

use small_disk::SmallDisk;

const ENOSPC: i32 = 28;

struct Server {
    child: Child,
    ready: Value,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("KINORA_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut reported = BufReader::new(child.stdout.take().unwrap());
        reported.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, ready }
    }
    fn get(&self, target: &str) -> (u16, Vec<u8>) {
        let endpoint = self.ready["endpoint"].as_str().unwrap();
        let host = endpoint.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let end = reply
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let status = String::from_utf8_lossy(&reply[9..12]).parse().unwrap();
        (status, reply[end + 4..].to_vec())
    }
    fn json(&self, target: &str) -> (u16, Value) {
        let (status, body) = self.get(target);
        (status, serde_json::from_slice(&body).unwrap())
    }
    /// As `kill -9` does; what it had logged.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        log
    }
}

/// A signed GetPlayInfo as a target.
fn signed(ready: &Value, video: &str, nonce: u32) -> String {
    let nonce = format!("nonce-{nonce}");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = kinora_cloud::UnixTime(i64::try_from(now.as_secs()).unwrap()).to_string();
    let pairs = [
        ("AccessKeyId", ready["access_key_id"].as_str().unwrap()),
        ("Action", "GetPlayInfo"),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", &*nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &*now),
        ("Version", "2017-03-21"),
        ("VideoId", video),
    ];
    let secret = Secret::new(ready["access_key_secret"].as_str().unwrap());
    let signature = sign::signature(&secret, HttpMethod::Get, &pairs);
    let escaped = |text: &str| {
        text.replace(':', "%3A")
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    };
    let query: Vec<String> = pairs
        .iter()
        .chain([&("Signature", &*signature)])
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    format!("/?{}", query.join("&"))
}

fn import(room: &Path, data: &Path) -> String {
    let song = clips::make(room, "song.mp3", "-f lavfi -i sine=duration=1");
    let imported = Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(["import", song.to_str().unwrap(), "--data"])
        .arg(data)
        .output()
        .unwrap();
    assert!(imported.status.success());
    String::from_utf8(imported.stdout)
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn a_full_disk_stops_no_reading_and_lets_nothing_be_replayed() {
    let Some(disk) = SmallDisk::new(8) else {
        eprintln!("left out: only root may mount a small disk");
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let data = disk.path().join("vod");
    let server = Server::start(&data);
    let key = server.ready.clone();
    let video = import(room.path(), &data);
    let before = signed(&key, &video, 0);
    assert_eq!(server.get(&before).0, 200);
    let ballast = disk.fill();

    // More than the pages that the database has in hand can take.
    let asked: Vec<String> = (1..=400).map(|nonce| signed(&key, &video, nonce)).collect();
    for target in &asked {
        let (status, reply) = server.json(target);
        assert_eq!(status, 200, "{reply}");
    }
    // Of many that ask at once with the same nonce, one is answered.
    let raced = signed(&key, &video, 400_000);
    let passed = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..64)
            .map(|_| scope.spawn(|| server.get(&raced).0))
            .collect();
        let statuses = asking.into_iter().map(|asked| asked.join().unwrap());
        statuses.filter(|status| *status == 200).count()
    });
    assert_eq!(passed, 1);
    let (_, reply) = server.json(&signed(&key, &video, 401));
    let link = reply["PlayInfoList"]["PlayInfo"][0]["PlayURL"]
        .as_str()
        .unwrap();
    let link = &link[link.find("/media").unwrap()..];
    assert_eq!(server.get(link).0, 200);

    let reserve = std::fs::read(data.join("nonces.reserve")).unwrap();
    assert!(
        reserve.iter().any(|octet| *octet != 0),
        "the disk was not full"
    );

    let replayed = |server: &Server| {
        for target in asked.iter().chain([&before, &raced]) {
            let (status, reply) = server.json(target);
            assert_eq!(
                (status, &reply["Code"]),
                (400, &"SignatureNonceUsed".into())
            );
        }
    };
    replayed(&server);
    // However many requests met it, it is logged once.
    let log = server.kill();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("the disk is full"), "{log}");
    // Started again on the full disk, and once more when there is room.
    let server = Server::start(&data);
    replayed(&server);
    assert_eq!(server.get(link).0, 200);
    assert_eq!(server.get(&signed(&key, &video, 402)).0, 200);
    server.kill();
    std::fs::remove_file(ballast).unwrap();
    let server = Server::start(&data);
    replayed(&server);
    assert_eq!(server.get(&signed(&key, &video, 403)).0, 200);
    server.kill();
}

#[test]
fn a_start_on_a_full_disk_says_so() {
    let Some(disk) = SmallDisk::new(4) else {
        eprintln!("left out: only root may mount a small disk");
        return;
    };
    let data = disk.path().join("vod");
    let start = |listen: &str| {
        Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["serve", "--json", "--listen", listen, "--data"])
            .arg(&data)
            .output()
            .unwrap()
    };
    // In order: an address that nobody may have ends it once the directory is made.
    assert!(!start("203.0.113.1:1").status.success());
    assert!(data.join("kinora.db").exists());
    disk.fill();
    let done = start("127.0.0.1:0");
    let reported = String::from_utf8(done.stderr).unwrap();
    let fault: Value = serde_json::from_str(reported.lines().last().unwrap()).unwrap();
    assert_eq!(fault["number"], 0x2008_0000 + ENOSPC, "{fault}");
    assert_eq!(fault["reason"], "service.disk_full");
    assert!(reported.contains("free some space"), "{reported}");
    assert_eq!(done.status.code(), Some(20));
}
