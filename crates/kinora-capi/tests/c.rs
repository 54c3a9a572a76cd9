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
    ended(command.args(arguments))
}

fn ended(command: &mut Command) -> Output {
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

/// Nothing leaks and nothing is touched that is not the program's own: valgrind says so, and the address sanitizer, whose allocator
/// counts what the library and the program have asked for.
#[track_caller]
fn is_clean(example: &str, arguments: impl FnOnce(&Path) -> Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip("valgrind is not installed");
    }
    let arguments = arguments(folder.path());
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
        .args([
            "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite",
            concat!(
                "--suppressions=",
                env!("CARGO_MANIFEST_DIR"),
                "/tests/valgrind.supp"
            ),
        ])
        .arg(build(example, folder.path(), &[]));
    let watched = ended(valgrind.args(&arguments));
    assert!(watched.status.success(), "{}", text(&watched.stderr));

    let mut sanitized = Command::new(build(example, folder.path(), &["-fsanitize=address"]));
    sanitized.env("ASAN_OPTIONS", "detect_leaks=1");
    let watched = ended(sanitized.args(&arguments));
    assert!(watched.status.success(), "{}", text(&watched.stderr));
}

#[test]
fn the_example_that_writes_a_picture_leaks_nothing() {
    is_clean("first_picture", |folder| {
        vec![clip(folder), "0.2".into(), folder.join("picture.png")]
    });
}

#[test]
fn the_example_that_waits_for_events_leaks_nothing() {
    is_clean("events", |folder| vec![clip(folder)]);
}

#[test]
fn the_example_with_sinks_leaks_nothing() {
    is_clean("sink", |folder| vec![clip(folder)]);
}

/// `scripts/install.sh library`, of what cargo has just built.
fn installed(prefix: &Path, verb: &[&str]) {
    let target = prefix.join("target");
    let built = target.join("debug");
    std::fs::create_dir_all(&built).unwrap();
    let deps = std::env::current_exe().unwrap();
    for name in ["libkinora_capi.so", "libkinora_capi.a"] {
        let link = built.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(deps.with_file_name(name), link).unwrap();
        }
    }
    let done = Command::new(here("../../scripts/install.sh"))
        .args(verb)
        .arg("library")
        .env("PREFIX", prefix.join("usr"))
        .env("CARGO_TARGET_DIR", &target)
        .envs([("PROFILE", "dev"), ("BUILD", "no"), ("DESTDIR", "")])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
}

/// What pkg-config says of the library below a prefix.
fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let told = Command::new("pkg-config")
        .args(arguments)
        .arg("kinora")
        .env("PKG_CONFIG_PATH", prefix.join("usr/lib/pkgconfig"))
        .output()
        .expect("make setup: pkg-config");
    assert!(told.status.success(), "{}", text(&told.stderr));
    text(&told.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_program_is_built_by_pkg_config_against_what_was_installed() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path();
    installed(prefix, &[]);
    assert_eq!(
        pkg_config(prefix, &["--modversion"]),
        [env!("CARGO_PKG_VERSION")]
    );
    let lib = prefix.join("usr/lib");
    for (name, linked) in [
        ("shared", &["--libs"][..]),
        ("static", &["--libs", "--static"]),
    ] {
        let program = prefix.join(name);
        let built = Command::new("cc")
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&program)
            .arg(here("examples/events.c"))
            .args(pkg_config(prefix, &["--cflags"]))
            // Of both libraries a linker takes the shared one, unless told otherwise.
            .args((name == "static").then_some("-Wl,-Bstatic"))
            .args(pkg_config(prefix, linked).iter().take(2))
            .args((name == "static").then_some("-Wl,-Bdynamic"))
            .args(pkg_config(prefix, linked).iter().skip(2))
            .output()
            .unwrap();
        assert!(built.status.success(), "{name}: {}", text(&built.stderr));
        let mut command = Command::new(&program);
        command.arg(clip(prefix)).env("LD_LIBRARY_PATH", &lib);
        let played = command.output().unwrap();
        assert!(played.status.success(), "{name}: {}", text(&played.stderr));
        assert!(text(&played.stdout).contains("completion"), "{name}");
        let needed = Command::new("readelf").arg("-d").arg(&program).output();
        let is_shared = text(&needed.unwrap().stdout).contains("libkinora.so");
        assert_eq!(is_shared, name == "shared");
    }
    installed(prefix, &["--uninstall"]);
    let left = Command::new("find")
        .arg(prefix.join("usr"))
        .args(["!", "-type", "d"])
        .output();
    assert_eq!(
        text(&left.unwrap().stdout),
        "",
        "all of it is taken away again"
    );
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
