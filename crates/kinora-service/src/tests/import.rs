use std::process::Command;

use kinora_errors::Coded as _;

use super::*;
use crate::{ImportError, ImportOptions, SystemClock};

/// Whether FFmpeg is here; the test is skipped without it.
fn has_ffmpeg() -> bool {
    let here = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !here {
        kinora_test_support::skip("FFmpeg is missing: run `make setup`");
    }
    here
}

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

async fn library(dir: &Path) -> Library {
    Library::open(&dir.join("data"), Arc::new(SystemClock))
        .await
        .unwrap()
}

fn left_behind(dir: &Path) -> Vec<String> {
    ["media", "staging"]
        .iter()
        .flat_map(|part| std::fs::read_dir(dir.join("data").join(part)).unwrap())
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
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
    make(
        &file,
        &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"],
    );
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
    make(
        &file,
        &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"],
    );
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
    assert_eq!(
        library.renditions(&id).await.unwrap()[1].encryption,
        Encryption::Hls
    );
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
        &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
        ],
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
    assert_eq!(left_behind(temp.path()), Vec::<String>::new());
    // The next import sweeps the row that the dropped one left.
    assert!(matches!(
        library
            .import(temp.path(), ImportOptions::default(), |_| {})
            .await,
        Err(ImportError::Directory(_))
    ));
    assert!(library.videos().await.unwrap().is_empty());
}
