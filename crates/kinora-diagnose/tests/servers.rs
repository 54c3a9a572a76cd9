//! Real servers with one fault each: the step that finds it, its number, and who must act.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use kinora::{NetConfig, Secret, Source, VidAuth, VidSts};
use kinora_diagnose::{Check, CheckKind, CheckStatus, Diagnosis, Options, diagnose};
use kinora_errors::{Lang, Origin};
use kinora_faults::clips;
use kinora_faults::files::FileServer;
use kinora_faults::proxy::{Act, Proxy};
use kinora_faults::stage::{Stage, by_auth, by_sts};
use kinora_faults::tls::{Certificate, TlsServer};

fn options() -> Options {
    Options {
        net: NetConfig {
            stall_timeout: Some(Duration::from_secs(2)),
            ..NetConfig::default()
        },
        ..Options::default()
    }
}

fn of_url(url: &str, options: &Options) -> Diagnosis {
    diagnose(
        &Source::Url {
            url: Secret::new(url),
        },
        options,
        |_| {},
    )
}

fn fact<'a>(check: &'a Check, name: &str) -> &'a str {
    let found = check.facts.iter().find(|(known, _)| *known == name);
    found.map_or_else(|| panic!("no {name} in {check:?}"), |(_, value)| value)
}

fn checks(diagnosis: &Diagnosis, step: CheckKind) -> Vec<&Check> {
    diagnosis
        .checks
        .iter()
        .filter(|check| check.kind == step)
        .collect()
}

/// The verdict: where, which number and reason, whose matter.
fn verdict(diagnosis: &Diagnosis) -> (CheckKind, u32, &'static str, Origin) {
    let verdict = &diagnosis.verdict;
    let fault = verdict
        .fault
        .as_ref()
        .unwrap_or_else(|| panic!("all is well: {diagnosis:#?}"));
    (
        verdict.check.unwrap(),
        fault.code().number(),
        fault.reason(),
        verdict.origin().unwrap(),
    )
}

/// A directory with an HLS stream of three encrypted segments and the film that it was made from.
struct Site {
    dir: tempfile::TempDir,
    _server: FileServer,
    proxy: Proxy,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        clips::film(dir.path());
        let cut = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -c:v libx264 -g 25 -pix_fmt yuv420p \
                   -hls_time 1 -hls_list_size 0";
        clips::make(dir.path(), "plain.m3u8", cut);
        let site = Self::over(dir);
        site.write("key.bin", b"0123456789abcdef");
        let info = site.dir.path().join("key.info");
        let key = site.dir.path().join("key.bin");
        std::fs::write(&info, format!("key.bin\n{}\n", key.display())).unwrap();
        clips::make(
            site.dir.path(),
            "locked.m3u8",
            &format!("{cut} -hls_key_info_file {}", info.display()),
        );
        site.write(
            "main.m3u8",
            b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=320x180\nplain.m3u8\n\
              #EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x180\nlocked.m3u8\n",
        );
        site
    }
    fn over(dir: tempfile::TempDir) -> Self {
        let server = FileServer::start(dir.path());
        let proxy = Proxy::before(server.address());
        Self {
            dir,
            _server: server,
            proxy,
        }
    }
    fn path(&self) -> &Path {
        self.dir.path()
    }
    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path().join(name), content).unwrap();
    }
    fn of(&self, name: &str) -> Diagnosis {
        of_url(&self.proxy.url(&format!("/{name}")), &options())
    }
    fn fails(&self, path: &'static str, act: Act) {
        self.proxy
            .script(move |asked| match asked.target() == path {
                true => act.clone(),
                false => Act::Pass,
            });
    }
}

#[test]
fn a_valid_stream_behind_a_redirect_and_tls_is_good_in_every_step() {
    let site = Site::new();
    let tls = TlsServer::before(site.proxy.address(), Certificate::Own);
    let entry = Proxy::before(site.proxy.address());
    let there: &'static str = format!("Location: {}\r\n", tls.url("/main.m3u8")).leak();
    entry.script(move |_| Act::Answer("302 Found", there, Vec::new()));
    let mut options = options();
    options.net.extra_ca_pem = tls.ca_pem();
    let diagnosis = of_url(&entry.url("/film"), &options);
    assert!(diagnosis.verdict.fault.is_none(), "{diagnosis:#?}");
    assert_eq!(
        fact(checks(&diagnosis, CheckKind::Redirect)[0], "status"),
        "302"
    );
    let tls = checks(&diagnosis, CheckKind::Tls)[0];
    assert_eq!(fact(tls, "names"), "localhost");
    assert!(fact(tls, "valid_until") > "2026");
    assert_eq!(checks(&diagnosis, CheckKind::Dns).len(), 2, "both places");
    assert_eq!(checks(&diagnosis, CheckKind::Rendition).len(), 2);
    assert_eq!(checks(&diagnosis, CheckKind::Key).len(), 1);
    let segments = checks(&diagnosis, CheckKind::Segment);
    assert_eq!(segments.len(), 6, "first, middle and last of each");
    assert!(
        segments
            .iter()
            .all(|check| fact(check, "key_frame") == "yes")
    );
    let play = checks(&diagnosis, CheckKind::Play)[0];
    assert_eq!(fact(play, "frames_shown"), "75");
}

/// Place, begin by the playlist, first picture by the segment itself.
fn times(diagnosis: &Diagnosis) -> Vec<[&str; 3]> {
    let segments = checks(diagnosis, CheckKind::Segment).into_iter();
    segments
        .map(|check| {
            assert!(check.took.is_some_and(|took| !took.is_zero()));
            ["place", "time", "pts"].map(|name| fact(check, name))
        })
        .collect()
}

#[test]
fn the_times_of_segments_are_their_own_timestamps() {
    let site = Site::over(tempfile::tempdir().unwrap());
    let cut = "-f lavfi -i testsrc2=size=64x64:rate=25:duration=3 -c:v libx264 -g 25 -pix_fmt yuv420p -hls_time 1 \
               -hls_list_size 0";
    clips::make(site.path(), "ts.m3u8", cut);
    clips::make(
        site.path(),
        "fmp4.m3u8",
        &format!("{cut} -hls_segment_type fmp4"),
    );
    let expected = [
        ["first", "0:00.000", "0:00.000"],
        ["middle", "0:01.000", "0:01.000"],
        ["last", "0:02.000", "0:02.000"],
    ];
    assert_eq!(times(&site.of("ts.m3u8")), expected);
    assert_eq!(times(&site.of("fmp4.m3u8")), expected);

    // The playlist names the last segment in the middle: its own time tells it.
    let playlist = std::fs::read_to_string(site.path().join("ts.m3u8")).unwrap();
    site.write(
        "mixed.m3u8",
        playlist.replace("ts1.ts", "ts2.ts").as_bytes(),
    );
    let mixed = site.of("mixed.m3u8");
    assert_eq!(times(&mixed)[1], ["middle", "0:01.000", "0:02.000"]);
}

#[test]
fn the_first_video_frame_of_a_file_is_reported_and_not_audio_before_it() {
    let site = Site::over(tempfile::tempdir().unwrap());
    // AAC begins before the pictures do: by the samples that its encoder needs first.
    let film = "-f lavfi -i testsrc2=size=64x64:rate=25:duration=4 -f lavfi -i sine=duration=4 -c:v libx264 -g 25 \
                -pix_fmt yuv420p -c:a aac";
    clips::make(site.path(), "film.mp4", film);
    let diagnosis = site.of("film.mp4");
    let places: Vec<_> = checks(&diagnosis, CheckKind::Media)
        .into_iter()
        .map(|check| ["place", "pts", "key_frame"].map(|name| fact(check, name)))
        .collect();
    let expected = [
        ["first", "0:00.000", "yes"],
        ["middle", "0:02.000", "yes"],
        ["last", "0:03.000", "yes"],
    ];
    assert_eq!(places, expected);
}

#[test]
fn failures_of_the_network_are_distinguished_step_by_step() {
    let diagnosis = of_url("http://nobody.invalid/film.mp4", &options());
    assert_eq!(
        verdict(&diagnosis),
        (CheckKind::Dns, 0x2005_0002, "dns.nxdomain", Origin::Network)
    );

    let mut site = Site::over(tempfile::tempdir().unwrap());
    clips::film(site.path());
    site.proxy.close();
    assert_eq!(
        verdict(&site.of("film.mp4")),
        (CheckKind::Tcp, 0x2005_0004, "tcp.refused", Origin::Network)
    );
    site.proxy.open();

    let tls = TlsServer::before(site.proxy.address(), Certificate::Expired);
    let mut trusting = options();
    trusting.net.extra_ca_pem = tls.ca_pem();
    let diagnosis = of_url(&tls.url("/film.mp4"), &trusting);
    assert_eq!(
        verdict(&diagnosis),
        (CheckKind::Tls, 0x2005_0000, "tls.expired", Origin::Service)
    );
    let shown = checks(&diagnosis, CheckKind::Tls)[0];
    assert!(
        fact(shown, "valid_until") < "2026",
        "the certificate that was refused is shown"
    );

    site.fails("/film.mp4", Act::status("503 Service Unavailable"));
    let diagnosis = site.of("film.mp4");
    assert_eq!(
        verdict(&diagnosis),
        (CheckKind::Http, 0x2005_0008, "http.503", Origin::Service)
    );
    assert!(
        diagnosis
            .verdict
            .command
            .unwrap()
            .starts_with("curl -s -D -")
    );
}

#[test]
fn what_a_server_calls_it_and_what_it_is_are_compared() {
    let site = Site::over(tempfile::tempdir().unwrap());
    let film = std::fs::read(clips::film(site.path())).unwrap();
    site.fails(
        "/film.mp4",
        Act::Answer("200 OK", "Content-Type: text/html\r\n", film),
    );
    let diagnosis = site.of("film.mp4");
    assert!(diagnosis.verdict.fault.is_none());
    for step in [CheckKind::Type, CheckKind::Range, CheckKind::Cors] {
        assert_eq!(
            checks(&diagnosis, step)[0].status,
            CheckStatus::Note,
            "{step:?}"
        );
    }

    site.write(
        "page.mp4",
        b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
    );
    let diagnosis = site.of("page.mp4");
    assert_eq!(verdict(&diagnosis).0, CheckKind::Type);
    assert_eq!(verdict(&diagnosis).3, Origin::Content);
}

#[test]
fn a_broken_stream_is_reported_by_line_key_and_segment() {
    let site = Site::new();
    site.write(
        "bad.m3u8",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:never,\na.ts?token=1\n#EXT-X-ENDLIST\n",
    );
    let diagnosis = site.of("bad.m3u8");
    assert_eq!(
        verdict(&diagnosis),
        (
            CheckKind::Playlist,
            0x2003_0001,
            "hls.value",
            Origin::Content
        )
    );
    let playlist = checks(&diagnosis, CheckKind::Playlist)[0];
    assert_eq!(
        (fact(playlist, "line"), fact(playlist, "text")),
        ("3", "#EXTINF:never,")
    );

    site.fails("/plain1.ts", Act::status("404 Not Found"));
    let diagnosis = site.of("main.m3u8");
    assert_eq!(
        verdict(&diagnosis),
        (CheckKind::Segment, 0x2005_0006, "http.404", Origin::Service)
    );
    let fault = diagnosis.verdict.fault.as_ref().unwrap();
    assert_eq!(fault.context().segment, Some(1));

    site.fails("/key.bin", Act::Answer("200 OK", "", vec![7; 15]));
    let diagnosis = site.of("locked.m3u8");
    assert_eq!(verdict(&diagnosis).0, CheckKind::Key);
    assert_eq!(verdict(&diagnosis).1, 0x2003_0003);

    site.fails("/key.bin", Act::Answer("200 OK", "", vec![7; 16]));
    let diagnosis = site.of("locked.m3u8");
    assert_eq!(
        verdict(&diagnosis).0,
        CheckKind::Segment,
        "a wrong key is seen by what it decrypts to"
    );
}

#[test]
fn a_codec_without_a_decoder_is_this_machine_s_matter() {
    let room = tempfile::tempdir().unwrap();
    let words = "-f lavfi -i testsrc2=size=64x64:rate=10:duration=1 -c:v mpeg4";
    let film = clips::make(room.path(), "old.mp4", words);
    let rust_only = Options {
        decoders: kinora::DecoderChoice::Rust,
        ..options()
    };
    let diagnosis = of_url(film.to_str().unwrap(), &rust_only);
    let (step, number, ..) = verdict(&diagnosis);
    assert_eq!((step, number), (CheckKind::Codec, 0x2006_0001));
    assert!(diagnosis.verdict.command.is_some());
}

#[test]
fn a_video_by_its_id_is_followed_from_its_credential_to_its_frames() {
    let stage = Stage::new();
    let diagnosis = diagnose(&by_auth(stage.auth()), &options(), |_| {});
    assert!(diagnosis.verdict.fault.is_none(), "{diagnosis:#?}");
    assert_eq!(diagnosis.source, format!("vid:{}", stage.video));
    assert!(!checks(&diagnosis, CheckKind::Rendition).is_empty());
    assert_eq!(
        fact(checks(&diagnosis, CheckKind::Clock)[0], "ahead_s").trim_start_matches('-'),
        "0"
    );

    let wrong = VidSts {
        access_key_secret: Secret::new("not the secret"),
        ..stage.by_key(&stage.key)
    };
    let diagnosis = diagnose(&by_sts(wrong), &options(), |_| {});
    assert_eq!(verdict(&diagnosis).0, CheckKind::PlayInfo);
    assert!(diagnosis.verdict.who(Lang::En).len() > 10);
    assert!(diagnosis.verdict.who(Lang::Zh).len() > 10);

    let other = VidAuth {
        vid: "00000000000000000000000000000000".into(),
        ..stage.auth()
    };
    let diagnosis = diagnose(&by_auth(other), &options(), |_| {});
    assert_eq!(verdict(&diagnosis).0, CheckKind::Credential);
    let json = serde_json::to_string(&diagnosis).unwrap();
    assert!(
        json.contains(&format!("\"issued_for\":\"{}\"", stage.video)),
        "{json}"
    );

    let late = Stage::at(Duration::from_secs(4_000));
    let diagnosis = diagnose(&by_auth(late.auth()), &options(), |_| {});
    assert_eq!(verdict(&diagnosis).0, CheckKind::Credential, "expired");
}
