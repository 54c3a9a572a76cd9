//! The cache as a person has it: by the program, in several processes, killed, and on a full disk.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use kinora_faults::clips;
use serde_json::Value;

mod small_disk;

use small_disk::SmallDisk;

/// Serves one film; tells after each piece of it that was sent.
struct Origin {
    url: String,
    sent: Receiver<usize>,
    limit: Arc<Mutex<usize>>,
}

const PIECE: usize = 256 * 1024;

impl Origin {
    fn of(film: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/film.mp4", listener.local_addr().unwrap());
        let (told, sent) = channel();
        let limit = Arc::new(Mutex::new(usize::MAX));
        let (film, until) = (Arc::new(film), Arc::clone(&limit));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (film, told, until) = (Arc::clone(&film), told.clone(), Arc::clone(&until));
                // A client that goes away in the middle is no fault of the test.
                thread::spawn(move || drop(serve(&stream, &film, &told, &until)));
            }
        });
        Self { url, sent, limit }
    }
    /// From now on so many bytes of each answer come, and then nothing.
    fn stop_after(&self, bytes: usize) {
        *self.limit.lock().unwrap() = bytes;
    }
    /// Waits until so many bytes of an answer were sent.
    fn wait_for(&self, bytes: usize) {
        while self.sent.recv().unwrap() < bytes {}
    }
}

fn serve(
    stream: &TcpStream,
    film: &[u8],
    told: &Sender<usize>,
    limit: &Mutex<usize>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut out = stream;
    loop {
        let mut range = None;
        loop {
            let Some(line) = lines.next() else {
                return Ok(());
            };
            let line = line?.to_ascii_lowercase();
            if let Some(asked) = line.strip_prefix("range: bytes=") {
                range = asked
                    .split_once('-')
                    .map(|(first, last)| (first.parse().unwrap_or(0), last.parse().ok()));
            }
            if line.is_empty() {
                break;
            }
        }
        let (first, last) = range.unwrap_or((0, None));
        let end = last.map_or(film.len(), |last: usize| film.len().min(last + 1));
        let status = match range {
            Some(_) => format!(
                "206 Partial\r\nContent-Range: bytes {first}-{}/{}",
                end - 1,
                film.len()
            ),
            None => "200 OK".to_owned(),
        };
        let len = end - first;
        write!(
            out,
            "HTTP/1.1 {status}\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\nContent-Length: {len}\r\n\r\n"
        )?;
        let mut sent = 0;
        for piece in film[first..end].chunks(PIECE) {
            if sent >= *limit.lock().unwrap() {
                // Silent until the client goes.
                return lines.next().map_or(Ok(()), |line| line.map(drop));
            }
            out.write_all(piece)?;
            sent += piece.len();
            let _ = told.send(sent);
        }
    }
}

fn kinora(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(args).args(["--no-config", "--lang", "en"]);
    command.stdin(Stdio::null());
    command
}

fn preload(cache: &Path, url: &str, bytes: &str) -> Command {
    let mut command = kinora(&["preload", "--bytes", bytes, url]);
    command.arg("--cache").arg(cache);
    command
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or("null")).unwrap()
}

fn on_cache(action: &str, cache: &Path) -> Value {
    let output = kinora(&["cache", action, "--json"])
        .arg("--cache")
        .arg(cache)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    json(&output)
}

/// A film of some megabytes.
fn film() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let words = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=12,noise=alls=80:allf=t -c:v libx264 -preset ultrafast -g 25 \
                 -b:v 3M -minrate 3M -maxrate 3M -bufsize 1M -pix_fmt yuv420p -movflags +faststart";
    std::fs::read(clips::make(dir.path(), "film.mp4", words)).unwrap()
}

fn all(of: &[u8]) -> String {
    of.len().to_string()
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_local_file_needs_no_preloading_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let film = dir.path().join("film.mp4");
    std::fs::write(&film, self::film()).unwrap();
    let film = film.to_str().unwrap();
    let output = preload(&dir.path().join("cache"), film, "1000").output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("a local file needs no preloading"), "{said}");
}

#[test]
fn what_is_loaded_ahead_is_listed_checked_and_removed() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::of(film()));
    let cache = dir.path().join("cache");
    let url = format!("{}?token=S3cr3tCanary", origin.url);
    succeeds(&mut preload(&cache, &url, "100000"));
    let listed = on_cache("list", &cache);
    assert_eq!(
        listed["url"].as_str(),
        Some(&*origin.url),
        "nothing of the query is shown"
    );
    assert!(listed["cached"].as_u64().unwrap() >= 100_000);
    assert_eq!(
        (
            on_cache("verify", &cache)["sound"].as_u64(),
            on_cache("verify", &cache)["removed"].as_u64()
        ),
        (Some(1), Some(0))
    );
    assert!(on_cache("clear", &cache)["freed"].as_u64().unwrap() > 100_000);
    assert_eq!(on_cache("verify", &cache)["sound"].as_u64(), Some(0));
    let nothing = kinora(&["cache", "list"])
        .arg("--cache")
        .arg(dir.path().join("no"))
        .output()
        .unwrap();
    assert!(!nothing.status.success() && !dir.path().join("no").exists());
}

/// Starts a load that gets some of the film and then nothing.
fn stuck(cache: &Path, origin: &Origin, len: &str) -> Child {
    origin.stop_after(8 * PIECE);
    let child = preload(cache, &origin.url, len)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    origin.wait_for(8 * PIECE);
    child
}

#[test]
fn what_a_killed_process_had_kept_is_sound_and_goes_on_there() {
    let (dir, film) = (tempfile::tempdir().unwrap(), film());
    let origin = Origin::of(film.clone());
    let cache = dir.path().join("cache");
    for _ in 0..3 {
        let mut child = stuck(&cache, &origin, &all(&film));
        child.kill().unwrap();
        child.wait().unwrap();
        if cache.exists() {
            assert_eq!(on_cache("verify", &cache)["removed"].as_u64(), Some(0));
        }
    }
    origin.stop_after(usize::MAX);
    succeeds(&mut preload(&cache, &origin.url, &all(&film)));
    let listed = on_cache("list", &cache);
    assert_eq!(listed["cached"].as_u64(), Some(film.len() as u64));
    assert_eq!(on_cache("verify", &cache)["removed"].as_u64(), Some(0));
}

#[test]
fn processes_fill_one_cache_at_a_time() {
    let (dir, film) = (tempfile::tempdir().unwrap(), film());
    let origin = Origin::of(film.clone());
    let cache = dir.path().join("cache");
    let start = || {
        preload(&cache, &origin.url, &all(&film))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children = [start(), start(), start()];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let verdict = on_cache("verify", &cache);
    assert_eq!(
        (verdict["sound"].as_u64(), verdict["removed"].as_u64()),
        (Some(1), Some(0))
    );
    // Whatever one of them left out for the others' sake is fetched now.
    succeeds(&mut preload(&cache, &origin.url, &all(&film)));
    assert_eq!(
        on_cache("list", &cache)["cached"].as_u64(),
        Some(film.len() as u64)
    );
}

#[test]
fn a_full_disk_ends_the_cache_and_not_the_film() {
    let Some(disk) = SmallDisk::new(1) else {
        return kinora_test_support::skip("only root may have a small disk");
    };
    disk.fill();
    let origin = Origin::of(film());
    let cache = disk.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    let played = kinora(&[
        "play",
        "--headless",
        "--stats",
        "json",
        "--decoder",
        "rust",
        "--until",
        "first-frame",
        &origin.url,
    ])
    .arg("--cache")
    .arg(&cache)
    .output()
    .unwrap();
    assert!(played.status.success(), "{played:?}");
    let events: Vec<Value> = String::from_utf8_lossy(&played.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.iter().any(|event| event["event"] == "first_frame"));
    // Who only loads has nothing of it: there it is a failure.
    let loaded = preload(&cache, &origin.url, "1000000")
        .arg("--json")
        .output()
        .unwrap();
    assert!(!loaded.status.success());
    let said = String::from_utf8_lossy(&loaded.stderr);
    assert!(said.contains("cache.disk_full"), "{said}");
}
