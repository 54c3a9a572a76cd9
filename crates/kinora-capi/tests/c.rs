//! What a program in C meets: the header, the shared library, the examples.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use kinora_test_support::{ffmpeg_in, skip};
use tempfile::TempDir;

const HEADER: &str = include_str!("../include/kinora.h");
/// The names that were once given out; lines are added, never taken away within one soname.
const FROZEN: &str = include_str!("../include/kinora.symbols");

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Where cargo has put the shared library, under the name that a program looks for.
fn library() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let built = test.parent().unwrap().join("libkinora_capi.so");
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&built, folder.path().join("libkinora.so.0")).unwrap();
        std::os::unix::fs::symlink(&built, folder.path().join("libkinora.so")).unwrap();
        folder
    });
    folder.path()
}

/// Builds an example, with every warning an error.
fn build(example: &str, into: &Path, more: &[&str]) -> PathBuf {
    let program = into.join(example);
    let built = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-g",
            "-o",
        ])
        .arg(&program)
        .args(more)
        .arg(here(&format!("examples/{example}.c")))
        .arg("-I")
        .arg(here("include"))
        .arg("-I")
        .arg(here("../kinora-errors/generated"))
        .arg("-L")
        .arg(library())
        .arg("-lkinora")
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    program
}

fn run(program: &Path, arguments: &[&Path]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments);
    ended(command)
}

fn ended(mut command: Command) -> Output {
    command.env("LD_LIBRARY_PATH", library()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A second of pictures and a tone.
fn clip(folder: &Path) -> PathBuf {
    ffmpeg_in(
        folder,
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 \
         -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -shortest clip.mp4",
    );
    folder.join("clip.mp4")
}

/// The functions that a text names: `kinora_…(`.
fn functions(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    text.match_indices("kinora_")
        .filter_map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c| !is_name(c))?;
            let before = text[..at].chars().next_back();
            let begins = !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            (begins && rest[end..].starts_with('(')).then(|| &rest[..end])
        })
        .collect()
}

#[test]
fn the_header_the_library_and_the_frozen_names_are_the_same() {
    let frozen: BTreeSet<&str> = FROZEN.lines().collect();
    assert_eq!(functions(HEADER), frozen);
    let listed = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(library().join("libkinora.so"))
        .output()
        .unwrap();
    let listed = text(&listed.stdout);
    let exported: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|name| name.starts_with("kinora_"))
        .collect();
    assert_eq!(exported, frozen);
}

#[test]
fn programs_find_the_library_by_its_soname() {
    let folder = tempfile::tempdir().unwrap();
    let program = build("events", folder.path(), &[]);
    let needed = Command::new("readelf").arg("-d").arg(&program).output();
    assert!(text(&needed.unwrap().stdout).contains("libkinora.so.0"));
}

#[test]
fn the_picture_of_a_time_becomes_a_png() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, png) = (clip(folder.path()), folder.path().join("picture.png"));
    let program = build("first_picture", folder.path(), &[]);
    let shown = run(&program, &[&clip, Path::new("0.5"), &png]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    assert_eq!(text(&shown.stdout), "160x120 at 480000 us, 3 planes\n");
    let same = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&png)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .unwrap();
    assert_eq!(same.stdout.len(), 160 * 120, "{}", text(&same.stderr));
}

#[test]
fn what_is_missing_is_told_by_its_number_and_its_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let program = build("first_picture", folder.path(), &[]);
    let nowhere = folder.path().join("nowhere.mp4");
    let failed = run(&program, &[&nowhere, Path::new("0"), Path::new("x.png")]);
    assert_eq!(failed.status.code(), Some(1));
    let report = text(&failed.stderr);
    assert!(report.contains("0x20080002"), "{report}");
    assert!(report.contains("nowhere.mp4"), "{report}");
}

#[test]
fn a_loop_on_the_descriptor_gets_every_event_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path());
    let played = run(&build("events", folder.path(), &[]), &[&clip]);
    assert!(played.status.success(), "{}", text(&played.stderr));
    let events: Vec<serde_json::Value> = text(&played.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = events
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    for name in ["prepared", "first_frame", "completion"] {
        assert_eq!(names.iter().filter(|it| **it == name).count(), 1, "{name}");
    }
}

#[test]
fn sinks_in_c_get_every_picture_and_sample_and_keep_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path());
    let played = run(&build("sink", folder.path(), &[]), &[&clip]);
    let told = text(&played.stdout);
    assert!(played.status.success(), "{told}{}", text(&played.stderr));
    let last = told.lines().last().unwrap();
    assert!(last.starts_with("25 pictures, 4"), "{last}");
}

#[test]
fn nothing_leaks_and_nothing_is_touched_that_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path());
    let png = folder.path().join("picture.png");
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip("valgrind is not installed");
    }
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
        .args([
            "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite",
        ])
        .arg(build("first_picture", folder.path(), &[]))
        .args([clip.as_path(), Path::new("0.2"), png.as_path()]);
    let watched = ended(command);
    assert!(watched.status.success(), "{}", text(&watched.stderr));

    // The sanitizer's allocator counts what the library and the program have asked for.
    let sanitized = build("sink", folder.path(), &["-fsanitize=address"]);
    let mut command = Command::new(sanitized);
    command.arg(&clip).env("ASAN_OPTIONS", "detect_leaks=1");
    let watched = ended(command);
    assert!(watched.status.success(), "{}", text(&watched.stderr));
}

#[test]
fn the_header_is_cpp_too() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("unit.cpp");
    std::fs::write(
        &unit,
        "#include \"kinora.h\"\nint main() { return kinora_api_version() < KINORA_API_VERSION; }\n",
    )
    .unwrap();
    let built = Command::new("c++")
        .args([
            "-std=c++17",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-fsyntax-only",
        ])
        .arg(&unit)
        .arg("-I")
        .arg(here("include"))
        .arg("-I")
        .arg(here("../kinora-errors/generated"))
        .output();
    match built {
        Ok(built) => assert!(built.status.success(), "{}", text(&built.stderr)),
        Err(_) => skip("there is no C++ compiler"),
    }
}
