//! The cache of players, loading ahead and lists, with a real server.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use kinora::{
    CacheConfig, CacheKey, DiskStore, Event, InfoCode, Limits, ListError, ListOptions, ListPlayer,
    LoadAmount, LoadEvent, LoaderOptions, MediaLoader, NoEvent, Player, PlayerBuilder,
    SeekAccuracy, Time, set_global_cache,
};

const LIMIT: Duration = Duration::from_secs(30);

/// Serves files with their versions, as RFC 9110 wants it, until it goes.
struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    files: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
    gone: AtomicBool,
    /// It knows no ranges.
    knows_no_ranges: AtomicBool,
    /// Bytes of bodies that were sent, as far as the client took them.
    sent: AtomicU64,
}

impl Origin {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                // A client that goes away in the middle is no fault of the test.
                thread::spawn(move || drop(serve(&stream, &served)));
            }
        });
        Self { address, shared }
    }

    fn put(&self, name: &str, content: impl Into<Vec<u8>>) -> String {
        self.shared
            .files
            .lock()
            .unwrap()
            .insert(format!("/{name}"), content.into());
        format!("http://{}/{name}", self.address)
    }
    fn put_folder(&self, folder: &Path) {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            self.put(
                path.file_name().unwrap().to_str().unwrap(),
                std::fs::read(&path).unwrap(),
            );
        }
    }
    /// It answers nobody any more.
    fn go(&self) {
        self.shared.gone.store(true, Ordering::Relaxed);
    }
    fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut out = stream;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 || shared.gone.load(Ordering::Relaxed) {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_ascii_lowercase());
        }
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        shared.asked.lock().unwrap().push(path.clone());
        let path = path.split('?').next().unwrap();
        let Some(file) = shared.files.lock().unwrap().get(path).cloned() else {
            out.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let ranges = !shared.knows_no_ranges.load(Ordering::Relaxed);
        let range = head
            .iter()
            .find_map(|line| line.strip_prefix("range: bytes="))
            .filter(|_| ranges);
        let (first, last) = range
            .and_then(|range| range.split_once('-'))
            .unwrap_or(("0", ""));
        let first: usize = first.parse().unwrap();
        let last = last.parse().unwrap_or(usize::MAX).min(file.len() - 1);
        let status = match range {
            Some(_) => format!(
                "206 Partial\r\nContent-Range: bytes {first}-{last}/{}",
                file.len()
            ),
            None => "200 OK".to_owned(),
        };
        let len = last + 1 - first;
        let units = if ranges { "bytes" } else { "none" };
        write!(
            out,
            "HTTP/1.1 {status}\r\nETag: \"{}\"\r\nAccept-Ranges: {units}\r\nContent-Length: {len}\r\n\r\n",
            file.len()
        )?;
        for piece in file[first..=last].chunks(4_096) {
            out.write_all(piece)?;
            shared.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    }
}

fn ffmpeg(args: &[&str], out: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
        .args(args)
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-pix_fmt",
            "yuv420p",
        ])
        .arg(out)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ffmpeg is needed: make setup"
    );
}

/// So many seconds that do not compress well, with the index at the end.
fn film(dir: &Path, seconds: u32) -> Vec<u8> {
    let file = dir.join(format!("{seconds}.mp4"));
    let picture = format!("testsrc2=size=320x180:rate=25:duration={seconds},noise=alls=60:allf=t");
    ffmpeg(
        &[&picture, "-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M"],
        &file,
    );
    std::fs::read(file).unwrap()
}

/// A playlist of two variants with five segments each.
fn playlist(dir: &Path) -> std::path::PathBuf {
    let folder = dir.join("hls");
    std::fs::create_dir(&folder).unwrap();
    for (name, rate) in [("low", "300k"), ("high", "3M")] {
        let segments = folder.join(format!("{name}-%d.ts"));
        let picture = "testsrc2=size=320x180:rate=25:duration=10";
        let hls = [
            "-b:v",
            rate,
            "-f",
            "hls",
            "-hls_time",
            "2",
            "-hls_playlist_type",
            "vod",
            "-hls_segment_filename",
        ];
        ffmpeg(
            &[&[picture], &hls[..], &[segments.to_str().unwrap()]].concat(),
            &folder.join(format!("{name}.m3u8")),
        );
    }
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9000000\nhigh.m3u8\n";
    std::fs::write(folder.join("master.m3u8"), master).unwrap();
    folder
}

/// The same as DASH: one rendition of pictures and one of sound, by segments of two seconds each.
fn manifest(dir: &Path) -> std::path::PathBuf {
    let folder = dir.join("dash");
    std::fs::create_dir(&folder).unwrap();
    let picture = "testsrc2=size=320x180:rate=25:duration=10";
    let sound = ["-f", "lavfi", "-i", "sine=duration=10", "-c:a", "aac"];
    let dash = ["-seg_duration", "2", "-b:v", "300k", "-f", "dash"];
    ffmpeg(
        &[&[picture], &sound[..], &dash[..]].concat(),
        &folder.join("film.mpd"),
    );
    folder
}

fn builder(dir: &Path) -> PlayerBuilder {
    Player::builder()
        .autoplay(true)
        .cache(CacheConfig::at(dir.join("cache")))
}

/// The events until one that is looked for, that one included; a failure ends the test.
fn until(player: &Player, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => panic!("{fault}: {}", fault.causes_text()),
            Ok(event) => {
                let is_it = wanted(&event);
                events.push(event);
                if is_it {
                    return events;
                }
            }
            Err(_) => panic!("no event within {LIMIT:?}"),
        }
    }
}

fn is_first_frame(event: &Event) -> bool {
    matches!(event, Event::FirstFrame { .. })
}

/// Plays to the end at twice the speed; the pictures, and the events.
fn played(player: &Player, url: &str) -> (u64, Vec<Event>) {
    player.set_speed(2.0);
    player.open(url);
    let events = until(player, |event| matches!(event, Event::Completion));
    let stats = player.stats();
    (stats.frames_shown + stats.frames_dropped, events)
}

fn hits(events: &[Event]) -> usize {
    events
        .iter()
        .filter(|event| matches!(event, Event::LocalCacheHit { .. }))
        .count()
}

#[test]
fn a_film_plays_a_second_time_without_its_server() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let url = origin.put("film.mp4", film(dir.path(), 3));
    let first = builder(dir.path()).build().unwrap();
    assert_eq!(played(&first, &url).0, 75);
    // It looks at the beginning, reads the index at the end and goes back: the beginning is there already.
    let own = first.local_cache_loaded();
    first.release(LIMIT).unwrap();
    origin.go();
    let second = builder(dir.path()).build().unwrap();
    let (pictures, events) = played(&second, &url);
    assert_eq!(pictures, 75);
    assert!(hits(&events) > 0 && second.local_cache_loaded() > own + 300_000);
    // Seeks find their stretches too.
    second.set_autoplay(false);
    second.open(&*url);
    until(&second, |event| matches!(event, Event::Prepared(_)));
    second.seek(Time::from_millis(2_000), SeekAccuracy::Exact);
    until(&second, |event| matches!(event, Event::SeekEnd { .. }));
}

#[test]
fn a_playlist_plays_a_second_time_without_its_server() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    origin.put_folder(&playlist(dir.path()));
    // One variant, so that both times the same segments are wanted.
    let url = format!("http://{}/low.m3u8", origin.address);
    let first = builder(dir.path()).build().unwrap();
    let (pictures, events) = played(&first, &url);
    let complete = |event: &&Event| {
        matches!(
            event,
            Event::Info {
                code: InfoCode::CacheSuccess,
                ..
            }
        )
    };
    assert_eq!(pictures, 250);
    assert!(
        events.iter().filter(complete).count() >= 4,
        "resources are told when all of them is there"
    );
    first.release(LIMIT).unwrap();
    origin.go();
    let second = builder(dir.path()).build().unwrap();
    assert_eq!(played(&second, &url).0, 250);
}

#[test]
fn a_manifest_plays_a_second_time_without_its_server_and_from_any_place() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    origin.put_folder(&manifest(dir.path()));
    let url = format!("http://{}/film.mpd", origin.address);
    let first = builder(dir.path()).build().unwrap();
    assert_eq!(played(&first, &url).0, 250);
    first.release(LIMIT).unwrap();
    origin.go();
    let asked = origin.asked();
    let second = builder(dir.path()).build().unwrap();
    let (pictures, events) = played(&second, &url);
    assert_eq!(pictures, 250);
    // The manifest, two init sections, five segments of each.
    assert!(hits(&events) >= 13, "{}", hits(&events));
    assert!(second.local_cache_loaded() > 200_000);
    second.set_autoplay(false);
    second.open(&*url);
    until(&second, |event| matches!(event, Event::Prepared(_)));
    for ms in [7_000, 1_000, 9_500] {
        second.seek(Time::from_millis(ms), SeekAccuracy::Exact);
        until(&second, |event| matches!(event, Event::SeekEnd { .. }));
    }
    assert_eq!(origin.asked(), asked, "nothing more reached the server");
}

#[test]
fn what_lasts_too_long_is_not_kept_and_a_global_cache_serves_who_has_none() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let url = origin.put("film.mp4", film(dir.path(), 3));
    let cache = CacheConfig {
        max_duration: Some(Duration::from_secs(2)),
        ..CacheConfig::at(dir.path().join("cache"))
    };
    set_global_cache(Some(cache.clone()));
    let player = Player::builder().autoplay(true).build().unwrap();
    set_global_cache(None);
    played(&player, &url);
    player.release(LIMIT).unwrap();
    let kept = DiskStore::open(&cache.dir, cache.limits())
        .unwrap()
        .entries()
        .unwrap();
    let kept: u64 = kept.iter().map(|entry| entry.cached_len).sum();
    assert!(
        kept < 400_000,
        "{kept}: no more than what came before its length was known"
    );
}

#[test]
fn a_cache_that_can_not_be_made_is_told_and_the_film_plays() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let url = origin.put("film.mp4", film(dir.path(), 1));
    std::fs::write(dir.path().join("cache"), "a file is there").unwrap();
    let player = builder(dir.path()).build().unwrap();
    let (pictures, events) = played(&player, &url);
    assert_eq!(pictures, 25);
    let off = |event: &&Event| {
        matches!(
            event,
            Event::Info {
                code: InfoCode::CacheError,
                ..
            }
        )
    };
    assert_eq!(events.iter().filter(off).count(), 1);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Recovered(fault) if fault.reason() == "cache.io"))
    );
}

fn loader(dir: &Path) -> MediaLoader {
    MediaLoader::new(
        &CacheConfig::at(dir.join("cache")),
        LoaderOptions::default(),
    )
    .unwrap()
}

fn loaded(loader: &MediaLoader) -> u64 {
    match loader.next_event(LIMIT).unwrap() {
        LoadEvent::Completed { bytes, .. } => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_picture_of_what_was_loaded_ahead_needs_no_server() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let content = film(dir.path(), 20);
    let len = content.len() as u64;
    let film = origin.put("film.mp4", content);
    origin.put_folder(&playlist(dir.path()));
    let hls = format!("http://{}/master.m3u8", origin.address);
    let loader = loader(dir.path());
    loader.load(&*film, LoadAmount::Duration(Time::from_millis(2_000)));
    let bytes = loaded(&loader);
    assert!(bytes < len / 2, "{bytes} of {len}");
    loader.load(&*hls, LoadAmount::Duration(Time::from_millis(2_000)));
    loaded(&loader);
    let asked = origin.asked();
    for needed in ["/master.m3u8", "/low.m3u8", "/low-0.ts"] {
        assert!(
            asked.iter().any(|path| path == needed),
            "{needed} of {asked:?}"
        );
    }
    assert!(
        !asked
            .iter()
            .any(|path| path.contains("high") || path == "/low-4.ts"),
        "{asked:?}"
    );
    origin.go();
    for url in [film, hls] {
        let player = builder(dir.path()).build().unwrap();
        player.open(url);
        let events = until(&player, is_first_frame);
        assert!(hits(&events) > 0);
    }
}

/// What may be under way when enough has come: the window of a transfer, and what both ends of a connection hold.
const UNDER_WAY: u64 = 12 << 20;

#[test]
fn of_a_server_without_ranges_no_more_is_loaded_than_is_needed() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    origin.shared.knows_no_ranges.store(true, Ordering::Relaxed);
    let file = dir.path().join("long.ts");
    let picture = "testsrc2=size=640x360:rate=25:duration=30,noise=alls=80:allf=t";
    ffmpeg(&[picture, "-b:v", "12M", "-f", "mpegts"], &file);
    let content = std::fs::read(&file).unwrap();
    let len = content.len() as u64;
    assert!(len > 2 * UNDER_WAY, "{len}");
    let url = origin.put("long.ts", content);
    let loader = loader(dir.path());
    for amount in [
        LoadAmount::Bytes(300_000),
        LoadAmount::Duration(Time::from_millis(1_000)),
    ] {
        let before = origin.shared.sent.load(Ordering::Relaxed);
        loader.load(&*url, amount);
        let bytes = loaded(&loader);
        assert!(bytes < 6_000_000, "{amount:?}: {bytes} of {len} were read");
        let sent = origin.shared.sent.load(Ordering::Relaxed) - before;
        assert!(sent < bytes + UNDER_WAY, "{amount:?}: {sent} of {len} came");
    }
}

#[test]
fn loads_wait_are_held_and_are_cancelled_and_one_failure_is_of_one_alone() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let content = film(dir.path(), 3);
    let urls = ["a", "b"].map(|name| origin.put(&format!("{name}.mp4"), content.clone()));
    let loader = loader(dir.path());
    let held = loader.load(&*urls[0], LoadAmount::Bytes(100_000));
    loader.pause(held);
    let missing = loader.load(
        format!("http://{}/no.mp4", origin.address),
        LoadAmount::Bytes(1),
    );
    match loader.next_event(LIMIT).unwrap() {
        LoadEvent::Failed { id, fault } => assert_eq!((id, fault.reason()), (missing, "http.404")),
        other => panic!("{other:?}"),
    }
    let other = loader.load(&*urls[1], LoadAmount::Bytes(100_000));
    assert_eq!(
        loader.next_event(LIMIT).unwrap().id(),
        other,
        "the one that is held holds nobody else"
    );
    loader.cancel(held);
    assert!(matches!(loader.next_event(LIMIT), Ok(LoadEvent::Cancelled { id }) if id == held));
    let again = loader.load(&*urls[0], LoadAmount::Bytes(100_000));
    loader.pause(again);
    loader.resume(again);
    assert!(matches!(loader.next_event(LIMIT), Ok(LoadEvent::Completed { id, .. }) if id == again));
    loader.cancel_all();
    assert!(matches!(
        loader.next_event(Duration::ZERO),
        Err(NoEvent::NotYet)
    ));
}

#[test]
fn loading_gives_way_to_a_player_that_has_too_little() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let url = origin.put("next.mp4", film(dir.path(), 1));
    // It waits for bytes that do not come.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let player = Player::builder().build().unwrap();
    player.open(format!("http://{}/film.mp4", silent.local_addr().unwrap()));
    let _stream = silent.accept().unwrap();
    let loader = loader(dir.path());
    loader.give_way_to(&player);
    loader.load(&*url, LoadAmount::Bytes(10_000));
    // The connection of the player is there, so its thread has told that it has nothing.
    assert!(matches!(
        loader.next_event(Duration::from_millis(300)),
        Err(NoEvent::NotYet)
    ));
    assert!(origin.asked().is_empty());
    drop(player);
    loaded(&loader);
}

#[test]
fn a_list_has_its_neighbours_ready_and_survives_a_source_that_fails() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let content = film(dir.path(), 6);
    let list = ListPlayer::new(Player::builder().autoplay(true), ListOptions::default()).unwrap();
    for name in ["one", "two", "three", "four"] {
        let url = origin.put(&format!("{name}.mp4"), content.clone());
        list.add(name, url).unwrap();
    }
    list.add("broken", format!("http://{}/no.mp4", origin.address))
        .unwrap();
    assert_eq!(list.add("one", "x.mp4"), Err(ListError::DuplicateUid));
    assert_eq!(
        (list.move_to_next(), list.move_to("six")),
        (Err(ListError::AtTheEnd), Err(ListError::UnknownUid))
    );
    list.move_to("broken").unwrap();
    let player = list.player();
    while !matches!(player.next_event(LIMIT).unwrap(), Event::Error(_)) {}
    list.move_to("two").unwrap();
    assert_eq!(list.current_uid().as_deref(), Some("two"));
    until(player, is_first_frame);
    // Those of before were the neighbours of the one that failed.
    let mut ready = Vec::new();
    while ["one", "three", "four"]
        .iter()
        .any(|uid| !ready.iter().any(|it| it == uid))
    {
        let preloaded = list.next_preloaded(LIMIT).unwrap();
        preloaded.result.unwrap();
        ready.push(preloaded.uid);
    }
    origin.go();
    list.move_to_next().unwrap();
    until(player, is_first_frame);
    list.move_to_previous().unwrap();
    list.move_to_previous().unwrap();
    assert_eq!(list.current_uid().as_deref(), Some("one"));
    until(player, is_first_frame);
    assert_eq!(list.move_to_previous(), Err(ListError::AtTheEnd));
    list.remove("one").unwrap();
    assert_eq!(
        (list.remove("one"), list.len()),
        (Err(ListError::UnknownUid), 4)
    );
    list.clear();
    assert!(list.is_empty() && list.current_uid().is_none());
}

#[test]
fn a_rule_lets_signed_urls_share() {
    let (dir, origin) = (tempfile::tempdir().unwrap(), Origin::start());
    let url = origin.put("film.mp4", film(dir.path(), 1));
    let cache = CacheConfig {
        key: CacheKey::by(|url| url.split('?').next().map(str::to_owned)),
        ..CacheConfig::at(dir.path().join("cache"))
    };
    let play = |signature: &str| {
        let player = Player::builder()
            .autoplay(true)
            .cache(cache.clone())
            .build()
            .unwrap();
        let (pictures, _) = played(&player, &format!("{url}?sig={signature}"));
        player.release(LIMIT).unwrap();
        assert_eq!(pictures, 25);
    };
    play("one");
    origin.go();
    play("two");
    assert_eq!(Limits::default(), cache.limits());
}
