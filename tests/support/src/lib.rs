//! What the tests of all crates share.
#![forbid(unsafe_code)]
#![allow(clippy::panic, reason = "a broken corpus has nobody to report to")]

#[cfg(unix)]
pub mod display;
#[cfg(unix)]
pub mod sound;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A test can not run here: for want of a tool, a right or the corpus. It says so to whoever runs it, also where the
/// output of passing tests is held back. Under CI, where everything must be there, it fails.
///
/// ```no_run
/// fn find_corpus() -> Option<std::path::PathBuf> { None }
/// let Some(corpus) = find_corpus() else {
///     return kinora_test_support::skip("no corpus beside the checkout");
/// };
/// ```
///
/// # Panics
/// When `CI` is set.
#[track_caller]
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "nothing may be skipped under CI, but: {why}"
    );
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test").to_owned();
    // The test harness captures what is printed, but not what is written.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// The root of the conformance corpus: `$KINORA_CORPUS`, or `shared/corpus` beside the checkout.
#[must_use]
pub fn find_corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("KINORA_CORPUS").map_or_else(beside, PathBuf::from);
    Some(root).filter(|root| root.join("index.tsv").is_file())
}

/// The same for a test that can not do without it, which is skipped where there is none.
#[must_use]
#[track_caller]
pub fn corpus() -> Option<PathBuf> {
    let found = find_corpus();
    if found.is_none() {
        skip("no corpus beside the checkout, nor at $KINORA_CORPUS");
    }
    found
}

/// The files of one folder of the corpus with their names, in order; none where the test is skipped.
///
/// # Panics
/// When the corpus is there and the folder is not.
#[must_use]
#[track_caller]
pub fn corpus_files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Some(root) = corpus() else {
        return Vec::new();
    };
    let folder = root.join(folder);
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).ok()?;
        Some((path.file_name()?.to_string_lossy().into_owned(), bytes))
    };
    let entries = std::fs::read_dir(&folder).map(|entries| entries.flatten());
    let Ok(entries) = entries else {
        panic!("{} is missing in the corpus", folder.display());
    };
    let mut files: Vec<_> = entries.filter_map(|entry| read(entry.path())).collect();
    files.sort();
    files
}

/// FFmpeg's program with these arguments, quiet and without questions.
#[must_use]
pub fn ffmpeg(arguments: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace());
    command
}

/// Runs it in a folder, in which it makes what the arguments name.
///
/// # Panics
/// When it fails, or is not there.
#[track_caller]
pub fn ffmpeg_in(folder: &Path, arguments: &str) {
    let made = ffmpeg(arguments).current_dir(folder).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "make setup, then: ffmpeg {arguments}"
    );
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Runs `skips_when_asked_to` in a process of its own.
    fn skipping(ci: bool) -> std::process::Output {
        let mut inside = Command::new(std::env::current_exe().unwrap());
        inside
            .args(["tests::skips_when_asked_to", "--exact"])
            .env("KINORA_SKIP", "1")
            .env_remove("CI");
        if ci {
            inside.env("CI", "true");
        }
        inside.output().unwrap()
    }

    #[test]
    fn skips_when_asked_to() {
        if std::env::var_os("KINORA_SKIP").is_some() {
            super::skip("there is no moon");
        }
    }

    #[test]
    fn a_skipped_test_is_seen_and_fails_under_ci() {
        let seen = skipping(false);
        assert!(seen.status.success());
        assert!(String::from_utf8_lossy(&seen.stderr).contains("there is no moon"));
        assert!(!skipping(true).status.success());
    }
}
