//! The group `playback`, as far as files, decoders and outputs go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora::{DecoderChoice, Event, Fault, InfoCode, Player, PlayerBuilder};
use kinora_faults::evidence::{mended, raised, skip};
use kinora_faults::registry::expect;
use kinora_faults::watch::Watch;
use kinora_faults::{PATIENCE, clips};
use kinora_media::VideoFrame;
use kinora_output::{SinkError, VideoSink};

fn open(file: &Path, with: impl FnOnce(PlayerBuilder) -> PlayerBuilder) -> Watch {
    let watch = Watch::new(with);
    watch.player.open(file.display().to_string());
    watch
}

fn rust_only(builder: PlayerBuilder) -> PlayerBuilder {
    builder.decoders(DecoderChoice::Rust)
}

fn fault_of(file: &Path) -> Fault {
    open(file, |builder| builder).fault()
}

fn plays(file: &Path) {
    open(file, |builder| builder).completes();
}

fn room() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn nothing_is_no_source() {
    expect("ERROR_DATASOURCE_EMPTYURL", &fault_of(Path::new("")));
}

#[test]
fn a_file_that_was_deleted_is_missed_until_it_is_back() {
    let dir = room();
    let film = clips::film(dir.path());
    let away = dir.path().join("away.mp4");
    std::fs::rename(&film, &away).unwrap();
    expect("ERROR_GENERAL_ENOENT", &fault_of(&film));
    std::fs::rename(&away, &film).unwrap();
    plays(&film);
}

#[test]
fn a_failure_without_a_number_of_its_own_is_reported_as_unknown() {
    let dir = room();
    if std::env::var_os(INSIDE).is_some() {
        let fault = Player::builder().build().err().unwrap();
        return expect("ERROR_GENERAL_UNKNOWN", &fault);
    }
    // ENAMETOOLONG has its own number in the open family.
    let fault = fault_of(&dir.path().join("x".repeat(300)));
    assert_eq!(fault.code().number(), 0x2008_0000 + 36, "{fault}");
    if !is_root() {
        return skip("a process is run as another user, which takes root");
    }
    let no_threads = [
        "setpriv",
        "--reuid=65533",
        "--regid=65533",
        "--clear-groups",
        "prlimit",
        "--nproc=1",
    ];
    passes_inside(
        "a_failure_without_a_number_of_its_own_is_reported_as_unknown",
        &no_threads,
        "1",
    );
    raised("ERROR_GENERAL_UNKNOWN");
    plays(&clips::film(dir.path()));
}

/// A test of this program passes in a process that may do less.
fn passes_inside(test: &str, wrapper: &[&str], value: &str) {
    let inside = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, value)
        .output()
        .unwrap();
    let reported = [inside.stdout, inside.stderr].concat();
    assert!(
        inside.status.success(),
        "{}",
        String::from_utf8_lossy(&reported)
    );
}

const INSIDE: &str = "KINORA_FAULTS_INSIDE";

#[test]
fn a_file_that_the_system_does_not_permit_fails_until_it_does() {
    // The kernel's log is for those with CAP_SYSLOG; to others its open gives EPERM, even to root.
    let log = Path::new("/proc/kmsg");
    if std::env::var_os(INSIDE).is_some() {
        return expect("ERROR_GENERAL_EPERM", &fault_of(log));
    }
    if !is_root() {
        return skip("only root can be forbidden what only root may do");
    }
    let less = [
        "setpriv",
        "--bounding-set=-syslog,-sys_admin",
        "--inh-caps=-syslog,-sys_admin",
    ];
    passes_inside(
        "a_file_that_the_system_does_not_permit_fails_until_it_does",
        &less,
        "1",
    );
    raised("ERROR_GENERAL_EPERM");
    // Permitted, it opens; it is a log and no film.
    let fault = fault_of(log);
    assert_ne!(fault.code().name(), "ERROR_GENERAL_EPERM");
    mended();
}

#[test]
fn a_file_that_is_for_others_fails_with_its_own_errno() {
    if let Some(path) = std::env::var_os(INSIDE) {
        let fault = fault_of(Path::new(&path));
        // EACCES
        return assert_eq!(
            (fault.code().number(), fault.reason()),
            (0x2008_0000 + 13, "file.permission")
        );
    }
    if !is_root() {
        return skip("a process is run as another user, which takes root");
    }
    let dir = room();
    let film = clips::film(dir.path());
    run("chmod", &["0600", &film.display().to_string()]);
    run("chmod", &["0755", &dir.path().display().to_string()]);
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    passes_inside(
        "a_file_that_is_for_others_fails_with_its_own_errno",
        &nobody,
        &film.display().to_string(),
    );
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|reported| reported.stdout == b"0\n")
}

fn run(program: &str, words: &[&str]) -> Option<String> {
    let done = Command::new(program).args(words).output().ok()?;
    done.status
        .success()
        .then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// A mounted image, taken down at the end.
struct Image {
    device: String,
    mount: PathBuf,
    file: PathBuf,
}

impl Image {
    /// An ext4 image that holds what lies in `dir`; `None` where this machine mounts none.
    fn of(dir: &Path, work: &Path) -> Option<Self> {
        let (file, mount) = (work.join("image"), work.join("mount"));
        std::fs::create_dir_all(&mount).ok()?;
        run("truncate", &["-s", "16M", file.to_str()?])?;
        run("mkfs.ext4", &["-q", "-d", dir.to_str()?, file.to_str()?])?;
        let device = run("losetup", &["-f", "--show", file.to_str()?])?;
        let image = Self {
            device,
            mount,
            file,
        };
        run("mount", &["-o", "ro", &image.device, image.mount.to_str()?])?;
        Some(image)
    }
    fn resize(&self, bytes: &str) {
        run("truncate", &["-s", bytes, self.file.to_str().unwrap()]).unwrap();
        run("losetup", &["-c", &self.device]).unwrap();
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", &self.mount.display().to_string()]);
        let _ = run("losetup", &["-d", &self.device]);
    }
}

#[test]
fn a_disk_that_can_not_be_read_fails_until_it_can() {
    let (dir, work) = (room(), room());
    // Some 6 MB, so that its end lies far from its beginning on the disk.
    let noise = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=1,noise=alls=100:allf=t -c:v libx264 -qp 8 \
                 -preset ultrafast -pix_fmt yuv420p -movflags +faststart";
    let film = clips::make(dir.path(), "noise.mp4", noise);
    assert!(std::fs::metadata(&film).unwrap().len() > 4_000_000);
    let Some(image) = Image::of(dir.path(), work.path()) else {
        return skip("this machine mounts no image (root, loop devices and mkfs.ext4 are needed)");
    };
    let whole = std::fs::read(&image.file).unwrap();
    let inside = image.mount.join(film.file_name().unwrap());
    // The device ends before the film does.
    image.resize("3M");
    let mut watch = open(&inside, |builder| builder);
    let fault = watch.fault();
    assert_eq!(fault.code().name(), "ERROR_LOADING_TIMEOUT");
    assert!(
        format!("{:?}", fault.causes()).contains("ERROR_GENERAL_EIO"),
        "{fault:?}"
    );
    std::fs::write(&image.file, whole).unwrap();
    image.resize("16M");
    watch.player.reload();
    watch.completes();
    assert_eq!(
        watch.recovered_from("ERROR_GENERAL_EIO").reason(),
        "file.io"
    );
}

#[test]
fn a_text_under_a_films_name_is_no_film() {
    let dir = room();
    let text = dir.path().join("film.mp4");
    std::fs::write(&text, "INTERIOR. A ROOM. NIGHT.\n".repeat(400)).unwrap();
    expect("ERROR_DEMUXER_OPENSTREAM", &fault_of(&text));
    std::fs::write(&text, "").unwrap();
    assert_eq!(fault_of(&text).code().name(), "ERROR_DEMUXER_OPENSTREAM");
}

#[test]
fn tracks_that_are_neither_video_nor_audio_are_nothing_to_play() {
    let dir = room();
    let film = clips::make(
        dir.path(),
        "film.mov",
        "-f lavfi -i testsrc2=size=64x64:rate=25:duration=1 -c:v libx264 -pix_fmt yuv420p -timecode 00:00:00:00",
    );
    let timecode = clips::make(
        dir.path(),
        "timecode.mov",
        &format!("-i {} -map 0:d -c copy", film.display()),
    );
    expect("ERROR_DEMUXER_NO_VALID_STREAM", &fault_of(&timecode));
}

#[test]
fn video_that_can_not_be_decoded_ends_it_after_a_thousand() {
    let dir = room();
    let blind = clips::blind_film(dir.path(), 1_200);
    let mut watch = open(&blind, rust_only);
    expect("ERROR_DECODE_VIDEO", &watch.fault());
    assert!(watch.player.stats().corrupt_packets >= 1_000);
    plays(&clips::film(dir.path()));
}

#[test]
fn audio_that_can_not_be_decoded_ends_it_after_a_thousand() {
    let dir = room();
    expect(
        "ERROR_DECODE_AUDIO",
        &fault_of(&clips::deaf_film(dir.path(), 26)),
    );
    plays(&clips::film(dir.path()));
}

#[test]
fn video_without_a_decoder_leaves_the_audio_playing() {
    let dir = room();
    let film = clips::film(dir.path());
    // VC-1 has its decoders elsewhere.
    clips::relabel(&film, b"avc1", b"vc-1");
    let mut watch = open(&film, rust_only);
    watch.completes();
    expect(
        "ERROR_CODEC_VIDEO_NOT_SUPPORT",
        watch.recovered_from("ERROR_CODEC_VIDEO_NOT_SUPPORT"),
    );
    assert!(watch.notices.contains(&InfoCode::VideoCodecNotSupport));
    let mute = clips::make(
        dir.path(),
        "mute.mp4",
        "-f lavfi -i testsrc2=size=64x64:rate=25:duration=1 -c:v mpeg4",
    );
    assert_eq!(
        open(&mute, rust_only).fault().code().name(),
        "ERROR_DEMUXER_NO_VALID_STREAM",
        "nothing is left to play"
    );
}

#[test]
fn audio_without_a_decoder_leaves_the_video_playing() {
    let dir = room();
    let film = clips::make(
        dir.path(),
        "film.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -f lavfi -i sine=duration=1:sample_rate=48000 \
         -c:v libx264 -pix_fmt yuv420p -c:a dca -strict -2",
    );
    let mut watch = open(&film, rust_only);
    watch.completes();
    expect(
        "ERROR_CODEC_AUDIO_NOT_SUPPORT",
        watch.recovered_from("ERROR_CODEC_AUDIO_NOT_SUPPORT"),
    );
    assert!(watch.notices.contains(&InfoCode::AudioCodecNotSupport));
    assert!(watch.player.output_stats().shown > 0);
}

#[test]
fn a_decoder_that_gets_no_memory_has_failed_and_the_film_has_not() {
    if let Some(film) = std::env::var_os(INSIDE) {
        let with = |builder: PlayerBuilder| builder.decoders(DecoderChoice::Ffmpeg);
        return expect("ERROR_CODEC_UNKNOWN", &open(Path::new(&film), with).fault());
    }
    let dir = room();
    let large = "-f lavfi -i color=black:size=7680x4320:rate=5:duration=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let film = clips::make(dir.path(), "large.mp4", large);
    // Room for the player and its packets, not for a picture of 50 MB beside another.
    let little = ["prlimit", "--data=130000000"];
    passes_inside(
        "a_decoder_that_gets_no_memory_has_failed_and_the_film_has_not",
        &little,
        &film.display().to_string(),
    );
    raised("ERROR_CODEC_UNKNOWN");
    plays(&film);
}

/// An application's sink with a bug in it.
struct Buggy;

impl VideoSink for Buggy {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let nobody: Vec<u8> = Vec::new();
        assert!(
            nobody.len() > frame.width as usize,
            "the application's own bug"
        );
        Ok(())
    }
}

#[test]
fn a_bug_in_the_applications_sink_does_not_take_the_player_along() {
    let dir = room();
    let film = clips::film(dir.path());
    let mut watch = open(&film, |builder| builder.video_sink(Buggy));
    watch.completes();
    if watch.recovered.is_empty() {
        // The panic may still be printing its backtrace when so short a film is over.
        watch.until(|event| matches!(event, Event::Recovered(_)).then_some(()));
    }
    expect("ERROR_UNKNOWN", watch.recovered_from("ERROR_UNKNOWN"));
    expect(
        "ERROR_UNKNOWN",
        &watch.player.release(PATIENCE).unwrap_err(),
    );
    plays(&film);
}
