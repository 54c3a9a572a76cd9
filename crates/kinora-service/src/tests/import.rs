use std::process::Command;
use std::time::Duration;

use kinora_errors::Coded as _;

use super::*;
use crate::{ExceededLimit, ImportError, ImportLimits, ImportOptions, Notice, SystemClock};

/// Whether FFmpeg is here; the test is skipped without it.
fn has_ffmpeg() -> bool {
    let here = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !here {
        kinora_test_support::skip("FFmpeg is missing: run `make setup`");
    }
    here
}

/// What plays everywhere: it is copied.
const H264_AND_AAC: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];

fn make(file: &Path, args: &[&str]) {
    let done = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=320x180:rate=25:duration=3",
        ])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=duration=3",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "25",
        ])
        .args(args)
        .arg(file)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

async fn library(dir: &Path) -> Library {
    Library::create(&dir.join("data"), Arc::new(SystemClock))
        .await
        .unwrap()
}

fn left_behind(dir: &Path) -> Vec<String> {
    ["media", "staging"]
        .iter()
        .flat_map(|part| std::fs::read_dir(dir.join("data").join(part)).unwrap())
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".library")
        .collect()
}

#[tokio::test]
async fn what_plays_everywhere_is_copied_and_can_be_had_over_http() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    // A name that would be an option, were it not for the protocol before it.
    let file = temp.path().join("-i film's %d.mp4");
    make(&file, &H264_AND_AAC);
    let (service, key) =
        Running::start(&temp.path().join("data"), Arc::new(ManualClock::now())).await;
    let mut heard = Vec::new();
    let id = service
        .library
        .import(&file, ImportOptions::default(), |done| heard.push(done))
        .await
        .unwrap();
    assert!(
        heard.is_sorted() && heard.first() == Some(&0.0) && heard.last() == Some(&1.0),
        "{heard:?}"
    );
    let renditions = service.library.renditions(&id).await.unwrap();
    let files: Vec<&str> = renditions
        .iter()
        .map(|rendition| rendition.file.as_str())
        .collect();
    assert_eq!(files, ["fd.mp4", "fd.m3u8"]);
    assert_eq!(
        (renditions[0].width, renditions[0].height, renditions[0].fps),
        (320, 180, 25.0)
    );
    assert!((renditions[0].duration_s - 3.0).abs() < 0.2);
    let key = key.unwrap();
    let info = service
        .call(&key, &[("Action", "GetPlayInfo"), ("VideoId", id.as_str())])
        .await
        .json();
    assert_eq!(info["VideoBase"]["Title"], "-i film's %d");
    let cover = service
        .get(
            &target_of(info["VideoBase"]["CoverURL"].as_str().unwrap()),
            &[],
        )
        .await;
    assert_eq!(
        (cover.status, cover.header("content-type"), &cover.body[..2]),
        (200, "image/jpeg", &[0xff, 0xd8][..])
    );
    let playlist = service
        .get(&service.play_url(&key, &id, "m3u8").await, &[])
        .await
        .text();
    let segment = playlist
        .lines()
        .find(|line| !line.starts_with('#'))
        .unwrap();
    let sent = service.get(&format!("/media/{id}/{segment}"), &[]).await;
    assert_eq!(
        (sent.status, sent.body[0], sent.body.len() % 188),
        (200, 0x47, 0)
    );
    service.stop().await;
}

#[tokio::test]
async fn another_codec_becomes_a_ladder_with_an_adaptive_playlist() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("film.mkv");
    make(
        &file,
        &[
            "-vf",
            "scale=960:540",
            "-c:v",
            "mpeg4",
            "-c:a",
            "libmp3lame",
            "-t",
            "1",
        ],
    );
    // By a relative path, as people give it.
    let here = std::env::current_dir().unwrap();
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let library = library(&up.join(temp.path().strip_prefix("/").unwrap())).await;
    let id = library
        .import(&file, ImportOptions::default(), |_| {})
        .await
        .unwrap();
    let renditions = library.renditions(&id).await.unwrap();
    let files: Vec<&str> = renditions
        .iter()
        .map(|rendition| rendition.file.as_str())
        .collect();
    assert_eq!(
        files,
        ["fd.mp4", "fd.m3u8", "ld.mp4", "ld.m3u8", "auto.m3u8"]
    );
    assert_eq!(renditions[4].definition, Definition::Auto);
    let master = std::fs::read_to_string(
        temp.path()
            .join("data/media")
            .join(id.as_str())
            .join("auto.m3u8"),
    )
    .unwrap();
    assert!(
        master.contains("RESOLUTION=640x360") && master.contains("RESOLUTION=960x540"),
        "{master}"
    );
}

#[tokio::test]
async fn encrypted_hls_names_its_key_and_decrypts_with_it() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("film.mp4");
    make(&file, &H264_AND_AAC);
    let library = library(temp.path()).await;
    let options = ImportOptions {
        encrypt_hls: true,
        ..ImportOptions::default()
    };
    let id = library.import(&file, options, |_| {}).await.unwrap();
    let media = temp.path().join("data/media").join(id.as_str());
    let playlist = std::fs::read_to_string(media.join("fd.m3u8")).unwrap();
    assert!(
        playlist.contains("METHOD=AES-128,URI=\"fd.key\""),
        "{playlist}"
    );
    assert_eq!(std::fs::read(media.join("fd.key")).unwrap().len(), 16);
    assert_ne!(std::fs::read(media.join("fd-00000.ts")).unwrap()[0], 0x47);
    // Nothing that is not encrypted stays, but for the cover.
    let mut kept: Vec<String> = names(&media);
    kept.retain(|name| !name.ends_with(".ts"));
    assert_eq!(kept, ["cover.jpg", "fd.key", "fd.m3u8"]);
    assert_eq!(
        names(&temp.path().join("data/staging")),
        Vec::<String>::new()
    );
    let decoded = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-xerror",
            "-allowed_extensions",
            "ALL",
            "-i",
        ])
        .arg(media.join("fd.m3u8"))
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert!(
        decoded.status.success() && decoded.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&decoded.stderr)
    );
    let renditions = library.renditions(&id).await.unwrap();
    let kinds: Vec<_> = renditions
        .iter()
        .map(|rendition| (rendition.format, rendition.encryption))
        .collect();
    assert_eq!(kinds, [(Format::M3u8, RenditionEncryption::Hls)]);
}

#[tokio::test]
async fn audio_alone_is_encrypted_too() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let library = library(temp.path()).await;
    for (name, codec) in [("song.m4a", "aac"), ("song.mp3", "libmp3lame")] {
        let file = temp.path().join(name);
        make(&file, &["-vn", "-c:a", codec]);
        let options = ImportOptions {
            encrypt_hls: true,
            ..ImportOptions::default()
        };
        let id = library.import(&file, options, |_| {}).await.unwrap();
        let renditions = library.renditions(&id).await.unwrap();
        let [only] = renditions.as_slice() else {
            panic!("{renditions:?}");
        };
        assert_eq!(
            (&*only.file, only.encryption, only.audio_only),
            ("sq.m3u8", RenditionEncryption::Hls, true)
        );
        let media = temp.path().join("data/media").join(id.as_str());
        assert_ne!(std::fs::read(media.join("sq-00000.ts")).unwrap()[0], 0x47);
        assert!(
            !names(&media)
                .iter()
                .any(|name| name.ends_with("mp3") || name.ends_with("mp4"))
        );
    }
}

#[tokio::test]
async fn a_title_holds_only_what_shows() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("bill\u{202e}gpj.\u{1b}[2Jmp4.mp3");
    make(&file, &["-vn", "-c:a", "libmp3lame"]);
    let library = library(temp.path()).await;
    for (given, title) in [
        (None, "billgpj.[2Jmp4"),
        (Some("a\u{2067}b\nc"), "abc"),
        (Some("\u{202e}\u{200b} "), "billgpj.[2Jmp4"),
    ] {
        let options = ImportOptions {
            title: given.map(str::to_owned),
            ..ImportOptions::default()
        };
        let id = library.import(&file, options, |_| {}).await.unwrap();
        let videos = library.videos().await.unwrap();
        let video = videos.iter().find(|video| video.id == id).unwrap();
        assert_eq!(video.title, title);
    }
}

#[tokio::test]
async fn a_broken_input_is_refused_and_leaves_nothing() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let whole = temp.path().join("whole.mp4");
    make(
        &whole,
        &[&H264_AND_AAC[..], &["-movflags", "+faststart"]].concat(),
    );
    let bytes = std::fs::read(&whole).unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = temp.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let playlist = format!("#EXTM3U\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n", whole.display());
    let library = library(temp.path()).await;
    for (file, reason) in [
        (write("empty.mp4", b""), "import.empty"),
        (
            write("text.mp4", b"no film at all, only words"),
            "import.broken",
        ),
        (
            write("half.mp4", &bytes[..bytes.len() / 2]),
            "import.cut_off",
        ),
        (write("head.mp4", &bytes[..200]), "import.nothing_playable"),
        (write("list.m3u8", playlist.as_bytes()), "import.broken"),
        (temp.path().to_path_buf(), "import.directory"),
        (temp.path().join("nowhere.mp4"), "import.unreadable"),
    ] {
        let refused = library
            .import(&file, ImportOptions::default(), |_| {})
            .await
            .err();
        let refused = refused.unwrap_or_else(|| panic!("{} was taken", file.display()));
        assert_eq!(refused.reason(), reason, "{}: {refused}", file.display());
        assert_eq!(
            left_behind(temp.path()),
            Vec::<String>::new(),
            "{}",
            file.display()
        );
        assert!(library.videos().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_dropped_import_ends_ffmpeg_and_leaves_nothing() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("film.mkv");
    make(&file, &["-vf", "scale=1280:720", "-c:v", "mpeg4", "-an"]);
    let library = library(temp.path()).await;
    let (begun, heard) = oneshot::channel();
    let mut begun = Some(begun);
    let importing = library.import(&file, ImportOptions::default(), |done| {
        if done > 0.0
            && let Some(begun) = begun.take()
        {
            let _ = begun.send(());
        }
    });
    tokio::select! {
        done = importing => panic!("it ended first: {done:?}"),
        _ = heard => {}
    }
    // Only a lock that nobody holds, by which the next import finds the row that the dropped one left.
    let left = left_behind(temp.path());
    assert!(left.len() == 1 && left[0].ends_with(".lock"), "{left:?}");
    // A child that another thread starts at this moment holds a copy of each lock until it becomes its program.
    let cleaned = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            let next = library
                .import(temp.path(), ImportOptions::default(), |_| {})
                .await;
            assert!(matches!(next, Err(ImportError::Directory(_))));
            if library.videos().await.unwrap().is_empty() {
                return;
            }
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, cleaned).await.unwrap();
    assert_eq!(left_behind(temp.path()), Vec::<String>::new());
    assert!(matches!(library.take_notices()[..], [Notice::Cleaned(_)]));
}

/// A GIF of a few kilobytes whose pictures would be as large as its header says.
fn bomb(dir: &Path, side: u16) -> std::path::PathBuf {
    let file = dir.join("bomb.gif");
    make(&file, &["-an", "-vf", "scale=64:64", "-pix_fmt", "rgb8"]);
    let mut bytes = std::fs::read(&file).unwrap();
    // The logical screen (GIF89a 18): width and height, low octet first.
    bytes[6..8].copy_from_slice(&side.to_le_bytes());
    bytes[8..10].copy_from_slice(&side.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    file
}

#[tokio::test]
async fn a_bomb_runs_into_the_limits_and_leaves_nothing() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let library = library(temp.path()).await;
    let usual = ImportLimits::default();
    let huge = bomb(temp.path(), 16_000);
    let large = temp.path().join("large");
    std::fs::create_dir(&large).unwrap();
    let large = bomb(&large, 5_000);
    let second = std::time::Duration::from_secs(1);
    for (file, limits, limit) in [
        (&huge, usual, ExceededLimit::Pixels(usual.pixels)),
        // Let through, it gets no more memory than it may have.
        (
            &huge,
            ImportLimits {
                pixels: u64::MAX,
                memory: 1 << 30,
                ..usual
            },
            ExceededLimit::Memory(1 << 30),
        ),
        (
            &large,
            ImportLimits {
                cpu: second,
                ..usual
            },
            ExceededLimit::Cpu(second),
        ),
        (
            &large,
            ImportLimits {
                time: second,
                ..usual
            },
            ExceededLimit::Time(second),
        ),
        (
            &large,
            ImportLimits {
                duration: second,
                ..usual
            },
            ExceededLimit::Duration(second),
        ),
    ] {
        let options = ImportOptions {
            limits,
            ..ImportOptions::default()
        };
        let refused = library.import(file, options, |_| {}).await.err().unwrap();
        assert!(
            matches!(refused, ImportError::ExceededLimit(hit) if hit == limit),
            "{limit:?}: {refused:?}"
        );
        assert_eq!(left_behind(temp.path()), Vec::<String>::new());
        assert!(library.videos().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_made_and_what_is_in_the_file_have_limits() {
    if !has_ffmpeg() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("film.mkv");
    make(&file, &H264_AND_AAC);
    let library = library(temp.path()).await;
    let usual = ImportLimits::default();
    let size = std::fs::metadata(&file).unwrap().len();
    for (limits, limit) in [
        // A single file is too long for the system already.
        (
            ImportLimits {
                output: 1000,
                ..usual
            },
            ExceededLimit::Output(1000),
        ),
        // The whole file fits, and its segments do not fit beside it.
        (
            ImportLimits {
                output: size + size / 2,
                ..usual
            },
            ExceededLimit::Output(size + size / 2),
        ),
        (
            ImportLimits {
                streams: 1,
                ..usual
            },
            ExceededLimit::Streams(1),
        ),
    ] {
        let options = ImportOptions {
            limits,
            ..ImportOptions::default()
        };
        let refused = library.import(&file, options, |_| {}).await.err().unwrap();
        assert!(
            matches!(refused, ImportError::ExceededLimit(hit) if hit == limit),
            "{limit:?}: {refused:?}"
        );
        assert_eq!(left_behind(temp.path()), Vec::<String>::new());
    }
    assert!(
        library
            .import(&file, ImportOptions::default(), |_| {})
            .await
            .is_ok()
    );
}
