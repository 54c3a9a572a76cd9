//! The cache before the web: a real server, a real directory, real faults.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use kinora_cache::{CacheKey, DiskStore, Limits, MemoryStore, Store};
use kinora_errors::Secret;
use kinora_media::{ByteRange, Header};
use kinora_net::{CacheNotice, FetchRequest, HttpCache, Initiator, NetConfig, Purpose};
use support::{Outcome, PATIENCE, Peer, Probe, Server, patient, pattern};

/// A resource on a server: what it is now, and how it is told.
struct Origin {
    server: Server,
    version: Arc<AtomicU64>,
    refused: Arc<Mutex<Option<&'static str>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Parts {
    Given,
    Ignored,
}

const LEN: usize = 1_000_000;

/// What the server holds in a version.
fn film(version: u64) -> Vec<u8> {
    let mut film = pattern(LEN);
    film.iter_mut()
        .step_by(97)
        .for_each(|byte| *byte = byte.wrapping_add(version as u8));
    film
}

impl Origin {
    /// `headers` goes with each answer; `$V` in it is the version.
    fn start(headers: &'static str, parts: Parts) -> Self {
        Self::of(headers, parts, film)
    }

    fn of(
        headers: &'static str,
        parts: Parts,
        body: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let (version, refused) = (Arc::new(AtomicU64::new(1)), Arc::new(Mutex::new(None)));
        let (now, refuses) = (Arc::clone(&version), Arc::clone(&refused));
        let server = Server::start(move |mut peer| {
            while let Some(head) = peer.head() {
                if let Some(status) = *refuses.lock().unwrap() {
                    peer.reply(status, "", b"");
                    continue;
                }
                let version = now.load(Ordering::Relaxed);
                let headers = headers.replace("$V", &version.to_string());
                answer(&mut peer, &head, &headers, parts, &body(version));
            }
        });
        Self {
            server,
            version,
            refused,
        }
    }

    fn url(&self) -> String {
        self.server.url("/film.mp4")
    }
    fn asked(&self) -> usize {
        self.server.requests().len()
    }
    fn last_request(&self) -> String {
        self.server.requests().last().unwrap().clone()
    }
    /// From now on every request is refused so.
    fn refuse(&self, status: &'static str) {
        *self.refused.lock().unwrap() = Some(status);
    }
}

/// RFC 9110 13 and 14, as far as a cache needs them.
fn answer(peer: &mut Peer<'_>, head: &str, headers: &str, parts: Parts, body: &[u8]) {
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let tag = headers.lines().find_map(|line| line.strip_prefix("ETag: "));
    if tag.is_some() && field("if-none-match: ") == tag {
        return peer.say("HTTP/1.1 304 Not Modified\r\n\r\n");
    }
    let is_same = field("if-range: ").is_none_or(|asked| Some(asked) == tag);
    let range = field("range: bytes=").filter(|_| parts == Parts::Given && is_same);
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return peer.reply("200 OK", headers, body);
    };
    let first: usize = first.parse().unwrap();
    let last = last.parse().unwrap_or(usize::MAX).min(body.len() - 1);
    let headers = format!(
        "{headers}Content-Range: bytes {first}-{last}/{}\r\n",
        body.len()
    );
    peer.reply("206 Partial Content", &headers, &body[first..=last]);
}

const TAGGED: &str = "ETag: \"v$V\"\r\nAccept-Ranges: bytes\r\n";

/// A directory of a cache, and those who use it one after the other.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn store(&self) -> DiskStore {
        DiskStore::open(self.0.path().join("cache"), Limits::default()).unwrap()
    }
    fn session(&self) -> Session {
        Session::new(Arc::new(self.store()), CacheKey::Url)
    }
    /// The files of the entries.
    fn files(&self) -> Vec<std::path::PathBuf> {
        let files = fs::read_dir(self.0.path().join("cache"));
        files.map_or(Vec::new(), |files| {
            files.map(|file| file.unwrap().path()).collect()
        })
    }
}

/// A network with a cache.
struct Session {
    probe: Probe,
    cache: HttpCache,
    notices: Receiver<CacheNotice>,
}

impl Session {
    fn new(store: Arc<dyn Store>, key: CacheKey) -> Self {
        let (sender, notices) = channel();
        let sender = Mutex::new(sender);
        let cache = HttpCache::watched(store, key, move |notice| {
            let _ = sender.lock().unwrap().send(notice);
        });
        let config = NetConfig {
            cache: Some(cache.clone()),
            ..patient()
        };
        Self {
            probe: Probe::new(config),
            cache,
            notices,
        }
    }
    fn range(&self, url: &str, start: u64, end: Option<u64>) -> Outcome {
        let mut request = self.probe.request(url);
        request.range = ByteRange { start, end };
        self.probe.fetch(request)
    }
    fn get(&self, url: &str) -> Vec<u8> {
        let outcome = self.probe.get(url);
        outcome.result.unwrap();
        outcome.body
    }
    /// Ends, and all is written. What was told meanwhile.
    fn end(self) -> Vec<CacheNotice> {
        drop(self.probe);
        assert!(self.cache.settle(PATIENCE));
        self.notices.try_iter().collect()
    }
}

/// A session that does one thing.
fn once<T>(disk: &Disk, what: impl FnOnce(&Session) -> T) -> (T, Vec<CacheNotice>) {
    let session = disk.session();
    let done = what(&session);
    (done, session.end())
}

fn recovered(notices: &[CacheNotice]) -> Vec<&'static str> {
    let faults = notices.iter().filter_map(|notice| match notice {
        CacheNotice::Recovered(fault) => Some(fault.reason()),
        _ => None,
    });
    faults.collect()
}

#[test]
fn what_came_once_comes_again_without_the_server() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    let (first, notices) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(first, film(1));
    assert!(
        notices
            .iter()
            .any(|notice| matches!(notice, CacheNotice::Complete))
    );
    origin.refuse("500 Down");
    let asked = origin.asked();
    let session = disk.session();
    let outcome = session.probe.get(origin.url());
    outcome.result.unwrap();
    assert_eq!(outcome.body, film(1));
    let info = outcome.info.unwrap();
    assert_eq!(
        (info.total_len, info.ranges, info.validator.as_deref()),
        (Some(LEN as u64), true, Some("\"v1\""))
    );
    assert_eq!(session.cache.loaded(), LEN as u64);
    let part = session.range(&origin.url(), 400_000, Some(400_100));
    assert_eq!(
        (part.first_offset, part.body),
        (Some(400_000), film(1)[400_000..400_100].to_vec())
    );
    assert_eq!(origin.asked(), asked);
    let hits = session
        .end()
        .into_iter()
        .filter(|notice| matches!(notice, CacheNotice::Hit { .. }));
    assert_eq!(hits.count(), 2);
}

#[test]
fn what_a_request_that_was_broken_off_brought_is_kept() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    let session = disk.session();
    let mut request = session.probe.request(origin.url());
    (request.credit, request.range) = (300_000, ByteRange::from(100_000));
    let id = request.id;
    session.probe.net.fetch(request);
    let mut came = 0;
    while came < 300_000 {
        if let kinora_net::FetchEvent::Chunk(chunk) =
            session.probe.events.recv_timeout(PATIENCE).unwrap()
        {
            came += chunk.data.len();
        }
    }
    session.probe.net.cancel(id);
    session.end();
    let asked = origin.asked();
    let (part, _) = once(&disk, |session| {
        session.range(&origin.url(), 100_000, Some(400_000))
    });
    assert_eq!(part.body, film(1)[100_000..400_000]);
    assert_eq!(origin.asked(), asked);
}

#[test]
fn holes_are_asked_for_and_nothing_else() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| {
        session.range(&origin.url(), 0, Some(100_000));
        session.range(&origin.url(), 500_000, Some(600_000));
    });
    let before = origin.asked();
    let (whole, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(whole, film(1));
    let asked: Vec<String> = origin.server.requests()[before..]
        .iter()
        .map(|head| {
            head.lines()
                .find_map(|line| line.strip_prefix("range: "))
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(asked, ["bytes=100000-499999", "bytes=600000-"]);
    assert!(origin.last_request().contains("if-range: \"v1\""));
    let (_, none) = (
        once(&disk, |session| session.get(&origin.url())),
        origin.asked(),
    );
    assert_eq!(none, before + 2, "the holes are filled now");
}

#[test]
fn an_object_that_changed_is_dropped_and_never_mixed() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| {
        session.range(&origin.url(), 0, Some(100_000))
    });
    origin.version.store(2, Ordering::Relaxed);
    // The hole shows it: what was kept is not given with it.
    let (other, _) = once(&disk, |session| {
        session.range(&origin.url(), 200_000, Some(300_000))
    });
    assert_eq!(other.body, film(2)[200_000..300_000]);
    let (whole, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(whole, film(2));
}

#[test]
fn an_object_that_changes_under_a_request_ends_it_and_the_next_one_gets_the_new() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| {
        session.range(&origin.url(), 0, Some(100_000))
    });
    origin.version.store(2, Ordering::Relaxed);
    let (broken, _) = once(&disk, |session| session.probe.get(origin.url()));
    assert_eq!(broken.body, film(1)[..100_000], "one version alone");
    assert_eq!(broken.failed().0, 0x2005_0009);
    let (whole, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(whole, film(2));
}

#[test]
fn who_has_bytes_of_another_version_is_not_served_this_one() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| session.get(&origin.url()));
    let asked = origin.asked();
    let (refused, _) = once(&disk, |session| {
        let mut request = session.probe.request(origin.url());
        request.range = ByteRange::from(500_000);
        request.headers = vec![Header {
            name: "If-Range".into(),
            value: "\"v0\"".into(),
        }];
        session.probe.fetch(request)
    });
    assert_eq!(refused.failed(), (0x2005_0009, "http.range.ignored"));
    assert_eq!(origin.asked(), asked + 1);
}

#[test]
fn what_is_fresh_for_a_while_is_asked_for_again_after_it() {
    let headers = "ETag: \"v$V\"\r\nAccept-Ranges: bytes\r\nCache-Control: no-cache\r\n";
    let (disk, origin) = (Disk::new(), Origin::start(headers, Parts::Given));
    once(&disk, |session| session.get(&origin.url()));
    let (again, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!((again, origin.asked()), (film(1), 2));
    assert!(origin.last_request().contains("if-none-match: \"v1\""));
    origin.version.store(2, Ordering::Relaxed);
    let (changed, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(changed, film(2));
    // The server is down: better old than nothing.
    origin.refuse("503 Down");
    let (stale, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(stale, film(2));
    // It is there and says no.
    origin.refuse("403 Forbidden");
    let (refused, _) = once(&disk, |session| session.probe.get(origin.url()));
    assert_eq!(refused.failed().0, 0x2005_0005);
    origin.refuse("410 Gone");
    once(&disk, |session| session.probe.get(origin.url()));
    assert_eq!(
        disk.files().len(),
        0,
        "what the server has no more is dropped"
    );
}

#[test]
fn nothing_is_kept_that_must_not_be() {
    let disk = Disk::new();
    let origin = Origin::start("ETag: \"v$V\"\r\nCache-Control: no-store\r\n", Parts::Given);
    once(&disk, |session| session.get(&origin.url()));
    let tagged = Origin::start(TAGGED, Parts::Given);
    for purpose in [Purpose::Key, Purpose::Api] {
        once(&disk, |session| {
            let request = session.probe.request(tagged.url());
            session
                .probe
                .fetch(FetchRequest { purpose, ..request })
                .result
                .unwrap();
        });
    }
    assert_eq!(disk.files().len(), 0);
    assert_eq!(once(&disk, |session| session.get(&origin.url())).0, film(1));
}

#[test]
fn a_server_without_ranges_is_kept_from_the_start_and_read_through() {
    for headers in ["ETag: \"v$V\"\r\n", ""] {
        let (disk, origin) = (Disk::new(), Origin::start(headers, Parts::Ignored));
        once(&disk, |session| {
            session.range(&origin.url(), 0, Some(300_000))
        });
        // A part that is there needs no server; one that is not there can not be had.
        let asked = origin.asked();
        let (part, _) = once(&disk, |session| {
            session.range(&origin.url(), 50_000, Some(60_000))
        });
        assert_eq!(
            (part.body, origin.asked()),
            (film(1)[50_000..60_000].to_vec(), asked)
        );
        let (part, _) = once(&disk, |session| session.range(&origin.url(), 600_000, None));
        assert_eq!(part.failed(), (0x2005_0009, "http.range.ignored"));
        let (whole, _) = once(&disk, |session| session.get(&origin.url()));
        assert_eq!(whole, film(1), "{headers}");
        let asked = origin.asked();
        let (again, _) = once(&disk, |session| {
            let outcome = session.range(&origin.url(), 600_000, None);
            (outcome.body, session.get(&origin.url()))
        });
        assert_eq!(again, (film(1)[600_000..].to_vec(), film(1)));
        assert_eq!(origin.asked(), asked);
    }
}

#[test]
fn parts_without_a_version_are_not_put_together() {
    let (disk, origin) = (
        Disk::new(),
        Origin::start("Accept-Ranges: bytes\r\n", Parts::Given),
    );
    once(&disk, |session| {
        session.range(&origin.url(), 0, Some(100_000))
    });
    origin.version.store(2, Ordering::Relaxed);
    once(&disk, |session| {
        session.range(&origin.url(), 100_000, Some(200_000))
    });
    let (whole, _) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(whole, film(2));
}

/// Changes a byte in the middle of the only entry.
fn damage(disk: &Disk) {
    let path = &disk.files()[0];
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 0x10;
    fs::write(path, content).unwrap();
}

#[test]
fn a_flipped_byte_is_found_told_and_fetched_again() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| session.get(&origin.url()));
    damage(&disk);
    let (whole, notices) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(whole, film(1));
    assert_eq!(recovered(&notices), ["cache.damaged"]);
    assert!(
        origin.last_request().contains("if-range: \"v1\""),
        "only what is missing is asked for"
    );
    let asked = origin.asked();
    let (whole, notices) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(
        (whole, recovered(&notices).len(), origin.asked()),
        (film(1), 0, asked)
    );
}

#[test]
fn damage_without_a_version_ends_the_answer_and_the_rest_comes_from_the_server() {
    let headers = "Accept-Ranges: bytes\r\n";
    let (disk, origin) = (Disk::new(), Origin::start(headers, Parts::Given));
    once(&disk, |session| session.get(&origin.url()));
    damage(&disk);
    let (begin, notices) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(recovered(&notices), ["cache.damaged"]);
    assert!(!begin.is_empty() && begin.len() < LEN);
    let from = begin.len() as u64;
    let (rest, _) = once(&disk, |session| session.range(&origin.url(), from, None));
    assert_eq!([begin, rest.body].concat(), film(1));
}

#[test]
fn a_file_that_is_no_entry_any_more_is_removed_and_fetched_again() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| session.get(&origin.url()));
    fs::write(&disk.files()[0], b"KINCACH1 but not for long").unwrap();
    let (whole, notices) = once(&disk, |session| session.get(&origin.url()));
    assert_eq!(
        (whole, recovered(&notices)),
        (film(1), vec!["cache.damaged"])
    );
    let asked = origin.asked();
    once(&disk, |session| session.get(&origin.url()));
    assert_eq!(origin.asked(), asked);
}

#[test]
fn signed_urls_of_one_object_share_what_is_kept_only_when_told_so() {
    let origin = Origin::start(TAGGED, Parts::Given);
    let signed = |sig: &str| format!("{}?v=1&sig={sig}", origin.url());
    let one = |disk: &Disk, key: CacheKey, sig: &str| {
        let session = Session::new(Arc::new(disk.store()), key);
        assert_eq!(session.get(&signed(sig)), film(1));
        session.end();
        origin.asked()
    };
    let (apart, together) = (Disk::new(), Disk::new());
    let rule = || CacheKey::IgnoreQuery(vec!["sig".into()]);
    assert_eq!(
        [
            one(&apart, CacheKey::Url, "S3cr3tA"),
            one(&apart, CacheKey::Url, "S3cr3tB")
        ],
        [1, 2]
    );
    assert_eq!(
        [
            one(&together, rule(), "S3cr3tA"),
            one(&together, rule(), "S3cr3tB")
        ],
        [3, 3]
    );
    for file in apart.files().iter().chain(&together.files()) {
        let content = [
            fs::read(file).unwrap(),
            file.to_string_lossy().as_bytes().to_vec(),
        ]
        .concat();
        assert!(
            !content.windows(6).any(|window| window == b"S3cr3t"),
            "{file:?}"
        );
    }
}

fn playlist_server(playlist: &'static str) -> Origin {
    Origin::of(TAGGED, Parts::Given, move |_| playlist.as_bytes().to_vec())
}

#[test]
fn playlists_are_kept_unless_they_are_live_or_signed() {
    let kept = |playlist| {
        let (disk, origin) = (Disk::new(), playlist_server(playlist));
        once(&disk, |session| {
            let request = session.probe.request(origin.url());
            session
                .probe
                .fetch(FetchRequest {
                    purpose: Purpose::Playlist,
                    ..request
                })
                .result
                .unwrap();
        });
        disk.files().len()
    };
    assert_eq!(kept("#EXTM3U\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n"), 1);
    assert_eq!(kept("#EXTM3U\n#EXTINF:4,\na.ts\n"), 0);
    assert_eq!(kept("#EXTM3U\n#EXTINF:4,\na.ts?sig=1\n#EXT-X-ENDLIST\n"), 0);
}

#[test]
fn what_a_live_playlist_names_is_not_kept() {
    let (disk, playlist) = (Disk::new(), playlist_server("#EXTM3U\n#EXTINF:4,\na.ts\n"));
    let (segment, vod) = (
        Origin::start(TAGGED, Parts::Given),
        Origin::start(TAGGED, Parts::Given),
    );
    once(&disk, |session| {
        session.get(&playlist.url());
        for (origin, found) in [
            (&segment, playlist.url()),
            (&vod, vod.server.url("/vod.m3u8")),
        ] {
            let mut request = session.probe.request(origin.url());
            request.purpose = Purpose::Segment(1);
            request.initiator = Initiator::found_at(Secret::new(found));
            session.probe.fetch(request).result.unwrap();
        }
    });
    assert_eq!(disk.files().len(), 1, "that of the other playlist");
}

#[test]
fn memory_serves_as_a_disk_does() {
    let origin = Origin::start(TAGGED, Parts::Given);
    let store = Arc::new(MemoryStore::new(4 << 20));
    for _ in 0..2 {
        let session = Session::new(Arc::clone(&store) as _, CacheKey::Url);
        assert_eq!(session.get(&origin.url()), film(1));
        session.end();
    }
    assert_eq!(origin.asked(), 1);
}

#[test]
fn no_more_is_given_from_what_is_kept_than_was_granted() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    once(&disk, |session| session.get(&origin.url()));
    let session = disk.session();
    let mut request = session.probe.request(origin.url());
    request.credit = 1_000;
    let id = request.id;
    session.probe.net.fetch(request);
    let next = || session.probe.events.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(next(), kinora_net::FetchEvent::Head { .. }));
    let chunk = || match next() {
        kinora_net::FetchEvent::Chunk(chunk) => (chunk.offset, chunk.data.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(chunk(), (0, 1_000));
    session.probe.net.grant(id, 10);
    assert_eq!(chunk(), (1_000, 10));
    session.probe.net.cancel(id);
    session.end();
}

#[test]
fn two_networks_at_a_time_fill_one_directory() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    let (one, two) = (disk.session(), disk.session());
    let ids = [&one, &two].map(|session| {
        let request = session.probe.request(origin.url());
        let id = request.id;
        session.probe.net.fetch(request);
        id
    });
    for (session, id) in [(&one, ids[0]), (&two, ids[1])] {
        assert_eq!(session.probe.outcome(id).body, film(1));
    }
    one.end();
    two.end();
    let verdict = disk.store().verify().unwrap();
    assert_eq!((verdict.sound, verdict.removed), (1, 0));
}

#[cfg(unix)]
#[test]
fn a_directory_that_can_not_be_written_turns_the_cache_off_and_the_bytes_come() {
    let (disk, origin) = (Disk::new(), Origin::start(TAGGED, Parts::Given));
    let session = disk.session();
    // Removed under it: root may write anywhere else.
    fs::remove_dir_all(Path::new(disk.store().dir())).unwrap();
    assert_eq!(session.get(&origin.url()), film(1));
    assert_eq!(session.get(&origin.url()), film(1));
    let notices = session.end();
    let off: Vec<_> = notices
        .iter()
        .filter(|notice| matches!(notice, CacheNotice::Off(_)))
        .collect();
    let [CacheNotice::Off(fault)] = off[..] else {
        panic!("{notices:?}")
    };
    assert_eq!(
        (fault.code().number(), fault.reason()),
        (0x2008_0002, "cache.io")
    );
}
