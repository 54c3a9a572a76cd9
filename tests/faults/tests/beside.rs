//! Faults beside the film: of its cache, its subtitles, its events. Each is told by its number, and the film plays to its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora::{CacheConfig, Event, FIRST_EXTERNAL_SUBTITLE, Fault, InfoCode, PlayerConfig};
use kinora_faults::clips;
use kinora_faults::evidence::skip;
use kinora_faults::files::FileServer;
use kinora_faults::proxy::{Act, Proxy};
use kinora_faults::registry::expect_beside;
use kinora_faults::watch::{Watch, brisk};

/// A folder behind a proxy.
struct Line {
    proxy: Proxy,
    _server: FileServer,
    _dir: tempfile::TempDir,
}

impl Line {
    fn of(make: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path());
        let server = FileServer::start(dir.path());
        let proxy = Proxy::before(server.address());
        Self {
            proxy,
            _server: server,
            _dir: dir,
        }
    }
    fn film() -> Self {
        Self::of(|dir| drop(clips::film(dir)))
    }
    fn url(&self, name: &str) -> String {
        self.proxy.url(&format!("/{name}"))
    }
}

/// Plays the film with a cache there.
fn with_cache(line: &Line, cache: &Path) -> Watch {
    let cache = CacheConfig::at(cache);
    let watch = Watch::new(|builder| builder.config(brisk()).cache(cache));
    watch.player.open(line.url("film.mp4"));
    watch
}

/// What was told to be mended for that reason, once the film is over: once.
fn told_once(watch: &mut Watch, reason: &str) -> Fault {
    watch.completes();
    let mut told = watch.recovered.iter().filter(|it| it.reason() == reason);
    let fault = told.next().expect("it is told").clone();
    assert!(told.next().is_none(), "once");
    fault
}

#[test]
fn a_flipped_byte_in_the_cache_is_told_and_fetched_again() {
    let (line, dir) = (Line::film(), tempfile::tempdir().unwrap());
    let mut first = with_cache(&line, dir.path());
    first.completes();
    first.player.release(kinora_faults::PATIENCE).unwrap();
    let asked = line.proxy.seen().len();
    let entry = largest_file(dir.path());
    let mut content = std::fs::read(&entry).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 0x10;
    std::fs::write(&entry, content).unwrap();
    let mut second = with_cache(&line, dir.path());
    let fault = told_once(&mut second, "cache.damaged");
    expect_beside(
        "a_flipped_byte_in_the_cache_is_told_and_fetched_again",
        &fault,
    );
    assert!(line.proxy.seen().len() > asked, "the server was asked");
    second.player.release(kinora_faults::PATIENCE).unwrap();
    // What was fetched lies there now.
    let mut third = with_cache(&line, dir.path());
    third.completes();
    assert!(third.recovered.is_empty(), "{:?}", third.recovered);
}

fn largest_file(dir: &Path) -> PathBuf {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false => files.push((path.metadata().unwrap().len(), path)),
            }
        }
    }
    files.into_iter().max().expect("an entry").1
}

/// A file system of one MiB that is full, for as long as it is held.
struct FullDisk(tempfile::TempDir);

impl FullDisk {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(dir.path()).status();
        let disk = mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(dir))?;
        std::fs::create_dir(disk.0.path().join("cache")).unwrap();
        let mut file = std::fs::File::create(disk.0.path().join("ballast")).unwrap();
        std::io::copy(&mut std::io::repeat(0), &mut file).unwrap_err();
        Some(disk)
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_turns_the_cache_off_and_not_the_film() {
    let line = Line::film();
    let Some(disk) = FullDisk::new() else {
        return skip("only root may have a small disk");
    };
    let mut watch = with_cache(&line, &disk.0.path().join("cache"));
    let fault = told_once(&mut watch, "cache.disk_full");
    expect_beside("a_full_disk_turns_the_cache_off_and_not_the_film", &fault);
    assert!(watch.notices.contains(&InfoCode::CacheError));
    std::fs::remove_file(disk.0.path().join("ballast")).unwrap();
    watch.player.release(kinora_faults::PATIENCE).unwrap();
    let mut again = with_cache(&line, &disk.0.path().join("cache"));
    again.completes();
    assert!(again.recovered.is_empty(), "{:?}", again.recovered);
    assert!(again.notices.contains(&InfoCode::CacheSuccess));
}

#[test]
fn a_cache_that_is_no_directory_is_told_and_the_film_plays() {
    let (line, dir) = (Line::film(), tempfile::tempdir().unwrap());
    let cache = dir.path().join("cache");
    std::fs::write(&cache, "a file").unwrap();
    let mut watch = with_cache(&line, &cache);
    let fault = told_once(&mut watch, "cache.io");
    expect_beside(
        "a_cache_that_is_no_directory_is_told_and_the_film_plays",
        &fault,
    );
    assert!(watch.notices.contains(&InfoCode::CacheError));
    std::fs::remove_file(&cache).unwrap();
    with_cache(&line, &cache).completes();
}

/// How subtitles beside the film fail; it plays to its end.
fn subtitles_fail(line: &Line, name: &str) -> Fault {
    let mut watch = Watch::new(|builder| builder.config(brisk()));
    watch.player.open(line.url("film.mp4"));
    watch.player.add_external_subtitle(line.url(name));
    watch.player.select_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
    let fault = watch.until(|event| match event {
        Event::SubtitleFailed { track, fault } => Some((*track, fault.clone())),
        Event::Completion => panic!("nothing was told of them"),
        _ => None,
    });
    assert_eq!(fault.0, FIRST_EXTERNAL_SUBTITLE);
    watch.completes();
    fault.1
}

#[test]
fn subtitles_that_are_not_there_are_told_and_the_film_plays() {
    let fault = subtitles_fail(&Line::film(), "none.srt");
    expect_beside(
        "subtitles_that_are_not_there_are_told_and_the_film_plays",
        &fault,
    );
}

#[test]
fn what_is_no_subtitles_is_told_and_the_film_plays() {
    let fault = subtitles_fail(&Line::film(), "film.mp4");
    expect_beside("what_is_no_subtitles_is_told_and_the_film_plays", &fault);
}

/// A playlist of the film with a rendition of text by two segments.
fn with_text(dir: &Path) {
    let make = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p \
                -f hls -hls_time 2 -hls_playlist_type vod";
    clips::make(dir, "pictures.m3u8", make);
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write(
        "main.m3u8",
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"en\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"text.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=900000,SUBTITLES=\"t\"\npictures.m3u8\n",
    );
    write(
        "text.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:2,\n0.vtt\n#EXTINF:2,\n1.vtt\n#EXT-X-ENDLIST\n",
    );
    for number in 0..2 {
        let cue = format!(
            "WEBVTT\n\n00:0{0}.000 --> 00:0{0}.900\ncue {number}\n",
            number * 2
        );
        write(&format!("{number}.vtt"), &cue);
    }
}

#[test]
fn a_text_rendition_whose_server_fails_is_passed_over() {
    let line = Line::of(with_text);
    let watch_text = || {
        let config = PlayerConfig {
            subtitle_language: Some("en".into()),
            ..brisk()
        };
        let watch = Watch::new(|builder| builder.config(config));
        watch.player.open(line.url("main.m3u8"));
        watch
    };
    line.proxy
        .script(|exchange| match exchange.target().ends_with(".vtt") {
            true => Act::status("503 Service Unavailable"),
            false => Act::Pass,
        });
    let mut watch = watch_text();
    let mut told = Vec::new();
    watch.until(|event| match event {
        Event::Recovered(fault) | Event::SubtitleFailed { fault, .. } => {
            told.push(fault.clone());
            None
        }
        Event::Error(fault) => panic!("{fault}"),
        Event::Completion => Some(()),
        _ => None,
    });
    let fault = told.iter().find(|fault| fault.reason() == "http.503");
    let fault = fault.unwrap_or_else(|| panic!("{told:?}"));
    expect_beside("a_text_rendition_whose_server_fails_is_passed_over", fault);
    // Once the server works, the cues are there.
    line.proxy.mend();
    let mut watch = watch_text();
    watch.until(|event| matches!(event, Event::SubtitleShown { .. }).then_some(()));
    watch.completes();
}

#[test]
fn events_that_lie_elsewhere_are_told_and_left_out() {
    let line = Line::of(|dir| {
        let make = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p \
                    -seg_duration 2 -f dash";
        let manifest = clips::make(dir, "film.mpd", make);
        let text = std::fs::read_to_string(&manifest).unwrap();
        let at = text.find("<AdaptationSet").expect("a set");
        let elsewhere =
            "<EventStream schemeIdUri=\"urn:ads\" xlink:href=\"http://127.0.0.1:1/events\"/>\n";
        let (before, after) = text.split_at(at);
        std::fs::write(&manifest, format!("{before}{elsewhere}{after}")).unwrap();
    });
    let mut watch = Watch::new(|builder| builder.config(brisk()));
    watch.player.open(line.url("film.mpd"));
    let fault = told_once(&mut watch, "dash.ignored");
    expect_beside("events_that_lie_elsewhere_are_told_and_left_out", &fault);
    let asked: Vec<String> = line
        .proxy
        .seen()
        .iter()
        .map(|it| it.target().to_owned())
        .collect();
    assert!(!asked.iter().any(|it| it.contains("events")), "{asked:?}");
}
