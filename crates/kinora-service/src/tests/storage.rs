//! What nobody may lose: media whose database is gone, old or another's, and what lies behind links.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use kinora_errors::Coded as _;

use super::*;
use crate::{ImportOptions, Notice, ServiceError, SystemClock};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::now())
}

/// A directory with one video in it, and no service.
async fn library_of_one(data: &Path) -> VideoId {
    let (service, _) = Running::start(data, clock()).await;
    let id = service.publish().await;
    service.stop().await;
    id
}

async fn refusal(data: &Path) -> ServiceError {
    let refused = Service::open(config(data, &clock())).await.err().unwrap();
    let reading = Library::open(data, Arc::new(SystemClock))
        .await
        .err()
        .unwrap();
    assert_eq!(refused.reason(), reading.reason());
    refused
}

/// Every path below a directory, with its length.
fn tree(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let about = std::fs::symlink_metadata(&path).unwrap();
        if about.is_dir() {
            found.extend(tree(&path));
        }
        found.push((path, about.len()));
    }
    found.sort();
    found
}

#[tokio::test]
async fn media_without_their_database_are_not_touched() {
    let temp = tempfile::tempdir().unwrap();
    let other = temp.path().join("other");
    library_of_one(&other).await;
    let fresh = temp.path().join("fresh");
    Library::create(&fresh, clock())
        .await
        .unwrap()
        .close()
        .await;

    type Loss<'a> = &'a dyn Fn(&Path);
    let losses: [(&str, Loss<'_>, &str); 4] = [
        (
            "removed",
            &|file| std::fs::remove_file(file).unwrap(),
            "service.data.database_lost",
        ),
        (
            "emptied",
            &|file| std::fs::write(file, b"").unwrap(),
            "service.data.database_lost",
        ),
        (
            "another's",
            &|file| assert!(std::fs::copy(other.join("kinora.db"), file).is_ok()),
            "service.data.mismatch",
        ),
        (
            "new",
            &|file| assert!(std::fs::copy(fresh.join("kinora.db"), file).is_ok()),
            "service.data.mismatch",
        ),
    ];
    for (name, lose, reason) in losses {
        let data = temp.path().join(name);
        let id = library_of_one(&data).await;
        // What a killed import left must not go either: which one it was, only the lost database knows.
        std::fs::create_dir_all(data.join("staging").join(id.as_str()).join("out")).unwrap();
        std::fs::write(data.join("staging").join(format!("{id}.lock")), b"").unwrap();
        let database = data.join("kinora.db");
        let backup = temp.path().join(format!("{name}.backup"));
        std::fs::copy(&database, &backup).unwrap();
        lose(&database);
        let before = [tree(&data.join("media")), tree(&data.join("staging"))];
        let refused = refusal(&data).await;
        assert_eq!(refused.reason(), reason, "{name}: {refused}");
        assert!(refused.to_string().contains("Nothing was changed"));
        let after = [tree(&data.join("media")), tree(&data.join("staging"))];
        assert_eq!(before, after, "{name}");
        assert_eq!(database.exists(), name != "removed");

        // Restored, all is there again.
        std::fs::copy(&backup, &database).unwrap();
        let library = Library::open(&data, clock()).await.unwrap();
        assert_eq!(library.videos().await.unwrap().len(), 1);
        library.close().await;
        assert_eq!(tree(&data.join("media")), before[0], "{name}");
    }
}

#[tokio::test]
async fn a_database_without_its_media_is_refused_until_they_are_back() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    library_of_one(&data).await;
    let away = temp.path().join("away");
    std::fs::rename(data.join("media"), &away).unwrap();
    assert_eq!(refusal(&data).await.reason(), "service.data.mismatch");
    std::fs::create_dir(data.join("media")).unwrap();
    assert_eq!(refusal(&data).await.reason(), "service.data.mismatch");
    std::fs::remove_dir(data.join("media")).unwrap();
    std::fs::rename(&away, data.join("media")).unwrap();
    Library::open(&data, clock()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_library_of_an_earlier_version_gets_its_id() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    library_of_one(&data).await;
    let mark = data.join("media/.library");
    let id = std::fs::read_to_string(&mark).unwrap();
    for forgotten in ["database", "media", "both"] {
        if forgotten != "database" {
            std::fs::remove_file(&mark).unwrap();
        }
        if forgotten != "media" {
            let url = format!("sqlite:{}", data.join("kinora.db").display());
            let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
            let forget = sqlx::query("DELETE FROM setting WHERE name = 'library_id'");
            assert_eq!(forget.execute(&pool).await.unwrap().rows_affected(), 1);
            pool.close().await;
        }
        Library::open(&data, clock()).await.unwrap().close().await;
        let again = std::fs::read_to_string(&mark).unwrap();
        assert_eq!(again == id, forgotten != "both", "{forgotten}");
        assert_eq!(again.len(), id.len());
    }
}

#[tokio::test]
async fn what_an_older_database_does_not_know_is_set_aside_by_the_operator_only() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let known = library_of_one(&data).await;
    let backup = temp.path().join("backup.db");
    std::fs::copy(data.join("kinora.db"), &backup).unwrap();
    let newer = library_of_one(&data).await;
    std::fs::copy(&backup, data.join("kinora.db")).unwrap();
    // A killed import whose record is not in the backup.
    let killed = Core::new_video_id().unwrap();
    std::fs::create_dir(data.join("media").join(killed.as_str())).unwrap();
    std::fs::write(data.join("staging").join(format!("{killed}.lock")), b"").unwrap();

    let (service, _) = Running::start(&data, clock()).await;
    let library = service.library.clone();
    let aside = data.join("lost+found").join(killed.as_str());
    let notices = library.take_notices();
    assert!(
        matches!(&notices[..], [Notice::SetAside(path)] if *path == aside),
        "{notices:?}"
    );
    assert!(aside.is_dir() && data.join("media").join(newer.as_str()).is_dir());
    assert_eq!(
        library.unknown_media().await.unwrap(),
        std::slice::from_ref(&newer)
    );

    let moved = library.collect_unknown().await.unwrap();
    assert_eq!(moved, [data.join("lost+found").join(newer.as_str())]);
    assert_eq!(std::fs::read(moved[0].join("fd.mp4")).unwrap(), MP4);
    assert_eq!(library.lost_found().unwrap().len(), 2);
    // What the operator keeps there himself stays.
    std::fs::write(data.join("lost+found/letter.txt"), "x").unwrap();
    assert_eq!(library.empty_lost_found().unwrap(), 2);
    assert!(library.lost_found().unwrap().is_empty());
    assert!(data.join("lost+found/letter.txt").exists());
    let left: Vec<VideoId> = library
        .videos()
        .await
        .unwrap()
        .into_iter()
        .map(|video| video.id)
        .collect();
    assert_eq!(left, [known]);
    service.stop().await;
}

#[tokio::test]
async fn what_killed_imports_left_is_swept_and_what_ended_or_runs_is_not() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let (service, _) = Running::start(&data, clock()).await;
    let core = service.library.core.clone();
    // Killed after its video was finished, and before its lock was gone.
    let finished = service.publish().await;
    std::fs::write(core.staging().join(format!("{finished}.lock")), b"").unwrap();
    let (killed, running) = (Core::new_video_id().unwrap(), Core::new_video_id().unwrap());
    let mut locks = Vec::new();
    for id in [&killed, &running] {
        std::fs::create_dir_all(core.staging().join(id.as_str()).join("out")).unwrap();
        std::fs::create_dir(data.join("media").join(id.as_str())).unwrap();
        let lock = std::fs::File::create(core.staging().join(format!("{id}.lock"))).unwrap();
        lock.lock().unwrap();
        locks.push(lock);
        let video = Video {
            id: id.clone(),
            title: String::new(),
            status: VideoStatus::Transcoding,
            duration_s: 0.0,
            size: 0,
            cover: None,
            created_ms: 1,
            details: VideoDetails::default(),
        };
        core.videos.insert_video(&video).await.unwrap();
    }
    drop(locks.remove(0));
    service.stop().await;
    let (service, _) = Running::start(&data, clock()).await;
    let videos = service.library.videos().await.unwrap();
    let left: Vec<VideoId> = videos.into_iter().map(|video| video.id).collect();
    assert_eq!(left, [finished.clone(), running.clone()]);
    let mut places: Vec<_> = ["media", "staging", "lost+found"]
        .iter()
        .flat_map(|part| std::fs::read_dir(data.join(part)).into_iter().flatten())
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(&data)
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    places.sort();
    let mut wanted = vec![
        "media/.library".to_owned(),
        format!("media/{finished}"),
        format!("media/{running}"),
        format!("staging/{running}"),
        format!("staging/{running}.lock"),
    ];
    wanted.sort();
    assert_eq!(places, wanted);
    service.stop().await;
}

#[tokio::test]
async fn links_among_the_parts_are_refused_and_nothing_behind_them_is_touched() {
    let temp = tempfile::tempdir().unwrap();
    let foreign = temp.path().join("foreign");
    let precious = foreign.join("5aed81b74ba84920be578cdfe004af4b");
    std::fs::create_dir_all(&precious).unwrap();
    std::fs::write(precious.join("letter.txt"), "x").unwrap();
    for part in [
        "media",
        "staging",
        "lost+found",
        "kinora.db",
        "server.lock",
        "media/.library",
    ] {
        let data = temp.path().join(part.replace('/', "-"));
        library_of_one(&data).await;
        let path = data.join(part);
        match std::fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => std::fs::remove_dir_all(&path).unwrap(),
            Ok(_) => std::fs::remove_file(&path).unwrap(),
            Err(_) => {}
        }
        symlink(&foreign, &path).unwrap();
        let refused = refusal(&data).await;
        assert!(
            matches!(&refused, ServiceError::SymbolicLink(at) if at.ends_with(part)),
            "{refused}"
        );
        assert_eq!(tree(&foreign).len(), 2, "{part}");
    }
    // The directory itself may be one.
    let data = temp.path().join("data");
    library_of_one(&data).await;
    symlink(&data, temp.path().join("link")).unwrap();
    let linked = Library::open(&temp.path().join("link"), clock())
        .await
        .unwrap();
    linked.close().await;
}

#[tokio::test]
async fn a_link_among_the_media_leads_nowhere() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let (service, key) = Running::start(&data, clock()).await;
    let key = key.unwrap();
    let secret = temp.path().join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("fd.mp4"), b"secret").unwrap();
    let (file, whole) = (service.publish().await, service.publish().await);
    let path = data.join("media").join(file.as_str()).join("fd.mp4");
    std::fs::remove_file(&path).unwrap();
    symlink(secret.join("fd.mp4"), &path).unwrap();
    let path = data.join("media").join(whole.as_str());
    std::fs::remove_dir_all(&path).unwrap();
    symlink(&secret, &path).unwrap();
    for id in [&file, &whole] {
        let target = service.play_url(&key, id, "mp4").await;
        let reply = service.get(&target, &[]).await;
        assert!(matches!(reply.status, 404 | 500), "{}", reply.status);
        service.library.delete_video(id).await.ok();
    }
    assert_eq!(std::fs::read(secret.join("fd.mp4")).unwrap(), b"secret");
    service.stop().await;
}

#[tokio::test]
async fn what_others_could_read_is_closed_to_them_and_reported() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    library_of_one(&data).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parts = [
        ("", 0o755, 0o700),
        ("kinora.db", 0o644, 0o600),
        ("media", 0o755, 0o700),
        ("staging", 0o775, 0o700),
    ];
    for (part, open, _) in parts {
        let open = std::fs::Permissions::from_mode(open);
        std::fs::set_permissions(data.join(part), open).unwrap();
    }
    // Its log, as a killed service leaves it.
    std::fs::write(data.join("kinora.db-wal"), b"").unwrap();
    std::fs::set_permissions(
        data.join("kinora.db-wal"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let library = Library::open(&data, clock()).await.unwrap();
    library.videos().await.unwrap();
    for (part, _, closed) in parts {
        assert_eq!(mode(&data.join(part)), closed, "{part}");
    }
    for beside in ["kinora.db-wal", "kinora.db-shm"] {
        assert_eq!(mode(&data.join(beside)), 0o600, "{beside}");
    }
    let reported = library.take_notices();
    assert_eq!(reported.len(), 5, "{reported:?}");
    assert!(
        reported
            .iter()
            .all(|notice| matches!(notice, Notice::Tightened { .. }))
    );
    library.close().await;
    let again = Library::open(&data, clock()).await.unwrap();
    assert!(again.take_notices().is_empty());
    again.close().await;
}

#[tokio::test]
async fn reading_makes_no_directory() {
    let temp = tempfile::tempdir().unwrap();
    let typo = temp.path().join("typo");
    let empty = temp.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for dir in [&typo, &empty] {
        let refused = Library::open(dir, clock()).await.err().unwrap();
        assert!(
            matches!(refused, ServiceError::NoDataDirectory(_)),
            "{refused}"
        );
        assert_eq!(refused.code().number(), 0x2008_0002);
    }
    assert!(!typo.exists() && tree(&empty).is_empty());
}

/// Sound of a fifth of a second, which is imported quickly.
fn beep(dir: &Path) -> Option<PathBuf> {
    let file = dir.join("beep.mp3");
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "sine=duration=0.2",
        ])
        .args(["-c:a", "libmp3lame"])
        .arg(&file)
        .status();
    let here = made.is_ok_and(|status| status.success());
    assert!(
        here || std::env::var_os("CI").is_none(),
        "FFmpeg is needed: run `make setup`"
    );
    here.then_some(file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn imports_side_by_side_lose_nothing_that_has_ended() {
    let temp = tempfile::tempdir().unwrap();
    let Some(file) = beep(temp.path()) else {
        return;
    };
    let data = temp.path().join("data");
    let importers = (0..3).map(|_| {
        let (data, file) = (data.clone(), file.clone());
        // Each with a database of its own, as programs have.
        tokio::spawn(async move {
            let library = Library::create(&data, Arc::new(SystemClock)).await.unwrap();
            let mut made = Vec::new();
            for _ in 0..5 {
                made.push(
                    library
                        .import(&file, ImportOptions::default(), |_| {})
                        .await
                        .unwrap(),
                );
            }
            library.close().await;
            made
        })
    });
    let mut made = Vec::new();
    for importer in importers.collect::<Vec<_>>() {
        made.extend(importer.await.unwrap());
    }
    made.sort();
    let library = Library::open(&data, clock()).await.unwrap();
    let mut left: Vec<VideoId> = library
        .videos()
        .await
        .unwrap()
        .into_iter()
        .filter(|video| video.status == VideoStatus::Normal)
        .map(|video| video.id)
        .collect();
    left.sort();
    assert_eq!(left, made);
    for id in &made {
        assert!(data.join("media").join(id.as_str()).join("sq.mp3").exists());
    }
    assert!(library.unknown_media().await.unwrap().is_empty());
    library.close().await;
}

/// Lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_running_service_s_library_finds_is_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let _log = tracing::subscriber::set_default(log.finish());
    let temp = tempfile::tempdir().unwrap();
    let (service, _) = Running::start(&temp.path().join("data"), clock()).await;
    let core = &service.library.core;
    let killed = Core::new_video_id().unwrap();
    std::fs::create_dir(core.staging().join(killed.as_str())).unwrap();
    service.library.sweep().await;
    service.stop().await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let reported = format!("removed what the unfinished import {killed} had left");
    assert_eq!(log.matches(&reported).count(), 1, "{log}");
}

#[tokio::test]
async fn media_that_two_collect_at_once_are_moved_once_and_fail_neither() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let one = Library::create(&data, clock()).await.unwrap();
    let other = Library::open(&data, clock()).await.unwrap();
    for round in 0..20 {
        let ids: Vec<VideoId> = (0..20).map(|_| Core::new_video_id().unwrap()).collect();
        for id in &ids {
            std::fs::create_dir(data.join("media").join(id.as_str())).unwrap();
            std::fs::write(data.join("media").join(id.as_str()).join("a.ts"), "x").unwrap();
        }
        let collect = |library: &Library| {
            let library = library.clone();
            tokio::task::spawn_blocking(move || {
                let here = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                here.unwrap().block_on(library.collect_unknown())
            })
        };
        let (first, second) = (collect(&one), collect(&other));
        let moved = first.await.unwrap().unwrap().len() + second.await.unwrap().unwrap().len();
        assert_eq!(moved, ids.len(), "round {round}");
        assert_eq!(one.lost_found().unwrap().len(), ids.len());
        let remove = |library: &Library| {
            let library = library.clone();
            tokio::task::spawn_blocking(move || library.empty_lost_found())
        };
        let (first, second) = (remove(&one), remove(&other));
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        assert!(one.lost_found().unwrap().is_empty());
    }
    one.close().await;
    other.close().await;
}
